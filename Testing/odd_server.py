"""A web server for tests on loopback that answers as one wishes: oddly, not at all, or for another server."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

IDLE_S = 20
"""Seconds after which a connection on which nothing comes is closed."""


@dataclass(frozen=True)
class Request:
    """What a client asked for; `path` is what follows host and port."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What it is answered.

    `cut` breaks the connection within the body, which can be noticed by its announced length; `silent_cut` announces
    none, so that only the body itself can tell.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    silent_cut: bool = False


class OddServer:
    """A server that runs; `requests` is what it was asked, `url` its address."""

    def __init__(self, answer: Callable[[Request], Reply], tls: ssl.SSLContext | None = None):
        self.requests: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answer, self.requests))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def run(self) -> None:
        """Serve until `stop`."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def odd_server(answer: Callable[[Request], Reply], tls: ssl.SSLContext | None = None) -> Iterator[OddServer]:
    """A server that gives this answer to every request, and is closed at the end."""
    server = OddServer(answer, tls)
    server.run()
    try:
        yield server
    finally:
        server.stop()


def ask_other(url: str, request: Request) -> Reply:
    """The answer of the server at `url` (without a path) to this request."""
    with requests.Session() as session:
        session.trust_env = False
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_CONNECTION}
        answer = session.request(request.method, url + request.path, data=request.body, headers=headers, timeout=IDLE_S)
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _OF_CONNECTION}
    return Reply(answer.status_code, answer.content, headers)


_OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}


def _handler(answer: Callable[[Request], Reply], heard: list[Request]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = IDLE_S

        def _respond(self) -> None:
            request = Request(self.command, self.path, dict(self.headers), self._body())
            heard.append(request)
            reply = answer(request)
            body = reply.body[: len(reply.body) // 2] if reply.cut or reply.silent_cut else reply.body
            self.close_connection = self.close_connection or reply.cut or reply.silent_cut
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.silent_cut:
                self.send_header("Connection", "close")
            elif reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _respond

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler

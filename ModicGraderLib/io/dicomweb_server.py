"""Asking a DICOMweb server: with time limits, patiently where a connection breaks, and in words where it fails."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError
from ..progress import Progress
from .dicomweb_credentials import PASSWORD, TOKEN, USER, Credentials, check_address, is_this_machine

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient
    from requests import PreparedRequest, Response, Session

TIMEOUTS_S = (10.0, 60.0)
"""Seconds to wait for a connection, and for the next bytes; an archive may have to look a study up first."""

WAITS_S = (1.0, 2.0, 4.0)
"""Seconds before the second, third and fourth attempt, where the server asks for none."""

LONGEST_WAIT_S = 30.0
"""What a server may ask for with Retry-After at most."""

PASSING = (408, 429, 502, 503, 504)
"""HTTP statuses that may be others a moment later."""

Answer = TypeVar("Answer")

_log = logging.getLogger(__name__)


class Service(Enum):
    """What is asked of the server, and what a message calls it."""

    SEARCH = "searching (QIDO-RS)"
    RETRIEVE = "retrieving (WADO-RS)"
    STORE = "storing (STOW-RS)"


class DicomwebServer:
    """A connection to a DICOMweb server, to be used as a context.

    Parameters
    ----------
    url:
        Its address, without user and password.
    credentials:
        By default those of the environment variables, then those that ~/.netrc has for the host.
    progress:
        Told of what is done, and asked also while waiting.
    """

    def __init__(self, url: str, credentials: Credentials | None, progress: Progress):
        parts = check_address(url)
        self._credentials = credentials or Credentials.from_environment() or _of_netrc(url)
        self._host = parts.netloc
        self._progress = progress
        self._fraction = 0.0
        self._has_answered = False
        if self._credentials and parts.scheme == "http" and not is_this_machine(parts.hostname):
            _log.warning("the %s for %s and all images travel unencrypted; use https", self._said, self._host)
        self._session = self._new_session()
        self._client = _client(url.rstrip("/"), self._session)

    def __enter__(self) -> DicomwebServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def step(self, fraction: float, text: str) -> None:
        """As `Progress.step`."""
        self._fraction = fraction
        self._progress.step(fraction, text)

    def ask(self, service: Service, question: Callable[[DICOMwebClient], Answer]) -> Answer:
        """The answer to a question, which is put again where the connection breaks or the server is busy.

        Whatever the question raises over an odd answer counts as the server's.

        Raises
        ------
        InputError
            No use: the sentence names the server, and no study.
        """
        odd_answers = _odd_answers()
        for wait in (*WAITS_S, None):
            try:
                with _silence():
                    answer = question(self._client)
                self._has_answered = True
                return answer
            except odd_answers as error:
                response = getattr(error, "response", None)
                self._has_answered |= response is not None
                if wait is None or not self._may_pass(error):
                    # Not from the error: what it says holds the address of the study.
                    raise InputError(self._sentence(service, error)) from None
            self._wait(_asked_for(response, wait))
        raise AssertionError("the last attempt returns or raises")

    @property
    def _said(self) -> str:
        return self._credentials.names if self._credentials else "credentials"

    def _new_session(self) -> Session:
        from requests import Session

        session = Session()
        session.auth = self._sign
        session.headers["Accept"] = "application/dicom+json"
        # Orthanc takes ten times as long to pack pixels as to send them.
        session.headers["Accept-Encoding"] = "identity"
        session.hooks["response"].append(_plain_media_type)
        return session

    def _sign(self, request: PreparedRequest) -> PreparedRequest:
        # dicomweb-client sets one without the port, and a wrong one for IPv6; where none is set, http.client knows it.
        request.headers.pop("Host", None)
        if self._credentials:
            self._credentials.sign(request)
        return request

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._progress.step(self._fraction, "Waiting for the server")
            time.sleep(min(left, 0.1))

    def _may_pass(self, error: Exception) -> bool:
        from requests import exceptions

        if isinstance(error, exceptions.SSLError):
            return False
        if isinstance(error, exceptions.HTTPError):
            return error.response.status_code in PASSING
        broken = (exceptions.ConnectionError, exceptions.Timeout, exceptions.ChunkedEncodingError, EOFError)
        # A server that never answered is rather not there.
        return self._has_answered and isinstance(error, broken)

    def _sentence(self, service: Service, error: Exception) -> str:
        from requests import exceptions

        if isinstance(error, exceptions.SSLError):
            return (
                f"the certificate of {self._host} is not trusted; name the file of your hospital's certificate "
                "authority in REQUESTS_CA_BUNDLE"
            )
        if isinstance(error, exceptions.HTTPError):
            return self._sentence_of_status(service, error.response.status_code)
        if isinstance(error, exceptions.ReadTimeout):
            return f"{self._host} did not answer in time; try again later"
        if isinstance(error, (exceptions.ConnectionError, exceptions.ChunkedEncodingError, EOFError)):
            if self._has_answered:
                return f"the connection to {self._host} broke again and again; check the network and try again"
            return f"no server answers at {self._host}; check the address, and that the server runs"
        if isinstance(error, OSError) and not isinstance(error, exceptions.RequestException):
            return "the certificates that REQUESTS_CA_BUNDLE names cannot be read; name a file in PEM format"
        return (
            f"{self._host} answered with something that is no DICOM; check the address, and whether a proxy or a page "
            "to sign in stands before the server"
        )

    def _sentence_of_status(self, service: Service, status: int) -> str:
        if status == 401 and self._credentials:
            return f"{self._host} does not accept the {self._said}; check what {USER}, {PASSWORD}, {TOKEN} hold"
        if status == 401:
            return f"{self._host} asks who you are; set {USER} and {PASSWORD}, or {TOKEN}"
        if status == 403:
            return f"{self._host} does not allow {service.value}; ask its administrator for the right to"
        if status == 404 and service is Service.SEARCH:
            return (
                f"{self._host} has no DICOMweb at this address, or no such study; check the address "
                "(that of Orthanc ends in /dicom-web) and the Study Instance UID"
            )
        if status in (404, 405, 501):
            return f"{self._host} does not offer {service.value}; ask its administrator to switch it on"
        if status in (406, 415):
            return f"{self._host} cannot give the images in a form that can be read here; export them as DICOM files"
        if status == 409:
            return f"{self._host} refused to store the results; its log says why"
        if status == 413:
            return f"{self._host} does not take files this large; ask its administrator to raise the limit"
        return f"{self._host} is busy or out of order (HTTP {status}); try again later"


def _client(url: str, session: Session) -> DICOMwebClient:
    from dicomweb_client import DICOMwebClient

    client = DICOMwebClient(url, session, timeout=TIMEOUTS_S)
    # It would not try again where a connection breaks midway, nor hear that the user cancelled.
    client.set_http_retry_params(retry=False)
    return client


def _of_netrc(url: str) -> Credentials | None:
    from requests.utils import get_netrc_auth

    found = get_netrc_auth(url)
    return Credentials(*found) if found else None


def _odd_answers() -> tuple[type[Exception], ...]:
    """What dicomweb-client and pydicom raise when a server breaks off, refuses, or speaks another language.

    RequestException is an OSError; any other comes of files with certificates.
    """
    from pydicom.errors import InvalidDicomError

    return (OSError, InvalidDicomError, ValueError, LookupError, TypeError, AttributeError, EOFError,
            NotImplementedError)  # fmt: skip


def _asked_for(response: Response | None, wait: float) -> float:
    """Seconds that a busy server asks to wait, within reason."""
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(asked), LONGEST_WAIT_S) if asked.isdecimal() else wait


def _plain_media_type(response: Response, **_: object) -> None:
    """Drop the parameters of JSON's media type, with which dicomweb-client would not know it."""
    kind = response.headers.get("Content-Type", "")
    response.headers["Content-Type"] = kind.split(";")[0].strip() if "json" in kind else kind


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what libraries log and warn of to themselves: it holds addresses with UIDs, and values of headers."""
    loggers = [logging.getLogger(name) for name in ("dicomweb_client", "retrying", "urllib3", "pydicom")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)

"""Who asks a DICOMweb server, and what is said of an address before anything is sent to it."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from ..errors import InputError

if TYPE_CHECKING:
    from requests import PreparedRequest

USER, PASSWORD, TOKEN = (f"MODICGRADER_DICOMWEB_{what}" for what in ("USER", "PASSWORD", "TOKEN"))
"""Environment variables; on the command line other users of the machine would see what they hold."""


@dataclass(frozen=True)
class Credentials:
    """A user with a password, or a bearer token; never printed."""

    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls) -> Credentials | None:
        """What the environment variables hold; None where they hold nothing.

        Raises
        ------
        InputError
            Only a user or only a password, or these and a token, or what cannot be a token.
        """
        user, password, token = (os.environ.get(name, "").strip() or None for name in (USER, PASSWORD, TOKEN))
        if (user is None) != (password is None) or (user and token):
            raise InputError(f"the server's credentials are unclear; set {USER} and {PASSWORD}, or {TOKEN} alone")
        if token and not re.fullmatch("[!-~]+", token):
            raise InputError(f"what {TOKEN} holds is no bearer token; set it without spaces and quotes around it")
        return cls(user, password, token) if user or token else None

    @property
    def names(self) -> str:
        """What a message calls them."""
        return "token" if self.token else "user and password"

    def sign(self, request: PreparedRequest) -> None:
        """Put them into the header of a request."""
        if self.token:
            request.headers["Authorization"] = f"Bearer {self.token}"
        else:
            from requests.auth import HTTPBasicAuth

            # As bytes: requests itself cannot encode names beyond Latin-1.
            HTTPBasicAuth((self.user or "").encode(), (self.password or "").encode())(request)


def check_address(url: str) -> SplitResult:
    """The parts of the address of a DICOMweb server.

    Raises
    ------
    InputError
        It is none, or holds a password.
    """
    try:
        parts = urlsplit(url.rstrip("/"))
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port)
    except ValueError:
        is_address = False
    if not is_address:
        raise InputError("the DICOMweb server's address is none; give one such as https://pacs.hospital.org/dicom-web")
    if parts.username or parts.password:
        raise InputError(f"the DICOMweb server's address holds a password; put it into {PASSWORD} and the user {USER}")
    if parts.query or parts.fragment:
        raise InputError("the DICOMweb server's address holds ? or #; give it without what follows them")
    return parts


def check_study_uid(uid: str) -> None:
    """Raise InputError where it is no Study Instance UID; the sentence does not repeat it."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)*", uid) or len(uid) > 64:
        raise InputError("the study is not named by a DICOM UID; give its Study Instance UID, digits and dots")


def is_this_machine(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""What the tests of DICOMweb share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from orthanc_server import PASSWORD, USER, OrthancServer, orthanc
from pydicom.uid import UID, generate_uid

from ModicGraderLib.io import dicomweb_server
from ModicGraderLib.io.dicomweb_credentials import Credentials


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    """An Orthanc that runs while the tests of a module do."""
    with orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest.fixture
def quick_and_alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No waiting between attempts, and nothing of the user's own settings."""
    monkeypatch.setattr(dicomweb_server, "WAITS_S", (0.01, 0.01, 0.01))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("NETRC", str(tmp_path_factory.getbasetemp() / "no-netrc"))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    for name in ("USER", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MODICGRADER_DICOMWEB_{name}", raising=False)


@pytest.fixture
def me() -> Credentials:
    """Credentials that the server knows."""
    return Credentials(USER, PASSWORD)


@pytest.fixture
def uid() -> UID:
    """Study Instance UID of a new study."""
    return generate_uid()

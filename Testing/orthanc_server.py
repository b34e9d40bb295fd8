"""A real Orthanc for tests: on loopback, with a password, in a folder of its own, gone when the test is."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
import requests
from pydicom import Dataset, dcmread

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
"""DICOMweb for Orthanc, where Debian's package orthanc-dicomweb puts it."""

USER, PASSWORD = "reader", "lumbar-L5/S1"
"""Whom the server knows."""

START_S, LIFE_S = 30, 300
"""Seconds that it may take to start, and after which it ends whatever happens."""


class OrthancServer:
    """One Orthanc, whose patients lie in `folder` and survive a stop; `dicomweb` are settings of its plugin.

    Attributes
    ----------
    root:
        Its address, which stays the same when it is started again.
    url:
        Address of its DICOMweb service.
    """

    def __init__(self, folder: Path, **dicomweb: object):
        self._folder = folder
        self._process: subprocess.Popen | None = None
        port = free_port()
        self.root = f"http://127.0.0.1:{port}"
        self.url = f"{self.root}/dicom-web"
        configuration = {
            "Name": "ModicGrader test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [str(PLUGIN)],
            "HttpPort": port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomServerEnabled": False,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", **dicomweb},
        }
        (folder / "orthanc.json").write_text(json.dumps(configuration))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = self._folder / "orthanc.log"
        # `timeout` ends it even where the test is killed and cannot; the session of its own ends both at once.
        command = ["timeout", "--kill-after=1", str(LIFE_S), _program(), str(self._folder / "orthanc.json")]
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        until = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                pytest.fail(f"Orthanc did not start:\n{log.read_text(errors='replace')[-2000:]}", pytrace=False)
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            # The group is gone where it has ended by itself.
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def get(self, path: str) -> object:
        """The JSON that its own REST interface gives for a path such as "/instances"."""
        return self._ask("GET", path).json()

    def add(self, folder: Path) -> None:
        """Put all DICOM files below a folder into it, as they are, by its own REST interface."""
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            self._ask("POST", "/instances", data=path.read_bytes())

    def modalities(self, study_uid: str) -> list[str]:
        """Those of the series of a study, as QIDO-RS finds them."""
        found = self.get(f"/dicom-web/studies/{study_uid}/series")
        return sorted(series["00080060"]["Value"][0] for series in found)

    def image(self, uid: str) -> Dataset:
        """What it holds under a SOP Instance UID."""
        (number,) = self._ask("POST", "/tools/lookup", data=uid).json()
        return dcmread(BytesIO(self._ask("GET", f"/instances/{number['ID']}/file").content))

    def clear(self) -> None:
        """Take all patients out of it."""
        for patient in self.get("/patients"):
            self._ask("DELETE", f"/patients/{patient}")

    def _ask(self, method: str, path: str, **more: object) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, self.root + path, auth=(USER, PASSWORD), timeout=START_S, **more)
        answer.raise_for_status()
        return answer

    def _answers(self) -> bool:
        try:
            return bool(self.get("/system"))
        except requests.RequestException:
            return False


@contextmanager
def orthanc(folder: Path, **dicomweb: object) -> Iterator[OrthancServer]:
    """A server that runs, and is stopped at the end."""
    server = OrthancServer(folder, **dicomweb)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _program() -> str:
    found = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None or not PLUGIN.exists():
        pytest.fail("Orthanc is not installed; `make test` installs orthanc and orthanc-dicomweb", pytrace=False)
    return found

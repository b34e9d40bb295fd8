"""Who asks a DICOMweb server, by which address, and whom it trusts."""

import shutil
import ssl
import subprocess

import pytest
from odd_server import Reply, odd_server

from ModicGraderLib.errors import InputError
from ModicGraderLib.io.dicomweb import fetch_study
from ModicGraderLib.io.dicomweb_credentials import Credentials
from ModicGraderLib.io.dicomweb_server import DicomwebServer
from ModicGraderLib.progress import Progress

pytestmark = pytest.mark.usefixtures("quick_and_alone")

STUDY = "1.2.3"


@pytest.fixture
def empty():
    """A server without any study."""
    with odd_server(lambda _: Reply(204)) as running:
        yield running


def test_a_token_is_sent_and_beats_netrc(empty, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MODICGRADER_DICOMWEB_TOKEN", "abc.def\n")
    with pytest.raises(InputError, match="no such study"):
        fetch_study(empty.url, STUDY, tmp_path)
    headers = empty.requests[0].headers
    assert headers["Authorization"] == "Bearer abc.def"
    assert headers["Host"] == empty.url.removeprefix("http://")


def test_names_beyond_latin_1_can_sign_in(empty, tmp_path):
    with pytest.raises(InputError, match="no such study"):
        fetch_study(empty.url, STUDY, tmp_path, credentials=Credentials("Łukasz", "hasło"))
    assert empty.requests[0].headers["Authorization"] == "Basic xYF1a2FzejpoYXPFgm8="


def test_an_untrusted_certificate_is_told_and_can_be_trusted_by_name(tmp_path, me, monkeypatch):
    tls, certificate = _certificate(tmp_path)
    with odd_server(lambda _: Reply(204), tls) as server:
        with pytest.raises(InputError, match=r"certificate of 127.* not trusted; name .* in REQUESTS_CA_BUNDLE"):
            fetch_study(server.url, STUDY, tmp_path, credentials=me)
        assert server.requests == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        with pytest.raises(InputError, match="no such study"):
            fetch_study(server.url, STUDY, tmp_path, credentials=me)


def test_certificates_that_cannot_be_read_are_told(tmp_path, me, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    tls, _ = _certificate(tmp_path)
    with (
        odd_server(lambda _: Reply(204), tls) as server,
        pytest.raises(InputError, match="that REQUESTS_CA_BUNDLE names cannot be read; name a file in PEM format"),
    ):
        fetch_study(server.url, STUDY, tmp_path, credentials=me)


@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://pacs.example", True), ("https://pacs.example", False), ("http://localhost:1", False),
     ("http://127.0.0.1:1", False), ("http://[::1]:1", False)],
)  # fmt: skip
def test_credentials_that_would_travel_unencrypted_are_warned_of(url, warned, me, caplog):
    with DicomwebServer(url, me, Progress()):
        assert ("travel unencrypted; use https" in caplog.text) == warned
    assert me.user not in caplog.text


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("pacs.example/dicom-web", "is none; give one such as https"),
        ("ftp://pacs.example", "is none"),
        ("https://", "is none"),
        ("https://pacs.example:port", "is none"),
        ("https://me:secret@pacs.example", "holds a password; put it into MODICGRADER_DICOMWEB_PASSWORD"),
        ("https://pacs.example/dicom-web?study=1", r"holds \? or #"),
    ],
)
def test_a_wrong_address_is_refused_before_anything_is_sent(url, sentence, tmp_path):
    with pytest.raises(InputError, match=sentence) as error:
        fetch_study(url, STUDY, tmp_path)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("uid", ["", "abc", "1.2/../3", "1..2", "1." + "2" * 63, "1.2\n"])
def test_a_study_that_is_no_uid_is_refused_without_repeating_it(uid, tmp_path):
    with pytest.raises(InputError, match="give its Study Instance UID") as error:
        fetch_study("https://pacs.example", uid, tmp_path)
    assert not uid or uid not in str(error.value)


@pytest.mark.parametrize("names", [("USER",), ("PASSWORD",), ("USER", "PASSWORD", "TOKEN")])
def test_unclear_credentials_are_refused(names, monkeypatch):
    for name in names:
        monkeypatch.setenv(f"MODICGRADER_DICOMWEB_{name}", "secret")
    with pytest.raises(InputError, match="credentials are unclear; set") as error:
        Credentials.from_environment()
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "naïve"])
def test_what_cannot_be_a_token_is_refused_without_repeating_it(token, monkeypatch):
    monkeypatch.setenv("MODICGRADER_DICOMWEB_TOKEN", token)
    with pytest.raises(InputError, match="is no bearer token") as error:
        Credentials.from_environment()
    assert token not in str(error.value)


def test_credentials_are_not_printed():
    assert "secret" not in repr(Credentials("secret", "secret", "secret"))


def _certificate(folder):
    """A certificate that signs itself: what a server shows, and the path by which it can be trusted."""
    if shutil.which("openssl") is None:
        pytest.fail("openssl is not installed; `make test` installs it", pytrace=False)
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *files], check=True, capture_output=True, timeout=30)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return tls, certificate

"""DICOMweb servers that are busy, guarded, half-built or something else altogether."""

import json
import re
import time
from io import BytesIO

import numpy as np
import pytest
from dicom_factory import ORIENTATIONS, picture_stack, write_series
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_server import Reply, ask_other, odd_server
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2KLossless, generate_uid

from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.io import dicomweb_server, read_dicom_study
from ModicGraderLib.io.dicomweb import _TAGS, fetch_study, fetched_study
from ModicGraderLib.io.dicomweb_server import DicomwebServer
from ModicGraderLib.progress import Progress

pytestmark = pytest.mark.usefixtures("quick_and_alone")

T1 = picture_stack(2, seed=1)
STUDY = generate_uid()
SERIES = re.compile(r"/series$")
METADATA = re.compile(r"/metadata$")
IMAGE = re.compile(r"/instances/[0-9.]+$")
JSON = {"Content-Type": "application/dicom+json"}
LOGIN_PAGE = Reply(200, b"<html><form action='login'></form></html>", {"Content-Type": "text/html; charset=utf-8"})


@pytest.fixture(scope="module")
def pacs(server, tmp_path_factory):
    """An Orthanc with a sagittal T1 and an axial series of one study."""
    folder = tmp_path_factory.mktemp("sent")
    write_series(folder / "1", T1, "t1", StudyInstanceUID=STUDY)
    write_series(folder / "2", picture_stack(3), "t2", ORIENTATIONS["axial"], StudyInstanceUID=STUDY)
    server.add(folder)
    return server


@pytest.fixture
def between(pacs):
    """A function that starts a server before Orthanc, which answers what fits a pattern by itself.

    What it answers is a reply, a list of replies to be given one after the other, or a function of Orthanc's reply.
    """
    running = []

    def start(odd):
        def answer(request):
            for pattern, own in odd.items():
                if pattern.search(request.path):
                    if isinstance(own, list) and own:
                        return own.pop(0)
                    if isinstance(own, Reply):
                        return own
                    if callable(own):
                        return own(ask_other(pacs.root, request))
            return ask_other(pacs.root, request)

        context = odd_server(answer)
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


def _fetch(server, folder, me, **more):
    fetch_study(f"{server.url}/dicom-web", STUDY, folder, credentials=me, **more)


@pytest.mark.parametrize(
    ("where", "reply", "sentence"),
    [
        (SERIES, Reply(204), "the server has no such study"),
        (SERIES, LOGIN_PAGE, "answered with something that is no DICOM; check the address, and whether .* sign in"),
        (METADATA, LOGIN_PAGE, "is no DICOM"),
        (IMAGE, LOGIN_PAGE, "is no DICOM"),
        (SERIES, Reply(200, b'["a", "b"]', JSON), "is no DICOM"),
        (SERIES, Reply(200, b'{"error": "none"}', JSON), "is no DICOM"),
        (METADATA, Reply(200, b"[{}]", JSON), "is no DICOM"),
        (METADATA, Reply(200, b'[{"00080060": {"vr": "CS", "Value": [7]}}]', JSON), "is no DICOM"),
        (IMAGE, Reply(200, b"no boundary", {"Content-Type": "multipart/related"}), "is no DICOM"),
        (IMAGE, Reply(200, b"--x--", {"Content-Type": "multipart/related; boundary=x"}), "is no DICOM"),
        (SERIES, Reply(200, b'[{"00080060": {"vr": "CS", "Value": ["C\\u001b[T"]}}]', JSON), "holds other but no MR"),
        (METADATA, Reply(404), r"does not offer retrieving \(WADO-RS\); ask its administrator to switch it on"),
        (IMAGE, Reply(501), r"does not offer retrieving \(WADO-RS\)"),
        (IMAGE, Reply(403), "does not allow retrieving .*; ask its administrator"),
        (IMAGE, Reply(406), "cannot give the images in a form that can be read here"),
        (SERIES, Reply(500), r"is busy or out of order \(HTTP 500\)"),
        (IMAGE, Reply(503), r"is busy or out of order \(HTTP 503\)"),
    ],
)
def test_an_odd_answer_becomes_one_sentence_with_the_mend(between, tmp_path, me, where, reply, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        _fetch(between({where: reply}), tmp_path, me)
    assert "\n" not in str(error.value) and STUDY not in str(error.value) and list(tmp_path.iterdir()) == []


def test_a_redirect_to_a_page_to_sign_in_is_told(between, tmp_path, me):
    odd = {SERIES: Reply(302, b"", {"Location": "/login"}), re.compile("/login$"): LOGIN_PAGE}
    with pytest.raises(InputError, match="a page to sign in"):
        _fetch(between(odd), tmp_path, me)


def test_a_busy_server_is_given_the_time_it_asks_for(between, tmp_path, me, monkeypatch):
    monkeypatch.setattr(dicomweb_server, "LONGEST_WAIT_S", 0.2)
    waits = []
    monkeypatch.setattr(DicomwebServer, "_wait", lambda self, seconds: waits.append(seconds))
    busy = [Reply(503, b"", {"Retry-After": "0"}), Reply(429, b"", {"Retry-After": "3600"}), Reply(504)]
    server = between({IMAGE: busy})
    _fetch(server, tmp_path, me)
    assert waits == [0.0, 0.2, 0.01] and len(list(tmp_path.iterdir())) == 2


def test_a_server_that_hangs_is_not_waited_for_without_end(between, tmp_path, me, monkeypatch):
    monkeypatch.setattr(dicomweb_server, "TIMEOUTS_S", (1.0, 0.1))
    server = between({IMAGE: lambda reply: time.sleep(0.3) or reply})
    with pytest.raises(InputError, match="did not answer in time; try again later"):
        _fetch(server, tmp_path, me)
    assert len([one for one in server.requests if IMAGE.search(one.path)]) == 4


def test_waiting_for_a_busy_server_can_be_cancelled(between, tmp_path, me, monkeypatch):
    monkeypatch.setattr(dicomweb_server, "WAITS_S", (60.0, 60.0))
    told = []
    progress = Progress(lambda _, text: told.append(text), lambda: told[-1:] == ["Waiting for the server"])
    with pytest.raises(Cancelled):
        _fetch(between({IMAGE: Reply(503)}), tmp_path, me, progress=progress)


def test_a_server_that_does_not_say_where_images_lie_gives_all_of_mr(between, tmp_path, me):
    def silent(reply):
        images = json.loads(reply.body)
        for image in images:
            del image["00200037"], image["00200032"]
        return Reply(200, json.dumps(images).encode(), JSON)

    _fetch(between({METADATA: silent}), tmp_path, me)
    assert len(list(tmp_path.iterdir())) == 5
    np.testing.assert_array_equal(read_dicom_study(tmp_path).t1.array, T1[::-1])


def test_a_server_that_describes_no_modality_is_asked_for_all_series(between, tmp_path, me):
    def without_modality(reply):
        series = [{tag: value for tag, value in one.items() if tag != "00080060"} for one in json.loads(reply.body)]
        return Reply(200, json.dumps(series).encode(), {"Content-Type": "application/dicom+json; charset=utf-8"})

    _fetch(between({SERIES: without_modality}), tmp_path, me)
    assert len(list(tmp_path.iterdir())) == 2


def test_an_image_other_than_the_one_asked_for_is_refused(between, tmp_path, me):
    first = []

    def always_the_first(reply):
        first.append(reply)
        return first[0]

    with pytest.raises(InputError, match="is no DICOM"):
        _fetch(between({IMAGE: always_the_first}), tmp_path, me)


def test_images_that_cannot_be_decoded_are_asked_for_uncompressed(between, tmp_path, me):
    """Those after them are asked for uncompressed at once."""
    asked = []

    def as_stored_is_odd(reply):
        asked.append("syntax=*" in server.requests[-1].headers["Accept"])
        return _in_high_throughput_jpeg2000(reply) if asked[-1] else reply

    server = between({IMAGE: as_stored_is_odd})
    _fetch(server, tmp_path, me)
    assert asked == [True, False, False]
    np.testing.assert_array_equal(read_dicom_study(tmp_path).t1.array, T1[::-1])


def test_images_that_come_in_no_form_that_can_be_decoded_are_refused(between, tmp_path, me):
    with pytest.raises(InputError, match=r"gives images as High-Throughput JPEG 2000 .* export them uncompressed"):
        _fetch(between({IMAGE: _in_high_throughput_jpeg2000}), tmp_path, me)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_gives_single_images_without_an_envelope_is_understood(between, tmp_path, me, recwarn):
    def bare(reply):
        return Reply(200, _image_in(reply), {"Content-Type": "application/dicom"})

    _fetch(between({IMAGE: bare}), tmp_path, me)
    assert len(list(tmp_path.iterdir())) == 2 and not recwarn.list


KINDS = ("application/dicom+json", "application/json", "multipart/related; boundary=x", "application/dicom", "")
BODIES = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.integers(-9, 9) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["vr", "Value", "00080060", "0020000E", "00200037", "x"]), inner, max_size=3
            )
        ),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40).map(lambda part: b"--x\r\n\r\n" + part + b"\r\n--x--"),
)


JUNK = st.sampled_from([None, [], [None], [""], ["x"], ["1.2"], [7], [0, 0, 0], [0.0] * 6, [{}], {}, [[1]]])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damage=st.dictionaries(st.sampled_from(_TAGS), JUNK, min_size=1, max_size=3),
    vr=st.sampled_from([None, "DS", "SQ", "LO"]),
)
def test_images_that_are_described_wrongly_are_fetched_or_refused_in_one_sentence(between, me, damage, vr):
    def damaged(reply):
        images = json.loads(reply.body)
        for tag, value in damage.items():
            images[0][tag] = {"vr": vr or images[0].get(tag, {}).get("vr", "LO"), "Value": value}
        return Reply(200, json.dumps(images).encode(), JSON)

    server = between({METADATA: damaged})
    try:
        with fetched_study(f"{server.url}/dicom-web", STUDY, credentials=me) as folder:
            assert list(folder.iterdir())
    except InputError as error:
        assert STUDY not in str(error)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.sampled_from([SERIES, METADATA, IMAGE]),
    status=st.sampled_from([200, 200, 200, 206, 300, 400, 418, 599]),
    kind=st.sampled_from(KINDS),
    body=BODIES,
)
def test_whatever_a_server_answers_is_one_sentence_and_no_fault(between, tmp_path, me, where, status, kind, body):
    server = between({where: Reply(status, body, {"Content-Type": kind})})
    with pytest.raises(InputError) as error:
        _fetch(server, tmp_path, me)
    assert STUDY not in str(error.value) and list(tmp_path.iterdir()) == []


def _image_in(reply):
    """The one part of a multipart reply."""
    return reply.body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]


def _in_high_throughput_jpeg2000(reply):
    """The reply with an image that says so; its pixels are nonsense."""
    image = dcmread(BytesIO(_image_in(reply)))
    image.file_meta.TransferSyntaxUID = HTJ2KLossless
    image.PixelData = encapsulate([b"\0\0"])
    image["PixelData"].VR = "OB"
    written = BytesIO()
    image.save_as(written, enforce_file_format=True)
    return Reply(200, written.getvalue(), {"Content-Type": "application/dicom"})

"""Studies from a real Orthanc, and results back to it."""

import errno
import logging

import numpy as np
import pytest
from dicom_factory import ORIENTATIONS, picture_stack, write_enhanced, write_series
from dicom_factory import compress as compress_file
from odd_server import ask_other, odd_server
from orthanc_server import PASSWORD, USER, OrthancServer, free_port, orthanc
from pydicom import FileDataset, dcmread
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RawDataStorage, RLELossless, generate_uid

from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.io import dicomweb_server, read_dicom_study
from ModicGraderLib.io.dicomweb import fetch_study, fetched_study
from ModicGraderLib.io.dicomweb_credentials import Credentials
from ModicGraderLib.progress import Progress

T1, T2 = picture_stack(4, seed=1), picture_stack(4, seed=2)

pytestmark = pytest.mark.usefixtures("quick_and_alone")


@pytest.fixture
def sent(tmp_path, uid, server):
    """An examination as scanners send it, in a folder and on the server."""
    folder = tmp_path / "sent"
    write_series(folder / "1", picture_stack(3, seed=3), "localizer", StudyInstanceUID=uid)
    write_series(folder / "2", picture_stack(9, seed=4), "t2", ORIENTATIONS["axial"], StudyInstanceUID=uid)
    write_series(folder / "3", T1, "t1", StudyInstanceUID=uid)
    write_enhanced(folder / "4" / "t2.dcm", T2, "t2", StudyInstanceUID=uid)
    write_series(folder / "5", picture_stack(2, seed=5), "t1", StudyInstanceUID=uid, Modality="CT")
    server.add(folder)
    return folder


def test_a_fetched_study_is_read_as_the_folder_that_was_sent(server, sent, uid, me):
    original = read_dicom_study(sent, align=False)
    with fetched_study(server.url, uid, credentials=me) as folder:
        fetched = read_dicom_study(folder, align=False)
        assert {path.parent for path in fetched.t1.dicom + fetched.t2.dicom} == {folder}
    for ours, theirs in zip(fetched.volumes, original.volumes, strict=True):
        np.testing.assert_array_equal(ours.array, theirs.array)
        np.testing.assert_array_equal(ours.affine, theirs.affine)
        assert {**ours.source, "path": None} == {**theirs.source, "path": None}
    assert not folder.parent.exists()


def test_every_attribute_arrives_as_it_was_sent(server, sent, uid, tmp_path, me):
    fetch_study(server.url, uid, tmp_path, credentials=me)
    originals = {dataset.SOPInstanceUID: dataset for dataset in map(dcmread, sent.rglob("*.dcm"))}
    fetched = [dcmread(path) for path in tmp_path.glob("*.dcm")]
    assert all(dataset == originals[dataset.SOPInstanceUID] for dataset in fetched)
    assert all(one.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1" for one in fetched)


def test_only_what_may_be_the_sagittal_pair_is_fetched(server, sent, uid, tmp_path, me):
    with odd_server(lambda request: ask_other(server.root, request)) as between:
        fetch_study(f"{between.url}/dicom-web", uid, tmp_path, credentials=me)
    expected = {dcmread(path).SOPInstanceUID for number in "34" for path in (sent / number).iterdir()}
    asked = {one.path.split("/instances/")[1] for one in between.requests if "/instances/" in one.path}
    assert asked == expected == {dcmread(path).SOPInstanceUID for path in tmp_path.glob("*.dcm")}
    ct = dcmread(next((sent / "5").iterdir())).SeriesInstanceUID
    assert not any(ct in one.path for one in between.requests)


@pytest.mark.parametrize("detail", ["MainDicomTags", "Extrapolate"])
def test_an_orthanc_that_describes_images_tersely_gives_all_that_may_be_sagittal(tmp_path, sent, uid, me, detail):
    """Among it is the localizer, and raw data, which are no image and are not kept."""
    (raw,) = write_series(
        sent / "6", T1[:1], "t1", StudyInstanceUID=uid, SOPClassUID=RawDataStorage, ImageOrientationPatient=None
    )
    dataset = dcmread(raw)
    del dataset.PixelData
    dataset.save_as(raw)
    (tmp_path / "orthanc").mkdir()
    with orthanc(tmp_path / "orthanc", SeriesMetadata=detail) as terse:
        terse.add(sent)
        with fetched_study(terse.url, uid, credentials=me) as folder:
            assert len(list(folder.iterdir())) == 3 + 4 + 1
            study = read_dicom_study(folder, align=False)
    np.testing.assert_array_equal(study.t1.array, T1[::-1])
    np.testing.assert_array_equal(study.t2.array, T2[::-1])


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless])
def test_compressed_images_come_as_they_are_stored(server, tmp_path, uid, syntax, me):
    for path in write_series(tmp_path / "sent", T1, "t1", StudyInstanceUID=uid):
        compress_file(path, syntax)
    server.add(tmp_path / "sent")
    with fetched_study(server.url, uid, credentials=me) as folder:
        assert {dcmread(path).file_meta.TransferSyntaxUID for path in folder.iterdir()} == {syntax}
        np.testing.assert_array_equal(read_dicom_study(folder).t1.array, T1[::-1])


def test_credentials_come_from_the_environment_or_from_netrc(server, sent, uid, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    with monkeypatch.context() as with_netrc:
        with_netrc.setenv("NETRC", str(netrc))
        with fetched_study(server.url, uid) as folder:
            assert len(list(folder.iterdir())) == 5
    monkeypatch.setenv("MODICGRADER_DICOMWEB_USER", USER)
    monkeypatch.setenv("MODICGRADER_DICOMWEB_PASSWORD", PASSWORD)
    with fetched_study(server.url, uid) as folder:
        assert len(list(folder.iterdir())) == 5


@pytest.mark.parametrize(
    ("credentials", "mend"),
    [
        (None, "asks who you are; set MODICGRADER_DICOMWEB_USER and"),
        (Credentials(USER, "wrong"), "does not accept the user and password"),
        (Credentials(token="wrong"), "does not accept the token"),
    ],
)
def test_a_stranger_is_told_what_to_set(server, uid, tmp_path, credentials, mend):
    with pytest.raises(InputError, match=mend) as error:
        fetch_study(server.url, uid, tmp_path, credentials=credentials)
    assert "wrong" not in str(error.value)


def test_an_unknown_study_a_wrong_path_and_a_wrong_port_are_told_apart(server, uid, tmp_path, me):
    with pytest.raises(InputError, match="the server has no such study"):
        fetch_study(server.url, uid, tmp_path, credentials=me)
    with pytest.raises(InputError, match="no DICOMweb at this address"):
        fetch_study(f"{server.url}/elsewhere", uid, tmp_path, credentials=me)
    with pytest.raises(InputError, match=r"no server answers at 127\.0\.0\.1:1;"):
        fetch_study("http://127.0.0.1:1/dicom-web", uid, tmp_path, credentials=me)


def test_a_server_that_is_not_there_is_not_waited_for(uid, tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr(dicomweb_server.DicomwebServer, "_wait", lambda _, seconds: waits.append(seconds))
    with pytest.raises(InputError, match="check the address, and that the server runs"):
        fetch_study(f"http://127.0.0.1:{free_port()}", uid, tmp_path)
    assert waits == []


def test_a_study_without_mr_and_one_without_sagittal_series_are_refused_with_what_was_found(server, tmp_path, uid, me):
    write_series(tmp_path / "ct", T1, "t1", StudyInstanceUID=uid, Modality="CT")
    axial = generate_uid()
    write_series(tmp_path / "mr", T1, "t1", ORIENTATIONS["axial"], StudyInstanceUID=axial)
    server.add(tmp_path)
    with pytest.raises(InputError, match="holds CT but no MR"):
        fetch_study(server.url, uid, tmp_path, credentials=me)
    with pytest.raises(InputError, match=r"no sagittal T1- or T2-weighted series \(found: axial t1\)"):
        fetch_study(server.url, axial, tmp_path, credentials=me)


def test_a_server_that_is_started_again_midway_loses_nothing(tmp_path, uid, monkeypatch, me):
    monkeypatch.setattr(dicomweb_server, "WAITS_S", (0.05, 0.05, 0.05))
    (tmp_path / "orthanc").mkdir()
    (tmp_path / "fetched").mkdir()
    write_series(tmp_path / "sent", T1, "t1", StudyInstanceUID=uid)
    with orthanc(tmp_path / "orthanc") as server:
        server.add(tmp_path / "sent")
        fetch_study(server.url, uid, tmp_path / "fetched", credentials=me, progress=Progress(_restarting(server)))
    np.testing.assert_array_equal(read_dicom_study(tmp_path / "fetched").t1.array, T1[::-1])


def test_a_server_that_dies_midway_is_named_and_leaves_nothing(tmp_path, uid, me):
    (tmp_path / "orthanc").mkdir()
    (tmp_path / "fetched").mkdir()
    write_series(tmp_path / "sent", T1, "t1", StudyInstanceUID=uid)
    with orthanc(tmp_path / "orthanc") as server:
        server.add(tmp_path / "sent")

        def die(_: float, text: str) -> None:
            if text == "Fetching image 3 of 4":
                server.stop()

        with pytest.raises(InputError, match=r"the connection to 127\.0\.0\.1:.* broke again and again"):
            fetch_study(server.url, uid, tmp_path / "fetched", credentials=me, progress=Progress(die))
    assert list((tmp_path / "fetched").iterdir()) == []


@pytest.mark.parametrize("how", ["cut", "silent_cut"])
def test_a_connection_that_breaks_within_an_image_is_made_again(server, sent, uid, how, me):
    broken = []

    def answer(request):
        reply = ask_other(server.root, request)
        if "/instances/" in request.path and request.path not in broken:
            broken.append(request.path)
            return type(reply)(reply.status, reply.body, reply.headers, **{how: True})
        return reply

    with odd_server(answer) as between, fetched_study(f"{between.url}/dicom-web", uid, credentials=me) as folder:
        np.testing.assert_array_equal(read_dicom_study(folder, align=False).t1.array, T1[::-1])
    assert len(broken) == 5


def test_a_full_disk_is_told_and_leaves_no_files(server, sent, uid, tmp_path, me, monkeypatch):
    def full(dataset, path, **_):
        path.write_bytes(b"DICM")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(FileDataset, "save_as", full)
    folder = tmp_path / "fetched"
    folder.mkdir()
    with pytest.raises(InputError, match=r"cannot be kept \(No space left on device\); free space, or .* TMPDIR"):
        fetch_study(server.url, uid, folder, credentials=me)
    assert list(folder.iterdir()) == []


def test_cancelling_leaves_no_files(server, sent, uid, tmp_path, me):
    seen = []
    stop_at_third = Progress(lambda _, text: seen.append(text), lambda: "Fetching image 3 of 5" in seen)
    folder = tmp_path / "fetched"
    folder.mkdir()
    with pytest.raises(Cancelled):
        fetch_study(server.url, uid, folder, credentials=me, progress=stop_at_third)
    assert "Fetching image 4 of 5" not in seen and list(folder.iterdir()) == []


def test_nothing_of_the_patient_is_logged_or_said(server, sent, uid, tmp_path, caplog, recwarn, me):
    caplog.set_level(logging.DEBUG)
    told = []
    with fetched_study(server.url, uid, credentials=me, progress=Progress(lambda _, text: told.append(text))) as folder:
        told += [str(folder), *(path.name for path in folder.iterdir())]
    for url, study in ((server.url, uid + ".1"), (f"{server.url}/elsewhere", uid), ("http://127.0.0.1:1", uid)):
        with pytest.raises(InputError) as error:
            fetch_study(url, study, tmp_path, credentials=me)
        told.append(str(error.value))
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    told += [caplog.text, *(str(warning.message) for warning in recwarn)]
    dataset = dcmread(next((sent / "3").iterdir()))
    secrets = [uid, dataset.SeriesInstanceUID, dataset.SOPInstanceUID, "Phantom", "TEST-1", "1970", PASSWORD]
    assert not [secret for secret in secrets for text in told if secret in text]


def _restarting(server: OrthancServer):
    """Stop the server before the third image, and start it again at the second attempt."""
    done = []

    def report(_: float, text: str) -> None:
        if text == "Fetching image 3 of 4":
            server.stop()
        elif text == "Waiting for the server" and not done:
            done.append(text)
            server.start()

    return report

"""Results stored into the study they were made from, in a real Orthanc."""

import json
import logging
from dataclasses import replace

import pytest
from dicom_factory import STUDY, picture_stack, write_series
from graded_dicom import graded_from_dicom
from graded_example import example_graded_study
from odd_server import Reply, ask_other, odd_server
from orthanc_server import PASSWORD, USER
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from ModicGraderLib import cli, pipeline, scene
from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.export import results as results_files
from ModicGraderLib.export.dicom import write_dicom
from ModicGraderLib.io.dicomweb import fetched_study, store
from ModicGraderLib.progress import Progress

pytestmark = pytest.mark.usefixtures("quick_and_alone")

UID = STUDY["StudyInstanceUID"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder `sent` with an examination, and a folder `dicom` with what `write_dicom` makes of it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "dicom").mkdir()
    write_dicom(graded_from_dicom(folder / "sent"), folder / "dicom")
    return folder


@pytest.fixture
def results(made, server):
    """Segmentations and a structured report of an examination, which alone is on the server."""
    server.clear()
    server.add(made / "sent")
    return sorted((made / "dicom").iterdir())


def test_segmentations_and_report_are_found_again_in_the_study(server, results, me, tmp_path):
    store(server.url, results, UID, credentials=me)
    assert server.modalities(UID) == ["MR", "MR", "SEG", "SEG", "SR"]
    for path in results:
        ours = dcmread(path)
        assert server.image(ours.SOPInstanceUID) == ours


def test_a_study_with_results_in_it_is_fetched_without_them(server, results, me):
    store(server.url, results, UID, credentials=me)
    with fetched_study(server.url, UID, credentials=me) as folder:
        assert {dcmread(path).Modality for path in folder.iterdir()} == {"MR"}


def test_storing_again_changes_nothing(server, results, me):
    store(server.url, results, UID, credentials=me)
    before = server.get("/statistics")["CountInstances"]
    store(server.url, results, UID, credentials=me)
    assert server.get("/statistics")["CountInstances"] == before


def test_a_file_of_another_study_stops_all_before_any_is_sent(server, results, tmp_path, me):
    other = write_series(tmp_path / "other", picture_stack(1), "t1", StudyInstanceUID=generate_uid())
    with pytest.raises(InputError, match="file 4 of 4 is no DICOM file of this study; nothing was stored"):
        store(server.url, [*results, *other], UID, credentials=me)
    (tmp_path / "page.txt").write_text("no DICOM")
    with pytest.raises(InputError, match="file 1 of 4 is no DICOM"):
        store(server.url, [tmp_path / "page.txt", *results], UID, credentials=me)
    assert server.modalities(UID) == ["MR", "MR"]


def test_a_busy_server_and_a_broken_connection_are_asked_again(server, results, me):
    troubles = ["busy", "broken"]

    def answer(request):
        trouble = troubles.pop(0) if troubles else None
        if trouble == "busy":
            return Reply(503, b"", {"Retry-After": "0"})
        return replace(ask_other(server.root, request), cut=trouble == "broken")

    with odd_server(answer) as between:
        store(f"{between.url}/dicom-web", results, UID, credentials=me)
        assert len(between.requests) == 5
    assert server.modalities(UID) == ["MR", "MR", "SEG", "SEG", "SR"]


def test_a_file_that_the_server_refuses_is_told_by_number_and_the_others_are_stored(server, results, me, caplog):
    caplog.set_level(logging.DEBUG)
    refusal = Dataset()
    refusal.FailedSOPSequence = [Dataset()]
    refusal.FailedSOPSequence[0].ReferencedSOPInstanceUID = dcmread(results[0]).SOPInstanceUID
    refusal.FailedSOPSequence[0].FailureReason = 0x0110
    refused = Reply(202, refusal.to_json().encode(), {"Content-Type": "application/dicom+json; charset=utf-8"})
    with (
        odd_server(lambda asked: ask_other(server.root, asked) if len(between.requests) > 1 else refused) as between,
        pytest.raises(InputError) as error,
    ):
        store(f"{between.url}/dicom-web", results, UID, credentials=me)
    assert str(error.value) == "the server did not store number 1 (failure reason 0110H) of 3 files; its log says why"
    assert not [one for one in (UID, *(dcmread(path).SOPInstanceUID for path in results)) if one in caplog.text]
    assert len(server.modalities(UID)) == 4


def test_orthanc_itself_refuses_a_file_that_is_sent_into_another_study(server, results, me):
    def elsewhere(request):
        return ask_other(server.root, replace(request, path=request.path.replace(UID, "1.2.3")))

    with odd_server(elsewhere) as between, pytest.raises(InputError, match=r"refused to store .* \(0 of 3 files"):
        store(f"{between.url}/dicom-web", results, UID, credentials=me)
    assert server.modalities(UID) == ["MR", "MR"]


def test_a_server_that_fails_midway_is_told_with_what_it_has(server, results, me):
    def full_after_two(request):
        return ask_other(server.root, request) if len(between.requests) <= 2 else Reply(507)

    with (
        odd_server(full_after_two) as between,
        pytest.raises(InputError, match=r"507.*\(2 of 3 files were stored"),
    ):
        store(f"{between.url}/dicom-web", results, UID, credentials=me)
    assert len(server.modalities(UID)) == 4


def test_storing_can_be_cancelled(server, results, me):
    with pytest.raises(Cancelled):
        store(server.url, results, UID, credentials=me, progress=Progress(is_cancelled=lambda: True))
    assert server.modalities(UID) == ["MR", "MR"]


def test_a_server_that_takes_nothing_is_told(results, me):
    with odd_server(lambda _: Reply(405)) as server, pytest.raises(InputError, match=r"does not offer storing \(STOW"):
        store(server.url, results, UID, credentials=me)


def test_files_larger_than_one_piece_are_stored_whole(server, results, me, tmp_path):
    (path,) = write_series(tmp_path, picture_stack(1, 900, 900), "t1")
    assert path.stat().st_size > 1_500_000
    store(server.url, [path], UID, credentials=me)
    image = dcmread(path)
    assert server.image(image.SOPInstanceUID) == image


def test_grade_fetches_a_study_and_stores_its_results(server, results, tmp_path, monkeypatch, capsys):
    example = example_graded_study()
    monkeypatch.setattr(pipeline, "grade_study", lambda study, **_: replace(example, study=study))
    monkeypatch.setattr(scene, "available", lambda: False)
    monkeypatch.setattr(results_files, "report_page", lambda graded: "")
    monkeypatch.setenv("MODICGRADER_DICOMWEB_USER", USER)
    monkeypatch.setenv("MODICGRADER_DICOMWEB_PASSWORD", PASSWORD)
    out = tmp_path / "out"
    assert cli.main(["grade", "--dicomweb", server.url, "--study", UID, "-o", str(out), "--store", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "" and str(out / "dicom" / "report.dcm") in json.loads(printed.out)["files"]
    assert server.modalities(UID) == ["MR", "MR", "SEG", "SEG", "SR"]
    report = dcmread(out / "dicom" / "report.dcm")
    assert server.image(report.SOPInstanceUID) == report

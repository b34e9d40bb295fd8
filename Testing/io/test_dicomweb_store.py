"""Results stored into the study they were made from, in a real Orthanc."""

import logging

import highdicom
import numpy as np
import pytest
import requests
from dicom_factory import picture_stack, write_series
from dicomweb_client import DICOMwebClient
from odd_server import Reply, ask_other, odd_server
from orthanc_server import PASSWORD, USER
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.io.dicomweb import store
from ModicGraderLib.progress import Progress

pytestmark = pytest.mark.usefixtures("quick_and_alone")

TYPE_2 = dict.fromkeys(
    ("PatientSex", "AccessionNumber", "StudyID", "StudyTime", "ReferringPhysicianName", "PositionReferenceIndicator"),
    "",
)
MADE_BY = {
    "series_number": 100,
    "instance_number": 1,
    "manufacturer": "ModicGrader",
}


@pytest.fixture
def results(tmp_path, uid, server):
    """A segmentation and a structured report of a series that is on the server."""
    paths = write_series(tmp_path / "sent", picture_stack(3), "t1", StudyInstanceUID=uid, **TYPE_2)
    server.add(tmp_path / "sent")
    sources = [dcmread(path) for path in paths]
    datasets = {"spine.dcm": _segmentation(sources), "report.dcm": _report(sources)}
    folder = tmp_path / "dicom"
    folder.mkdir()
    for name, dataset in datasets.items():
        dataset.save_as(folder / name, enforce_file_format=True)
    return [folder / name for name in datasets]


def test_segmentation_and_report_are_found_again_in_the_study(server, results, uid, me):
    store(server.url, results, uid, credentials=me)
    assert _series_on(server, uid) == {"MR", "SEG", "SR"}
    for path in results:
        ours = dcmread(path)
        theirs = _client(server).retrieve_instance(uid, ours.SeriesInstanceUID, ours.SOPInstanceUID)
        assert theirs == ours
    described = _client(server).search_for_instances(uid, search_filters={"Modality": "SEG"})
    assert len(described) == 1


def test_storing_again_changes_nothing(server, results, uid, me):
    store(server.url, results, uid, credentials=me)
    before = server.get("/statistics")["CountInstances"]
    store(server.url, results, uid, credentials=me)
    assert server.get("/statistics")["CountInstances"] == before


def test_a_file_of_another_study_stops_all_before_any_is_sent(server, results, uid, tmp_path, me):
    other = write_series(tmp_path / "other", picture_stack(1), "t1", StudyInstanceUID=generate_uid())
    with pytest.raises(InputError, match="file 3 of 3 is no DICOM file of this study; nothing was stored"):
        store(server.url, [*results, *other], uid, credentials=me)
    (tmp_path / "page.txt").write_text("no DICOM")
    with pytest.raises(InputError, match="file 1 of 3 is no DICOM"):
        store(server.url, [tmp_path / "page.txt", *results], uid, credentials=me)
    assert _series_on(server, uid) == {"MR"}


def test_a_busy_server_and_a_broken_connection_are_asked_again(server, results, uid, me):
    troubles = ["busy", "broken"]

    def answer(request):
        trouble = troubles.pop(0) if troubles else None
        reply = ask_other(server.root, request)
        if trouble == "busy":
            return Reply(503, b"", {"Retry-After": "0"})
        return Reply(reply.status, reply.body, reply.headers, cut=trouble == "broken")

    with odd_server(answer) as between:
        store(f"{between.url}/dicom-web", results, uid, credentials=me)
        assert len(between.requests) == 4
    assert _series_on(server, uid) == {"MR", "SEG", "SR"}


def test_files_that_the_server_refuses_are_told_by_number_and_the_others_are_stored(server, results, uid, caplog, me):
    caplog.set_level(logging.DEBUG)
    refusal = Dataset()
    refusal.FailedSOPSequence = [Dataset()]
    refusal.FailedSOPSequence[0].ReferencedSOPInstanceUID = dcmread(results[0]).SOPInstanceUID
    refusal.FailedSOPSequence[0].FailureReason = 0x0110

    def answer(request):
        reply = ask_other(server.root, request)
        if len(between.requests) > 1:
            return reply
        headers = {"Content-Type": "application/dicom+json; charset=utf-8"}
        return Reply(202, refusal.to_json().encode(), headers)

    with odd_server(answer) as between, pytest.raises(InputError) as error:
        store(f"{between.url}/dicom-web", results, uid, credentials=me)
    assert str(error.value) == ("the server did not store number 1 (failure reason 0110H) of 2 files; its log says why")
    assert not [one for path in results for one in (uid, dcmread(path).SOPInstanceUID) if one in caplog.text]


def test_an_image_that_orthanc_itself_refuses_is_told(server, results, uid, me):
    """Orthanc compares the study of each file with that of the address."""
    with (
        odd_server(lambda request: ask_other(server.root, _into_another_study(request, uid))) as between,
        pytest.raises(InputError, match="refused to store the results; its log says why"),
    ):
        store(f"{between.url}/dicom-web", results, uid, credentials=me)


def test_storing_can_be_cancelled(server, results, uid, me):
    with pytest.raises(Cancelled):
        store(server.url, results, uid, credentials=me, progress=Progress(is_cancelled=lambda: True))
    assert _series_on(server, uid) == {"MR"}


def test_a_server_that_takes_nothing_is_told(results, uid, me):
    with odd_server(lambda _: Reply(405)) as server, pytest.raises(InputError, match=r"does not offer storing \(STOW"):
        store(server.url, results, uid, credentials=me)


def _into_another_study(request, uid):
    return type(request)(request.method, request.path.replace(uid, "1.2.3"), request.headers, request.body)


def _client(server):
    session = requests.Session()
    session.auth = (USER, PASSWORD)
    return DICOMwebClient(server.url, session)


def _series_on(server, uid):
    """Modalities that QIDO-RS finds in the study."""
    return {one["00080060"]["Value"][0] for one in _client(server).search_for_series(uid)}


def _segmentation(sources):
    by = highdicom.AlgorithmIdentificationSequence("ModicGrader", codes.DCM.ArtificialIntelligence, "1")
    discs = highdicom.seg.SegmentDescription(1, "disc", codes.SCT.AnatomicalStructure, codes.SCT.Spine, "AUTOMATIC", by)
    mask = np.ones((len(sources), sources[0].Rows, sources[0].Columns), np.uint8)
    return highdicom.seg.Segmentation(
        sources,
        mask,
        "BINARY",
        [discs],
        generate_uid(),
        sop_instance_uid=generate_uid(),
        manufacturer_model_name="ModicGrader",
        software_versions="1",
        device_serial_number="1",
        **MADE_BY,
    )


def _report(sources):
    content = highdicom.sr.ContainerContentItem(codes.DCM.ImagingMeasurementReport, template_id="1500")
    content.ContentSequence = [
        highdicom.sr.TextContentItem(codes.DCM.Finding, "no change", highdicom.sr.RelationshipTypeValues.CONTAINS)
    ]
    return highdicom.sr.ComprehensiveSR(
        sources, content, generate_uid(), sop_instance_uid=generate_uid(), is_complete=True, **MADE_BY
    )

"""Tests of the structured report: what is read back from it is what report.json says."""

from dataclasses import fields, replace

import numpy as np
import pytest
from dicom_reading import ReadReport
from graded_dicom import NOON, corrected_report, graded_from_dicom
from pydicom import dcmread
from pydicom.sr.codedict import codes

from ModicGraderLib.anatomy import CORNERS, ENDPLATES
from ModicGraderLib.corrections import correct_map, map_reading, renumber
from ModicGraderLib.export import dicom_codes as coded
from ModicGraderLib.export.dicom import write_dicom
from ModicGraderLib.export.dicom_codes import endplate_name
from ModicGraderLib.export.dicom_items import person_name
from ModicGraderLib.export.impression import summary
from ModicGraderLib.graded import MACHINE_MAP
from ModicGraderLib.measurement.endplate_change import EXTENTS
from ModicGraderLib.report import DiscReport, EndplateReport, ModicReading
from ModicGraderLib.terminology import DISC_CODES


def short(report):
    """A report of the lowest disc alone, which is made faster."""
    return replace(report, discs=report.discs[-1:])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The example, and the example after a reader, each with its report as read back."""
    folder = tmp_path_factory.mktemp("report")
    graded = graded_from_dicom(folder / "in")
    edited = replace(
        graded, report=corrected_report(graded.report), maps={**graded.maps, MACHINE_MAP: graded.maps["modic_map"]}
    )
    made = {}
    for name, one in (("machine", graded), ("corrected", edited)):
        (folder / name).mkdir()
        write_dicom(one, folder / name)
        made[name] = one, ReadReport(folder / name / "report.dcm"), folder / name
    return made


def measured(measures, report) -> dict[str, tuple[float, str, float | None]]:
    """What a group must say of a report of the study, a disc or an endplate."""
    return {
        one.code.value: (value, one.unit.value, report.uncertainty.get(one.field))
        for one in measures
        if (value := getattr(report, one.field)) is not None
    }


def likely(measures, probabilities) -> dict[str, tuple[float, str, None]]:
    return {measures[name].code.value: (value, "1", None) for name, value in probabilities.items()}


def modic_of(reading) -> dict[str, tuple[float, str, None]]:
    return {
        coded.ANY_CHANGE.code.value: (reading.any_change, "1", None),
        **likely(coded.MODIC_PROBABILITIES, reading.probabilities),
    }


@pytest.mark.parametrize("which", ["machine", "corrected"])
def test_every_number_is_that_of_the_report(which, written):
    graded, read, _ = written[which]
    report = graded.report
    assert read.numbers("Lumbar spine") == {
        "LORDOSIS": (report.lordosis_deg, "deg", report.uncertainty["lordosis_deg"]),
        "NUMBERING_CONF": (report.numbering.confidence, "1", None),
    }
    for disc in report.discs:
        assert read.numbers(f"{disc.level} disc") == {
            **measured(coded.DISC_MEASURES, disc),
            **modic_of(disc.modic),
            **likely(coded.PFIRRMANN_PROBABILITIES, disc.pfirrmann.probabilities),
            **likely(coded.ENDPLATE_LESION_PROBABILITIES, disc.endplate_lesion.probabilities),
            coded.NARROWED.code.value: (disc.narrowing.present, "1", None),
        }
        for name in ENDPLATES:
            endplate = disc.endplates[name]
            assert read.numbers(endplate_name(disc.level, name)[0]) == {
                **measured(coded.ENDPLATE_MEASURES, endplate),
                **modic_of(endplate.modic),
                **likely(coded.HEIGHT_CLASS_PROBABILITIES, endplate.height_class_probabilities),
            }


def test_every_number_of_a_disc_and_an_endplate_has_a_code():
    """A new field of the report must be coded, or be named here with the reason."""
    told_otherwise = {
        "center_lps_mm", "normal_lps", "anterior_lps", "corners_lps_mm",  # the corners, as coordinates
        "level", "modic", "pfirrmann", "endplate_lesion", "narrowing", "endplates", "abstained", "uncertainty",
        "height_class", "location", "height_class_probabilities",
        "evidence",  # where the networks looked: in evidence.nii.gz
    }  # fmt: skip
    for report, measures in ((DiscReport, coded.DISC_MEASURES), (EndplateReport, coded.ENDPLATE_MEASURES)):
        names = {field.name for field in fields(report)} - told_otherwise
        assert names == {one.field for one in measures}


@pytest.mark.parametrize("which", ["machine", "corrected"])
def test_every_grade_is_that_of_the_report(which, written):
    graded, read, _ = written[which]
    for disc in graded.report.discs:
        assert read.grades(f"{disc.level} disc") == {
            "MODIC": [coded.MODIC_VALUES.get(disc.modic.grade, coded.WITHHELD).value],
            "PFIRRMANN": [coded.PFIRRMANN_VALUES.get(disc.pfirrmann.grade, coded.WITHHELD).value],
            "LESION": [coded.ENDPLATE_LESION_VALUES[disc.endplate_lesion.grade].value],
            "NARROWING": [(coded.ABSENT, coded.PRESENT)[disc.narrowing.grade].value],
        }
        for name in ENDPLATES:
            endplate = disc.endplates[name]
            said = read.grades(endplate_name(disc.level, name)[0])
            assert said["MODIC"] == [coded.MODIC_VALUES[endplate.modic.grade].value]
            assert said.get("LOCATION", []) == [coded.LOCATIONS[third].value for third in endplate.location]
            classes = [] if endplate.height_class is None else [coded.HEIGHT_CLASS_VALUES[endplate.height_class].value]
            assert said.get("HEIGHT_CLASS", []) == classes


def test_the_numbering_is_told_with_who_made_it(written):
    _, read, _ = written["machine"]
    assert read.grades("Lumbar spine") == {
        "LOWEST_DISC": [DISC_CODES["L5/S1"].value],
        "NUMBERED_BY": ["BY_PROGRAM"],
        "TRANSITIONAL": [coded.NO.value],
    }


def test_a_withheld_grade_says_why(written):
    _, read, _ = written["machine"]
    assert read.grades("T12/L1 disc")["PFIRRMANN"] == ["WITHHELD"]
    reason = read.below("T12/L1 disc", coded.PFIRRMANN)["WHY_WITHHELD"]
    assert reason == "the disc touches the edge of the image"


def test_a_corrected_grade_has_its_reader_its_time_and_the_program_s_answer(written):
    _, read, _ = written["corrected"]
    below = read.below("L4/L5 disc", coded.MODIC)
    assert below["AUTO_ANSWER"].value == "MODIC_II"
    assert str(below[codes.DCM.PersonObserverName.value]).rstrip("^") == "AB"
    assert below[codes.DCM.ObserverType.value] == codes.DCM.Person
    assert below["when"] == NOON.replace("-", "").replace(":", "").replace("T", "")
    assert set(read.below("L2/L3 disc", coded.MODIC)) == {"when"}, "nobody corrected it"


def test_a_reader_may_give_or_take_away_a_grade(written):
    _, read, _ = written["corrected"]
    assert read.below("T12/L1 disc", coded.PFIRRMANN)["AUTO_ANSWER"].value == "WITHHELD"
    assert read.grades("L5/S1 disc")["PFIRRMANN"] == ["WITHHELD"]
    assert read.below("L5/S1 disc", coded.PFIRRMANN)["AUTO_ANSWER"].value == "PFIRRMANN_5"


def test_extents_of_an_edited_map_have_the_program_s_beside_them(written):
    _, read, _ = written["corrected"]
    below = read.below("L5 inferior endplate", coded.VOLUME)
    assert below["AUTO_NUMBER"] == 2100.0
    assert str(below[codes.DCM.PersonObserverName.value]).rstrip("^") == "CD"
    assert "AUTO_NUMBER" not in read.below("L4 inferior endplate", coded.VOLUME)
    assert read.below("L5 inferior endplate", coded.HEIGHT_CLASS)["AUTO_ANSWER"].value == "HEIGHT_A"


def test_of_a_change_that_a_reader_erased_the_program_s_extents_remain(written, tmp_path):
    graded, *_ = written["machine"]
    report = short(graded.report)
    machine = {name: map_reading(one, {"I": 9, "II": 0, "III": 0}) for name, one in report.discs[0].endplates.items()}
    erased = EndplateReport(ModicReading(None), **dict.fromkeys(EXTENTS, 0.0))
    drawn = {**machine, "upper": map_reading(erased, {"I": 0, "II": 0, "III": 0})}
    report = correct_map(report, "L5/S1", machine, drawn, "AB", NOON)
    write_dicom(replace(graded, report=report, maps={}), tmp_path)
    read = ReadReport(tmp_path / "report.dcm")
    assert read.numbers("L5 inferior endplate")[coded.VOLUME.value][0] == 0.0
    assert read.below("L5 inferior endplate", coded.VOLUME)["AUTO_NUMBER"] == 2100.0
    assert read.grades("L5 inferior endplate")["HEIGHT_CLASS"] == ["NOT_MEASURED"]
    assert read.below("L5 inferior endplate", coded.HEIGHT_CLASS)["AUTO_ANSWER"].value == "HEIGHT_A"
    assert read.grades("L5 inferior endplate")["LOCATION_AUTO"] == [coded.LOCATIONS["anterior"].value]


def test_a_renumbered_spine_says_what_the_program_called_its_lowest_disc(written, tmp_path):
    graded, *_ = written["machine"]
    report = renumber(short(graded.report), "L4/L5", "Ünal ^ 李", NOON)
    write_dicom(replace(graded, report=report, maps={}), tmp_path)
    read = ReadReport(tmp_path / "report.dcm")
    assert read.grades("Lumbar spine")["LOWEST_DISC"] == [DISC_CODES["L4/L5"].value]
    below = read.below("Lumbar spine", coded.LOWEST_DISC)
    assert below["AUTO_ANSWER"].value == DISC_CODES["L5/S1"].value
    assert str(below[codes.DCM.PersonObserverName.value]) == "Ünal 李^"


def test_names_of_readers_fit_into_dicom():
    assert person_name("A\\B=C^D\nE") == "A B C D E^"
    assert len(person_name("x" * 200)) == 64


def test_a_change_refers_to_its_segment_and_has_its_volume(written):
    graded, read, folder = written["machine"]
    changes = dcmread(folder / "modic_changes.dcm")
    voxel = abs(np.linalg.det(graded.study.t2.affine[:3, :3]))
    for number, (name, label) in enumerate(
        (("Modic II, L4 inferior endplate", 2), ("Modic I, L5 inferior endplate", 1)), 1
    ):
        group = read.groups[name]
        assert group.tracking_uid == changes.SegmentSequence[number - 1].TrackingUID
        segment = group.referenced_segment[0]
        assert segment.referenced_sop_instance_uid == changes.SOPInstanceUID
        assert segment.referenced_segment_numbers == [number]
        volume = (graded.maps["modic_map"] == label).sum() * voxel
        assert read.numbers(name)["118565006"][0] == pytest.approx(volume, rel=1e-6)


def test_the_corners_of_a_disc_are_told_in_patient_coordinates(written):
    graded, read, _ = written["machine"]
    for disc in graded.report.discs:
        group = read.groups[f"{disc.level} disc"]
        (height,) = (one for one in group.get_measurements() if one.name.meaning == "Height")
        (corners,) = height.referenced_coordinates
        np.testing.assert_allclose(corners.value, [disc.corners_lps_mm[name] for name in CORNERS], atol=1e-3)
        assert corners.frame_of_reference_uid == dcmread(graded.study.t2.dicom[0]).FrameOfReferenceUID


def test_the_summary_that_people_read_comes_before_the_quality_findings(written):
    for graded, read, _ in written.values():
        first = read.document.content[0].ContentSequence[-1].ContentSequence[0]
        assert (first.name.meaning, first.value) == ("Summary", summary(graded.report))


def test_quality_findings_come_with_code_severity_and_level(written):
    graded, read, _ = written["machine"]
    container = read.document.content[0].ContentSequence[-1]
    assert container.name.meaning == "Qualitative Evaluations"
    told = []
    for item in container.ContentSequence[1:]:
        below = {one.name.value: one.value for one in item.ContentSequence}
        site = below.get(coded.SITE.value)
        told.append((item.value, below["QUALITY_CODE"], below["SEVERITY"].value, site and site.value))
    assert told == [
        (one.message, one.code, f"SEVERITY_{one.severity.upper()}", one.level and DISC_CODES[one.level].value)
        for one in graded.report.quality
    ]


def test_the_image_library_holds_every_picture_that_was_graded(written):
    graded, read, _ = written["machine"]
    (library,) = (one for one in read.document.content[0].ContentSequence if one.name.meaning == "Image Library")
    held = {item.referenced_sop_instance_uid for group in library.ContentSequence for item in group.ContentSequence}
    files = [dcmread(path) for volume in graded.study.volumes for path in volume.dicom]
    assert held == {file.SOPInstanceUID for file in files}
    assert len(read.document.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence) == 4


def test_the_report_is_preliminary_unverified_and_complete_only_with_a_map(written, tmp_path):
    graded, read, _ = written["machine"]
    document = read.document
    assert (document.PreliminaryFlag, document.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert document.CompletionFlag == "COMPLETE"
    assert document.ContentQualification == "RESEARCH"
    assert "research use only" in document.SeriesDescription
    write_dicom(replace(graded, report=short(graded.report), maps={}), tmp_path)
    assert dcmread(tmp_path / "report.dcm").CompletionFlag == "PARTIAL"


def test_a_reader_who_edited_the_map_is_the_creator_of_its_segmentation(written):
    _, _, folder = written["corrected"]
    assert str(dcmread(folder / "modic_changes.dcm").ContentCreatorName) == "CD^"
    assert not dcmread(folder / "spine.dcm").ContentCreatorName


def test_each_result_has_series_of_its_own_in_the_study_of_the_source(written):
    graded, _, folder = written["machine"]
    made = [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
    source = dcmread(graded.study.t2.dicom[0])
    assert {one.StudyInstanceUID for one in made} == {source.StudyInstanceUID}
    for keyword in ("SeriesInstanceUID", "SOPInstanceUID", "SeriesNumber"):
        assert len({one[keyword].value for one in [*made, source]}) == len(made) + 1
    for one in made:
        assert (str(one.PatientName), one.PatientID, one.PatientSex) == ("Phantom^Spine", "TEST-1", "F")


def test_a_series_of_another_examination_is_other_evidence(tmp_path):
    graded = graded_from_dicom(tmp_path / "in")
    for path in graded.study.t1.dicom:
        one = dcmread(path)
        one.StudyInstanceUID = f"{one.StudyInstanceUID[:-1]}{(int(one.StudyInstanceUID[-1]) + 1) % 10}"
        one.save_as(path)
    write_dicom(replace(graded, report=short(graded.report)), tmp_path)
    document = dcmread(tmp_path / "report.dcm")
    assert document.StudyInstanceUID == dcmread(graded.study.t2.dicom[0]).StudyInstanceUID
    assert len(document.PertinentOtherEvidenceSequence) == 1

"""Tests of what DICOM results inherit: odd sources do no harm, and who the patient is stays in the files."""

import logging
import subprocess
import sys
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from graded_dicom import graded_from_dicom, write_volume
from graded_example import example_graded_study
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import config, dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from ModicGraderLib.errors import InputError
from ModicGraderLib.export import dicom
from ModicGraderLib.export.dicom import available, write_dicom
from ModicGraderLib.export.dicom_source import IDENTITY
from ModicGraderLib.study import SpineStudy

EXAMPLE = example_graded_study()

ODD = {
    "PatientID": ["x" * 80, "A\\B", " ", "123 456/7", "ÄÖ"],
    "PatientName": ["Müller^Jürgen", "Ямада^Таро", "山田^太郎=やまだ^たろう", "a=b=c=d=e", "x" * 100, "a\\b"],
    "PatientBirthDate": ["1970-01-01", "unknown", "1970", "19700132"],
    "PatientSex": ["W", "male", "m", "?"],
    "AccessionNumber": ["x" * 40, "1\\2"],
    "StudyID": ["a study with a long identifier"],
    "StudyDate": ["2020.01.01", "yesterday", "20200101-20200202"],
    "StudyTime": ["10:15", "25", "101500.1234567"],
    "ReferringPhysicianName": ["Dr. Ötzi", "a^b^c^d^e^f"],
    "SeriesNumber": ["", "-3"],
    "SeriesDescription": ["Secret^Name t2"],
    "PatientAge": ["old", "45"],
    "PatientWeight": ["heavy", "70,5"],
    "PositionReferenceIndicator": ["", "PELVIS"],
    "LossyImageCompression": ["01", ""],
    "SliceThickness": ["", "0"],
    "SpacingBetweenSlices": ["-4.8"],
    "DeviceSerialNumber": ["x" * 70],
    "InstitutionName": ["Klinikum Köln", "x" * 70],
    "Manufacturer": ["", "x" * 70],
}
"""Values that real headers hold although DICOM does not allow them, or only just."""


NEEDED = ("SpacingBetweenSlices",)
"""What a single slice must tell in some way to be graded at all."""

VALUES = {key: st.sampled_from(odd if key in NEEDED else [None, "", *odd]) for key, odd in ODD.items()}


def one_slice(folder: Path):
    """The example's middle slice, graded, in a DICOM file of its own; its report is of the study alone."""
    t2 = EXAMPLE.study.t2
    affine = t2.affine.copy()
    affine[:3, 3] += 2 * affine[:3, 0]
    volume = replace(t2, array=t2.array[2:3], affine=affine, dicom=(folder / "000.dcm",))
    write_volume(folder, volume)
    return replace(
        EXAMPLE,
        study=SpineStudy(None, volume),
        location=replace(EXAMPLE.location, labels=EXAMPLE.location.labels[2:3]),
        maps={name: one[2:3] for name, one in EXAMPLE.maps.items()},
        report=replace(EXAMPLE.report, discs=[]),
    )


def change(path: Path, values: dict[str, str | None]) -> None:
    """Put any text into attributes of a file, even of numbers; None removes one."""
    header = dcmread(path)
    header.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in values.items():
        header.pop(keyword, None)
        if value is not None:
            tag, content = Tag(keyword), value.encode()
            content += b" " * (len(content) % 2)
            header[tag] = RawDataElement(tag, dictionary_VR(tag), len(content), content, 0, False, True)
    with config.disable_value_validation():
        header.save_as(path)


@contextmanager
def overheard():
    """All that is logged and warned of meanwhile."""
    heard: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: heard.append(record.getMessage())
    log = logging.getLogger()
    level = log.level
    log.addHandler(listener)
    log.setLevel(logging.INFO)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield heard
        heard += [str(one.message) for one in caught]
    finally:
        log.removeHandler(listener)
        log.setLevel(level)


class OneSlice:
    """A graded slice, its DICOM file, what is in that, and a folder for results; no dataclass, since hypothesis would
    print every pixel."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.graded = one_slice(folder / "in")
        (self.source,) = self.graded.study.t2.dicom
        self.original = self.source.read_bytes()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return OneSlice(tmp_path_factory.mktemp("slice"))


@pytest.fixture
def case(kept):
    """The slice with its file as it was in the beginning."""
    kept.source.write_bytes(kept.original)
    return kept


@settings(max_examples=20)
@given(st.fixed_dictionaries({}, optional=VALUES))
def test_whatever_the_source_says_of_the_patient_is_passed_on_and_not_told(kept, values):
    source, folder = kept.source, kept.folder
    source.write_bytes(kept.original)
    change(source, values)
    (folder / "page.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    with overheard() as heard:
        write_dicom(kept.graded, folder, page=folder / "page.pdf")
    told = " ".join(heard)
    assert "1.2.826.0.1.3680043" not in told, "a UID of the source"
    assert not any(str(value) in told for value in values.values() if value and len(str(value)) > 2), told
    with config.disable_value_validation():
        inherited = dcmread(source)
        for name in dicom.FILES:
            made = dcmread(folder / name)
            for keyword in IDENTITY:
                assert (made[keyword].value or "") == (inherited.get(keyword) or ""), (name, keyword)


def test_names_in_another_alphabet_and_its_encoding_are_kept(case):
    header = dcmread(case.source)
    header.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    header.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    header.save_as(case.source)
    write_dicom(case.graded, case.folder)
    assert "山田^太郎" in str(dcmread(case.folder / "report.dcm").PatientName)


def test_private_attributes_stay_behind(case):
    header = dcmread(case.source)
    block = header.private_block(0x0011, "A VENDOR", create=True)
    block.add_new(0x01, "LO", "nobody's business")
    header.save_as(case.source)
    write_dicom(case.graded, case.folder)
    assert not any(element.tag.is_private for element in dcmread(case.folder / "spine.dcm").iterall())


@pytest.mark.parametrize(
    "keyword", ["FrameOfReferenceUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"]
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_source_that_nothing_can_refer_to_is_refused(keyword, value, case, tmp_path):
    change(case.source, {keyword: value})
    with pytest.raises(InputError, match=f"{keyword}.*export them again"):
        write_dicom(case.graded, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_images_of_a_vendor_s_own_kind_are_refused(case, tmp_path):
    change(case.source, {"SOPClassUID": "1.3.46.670589.11.0.0.12.2"})
    with pytest.raises(InputError, match="export them as MR images"):
        write_dicom(case.graded, tmp_path)


def test_a_study_from_other_files_is_refused_with_the_mend(tmp_path):
    with pytest.raises(InputError, match=r"T2 was not read from DICOM.*give the DICOM folder"):
        write_dicom(EXAMPLE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_gone_or_no_longer_those_that_were_graded_are_refused(tmp_path):
    (tmp_path / "out").mkdir()
    graded = one_slice(tmp_path / "in")
    source = graded.study.t2.dicom[0]
    change(source, {"ImagePositionPatient": "0\\0\\0"})
    with pytest.raises(InputError, match="not those that were graded"):
        write_dicom(graded, tmp_path / "out")
    source.unlink()
    with pytest.raises(InputError, match="grade the study again"):
        write_dicom(graded, tmp_path / "out")
    source.write_text("no DICOM at all")
    with pytest.raises(InputError, match="grade the study again"):
        write_dicom(graded, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_t1_from_another_file_format_is_no_hindrance_and_not_in_the_library(tmp_path):
    graded = graded_from_dicom(tmp_path / "in")
    study = replace(graded.study, t1=replace(graded.study.t1, dicom=()))
    write_dicom(replace(graded, study=study, report=replace(graded.report, discs=[])), tmp_path)
    evidence = dcmread(tmp_path / "report.dcm").CurrentRequestedProcedureEvidenceSequence[0]
    assert len(evidence.ReferencedSeriesSequence) == 3


def test_without_highdicom_it_says_what_to_install(tmp_path, monkeypatch):
    assert available()
    monkeypatch.setattr(dicom, "available", lambda: False)
    with pytest.raises(InputError, match="highdicom and pydicom 3; install them"):
        write_dicom(EXAMPLE, tmp_path)


def test_the_module_loads_without_highdicom_and_without_networks():
    heavy = "{'highdicom', 'torch', 'matplotlib'}"
    code = f"import sys; from ModicGraderLib.export import dicom; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()", done.stdout

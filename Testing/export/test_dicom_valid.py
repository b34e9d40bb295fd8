"""Tests that others find DICOM results valid: dciodvfy, DCMTK and dcmqi, none of which had a part in making them."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from graded_dicom import NOON, graded_from_dicom
from pydicom import dcmread

from ModicGraderLib.corrections import correct, renumber
from ModicGraderLib.export.dicom import FILES, write_dicom
from ModicGraderLib.graded import MACHINE_MAP

HARMLESS = {
    "Unrecognized defined term <99MODICGRADER>": "private coding schemes are allowed (PS3.16, 8.2) and declared",
    "does not support this Specific Character Set: ISO_IR 192": "DCMTK then leaves text unchecked; UTF-8 is allowed",
    "ObservationDateTime (0040,a032) violates VR definition": "DCMTK 3.6.7 knows no +0000, which PS3.5, 6.2 asks for",
}
"""What validators may say, and why it does no harm."""


def tool(name: str, package: str) -> str:
    """The path of a program; the test fails where it is missing."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found, f"{package} is not installed; `make test` installs it"
    return found


def said(call: list) -> list[str]:
    """What a program says, line by line, but for what is known to do no harm; it must not fail."""
    done = subprocess.run(list(map(str, call)), capture_output=True, text=True, errors="replace", timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return [line for line in (done.stdout + done.stderr).splitlines() if not any(one in line for one in HARMLESS)]


def complaints(call: list) -> list[str]:
    return [line for line in said(call) if line.startswith(("E:", "W:", "F:", "Error", "Warning", "Abort"))]


@pytest.fixture(scope="module", params=["classic", "enhanced", "corrected"])
def folder(request, tmp_path_factory):
    """Results of the example from a classic and from an Enhanced series, and after a reader corrected it."""
    path = tmp_path_factory.mktemp(request.param)
    graded = graded_from_dicom(path / "in", lies=(False, True, True), enhanced=request.param == "enhanced")
    if request.param == "corrected":
        report = replace(graded.report, discs=graded.report.discs[-2:])
        report = renumber(correct(report, "L4/L5", "pfirrmann", 3, "Ünal", NOON), "L4/L5", "Ünal", NOON)
        graded = replace(graded, report=report, maps={**graded.maps, MACHINE_MAP: graded.maps["modic_map"]})
    (path / "page.pdf").write_bytes(b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n%%EOF\n")
    write_dicom(graded, path, page=path / "page.pdf")
    return path


@pytest.mark.parametrize("name", FILES)
def test_dciodvfy_finds_no_error_and_no_unknown_warning(name, folder):
    assert complaints([tool("dciodvfy", "dicom3tools"), folder / name]) == []


def test_dcmtk_reads_the_report_without_complaint(folder):
    call = [tool("dsrdump", "dcmtk"), "+Pl", folder / "report.dcm"]
    assert complaints(call) == []
    lines = "\n".join(said(call))
    assert "Preliminary Flag    : PRELIMINARY" in lines
    assert lines.count("Measurement Group") == len(groups(folder))


def test_dcmqi_reads_every_group_of_the_report(folder, tmp_path):
    call = [
        tool("tid1500reader", "dcmqi"),
        "--inputDICOM",
        folder / "report.dcm",
        "--outputMetadata",
        tmp_path / "r.json",
    ]
    assert complaints(call) == []
    read = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["Measurements"]
    assert [one["TrackingIdentifier"] for one in read] == groups(folder)
    changes = [one for one in read if one["TrackingIdentifier"].startswith("Modic")]
    assert changes and all(one["segmentationSOPInstanceUID"] for one in changes)


def groups(folder: Path) -> list[str]:
    """Tracking identifiers of all groups."""
    measurements = next(
        one
        for one in dcmread(folder / "report.dcm").ContentSequence
        if one.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    )
    return [group.ContentSequence[0].TextValue for group in measurements.ContentSequence]


def test_the_page_is_the_pdf_that_was_printed(folder):
    page = dcmread(folder / "page.dcm")
    printed = (folder / "page.pdf").read_bytes()
    assert page.EncapsulatedDocument[: page.EncapsulatedDocumentLength] == printed
    assert "research use only" in page.DocumentTitle

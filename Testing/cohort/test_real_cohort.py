"""Tests of `modicgrader cohort` with the real pipeline on small studies: what it leaves, and what it must not tell."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from dicom_factory import write_series
from pydicom import dcmread
from pydicom.uid import generate_uid

from ModicGraderLib.cli import main
from ModicGraderLib.report import StudyReport
from ModicGraderLib.simulation.files import write_study
from ModicGraderLib.simulation.simulate import simulate
from ModicGraderLib.study import Volume

PATIENT = {
    "PatientName": "Quirkenbaum^Zebulon",
    "PatientID": "QX-48213",
    "PatientBirthDate": "19530411",
    "StudyInstanceUID": generate_uid(entropy_srcs=["a private examination"]),
    "StudyDate": "20171123",
}
SLICES = 1


@pytest.fixture(scope="module")
def private(tmp_path_factory) -> Path:
    """A folder whose name is a patient's, with the examination as DICOM and as files, and a list of both."""
    folder = tmp_path_factory.mktemp("scans") / "Quirkenbaum_1953"
    study = simulate(7, slices=SLICES)
    write_study(study, folder / "files")
    for contrast in ("t1", "t2"):
        (folder / "files" / f"{contrast}.nii.gz").rename(folder / f"zebulon_{contrast}.nii.gz")
    for contrast, volume in (("t1", study.t1), ("t2", study.t2)):
        write_dicom(folder / "exam" / contrast, volume, contrast)
    (folder / "zebulon_broken.nii.gz").write_bytes(b"Quirkenbaum")
    rows = ["study,t1,t2,dicom,age_years,level,pfirrmann", "d,,,exam,64,L4/L5,4"]
    rows += [
        "f,zebulon_t1.nii.gz,zebulon_t2.nii.gz,,,,",
        "bad,zebulon_broken.nii.gz,,,,,",
        "gone,zebulon_no.nii.gz,,,,,",
    ]
    (folder / "studies.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "exam.csv").write_text("study,dicom\nd,exam\n", encoding="utf-8")
    return folder


def write_dicom(folder: Path, volume: Volume, contrast: str) -> None:
    """A volume as classic MR. Slices of DICOM run along the normal of the picture, to the right; ours to the left."""
    _, along_rows, along_columns = (volume.affine[:3, :3] / volume.spacing).T
    pixels = np.round(volume.array[::-1] * (4000 / volume.array.max())).astype(np.uint16)
    names = [f"zebulon_{number}.dcm" for number in range(len(pixels))]
    write_series(
        folder,
        pixels,
        contrast,
        orientation=[*along_columns, *along_rows],
        spacing=tuple(volume.spacing),
        origin=tuple(volume.to_patient(np.array([len(pixels) - 1, 0, 0]))),
        names=names,
        **PATIENT,
    )


@pytest.fixture(scope="module")
def graded(private, tmp_path_factory) -> tuple[Path, int]:
    """The folder of a cohort of both, and the exit code."""
    output = tmp_path_factory.mktemp("results") / "cohort"
    return output, main(["cohort", str(private / "studies.csv"), "-o", str(output), "--workers", "2"])


def test_studies_are_graded_and_the_others_listed(graded):
    output, code = graded
    assert code == 3
    with (output / "failures.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["study"]: (row["kind"], row["message"]) for row in csv.DictReader(file)}
    assert rows == {
        "bad": ("input", "T1 is damaged, truncated or not an image; copy or export it again"),
        "gone": ("input", "T1 does not exist; check the path"),
    }
    names = {"report.json", "levels.csv", "report.html", "spine.seg.nrrd", "modic_map.nii.gz", "run.json"}
    for study in ("d", "f"):
        there = {path.name for path in (output / "studies" / study).iterdir()}
        assert names <= there and not there & {"scene.mrb", "dicom"}
        assert len(StudyReport.read(output / "studies" / study / "report.json").discs) >= 5
    assert {path.name for path in output.iterdir()} >= {"cohort.csv", "cohort.parquet", "overview.html", "agreement.md"}


def test_the_same_command_again_has_nothing_left_to_do(graded, private, capfd):
    output, _ = graded
    before = (output / "studies" / "d" / "run.json").stat().st_mtime_ns
    assert main(["cohort", str(private / "studies.csv"), "-o", str(output), "--json"]) == 3
    assert (output / "studies" / "d" / "run.json").stat().st_mtime_ns == before
    said = json.loads(capfd.readouterr().out)
    assert (said["done"], said["failed"]) == (2, 2)
    assert str(output / "overview.html") in said["files"]


def test_nothing_that_is_written_or_said_tells_who_the_patients_are(graded, private, capfd):
    output, _ = graded
    main(["cohort", str(private / "studies.csv"), "-o", str(output)])
    texts = {path.name: content(path) for path in output.rglob("*") if path.is_file()}
    assert len(texts) > 15
    texts["what is said"] = "".join(capfd.readouterr()).encode()
    for secret in secrets(private):
        telling = [name for name, text in texts.items() if secret.lower().encode() in text.lower()]
        assert not telling, f"{secret!r} stands in {telling}"


def secrets(private: Path) -> set[str]:
    """All that must not be told: of the headers, and of the names of files and folders."""
    headers = [dcmread(path) for path in (private / "exam").rglob("*.dcm")]
    uids = {str(element.value) for header in headers for element in header if element.VR == "UI"}
    classes = {str(header.SOPClassUID) for header in headers}
    return {"Quirkenbaum", "zebulon", str(private), *PATIENT.values(), *(uids - classes)}


def content(path: Path) -> bytes:
    """What a file holds, unpacked."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        return (str(table.schema) + json.dumps(table.to_pylist(), default=str)).encode()
    return path.read_bytes()


def test_who_keeps_the_identity_has_dicom_results_and_a_key(private, tmp_path):
    arguments = [
        "cohort",
        str(private / "exam.csv"),
        "-o",
        str(tmp_path / "known"),
        "--workers",
        "1",
        "--keep-identity",
    ]
    assert main([*arguments, "--only", "report"]) == 0
    results = [dcmread(path, stop_before_pixels=True) for path in (tmp_path / "known").rglob("*.dcm")]
    assert {result.Modality for result in results} == {"SEG", "SR"}
    assert {result.StudyInstanceUID for result in results} == {PATIENT["StudyInstanceUID"]}
    with (tmp_path / "known" / "key.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[1:] == [["d", str(private / "exam"), PATIENT["StudyInstanceUID"]]]


def test_a_package_that_is_not_installed_is_named_with_its_mend(private, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("ModicGraderLib.cohort_cli.PACKAGES", ("no_such_package",))
    assert main(["cohort", str(private / "studies.csv"), "-o", str(tmp_path / "cohort")]) == 2
    said = "modicgrader: cohorts need the Python package no_such_package; install ModicGrader with its extra `cohort`\n"
    assert capfd.readouterr().err == said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workers", "2", "--scheduler", "tcp://x:1"], "--workers is for this machine, --scheduler for a cluster"),
        (["--only", "map"], "the folder holds a cohort of another only; name a new folder with -o"),
    ],
)
def test_a_wrong_call_is_one_line_with_its_mend(graded, private, capfd, arguments, said):
    output, _ = graded
    assert main(["cohort", str(private / "studies.csv"), "-o", str(output), *arguments]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert lines[-1].startswith(f"modicgrader: {said}")

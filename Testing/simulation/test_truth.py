"""The truth of painted spines: what a reader would call, not what was drawn."""

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from painted_spine import grid_points, sagittal_grid, spine_boxes, true_discs, true_labels

from ModicGraderLib.anatomy import ENDPLATES, GRADED_DISCS, vertebra_label, vertebrae_of
from ModicGraderLib.report import StudyReport
from ModicGraderLib.resources import resource_path
from ModicGraderLib.simulation.case import Case, DiscState, EndplateState, MarrowLesion, Patient
from ModicGraderLib.simulation.truth import truth_report
from ModicGraderLib.study import Volume

BOXES = spine_boxes(lordosis=0.0)
DISCS = tuple(reversed(true_discs(BOXES)))
MARROW, NOISE = 200.0, 10.0
SIGNAL = {"I": (0.6, 1.5), "II": (1.4, 1.4), "III": (0.4, 0.4), "I/II": (0.8, 1.5), "II/III": (0.7, 0.7)}


def case(**discs: DiscState) -> Case:
    """A case; `L4_L5` names the disc L4/L5."""
    return Case(Patient("F", 58, 165), discs={name.replace("_", "/"): state for name, state in discs.items()})


def changed(*types: str, **words) -> EndplateState:
    return EndplateState(marrow=tuple(MarrowLesion(type_, 0.3) for type_ in types), **words)


def painted_truth(
    wanted: Case, *, slices=9, seen_slices=5, contrast=(1.0, 1.0), depth_mm=8.0, noise_sd=NOISE
) -> StudyReport:
    """The truth of a case whose changes are painted side by side along their endplate, over some slices."""
    grid = sagittal_grid(slices, (4.0, 1.0), (288, 176))
    points, labels = grid_points(grid), true_labels(BOXES, grid)
    rng = np.random.default_rng(0)
    lesions = np.zeros(grid.shape, np.uint8)
    signal = np.full((2, *grid.shape), MARROW)
    for number, (level, endplate, lesion) in enumerate(wanted.lesions, 1):
        disc = next(disc for disc in DISCS if disc.level == level)
        marrow = getattr(wanted.disc(level), endplate).marrow
        inward = disc.normal if endplate == "upper" else -disc.normal
        offset = points - (disc.corners[f"{endplate}_anterior"] + disc.corners[f"{endplate}_posterior"]) / 2
        strip = 30 / len(marrow)
        ahead = (offset @ disc.anterior + 15) / strip
        mine = (ahead > marrow.index(lesion)) & (ahead < marrow.index(lesion) + 1)
        body = labels == vertebra_label(vertebrae_of(level)[ENDPLATES.index(endplate)])
        change = mine & (offset @ inward < depth_mm) & body & (np.abs(points[..., 0]) < 2.0 * seen_slices)
        lesions[change] = number
        for values, factor, power in zip(signal, SIGNAL[lesion.type], contrast, strict=True):
            values[change] *= factor**power
    t1, t2 = (
        Volume((values + rng.normal(0, NOISE, grid.shape)).astype(np.float32), grid.affine, name, {})
        for values, name in zip(signal, ("t1", "t2"), strict=True)
    )
    return truth_report(wanted, DISCS, t1, t2, labels, lesions, {"t1": noise_sd, "t2": noise_sd})


def disc_of(report: StudyReport, level: str):
    return next(disc for disc in report.discs if disc.level == level)


FULL = case(
    L4_L5=DiscState(
        4, 0.6, 2.5, 5.0, 4.0, changed("I", lesion="notched"), changed("II", lesion="schmorl_node", osteophyte_mm=3)
    ),
    L5_S1=DiscState(5, 0.3, upper=changed("I/II"), lower=changed("III")),
    L1_L2=DiscState(2, 0.95, upper=EndplateState("wavy_irregular")),
)


@pytest.fixture(scope="module")
def truth():
    return painted_truth(FULL)


def test_the_truth_is_a_report_that_survives_its_file(truth, tmp_path):
    schema = json.loads(resource_path("Schemas/modicgrader-report-1.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(truth.to_json()), schema)
    (tmp_path / "truth.json").write_text(truth.to_json(), encoding="utf-8")
    assert StudyReport.read(tmp_path / "truth.json") == truth


def test_discs_are_reported_head_to_foot_with_their_findings(truth):
    assert [disc.level for disc in truth.discs] == list(GRADED_DISCS)
    disc = disc_of(truth, "L4/L5")
    assert (disc.pfirrmann.grade, disc.narrowing.grade, disc.endplate_lesion.grade) == (4, 1, "schmorl_node")
    assert (disc.herniation, disc.bulging, disc.spondylolisthesis) == (1.0, 1.0, 1.0)
    assert {name: one.endplate_change for name, one in disc.endplates.items()} == {"upper": 1.0, "lower": 1.0}
    healthy = disc_of(truth, "L2/L3")
    assert (healthy.pfirrmann.grade, healthy.narrowing.grade, healthy.endplate_lesion.grade) == (1, 0, "normal")
    assert (healthy.herniation, healthy.bulging, healthy.spondylolisthesis) == (0.0, 0.0, 0.0)
    assert healthy.modic.grade == "0"
    assert disc_of(truth, "L1/L2").endplate_lesion.grade == "wavy_irregular"


def test_endplates_have_their_types_and_extent(truth):
    disc = disc_of(truth, "L4/L5")
    upper, lower = disc.endplates["upper"], disc.endplates["lower"]
    assert (upper.modic.grade, lower.modic.grade, disc.modic.grade) == ("I", "II", "I/II")
    assert disc.modic.probabilities == pytest.approx({"0": 0, "I": 0.5, "II": 0.5, "III": 0}, abs=0.03)
    assert upper.height_percent == pytest.approx(100 * 8 / 26, abs=4)
    assert upper.height_class == "B"
    assert upper.anteroposterior_percent == pytest.approx(100 * 30 / 35, abs=4)
    assert upper.location == ["anterior", "central", "posterior"]
    assert upper.volume_mm3 == pytest.approx(30 * 8 * 5 * 4, rel=0.15)


def test_mixed_changes_keep_their_name(truth):
    disc = disc_of(truth, "L5/S1")
    assert disc.endplates["upper"].modic.grade == "I/II"
    assert disc.endplates["lower"].modic.grade == "III"
    assert disc.modic.any_change == 1.0


@pytest.mark.parametrize(
    ("types", "grade"), [(("I", "I"), "I"), (("II", "III"), "II/III"), (("I", "II"), "I/II"), (("II/III",), "II/III")]
)
def test_several_changes_at_one_endplate_are_one_grade(types, grade):
    disc = disc_of(painted_truth(case(L3_L4=DiscState(3, upper=changed(*types)))), "L3/L4")
    assert disc.endplates["upper"].modic.grade == grade
    assert disc.endplates["lower"].modic.grade == "0"
    assert disc.modic.grade == grade


ONE = case(L3_L4=DiscState(3, lower=changed("I")))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"seen_slices": 1}, "is seen on 1 of the 2 slices"),
        ({"contrast": (0.02, 0.02)}, "hardly differs"),
        ({"noise_sd": 400.0}, "hardly differs"),
        ({"depth_mm": 1.5}, "is seen on 0 of the 2 slices"),
    ],
)
def test_a_change_that_no_reader_would_call_is_a_finding_and_no_grade(how, said):
    report = painted_truth(ONE, **how)
    (finding,) = (one for one in report.quality if one.code == "change_not_gradable")
    assert (finding.severity, finding.level) == ("info", "L3/L4")
    assert f"The type I change at the lower endplate of L3/L4 {said}" in finding.message
    endplate = disc_of(report, "L3/L4").endplates["lower"]
    assert (endplate.modic.grade, endplate.modic.any_change, endplate.marrow_change, endplate.volume_mm3) == (None,) * 4
    assert disc_of(report, "L3/L4").modic.grade is None
    assert disc_of(report, "L3/L4").endplates["upper"].modic.grade == "0"


@pytest.mark.parametrize("slices", [1, 2, 9])
def test_what_is_seen_well_is_graded_even_on_a_single_slice(slices):
    report = painted_truth(ONE, slices=slices)
    assert not [one for one in report.quality if one.code == "change_not_gradable"]
    assert disc_of(report, "L3/L4").modic.grade == "I"


@pytest.mark.parametrize("contrast", [(1.0, 0.0), (0.0, 1.0)])
def test_one_visible_contrast_is_enough(contrast):
    assert disc_of(painted_truth(ONE, contrast=contrast), "L3/L4").modic.grade == "I"


def test_levels_out_of_view_are_named_and_not_graded():
    grid = sagittal_grid(3, (4.0, 1.0), (288, 176))
    volume = Volume(np.full(grid.shape, MARROW, np.float32), grid.affine, "t2", {})
    labels = true_labels(BOXES, grid)
    report = truth_report(
        case(T12_L1=DiscState(3, lower=changed("II"))),
        DISCS[1:],
        replace(volume, contrast="t1"),
        volume,
        labels,
        np.zeros_like(labels),
        {"t1": NOISE, "t2": NOISE},
    )
    assert [disc.level for disc in report.discs] == list(GRADED_DISCS[1:])
    (finding,) = report.quality
    assert (finding.code, finding.level) == ("level_not_in_view", "T12/L1")


def test_a_transitional_vertebra_is_suspected():
    wanted = replace(case(), transitional="sacralized")
    assert painted_truth(wanted, slices=2).numbering.transitional_suspected
    assert not painted_truth(case(), slices=2).numbering.transitional_suspected

"""Tests of the whole way through the house, with a localizer that reads painted pictures and an untrained grader."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from painted_spine import PaintReader, painted_volume, sagittal_grid, spine_boxes, turned
from scipy.spatial.transform import Rotation

from ModicGraderLib.anatomy import CANAL_LABEL, GRADED_DISCS, MODIC_MAP_LABELS
from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.graded import GradedStudy
from ModicGraderLib.grading.abstention import GIVE_ALL, Thresholds
from ModicGraderLib.grading.grader import Ensemble
from ModicGraderLib.grading.network import DiscReader
from ModicGraderLib.grading.tasks import MARROW_CHANGE, OUTPUTS
from ModicGraderLib.pipeline import Models, choose_device, grade_study
from ModicGraderLib.progress import Progress
from ModicGraderLib.reading import ONE_CONTRAST
from ModicGraderLib.study import SpineStudy

TURN = Rotation.from_euler("xyz", (6, -5, 8), degrees=True).as_matrix()


@pytest.fixture(scope="module")
def study() -> SpineStudy:
    boxes = turned(spine_boxes(6), TURN)
    t1 = painted_volume(boxes, sagittal_grid(5, (4.4, 1.1), (280, 150), TURN), "t1")
    return SpineStudy(t1, painted_volume(boxes, sagittal_grid(5, (4.0, 1.0), (300, 160), TURN), "t2"))


REST = frozenset({"report", "map"})
"""All but the evidence, which takes longest."""

TYPE_II = 2
"""Which of the network's classes of pixels is type II."""


def models(change_offset: float = 0.0, seen: int = TYPE_II) -> Models:
    """Untrained models, but for how probable they take a change to be, and for the class they see in every pixel."""
    torch.manual_seed(0)
    reader = DiscReader().eval()
    with torch.no_grad():
        # The last layer makes four pixels of each place, class by class.
        reader.pixels[0].bias.view(-1, 4)[seen] += 20
    offset = np.zeros(OUTPUTS)
    offset[MARROW_CHANGE] = change_offset
    return Models(PaintReader().eval(), Ensemble((reader,), np.ones(OUTPUTS), offset))


@pytest.fixture(scope="module")
def graded(study) -> GradedStudy:
    return grade_study(study, models=models())


def test_all_six_discs_are_graded_head_to_foot(graded, study):
    assert [disc.level for disc in graded.report.discs] == list(GRADED_DISCS)
    assert graded.report.numbering.lowest_disc == "L5/S1"
    assert graded.location.labels.shape == study.t2.array.shape
    assert set(graded.report.input) == {"t1", "t2"}
    graded.report.to_json()  # Raises on a value that is not finite.


def test_maps_lie_on_the_reference_grid_and_hold_what_they_promise(graded, study):
    assert set(graded.maps) == {"modic_map", "modic_probability", "evidence"}
    assert {values.shape for values in graded.maps.values()} == {study.t2.array.shape}
    probability = graded.maps["modic_probability"]
    assert probability.min() >= 0 and probability.max() <= 1
    assert np.isfinite(graded.maps["evidence"]).all()


def test_where_a_change_is_called_the_map_and_the_measures_show_it(study):
    graded = grade_study(study, models=models(change_offset=20.0), only=REST)
    modic_map = graded.maps["modic_map"]
    assert set(np.unique(modic_map)) == {0, MODIC_MAP_LABELS["II"]}
    bodies = (graded.location.labels > 0) & (graded.location.labels < CANAL_LABEL)
    assert bodies[modic_map > 0].all()
    assert (modic_map[bodies] > 0).mean() > 0.5
    for disc in graded.report.discs:
        assert disc.modic.grade == "II"
        for endplate in disc.endplates.values():
            assert endplate.modic.grade == "II"
            assert endplate.volume_mm3 > 0
    graded.report.to_json()


def test_where_the_grader_sees_no_change_the_map_is_empty(study):
    graded = grade_study(study, models=models(change_offset=-20.0), only=REST)
    assert not graded.maps["modic_map"].any()
    assert {disc.modic.grade for disc in graded.report.discs} == {"0"}
    assert all(endplate.volume_mm3 is None for disc in graded.report.discs for endplate in disc.endplates.values())


def test_two_runs_on_the_cpu_say_exactly_the_same(graded, study):
    again = grade_study(study, device="cpu", models=models())
    assert again.report.to_json() == graded.report.to_json()
    np.testing.assert_array_equal(again.location.labels, graded.location.labels)
    for name, values in graded.maps.items():
        np.testing.assert_array_equal(again.maps[name], values)


@pytest.mark.parametrize("missing", ["t1", "t2"])
def test_one_contrast_alone_gives_no_type_and_says_why(study, missing):
    graded = grade_study(replace(study, **{missing: None}), models=models(change_offset=20.0), only=REST)
    assert len(graded.report.discs) == 6
    for disc in graded.report.discs:
        assert disc.modic.grade is None
        assert disc.modic.any_change > 0.5
        assert {"grade": "modic", "reason": ONE_CONTRAST} in disc.abstained
        assert all(endplate.modic.grade is None for endplate in disc.endplates.values())
    assert "modic_map" not in graded.maps
    assert set(graded.report.input) == {"t1", "t2"} - {missing}


def test_fat_suppressed_t2_gives_no_type(study):
    suppressed = replace(study, t2=replace(study.t2, contrast="t2_fat_suppressed"))
    graded = grade_study(suppressed, models=models(change_offset=20.0), only=REST)
    assert {disc.modic.grade for disc in graded.report.discs} == {None}


def test_the_users_lowest_disc_shifts_every_name(study):
    graded = grade_study(study, lowest_disc="L4/L5", models=models(), only=REST)
    assert [disc.level for disc in graded.report.discs] == list(GRADED_DISCS[:5])
    assert graded.report.numbering.source == "user"
    missing = [finding.level for finding in graded.report.quality if finding.code == "level_not_in_view"]
    assert missing == ["L5/S1"]


def test_progress_runs_forward_from_start_to_end(study):
    heard: list[tuple[float, str]] = []
    grade_study(study, models=models(), progress=Progress(lambda *said: heard.append(said)))
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0 and 0.9 <= fractions[-1] <= 1
    assert all(text for _, text in heard)


@pytest.mark.parametrize("steps", [0, 1, 3, 8, 12])
def test_a_run_is_cancelled_at_any_of_its_steps(study, steps):
    heard: list[float] = []
    progress = Progress(lambda fraction, _: heard.append(fraction), lambda: len(heard) >= steps)
    with pytest.raises(Cancelled):
        grade_study(study, models=models(), progress=progress)
    assert len(heard) == steps


@pytest.mark.parametrize(
    ("only", "maps"),
    [({"report"}, set()), ({"report", "evidence"}, {"evidence"}), ({"map"}, {"modic_map", "modic_probability"})],
)
def test_only_what_is_asked_for_is_made(study, only, maps):
    graded = grade_study(study, only=frozenset(only), models=models())
    assert set(graded.maps) == maps
    assert len(graded.report.discs) == 6


def test_what_cannot_be_asked_for_is_named_with_what_can(study):
    with pytest.raises(InputError, match="Only report, map and evidence can be asked for"):
        grade_study(study, only=frozenset({"opinion"}), models=models())


def test_a_grade_in_doubt_is_withheld_under_its_name(study):
    shipped = models()
    sure = replace(shipped.grader, thresholds=Thresholds({**GIVE_ALL.least, "pfirrmann": np.inf}))
    graded = grade_study(study, models=replace(shipped, grader=sure), only=REST)
    for disc in graded.report.discs:
        assert disc.pfirrmann.grade is None
        assert "pfirrmann" in {entry["grade"] for entry in disc.abstained}


def test_pictures_without_a_spine_are_refused(study):
    empty = painted_volume([], sagittal_grid(5), "t2")
    with pytest.raises(InputError, match="no disc"):
        grade_study(SpineStudy(None, empty), models=models())


def test_a_device_that_is_not_there_is_named_with_those_that_are():
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(InputError, match=r"'tpu' is not available here; use auto or one of: cpu"):
        choose_device("tpu")

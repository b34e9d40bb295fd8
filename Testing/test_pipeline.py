"""Tests of the whole way through the house, with a localizer that reads painted pictures and an untrained grader."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from painted_spine import PaintReader, painted_volume, sagittal_grid, spine_boxes, turned
from scipy.spatial.transform import Rotation

from ModicGraderLib.anatomy import GRADED_DISCS, MODIC_MAP_LABELS
from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.graded import GradedStudy
from ModicGraderLib.grading.grader import Ensemble
from ModicGraderLib.grading.network import DiscGrader
from ModicGraderLib.grading.tasks import BINARY_TASKS, OUTPUTS
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


def models(modic_offset: float = 0.0) -> Models:
    """Untrained models; the offset makes a change as probable as a test wants it."""
    torch.manual_seed(0)
    offset = np.zeros(OUTPUTS)
    offset[BINARY_TASKS.index("modic_change")] = modic_offset
    return Models(PaintReader().eval(), Ensemble((DiscGrader().eval(),), np.ones(OUTPUTS), offset))


@pytest.fixture(scope="module")
def graded(study) -> GradedStudy:
    return grade_study(study, models=models())


def test_all_six_discs_are_graded_head_to_foot(graded, study):
    assert [disc.level for disc in graded.report.discs] == list(GRADED_DISCS)
    assert graded.report.numbering.lowest_disc == "L5/S1"
    assert graded.location.labels.shape == study.t2.array.shape
    assert set(graded.report.input) == {"t1", "t2"}
    graded.report.to_json()  # Raises on a value that is not finite.


def test_maps_lie_on_the_reference_grid_and_hold_what_they_promise(study):
    graded = grade_study(study, models=models(modic_offset=20.0))
    modic_map, probability = graded.maps["modic_map"], graded.maps["modic_probability"]
    assert modic_map.shape == probability.shape == study.t2.array.shape
    assert set(np.unique(modic_map)) <= {0, *MODIC_MAP_LABELS.values()}
    assert probability.min() >= 0 and probability.max() <= 1
    assert (probability[modic_map > 0] > 0.5).all()


def test_where_the_grader_sees_no_change_the_map_is_empty(study):
    graded = grade_study(study, models=models(modic_offset=-20.0))
    assert not graded.maps["modic_map"].any()
    assert {disc.modic.grade for disc in graded.report.discs} == {"0"}


def test_two_runs_on_the_cpu_say_exactly_the_same(graded, study):
    again = grade_study(study, device="cpu", models=models())
    assert again.report.to_json() == graded.report.to_json()
    np.testing.assert_array_equal(again.location.labels, graded.location.labels)
    for name, values in graded.maps.items():
        np.testing.assert_array_equal(again.maps[name], values)


@pytest.mark.parametrize("missing", ["t1", "t2"])
def test_one_contrast_alone_gives_no_type_and_says_why(study, missing):
    graded = grade_study(replace(study, **{missing: None}), models=models(modic_offset=20.0))
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
    graded = grade_study(suppressed, models=models(modic_offset=20.0))
    assert {disc.modic.grade for disc in graded.report.discs} == {None}


def test_the_users_lowest_disc_shifts_every_name(study):
    graded = grade_study(study, lowest_disc="L4/L5", models=models())
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


def test_only_the_map_can_be_left_out(study):
    assert grade_study(study, only=frozenset({"report"}), models=models()).maps == {}


def test_pictures_without_a_spine_are_refused(study):
    empty = painted_volume([], sagittal_grid(5), "t2")
    with pytest.raises(InputError, match="no disc"):
        grade_study(SpineStudy(None, empty), models=models())


def test_a_device_that_is_not_there_is_named_with_those_that_are():
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(InputError, match=r"'tpu' is not available here; use auto or one of: cpu"):
        choose_device("tpu")

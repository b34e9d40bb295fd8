"""The spinal canal and its contents."""

from __future__ import annotations

import numpy as np
import pytest

from ModicGraderLib.anatomy import CANAL_LABEL
from ModicGraderLib.simulation.canal import draw_canal
from ModicGraderLib.simulation.case import Case, DiscState

from .surroundings import PATIENT, Surroundings, surroundings


def canal(case: Case | None = None, seed: int = 2) -> Surroundings:
    scene = surroundings(case)
    draw_canal(*scene.drawn_with(), np.random.default_rng(seed))
    return scene


def sac_depth(scene: Surroundings, level: float) -> float:
    """mm from the front to the back of the thecal sac in the midline beside a level."""
    along = np.arange(-6.0, 26.0, 0.25)
    points = [scene.index(*scene.course.point(level, behind)) for behind in along]
    return 0.25 * sum(scene.canvas.labels[point] == CANAL_LABEL for point in points)


def share_of_nerve(scene: Surroundings, name: str, part: slice = slice(None)) -> float:
    """Share of nerve in the sac's midline beside a vertebra: of all that is seen there from its front to its back, or
    of a part in percent of that."""
    shares = []
    for level in scene.course.index(name) + np.linspace(-0.4, 0.4, 9):
        here = [scene.course.point(level, behind) for behind in np.arange(0.0, 18.0, 0.25)]
        here = [point for point in here if scene.canvas.labels[scene.index(*point)] == CANAL_LABEL]
        within = [here[int(len(here) * percent / 100)] for percent in range(*part.indices(100))]
        shares += [(scene.values_at(*point)[3] < 160.0) for point in within]
    return float(np.mean(shares))


def test_the_sac_runs_from_the_top_of_the_column_to_the_sacrum_and_ends_there():
    scene = canal()
    depths = {level: sac_depth(scene, level) for level in np.arange(2.5, 9.0, 0.5)}
    assert min(depths.values()) > 6
    assert sac_depth(scene, scene.course.index("S3") - 0.3) == 0


def test_the_sac_is_as_deep_as_in_real_patients():
    depths = [sac_depth(canal(seed=seed), 5.0) for seed in range(2)]
    assert 10.5 < np.mean(depths) < 17.0


def test_a_narrow_canal_has_a_smaller_sac():
    voxels = [(canal(Case(PATIENT, canal_factor=factor)).canvas.labels == CANAL_LABEL).sum() for factor in (0.7, 1.2)]
    assert voxels[0] < 0.75 * voxels[1]


def test_a_herniated_disc_narrows_the_sac_at_its_level_alone():
    healthy, sick = canal(), canal(Case(PATIENT, discs={"L3/L4": DiscState(herniation_mm=6.0)}))
    at_disc, elsewhere = healthy.course.index("L4") + 0.5, healthy.course.index("L2") + 0.5
    lost = sac_depth(healthy, at_disc) - sac_depth(sick, at_disc)
    assert lost == pytest.approx(6.0, abs=1.6)
    assert sac_depth(healthy, elsewhere) == pytest.approx(sac_depth(sick, elsewhere), abs=0.6)


def test_the_cord_fills_the_middle_of_the_sac_at_t11_and_has_ended_by_l4():
    scene = canal()
    assert share_of_nerve(scene, "T11", slice(35, 75)) > 0.7
    assert share_of_nerve(scene, "L4", slice(10, 45)) < 0.3


def test_the_cauda_equina_lies_at_the_back_of_the_sac_and_grows_thinner_downwards():
    scene = canal()
    for name in ("L3", "L4"):
        assert share_of_nerve(scene, name, slice(65, 95)) > 0.55
        assert share_of_nerve(scene, name, slice(5, 35)) < 0.25
    assert share_of_nerve(scene, "S1") < share_of_nerve(scene, "L3") - 0.1


def test_only_the_canal_is_labelled_and_no_label_lies_before_the_walls_of_healthy_bodies():
    scene = canal()
    assert set(np.unique(scene.canvas.labels)) == {0, CANAL_LABEL}
    where = scene.canvas.labels == CANAL_LABEL
    behind, _ = scene.course.locate(scene.canvas.y[where], scene.canvas.z[where])
    assert behind.min() > -0.8


def test_nothing_is_drawn_before_the_canal():
    scene = canal()
    drawn = scene.canvas.values[0] > 0
    behind, _ = scene.course.locate(scene.canvas.y[drawn], scene.canvas.z[drawn])
    assert behind.min() > -2.0


def test_a_canal_beyond_the_canvas_is_no_error():
    scene = surroundings()
    scene.canvas.x += 300.0
    draw_canal(*scene.drawn_with(), np.random.default_rng(0))
    assert not scene.canvas.labels.any()

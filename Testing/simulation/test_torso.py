"""What is drawn around the spine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ModicGraderLib.simulation.case import Case
from ModicGraderLib.simulation.posterior_elements import ARCH_DENSITY, draw_posterior_elements, process_tips
from ModicGraderLib.simulation.torso import draw_torso

from .surroundings import PATIENT, Surroundings, surroundings


def torso(case: Case | None = None) -> Surroundings:
    scene = surroundings(case)
    draw_torso(*scene.drawn_with(), np.random.default_rng(1))
    return scene


def test_air_lies_behind_the_skin_and_no_tissue_is_left_out():
    scene = torso()
    assert np.isfinite(scene.canvas.values).all()
    at_l3 = scene.index(*scene.course.point(scene.course.index("L3"), 0.0))[1]
    assert (scene.canvas.values[0, :, at_l3, -3:] < 0.02).all()
    inside = scene.values_at(*scene.course.point(scene.course.index("L3"), 60.0))
    assert inside[0] > 0.1


def test_the_torso_labels_nothing():
    assert not torso().canvas.labels.any()


def test_the_same_seed_draws_the_same_torso_and_another_seed_another():
    scenes = [surroundings() for _ in range(3)]
    for scene, seed in zip(scenes, (1, 1, 2), strict=True):
        draw_torso(*scene.drawn_with(), np.random.default_rng(seed))
    first, same, other = (scene.canvas.values for scene in scenes)
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def skin_behind(scene: Surroundings, point: np.ndarray) -> float:
    """y where the air begins behind a point (y, z) of the midline."""
    slice_, row, column = scene.index(*point)
    return point[0] + np.flatnonzero(scene.canvas.values[0, slice_, row, column:] < 0.05)[0]


def test_a_greater_fat_factor_puts_the_skin_farther_back():
    lean, plump = (torso(Case(PATIENT, fat_factor=factor)) for factor in (0.4, 1.4))
    l5 = lean.course.point(lean.course.index("L5"), 0.0)
    assert 8 < skin_behind(plump, l5) - skin_behind(lean, l5) < 60


def test_the_muscles_of_the_old_hold_more_fat():
    shares = []
    for age in (22.0, 80.0):
        scene = torso(Case(replace(PATIENT, age_years=age)))
        y, z = scene.course.point(scene.course.index("L5"), 26.0)
        slice_, row, column = scene.index(y, z, 12.0)
        shares.append(scene.canvas.values[1, slice_ - 1 : slice_ + 2, row - 15 : row + 15, column : column + 10].mean())
    assert shares[1] > shares[0] + 0.15


def test_the_aorta_is_a_void_before_l2_on_the_left():
    scene = torso()
    body = next(body for body in scene.column if body.name == "L2")
    y, z = body.to_plan(np.array([body.depth / 2 + 13.0, 0.0]))
    slice_, row, column = scene.index(y, z)
    density = scene.canvas.values[0, slice_ - 1 : slice_ + 8, row, column - 4 : column + 5]
    assert density.min() == pytest.approx(scene.tissues.blood_flowing.density, abs=0.05)


def test_spinous_processes_are_marrow_under_the_fascia_and_label_nothing():
    scene = torso()
    draw_posterior_elements(*scene.drawn_with(), np.random.default_rng(5))
    assert not scene.canvas.labels.any()
    for body, tip in zip(scene.column, process_tips(scene.column), strict=True):
        if body.name in ("L2", "L3", "L4"):
            place = tip + 13.0 * body.forward
            marrow = scene.tissues.marrow[body.name]
            density, fat, *_ = scene.values_at(*place)
            assert density == pytest.approx(ARCH_DENSITY * marrow.density, abs=0.05)
            assert marrow.fat * 0.3 < fat < 0.96
            assert skin_behind(scene, tip) > tip[0] + 2


def test_a_cortex_parts_the_process_from_what_lies_around_it():
    scene = torso()
    draw_posterior_elements(*scene.drawn_with(), np.random.default_rng(5))
    body = next(body for body in scene.column if body.name == "L3")
    tip = process_tips([body])[0] + 13.0 * body.forward
    slice_, row, column = scene.index(*tip)
    upwards = scene.canvas.values[0, slice_, row - 18 : row + 1, column]
    assert upwards.min() < 0.6 * scene.tissues.marrow["L3"].density

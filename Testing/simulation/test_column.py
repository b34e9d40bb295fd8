"""The column keeps to anatomy and to the case, whatever the patient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.simulation.case import Case, DiscState, Patient, VertebraState
from ModicGraderLib.simulation.column import (
    BackWall,
    Body,
    build_column,
    disc_height,
    endplate_tilt,
    sideways_curve,
)

NAMES = ["S3", "S2", "S1", "L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9"]

patients = st.builds(
    Patient,
    sex=st.sampled_from(["F", "M"]),
    age_years=st.floats(20, 85),
    stature_cm=st.floats(150, 195),
)
discs = st.builds(DiscState, height_factor=st.floats(0.2, 1.1), slip_mm=st.floats(-5, 10))
vertebrae = st.builds(
    VertebraState, fracture=st.sampled_from(["none", "wedge", "biconcave"]), fracture_loss=st.floats(0.15, 0.45)
)
cases = st.builds(
    Case,
    patient=patients,
    lordosis_deg=st.floats(20, 65),
    transitional=st.sampled_from(["none", "none", "sacralized", "lumbarized"]),
    discs=st.dictionaries(st.sampled_from(GRADED_DISCS), discs, max_size=6),
    vertebrae=st.dictionaries(st.sampled_from(NAMES[3:]), vertebrae, max_size=2),
)
seeds = st.integers(0, 2**32 - 1)


def column_of(case: Case, seed: int) -> dict[str, Body]:
    return {body.name: body for body in build_column(case, np.random.default_rng(seed))}


def healthy(seed: int, **words) -> dict[str, Body]:
    return column_of(Case(Patient("F", 50, 163), **words), seed)


def pairs(column: dict[str, Body]) -> list[tuple[Body, Body]]:
    """(above, below) of all neighbors."""
    bodies = list(column.values())
    return list(zip(bodies[1:], bodies[:-1], strict=True))


def disc_frame(above: Body, below: Body) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors to the front and to the head of the disc between two bodies."""
    tilt = (endplate_tilt(below, 1) + endplate_tilt(above, -1)) / 2
    return np.array([-np.cos(tilt), -np.sin(tilt)]), np.array([-np.sin(tilt), np.cos(tilt)])


def slip(above: Body, below: Body) -> float:
    return float((above.corner(-1, -1) - below.corner(-1, 1)) @ disc_frame(above, below)[0])


def gap(above: Body, below: Body) -> np.ndarray:
    """Height of the disc wherever both endplates face each other."""
    forward, up = disc_frame(above, below)
    upper, lower = (body.to_plan(body.wall(wall)) for body, wall in ((above, "inferior"), (below, "superior")))
    start = max(upper[0] @ forward, lower[0] @ forward)
    stop = min(upper[-1] @ forward, lower[-1] @ forward)
    places = np.linspace(start, stop, 50)
    heights = [np.interp(places, wall @ forward, wall @ up) for wall in (upper, lower)]
    return heights[0] - heights[1]


@given(cases, seeds)
@settings(max_examples=150, deadline=None)
def test_bodies_never_touch_and_discs_have_height_everywhere(case, seed):
    column = column_of(case, seed)
    assert list(column) == NAMES
    for above, below in pairs(column):
        assert gap(above, below).min() > 0.3


@given(cases, seeds)
@settings(max_examples=150, deadline=None)
def test_lordosis_is_as_asked(case, seed):
    column = column_of(case, seed)
    found = np.degrees(endplate_tilt(column["S1"], 1) - endplate_tilt(column["L1"], 1))
    assert found == pytest.approx(case.lordosis_deg, abs=0.1)


@given(cases, seeds)
@settings(max_examples=60, deadline=None)
def test_every_body_is_a_simple_closed_shape_with_upright_sides(case, seed):
    for body in column_of(case, seed).values():
        superior, inferior = body.wall("superior"), body.wall("inferior")
        assert (np.diff(superior[:, 0]) > 0).all()
        assert (np.diff(inferior[:, 0]) > 0).all()
        places = np.linspace(max(superior[0, 0], inferior[0, 0]), min(superior[-1, 0], inferior[-1, 0]), 33)
        heights = np.interp(places, *superior.T) - np.interp(places, *inferior.T)
        assert heights.min() > 4
        assert body.outline().shape == (128, 2)


@given(seeds, st.sampled_from(GRADED_DISCS), st.floats(-5, 10))
@settings(max_examples=60, deadline=None)
def test_a_slip_moves_the_body_above_by_as_much_as_asked(seed, level, slip_mm):
    above, below = level.split("/")
    before, after = healthy(seed), healthy(seed, discs={level: DiscState(slip_mm=slip_mm)})
    assert slip(after[above], after[below]) - slip(before[above], before[below]) == pytest.approx(slip_mm, abs=1e-6)


@given(seeds, st.sampled_from(GRADED_DISCS), st.floats(0.2, 1.0))
@settings(max_examples=60, deadline=None)
def test_a_narrowed_disc_keeps_the_share_of_its_height_that_is_asked(seed, level, factor):
    above, below = level.split("/")
    before, after = healthy(seed), healthy(seed, discs={level: DiscState(height_factor=factor)})
    share = disc_height(after[above], after[below]) / disc_height(before[above], before[below])
    assert share == pytest.approx(factor, abs=0.05)


@given(seeds, st.sampled_from(NAMES[3:]), st.floats(0.15, 0.45))
@settings(max_examples=40, deadline=None)
def test_a_wedge_fracture_takes_height_in_front_and_not_behind(seed, name, loss):
    before = healthy(seed)[name]
    after = healthy(seed, vertebrae={name: VertebraState("wedge", loss)})[name]
    assert after.front / before.front == pytest.approx(1 - loss, abs=0.06)
    assert after.back == pytest.approx(before.back, rel=0.06)


@given(seeds, st.sampled_from(NAMES[3:]), st.floats(0.15, 0.45))
@settings(max_examples=40, deadline=None)
def test_a_biconcave_fracture_takes_height_in_the_middle(seed, name, loss):
    before = healthy(seed)[name]
    after = healthy(seed, vertebrae={name: VertebraState("biconcave", loss)})[name]
    lost = (before.superior + before.inferior - after.superior - after.inferior)[16]
    assert lost / ((before.front + before.back) / 2) == pytest.approx(loss, abs=0.01)
    assert (after.front, after.back) == pytest.approx((before.front, before.back), rel=0.02)


@given(patients, st.floats(25, 62), seeds)
@settings(max_examples=100, deadline=None)
def test_healthy_columns_keep_to_morphometry(patient, lordosis, seed):
    column = column_of(Case(patient, lordosis_deg=lordosis), seed)
    for name in ("L1", "L2", "L3", "L4", "L5"):
        body = column[name]
        assert 24 < body.depth < 47
        assert 16 < body.front < 43
        assert 15 < body.back < 41
        assert 0.9 < 2 * body.depth / (body.front + body.back) < 1.8
    for above, below in pairs(column)[2:]:
        assert 3 < disc_height(above, below) < 17
        assert abs(slip(above, below)) < 4.5
    for above, below in pairs(column)[7:]:
        assert above.depth < below.depth


def test_healthy_discs_are_as_high_on_average_as_morphometry_says():
    columns = [healthy(seed) for seed in range(60)]

    def middle(above: str, below: str) -> float:
        return float(np.mean([disc_height(column[above], column[below]) for column in columns]))

    assert middle("L4", "L5") == pytest.approx(11.0, abs=1.0)
    assert middle("T12", "L1") == pytest.approx(6.5, abs=0.7)
    heights = [middle(*level) for level in (("L4", "L5"), ("L3", "L4"), ("L2", "L3"), ("L1", "L2"), ("T12", "L1"))]
    assert heights == sorted(heights, reverse=True)


def test_men_are_larger_than_women():
    def depth(sex: str, stature: float) -> float:
        return np.mean([column_of(Case(Patient(sex, 50, stature)), seed)["L3"].depth for seed in range(40)])

    assert 1.05 < depth("M", 176) / depth("F", 163) < 1.13


@given(cases, seeds)
@settings(max_examples=30, deadline=None)
def test_the_same_generator_gives_the_same_column_upright_about_the_third_lumbar_body(case, seed):
    first, second = column_of(case, seed), column_of(case, seed)
    for one, other in zip(first.values(), second.values(), strict=True):
        assert all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))
    assert first["L3"].center == pytest.approx((0, 0))
    lean = first["L1"].center - first["L5"].center
    assert abs(np.degrees(np.arctan2(lean[0], lean[1]))) < 25


def test_the_thoracic_spine_returns_to_the_line_of_the_table():
    columns = [healthy(seed, lordosis_deg=25 + seed) for seed in range(40)]
    spread = {name: np.std([endplate_tilt(column[name], 1) for column in columns]) for name in ("L1", "T9")}
    assert spread["T9"] < 0.8 * spread["L1"]


def test_transitional_vertebrae_change_the_disc_that_makes_them_so():
    plain, sacral, lumbar = (
        healthy(4, transitional=kind) for kind in ("none", "sacralized", "lumbarized")
    )  # fmt: skip
    assert disc_height(sacral["L5"], sacral["S1"]) < 0.6 * disc_height(plain["L5"], plain["S1"])
    assert disc_height(lumbar["S1"], lumbar["S2"]) > 2 * disc_height(plain["S1"], plain["S2"])
    assert lumbar["S1"].taper < 0.4 * plain["S1"].taper


@given(cases, seeds)
@settings(max_examples=40, deadline=None)
def test_the_back_wall_runs_along_the_backs_of_the_bodies(case, seed):
    column = build_column(case, np.random.default_rng(seed))
    wall = BackWall(column)
    for body in column:
        middle = body.to_plan(body.wall("posterior")[16])
        assert wall.depth(*middle) == pytest.approx(0, abs=0.2)
        assert wall.at(middle[1]) == pytest.approx(middle[0], abs=0.5)
        assert wall.depth(*body.center) < -2


def test_the_back_wall_measures_depth_at_right_angles_in_single_precision():
    wall = BackWall(build_column(Case(Patient("F", 50, 163)), np.random.default_rng(0)))
    z = np.linspace(-60, 60, 7, dtype=np.float32)
    slope = (wall.at(z + 0.5) - wall.at(z - 0.5)) / 1.0
    behind = wall.depth(wall.at(z) + np.float32(10), z)
    assert behind.dtype == np.float32
    assert behind == pytest.approx(10 / np.sqrt(1 + slope**2), abs=0.1)


@given(st.floats(-40, 40), seeds)
@settings(max_examples=20, deadline=None)
def test_the_sideways_curve_has_the_cobb_angle_asked_and_its_convexity_to_the_left(cobb, seed):
    case = Case(Patient("F", 50, 163), scoliosis_deg=cobb)
    curve = sideways_curve(case, build_column(case, np.random.default_rng(seed)))
    slopes = np.degrees(np.arctan(np.diff(curve[:, 1]) / np.diff(curve[:, 0])))
    assert slopes.max() - slopes.min() == pytest.approx(abs(cobb), abs=0.5)
    assert np.sign(curve[len(curve) // 2, 1]) == np.sign(cobb)
    assert curve[0, 1] == pytest.approx(0, abs=1e-6)

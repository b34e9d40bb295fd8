"""Tests of drawn discs."""

import numpy as np
import pytest

from ModicGraderLib.anatomy import PFIRRMANN_GRADES, disc_label, vertebra_label
from ModicGraderLib.grid import Grid
from ModicGraderLib.simulation.canvas import Canvas
from ModicGraderLib.simulation.case import Case, DiscState, EndplateState, Patient
from ModicGraderLib.simulation.column import build_column
from ModicGraderLib.simulation.discs import disc_corners, disc_frame
from ModicGraderLib.simulation.spine_drawing import draw_spine
from ModicGraderLib.simulation.tissues import Sequence, draw_tissues, spin_echo

PATIENT = Patient("M", 40.0, 178.0)


def drawn(state: DiscState, seed: int = 1):
    """A canvas with a column alone, without a warp, L3/L4 in that state; its bodies by name; the tissues."""
    rng = np.random.default_rng(seed)
    case = Case(PATIENT, discs={"L3/L4": state})
    column = {body.name: body for body in build_column(case, rng)}
    affine = np.zeros((4, 4))
    affine[0, 0], affine[2, 1], affine[1, 2], affine[3, 3] = 2.0, -0.65, 0.65, 1.0
    shape = (6, 160, 110)
    center = np.array([0.0, *disc_frame(column["L3"], column["L4"]).center])
    affine[:3, 3] = center - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    canvas = Canvas(Grid(affine, shape), rng, warp_mm=0.0)
    tissues = draw_tissues(PATIENT, 1.5, np.random.default_rng(0))
    draw_spine(canvas, list(column.values()), case, tissues, rng)
    return canvas, column, tissues


def behind_the_bodies(canvas: Canvas, column: dict) -> np.ndarray:
    """mm by which the disc reaches behind the line between the posterior corners of its neighbors."""
    frame = disc_frame(column["L3"], column["L4"])
    corners = disc_corners(column["L3"], column["L4"])
    wall = min(corners[name] @ frame.forward for name in ("upper_posterior", "lower_posterior"))
    disc = canvas.labels == disc_label("L3/L4")
    return wall - (canvas.y[disc] * frame.forward[0] + canvas.z[disc] * frame.forward[1]).min()


def test_discs_and_bodies_fill_the_column_by_turns():
    canvas, column, _ = drawn(DiscState(2))
    frame = disc_frame(column["L3"], column["L4"])
    near = (np.abs(canvas.y - frame.center[0]) < 0.5) & (np.abs(canvas.x) < 1.1)
    upwards = [canvas.labels[near & (np.abs(canvas.z - frame.center[1] - up) < 0.5)] for up in (-15, 0, 15)]
    for labels, expected in zip(
        upwards, (vertebra_label("L4"), disc_label("L3/L4"), vertebra_label("L3")), strict=True
    ):
        assert (labels == expected).all()


def test_the_nucleus_darkens_on_t2_with_its_grade():
    signals = []
    for grade in PFIRRMANN_GRADES:
        canvas, column, tissues = drawn(DiscState(grade, (1.0, 1.0, 0.9, 0.75, 0.5)[grade - 1]))
        frame = disc_frame(column["L3"], column["L4"])
        core = (np.hypot(canvas.y - frame.center[0], 3 * (canvas.z - frame.center[1])) < 6) & (np.abs(canvas.x) < 4)
        t2 = spin_echo(canvas.values, Sequence(3500.0, 106.0), tissues.fat_t1_ms, tissues.fat_t2_ms)
        signals.append(float(np.median(t2[core])))
    assert signals[0] > 1.15 * signals[1] > 1.15 * signals[2] > 1.15 * signals[3]
    assert signals[4] < 1.3 * signals[3]


@pytest.mark.parametrize("name", ["bulge_mm", "herniation_mm"])
def test_a_disc_stands_out_behind_as_far_as_asked(name):
    plain, asked = (behind_the_bodies(*drawn(DiscState(3, **{name: mm}))[:2]) for mm in (0.0, 6.0))
    assert asked - plain == pytest.approx(6.0, abs=2.0)


def test_a_node_is_filled_from_its_disc():
    canvas, _, _ = drawn(DiscState(2, upper=EndplateState("schmorl_node")))
    plain, _, _ = drawn(DiscState(2))
    more = (canvas.labels == disc_label("L3/L4")).sum() / (plain.labels == disc_label("L3/L4")).sum()
    assert more > 1.03

"""Tests of painted Modic changes."""

import numpy as np
import pytest

from ModicGraderLib.grid import Grid
from ModicGraderLib.simulation.body_shape import body_field
from ModicGraderLib.simulation.canvas import Canvas
from ModicGraderLib.simulation.case import LESION_TYPES, MarrowLesion, Patient, VertebraState
from ModicGraderLib.simulation.column import ALONG, Body
from ModicGraderLib.simulation.marrow import Texture, paint_marrow
from ModicGraderLib.simulation.marrow_lesions import paint_lesion
from ModicGraderLib.simulation.tissues import Sequence, draw_tissues, spin_echo

T1, T2 = Sequence(510.0, 9.8), Sequence(3500.0, 106.0)
HEIGHT = 27.0
BODY = Body("L4", np.zeros(2), 0.0, 34.0, HEIGHT, HEIGHT, *(np.zeros_like(ALONG) for _ in range(4)))


def flat(along, left_mm):
    return np.zeros_like(along)


def painted(lesion: MarrowLesion, seed: int = 0):
    """A canvas with one body and the lesion on its superior endplate; its tissues, and where there is marrow."""
    rng = np.random.default_rng(seed)
    affine = np.zeros((4, 4))
    affine[0, 0], affine[2, 1], affine[1, 2], affine[3, 3] = 1.25, -0.65, 0.65, 1.0
    shape = (20, 80, 80)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    canvas = Canvas(Grid(affine, shape), rng, warp_mm=0.0)
    tissues = draw_tissues(Patient("F", 60.0, 165.0), 1.5, rng)
    texture, box = Texture.draw(canvas), (slice(None),) * 3
    field = body_field(BODY, canvas.x, canvas.y, canvas.z, flat, flat, (0.0, 0.0))
    marrow = paint_marrow(canvas, box, BODY, field, texture, tissues, VertebraState(), rng)
    paint_lesion(
        canvas, box, lesion, 1, field.below_top, field.superior_relief, HEIGHT, field, marrow, texture, tissues, rng
    )
    return canvas, tissues, marrow > 0.9


def contrast(type_: str) -> tuple[float, float]:
    """Signal of a full-blown change against the unchanged marrow, on T1 and T2."""
    canvas, tissues, marrow = painted(MarrowLesion(type_, 0.45))
    changed, plain = (canvas.lesions > 0) & marrow, (canvas.lesions == 0) & marrow & (canvas.z < -3)
    signals = (spin_echo(canvas.values, one, tissues.fat_t1_ms, tissues.fat_t2_ms) for one in (T1, T2))
    return tuple(float(np.median(signal[changed]) / np.median(signal[plain])) for signal in signals)


@pytest.mark.parametrize(("type_", "t1", "t2"), [("I", -1, 1), ("II", 1, 1), ("III", -1, -1)])
def test_each_type_departs_from_marrow_as_modic_defined_it(type_, t1, t2):
    on_t1, on_t2 = contrast(type_)
    assert (on_t1 - 1) * t1 > 0.05
    assert (on_t2 - 1) * t2 > 0.05


@pytest.mark.parametrize("height", [0.15, 0.3, 0.6])
@pytest.mark.parametrize("type_", LESION_TYPES)
def test_a_change_is_as_deep_as_asked_and_rests_on_its_endplate(type_, height):
    canvas, _, _ = painted(MarrowLesion(type_, height))
    z = canvas.z[canvas.lesions > 0]
    depth = HEIGHT / 2 - z.min()
    assert depth == pytest.approx(height * HEIGHT, rel=0.3, abs=1.5)
    assert HEIGHT / 2 - z.max() < 2.5


def test_extent_and_place_along_the_endplate_are_kept():
    canvas, _, _ = painted(MarrowLesion("II", 0.3, anterior=0.5, anterior_extent=0.3, lateral_extent=1.5))
    along = -2 * canvas.y[canvas.lesions > 0] / BODY.depth
    assert along.min() > 0.15
    assert along.max() < 0.85


def test_strength_says_how_far_the_signal_goes():
    fat = []
    for strength in (0.3, 1.0):
        canvas, _, marrow = painted(MarrowLesion("II", 0.4, strength=strength))
        fat.append(np.median(canvas.values[1][(canvas.lesions > 0) & marrow]))
    plain = np.median(canvas.values[1][(canvas.lesions == 0) & marrow])
    assert plain < fat[0] < fat[1]


def test_a_mixed_change_holds_both_of_its_types():
    canvas, tissues, marrow = painted(MarrowLesion("I/II", 0.5))
    fat = canvas.values[1][(canvas.lesions > 0) & marrow]
    plain = tissues.marrow["L4"].fat
    assert (fat < plain - 0.05).mean() > 0.1
    assert (fat > plain + 0.05).mean() > 0.1

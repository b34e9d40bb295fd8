"""Draws the column on a canvas: discs first, bodies over them, and the changes at their endplates."""

from __future__ import annotations

import numpy as np

from ..anatomy import DISCS_UPWARDS, VERTEBRAE_UPWARDS, vertebra_label
from .body_shape import body_field, half_width
from .canvas import Canvas
from .case import Case
from .column import Body
from .discs import paint_disc
from .endplates import EndplateRelief
from .marrow import Texture, mottle, paint_marrow
from .marrow_lesions import paint_lesion
from .tissues import Tissues

PATCHINESS = (0.035, 0.0012)
"""Standard deviation of the fat fraction within a body at birth, and by how much it grows every year."""


def draw_spine(canvas: Canvas, column: list[Body], case: Case, tissues: Tissues, rng: np.random.Generator) -> None:
    """Draw the bodies and discs of a column, from the sacrum upwards, with everything the case says of them."""
    texture = Texture.draw(canvas)
    for below, above in zip(column[:-1], column[1:], strict=True):
        paint_disc(canvas, above, below, case.disc(f"{above.name}/{below.name}"), texture, tissues, rng)
    patchiness = (PATCHINESS[0] + PATCHINESS[1] * case.patient.age_years) * rng.uniform(0.6, 1.4)
    for body in column:
        _draw_body(canvas, body, case, texture, tissues, patchiness, rng)


def _draw_body(canvas, body: Body, case: Case, texture: Texture, tissues: Tissues, patchiness: float, rng) -> None:
    disc_above, disc_below = _neighbors(body.name)
    states = (case.disc(disc_above).lower, case.disc(disc_below).upper)
    height = (body.front + body.back) / 2
    reliefs = [EndplateRelief(state, body.depth, half_width(body), height, rng) for state in states]
    box = canvas.box(body.center, np.hypot(body.depth, height) / 2 + 4)
    x, y, z = (plan[box] for plan in (canvas.x, canvas.y, canvas.z))
    shape = body_field(body, x, y, z, *reliefs, tuple(state.osteophyte_mm for state in states))
    if body.name in VERTEBRAE_UPWARDS:
        canvas.labels[box][shape.distance < 0] = vertebra_label(body.name)
    elif not body.name.startswith("S"):
        canvas.labels[box][shape.distance < 0] = 0
    marrow = paint_marrow(canvas, box, body, shape, texture, tissues, case.vertebra(body.name), rng)
    for number, (level, endplate, lesion) in enumerate(case.lesions, 1):
        seen = {
            (disc_above, "lower"): (shape.below_top, shape.superior_relief),
            (disc_below, "upper"): (shape.above_bottom, shape.inferior_relief),
        }.get((level, endplate))
        if seen is not None:
            paint_lesion(canvas, box, lesion, number, *seen, height, shape, marrow, texture, tissues, rng)
    mottle(canvas, box, marrow, texture, patchiness)


def _neighbors(vertebra: str) -> tuple[str, str]:
    """Names of the discs above and below a vertebra; "" where there is none with a name."""
    above = next((disc for disc in DISCS_UPWARDS if disc.split("/")[1] == vertebra), "")
    below = next((disc for disc in DISCS_UPWARDS if disc.split("/")[0] == vertebra), "")
    return above, below

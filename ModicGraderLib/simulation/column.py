"""The vertebral column in its midsagittal plane: bodies one on the other, from the sacrum upwards."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicSpline

from .case import Case
from .column_forms import draw_forms
from .column_shape import ALONG, BodyForm, Joint

_ENDS = {
    "superior": ((-1, 1), (1, 1)),
    "inferior": ((-1, -1), (1, -1)),
    "anterior": ((1, -1), (1, 1)),
    "posterior": ((-1, -1), (-1, 1)),
}
"""Corners (side, end) at which each wall begins and ends."""


@dataclass(frozen=True)
class Body:
    """One vertebral body, seen from the side; y runs to the back and z to the head, in mm.

    Attributes
    ----------
    name:
        "L3", "S1", ...
    center:
        (y, z) of the mean of its four corners.
    tilt:
        Angle in radians by which its front points down.
    depth:
        Anteroposterior distance of the corners, the mean of above and below.
    front, back:
        Distance of the upper from the lower corner, in front and behind.
    superior, inferior, anterior, posterior:
        (33,) mm by which each wall stands out beyond the straight line between its corners, at `ALONG`; a hollow wall
        is negative.
    taper:
        mm by which the upper endplate is deeper than the lower one.
    skew:
        mm by which the upper endplate's middle lies before the lower one's.
    """

    name: str
    center: np.ndarray
    tilt: float
    depth: float
    front: float
    back: float
    superior: np.ndarray
    inferior: np.ndarray
    anterior: np.ndarray
    posterior: np.ndarray
    taper: float = 0.0
    skew: float = 0.0

    @property
    def forward(self) -> np.ndarray:
        """Unit vector (y, z) to the front."""
        return np.array([-np.cos(self.tilt), -np.sin(self.tilt)])

    @property
    def up(self) -> np.ndarray:
        """Unit vector (y, z) to the head, at right angles to `forward`."""
        return np.array([-np.sin(self.tilt), np.cos(self.tilt)])

    def corner(self, side: int, end: int) -> np.ndarray:
        """(y, z) of a corner: `side` 1 is the front and -1 the back, `end` 1 is the top and -1 the bottom."""
        return self.to_plan(self._local_corner(side, end))

    def wall(self, name: str) -> np.ndarray:
        """(33, 2) mm to the front and to the head of `center`: "superior", "inferior", "anterior" or "posterior" wall.

        The order is that of `ALONG`.
        """
        start, stop = (self._local_corner(side, end) for side, end in _ENDS[name])
        along = (ALONG[:, None] + 1) / 2
        chord = stop - start
        outward = np.array([-chord[1], chord[0]]) / np.hypot(*chord) * (1 if name in ("superior", "posterior") else -1)
        return start + along * chord + getattr(self, name)[:, None] * outward

    def outline(self) -> np.ndarray:
        """(128, 2) points (y, z) around the body."""
        walls = [self.wall("superior"), self.wall("anterior")[::-1], self.wall("inferior")[::-1]]
        return self.to_plan(np.concatenate([wall[:-1] for wall in [*walls, self.wall("posterior")]]))

    def local(self, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of points (y, z): mm to the front and mm to the head of `center`."""
        dy, dz = y - self.center[0], z - self.center[1]
        return dy * self.forward[0] + dz * self.forward[1], dy * self.up[0] + dz * self.up[1]

    def to_plan(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) points in (y, z) from mm to the front and to the head of `center`."""
        return self.center + points @ np.stack([self.forward, self.up])

    def _local_corner(self, side: int, end: int) -> np.ndarray:
        height = self.front if side > 0 else self.back
        return np.array([side * (self.depth + end * self.taper / 2) + end * self.skew, end * height]) / 2


LEAN_DEG = (2.0, 3.5)
"""Mean and standard deviation of the angle by which L1 lies behind L5, lying on the back (20 SPIDER patients)."""


THORACIC_RETURN = 0.5
"""Share by which the thoracic spine bends back to the table's line where L1 is tilted more or less than on average."""

MEAN_TILT_DEG, LARGEST_BEND_DEG = -6.0, 8.0
"""Average tilt of L1's upper endplate in drawn columns, and the largest bend that three thoracic bodies share."""


def build_column(case: Case, rng: np.random.Generator) -> list[Body]:
    """The bodies of a patient from S3 upwards to T9; the middle of L3 lies at (0, 0)."""
    forms, joints = draw_forms(case, rng)
    column = [_placed("S3", forms["S3"], np.zeros(2), 0.0)]
    names, joints = list(forms), list(joints.values())
    lumbar = names.index("L1")
    for joint, name in zip(joints[:lumbar], names[1:], strict=False):
        column.append(_put_on(column[-1], joint, name, forms[name]))
    column = _upright(column, np.radians(rng.normal(*LEAN_DEG)))
    away = THORACIC_RETURN * (np.degrees(endplate_tilt(column[-1], 1)) - MEAN_TILT_DEG)
    bend = np.radians(np.clip(away, -LARGEST_BEND_DEG, LARGEST_BEND_DEG)) / 3
    for joint, name in zip(joints[lumbar:], names[lumbar + 1 :], strict=True):
        form = forms[name] if name == "T9" else replace(forms[name], wedge=forms[name].wedge + bend)
        column.append(_put_on(column[-1], joint, name, form))
    return column


def _upright(column: list[Body], lean: float) -> list[Body]:
    """The column turned until L1 lies behind L5 by an angle in radians, and moved until L3 lies at (0, 0)."""
    bodies = {body.name: body for body in column}
    upwards = _middle(bodies["L1"], -1) - _middle(bodies["L5"], -1)
    turn = lean - np.arctan2(*upwards)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = bodies["L3"].center
    return [replace(body, center=(body.center - middle) @ turned, tilt=body.tilt - turn) for body in column]


def disc_height(above: Body, below: Body) -> float:
    """Mean height in mm of the disc between two bodies, from wall to wall over its whole depth."""
    across = np.stack([above.to_plan(above.wall("inferior")), below.to_plan(below.wall("superior"))])
    lower, upper = (body.corner(1, end) - body.corner(-1, end) for body, end in ((below, 1), (above, -1)))
    axis = lower / np.hypot(*lower) + upper / np.hypot(*upper)
    up = np.array([axis[1], -axis[0]]) / np.hypot(*axis)
    return float(((across[0] - across[1]) @ up).mean())


def endplate_tilt(body: Body, end: int) -> float:
    """Angle in radians by which the front of an endplate points down; `end` 1 is the upper and -1 the lower one."""
    backward, down = body.corner(-1, end) - body.corner(1, end)
    return float(np.arctan2(down, backward))


class BackWall:
    """The curve along the back of the bodies, from which everything behind them is measured."""

    STEP_MM = 0.1
    """The curve is tabulated as finely as this."""

    SACRAL_BEND_DEG = 12.0
    """By so much the sacrum bends to the front on every 15 mm below S3."""

    def __init__(self, column: list[Body]):
        backs = [body.to_plan(body.wall("posterior")[len(ALONG) // 2]) for body in column]
        discs = [(a.corner(-1, -1) + b.corner(-1, 1)) / 2 for b, a in zip(column[:-1], column[1:], strict=True)]
        points = [column[0].corner(-1, -1), *backs, *discs, column[-1].corner(-1, 1)]
        points += [points[0] + step for step in self._lower_sacrum(column[0])]
        points = np.array(sorted(points, key=lambda point: point[1]))
        curve = CubicSpline(points[:, 1], points[:, 0], bc_type="natural")
        self._start = np.float32(points[0, 1])
        heights = np.arange(self._start, points[-1, 1], self.STEP_MM)
        self._wall, self._slope = curve(heights).astype(np.float32), curve(heights, 1).astype(np.float32)
        self._shorter = 1 / np.sqrt(1 + self._slope**2)

    def _lower_sacrum(self, last: Body) -> list[np.ndarray]:
        """Steps from the last body's lower corner down along the rest of the sacrum, which bends to the front."""
        tilts = endplate_tilt(last, -1) - np.radians(self.SACRAL_BEND_DEG) * np.arange(1, 4)
        return list(np.cumsum([(15.0 * np.sin(tilt), -15.0 * np.cos(tilt)) for tilt in tilts], axis=0))

    def depth(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """mm by which points (y, z) lie behind the curve, at right angles to it; it goes on straight at its ends."""
        place = self._place(z)
        beyond = z - (self._start + np.float32(self.STEP_MM) * place.astype(np.float32))
        return (y - self._wall[place] - beyond * self._slope[place]) * self._shorter[place]

    def at(self, z: np.ndarray) -> np.ndarray:
        """y of the curve at heights z."""
        return self._wall[self._place(z)]

    def _place(self, z: np.ndarray) -> np.ndarray:
        place = (np.asarray(z) - self._start) * np.float32(1 / self.STEP_MM)
        return np.clip(np.rint(place), 0, len(self._wall) - 1).astype(np.int32)


def sideways_curve(case: Case, column: list[Body]) -> np.ndarray:
    """(n, 2) pairs of z and x in mm: how far to the left the column lies at each height, by its scoliosis.

    A single curve with its apex at L2 and its ends at the sacral endplate and as far above; the Cobb angle is that
    between its two steepest places.
    """
    bodies = {body.name: body for body in column}
    apex = bodies["L2"].center[1]
    half = apex - _middle(bodies["S1"], 1)[1]
    z = apex + half * np.linspace(-1, 1, 65)
    reach = 2 * half / np.pi * np.tan(np.radians(case.scoliosis_deg) / 2)
    return np.stack([z, reach * (1 + np.cos(np.pi * (z - apex) / half)) / 2], axis=1)


def _middle(body: Body, end: int) -> np.ndarray:
    """(y, z) of the middle of an endplate."""
    return (body.corner(-1, end) + body.corner(1, end)) / 2


def _put_on(below: Body, joint: Joint, name: str, form: BodyForm) -> Body:
    """The next body upwards."""
    lower = endplate_tilt(below, 1)
    axis = lower - joint.wedge / 2
    forward, up = np.array([-np.cos(axis), -np.sin(axis)]), np.array([-np.sin(axis), np.cos(axis)])
    here = _placed(name, form, np.zeros(2), lower - joint.wedge)
    # The slip is that of the posterior corners, whatever the depths of the two endplates.
    back = (_middle(below, 1) - below.corner(-1, 1)) @ forward
    shift = joint.slip + (_middle(here, -1) - here.corner(-1, -1)) @ forward - back
    middle = _middle(below, 1) + joint.height * up + shift * forward
    return replace(here, center=here.center + middle - _middle(here, -1))


def _placed(name: str, form: BodyForm, center: np.ndarray, lower_tilt: float) -> Body:
    """A body whose lower endplate has the tilt given."""
    rise = _rise(form)
    lower = np.arctan2(-rise, form.depth - form.taper / 2)
    return Body(
        name, center, lower_tilt + lower, form.depth, form.height + rise, form.height - rise, *form.walls,
        taper=form.taper, skew=form.skew,
    )  # fmt: skip


def _rise(form: BodyForm) -> float:
    """Half of what the front is higher than the back.

    With endplates of depths a above and b below, atan(r / a) + atan(r / b) is the wedge w, so r is a root of
    r^2 tan w + r (a + b) - a b tan w.
    """
    a, b, slope = form.depth + form.taper / 2, form.depth - form.taper / 2, np.tan(form.wedge)
    return 2 * a * b * slope / (a + b + np.sqrt((a + b) ** 2 + 4 * a * b * slope**2))

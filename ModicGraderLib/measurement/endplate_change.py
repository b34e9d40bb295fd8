"""Extent of changed marrow at an endplate, in the words of the report (Nordic form; height classes of Udby 2022)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import ndimage

from ..localization.spine import LocatedDisc
from ..regions import disc_grid, on_slices_of, resample
from ..study import Volume

PIXEL_MM = 0.5
"""Along and across the endplate, changes are measured in such steps."""

DEEPEST_MM = 45.0
"""More than any lumbar body is high."""

BESIDE_MM = 4.0
"""By how much an endplate may go on beyond its corners: rounded rims, osteophytes."""

ENDPLATE_MM = 6.0
"""An endplate lies within this distance of the line between its corners."""

PIT_MM = 16.0
"""Pits narrower than this, Schmorl's nodes and notches, do not lower the endplate from which depth is measured."""

RAGGED_PERCENT = 5
"""The edge of a change is ragged: this part of its columns, the deepest, does not count."""

THIRDS = {"anterior": (1 / 3, 1.0), "central": (-1 / 3, 1 / 3), "posterior": (-1.0, -1 / 3)}
"""Parts of an endplate along its depth; -1 is its posterior and 1 its anterior corner."""

THIRD_TAKEN = 0.25
"""A change lies in a third if it takes at least this share of it on some slice."""


CLASS_ENDS = (25.0, 50.0)
"""Percent of the vertebral height at which the height classes A, B and C part (Udby 2022)."""

EXTENTS = ("height_percent", "anteroposterior_percent", "area_percent", "volume_mm3", "volume_percent")
"""What is measured of a change: fields of `ChangeExtent`."""


@dataclass(frozen=True)
class ChangeExtent:
    """How far a change reaches; the fields are those of `report.EndplateReport`.

    The last two are empty where nothing is uncertain.
    """

    height_percent: float = 0.0
    height_class: str | None = None
    anteroposterior_percent: float = 0.0
    location: tuple[str, ...] = ()
    area_percent: float = 0.0
    volume_mm3: float = 0.0
    volume_percent: float = 0.0
    height_class_probabilities: dict[str, float] = field(default_factory=dict)
    uncertainty: dict[str, float] = field(default_factory=dict)


def measure_change(
    disc: LocatedDisc, endplate: str, change: np.ndarray, body: np.ndarray, reference: Volume
) -> ChangeExtent:
    """Measure a change at one endplate of a disc.

    Parameters
    ----------
    change, body:
        (slices, rows, columns) bool on the grid of `reference`: the changed marrow, and the whole vertebral body, the
        change included.

    Returns
    -------
    ChangeExtent
        Height is the greatest depth below the endplate over the median height of the body, on the slices with the
        change; anteroposterior extent that on the slice with most of it, over the distance of the corners; area that
        of the projection on the endplate. Nothing is measured, and all is 0, where there is no change; nothing but the
        volume, where it shows on no slice on which the endplate does: then there is no height class either.
    """
    change = change & body
    if not change.any():
        return ChangeExtent()
    columns = Columns.of(disc, endplate, change, body, reference)
    voxel_mm3 = abs(float(np.linalg.det(reference.affine[:3, :3])))
    volume = ChangeExtent(
        volume_mm3=float(change.sum()) * voxel_mm3, volume_percent=100 * float(change.sum() / body.sum())
    )
    if not columns.there[columns.changed.any(1)].any():
        return volume
    height = columns.height_percent()
    return replace(
        volume,
        height_percent=height,
        height_class=height_class(height),
        anteroposterior_percent=columns.anteroposterior_percent(),
        location=columns.location(),
        area_percent=columns.area_percent(),
    )


def height_class(height_percent: float) -> str:
    """A below a quarter of the vertebral height, B up to a half, C above (Udby 2022)."""
    return "A" if height_percent < CLASS_ENDS[0] else "B" if height_percent <= CLASS_ENDS[1] else "C"


@dataclass(frozen=True)
class Columns:
    """The body cut into columns at right angles to the endplate, on every slice.

    Attributes
    ----------
    along:
        (columns,) place along the endplate, -1 at its posterior and 1 at its anterior corner.
    step:
        Width of a column as a share of the distance of the corners.
    there, changed:
        (slices, columns) bool: whether the endplate, and a change, is found there.
    thickness, depth:
        (slices, columns) rows from the endplate to the end of the body, and to that of the change.
    """

    along: np.ndarray
    step: float
    there: np.ndarray
    changed: np.ndarray
    thickness: np.ndarray
    depth: np.ndarray

    @classmethod
    def of(cls, disc: LocatedDisc, endplate: str, change: np.ndarray, body: np.ndarray, reference: Volume) -> Columns:
        frame = endplate_frame(disc, endplate)
        half = int(np.ceil((frame.width_mm / 2 + BESIDE_MM) / PIXEL_MM))
        rows = 2 * int(DEEPEST_MM / PIXEL_MM) + 1
        shape, slices = (rows, 2 * half + 1), 2 * len(body) + 1
        grid = on_slices_of(disc_grid(frame, reference, shape=shape, pixel_mm=PIXEL_MM, slices=slices), reference)
        # Rows run to the foot; they shall run into the body.
        inwards = slice(None, None, -1 if endplate == "upper" else 1)
        bone, marrow = (
            resample(array.view(np.uint8), reference.grid, grid, order=0, outside=0)[:, inwards] > 0
            for array in (body, change)
        )
        surface = _without_pits(np.where(bone.any(1), bone.argmax(1), rows))
        near = np.abs(surface - rows // 2) * PIXEL_MM <= ENDPLATE_MM
        return cls(
            along=-np.arange(-half, half + 1) * PIXEL_MM / (frame.width_mm / 2),
            step=PIXEL_MM / frame.width_mm,
            there=bone.any(1) & near,
            changed=marrow.any(1),
            thickness=_last(bone) - surface,
            depth=_last(marrow) - surface,
        )

    @property
    def body_height_mm(self) -> float:
        """Median height of the body on the slices with the change."""
        slices = self.changed.any(1)
        return float(np.median(self.thickness[slices][self.there[slices]])) * PIXEL_MM

    def height_percent(self) -> float:
        depth_mm = float(np.percentile(self.depth[self.changed], 100 - RAGGED_PERCENT)) * PIXEL_MM
        return min(100 * depth_mm / self.body_height_mm, 100.0)

    def anteroposterior_percent(self) -> float:
        return min(100 * float(self.changed.sum(1).max()) * self.step, 100.0)

    def area_percent(self) -> float:
        return 100 * float((self.changed & self.there).sum() / self.there.sum())

    def location(self) -> tuple[str, ...]:
        taken = {}
        for name, (back, front) in THIRDS.items():
            within = (self.along >= back) & (self.along <= front)
            taken[name] = float(self.changed[:, within].sum(1).max()) / within.sum()
        most = max(taken.values())
        return tuple(name for name, share in taken.items() if share >= min(THIRD_TAKEN, most))


def endplate_frame(disc: LocatedDisc, endplate: str) -> LocatedDisc:
    """The disc's frame moved and turned onto one endplate."""
    front, back = disc.corners[f"{endplate}_anterior"], disc.corners[f"{endplate}_posterior"]
    width = float(np.linalg.norm(front - back))
    anterior = (front - back) / width
    normal = np.cross(anterior, disc.left)
    return replace(
        disc, center=(front + back) / 2, anterior=anterior, normal=normal / np.linalg.norm(normal), width_mm=width
    )


def _last(mask: np.ndarray) -> np.ndarray:
    """(slices, columns) first row after the mask (slices, rows, columns); 0 where it is empty."""
    rows = mask.shape[1]
    return np.where(mask.any(1), rows - mask[:, ::-1].argmax(1), 0)


def _without_pits(surface: np.ndarray) -> np.ndarray:
    size = int(PIT_MM / PIXEL_MM)
    return ndimage.grey_opening(surface, size=(1, size))

"""Pictures of a graded study for the page: gray images with lines that a browser draws sharp at any size."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image
from scipy import ndimage

from ..anatomy import CANAL_LABEL, CORNERS, MODIC_MAP_LABELS
from ..evidence.overlay import HEAT_FROM, tint
from ..graded import GradedStudy
from ..grid import Grid
from ..localization.spine import LocatedDisc
from ..regions import disc_grid, resample
from ..study import Volume

REGION_PIXEL_MM = 0.25
REGION_SHAPE = (200, 240)
"""(rows, columns) of a level's picture: 50 x 60 mm."""

NEAR_ROWS = slice(int(REGION_SHAPE[0] / 2 - 18 / REGION_PIXEL_MM), int(REGION_SHAPE[0] / 2 + 18 / REGION_PIXEL_MM))
"""Rows of a level's picture within 18 mm of its middle: what lies farther above or below belongs to its neighbor."""

OVERVIEW_PIXEL_MM = 0.5
OVERVIEW_MARGIN_MM = np.array([32.0, 45.0])
"""What the overview shows around the discs along (rows, columns)."""

MARKED_MM2 = 12.0
"""A region of a Modic type smaller than this in a picture has no room for its name."""

WINDOW_PERCENTILES = (0.5, 99.5)
WINDOW_HEADROOM = 1.2
"""Bones and discs span the gray scale up to its inverse; brighter fluid and fat may saturate, as on a workstation."""

MODIC_COLORS = {"I": (232, 93, 80), "II": (242, 190, 60), "III": (90, 150, 235)}
"""Red, green, blue of the line around a region of each Modic type."""

EVIDENCE = "evidence"
"""Picture, and map, of what spoke for a change."""


@dataclass(frozen=True)
class Outline:
    """A disc in a picture: `corners` (column, row) of its four corners in the order of `anatomy.CORNERS`."""

    level: str
    corners: list[tuple[float, float]]

    @property
    def points(self) -> str:
        """The corners as an SVG polygon around the disc."""
        upper_anterior, upper_posterior, lower_anterior, lower_posterior = self.corners
        around = (upper_anterior, upper_posterior, lower_posterior, lower_anterior)
        return " ".join(f"{column:.1f},{row:.1f}" for column, row in around)

    @property
    def front(self) -> tuple[float, float]:
        """(column, row) midway between the anterior corners."""
        (column_a, row_a), (column_b, row_b) = self.corners[0], self.corners[2]
        return (column_a + column_b) / 2, (row_a + row_b) / 2


@dataclass(frozen=True)
class Mark:
    """The name of a Modic type beside a region of it, which begins at (column, row): not all can tell the colors."""

    type: str
    column: float
    row: float


@dataclass(frozen=True)
class Picture:
    """A JPEG as a `data:` address, its size in pixels, and the discs and Modic types to name over it.

    `shows` is a contrast of `study.Volume`, or `EVIDENCE`.
    """

    shows: str
    address: str
    width: int
    height: int
    outlines: list[Outline]
    marks: list[Mark] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        """The Modic types that are named in it."""
        named = {mark.type for mark in self.marks}
        return [name for name in MODIC_COLORS if name in named]


Windows = dict[str, tuple[float, float]]
"""Signal shown as black and as white, by contrast."""


def gray_windows(graded: GradedStudy) -> Windows:
    """One window per volume, so that a bright lesion stays bright beside its neighbors."""
    windows, labels = {}, graded.location.labels
    for volume in graded.study.volumes:
        here = resample(labels, graded.study.reference.grid, volume.grid, order=0, outside=0)
        spine = volume.array[(here > 0) & (here != CANAL_LABEL)]
        low, high = np.percentile(spine if spine.size else volume.array, WINDOW_PERCENTILES)
        windows[volume.contrast] = float(min(low, 0.3 * high)), float(WINDOW_HEADROOM * high)
    return windows


def level_pictures(graded: GradedStudy, disc: LocatedDisc, windows: Windows) -> list[Picture]:
    """T1 and T2, as far as there, of one disc lying level, in the slice of the reference nearest to its center.

    Where evidence is seen near the disc, a last picture shows it over the reference.
    """
    reference = graded.study.reference
    grid = disc_grid(disc, reference, shape=REGION_SHAPE, pixel_mm=REGION_PIXEL_MM, slices=1)
    pictures = [_picture(graded, volume, grid, (disc,), windows, NEAR_ROWS) for volume in graded.study.volumes]
    if EVIDENCE in graded.maps:
        heat = resample(graded.maps[EVIDENCE], reference.grid, grid, outside=0.0)[0]
        if heat[NEAR_ROWS].max() > HEAT_FROM:
            pixels = tint(_gray_pixels(reference, grid, windows), heat)
            pictures.append(_framed(EVIDENCE, pixels, grid, (disc,)))
    return pictures


def overviews(graded: GradedStudy, windows: Windows) -> list[Picture]:
    """T1 and T2, as far as there, of the slice of the reference that lies nearest to most discs."""
    grid = _overview_grid(graded)
    return [_picture(graded, volume, grid, graded.location.discs, windows) for volume in graded.study.volumes]


def _overview_grid(graded: GradedStudy) -> Grid:
    reference, discs = graded.study.reference, graded.location.discs
    middle = np.round(np.median([reference.to_index(disc.center)[0] for disc in discs]))
    corners = reference.to_index(np.array([list(disc.corners.values()) for disc in discs])).reshape(-1, 3)
    in_plane = reference.spacing[1:]
    start = np.maximum(corners.min(axis=0)[1:] - OVERVIEW_MARGIN_MM / in_plane, 0)
    end = np.minimum(corners.max(axis=0)[1:] + OVERVIEW_MARGIN_MM / in_plane, np.array(reference.array.shape[1:]) - 1)
    rows, columns = np.ceil((end - start) * in_plane / OVERVIEW_PIXEL_MM).astype(int)
    affine = reference.affine.copy()
    affine[:3, 1:3] *= OVERVIEW_PIXEL_MM / in_plane
    affine[:3, 3] = reference.to_patient(np.array([middle, *start]))
    return Grid(affine, (1, int(rows), int(columns)))


def _picture(
    graded: GradedStudy,
    volume: Volume,
    grid: Grid,
    discs: tuple[LocatedDisc, ...],
    windows: Windows,
    named_rows: slice = slice(None),
) -> Picture:
    """A volume on a grid of one slice with the map; types are named where they reach into `named_rows`."""
    pixels, marks = _gray_pixels(volume, grid, windows), []
    if "modic_map" in graded.maps:
        types = resample(graded.maps["modic_map"], graded.study.reference.grid, grid, order=0, outside=0)[0]
        for name, label in MODIC_MAP_LABELS.items():
            region = types == label
            pixels[region & ~ndimage.binary_erosion(region)] = MODIC_COLORS[name]
            marks += _marks(name, region, named_rows, grid)
    return replace(_framed(volume.contrast, pixels, grid, discs), marks=marks)


def _marks(type_: str, region: np.ndarray, named_rows: slice, grid: Grid) -> list[Mark]:
    """One mark behind each part of a region (rows, columns) that is large enough and reaches into some rows."""
    pixel_mm2 = float(np.prod(np.linalg.norm(grid.affine[:3, 1:3], axis=0)))
    parts, _ = ndimage.label(region)
    marks = []
    for number in sorted(set(np.unique(parts[named_rows])) - {0}):
        place = np.argwhere(parts == number)
        if len(place) * pixel_mm2 >= MARKED_MM2:
            row, column = place[place[:, 1].argmax()]
            marks.append(Mark(type_, float(column), float(row)))
    return marks


def _gray_pixels(volume: Volume, grid: Grid, windows: Windows) -> np.ndarray:
    """(rows, columns, 3) uint8 of a volume on a grid of one slice."""
    gray = resample(volume.array, volume.grid, grid, outside=0.0, blur=True)[0]
    low, high = windows[volume.contrast]
    gray = (np.clip((gray - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=-1)


def _framed(shows: str, pixels: np.ndarray, grid: Grid, discs: tuple[LocatedDisc, ...]) -> Picture:
    rows, columns = pixels.shape[:2]
    outlines = [Outline(disc.level, _project(disc, grid)) for disc in discs]
    return Picture(shows, _jpeg(pixels), columns, rows, outlines)


def _project(disc: LocatedDisc, grid: Grid) -> list[tuple[float, float]]:
    points = np.array([[*disc.corners[name], 1.0] for name in CORNERS])
    index = points @ np.linalg.inv(grid.affine).T
    return [(float(column), float(row)) for _, row, column, _ in index]


def _jpeg(pixels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=88, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")

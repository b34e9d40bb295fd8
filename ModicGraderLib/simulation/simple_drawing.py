"""Draws a simple lumbar spine as a map of tissues, with the labels of its bodies, discs and canal."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..anatomy import CANAL_LABEL, DISCS_UPWARDS, VERTEBRAE_UPWARDS, disc_label, vertebra_label
from . import simple_tissues as T
from .simple_case import Case, Lesion
from .simple_spine import BackWall, Slab, build_spine

SPACING_MM = np.array([1.1, 0.7, 0.7])
"""Of the fine grid along (slices, rows, columns)."""

EXTENT_MM = np.array([48.4, 280.0, 280.0])
"""Of the fine grid, which is centered on the origin."""

HEIGHT_LEFT = {1: 1.0, 2: 1.0, 3: 0.92, 4: 0.75, 5: 0.5}
"""Share of its height that a disc of each Pfirrmann grade has kept."""


class TissueMap:
    """Tissues (4, slices, rows, columns) on the fine grid; later strokes lie over earlier ones."""

    def __init__(self, shape: tuple[int, ...]):
        self.values = np.zeros((4, *shape), np.float32)
        self.values[:] = np.reshape(T.AIR, (4, 1, 1, 1))

    def paint(self, distance: np.ndarray, tissue: T.Tissue, box: tuple = (...,), opacity: float = 1.0) -> None:
        """Lay a tissue where the signed distance (mm) is negative, with edges a voxel wide; `box` cuts the map."""
        self.blend(opacity * np.clip(0.5 - distance / 0.7, 0.0, 1.0), tissue, box)

    def blend(self, weight: np.ndarray, tissue: T.Tissue, box: tuple = (...,)) -> None:
        """Mix a tissue in by a weight in [0, 1]."""
        for value, target in zip(self.values, tissue, strict=True):
            value[box] += weight * (target - value[box])


class SimpleSpine:
    """One patient on the fine grid: `tissue` (4, slices, rows, columns), `labels` (slices, rows, columns) uint8."""

    def __init__(self, case: Case, rng: np.random.Generator):
        self._rng = rng
        self.shape = tuple(int(n) for n in np.round(EXTENT_MM / SPACING_MM))
        self.affine = centered_affine(self.shape, SPACING_MM)
        steps = [(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(self.shape, SPACING_MM, strict=True)]
        x, down, y = np.meshgrid(*steps, indexing="ij", sparse=True)
        # What is drawn at (x, y, z) of the plan comes to lie where these fields have that value.
        self._x = x + 1.5 * self._noise(35.0) + 2.5 * np.sin(down / 60)
        self._y, self._z = y + 1.5 * self._noise(35.0), 1.5 * self._noise(35.0) - down
        self._tissue = TissueMap(self.shape)
        self.labels = np.zeros(self.shape, np.uint8)
        disc_scale = {disc: HEIGHT_LEFT[grade] for disc, grade in case.pfirrmann.items()}
        self.slabs = build_spine(case.scale, case.upper_tilt, disc_scale)
        self._wall = BackWall(self.slabs)
        self._behind = self._wall.depth(self._y, self._z)
        self._draw_body()
        self._draw_posterior_elements()
        self._draw_canal()
        for slab in self.slabs:
            self._draw_slab(slab, case)
        texture = np.clip(1 + 0.10 * self._noise(1.2) + 0.08 * self._noise(5.0), 0.5, 1.5)
        self._tissue.values[1] = np.clip(self._tissue.values[1] * texture, 0.0, 1.0)
        self._tissue.values[0] *= 1 + 0.04 * self._noise(2.5)

    @property
    def tissue(self) -> np.ndarray:
        return self._tissue.values

    def to_patient(self, point: np.ndarray) -> np.ndarray:
        """LPS mm (3,) where the point (y, z) of the midsagittal plane came to lie after the warp."""
        goal = np.array([0.0, *point])
        place = goal.copy()
        for _ in range(20):
            index = np.linalg.solve(self.affine[:3, :3], place - self.affine[:3, 3])[:, None]
            x, y, z = (ndimage.map_coordinates(f, index, order=1, mode="nearest")[0] for f in self._drawn)
            place = place + goal - (x, y, z)
        return place

    @property
    def _drawn(self) -> tuple[np.ndarray, ...]:
        return self._x, self._y, self._z

    def _noise(self, size_mm: float) -> np.ndarray:
        """Smooth noise of unit variance with grains of a size, made on a grid just fine enough for it."""
        step = np.maximum(size_mm / SPACING_MM / 2, 1.0)
        coarse = tuple(int(np.ceil(n / s)) + 3 for n, s in zip(self.shape, step, strict=True))
        grains = ndimage.gaussian_filter(self._rng.standard_normal(coarse).astype(np.float32), 1.0)
        zoomed = ndimage.zoom(grains, step, order=1)[tuple(slice(n) for n in self.shape)]
        return zoomed / zoomed.std()

    def _draw_body(self) -> None:
        """Skin, fat, muscle and the inside of the abdomen with its vessels."""
        behind, grains = self._behind, self._noise(9.0)
        skin = self._y - 0.75 * self._wall.at(self._z) - 68 - 2 * self._noise(30.0)
        front = -self._y - 112 + 10 * np.cos(self._z / 45)
        self._tissue.paint(np.maximum(skin, front), T.FAT)
        self._tissue.paint(np.maximum(skin + 13, np.abs(behind - 42) - 26), T.MUSCLE)
        streaks = np.clip(self._noise(4.0) - 0.7, 0.0, 0.9) * (behind > 16) * (skin < -11)
        self._tissue.blend(streaks, T.FAT)
        self._tissue.paint(np.maximum(behind + 44, front + 14) - 4 * grains, T.BOWEL, opacity=0.8)
        self._tissue.blend(np.clip(grains - 0.6, 0.0, 1.0) * (behind < -46) * (front < -14), T.FAT)
        self._tissue.blend(np.clip(self._noise(7.0) - 1.6, 0.0, 1.0) * (behind < -55) * (front < -14), T.AIR)
        for side, radius in ((9.0, 8.0), (-13.0, 9.0)):
            vessel = np.hypot(self._x - side, behind + 34 + radius) - radius
            self._tissue.paint(np.where(self._z > -35, vessel, 9.0), T.BLOOD)

    def _draw_posterior_elements(self) -> None:
        """Pedicles, articular columns, spinous processes, and the ligaments between them."""
        behind, beside = self._behind, np.abs(self._x)
        self._tissue.paint(np.maximum(beside - 3, np.abs(behind - 34) - 13), T.LIGAMENT, opacity=0.35)
        for body in (slab for slab in self.slabs if slab.name in VERTEBRAE_UPWARDS[1:]):
            box = self._box(body.center - 25 * body.forward, 62)
            _, up, half = body.local(self._y[box], self._z[box])
            back, side = behind[box], beside[box]
            pedicle = _rounded((side - 13, 4.5), (up - 0.4 * half, 7), (back - 5, 8))
            column = _rounded((side - 14, 6), (up + 3, 16), (back - 17, 8))
            process = _rounded((side, 4), (up + 0.35 * back - 2, 9), (back - 36, 14))
            for part in (pedicle, column, process):
                self._tissue.paint(part - 0.8, T.CORTEX, box)
                self._tissue.paint(part, T.MARROW, box)

    def _draw_canal(self) -> None:
        """Epidural fat, dura, fluid, the cord down to L1 and the roots below it."""
        narrowing = np.clip((self._z + 120) / 60, 0.15, 1.0)
        radius = np.sqrt(((self._behind - 10) / (8.5 * narrowing)) ** 2 + (self._x / (11.5 * narrowing)) ** 2)
        sacral_end = next(slab.center[1] for slab in self.slabs if slab.name == "S2")
        canal = np.maximum((radius - 1) * 8.5 * narrowing, sacral_end - self._z)
        self._tissue.paint(canal - 3, T.FAT)
        self._tissue.paint(canal - 0.8, T.LIGAMENT)
        self._tissue.paint(canal, T.CSF)
        conus = next(slab.center[1] for slab in self.slabs if slab.name == "L1")
        taper = np.clip((self._z - conus + 12) / 25, 0.0, 1.0)
        self._tissue.paint(np.hypot(self._behind - 10, self._x * 0.8) - 4.5 * taper, T.NERVE)
        roots = np.hypot((self._behind - 13) / 3.5, self._x / 7) - 1 + 0.25 * self._noise(1.5)
        self._tissue.blend(np.clip(-roots, 0.0, 0.6) * (self._z < conus) * (canal < 0), T.NERVE)
        self.labels[canal < 0] = CANAL_LABEL

    def _draw_slab(self, slab: Slab, case: Case) -> None:
        """A vertebral body with its cortex and lesions, or a disc."""
        box = self._box(slab.center, slab.depth / 2 + max(slab.front, slab.back) / 2 + 14)
        x, y, z = (drawn[box] for drawn in self._drawn)
        remnant = slab.name in ("S1/S2", "S2/S3")
        is_disc = "/" in slab.name
        waist = -1.2 if slab.name in DISCS_UPWARDS else 1.5
        taper = 0.15 if slab.name.startswith("S") and not is_disc else 0.0
        distance = slab.distance(x, y, z, slab.depth * 0.66, waist, taper)
        if slab.name in DISCS_UPWARDS:
            forward, _, half = slab.local(y, z)
            self._tissue.paint(distance - 0.3, T.LIGAMENT, box)
            self._tissue.paint(distance + 0.2, T.ANNULUS, box)
            core = np.maximum(distance + 1.2, np.hypot(forward + 1.5, x * 0.7) - slab.depth * 0.33)
            grade = case.pfirrmann[slab.name]
            self._tissue.paint(core, T.NUCLEUS[grade], box)
            if grade <= 2:
                cleft = np.maximum(core + 3, np.abs(slab.local(y, z)[1]) - 0.07 * half)
                self._tissue.paint(cleft, T.ANNULUS, box, 0.5)
            self.labels[box][distance < 0] = disc_label(slab.name)
            return
        self._tissue.paint(distance - 0.2, T.CORTEX, box)
        self._tissue.paint(distance + (0.3 if remnant else 0.6), T.ANNULUS if is_disc else T.MARROW, box)
        if is_disc:
            return
        for (disc, endplate), lesion in case.lesions.items():
            if slab.name == disc.split("/")[endplate == "lower"]:
                self._draw_lesion(slab, lesion, 1 if endplate == "lower" else -1, distance, box)
        if slab.name in VERTEBRAE_UPWARDS:
            self.labels[box][distance < 0] = vertebra_label(slab.name)

    def _draw_lesion(self, slab: Slab, lesion: Lesion, end: int, distance: np.ndarray, box: tuple) -> None:
        """Changed marrow at the top (1) or bottom (-1) of a body, fading with the distance from the endplate."""
        forward, up, half = slab.local(self._y[box], self._z[box])
        along = (2 * forward / slab.depth - lesion.middle) / lesion.half_width
        reach = 2 * half * lesion.height * np.sqrt(np.clip(1 - along**2, 0.0, 1.0))
        edge = half - end * up - reach + self._noise(4.0)[box]
        self._tissue.blend(np.clip(0.5 - edge / 3.0, 0.0, 0.95) * (distance < -0.9), T.LESION[lesion.type], box)

    def _box(self, center: np.ndarray, reach: float) -> tuple[slice, ...]:
        """The part of the grid within `reach` mm of the point (y, z), in all slices."""
        row = (EXTENT_MM[1] / 2 - center[1]) / SPACING_MM[1]
        column = (EXTENT_MM[2] / 2 + center[0]) / SPACING_MM[2]
        span = reach / SPACING_MM[1]
        return (slice(None), *(slice(max(int(at - span), 0), max(int(at + span), 0)) for at in (row, column)))


def _rounded(*axes: tuple[np.ndarray, float]) -> np.ndarray:
    """Roughly the signed distance (mm) to a rounded box, from the offset along each axis and half the box's size."""
    radius = sum(np.abs(offset / half) ** 3 for offset, half in axes) ** (1 / 3)
    return (radius - 1) * min(half for _, half in axes)


def centered_affine(shape: tuple[int, ...], spacing: np.ndarray) -> np.ndarray:
    """4x4 from (slice, row, column) to LPS mm of a sagittal grid around the origin: left, down and back."""
    affine = np.diag([*spacing, 1.0])[[0, 2, 1, 3]]
    affine[2] *= -1
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine

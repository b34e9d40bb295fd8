"""The scanner: a map of tissues becomes a series of slices, with what real ones suffer from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage
from scipy.spatial.transform import Rotation

from ..grid import Grid
from ..study import Volume
from .canvas import TissueMap
from .coil import saturation, sensitivity
from .kspace import Readout, reconstruct
from .protocol import Protocol
from .thick_slices import places, sample, slice_profile
from .tissues import water_and_fat

FAT_SHIFT_PPM = 3.5
"""Chemical shift of fat against water."""

GYROMAGNETIC_MHZ_PER_T = 42.577
"""Of the proton."""

FLUID_T1_MS = 2500.0
"""Water of a longer T1 than this flows with the heart beat."""

ECHO_SPACING_MS = 10.0
"""Time between the echoes of a train."""

TRAIN_T2_MS = 100.0
"""T2 with which the signal decays along the train."""

RAYLEIGH_MEAN = float(np.sqrt(np.pi / 2))
"""Mean of the magnitude of noise whose real and imaginary parts have unit variance."""

SUPPRESSED_BELOW = 0.7
"""Signal over noise at which a scanner that masks the air halves what it shows."""

LEFT_OF_FAT = {"none": 1.0, "stir_like": 1.0, "dixon_water": 0.03}
"""Share of the signal of fat that is left; an inversion has its own way of nulling it."""

SAGITTAL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Directions (columns, in LPS) of slices, rows and columns before the slices are turned."""

SPINE_MM = (140.0, 95.0)
"""Height and depth of the middle of the picture, whose mean signal is the one of the signal-to-noise ratio."""


@dataclass(frozen=True)
class Scan:
    """One scanned series.

    Attributes
    ----------
    volume:
        What the scanner stores.
    noise_sd:
        Standard deviation of the noise at the spine, in stored units.
    to_canvas:
        4x4 from the index (slice, row, column, 1) in the volume to the index of what it shows there on the canvas, the
        movement of the patient included.
    """

    volume: Volume
    noise_sd: float
    to_canvas: np.ndarray

    def resample_labels(self, labels: np.ndarray) -> np.ndarray:
        """Labels (slices, rows, columns) of the canvas, on the volume's grid: what lies in the middle of each voxel."""
        shape = self.volume.array.shape
        return ndimage.affine_transform(labels, self.to_canvas[:3, :3], self.to_canvas[:3, 3], shape, order=0)


def scan(tissue_map: TissueMap, protocol: Protocol, rng: np.random.Generator) -> Scan:
    """Scan what is on a canvas.

    The picture has fewer rows and columns than the protocol where the canvas holds less than its field of view; slices
    beyond the canvas repeat its border.
    """
    grid = scan_grid(tissue_map.grid, protocol)
    _, rows, columns = grid.shape
    readouts = _readouts(protocol, rows, columns)
    fine = _fine_grid(grid, readouts, tissue_map.grid)
    picture, pulsating = _slices(tissue_map, protocol, fine)
    z, y = (readout.fine_mm(n) for readout, n in zip(readouts, fine.shape[1:], strict=True))
    skin_y = _skin(tissue_map) - _middle(grid)[1]
    strength = sensitivity(protocol.coil, y[None, :], -z[:, None], skin_y)
    if protocol.saturation is not None:
        strength = strength * saturation(protocol.saturation, y[None, :], -z[:, None])
    picture = _ghosts(picture * strength, pulsating * strength, protocol, rng)
    spine = picture[:, np.abs(z) < SPINE_MM[0] / 2][:, :, np.abs(y) < SPINE_MM[1] / 2]
    noise_sd = float(spine.mean()) / protocol.snr
    shown = reconstruct(picture, readouts, noise_sd, rng, protocol.fade)
    if protocol.masks_air:
        shown = mask_air(shown, noise_sd)
    z, y = ((np.arange(n) - (n - 1) / 2) * protocol.pixel_mm for n in (rows, columns))
    shown /= sensitivity(protocol.coil, y[None, :], -z[:, None], skin_y) ** protocol.coil.normalized
    shown *= _window(protocol, y[None, :], z[:, None])
    stored, scale = _store(shown, protocol, rng)
    volume = Volume(stored, grid.affine, protocol.contrast, protocol.source)
    return Scan(volume, noise_sd * scale, _to_canvas(tissue_map.grid, grid.affine, protocol))


def fat_shift_mm(protocol: Protocol) -> float:
    """How far fat appears from its place, in mm along the frequency direction."""
    pixel_mm = protocol.acquired_mm[protocol.frequency == "AP"]
    hz = FAT_SHIFT_PPM * GYROMAGNETIC_MHZ_PER_T * protocol.field_t
    return protocol.fat_shift * hz / protocol.bandwidth_hz_px * pixel_mm


def scan_grid(canvas: Grid, protocol: Protocol) -> Grid:
    """Where the voxels of a scan of a canvas lie, in LPS mm."""
    extent = np.linalg.norm(canvas.affine[:3, :3], axis=0) * canvas.shape
    held = np.floor(extent[1:] / protocol.pixel_mm + 1e-6).astype(int)
    rows, columns = min(protocol.rows, int(held[0])), min(protocol.columns, int(held[1]))
    # The picture may not reach beyond the canvas.
    _, free_up, free_back = (extent - np.array([0, rows, columns]) * protocol.pixel_mm) / 2
    left, back, up = protocol.center_mm
    offset = np.array([left, np.clip(back, -free_back, free_back), np.clip(up, -free_up, free_up)])
    turn = Rotation.from_euler("yz", protocol.turn_deg, degrees=True).as_matrix()
    steps = turn @ SAGITTAL * [protocol.spacing_mm, protocol.pixel_mm, protocol.pixel_mm]
    return _centered(steps, (protocol.slices, rows, columns), _middle(canvas) + offset)


def _centered(steps: np.ndarray, shape: tuple[int, int, int], middle: np.ndarray) -> Grid:
    """A grid about a point; the columns of `steps` (3, 3) are its voxels' edges in LPS mm."""
    affine = np.eye(4)
    affine[:3, :3] = steps
    affine[:3, 3] = middle - steps @ ((np.array(shape) - 1) / 2)
    return Grid(affine, shape)


def _middle(grid: Grid) -> np.ndarray:
    return grid.to_patient((np.array(grid.shape) - 1) / 2)


def _fine_grid(grid: Grid, readouts: tuple[Readout, Readout], canvas: Grid) -> Grid:
    """The scan's slices, sampled as finely as the canvas, over the oversampled field of view."""
    finest = np.linalg.norm(canvas.affine[:3, 1:3], axis=0)
    samples = [readout.fine_pixels(mm) for readout, mm in zip(readouts, finest, strict=True)]
    steps = grid.affine[:3, :3].copy()
    steps[:, 1:] *= [r.extent_mm / n / r.pixel_mm for r, n in zip(readouts, samples, strict=True)]
    return _centered(steps, (grid.shape[0], *samples), _middle(grid))


def _readouts(protocol: Protocol, rows: int, columns: int) -> tuple[Readout, Readout]:
    # T1 is read from the middle of k-space outwards and fades towards its rim. A train that passes the middle halfway,
    # as that of T2, is brighter before it by as much as it is darker after it.
    train = (protocol.echo_train_length - 1) * ECHO_SPACING_MS / TRAIN_T2_MS if protocol.contrast == "t1" else 0.0
    decay = (train, 0.0) if protocol.frequency == "AP" else (0.0, train)
    return tuple(
        Readout(pixels, protocol.pixel_mm, acquired, lost)
        for pixels, acquired, lost in zip((rows, columns), protocol.acquired_mm, decay, strict=True)
    )


def _to_canvas(canvas: Grid, affine: np.ndarray, protocol: Protocol) -> np.ndarray:
    moved = affine.copy()
    left, back, up = protocol.patient_shift_mm
    moved[:3, 3] -= [left, back, up]
    return np.linalg.inv(canvas.affine) @ moved


def _slices(tissue_map: TissueMap, protocol: Protocol, fine: Grid) -> tuple[np.ndarray, np.ndarray]:
    """(slices, fine rows, fine columns) signal, with fat in its wrong place, and the part of it that pulsates."""
    canvas = tissue_map.grid
    to_canvas = _to_canvas(canvas, fine.affine, protocol)
    slice_mm = float(np.linalg.norm(canvas.affine[:3, 0]))
    low, high = _needed(to_canvas, fine.shape, canvas.shape[0], protocol.thickness_mm / slice_mm)
    values = tissue_map.values[:, low:high]
    water, fat = water_and_fat(values, protocol.sequence, tissue_map.fat_t1_ms, tissue_map.fat_t2_ms)
    fat *= np.float32(LEFT_OF_FAT[protocol.fat_suppression])
    fluid = np.where(values[2] > FLUID_T1_MS, water, 0)
    profile = slice_profile(high - low, protocol.thickness_mm, slice_mm)
    water, fat, fluid = ((profile @ part.reshape(len(part), -1)).reshape(part.shape) for part in (water, fat, fluid))
    to_canvas[0, 3] -= low
    where = places(to_canvas, fine.shape, water.shape)
    water, fluid = sample(where, water, fluid)
    # Fat is seen where the frequency direction puts it: it comes from the opposite side.
    along = fine.affine[:3, 2 if protocol.frequency == "AP" else 1]
    offset = np.linalg.solve(canvas.affine[:3, :3], -fat_shift_mm(protocol) * along / np.linalg.norm(along))
    where += (2 * offset / fat.shape)[::-1].astype(np.float32)
    return water + sample(where, fat)[0], fluid


def _needed(to_canvas: np.ndarray, shape: tuple[int, int, int], count: int, thickness: float) -> tuple[int, int]:
    """The range of the canvas' slices that contribute; `thickness` of a thick slice is in canvas slices."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1)
    reached = to_canvas[0, :3] @ corners + to_canvas[0, 3]
    first, last = np.floor(reached.min() - thickness) - 1, np.ceil(reached.max() + thickness) + 1
    return int(np.clip(first, 0, count - 1)), int(np.clip(last, 0, count - 1)) + 1


def _skin(tissue_map: TissueMap) -> float:
    """Where the skin of the back lies in LPS mm: where half the rows of the middle slice have no tissue behind."""
    body = tissue_map.values[0, tissue_map.values.shape[1] // 2] > 0.2
    last = body.shape[1] - 1 - np.argmax(body[:, ::-1], axis=1)
    return float(tissue_map.grid.to_patient(np.array([0.0, 0.0, np.median(last[body.any(axis=1)])]))[1])


def _ghosts(picture: np.ndarray, moving: np.ndarray, protocol: Protocol, rng: np.random.Generator) -> np.ndarray:
    """Signal of fluid that pulsates and of the belly that breathes appears again along the phase direction."""
    axis = 1 if protocol.frequency == "AP" else 2
    columns = picture.shape[2]
    belly = np.clip(1 - np.arange(columns) / (0.3 * columns), 0, 1).astype(np.float32)
    moving = moving + picture * belly
    apart = rng.uniform(0.04, 0.3) * picture.shape[axis]
    for order, share in ((1, 1.0), (2, 0.4)):
        for sign in (-1, 1):
            part = np.float32(protocol.ghost * share * rng.choice([-1, 1]))
            picture = picture + part * np.roll(moving, round(sign * order * apart), axis)
    return picture


def mask_air(shown: np.ndarray, noise_sd: float) -> np.ndarray:
    """(slices, rows, columns) with the noise suppressed where there is no signal around."""
    picture = torch.from_numpy(shown)[:, None]
    around = torch.nn.functional.avg_pool2d(picture, 8, ceil_mode=True)
    signal = (around - RAYLEIGH_MEAN * noise_sd).clamp(min=0.0) ** 2
    kept = signal / (signal + (SUPPRESSED_BELOW * noise_sd) ** 2)
    kept = torch.nn.functional.interpolate(kept, size=shown.shape[1:], mode="bilinear")
    return (picture * kept)[:, 0].numpy()


def _window(protocol: Protocol, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """(rows, columns) of 0 and 1: what of the picture is not black for the field of view or gradient distortion."""
    inside = np.ones((z.size, y.size), bool)
    if protocol.window_mm is not None:
        inside &= np.abs(y) <= protocol.window_mm / 2
    if protocol.border_mm > 0:
        inside &= np.abs(z) <= np.abs(z).max() - protocol.border_mm * (y / np.abs(y).max()) ** 2
    return inside.astype(np.float32)


def _store(shown: np.ndarray, protocol: Protocol, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """The picture in whole numbers as scanners store them, and what it was multiplied by."""
    if protocol.eight_bit:
        black, white = (float(level) for level in np.percentile(shown[len(shown) // 2], protocol.clip_percentiles))
        scale = 255.0 / (white - black)
        return np.rint(np.clip((shown - black) * scale, 0.0, 255.0)), scale
    scale = rng.uniform(500, 1500) / float(np.percentile(shown[len(shown) // 2], 99))
    return np.rint(shown * scale), scale

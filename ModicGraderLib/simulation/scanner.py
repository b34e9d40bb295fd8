"""The scanner: a map of tissues becomes a series of slices, with what real ones suffer from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from ..grid import Grid
from ..study import Volume
from .canvas import TissueMap
from .coil import saturation, sensitivity
from .kspace import Readout, reconstruct
from .protocol import Protocol
from .tissues import water_and_fat

FAT_SHIFT_PPM = 3.5
"""Chemical shift of fat against water."""

GYROMAGNETIC_MHZ_PER_T = 42.577
"""Of the proton."""

FLUID_T1_MS = 2500.0
"""Water of a longer T1 than this flows with the heart beat."""

ECHO_SPACING_MS = 5.0
"""Time along the echo train from one k-space line's neighborhood to the next, in trains that read the middle first."""

TRAIN_T2_MS = 100.0
"""T2 with which the signal decays along the train."""

RAYLEIGH_MEAN = float(np.sqrt(np.pi / 2))
"""Mean of the magnitude of noise whose real and imaginary parts have unit variance."""

SUPPRESSED_BELOW = 0.7
"""Signal over noise at which a scanner that masks the air halves what it shows."""

LEFT_OF_FAT = {"none": 1.0, "stir_like": 1.0, "dixon_water": 0.03}
"""Share of the signal of fat that is left; an inversion has its own way of nulling it."""


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
    down, across = _readouts(protocol, rows, columns)
    finest = np.linalg.norm(tissue_map.grid.affine[:3, 1:3], axis=0)
    fine = Grid(*_fine_grid(grid, down, across, finest))
    fine_rows, fine_columns = fine.shape[1:]
    picture, moving = _slices(tissue_map, protocol, fine)
    y, z = across.fine_mm(fine_columns)[None, :], -down.fine_mm(fine_rows)[:, None]
    skin_y = _skin(tissue_map) - grid.to_patient((np.array(grid.shape) - 1) / 2)[1]
    strength = sensitivity(protocol.coil, y, z, skin_y)
    if protocol.saturation is not None:
        strength = strength * saturation(protocol.saturation, y, z)
    picture = _ghosts(picture * strength, moving * strength, protocol, rng)
    middle = picture[:, fine_rows // 4 : -fine_rows // 4, fine_columns // 3 : -fine_columns // 3]
    noise_sd = float(middle.mean()) / protocol.snr
    shown = reconstruct(picture, (down, across), noise_sd, rng)
    y = (np.arange(columns) - (columns - 1) / 2)[None, :] * protocol.pixel_mm
    z = ((rows - 1) / 2 - np.arange(rows))[:, None] * protocol.pixel_mm
    if protocol.masks_air:
        shown = mask_air(shown, noise_sd)
    shown /= sensitivity(protocol.coil, y, z, skin_y) ** protocol.coil.normalized
    shown *= _shown(protocol, y, z)
    stored, scale = _store(shown, protocol, rng)
    source = {
        "repetition_time_ms": protocol.repetition_time_ms,
        "echo_time_ms": protocol.echo_time_ms,
        "field_strength_t": protocol.field_t,
    }
    volume = Volume(stored, grid.affine, protocol.contrast, source)
    return Scan(volume, noise_sd * scale, _to_canvas(tissue_map.grid, grid.affine, protocol))


def fat_shift_mm(protocol: Protocol) -> float:
    """How far fat appears from its place, in mm along the frequency direction."""
    pixel_mm = protocol.acquired_mm[protocol.frequency == "AP"]
    hz = FAT_SHIFT_PPM * GYROMAGNETIC_MHZ_PER_T * protocol.field_t
    return protocol.fat_shift * hz / protocol.bandwidth_hz_px * pixel_mm


def scan_grid(canvas: Grid, protocol: Protocol) -> Grid:
    """Where the voxels of a scan of a canvas lie, in LPS mm."""
    extent = np.linalg.norm(canvas.affine[:3, :3], axis=0) * canvas.shape
    pixels = np.floor(extent[1:] / protocol.pixel_mm + 1e-6).astype(int)
    shape = (protocol.slices, min(protocol.rows, int(pixels[0])), min(protocol.columns, int(pixels[1])))
    about_front, about_head = np.radians(protocol.turn_deg)
    turn = np.array(
        [[np.cos(about_front), 0, np.sin(about_front)], [0, 1, 0], [-np.sin(about_front), 0, np.cos(about_front)]]
    )
    turn = turn @ [[np.cos(about_head), -np.sin(about_head), 0], [np.sin(about_head), np.cos(about_head), 0], [0, 0, 1]]
    affine = np.eye(4)
    directions = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    affine[:3, :3] = turn @ directions.T * [protocol.spacing_mm, protocol.pixel_mm, protocol.pixel_mm]
    # The canvas ends where the picture may not reach beyond.
    free = (extent - np.array(shape) * np.array([0, protocol.pixel_mm, protocol.pixel_mm])) / 2
    left, back, up = protocol.center_mm
    offset = np.array([left, np.clip(back, -free[2], free[2]), np.clip(up, -free[1], free[1])])
    center = canvas.to_patient((np.array(canvas.shape) - 1) / 2) + offset
    affine[:3, 3] = center - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(affine, shape)


def _readouts(protocol: Protocol, rows: int, columns: int) -> tuple[Readout, Readout]:
    train = (protocol.echo_train_length - 1) * ECHO_SPACING_MS / TRAIN_T2_MS
    decay = (train, 0.0) if protocol.frequency == "AP" else (0.0, train)
    return tuple(
        Readout(pixels, protocol.pixel_mm, acquired, lost)
        for pixels, acquired, lost in zip((rows, columns), protocol.acquired_mm, decay, strict=True)
    )


def _fine_grid(grid: Grid, down: Readout, across: Readout, finest: np.ndarray) -> tuple[np.ndarray, tuple]:
    """The scan's slices, sampled finely over the oversampled field of view."""
    samples = down.fine_pixels(finest[0]), across.fine_pixels(finest[1])
    steps = down.extent_mm / samples[0], across.extent_mm / samples[1]
    shape = (grid.shape[0], *samples)
    affine = grid.affine.copy()
    affine[:3, 1:3] *= np.array(steps) / down.pixel_mm
    affine[:3, 3] = grid.to_patient((np.array(grid.shape) - 1) / 2) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine, shape


def _to_canvas(canvas: Grid, affine: np.ndarray, protocol: Protocol) -> np.ndarray:
    moved = affine.copy()
    left, back, up = protocol.patient_shift_mm
    moved[:3, 3] -= [left, back, up]
    return np.linalg.inv(canvas.affine) @ moved


def _slices(tissue_map: TissueMap, protocol: Protocol, fine: Grid) -> tuple[np.ndarray, np.ndarray]:
    """(slices, fine rows, fine columns) signal, with fat in its wrong place, and the part of it that moves."""
    to_canvas = _to_canvas(tissue_map.grid, fine.affine, protocol)
    along = fine.affine[:3, 2 if protocol.frequency == "AP" else 1]
    fat_offset = -fat_shift_mm(protocol) * along / np.linalg.norm(along)
    dx = float(np.linalg.norm(tissue_map.grid.affine[:3, 0]))
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in fine.shape], indexing="ij")).reshape(3, -1)
    reached = to_canvas[0, :3] @ corners + to_canvas[0, 3]
    margin = int(np.ceil(protocol.thickness_mm / dx)) + 1
    last = tissue_map.values.shape[1] - 1
    low = int(np.clip(np.floor(reached.min()) - margin, 0, last))
    high = int(np.clip(np.ceil(reached.max()) + margin, 0, last)) + 1
    values = tissue_map.values[:, low:high]
    water, fat = water_and_fat(values, protocol.sequence, tissue_map.fat_t1_ms, tissue_map.fat_t2_ms)
    fat *= np.float32(LEFT_OF_FAT[protocol.fat_suppression])
    profile = slice_profile(high - low, protocol.thickness_mm, dx)
    fluid = np.where(values[2] > FLUID_T1_MS, water, 0)
    water, fluid, fat = (_thick(profile, channel) for channel in (water, fluid, fat))
    where = _places(to_canvas, low, fine.shape, fat.shape)
    water, fluid = _sampled(where, water, fluid)
    where += _places_step(tissue_map.grid, fat_offset, fat.shape)
    (fat,) = _sampled(where, fat)
    return water + fat, fluid


def slice_profile(count: int, thickness_mm: float, spacing_mm: float) -> np.ndarray:
    """(count, count) float32 weights by which canvas slices add up to a thick slice in the place of each of them."""
    # Interpolation between the slices of the canvas makes thick slices thicker; that is taken off beforehand.
    width = np.sqrt(max(thickness_mm**2 - 2 * spacing_mm**2, 1e-6))
    offset = (np.arange(count)[:, None] - np.arange(count)) * spacing_mm
    edge = max(0.15 * width, 0.1 * spacing_mm)
    steps = np.linspace(-0.5, 0.5, 9) * spacing_mm
    inside = [np.tanh((width / 2 - np.abs(offset + step)) / edge) + 1 for step in steps]
    weights = np.mean(inside, axis=0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _thick(profile: np.ndarray, channel: np.ndarray) -> torch.Tensor:
    return torch.from_numpy((profile @ channel.reshape(len(channel), -1)).reshape(channel.shape))


def _places(to_canvas: np.ndarray, low: int, shape: tuple[int, int, int], size: torch.Size) -> torch.Tensor:
    """(*shape, 3) places in torch's coordinates (column, row, slice from -1 to 1) on canvas slices from `low` on."""
    steps = [torch.arange(n, dtype=torch.float32).reshape([-1 if i == axis else 1 for i in range(3)]) for axis, n in enumerate(shape)]
    where = torch.empty((*shape, 3))
    for axis in range(3):
        index = sum(float(to_canvas[axis, k]) * steps[k] for k in range(3)) + float(to_canvas[axis, 3] - low * (axis == 0))
        where[..., 2 - axis] = (2 * index + 1) / size[axis] - 1
    return where


def _places_step(canvas: Grid, offset_mm: np.ndarray, size: torch.Size) -> torch.Tensor:
    """(3,) step in torch's coordinates that an offset in LPS mm is."""
    index = np.linalg.solve(canvas.affine[:3, :3], offset_mm)
    return torch.from_numpy(2 * index / np.array(size)).float().flip(0)


def _sampled(where: torch.Tensor, *channels: torch.Tensor) -> np.ndarray:
    stacked = torch.stack(channels)[None]
    return torch.nn.functional.grid_sample(stacked, where[None], padding_mode="border", align_corners=False)[0].numpy()


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


def _shown(protocol: Protocol, y: np.ndarray, z: np.ndarray) -> np.ndarray:
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
        return np.clip(np.rint((shown - black) * scale), 0, 255), scale
    scale = rng.uniform(500, 1500) / float(np.percentile(shown[len(shown) // 2], 99))
    return np.rint(shown * scale), scale

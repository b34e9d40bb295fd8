"""Protocols: how one patient is scanned, T1 and T2 on the same scanner with the same coil."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from .coil import Coil, SaturationBand
from .scanner_models import SCANNERS, ScannerModel, Series
from .tissues import FAT_T1_MS, Sequence

FatSuppression = Literal["none", "stir_like", "dixon_water"]

LARGEST_MATRIX = 660
SMALLEST_MATRIX = 256
"""Of the reconstructed picture, in rows and columns."""

RESTORED_BELOW_MS = 2000.0
"""T2 of a shorter repetition time, as 3D ones, would lose its fluid without a pulse that restores it."""

SIDES_MM, SIDE_SHARES = (240.0, 260.0, 280.0, 300.0), (0.15, 0.15, 0.45, 0.25)
"""Sides of the picture, and how often each is chosen."""

WHITE_PERCENTILE = {"t1": 95.4, "t2": 94.3}
"""Percentile of SPIDER's pictures from which on they are white: mean over the patients; its deviation is 0.9."""

UNCLIPPED = 0.3
"""Share of the patients on scanners with an uneven coil whose pictures are hardly clipped, and hence dark."""

MOVED_MM = (1.0, 0.7, 0.7)
"""Standard deviation of the patient's movement (left, back, up) between the series."""

CENTERING_MM = (1.0, 3.0, 3.0)
"""Standard deviation of where the middle of the picture is put (left, back, up)."""


@dataclass(frozen=True)
class Protocol:
    """One sagittal fast spin-echo series.

    Attributes
    ----------
    contrast:
        "t1", "t2" or "t2_fat_suppressed".
    bandwidth_hz_px:
        Of one acquired pixel along the frequency direction.
    slices, thickness_mm, spacing_mm:
        Their number, thickness, and distance from middle to middle.
    rows, columns, pixel_mm:
        The reconstructed picture.
    acquired_mm:
        (head-foot, front-back) size of an acquired pixel, which is interpolated to `pixel_mm`.
    frequency:
        Direction of the frequency encoding, "AP" or "SI"; the phase is encoded along the other one.
    fat_shift:
        1 where fat appears too far to the back (AP) or to the foot (SI), else -1.
    fade:
        Share of k-space, at its rim, over which it is faded out lest edges ring.
    snr:
        Signal at the spine over the standard deviation of the noise.
    ghost:
        Share of the signal of what moves that appears elsewhere along the phase direction.
    window_mm:
        Depth of the field of view front to back, outside which the picture is black; None where it fills the picture.
    border_mm:
        How far the corners of the picture are black after the correction of gradient distortion.
    center_mm:
        (left, back, up) from the middle of the canvas to the middle of the picture.
    turn_deg:
        Rotation of the slices about the front-back axis and about the head-foot axis.
    patient_shift_mm:
        (left, back, up) by which the patient has moved since T2.
    masks_air:
        Whether the scanner suppresses noise where there is no signal.
    eight_bit:
        Whether values are clipped and stored as 0 to 255.
    clip_percentiles:
        Percentiles of the picture that become 0 and 255, where stored in eight bits.
    """

    contrast: Literal["t1", "t2", "t2_fat_suppressed"]
    field_t: float
    repetition_time_ms: float
    echo_time_ms: float
    echo_train_length: int
    bandwidth_hz_px: float
    slices: int
    thickness_mm: float
    spacing_mm: float
    rows: int
    columns: int
    pixel_mm: float
    acquired_mm: tuple[float, float]
    frequency: Literal["AP", "SI"] = "AP"
    fat_shift: Literal[-1, 1] = 1
    fat_suppression: FatSuppression = "none"
    coil: Coil = field(default_factory=Coil)
    saturation: SaturationBand | None = None
    fade: float = 0.12
    snr: float = 60.0
    ghost: float = 0.0
    window_mm: float | None = None
    border_mm: float = 0.0
    center_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn_deg: tuple[float, float] = (0.0, 0.0)
    patient_shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    masks_air: bool = True
    eight_bit: bool = False
    clip_percentiles: tuple[float, float] = (1.0, 95.0)

    @property
    def sequence(self) -> Sequence:
        """What decides the signal: an inversion that nulls fat, or a pulse that restores fluid, where there is one."""
        inversion_ms = None
        if self.fat_suppression == "stir_like":
            inversion_ms = float(np.log(2) * np.interp(self.field_t, (1.5, 3.0), FAT_T1_MS))
        restores = self.contrast != "t1" and self.repetition_time_ms < RESTORED_BELOW_MS
        return Sequence(self.repetition_time_ms, self.echo_time_ms, inversion_ms, restores)

    @property
    def source(self) -> dict:
        """What a DICOM header would say of the series, as `study.Volume.source`."""
        return {
            "repetition_time_ms": self.repetition_time_ms,
            "echo_time_ms": self.echo_time_ms,
            "field_strength_t": self.field_t,
        }


def draw_protocols(
    rng: np.random.Generator,
    *,
    slices: int | None = None,
    eight_bit: bool | None = None,
    fat_suppressed: bool = False,
) -> tuple[Protocol, Protocol]:
    """Protocols (T1, T2) of one examination.

    Parameters
    ----------
    slices:
        Their number; drawn if None.
    eight_bit:
        Whether pictures are clipped and stored in eight bits; drawn if None.
    fat_suppressed:
        Whether T2 is a fat-suppressed one.
    """
    scanner = draw_scanner(rng)
    # Two in five are scanned just as in SPIDER, the others elsewhere: their values spread around those.
    spread = float(rng.random() > 0.4)
    common = _draw_common(scanner, spread, rng)
    common["slices"] = int(rng.integers(11, 18)) if slices is None else slices
    common["eight_bit"] = bool(rng.random() < 0.5) if eight_bit is None else eight_bit
    unclipped = bool(not scanner.normalizes and rng.random() < UNCLIPPED)
    sides_mm = rng.choice(SIDES_MM, size=2, p=SIDE_SHARES)
    factor = _factor(0.08 * spread, rng)
    t2 = _draw_series("t2", scanner.t2, sides_mm, factor, spread, common, unclipped, rng)
    if scanner.t1.pixel_mm != scanner.t2.pixel_mm or rng.random() < 0.1:
        sides_mm, factor = sides_mm * rng.uniform(0.92, 1.0, size=2), factor * _factor(0.04 * spread, rng)
    t1 = _draw_series("t1", scanner.t1, sides_mm, factor, spread, common, unclipped, rng)
    moved = rng.normal(0.0, MOVED_MM) * (rng.random() < 0.7)
    t1 = replace(t1, patient_shift_mm=tuple(float(mm) for mm in moved))
    return t1, _suppressed(t2, rng) if fat_suppressed else t2


def draw_scanner(rng: np.random.Generator) -> ScannerModel:
    """One of `SCANNERS`, as often as it is met."""
    shares = np.array([scanner.share for scanner in SCANNERS])
    return SCANNERS[rng.choice(len(SCANNERS), p=shares / shares.sum())]


def _draw_series(
    contrast: str,
    series: Series,
    sides_mm: np.ndarray,
    factor: float,
    spread: float,
    common: dict,
    unclipped: bool,
    rng: np.random.Generator,
) -> Protocol:
    """One series of pictures with sides (height, depth) in mm; `factor` is on the pixel of the table."""
    pixel_mm = np.clip(series.pixel_mm * factor, sides_mm.max() / LARGEST_MATRIX, sides_mm.min() / SMALLEST_MATRIX)
    rows, columns = (int(side) for side in sides_mm / pixel_mm + 1e-6)
    white = rng.normal(WHITE_PERCENTILE[contrast], 0.9)
    return Protocol(
        contrast=contrast,
        repetition_time_ms=float(rng.uniform(*series.repetition_ms) * _factor(0.08 * spread, rng)),
        echo_time_ms=series.echo_ms * _factor(0.08 * spread, rng),
        echo_train_length=series.train,
        bandwidth_hz_px=series.bandwidth * _factor(0.15 * spread, rng),
        rows=rows,
        columns=columns,
        pixel_mm=float(pixel_mm),
        acquired_mm=tuple(float(pixel_mm * max(ratio * _factor(0.08, rng), 1.0)) for ratio in series.acquired),
        saturation=_draw_band(rng) if rng.random() < series.band else None,
        snr=series.snr * _factor(0.35, rng),
        ghost=float(rng.exponential(0.015)),
        clip_percentiles=(float(rng.uniform(0.0, 3.0)), 99.9 if unclipped else float(np.clip(white, 92.0, 97.5))),
        **common,
    )


def _draw_common(scanner: ScannerModel, spread: float, rng: np.random.Generator) -> dict:
    """What both series share: field, coil, and how the slices lie."""
    normalizes = scanner.normalizes
    thickness_mm = scanner.thickness_mm * _factor(0.1 * spread, rng)
    as_usual = rng.random() < 0.7
    gap = scanner.spacing_mm / scanner.thickness_mm if as_usual else rng.uniform(1.0, 1.25)
    return {
        "field_t": scanner.field_t if rng.random() < 0.85 else float(rng.uniform(1.0, 3.0)),
        "thickness_mm": thickness_mm,
        "spacing_mm": float(thickness_mm * gap),
        "coil": Coil(
            reach_mm=float(rng.uniform(80, 150) if normalizes else rng.uniform(70, 130)),
            steepness=float(rng.uniform(0.9, 1.4)),
            ends=float(rng.uniform(0.0, 0.4)),
            ripple=float(rng.uniform(0.0, 0.08)),
            normalized=float(rng.uniform(0.1, 0.6) if normalizes else rng.uniform(-0.5, 0.1)),
        ),
        "fade": float(rng.uniform(0.3, 0.6) if normalizes else rng.uniform(0.05, 0.2)),
        "masks_air": bool(normalizes or rng.random() < 0.85),
        "frequency": "AP" if rng.random() < 0.95 else "SI",
        "fat_shift": 1 if rng.random() < 0.5 else -1,
        "window_mm": float(rng.normal(181, 7)) if normalizes and rng.random() < 0.8 else None,
        "border_mm": 0.0 if normalizes else float(rng.uniform(0.0, 5.0)),
        "center_mm": tuple(float(mm) for mm in rng.normal(0.0, CENTERING_MM)),
        "turn_deg": (float(rng.normal(0, 1.5)), float(rng.normal(0, 1.5))),
    }


def _draw_band(rng: np.random.Generator) -> SaturationBand:
    return SaturationBand(
        front_mm=float(rng.uniform(46, 75)),
        width_mm=float(rng.uniform(50, 110)),
        tilt_deg=float(rng.normal(0, 6)),
        edge_mm=float(rng.uniform(2, 8)),
        left=float(rng.uniform(0.03, 0.35)),
    )


def _suppressed(t2: Protocol, rng: np.random.Generator) -> Protocol:
    way = str(rng.choice(["stir_like", "dixon_water"]))
    echo_ms = rng.uniform(40, 75) if way == "stir_like" else t2.echo_time_ms
    return replace(t2, contrast="t2_fat_suppressed", fat_suppression=way, echo_time_ms=float(echo_ms))


def _factor(spread: float, rng: np.random.Generator) -> float:
    return float(rng.lognormal(0.0, spread))

"""Protocols: how one patient is scanned, T1 and T2 on the same scanner with the same coil."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from .tissues import FAT_T1_MS, Sequence

FatSuppression = Literal["none", "stir_like", "dixon_water"]

LARGEST_MATRIX = 660
SMALLEST_MATRIX = 256
"""Of the reconstructed picture, in rows and columns."""


@dataclass(frozen=True)
class Coil:
    """Receiver coils under the back, and what the scanner does about their uneven sensitivity.

    Attributes
    ----------
    reach_mm:
        Distance behind which sensitivity falls; the shorter, the darker the abdomen.
    steepness:
        Power with which it falls beyond.
    ends:
        Share by which it falls from the middle to the upper and lower end of the picture.
    ripple:
        Share by which it varies between the elements of the array.
    normalized:
        Share of the unevenness that the scanner takes out of the picture; negative where its way of adding up coils
        makes the picture more uneven, and noise with it.
    """

    reach_mm: float = 60.0
    steepness: float = 1.5
    ends: float = 0.15
    ripple: float = 0.04
    normalized: float = 0.0


@dataclass(frozen=True)
class SaturationBand:
    """A slab across the abdomen whose signal is destroyed, lest its motion ghost over the spine.

    `front_mm` is the distance in front of the middle of the picture of its posterior edge; it leans by `tilt_deg`,
    its upper end to the front.
    """

    front_mm: float
    width_mm: float
    tilt_deg: float = 0.0
    edge_mm: float = 5.0
    left: float = 0.1


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
    coil: Coil = Coil()
    saturation: SaturationBand | None = None
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
        """What decides the signal; an inversion that nulls fat where the protocol has one."""
        if self.fat_suppression != "stir_like":
            return Sequence(self.repetition_time_ms, self.echo_time_ms)
        fat_t1_ms = np.interp(self.field_t, (1.5, 3.0), FAT_T1_MS)
        return Sequence(self.repetition_time_ms, self.echo_time_ms, float(np.log(2) * fat_t1_ms))

    @property
    def extent_mm(self) -> tuple[float, float, float]:
        """Size of the scanned block along (slices, rows, columns)."""
        return self.slices * self.spacing_mm, self.rows * self.pixel_mm, self.columns * self.pixel_mm


class _Series(NamedTuple):
    """Repetition time (from, to), echo time, echo train, bandwidth, pixel, size of acquired pixels against it, SNR."""

    repetition_ms: tuple[float, float]
    echo_ms: float
    train: int
    bandwidth: float
    pixel_mm: float
    acquired: tuple[float, float]
    snr: float


class _Scanner(NamedTuple):
    """A scanner model as one hospital uses it; `share` of the patients come from it."""

    share: float
    field_t: float
    thickness_mm: float
    spacing_mm: float
    normalizes: bool
    t1: _Series
    t2: _Series


_SCANNERS = (
    # 1.5 T, fine pixels
    _Scanner(
        0.17, 1.5, 3.0, 3.3, False,
        _Series((456, 670), 9.8, 2, 190, 0.586, (1.4, 1.1), 11),
        _Series((3500, 4200), 93, 17, 195, 0.586, (1.4, 1.1), 12),
    ),
    # 1.5 T with a 3D T2
    _Scanner(
        0.12, 1.5, 3.0, 3.3, False,
        _Series((456, 563), 9.8, 2, 190, 0.586, (1.4, 1.1), 11),
        _Series((1000, 1000), 124, 60, 530, 0.469, (1.65, 1.1), 14),
    ),
    # 1.5 T, coarse pixels
    _Scanner(
        0.08, 1.5, 4.0, 4.8, False,
        _Series((660, 687), 9.6, 3, 235, 0.813, (1.45, 1.1), 20),
        _Series((3500, 3680), 114, 17, 195, 0.677, (1.5, 1.12), 18),
    ),
    # 1.5 T, older
    _Scanner(
        0.08, 1.5, 4.0, 4.4, False,
        _Series((446, 446), 11.0, 4, 161, 0.729, (1.5, 1.1), 16),
        _Series((3900, 3900), 106, 19, 161, 0.729, (1.5, 1.1), 16),
    ),
    # 1.5 T, newer
    _Scanner(
        0.08, 1.5, 4.0, 4.8, False,
        _Series((617, 649), 9.7, 3, 235, 0.875, (1.57, 1.1), 28),
        _Series((3500, 3500), 97, 19, 195, 0.729, (1.6, 1.12), 22),
    ),
    # 1.5 T that evens out its coil
    _Scanner(
        0.07, 1.5, 4.0, 4.4, True,
        _Series((550, 600), 8.0, 5, 210, 0.478, (2.25, 1.85), 30),
        _Series((2746, 2900), 80, 27, 189, 0.478, (2.35, 1.68), 22),
    ),
    # 3 T that evens out its coil
    _Scanner(
        0.36, 3.0, 3.0, 3.3, True,
        _Series((600, 735), 13.84, 7, 455, 0.625, (2.0, 1.5), 36),
        _Series((3563, 4772), 120, 25, 370, 0.625, (2.0, 1.5), 25),
    ),
    # 3 T, fine pixels
    _Scanner(
        0.04, 3.0, 4.0, 4.4, False,
        _Series((497, 497), 9.8, 5, 250, 0.45, (2.2, 1.7), 20),
        _Series((4200, 4200), 102, 21, 245, 0.45, (2.6, 1.9), 18),
    ),
)  # fmt: skip
"""The scanners of SPIDER's 122 patients with both midsagittal slices. DICOM values of their series; the acquired pixel
as measured from where the spectrum of the pictures ends, the SNR from the least unrest in their fluid and discs. Slices
of the 3D T2 are taken as thick as those of T1."""


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
    shares = np.array([scanner.share for scanner in _SCANNERS])
    scanner = _SCANNERS[rng.choice(len(_SCANNERS), p=shares / shares.sum())]
    eight_bit = bool(rng.random() < 0.5) if eight_bit is None else eight_bit
    slices = int(rng.integers(11, 18)) if slices is None else slices
    spread = float(rng.choice([0.0, 1.0], p=[0.4, 0.6]))
    """Two in five are scanned just as in SPIDER, the others elsewhere: their values are spread around those."""
    field_t = scanner.field_t if rng.random() < 0.85 else float(rng.uniform(1.0, 3.0))
    thickness = scanner.thickness_mm * _factor(0.1 * spread, rng)
    spacing = thickness * (scanner.spacing_mm / scanner.thickness_mm if rng.random() < 0.7 else rng.uniform(1.0, 1.25))
    common = _draw_common(scanner.normalizes, rng)
    same_grid = scanner.t1.pixel_mm == scanner.t2.pixel_mm and rng.random() < 0.9
    height_mm, depth_mm = rng.choice([240.0, 260.0, 280.0, 300.0], size=2, p=[0.15, 0.15, 0.45, 0.25])
    pixel_factor = _factor(0.08 * spread, rng)
    protocols = []
    for contrast, series in (("t1", scanner.t1), ("t2", scanner.t2)):
        if not same_grid:
            height_mm, depth_mm = (float(side * rng.uniform(0.92, 1.0)) for side in (height_mm, depth_mm))
            pixel_factor *= _factor(0.04 * spread, rng)
        smallest = max(height_mm, depth_mm) / LARGEST_MATRIX
        pixel_mm = float(np.clip(series.pixel_mm * pixel_factor, smallest, min(height_mm, depth_mm) / SMALLEST_MATRIX))
        protocols.append(
            Protocol(
                contrast=contrast,
                field_t=field_t,
                repetition_time_ms=float(rng.uniform(*series.repetition_ms) * _factor(0.08 * spread, rng)),
                echo_time_ms=float(series.echo_ms * _factor(0.08 * spread, rng)),
                echo_train_length=series.train,
                bandwidth_hz_px=float(series.bandwidth * _factor(0.15 * spread, rng)),
                slices=slices,
                thickness_mm=float(thickness),
                spacing_mm=float(spacing),
                rows=int(height_mm / pixel_mm),
                columns=int(depth_mm / pixel_mm),
                pixel_mm=pixel_mm,
                acquired_mm=tuple(max(n * pixel_mm * _factor(0.08, rng), pixel_mm) for n in series.acquired),
                saturation=_draw_band(scanner.normalizes, rng),
                snr=series.snr * _factor(0.35, rng),
                ghost=float(rng.exponential(0.015)),
                eight_bit=eight_bit,
                # The share of white pixels in SPIDER's pictures: 4.5 (3 to 7) % of T1, 5.5 (4.5 to 8) % of T2.
                clip_percentiles=(
                    float(rng.uniform(0.0, 3.0)),
                    float(np.clip(rng.normal(95.4 if contrast == "t1" else 94.3, 0.9), 92.0, 97.5)),
                ),
                **common,
            )
        )
    t1, t2 = protocols
    moved = rng.normal(0.0, (1.0, 0.7, 0.7)) * (rng.random() < 0.7)
    return replace(t1, patient_shift_mm=tuple(float(mm) for mm in moved)), _suppressed(
        t2, rng
    ) if fat_suppressed else t2


def _draw_common(normalizes: bool, rng: np.random.Generator) -> dict:
    """What both series share: coil, frequency direction, and how the slices were laid."""
    return {
        "coil": Coil(
            # A scanner that evens out has coils in front, too.
            reach_mm=float(rng.uniform(100, 200) if normalizes else rng.uniform(55, 110)),
            steepness=float(rng.uniform(1.0, 1.8)),
            ends=float(rng.uniform(0.0, 0.35)),
            ripple=float(rng.uniform(0.0, 0.08)),
            normalized=float(rng.uniform(0.6, 1.0) if normalizes else rng.uniform(-0.7, 0.3)),
        ),
        "masks_air": bool(normalizes or rng.random() < 0.85),
        "frequency": "AP" if rng.random() < 0.95 else "SI",
        "fat_shift": 1 if rng.random() < 0.5 else -1,
        "window_mm": float(rng.uniform(165, 200)) if normalizes and rng.random() < 0.8 else None,
        "border_mm": 0.0 if normalizes else float(rng.uniform(0.0, 5.0)),
        "center_mm": tuple(float(mm) for mm in rng.normal(0.0, (1.0, 5.0, 5.0))),
        "turn_deg": (float(rng.normal(0, 1.5)), float(rng.normal(0, 1.5))),
    }


def _draw_band(normalizes: bool, rng: np.random.Generator) -> SaturationBand | None:
    if rng.random() > (0.3 if normalizes else 0.6):
        return None
    return SaturationBand(
        front_mm=float(rng.uniform(35, 65)),
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

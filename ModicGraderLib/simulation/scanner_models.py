"""The scanners of the real pictures: what they are set to, as one table."""

from __future__ import annotations

from typing import NamedTuple


class Series(NamedTuple):
    """One series: times in ms, bandwidth of a pixel in Hz, how many reconstructed pixels an acquired one spans
    (head-foot, front-back), signal over noise, and how often there is a saturation band."""

    repetition_ms: tuple[float, float]
    echo_ms: float
    train: int
    bandwidth: float
    pixel_mm: float
    acquired: tuple[float, float]
    snr: float
    band: float


class ScannerModel(NamedTuple):
    """A scanner model as one hospital uses it; `share` of the patients come from it.

    One that `normalizes` has coils in front, too, evens out their sensitivity, blackens the air, and fades k-space out.
    """

    name: str
    share: float
    field_t: float
    thickness_mm: float
    spacing_mm: float
    normalizes: bool
    t1: Series
    t2: Series


SCANNERS = (
    ScannerModel(
        "1.5 T, fine pixels", 0.16, 1.5, 3.0, 3.3, False,
        Series((456, 670), 9.8, 2, 190, 0.586, (1.4, 1.1), 11, 0.3),
        Series((3500, 4200), 93, 17, 195, 0.586, (1.4, 1.1), 10, 0.95),
    ),
    ScannerModel(
        "1.5 T with a 3D T2", 0.13, 1.5, 3.0, 3.3, False,
        Series((456, 563), 9.8, 2, 190, 0.586, (1.4, 1.1), 11, 0.3),
        Series((1000, 1000), 124, 60, 530, 0.469, (1.65, 1.1), 11, 0.95),
    ),
    ScannerModel(
        "1.5 T, coarse pixels", 0.06, 1.5, 4.0, 4.8, False,
        Series((660, 687), 9.6, 3, 235, 0.813, (1.45, 1.1), 20, 0.5),
        Series((3500, 3680), 114, 17, 195, 0.677, (1.5, 1.12), 18, 0.95),
    ),
    ScannerModel(
        "1.5 T, older", 0.07, 1.5, 4.0, 4.4, False,
        Series((446, 446), 11.0, 4, 161, 0.729, (1.5, 1.1), 16, 0.15),
        Series((3900, 3900), 106, 19, 161, 0.729, (1.5, 1.1), 16, 0.15),
    ),
    ScannerModel(
        "1.5 T, newer", 0.07, 1.5, 4.0, 4.8, False,
        Series((617, 649), 9.7, 3, 235, 0.875, (1.57, 1.1), 28, 0.9),
        Series((3500, 3500), 97, 19, 195, 0.729, (1.6, 1.12), 22, 0.9),
    ),
    ScannerModel(
        "1.5 T that evens out its coil", 0.07, 1.5, 4.0, 4.4, True,
        Series((550, 600), 8.0, 5, 210, 0.478, (2.1, 1.7), 30, 0.1),
        Series((2746, 2900), 80, 27, 189, 0.478, (2.2, 1.6), 22, 0.1),
    ),
    ScannerModel(
        "3 T that evens out its coil", 0.40, 3.0, 3.0, 3.3, True,
        Series((600, 735), 13.84, 7, 455, 0.625, (1.85, 1.4), 36, 0.2),
        Series((3563, 4772), 120, 25, 370, 0.625, (1.85, 1.4), 25, 0.25),
    ),
    ScannerModel(
        "3 T, fine pixels", 0.04, 3.0, 4.0, 4.4, False,
        Series((497, 497), 9.8, 5, 250, 0.45, (2.2, 1.7), 20, 0.9),
        Series((4200, 4200), 102, 21, 245, 0.45, (2.6, 1.9), 18, 0.9),
    ),
)  # fmt: skip
"""The scanners of SPIDER's 122 patients with both midsagittal slices. DICOM values of their series; the acquired pixel
as measured from where the spectrum of the pictures ends, the SNR from the least unrest in their fluid and discs, the
bands as their abdomen is dark. Slices of the 3D T2 are taken as thick as those of T1."""

"""From a fine picture to the one a scanner shows: its k-space is cropped, weighted, made noisy and zero-filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft

OVERSAMPLING = 1.1
"""Field of view that is acquired against the one that is shown, so that its ends do not ring into each other."""


@dataclass(frozen=True)
class Readout:
    """How one axis of k-space is acquired.

    Attributes
    ----------
    pixels, pixel_mm:
        Of the reconstructed picture.
    acquired_mm:
        Size of an acquired pixel, which decides where k-space ends.
    decay:
        Logarithm by which the signal has decayed at the end of k-space: the echo train along the phase direction.
    """

    pixels: int
    pixel_mm: float
    acquired_mm: float
    decay: float = 0.0

    @property
    def wide(self) -> int:
        """Pixels of the oversampled picture."""
        return fft.next_fast_len(int(np.ceil(self.pixels * OVERSAMPLING)))

    @property
    def extent_mm(self) -> float:
        """Oversampled field of view."""
        return self.wide * self.pixel_mm

    @property
    def last(self) -> int:
        """Number of the last acquired k-space line on either side of the middle."""
        return min(int(self.extent_mm / (2 * self.acquired_mm)), (self.wide - 1) // 2)

    def fine_pixels(self, finest_mm: float) -> int:
        """Number of samples over the oversampled field of view, no wider than `finest_mm`."""
        return fft.next_fast_len(max(int(np.ceil(self.extent_mm / finest_mm)), 2 * self.last + 1))

    def fine_mm(self, samples: int) -> np.ndarray:
        """(samples,) distance from the middle of the picture, in mm along the axis."""
        return (np.arange(samples) - (samples - 1) / 2) * self.extent_mm / samples

    @property
    def margin(self) -> int:
        """Pixels of the oversampled picture before the first one that is shown."""
        return (self.wide - self.pixels) // 2

    def centering(self, samples: int) -> np.ndarray:
        """(2 last + 1,) phase that moves the first of the fine samples to the first of the oversampled pixels."""
        first = -((self.pixels - 1) / 2 + self.margin) * self.pixel_mm
        offset = (first - self.fine_mm(samples)[0]) / self.extent_mm
        return np.exp(2j * np.pi * self.lines * offset).astype(np.complex64)

    @property
    def lines(self) -> np.ndarray:
        """(2 last + 1,) numbers of the acquired lines in the order of the FFT."""
        return np.concatenate([np.arange(self.last + 1), np.arange(-self.last, 0)])


def reconstruct(
    picture: np.ndarray,
    readouts: tuple[Readout, Readout],
    noise_sd: float,
    rng: np.random.Generator,
    fade: float = 0.15,
) -> np.ndarray:
    """The magnitude picture that a scanner shows.

    Parameters
    ----------
    picture:
        (slices, fine rows, fine columns) float32, samples of the oversampled field of view.
    readouts:
        Of the rows and of the columns.
    noise_sd:
        Standard deviation of the noise in each of the real and the imaginary part of the result.
    fade:
        Share of k-space, at its rim, over which it is faded out; what is left of it rings at edges.

    Returns
    -------
    np.ndarray
        (slices, rows, columns) float32.
    """
    fine, wide = picture.shape[1:], tuple(readout.wide for readout in readouts)
    acquired = (slice(None), *np.ix_(*(readout.lines for readout in readouts)))
    kept = fft.fft2(picture, workers=2)[acquired]
    window = _window(readouts, fade)
    kept *= np.multiply.outer(readouts[0].centering(fine[0]), readouts[1].centering(fine[1]))
    kept *= _decay(readouts)
    if noise_sd > 0:
        sd = noise_sd * np.prod(fine) / np.sqrt(np.square(window).sum())
        kept += sd * rng.standard_normal((*kept.shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    kept *= window
    filled = np.zeros((len(picture), *wide), np.complex64)
    filled[acquired] = kept
    shown = fft.ifft2(filled, norm="forward", overwrite_x=True, workers=2)
    crop = tuple(slice(readout.margin, readout.margin + readout.pixels) for readout in readouts)
    return np.abs(shown[:, *crop]) / np.float32(np.prod(fine))


def _window(readouts: tuple[Readout, Readout], fade: float) -> np.ndarray:
    """Fade towards the rim of k-space, whose corners are rounded off."""
    u, v = (np.abs(readout.lines) / (readout.last + 0.5) for readout in readouts)
    radius = (u[:, None] ** 4 + v[None, :] ** 4) ** 0.25
    if fade == 0:
        return np.ones_like(radius, np.float32)
    return (0.5 + 0.5 * np.cos(np.pi * np.clip((radius - 1 + fade) / fade, 0, 1))).astype(np.float32)


def _decay(readouts: tuple[Readout, Readout]) -> np.ndarray:
    u, v = (np.exp(-readout.decay * np.abs(readout.lines) / max(readout.last, 1)) for readout in readouts)
    return np.multiply.outer(u, v).astype(np.float32)

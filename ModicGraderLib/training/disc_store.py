"""DiscStore: many graded discs as tensors, and the bags of slices that a batch is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..anatomy import ENDPLATES
from ..grading.disc_input import BORDER, SCALARS
from ..grading.tasks import CHANGE_TYPES, MARROW_CHANGE, MODIC_CHANGE, MODIC_TYPE, OUTPUTS, PFIRRMANN
from ..simulation.case import LESION_TYPES
from ..simulation.visibility import SEEN_MM2, SLICES_TO_GRADE
from .graded_discs import HIDDEN, LOWER_ENDPLATE, OTHER_ENDPLATE, SIGNAL_STEPS, UNKNOWN, GradedDisc

DISC_BIT, BONE_BIT, ANATOMY_BITS = 1, 2, 2
"""How the masks of disc and vertebrae share a byte with the true anatomy, shifted by two bits; 0 there is unknown."""


def _class_shares() -> torch.Tensor:
    """Shares (256, 4) of no change and types I, II, III by the codes of `GradedDisc.changes`; none where unknown."""
    shares = torch.zeros(256, 1 + len(CHANGE_TYPES))
    shares[:HIDDEN, 0] = 1
    for number, lesion in enumerate(LESION_TYPES):
        for endplate in (0, LOWER_ENDPLATE, OTHER_ENDPLATE, OTHER_ENDPLATE + LOWER_ENDPLATE):
            parts = [1 + CHANGE_TYPES.index(part) for part in lesion.split("/")]
            shares[1 + number + endplate] = 0
            shares[1 + number + endplate, parts] = 1 / len(parts)
    return shares


CLASS_SHARES = _class_shares()


@dataclass(frozen=True)
class Bags:
    """Slices of some discs, one disc after the other.

    Attributes
    ----------
    region:
        (N, 4, rows, columns) float32 with the border of `disc_input`.
    changes, anatomy:
        (N, rows, columns) uint8, codes of `GradedDisc.changes` and indices of `network.ANATOMY`, or `UNKNOWN`.
    scalars, targets:
        (B, 16) and (B, outputs) of the discs.
    slices:
        How many of the N each disc has.
    """

    region: torch.Tensor
    changes: torch.Tensor
    anatomy: torch.Tensor
    scalars: torch.Tensor
    targets: torch.Tensor
    slices: list[int]


@dataclass(frozen=True)
class DiscStore:
    """Discs in 8 bits: a cohort takes a quarter of the memory of its regions.

    Attributes
    ----------
    pictures:
        (N, 4, rows, columns) uint8: T1, T2, masks, changes of every slice.
    first, count, middle:
        (B,) where a disc's slices begin, how many there are, and which of them is the disc's middle one.
    scalars, targets:
        (B, 16) and (B, outputs).
    pixel_mm2:
        (B,) area of a pixel.
    exposure:
        (B, 2), as in `GradedDisc`.
    modic:
        (B,) as `GradedDisc.modic_type`.
    patients:
        Of each disc.
    """

    pictures: torch.Tensor
    first: np.ndarray
    count: np.ndarray
    middle: np.ndarray
    scalars: torch.Tensor
    targets: torch.Tensor
    pixel_mm2: np.ndarray
    exposure: np.ndarray
    modic: np.ndarray
    patients: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.count)

    @classmethod
    def of(cls, discs: Iterable[GradedDisc]) -> DiscStore:
        """A store of discs, which are taken one at a time."""
        pictures, middle, scalars, targets, pixel_mm2, exposure, modic, patients = [], [], [], [], [], [], [], []
        for one in discs:
            pictures.append(_pictures(one))
            middle.append(one.disc.region.shape[1] // 2)
            scalars.append(torch.from_numpy(one.disc.scalars))
            targets.append(torch.from_numpy(one.targets))
            pixel_mm2.append(float(np.linalg.norm(one.disc.grid.affine[:3, 1]) ** 2))
            exposure.append(np.zeros(2) if one.exposure is None else one.exposure)
            modic.append(one.modic_type)
            patients.append(one.patient)
        count = np.array([len(picture) for picture in pictures], int)
        return cls(
            pictures=torch.cat(pictures) if pictures else torch.empty(0, 4, 0, 0, dtype=torch.uint8),
            first=np.cumsum(count) - count,
            count=count,
            middle=np.array(middle, int),
            scalars=torch.stack(scalars) if scalars else torch.empty(0, SCALARS),
            targets=torch.stack(targets) if targets else torch.empty(0, OUTPUTS),
            pixel_mm2=np.array(pixel_mm2),
            exposure=np.array(exposure).reshape(-1, 2),
            modic=np.array(modic, int),
            patients=tuple(patients),
        )

    @property
    def pfirrmann(self) -> np.ndarray:
        """Pfirrmann grades (B,)."""
        return 1 + self.targets[:, PFIRRMANN].sum(1).numpy().astype(int)

    def whole(self, chosen: Sequence[int]) -> Bags:
        """All slices of the chosen discs."""
        return self._bags(chosen, self.first[chosen], self.count[chosen], self.targets[torch.as_tensor(chosen)])

    def windows(self, chosen: np.ndarray, slices: int, rng: np.random.Generator) -> Bags:
        """Up to `slices` neighboring slices of each chosen disc, near its middle more often than at its sides.

        What the truth says of the marrow of a whole disc is cut down to what these slices show.
        """
        count = np.minimum(self.count[chosen], slices)
        spread = self.count[chosen] / 4
        start = np.round(self.middle[chosen] - (count - 1) / 2 + rng.normal(0, spread))
        start = self.first[chosen] + np.clip(start, 0, self.count[chosen] - count).astype(int)
        targets = self.targets[torch.as_tensor(chosen)].clone()
        for row, disc in enumerate(chosen):
            shown = self.pictures[start[row] : start[row] + count[row], 3]
            _cut_down(targets[row], shown, self.pixel_mm2[disc])
        return self._bags(chosen, start, count, targets)

    def _bags(self, chosen: Sequence[int], start: np.ndarray, count: np.ndarray, targets: torch.Tensor) -> Bags:
        rows = torch.cat([torch.arange(a, a + n) for a, n in zip(start, count, strict=True)])
        pictures = self.pictures[rows]
        masks = torch.stack([(pictures[:, 2] & bit) > 0 for bit in (DISC_BIT, BONE_BIT)], 1)
        return Bags(
            region=torch.cat([pictures[:, :2].float() / SIGNAL_STEPS, masks.float()], 1),
            changes=pictures[:, 3],
            anatomy=(pictures[:, 2] >> ANATOMY_BITS) - 1,
            scalars=self.scalars[torch.as_tensor(chosen)],
            targets=targets,
            slices=count.tolist(),
        )


def _pictures(one: GradedDisc) -> torch.Tensor:
    region = one.disc.region
    signal = np.round(region[:2] * SIGNAL_STEPS).astype(np.uint8)
    masks = (DISC_BIT * (region[2] > 0) + BONE_BIT * (region[3] > 0)).astype(np.uint8)
    if one.anatomy is not None:
        masks |= (one.anatomy + 1) << ANATOMY_BITS
    changes = np.full_like(masks, UNKNOWN) if one.changes is None else one.changes
    return torch.from_numpy(np.stack([*signal, masks, changes], axis=1))


def _cut_down(targets: torch.Tensor, shown: torch.Tensor, pixel_mm2: float) -> None:
    """Set a disc's targets for the marrow to what its slices `shown` (S, rows, columns) say; in place."""
    inner = shown[:, BORDER:-BORDER, BORDER:-BORDER]
    counts = torch.stack([torch.bincount(one.flatten().long(), minlength=256) for one in inner]).float() * pixel_mm2
    if bool((shown == UNKNOWN).all()):
        return
    needed = min(SLICES_TO_GRADE, len(shown))
    for number, name in enumerate(ENDPLATES):
        codes = slice(1 + LOWER_ENDPLATE * number, 1 + LOWER_ENDPLATE * number + len(LESION_TYPES))
        area = counts[:, codes].sum(1)
        index = MARROW_CHANGE[number]
        if targets[index] == 1 and int((area >= SEEN_MM2).sum()) < needed:
            targets[index] = 0.0 if not area.any() else torch.nan
            targets[MODIC_TYPE[name]] = torch.nan
        elif targets[index] == 1:
            types = (counts[:, codes].sum(0) @ CLASS_SHARES[codes])[1:]
            targets[MODIC_TYPE[name]] = types / types.sum()
    marrow = targets[MARROW_CHANGE]
    targets[MODIC_CHANGE] = 1.0 if (marrow == 1).any() else marrow.max()  # unknown if either is

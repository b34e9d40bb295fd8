"""What the disc reader is punished for: wrong answers for the disc, and wrong pixels."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..grading.network import Pixels
from ..grading.tasks import BINARY_TASKS, ENDPLATE_LESION, MODIC_TYPE, PFIRRMANN
from .disc_store import CLASS_SHARES
from .graded_discs import HIDDEN, OTHER_ENDPLATE, UNKNOWN

YES_NO = len(BINARY_TASKS) + PFIRRMANN.stop - PFIRRMANN.start
"""The first outputs are answered by yes or no; after them come groups of classes."""

SOFTENED = 0.04
"""Targets of real discs are 0.04 and 0.96: readers disagree. Those of simulated ones are not softened."""

CHANGES, ANATOMY, OWN, GROUPS = 1.0, 0.5, 0.2, 0.3
"""Weights of the changed pixels, of the anatomy, of whose the changes are, and of each group of classes, against the
answers for the disc."""

LESION_BALANCE = torch.tensor([0.6, 1.0, 1.4])
"""Weights of the classes of an endplate lesion: about the inverse root of how often each is met."""


def disc_loss(
    logits: torch.Tensor, targets: torch.Tensor, balance: torch.Tensor, softened: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of the answers `(B, outputs)`, over what is known.

    Parameters
    ----------
    balance:
        (YES_NO,) weight of a yes against a no.
    softened:
        (B,) by how much targets of yes and no are drawn to each other.
    """
    answers, known = targets[:, :YES_NO], ~targets[:, :YES_NO].isnan()
    soft = answers.nan_to_num(0.0) * (1 - 2 * softened[:, None]) + softened[:, None]
    loss = functional.binary_cross_entropy_with_logits(logits[:, :YES_NO], soft, pos_weight=balance, reduction="none")
    total = (loss * known).sum() / known.sum().clamp_min(1)
    for groups, weight in ((MODIC_TYPE, None), (ENDPLATE_LESION, LESION_BALANCE)):
        for group in groups.values():
            there = ~targets[:, group].isnan().any(1)
            if there.any():
                total = total + GROUPS * functional.cross_entropy(logits[there, group], targets[there, group], weight)
    return total


def pixel_loss(pixels: Pixels, changes: torch.Tensor, anatomy: torch.Tensor) -> torch.Tensor:
    """What is wrong about the pixels, against codes and anatomy (N, H, W); see `graded_discs`."""
    return (
        CHANGES * change_loss(pixels.classes, changes)
        + ANATOMY * anatomy_loss(pixels.anatomy, anatomy)
        + OWN * own_loss(pixels.own, changes)
    )


def own_loss(pixels: torch.Tensor, changes: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of pixel logits (N, 1, H, W) for a change being this disc's, where codes (N, H, W) say whose."""
    code = torch.where(changes < UNKNOWN, changes, 0) % HIDDEN
    known = code > 0
    if not known.any():
        return pixels.sum() * 0.0
    return functional.binary_cross_entropy_with_logits(pixels[:, 0][known], (code < OTHER_ENDPLATE)[known].float())


def anatomy_loss(pixels: torch.Tensor, anatomy: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of pixel logits (N, 4, H, W) against the anatomy (N, H, W), where known."""
    known = anatomy != UNKNOWN
    if not known.any():
        return pixels.sum() * 0.0
    truth = torch.where(known, anatomy, 0).long()
    return (functional.cross_entropy(pixels, truth, reduction="none") * known).sum() / known.sum()


def change_loss(pixels: torch.Tensor, changes: torch.Tensor) -> torch.Tensor:
    """Cross-entropy and soft Dice (Milletari 2016) of pixel logits (N, 4, H, W) against codes (N, H, W)."""
    shares = CLASS_SHARES[changes.long()].movedim(-1, 1)
    known = shares.sum(1)
    if not known.any():
        return pixels.sum() * 0.0
    log_chance = pixels.log_softmax(1)
    entropy = -(log_chance * shares).sum() / known.sum()
    chance = log_chance.exp()[:, 1:] * known[:, None]
    together, apart = (chance * shares[:, 1:]).sum((0, 2, 3)), (chance + shares[:, 1:]).sum((0, 2, 3))
    return entropy + (1 - (2 * together + 1) / (apart + 1)).mean()

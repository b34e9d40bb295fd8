"""Tests of the losses of the disc reader: what is unknown has no say, and being right costs least."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from ModicGraderLib.grading.network import Pixels
from ModicGraderLib.grading.tasks import ENDPLATE_LESION, MODIC_TYPE, OUTPUTS
from ModicGraderLib.training.disc_loss import (
    GROUPS,
    LESION_BALANCE,
    SOFTENED,
    YES_NO,
    anatomy_loss,
    change_loss,
    disc_loss,
    own_loss,
    pixel_loss,
)
from ModicGraderLib.training.graded_discs import HIDDEN, LOWER_ENDPLATE, OTHER_ENDPLATE, UNKNOWN

EVEN = torch.ones(YES_NO)
GROUP_SLICES = (*MODIC_TYPE.values(), *ENDPLATE_LESION.values())


def some_targets(seed: int, discs: int = 6) -> torch.Tensor:
    """Targets of which a third is unknown; those of a group are known together."""
    random = torch.Generator().manual_seed(seed)
    targets = (torch.rand(discs, OUTPUTS, generator=random) < 0.5).float()
    targets[torch.rand(discs, OUTPUTS, generator=random) < 0.3] = torch.nan
    for group in GROUP_SLICES:
        shares = torch.rand(discs, 3, generator=random).softmax(1)
        shares[torch.rand(discs, generator=random) < 0.3] = torch.nan
        targets[:, group] = shares
    return targets


@given(st.integers(0, 1000))
def test_what_is_unknown_of_a_disc_has_no_say(seed):
    targets = some_targets(seed)
    logits = torch.randn(targets.shape, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    loss = disc_loss(logits, targets, EVEN, torch.zeros(len(targets)))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert not gradient[targets.isnan()].any()
    assert gradient[~targets.isnan()].all()
    other = torch.where(targets.isnan(), logits + 5, logits)
    torch.testing.assert_close(disc_loss(other, targets, EVEN, torch.zeros(len(targets))), loss)


def test_the_loss_is_the_mean_of_yes_and_no_and_a_share_of_each_group():
    targets = some_targets(3)
    logits = torch.randn(targets.shape, generator=torch.Generator().manual_seed(3))
    chance = logits.sigmoid().double().numpy()
    yes = targets.double().numpy()
    each = -(yes * np.log(chance) + (1 - yes) * np.log(1 - chance))[:, :YES_NO]
    expected = np.nanmean(each)
    for group in GROUP_SLICES:
        weight = LESION_BALANCE if group in ENDPLATE_LESION.values() else torch.ones(3)
        of_group = -(weight * targets[:, group] * logits[:, group].log_softmax(1)).sum(1).numpy()
        expected += GROUPS * np.nanmean(of_group)
    assert disc_loss(logits, targets, EVEN, torch.zeros(6)).item() == pytest.approx(expected, rel=1e-5)


def test_nothing_known_costs_nothing():
    logits = torch.randn(2, OUTPUTS, requires_grad=True)
    loss = disc_loss(logits, torch.full((2, OUTPUTS), torch.nan), EVEN, torch.zeros(2))
    loss.backward()
    assert loss == 0
    assert not logits.grad.any()


@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_a_softened_target_is_best_met_short_of_certainty(answer):
    targets = torch.full((1, OUTPUTS), torch.nan)
    targets[0, 0] = answer
    tried = torch.linspace(-8, 8, 161)
    logits = tried[:, None].expand(-1, OUTPUTS)
    cost = {}
    for softened in (0.0, SOFTENED):
        losses = [disc_loss(one[None], targets, EVEN, torch.tensor([softened])) for one in logits]
        cost[softened] = tried[int(torch.stack(losses).argmin())].sigmoid().item()
    assert cost[0.0] == pytest.approx(answer, abs=1e-3)
    assert cost[SOFTENED] == pytest.approx(abs(answer - SOFTENED), abs=5e-3)


def test_a_rare_yes_weighs_more():
    targets = torch.full((1, OUTPUTS), torch.nan)
    targets[0, 2] = 1
    logits, balance = torch.zeros(1, OUTPUTS), EVEN.clone()
    balance[2] = 3
    plain, weighed = (disc_loss(logits, targets, one, torch.zeros(1)) for one in (EVEN, balance))
    assert weighed == pytest.approx(3 * plain.item())


def some_codes(seed: int) -> torch.Tensor:
    codes = torch.tensor([0, 0, 1, 2, 3, 4, LOWER_ENDPLATE + 5, OTHER_ENDPLATE + 1, HIDDEN + 2, UNKNOWN])
    random = torch.Generator().manual_seed(seed)
    return codes[torch.randint(len(codes), (2, 8, 8), generator=random)].to(torch.uint8)


@given(st.integers(0, 1000))
def test_unknown_pixels_have_no_say(seed):
    codes = some_codes(seed)
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randn(2, 4, 8, 8, generator=random, requires_grad=True)
    loss = change_loss(pixels, codes)
    (gradient,) = torch.autograd.grad(loss, pixels)
    unknown = codes >= HIDDEN
    assert not gradient.movedim(1, -1)[unknown].any()
    assert gradient.movedim(1, -1)[~unknown].any(-1).all()
    noise = torch.randn(2, 1, 8, 8, generator=random) * torch.tensor([1.0, -2, 3, 0])[:, None, None]
    other = torch.where(unknown[:, None], pixels + noise, pixels)
    torch.testing.assert_close(change_loss(other, codes), loss)


def test_pictures_of_which_nothing_is_known_cost_nothing():
    pixels = torch.randn(2, 4, 8, 8, requires_grad=True)
    loss = change_loss(pixels, torch.full((2, 8, 8), UNKNOWN, dtype=torch.uint8))
    loss.backward()
    assert loss == 0
    assert not pixels.grad.any()


def test_right_pixels_cost_nothing_and_every_wrong_one_something():
    codes = torch.randint(0, 4, (1, 8, 8), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    right = 20 * functional.one_hot(codes.long(), 4).movedim(-1, 1).float()
    assert change_loss(right, codes) < 0.01
    costs = []
    wrong = right.clone()
    for row in range(8):
        wrong[:, :, row] = right[:, :, row].roll(1, 1)
        costs.append(change_loss(wrong, codes).item())
    assert (np.diff(costs) > 0).all()


def test_of_a_mixed_type_half_and_half_is_right():
    mixed = torch.full((1, 4, 4), 4, dtype=torch.uint8)  # I/II
    pixels = torch.zeros(1, 4, 4, 4)
    pixels[:, 1:3] = 12
    even = change_loss(pixels, mixed)
    pixels[:, 1] = 14
    assert change_loss(pixels, mixed) > even


def test_anatomy_costs_what_is_wrong_where_it_is_known():
    logits = torch.zeros(1, 4, 2, 2)
    logits[0, 1] = 4.0
    anatomy = torch.tensor([[[1, UNKNOWN], [UNKNOWN, UNKNOWN]]], dtype=torch.uint8)
    assert anatomy_loss(logits, anatomy).item() == pytest.approx(-logits[0, :, 0, 0].log_softmax(0)[1].item(), rel=1e-5)
    anatomy[0, 1, 1] = 2
    assert anatomy_loss(logits, anatomy) > 1
    assert anatomy_loss(logits, torch.full_like(anatomy, UNKNOWN)) == 0


def test_whose_a_change_is_is_asked_where_there_is_one_seen_or_hidden():
    codes = torch.tensor([[[0, UNKNOWN], [3, LOWER_ENDPLATE + 3]], [[HIDDEN + 3, 0], [OTHER_ENDPLATE + 1, 0]]])
    codes = codes.to(torch.uint8)
    own = torch.tensor([[[False, False], [True, True]], [[True, False], [False, False]]])
    asked = (codes > 0) & (codes != UNKNOWN)
    right = torch.where(own, 9.0, -9.0)
    assert own_loss(right[:, None], codes) < 0.001
    assert own_loss(torch.where(asked, right, -right)[:, None], codes) < 0.001
    for place in asked.nonzero():
        wrong = right.clone()
        wrong[tuple(place)] *= -1
        assert own_loss(wrong[:, None], codes) > 1
    hidden_elsewhere = torch.full((1, 1, 1), HIDDEN + OTHER_ENDPLATE + LOWER_ENDPLATE + 1, dtype=torch.uint8)
    assert own_loss(torch.full((1, 1, 1, 1), -9.0), hidden_elsewhere) < 0.001
    assert own_loss(right[:, None], torch.full_like(codes, UNKNOWN)) == 0


def test_the_loss_of_the_pixels_hears_all_that_is_told_of_them():
    codes = some_codes(0)
    anatomy = torch.randint(0, 4, codes.shape, generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    pixels = Pixels(*(torch.zeros(2, count, 8, 8, requires_grad=True) for count in (4, 4, 1)))
    gradients = torch.autograd.grad(pixel_loss(pixels, codes, anatomy), pixels)
    assert all(gradient.any() for gradient in gradients)

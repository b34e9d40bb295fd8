"""Each method finds the pixels on which a network's answer is known to depend."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from evidence.spot_reader import BRIGHT, DARK, SLICES, SpotReader, ensemble_of, share_near, spotted_disc

from ModicGraderLib.evidence.answers import TASKS
from ModicGraderLib.evidence.integrated_gradients import attributions
from ModicGraderLib.evidence.methods import DEFAULT_METHOD, METHODS
from ModicGraderLib.evidence.plain import plain_region
from ModicGraderLib.grading.disc_input import BORDER, SHAPE
from ModicGraderLib.grading.network import DiscReader

every_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture(scope="module")
def readers():
    torch.manual_seed(0)
    return ensemble_of(DiscReader().eval(), DiscReader().eval())


@every_method
@pytest.mark.parametrize(("task", "spot"), [("modic_change", DARK), ("pfirrmann", BRIGHT)])
def test_the_heat_lies_on_the_pixels_that_the_answer_depends_on(method, task, spot):
    heat = METHODS[method](spotted_disc(), ensemble_of(SpotReader()), task)
    # Zoomed copies reach a pixel or two beyond the spot, the heat's smoothing another two.
    assert share_near(heat, spot, margin=6) > 0.95
    number, row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert number == spot[0]
    assert spot[1].start <= row < spot[1].stop and spot[2].start <= column < spot[2].stop


@every_method
def test_heat_has_the_form_that_is_promised(method, readers):
    one = spotted_disc()
    before = one.region.copy()
    for task in ("modic_change", "lower_endplate_change", "pfirrmann"):
        heat = METHODS[method](one, readers, task)
        assert heat.shape == (SLICES, *SHAPE)
        assert heat.dtype == np.float32
        assert heat.min() >= 0
        assert heat.max() == pytest.approx(1)
    np.testing.assert_array_equal(one.region, before)


@every_method
def test_the_same_disc_has_the_same_evidence_each_time(method, readers):
    first, second = (METHODS[method](spotted_disc(), readers, "modic_change") for _ in range(2))
    np.testing.assert_array_equal(first, second)


@every_method
def test_an_answer_that_depends_on_nothing_has_no_evidence(method):
    heat = METHODS[method](spotted_disc(), ensemble_of(SpotReader()), "disc_bulging")
    assert not heat.any()


@every_method
def test_a_missing_contrast_and_a_lone_slice_are_explained_too(method, readers):
    one = spotted_disc()
    region = one.region[:, 1:2].copy()
    region[0] = 0
    alone = replace(one, region=region, grid=replace(one.grid, shape=region.shape[1:]))
    heat = METHODS[method](alone, readers, "modic_change")
    assert heat.shape == (1, *SHAPE)
    assert np.isfinite(heat).all()


@every_method
def test_an_unknown_task_is_refused_with_the_known_ones(method, readers):
    with pytest.raises(ValueError, match=r"modic_type.*modic_change"):
        METHODS[method](spotted_disc(), readers, "modic_type")


@every_method
def test_evidence_is_found_where_gradients_are_off_and_leaves_no_hooks_or_gradients(method, readers):
    with torch.no_grad():
        assert METHODS[method](spotted_disc(), readers, "modic_change").any()
    for member in readers.members:
        assert all(parameter.grad is None for parameter in member.parameters())
        assert not any(module._forward_hooks for module in member.modules())


def test_what_integrated_gradients_contribute_adds_up_to_the_answer(readers):
    one, task = spotted_disc(), "lower_marrow_change"
    one.region[:2] = np.random.default_rng(0).uniform(0, 1.5, one.region[:2].shape)
    reader = deepcopy(readers.members[0])
    # An untrained reader's answers hardly differ: louder ones lie well above the noise of single precision.
    with torch.no_grad():
        reader.endplate_head[-1].weight *= 100
    member = ensemble_of(reader)
    plain = replace(one, region=plain_region(one.region))

    def answer(disc):
        inner = disc.region[..., BORDER:-BORDER, BORDER:-BORDER].swapaxes(0, 1)
        slices = torch.from_numpy(np.ascontiguousarray(inner))
        with torch.inference_mode():
            logits, _ = member.members[0](slices, torch.from_numpy(disc.scalars)[None], [SLICES])
        return float(logits[0, TASKS.index(task)])

    total = attributions(one, member, task, steps=64).sum()
    assert abs(answer(one) - answer(plain)) > 0.01
    assert total == pytest.approx(answer(one) - answer(plain), rel=0.03)


def test_a_plain_region_has_normal_marrow_and_keeps_masks_and_missing_contrasts():
    region = spotted_disc().region
    region[1] = 0
    plain = plain_region(region)
    assert (plain[0][region[3] > 0] == 0.5).all()
    np.testing.assert_array_equal(plain[1:], region[1:])
    outside = region[3] == 0
    assert np.ptp(plain[0][outside]) < 0.01  # everything outside the vertebrae is 0.5 already


def test_the_default_is_one_of_the_methods():
    assert DEFAULT_METHOD in METHODS

"""torchvision without its compiled operators: our two agree with its own definitions, and it loads beside MONAI."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.recipes.vision import nms, roi_align, torchvision

BOX = st.tuples(*(st.integers(0, 12) for _ in range(2)), *(st.integers(1, 8) for _ in range(2)))


def plain_nms(boxes: list[list[float]], scores: list[float], threshold: float) -> list[int]:
    kept: list[int] = []
    for one in sorted(range(len(boxes)), key=lambda number: -scores[number]):
        if all(plain_overlap(boxes[one], boxes[other]) <= threshold for other in kept):
            kept.append(one)
    return kept


def plain_overlap(first: list[float], second: list[float]) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0) * max(height, 0)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return shared / (area - shared)


@settings(max_examples=100, deadline=None)
@given(st.lists(BOX, max_size=12), st.sampled_from([0.1, 0.3, 0.55, 0.7]), st.randoms(use_true_random=False))
def test_suppression_keeps_what_a_plain_loop_keeps(places, threshold, random):
    boxes = [[float(x), float(y), float(x + width), float(y + height)] for x, y, width, height in places]
    scores = [float(number) for number in random.sample(range(100), len(boxes))]
    kept = nms(torch.tensor(boxes).reshape(-1, 4), torch.tensor(scores), threshold)
    assert kept.tolist() == plain_nms(boxes, scores, threshold)


def test_suppression_spares_an_overlap_of_just_the_threshold():
    boxes = torch.tensor([[0.0, 0, 2, 1], [1, 0, 3, 1]])  # a third in common
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.34).tolist() == [0, 1]
    assert nms(boxes, scores, 0.33).tolist() == [0]


def their_roi_align(features, boxes, size, scale, points, aligned):
    """torchvision's definition in Python, as it is before compilation."""
    definition = sys.modules["torchvision.ops.roi_align"]._roi_align
    definition = getattr(definition, "__wrapped__", definition)
    return definition(features, boxes, scale, *size, points, aligned)


@pytest.mark.parametrize("aligned", [True, False])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), scale=st.sampled_from([1.0, 0.5]), points=st.integers(1, 3))
def test_aligned_regions_are_those_of_torchvision(aligned, seed, scale, points):
    random = torch.Generator().manual_seed(seed)
    features = torch.rand(2, 3, 9, 12, generator=random)
    corner = torch.rand(4, 2, generator=random) * torch.tensor([6.0, 4.0]) + 0.5
    boxes = torch.cat([corner, corner + 0.2 + torch.rand(4, 2, generator=random) * 4], 1) / scale
    boxes = torch.cat([torch.tensor([[0.0], [1], [1], [0]]), boxes], 1)
    ours = roi_align(features, boxes, (3, 2), scale, points, aligned)
    theirs = their_roi_align(features, boxes, (3, 2), scale, points, aligned)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_aligned_regions_pass_the_gradient_of_torchvision():
    boxes = torch.tensor([[0.0, 1.2, 0.7, 6.1, 5.3]])
    gradients = []
    for align in (
        lambda features: roi_align(features, boxes, (2, 2)),
        lambda features: their_roi_align(features, boxes, (2, 2), 1.0, 2, False),
    ):
        features = torch.arange(56.0).reshape(1, 1, 7, 8).requires_grad_()
        (align(features) * torch.tensor([[1.0, 2], [3, 4]])).sum().backward()
        gradients.append(features.grad)
    torch.testing.assert_close(*gradients)


def test_boxes_may_be_listed_by_picture():
    features = torch.rand(2, 1, 6, 6)
    first, second = torch.tensor([[0.0, 0, 3, 3]]), torch.tensor([[1.0, 1, 4, 5], [0, 2, 2, 4]])
    together = torch.tensor([[0.0, 0, 0, 3, 3], [1, 1, 1, 4, 5], [1, 0, 2, 2, 4]])
    torch.testing.assert_close(roi_align(features, [first, second], (2, 2)), roi_align(features, together, (2, 2)))


def test_the_detector_uses_operators_that_run_here():
    boxes, scores = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 3]]), torch.tensor([0.9, 0.8])
    assert torchvision.ops.boxes.batched_nms(boxes, scores, torch.tensor([1, 1]), 0.5).tolist() == [0]
    pooled = torchvision.ops.MultiScaleRoIAlign(["0"], 2, 2)({"0": torch.ones(1, 3, 8, 8)}, [boxes], [(32, 32)])
    torch.testing.assert_close(pooled, torch.ones(2, 3, 2, 2))


def test_torchvision_loads_after_monai_in_a_fresh_program():
    program = (
        "import monai.networks.nets as nets; from ModicGraderLib.recipes.vision import torchvision;"
        " torchvision.models.resnet18(); nets.resnet18(n_input_channels=1)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_monai_loads_after_torchvision():
    import monai.networks.nets as nets

    network = nets.resnet18(n_input_channels=1, feed_forward=False, widen_factor=1 / 8).eval()
    assert network(torch.zeros(1, 1, 8, 16, 16)).shape == (1, 64)

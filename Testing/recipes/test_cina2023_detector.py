"""The detector of Cina 2023: its build and loss, the boxes, Table 1, and that it learns to find drawn discs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from painted_spine import painted_volume, sagittal_grid, spine_boxes, true_discs
from safetensors.torch import save_file
from torch import nn

from ModicGraderLib.anatomy import CORNERS, GRADED_DISCS
from ModicGraderLib.recipes import cina2023_detector as detector
from ModicGraderLib.recipes.cina2023_detector import (
    BOX_MARGIN,
    MidsagittalPictures,
    best_of_each_level,
    build_detector,
    detect,
    detector_loss,
    disc_boxes,
    drawn_move,
    overlap,
    pictures_and_targets,
    table_1,
    train_detector,
    validation_loss,
)
from ModicGraderLib.recipes.vision import torchvision
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.samples import Sample

SIDE = 128

FEW = {
    "rpn_pre_nms_top_n_train": 200,
    "rpn_post_nms_top_n_train": 60,
    "rpn_pre_nms_top_n_test": 200,
    "rpn_post_nms_top_n_test": 60,
    "rpn_batch_size_per_image": 64,
    "box_batch_size_per_image": 32,
}
"""Fewer proposals, for small pictures."""


def small_detector() -> nn.Module:
    """For drawn studies: boxes of 20 pixels have anchors every 8, as those of 50 have every 16 in the recipe's."""
    sides = ((10,), (20,), (40,), (80,), (160,))
    anchors = torchvision.models.detection.rpn.AnchorGenerator(sides, ((0.5, 1.0, 2.0),) * len(sides))
    return build_detector(SIDE, rpn_anchor_generator=anchors, **FEW)


def drawn_study(number: int) -> Sample:
    """A spine of boxes, 240 mm on 128 pixels, whose size and lordosis differ from study to study."""
    boxes = spine_boxes(width=36.0 + number, lordosis=0.6 + 0.2 * number)
    volume = painted_volume(boxes, sagittal_grid(1, (4.0, 240 / SIDE), (SIDE, SIDE)), "t2")
    discs = {disc.level: disc for disc in true_discs(boxes)}
    corners = np.array(
        [[volume.to_index(discs[level].corners[name])[1:] for name in CORNERS] for level in GRADED_DISCS], np.float32
    )
    noise = np.random.default_rng(number).normal(0, 5, (5, SIDE, SIDE)).astype(np.float32)
    arrays = {"t2": volume.array + noise, "corners": corners, "levels": np.arange(6)}
    return Sample(f"s{number}", f"p{number}", "", DiscLabels(), arrays)


# The network and its loss (2.2).


def test_it_is_torchvisions_faster_rcnn_with_seven_classes():
    network = build_detector()
    theirs = torchvision.models.detection.FasterRCNN_ResNet50_FPN_Weights.COCO_V1.meta["num_params"]
    normalization = sum(
        one.weight.numel() + one.bias.numel() for one in network.modules() if isinstance(one, nn.GroupNorm)
    )
    # Theirs tells 91 classes apart: a score and a box for each, from 1024 features and an offset.
    assert sum(one.numel() for one in network.parameters()) - normalization == theirs - (91 - 7) * 5 * 1025
    blocks = [len(getattr(network.backbone.body, f"layer{number}")) for number in (1, 2, 3, 4)]
    assert blocks == [3, 4, 6, 3] and all(one.requires_grad for one in network.parameters())
    assert network.rpn.anchor_generator.sizes == ((13,), (26,), (51,), (102,), (205,))
    assert network.transform.min_size == (320,)


def test_pretrained_weights_are_loaded_and_the_first_layers_and_all_normalization_frozen(tmp_path):
    given = torchvision.models.resnet50(weights=None).state_dict()
    torch.save(given, tmp_path / "resnet50.pth")
    network = build_detector(pretrained=tmp_path / "resnet50.pth")
    own = network.backbone.body.state_dict()
    assert all(torch.equal(tensor, given[name]) for name, tensor in own.items()) and len(own) > 200
    learns = {name.split(".")[0] for name, one in network.backbone.body.named_parameters() if one.requires_grad}
    assert learns == {"layer2", "layer3", "layer4"}
    assert not any(isinstance(one, nn.BatchNorm2d) for one in network.modules())


def test_a_published_detector_of_older_names_is_loaded_but_for_the_boxes_of_its_classes(tmp_path, caplog):
    theirs = torchvision.models.detection.fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    given = theirs.state_dict()
    # As in fasterrcnn_resnet50_fpn_coco-258fb6c6.pth, of before each convolution became a block.
    old = {
        name.replace(".0.weight", ".weight").replace(".0.bias", ".bias")
        if "_blocks." in name
        else name.replace("rpn.head.conv.0.0.", "rpn.head.conv."): tensor
        for name, tensor in given.items()
    }
    assert "backbone.fpn.inner_blocks.0.weight" in old and "rpn.head.conv.weight" in old
    torch.save(old, tmp_path / "coco.pth")
    own = build_detector(64, tmp_path / "coco.pth").state_dict()
    other = {name for name, tensor in own.items() if not torch.equal(tensor, given.get(name, torch.empty(0)))}
    assert other == {
        f"roi_heads.box_predictor.{part}.{kind}" for part in ("cls_score", "bbox_pred") for kind in ("weight", "bias")
    }


@pytest.mark.parametrize("transfers", [False, True])
def test_what_was_learned_is_loaded_whichever_way_it_started(tmp_path, transfers):
    save_file(torchvision.models.resnet50(weights=None).state_dict(), tmp_path / "resnet50.safetensors")
    learned = build_detector(64, tmp_path / "resnet50.safetensors" if transfers else None)
    save_file(learned.state_dict(), tmp_path / "detector.safetensors")
    answering = build_detector(64, weights=tmp_path / "detector.safetensors")
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(*(one.eval().backbone(picture)["1"] for one in (learned, answering)))


def test_the_loss_is_the_sum_of_all_four():
    parts = {"loss_classifier": 1.0, "loss_box_reg": 0.5, "loss_objectness": 0.25, "loss_rpn_box_reg": 2.0}
    value = detector_loss(lambda pictures, targets: {k: torch.tensor(v) for k, v in parts.items()}, ([], []))
    assert value.item() == 3.75


def test_the_network_tells_just_these_four_losses():
    torch.manual_seed(0)
    network = small_detector()
    batch = pictures_and_targets([MidsagittalPictures([drawn_study(0)], augmented=False)[0]])
    assert set(network(*batch)) == {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"}


def test_validation_leaves_the_network_and_the_lots_as_they_were():
    torch.manual_seed(0)
    network = small_detector().eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    lots = torch.random.get_rng_state()
    first, second = (validation_loss(network, [drawn_study(0)]) for _ in range(2))
    assert first == second and np.isfinite(first)
    assert torch.equal(lots, torch.random.get_rng_state()) and not network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


# Boxes (2.2, 2.3).


def test_a_box_holds_the_corners_and_a_margin_in_widths_of_the_disc():
    across, up = BOX_MARGIN
    corners = np.array([[[50, 20], [54, 60], [58, 18], [64, 58]]])  # (row, column), 40 wide
    width = (np.hypot(4, 40) + np.hypot(6, 40)) / 2
    expected = [18 - across * width, 50 - up * width, 60 + across * width, 64 + up * width]
    np.testing.assert_allclose(disc_boxes(corners, (200, 100))[0], expected, rtol=1e-6)
    np.testing.assert_allclose(disc_boxes(corners, (70, 62))[0, 2:], [62, 70])


def test_overlap_is_intersection_over_union():
    assert overlap(np.array([0, 0, 4, 2]), np.array([2, 1, 6, 3])) == pytest.approx(2 / 14)
    assert overlap(np.array([0, 0, 4, 2]), np.array([4, 0, 6, 3])) == 0


def test_of_several_boxes_of_a_level_the_surest_is_kept():
    boxes = np.arange(16.0).reshape(4, 4)
    found = best_of_each_level(boxes, np.array([6, 2, 6, 2]), np.array([0.3, 0.9, 0.8, 0.2]))
    assert {level: (one.box[0], one.confidence) for level, one in found.items()} == {
        "L5/S1": (8.0, 0.8),
        "L1/L2": (4.0, 0.9),
    }


def test_picture_and_boxes_are_turned_and_shifted_together():
    corners = np.array([[[30.0, 40], [33, 70], [42, 39], [45, 71]]], np.float32)
    pixels = np.zeros((100, 120), np.float32)
    for row, column in corners[0].astype(int):
        pixels[row - 1 : row + 2, column - 1 : column + 2] = 1
    arrays = {"t2": np.stack([pixels] * 5), "corners": corners, "levels": np.array([3])}
    data = MidsagittalPictures([Sample("s", "p", "", DiscLabels(), arrays)], augmented=True)
    for seed in range(5):
        torch.manual_seed(seed)
        picture, target = data[0]
        torch.manual_seed(seed)
        matrix, offset = drawn_move(pixels.shape)
        moved = (corners[0] - offset) @ matrix
        for row, column in moved.round().astype(int):
            assert picture[0, row, column] > 0.5
        np.testing.assert_allclose(target["boxes"], disc_boxes(moved[None], pixels.shape), rtol=1e-5)
        assert target["labels"].tolist() == [4]


def test_moves_stay_within_ten_degrees_and_ten_pixels():
    torch.manual_seed(0)
    moves = [drawn_move((100, 100)) for _ in range(200)]
    angles = np.degrees([np.arctan2(matrix[1, 0], matrix[0, 0]) for matrix, _ in moves])
    shifts = np.array([matrix.T @ (np.array([49.5, 49.5]) - offset) - 49.5 for matrix, offset in moves])
    assert 9 < abs(angles).max() <= 10 and 9 < abs(shifts).max() <= 10 and angles.min() < -9


def test_table_1_tells_overlap_confidence_and_how_many_were_found(monkeypatch):
    samples = [drawn_study(0), drawn_study(1)]
    boxes = disc_boxes(samples[0].arrays["corners"], (SIDE, SIDE))
    half = boxes[2].copy()
    half[2] = (half[0] + half[2]) / 2
    # The two lowest are named the wrong way round; of L1/L2 there is a second box, which fits and is less sure.
    seen = np.stack([boxes[0], boxes[0], half, boxes[3], boxes[5], boxes[4], boxes[1]])
    answers = [(seen, np.array([1, 2, 3, 4, 5, 6, 2]), np.array([0.8, 0.8, 0.6, 0.8, 0.8, 0.8, 0.3]))]
    nothing = [(np.zeros((0, 4)), np.zeros(0, int), np.zeros(0))]
    monkeypatch.setattr(detector, "all_boxes", lambda network, some: answers + nothing)
    table = table_1(None, samples, "2 drawn patients", "smoke")
    values = {name: [cell.ours.value for cell in row] for name, row in table.rows.items()}
    other, swapped = overlap(boxes[0], boxes[1]), overlap(boxes[4], boxes[5])
    np.testing.assert_allclose(values["IoU"], [1, other, 0.5, 1, swapped, swapped], rtol=1e-5)
    best = values["IoU of the box that fits best, whatever its level"]
    np.testing.assert_allclose(best, [1, 1, 0.5, 1, 1, 1], rtol=1e-5)
    np.testing.assert_allclose(values["Confidence score"], [0.8, 0.8, 0.6, 0.8, 0.8, 0.8])
    assert values["Found"] == [0.5] * 6 and tuple(table.columns) == GRADED_DISCS
    assert [cell.paper for cell in table.rows["IoU"]] == [0.7, 0.8, 0.78, 0.81, 0.82, 0.81]


# Learning.


@pytest.mark.parametrize("studies, settling", [(32, 10), (609, 1)])
def test_training_is_the_papers_but_for_epochs_in_which_proposals_settle(monkeypatch, tmp_path, studies, settling):
    asked = []
    monkeypatch.setattr(detector, "fit", lambda *_, **given: asked.append(given))
    train_detector(torch.nn.Linear(1, 1), [drawn_study(0)] * studies, [], tmp_path, epochs=30, seed=0)
    (given,) = asked
    assert isinstance(given["optimizer"], torch.optim.Adam)
    assert (given["patience"], given["settling"], given["epochs"]) == (5, settling, 30)


def test_trained_on_drawn_spines_it_finds_and_names_their_discs(tmp_path):
    torch.manual_seed(0)
    network = small_detector()
    samples = [drawn_study(0), drawn_study(1)]
    train_detector(network, samples * 10, samples, tmp_path, epochs=3, seed=0, augmented=False, batch_size=1)
    assert (tmp_path / "detector.safetensors").exists()
    for sample, found in zip(samples, detect(network, samples), strict=True):
        boxes = dict(zip(GRADED_DISCS, disc_boxes(sample.arrays["corners"], (SIDE, SIDE)), strict=True))
        overlaps = {level: overlap(found[level].box, box) for level, box in boxes.items() if level in found}
        assert len(overlaps) == 6 and min(overlaps.values()) > 0.5, overlaps

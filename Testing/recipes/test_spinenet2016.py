"""SpineNet as its paper describes it: layers, losses, views, hotspots, protocol."""

from __future__ import annotations

import functools
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from box_spine import Spine
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.recipes import spinenet2016
from ModicGraderLib.recipes.recipe import Run
from ModicGraderLib.recipes.spinenet2016 import (
    BRANCH_POINTS,
    LAYERS,
    RECIPE,
    SpineNet,
    class_weights,
    load_network,
    multi_task_loss,
)
from ModicGraderLib.recipes.spinenet2016_discs import TASKS, classes_of, cut, grade_of, normalized, target_of
from ModicGraderLib.recipes.spinenet2016_tables import (
    PAPER_BRANCHES,
    PAPER_LABELS,
    Measured,
    over_models,
    per_class_accuracy,
    point,
    tables,
)
from ModicGraderLib.recipes.spinenet2016_views import (
    MIDDLE,
    SHAPE,
    SOURCE_SHAPE,
    Views,
    draw_views,
    hotspots,
    plain_views,
)
from ModicGraderLib.recipes.spinenet2016_views import test_views as all_test_views
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.samples import Sample

WEIGHTS = {
    "conv1": 96 * 9 * 7 * 7 + 96,
    "conv2": 256 * 96 * 5 * 5 + 256,
    "conv3": 512 * 256 * 3 * 3 + 512,
    "conv4": 512 * 512 * 3 * 3 + 512,
    "conv5": 512 * 512 * 3 * 3 + 512,
    "fc6": 512 * 3 * 7 * 4096 + 4096,
    "fc7": 4096 * 1024 + 1024,
}
"""Of VGG-M-1024 on nine slices; FC8 has 1025 for each class."""

OUTPUTS = {
    "conv1": (96, 28, 56),
    "conv2": (256, 7, 14),
    "conv3": (512, 7, 14),
    "conv4": (512, 7, 14),
    "conv5": (512, 3, 7),
    "fc6": (4096,),
    "fc7": (1024,),
    "fc8": (5,),
}


def paper_network(branch: str = "conv5") -> SpineNet:
    """In the paper's size, without the memory."""
    with torch.device("meta"):
        return SpineNet(branch)


def count(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())


def layer_of(network: SpineNet, name: str, task: str = "pfirrmann") -> nn.Module:
    part = network.shared if name in dict(network.shared.named_children()) else network.heads[task]
    return dict(part.named_children())[name]


# The network


def test_every_layer_has_the_weights_of_vgg_m():
    network = paper_network()
    assert {name: count(layer_of(network, name)) for name in WEIGHTS} == WEIGHTS
    assert {task: count(layer_of(network, "fc8", task)) for task in TASKS} == {t: 1025 * n for t, n in TASKS.items()}


def test_every_layer_puts_out_what_vgg_m_makes_of_112_by_224_pixels():
    network, features, shapes = paper_network(), torch.empty(1, *SHAPE, device="meta"), {}
    for name in LAYERS:
        features = layer_of(network, name)(features)
        shapes[name] = tuple(features.shape[1:])
    assert shapes == OUTPUTS


@pytest.mark.parametrize("branch", BRANCH_POINTS)
def test_tasks_share_the_layers_up_to_the_branch_point_and_have_their_own_beyond(branch):
    network = paper_network(branch)
    shared = LAYERS[: 0 if branch == "none" else LAYERS.index(branch) + 1]
    assert tuple(name for name, _ in network.shared.named_children()) == shared
    for head in network.heads.values():
        assert tuple(name for name, _ in head.named_children()) == LAYERS[len(shared) :]
    own = sum(WEIGHTS[name] for name in LAYERS[len(shared) : -1])
    assert count(network) == sum(WEIGHTS[name] for name in shared) + 6 * own + 1025 * 17


def test_six_fc6_after_conv5_are_264_million_weights():
    network = paper_network()
    assert round(sum(count(layer_of(network, "fc6", task)) for task in TASKS), -6) == 264_000_000


def test_there_is_no_normalization_but_two_dropouts_of_a_half_a_task():
    kinds = [module for module in paper_network().modules() if not list(module.children())]
    assert {type(module) for module in kinds} == {
        nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Flatten, nn.Linear, nn.Dropout
    }  # fmt: skip
    assert [module.p for module in kinds if isinstance(module, nn.Dropout)] == [0.5] * 12


def test_weights_start_as_glorot_has_it():
    torch.manual_seed(0)
    weight = layer_of(SpineNet(fc6=2), "conv3")[0].weight
    bound = math.sqrt(6 / (9 * (256 + 512)))
    assert weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)


def test_the_mean_of_each_slice_is_taken_away():
    torch.manual_seed(0)
    network = SpineNet("fc7", fc6=4).eval()
    copies, mean = torch.rand(1, *SHAPE), torch.rand(9)
    plain = network(copies)["narrowing"]
    network.mean.copy_(mean)
    moved = network(copies + mean[:, None, None])["narrowing"]
    torch.testing.assert_close(moved, plain, rtol=1e-3, atol=1e-5)


# Losses


def test_classes_weigh_one_over_their_share_of_the_known_labels():
    torch.testing.assert_close(class_weights(torch.tensor([0, 0, 0, 2, -1]), 3), torch.tensor([4 / 3, 0, 4]))


def test_the_loss_is_the_one_computed_by_hand():
    logits = {"a": torch.tensor([[0.0, math.log(3)], [1.0, 1.0]]), "b": torch.tensor([[0.0, 0.0], [2.0, 2.0]])}
    weights = {"a": torch.tensor([4.0, 0.5]), "b": torch.tensor([3.0, 7.0])}
    # Task a: 4 log 4 and 0.5 log 2, over two discs; task b: 7 log 2 alone, its first label is unknown.
    targets = torch.tensor([[0, -1], [1, 1]])
    expected = (4 * math.log(4) + 0.5 * math.log(2)) / 2 + 7 * math.log(2)
    assert multi_task_loss(logits, targets, weights).item() == pytest.approx(expected)


def test_an_unknown_label_moves_nothing():
    scores = torch.zeros(2, 3, requires_grad=True)
    loss = multi_task_loss({"a": scores}, torch.tensor([[-1], [2]]), {"a": torch.ones(3)})
    loss.backward()
    assert not scores.grad[0].any()
    assert scores.grad[1].any()


def test_a_batch_without_any_label_of_a_task_has_no_loss():
    assert multi_task_loss({"a": torch.rand(2, 3)}, torch.full((2, 1), -1), {"a": torch.ones(3)}).item() == 0


# Views


def test_there_are_exactly_54_test_views():
    views = all_test_views()
    picks = {
        (*map(float, shift), int(first), bool(flipped))
        for shift, first, flipped in zip(views.shift, views.first, views.flipped, strict=True)
    }
    places = (-16.0, 0.0, 16.0)
    assert picks == {(y, x, z, f) for y in places for x in places for z in (1, 2, 3) for f in (False, True)}
    assert len(views) == len(picks) == 54
    assert not views.turn.any()
    assert (views.scale == 1).all()


def test_test_views_are_the_pixels_at_their_places():
    volume = torch.rand(1, *SOURCE_SHAPE)
    views = all_test_views()
    copies = views.of(volume.expand(54, *SOURCE_SHAPE))
    for number in (0, 7, 31, 53):
        first, (row, column) = int(views.first[number]), (int(one) for one in views.shift[number])
        expected = volume[0, first : first + 9, 40 + row : 152 + row, 48 + column : 272 + column]
        expected = expected.flip(0) if views.flipped[number] else expected
        torch.testing.assert_close(copies[number], expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(copies[0], plain_views(1).of(volume)[0])


def test_training_views_are_as_wide_as_the_papers():
    views = draw_views(20_000, torch.Generator().manual_seed(0))
    spans = {
        "turn": (views.turn.rad2deg(), -15, 15),
        "scale": (views.scale, 0.9, 1.1),
        "rows": (views.shift[:, 0], -24, 24),
        "columns": (views.shift[:, 1], -32, 32),
        "brightness": (views.brightness, -0.1, 0.1),
    }
    for name, (drawn, low, high) in spans.items():
        slack = 0.01 * (high - low)
        assert low <= drawn.min() < low + slack, name
        assert high - slack < drawn.max() <= high + 1e-4, name
    assert torch.bincount(views.first - MIDDLE + 2).tolist() == pytest.approx([4000] * 5, rel=0.1)
    assert views.flipped.float().mean().item() == pytest.approx(0.5, abs=0.02)


def test_a_larger_scale_shows_things_larger_and_a_turn_moves_the_front_down():
    volume = torch.zeros(1, *SOURCE_SHAPE)
    volume[:, :, 94:98, 99:102] = 1  # Beside the middle row, 60 pixels to the front.
    one = plain_views(1)
    row, column = center(replace(one, scale=torch.tensor([1.1])).of(volume)[0, 4])
    assert (row, column) == pytest.approx((55.5, 111.5 - 1.1 * 59.5), abs=0.2)
    row, column = center(replace(one, turn=torch.tensor([math.radians(15)])).of(volume)[0, 4])
    assert (abs(row - 55.5), column) == pytest.approx((59.5 * math.sin(math.radians(15)), 54.0), abs=0.3)


def center(image: torch.Tensor) -> tuple[float, float]:
    rows, columns = (torch.arange(side) for side in image.shape)
    return float((image.sum(1) * rows).sum() / image.sum()), float((image.sum(0) * columns).sum() / image.sum())


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_what_a_view_shows_comes_back_to_where_it_was(seed):
    # Linear interpolation keeps a ramp as it is, but for where a view looks beyond the volume.
    axes = torch.meshgrid(*(torch.linspace(0.2, 0.8, size) for size in SOURCE_SHAPE), indexing="ij")
    ramp = (0.5 * axes[0] + 0.2 * axes[1] + 0.3 * axes[2])[None]
    views = draw_views(1, torch.Generator().manual_seed(seed))
    views = replace(views, brightness=torch.zeros(1))
    whole = views.of(torch.ones_like(ramp)) > 0.999
    found, seen = views.back(torch.where(whole, views.of(ramp), torch.nan))
    clear = (seen > 0.999) & ~found.isnan()
    assert clear.float().mean() > 0.2
    torch.testing.assert_close(found[clear], plain_views(1).of(ramp)[clear], atol=1e-3, rtol=0)


def test_what_a_view_did_not_see_is_marked():
    views = plain_views(1)
    moved = Views(
        views.turn, views.scale, torch.tensor([[16.0, 0.0]]), views.first + 1, views.flipped, views.brightness
    )
    found, seen = moved.back(torch.ones(1, *SHAPE))
    expected = torch.ones(SHAPE)
    expected[0], expected[:, :16] = 0, 0
    torch.testing.assert_close(seen[0], expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(found, seen)


# Hotspots


class Squares(nn.Module):
    """A network whose gradient is twice the picture; class 1 is told by it, class 0 by nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(9))

    def forward(self, copies: torch.Tensor) -> dict[str, torch.Tensor]:
        score = (copies**2).sum((1, 2, 3))
        return {task: torch.stack([0 * score] * (n - 1) + [score], 1) for task, n in TASKS.items()}


def spot(number: int, row: int, column: int) -> torch.Tensor:
    """A volume that is bright at a place of its middle alone."""
    volume = torch.zeros(SOURCE_SHAPE)
    volume[MIDDLE + number, 38 + row : 43 + row, 46 + column : 51 + column] = 1
    return volume


def test_hotspots_lie_where_the_pixels_that_move_the_answer_are():
    heat = hotspots(Squares(), spot(2, 30, 80), "upper_marrow_change", 1, copies=24)
    assert heat.shape == SHAPE
    assert heat.min() >= 0
    number, row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert number == 2
    assert (row, column) == pytest.approx((30, 80), abs=3)
    # Slices are kept apart: the same place in other slices stays cold.
    assert heat[4, row, column] < 0.2 * heat[2, row, column]


def test_hotspots_explain_the_class_that_is_asked_for():
    assert not hotspots(Squares(), spot(4, 50, 100), "upper_marrow_change", 0, copies=2).any()


def test_the_same_seed_gives_the_same_hotspots():
    heats = [hotspots(Squares(), spot(4, 50, 100), "lower_marrow_change", 1, copies=2, seed=s) for s in (1, 1, 2)]
    assert (heats[0] == heats[1]).all()
    assert (heats[0] != heats[2]).any()


def test_the_pointing_game_knows_the_change_and_the_endplate():
    changes = np.zeros(SHAPE, np.uint8)
    changes[4, 25:36, 75:86], changes[4, 90:95, 75:86] = 1, 2
    labels = DiscLabels(upper_marrow_change=True, lower_marrow_change=True, lower_endplate_change=True, pfirrmann=1)
    sample = replace(noise_sample("a", labels), arrays={"volume": as_bytes(spot(4, 30, 80)), "changes": changes})
    upper, lower, defect = sorted(point(Squares(), [sample], copies=8), key=lambda one: one.task, reverse=True)
    assert (upper.task, upper.own_half, upper.hit) == ("upper_marrow_change", 1, 1)
    assert (lower.task, lower.own_half, lower.hit) == ("lower_marrow_change", 0, 0)
    assert upper.inside > lower.inside
    assert lower.area == pytest.approx(55 / math.prod(SHAPE))
    assert defect.task == "lower_endplate_change"
    assert math.isnan(defect.hit)


def as_bytes(volume: torch.Tensor) -> np.ndarray:
    return (255 * volume).round().to(torch.uint8).numpy()


# What is cut out of a study


@functools.cache
def straight_spine() -> Spine:
    return Spine(0)


def box_study(slices: slice = slice(None), slice_mm: float = 4.0, **kept) -> LabelledStudy:
    """Bodies of signal 100 that grow dimmer from slice to slice, discs of 40, anything else 10."""
    spine = straight_spine()
    signal = np.select([spine.labels == 0, spine.labels < 100, spine.labels > 200], [10.0, 100.0, 40.0], 10.0)
    signal = (signal * np.linspace(1, 3, len(signal))[:, None, None]).astype(np.float32)[slices]
    affine = spine.reference.affine.copy()
    affine[:3, 3] = spine.reference.to_patient([slices.start or 0, 0, 0])
    affine[0, 0] *= slice_mm / 4.0
    affine[0, 3] *= slice_mm / 4.0
    change = spine.cuboid("L4/L5", "upper", 8, (-5, 5), (-5, 5))[slices]
    study = SpineStudy(None, Volume(signal, affine, "t2"))
    labels = {"L4/L5": DiscLabels(pfirrmann=3, upper_marrow_change=True)}
    built = LabelledStudy(
        "s", "p", study, tuple(reversed(spine.discs.values())), spine.labels[slices], change.astype(np.uint8), labels
    )
    return replace(built, **kept)


def test_the_six_discs_are_cut_with_their_labels():
    samples = cut(box_study())
    assert [one.level for one in samples] == ["T12/L1", "L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1"]
    assert {one.arrays["volume"].shape for one in samples} == {SOURCE_SHAPE}
    assert {one.arrays["volume"].dtype for one in samples} == {np.dtype(np.uint8)}
    assert samples[4].labels.pfirrmann == 3
    assert samples[0].labels == DiscLabels()


def test_bodies_are_half_as_bright_as_can_be_on_every_slice():
    volume = cut(box_study())[2].arrays["volume"]
    # Above the disc, which is in the middle; the outermost slices lie beside the bodies.
    assert abs(volume[1:12, 55, 160].astype(int) - 128).max() <= 1
    assert abs(volume[6, 96, 160].astype(int) - 51) <= 1


def test_a_region_is_centered_on_its_disc_and_shows_some_two_fifths_of_each_vertebra():
    volume = cut(box_study())[2].arrays["volume"][6, 40:152, 48:272]
    disc = np.flatnonzero(abs(volume[:, 112].astype(int) - 51) < 20)
    assert disc.mean() == pytest.approx(55.5, abs=1)
    pixel_mm = 1.85 * 36 / 224
    assert len(disc) * pixel_mm == pytest.approx(9, abs=0.7)
    assert 0.35 < (112 - len(disc)) / 2 * pixel_mm / 26 < 0.5
    bright = np.flatnonzero(volume[20] > 100)
    assert (bright.mean(), len(bright) * pixel_mm) == (pytest.approx(111.5, abs=1.5), pytest.approx(36, abs=1.5))


def test_slices_that_a_narrow_series_does_not_have_are_zero():
    volume = cut(box_study(slice(4, 11)))[2].arrays["volume"]
    assert [bool(one.any()) for one in volume] == [False] * 3 + [True] * 7 + [False] * 3


def test_a_single_slice_is_cut_as_well():
    volume = cut(box_study(slice(7, 8)))[2].arrays["volume"]
    assert np.flatnonzero(volume.any((1, 2))).tolist() == [6]
    assert abs(int(volume[6, 55, 160]) - 128) <= 1


def test_thin_slices_are_skipped_so_that_nine_span_the_disc():
    changed = np.zeros(straight_spine().labels.shape, np.uint8)
    changed[11] = 1
    [*_, sample, _] = cut(box_study(slice_mm=1.0, changes=changed))
    # The eleventh slice lies four after the middle one: that is the next that is taken.
    assert np.flatnonzero(sample.arrays["changes"].any((1, 2))).tolist() == [5]


def test_true_changes_are_told_by_the_body_that_bears_them():
    samples = {one.level: one for one in cut(box_study())}
    changes = samples["L4/L5"].arrays["changes"]
    assert changes.shape == SHAPE
    assert set(np.unique(changes)) == {0, 1}
    assert np.flatnonzero(changes.any((0, 2))).max() < 56
    assert "changes" not in samples["L1/L2"].arrays


def test_a_study_without_t2_has_nothing_for_spinenet():
    study = box_study()
    assert cut(replace(study, study=SpineStudy(replace(study.study.t2, contrast="t1"), None))) == []


def test_a_disc_without_signal_about_it_is_left_out():
    study = box_study()
    dark = replace(study.study.t2, array=np.zeros_like(study.study.t2.array))
    assert cut(replace(study, study=SpineStudy(None, dark))) == []


def test_a_slice_without_bodies_is_scaled_as_its_neighbor_and_bright_pixels_are_clipped():
    volume, bodies = np.full((3, 20, 20), 4.0), np.ones((3, 20, 20), bool)
    volume[2, 0, 0], volume[1], bodies[1] = 100, 8, False
    volume[2] *= 2
    scaled = normalized(volume, bodies)
    assert (scaled[0] == 0.5).all()
    assert (scaled[1] == 1.0).all()
    assert (scaled[2, 0, 0], scaled[2, 1, 1]) == (1.0, 0.5)


def test_labels_become_class_numbers_and_these_grades():
    labels = DiscLabels(pfirrmann=5, narrowing=2, upper_marrow_change=True, lower_endplate_change=False)
    assert [target_of(labels, task) for task in TASKS] == [4, 2, -1, 0, 1, -1]
    for task, classes in TASKS.items():
        for number in range(classes):
            value = grade_of(task, number)
            known = DiscLabels(**{task: value == "True" if task.endswith("change") else int(value)})
            assert target_of(known, task) == number
            assert str(getattr(known, task)) == value


def test_narrowing_has_two_classes_where_the_source_says_yes_or_no():
    yes, graded = (noise_sample("a", DiscLabels(narrowing=grade)) for grade in (1, 3))
    assert classes_of([yes]) == TASKS | {"narrowing": 2}
    assert classes_of([yes, graded]) == TASKS


# The protocol


def noise_sample(patient: str, labels: DiscLabels, level: str = "L4/L5") -> Sample:
    volume = np.random.default_rng(len(patient)).integers(0, 256, SOURCE_SHAPE, dtype=np.uint8)
    return Sample(f"study of {patient}", patient, level, labels, {"volume": volume})


def cohort(patients: int, discs: int = 1) -> list[Sample]:
    return [
        noise_sample(
            f"patient {number}", DiscLabels(pfirrmann=1 + number % 5, upper_marrow_change=number % 3 == 0), name
        )
        for number in range(patients)
        for name in ("T12/L1", "L1/L2")[:discs]
    ]


def test_two_models_swap_validation_and_test_at_every_branch_point_and_no_patient_is_in_two_parts(
    monkeypatch, tmp_path
):
    trained = []

    def recorded(samples, validation, branch, folder, run):
        trained.append((branch, folder.name, {s.patient for s in samples}, {s.patient for s in validation}))
        return Squares()

    tested = []
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 5)
    monkeypatch.setattr(spinenet2016, "train", recorded)
    monkeypatch.setattr(spinenet2016, "read_views", lambda *_: {task: np.eye(n)[[0] * 54] for task, n in TASKS.items()})
    monkeypatch.setattr(spinenet2016, "point", lambda network, samples, copies: [])
    monkeypatch.setattr(
        spinenet2016, "Measured", lambda branch, test, views: tested.append(test) or Measured(branch, test, views)
    )
    made = RECIPE.reproduce(cohort(20), Run(tmp_path, RECIPE.plans["full"], "full"), "noise")
    assert [branch for branch, *_ in trained[::2]] == list(BRANCH_POINTS)
    tests = [{sample.patient for sample in some} for some in tested]
    (_, first, learned, validation), (_, second, again, swapped) = trained[:2]
    assert first != second
    assert learned == again
    assert (len(learned), len(validation), len(tests[0])) == (16, 2, 2)
    assert (validation, tests[0]) == (tests[1], swapped)
    assert not learned & validation and not learned & tests[0] and not validation & tests[0]
    by_title = {table.title: table for table in made}
    assert {table.budget for table in made} == {"full"}
    accuracy = by_title["Table 2: branch points"].rows["Upper marrow changes"]
    assert [cell.paper for cell in accuracy] == [92.5, 88.1, 89.1, 89.2, 90.1, 89.2, 89.2]
    assert all(cell.ours is not None for cell in accuracy[1:])
    spread = by_title["Table 2: standard deviation over models"].rows["Pfirrmann"]
    assert [cell.paper for cell in spread] == [0.4, 1.0, 0.1, 0.4, 0.4, 0.6]
    assert all(cell.ours is not None for cell in spread)


def test_training_is_the_papers(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(spinenet2016, "fit", lambda network, loss, data, folder, **options: asked.update(options))
    run = Run(tmp_path, RECIPE.plans["full"], "smoke")  # The full plan, but for the size of FC6.
    spinenet2016.train(cohort(1), cohort(1), "fc7", tmp_path, run)
    [group] = asked["optimizer"].param_groups
    assert isinstance(asked["optimizer"], torch.optim.SGD)
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.001, 0.9, 0.0005)
    assert isinstance(asked["schedule"], torch.optim.lr_scheduler.ReduceLROnPlateau)
    assert asked["schedule"].factor == 0.1
    assert asked["epochs"] == 1000
    assert [spinenet2016.batch_size(discs) for discs in (9612, 288, 3)] == [256, 18, 1]
    assert spinenet2016.SCALES["full"].fc6 == 4096


def test_the_loss_in_training_is_that_of_random_views(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(spinenet2016, "fit", lambda network, loss, *_, **__: asked.append(loss))
    spinenet2016.train(cohort(1), cohort(1), "fc7", tmp_path, Run(tmp_path, RECIPE.plans["smoke"], "smoke"))
    shown = []

    def network(copies):
        shown.append(copies)
        return {task: torch.zeros(len(copies), classes) for task, classes in classes_of(cohort(1)).items()}

    batch = {"volume": torch.full((4, *SOURCE_SHAPE), 128, dtype=torch.uint8), "targets": torch.zeros(4, 6).long()}
    asked[0](network, batch)
    asked[0](network, batch)
    assert shown[0].shape == (4, *SHAPE)
    middles = torch.cat(shown)[:, 4, 55, 111]  # Nothing but the brightness differs in the middle.
    assert len(set(middles.tolist())) == 8
    assert (middles - 128 / 255).abs().max() <= 0.1 + 1e-4


def test_a_network_is_trained_kept_and_asked_54_times(tmp_path):
    run = Run(tmp_path, RECIPE.plans["smoke"], "smoke", variant="fc7")
    samples = cohort(3)
    RECIPE.fit(samples, run)
    file = tmp_path / "fc7" / "spinenet2016.safetensors"
    written = file.stat().st_mtime_ns
    RECIPE.fit(samples, run)
    assert file.stat().st_mtime_ns == written
    answers = RECIPE.answer([replace(samples[0], labels=DiscLabels())], run)
    assert [one.task for one in answers] == list(TASKS)
    assert list(answers[0].probabilities) == ["1", "2", "3", "4", "5"]
    assert list(answers[1].probabilities) == ["0", "1"]  # No sample is graded in four steps.
    assert list(answers[5].probabilities) == ["False", "True"]
    for one in answers:
        assert sum(one.probabilities.values()) == pytest.approx(1)
        assert one.answer == max(one.probabilities, key=one.probabilities.get)
    network = load_network(file)
    assert [name for name, _ in network.shared.named_children()] == list(LAYERS[:-1])
    learned = np.mean([sample.arrays["volume"][2:11] for sample in samples], (0, 2, 3)) / 255
    assert network.mean.numpy() == pytest.approx(learned, abs=2e-3)


def test_weights_of_another_network_are_refused_in_one_sentence(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"layer.weight": torch.zeros(3)}, path)
    assert load_file(path)
    with pytest.raises(InputError, match=r"other\.safetensors holds no weights of spinenet2016"):
        load_network(path)


def test_other_processes_can_cut_for_the_recipe():
    assert pickle.loads(pickle.dumps(RECIPE.cut)).__self__ == RECIPE


def test_samples_without_a_label_of_a_task_are_refused_in_one_sentence(tmp_path):
    with pytest.raises(InputError, match="No disc has a label"):
        RECIPE.fit([noise_sample("a", DiscLabels(modic="I"))], Run(tmp_path, RECIPE.plans["smoke"], "smoke"))


# The tables


def test_the_papers_label_counts_add_up_as_printed():
    assert [sum(counts) for counts in PAPER_LABELS.values()] == [11994, 11989, 11986, 11983, 11893, 11892]
    assert list(PAPER_LABELS) == list(TASKS)
    assert {task: len(counts) for task, counts in PAPER_LABELS.items()} == TASKS
    assert sum(RECIPE.cohort.mix.values()) == pytest.approx(1)


def test_conv5_is_best_for_three_tasks_as_the_paper_says():
    best = [max(PAPER_BRANCHES, key=lambda branch: PAPER_BRANCHES[branch][task][0]) for task in range(6)]
    assert best.count("conv5") == 3
    # Pfirrmann is a tie of conv3 and conv5.
    assert PAPER_BRANCHES["conv3"][0][0] == PAPER_BRANCHES["conv5"][0][0] == 71.2


def test_per_class_accuracy_weighs_classes_alike_and_leaves_out_absent_ones():
    truth, called = np.array([0, 0, 0, 0, 2]), np.array([0, 0, 0, 1, 2])
    assert per_class_accuracy(truth, called, 4) == pytest.approx((75 + 100) / 2)
    assert math.isnan(per_class_accuracy(truth[:4], called[:4], 4))


def measured(grades: list[int], called: list[int]) -> Measured:
    """A model that says in all views what it calls, but the opposite of nothing in the plain one."""
    samples = [noise_sample(f"p{n}", DiscLabels(pfirrmann=grade)) for n, grade in enumerate(grades)]
    views = {task: np.zeros((len(grades), 54, classes)) for task, classes in TASKS.items()}
    views["pfirrmann"][:, 1:] = np.eye(5)[np.array(called) - 1][:, None]
    views["pfirrmann"][:, 0, 0] = 1
    return Measured("conv5", samples, views)


def test_the_accuracy_is_the_mean_over_models_and_all_views_decide():
    models = [measured([1, 2], [1, 2]), measured([1, 2], [1, 1])]

    def score(truth, called):
        return per_class_accuracy(truth, called, 5)

    assert over_models(models, "pfirrmann", score).value == pytest.approx(75)
    assert over_models(models, "pfirrmann", score, slice(1)).value == pytest.approx(50)
    assert over_models(models, "narrowing", score) is None


def test_tables_show_the_spread_of_two_models_and_pfirrmann_to_within_one(monkeypatch):
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 5)
    models = [measured([1, 2], [1, 2]), measured([1, 4], [2, 1])]
    made = {table.title: table for table in tables(models[0].samples, models, [], "noise", "small")}
    spread = made["Table 2: standard deviation over models"].rows["Pfirrmann"][3].ours
    assert spread == pytest.approx(np.std([100, 0], ddof=1))
    near = made["Section 5: protocol of Lootus 2015"].rows["Pfirrmann to within one grade"][0]
    assert (near.paper, near.ours.value) == (96.1, pytest.approx(75))
    change = made["Section 5: test-time averaging"].rows["Pfirrmann"][2]
    assert (change.paper, change.ours) == (-0.5, pytest.approx(0))

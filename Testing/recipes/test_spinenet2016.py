"""SpineNet 2016: training, answering, and the paper's protocol."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from spinenet_samples import Squares, noise_sample

from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.recipes import spinenet2016
from ModicGraderLib.recipes.recipe import Run
from ModicGraderLib.recipes.spinenet2016 import (
    BRANCH_POINTS,
    LAYERS,
    RECIPE,
    load_network,
)
from ModicGraderLib.recipes.spinenet2016_discs import TASKS, classes_of
from ModicGraderLib.recipes.spinenet2016_tables import (
    Measured,
)
from ModicGraderLib.recipes.spinenet2016_views import (
    SHAPE,
    SOURCE_SHAPE,
)
from ModicGraderLib.training.labelled_study import DiscLabels
from ModicGraderLib.training.samples import Sample


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
    trained, seeds = [], []

    def recorded(samples, validation, branch, folder, run):
        trained.append((branch, folder.name, {s.patient for s in samples}, {s.patient for s in validation}))
        seeds.append(run.seed)
        return Squares()

    tested = []
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 5)
    monkeypatch.setattr(spinenet2016, "train", recorded)
    monkeypatch.setattr(spinenet2016, "read_views", lambda *_: {task: np.eye(n)[[0] * 54] for task, n in TASKS.items()})
    monkeypatch.setattr(spinenet2016, "point", lambda network, samples, copies: [])
    monkeypatch.setattr(
        spinenet2016, "Measured", lambda branch, test, views: tested.append(test) or Measured(branch, test, views)
    )
    made = RECIPE.reproduce(cohort(20), Run(tmp_path, RECIPE.plans["full"], "full", seed=5), "noise")
    assert [branch for branch, *_ in trained[::2]] == list(BRANCH_POINTS)
    assert seeds == [5, 6] * len(BRANCH_POINTS)
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
    assert (asked["schedule"].factor, asked["schedule"].patience) == (0.1, 20)
    assert asked["epochs"] == 1000
    assert [spinenet2016.batch_size(discs) for discs in (9612, 288, 3)] == [256, 18, 1]
    assert spinenet2016.SCALES["full"].fc6 == 4096


def test_the_mean_is_that_of_the_pixels_that_the_network_sees_of_training_discs(monkeypatch, tmp_path):
    monkeypatch.setattr(spinenet2016, "fit", lambda *_, **__: None)
    learned, other = (np.full(SOURCE_SHAPE, 255, np.uint8) for _ in range(2))
    learned[2:11, 40:152, 48:272] = np.arange(20, 110, 10)[:, None, None]
    samples, validation = ([replace(cohort(1)[0], arrays={"volume": volume})] for volume in (learned, other))
    run = Run(tmp_path, RECIPE.plans["smoke"], "smoke")
    network = spinenet2016.train(samples, validation, "fc7", tmp_path, run)
    assert (255 * network.mean).tolist() == pytest.approx(list(range(20, 110, 10)), rel=1e-5)


def test_the_loss_in_training_is_that_of_random_views(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(spinenet2016, "fit", lambda network, loss, *_, **__: asked.append(loss))
    spinenet2016.train(cohort(6), cohort(1), "fc7", tmp_path, Run(tmp_path, RECIPE.plans["smoke"], "smoke"))
    shown = []

    def network(copies):
        shown.append(copies)
        return {task: torch.zeros(len(copies), classes) for task, classes in classes_of(cohort(1)).items()}

    # Two of six training discs have Pfirrmann 1, four no change of the marrow above.
    targets = torch.tensor([[0, -1, -1, -1, 0, -1]] * 4)
    batch = {"volume": torch.full((4, *SOURCE_SHAPE), 128, dtype=torch.uint8), "targets": targets}
    expected = 6 / 2 * math.log(5) + 6 / 4 * math.log(2)
    assert [asked[0](network, batch).item() for _ in range(2)] == pytest.approx([expected] * 2)
    assert shown[0].shape == (4, *SHAPE)
    middles = torch.cat(shown)[:, 4, 55, 111]  # Nothing but the brightness differs in the middle.
    assert len(set(middles.tolist())) == 8
    assert (middles - 128 / 255).abs().max() <= 0.1 + 1e-4


def test_validation_is_the_loss_of_plain_views_of_the_validation_discs(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(spinenet2016, "fit", lambda *_, **options: asked.update(options))
    samples = [noise_sample(f"learned {grade}", DiscLabels(pfirrmann=grade, narrowing=3)) for grade in (1, 1, 1, 2)]
    validation = [noise_sample(f"kept {grade}", DiscLabels(pfirrmann=grade)) for grade in (1, 2)]
    run = Run(tmp_path, RECIPE.plans["smoke"], "smoke")
    spinenet2016.train(samples, validation, "fc7", tmp_path, run)
    network, shown = Squares(), []
    network.register_forward_hook(lambda module, given, out: shown.append(given[0]))
    value = asked["validate"](network)
    plain = np.stack([one.arrays["volume"][2:11, 40:152, 48:272] for one in validation]) / 255
    np.testing.assert_allclose(shown[0], plain, atol=1e-4)
    # The fifth class alone has a score; Pfirrmann 1 is three of four training discs, 2 one.
    scores = (plain**2).sum((1, 2, 3))
    assert value == pytest.approx((4 / 3 * scores[0] + 4 * scores[1]) / 2, rel=1e-3)


def test_training_starts_from_the_given_weights(monkeypatch, tmp_path):
    monkeypatch.setattr(spinenet2016, "fit", lambda *_, **__: None)
    given = torch.arange(96.0)
    save_file({"shared.conv1.0.bias": given}, tmp_path / "given.safetensors")
    run = Run(tmp_path, RECIPE.plans["smoke"], "smoke", pretrained=tmp_path / "given.safetensors")
    network = spinenet2016.train(cohort(1), cohort(1), "fc7", tmp_path, run)
    assert torch.equal(network.shared.conv1[0].bias, given)


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
    assert not network.training  # With dropout, no two answers would be the same.
    assert [name for name, _ in network.shared.named_children()] == list(LAYERS[:-1])


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

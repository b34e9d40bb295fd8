"""Tests of the grader: the average of the ensemble, and its weights as they are stored."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from graded_example import example_graded_study

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, ENDPLATES
from ModicGraderLib.errors import Cancelled, ModelError
from ModicGraderLib.grading import grader
from ModicGraderLib.grading.abstention import GRADES
from ModicGraderLib.grading.disc_grades import DiscGrades
from ModicGraderLib.grading.disc_input import BORDER, SCALARS, SHAPE, DiscInput, disc_inputs
from ModicGraderLib.grading.grader import Ensemble, grade_discs
from ModicGraderLib.grading.network import CLASSES, DiscReader
from ModicGraderLib.grading.tasks import BINARY_TASKS, MARROW_CHANGE, MODIC_CHANGE, OUTPUTS, either
from ModicGraderLib.mapping.marrow import fit_marrow
from ModicGraderLib.progress import Progress


@pytest.fixture(scope="module")
def inputs() -> list[DiscInput]:
    graded = example_graded_study()
    labels, grid = graded.location.labels, graded.study.reference.grid
    marrow = {
        name: fit_marrow(volume, labels, grid) for name, volume in (("t1", graded.study.t1), ("t2", graded.study.t2))
    }
    return disc_inputs(graded.study, graded.location, marrow)[-2:]


def ensemble(members: int = 2, seed: int = 0) -> Ensemble:
    torch.manual_seed(seed)
    return Ensemble(tuple(DiscReader().eval() for _ in range(members)), np.ones(OUTPUTS), np.zeros(OUTPUTS))


def test_grades_are_probabilities_and_do_not_depend_on_the_company(inputs):
    models = ensemble()
    grades = grade_discs(inputs, models)
    assert len(grades) == len(inputs)
    for one, grade in zip(inputs, grades, strict=True):
        assert set(grade.findings) == set(BINARY_TASKS)
        assert all(0 <= chance <= 1 for chance in grade.findings.values())
        for chances in (grade.pfirrmann, grade.endplate_lesion, *grade.modic_types.values()):
            assert chances.sum() == pytest.approx(1)
            assert (chances >= 0).all()
        assert (len(grade.pfirrmann), len(grade.endplate_lesion)) == (5, len(ENDPLATE_LESIONS))
        assert {name: len(chances) for name, chances in grade.modic_types.items()} == dict.fromkeys(ENDPLATES, 3)
        alone = grade_discs([one], models)[0]
        assert alone.findings == pytest.approx(grade.findings, abs=1e-5)
    assert grade_discs([], models) == []


def test_the_map_of_a_disc_lies_on_its_region_without_the_border(inputs):
    for one, grade in zip(inputs, grade_discs(inputs, ensemble()), strict=True):
        assert grade.grid.shape == (one.grid.shape[0], *SHAPE)
        assert grade.pixels.shape == (CLASSES, *grade.grid.shape)
        np.testing.assert_allclose(grade.pixels.sum(0), 1, rtol=1e-5)
        np.testing.assert_allclose(grade.grid.to_patient([0, 0, 0]), one.grid.to_patient([0, BORDER, BORDER]))
        np.testing.assert_array_equal(grade.grid.affine[:3, :3], one.grid.affine[:3, :3])


def test_grading_says_how_far_it_is_and_can_be_stopped(inputs):
    heard: list[tuple[float, str]] = []
    progress = Progress(lambda *said: heard.append(said), lambda: len(heard) == 1)
    with pytest.raises(Cancelled):
        grade_discs(inputs, ensemble(1), progress)
    assert heard == [(0.0, "Grading L4/L5")]


def test_members_are_averaged_before_they_are_calibrated(inputs):
    both = ensemble(2)
    apart = [grade_discs(inputs[:1], replace(both, members=(member,)))[0] for member in both.members]
    chances = np.array([list(grade.findings.values()) for grade in apart])
    mean = np.log(chances / (1 - chances)).mean(0)
    calibrated = replace(both, scale=np.full(OUTPUTS, 1.7), offset=np.full(OUTPUTS, -0.4))
    together = grade_discs(inputs[:1], calibrated)[0]
    found, expected = np.array(list(together.findings.values())), 1 / (1 + np.exp(-(1.7 * mean - 0.4)))
    own = [index for index in range(len(BINARY_TASKS)) if index != MODIC_CHANGE]
    np.testing.assert_allclose(found[own], expected[own], atol=1e-4)
    assert found[MODIC_CHANGE] == pytest.approx(either(*expected[MARROW_CHANGE]), abs=1e-4)
    np.testing.assert_allclose(together.pixels, np.mean([grade.pixels for grade in apart], axis=0), atol=1e-5)


def test_the_base_has_its_share_in_the_map_and_in_what_simulation_teaches_and_no_other(inputs):
    both = ensemble(2)
    alone, base = (replace(both, members=(member,)) for member in both.members)
    joined = replace(alone, base=both.members[1])
    members_say, base_says, together = (grade_discs(inputs[:1], one)[0] for one in (alone, base, joined))

    def logit(grades: DiscGrades, task: str) -> float:
        return float(np.log(grades.findings[task] / (1 - grades.findings[task])))

    for task in BINARY_TASKS:
        share = grader.BASE_SHARE if task.endswith("endplate_change") else 0.0
        expected = (1 - share) * logit(members_say, task) + share * logit(base_says, task)
        assert logit(together, task) == pytest.approx(expected, abs=1e-4)
    np.testing.assert_allclose(together.pfirrmann, members_say.pfirrmann, atol=1e-6)
    for name in ENDPLATES:
        types = [np.log(one.modic_types[name]) for one in (members_say, base_says)]
        weighed = np.exp((1 - grader.BASE_SHARE) * types[0] + grader.BASE_SHARE * types[1])
        np.testing.assert_allclose(together.modic_types[name], weighed / weighed.sum(), atol=1e-5)
    shown = (1 - grader.BASE_SHARE) * members_say.pixels + grader.BASE_SHARE * base_says.pixels
    np.testing.assert_allclose(together.pixels, shown, atol=1e-5)


@pytest.fixture
def stored(monkeypatch) -> Iterator[dict[str, torch.Tensor]]:
    """Weights of two members and a base in half precision, with all else, read in place of the shipped ones."""
    torch.manual_seed(1)
    weights = {
        f"{prefix}.{name}": tensor.half() if tensor.is_floating_point() else tensor
        for prefix in ("member00", "member01", "base")
        for name, tensor in DiscReader().state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    weights["calibration.scale"], weights["calibration.offset"] = torch.full((OUTPUTS,), 0.9), torch.zeros(OUTPUTS)
    weights["abstention.threshold"] = torch.linspace(0.2, 0.7, len(GRADES))
    monkeypatch.setattr(grader, "load_weights", lambda name: weights)
    grader.load_ensemble.cache_clear()
    yield weights
    grader.load_ensemble.cache_clear()


def test_stored_weights_come_back_as_an_ensemble_that_is_ready(stored):
    loaded = grader.load_ensemble("cpu")
    assert len(loaded.members) == 2
    assert loaded.scale.tolist() == pytest.approx([0.9] * OUTPUTS)
    assert loaded.thresholds.to_array().tolist() == pytest.approx(stored["abstention.threshold"].tolist())
    assert not any(member.training for member in loaded.members)
    assert grader.load_ensemble("cpu") is loaded
    assert not loaded.base.training
    region, scalars = torch.rand(2, 4, *SHAPE), torch.rand(1, SCALARS)
    for prefix, reader in (("member00", loaded.members[0]), ("member01", loaded.members[1]), ("base", loaded.base)):
        own = {name.removeprefix(f"{prefix}."): one for name, one in stored.items() if name.startswith(prefix)}
        plain = DiscReader()
        plain.load_state_dict({name: tensor.float() for name, tensor in own.items()}, strict=False)
        with torch.inference_mode():
            for found, expected in zip(reader(region, scalars, [2]), plain.eval()(region, scalars, [2]), strict=True):
                np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("prefix", ["member01", "base"])
@pytest.mark.parametrize("change", ["missing", "unknown"])
def test_weights_of_another_network_are_refused_with_what_to_do(stored, prefix, change):
    if change == "missing":
        del stored[f"{prefix}.attention.weight"]
    else:
        stored[f"{prefix}.something.weight"] = torch.zeros(3)
    with pytest.raises(ModelError, match="install ModicGrader again"):
        grader.load_ensemble("cpu")

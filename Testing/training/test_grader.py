"""Tests of the disc reader's training: who learns from whom, what a stopped run keeps, that something is learned."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from random_discs import COLUMNS, ROWS, random_disc
from safetensors.torch import load_file

from ModicGraderLib.grading.network import DiscReader
from ModicGraderLib.grading.tasks import MARROW_CHANGE, MODIC_CHANGE, OUTPUTS
from ModicGraderLib.training import grader
from ModicGraderLib.training.data_folder import fold_of
from ModicGraderLib.training.disc_augmentation import without_border
from ModicGraderLib.training.disc_loss import change_loss
from ModicGraderLib.training.disc_store import DiscStore
from ModicGraderLib.training.graded_discs import GradedDisc
from ModicGraderLib.training.grader import FOLDS, Source, cross_validate, load_reader, predict, train


def marked_disc(seed: int, changed: bool, slices: int = 2) -> GradedDisc:
    """A disc with one question asked of it: whether the bright band of type II is there, in the body above."""
    targets = np.full(OUTPUTS, np.nan, np.float32)
    targets[MARROW_CHANGE], targets[MODIC_CHANGE] = (float(changed), 0.0), float(changed)
    changes = np.zeros((slices, ROWS, COLUMNS), np.uint8)
    one = random_disc(seed, slices, patient=f"p{seed}", targets=targets, changes=changes)
    one.disc.region[:2] = 0.5 + 0.05 * (one.disc.region[:2] - 1)
    one.disc.region[3] = 1
    if changed:
        changes[:, 25:45, 25:100] = 2
        one.disc.region[:2, :, 25:45, 25:100] = 1.0
    return one


def store(count: int = 12, **words: int) -> DiscStore:
    return DiscStore.of(marked_disc(seed, seed % 2 == 0, **words) for seed in range(count))


def source(discs: DiscStore, share: float = 1.0) -> Source:
    return Source(discs, np.arange(len(discs)), share, 0.0)


def short_train(path: Path, steps: int = 4, seed: int = 0, start: Path | None = None) -> Path:
    return train([source(store(4))], path, steps=steps, learning_rate=1e-3, seed=seed, start=start, slices=2)


def test_a_short_training_learns_to_see_and_to_map_a_change(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    # Of so few steps the average must not remember the first ones, which know nothing.
    average = torch.optim.swa_utils.get_ema_multi_avg_fn
    monkeypatch.setattr(torch.optim.swa_utils, "get_ema_multi_avg_fn", lambda decay: average(0.7))
    discs = store()
    path = train([source(discs)], tmp_path / "reader.safetensors", steps=32, learning_rate=3e-3, seed=0, slices=4)
    reader, rows = load_reader(path), np.arange(len(discs))
    score = predict(reader, discs, rows)[:, MARROW_CHANGE[0]]
    changed = discs.targets[:, MARROW_CHANGE[0]].numpy() == 1
    assert score[changed].min() > score[~changed].max()
    bags = without_border(discs.whole(rows))
    with torch.inference_mode():
        costs = [
            change_loss(network(bags.region, bags.scalars, bags.slices)[1], bags.changes).item()
            for network in (DiscReader().eval(), reader)
        ]
    assert costs[1] < 0.7 * costs[0]


def test_a_stopped_training_goes_on_where_it_was_and_a_finished_one_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(grader, "CHECKPOINT_EVERY", 2)
    batches: list[int] = []
    make = grader._batch

    def counted(*arguments, stop_at: int | None = None):
        if len(batches) == stop_at:
            raise KeyboardInterrupt
        batches.append(1)
        return make(*arguments)

    monkeypatch.setattr(grader, "_batch", lambda *arguments: counted(*arguments, stop_at=3))
    path = tmp_path / "reader.safetensors"
    with pytest.raises(KeyboardInterrupt):
        short_train(path, steps=5)
    assert not path.exists()
    batches.clear()
    monkeypatch.setattr(grader, "_batch", counted)
    short_train(path, steps=5)
    assert len(batches) == 3  # Two of five steps were kept.
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    before = path.read_bytes()
    short_train(path, steps=5)
    assert len(batches) == 3
    assert path.read_bytes() == before


def test_training_begins_with_the_weights_it_is_given(tmp_path):
    first = short_train(tmp_path / "first.safetensors", steps=2)
    path = tmp_path / "second.safetensors"
    train([source(store(2))], path, steps=2, learning_rate=1e-7, seed=5, start=first, slices=2)
    before, after = load_file(first), load_file(path)
    for name in dict(DiscReader().named_parameters()):
        torch.testing.assert_close(after[name], before[name], atol=1e-5, rtol=1e-4)


def test_the_same_seed_gives_the_same_reader(tmp_path):
    torch.set_num_threads(1)
    paths = [short_train(tmp_path / f"{name}.safetensors", 2, seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))]
    first, again, other = map(load_file, paths)
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_batch_has_the_share_of_slices_that_each_source_is_to_have(share):
    real = DiscStore.of(random_disc(seed, 1, patient="real") for seed in range(8))
    simulated = store(8, slices=5)
    sources = [Source(real, np.arange(8), 1 - share, 0.04), Source(simulated, np.arange(8), share, 0.0)]
    rng, random = np.random.default_rng(0), torch.Generator().manual_seed(0)
    sizes = set()
    for _ in range(12):
        bags, softened = grader._batch(sources, 24, rng, random)
        assert len(softened) == len(bags.slices) == len(bags.targets)
        ours = [count for count, soft in zip(bags.slices, softened, strict=True) if soft == 0]
        theirs = [count for count, soft in zip(bags.slices, softened, strict=True) if soft > 0]
        assert set(theirs) == {1}
        assert len(theirs) == 24 * (1 - share)
        assert sum(ours) == pytest.approx(24 * share, abs=ours[0] / 2 + 1e-9)
        sizes |= set(ours)
        assert bags.region.shape[0] == sum(bags.slices)
    assert sizes == set(grader.BAGS)


@pytest.fixture
def watched(monkeypatch) -> Callable[..., np.ndarray]:
    """`cross_validate` with networks that learn nothing: each remembers its patients, and answers by its number."""
    learned: dict[str, tuple[set[str], dict]] = {}

    def train(sources, path, **words):
        patients = {one.store.patients[row] for one in sources for row in one.chosen}
        learned[path.stem.replace("tuned", "member")] = (patients, {"shares": [one.share for one in sources], **words})
        return path

    monkeypatch.setattr(grader, "train", train)
    monkeypatch.setattr(grader, "_blend", lambda start, tuned, kept, path: None)
    monkeypatch.setattr(grader, "load_reader", lambda path: path.stem)
    monkeypatch.setattr(
        grader, "predict", lambda name, discs, rows: np.full((len(rows), OUTPUTS), float(name.removeprefix("member")))
    )

    def run(real: DiscStore, simulated: DiscStore, out: Path, **words) -> np.ndarray:
        out.mkdir()
        run.learned = learned
        return cross_validate(real, simulated, out, start=None, steps=1, **words)

    return run


def test_no_disc_is_scored_by_a_member_that_has_seen_its_patient(watched, tmp_path):
    real, simulated = store(40), DiscStore.of([random_disc(1, patient="simulated")])
    logits = watched(real, simulated, tmp_path / "members", repeats=2)
    assert set(watched.learned) == {f"member{number}" for number in range(2 * FOLDS)}
    for patient, row in zip(real.patients, logits, strict=True):
        fold = fold_of(patient, FOLDS)
        # The mean of the members of its fold, of which neither has seen it; all others have.
        assert row.tolist() == [fold + FOLDS / 2] * OUTPUTS
        for number in range(2 * FOLDS):
            assert (patient in watched.learned[f"member{number}"][0]) == (number % FOLDS != fold)
    assert all("simulated" in patients for patients, _ in watched.learned.values())
    assert len({words["seed"] for _, words in watched.learned.values()}) == 2 * FOLDS
    assert (tmp_path / "members" / "out_of_fold.json").exists()


def test_members_keep_their_share_of_what_simulated_patients_taught(tmp_path):
    start = short_train(tmp_path / "start.safetensors", seed=1)
    real, simulated, out = store(40), store(4), tmp_path / "members"
    cross_validate(real, simulated, out, start=start, steps=2, slices=2, kept=0.25)
    before, after, member = (
        load_file(path) for path in (start, out / "tuned0.safetensors", out / "member0.safetensors")
    )
    assert any(not torch.equal(before[name], after[name]) for name in before)
    for name, tensor in member.items():
        expected = 0.25 * before[name] + 0.75 * after[name] if tensor.is_floating_point() else after[name]
        torch.testing.assert_close(tensor, expected)


@pytest.mark.parametrize(("share", "sources"), [(0.0, 1), (0.5, 2), (1.0, 1)])
def test_sources_without_a_share_are_left_out(watched, tmp_path, share, sources):
    watched(store(10), DiscStore.of([random_disc(1, patient="simulated")]), tmp_path / "members", share=share)
    for patients, words in watched.learned.values():
        assert len(words["shares"]) == sources
        assert ("simulated" in patients) == (share > 0)
        assert (patients > {"simulated"} or "simulated" not in patients) == (share < 1)

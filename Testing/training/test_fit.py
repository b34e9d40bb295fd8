from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_fit import ROWS, Points, line, squares, stopped_early, tiny_fit
from torch import nn

from ModicGraderLib.errors import InputError
from ModicGraderLib.training import ranks
from ModicGraderLib.training.batches import Batches
from ModicGraderLib.training.fit import fit

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "Testing" / "tiny_fit.py"


def _apart(*arguments: object, launcher: tuple[str, ...] = ()) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *launcher, str(SCRIPT), *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_line_is_learned_and_the_network_is_left_ready_to_answer(tmp_path):
    network = tiny_fit(tmp_path, 40, noise=0.0, dropout=0.0, schedule=None)
    assert not network.training
    # The points' own variance is 0.75.
    assert squares(network, line()) < 0.1
    assert not (tmp_path / "tiny.checkpoint").exists()


def test_a_training_killed_at_any_moment_ends_with_the_weights_of_an_unbroken_one(tmp_path):
    tiny_fit(tmp_path / "unbroken", 8)
    # Two seconds an epoch at least: time to see the first checkpoint and kill amid a later epoch.
    training = _apart(tmp_path / "killed", 8, 0.15, 0.1, 0.3)
    checkpoint = tmp_path / "killed" / "tiny.checkpoint"
    try:
        until = time.monotonic() + 120
        while not checkpoint.exists():
            assert training.poll() is None and time.monotonic() < until, training.communicate()[0]
            time.sleep(0.02)
    finally:
        training.send_signal(signal.SIGKILL)
        training.communicate()
    done = torch.load(checkpoint, weights_only=True)["state"]["epoch"]
    assert 1 <= done < 8 and not (tmp_path / "killed" / "tiny.safetensors").exists()
    tiny_fit(tmp_path / "killed", 8)
    assert _same(*(load_file(tmp_path / name / "tiny.safetensors") for name in ("unbroken", "killed")))


@pytest.mark.parametrize("stop", [1, 4, 7])
def test_a_stop_between_epochs_changes_nothing_also_with_early_stopping_and_plateaus(tmp_path, stop):
    def run(folder: Path, stopping: int | None = None) -> dict[str, torch.Tensor]:
        def stopped(epoch: int, _network: nn.Module) -> None:
            if epoch == stopping:
                raise KeyboardInterrupt

        network = nn.Linear(2, 1)
        with torch.no_grad():
            network.weight.fill_(0.5), network.bias.fill_(0.0)
        optimizer = torch.optim.Adam(network.parameters(), 0.3)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.3)
        more = {"optimizer": optimizer, "schedule": schedule, "seed": 3, "on_epoch": stopped, "patience": 4}
        try:
            fit(
                network,
                squares,
                Points(0.5),
                folder,
                name="one",
                epochs=9,
                batch_size=5,
                validate=lambda network: (network.weight - 1).abs().sum().item(),
                **more,
            )
        except KeyboardInterrupt:
            return run(folder)
        return load_file(folder / "one.safetensors")

    assert _same(run(tmp_path / "unbroken"), run(tmp_path / "stopped", stop))


def test_weights_that_are_there_are_loaded_and_nothing_is_trained(tmp_path):
    first = tiny_fit(tmp_path, 2)
    (tmp_path / "tiny.safetensors").rename(tmp_path / "other.safetensors")

    def never(epoch: int, network: nn.Module) -> None:
        raise AssertionError("trained again")

    again = tiny_fit(tmp_path, 2, name="other", on_epoch=never)
    assert _same(first.state_dict(), again.state_dict())


def test_another_seed_gives_other_weights(tmp_path):
    first, second = (tiny_fit(tmp_path / str(seed), 1, seed=seed) for seed in (1, 2))
    assert not _same(first.state_dict(), second.state_dict())


def _walk(tmp_path: Path, losses: list[float], **more) -> tuple[nn.Module, list[int]]:
    """Train a network whose only weight counts the steps it took; validation gives the losses one after the other."""
    network, epochs = nn.Linear(1, 1, bias=False), []
    nn.init.zeros_(network.weight)
    given = iter(losses)

    def validate(network: nn.Module) -> float:
        assert not network.training and not torch.is_grad_enabled()
        return next(given)

    fit(
        network,
        lambda network, batch: -network(torch.ones(1, 1)).sum(),
        Points(),
        tmp_path,
        name="walk",
        epochs=len(losses),
        batch_size=ROWS,
        optimizer=torch.optim.SGD(network.parameters(), 1.0),
        seed=0,
        validate=validate,
        on_epoch=lambda epoch, network: epochs.append(epoch),
        **more,
    )
    return network, epochs


def test_patience_ends_the_training_and_the_best_epoch_is_kept(tmp_path):
    network, epochs = _walk(tmp_path, [5, 3, 4, 3, 3.5, 1, 0], patience=3)
    assert epochs == [0, 1, 2, 3, 4]
    assert network.weight.item() == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "walk.safetensors"]


def test_patience_overlooks_the_epochs_in_which_training_settles(tmp_path):
    network, epochs = _walk(tmp_path, [0, 1, 5, 4, 4.5, 4.5, 3], patience=2, settling=2)
    assert epochs == [0, 1, 2, 3, 4, 5]
    assert network.weight.item() == 4


def test_training_that_ends_before_it_settled_keeps_the_last_weights(tmp_path):
    network, epochs = _walk(tmp_path, [1, 2, 3], patience=1, settling=3)
    assert epochs == [0, 1, 2] and network.weight.item() == 3


def test_without_patience_the_last_weights_are_kept(tmp_path):
    network, epochs = _walk(tmp_path, [1, 2, 3, 4])
    assert epochs == [0, 1, 2, 3] and network.weight.item() == 4


def test_a_plateau_of_the_validation_loss_lowers_the_learning_rate(tmp_path):
    rates = []
    network = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(network.parameters(), 1.0)
    fit(
        network,
        squares,
        Points(),
        tmp_path,
        name="plateau",
        epochs=4,
        batch_size=4,
        optimizer=optimizer,
        seed=0,
        schedule=torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.1),
        validate=lambda network: 1.0,
        on_epoch=lambda epoch, network: rates.append(optimizer.param_groups[0]["lr"]),
    )
    assert rates == pytest.approx([1, 1, 1, 0.1])


def test_layers_that_were_unfrozen_before_a_stop_stay_so(tmp_path):
    def fitted(folder: Path, stopping: int | None) -> nn.Module:
        network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        with torch.no_grad():
            for weights in network.parameters():
                weights.fill_(0.3)
        network[0].requires_grad_(False)

        def unfreeze(epoch: int, network: nn.Module) -> None:
            if epoch == 1:
                network[0].requires_grad_(True)
            if epoch == stopping:
                raise KeyboardInterrupt

        optimizer = torch.optim.SGD(network.parameters(), 0.1)
        try:
            fit(network, squares, Points(), folder, name="a", epochs=4, batch_size=4, optimizer=optimizer, seed=0,
                on_epoch=unfreeze)  # fmt: skip
        except KeyboardInterrupt:
            return fitted(folder, None)
        return network

    whole, stopped = fitted(tmp_path / "whole", None), fitted(tmp_path / "stopped", 3)
    assert _same(whole.state_dict(), stopped.state_dict())
    assert not torch.equal(whole[0].weight, torch.full((2, 2), 0.3))


def test_tensorboard_shows_each_epoch_once_also_after_a_stop(tmp_path):
    def stopped(epoch: int, _network: nn.Module) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny_fit(tmp_path, 4, on_epoch=stopped)
    tiny_fit(tmp_path, 4)
    log = EventAccumulator(str(tmp_path / "logs" / "tiny"))
    log.Reload()
    assert [event.step for event in log.Scalars("loss/training")] == [1, 2, 3, 4]
    assert [event.value for event in log.Scalars("learning_rate")] == pytest.approx([0.1, 0.1, 0.1, 0.05])


def test_a_loss_that_is_no_number_is_told_by_epoch_and_leaves_no_weights(tmp_path):
    with pytest.raises(InputError, match="The loss of tiny is nan in epoch 1;"):
        tiny_fit(tmp_path, 2, noise=float("nan"))
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.parametrize("patience", [None, 2])
def test_a_validation_loss_that_is_no_number_is_told_by_epoch_and_leaves_no_weights(tmp_path, patience):
    with pytest.raises(InputError, match="The validation loss of walk is nan in epoch 2;"):
        _walk(tmp_path, [1, float("nan"), 0.5], patience=patience)
    assert not list(tmp_path.glob("*.safetensors"))


def test_datasets_and_samplers_with_generators_of_their_own_are_told_the_epoch(tmp_path):
    class Told(Points):
        epochs = ()

        def set_epoch(self, epoch: int) -> None:
            self.epochs += (epoch,)

    data, order = Told(), []
    sampler = torch.utils.data.RandomSampler(data, generator=torch.Generator())
    for epoch in (0, 1, 0):
        batches, weights = Batches(data, torch.utils.data.BatchSampler(sampler, 4, False), None, 0, seed=5).of(epoch)
        assert weights == [1, 1, 1]
        order.append(batches.batch_sampler)
    assert data.epochs == (0, 1, 0)
    assert order[0] == order[2] != order[1]
    assert sorted(row for batch in order[0] for row in batch) == list(range(ROWS))


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_every_row_of_a_batch_weighs_the_same_however_many_processes_share_it(monkeypatch, processes):
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    rows, weighs = [[0, 1, 2], [3], [4, 5, 6, 7, 8]], [0.0] * 9
    for rank in range(processes):
        monkeypatch.setenv("RANK", str(rank))
        loader, weights = Batches([0] * 9, rows, None, 0, seed=0).of(0)
        for share, weight in zip(loader.batch_sampler, weights, strict=True):
            assert share, "all processes step together"
            for row in share:
                # The loss is the mean of the share, and processes take the mean of theirs.
                weighs[row] += weight / len(share) / processes
    assert weighs == pytest.approx([1 / len(batch) for batch in rows for _ in batch])


def test_the_first_process_decides_for_all_whether_weights_are_there(tmp_path, monkeypatch):
    tiny_fit(tmp_path, 1)
    trained = []
    # It has not seen any, and has written them since.
    monkeypatch.setattr(ranks, "shared", lambda value, device: 0.0)
    tiny_fit(tmp_path, 1, on_epoch=lambda epoch, network: trained.append(epoch))
    assert trained == [0]


def test_two_processes_share_each_batch_and_end_with_the_weights_of_one(tmp_path):
    # Without noise and dropout, three and two of five rows give the gradient of all; patience ends it before epoch 40.
    tiny_fit(tmp_path / "one", 40, noise=0.0, dropout=0.0, **stopped_early(5, 3))
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    training = _apart(tmp_path / "two", 40, 0.0, 0.0, 0.0, 5, 3, launcher=launcher)
    output = training.communicate(timeout=300)[0]
    assert training.returncode == 0, output
    one, two = (load_file(tmp_path / name / "tiny.safetensors") for name in ("one", "two"))
    for name in one:
        torch.testing.assert_close(one[name], two[name])
    assert len(list((tmp_path / "two" / "logs" / "tiny").iterdir())) == 1
    assert not list((tmp_path / "two").glob("*.checkpoint*"))


def test_a_call_must_say_how_batches_are_made(tmp_path):
    with pytest.raises(ValueError, match="either batch_size or batch_sampler"):
        tiny_fit(tmp_path, 1, batch_sampler=[[0, 1]])

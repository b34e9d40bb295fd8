"""Tests of a run: every study is done, failed or left, once, and the same call goes on."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cohort_stand_in
import pytest
from cohort_stand_in import GRADER, starts

from ModicGraderLib.cohort import worker
from ModicGraderLib.cohort.executors import local_executor
from ModicGraderLib.cohort.folder import CohortFolder
from ModicGraderLib.cohort.run import CohortEnd, run_cohort
from ModicGraderLib.cohort.settings import Settings
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.cohort.tally import Tally
from ModicGraderLib.errors import Cancelled, InputError


@dataclass
class Cohort:
    """A cohort in a folder, graded by the stand-in."""

    directory: Path
    told: list[list[str]] = field(default_factory=list)

    def run(self, *names: str, workers: int = 2, show: Callable[[Tally], None] = lambda tally: None, **options):
        retry_failed = options.pop("retry_failed", False)
        settings = Settings(self.directory, grader=GRADER, **options)
        entries = [StudyEntry(name, name, t1=self.directory / f"Phantom^{name}.nii") for name in names]
        executor = local_executor(workers, settings)
        return run_cohort(
            self.directory, entries, settings, executor, retry_failed=retry_failed, show=show, tell=self._tell
        )

    def _tell(self, directory: Path, entries: list[StudyEntry]) -> list[Path]:
        self.told.append(sorted(CohortFolder(directory).done()))
        return [directory / "cohort.csv"]

    @property
    def failures(self) -> dict[str, tuple[str, int]]:
        return {one.study: (one.kind, one.attempts) for one in CohortFolder(self.directory).failures()}


@pytest.fixture
def cohort(tmp_path, monkeypatch) -> Cohort:
    monkeypatch.setenv("PYTHONPATH", str(Path(cohort_stand_in.__file__).parent))
    return Cohort(tmp_path / "cohort")


def counts(end: CohortEnd) -> tuple[int, int, int]:
    return end.done, end.failed, end.left


def test_a_failed_study_costs_a_row_and_no_more(cohort):
    names = ["a", "wrong", "deadly", "b", "onceDeadly", "fault", "c"]
    assert counts(cohort.run(*names)) == (4, 3, 0)
    assert cohort.failures == {"wrong": ("input", 1), "fault": ("fault", 1), "deadly": ("crash", 3)}
    assert cohort.told == [["a", "b", "c", "onceDeadly"]]
    run = json.loads((cohort.directory / "studies" / "onceDeadly" / "run.json").read_text())
    assert run["attempt"] == 2 and len(run["worker"]) == 8 and run["seconds"] > 0 and run["peak_memory_mb"] > 10
    left = {path.name for path in cohort.directory.rglob("*") if path.name.startswith(".")}
    assert left <= {".lock"}


def test_a_study_that_takes_too_long_does_not_end_the_others(cohort):
    assert counts(cohort.run("slow", "a", "b", "c", timeout_s=2.0)) == (3, 1, 0)
    assert cohort.failures == {"slow": ("timeout", 1)}
    assert starts(cohort.directory).count("loaded") == 2, "only the process that was ended would be started anew"


def test_what_is_done_and_what_failed_is_not_done_again_unless_asked_for(cohort):
    cohort.run("a", "wrong", "b", workers=1)
    before = starts(cohort.directory)
    assert counts(cohort.run("a", "wrong", "b", workers=1)) == (2, 1, 0)
    assert starts(cohort.directory) == before
    assert counts(cohort.run("a", "wrong", "b", workers=1, retry_failed=True)) == (2, 1, 0)
    assert starts(cohort.directory) == [*before, "loaded", "wrong"]


def test_a_failure_that_is_mended_leaves_the_list(cohort):
    cohort.run("onceDeadly", "wrong", workers=1)
    CohortFolder(cohort.directory).write_failures([])
    assert counts(cohort.run("onceDeadly", "wrong", workers=1)) == (1, 1, 0)
    assert list(cohort.failures) == ["wrong"]


def test_a_row_that_was_cut_off_is_that_of_a_study_that_is_tried_again(cohort):
    cohort.run("wrong", "wrong-2", workers=1)
    path = cohort.directory / "failures.csv"
    path.write_bytes(path.read_bytes()[:-8])
    cohort.run("wrong", "wrong-2", workers=1)
    assert sorted(cohort.failures) == ["wrong", "wrong-2"]


def test_leftovers_of_a_killed_run_are_removed(cohort):
    cohort.run("a")
    (cohort.directory / "studies" / ".b-x1" / "b").mkdir(parents=True)
    cohort.run("a")
    assert [path.name for path in (cohort.directory / "studies").iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("names", "options", "what"),
    [(("a", "b"), {}, "studies and manifest"), (("c",), {}, "manifest"), (("a",), {"only": ("report",)}, "only")],
)
def test_a_folder_belongs_to_one_cohort(cohort, names, options, what):
    cohort.run("a")
    with pytest.raises(InputError, match=f"the folder holds a cohort of another {what}; name a new folder with -o"):
        cohort.run(*names, **options)


def test_two_runs_cannot_be_at_work_in_one_folder(cohort):
    with (
        CohortFolder(cohort.directory).held(),
        pytest.raises(InputError, match="another run is at work in this folder; wait for its end"),
    ):
        cohort.run("a")


def test_storage_without_locks_is_told_and_used(cohort, monkeypatch, caplog):
    def refuse(self, timeout: float) -> None:
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    assert counts(cohort.run("a")) == (1, 0, 0)
    assert caplog.messages == ["the storage of this folder has no locks; see to it that no other run works in it"]


def test_a_disk_without_room_ends_the_run_instead_of_making_failures_of_all_studies(cohort, monkeypatch):
    monkeypatch.setattr(worker, "ROOM_GB", 1e9)
    with pytest.raises(InputError, match=r"less than 1e\+09 GB are free where the results go; make room, and the same"):
        cohort.run("a", "b")
    assert cohort.failures == {}


def test_settings_with_which_nothing_can_be_graded_end_the_run(cohort):
    with pytest.raises(InputError, match="'mps' is not available here"):
        cohort.run("a", "b", "c", device="mps")
    assert cohort.failures == {}


def test_ctrl_c_keeps_what_is_finished_and_tells_it(cohort):
    with pytest.raises(Cancelled, match=r"cancelled; 1 of 3 studies done; the same command goes on with the rest"):
        cohort.run("a", "slow", "b", workers=1, show=Interrupt())
    assert cohort.told == [["a"]]


class Interrupt:
    """Presses Ctrl-C when the first study is done."""

    def __init__(self) -> None:
        self.pressed = False

    def __call__(self, tally: Tally) -> None:
        if tally.done and not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt

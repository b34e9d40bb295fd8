"""Property of a run: whatever becomes of the attempts at each study, each ends once, and the counts are right."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.cohort.folder import CohortFolder
from ModicGraderLib.cohort.run import ATTEMPTS, run_cohort
from ModicGraderLib.cohort.settings import Settings
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.cohort.worker import Outcome

KINDS = ("done", "input", "timeout", "memory", "crash", "fault")

FATES = st.dictionaries(
    st.integers(0, 99).map(lambda number: f"s{number:02d}"),
    st.lists(st.sampled_from(KINDS), min_size=ATTEMPTS, max_size=ATTEMPTS),
    max_size=12,
)
"""What becomes of each attempt at each study."""


class KilledWorker(Exception):
    """As Dask's, which is known by its name."""


class Fated:
    """An executor whose studies end as they are fated to."""

    def __init__(self, fates: dict[str, list[str]], slots: int) -> None:
        self._fates, self._slots = fates, slots
        self.tried: list[str] = []

    def slots(self) -> int:
        return self._slots

    def submit(self, entry: StudyEntry, attempt: int) -> Future[Outcome]:
        self.tried.append(entry.name)
        future: Future[Outcome] = Future()
        kind = self._fates[entry.name][attempt - 1]
        if kind == "crash" and attempt == 1:
            future.set_exception(KilledWorker())
        else:
            future.set_result(Outcome(entry.name, kind, "" if kind == "done" else "a reason, with a comma\n", 1.0))
        return future


@given(FATES, st.integers(1, 4))
def test_every_study_ends_once(fates, slots):
    fated = Fated(fates, slots)

    @contextmanager
    def opened() -> Iterator[Fated]:
        yield fated

    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        entries = [StudyEntry(study, study) for study in fates]
        settings = Settings(directory)
        end = run_cohort(directory, entries, settings, opened(), tell=lambda folder, entries: [])
        failures = {one.study: (one.kind, one.attempts) for one in CohortFolder(directory).failures()}
    expected = {}
    for study, kinds in fates.items():
        attempts = next((number for number, kind in enumerate(kinds, 1) if kind != "crash"), ATTEMPTS)
        expected[study] = kinds[attempts - 1], attempts
    assert failures == {study: fate for study, fate in expected.items() if fate[0] != "done"}
    assert (end.done, end.failed, end.left) == (len(fates) - len(failures), len(failures), 0)
    assert Counter(fated.tried) == {study: attempts for study, (_, attempts) in expected.items()}

"""Who grades the studies: threads of this process, each with a grading process of its own, or a Dask cluster."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

import psutil

from ..errors import InputError
from .grading_process import LOOK_S
from .settings import Settings
from .study_list import StudyEntry
from .worker import Outcome, end_processes, grade_entry

if TYPE_CHECKING:
    from distributed import Client

WORKER_GB = 2.0
"""Memory to reckon with for each worker by default, in 1e9 bytes; docs/cohort.md says what was measured."""

CONNECT_S = 30.0
"""Seconds within which a scheduler must answer and have a worker."""


class Executor(Protocol):
    """Takes studies; `submit`'s futures hold an `Outcome`, or raise where no study can be graded at all."""

    def slots(self) -> int:
        """How many studies it can have at once; a cluster may grow and shrink."""
        ...

    def submit(self, entry: StudyEntry, attempt: int) -> Future[Outcome]: ...


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers() -> int:
    """As many as there are cores, and as the memory that is free is enough for."""
    return max(1, min(usable_cores(), int(psutil.virtual_memory().available / (WORKER_GB * 1e9))))


class _Local:
    def __init__(self, pool: ThreadPoolExecutor, workers: int, settings: Settings) -> None:
        self._pool, self._workers, self._settings = pool, workers, settings
        self.running: set[Future[Outcome]] = set()

    def slots(self) -> int:
        return self._workers

    def submit(self, entry: StudyEntry, attempt: int) -> Future[Outcome]:
        future = self._pool.submit(grade_entry, self._settings, entry, attempt)
        self.running.add(future)
        future.add_done_callback(self.running.discard)
        return future


@contextmanager
def local_executor(workers: int, settings: Settings) -> Iterator[Executor]:
    """Grades on this machine. On leaving, what is still being graded is ended."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="cohort")
    executor = _Local(pool, workers, settings)
    try:
        yield executor
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        end_processes(settings)
        # A thread may have been about to start one more.
        while wait(set(executor.running), timeout=LOOK_S).not_done:
            end_processes(settings)


class _Dask:
    def __init__(self, client: Client, settings: Settings) -> None:
        self._client, self._settings = client, settings
        self._pool = client.get_executor(pure=False)

    def slots(self) -> int:
        try:
            threads = sum(self._client.nthreads().values())
        except OSError:
            # Whether the scheduler comes back or is gone for good, the futures tell.
            threads = 0
        # Some more than are at work, so that none waits for the next.
        return threads + max(1, threads // 4)

    def submit(self, entry: StudyEntry, attempt: int) -> Future[Outcome]:
        return self._pool.submit(grade_entry, self._settings, entry, attempt)


@contextmanager
def dask_executor(address: str, settings: Settings) -> Iterator[Executor]:
    """Grades on the workers of a Dask scheduler, which see the folder of the cohort and the pictures by the same paths.

    On leaving, what is still being graded is ended.

    Raises
    ------
    InputError
        Nobody answers at the address, or no worker has joined.
    """
    from distributed import Client

    # It tells of a lost connection at length; we do in a sentence.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError):
        raise InputError(
            f"no Dask scheduler answers at {address}; start one with `dask scheduler`, or check the address"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            raise InputError(
                f"no worker has joined the scheduler at {address}; start some with `dask worker {address}`"
            ) from None
        try:
            yield _Dask(client, settings)
        finally:
            # Where the cluster is gone, so are its processes.
            with suppress(Exception):
                client.run(end_processes, settings)

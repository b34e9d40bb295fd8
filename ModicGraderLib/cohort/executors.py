"""Who grades the studies: threads of this process, each with a grading process of its own, or a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Protocol

import psutil

from ..errors import InputError
from .settings import Settings
from .study_list import StudyEntry
from .worker import Outcome, end_processes, grade_entry

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

    def slots(self) -> int:
        return self._workers

    def submit(self, entry: StudyEntry, attempt: int) -> Future[Outcome]:
        return self._pool.submit(grade_entry, self._settings, entry, attempt)


@contextmanager
def local_executor(workers: int, settings: Settings) -> Iterator[Executor]:
    """Grades on this machine. On leaving, what is still being graded is ended."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="cohort")
    try:
        yield _Local(pool, workers, settings)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        end_processes()
        pool.shutdown(wait=True)


class _Dask:
    def __init__(self, client, settings: Settings) -> None:
        self._client, self._settings = client, settings
        self._pool = client.get_executor(pure=False)

    def slots(self) -> int:
        threads = sum(self._client.nthreads().values())
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
                client.run(end_processes)

"""A real Dask cluster on this machine for tests: a scheduler and workers as processes of their own, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

START_S = 60.0


@dataclass
class Cluster:
    """Processes of a cluster; its workers have one thread each, and a nanny that starts them anew."""

    folder: Path
    processes: list[subprocess.Popen] = field(default_factory=list)

    @property
    def address(self) -> str:
        return json.loads(self._file.read_text(encoding="utf-8"))["address"]

    @property
    def logs(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in self.folder.glob("*.log"))

    def start(self, *arguments: str) -> None:
        """`dask ARGUMENTS` on loopback, without dashboard; its log is kept."""
        testing = Path(__file__).parent
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(testing.parent), str(testing)])}
        log = self.folder / f"{len(self.processes)}.log"
        common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(self._file)]
        with log.open("w", encoding="utf-8") as file:
            command = [sys.executable, "-m", "dask", *arguments, *common]
            self.processes.append(
                subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT, cwd=self.folder)
            )

    def wait_for_scheduler(self) -> None:
        until = time.monotonic() + START_S
        while not self._file.exists():
            assert time.monotonic() < until, f"the Dask scheduler did not start:\n{self.logs}"
            time.sleep(0.05)

    def workers(self) -> list[psutil.Process]:
        """The processes of the workers themselves, which their nannies started."""
        nannies = [psutil.Process(one.pid) for one in self.processes[1:] if one.poll() is None]
        return [child for nanny in nannies for child in nanny.children() if "spawn_main" in " ".join(child.cmdline())]

    @property
    def _file(self) -> Path:
        return self.folder / "scheduler.json"


@contextmanager
def running_cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster that is gone when the block is left."""
    cluster = Cluster(folder)
    try:
        cluster.start("scheduler", "--port", "0")
        cluster.wait_for_scheduler()
        for number in range(workers):
            cluster.start("worker", "--nthreads", "1", "--local-directory", str(folder / f"worker{number}"))
        yield cluster
    finally:
        for process in cluster.processes:
            for one in (
                (*psutil.Process(process.pid).children(recursive=True), process) if process.poll() is None else ()
            ):
                one.kill()
        for process in cluster.processes:
            process.wait()

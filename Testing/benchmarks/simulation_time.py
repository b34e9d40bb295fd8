"""`make bench`: time and memory of simulated studies; a cohort must not need more memory than one study."""

from __future__ import annotations

import gc
import resource
import statistics
import sys
import time

from ModicGraderLib.simulation.simulate import simulate

REPEATS = 5
"""Patients per setting; the median counts."""


def peak_gb() -> float:
    """Most memory this process has held so far."""
    # The kernel counts kilobytes on Linux and bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "linux" else 1e9)


def timed(seed: int, slices: int) -> tuple[float, tuple[int, ...]]:
    """Seconds for one patient with truth, and the shape of T2."""
    start = time.perf_counter()
    study = simulate(seed, slices=slices)
    return time.perf_counter() - start, study.t2.array.shape


def main() -> None:
    simulate(0, slices=1)
    for slices in (1, 15):
        runs, peaks = [], []
        for seed in range(REPEATS):
            runs.append(timed(seed, slices))
            gc.collect()
            peaks.append(peak_gb())
        seconds = sorted(second for second, _ in runs)
        shapes = ", ".join("x".join(map(str, shape)) for _, shape in runs)
        spread = f"{seconds[0]:.2f} to {seconds[-1]:.2f} s"
        print(f"{statistics.median(seconds):6.2f} s  {slices:2d} slices, {spread} ({shapes})")
        print(f"          memory at most, after each patient: {', '.join(f'{peak:.2f}' for peak in peaks)} GB")


if __name__ == "__main__":
    main()

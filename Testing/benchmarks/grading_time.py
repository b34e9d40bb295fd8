"""`make bench`: time and memory of one grading, stage by stage, on the real volume pair or on a simulated study."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

START = time.perf_counter()
"""Before the library is imported: what a user waits for begins here."""


def study_paths(folder: Path) -> tuple[Path, Path]:
    """T1 and T2 of the real volume pair where there is one, else of a study simulated into `folder`."""
    data = Path(os.environ.get("MODICGRADER_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    pair = data / "real_volume_pair"
    if pair.is_dir():
        return pair / "t1.nii.gz", pair / "t2.nii.gz"
    from ModicGraderLib.simulation.files import simulate_study

    files = simulate_study(7, folder)
    return files["t1"], files["t2"]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        t1, t2 = study_paths(Path(name))
        start = START if t1.parent != Path(name) else time.perf_counter()
        from ModicGraderLib.export import write_results
        from ModicGraderLib.io import read_study
        from ModicGraderLib.pipeline import grade_study
        from ModicGraderLib.progress import Progress

        steps = [(start, "Importing")]
        progress = Progress(lambda fraction, text: steps.append((time.perf_counter(), text)))
        study = read_study(t1, t2, progress=progress)
        graded = grade_study(study, device="cpu", progress=progress)
        progress.step(1.0, "Writing the results")
        write_results(graded, Path(name) / "result")
        steps.append((time.perf_counter(), "end"))
    for (begin, text), (end, _) in zip(steps[:-1], steps[1:], strict=True):
        print(f"{end - begin:7.2f} s  {text}")
    # The kernel counts kilobytes on Linux and bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "linux" else 1e9)
    print(f"{steps[-1][0] - start:7.2f} s  in all, {peak:.2f} GB at most")


if __name__ == "__main__":
    main()

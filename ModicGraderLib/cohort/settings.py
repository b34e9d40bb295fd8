"""Settings: how the studies of a cohort are graded, and within which bounds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__

GRADER = "ModicGraderLib.cohort.study_grading:StudyGrader"

TIMEOUT_S = 1800.0
"""Seconds after which a study is given up: a hundred times what one takes on one core."""

MEMORY_GB = 8.0
"""Gigabytes (1e9 bytes) of which a study that needs more is given up: some five times what a large one needs."""


@dataclass(frozen=True)
class Settings:
    """What every worker of a cohort is told.

    Attributes
    ----------
    directory:
        Of the cohort; all workers see it.
    only:
        As `pipeline.grade_study` takes it; () computes all.
    device:
        Where the networks run: "auto", "cpu", "cuda" or "mps".
    threads:
        Processor threads of each worker; None leaves them as they are.
    keep_identity:
        Write DICOM results too, which name the patient.
    timeout_s, memory_gb:
        Bounds of one study: seconds, and resident memory in 1e9 bytes.
    grader:
        "module:name" of what is called once with these settings where studies are graded, and returns the function of
        `StudyEntry` and of a path that makes the folder of results. Another than ours is for tests.
    version:
        Of the program that asks; a worker of another one refuses.
    """

    directory: Path = field(repr=False)
    only: tuple[str, ...] = ()
    device: str = "auto"
    threads: int | None = None
    keep_identity: bool = False
    timeout_s: float = TIMEOUT_S
    memory_gb: float = MEMORY_GB
    grader: str = GRADER
    version: str = __version__

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "directory": str(self.directory)}

    @classmethod
    def from_dict(cls, words: dict[str, Any]) -> Settings:
        """The settings that `to_dict` described."""
        return cls(**{**words, "directory": Path(words["directory"]), "only": tuple(words["only"])})

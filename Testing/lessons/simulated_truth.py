"""A truth as a simulation leaves it, without simulating: drawn grades, with changes as easy to see as one says."""

from __future__ import annotations

import numpy as np
from drawn_reports import drawn_report

from ModicGraderLib.report import StudyReport


def simulated_truth(seed: int = 0, changes: tuple[tuple[float, float], ...] = ((5.0, 80.0),)) -> StudyReport:
    """A report with one called change for each (contrast to noise, area in mm2)."""
    report = drawn_report(np.random.default_rng(seed))
    report.input["simulated_changes"] = [
        {"contrast_to_noise": contrast, "largest_areas_mm2": [2 * area, area], "called": True}
        for contrast, area in changes
    ]
    return report

"""Whether what was outlined as marrow looks like marrow on each contrast."""

from __future__ import annotations

from collections.abc import Mapping

from ..mapping.marrow import Marrow
from ..report import QualityFinding
from ..study import SpineStudy

UNEVEN = 0.32
"""Spread of the marrow's log signal about its reference from which the outlines cannot lie on marrow alone: T1 and T2
do not fit each other, or the marrow is diseased as a whole. Patients of SPIDER have 0.15 on average."""


def check_outlines(study: SpineStudy, marrow: Mapping[str, Marrow]) -> list[QualityFinding]:
    """Contrasts on which the marrow cannot be read, or is too uneven to be that of outlined bodies."""
    findings = []
    for name, volume in (("t1", study.t1), ("t2", study.t2)):
        if volume is None:
            continue
        if name not in marrow:
            text = f"The vertebral marrow could not be read on {name.upper()}; that series was not graded."
            findings.append(QualityFinding("marrow_unreadable", "warning", text))
        elif marrow[name].spread > UNEVEN:
            text = (
                f"The marrow is very uneven on {name.upper()}: T1 and T2 may not lie on each other, or the marrow is"
                " diseased throughout; Modic types are not to be trusted then."
            )
            findings.append(QualityFinding("marrow_uneven", "warning", text))
    return findings

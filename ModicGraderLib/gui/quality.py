"""The quality findings as a reader sees them first."""

from __future__ import annotations

from html import escape

from ..report import StudyReport

SIGNS = {"error": "\u26d4", "warning": "\u26a0", "info": "\u2139"}
"""Signs of the severities, the gravest first."""


def qualityText(report: StudyReport | None) -> str:
    """Rich text of all findings, the gravest first; a sentence where there is none."""
    if report is None:
        return ""
    order = list(SIGNS)
    findings = sorted(report.quality, key=lambda one: order.index(one.severity))
    lines = [
        f"{SIGNS[one.severity]} {f'<b>{escape(one.level)}</b>: ' if one.level else ''}{escape(one.message)}"
        for one in findings
    ]
    return "<br>".join(lines) if lines else "No finding about the quality of the pictures."

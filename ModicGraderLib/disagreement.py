"""Corrected grades that do not fit together.

A correction changes only what it names, so a reader is told where that no longer fits the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .anatomy import ENDPLATES, vertebrae_of
from .grading.decisions import joint_type
from .report import Correction, DiscReport, QualityFinding, StudyReport

DISAGREE = "corrected_grades_disagree"
"""Code of the findings."""


def disagreements(report: StudyReport, corrections: Iterable[Correction]) -> list[QualityFinding]:
    """One finding for each disc at which the Modic grades, or grades and map, disagree since a reader corrected them.

    `corrections` are those that count. Where the program alone spoke it is not judged.
    """
    touched: dict[str | None, dict[str, Correction]] = {}
    for one in corrections:
        if "modic" in one.field:
            touched.setdefault(one.level, {})[one.field] = one
    findings = []
    for disc in report.discs:
        here = touched.get(disc.level, {})
        said = [*_of_disc(disc), *_of_map(disc, here)] if here else []
        if said:
            text = f"The corrected grades of {disc.level} disagree: {'; '.join(said)}."
            findings.append(QualityFinding(DISAGREE, "warning", text, disc.level))
    return findings


def _of_disc(disc: DiscReport) -> list[str]:
    """What the grades of a disc and of its endplates have against each other."""
    given = [disc.endplates[name].modic.grade for name in ENDPLATES]
    whole = disc.modic.grade
    if whole is None:
        return []
    types, of_endplates = _types(whole), set().union(*(_types(grade) for grade in given if grade is not None))
    unseen = None not in given and not types <= of_endplates
    if unseen or (of_endplates and not types):
        upper, lower = ("not given" if grade is None else grade for grade in given)
        return [f"the disc has Modic type {whole}, its upper endplate {upper} and its lower endplate {lower}"]
    return []


def _of_map(disc: DiscReport, corrections: Mapping[str, Correction]) -> list[str]:
    """What the grades of the endplates have against the map, where either was corrected."""
    said = []
    for name, vertebra in zip(ENDPLATES, vertebrae_of(disc.level), strict=True):
        endplate = disc.endplates[name]
        grade, mapped = endplate.modic.grade, bool(endplate.volume_mm3)
        if grade is None or corrections.keys().isdisjoint({f"{name}_endplate_modic", "modic_map"}):
            continue
        if grade == "0" and mapped:
            said.append(
                f"no change is called in {vertebra}, but the map shows one of {endplate.volume_mm3:.0f} mm³ there,"
                " and the extents are those of the map"
            )
        elif grade != "0" and not mapped:
            said.append(f"a change is called in {vertebra}, but the map shows none there, so its extents are unknown")
        elif (drawn := _drawn_type(name, corrections.get("modic_map"))) not in (None, grade):
            said.append(f"the change in {vertebra} is of type {grade}, but was drawn in the map as type {drawn}")
    return said


def _drawn_type(endplate: str, edit: Correction | None) -> str | None:
    """The type that a reader drew at an endplate; None where the map is the program's, or shows nothing."""
    if edit is None or edit.reader_value.get(endplate) == edit.machine.get(endplate):
        return None
    voxels = edit.reader_value[endplate]["voxels"]
    total = sum(voxels.values())
    return joint_type({name: count / total for name, count in voxels.items()}) if total else None


def _types(grade: str) -> set[str]:
    return set(grade.split("/")) - {"0"}

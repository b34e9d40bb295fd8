"""A reader's corrections of a report: what counts is the reader's, and what the program said is kept.

Every correction is recorded, the one that goes back to what the program said, too; only a value that counts already is
none. A report with corrections is always made anew from the program's own and the corrections, so that any of them
can be taken back. Probabilities are never corrected: they are the program's. A correction changes nothing but what it
names; where that no longer fits the rest, a quality finding says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from .anatomy import (
    DISCS_UPWARDS,
    ENDPLATE_LESIONS,
    MODIC_GRADES,
    PFIRRMANN_GRADES,
    moved_up,
    steps_up,
)
from .disagreement import DISAGREE, disagreements
from .errors import InputError
from .measurement.endplate_change import EXTENTS
from .renaming import renamed, restored
from .report import Correction, DiscReport, EndplateReport, StudyReport
from .wording import listed

GRADES: dict[str, tuple] = {
    "modic": MODIC_GRADES,
    "upper_endplate_modic": MODIC_GRADES,
    "lower_endplate_modic": MODIC_GRADES,
    "pfirrmann": PFIRRMANN_GRADES,
    "endplate_lesion": ENDPLATE_LESIONS,
    "narrowing": (0, 1),
}
"""Grades that can be corrected, by the names of `DiscReport.readings`, each with its vocabulary."""

MODIC_MAP, LOWEST_DISC = "modic_map", "lowest_disc"
"""What else can be corrected."""

MAP_EXTENTS = (*EXTENTS, "height_class", "location", "height_class_probabilities", "uncertainty")
"""Fields of `EndplateReport` that are measured in the map."""


def correct(
    report: StudyReport, level: str | None, field: str, value: Any, reader: str, when: str | None = None
) -> StudyReport:
    """A new report in which `value` counts as the grade `field` of the disc `level`.

    Parameters
    ----------
    field:
        One of `GRADES`, or "lowest_disc" (without a level), which is `renumber`.
    value:
        A grade of the field's vocabulary; None takes the grade away, as the program does where it withholds it.
    reader:
        Name or initials of who corrects.
    when:
        ISO 8601 with its offset from UTC; now, where it is left out.

    Raises
    ------
    InputError
        There is no such disc, field or grade, or the reader has no name.
    """
    if field == LOWEST_DISC:
        return renumber(report, value, reader, when)
    if field not in GRADES:
        raise InputError(f"There is no grade {field!r} to correct; give one of {', '.join(GRADES)}.")
    disc = disc_at(report, level)
    if value is not None and not any(type(value) is type(grade) and value == grade for grade in GRADES[field]):
        raise InputError(f"{value!r} is no grade of {TITLES[field]}; give one of {', '.join(map(str, GRADES[field]))}.")
    if disc.readings[field].grade == value:
        return report
    said = machine_report(report).discs[report.discs.index(disc)].readings[field].grade
    return _made(report, [*report.corrections, Correction(level, field, said, value, _name(reader), _time(when))])


def correct_map(
    report: StudyReport,
    level: str,
    machine: dict[str, Any],
    reader_value: dict[str, Any],
    reader: str,
    when: str | None = None,
) -> StudyReport:
    """A new report with the extents of an edited map at one disc.

    A later edit at the same disc takes the place of the earlier, because the map in between is not kept; one that goes
    back to the program's map removes it.

    Parameters
    ----------
    machine, reader_value:
        The program's map and the reader's, as `map_reading` gives them, by endplate ("upper", "lower").
    """
    disc_at(report, level)
    earlier = next((one for one in report.corrections if (one.level, one.field) == (level, MODIC_MAP)), None)
    if earlier is not None and earlier.reader_value == reader_value:
        return report
    others = [one for one in report.corrections if one is not earlier]
    said = machine if earlier is None else earlier.machine
    if said == reader_value:
        return _made(report, others)
    return _made(report, [*others, Correction(level, MODIC_MAP, said, reader_value, _name(reader), _time(when))])


def map_reading(extent: EndplateReport, voxels: dict[str, int]) -> dict[str, Any]:
    """What a correction of the map keeps of an endplate: its extents, and the voxels of each type."""
    return {"voxels": voxels, **{name: deepcopy(getattr(extent, name)) for name in MAP_EXTENTS}}


def renumber(report: StudyReport, lowest_disc: str, reader: str, when: str | None = None) -> StudyReport:
    """A new report in which the lowest disc in view is called `lowest_disc`, and all others are counted from it.

    Raises `InputError` where there is no such disc, or another one would have no name.
    """
    if lowest_disc not in DISCS_UPWARDS:
        raise InputError(f"There is no disc {lowest_disc!r}; give one of {', '.join(DISCS_UPWARDS)}.")
    steps = steps_up(report.numbering.lowest_disc, lowest_disc)
    if steps == 0:
        return report
    check_names([disc.level for disc in report.discs], report.numbering.lowest_disc, lowest_disc)
    said = machine_report(report)
    entry = Correction(
        level=None,
        field=LOWEST_DISC,
        machine=said.numbering.lowest_disc,
        reader_value=lowest_disc,
        reader=_name(reader),
        when=_time(when),
        replaced={
            "numbering": asdict(said.numbering),
            "quality": [asdict(finding) for finding in said.quality],
            "lordosis_deg": said.lordosis_deg,
            "uncertainty": dict(said.uncertainty),
        },
    )
    return _made(report, [*_moved(report.corrections, steps), entry])


def rename(report: StudyReport, level: str, true_level: str, reader: str, when: str | None = None) -> StudyReport:
    """A new report in which the disc `level` is called `true_level`, and all others are counted from it."""
    disc_at(report, level)
    if true_level not in DISCS_UPWARDS:
        raise InputError(f"There is no disc {true_level!r}; give one of {', '.join(DISCS_UPWARDS)}.")
    lowest = moved_up(report.numbering.lowest_disc, steps_up(level, true_level))
    if lowest is None:
        raise InputError(f"If {level} were {true_level}, the lowest disc would have no name; choose a higher level.")
    return renumber(report, lowest, reader, when)


def check_names(names: Sequence[str], lowest_disc: str, new_lowest: str) -> None:
    """Raise `InputError` where one of the discs and vertebrae in `names` would have no name with a new lowest disc."""
    nameless = [name for name in names if moved_up(name, steps_up(lowest_disc, new_lowest)) is None]
    if nameless:
        possible = [
            disc for disc in DISCS_UPWARDS if all(moved_up(name, steps_up(lowest_disc, disc)) for name in names)
        ]
        raise InputError(
            f"With {new_lowest} as the lowest disc, {listed(nameless)} would have no name;"
            f" the lowest disc can be {' or '.join(possible)}."
        )


def undo(report: StudyReport) -> StudyReport:
    """A new report without the latest correction. Raises `InputError` where there is none."""
    if not report.corrections:
        raise InputError("There is no correction to undo; correct a grade first.")
    *log, latest = report.corrections
    if latest.field == LOWEST_DISC:
        log = _moved(log, steps_up(latest.reader_value, _lowest(log) or latest.machine))
    return _made(report, log)


def machine_report(report: StudyReport) -> StudyReport:
    """A new report as the program made it."""
    said = deepcopy(report)
    for one in report.corrections:
        _put(said, one, one.machine)
    said.corrections = []
    said.quality = [finding for finding in said.quality if finding.code != DISAGREE]
    first = next((one for one in report.corrections if one.field == LOWEST_DISC), None)
    return said if first is None else restored(said, first)


def standing(report: StudyReport) -> list[Correction]:
    """The corrections that count: the latest of each grade, map and numbering, unless it is what the program said."""
    latest = {(one.level, one.field): one for one in report.corrections}
    return [one for one in latest.values() if one.reader_value != one.machine]


def standing_at(report: StudyReport, level: str | None) -> dict[str, Correction]:
    """The corrections that count at a disc, or with None those of the whole study, by field."""
    return {one.field: one for one in standing(report) if one.level == level}


def disc_at(report: StudyReport, level: str | None) -> DiscReport:
    """The disc of that name. Raises `InputError` where the report has none."""
    for disc in report.discs:
        if disc.level == level:
            return disc
    known = ", ".join(disc.level for disc in report.discs) or "none, because no disc was graded"
    raise InputError(f"The report has no disc {level!r}; give one of: {known}.")


TITLES = {
    "modic": "Modic type",
    "upper_endplate_modic": "Modic type at the upper endplate",
    "lower_endplate_modic": "Modic type at the lower endplate",
    "pfirrmann": "Pfirrmann grade",
    "endplate_lesion": "endplate lesion",
    "narrowing": "narrowing",
    MODIC_MAP: "Modic map",
    LOWEST_DISC: "lowest disc",
}
"""What a reader sees the fields called."""


def words(field: str, value: Any) -> str:
    """What the program or a reader said of a field, for people."""
    if value is None:
        return "withheld"
    if field == MODIC_MAP:
        return ", ".join(f"{name} {one['volume_mm3'] or 0:.0f} mm³" for name, one in value.items())
    if field == "narrowing":
        return "yes" if value else "no"
    return str(value).replace("_", " ")


def describe(correction: Correction) -> str:
    """A correction in one line: "L4/L5 Pfirrmann grade: 4 → 3 (AB, 2026-01-31 09:30 UTC)"."""
    what = " ".join(filter(None, (correction.level, TITLES[correction.field])))
    said, says = (words(correction.field, value) for value in (correction.machine, correction.reader_value))
    return f"{what}: {said} → {says} ({correction.reader}, {minute(correction)})"


def minute(correction: Correction) -> str:
    """When a correction was made, to the minute."""
    return f"{datetime.fromisoformat(correction.when):%Y-%m-%d %H:%M} UTC"


def _made(report: StudyReport, log: list[Correction]) -> StudyReport:
    """The program's own report with these corrections, whose levels are the names that count with them."""
    made = renamed(machine_report(report), _lowest(log))
    for one in log:
        _put(made, one, one.reader_value)
    made.corrections = log
    made.quality = [*made.quality, *disagreements(made, standing(made))]
    return made


def _put(report: StudyReport, correction: Correction, value: Any) -> None:
    if correction.field == LOWEST_DISC:
        return
    disc = disc_at(report, correction.level)
    if correction.field != MODIC_MAP:
        disc.readings[correction.field].grade = value
        return
    for name, reading in value.items():
        for extent in MAP_EXTENTS:
            setattr(disc.endplates[name], extent, deepcopy(reading[extent]))


def _lowest(log: list[Correction]) -> str | None:
    """What the reader called the lowest disc last."""
    return next((one.reader_value for one in reversed(log) if one.field == LOWEST_DISC), None)


def _moved(log: list[Correction], steps: int) -> list[Correction]:
    return [one if one.level is None else replace(one, level=moved_up(one.level, steps)) for one in log]


def _name(reader: str) -> str:
    if not reader.strip():
        raise InputError("A correction needs the name or the initials of its reader; fill them in.")
    return reader.strip()


def _time(when: str | None) -> str:
    try:
        time = datetime.now(UTC) if when is None else datetime.fromisoformat(when)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InputError(f"{when!r} is no time of a correction; give ISO 8601 with its offset from UTC.")
    return time.astimezone(UTC).isoformat(timespec="seconds")

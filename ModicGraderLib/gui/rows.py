"""What a row of the results table says of a disc. No Qt in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..anatomy import ENDPLATES, MODIC_TYPES, vertebrae_of
from ..corrections import describe, standing_at
from ..report import DiscReport, EndplateReport, ModicReading, StudyReport
from ..terminology import MODIC_CHANGES
from ..wording import NOTHING, percent

COLUMNS = ("Level", "Upper", "Lower", "Pfirrmann", "Narrowing", "Lesion", "Extent", "Doubt")
"""The columns. `Upper` is the endplate above the disc, `Lower` the one below."""

NO_CHANGE_COLOR = (205, 225, 205)
"""Of the part of a bar that speaks for no change."""

TYPE_COLORS = {structure.name.removeprefix("Modic "): structure.color for structure in MODIC_CHANGES}
"""RGB of each Modic type, the same as in the map."""

CORRECTED, IN_DOUBT = "\u270e", "?"
"""Marks of a grade that a reader gave, and of one that is shown although it is in doubt."""

LESION_WORDS = {
    "normal": "normal", "wavy_irregular": "wavy", "notched": "notched", "schmorl_node": "Schmorl node",
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """Shares (summing to 1) of a bar, each with its RGB color, from left to right."""

    parts: tuple[tuple[tuple[int, int, int], float], ...]


@dataclass(frozen=True)
class Cell:
    """One cell: its text, what it says when the mouse rests on it, a bar of probabilities, a color behind the text."""

    text: str
    tip: str = ""
    bar: Bar | None = None
    color: tuple[int, int, int] | None = None


def rows(report: StudyReport, *, doubtful: bool = False) -> list[dict[str, Cell]]:
    """One row a disc, head to foot, by the titles in `COLUMNS`.

    `doubtful` shows the likeliest grade, marked `IN_DOUBT`, where the program withholds one.
    """
    return [_row(disc, report, doubtful) for disc in report.discs]


def _row(disc: DiscReport, report: StudyReport, doubtful: bool) -> dict[str, Cell]:
    above, below = vertebrae_of(disc.level)
    narrowing = {"0": 1 - (disc.narrowing.present or 0.0), "1": disc.narrowing.present or 0.0}
    words = {"0": "no", "1": "yes"}

    def grade(field: str, value: object, chances: Mapping[str, float], say: Mapping[str, str] | None = None) -> Cell:
        return _grade(report, disc, field, value, chances, doubtful, say or {})

    return {
        "Level": Cell(disc.level, f"found with a confidence of {percent(disc.confidence)}"),
        "Upper": _modic(report, disc, "upper", f"{above}, lower endplate", doubtful),
        "Lower": _modic(report, disc, "lower", f"{below}, upper endplate", doubtful),
        "Pfirrmann": grade("pfirrmann", disc.pfirrmann.grade, disc.pfirrmann.probabilities),
        "Narrowing": grade("narrowing", disc.narrowing.grade, narrowing, words),
        "Lesion": grade(
            "endplate_lesion", disc.endplate_lesion.grade, disc.endplate_lesion.probabilities, LESION_WORDS
        ),
        "Extent": _extent(disc),
        "Doubt": _doubt(disc),
    }


def _modic(report: StudyReport, disc: DiscReport, name: str, where: str, doubtful: bool) -> Cell:
    reading = disc.endplates[name].modic
    cell = _grade(report, disc, f"{name}_endplate_modic", reading.grade, reading.probabilities, doubtful, {})
    # A mixed grade takes the color of its first type.
    color = TYPE_COLORS.get(cell.text.strip(f" {CORRECTED}{IN_DOUBT}").split("/")[0])
    return Cell(cell.text, f"{where}\n{cell.tip}", _bar(reading), color)


def _bar(reading: ModicReading) -> Bar | None:
    colors = {"0": NO_CHANGE_COLOR, **TYPE_COLORS}
    total = sum(reading.probabilities.get(name, 0.0) for name in MODIC_TYPES)
    if not total:
        return None
    return Bar(tuple((colors[name], reading.probabilities.get(name, 0.0) / total) for name in MODIC_TYPES))


def _grade(
    report: StudyReport,
    disc: DiscReport,
    field: str,
    value: object,
    chances: Mapping[str, float],
    doubtful: bool,
    words: Mapping[str, str],
) -> Cell:
    """The grade as it counts; the tip tells its probabilities, why it is withheld, or what the machine had said."""
    tips = [", ".join(f"{words.get(name, name)} {percent(chance)}" for name, chance in chances.items())]
    tips += [one["reason"] for one in disc.abstained if one["grade"] == field]
    correction = standing_at(report, disc.level).get(field)
    if correction:
        tips.append(describe(correction))
    text = NOTHING if value is None else words.get(str(value), str(value))
    if value is None and doubtful and chances:
        likeliest = max(chances, key=chances.__getitem__)
        text = f"{words.get(likeliest, likeliest)}{IN_DOUBT}"
    return Cell(f"{text} {CORRECTED}" if correction else text, "\n".join(filter(None, tips)))


def _extent(disc: DiscReport) -> Cell:
    """Height classes of the changes at the upper and at the lower endplate."""
    measured = [(name, disc.endplates[name]) for name in ENDPLATES if disc.endplates[name].height_percent]
    if not measured:
        return Cell(NOTHING)
    classes = {name: one.height_class for name, one in measured}
    return Cell(
        " / ".join(classes.get(name) or NOTHING for name in ENDPLATES),
        "\n".join(_measures(name, one) for name, one in measured),
    )


def _measures(name: str, endplate: EndplateReport) -> str:
    parts = [f"height {endplate.height_percent:.0f} % of the vertebra (class {endplate.height_class})"]
    if endplate.area_percent is not None:
        parts.append(f"{endplate.area_percent:.0f} % of the endplate's area")
    if endplate.volume_mm3 is not None:
        parts.append(f"{endplate.volume_mm3:.0f} mm³")
    return f"{name}: {', '.join(parts)}"


def _doubt(disc: DiscReport) -> Cell:
    """How many grades are withheld; the tip says which, and why."""
    reasons = [f"{one['grade'].replace('_', ' ')}: {one['reason']}" for one in disc.abstained]
    return Cell(str(len(reasons)) if reasons else NOTHING, "\n".join(reasons))

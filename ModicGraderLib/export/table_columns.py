"""The columns of `levels.csv` and `endplates.csv`: what each holds, its unit and values, and when it is empty.

Programs read the same as Table Schema (https://specs.frictionlessdata.io/table-schema/) in `Resources/Schemas`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..anatomy import (
    CORNERS,
    DISCS_UPWARDS,
    ENDPLATE_LESIONS,
    ENDPLATES,
    MODIC_GRADES,
    MODIC_TYPES,
    PFIRRMANN_GRADES,
    VERTEBRAE_UPWARDS,
)
from ..measurement.disc_geometry import DISC_MEASURES
from ..measurement.endplate_change import EXTENTS
from .report_schema import can_be_null, described, unit_of

WITHHELD = "the grade is withheld"
NOT_COMPUTED = "it was not computed"
NOT_MEASURABLE = "it could not be measured"
NO_CHANGE = "no change was measured here"
NOT_CORRECTED = "no reader corrected it"
MODIC = "Modic type (Modic 1988), mixed types too (Fayad 2009); `0` is no change."
SIGNED = ("angle_deg", "listhesis_mm")
"""Measures that can be negative."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    type:
        As Table Schema calls it. What is a string must be read as one: "0" is a Modic type.
    meaning:
        A sentence for people.
    unit:
        UCUM; None where there is none.
    values:
        All it can hold, in their order; empty where it is no vocabulary.
    minimum, maximum:
        Of numbers; None where there is no bound.
    empty:
        When a field is empty; None where none is.
    """

    name: str
    type: Literal["string", "integer", "number"]
    meaning: str
    unit: str | None = None
    values: tuple[str | int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    empty: str | None = None


def table_schema(name: str, columns: Sequence[Column], key: Sequence[str], about: str) -> dict[str, Any]:
    """The columns of a table as Table Schema; `key` names the columns that tell its rows apart."""
    return {
        "$schema": "https://specs.frictionlessdata.io/schemas/table-schema.json",
        "name": name,
        "description": about,
        "fields": [_field(column) for column in columns],
        "missingValues": [""],
        "primaryKey": list(key),
    }


def _field(column: Column) -> dict[str, Any]:
    bounds = {"enum": list(column.values), "minimum": column.minimum, "maximum": column.maximum}
    constraints = {
        "required": column.empty is None,
        **{key: one for key, one in bounds.items() if one not in (None, [])},
    }
    empty = f" Empty where {column.empty}." if column.empty else ""
    field = {"name": column.name, "type": column.type, "description": f"{column.meaning}{empty}"}
    return {**field, **({"unit": column.unit} if column.unit else {}), "constraints": constraints}


def _probability(name: str, meaning: str, empty: str | None = NOT_COMPUTED) -> Column:
    return Column(name, "number", meaning, "1", minimum=0, maximum=1, empty=empty)


def _probabilities(name: str, grades: Iterable[str | int], what: str, empty: str = NOT_COMPUTED) -> list[Column]:
    return [
        _probability(f"{name}_{grade}_probability", f"Calibrated probability of {what.format(grade)}.", empty)
        for grade in grades
    ]


def _modic() -> list[Column]:
    return [
        Column("modic", "string", MODIC, values=MODIC_GRADES, empty=WITHHELD),
        _probability("modic_any_probability", "Calibrated probability of any Modic change."),
        *_probabilities("modic", MODIC_TYPES, "Modic type {}; a mixed type is shared among its parts"),
    ]


def _measures(names: Iterable[str], definition: str, empty: str) -> list[Column]:
    columns = []
    for name in names:
        unit, least = unit_of(name), None if name in SIGNED else 0
        when = empty if can_be_null(name, definition) else None
        columns += [
            Column(name, "number", described(name, definition), unit, minimum=least, empty=when),
            Column(
                f"{name}_uncertainty",
                "number",
                f"Half width of the 95 % interval of `{name}`.",
                unit,
                minimum=0,
                empty="no uncertainty was computed",
            ),
        ]
    return columns


def _point(name: str, what: str) -> list[Column]:
    towards = {"l": "left", "p": "back", "s": "head"}
    return [
        Column(f"{name}_{axis}_mm", "number", f"{what}: coordinate towards the patient's {side} (LPS).", "mm")
        for axis, side in towards.items()
    ]


def _machine(column: Column) -> Column:
    return replace(
        column,
        name=f"{column.name}_machine",
        meaning=f"What the program said of `{column.name}`; the same where no reader corrected it.",
        empty=column.empty and column.empty.replace("the grade is withheld", "the program withheld the grade"),
    )


def _who(name: str, what: str) -> list[Column]:
    return [
        Column(f"{name}_corrected_by", "string", f"Reader who corrected {what}.", empty=NOT_CORRECTED),
        Column(f"{name}_corrected_at", "string", f"When {what} was corrected: ISO 8601, UTC.", empty=NOT_CORRECTED),
    ]


_LEVEL = Column("level", "string", "The disc, by the vertebrae above and below it.", values=DISCS_UPWARDS[::-1])

_DISC_GRADES = {
    "pfirrmann": Column(
        "pfirrmann", "integer", "Pfirrmann grade (Pfirrmann 2001).", values=PFIRRMANN_GRADES, empty=WITHHELD
    ),
    "endplate_lesion": Column(
        "endplate_lesion",
        "string",
        "The worse of both endplates (Bassani 2023).",
        values=ENDPLATE_LESIONS,
        empty=WITHHELD,
    ),
    "narrowing": Column(
        "narrowing", "integer", "Loss of disc height: 0 none, 1 narrowed.", values=(0, 1), empty=WITHHELD
    ),
}

LEVEL_COLUMNS: tuple[Column, ...] = (
    _LEVEL,
    _probability("confidence", described("confidence", "disc"), empty=None),
    *_modic(),
    _DISC_GRADES["pfirrmann"],
    *_probabilities("pfirrmann", PFIRRMANN_GRADES, "Pfirrmann grade {}"),
    _DISC_GRADES["endplate_lesion"],
    *_probabilities("endplate_lesion", ENDPLATE_LESIONS, "`{}`"),
    _DISC_GRADES["narrowing"],
    _probability("narrowing_probability", "Calibrated probability that the disc is narrowed."),
    _probability("herniation_probability", "Calibrated probability of a herniation."),
    _probability("bulging_probability", "Calibrated probability of a bulging disc."),
    _probability("spondylolisthesis_probability", "Calibrated probability of a spondylolisthesis."),
    *_measures(DISC_MEASURES, "disc", NOT_MEASURABLE),
    *_point("center", "Center of the disc"),
    *(column for name in CORNERS for column in _point(name, f"The disc's {name.replace('_', ' ')} corner")),
    Column(
        "abstained",
        "string",
        "Every grade that the program withheld, and why: `grade: reason`, parted by `; `, which no reason holds.",
        empty="no grade is withheld",
    ),
    _machine(_LEVEL),
    *_who("level", "the numbering of the levels"),
    *(
        column
        for name, one in {"modic": _modic()[0], **_DISC_GRADES}.items()
        for column in (_machine(one), *_who(name, f"`{name}`"))
    ),
)
"""`levels.csv`: one row a disc, head to foot."""

_HEIGHT_CLASS = Column(
    "height_class", "string", described("height_class", "endplate"), values=("A", "B", "C"), empty=NO_CHANGE
)

ENDPLATE_COLUMNS: tuple[Column, ...] = (
    _LEVEL,
    Column(
        "endplate",
        "string",
        "`upper` is the endplate above the disc, the inferior one of the vertebra above; `lower` the one below.",
        values=ENDPLATES,
    ),
    Column("vertebra", "string", "The vertebra to which the endplate belongs.", values=VERTEBRAE_UPWARDS[::-1]),
    *_modic(),
    _probability("endplate_change_probability", "Calibrated probability of a change of the endplate."),
    _probability("marrow_change_probability", "Calibrated probability of a change of the marrow at the endplate."),
    _HEIGHT_CLASS,
    *_probabilities("height_class", "ABC", "height class {}", NO_CHANGE),
    Column(
        "location",
        "string",
        "Thirds of the endplate that the change takes: `anterior`, `central`, `posterior`, parted by blanks.",
        empty=NO_CHANGE,
    ),
    *_measures(EXTENTS, "endplate", NO_CHANGE),
    _machine(_modic()[0]),
    *_who("modic", "`modic`"),
    *(_machine(Column(name, "number", "", unit_of(name), minimum=0, empty=NO_CHANGE)) for name in EXTENTS),
    _machine(_HEIGHT_CLASS),
    *_who("map", "the Modic map at this endplate"),
)
"""`endplates.csv`: one row an endplate, head to foot."""

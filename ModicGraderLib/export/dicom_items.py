"""Content items of a structured report: numbers with their uncertainty, grades with what a reader corrected of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..report import Correction
from ..terminology import Code
from .dicom_codes import (
    ABSENT,
    ENDPLATE_LESION,
    ENDPLATE_LESION_VALUES,
    MACHINE_ANSWER,
    MACHINE_NUMBER,
    MODIC,
    MODIC_VALUES,
    NARROWING,
    PFIRRMANN,
    PFIRRMANN_VALUES,
    PRESENT,
    UNCERTAINTY,
    WHY_WITHHELD,
    WITHHELD,
    Measure,
)

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, ContentItem, Measurement, QualitativeEvaluation

GRADES: dict[str, tuple[Code, Mapping[Any, Code]]] = {
    "modic": (MODIC, MODIC_VALUES),
    "pfirrmann": (PFIRRMANN, PFIRRMANN_VALUES),
    "endplate_lesion": (ENDPLATE_LESION, ENDPLATE_LESION_VALUES),
    "narrowing": (NARROWING, {0: ABSENT, 1: PRESENT}),
}
"""How each grade of `DiscReport.readings` is coded; that of an endplate is a "modic"."""

LONGEST_NAME = 63
"""Characters that a person's name may have in DICOM, without the caret that ends the family name."""


def concept(code: Code) -> CodedConcept:
    """A code as highdicom has it."""
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)


def number(measure: Measure, value: float, uncertainty: float | None = None) -> Measurement:
    """A measured number; `uncertainty` is half the width of its 95 % interval."""
    from highdicom.sr import Measurement

    made = Measurement(concept(measure.code), float(value), concept(measure.unit))
    if uncertainty is not None:
        add(made[0], _number_item(UNCERTAINTY, uncertainty, measure.unit))
    return made


def numbers(measures: tuple[Measure, ...], report: Any) -> list[Measurement]:
    """The measures that a report (of a study, disc or endplate) gives, with their uncertainty where it has one."""
    uncertainty = getattr(report, "uncertainty", {})
    return [
        number(one, getattr(report, one.field), uncertainty.get(one.field))
        for one in measures
        if getattr(report, one.field) is not None
    ]


def probabilities(measures: Mapping[str, Measure], given: Mapping[str, float]) -> list[Measurement]:
    """The probability of each grade."""
    return [number(measures[name], value) for name, value in given.items()]


def evaluation(name: Code, value: Code) -> QualitativeEvaluation:
    """A coded answer to a coded question."""
    from highdicom.sr import QualitativeEvaluation

    return QualitativeEvaluation(concept(name), concept(value))


def grade(kind: str, value: Any, reason: str | None = None, by: Correction | None = None) -> QualitativeEvaluation:
    """A grade of one of the `GRADES`.

    Parameters
    ----------
    value:
        The grade that counts; None where it is withheld.
    reason:
        Why the program withheld it, if it did.
    by:
        The correction through which it counts, if there is one.
    """
    name, codes = GRADES[kind]
    made = evaluation(name, codes.get(value, WITHHELD))
    if reason is not None:
        add(made[0], text_item(WHY_WITHHELD, reason))
    if by is not None:
        corrected(made[0], by, code_item(MACHINE_ANSWER, codes.get(by.machine, WITHHELD)))
    return made


def corrected(item: ContentItem, by: Correction, machine: ContentItem) -> None:
    """Say of an item who corrected it and when, and what the program had said."""
    from highdicom.sr import CodeContentItem, PnameContentItem, RelationshipTypeValues
    from pydicom.sr.codedict import codes

    context = RelationshipTypeValues.HAS_OBS_CONTEXT
    item.ObservationDateTime = f"{datetime.fromisoformat(by.when):%Y%m%d%H%M%S%z}"
    add(item, CodeContentItem(codes.DCM.ObserverType, codes.DCM.Person, context))
    add(item, PnameContentItem(codes.DCM.PersonObserverName, person_name(by.reader), context))
    add(item, machine)


def machine_number(measurement: Measurement, measure: Measure, value: float | None, by: Correction) -> None:
    """Say of a number that it was measured in a map that a reader edited, and what the program's own map gave."""
    if value is not None:
        corrected(measurement[0], by, _number_item(MACHINE_NUMBER, value, measure.unit))


def person_name(reader: str) -> str:
    """A reader's name as a family name of DICOM; what parts names there, or is not printed, becomes a space."""
    plain = "".join(" " if one in "\\^=" or not one.isprintable() else one for one in reader)
    return f"{' '.join(plain.split())[:LONGEST_NAME]}^"


def text_item(name: Code, text: str) -> ContentItem:
    """A property in words."""
    from highdicom.sr import RelationshipTypeValues, TextContentItem

    return TextContentItem(concept(name), text, RelationshipTypeValues.HAS_PROPERTIES)


def code_item(name: Code, value: Code) -> ContentItem:
    """A coded property."""
    from highdicom.sr import CodeContentItem, RelationshipTypeValues

    return CodeContentItem(concept(name), concept(value), RelationshipTypeValues.HAS_PROPERTIES)


def add(parent: ContentItem, child: ContentItem) -> None:
    """Put an item under another one."""
    from highdicom.sr import ContentSequence

    if "ContentSequence" not in parent:
        parent.ContentSequence = ContentSequence()
    parent.ContentSequence.append(child)


def _number_item(name: Code, value: float, unit: Code) -> ContentItem:
    from highdicom.sr import NumContentItem, RelationshipTypeValues

    return NumContentItem(
        concept(name), float(value), concept(unit), relationship_type=RelationshipTypeValues.HAS_PROPERTIES
    )

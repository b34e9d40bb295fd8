"""The codes of DICOM results: standard ones where DICOM has them, and the private scheme 99MODICGRADER.

SNOMED CT, DCM and UCUM codes are those of DICOM PS3.16. What has none is coded in the private scheme; docs/dicom.md
lists it, and a code that was once written never changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..anatomy import ENDPLATE_LESIONS, MODIC_GRADES, MODIC_TYPES, PFIRRMANN_GRADES, endplate_side
from ..terminology import VERTEBRA_CODES, Code

SCHEME = "99MODICGRADER"
"""Designator of the private coding scheme; DICOM lets those begin with 99."""


OWN_CODES: list[Code] = []
"""Every code of the private scheme, in the order of this file: the table of docs/dicom.md."""


def _own(value: str, meaning: str) -> Code:
    OWN_CODES.append(Code(value, meaning, SCHEME))
    return OWN_CODES[-1]


MILLIMETER = Code("mm", "mm", "UCUM")
CUBIC_MILLIMETER = Code("mm3", "cubic millimeter", "UCUM")
DEGREE = Code("deg", "Degree", "UCUM")
PERCENT = Code("%", "Percent", "UCUM")
NO_UNIT = Code("1", "no units", "UCUM")
"""Of probabilities, from 0 to 1, and of ratios."""

SUPERIOR, INFERIOR = Code("264217000", "Superior"), Code("261089000", "Inferior")
ENDPLATE_SIDES = {"upper": INFERIOR, "lower": SUPERIOR}
"""Where on its vertebra an endplate of a disc lies: the upper one is the inferior endplate of the vertebra above."""

UNCERTAINTY = Code("371884006", "+/-, range of measurement uncertainty")
"""Half the width of the 95 % interval (DICOM CID 225)."""

VOLUME = Code("118565006", "Volume")
SUMMARY = Code("121111", "Summary", "DCM")
QUALITY_FINDING = Code("111052", "Quality Finding", "DCM")
QUALITATIVE_EVALUATIONS = Code("C0034375", "Qualitative Evaluations", "UMLS")
"""Container of what no measurement group holds (DICOM TID 1500)."""

SITE = Code("363698007", "Finding Site")
ABSENT, PRESENT = Code("272519000", "Absent"), Code("52101004", "Present")
YES, NO = Code("373066001", "Yes"), Code("373067005", "No")
LOCATIONS = {
    "anterior": Code("255549009", "Anterior"),
    "central": Code("26216008", "Central"),
    "posterior": Code("255551008", "Posterior"),
}

ENDPLATE = _own("ENDPLATE", "Vertebral endplate and the marrow beside it")
MODIC = _own("MODIC", "Modic type")
PFIRRMANN = _own("PFIRRMANN", "Pfirrmann grade")
ENDPLATE_LESION = _own("LESION", "Endplate lesion")
NARROWING = _own("NARROWING", "Disc space narrowing")
HEIGHT_CLASS = _own("HEIGHT_CLASS", "Height class of a Modic change")
LOCATION = _own("LOCATION", "Third of the endplate that a Modic change takes")
LOCATION_MACHINE = _own("LOCATION_AUTO", "Third of the endplate taken, as the program mapped it")
LOWEST_DISC = _own("LOWEST_DISC", "Lowest disc in view")
NUMBERED_BY = _own("NUMBERED_BY", "Who named the lowest disc")
TRANSITIONAL = _own("TRANSITIONAL", "Transitional vertebra suspected")
MACHINE_ANSWER = _own("AUTO_ANSWER", "Answer of the program, which a reader corrected")
MACHINE_NUMBER = _own("AUTO_NUMBER", "Measured in the program's own map, which a reader edited")
NOT_MEASURED = _own("NOT_MEASURED", "Not measured")
WITHHELD = _own("WITHHELD", "Withheld")
WHY_WITHHELD = _own("WHY_WITHHELD", "Why a grade is withheld")
SEVERITY = _own("SEVERITY", "Severity of a quality finding")
QUALITY_CODE = _own("QUALITY_CODE", "Code of a quality finding")

MODIC_VALUES = {
    grade: _own(f"MODIC_{grade.replace('/', '_')}", "No Modic change" if grade == "0" else f"Modic type {grade}")
    for grade in MODIC_GRADES
}
PFIRRMANN_VALUES = {grade: _own(f"PFIRRMANN_{grade}", f"Pfirrmann grade {grade}") for grade in PFIRRMANN_GRADES}
_LESION_WORDS = ("normal endplates", "wavy or irregular endplate", "notched endplate", "Schmorl's node")
_LESIONS = {
    name: (value, words)
    for name, value, words in zip(ENDPLATE_LESIONS, ("NONE", "WAVY", "NOTCHED", "SCHMORL"), _LESION_WORDS, strict=True)
}
ENDPLATE_LESION_VALUES = {
    name: _own(f"LESION_{value}", words[0].upper() + words[1:]) for name, (value, words) in _LESIONS.items()
}
HEIGHT_CLASS_VALUES = {
    "A": _own("HEIGHT_A", "Below 25 % of the vertebral height"),
    "B": _own("HEIGHT_B", "25 to 50 % of the vertebral height"),
    "C": _own("HEIGHT_C", "Above 50 % of the vertebral height"),
}
NUMBERED_BY_VALUES = {"model": _own("BY_PROGRAM", "The program"), "user": _own("BY_USER", "A user")}
SEVERITY_VALUES = {name: _own(f"SEVERITY_{name.upper()}", name.capitalize()) for name in ("info", "warning", "error")}


@dataclass(frozen=True)
class Measure:
    """A number of the report: what it is called there, its code and its unit."""

    field: str
    code: Code
    unit: Code


def _probability(field: str, value: str, of: str) -> Measure:
    return Measure(field, _own(value, f"Probability of {of}"), NO_UNIT)


STUDY_MEASURES = (Measure("lordosis_deg", _own("LORDOSIS", "Lumbar lordosis, L1 to S1"), DEGREE),)
NUMBERING_CONFIDENCE = Measure("confidence", _own("NUMBERING_CONF", "Confidence in the names of the levels"), NO_UNIT)

DISC_MEASURES = (
    Measure("confidence", _own("DISC_CONF", "Confidence that a disc is here"), NO_UNIT),
    Measure("width_mm", Code("103355008", "Width"), MILLIMETER),
    Measure("height_mm", Code("121207", "Height", "DCM"), MILLIMETER),
    Measure("height_index", _own("HEIGHT_INDEX", "Disc height index"), NO_UNIT),
    Measure("anterior_height_mm", _own("HEIGHT_ANT", "Anterior disc height"), MILLIMETER),
    Measure("posterior_height_mm", _own("HEIGHT_POST", "Posterior disc height"), MILLIMETER),
    Measure("angle_deg", _own("DISC_ANGLE", "Angle between the endplates of a disc"), DEGREE),
    Measure("listhesis_mm", _own("LISTHESIS_MM", "How far the vertebra above stands forward"), MILLIMETER),
    _probability("herniation", "P_HERNIATION", "herniation"),
    _probability("bulging", "P_BULGING", "bulging"),
    _probability("spondylolisthesis", "P_LISTHESIS", "spondylolisthesis"),
)
"""Numbers of a `report.DiscReport`."""

ENDPLATE_MEASURES = (
    _probability("endplate_change", "P_ENDPLATE", "a change of the endplate"),
    _probability("marrow_change", "P_MARROW", "a change of the marrow"),
    Measure("height_percent", _own("CHANGE_HEIGHT", "Height of a Modic change in % of the vertebra"), PERCENT),
    Measure(
        "anteroposterior_percent",
        _own("CHANGE_AP", "Anteroposterior extent of a Modic change in % of the endplate"),
        PERCENT,
    ),
    Measure("area_percent", _own("CHANGE_AREA", "Area of a Modic change in % of the endplate"), PERCENT),
    Measure("volume_mm3", VOLUME, CUBIC_MILLIMETER),
    Measure("volume_percent", _own("CHANGE_VOLUME", "Volume of a Modic change in % of the vertebral body"), PERCENT),
)
"""Numbers of a `report.EndplateReport`."""

ANY_CHANGE = _probability("any_change", "P_MODIC_ANY", "any Modic change")
NARROWED = _probability("present", "P_NARROWING", "disc space narrowing")
MODIC_PROBABILITIES = {
    type_: _probability(type_, f"P_MODIC_{type_}", "no Modic change" if type_ == "0" else f"Modic type {type_}")
    for type_ in MODIC_TYPES
}
PFIRRMANN_PROBABILITIES = {
    str(grade): _probability(str(grade), f"P_PFIRRMANN_{grade}", f"Pfirrmann grade {grade}")
    for grade in PFIRRMANN_GRADES
}
ENDPLATE_LESION_PROBABILITIES = {
    name: _probability(name, f"P_LESION_{value}", words) for name, (value, words) in _LESIONS.items()
}
HEIGHT_CLASS_PROBABILITIES = {
    name: _probability(name, f"P_{code.value}", f"height class {name}") for name, code in HEIGHT_CLASS_VALUES.items()
}


def endplate_name(level: str, endplate: str) -> tuple[str, Code, Code]:
    """What an endplate of a disc is called, its vertebra and its side.

    Example
    -------
    >>> endplate_name("L4/L5", "upper")[0]
    'L4 inferior endplate'
    """
    vertebra, side = endplate_side(level, endplate)
    return f"{vertebra} {side} endplate", VERTEBRA_CODES[vertebra], ENDPLATE_SIDES[endplate]

"""The code system of the FHIR export: what has no published code gets one of ours.

Neither SNOMED CT nor LOINC is known to us to name Modic types, Pfirrmann grades or what else is found at a disc, so
these have codes of our own (`Resources/Schemas/modicgrader-codes-1.fhir.json`). Discs and vertebrae have their SNOMED
CT codes (`terminology`), the kind of examination its LOINC code; units are UCUM.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ..anatomy import ENDPLATE_LESIONS, ENDPLATES, MODIC_GRADES, PFIRRMANN_GRADES, VERTEBRAE_UPWARDS, vertebrae_of
from ..measurement.endplate_change import THIRDS
from ..terminology import DISC_CODES, VERTEBRA_CODES, Code
from .impression import LESIONS
from .report_schema import described, unit_of

Json = dict[str, Any]

CODES = "https://github.com/ModicGrader/SlicerModicGrader/CodeSystem/modicgrader-codes-1"
"""Names the code system. A code keeps its meaning for ever; new ones may come."""
QUALITY_CODES = "https://github.com/ModicGrader/SlicerModicGrader/CodeSystem/modicgrader-quality-1"
"""Names the system of the codes of quality findings, which are those of `report.json`."""

SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
_HL7 = "http://terminology.hl7.org/CodeSystem"
LUMBAR_MR = {"system": LOINC, "code": "24968-0", "display": "MR Lumbar spine"}
IMAGING = {"system": f"{_HL7}/observation-category", "code": "imaging", "display": "Imaging"}
RADIOLOGY = {"system": f"{_HL7}/v2-0074", "code": "RAD", "display": "Radiology"}
UNKNOWN = {"system": f"{_HL7}/data-absent-reason", "code": "unknown", "display": "Unknown"}
UPDATE = {"system": f"{_HL7}/v3-DataOperation", "code": "UPDATE", "display": "revise"}
AUTHOR = {"system": f"{_HL7}/provenance-participant-type", "code": "author", "display": "Author"}
POSITIVE = {"system": f"{_HL7}/v3-ObservationInterpretation", "code": "POS", "display": "Positive"}
NEGATIVE = {"system": f"{_HL7}/v3-ObservationInterpretation", "code": "NEG", "display": "Negative"}

MEASURES = {
    "lordosis_deg": (None, "Lumbar lordosis"),
    "width_mm": ("disc", "Anteroposterior extent of the disc"),
    "height_mm": ("disc", "Disc height"),
    "anterior_height_mm": ("disc", "Anterior disc height"),
    "posterior_height_mm": ("disc", "Posterior disc height"),
    "height_index": ("disc", "Disc height index"),
    "angle_deg": ("disc", "Disc angle"),
    "listhesis_mm": ("disc", "Listhesis"),
    "height_percent": ("endplate", "Height of the Modic change"),
    "anteroposterior_percent": ("endplate", "Anteroposterior extent of the Modic change"),
    "area_percent": ("endplate", "Endplate area of the Modic change"),
    "volume_mm3": ("endplate", "Volume of the Modic change"),
    "volume_percent": ("endplate", "Relative volume of the Modic change"),
}
"""Measures of the report: which definition of its schema describes them, and what they are called."""

FINDINGS = {
    "disc": ("Intervertebral disc", "Groups what was found at one disc."),
    "endplate": ("Vertebral endplate", "Groups what was found at one endplate of a disc."),
    "quality-finding": ("Quality finding", "Something that a reader should see before the grades."),
    "severity": ("Severity of a quality finding", "Whether it informs, warns, or tells of an error."),
    "lowest-disc": ("Lowest disc in view", "The disc from which all others are counted."),
    "numbering-source": ("Source of the numbering", "Whether the program (model) or its user named the lowest disc."),
    "transitional-vertebra": ("Transitional vertebra suspected", "Whether the count from the sacrum is ambiguous."),
    "modic": ("Modic type", "Type of the Modic change (Modic 1988; mixed types: Fayad 2009)."),
    "pfirrmann": ("Pfirrmann grade", "Disc degeneration (Pfirrmann 2001)."),
    "endplate-lesion": ("Endplate lesion", "Lesion of the endplates of a disc (Bassani 2023)."),
    "narrowing": ("Narrowed disc", "Whether the disc lost height."),
    "height-class": (
        "Height class of the Modic change",
        "In vertebral heights: A < 25 %, B to 50 %, C above (Udby 2022).",
    ),
    "location": ("Location of the Modic change", "Which thirds of the endplate it takes."),
    "machine": ("What the program said", "Before a reader corrected it; absent where the program withheld it."),
    "half-width-95": ("Half width of the 95 % interval", "Uncertainty of a measure, in its unit."),
}
"""What an observation, or a component of one, tells."""

VALUES: dict[str, tuple[tuple, str]] = {
    "modic": (MODIC_GRADES, "Modic type {}"),
    "pfirrmann": (PFIRRMANN_GRADES, "Pfirrmann grade {}"),
    "endplate-lesion": (ENDPLATE_LESIONS, "Endplate lesion: {}"),
    "height-class": (("A", "B", "C"), "Height class {}"),
    "location": (tuple(THIRDS), "{} third"),
    "severity": (("info", "warning", "error"), "Severity: {}"),
    "numbering-source": (("model", "user"), "Numbered by: {}"),
}
"""The vocabulary of each finding that has one, and what its values are called."""

GRADED = ("modic", "pfirrmann", "endplate-lesion", "height-class")
"""Findings whose values have probabilities."""

PROBABILITIES = {
    "numbering": "the lowest disc bears this name",
    "disc": "there is a disc",
    "modic-any": "any Modic change",
    "narrowing": "a narrowed disc",
    "herniation": "a herniation",
    "bulging": "a bulging disc",
    "spondylolisthesis": "a spondylolisthesis",
    "endplate-change": "a change of the endplate",
    "marrow-change": "a change of the marrow at the endplate",
}
"""Probabilities beside those of the grades."""


@cache
def concepts() -> dict[str, tuple[str, str]]:
    """Every code of the system with its name and its definition."""
    codes = dict(FINDINGS)
    for finding, (grades, name) in VALUES.items():
        named = {value_code(finding, grade): name.format(LESIONS.get(str(grade), grade)) for grade in grades}
        codes |= {code: (display, display) for code, display in named.items()}
        codes |= {f"{code}-probability": _chance(display) for code, display in named.items() if finding in GRADED}
    codes |= {f"{code}-probability": _chance(what) for code, what in PROBABILITIES.items()}
    codes |= {slug(name): (title, described(name, where)) for name, (where, title) in MEASURES.items()}
    for vertebra in VERTEBRAE_UPWARDS:
        for side, beside in (("inferior", "above"), ("superior", "below")):
            display = f"{side.capitalize()} endplate of {vertebra}"
            codes[f"{side}-endplate-{vertebra}"] = (display, f"{display}, {beside} a disc.")
    return codes


def code_system() -> Json:
    """The FHIR resource (R4, R5) that defines the codes."""
    return {
        "resourceType": "CodeSystem",
        "id": "modicgrader-codes-1",
        "url": CODES,
        "version": "1.0.0",
        "name": "ModicGraderCodes",
        "title": "Codes of ModicGrader",
        "status": "active",
        "experimental": False,
        "description": "Findings at lumbar discs and endplates on MRI that have no published code.",
        "caseSensitive": True,
        "content": "complete",
        "concept": [
            {"code": code, "display": display, "definition": definition}
            for code, (display, definition) in concepts().items()
        ],
    }


def slug(name: str | int) -> str:
    """The name of a field or of a grade as a code: "schmorl_node" is `schmorl-node`, "I/II" is `I-II`."""
    return str(name).replace("_", "-").replace("/", "-")


def value_code(finding: str, grade: str | int) -> str:
    """Code of a grade, for example `modic-I-II`."""
    return f"{finding}-{slug(grade)}"


def coded(code: str) -> Json:
    """A CodeableConcept of our own code; one that is not in the system is a fault of ours and raises KeyError."""
    display = concepts()[code][0]
    return {"coding": [{"system": CODES, "code": code, "display": display}], "text": display}


def value(finding: str, grade: str | int) -> Json:
    """The value of an observation: a grade of a finding."""
    return {"valueCodeableConcept": coded(value_code(finding, grade))}


def quantity(number: float, unit: str) -> Json:
    """The value of an observation: a number with its UCUM unit."""
    return {"valueQuantity": {"value": number, "unit": unit, "system": UCUM, "code": unit}}


def measure(name: str, number: float) -> Json:
    """The value of an observation: a measure of the report, by its field's name."""
    return quantity(number, unit_of(name))


def absent(reason: str) -> Json:
    """Why an observation has no value."""
    return {"dataAbsentReason": {"coding": [UNKNOWN], "text": reason}}


def disc_site(level: str) -> Json:
    """A disc as a body site."""
    return {"coding": [_snomed(DISC_CODES[level])], "text": f"{level} disc"}


def endplate_site(level: str, endplate: str) -> Json:
    """An endplate ("upper" or "lower") of a disc as a body site: our code, and SNOMED CT's of the whole vertebra."""
    number = ENDPLATES.index(endplate)
    vertebra = vertebrae_of(level)[number]
    own = coded(f"{('inferior', 'superior')[number]}-endplate-{vertebra}")
    return {"coding": [*own["coding"], _snomed(VERTEBRA_CODES[vertebra])], "text": own["text"]}


def _snomed(code: Code) -> Json:
    return {"system": SNOMED, "code": code.value, "display": code.meaning}


def _chance(what: str) -> tuple[str, str]:
    return f"Probability: {what}", f"Calibrated probability: {what}. Always the program's."

"""Codes as FHIR writes them, and the code system that defines ours.

They are the codes of the DICOM results (`dicom_codes`): SNOMED CT, DICOM and UCUM where these name a thing, and codes
of our own for what neither SNOMED CT nor LOINC is known to us to name, such as Modic types and Pfirrmann grades. Only
what FHIR alone needs is added here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..anatomy import VERTEBRAE_UPWARDS
from ..report import QualityFinding
from ..terminology import DISC_CODES, Code
from .dicom_codes import ENDPLATE_SIDES, OWN_CODES, SCHEME, Measure, endplate_name
from .dicom_maker import HOMEPAGE
from .quality_codes import QUALITY_FINDINGS

Json = dict[str, Any]

CODES = f"{HOMEPAGE}/CodeSystem/{SCHEME}"
"""Names our code system in FHIR, as `SCHEME` does in DICOM. A code keeps its meaning for ever; new ones may come."""
QUALITY_CODES = f"{HOMEPAGE}/CodeSystem/quality-findings"
"""Names the system of the codes of quality findings, which are those of `report.json`."""

SYSTEMS = {
    SCHEME: CODES,
    "SCT": "http://snomed.info/sct",
    "LN": "http://loinc.org",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "UCUM": "http://unitsofmeasure.org",
}
"""FHIR's names of the coding schemes, by DICOM's."""

LUMBAR_MR = Code("24968-0", "MR Lumbar spine", "LN")
DISC = Code("DISC", "Intervertebral disc", SCHEME)
ENDPLATE_SITES = {
    (vertebra, side): Code(f"{side.meaning.upper()}_{vertebra}", f"{side.meaning} endplate of {vertebra}", SCHEME)
    for vertebra in VERTEBRAE_UPWARDS
    for side in ENDPLATE_SIDES.values()
}
"""The endplates as body sites, by vertebra and side."""

_HL7 = "http://terminology.hl7.org/CodeSystem"
IMAGING = {"system": f"{_HL7}/observation-category", "code": "imaging", "display": "Imaging"}
RADIOLOGY = {"system": f"{_HL7}/v2-0074", "code": "RAD", "display": "Radiology"}
UNKNOWN = {"system": f"{_HL7}/data-absent-reason", "code": "unknown", "display": "Unknown"}
UPDATE = {"system": f"{_HL7}/v3-DataOperation", "code": "UPDATE", "display": "revise"}
AUTHOR = {"system": f"{_HL7}/provenance-participant-type", "code": "author", "display": "Author"}
POSITIVE = {"system": f"{_HL7}/v3-ObservationInterpretation", "code": "POS", "display": "Positive"}
NEGATIVE = {"system": f"{_HL7}/v3-ObservationInterpretation", "code": "NEG", "display": "Negative"}


def code_system() -> Json:
    """The FHIR resource, valid in R4 and R5, that defines our codes."""
    about = f"What is found at lumbar discs and endplates and has no published code. In DICOM: {SCHEME}."
    codes = {code.value: code.meaning for code in (*OWN_CODES, DISC, *ENDPLATE_SITES.values())}
    return _code_system(CODES, "ModicGraderCodes", "Codes of ModicGrader", about, codes)


def quality_system() -> Json:
    """The FHIR resource, valid in R4 and R5, that defines the codes of quality findings."""
    about = "What a reader should see before the grades of a lumbar MRI: defects of the input, and doubts."
    return _code_system(QUALITY_CODES, "ModicGraderQuality", "Quality findings of ModicGrader", about, QUALITY_FINDINGS)


def _code_system(url: str, name: str, title: str, about: str, codes: Mapping[str, str]) -> Json:
    return {
        "resourceType": "CodeSystem",
        "id": url.rsplit("/", 1)[1],
        "url": url,
        "version": "1.0.0",
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "description": about,
        "caseSensitive": True,
        "content": "complete",
        "concept": [{"code": code, "display": display} for code, display in codes.items()],
    }


def coding(code: Code) -> Json:
    """A code as a Coding."""
    return {"system": SYSTEMS[code.scheme], "code": code.value, "display": code.meaning}


def concept(code: Code, text: str | None = None) -> Json:
    """A code as a CodeableConcept, called by its meaning or by `text`."""
    return {"coding": [coding(code)], "text": text or code.meaning}


def quality_concept(finding: QualityFinding) -> Json:
    """A quality finding as a CodeableConcept: its code, and the sentence it says."""
    return {"coding": [{"system": QUALITY_CODES, "code": finding.code}], "text": finding.message}


def quantity(measure: Measure, number: float) -> Json:
    """A number as the value of an observation, with its unit."""
    unit = measure.unit.value
    return {"valueQuantity": {"value": number, "unit": unit, "system": SYSTEMS["UCUM"], "code": unit}}


def coded(code: Code) -> Json:
    """A code as the value of an observation."""
    return {"valueCodeableConcept": concept(code)}


def absent(reason: str) -> Json:
    """Why an observation has no value."""
    return {"dataAbsentReason": {"coding": [UNKNOWN], "text": reason}}


def disc_site(level: str) -> Json:
    """A disc as a body site."""
    return concept(DISC_CODES[level], f"{level} disc")


def endplate_site(level: str, endplate: str) -> Json:
    """An endplate ("upper" or "lower") of a disc as a body site: our code, and SNOMED CT's of the whole vertebra."""
    name, vertebra, side = endplate_name(level, endplate)
    return {"coding": [coding(ENDPLATE_SITES[name.split()[0], side]), coding(vertebra)], "text": name}

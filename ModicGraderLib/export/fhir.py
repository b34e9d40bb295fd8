"""The report as FHIR: a collection of one DiagnosticReport and its Observations, for R4 and R5.

Nothing in it tells who the patient is, unless a subject or a study is given: no names, dates, paths or identifiers.
"""

from __future__ import annotations

import json
import re
from html import escape
from uuid import NAMESPACE_URL, uuid5

from ..corrections import TITLES, standing, words
from ..errors import InputError
from ..report import Correction, StudyReport
from .dicom_maker import MANUFACTURER, MODEL
from .fhir_codes import AUTHOR, CODES, IMAGING, LUMBAR_MR, RADIOLOGY, UPDATE, Json, concept
from .fhir_observations import Bundle, names_of, observe_report
from .impression import impression, summary

STATUS = "preliminary"
"""A physician has not verified it. That holds for a corrected report, too: "amended" is what follows a final one."""

RESEARCH = "Made by ModicGrader for research; it is no diagnosis and needs a physician's review."

_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64}|https?://\S+|urn:(uuid|oid):\S+")
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")


def fhir_bundle(report: StudyReport, subject: str | None = None, imaging_study: str | None = None) -> Json:
    """The report as a FHIR Bundle of type "collection", valid in R4 and, without `imaging_study`, in R5.

    The same report gives the same bundle. Grades are those that count; where a reader corrected one, a component tells
    what the program said, and a Provenance who changed it and when. What was withheld has a reason instead of a value.

    Parameters
    ----------
    subject:
        FHIR reference to the patient: "Patient/ID" or an address.
    imaging_study:
        FHIR reference to the examination, or its DICOM Study Instance UID.

    Raises
    ------
    InputError
        `subject` or `imaging_study` is no reference.
    """
    patient, examination = _patient(subject), _examination(imaging_study)
    told = json.dumps([report.to_dict(), subject, imaging_study], sort_keys=True, allow_nan=False)
    bundle = Bundle(uuid5(NAMESPACE_URL, f"{CODES} {told}"))
    bundle.common = {
        "status": STATUS,
        "category": [{"coding": [IMAGING]}],
        **({"subject": patient} if patient else {}),
        **({"derivedFrom": [examination]} if examination else {}),
        "device": _software(bundle, report),
    }
    results = observe_report(bundle, report)
    for number, correction in enumerate(standing(report)):
        bundle.add(f"correction/{number}", _provenance(bundle, correction))
    bundle.add("report", _diagnostic_report(report, results, patient, examination))
    *others, first = bundle.entries
    return {"resourceType": "Bundle", "id": str(bundle.identity), "type": "collection", "entry": [first, *others]}


def _diagnostic_report(
    report: StudyReport, results: list[Json], patient: Json | None, examination: Json | None
) -> Json:
    return {
        "resourceType": "DiagnosticReport",
        "text": {"status": "generated", "div": _narrative(report)},
        "status": STATUS,
        "category": [{"coding": [RADIOLOGY]}],
        "code": concept(LUMBAR_MR),
        **({"subject": patient} if patient else {}),
        **({"imagingStudy": [examination]} if examination else {}),
        "result": results,
        "conclusion": summary(report),
    }


def _narrative(report: StudyReport) -> str:
    """XHTML for readers of the resource alone: what to see before the grades, the impression, and what it is not."""
    findings = [f"<li>{escape(one.severity)}: {escape(one.message)}</li>" for one in report.quality]
    said = [f"<p><b>{escape(one.topic)}</b>: {escape(one.text)}</p>" for one in impression(report)]
    listed = f"<ul>{''.join(findings)}</ul>" if findings else ""
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{listed}{"".join(said)}<p>{RESEARCH}</p></div>'


def _software(bundle: Bundle, report: StudyReport) -> Json:
    """Add the program, its models and what they ran on; a reference to the program."""
    versions = [{"value": report.software["version"]}]
    if "torch" in report.software:
        versions.append({"type": {"text": "PyTorch"}, "value": report.software["torch"]})
    program = {"resourceType": "Device", "manufacturer": MANUFACTURER, "modelNumber": MODEL, "version": versions}
    reference = bundle.add("software", program)
    for model in report.software.get("models", []):
        bundle.add(
            f"model/{model['name']}",
            {
                "resourceType": "Device",
                "identifier": [{"type": {"text": "SHA-256 of the weights"}, "value": model["sha256"]}],
                "manufacturer": MANUFACTURER,
                "modelNumber": model["name"],
                "version": [{"value": model["version"]}],
                "parent": reference,
            },
        )
    return reference


def _provenance(bundle: Bundle, correction: Correction) -> Json:
    """Who changed which observations, when, and what the program said."""
    said = f"{TITLES[correction.field]}: {words(correction.field, correction.machine)}"
    return {
        "resourceType": "Provenance",
        "target": [bundle.refer(name) for name in names_of(correction)],
        "recorded": correction.when,
        "activity": {"coding": [UPDATE]},
        "agent": [{"type": {"coding": [AUTHOR]}, "who": {"display": correction.reader}}],
        "entity": [{"role": "revision", "what": {"display": said}}],
    }


def _patient(subject: str | None) -> Json | None:
    if subject is None:
        return None
    if not _REFERENCE.fullmatch(subject):
        raise InputError(f"{subject!r} is no FHIR reference to a patient; give Patient/ID or an address.")
    return {"reference": subject}


def _examination(study: str | None) -> Json | None:
    if study is None:
        return None
    if _UID.fullmatch(study):
        identifier = {"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}
        return {"type": "ImagingStudy", "identifier": identifier}
    if not _REFERENCE.fullmatch(study):
        raise InputError(f"{study!r} is no examination; give its Study Instance UID or the FHIR ImagingStudy/ID.")
    return {"reference": study}

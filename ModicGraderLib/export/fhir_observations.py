"""Observations of a report for its FHIR bundle: of the whole study, of its discs, and of their endplates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from ..anatomy import ENDPLATES
from ..corrections import LOWEST_DISC, MODIC_MAP, standing_at
from ..report import Correction, DiscReport, EndplateReport, ModicReading, QualityFinding, StudyReport
from ..terminology import Code
from . import dicom_codes as codes
from .dicom_codes import Measure
from .dicom_items import GRADES
from .fhir_codes import (
    DISC,
    NEGATIVE,
    POSITIVE,
    Json,
    absent,
    coded,
    concept,
    disc_site,
    endplate_site,
    quality_concept,
    quantity,
)

NOT_GIVEN = "no grade was given"
UNCHANGED = ("0", "normal", 0)
"""Grades that tell of no finding."""


@dataclass
class Bundle:
    """Resources, with addresses that depend on nothing but `identity` and their names.

    `common` is what all observations have in common; `addresses` are those of the resources, by name.
    """

    identity: UUID
    common: Json = field(default_factory=dict)
    entries: list[Json] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, resource: Json) -> Json:
        """Put a resource in; a reference to it."""
        self.addresses[name] = f"urn:uuid:{uuid5(self.identity, name)}"
        self.entries.append({"fullUrl": self.addresses[name], "resource": resource})
        return self.refer(name)

    def refer(self, name: str) -> Json:
        """A reference to the resource of that name."""
        return {"reference": self.addresses[name]}

    def observe(self, name: str, code: Code, content: Json, parts: Iterable[Json] = (), **more: Any) -> Json:
        """Put an observation in: `content` is its value or why it has none, `parts` its components."""
        given = {key: element for key, element in {"component": list(parts), **more}.items() if element}
        observation = {"resourceType": "Observation", **self.common, "code": concept(code), **content, **given}
        return self.add(name, observation)


def observe_report(bundle: Bundle, report: StudyReport) -> list[Json]:
    """Add all observations of a report; references to those of the study and to the groups of its discs."""
    findings = [_finding(bundle, number, one) for number, one in enumerate(report.quality)]
    whole = [_numbering(bundle, report), *_numbers(bundle, "", codes.STUDY_MEASURES, report)]
    return [*findings, *whole, *(_disc(bundle, report, disc) for disc in report.discs)]


def names_of(correction: Correction) -> list[str]:
    """Names in the bundle of the observations that a reader corrected."""
    if correction.level is None:
        return [correction.field]
    if correction.field != MODIC_MAP:
        return [f"{correction.level}/{correction.field}"]
    return [f"{correction.level}/{name}" for name in ENDPLATES if _is_edited(correction, name)]


def _is_edited(correction: Correction | None, endplate: str) -> bool:
    return correction is not None and correction.reader_value.get(endplate) != correction.machine.get(endplate)


def _finding(bundle: Bundle, number: int, finding: QualityFinding) -> Json:
    return bundle.observe(
        f"quality/{number}",
        codes.QUALITY_FINDING,
        {"valueCodeableConcept": quality_concept(finding)},
        [_part(codes.SEVERITY, coded(codes.SEVERITY_VALUES[finding.severity]))],
        bodySite=finding.level and disc_site(finding.level),
    )


def _numbering(bundle: Bundle, report: StudyReport) -> Json:
    numbering, corrected = report.numbering, standing_at(report, None).get(LOWEST_DISC)
    parts = [
        _part(codes.NUMBERED_BY, coded(codes.NUMBERED_BY_VALUES[numbering.source])),
        _number(codes.NUMBERING_CONFIDENCE, numbering.confidence),
        _part(codes.TRANSITIONAL, {"valueBoolean": numbering.transitional_suspected}),
    ]
    if corrected is not None:
        parts.append(_part(codes.MACHINE_ANSWER, {"valueCodeableConcept": disc_site(corrected.machine)}))
    content = {"valueCodeableConcept": disc_site(numbering.lowest_disc)}
    return bundle.observe(LOWEST_DISC, codes.LOWEST_DISC, content, parts, performer=_reader(corrected))


def _disc(bundle: Bundle, report: StudyReport, disc: DiscReport) -> Json:
    level, site = disc.level, disc_site(disc.level)
    chances = {
        "modic": _modic_chances(disc.modic),
        "pfirrmann": _chances(codes.PFIRRMANN_PROBABILITIES, disc.pfirrmann.probabilities),
        "endplate_lesion": _chances(codes.ENDPLATE_LESION_PROBABILITIES, disc.endplate_lesion.probabilities),
        "narrowing": [] if disc.narrowing.present is None else [_number(codes.NARROWED, disc.narrowing.present)],
    }
    members = [_grade(bundle, report, disc, name, name, parts, site) for name, parts in chances.items()]
    members += _numbers(bundle, f"{level}/", codes.DISC_MEASURES, disc, site)
    members += [_endplate(bundle, report, disc, name) for name in ENDPLATES]
    notes = [{"text": finding.message} for finding in report.quality if finding.level == level]
    return bundle.observe(level, DISC, {}, bodySite=site, hasMember=members, note=notes)


def _endplate(bundle: Bundle, report: StudyReport, disc: DiscReport, name: str) -> Json:
    endplate, site, path = disc.endplates[name], endplate_site(disc.level, name), f"{disc.level}/{name}"
    edited = standing_at(report, disc.level).get(MODIC_MAP)
    by = edited if _is_edited(edited, name) else None
    chances, field_ = _modic_chances(endplate.modic), f"{name}_endplate_modic"
    members = [_grade(bundle, report, disc, field_, "modic", chances, site)]
    members += _numbers(bundle, f"{path}/", codes.ENDPLATE_MEASURES, endplate, site, by and by.machine.get(name))
    if endplate.height_class is not None:
        content = coded(codes.HEIGHT_CLASS_VALUES[endplate.height_class])
        parts = _chances(codes.HEIGHT_CLASS_PROBABILITIES, endplate.height_class_probabilities)
        members.append(bundle.observe(f"{path}/height_class", codes.HEIGHT_CLASS, content, parts, bodySite=site))
    if endplate.location:
        thirds = [_part(code, {"valueBoolean": third in endplate.location}) for third, code in codes.LOCATIONS.items()]
        members.append(bundle.observe(f"{path}/location", codes.LOCATION, {}, thirds, bodySite=site))
    return bundle.observe(path, codes.ENDPLATE, {}, bodySite=site, hasMember=members, performer=_reader(by))


def _grade(
    bundle: Bundle,
    report: StudyReport,
    disc: DiscReport,
    name: str,
    kind: str,
    parts: list[Json],
    site: Json,
) -> Json:
    """The grade `name` of `DiscReport.readings`, with its probabilities, and what the program said if a reader did."""
    grade, corrected = disc.readings[name].grade, standing_at(report, disc.level).get(name)
    code, values = GRADES[kind]
    reason = next((one["reason"] for one in disc.abstained if one["grade"] == name), NOT_GIVEN)
    if corrected is not None:
        machine = absent(reason) if corrected.machine is None else coded(values[corrected.machine])
        parts = [*parts, _part(codes.MACHINE_ANSWER, machine)]
        reason = f"withheld by {corrected.reader}"
    content, interpretation = absent(reason), None
    if grade is not None:
        content = coded(values[grade])
        interpretation = [{"coding": [NEGATIVE if grade in UNCHANGED else POSITIVE]}]
    return bundle.observe(
        f"{disc.level}/{name}",
        code,
        content,
        parts,
        bodySite=site,
        interpretation=None if name == "pfirrmann" else interpretation,
        performer=_reader(corrected),
    )


def _numbers(
    bundle: Bundle,
    path: str,
    measures: Iterable[Measure],
    report: StudyReport | DiscReport | EndplateReport,
    site: Json | None = None,
    own: Mapping[str, Any] | None = None,
) -> list[Json]:
    """Observations of the measures and probabilities that a report gives, each with its uncertainty where it has one.

    `own` holds the program's extents by field, where a reader edited the map.
    """
    made = []
    for one in measures:
        number = getattr(report, one.field)
        if number is None:
            continue
        parts = []
        if one.field in getattr(report, "uncertainty", {}):
            parts.append(_part(codes.UNCERTAINTY, quantity(one, report.uncertainty[one.field])))
        if own and own.get(one.field) is not None:
            parts.append(_part(codes.MACHINE_NUMBER, quantity(one, own[one.field])))
        made.append(bundle.observe(f"{path}{one.field}", one.code, quantity(one, number), parts, bodySite=site))
    return made


def _modic_chances(reading: ModicReading) -> list[Json]:
    of_any = [] if reading.any_change is None else [_number(codes.ANY_CHANGE, reading.any_change)]
    return of_any + _chances(codes.MODIC_PROBABILITIES, reading.probabilities)


def _chances(measures: Mapping[str, Measure], given: Mapping[str, float]) -> list[Json]:
    return [_number(measures[name], chance) for name, chance in given.items()]


def _number(measure: Measure, number: float) -> Json:
    return _part(measure.code, quantity(measure, number))


def _part(code: Code, content: Json) -> Json:
    """A component."""
    return {"code": concept(code), **content}


def _reader(correction: Correction | None) -> list[Json] | None:
    """Who is responsible for a corrected value."""
    return None if correction is None else [{"display": correction.reader}]

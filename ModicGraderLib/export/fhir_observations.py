"""Observations of a report for its FHIR bundle: the whole study, its discs, and their endplates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from ..anatomy import ENDPLATES
from ..corrections import machine_report, standing_at
from ..measurement.disc_geometry import DISC_MEASURES
from ..measurement.endplate_change import EXTENTS, THIRDS
from ..report import Correction, DiscReport, EndplateReport, ModicReading, NarrowingReading, QualityFinding, StudyReport
from .fhir_codes import (
    NEGATIVE,
    POSITIVE,
    QUALITY_CODES,
    Json,
    absent,
    coded,
    disc_site,
    endplate_site,
    measure,
    quantity,
    slug,
    value,
    value_code,
)

WITHHELD = "no grade was given"
UNCHANGED = ("0", "normal", 0)
"""Grades that tell of no finding."""
PROBABLE = ("herniation", "bulging", "spondylolisthesis")
"""Findings of a disc with a probability and no grade."""


@dataclass
class Bundle:
    """Resources with addresses that depend on nothing but `identity` and their names.

    `common` is what all observations have in common; `names` keeps the address of each resource.
    """

    identity: UUID
    common: Json = field(default_factory=dict)
    entries: list[Json] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, resource: Json) -> Json:
        """Put a resource in, and refer to it."""
        self.names[name] = f"urn:uuid:{uuid5(self.identity, name)}"
        self.entries.append({"fullUrl": self.names[name], "resource": resource})
        return self.refer(name)

    def refer(self, name: str) -> Json:
        """A reference to the resource of that name."""
        return {"reference": self.names[name]}

    def observe(self, name: str, code: str, content: Json, components: Iterable[Json] = (), **more: Any) -> Json:
        """Put an observation in: `content` is its value, or why it has none; `more` are elements of it."""
        parts = [one for one in components if one]
        observation = {"resourceType": "Observation", **self.common, "code": coded(code), **content}
        observation |= {key: element for key, element in (("component", parts), *more.items()) if element}
        return self.add(name, observation)


def observe_study(bundle: Bundle, report: StudyReport) -> list[Json]:
    """Add all observations of a report; returns references to those of the study and of its discs."""
    findings = [_finding(bundle, number, one) for number, one in enumerate(report.quality)]
    whole = [_numbering(bundle, report), *_measured(bundle, "", report, ("lordosis_deg",))]
    said = machine_report(report).discs
    discs = [_disc(bundle, report, disc, one) for disc, one in zip(report.discs, said, strict=True)]
    return [*findings, *whole, *discs]


def _finding(bundle: Bundle, number: int, finding: QualityFinding) -> Json:
    content = {"coding": [{"system": QUALITY_CODES, "code": finding.code}], "text": finding.message}
    return bundle.observe(
        f"quality/{number}",
        "quality-finding",
        {"valueCodeableConcept": content},
        [_part("severity", value("severity", finding.severity))],
        bodySite=disc_site(finding.level) if finding.level else None,
    )


def _numbering(bundle: Bundle, report: StudyReport) -> Json:
    numbering = report.numbering
    parts = [
        _part("numbering-source", value("numbering-source", numbering.source)),
        _chance("numbering", numbering.confidence),
        _part("transitional-vertebra", {"valueBoolean": numbering.transitional_suspected}),
    ]
    corrected = standing_at(report, None).get("lowest_disc")
    if corrected is not None:
        parts.append(_part("machine", {"valueCodeableConcept": disc_site(corrected.machine)}))
    content = {"valueCodeableConcept": disc_site(numbering.lowest_disc)}
    performer = [{"display": corrected.reader}] if corrected else None
    return bundle.observe("lowest_disc", "lowest-disc", content, parts, performer=performer)


def _disc(bundle: Bundle, report: StudyReport, disc: DiscReport, said: DiscReport) -> Json:
    level, site = disc.level, disc_site(disc.level)
    grades = ("modic", "pfirrmann", "endplate_lesion", "narrowing")
    members = [_grade(bundle, report, disc, said, name, slug(name), site) for name in grades]
    members += _probable(bundle, level, {name: getattr(disc, name) for name in PROBABLE}, site)
    members += _measured(bundle, f"{level}/", disc, DISC_MEASURES, site)
    members += [_endplate(bundle, report, disc, said, name) for name in ENDPLATES]
    return bundle.observe(
        level,
        "disc",
        {},
        [_chance("disc", disc.confidence)],
        bodySite=site,
        hasMember=members,
        note=[{"text": finding.message} for finding in report.quality if finding.level == level],
    )


def _endplate(bundle: Bundle, report: StudyReport, disc: DiscReport, said: DiscReport, name: str) -> Json:
    endplate, site, path = disc.endplates[name], endplate_site(disc.level, name), f"{disc.level}/{name}"
    chances = {"endplate_change": endplate.endplate_change, "marrow_change": endplate.marrow_change}
    members = [_grade(bundle, report, disc, said, f"{name}_endplate_modic", "modic", site)]
    members += _probable(bundle, path, chances, site)
    members += _measured(bundle, f"{path}/", endplate, EXTENTS, site)
    members += _places(bundle, path, endplate, site)
    return bundle.observe(path, "endplate", {}, bodySite=site, hasMember=members)


def _grade(
    bundle: Bundle, report: StudyReport, disc: DiscReport, said: DiscReport, name: str, finding: str, site: Json
) -> Json:
    """A grade, its probabilities, and what the program said where a reader corrected it."""
    reading, corrected = disc.readings[name], standing_at(report, disc.level).get(name)
    withheld = next((one["reason"] for one in disc.abstained if one["grade"] == name), WITHHELD)
    parts, more = list(_chances(finding, reading)), {}
    content = _content(finding, reading.grade, withheld)
    if corrected is not None:
        content = _content(finding, reading.grade, f"withheld by {corrected.reader}")
        parts.append(_part("machine", _content(finding, said.readings[name].grade, withheld)))
        more["performer"] = [{"display": corrected.reader}]
    if reading.grade is not None and finding != "pfirrmann":
        more["interpretation"] = [{"coding": [NEGATIVE if reading.grade in UNCHANGED else POSITIVE]}]
    return bundle.observe(f"{disc.level}/{name}", finding, content, parts, bodySite=site, **more)


def _content(finding: str, grade: str | int | None, reason: str) -> Json:
    if grade is None:
        return absent(reason)
    return {"valueBoolean": bool(grade)} if finding == "narrowing" else value(finding, grade)


def _chances(finding: str, reading: Any) -> Iterable[Json]:
    if isinstance(reading, NarrowingReading):
        return [_chance("narrowing", reading.present)]
    of_grades = [_chance(value_code(finding, grade), chance) for grade, chance in reading.probabilities.items()]
    return [_chance("modic-any", reading.any_change), *of_grades] if isinstance(reading, ModicReading) else of_grades


def _probable(bundle: Bundle, path: str, chances: Mapping[str, float | None], site: Json) -> list[Json]:
    """Observations of probabilities alone."""
    return [
        bundle.observe(f"{path}/{name}", f"{slug(name)}-probability", quantity(chance, "1"), bodySite=site)
        for name, chance in chances.items()
        if chance is not None
    ]


def _measured(
    bundle: Bundle,
    path: str,
    measured: StudyReport | DiscReport | EndplateReport,
    names: Iterable[str],
    site: Json | None = None,
) -> list[Json]:
    """Observations of the measures that were made, with their uncertainty."""
    made = {name: getattr(measured, name) for name in names}
    return [
        bundle.observe(
            f"{path}{name}",
            slug(name),
            measure(name, number),
            [_part("half-width-95", measure(name, measured.uncertainty[name]))] if name in measured.uncertainty else [],
            bodySite=site,
        )
        for name, number in made.items()
        if number is not None
    ]


def _places(bundle: Bundle, path: str, endplate: EndplateReport, site: Json) -> list[Json]:
    """Observations of the height class of a change and of the thirds of the endplate it takes."""
    made = []
    if endplate.height_class is not None:
        chances = endplate.height_class_probabilities.items()
        parts = [_chance(value_code("height-class", name), chance) for name, chance in chances]
        content = value("height-class", endplate.height_class)
        made.append(bundle.observe(f"{path}/height_class", "height-class", content, parts, bodySite=site))
    if endplate.location:
        parts = [_part(value_code("location", third), {"valueBoolean": third in endplate.location}) for third in THIRDS]
        made.append(bundle.observe(f"{path}/location", "location", {}, parts, bodySite=site))
    return made


def _part(code: str, content: Json) -> Json:
    return {"code": coded(code), **content}


def _chance(code: str, chance: float | None) -> Json | None:
    return None if chance is None else _part(f"{code}-probability", quantity(chance, "1"))


def corrected_names(correction: Correction) -> list[str]:
    """Names in the bundle of what a reader corrected."""
    if correction.level is None:
        return [correction.field]
    if correction.field == "modic_map":
        return [
            f"{correction.level}/{name}"
            for name, reading in correction.reader_value.items()
            if reading != correction.machine.get(name)
        ]
    return [f"{correction.level}/{correction.field}"]

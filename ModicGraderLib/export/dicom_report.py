"""The report of a study as a DICOM structured report: TID 1500, one group a disc, an endplate and a change."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydicom import Dataset
from pydicom.uid import generate_uid

from .. import __version__
from ..anatomy import CORNERS, ENDPLATES
from ..corrections import LOWEST_DISC, MODIC_MAP, machine_report, standing_at
from ..graded import GradedStudy
from ..measurement.endplate_change import EXTENTS
from ..report import Correction, DiscReport, EndplateReport, StudyReport
from ..terminology import ALTERED_STRUCTURE, ANATOMICAL_STRUCTURE, DISC_CODES, LUMBAR_SPINE, Code
from . import dicom_codes as coded
from .dicom_items import (
    add,
    code_item,
    concept,
    corrected,
    evaluation,
    grade,
    machine_number,
    number,
    numbers,
    probabilities,
    text_item,
)
from .dicom_maker import HOMEPAGE, MANUFACTURER, MODEL, models_of, new_object, version_of
from .dicom_segments import Segment
from .dicom_source import identify, without_identity
from .impression import summary

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from highdicom.sr import Comprehensive3DSR, ContainerContentItem, MeasurementsAndQualitativeEvaluations


def structured_report(
    graded: GradedStudy,
    files: Sequence[Dataset],
    segmentations: Sequence[Segmentation],
    changes: Sequence[Segment],
    *,
    series: int,
) -> Comprehensive3DSR:
    """The report, unverified and preliminary; partial where no map was made, so that types could not be mapped.

    Parameters
    ----------
    files:
        Headers of the files of all volumes, those of the study's reference first.
    segmentations:
        What was written beside it: the spine, and, where there are `changes`, those.
    changes:
        The segments of the last segmentation.
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    report = graded.report
    groups = _groups(graded, files[0].get("FrameOfReferenceUID"))
    groups += [
        _change_group(number_, segment, segmentations[-1], _voxel_mm3(graded))
        for number_, segment in enumerate(changes, 1)
    ]
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=_device()),
        procedure_reported=codes.LN.MRIUnspecifiedBodyRegion,
        imaging_measurements=groups,
        referenced_images=[_library_entry(file) for file in files],
    )
    add(content[0], _in_words(report))
    made = hd.sr.Comprehensive3DSR(
        evidence=[without_identity(files[0]), *files[1:], *segmentations],
        content=content[0],
        is_complete="modic_map" in graded.maps,
        is_final=False,
        is_verified=False,
        **new_object("report", series),
    )
    identify(made, files[0])
    return made


def _groups(graded: GradedStudy, frame_of_reference: str) -> list[MeasurementsAndQualitativeEvaluations]:
    report, groups = graded.report, [_study_group(graded.report)]
    for disc, said in zip(report.discs, machine_report(report).discs, strict=True):
        corrections = standing_at(report, disc.level)
        groups.append(_disc_group(disc, corrections, report, frame_of_reference))
        groups += [_endplate_group(disc, name, said, corrections, report) for name in ENDPLATES]
    return groups


def _study_group(report: StudyReport) -> MeasurementsAndQualitativeEvaluations:
    numbering = report.numbering
    lowest = evaluation(coded.LOWEST_DISC, DISC_CODES[numbering.lowest_disc])
    by = standing_at(report, None).get(LOWEST_DISC)
    if by is not None:
        corrected(lowest[0], by, code_item(coded.MACHINE_ANSWER, DISC_CODES[by.machine]))
    return _group(
        "Lumbar spine",
        report,
        finding=(ANATOMICAL_STRUCTURE, LUMBAR_SPINE),
        site=(LUMBAR_SPINE, None),
        measurements=[
            *numbers(coded.STUDY_MEASURES, report),
            number(coded.NUMBERING_CONFIDENCE, numbering.confidence),
        ],
        qualitative_evaluations=[
            lowest,
            evaluation(coded.NUMBERED_BY, coded.NUMBERED_BY_VALUES[numbering.source]),
            evaluation(coded.TRANSITIONAL, coded.YES if numbering.transitional_suspected else coded.NO),
        ],
    )


def _disc_group(
    disc: DiscReport, corrections: dict[str, Correction], report: StudyReport, frame_of_reference: str
) -> MeasurementsAndQualitativeEvaluations:
    reasons = {one["grade"]: one["reason"] for one in disc.abstained}
    code = DISC_CODES[disc.level]
    measures = numbers(coded.DISC_MEASURES, disc)
    _locate(measures, disc, frame_of_reference)
    return _group(
        f"{disc.level} disc",
        report,
        finding=(ANATOMICAL_STRUCTURE, code),
        site=(code, None),
        measurements=[
            *measures,
            *_modic_numbers(disc.modic),
            *probabilities(coded.PFIRRMANN_PROBABILITIES, disc.pfirrmann.probabilities),
            *probabilities(coded.ENDPLATE_LESION_PROBABILITIES, disc.endplate_lesion.probabilities),
            *numbers((coded.NARROWED,), disc.narrowing),
        ],
        qualitative_evaluations=[
            grade(name, disc.readings[name].grade, reasons.get(name), corrections.get(name))
            for name in ("modic", "pfirrmann", "endplate_lesion", "narrowing")
        ],
    )


def _endplate_group(
    disc: DiscReport, name: str, said: DiscReport, corrections: dict[str, Correction], report: StudyReport
) -> MeasurementsAndQualitativeEvaluations:
    endplate, own, field = disc.endplates[name], said.endplates[name], f"{name}_endplate_modic"
    reasons = {one["grade"]: one["reason"] for one in disc.abstained}
    measures = numbers(coded.ENDPLATE_MEASURES, endplate)
    evaluations = [grade("modic", endplate.modic.grade, reasons.get(field), corrections.get(field))]
    if {endplate.height_class, own.height_class} != {None}:
        height_class = coded.HEIGHT_CLASS_VALUES.get(endplate.height_class, coded.NOT_MEASURED)
        evaluations.append(evaluation(coded.HEIGHT_CLASS, height_class))
    evaluations += [evaluation(coded.LOCATION, coded.LOCATIONS[third]) for third in endplate.location]
    edited = corrections.get(MODIC_MAP)
    if edited is not None and edited.reader_value.get(name) != edited.machine.get(name):
        _edited(measures, evaluations, own, edited)
    title, site, side = coded.endplate_name(disc.level, name)
    return _group(
        title,
        report,
        finding=(ANATOMICAL_STRUCTURE, coded.ENDPLATE),
        site=(site, side),
        measurements=[
            *measures,
            *_modic_numbers(endplate.modic),
            *probabilities(coded.HEIGHT_CLASS_PROBABILITIES, endplate.height_class_probabilities),
        ],
        qualitative_evaluations=evaluations,
    )


def _edited(measures: list, evaluations: list, own: EndplateReport, by: Correction) -> None:
    """Put beside each extent of an edited map what the program's own map gave."""
    fields = {(one.code.scheme, one.code.value): one for one in coded.ENDPLATE_MEASURES}
    for made in measures:
        measure = fields[made.name.scheme_designator, made.name.value]
        if measure.field in EXTENTS:
            machine_number(made, measure, getattr(own, measure.field), by)
    for made in evaluations:
        if made.name.value == coded.HEIGHT_CLASS.value:
            said = coded.HEIGHT_CLASS_VALUES.get(own.height_class, coded.NOT_MEASURED)
            corrected(made[0], by, code_item(coded.MACHINE_ANSWER, said))
    evaluations += [evaluation(coded.LOCATION_MACHINE, coded.LOCATIONS[third]) for third in own.location]


def _change_group(number_: int, segment: Segment, segmentation: Segmentation, voxel_mm3: float):
    import highdicom as hd

    volume = number(
        coded.Measure("volume_mm3", coded.VOLUME, coded.CUBIC_MILLIMETER), float(segment.mask.sum()) * voxel_mm3
    )
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(segment.tracking_uid, segment.name),
        referenced_segment=hd.sr.ReferencedSegment.from_segmentation(segmentation, number_),
        finding_category=concept(ALTERED_STRUCTURE),
        finding_type=concept(segment.modifier),
        finding_sites=[_site(segment.site or LUMBAR_SPINE, segment.side)],
        measurements=[volume],
    )


def _group(name: str, report: StudyReport, *, finding: tuple[Code, Code], site: tuple[Code, Code | None], **content):
    import highdicom as hd

    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(generate_uid(prefix=None), name),
        finding_category=concept(finding[0]),
        finding_type=concept(finding[1]),
        finding_sites=[_site(*site)],
        algorithm_id=hd.sr.AlgorithmIdentification(
            MODEL,
            version_of(report),
            [f"{key} {value}" for key, value in models_of(report).items()] or None,
        ),
        **content,
    )


def _modic_numbers(reading) -> list:
    return [*numbers((coded.ANY_CHANGE,), reading), *probabilities(coded.MODIC_PROBABILITIES, reading.probabilities)]


def _locate(measures: list, disc: DiscReport, frame_of_reference: str) -> None:
    """Say where the corners of a disc lie that its height was measured between."""
    import highdicom as hd

    height = next(one for one in measures if one.name.meaning == "Height")
    corners = hd.sr.CoordinatesForMeasurement3D(
        hd.sr.GraphicTypeValues3D.MULTIPOINT,
        np.array([disc.corners_lps_mm[name] for name in CORNERS]),
        frame_of_reference,
    )
    add(height[0], corners)


def _site(code: Code, side: Code | None):
    from highdicom.sr import FindingSite

    return FindingSite(concept(code), topographical_modifier=concept(side) if side else None)


def _in_words(report: StudyReport) -> ContainerContentItem:
    """What no group holds: the summary that people read, and the quality findings."""
    import highdicom as hd

    contains = hd.sr.RelationshipTypeValues.CONTAINS
    container = hd.sr.ContainerContentItem(concept(coded.QUALITATIVE_EVALUATIONS), relationship_type=contains)
    add(container, hd.sr.TextContentItem(concept(coded.SUMMARY), summary(report), contains))
    for finding in report.quality:
        item = hd.sr.TextContentItem(concept(coded.QUALITY_FINDING), finding.message, contains)
        add(item, code_item(coded.SEVERITY, coded.SEVERITY_VALUES[finding.severity]))
        add(item, text_item(coded.QUALITY_CODE, finding.code))
        if finding.level in DISC_CODES:
            add(item, code_item(coded.SITE, DISC_CODES[finding.level]))
        add(container, item)
    return container


def _device():
    import highdicom as hd
    from pydicom.sr.codedict import codes

    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{HOMEPAGE}/{__version__}")
    return hd.sr.ObserverContext(
        codes.DCM.Device,
        hd.sr.DeviceObserverIdentifyingAttributes(
            uid=f"2.25.{identity.int}", name=MODEL, manufacturer_name=MANUFACTURER, model_name=f"{MODEL} {__version__}"
        ),
    )


def _library_entry(file: Dataset) -> Dataset:
    """A file without its modality, so that the library tells its size and frame of reference, but not where it lies:
    that would be two thirds of the report, not all sources have it, and Enhanced files have it for each frame."""
    entry = Dataset({element.tag: element for element in without_identity(file) if element.keyword != "Modality"})
    entry.Modality = ""
    return entry


def _voxel_mm3(graded: GradedStudy) -> float:
    return abs(float(np.linalg.det(graded.study.reference.affine[:3, :3])))

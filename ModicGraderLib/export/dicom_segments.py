"""Label volumes as DICOM segmentations that refer to the series they were drawn on, frame by frame.

Frames have the geometry of the source's own, so that every viewer lays them over it voxel by voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import Dataset
from pydicom.uid import generate_uid

from ..anatomy import ENDPLATES, MODIC_MAP_LABELS
from ..corrections import MODIC_MAP
from ..graded import MACHINE_MAP, GradedStudy
from ..map_edits import EndplateMap
from ..report import StudyReport
from ..terminology import MODIC_CHANGES, SPINE, Code, Structure, structures_in
from .dicom_codes import MODIC_VALUES, endplate_name
from .dicom_items import concept, person_name
from .dicom_maker import MANUFACTURER, MODEL, models_of, new_object, version_of
from .dicom_source import SourceFrames, identify

if TYPE_CHECKING:
    from highdicom.seg import Segmentation

_MODIC_TYPES = {label: grade for grade, label in MODIC_MAP_LABELS.items()}


@dataclass(frozen=True)
class Segment:
    """One segment of a segmentation.

    Attributes
    ----------
    structure:
        What it is: codes and color.
    mask:
        (slices, rows, columns) bool on the grid of the study's reference.
    name:
        What a reader sees.
    modifier:
        Code that says more of the structure's type.
    site, side:
        Vertebra, and which of its endplates, where it is a change at one.
    tracking_uid:
        By which the structured report speaks of the same change.
    """

    structure: Structure
    mask: np.ndarray
    name: str
    modifier: Code | None = None
    site: Code | None = None
    side: Code | None = None
    tracking_uid: str = field(default_factory=lambda: str(generate_uid(prefix=None)))


def spine_segments(graded: GradedStudy) -> list[Segment]:
    """Vertebrae, discs and canal, as far as they are in view."""
    labels = graded.location.labels
    return [Segment(one, labels == one.label, one.name) for one in structures_in(labels, SPINE)]


def change_segments(graded: GradedStudy) -> list[Segment]:
    """The changes of the Modic map, each type at each endplate; what belongs to no endplate in view comes last.

    Empty where there is no map, or no change in it.
    """
    modic_map = graded.maps.get("modic_map")
    if modic_map is None or not modic_map.any():
        return []
    rest, segments = modic_map.copy(), []
    drawn = EndplateMap(modic_map, graded.location.labels, graded.study.reference)
    for disc in graded.location.discs:
        for endplate, change in sorted(drawn.at(disc).items(), key=lambda one: ENDPLATES.index(one[0])):
            part = np.where(rest > 0, drawn.part(change), 0)  # each voxel once, though two endplates may claim it
            rest[part > 0] = 0
            name, site, side = endplate_name(disc.level, endplate)
            segments += [
                Segment(one, part == one.label, f"{one.name}, {name}", _type(one), site, side)
                for one in MODIC_CHANGES
                if one.label in part[change.box]
            ]
    return segments + [
        Segment(one, rest == one.label, one.name, _type(one)) for one in structures_in(rest, MODIC_CHANGES)
    ]


def spine_segmentation(graded: GradedStudy, source: SourceFrames, series: int) -> Segmentation:
    """Vertebrae, discs and canal as a DICOM segmentation in the series of the given number."""
    return _segmentation(spine_segments(graded), graded, source, "SPINE", new_object("spine", series))


def change_segmentation(
    segments: Sequence[Segment], graded: GradedStudy, source: SourceFrames, series: int
) -> Segmentation:
    """The `change_segments` of a study as a DICOM segmentation in the series of the given number.

    Its creator is the reader who edited the map last, if one did.
    """
    edited = MACHINE_MAP in graded.maps
    made = _segmentation(segments, graded, source, "MODIC_CHANGES", new_object("Modic changes", series), edited)
    readers = [one.reader for one in graded.report.corrections if one.field == MODIC_MAP]
    if edited and readers:
        made.ContentCreatorName = person_name(readers[-1])
    return made


def _segmentation(
    segments: Sequence[Segment],
    graded: GradedStudy,
    source: SourceFrames,
    label: str,
    new: dict[str, Any],
    edited: bool = False,
) -> Segmentation:
    """Segments, packed to one bit a voxel; frames without any of them are left out. `edited`: by a reader."""
    import highdicom as hd

    numbers = np.zeros(graded.study.reference.array.shape, np.uint8)
    for number, segment in enumerate(segments, 1):
        numbers[segment.mask] = number
    made = hd.seg.Segmentation(
        source_images=source.headers,
        pixel_array=source.in_order(numbers, graded.study.reference.affine),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[
            _described(number, segment, graded.report, edited) for number, segment in enumerate(segments, 1)
        ],
        content_label=label,
        content_description="Found by ModicGrader; for research use only",
        **new,
    )
    _refer_to_files(made, source)
    identify(made, source.frames[0].file)
    return made


def _type(structure: Structure) -> Code:
    return MODIC_VALUES[_MODIC_TYPES[structure.label]]


def _described(number: int, segment: Segment, report: StudyReport, edited: bool):
    import highdicom as hd
    from pydicom.sr.codedict import codes

    regions = [one for one in (segment.site or segment.structure.region,) if one is not None]
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.name,
        segmented_property_category=concept(segment.structure.category),
        segmented_property_type=concept(segment.structure.type),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC
        if edited
        else hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            MODEL,
            codes.cid7162.ArtificialIntelligence,
            version_of(report),
            source=MANUFACTURER,
            parameters=models_of(report) or None,
        ),
        tracking_uid=segment.tracking_uid,
        tracking_id=segment.name,
        anatomic_regions=[concept(one) for one in regions] or None,
        display_color=hd.color.CIELabColor.from_rgb(*segment.structure.color),
    )
    if segment.modifier is not None:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [concept(segment.modifier)]
    if segment.side is not None:
        description.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = [concept(segment.side)]
    return description


def _refer_to_files(made: Segmentation, source: SourceFrames) -> None:
    """Let every reference to a frame name its file, and its number in it, in place of what stood for it."""
    frames = {header.SOPInstanceUID: frame for header, frame in zip(source.headers, source.frames, strict=True)}
    for groups in made.PerFrameFunctionalGroupsSequence:
        for derivation in groups.DerivationImageSequence:
            for item in derivation.SourceImageSequence:
                frame = frames.get(item.ReferencedSOPInstanceUID)
                if frame is None:  # frames of several segments share their items
                    continue
                item.ReferencedSOPClassUID = frame.file.SOPClassUID
                item.ReferencedSOPInstanceUID = frame.file.SOPInstanceUID
                if frame.number is not None:
                    item.ReferencedFrameNumber = frame.number
    files = {frame.file.SOPInstanceUID: frame.file.SOPClassUID for frame in source.frames}
    for owner, keyword in (
        (made, "SourceImageSequence"),
        (made.ReferencedSeriesSequence[0], "ReferencedInstanceSequence"),
    ):
        references = []
        for instance, kind in files.items():
            references.append(Dataset())
            references[-1].ReferencedSOPClassUID, references[-1].ReferencedSOPInstanceUID = kind, instance
        setattr(owner, keyword, references)

"""The Modic map in Slicer's Segment Editor."""

from __future__ import annotations

import slicer

from ..scene.correct import prepare_map


def editMap(study: str) -> None:
    """Open the Segment Editor with the map of a study; the edits are taken in when the user comes back."""
    segmentation = prepare_map(slicer.mrmlScene, study)
    slicer.util.selectModule("SegmentEditor")
    editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
    editor.setSegmentationNode(segmentation)
    reference = segmentation.GetNodeReference(segmentation.GetReferenceImageGeometryReferenceRole())
    if reference is not None:
        editor.setSourceVolumeNode(reference)

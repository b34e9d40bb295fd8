"""A structured report as highdicom reads it, laid out for tests."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
from pydicom.sr.codedict import codes

from ModicGraderLib.terminology import Code

UNCERTAINTY = codes.SCT.RangeOfMeasurementUncertainty


class ReadReport:
    """A structured report as highdicom reads it, its groups by their tracking identifiers."""

    def __init__(self, path: Path):
        self.document = hd.sr.srread(path)
        content = self.document.content
        groups = [*content.get_image_measurement_groups(), *content.get_volumetric_roi_measurement_groups()]
        self.groups = {group.tracking_identifier: group for group in groups}

    def numbers(self, group: str) -> dict[str, tuple[float, str, float | None]]:
        """Value, unit and uncertainty of each measurement of a group, by the value of its code."""
        found = {}
        for one in self.groups[group].get_measurements():
            children = one[0].get("ContentSequence", [])
            spread = [item.value for item in children if item.name == UNCERTAINTY]
            assert one.name.value not in found, "told twice"
            found[one.name.value] = (one.value, one.unit.value, spread[0] if spread else None)
        return found

    def grades(self, group: str) -> dict[str, list[str]]:
        """Values of each evaluation of a group, by the value of its code."""
        found: dict[str, list[str]] = {}
        for one in self.groups[group].get_qualitative_evaluations():
            if one.name.meaning == "Finding category":
                continue
            found.setdefault(one.name.value, []).append(one.value.value)
        return found

    def below(self, group: str, code: Code) -> dict[str, object]:
        """What hangs below an evaluation or a measurement of a group, by the value of its code, and when it was."""
        group_item = self.groups[group][0]
        (item,) = (one for one in group_item.ContentSequence if one.name.value == code.value)
        children = item.get("ContentSequence", [])
        return {"when": item.get("ObservationDateTime")} | {one.name.value: one.value for one in children}

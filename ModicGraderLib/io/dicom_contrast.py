"""Telling T1 from T2 from fat-suppressed series by how they were acquired; names only decide where that is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydicom import Dataset

T1_MAX_ECHO_TIME_MS = 50.0
T1_MAX_REPETITION_TIME_MS = 1500.0
"""A short echo and a short repetition time make a spin echo T1-weighted (SPIDER: TE 8-14, TR 446-746 ms)."""

T2_ECHO_TIME_RANGE_MS = (60.0, 250.0)
"""Below lies proton density, above lie myelograms that show nothing but fluid (SPIDER: 80-124 ms)."""

STIR_INVERSION_TIME_RANGE_MS = (80.0, 300.0)
"""Inversion times that null fat, from 0.2 to 3 T."""

T1_FLAIR_INVERSION_TIME_RANGE_MS = (500.0, 1400.0)
"""Inversion times of T1 FLAIR, whose repetition time is too long for the rule above."""

FAT_SUPPRESSED = {"t1": "t1_fat_suppressed", "t2": "t2_fat_suppressed"}

_FAT_SUPPRESSION_OPTIONS = {"FS", "FATSAT", "FAT_SAT", "FSA", "SPIR", "SPAIR", "SPECIAL", "CHEMSAT", "WE"}
_DIXON_WATER = {"W", "WATER"}
_DIXON_OTHER = {"F", "FAT", "OP", "OPP_PHASE", "OUT_PHASE", "OPPOSED_PHASE", "FAT_FRACTION", "WATER_FRACTION"}
_NOT_ANATOMY = {"LOCALIZER", "PROJECTION IMAGE", "ADC", "DIFFUSION", "PHASE", "P", "SUBTRACTION", "SCREEN SAVE"}
_FAT_SUPPRESSED_NAME = re.compile(
    r"stir|tirm|spair|spir|fat.?s|(?<![a-z])fs(?![a-z])|(dixon|ideal).*(?<![a-z0-9])w(?![a-z])", re.I
)
_LOCALIZER_NAME = re.compile(r"(?<![a-z])(loc|locali[sz]er|scout|survey)(?![a-z])", re.I)


def contrast_of(header: Dataset) -> str:
    """Contrast of a series by its flat header.

    Returns "t1", "t2", "t1_fat_suppressed", "t2_fat_suppressed", "other" for what is none of them (localizers, proton
    density, gradient echo, diffusion, fat or opposed-phase Dixon pictures, ...), or "unknown" where neither parameters
    nor names tell.
    """
    kinds = _words(header.get("ImageType"))
    name = series_name(header)
    if kinds & (_NOT_ANATOMY | _DIXON_OTHER) or _LOCALIZER_NAME.search(name) or _is_diffusion(header):
        return "other"
    inversion_time = _number(header, "InversionTime")
    if _within(inversion_time, STIR_INVERSION_TIME_RANGE_MS):
        return "t2_fat_suppressed"
    weighting = _weighting(header, inversion_time) or _weighting_by_name(name)
    suppressed = _is_fat_suppressed(header, kinds) or bool(_FAT_SUPPRESSED_NAME.search(name))
    return FAT_SUPPRESSED.get(weighting, weighting) if suppressed else weighting


def describe(header: Dataset) -> str:
    """The parameters that decided, for a message: "TR 3500 ms, TE 114 ms"."""
    values = {"TR": "RepetitionTime", "TE": "EchoTime", "TI": "InversionTime"}
    known = ((short, _number(header, keyword)) for short, keyword in values.items())
    return ", ".join(f"{short} {value:.0f} ms" for short, value in known if value) or "no sequence parameters"


def parameters_of(header: Dataset) -> dict[str, Any]:
    """What `Volume.source` says of the acquisition. Nothing in it identifies the patient."""
    numbers = {
        "repetition_time_ms": "RepetitionTime",
        "echo_time_ms": "EchoTime",
        "inversion_time_ms": "InversionTime",
        "echo_train_length": "EchoTrainLength",
        "field_strength_t": "MagneticFieldStrength",
        "slice_thickness_mm": "SliceThickness",
        "spacing_between_slices_mm": "SpacingBetweenSlices",
    }
    texts = {"manufacturer": "Manufacturer", "model": "ManufacturerModelName"}
    found = {name: _number(header, keyword) for name, keyword in numbers.items()}
    found |= {name: str(header.get(keyword) or "").strip() or None for name, keyword in texts.items()}
    return {name: value for name, value in found.items() if value is not None}


def series_name(header: Dataset) -> str:
    """What people called the series and its protocol; never shown, it may hold anything."""
    return " ".join(str(header.get(keyword) or "") for keyword in ("SeriesDescription", "ProtocolName"))


def _weighting(header: Dataset, inversion_time: float | None) -> str | None:
    """ "t1", "t2" or "other" by repetition, echo and inversion time; None where they are not given."""
    echo_time, repetition_time = _number(header, "EchoTime"), _number(header, "RepetitionTime")
    if echo_time is None or repetition_time is None:
        return None
    techniques = _words(header.get("ScanningSequence"))
    gradient_echo = header.get("EchoPulseSequence") == "GRADIENT" or ("GR" in techniques and "SE" not in techniques)
    if gradient_echo:
        return "other"
    if _within(echo_time, T2_ECHO_TIME_RANGE_MS):
        return "t2"
    short_echo = echo_time <= T1_MAX_ECHO_TIME_MS
    if short_echo and (
        repetition_time <= T1_MAX_REPETITION_TIME_MS or _within(inversion_time, T1_FLAIR_INVERSION_TIME_RANGE_MS)
    ):
        return "t1"
    return "other"


def _weighting_by_name(name: str) -> str:
    found = {weighting for weighting in ("t1", "t2") if re.search(rf"(?<![a-z0-9]){weighting}", name, re.I)}
    if re.search(r"stir|tirm", name, re.I):
        found.add("t2")
    return found.pop() if len(found) == 1 else "unknown"


def _is_fat_suppressed(header: Dataset, kinds: set[str]) -> bool:
    spectral = str(header.get("SpectrallySelectedSuppression") or "")
    options = _words(header.get("ScanOptions"))
    return bool(kinds & _DIXON_WATER or options & _FAT_SUPPRESSION_OPTIONS or "FAT" in spectral)


def _is_diffusion(header: Dataset) -> bool:
    return bool(header.get("DiffusionBValue")) or "EP" in _words(header.get("ScanningSequence"))


def _words(value: str | Iterable[str] | None) -> set[str]:
    """The values of a DICOM code string, upper case; vendors separate them by commas too."""
    values = [value] if isinstance(value, str) else list(value or ())
    return {word.strip().upper() for item in values for word in str(item).split(",")}


def _number(header: Dataset, keyword: str) -> float | None:
    """The attribute as a number, its first value where it has several; None where it is absent or empty."""
    value = header.get(keyword)
    if value is None or value == "":
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        return float(value)
    values = list(value)
    return float(values[0]) if values else None


def _within(value: float | None, limits: tuple[float, float]) -> bool:
    return value is not None and limits[0] <= value <= limits[1]

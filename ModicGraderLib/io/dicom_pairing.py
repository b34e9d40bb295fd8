"""Choosing the T1 and the T2 series of an examination."""

from __future__ import annotations

from itertools import product

import numpy as np

from ..errors import InputError
from .dicom_series import Series

CONTRASTS = {"t1": ("t1",), "t2": ("t2", "t2_fat_suppressed")}
"""Contrasts that a series may have to be graded as T1 or as T2."""


def choose_pair(series: list[Series], folder_name: str) -> tuple[Series | None, Series | None]:
    """The best sagittal T1 and T2 series, one of them None where there is none.

    In this order: complete series; of one study; T2 without fat suppression; of one frame of reference; T1 without
    contrast agent; original pictures rather than reformatted ones; many slices; fine pixels; the latest study.

    Raises
    ------
    InputError
        More than one patient, no sagittal T1 or T2 series, or only incomplete ones.
    """
    check_one_patient(series, folder_name)
    sagittal = [one for one in series if one.plane == "sagittal"]
    t1s, t2s = (_candidates(sagittal, contrasts) for contrasts in CONTRASTS.values())
    if not t1s and not t2s:
        raise InputError(f"{folder_name} holds no sagittal T1- or T2-weighted series ({_summary(series)}); add them")
    if not t1s or not t2s:
        best = max(t1s or t2s, key=_rank)
        return (best, None) if t1s else (None, best)
    return max(product(t1s, t2s), key=lambda pair: _rank_of_pair(*pair))


def check_one_patient(series: list[Series], name: str) -> None:
    """Raise InputError where two series name different patients; what is empty in either is no difference."""
    for values in zip(*(one.patient for one in series), strict=True):
        if len({value for value in values if value}) > 1:
            raise InputError(f"{name} holds images of different patients; give the series of one patient")


def _candidates(series: list[Series], contrasts: tuple[str, ...]) -> list[Series]:
    """Series of one of these contrasts: the complete ones, or all where none is, so that reading says what is wrong."""
    fitting = [one for one in series if one.contrast in contrasts]
    return [one for one in fitting if one.is_complete()] or fitting


def _rank_of_pair(t1: Series, t2: Series) -> tuple:
    same_study, same_frame = (
        t1.header.get(keyword) == t2.header.get(keyword) for keyword in ("StudyInstanceUID", "FrameOfReferenceUID")
    )
    return (same_study, _is_plain(t2), same_frame, *(sum(pair) for pair in zip(_rank(t1), _rank(t2), strict=True)))


def _rank(series: Series) -> tuple:
    """How much one would like to read it: (plain, native, original, slices, fineness, date), more is better."""
    header = series.header
    return (
        _is_plain(series),
        not header.get("ContrastBolusAgent"),
        "ORIGINAL" in (header.get("ImageType") or ()),
        len(series.frames),
        -float(np.mean([float(value) for value in header.PixelSpacing])),
        int(header.get("StudyDate") or 0),
    )


def _is_plain(series: Series) -> bool:
    return not series.contrast.endswith("fat_suppressed")


def _summary(series: list[Series]) -> str:
    found = sorted({f"{one.plane} {one.contrast.replace('_', ' ')}" for one in series})
    return f"found: {', '.join(found)}" if found else "no MR picture with a place in the patient"

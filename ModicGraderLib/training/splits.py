"""Which patients the localization network learns from, which steer its training, and which only measure it."""

from __future__ import annotations

from collections.abc import Iterable

from .data_folder import fold_of
from .spine_slices import SpineSlice

TENTHS = 10
HELD_OUT_TENTHS = (0, 1)
"""Patients in these tenths are never trained on and never used for a choice; results are reported on them."""

VALIDATION_TENTH = 2
"""Patients in this tenth are not trained on; choices were made on them."""


def is_held_out(patient: str) -> bool:
    """Whether a patient only measures the localization network."""
    return fold_of(patient, TENTHS) in HELD_OUT_TENTHS


def is_training(patient: str) -> bool:
    """Whether the localization network learns from a patient."""
    return fold_of(patient, TENTHS) > VALIDATION_TENTH


def training_part(slices: Iterable[SpineSlice]) -> list[SpineSlice]:
    """The slices of patients the localization network learns from."""
    return [one for one in slices if is_training(one.patient)]


def held_out_part(slices: Iterable[SpineSlice]) -> list[SpineSlice]:
    """The slices of patients it is measured on."""
    return [one for one in slices if is_held_out(one.patient)]

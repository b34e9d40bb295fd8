"""Samples: what a recipe cuts out of each study, made once and kept in one file a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .labelled_study import DiscLabels


@dataclass(frozen=True)
class Sample:
    """What a network learns from at once: a disc, or a whole study.

    Attributes
    ----------
    study, patient:
        Where it comes from; samples of one patient stay together.
    level:
        Name of the disc; "" for a whole study.
    labels:
        Of the disc; of a whole study all unknown.
    arrays:
        By name; what they hold, with axes and units, says the recipe that cut them.
    """

    study: str
    patient: str
    level: str
    labels: DiscLabels
    arrays: Mapping[str, np.ndarray]

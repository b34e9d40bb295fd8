"""locate_spine(): from a study to its named discs."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from ..anatomy import DISCS_UPWARDS
from ..errors import InputError
from ..models import load_weights
from ..progress import Progress
from ..report import QualityFinding
from ..study import SpineStudy
from .candidates import Candidate, find_candidates
from .frames import locate_disc
from .labels import label_spine
from .network import SACRUM, SpineNetwork
from .numbering import SURE, Named, name_levels
from .prediction import SpinePrediction, predict
from .spine import LocatedDisc, SpineLocation

MODEL = "spine-localizer"

USUAL_WIDTH_MM = (24.0, 50.0)
"""Mean disc widths read without a second look; children and giants lie beyond, and so do wrong pixel sizes."""

TYPICAL_WIDTH_MM = 35.0

OTHER_SCALES = (0.65, 1.5)
"""Pixel sizes tried, relative to the header's, where the first look finds too little."""


@lru_cache(maxsize=2)
def load_network(device: str = "cpu") -> SpineNetwork:
    """The shipped localization network, ready to run on a device."""
    network = SpineNetwork()
    network.load_weights({name: tensor.float() for name, tensor in load_weights(MODEL).items()})
    return network.eval().to(torch.device(device), memory_format=torch.channels_last)


def locate_spine(
    study: SpineStudy,
    *,
    network: SpineNetwork,
    lowest_disc: str | None = None,
    progress: Progress | None = None,
) -> tuple[SpineLocation, list[QualityFinding]]:
    """The discs of a study with their names, and what there is to say about how sure that is.

    Parameters
    ----------
    lowest_disc:
        Name of the lowest disc in view if the user knows better than the model.

    Raises
    ------
    InputError
        Fewer than two discs are seen: no sagittal picture of a lumbar spine.
    """
    progress = progress or Progress()
    prediction, candidates = _look(study, network, progress.part(0, 0.8))
    if len(candidates) < 2:
        found = "no disc" if not candidates else "only one disc"
        raise InputError(
            f"A lumbar spine was looked for and {found} found; give sagittal pictures that show at least two discs."
        )
    progress.step(0.85, "Naming the levels")
    named = name_levels(candidates, prediction, lowest_disc)
    upwards = _locate(candidates, named, prediction)
    progress.step(0.9, "Outlining the spine")
    labels = label_spine(upwards, prediction, study.reference)
    location = SpineLocation(tuple(reversed(upwards)), named.numbering, labels)
    return location, _findings(named, candidates, prediction)


def _look(
    study: SpineStudy, network: SpineNetwork, progress: Progress
) -> tuple[SpinePrediction, list[Candidate]]:
    # A wrong pixel size shows as discs of an impossible width; the picture is then read again at the size they imply.
    prediction = predict(study, network, progress=progress)
    candidates = find_candidates(prediction)
    width = _mean_width(candidates, prediction)
    if len(candidates) >= 4 and USUAL_WIDTH_MM[0] <= width <= USUAL_WIDTH_MM[1]:
        return prediction, candidates
    scales = (width / TYPICAL_WIDTH_MM,) if len(candidates) >= 4 else OTHER_SCALES
    best = prediction, candidates
    for scale in scales:
        again = predict(study, network, scale=scale, progress=progress)
        found = find_candidates(again)
        if _evidence(found) > _evidence(best[1]) + 0.5:
            best = again, found
    return best


def _evidence(candidates: list[Candidate]) -> float:
    return sum(candidate.confidence for candidate in candidates)


def _mean_width(candidates: list[Candidate], prediction: SpinePrediction) -> float:
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    extents = [np.ptp(candidate.pixels[candidate.middle_slice], axis=0) for candidate in candidates]
    return float(np.median([np.hypot(*extent) for extent in extents]) * pixel) if extents else 0.0


def _locate(candidates: list[Candidate], named: Named, prediction: SpinePrediction) -> list[LocatedDisc]:
    return [
        locate_disc(DISCS_UPWARDS[level], candidate, prediction)
        for level, candidate in zip(named.levels, candidates, strict=True)
    ]


def _findings(
    named: Named, candidates: list[Candidate], prediction: SpinePrediction
) -> list[QualityFinding]:
    findings = []
    numbering = named.numbering
    if numbering.source == "model" and numbering.confidence < SURE:
        findings.append(
            QualityFinding(
                "numbering_unsure",
                "warning",
                f"The levels may be counted wrongly: the lowest disc is taken for {numbering.lowest_disc} with"
                f" {numbering.confidence:.0%} confidence; check it, and set the lowest disc by hand if needed.",
            )
        )
    if numbering.transitional_suspected:
        findings.append(
            QualityFinding(
                "transitional_vertebra_suspected",
                "warning",
                "The sacrum is in view but the count from it is ambiguous: a transitional vertebra is possible.",
            )
        )
    if not _sacrum_in_view(candidates[0], prediction):
        findings.append(
            QualityFinding(
                "sacrum_not_in_view",
                "warning",
                "The sacrum is not seen below the lowest disc, so the levels are named without their anchor.",
            )
        )
    for level in sorted(set(range(named.levels[0], named.levels[-1])) - set(named.levels)):
        name = DISCS_UPWARDS[level]
        findings.append(QualityFinding("disc_not_found", "warning", f"The disc {name} was not found.", name))
    return findings


def _sacrum_in_view(lowest: Candidate, prediction: SpinePrediction) -> bool:
    sacrum = prediction.structures[SACRUM, lowest.middle_slice] > 0.5
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    return float(sacrum.sum()) * pixel**2 > 150.0

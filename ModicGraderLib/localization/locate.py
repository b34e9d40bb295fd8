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
from .spine import SpineLocation

MODEL = "spine-localizer"

USUAL_WIDTH_MM = (24.0, 50.0)
"""Mean disc widths read without a second look; children and giants lie beyond, and so do wrong pixel sizes."""

TYPICAL_WIDTH_MM = 35.0

CLEAR = 0.6
"""Confidence from which a disc is clearly seen."""

MIN_CLEAR_DISCS = 2
"""So many make a spine. The second clearest disc has 0.69 and more on SPIDER's pictures, T1 or T2 alone (122 of them),
and 0.66 and more on simulated ones (20); the second clearest "disc" of noise, sharp or blurred, 0.56 at most (40), and
of photographs 0.57 but for one of 21."""

OTHER_SCALES = (0.65, 1.5)
"""Pixel sizes tried, relative to the header's, where the first look finds too little."""


@lru_cache(maxsize=2)
def load_network(device: str = "cpu") -> SpineNetwork:
    """The shipped localization network, ready to run on a device."""
    network = SpineNetwork()
    network.load_weights(load_weights(MODEL))
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
    prediction, named = _look(study, network, lowest_disc, progress.part(0, 0.85))
    clear = _clear(named)
    if clear < MIN_CLEAR_DISCS and len(study.volumes) > 1:
        # Where T1 and T2 do not lie upon each other they blur what either shows alone.
        parts = (progress.part(0.85, 0.87), progress.part(0.87, 0.89))
        alone = zip(map(SpineStudy.of, study.volumes), parts, strict=True)
        clear = max(_clear(_look(one, network, lowest_disc, part)[1]) for one, part in alone)
    if clear < MIN_CLEAR_DISCS:
        found = "only one disc" if clear else "no disc"
        raise InputError(
            f"A lumbar spine was looked for and {found} clearly seen; give sagittal pictures that show at least two."
        )
    upwards = [
        locate_disc(DISCS_UPWARDS[level], candidate, prediction)
        for level, candidate in zip(named.levels, named.candidates, strict=True)
    ]
    progress.step(0.9, "Outlining the spine")
    labels = label_spine(upwards, prediction, study.reference)
    location = SpineLocation(tuple(reversed(upwards)), named.numbering, labels)
    return location, _findings(named, prediction)


def _clear(named: Named) -> int:
    return sum(candidate.confidence >= CLEAR for candidate in named.candidates)


def _look(
    study: SpineStudy, network: SpineNetwork, lowest_disc: str | None, progress: Progress
) -> tuple[SpinePrediction, Named]:
    # A wrong pixel size shows as discs of an impossible width; the picture is then read again at the size they imply.
    def look(scale: float, part: Progress) -> tuple[SpinePrediction, Named]:
        prediction = predict(study, network, scale=scale, progress=part)
        return prediction, name_levels(find_candidates(prediction), prediction, lowest_disc)

    best = look(1.0, progress.part(0, 0.6))
    width = _mean_width(*best)
    enough = len(best[1].candidates) >= 4
    if enough and USUAL_WIDTH_MM[0] <= width <= USUAL_WIDTH_MM[1]:
        return best
    scales = (width / TYPICAL_WIDTH_MM,) if enough else OTHER_SCALES
    for number, scale in enumerate(scales):
        again = look(scale, progress.part(0.6 + 0.4 * number / len(scales), 0.6 + 0.4 * (number + 1) / len(scales)))
        if _evidence(again[1]) > _evidence(best[1]) + 0.5:
            best = again
    return best


def _evidence(named: Named) -> float:
    return sum(candidate.confidence for candidate in named.candidates)


def _mean_width(prediction: SpinePrediction, named: Named) -> float:
    pixel = np.linalg.norm(prediction.grid.affine[:3, 1])
    extents = [np.ptp(one.pixels[one.middle_slice], axis=0) for one in named.candidates]
    return float(np.median([np.hypot(*extent) for extent in extents]) * pixel) if extents else 0.0


def _findings(named: Named, prediction: SpinePrediction) -> list[QualityFinding]:
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
    if not _sacrum_in_view(named.candidates[0], prediction):
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

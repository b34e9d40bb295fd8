"""How far corners, heights, angles and extents are from the truth of simulated patients, and what their intervals hold.

`python -m ModicGraderLib.evaluation.measures --patients 12` prints what `measurement.corner_error` and
`measurement.extent` rest on. The spine is found by the shipped localizer. Changes are not: their true outlines are
moved by a known error, so that a map with right probabilities is measured and not the one of today's grader.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.special import expit

from ..anatomy import CORNERS, ENDPLATES, GRADED_DISCS, vertebra_label, vertebrae_of
from ..localization.locate import load_network
from ..localization.spine import LocatedDisc, SpineLocation
from ..mapping.change_map import EndplateChange
from ..measurement.disc_geometry import DISC_MEASURES, disc_geometry, spine_geometry
from ..measurement.endplate_change import EXTENTS
from ..measurement.extent import measure_extent
from ..simulation.simulate import SimulatedStudy, simulate
from ..study import SpineStudy
from ..training.simulated_cohort import VALIDATION_SEEDS
from ..training.simulated_discs import nearest
from .localization import locate_or_nothing

EDGE_MM, EDGE_SMOOTHNESS_MM = 1.2, 6.0
"""Standard deviation by which the outline of a change is moved, and over which distance it moves as one."""

LOGISTIC_SCALE = 1.7
"""The logistic function of so many standard deviations is nearly the normal distribution."""


@dataclass(frozen=True)
class Measured:
    """One measure of one disc, endplate or spine: the truth, what was found, and the half width of its interval."""

    name: str
    truth: float
    found: float
    half_width: float


def pairs_of(drawn: SimulatedStudy, location: SpineLocation) -> list[tuple[LocatedDisc, LocatedDisc]]:
    """The true and the found one of each graded disc that was found, whatever it was called."""
    numbers = {disc.level: nearest(disc.center, disc.width_mm, location.discs) for disc in drawn.discs}
    return [
        (disc, location.discs[numbers[disc.level]])
        for disc in drawn.discs
        if disc.level in GRADED_DISCS and numbers[disc.level] is not None
    ]


def corner_errors(true: LocatedDisc, found: LocatedDisc) -> np.ndarray:
    """(4, 2) mm to the (front, head) of the true disc, in the order of `anatomy.CORNERS`."""
    errors = np.array([found.corners[name] - true.corners[name] for name in CORNERS])
    return errors @ np.stack([true.anterior, true.normal], axis=1)


def geometry_pairs(drawn: SimulatedStudy, location: SpineLocation) -> Iterator[Measured]:
    """The measures of each disc, and the lordosis."""
    truth = SpineLocation(drawn.discs, location.numbering, drawn.labels)
    for true, found in pairs_of(drawn, location):
        yield from _compared(DISC_MEASURES, disc_geometry(true, truth), disc_geometry(found, location, drawn.t2))
    yield from _compared(("lordosis_deg",), spine_geometry(truth), spine_geometry(location, drawn.t2))


def extent_pairs(drawn: SimulatedStudy, location: SpineLocation, rng: np.random.Generator) -> Iterator[Measured]:
    """The extents of each change that a reader would call."""
    reports = {disc.level: disc for disc in drawn.truth.discs}
    numbers: dict[tuple[str, str], list[int]] = {}
    for number, (level, endplate, _) in enumerate(drawn.case.lesions, 1):
        numbers.setdefault((level, endplate), []).append(number)
    for true, found in pairs_of(drawn, location):
        for at, name in enumerate(ENDPLATES):
            report = reports[true.level].endplates[name]
            body = location.labels == vertebra_label(vertebrae_of(found.level)[at])
            lesion = np.isin(drawn.lesions, numbers.get((true.level, name), []))
            if report.modic.grade not in (None, "0") and (lesion & body).any():
                extent = measure_extent(found, name, _mapped(lesion, body, drawn.t2.spacing, rng), drawn.t2)
                yield from _compared(EXTENTS, vars(report), vars(extent))


def _compared(names: tuple[str, ...], truth: dict, found: dict) -> Iterator[Measured]:
    for name in names:
        if truth[name] is not None and name in found.get("uncertainty", {}):
            yield Measured(name, truth[name], found[name], found["uncertainty"][name])


def _mapped(lesion: np.ndarray, body: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> EndplateChange:
    """A map (all arrays (slices, rows, columns)) whose probabilities are right: its edge is off by `EDGE_MM`."""
    box = ndimage.find_objects(body.astype(np.uint8))[0]
    body, lesion = body[box], lesion[box]
    inside, outside = (ndimage.distance_transform_edt(mask, sampling=spacing) for mask in (lesion, ~lesion))
    error = ndimage.gaussian_filter(rng.standard_normal(body.shape), EDGE_SMOOTHNESS_MM / spacing)
    depth = inside - outside + EDGE_MM * error / error.std()
    chance = expit(LOGISTIC_SCALE * depth / EDGE_MM) * body
    posterior = np.stack([1 - chance, chance, 0 * chance, 0 * chance]).astype(np.float32)
    return EndplateChange(box, body, posterior, chance > 0.5)


def table(measured: list[Measured]) -> str:
    """One row a measure: how many, mean error, root mean square, median half width, share within the interval."""
    rows = [f"{'':26}{'n':>5}{'bias':>9}{'rms':>9}{'± 95 %':>9}{'held':>7}"]
    for name in dict.fromkeys(one.name for one in measured):
        own = [one for one in measured if one.name == name]
        error = np.array([one.found - one.truth for one in own])
        half = np.array([one.half_width for one in own])
        held, rms = (np.abs(error) <= half).mean(), np.sqrt((error**2).mean())
        rows.append(f"{name:26}{len(own):5}{error.mean():9.2f}{rms:9.2f}{np.median(half):9.2f}{held:7.2f}")
    return "\n".join(rows)


def corner_table(errors: np.ndarray) -> str:
    """Root mean squares in mm of errors (discs, 4, 2) along and across, and what both ends of a side share along."""
    along, across = np.sqrt((errors**2).mean((0, 1)))
    shared = np.mean([np.corrcoef(errors[:, one, 0], errors[:, one + 2, 0])[0, 1] for one in (0, 1)])
    bias = ", ".join(f"{name} {value:.2f}" for name, value in zip(CORNERS, errors[..., 1].mean(0), strict=True))
    rms = f"corners: rms along {along:.2f} mm, across {across:.2f} mm, shared along {shared:.2f}"
    return f"{rms}\nmean error towards the head: {bias} mm"


def main() -> None:
    """Measure on the first validation patients."""
    parser = argparse.ArgumentParser(prog="python -m ModicGraderLib.evaluation.measures")
    parser.add_argument("--patients", type=int, default=12)
    network, corners, measured = load_network("cpu"), [], []
    for seed in VALIDATION_SEEDS[: parser.parse_args().patients]:
        drawn = simulate(seed)
        location = locate_or_nothing(SpineStudy(drawn.t1, drawn.t2), network)
        if location is not None:
            corners += [corner_errors(*pair) for pair in pairs_of(drawn, location)]
            measured += geometry_pairs(drawn, location)
            measured += extent_pairs(drawn, location, np.random.default_rng(seed))
    print(corner_table(np.array(corners)), table(measured), sep="\n\n")


if __name__ == "__main__":
    main()

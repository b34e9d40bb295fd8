"""Mid-sagittal pairs, real and simulated, located by our own network and measured in one and the same way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..anatomy import GRADED_DISCS
from ..errors import InputError
from ..grading.disc_input import SHAPE, WIDTHS
from ..grid import Grid
from ..io import read_study
from ..io.alignment import align
from ..localization.agreement import agree_on_discs
from ..localization.locate import locate_spine
from ..localization.network import SpineNetwork
from ..localization.spine import SpineLocation
from ..mapping.marrow import fit_marrow
from ..regions import disc_grid, resample
from ..simulation.epidemiology import draw_case
from ..simulation.lesion_lots import EPIDEMIOLOGICAL_MIX
from ..simulation.simulate import simulate
from ..study import SpineStudy, Volume
from ..training.splits import is_held_out
from ..whole_files import whole_file
from .simulator_shape import shape_features
from .simulator_signal import marrow_correlation, picture_features

VIEW_SHAPE = (256, 168)
VIEW_PIXEL_MM = 0.9
"""(rows, columns) and pixel size of the picture of a pair that contact sheets show."""

CASES = 1_000_000
"""Stream of random numbers from which the patients compared with real ones are drawn."""

WINDOW = 2.2
"""Signal in units of the marrow that a picture shows as white."""


@dataclass(frozen=True)
class MeasuredPair:
    """One patient's mid-sagittal pair.

    Attributes
    ----------
    name:
        "spider-NNN" or "simulated-N".
    features:
        Measurements by "group/name"; NaN where out of view.
    levels:
        Names of the discs in `regions`.
    regions:
        (discs, 2, 72, 112) float16: T1 and T2 about each disc, as the grader sees them, in their own units.
    view:
        (2, rows, columns) uint8: both contrasts about the spine, scaled by the marrow.
    """

    name: str
    features: dict[str, float]
    levels: tuple[str, ...]
    regions: np.ndarray
    view: np.ndarray


def real_names(folder: Path) -> list[str]:
    """Numbers of the SPIDER patients of `spider_midsagittal` that are not held out: what steers a simulator is learned
    from."""
    names = sorted(path.name.split("_")[0] for path in (folder / "volumes").glob("*_t1.nii.gz"))
    return [name for name in names if not is_held_out(f"spider-{name}")]


def real_pairs(folder: Path, network: SpineNetwork, cache: Path) -> Iterator[MeasuredPair]:
    """The real pairs whose spine is found, patient by patient."""
    volumes = folder / "volumes"
    for name in real_names(folder):
        yield from _cached(
            cache / f"spider-{name}.npz",
            lambda name=name: _study(*_square(*(volumes / f"{name}_{c}.nii.gz" for c in ("t1", "t2")))),
            network,
        )


def simulated_pairs(seeds: range, network: SpineNetwork, cache: Path) -> Iterator[MeasuredPair]:
    """The pairs of one slice, stored in eight bits as the real ones, that the simulator makes of some seeds."""
    for seed in seeds:
        yield from _cached(cache / f"simulated-{seed}.npz", lambda seed=seed: _simulated(seed), network)


def _simulated(seed: int) -> SpineStudy:
    # Types as frequent as in clinics; training shows the rare ones far more often.
    case = draw_case(np.random.default_rng([seed, CASES]), EPIDEMIOLOGICAL_MIX)
    study = simulate(seed, case, slices=1, eight_bit=True)
    return _study(study.t1, study.t2)


def digest(paths: list[Path]) -> str:
    """A name for the state of some files, and of all code and data in some folders."""
    inside = [sorted(path.rglob("*")) if path.is_dir() else [path] for path in paths]
    files = [path for found in inside for path in found if path.suffix in (".py", ".json", ".safetensors")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def measure_pair(name: str, study: SpineStudy, network: SpineNetwork) -> MeasuredPair | None:
    """The measurements of a study of one slice, or None where its spine or its marrow is not found."""
    study, findings = agree_on_discs(study, network)
    try:
        location, _ = locate_spine(study, network=network)
    except InputError:
        return None
    references = {
        volume.contrast: fit_marrow(volume, location.labels, study.reference.grid) for volume in study.volumes
    }
    if None in references.values():
        return None
    believed = all(finding.code != "pixel_size_mismatch" for finding in findings)
    features = shape_features(study.reference, location, millimetres=believed)
    for volume in study.volumes:
        labels = resample(location.labels, study.reference.grid, volume.grid, order=0, outside=0)
        features |= picture_features(volume, location, labels, references[volume.contrast])
    features["marrow/T1 and T2, correlation"] = marrow_correlation(study.t1, study.t2, location)
    levels = tuple(disc.level for disc in location.discs if disc.level in GRADED_DISCS)
    return MeasuredPair(name, features, levels, _regions(study, location), _view(study, location, references))


def _study(t1: Volume, t2: Volume) -> SpineStudy:
    """Both volumes, brought together as `read_study` brings files together."""
    t1, alignment, findings = align(t1, t2)
    return SpineStudy(t1, t2, alignment, findings)


def _square(t1: Path, t2: Path) -> tuple[Volume, Volume]:
    """A real pair with the stretch of its publication undone.

    The published pictures were resampled to other numbers of rows under an unchanged pixel size: the height to depth of
    the vertebral bodies goes with rows / columns (from 0.5 at 0.75 to 1.3 at 1.7; correlation of the logarithms 0.83,
    slope 0.92), discs lie at the same share of the rows of T1 and T2 where the rows' sizes disagree, and so they do on
    3D T2 whose pixel size names another field of view than T1's. So the field of view is taken to be square, and as
    wide as T1's header says.
    """
    study = read_study(t1, t2, align=False)
    width = study.t1.array.shape[2] * study.t1.spacing[2]
    return tuple(_with_view(volume, width) for volume in (study.t1, study.t2))


def _with_view(volume: Volume, width: float) -> Volume:
    """The volume with a square field of view of a width in mm, about the same center."""
    _, rows, columns = volume.array.shape
    middle = [0, (rows - 1) / 2, (columns - 1) / 2]
    affine = volume.affine.copy()
    affine[:3, 1:3] *= np.array([width / rows, width / columns]) / volume.spacing[1:]
    affine[:3, 3] += volume.to_patient(middle) - Grid(affine, volume.array.shape).to_patient(middle)
    return replace(volume, affine=affine)


def _regions(study: SpineStudy, location: SpineLocation) -> np.ndarray:
    regions = []
    for disc in location.discs:
        if disc.level in GRADED_DISCS:
            pixel = WIDTHS * disc.width_mm / SHAPE[1]
            grid = disc_grid(disc, study.reference, shape=SHAPE, pixel_mm=pixel, slices=1)
            regions.append([resample(one.array, one.grid, grid, outside=0.0)[0] for one in study.volumes])
    return np.array(regions, np.float32).reshape(-1, 2, *SHAPE)


def _view(study: SpineStudy, location: SpineLocation, references: dict) -> np.ndarray:
    """Both contrasts about the middle of the spine, brought to one window by the marrow of L3 or what is nearest."""
    center = np.mean([disc.center for disc in location.discs], axis=0)
    affine = study.reference.affine.copy()
    affine[:3, 1:3] *= VIEW_PIXEL_MM / study.reference.spacing[1:]
    affine[:3, 3] = center - affine[:3, 1:3] @ (np.array(VIEW_SHAPE) * [0.5, 0.42])
    grid = Grid(affine, (1, *VIEW_SHAPE))
    views = []
    for volume in study.volumes:
        usual = np.exp(references[volume.contrast].coefficients[0])
        image = resample(volume.array, volume.grid, grid, outside=0.0)[0]
        views.append(np.clip(image / usual / WINDOW * 255, 0, 255))
    return np.array(views, np.uint8)


def _cached(path: Path, read: Callable[[], SpineStudy], network: SpineNetwork) -> Iterator[MeasuredPair]:
    """The pair that a file holds, measured now if it is not there; nothing where no spine was found."""
    if not path.exists():
        pair = measure_pair(path.stem, read(), network)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {} if pair is None else {"regions": pair.regions.astype(np.float16), "view": pair.view}
        words = {} if pair is None else {"features": pair.features, "levels": pair.levels}
        with whole_file(path) as unfinished:
            np.savez_compressed(unfinished, words=json.dumps(words), **arrays)
    with np.load(path) as saved:
        words = json.loads(str(saved["words"]))
        if words:
            regions = saved["regions"].astype(np.float32)
            yield MeasuredPair(path.stem, words["features"], tuple(words["levels"]), regions, saved["view"])

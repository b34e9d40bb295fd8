"""DiscGrades for findings written down beforehand: what the disc reader would say if it were always right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, ENDPLATES, PFIRRMANN_GRADES
from ModicGraderLib.grading.disc_input import BORDER, input_grid
from ModicGraderLib.grading.grader import DiscGrades
from ModicGraderLib.grading.tasks import BINARY_TASKS, CHANGE_TYPES, either
from ModicGraderLib.grid import Grid
from ModicGraderLib.localization.spine import LocatedDisc
from ModicGraderLib.regions import part_of
from ModicGraderLib.study import Volume


def painted_grades(
    disc: LocatedDisc,
    reference: Volume,
    modic: Mapping[str, str] | None = None,
    *,
    depth_mm: float = 8.0,
    reach: tuple[float, float] = (0.0, 1.0),
    certainty: float = 0.95,
    pfirrmann: int = 2,
    lesion: str = "normal",
    **findings: float,
) -> DiscGrades:
    """Grades that say what is asked for, with a map in which changes are slabs on their endplates.

    Parameters
    ----------
    modic:
        Type of the change by endplate, "I", "II", "III", "I/II" or "II/III"; a mixed one is half of each, pixel by
        pixel. An endplate that is not named has none.
    depth_mm, reach:
        Size of each slab: how far it goes into the body, and from where to where as shares of the disc's width, 0 at
        the front. It crosses all slices of the region.
    certainty:
        Probability of what is said; of the others the rest is left.
    lesion:
        One of `anatomy.ENDPLATE_LESIONS`.
    findings:
        Probabilities of `tasks.BINARY_TASKS`, where they shall not follow from the rest.
    """
    changes = dict(modic or {})
    grid = region_of(disc, reference)
    said = dict.fromkeys(BINARY_TASKS, 1 - certainty)
    said |= {f"{name}_marrow_change": certainty for name in changes}
    said["modic_change"] = float(either(*(said[f"{name}_marrow_change"] for name in ENDPLATES)))
    return DiscGrades(
        findings=said | findings,
        pfirrmann=_sure(PFIRRMANN_GRADES.index(pfirrmann), len(PFIRRMANN_GRADES), certainty),
        modic_types={name: shares_of(changes[name]) if name in changes else np.full(3, 1 / 3) for name in ENDPLATES},
        endplate_lesion=_sure(ENDPLATE_LESIONS.index(lesion), len(ENDPLATE_LESIONS), certainty),
        pixels=_pixels(disc, grid, changes, depth_mm, reach, certainty),
        grid=grid,
    )


def region_of(disc: LocatedDisc, reference: Volume) -> Grid:
    """Where `DiscGrades.pixels` of a disc lie: the disc reader's region without its border."""
    grid = input_grid(disc, reference)
    inner = [slice(BORDER, size - BORDER) for size in grid.shape[1:]]
    return part_of(grid, (slice(0, grid.shape[0]), *inner))


def shares_of(type_: str) -> np.ndarray:
    """Share (3,) of the types I, II and III in a change of one type or of two."""
    named = type_.split("/")
    return np.array([(name in named) / len(named) for name in CHANGE_TYPES])


def _sure(number: int, of: int, certainty: float) -> np.ndarray:
    return np.where(np.arange(of) == number, certainty, (1 - certainty) / (of - 1))


def _pixels(
    disc: LocatedDisc,
    grid: Grid,
    changes: Mapping[str, str],
    depth_mm: float,
    reach: tuple[float, float],
    certainty: float,
) -> np.ndarray:
    offset = grid.to_patient(np.stack(np.indices(grid.shape), axis=-1)) - disc.center
    height, share = offset @ disc.normal, 0.5 - offset @ disc.anterior / disc.width_mm
    unchanged = np.array([1.0, 0, 0, 0])
    pixels = np.broadcast_to(unchanged[:, None, None, None], (4, *grid.shape)).astype(np.float32)
    for name, type_ in changes.items():
        beyond = (height if name == "upper" else -height) - disc.height_mm / 2
        slab = (beyond >= 0) & (beyond <= depth_mm) & (share >= reach[0]) & (share <= reach[1])
        pixels[:, slab] = np.array([1 - certainty, *certainty * shares_of(type_)])[:, None]
    return pixels

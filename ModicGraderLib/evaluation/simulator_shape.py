"""The shapes of one spine as our own network sees them: discs, bodies, canal, curve and place in the picture."""

from __future__ import annotations

import numpy as np

from ..anatomy import CANAL_LABEL, GRADED_DISCS
from ..localization.spine import LocatedDisc, SpineLocation
from ..study import Volume


def shape_features(reference: Volume, location: SpineLocation, *, millimetres: bool) -> dict[str, float]:
    """Measurements by name, "shape/what", angles in degrees; NaN where something is out of view.

    Parameters
    ----------
    millimetres:
        Whether the pixel size can be believed; lengths in mm are NaN otherwise.
    """
    discs = {disc.level: disc for disc in location.discs}
    unit = 1.0 if millimetres else np.nan
    found: dict[str, float] = {"discs in view": len(discs)}
    for level in GRADED_DISCS:
        disc = discs.get(level)
        found[f"disc height {level}, mm"] = unit * disc.height_mm if disc else np.nan
        found[f"disc width {level}, mm"] = unit * disc.width_mm if disc else np.nan
        found[f"disc height/width {level}"] = disc.height_mm / disc.width_mm if disc else np.nan
        found[f"disc wedge {level}, deg"] = _wedge(disc) if disc else np.nan
    for above, below in zip(GRADED_DISCS[:-1], GRADED_DISCS[1:], strict=True):
        found |= _body(below.split("/")[0], discs.get(above), discs.get(below))
    found["lordosis L1-S1, deg"] = _lordosis(discs)
    found["slip, widths"] = _largest([abs(_slip(disc)) for disc in location.discs])
    canal = [_canal_depth(disc, reference, location.labels) for disc in location.discs if disc.level in GRADED_DISCS]
    found["canal depth, mm"] = unit * np.nanmedian(canal) if np.isfinite(canal).any() else np.nan
    row, column = _middle(discs, reference)
    found["column from the front, share of the view"] = column
    found["L3/L4 from the top, share of the view"] = row
    return {f"shape/{name}": float(value) for name, value in found.items()}


def _wedge(disc: LocatedDisc) -> float:
    """Angle between the endplates, positive where the disc is higher in front."""
    front, back = (
        (disc.corners[f"upper_{end}"] - disc.corners[f"lower_{end}"]) @ disc.normal for end in ("anterior", "posterior")
    )
    return float(np.degrees(np.arctan2(front - back, disc.width_mm)))


def _slip(disc: LocatedDisc) -> float:
    return float((disc.corners["upper_posterior"] - disc.corners["lower_posterior"]) @ disc.anterior) / disc.width_mm


def _body(name: str, above: LocatedDisc | None, below: LocatedDisc | None) -> dict[str, float]:
    """Aspect and wedge of the body between two discs; its upper endplate is the lower one of the disc above."""
    if above is None or below is None:
        return {f"body height/depth {name}": np.nan, f"body back/front height {name}": np.nan}
    front, back = (
        np.linalg.norm(above.corners[f"lower_{end}"] - below.corners[f"upper_{end}"])
        for end in ("anterior", "posterior")
    )
    depth = np.mean([
        np.linalg.norm(disc.corners[f"{side}_anterior"] - disc.corners[f"{side}_posterior"])
        for disc, side in ((above, "lower"), (below, "upper"))
    ])  # fmt: skip
    return {f"body height/depth {name}": (front + back) / 2 / depth, f"body back/front height {name}": back / front}


def _lordosis(discs: dict[str, LocatedDisc]) -> float:
    """Angle between the upper endplates of L1 and S1."""
    if not {"T12/L1", "L5/S1"} <= set(discs):
        return np.nan
    angles = []
    for level in ("T12/L1", "L5/S1"):
        along = discs[level].corners["lower_anterior"] - discs[level].corners["lower_posterior"]
        angles.append(np.degrees(np.arctan2(-along[2], -along[1])))
    return angles[1] - angles[0]


def _largest(values: list[float]) -> float:
    return max(values) if values else np.nan


def _canal_depth(disc: LocatedDisc, reference: Volume, labels: np.ndarray) -> float:
    """Extent of the canal's label straight behind the middle of a disc, in mm; NaN where none is seen."""
    step = 0.25
    back = np.arange(0.0, 40.0, step)[:, None]
    index = reference.to_index(disc.center - (disc.width_mm / 2 + back) * disc.anterior)
    inside = np.all((index >= -0.5) & (index < np.array(labels.shape) - 0.5), axis=1)
    found = labels[tuple(np.round(index[inside]).astype(int).T)] == CANAL_LABEL
    return float(found.sum() * step) if found.any() else np.nan


def _middle(discs: dict[str, LocatedDisc], reference: Volume) -> tuple[float, float]:
    """Where the disc L3/L4 lies in the view, as shares of its (rows, columns)."""
    if "L3/L4" not in discs:
        return np.nan, np.nan
    _, row, column = reference.to_index(discs["L3/L4"].center)
    return float(row / reference.array.shape[1]), float(column / reference.array.shape[2])

"""Drawn studies with a Modic change, for Gao 2022."""

from __future__ import annotations

import numpy as np
from painted_spine import grid_points, sagittal_grid, spine_boxes, true_discs, true_labels

from ModicGraderLib.anatomy import MODIC_MAP_LABELS, vertebra_label
from ModicGraderLib.mapping.marrow import BODY_LABELS
from ModicGraderLib.study import SpineStudy, Volume
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy

BOXES = spine_boxes()
DISCS = tuple(reversed(true_discs(BOXES)))
SIGNAL = {"0": (0, 0), "I": (-0.4, 0.4), "II": (0.4, 0.2), "III": (-0.5, -0.7), "open": (0.01, 0.01)}
"""Logarithms of T1 and T2 signal over normal marrow's, well outside the dead band but for the last."""


def drawn_study(
    name="one", slices=3, change="I", level="L3/L4", depth_mm=(0.0, 8.0), on_slices=slice(None)
) -> LabelledStudy:
    """A spine of boxes with noisy marrow and a change in the body above a disc, so far from the endplate."""
    grid = sagittal_grid(slices, (4.0, 1.5), (170, 110))
    spine = true_labels(BOXES, grid)
    disc = next(one for one in DISCS if one.level == level)
    offset = grid_points(grid) - disc.center
    depth = offset @ disc.normal - disc.height_mm / 2
    inside = (depth >= depth_mm[0]) & (depth < depth_mm[1]) & (np.abs(offset @ disc.anterior) < 12)
    inside &= spine == vertebra_label(level.split("/")[0])
    inside &= np.isin(np.arange(slices), np.arange(slices)[on_slices])[:, None, None]
    random = np.random.default_rng(0)
    volumes = []
    for contrast, shift in zip(("t1", "t2"), SIGNAL[change], strict=True):
        signal = np.where(np.isin(spine, BODY_LABELS), 200.0, 60.0) * np.exp(shift * inside)
        signal *= np.exp(random.normal(0, 0.05, grid.shape))
        volumes.append(Volume(signal.astype(np.float32), grid.affine, contrast))
    changes = (inside * MODIC_MAP_LABELS.get(change, 0)).astype(np.uint8)
    changed = change in MODIC_MAP_LABELS
    labels = {
        one.level: DiscLabels(
            modic=change if changed and one.level == level else "0",
            upper_marrow_change=changed and one.level == level,
            lower_marrow_change=False,
        )
        for one in DISCS
    }
    return LabelledStudy(name, name, SpineStudy(*volumes), DISCS, spine, changes, labels)

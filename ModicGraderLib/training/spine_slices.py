"""SpineSlice: one training picture with every structure and level that its source names, and no more than that.

The sources differ in what they label, so each pixel carries the *set* of structures it may be (see `ALLOWED`): the
polygons of the T1 set do not show the canal, the SPIDER masks not the sacrum, and neither is background.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.spatial import ConvexHull

from ..localization.network import BACKGROUND, CANAL, DISC, SACRUM, VERTEBRA

MEAN_BODY_DEPTH_MM = 34.0
"""Mean depth of the endplates of L2-L4 (Panjabi 1992), which gives pictures of unknown pixel size their scale."""

NOT_CANAL_KNOWN, NOT_SACRUM_KNOWN, ABOVE_LABELS, UNKNOWN = 5, 6, 7, 8

ALLOWED = {
    BACKGROUND: (BACKGROUND,),
    VERTEBRA: (VERTEBRA,),
    SACRUM: (SACRUM,),
    DISC: (DISC,),
    CANAL: (CANAL,),
    NOT_CANAL_KNOWN: (BACKGROUND, CANAL),
    NOT_SACRUM_KNOWN: (BACKGROUND, SACRUM),
    ABOVE_LABELS: (BACKGROUND, CANAL, VERTEBRA, DISC),
    UNKNOWN: (BACKGROUND, VERTEBRA, SACRUM, DISC, CANAL),
}
"""Structures a pixel with each code may be."""

NO_IDENTITY = 255


@dataclass
class SpineSlice:
    """One sagittal picture, upright, abdomen on the left.

    Attributes
    ----------
    patient, source, contrast:
        Whose it is, which data set it comes from, and "t1" or "t2".
    image:
        (rows, columns) float32.
    pixel_mm:
        Size of its pixels, known or estimated from the vertebrae.
    structure:
        (rows, columns) uint8, codes of `ALLOWED`.
    identity:
        (rows, columns) uint8, classes of the network, `NO_IDENTITY` where not known.
    corners:
        (N, 4) float: disc (0 is L5/S1), corner (index in `anatomy.CORNERS`), row, column.
    corners_known:
        (rows, columns) bool: where a corner that is not in the list can be taken as absent.
    """

    patient: str
    source: str
    contrast: str
    image: np.ndarray
    pixel_mm: float
    structure: np.ndarray
    identity: np.ndarray
    corners: np.ndarray
    corners_known: np.ndarray


def quadrilateral(points: np.ndarray) -> np.ndarray:
    """The four points (4, 2), in order around, of the convex hull of `points` (N, 2) that enclose the largest area."""
    hull = points[ConvexHull(points).vertices].astype(float)
    if len(hull) > 20:
        hull = hull[np.linspace(0, len(hull), 20, endpoint=False).astype(int)]
    choices = hull[np.array(list(combinations(range(len(hull)), 4)))]
    first, second = choices[:, 2] - choices[:, 0], choices[:, 3] - choices[:, 1]
    return choices[np.argmax(np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]))]


def endplate(quad: np.ndarray, toward: np.ndarray) -> np.ndarray:
    """The side (2, 2) of a quadrilateral (row, column) that faces `toward`, its anterior end (smaller column) first.

    It faces a point if its outward normal points there; of the two ends the anterior one has the smaller column.
    """
    center = quad.mean(0)
    sides = np.stack([quad, np.roll(quad, -1, axis=0)], axis=1)
    along = sides[:, 1] - sides[:, 0]
    normals = np.stack([along[:, 1], -along[:, 0]], axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals *= np.sign(((sides.mean(1) - center) * normals).sum(1, keepdims=True))
    direction = (toward - center) / np.linalg.norm(toward - center)
    side = sides[np.argmax(normals @ direction)]
    return side[np.argsort(side[:, 1])]

"""A small graded study for tests: a spine of boxes on an oblique grid, T1 and T2, with a report that fits it.

Nothing here was graded by a network: the findings are written down first, then drawn into the images and the maps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from ModicGraderLib import __version__
from ModicGraderLib.anatomy import (
    CANAL_LABEL,
    DISCS_UPWARDS,
    GRADED_DISCS,
    MODIC_MAP_LABELS,
    PFIRRMANN_GRADES,
    VERTEBRAE_UPWARDS,
    disc_label,
    vertebra_label,
)
from ModicGraderLib.graded import GradedStudy
from ModicGraderLib.localization.spine import LocatedDisc, SpineLocation
from ModicGraderLib.report import (
    DiscReport,
    EndplateReport,
    GradeReading,
    ModicReading,
    NarrowingReading,
    Numbering,
    QualityFinding,
    StudyReport,
)
from ModicGraderLib.study import Alignment, SpineStudy, Volume

T2_SHAPE, T2_SPACING = (5, 288, 176), (4.8, 0.9, 0.9)
T1_SHAPE, T1_SPACING = (7, 224, 144), (4.0, 1.1, 1.1)
WIDTH_MM, DISC_MM, VERTEBRA_MM, CANAL_MM = 34.0, 9.0, 27.0, 15.0
TILT_DEGREES = (30, 15, 4, -4, -9, -12, -14)
"""How far the normal of each disc leans forward, from L5/S1 upwards: the lordosis."""
PFIRRMANN = {"T12/L1": None, "L1/L2": 2, "L2/L3": 2, "L3/L4": 3, "L4/L5": 4, "L5/S1": 5}
MODIC = {"L4/L5": "II", "L5/S1": "I"}
LESION_MM = 6.0


@dataclass(frozen=True)
class _Box:
    """One vertebra or disc: its frame (origin, anterior, normal) in LPS mm and half its height."""

    label: int
    center: np.ndarray
    anterior: np.ndarray
    normal: np.ndarray
    half_height: float


def example_graded_study(seed: int = 0) -> GradedStudy:
    """A `GradedStudy` of six discs, with every map, Modic II at L4/L5 and Modic I at L5/S1. The same for each seed."""
    rng = np.random.default_rng(seed)
    turn = _turn(rng)
    boxes = _boxes(turn)
    t2_affine = _affine(T2_SHAPE, T2_SPACING, turn, shift=(0.0, 0.0, 0.0))
    t1_affine = _affine(T1_SHAPE, T1_SPACING, turn, shift=(1.5, -4.0, 6.0))
    t2_labels, t1_labels = _labels(T2_SHAPE, t2_affine, boxes), _labels(T1_SHAPE, t1_affine, boxes)
    t2_modic, t1_modic = _modic_map(T2_SHAPE, t2_affine, boxes), _modic_map(T1_SHAPE, t1_affine, boxes)
    study = SpineStudy(
        t1=Volume(_image(t1_labels, t1_modic, _T1_SIGNAL, rng), t1_affine, "t1", {"path": "t1.nii.gz"}),
        t2=Volume(_image(t2_labels, t2_modic, _T2_SIGNAL, rng), t2_affine, "t2", {"path": "t2.nii.gz"}),
        alignment=Alignment((0.4, -0.2, 0.6), 1.02, False),
    )
    discs = _located_discs(boxes)
    numbering = Numbering("L5/S1", "model", 0.97)
    probability = np.clip(gaussian_filter((t2_modic > 0).astype(np.float32), (0.3, 2, 2)), 0, 1)
    evidence = gaussian_filter((t2_modic > 0).astype(np.float32), (0.5, 4, 4))
    return GradedStudy(
        study=study,
        location=SpineLocation(discs, numbering, t2_labels),
        report=_report(study, discs, numbering),
        maps={"modic_map": t2_modic, "modic_probability": probability, "evidence": evidence},
    )


def _turn(rng: np.random.Generator) -> np.ndarray:
    """A small rotation (3x3): the patient does not lie straight."""
    x, y, z = np.deg2rad(rng.uniform(3, 8, 3))
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def _affine(shape: tuple, spacing: tuple, turn: np.ndarray, shift: tuple) -> np.ndarray:
    """LPS affine of a canonical grid around the spine: slices to the left, rows to the feet, columns to the back."""
    axes = turn @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    affine = np.eye(4)
    affine[:3, :3] = axes * np.asarray(spacing)
    center = (np.asarray(shape) - 1) / 2
    affine[:3, 3] = turn @ (np.array([0.0, -22.0, 5.0]) + shift) - affine[:3, :3] @ center
    return affine


def _boxes(turn: np.ndarray) -> list[_Box]:
    """Vertebrae and discs from S1 upwards, each a step along the curve from the one below."""
    disc_tilts = np.deg2rad(TILT_DEGREES)
    vertebra_tilts = [disc_tilts[0] + 0.2, *(disc_tilts[:-1] + disc_tilts[1:]) / 2]
    boxes, point, half_before = [], np.array([0.0, -22.0, -118.0]), 0.0
    for i, tilt in enumerate(vertebra_tilts):
        parts = [(vertebra_label(VERTEBRAE_UPWARDS[i]), tilt, VERTEBRA_MM)]
        if i < len(GRADED_DISCS):
            parts.append((disc_label(DISCS_UPWARDS[i]), disc_tilts[i], DISC_MM))
        for label, angle, height in parts:
            normal = np.array([0.0, -np.sin(angle), np.cos(angle)])
            anterior = np.array([0.0, -np.cos(angle), -np.sin(angle)])
            point = point + normal * (half_before + height / 2)
            half_before = height / 2
            boxes.append(_Box(label, turn @ point, turn @ anterior, turn @ normal, height / 2))
    return boxes


def _along(shape: tuple, affine: np.ndarray, box: _Box) -> tuple[np.ndarray, np.ndarray]:
    """Distance in mm of every voxel from the center of a box, along (anterior, normal)."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    offset = index @ affine[:3, :3].T + affine[:3, 3] - box.center
    return offset @ box.anterior, offset @ box.normal


def _labels(shape: tuple, affine: np.ndarray, boxes: list[_Box]) -> np.ndarray:
    labels = np.zeros(shape, np.uint8)
    for box in boxes:
        anterior, normal = _along(shape, affine, box)
        slab = np.abs(normal) <= box.half_height
        canal = slab & (anterior < -WIDTH_MM / 2 - 1) & (anterior > -WIDTH_MM / 2 - CANAL_MM)
        labels[canal & (labels == 0)] = CANAL_LABEL
        labels[slab & (np.abs(anterior) <= WIDTH_MM / 2)] = box.label
    return labels


def _modic_map(shape: tuple, affine: np.ndarray, boxes: list[_Box]) -> np.ndarray:
    """Lesions in the front half of the vertebra above each disc named in `MODIC`."""
    lesions = np.zeros(shape, np.uint8)
    for level, grade in MODIC.items():
        disc = next(box for box in boxes if box.label == disc_label(level))
        anterior, normal = _along(shape, affine, disc)
        height = normal - disc.half_height
        lesions[(height > 0) & (height < LESION_MM) & (anterior > 0) & (anterior < WIDTH_MM / 2)] = MODIC_MAP_LABELS[
            grade
        ]
    return lesions


_T1_SIGNAL = {"marrow": 460, "canal": 120, "around": 330, "I": 230, "II": 720}
_T2_SIGNAL = {"marrow": 380, "canal": 930, "around": 260, "I": 720, "II": 620}


def _image(labels: np.ndarray, modic: np.ndarray, signal: dict, rng: np.random.Generator) -> np.ndarray:
    """A volume (slices, rows, columns) whose tissues have the signal of a contrast, float32."""
    image = np.full(labels.shape, signal["around"], float)
    image[(labels > 0) & (labels < CANAL_LABEL)] = signal["marrow"]
    image[labels == CANAL_LABEL] = signal["canal"]
    for level in GRADED_DISCS:
        worn = (PFIRRMANN[level] or 1) / 5
        image[labels == disc_label(level)] = signal["canal"] * (1 - worn) + 120 * worn
    for grade in MODIC.values():
        image[modic == MODIC_MAP_LABELS[grade]] = signal[grade]
    image = gaussian_filter(image, (0.2, 1.0, 1.0)) + rng.normal(0, 18, labels.shape)
    return np.clip(image, 0, None).astype(np.float32)


def _located_discs(boxes: list[_Box]) -> tuple[LocatedDisc, ...]:
    """The discs, head to foot."""
    by_label = {box.label: box for box in boxes}
    located = []
    for level in GRADED_DISCS:
        box = by_label[disc_label(level)]
        up, front = box.normal * box.half_height, box.anterior * WIDTH_MM / 2
        corners = {
            "upper_anterior": box.center + up + front,
            "upper_posterior": box.center + up - front,
            "lower_anterior": box.center - up + front,
            "lower_posterior": box.center - up - front,
        }
        located.append(
            LocatedDisc(level, box.center, box.normal, box.anterior, WIDTH_MM, 2 * box.half_height, corners, 0.95)
        )
    return tuple(located)


def _report(study: SpineStudy, discs: tuple[LocatedDisc, ...], numbering: Numbering) -> StudyReport:
    return StudyReport(
        software={"version": __version__, "models": [{"name": "example", "version": "1", "sha256": "0" * 64}]},
        input={volume.contrast: volume.source for volume in study.volumes},
        quality=[
            QualityFinding("modic_type_by_signal", "info", "Modic types were read from the signal of the marrow."),
            QualityFinding("cropped", "warning", "The disc touches the edge of the image.", "T12/L1"),
        ],
        numbering=numbering,
        discs=[_disc_report(disc) for disc in discs],
        lordosis_deg=44.0,
        uncertainty={"lordosis_deg": 7.0},
    )


def _disc_report(disc: LocatedDisc) -> DiscReport:
    grade, pfirrmann = MODIC.get(disc.level, "0"), PFIRRMANN[disc.level]
    modic = ModicReading(grade, _spread(("0", "I", "II", "III"), grade, 0.82), 0.94 if grade != "0" else 0.06)
    quiet = ModicReading("0", _spread(("0", "I", "II", "III"), "0", 0.94), 0.06)
    narrowed = 0.88 if (pfirrmann or 0) >= 4 else 0.07
    return DiscReport(
        level=disc.level,
        confidence=disc.confidence,
        center_lps_mm=disc.center.tolist(),
        normal_lps=disc.normal.tolist(),
        anterior_lps=disc.anterior.tolist(),
        width_mm=disc.width_mm,
        height_mm=disc.height_mm,
        height_index=0.33,
        anterior_height_mm=disc.height_mm,
        posterior_height_mm=disc.height_mm,
        angle_deg=0.0,
        listhesis_mm=-1.2,
        uncertainty={"anterior_height_mm": 2.1, "posterior_height_mm": 2.1, "angle_deg": 5.0, "listhesis_mm": 2.3},
        corners_lps_mm={name: corner.tolist() for name, corner in disc.corners.items()},
        modic=replace(modic),
        pfirrmann=GradeReading(pfirrmann, _spread([str(g) for g in PFIRRMANN_GRADES], str(pfirrmann or 1), 0.7)),
        endplate_lesion=GradeReading(
            "normal", {"normal": 0.9, "wavy_irregular": 0.06, "notched": 0.03, "schmorl_node": 0.01}
        ),
        narrowing=NarrowingReading(narrowed, int(narrowed > 0.5)),
        herniation=0.21 if disc.level == "L4/L5" else 0.04,
        bulging=0.62 if pfirrmann and pfirrmann > 2 else 0.12,
        spondylolisthesis=0.03,
        endplates={"upper": _endplate(modic), "lower": _endplate(quiet)},
        abstained=[] if pfirrmann else [{"grade": "pfirrmann", "reason": "the disc touches the edge of the image"}],
    )


def _endplate(modic: ModicReading) -> EndplateReport:
    if modic.grade == "0":
        return EndplateReport(modic, endplate_change=0.08, marrow_change=0.05)
    return EndplateReport(
        modic,
        endplate_change=0.71,
        marrow_change=0.9,
        height_percent=22.0,
        height_class="A",
        anteroposterior_percent=50.0,
        location=["anterior"],
        area_percent=50.0,
        volume_mm3=2100.0,
        volume_percent=9.0,
        height_class_probabilities={"A": 0.69, "B": 0.31, "C": 0.0},
        uncertainty={"height_percent": 11.0, "anteroposterior_percent": 8.0, "volume_mm3": 500.0},
    )


def _spread(names: tuple | list, chosen: str, probability: float) -> dict[str, float]:
    """Probabilities that sum to 1, `probability` of them on the chosen name."""
    rest = (1 - probability) / (len(names) - 1)
    return {name: probability if name == chosen else rest for name in names}

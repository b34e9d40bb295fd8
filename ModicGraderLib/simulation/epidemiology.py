"""Draws patients as the literature and the SPIDER gradings describe them.

Tables marked SPIDER were counted in `gradings.csv` (van der Graaf 2024, CC BY 4.0) on the 83 patients (577 discs) of
the training part of `training.splits`. What no source gives is a choice of ours and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ..anatomy import DISCS_UPWARDS, ENDPLATES, VERTEBRAE_UPWARDS
from .case import Case, DiscState, EndplateState, MarrowLesion, Patient, VertebraState
from .lesion_lots import BALANCED_MIX, draw_modic

WOMEN = 0.62
"""Share of women (SPIDER overview)."""

AGE_YEARS = (52.0, 16.0, 20.0, 85.0)
"""Mean, standard deviation, least and greatest age; our choice for people with back pain."""

STATURE_CM = {"F": (166.0, 6.5), "M": (179.0, 7.0)}
"""Mean and standard deviation; our choice."""

PFIRRMANN_COUNTS = {
    "L5/S1": (4, 11, 22, 23, 23),
    "L4/L5": (8, 11, 28, 18, 18),
    "L3/L4": (10, 12, 27, 22, 12),
    "L2/L3": (15, 17, 25, 14, 12),
    "L1/L2": (16, 25, 20, 15, 7),
    "T12/L1": (20, 31, 22, 7, 3),
}
"""Discs of each Pfirrmann grade by level (SPIDER)."""

THORACIC_PFIRRMANN_COUNTS = (20, 17, 17, 20, 5)
"""The same for all discs above T12/L1 (SPIDER)."""

MODIC_BY_PFIRRMANN = (0.16, 0.15, 0.40, 0.48, 0.94)
"""Chance of a Modic change at a lumbar disc by its Pfirrmann grade (SPIDER)."""

THORACIC_MODIC = 0.6
"""The same chance at T12/L1 and above, as a share of it (SPIDER: 20 % where the grades foretell 33 %)."""

NARROWED_BY_PFIRRMANN = (0.01, 0.04, 0.28, 0.60, 1.00)
"""Chance that readers call a disc narrowed (SPIDER)."""

BULGING_BY_PFIRRMANN = (0.11, 0.17, 0.62, 0.82, 0.88)
"""Chance of a bulging disc (SPIDER)."""

HERNIATION_BY_PFIRRMANN = (0.002, 0.01, 0.05, 0.05, 0.17)
"""Chance of a herniation (SPIDER, smoothed at grade I, where none was seen)."""

SLIP_BY_LEVEL = {"L5/S1": (0.02, 0.20), "L4/L5": (0.01, 0.11), "L3/L4": (0.01, 0.05), "L2/L3": (0.0, 0.03)}
"""Chance of a spondylolisthesis at discs of Pfirrmann grade I-III and IV-V (SPIDER, smoothed)."""

ENDPLATE_CHANGE = {False: (0.09, 0.16, 0.26, 0.37, 0.40), True: (0.40, 0.47, 0.66, 0.74, 0.88)}
"""Chance of a changed endplate by Pfirrmann grade at discs without and with a Modic change (SPIDER)."""

ENDPLATE_CHANGE_TYPE_I = 0.96
"""Chance of an endplate lesion beside a type I change (Kerttula)."""

BOTH_ENDPLATES_CHANGED = 0.85
"""Chance that both endplates of a disc are changed if one is (SPIDER)."""

BASSANI_SHARES = {
    "L1/L2": (28, 31, 11),
    "L2/L3": (22, 35, 8),
    "L3/L4": (23, 24, 13),
    "L4/L5": (37, 10, 10),
    "L5/S1": (56, 7, 2),
}
"""Percent of discs that are wavy or irregular, notched, or have a Schmorl's node (Bassani 2023); L1/L2 serves above."""

WEAR_PER_YEAR = 0.03
"""Standard deviations by which a disc's degeneration grows per year; our choice."""

WEAR_SHARED = 0.6
"""Weight of what the discs of one patient share: gives the correlations of 0.3 to 0.7 between levels (SPIDER)."""

OSTEOPHYTE_BY_PFIRRMANN = (0.05, 0.10, 0.30, 0.55, 0.80)
"""Chance of an osteophyte at an endplate; our choice."""

TRANSITIONAL = {"none": 0.925, "sacralized": 0.04, "lumbarized": 0.035}
"""Share of lumbosacral transitional vertebrae: 5-10 % in all."""

ENOUGH_LOTS = 200
"""After so many lots any grade is taken, however unlikely it is."""

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Disposition:
    """What all levels of one patient share.

    Attributes
    ----------
    wear, modic:
        How much more than others of that age the discs degenerate and the marrow changes, in standard deviations.
    """

    patient: Patient
    wear: float
    modic: float

    @classmethod
    def draw(cls, patient: Patient, rng: np.random.Generator) -> Disposition:
        """The disposition of a patient."""
        return cls(patient, *rng.standard_normal(2))

    def has_modic(self, level: str, pfirrmann: int, rng: np.random.Generator) -> bool:
        """Whether the marrow beside a disc is changed; levels of one patient agree more than by chance."""
        lot = WEAR_SHARED * self.modic + np.sqrt(1 - WEAR_SHARED**2) * rng.standard_normal()
        chance = MODIC_BY_PFIRRMANN[pfirrmann - 1] * (THORACIC_MODIC if level.startswith("T") else 1.0)
        return bool(_NORMAL.cdf(lot) > 1 - chance)

    def pfirrmann(self, level: str, rng: np.random.Generator, *, changed: bool = False) -> int:
        """Grade of a disc; beside changed marrow it is that of discs with a Modic change."""
        counts = np.array(PFIRRMANN_COUNTS.get(level, THORACIC_PFIRRMANN_COUNTS))
        age = WEAR_PER_YEAR * (self.patient.age_years - AGE_YEARS[0])
        alone = np.sqrt(1 - WEAR_SHARED**2 - (WEAR_PER_YEAR * AGE_YEARS[1]) ** 2)
        for _ in range(ENOUGH_LOTS):
            share = _NORMAL.cdf(age + WEAR_SHARED * self.wear + alone * rng.standard_normal())
            grade = 1 + int(np.searchsorted(np.cumsum(counts)[:-1] / counts.sum(), share))
            if not changed or self.has_modic(level, grade, rng):
                break
        return grade


def draw_case(rng: np.random.Generator, lesion_mix: Mapping[str, float] = BALANCED_MIX) -> Case:
    """A patient with back pain.

    Parameters
    ----------
    lesion_mix:
        Share of each of `case.LESION_TYPES` in the Modic changes. The default shows every type often enough to learn
        from; `lesion_lots.EPIDEMIOLOGICAL_MIX` is what clinics see.
    """
    patient = draw_patient(rng)
    disposition = Disposition.draw(patient, rng)
    discs = {level: draw_disc(level, disposition, rng, lesion_mix=lesion_mix) for level in DISCS_UPWARDS}
    return Case(patient, **draw_spine(patient, rng), discs=discs, vertebrae=draw_vertebrae(patient, rng))


def draw_patient(
    rng: np.random.Generator, *, sex: str | None = None, age_years: float | None = None, stature_cm: float | None = None
) -> Patient:
    """Sex, age and stature, drawn where not given."""
    sex = sex or ("F" if rng.random() < WOMEN else "M")
    mean, deviation, least, greatest = AGE_YEARS
    age = round(_normal_within(rng, mean, deviation, least, greatest), 1) if age_years is None else age_years
    mean, deviation = STATURE_CM[sex]
    tall = round(_normal_within(rng, mean, deviation, mean - 3 * deviation, mean + 3 * deviation), 1)
    return Patient(sex, age, tall if stature_cm is None else stature_cm)


def draw_spine(patient: Patient, rng: np.random.Generator) -> dict:
    """What a `Case` says of the whole spine, by the names of its fields."""
    curved = rng.random() < 0.06 + 0.002 * patient.age_years
    scoliosis = rng.choice((-1, 1)) * rng.uniform(10, 28) if curved else rng.normal(0, 3)
    return {
        # Supine, a little flatter than the 50 degrees measured standing.
        "lordosis_deg": _normal_within(rng, 45, 11, 20, 65),
        "scoliosis_deg": float(scoliosis),
        "transitional": str(rng.choice(list(TRANSITIONAL), p=list(TRANSITIONAL.values()))),
        "canal_factor": _normal_within(rng, 1.0, 0.1, 0.7, 1.3),
        "fat_factor": float(np.clip(rng.lognormal(0, 0.35), 0.4, 2.2)),
    }


def draw_disc(
    level: str,
    disposition: Disposition,
    rng: np.random.Generator,
    *,
    pfirrmann: int | None = None,
    marrow: Mapping[str, tuple[MarrowLesion, ...]] | None = None,
    lesion_mix: Mapping[str, float] = BALANCED_MIX,
) -> DiscState:
    """One disc and its endplates.

    Parameters
    ----------
    pfirrmann:
        Its grade; drawn if None.
    marrow:
        The Modic changes at its endplates "upper" and "lower"; drawn if None.
    """
    if pfirrmann is None:
        pfirrmann = disposition.pfirrmann(level, rng, changed=marrow is not None and any(marrow.values()))
    if marrow is None:
        changed = disposition.has_modic(level, pfirrmann, rng)
        marrow = draw_modic(level, rng, lesion_mix) if changed else dict.fromkeys(ENDPLATES, ())
    shapes = _endplate_shapes(level, pfirrmann, disposition.patient.age_years, marrow, rng)
    upper, lower = (EndplateState(shapes[name], _osteophyte(pfirrmann, rng), marrow[name]) for name in ENDPLATES)
    bulging, herniated = BULGING_BY_PFIRRMANN[pfirrmann - 1], HERNIATION_BY_PFIRRMANN[pfirrmann - 1]
    return DiscState(
        pfirrmann=pfirrmann,
        height_factor=draw_height_factor(pfirrmann, rng),
        bulge_mm=rng.uniform(1.5, 4.5) if rng.random() < bulging else rng.uniform(0, 0.8),
        herniation_mm=rng.uniform(3.5, 9.0) if rng.random() < herniated else 0.0,
        slip_mm=_slip(level, pfirrmann, disposition.patient, rng),
        upper=upper,
        lower=lower,
    )


def draw_height_factor(pfirrmann: int, rng: np.random.Generator) -> float:
    """Share of its height that a disc has kept: by Pfirrmann's definition about all up to grade III, little at V.

    Between 0.78 and 0.82 lies none, so that `truth.NARROWED_BELOW` parts narrowed discs from others clearly.
    """
    if rng.random() < NARROWED_BY_PFIRRMANN[pfirrmann - 1]:
        return rng.uniform(*{4: (0.45, 0.78), 5: (0.20, 0.50)}.get(pfirrmann, (0.64, 0.78)))
    return rng.uniform(*{3: (0.86, 1.04), 4: (0.82, 0.96)}.get(pfirrmann, (0.90, 1.10)))


def draw_vertebrae(patient: Patient, rng: np.random.Generator) -> dict[str, VertebraState]:
    """Compression fractures, hemangiomas and focal fat; only the vertebrae that have one. Chances are our choice."""
    states = {}
    # Fractures of the spine are rare before 50 and commonest about the thoracolumbar junction.
    osteoporotic = max(patient.age_years - 50, 0) / 35 * (0.28 if patient.sex == "F" else 0.16)
    for name in VERTEBRAE_UPWARDS[1:]:
        junction = {"T12": 0.3, "L1": 0.35, "L2": 0.15}.get(name, 0.07)
        broken = rng.random() < junction * (0.02 + osteoporotic)
        state = VertebraState(
            fracture=str(rng.choice(("wedge", "biconcave"), p=(0.7, 0.3))) if broken else "none",
            fracture_loss=rng.uniform(0.15, 0.45) if broken else 0.0,
            hemangioma_mm=rng.uniform(6, 18) if rng.random() < 0.035 else 0.0,
            focal_fat_mm=rng.uniform(5, 14) if rng.random() < 0.02 + 0.001 * patient.age_years else 0.0,
        )
        if state != VertebraState():
            states[name] = state
    return states


def _endplate_shapes(level: str, pfirrmann: int, age: float, marrow: Mapping, rng: np.random.Generator) -> dict:
    """Bassani's class of both endplates; a change of the marrow and one of the endplate keep to the same side."""
    types = [lesion.type for lesions in marrow.values() for lesion in lesions]
    chance = ENDPLATE_CHANGE[bool(types)][pfirrmann - 1]
    if not {"I", "I/II"}.isdisjoint(types):
        chance = max(chance, ENDPLATE_CHANGE_TYPE_I)
    if rng.random() >= chance:
        return dict.fromkeys(ENDPLATES, "normal")
    shapes = {name: _endplate_shape(level, age, rng) for name in ENDPLATES}
    if rng.random() >= BOTH_ENDPLATES_CHANGED:
        sides = [name for name, lesions in marrow.items() if not lesions] if types else list(ENDPLATES)
        spared = rng.choice(sides or list(ENDPLATES))
        shapes[str(spared)] = "normal"
    return shapes


def _endplate_shape(level: str, age: float, rng: np.random.Generator) -> str:
    """Class of a changed endplate; wavy ones and Schmorl's nodes grow with age (Bassani 2023, age table)."""
    wavy, notched, node = BASSANI_SHARES.get(level, BASSANI_SHARES["L1/L2"])
    older_wavy = np.interp(age, (25, 75), (18, 42)) / 30
    older_node = np.interp(age, (15, 75), (2, 32)) / 19.5
    weights = np.array([wavy * older_wavy, notched, node * older_node])
    return str(rng.choice(("wavy_irregular", "notched", "schmorl_node"), p=weights / weights.sum()))


def _osteophyte(pfirrmann: int, rng: np.random.Generator) -> float:
    return rng.uniform(1.5, 6.5) if rng.random() < OSTEOPHYTE_BY_PFIRRMANN[pfirrmann - 1] else 0.0


def _slip(level: str, pfirrmann: int, patient: Patient, rng: np.random.Generator) -> float:
    """Forward slips at L5/S1 at any age; at L4/L5 and above with age, in women three times as often."""
    chance = SLIP_BY_LEVEL.get(level, (0.0, 0.0))[pfirrmann >= 4]
    if level != "L5/S1":
        chance *= (1.3 if patient.sex == "F" else 0.43) * np.interp(patient.age_years, (40, 60), (0.2, 1.2))
    if rng.random() >= chance:
        return float(np.clip(rng.normal(0, 0.6), -1.5, 1.5))
    backward = level in ("L2/L3", "L3/L4") and rng.random() < 0.5
    return -rng.uniform(3.5, 5.5) if backward else rng.uniform(3.5, 10.0)


def _normal_within(rng: np.random.Generator, mean: float, deviation: float, least: float, greatest: float) -> float:
    """A normal variable that is drawn again while it is out of bounds."""
    while not least <= (value := rng.normal(mean, deviation)) <= greatest:
        pass
    return value

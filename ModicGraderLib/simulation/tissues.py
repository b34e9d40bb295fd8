"""Tissues as a mixture of water and fat, and the spin-echo signal they give.

    signal = PD * ((1 - FF) * S(T1 water, T2 water) + FF * S(T1 fat, T2 fat)),  S = (1 - exp(-TR/T1)) * exp(-TE/T2)

One map of tissues gives both contrasts, so T1 and T2 keep the relation that defines the Modic types. The T2 of fat is
the long one that a train of refocusing pulses shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..anatomy import PFIRRMANN_GRADES, VERTEBRAE_UPWARDS
from .case import Patient


class Tissue(NamedTuple):
    """Proton density (water = 1), fat fraction, and relaxation times of the water in ms."""

    density: float
    fat: float
    t1_ms: float
    t2_ms: float


class Typical(NamedTuple):
    """Textbook values of a tissue: T1 and T2 of its water at 1.5 T and at 3 T, in ms."""

    density: float
    fat: float
    t1_ms: tuple[float, float]
    t2_ms: tuple[float, float]

    def at(self, field_t: float) -> Tissue:
        """The tissue at a field strength; relaxation times are a power of it (Bottomley 1984)."""
        return Tissue(self.density, self.fat, _at_field(self.t1_ms, field_t), _at_field(self.t2_ms, field_t))


TYPICAL = {
    "air": Typical(0.0, 0.0, (1000, 1000), (50, 50)),
    "skin": Typical(0.7, 0.10, (870, 1000), (35, 32)),
    "fat": Typical(0.95, 0.98, (850, 1000), (45, 42)),
    "muscle": Typical(0.78, 0.05, (950, 1200), (38, 36)),
    "bowel": Typical(0.8, 0.10, (1000, 1250), (60, 55)),
    "ligament": Typical(0.25, 0.05, (500, 600), (8, 7)),
    "cortex": Typical(0.10, 0.05, (200, 200), (5, 5)),
    "blood_flowing": Typical(0.25, 0.0, (800, 1000), (80, 76)),
    "blood_slow": Typical(0.85, 0.0, (1441, 1800), (200, 170)),
    "csf": Typical(1.0, 0.0, (4300, 4300), (2000, 2000)),
    "nerve": Typical(0.78, 0.0, (745, 993), (78, 74)),
    "annulus": Typical(0.55, 0.0, (800, 900), (48, 46)),
    "outer_annulus": Typical(0.45, 0.0, (750, 850), (34, 33)),
    "nucleus 1": Typical(0.95, 0.0, (1000, 1150), (110, 110)),
    "nucleus 2": Typical(0.90, 0.0, (1050, 1200), (67, 67)),
    "nucleus 3": Typical(0.85, 0.0, (1050, 1200), (53, 53)),
    "nucleus 4": Typical(0.75, 0.0, (850, 1000), (45, 45)),
    "nucleus 5": Typical(0.55, 0.0, (700, 800), (45, 45)),
    "marrow": Typical(0.85, 0.50, (850, 950), (68, 65)),
    "lesion I": Typical(0.95, 0.12, (1250, 1450), (115, 118)),
    "lesion II": Typical(0.87, 0.80, (850, 950), (68, 65)),
    "lesion III": Typical(0.33, 0.30, (870, 970), (36, 36)),
    "hemangioma": Typical(0.95, 0.60, (1100, 1250), (120, 115)),
    "cartilage": Typical(0.65, 0.0, (900, 1050), (30, 28)),
}
"""Gold 2004, de Bazelaire 2004, Stanisz 2005. T2 of marrow's water (45 ms in the literature) and of the nuclei (200 to
38 ms by grade) are fitted to the ratios of nucleus, fat and marrow that `evaluation.simulator` measures on SPIDER's
pictures: a long train of refocusing pulses shows marrow brighter than the literature's times do. Grade I, which
SPIDER's readers gave to grayer discs, is kept bright. Full-blown lesions have the contrasts of the Modic types against
marrow that is half fat. All vary between patients, by `SPREAD`."""

FAT_T1_MS = (310.0, 372.0)
FAT_T2_MS = (128.0, 128.0)
"""Relaxation times of the fat pool at 1.5 T and 3 T; T2 in a train of echoes."""

SPREAD = Tissue(density=0.05, fat=0.07, t1_ms=0.12, t2_ms=0.12)
"""Standard deviation between patients: of the logarithm, and of the fat fraction of marrow itself."""

FAT_GAIN_PER_LEVEL = 0.01
"""By how much the fat fraction of marrow rises from a vertebra to the next one below (Baum 2018)."""

SACRUM_BELOW = ("S2", "S3")
"""Vertebrae that are drawn below the ones that have a label."""


@dataclass(frozen=True)
class Tissues:
    """The tissues of one patient at one field strength.

    Attributes
    ----------
    fat:
        Subcutaneous and epidural.
    ligament:
        Also the dura.
    cortex:
        Cortical bone and the bony endplate.
    nucleus:
        By Pfirrmann grade.
    marrow:
        By the vertebra's name, from S3 to T9.
    lesion:
        Full-blown change by Modic type: "I", "II", "III".
    fat_t1_ms, fat_t2_ms:
        Relaxation times of the fat pool, which all tissues share.
    """

    air: Tissue
    skin: Tissue
    fat: Tissue
    muscle: Tissue
    bowel: Tissue
    ligament: Tissue
    cortex: Tissue
    blood_flowing: Tissue
    blood_slow: Tissue
    csf: Tissue
    nerve: Tissue
    annulus: Tissue
    outer_annulus: Tissue
    hemangioma: Tissue
    cartilage: Tissue
    nucleus: dict[int, Tissue]
    marrow: dict[str, Tissue]
    lesion: dict[str, Tissue]
    fat_t1_ms: float
    fat_t2_ms: float


def draw_tissues(patient: Patient, field_t: float, rng: np.random.Generator) -> Tissues:
    """The tissues of a patient: typical values, varied as between patients.

    Parameters
    ----------
    field_t:
        Field strength in tesla, 1 to 3.
    """
    drawn = {name: _varied(typical.at(field_t), rng) for name, typical in TYPICAL.items()}
    marrow_fat = np.clip(mean_marrow_fat(patient) + SPREAD.fat * rng.standard_normal(), 0.12, 0.75)
    muscle_fat = np.clip(0.03 + 0.0018 * (patient.age_years - 20) + 0.03 * rng.standard_normal(), 0.02, 0.30)
    drawn["muscle"] = drawn["muscle"]._replace(fat=float(muscle_fat))
    upwards = (*SACRUM_BELOW[::-1], *VERTEBRAE_UPWARDS)
    levels_below_l3 = {name: upwards.index("L3") - index for index, name in enumerate(upwards)}
    fractions = {
        name: float(np.clip(marrow_fat + FAT_GAIN_PER_LEVEL * below + 0.012 * rng.standard_normal(), 0.10, 0.80))
        for name, below in levels_below_l3.items()
    }
    return Tissues(
        **{name: drawn[name] for name in Tissues.__dataclass_fields__ if name in drawn and name != "marrow"},
        nucleus={grade: drawn[f"nucleus {grade}"] for grade in PFIRRMANN_GRADES},
        marrow={name: drawn["marrow"]._replace(fat=fraction) for name, fraction in fractions.items()},
        lesion=_lesions(drawn, float(marrow_fat), field_t, rng),
        fat_t1_ms=_at_field(FAT_T1_MS, field_t) * rng.lognormal(0.0, 0.06),
        fat_t2_ms=_at_field(FAT_T2_MS, field_t) * rng.lognormal(0.0, 0.10),
    )


def mean_marrow_fat(patient: Patient) -> float:
    """Mean fat fraction of lumbar marrow at an age: women have less of it, and overtake men after the menopause."""
    age = patient.age_years
    if patient.sex == "M":
        return 0.30 + 0.0045 * (age - 25)
    return 0.27 + 0.008 * max(age - 45, 0)


def _lesions(
    drawn: dict[str, Tissue], marrow_fat: float, field_t: float, rng: np.random.Generator
) -> dict[str, Tissue]:
    """Full-blown lesions, which part from the patient's own marrow in the direction that defines their type."""
    edema = _beside(drawn["marrow"], "lesion I", field_t, rng)._replace(
        fat=min(rng.uniform(0.05, 0.20), 0.5 * marrow_fat)
    )
    # Fatty marrow is the patient's marrow with more fat in it; only so is it seen in the old, whose marrow is fatty.
    fatty = drawn["marrow"]._replace(fat=float(np.clip(rng.uniform(0.72, 0.90), marrow_fat + 0.20, 0.95)))
    sclerosis = _beside(drawn["marrow"], "lesion III", field_t, rng)
    sclerosis = sclerosis._replace(fat=min(rng.uniform(0.2, 0.4), 0.8 * marrow_fat))
    return {"I": edema, "II": fatty, "III": sclerosis}


def _beside(marrow: Tissue, lesion: str, field_t: float, rng: np.random.Generator) -> Tissue:
    """A lesion that differs from a patient's marrow as it typically does, give or take half of the usual spread."""
    ratios = np.divide(TYPICAL[lesion].at(field_t), TYPICAL["marrow"].at(field_t))
    return Tissue(
        *(
            float(a * b * c)
            for a, b, c in zip(marrow, ratios, np.exp(0.5 * np.array(SPREAD) * rng.standard_normal(4)), strict=True)
        )
    )


def _varied(tissue: Tissue, rng: np.random.Generator) -> Tissue:
    density, t1, t2 = np.exp(np.array([SPREAD.density, SPREAD.t1_ms, SPREAD.t2_ms]) * rng.standard_normal(3))
    return Tissue(float(tissue.density * density), tissue.fat, float(tissue.t1_ms * t1), float(tissue.t2_ms * t2))


def _at_field(times_ms: tuple[float, float], field_t: float) -> float:
    low, high = times_ms
    return float(low * (high / low) ** np.log2(field_t / 1.5))


TRAIN_PER_ECHO_TIME = 2.0
"""Length of an echo train against the effective echo time, which lies in its middle."""


@dataclass(frozen=True)
class Sequence:
    """A spin-echo sequence.

    Attributes
    ----------
    echo_time_ms:
        The effective one.
    inversion_time_ms:
        Where it starts with an inversion (STIR), which nulls the fat of that T1 times the logarithm of 2.
    restores:
        Whether a last pulse turns back to the field what the echoes have left (driven equilibrium).
    """

    repetition_time_ms: float
    echo_time_ms: float
    inversion_time_ms: float | None = None
    restores: bool = False


def spin_echo(values: np.ndarray, sequence: Sequence, fat_t1_ms: float, fat_t2_ms: float) -> np.ndarray:
    """Signal (...), float32, of a map of tissues (4, ...) with the fields of `Tissue` along its first axis."""
    water, fat = water_and_fat(values, sequence, fat_t1_ms, fat_t2_ms)
    return water + fat


def water_and_fat(
    values: np.ndarray, sequence: Sequence, fat_t1_ms: float, fat_t2_ms: float
) -> tuple[np.ndarray, np.ndarray]:
    """Signal of the water and of the fat, each (...) float32, of a map of tissues (4, ...)."""
    density, fraction, t1_ms, t2_ms = np.asarray(values, np.float32)
    fat = density * fraction
    water = (density - fat) * _relaxed(t1_ms, t2_ms, sequence)
    fat *= _relaxed(np.float32(fat_t1_ms), np.float32(fat_t2_ms), sequence)
    return water, fat


def _relaxed(t1_ms: np.ndarray, t2_ms: np.ndarray, sequence: Sequence) -> np.ndarray:
    left = np.exp(np.float32(-sequence.repetition_time_ms) / t1_ms)
    recovered = 1 - left
    if sequence.restores:
        recovered = recovered / (1 - left * np.exp(np.float32(-TRAIN_PER_ECHO_TIME * sequence.echo_time_ms) / t2_ms))
    if sequence.inversion_time_ms is not None:
        recovered = np.abs(1 - 2 * np.exp(np.float32(-sequence.inversion_time_ms) / t1_ms) + left)
    return recovered * np.exp(np.float32(-sequence.echo_time_ms) / t2_ms)

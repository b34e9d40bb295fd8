"""Gao 2022: bodies segmented on T1, Modic changes on T1 and T2, each changed voxel typed by a rule on its signal.

Gao KT et al., Automatic detection and voxel-wise mapping of lumbar spine Modic changes with deep learning, JOR Spine
5:e1204, 2022. Only the abstract is at hand. It states: 75 examinations; a first autoencoder that segments vertebral
bodies on T1; a second that segments changes on T1 and T2 together, taught by outlines that two radiologists drew; then
voxels typed by "a rule-based signal intensity algorithm". Architecture, loss, registration, thresholds and split are
not stated; what stands here in their place is marked "our choice".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from ..anatomy import CORNERS, GRADED_DISCS, MODIC_MAP_LABELS
from ..errors import InputError
from ..grid import Grid
from ..io.alignment import align
from ..localization.spine import LocatedDisc
from ..mapping.marrow import BODY_LABELS
from ..mapping.voxel_types import Typing
from ..regions import resample
from ..study import Volume
from ..training.fit import fit
from ..training.folds import patient_folds, split
from ..training.labelled_study import LabelledStudy
from ..training.pretrained import load_pretrained, read_weights
from ..training.run_record import run_of, seen_patients
from ..training.samples import Sample
from .gao2022_map import ModicMap, change_chance, disc_type, modic_map
from .gao2022_network import ModicMapper, loss, segment
from .gao2022_patches import Patches, images_and_masks
from .gao2022_tables import StudyReading, read_study, tables
from .recipe import Answer, CohortWish, Plan, Run, Table

FIELD = (256, 128)
"""(rows, columns) of pixels that hold T12 to S1; our choice."""

PIXEL_MM = 1.0
"""In the sagittal plane; our choice."""

NEAREST_SLICES_MM = 2.5
"""Slices are kept as they were taken; only thinner ones are thinned out, since kernels are made for thick ones."""

LEARNING_RATE = 1e-3
BATCH = 2
PATIENCE = 20
"""Of Adam, in patches, and in epochs without a lower validation loss; our choice."""

FOLDS = 5
VALIDATION_SHARE = 0.2
"""Our choice, since the split of the 75 examinations is not published: each fifth of the patients is measured by
networks that learned from the others, of whom a fifth decide when to stop."""

VALIDATION_SLICES = 5
"""Middle slices, which suffice to compare epochs."""

NAME = "gao2022"


def field_of_view(t1: Volume, discs: Sequence[LocatedDisc]) -> Grid:
    """The slices of T1, with `FIELD` pixels of `PIXEL_MM` about the middle of the graded discs."""
    graded = [disc for disc in discs if disc.level in GRADED_DISCS] or discs
    thinning = max(1, round(NEAREST_SLICES_MM / t1.spacing[0]))
    first = (t1.array.shape[0] - 1) % thinning // 2
    middle = t1.to_index(np.mean([disc.center for disc in graded], axis=0))
    affine = t1.affine.copy()
    affine[:3, 0] *= thinning
    affine[:3, 1:3] *= PIXEL_MM / t1.spacing[1:]
    affine[:3, 3] = t1.to_patient([first, *middle[1:]]) - affine[:3, 1:3] @ ((np.array(FIELD) - 1) / 2)
    return Grid(affine, (len(range(first, t1.array.shape[0], thinning)), *FIELD))


class Gao2022:
    """The recipe; see `recipe.Recipe`."""

    name = NAME
    title = "Automatic detection and voxel-wise mapping of lumbar spine Modic changes with deep learning"
    doi = "10.1002/jsp2.1204"
    # The published kappa follows from sensitivity and specificity where 11 % are changed; the types' mix is our choice.
    cohort = CohortWish(75, "modic", {"0": 0.89, "I": 0.035, "II": 0.055, "III": 0.02})
    plans: ClassVar[Mapping[str, Plan]] = {
        "smoke": Plan(studies=4, folds=1, epochs=1),
        "small": Plan(studies=75, folds=1, epochs=80),
        "full": Plan(studies=None, folds=None, epochs=200),
    }
    variants = ("rule", "gaussian")
    tasks = ("any_change", "modic")

    def cut(self, study: LabelledStudy) -> list[Sample]:
        """One sample of the whole study, and one a disc.

        The study's arrays: `t1` and `t2` (slices, rows, columns) float32 on the grid of `affine` (4, 4); `bodies` and,
        where it is known, `changes` uint8 with `anatomy.MODIC_MAP_LABELS`. A disc's: `frame` (3, 3) its center, normal
        and anterior; `size` (2,) width and height in mm; `corners` (4, 3) in the order of `LocatedDisc.corners`.

        T2 is read on T1's grid after T1 was moved onto it where mutual information clearly gains (`io.alignment`; a
        translation, our choice). Studies without both contrasts, or with fat-suppressed T2, give no samples: the rule
        on the signal holds for plain T2 alone.
        """
        t1, t2 = study.study.t1, study.study.t2
        if t1 is None or t2 is None or t2.contrast != "t2" or not study.discs:
            return []
        t1 = align(t1, t2)[0]
        grid = field_of_view(t1, study.discs)
        arrays = {one.contrast: resample(one.array, one.grid, grid, outside=0.0, blur=True) for one in (t1, t2)}
        spine = resample(study.spine, study.study.reference.grid, grid, order=0, outside=0)
        arrays |= {"bodies": np.isin(spine, BODY_LABELS).astype(np.uint8), "affine": grid.affine}
        if study.changes is not None:
            arrays["changes"] = resample(study.changes, study.study.reference.grid, grid, order=0, outside=0)
        whole = Sample.of_study(study, arrays)
        return [whole, *(_disc_sample(study, disc) for disc in study.discs)]

    def fit(self, samples: Sequence[Sample], run: Run) -> None:
        """Train both networks on the studies whose changes are outlined; `gao2022.safetensors` holds both."""
        studies = [one for one in samples if not one.level and "changes" in one.arrays]
        if not studies:
            raise InputError(
                "gao2022 learns from outlines of Modic changes and these studies have none; name masks of them in the"
                " manifest's column `changes`, or train with --data simulated."
            )
        patients = [one.patient for one in studies]
        training, validation = split(patients, (1 - VALIDATION_SHARE, VALIDATION_SHARE), run.seed)
        torch.manual_seed(run.seed)
        network = _network(run)
        held = [_validation_batch(studies[row], run.device) for row in validation]
        fit(
            network,
            loss,
            Patches([studies[row] for row in training]),
            run.folder,
            name=NAME,
            epochs=max(1, round(run.plan.epochs)),
            batch_size=BATCH,
            optimizer=torch.optim.Adam(network.parameters(), LEARNING_RATE),
            seed=run.seed,
            device=run.device,
            validate=lambda network: float(np.mean([loss(network, batch).item() for batch in held])),
            patience=PATIENCE,
        )

    def answer(self, samples: Sequence[Sample], run: Run) -> list[Answer]:
        """Whether a graded disc shows any change, and the type that most of its changed marrow has.

        A change of which no type can be told is answered True and "0".
        """
        network, typing = _trained(run), run.variant or self.variants[0]
        answers = []
        for whole, discs in _studies(samples):
            mapped = _maps(network, whole, discs, run.device, [typing])[typing]
            answers += [one for disc in discs if disc.level in GRADED_DISCS for one in _answers(disc, mapped)]
        return answers

    def reproduce(self, samples: Sequence[Sample], run: Run, source: str) -> list[Table]:
        """The abstract's figures, each at a stated unit, of patients unseen in training.

        Where no study has outlines of changes, as in SPIDER, nothing can be trained: the weights of `run.pretrained`
        are measured, on presence alone, and it is told whether their own training is known to have seen the patients.
        """
        wholes = [one for one in samples if not one.level]
        if any("changes" in one.arrays for one in wholes):
            readings = self._across_folds(samples, run)
            # Fewer patients than folds make a fold each.
            folds = min(FOLDS, len({one.patient for one in samples}))
            measured = min(folds, run.plan.folds or FOLDS)
            split_note = f"patients in {folds} folds, {measured} of them measured; the paper's is unknown"
        elif run.pretrained:
            readings = _readings(samples, _network(run).eval().to(run.device), run.device)
            split_note = "none, all patients are measured"
        else:
            raise InputError(
                "these studies have no outlines of Modic changes to learn from; name masks in the manifest's column"
                f" `changes`, or give --pretrained with the {NAME}.safetensors of a training on simulated patients."
            )
        if run.pretrained:
            split_note += f"; {_origin(run.pretrained, samples)}"
        return tables(readings, source, run.budget, split_note)

    def _across_folds(self, samples: Sequence[Sample], run: Run) -> list[StudyReading]:
        patients = sorted({one.patient for one in samples})
        changed = {one.patient for one in samples if one.labels.modic not in (None, "0")}
        folds = patient_folds(patients, [name in changed for name in patients], FOLDS, run.seed)
        readings = []
        for number, rows in enumerate(folds[: run.plan.folds]):
            measured = {patients[row] for row in rows}
            own = replace(run, folder=run.folder / f"fold{number}")
            self.fit([one for one in samples if one.patient not in measured], own)
            readings += _readings([one for one in samples if one.patient in measured], _trained(own), run.device)
        return readings


def _disc_sample(study: LabelledStudy, disc: LocatedDisc) -> Sample:
    arrays = {
        "frame": np.stack([disc.center, disc.normal, disc.anterior]),
        "size": np.array([disc.width_mm, disc.height_mm]),
        "corners": np.stack([disc.corners[name] for name in CORNERS]),
    }
    return Sample.of_disc(study, disc.level, arrays)


def _located(sample: Sample) -> LocatedDisc:
    """The disc of which `_disc_sample` made a sample."""
    center, normal, anterior = sample.arrays["frame"]
    corners = dict(zip(CORNERS, sample.arrays["corners"], strict=True))
    return LocatedDisc(sample.level, center, normal, anterior, *sample.arrays["size"], corners, 1.0)


def _studies(samples: Sequence[Sample]) -> Iterator[tuple[Sample, list[Sample]]]:
    """Each whole study with its discs."""
    discs: dict[str, list[Sample]] = {}
    for one in samples:
        discs.setdefault(one.study, []).extend([one] if one.level else [])
    for one in samples:
        if not one.level:
            yield one, discs[one.study]


def _network(run: Run) -> ModicMapper:
    network = ModicMapper()
    if run.pretrained:
        load_pretrained(network, run.pretrained)
    return network


def _origin(weights: Path, samples: Sequence[Sample]) -> str:
    """Which weights were given, and what is known of who trained them."""
    given, record = f"given weights: {weights.name}", run_of(weights)
    if record is None:
        return f"{given}; whether any of these patients trained them is not known"
    seen = seen_patients(record, {one.patient for one in samples})
    # What can be said of a record without patients, the command says below the tables.
    return given if seen is None else f"{given}; {seen or 'none'} of these patients trained them, as far as names tell"


def _trained(run: Run) -> ModicMapper:
    path = run.folder / f"{NAME}.safetensors"
    if not path.exists():
        raise InputError(f"{run.folder.name} holds no {path.name}; train gao2022 into that folder first.")
    network = ModicMapper()
    network.load_state_dict(read_weights(path))
    return network.eval().to(run.device)


def _validation_batch(study: Sample, device: str) -> dict[str, torch.Tensor]:
    """The middle slices of a study as a batch of one."""
    arrays = images_and_masks(study)
    first = max(0, (arrays["images"].shape[1] - VALIDATION_SLICES) // 2)
    return {
        name: torch.from_numpy(array[None, :, first : first + VALIDATION_SLICES]).to(device)
        for name, array in arrays.items()
    }


def _maps(
    network: ModicMapper, whole: Sample, discs: Sequence[Sample], device: str, typings: Sequence[Typing]
) -> dict[str, ModicMap]:
    """The map of a study in each way of typing."""
    t1, t2 = (Volume(whole.arrays[name], whole.arrays["affine"], name) for name in ("t1", "t2"))
    segmented, located = segment(network, t1.array, t2.array, device), [_located(disc) for disc in discs]
    return {typing: modic_map(segmented, t1, t2, located, typing) for typing in typings}


def _answers(disc: Sample, mapped: ModicMap) -> Iterator[Answer]:
    shares, said = mapped.shares[disc.level], (disc.study, disc.patient, disc.level)
    chance, changed = change_chance(mapped.changes[disc.level]), shares is not None
    yield Answer(*said, "any_change", {"False": 1 - chance, "True": chance}, str(changed))
    types = shares or dict.fromkeys(MODIC_MAP_LABELS, 1 / len(MODIC_MAP_LABELS))
    probabilities = {"0": 1 - chance, **{name: chance * share for name, share in types.items()}}
    yield Answer(*said, "modic", probabilities, disc_type(shares))


def _readings(samples: Sequence[Sample], network: ModicMapper, device: str) -> list[StudyReading]:
    return [
        read_study(whole, discs, _maps(network, whole, discs, device, Gao2022.variants))
        for whole, discs in _studies(samples)
    ]


RECIPE = Gao2022()

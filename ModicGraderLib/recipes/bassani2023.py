"""Bassani et al. 2023: the type of endplate lesion of a disc, from the middle T2 slice, by a fine-tuned ResNet-18.

Bassani T, Cina A, Galbusera F, et al. Automatic classification of the vertebral endplate lesions in magnetic resonance
imaging by deep learning model. Front Surg 2023;10:1172313. Sections are the paper's; "our choice" marks what it leaves
open. Its 1,247 training and 312 validation discs were drawn by image, so that patients stand on both sides, and the
validation discs also steer the learning rate and fit the calibration. Here that is the variant `by_image_two_way`;
`by_patient_two_way` closes the first leak, `by_patient`, the default, both.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..anatomy import ENDPLATE_LESIONS, GRADED_DISCS
from ..errors import InputError
from ..training import ranks
from ..training.data_folder import write_json
from ..training.fit import fit
from ..training.folds import disc_folds, patient_folds
from ..training.labelled_study import DiscLabels, LabelledStudy
from ..training.pretrained import load_pretrained
from ..training.samples import Sample
from .bassani2023_network import (
    BATCH,
    EPOCHS,
    LEARNING_RATE,
    PATIENCE,
    SLOWER,
    THAWED,
    DiscPictures,
    EndplateNetwork,
    calibrated,
    fit_platt,
    loss,
    read_logits,
    steps_at,
    weighted_sampler,
)
from .bassani2023_region import body_heights, disc_picture, middle_slice
from .bassani2023_tables import TABLE_1, TABLE_2, Measured, age_rows, distribution, per_class, performance
from .measures import truth_of
from .recipe import Answer, CohortWish, Plan, Run, Table

LEVELS = GRADED_DISCS[1:]
"""L1/L2 to L5/S1 were labelled (2.2). T12/L1 is answered too, but never learned from or measured."""

ANY_LESION = ("normal", "any lesion")
"""Classes where a source, as SPIDER, knows only whether an endplate is changed."""

FIFTHS = 5
"""One disc in five is measured on (2.2, 1247 : 312), the distribution of types preserved."""


def lesion_of(labels: DiscLabels, classes: Sequence[str]) -> str | None:
    """What a disc is called in `ENDPLATE_LESIONS` or in `ANY_LESION`; None where it is not known."""
    if classes == ENDPLATE_LESIONS:
        return labels.endplate_lesion
    changed = truth_of("any_endplate_lesion", labels)
    return None if changed is None else ANY_LESION[changed == "True"]


@dataclass(frozen=True)
class Discs:
    """Discs that the paper would have used, and their classes as numbers in `classes`."""

    classes: Sequence[str]
    samples: Sequence[Sample]
    targets: np.ndarray

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Discs:
        """Labelled discs from L1/L2 down that have none of the exclusions, of patients with a lesion somewhere (2.2).

        Patients are chosen first, as the paper does: a lesion of a disc that is then left out counts.

        Raises
        ------
        InputError
            There are none.
        """
        placed = [sample for sample in samples if sample.level in LEVELS]
        typed = any(
            sample.labels.endplate_lesion in ENDPLATE_LESIONS[1:] for sample in placed if not sample.labels.excluded
        )
        classes = ENDPLATE_LESIONS if typed else ANY_LESION
        named = [(sample, classes.index(lesion)) for sample in placed if (lesion := lesion_of(sample.labels, classes))]
        ill = {sample.patient for sample, target in named if target}
        kept = [(sample, target) for sample, target in named if sample.patient in ill and not sample.labels.excluded]
        if not kept:
            raise InputError(
                "No disc from L1/L2 to L5/S1 of a patient with an endplate lesion is labelled; give labels in the"
                " column endplate_lesion, or in upper_endplate_change and lower_endplate_change."
            )
        return cls(classes, [sample for sample, _ in kept], np.array([target for _, target in kept]))

    def __getitem__(self, rows: np.ndarray) -> Discs:
        return Discs(self.classes, [self.samples[row] for row in rows], self.targets[rows])

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def patients(self) -> list[str]:
        """Of each disc."""
        return [sample.patient for sample in self.samples]

    def parted(self, by_image: bool, seed: int) -> tuple[Discs, Discs]:
        """Four fifths and one, each with the distribution of the types; patients stay whole unless split by image.

        Raises
        ------
        InputError
            There is but one patient.
        """
        if len(set(self.patients)) < 2:
            raise InputError(
                "Only one patient with an endplate lesion is left, and some must be set apart; give more studies."
            )
        fifths = (
            disc_folds(self.targets, FIFTHS, seed)
            if by_image
            else patient_folds(self.patients, self.targets, FIFTHS, seed)
        )
        return self[np.setdiff1d(np.arange(len(self)), fifths[0])], self[fifths[0]]


VARIANTS = {
    "by_patient": (False, True),
    "by_patient_two_way": (False, False),
    "by_image_two_way": (True, False),
}
"""Whether discs are split by image, and whether those measured on are kept from the validation."""


class Bassani2023:
    """The recipe; `recipe.Recipe` says what its parts are."""

    name = "bassani2023"
    title = (
        "Automatic classification of the vertebral endplate lesions in magnetic resonance imaging by deep learning"
        " model"
    )
    doi = "10.3389/fsurg.2023.1172313"
    # 2.2: 580 subjects, 1,559 discs.
    cohort = CohortWish(
        580, "endplate_lesion", {"normal": 0.364, "wavy_irregular": 0.311, "notched": 0.232, "schmorl_node": 0.093}
    )
    plans: ClassVar = {"smoke": Plan(12, 1, 1), "small": Plan(200, 1, EPOCHS), "full": Plan(None, 1, EPOCHS)}
    variants = tuple(VARIANTS)
    tasks = ("endplate_lesion", "any_endplate_lesion")

    def cut(self, study: LabelledStudy) -> list[Sample]:
        """The picture of each disc, `picture` (128, 128) float16 as `disc_picture`'s, and `age_years` () or NaN."""
        if study.study.t2 is None or not study.discs:
            return []
        picture, heights = middle_slice(study.study.t2, study.discs), body_heights(study.discs)
        age = np.array(study.study.t2.source.get("age_years", np.nan), np.float32)
        return [
            Sample.of_disc(study, disc.level, {"picture": disc_picture(picture, disc, heights), "age_years": age})
            for disc in study.discs
            if disc.level in GRADED_DISCS
        ]

    def fit(self, samples: Sequence[Sample], run: Run) -> None:
        """Train on four fifths of the discs; the last fifth steers the learning rate and fits the calibration."""
        by_image, _ = VARIANTS[run.variant or self.variants[0]]
        self._train(*Discs.of(samples).parted(by_image, run.seed), self._folder(run), run)

    def answer(self, samples: Sequence[Sample], run: Run) -> list[Answer]:
        """Type and presence of a lesion for every disc; where only its presence was learned, that alone."""
        if not samples:
            return []
        classes, called, probabilities = self._read(samples, self._folder(run), run.device)
        answers = []
        for sample, number, chances in zip(samples, called.tolist(), probabilities.tolist(), strict=True):
            said = {"any_endplate_lesion": ({"False": chances[0], "True": sum(chances[1:])}, str(number > 0))}
            if classes == ENDPLATE_LESIONS:
                said["endplate_lesion"] = (dict(zip(classes, chances, strict=True)), classes[number])
            answers += [Answer(sample.study, sample.patient, sample.level, task, *one) for task, one in said.items()]
        return answers

    def reproduce(self, samples: Sequence[Sample], run: Run, source: str) -> list[Table]:
        """Tables 1 and 2, Figure 6 and Table 3, the last two with a row for `run.variant`, or each variant if ""."""
        discs = Discs.of(samples)
        measured = {}
        for variant in (run.variant,) if run.variant else self.variants:
            by_image, three_way = VARIANTS[variant]
            # Beside what `fit` leaves, which has learned from discs that are measured on here.
            folder = run.folder / variant / "fold0"
            train, test = discs.parted(by_image, run.seed)
            train, validation = train.parted(by_image, run.seed) if three_way else (train, test)
            self._train(train, validation, folder, run)
            _, called, probabilities = self._read(test.samples, folder, run.device)
            measured[variant] = Measured(discs.classes, test.targets, called, probabilities, np.array(test.patients))
        ages = age_rows(np.array([float(sample.arrays["age_years"]) for sample in discs.samples]))
        levels = np.array([sample.level for sample in discs.samples])
        tables = [
            distribution("Table 1: types by age", TABLE_1, discs.classes, ages, discs.targets),
            distribution("Table 2: types by level", TABLE_2, discs.classes, levels, discs.targets),
            per_class(measured, run.seed),
            performance(measured, run.seed),
        ]
        budget = f"{run.budget}: {epochs_of(run)} of {EPOCHS} epochs"
        notes = _notes(discs, run)
        return [
            replace(table, source=source, budget=budget, notes=[*table.notes, *(notes if trained else [])])
            for table, trained in zip(tables, (False, False, True, True), strict=True)
        ]

    def _folder(self, run: Run) -> Path:
        return run.folder / (run.variant or self.variants[0]) / "whole"

    def _train(self, train: Discs, validation: Discs, folder: Path, run: Run) -> None:
        torch.manual_seed(run.seed)
        network, epochs = EndplateNetwork(len(train.classes)), epochs_of(run)
        if run.pretrained:
            load_pretrained(network.resnet, run.pretrained)
        optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
        targets = torch.from_numpy(validation.targets)

        def thaw(epoch: int, network: EndplateNetwork) -> None:
            # Layers without weights of an earlier training have nothing to keep.
            network.thaw(steps_at(epoch, epochs) if run.pretrained else len(THAWED))

        fit(
            network,
            loss,
            DiscPictures(train.samples, train.targets, augmented=True),
            folder,
            name="resnet18",
            epochs=epochs,
            batch_size=BATCH,
            sampler=weighted_sampler(train.targets),
            optimizer=optimizer,
            schedule=ReduceLROnPlateau(optimizer, factor=SLOWER, patience=max(1, round(PATIENCE * epochs / EPOCHS))),
            validate=lambda network: functional.cross_entropy(read_logits(network, validation.samples), targets).item(),
            on_epoch=thaw,
            seed=run.seed,
            device=run.device,
        )
        scales = fit_platt(read_logits(network, validation.samples).numpy(), validation.targets)
        if ranks.is_first():
            write_json(folder / "calibration.json", {"classes": train.classes, "scales": scales.tolist()})
        ranks.wait()

    def _read(
        self, samples: Sequence[Sample], folder: Path, device: str
    ) -> tuple[Sequence[str], np.ndarray, np.ndarray]:
        """Classes, the numbers (N,) of those called and calibrated probabilities (N, classes), by weights in a folder.

        The network calls; calibration, fitted one type against all, may put another type first (our choice).
        """
        if not (folder / "calibration.json").exists():
            raise InputError(
                f"{folder} holds no trained {self.name}; run `modicgrader train {self.name}` with it first."
            )
        kept = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
        network = EndplateNetwork(len(kept["classes"])).to(device)
        network.load_state_dict(load_file(folder / "resnet18.safetensors", device=device))
        logits = read_logits(network.eval(), samples).numpy()
        return tuple(kept["classes"]), logits.argmax(1), calibrated(logits, np.array(kept["scales"]))


def epochs_of(run: Run) -> int:
    """Passes over the training discs that a plan allows."""
    return max(1, round(run.plan.epochs))


def _notes(discs: Discs, run: Run) -> list[str]:
    notes = [
        f"{len(discs)} discs of {len(set(discs.patients))} patients; the paper had 1,559 of 580. Intervals: 500"
        " bootstraps of whole patients; the paper's are of discs.",
        "The paper's protocol is by_image_two_way: patients on both sides, and validation discs that steer the learning"
        " rate, fit the calibration and are measured. by_patient keeps patients whole and measures on others.",
        "A type that validation discs would calibrate the wrong way round, as few of them may, is not calibrated.",
    ]
    if not run.pretrained:
        notes.append(
            "From chance, all layers at once; the paper thawed weights of ImageNet step by step (--pretrained)."
        )
    if discs.classes == ANY_LESION:
        notes.append("This source tells only whether an endplate is changed; the paper's figures are of four types.")
    return notes


RECIPE = Bassani2023()

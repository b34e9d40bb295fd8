"""Cina et al. 2023: Modic changes from paired T1 and T2 by a detector and two 3D ResNets, under four normalizations.

Cina A, Haschtmann D, Damopoulos D, et al. Comparing image normalization techniques in an end-to-end model for automated
Modic changes classification from MRI images. Brain Spine 2023;4:102738. Sections are the paper's; "our choice" marks
what it leaves open. Here is how both networks work together (2.1, 2.2); the detector is in cina2023_detector.py, the
normalizations and the classifier in cina2023_classifier.py, folds and Table 2 in cina2023_tables.py.

The paper's 912 "patients" are 912 discs of 152 patients. It divides them by disc, so that discs of one patient train
and measure, and stops training on the discs that it measures on. Here folds are by patient and others decide when to
stop; the paper's way is measured beside it, to show the leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from ..errors import InputError
from ..training import ranks
from ..training.folds import split
from ..training.labelled_study import LabelledStudy
from ..training.pretrained import read_weights
from ..training.samples import Sample
from ..whole_files import whole_file
from .cina2023_classifier import (
    CLASSES,
    NORMALIZATIONS,
    Discs,
    TwinResNet,
    class_probabilities,
    cut,
    train_classifier,
    without_stop_part,
)
from .cina2023_detector import GIVEN_BOXES, build_detector, detect, table_1, train_detector
from .cina2023_tables import BOXES, COLUMNS, INTERVALS, PAPER_NOTE, ROWS, Row, counted, estimates, folds_of
from .recipe import Answer, Cell, CohortWish, Plan, Run, Table

PATIENTS, MIX = 152, {"0": 0.80, "I": 0.05, "II": 0.15}
"""912 discs are 152 patients; their classes (2.1)."""

DETECTOR_EPOCHS = 2
"""Epochs of the detector for one of the classifier, which sees six samples of each study (our choice)."""

WEIGHTS = (".safetensors", ".pth", ".pt")
"""Files of weights in the folder `--pretrained`."""

MEASURED_SHARES, STOP_SHARES = (0.8, 0.2), (0.9, 0.1)
"""Patients that the detector learns from and is measured on, 609 : 152 (2.1, 3); and of the former, those that decide
when to stop (our choice)."""


@dataclass(frozen=True)
class Cina2023:
    """The recipe; `recipe.Recipe` says what its parts are."""

    name = "cina2023"
    title = (
        "Comparing image normalization techniques in an end-to-end model for automated Modic changes classification"
        " from MRI images"
    )
    doi = "10.1016/j.bas.2023.102738"
    cohort = CohortWish(PATIENTS, "modic", MIX)
    # Epochs are the most there may be before training stops by itself (our choice; the paper names none).
    plans: ClassVar = {"smoke": Plan(5, 1, 1), "small": Plan(40, 1, 15), "full": Plan(None, None, 100)}
    variants = tuple(NORMALIZATIONS)
    tasks = ("modic", "any_change")

    def cut(self, study: LabelledStudy) -> list[Sample]:
        """See `cina2023_classifier.cut`."""
        return cut(study)

    def fit(self, samples: Sequence[Sample], run: Run) -> None:
        """Train the detector, `run.folder/detector.safetensors`, and the classifier of a variant in its subfolder."""
        discs, normalization = _learnable(samples), _normalization(run)
        _fitted_detector(_whole(samples), run.folder, run)
        _fitted_classifier(*without_stop_part(discs, run.seed), normalization, run.folder / normalization, run)

    def answer(self, samples: Sequence[Sample], run: Run) -> list[Answer]:
        """End to end (2.2): the class of each disc in the box that the detector found for its level.

        A disc that was not found is read in the box that came with the study, so that each has an answer.
        """
        discs, normalization = Discs.of(samples), _normalization(run)
        if not len(discs):
            return []
        detector = build_detector(weights=_made(run.folder / "detector.safetensors")).to(run.device).eval()
        network = TwinResNet()
        network.load_state_dict(load_file(_made(run.folder / normalization / "classifier.safetensors")))
        network.to(run.device).eval()
        found, _ = _in_found_boxes(discs, detector, _whole(samples))
        answers = []
        for sample, chances in zip(discs.samples, class_probabilities(network, found, normalization), strict=True):
            place = (sample.study, sample.patient, sample.level)
            named = dict(zip(CLASSES, chances.tolist(), strict=True))
            called, change = CLASSES[chances.argmax()], float(1 - chances[0])
            answers.append(Answer(*place, "modic", named, called))
            answers.append(Answer(*place, "any_change", {"False": 1 - change, "True": change}, str(called != "0")))
        return answers

    def reproduce(self, samples: Sequence[Sample], run: Run, source: str) -> list[Table]:
        """Table 1 of the detector, Table 2 of the normalizations, and both networks together on unseen patients."""
        discs, whole = _learnable(samples), _whole(samples)
        # Measured on patients who have discs for the last table too.
        usable = [one for one in whole if one.patient in set(discs.patients)]
        _, rows = split([one.patient for one in usable], MEASURED_SHARES, run.seed)
        unseen = [usable[row] for row in rows]
        names = {one.patient for one in unseen}
        detector = _fitted_detector([one for one in whole if one.patient not in names], run.folder / "detector", run)
        return [
            table_1(detector, unseen, source, run.budget),
            self._table_2(discs, run, source),
            self._end_to_end(discs, detector, unseen, run, source),
        ]

    def _table_2(self, discs: Discs, run: Run, source: str) -> Table:
        rows, notes = {}, []
        for heading, row in ROWS.items():
            all_folds = folds_of(discs, row.by_disc, run.seed)
            folds = all_folds[: run.plan.folds]
            called = [_called_in_fold(discs, some, row, number, run) for number, some in enumerate(folds)]
            truth = [discs.targets[some] for some in folds]
            patients = [discs.patients[one] for some in folds for one in some]
            ours = estimates(np.concatenate(truth), np.concatenate(called), patients)
            rows[heading] = [row.cell(column, estimate) for column, estimate in enumerate(ours)]
            notes.append(f"{heading}: {counted(truth, called, len(all_folds))}.")
        title = "Table 2: performance of the classification model, mean and standard deviation over folds"
        return Table(title, COLUMNS, rows, source, run.budget, (*notes, BOXES, INTERVALS, _start(run), PAPER_NOTE))

    def _end_to_end(self, discs: Discs, detector: nn.Module, unseen: Sequence[Sample], run: Run, source: str) -> Table:
        names = {one.patient for one in unseen}
        is_unseen = np.array([name in names for name in discs.patients])
        learned, stop = without_stop_part(discs[np.flatnonzero(~is_unseen)], run.seed)
        network = _fitted_classifier(learned, stop, "standardization", run.folder / "end-to-end", run)
        measured = discs[np.flatnonzero(is_unseen)]
        found, count = _in_found_boxes(measured, detector, unseen)
        rows = {}
        for heading, some in (("Given boxes", measured), ("Boxes of the detector", found)):
            called = class_probabilities(network, some, "standardization").argmax(1)
            rows[heading] = [Cell(ours=one) for one in estimates(measured.targets, called, measured.patients)]
        note = (
            f"On {len(measured)} discs of patients whom neither network has seen. The detector found {count}; the"
            f" others are read in their given boxes. {GIVEN_BOXES} The paper has no such table: it reads all discs in"
            " the detector's boxes."
        )
        return Table("End to end: standardization", COLUMNS, rows, source, run.budget, (note, INTERVALS))


RECIPE = Cina2023()


def _normalization(run: Run) -> str:
    name = run.variant or RECIPE.variants[0]
    if name not in NORMALIZATIONS:
        raise InputError(f"cina2023 has no variant {name}; choose one of {', '.join(NORMALIZATIONS)}.")
    return name


def _whole(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if not sample.level]


def _learnable(samples: Sequence[Sample]) -> Discs:
    discs = Discs.of(samples).learnable()
    if len(set(discs.targets)) < 2 or len(set(discs.patients)) < 3:
        raise InputError(
            "Discs with and without Modic changes of three patients at least are needed, labelled 0, I or II in the"
            " column modic; give more labelled studies."
        )
    return discs


def _pretrained(run: Run, three_dimensional: bool) -> Path | None:
    """The file of weights, the given one or in the given folder, whose convolutions have as many axes as they need."""
    if run.pretrained is None:
        return None
    is_folder = run.pretrained.is_dir()
    files = sorted(one for one in run.pretrained.iterdir() if one.suffix in WEIGHTS) if is_folder else [run.pretrained]
    fitting = [
        one for one in files if any(tensor.ndim == 5 for tensor in read_weights(one).values()) == three_dimensional
    ]
    if not files or len(fitting) > 1:
        raise InputError(
            f"{run.pretrained.name} must hold one file of weights for the detector, one for the classifier, or one of"
            f" both ({', '.join(WEIGHTS)}); it has {len(files)}."
        )
    return fitting[0] if fitting else None


def _start(run: Run) -> str:
    """What training started from."""
    classifier, detector = (
        f"from {path.name}" if (path := _pretrained(run, is_3d)) else "from chance" for is_3d in (True, False)
    )
    return f"Ours started {classifier} (the detector {detector}), the paper's from Med3D and from pretrained weights."


def _fitted_detector(whole: Sequence[Sample], folder: Path, run: Run) -> nn.Module:
    learned, stop = split([one.patient for one in whole], STOP_SHARES, run.seed)
    torch.manual_seed(run.seed)
    network = build_detector(pretrained=_pretrained(run, three_dimensional=False))
    train_detector(
        network,
        [whole[row] for row in learned],
        [whole[row] for row in stop],
        folder,
        epochs=DETECTOR_EPOCHS * int(run.plan.epochs),
        seed=run.seed,
        device=run.device,
    )
    return network


def _fitted_classifier(discs: Discs, stop: Discs, normalization: str, folder: Path, run: Run) -> nn.Module:
    return train_classifier(
        discs,
        stop,
        folder,
        normalization=normalization,
        epochs=int(run.plan.epochs),
        seed=run.seed,
        device=run.device,
        pretrained=_pretrained(run, three_dimensional=True),
    )


def _called_in_fold(discs: Discs, rows: np.ndarray, row: Row, number: int, run: Run) -> np.ndarray:
    """Class numbers of the discs in these rows, by a classifier that learned from the others.

    Its answers are kept and not its weights, which would be 80 GB in all.
    """
    kind = row.normalization + row.by_disc * "-by-disc" + row.stops_on_measured * "-as-published"
    folder = run.folder / kind / f"fold-{number + 1}"
    answers = folder / "probabilities.npy"
    if answers.exists():
        return np.load(answers).argmax(1)
    others = discs[np.setdiff1d(np.arange(len(discs)), rows)]
    learned, stop = (others, discs[rows]) if row.stops_on_measured else without_stop_part(others, run.seed)
    network = _fitted_classifier(learned, stop, row.normalization, folder, run)
    probabilities = class_probabilities(network, discs[rows], row.normalization)
    ranks.wait()
    if ranks.is_first():
        with whole_file(answers) as unfinished:
            np.save(unfinished, probabilities)
        (folder / "classifier.safetensors").unlink()
    return probabilities.argmax(1)


def _in_found_boxes(discs: Discs, detector: nn.Module, whole: Sequence[Sample]) -> tuple[Discs, int]:
    """The discs in the detector's boxes, in their own where it found none, and how many it found."""
    found = dict(zip([one.study for one in whole], detect(detector, whole), strict=True))
    boxes = [found[sample.study].get(sample.level) for sample in discs.samples]
    count = sum(box is not None for box in boxes)
    own = [sample.arrays["box"] for sample in discs.samples]
    return discs.in_boxes([box.box if box else one for box, one in zip(boxes, own, strict=True)]), count


def _made(weights: Path) -> Path:
    if not weights.exists():
        raise InputError(f"There is no {weights.name} in {weights.parent.name}; train cina2023 first, in that folder.")
    return weights

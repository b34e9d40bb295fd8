"""Samples: what a recipe cuts out of each study, made once and kept in one file a study."""

from __future__ import annotations

import json
import logging
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from ..errors import InputError
from ..progress import Progress
from ..threads import limit_threads
from ..whole_files import whole_file
from .labelled_study import DiscLabels, LabelledStudy, StudySource

_LOG = logging.getLogger(__name__)

FOLDER = "samples"
"""Of a run, where its samples are kept."""

_HEADER = "samples"
"""Entry of a file that holds everything but the arrays, as JSON."""

_LABELS = "labels"
"""Entry with the labels of the study by level, as JSON, also of discs of which there is no sample."""

NAMED = 4
"""How many studies a warning names."""


@dataclass(frozen=True)
class Sample:
    """What a network learns from at once: a disc, or a whole study.

    Attributes
    ----------
    study, patient:
        Where it comes from; samples of one patient stay together.
    level:
        Name of the disc; "" for a whole study.
    labels:
        Of the disc; of a whole study all unknown.
    arrays:
        By name; what they hold, with axes and units, says the recipe that cut them.
    """

    study: str
    patient: str
    level: str
    labels: DiscLabels
    arrays: Mapping[str, np.ndarray]

    @classmethod
    def of_disc(cls, study: LabelledStudy, level: str, arrays: Mapping[str, np.ndarray]) -> Sample:
        """A disc of a study, with its labels; all unknown where it has none."""
        return cls(study.name, study.patient, level, study.labels.get(level, DiscLabels()), arrays)

    @classmethod
    def of_study(cls, study: LabelledStudy, arrays: Mapping[str, np.ndarray]) -> Sample:
        """A whole study."""
        return cls(study.name, study.patient, "", DiscLabels(), arrays)


Cut = Callable[[LabelledStudy], list[Sample]]
"""`Recipe.cut`; with several processes it must be picklable, as the method of a recipe is."""


def cut_samples(
    source: StudySource,
    cut: Cut,
    folder: Path,
    studies: Sequence[str] | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> list[Sample]:
    """The samples of `studies`, in their order; of all studies of the source if None.

    Each study's samples are kept in a file in `folder/<source.key>`: what is there is not cut again, so an interrupted
    run goes on where it stopped. The files do not know `cut`; delete them after changing it.

    A study that cannot be read is named in a warning and left out, and tried again by the next call. Those that give no
    sample are counted in a warning.

    Raises
    ------
    InputError
        No study could be read.
    RuntimeError
        Something else went wrong with some studies, which it names; all others are cut and kept.
    """
    names = source.studies if studies is None else tuple(studies)
    store = Path(folder) / source.key
    store.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not _path(store, name).exists()]
    refused, broken = {}, {}
    for done, (name, error) in enumerate(_write_all(source, cut, store, missing, processes), start=1):
        (progress or Progress()).step(done / len(missing), f"Cutting samples: study {done} of {len(missing)}")
        if isinstance(error, InputError):
            refused[name] = error
            _LOG.warning("%s is left out: %s", name, error)
        elif error is not None:
            broken[name] = error
    if broken:
        told = "; ".join(f"{name}: {error!r}" for name, error in broken.items())
        raise RuntimeError(f"{len(broken)} of {len(names)} studies could not be cut ({told})")
    if refused and len(refused) == len(names):
        name, error = next(iter(refused.items()))
        raise InputError(f"none of the {len(names)} studies could be read; {name}, for one: {error}")
    samples = {name: read_samples(_path(store, name)) for name in names if name not in refused}
    if empty := [name for name, some in samples.items() if not some]:
        more = f" and {len(empty) - NAMED} more" if len(empty) > NAMED else ""
        told = f"{', '.join(empty[:NAMED])}{more}"
        reason = "most often T1 or T2 is missing, or no disc from T12/L1 to L5/S1 is seen"
        _LOG.warning("%d of %d studies give no sample: %s; %s", len(empty), len(names), told, reason)
    return [one for some in samples.values() for one in some]


def kept_samples(source: StudySource, folder: Path, studies: Sequence[str]) -> list[Sample]:
    """What `cut_samples` has kept of these studies, in their order; of those that could not be read there is nothing.

    Raises
    ------
    InputError
        A file is damaged.
    """
    return [one for path in _kept(source, folder, studies).values() for one in read_samples(path)]


def kept_labels(source: StudySource, folder: Path, studies: Sequence[str]) -> dict[tuple[str, str], DiscLabels] | None:
    """Labels by study and level of all discs of the studies that `cut_samples` has kept, with a sample or without.

    None where a file is of a version that kept those of samples alone.
    """
    labels = {name: read_labels(path) for name, path in _kept(source, folder, studies).items()}
    if None in labels.values():
        return None
    return {(name, level): one for name, discs in labels.items() for level, one in discs.items()}


def _kept(source: StudySource, folder: Path, studies: Sequence[str]) -> dict[str, Path]:
    paths = {name: _path(Path(folder) / source.key, name) for name in studies}
    return {name: path for name, path in paths.items() if path.exists()}


def _write_all(
    source: StudySource, cut: Cut, store: Path, names: Sequence[str], processes: int
) -> Iterator[tuple[str, BaseException | None]]:
    """Each name, as its study is done, and why it failed if it did."""
    if processes <= 1 or len(names) <= 1:
        for name in names:
            try:
                _write(source, cut, store, name)
                yield name, None
            except Exception as error:
                yield name, error
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), limit_threads, (1,)) as pool:
        tasks = {pool.submit(_write, source, cut, store, name): name for name in names}
        try:
            for task in as_completed(tasks):
                yield tasks[task], task.exception()
        finally:
            # Cancelled, or out of disk: the studies that have not begun need not be cut any more.
            pool.shutdown(cancel_futures=True)


def _write(source: StudySource, cut: Cut, store: Path, name: str) -> None:
    study = source.read(name)
    write_samples(_path(store, name), cut(study), study.labels)


def _path(store: Path, study: str) -> Path:
    # A study may be called anything; its name need not be good for a file.
    return store / f"{quote(study, safe=' ')}.npz"


def write_samples(path: Path, samples: Sequence[Sample], labels: Mapping[str, DiscLabels]) -> None:
    """Write samples and the labels of their study by level into one file, complete or not at all; types are kept."""
    about = [
        {
            "study": one.study,
            "patient": one.patient,
            "level": one.level,
            "labels": asdict(one.labels),
            "arrays": list(one.arrays),
        }
        for one in samples
    ]
    arrays = {f"{number}/{name}": array for number, one in enumerate(samples) for name, array in one.arrays.items()}
    known = {level: asdict(one) for level, one in labels.items()}
    texts = {_HEADER: np.array(json.dumps(about)), _LABELS: np.array(json.dumps(known))}
    with whole_file(path, several_writers=True) as unfinished, unfinished.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **texts, **arrays)


def read_samples(path: Path) -> list[Sample]:
    """The samples that `write_samples` wrote.

    Raises
    ------
    InputError
        The file is damaged.
    """
    with _opened(path) as file:
        return [
            Sample(
                study=one["study"],
                patient=one["patient"],
                level=one["level"],
                labels=DiscLabels(**one["labels"]),
                arrays={name: file[f"{number}/{name}"] for name in one["arrays"]},
            )
            for number, one in enumerate(json.loads(str(file[_HEADER])))
        ]


def read_labels(path: Path) -> dict[str, DiscLabels] | None:
    """The labels by level that `write_samples` wrote; None where it was of a version that wrote none.

    Raises
    ------
    InputError
        The file is damaged.
    """
    with _opened(path) as file:
        if _LABELS not in file:
            return None
        return {level: DiscLabels(**one) for level, one in json.loads(str(file[_LABELS])).items()}


@contextmanager
def _opened(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    try:
        with np.load(path, allow_pickle=False) as file:
            yield file
    except Exception as error:  # a damaged zip file raises one of a dozen kinds
        raise InputError(f"the samples in {path.name} are damaged; delete that file to cut them anew") from error

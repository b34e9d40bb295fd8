"""StudyGrader: grades one study of a cohort after the other with networks that were loaded once."""

from __future__ import annotations

from pathlib import Path

from .privacy import nameless
from .settings import Settings
from .study_list import StudyEntry


class StudyGrader:
    """The function that grades a `StudyEntry` and makes the folder of its results.

    Raises InputError where the device is not there, and ModelError where a model is damaged.
    """

    def __init__(self, settings: Settings) -> None:
        # Only here: the list of studies is read without torch.
        from ..pipeline import Models, choose_device
        from ..threads import limit_threads

        limit_threads(settings.threads)
        self._settings = settings
        self._device = choose_device(settings.device)
        self._models = Models.shipped(self._device)

    def __call__(self, entry: StudyEntry, folder: Path) -> None:
        """Grade a study; raises InputError where it cannot be graded."""
        from ..export import write_results
        from ..io import read_dicom_study, read_study
        from ..pipeline import grade_study

        if entry.dicom is not None:
            study = read_dicom_study(entry.dicom, examination=entry.examination)
        else:
            study = read_study(entry.t1, entry.t2)
        graded = grade_study(
            nameless(study, keep_dicom=self._settings.keep_identity),
            lowest_disc=entry.lowest_disc,
            device=self._device,
            only=frozenset(self._settings.only) or None,
            models=self._models,
        )
        write_results(graded, folder, without=("scene",) if self._settings.keep_identity else ("scene", "dicom"))

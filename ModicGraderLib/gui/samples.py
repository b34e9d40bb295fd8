"""Sample data: teaching cases that are simulated on this computer when they are asked for. Nothing is downloaded."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..launch import POLL_S, Run, RunState
from ..resources import resource_path
from ..scene.display import show_gray
from ..scene.launcher import launcher
from ..scene.nodes import add_volume
from ..worker import STUDY

CATEGORY = "ModicGrader"
"""Title of the section in the Sample Data module."""

SEED = 7
"""The same patient each time, the one on the thumbnail."""

SCHEME = "modicgrader:"
"""Sample Data wants an address for each file. Ours say case and contrast and lead nowhere: nothing is fetched."""


def sampleNames() -> dict[str, str]:
    """What a user reads under each thumbnail, by the name of the teaching case."""
    return {
        "mixed-findings": _("Several findings in one spine"),
        "modic-1": _("Modic I at L4/L5"),
        "modic-2": _("Modic II at L5/S1"),
        "modic-3": _("Modic III at L4/L5"),
        "modic-1-2": _("Modic I/II at L4/L5"),
        "endplate-schmorl-node": _("Schmorl's node at L1/L2"),
        "pfirrmann-5": _("Pfirrmann V"),
        "fracture": _("Old fracture, no Modic change"),
    }


def registerSampleData() -> None:
    """Offer the teaching cases in the Sample Data module; may be called again without harm."""
    import SampleData

    contrasts = ("t1", "t2")
    for case, name in sampleNames().items():
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category=CATEGORY,
            sampleName=name,
            thumbnailFileName=str(thumbnail(case)),
            uris=[f"{SCHEME}{case}/{contrast}" for contrast in contrasts],
            fileNames=[f"{case}-{contrast}.nii.gz" for contrast in contrasts],
            nodeNames=[f"{case} {contrast.upper()}" for contrast in contrasts],
            customDownloader=loadSample,
        )


def thumbnail(case: str) -> Path:
    """The picture of a teaching case, 260 x 280 pixels, T1 beside T2."""
    return resource_path(f"Simulation/Thumbnails/{case}.png")


def loadSample(source: Any) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Simulate the case of a `SampleDataSource` and add its T1 and T2 to the scene; waits until they are there.

    Returns the two nodes, or none where it failed, which is shown to the user.
    """
    files = [address.removeprefix(SCHEME).split("/") for address in source.uris]
    with tempfile.TemporaryDirectory(prefix="modicgrader-", ignore_cleanup_errors=True) as folder:
        problem = _simulate(files[0][0], Path(folder))
        if problem:
            slicer.util.errorDisplay(problem)
            return []
        nodes = [_load(Path(folder, STUDY), file[1], name) for file, name in zip(files, source.nodeNames, strict=True)]
    slicer.util.showStatusMessage(_("{name} is loaded").format(name=source.sampleName), 3000)
    slicer.util.setSliceViewerLayers(background=nodes[-1])
    return nodes


def _simulate(case: str, folder: Path) -> str:
    """Simulate a case into `folder`/study; the problem in one sentence, or nothing."""
    from .dependencies import ensure_dependencies

    try:
        ensure_dependencies()
    except InputError as error:
        return str(error)
    run = Run(launcher())
    run.start(folder, {"task": "simulate", "seed": SEED, "case": case, "temporary": True})
    while run.state.is_active:
        for event in run.poll():
            if event.kind == "progress":
                slicer.util.showStatusMessage(event.text)
        # As Sample Data does while it downloads: the window is painted, but nobody can ask for a second case meanwhile.
        slicer.app.processEvents(qt.QEventLoop.ExcludeUserInputEvents)
        time.sleep(POLL_S)
    return "" if run.state is RunState.DONE else run.error


def _load(study: Path, contrast: str, name: str) -> slicer.vtkMRMLScalarVolumeNode:
    """A volume of the scene that needs no file, for the one it is read from will be gone."""
    from ..io import read_volume

    volume = read_volume(study / f"{contrast}.nii.gz", contrast)
    node = add_volume(slicer.mrmlScene, name, volume.array, volume.affine)
    show_gray(node, volume.array)
    return node

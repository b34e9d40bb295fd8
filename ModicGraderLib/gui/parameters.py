"""What a saved scene remembers of the module."""

from typing import Annotated, Any

from slicer import vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper, parameterPack

from ..anatomy import DISCS_UPWARDS

AUTO = "auto"
NO_HEAT, EVIDENCE, PROBABILITY = "none", "evidence", "probability"


@parameterPack
class GradingOptions:
    """How a study is graded, and whether grades in doubt are shown."""

    lowestDisc: Annotated[str, Choice([AUTO, *DISCS_UPWARDS])] = AUTO
    device: Annotated[str, Choice([AUTO, "cpu", "cuda", "mps"])] = AUTO
    doubtful: bool = False


@parameterPack
class ViewOptions:
    """What is shown over the pictures."""

    labels: bool = True
    spine: bool = True
    corners: bool = False
    modic: bool = True
    heat: Annotated[str, Choice([NO_HEAT, EVIDENCE, PROBABILITY])] = NO_HEAT
    opacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.5
    aligned: bool = False


@parameterNodeWrapper
class ModicGraderParameterNode:
    """Everything a saved scene remembers of the module.

    `study` is the name under which the graded study lies in the scene, `level` the disc that is looked at.
    """

    t1: vtkMRMLScalarVolumeNode
    t2: vtkMRMLScalarVolumeNode
    options: GradingOptions
    view: ViewOptions
    reader: str
    study: str
    level: str


def parameterWidgets(ui: Any) -> dict[str, Any]:
    """Widgets of a .ui file by the name of the parameter that each shows."""
    named = {widget.property("SlicerParameterName"): widget for widget in vars(ui).values()}
    return {name: widget for name, widget in named.items() if name}

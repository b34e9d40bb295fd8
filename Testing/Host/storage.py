"""What reads and writes files behind `slicer.util.loadVolume`, `saveNode`, `saveScene` and their like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk


class CoreIOManager:
    """Stands for qSlicerCoreIOManager. Nodes are read and written by their own storage nodes."""

    def __init__(self, host: Any):
        self._host = host

    def fileType(self, filename: str) -> str:
        """The kind of a file, by its ending."""
        name = str(filename).lower()
        if name.endswith((".mrb", ".mrml")):
            return "SceneFile"
        return "SegmentationFile" if ".seg." in name else "VolumeFile"

    def fileWriterFileType(self, node: Any) -> str:
        """The kind of file that a node is written as."""
        return "SegmentationFile" if node.IsA("vtkMRMLSegmentationNode") else "VolumeFile"

    def loadNodes(self, filetype: str, properties: dict, nodes: vtk.vtkCollection, messages: Any = None) -> bool:
        """Read a file into the scene; whether that worked. What was read comes into `nodes`."""
        path = Path(properties["fileName"])
        if filetype == "SceneFile":
            return self._load_scene(path)
        if not path.exists():
            return False
        classes = {"VolumeFile": "vtkMRMLScalarVolumeNode", "SegmentationFile": "vtkMRMLSegmentationNode"}
        if properties.get("labelmap"):
            classes["VolumeFile"] = "vtkMRMLLabelMapVolumeNode"
        node = self._host.scene.AddNewNodeByClass(classes[filetype], properties.get("name") or path.name.split(".")[0])
        node.AddDefaultStorageNode()
        node.GetStorageNode().SetFileName(str(path))
        if not node.GetStorageNode().ReadData(node):
            self._host.scene.RemoveNode(node)
            return False
        node.CreateDefaultDisplayNodes()
        nodes.AddItem(node)
        return True

    def saveNodes(self, filetype: str, properties: dict, messages: Any = None) -> bool:
        """Write the scene, or a node; whether that worked."""
        path = str(properties["fileName"])
        scene = self._host.scene
        if filetype == "SceneFile":
            if path.endswith(".mrb"):
                return bool(scene.WriteToMRB(str(Path(path).resolve())))
            scene.SetURL(path)
            return bool(scene.Commit())
        node = scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
        return self._write(node, node.GetStorageNode(), path)

    def exportNodes(
        self, identities: list[str], filenames: list[str], properties: dict, harden: bool, messages: Any = None
    ) -> bool:
        """Write nodes without a change to their own storage nodes; whether that worked."""
        nodes = [self._host.scene.GetNodeByID(one) for one in identities]
        return all(
            self._write(node, node.CreateDefaultStorageNode(), path)
            for node, path in zip(nodes, filenames, strict=True)
        )

    def extractKnownExtension(self, filename: str, node: Any) -> str:
        """The ending of a file name, with its dot."""
        name = Path(filename).name.lower()
        double = (".nii.gz", ".seg.nrrd", ".mrk.json")
        return next((end for end in double if name.endswith(end)), Path(name).suffix)

    def fileWriterExtensions(self, node: Any) -> list[str]:
        """What a node can be written as, as "Name (.ending)"."""
        types = node.CreateDefaultStorageNode().GetSupportedWriteFileTypes()
        return [types.GetValue(number) for number in range(types.GetNumberOfValues())]

    @staticmethod
    def _write(node: Any, storage: Any, path: str) -> bool:
        storage.SetFileName(str(path))
        return bool(storage.WriteData(node))

    def _load_scene(self, path: Path) -> bool:
        scene = self._host.scene
        if path.suffix == ".mrb":
            # As the application does: a scene that is opened takes the place of the present one.
            scene.Clear(False)
            folder = slicer.app.temporaryPath
            return bool(self._host.application.OpenSlicerDataBundle(str(path), folder))
        scene.SetURL(str(path))
        return bool(scene.Connect())

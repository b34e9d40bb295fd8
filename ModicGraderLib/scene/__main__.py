"""`python -m ModicGraderLib.scene GRADED.npz SCENE.mrb`: what `scene.write_scene` runs in a process of its own."""

import sys
from pathlib import Path

from ..handover import load_graded
from .build import write_scene

write_scene(load_graded(Path(sys.argv[1])), Path(sys.argv[2]))

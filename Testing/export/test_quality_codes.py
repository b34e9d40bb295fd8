"""Test that the list of quality codes is that of the program."""

import ast
from pathlib import Path

import ModicGraderLib
from ModicGraderLib.disagreement import DISAGREE
from ModicGraderLib.export.quality_codes import QUALITY_FINDINGS


def codes_in(path):
    """The codes with which a file of the library makes findings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "QualityFinding" and node.args:
            yield ast.unparse(node.args[0]).strip("'")


def test_every_code_with_which_the_program_makes_a_finding_is_in_the_list_and_no_other():
    made = {code for path in Path(ModicGraderLib.__file__).parent.rglob("*.py") for code in codes_in(path)}
    assert {DISAGREE if code == "DISAGREE" else code for code in made} == set(QUALITY_FINDINGS)

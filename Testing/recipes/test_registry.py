from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from ModicGraderLib.errors import InputError
from ModicGraderLib.recipes.measures import truth_of
from ModicGraderLib.recipes.recipe import BUDGETS
from ModicGraderLib.recipes.registry import RECIPES, load_recipe
from ModicGraderLib.training.labelled_study import DiscLabels

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", RECIPES)
def test_every_paper_has_a_recipe_of_its_name_with_plans_for_every_budget(name):
    recipe = load_recipe(name)
    assert recipe.name == name and recipe.title and recipe.doi.startswith("10.")
    assert tuple(recipe.plans) == BUDGETS
    assert len(set(recipe.variants)) == len(recipe.variants) > 0
    assert recipe.cohort.label in {field.name for field in fields(DiscLabels)}
    assert sum(recipe.cohort.mix.values()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", RECIPES)
def test_every_task_has_a_truth_in_the_labels(name):
    for task in load_recipe(name).tasks:
        assert truth_of(task, DiscLabels()) is None


def test_the_full_plan_has_the_paper_s_own_number_of_patients():
    patients = {name: load_recipe(name).cohort.patients for name in RECIPES}
    assert patients["damopoulos2019"] == 92
    assert patients["bassani2023"] == 580
    assert patients["gao2022"] == 75
    assert patients["spinenet2016"] == 2009


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(InputError, match="no recipe is called 'vgg'; take one of damopoulos2019, cina2023, bassani"):
        load_recipe("vgg")


def test_the_command_line_shows_its_help_without_anything_heavy():
    code = """
import sys
from ModicGraderLib.cli import main
main(["train", "--help"])
heavy = {"torch", "monai", "torchvision", "sklearn", "tensorboard", "numpy", "pandas"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--pretrained" in done.stdout

"""The recipes by name; each is imported only when it is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from .recipe import Recipe

RECIPES = ("damopoulos2019", "cina2023", "bassani2023", "gao2022", "spinenet2016")
"""Names, which are also those of the modules."""


def load_recipe(name: str) -> Recipe:
    """The recipe of a paper.

    Raises
    ------
    InputError
        There is none of this name, or a library that recipes need is not installed.
    """
    if name not in RECIPES:
        raise InputError(f"no recipe is called {name!r}; take one of {', '.join(RECIPES)}")
    try:
        return importlib.import_module(f"{__package__}.{name}").RECIPE
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("ModicGraderLib"):
            raise
        raise InputError(f"recipes need {error.name}; install it with `pip install modicgrader[recipes]`") from error

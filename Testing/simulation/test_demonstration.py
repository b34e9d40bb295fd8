"""Test of the teaching case that `make demo` grades: a reader would call every finding it was asked for."""

import numpy as np
import pytest

from ModicGraderLib.simulation.case_file import build_case
from ModicGraderLib.simulation.simulate import simulate
from ModicGraderLib.simulation.teaching import find_case

SEED = 7
"""As in the Makefile."""


@pytest.fixture(scope="module")
def study():
    return simulate(SEED, build_case(find_case("mixed-findings"), np.random.default_rng(SEED)), slices=9)


def test_every_change_asked_for_is_seen_and_named(study):
    discs = {disc.level: disc for disc in study.truth.discs}
    assert len(study.case.lesions) == 4
    for level, endplate, lesion in study.case.lesions:
        assert discs[level].endplates[endplate].modic.grade == lesion.type


def test_the_case_holds_at_least_three_kinds_of_finding(study):
    discs = study.truth.discs
    kinds = {
        "Modic I": any(disc.modic.grade == "I" for disc in discs),
        "Modic II": any(disc.modic.grade == "II" for disc in discs),
        "narrowing": any(disc.narrowing.grade for disc in discs),
        "node": any(disc.endplate_lesion.grade == "schmorl_node" for disc in discs),
    }
    assert all(kinds.values())

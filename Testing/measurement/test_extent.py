"""What the map shows of a painted change is measured with an interval that grows with doubt and holds the truth."""

import numpy as np
import pytest
from box_spine import SPINES
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from ModicGraderLib.anatomy import ENDPLATES, GRADED_DISCS
from ModicGraderLib.mapping.change_map import EndplateChange
from ModicGraderLib.measurement.endplate_change import EXTENTS, ChangeExtent
from ModicGraderLib.measurement.extent import class_chances, measure_extent


def mapped(spine, level, endplate, depth_mm, softness_mm) -> EndplateChange:
    """A map of a change so deep, whose probability falls from 1 to 0 over a distance about its end."""
    disc, body = spine.discs[level], spine.body(level, endplate)
    inward = disc.normal if endplate == "upper" else -disc.normal
    middle = (disc.corners[f"{endplate}_anterior"] + disc.corners[f"{endplate}_posterior"]) / 2
    offset = spine.points - middle
    within = (np.abs(offset @ disc.anterior) < 9) & (np.abs(offset @ disc.left) < 12)
    chance = np.clip(0.5 + (depth_mm - offset @ inward) / softness_mm, 0, 1) * (within & body)
    box = ndimage.find_objects(body.astype(int))[0]
    posterior = np.stack([1 - chance, 0 * chance, chance, 0 * chance])[(slice(None), *box)].astype(np.float32)
    return EndplateChange(box, body[box], posterior, posterior[0] < 0.5)


def measure(level, endplate, depth_mm, softness_mm, spine=SPINES[1]) -> ChangeExtent:
    return measure_extent(
        spine.discs[level], endplate, mapped(spine, level, endplate, depth_mm, softness_mm), spine.reference
    )


@settings(deadline=None, max_examples=15)
@given(st.sampled_from(SPINES), st.sampled_from(GRADED_DISCS), st.sampled_from(ENDPLATES), st.floats(5, 20))
def test_the_interval_holds_the_painted_extent(spine, level, endplate, depth):
    found = measure(level, endplate, depth, 0.5, spine)
    assert found.height_percent == pytest.approx(100 * depth / 26, abs=found.uncertainty["height_percent"])
    truth = {"anteroposterior_percent": 50.0, "area_percent": 50 * 24 / 46, "volume_mm3": 18 * 24 * depth}
    for name, value in truth.items():
        assert getattr(found, name) == pytest.approx(value, abs=found.uncertainty[name])


def test_a_softer_edge_is_less_sure_and_no_other_extent():
    sharp, soft = (measure("L3/L4", "upper", 10, softness) for softness in (0.5, 12.0))
    assert soft.height_percent == pytest.approx(sharp.height_percent, abs=3)
    for name in ("height_percent", "volume_mm3", "volume_percent"):
        assert soft.uncertainty[name] > 1.5 * sharp.uncertainty[name]


def test_what_is_not_decided_has_no_extent():
    change = mapped(SPINES[1], "L4/L5", "lower", 10, 4.0).without_decision()
    assert measure_extent(SPINES[1].discs["L4/L5"], "lower", change, SPINES[1].reference) == ChangeExtent()


def test_every_extent_of_a_change_has_an_uncertainty_and_every_class_a_chance():
    found = measure("L4/L5", "lower", 10, 2.0)
    assert set(found.uncertainty) == set(EXTENTS)
    assert sum(found.height_class_probabilities.values()) == pytest.approx(1)
    assert max(found.height_class_probabilities, key=found.height_class_probabilities.get) == found.height_class


@pytest.mark.parametrize(("percent", "likely"), [(10, "A"), (37, "B"), (80, "C")])
def test_far_from_the_ends_of_a_class_its_chance_is_high(percent, likely):
    assert class_chances(percent, 8)[likely] > 0.95


def test_at_the_end_of_a_class_either_is_as_likely():
    chances = class_chances(25, 8)
    assert chances["A"] == pytest.approx(0.5)
    assert chances["B"] == pytest.approx(0.5, abs=0.01)


def test_bodies_that_run_on_into_pedicles_change_no_share():
    spine = SPINES[1]
    change = mapped(spine, "L4/L5", "upper", 10, 0.5)
    wide = np.broadcast_to(change.body.any(0), change.body.shape).copy()
    grown = EndplateChange(change.box, wide, change.posterior, change.change)
    extents = [measure_extent(spine.discs["L4/L5"], "upper", one, spine.reference) for one in (change, grown)]
    assert extents[1].volume_percent == pytest.approx(extents[0].volume_percent, rel=0.02)

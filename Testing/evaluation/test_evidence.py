"""Heat is judged by where it lies, what deleting it does, and whether a network without knowledge has the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from evidence.spot_reader import DARK, SpotReader, ensemble_of, spotted_disc
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ModicGraderLib.evaluation.evidence import NAMES, agreement_table, called, deletion_table, explain, place_table
from ModicGraderLib.evaluation.evidence_pictures import draw_heats
from ModicGraderLib.evaluation.evidence_scores import (
    DELETED,
    TOLERANCE_PIXELS,
    Truth,
    area_under,
    changed_discs,
    deletion_curve,
    forgetful,
    points_at,
    random_heat,
    rank_correlation,
    share_inside,
    truth_of,
)
from ModicGraderLib.grading.disc_input import INNER, SHAPE
from ModicGraderLib.grading.network import DiscReader
from ModicGraderLib.grading.tasks import OUTPUTS
from ModicGraderLib.training.graded_discs import LOWER_ENDPLATE, OTHER_ENDPLATE, UNKNOWN, GradedDisc

SIZE = (5, *SHAPE)


def simulated(*codes: tuple[tuple, int], change: float = 1.0) -> GradedDisc:
    """A disc with `changes` drawn on the region without its border."""
    one = spotted_disc()
    changes = np.zeros(one.region.shape[1:], np.uint8)
    for place, code in codes:
        changes[:, *INNER][place] = code
    targets = np.full(OUTPUTS, np.nan, np.float32)
    targets[0] = change
    return GradedDisc("simulated-1", one, targets, 1, 3, changes)


def report_cell(markdown: str, row: str, column: int) -> str:
    """A cell of a Markdown table by what its row is called."""
    line = next(line for line in markdown.splitlines() if row in line.split("|")[1])
    return line.split("|")[column + 1].strip()


def heat_at(*place: int) -> np.ndarray:
    heat = np.zeros(SIZE, np.float32)
    heat[place] = 1
    return heat


def test_the_truth_of_a_disc_is_what_rests_on_its_own_endplates():
    truth = truth_of(
        simulated(
            ((0, 3, 3), 1), ((0, 3, 4), 2 + LOWER_ENDPLATE), ((1, 3, 3), 1 + OTHER_ENDPLATE), ((2, 3, 3), UNKNOWN)
        )
    )
    assert np.argwhere(truth.change).tolist() == [[0, 3, 3], [0, 3, 4]]
    assert np.argwhere(~truth.judged).tolist() == [[2, 3, 3]]


@pytest.mark.parametrize("away", [0, 1, TOLERANCE_PIXELS, TOLERANCE_PIXELS + 1, 40])
def test_a_peak_points_at_a_change_up_to_the_tolerance(away):
    truth = truth_of(simulated((DARK, 1)))
    number, rows, columns = DARK
    peak = (number, rows.start + 2, columns.stop - 1 + away)
    assert points_at(heat_at(*peak), truth) == (away <= TOLERANCE_PIXELS)
    assert not points_at(heat_at(number + 1, *peak[1:]), truth)


def test_a_peak_that_no_reader_would_judge_is_passed_over():
    truth = truth_of(simulated((DARK, 1), ((0, 5, 5), UNKNOWN)))
    heat = heat_at(0, 5, 5)
    heat[DARK] = 0.5
    assert points_at(heat, truth)
    assert share_inside(heat, truth) == pytest.approx(1)


@given(rows=st.integers(1, 90), columns=st.integers(1, 100), warm=st.floats(0.01, 10))
@settings(deadline=None, max_examples=20)
def test_even_heat_lies_in_the_change_by_its_area(rows, columns, warm):
    change = np.zeros(SIZE, bool)
    change[2, :rows, :columns] = True
    truth = Truth(change, np.ones(SIZE, bool))
    assert share_inside(np.full(SIZE, warm, np.float32), truth) == pytest.approx(change.mean(), rel=1e-3)


def test_deleting_what_an_answer_rests_on_takes_it_away_and_deleting_the_rest_does_not():
    ensemble = ensemble_of(SpotReader())
    one, spot = spotted_disc(), np.zeros(SIZE, np.float32)
    spot[DARK] = 1
    assert deletion_curve(one, spot, ensemble, "disc_bulging") == pytest.approx(0.5)  # it rests on nothing
    own, inverse, chance = (
        area_under(deletion_curve(one, heat, ensemble, "modic_change")) for heat in (spot, -spot, random_heat(SIZE, 0))
    )
    assert own < chance - 0.01
    assert chance <= inverse
    assert own < inverse - 0.1


def test_the_area_under_a_flat_curve_is_its_height():
    assert area_under(np.full(len(DELETED), 0.7)) == pytest.approx(0.7)


def test_rank_correlation_knows_the_same_the_opposite_and_nothing():
    heat = random_heat(SIZE, 1)
    assert rank_correlation(heat, np.exp(heat)) == pytest.approx(1)
    assert rank_correlation(heat, -heat) == pytest.approx(-1)
    assert abs(rank_correlation(heat, random_heat(SIZE, 2))) < 0.15
    assert rank_correlation(heat, np.zeros(SIZE)) == 0


def test_a_forgetful_copy_has_other_weights_only_in_the_parts_named_and_leaves_the_member_alone():
    torch.manual_seed(0)
    member = DiscReader().eval()
    before = {name: weight.clone() for name, weight in member.state_dict().items()}
    part, whole = forgetful(member, ["head"]), forgetful(member)
    torch.testing.assert_close(dict(member.state_dict()), before)
    for name, weight in part.state_dict().items():
        assert torch.equal(weight, before[name]) != name.startswith("head"), name
    assert not torch.equal(whole.stem[1].weight, member.stem[1].weight)
    assert not whole.training


def test_only_discs_that_have_the_change_and_show_it_are_judged():
    shown, hidden, absent = simulated((DARK, 1)), simulated(), simulated((DARK, 1), change=0.0)
    assert changed_discs([shown, hidden, absent], "modic_change") == [shown]


def test_the_tables_tell_right_evidence_from_heat_at_random(tmp_path):
    ensemble = ensemble_of(SpotReader(), SpotReader())
    discs = [replace(simulated((DARK, 1)), patient=f"simulated-{number}") for number in range(2)]
    explained = explain(discs, ensemble)
    places = place_table(explained, ensemble)
    for name in NAMES.values():
        assert report_cell(places, name, 1) == "1.000 (1.000-1.000)"
        assert float(report_cell(places, name, 2).split()[0]) > 0.3
    assert report_cell(places, "heat at random", 1) == "0.000 (0.000-0.000)"
    assert float(report_cell(places, "heat at random", 2).split()[0]) < 0.02
    assert report_cell(places, "evenly spread heat", 2) == "0.001"
    deleted = deletion_table(explained, ensemble)
    for name in NAMES.values():
        assert float(report_cell(deleted, name, 1)) < float(report_cell(deleted, "at random", 1))
        assert float(report_cell(deleted, name, 2)) > float(report_cell(deleted, name, 1))
    agreed = agreement_table(explained)
    assert report_cell(agreed, "hotspots, Grad-CAM", 3) == "100 %"


def test_the_picture_has_a_column_for_each_method(tmp_path):
    disc = simulated((DARK, 1), ((1, 70, 50), UNKNOWN))
    for count in (1, 3):
        heats = {f"method {number}": random_heat(SIZE, number) for number in range(count)}
        draw_heats([(disc, heats), (disc, heats)], tmp_path / f"{count}.png")
    one, three = (Image.open(tmp_path / f"{count}.png").size for count in (1, 3))
    assert three[0] > 1.5 * one[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.png", "3.png"]


def test_only_changes_that_are_called_are_explained():
    faint = ensemble_of(SpotReader())
    faint.offset[:] = -5
    disc = simulated((DARK, 1))
    assert called([disc], ensemble_of(SpotReader())) == [disc]
    assert called([disc], faint) == []

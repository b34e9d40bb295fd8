"""The analysis of a reading study: kappas that are known, and a test that finds what is there and nothing else."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_readers import expected_kappa, simulated_readings, simulated_truth

from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.evaluation.metrics import Estimate, kappa
from ModicGraderLib.reader_study import agreement, results
from ModicGraderLib.reader_study.agreement import SCALES, analyze, paired, unassisted
from ModicGraderLib.reader_study.readings import Reading
from ModicGraderLib.reader_study.results import as_json, markdown, write_results

SHARES = {"0": 0.5, "I": 0.2, "II": 0.25, "III": 0.05}


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 200)
    monkeypatch.setattr(agreement, "PERMUTATIONS", 199)


def study(cases, right, seed=0, readers=("junior", "senior")):
    truth = simulated_truth(cases, SHARES, seed)
    return truth, [one for reader in readers for one in simulated_readings(reader, truth, right, seed)]


def sheets(pairs, reader_pairs_assisted=None):
    """Readings of readers A and B from {(case, level): (A, B)}, without and with assistance."""
    halves = (pairs, reader_pairs_assisted or pairs)
    return [
        Reading(reader, str(half), bool(half), case, level, grades[number], 10.0)
        for half, said in enumerate(halves)
        for (case, level), grades in said.items()
        for number, reader in enumerate("AB")
    ]


def found(result, scale="type"):
    return next(one for one in result.between if one.scale == scale)


def test_kappa_is_the_one_computed_by_hand():
    # Confusion of A (rows) and B: 0/0 twice, 0/I once, I/I once. Observed 3/4; by chance 3/4*2/4 + 1/4*2/4 = 1/2.
    said = {("a", "L1/L2"): "00", ("a", "L2/L3"): "00", ("b", "L1/L2"): ("0", "I"), ("b", "L2/L3"): ("I", "I")}
    one = found(analyze(sheets(said)))
    assert one.kappa.without.value == pytest.approx(0.5) == one.kappa.assisted.value
    assert (one.cases, one.discs, one.left_out) == (2, 4, 0)


def test_linear_weights_count_a_mixed_type_as_a_smaller_disagreement_than_another_type():
    near = {("a", "L1/L2"): ("0", "0"), ("a", "L2/L3"): ("I", "I/II"), ("b", "L1/L2"): ("III", "III")}
    far = {**near, ("a", "L2/L3"): ("I", "III")}
    linear = {name: found(analyze(sheets(said)), "type_linear") for name, said in (("near", near), ("far", far))}
    plain = {name: found(analyze(sheets(said)), "type") for name, said in (("near", near), ("far", far))}
    # By hand. A says places 0, 1, 5 of the course, B 0, 2, 5 or 0, 5, 5; the mean distance by chance is 21/9 or 24/9.
    assert linear["near"].kappa.without.value == pytest.approx(1 - 3 / 21)
    assert linear["far"].kappa.without.value == pytest.approx(1 - 12 / 24)
    # Without weights both disagree once in three; by chance they agree 2/9 or 3/9 of the time.
    assert plain["near"].kappa.without.value == pytest.approx((6 / 9 - 2 / 9) / (7 / 9))
    assert plain["far"].kappa.without.value == pytest.approx((6 / 9 - 3 / 9) / (6 / 9))


def test_any_change_knows_no_types():
    said = {("a", "L1/L2"): ("I", "III"), ("a", "L2/L3"): ("0", "0"), ("b", "L1/L2"): ("II", "I/II")}
    assert found(analyze(sheets(said)), "any_change").kappa.without.value == 1.0


def test_readers_of_a_known_confusion_get_back_their_kappas():
    right = {False: 0.75, True: 0.9}
    truth, readings = study(400, right)
    one = found(analyze(readings, {"truth": truth}))
    for figure, assisted in ((one.kappa.without, False), (one.kappa.assisted, True)):
        assert figure.value == pytest.approx(expected_kappa(right[assisted], right[assisted], SHARES), abs=0.03)
        assert figure.low < figure.value < figure.high
    assert one.kappa.difference.value == pytest.approx(one.kappa.assisted.value - one.kappa.without.value)
    assert one.kappa.difference.low > 0
    assert one.kappa.p == pytest.approx(0.01)


def test_agreement_with_the_truth_is_that_of_a_reader_who_is_always_right():
    right = {False: 0.7, True: 0.8}
    truth, readings = study(400, right, seed=3)
    result = analyze(readings, {"truth": truth})
    ours = [one for one in result.with_reference if one.scale == "type"]
    assert [(one.first, one.second) for one in ours] == [("junior", "truth"), ("senior", "truth")]
    for one in ours:
        assert one.kappa.without.value == pytest.approx(expected_kappa(0.7, 1.0, SHARES), abs=0.04)
        assert one.kappa.assisted.value == pytest.approx(expected_kappa(0.8, 1.0, SHARES), abs=0.04)


def test_a_reference_reader_is_compared_by_what_they_said_without_assistance():
    _, readings = study(30, {False: 0.9, True: 0.5})
    reference = unassisted(readings, "senior")
    result = analyze(readings, {"senior": reference})
    assert {(one.first, one.second) for one in result.with_reference} == {("junior", "senior")}
    assert reference == {one.disc: one.modic for one in readings if one.reader == "senior" and not one.assisted}
    with pytest.raises(InputError, match="nobody"):
        unassisted(readings, "nobody")


def test_an_expert_who_reads_without_assistance_only_can_be_the_reference():
    _, readings = study(10, {False: 0.9, True: 0.9}, readers=("expert", "junior"))
    kept = [one for one in readings if one.reader == "junior" or not one.assisted]
    with pytest.raises(InputError, match="expert read nothing with assistance"):
        analyze(kept)
    result = analyze(kept, {"expert": unassisted(kept, "expert")})
    assert (result.readers, result.between) == (("junior",), ())
    assert {(one.first, one.second) for one in result.with_reference} == {("junior", "expert")}
    assert "There is one reader only." in results.markdown(result)
    alone = [one for one in kept if one.reader == "expert"]
    with pytest.raises(InputError, match="only references were read"):
        analyze(alone, {"expert": unassisted(alone, "expert")})


def test_where_assistance_does_nothing_the_test_is_significant_as_rarely_as_it_should_be():
    found_p = []
    for seed in range(40):
        _, readings = study(12, {False: 0.8, True: 0.8}, seed)
        found_p.append(p_of_types(readings))
    assert np.mean(np.array(found_p) < 0.05) <= 0.15
    assert 0.3 < np.mean(found_p) < 0.7


def p_of_types(readings):
    """Only the figure of this test: the rest would be computed forty times for nothing."""
    conditions = agreement._sheets(readings)
    return agreement._agreement(("junior", "senior"), conditions["junior"], conditions["senior"], "type").kappa.p


def test_the_test_of_few_cases_takes_every_exchange_once():
    # Three cases can be exchanged in 8 ways; all three point the same way, so two of the 8 are as far from nothing.
    values = np.array([[1.0, 2.0], [1.0, 4.0], [1.0, 3.0]])
    one = paired(values, lambda some: float(some.mean()))
    assert one.p == pytest.approx(2 / 8)
    assert one.difference.value == pytest.approx(2.0)


def test_what_cannot_be_told_is_an_en_dash_and_null(tmp_path):
    said = {("a", "L1/L2"): "00", ("b", "L2/L3"): "00"}
    result = analyze(sheets(said))
    assert np.isnan(found(result).kappa.p)
    assert "| – | – | – | – |" in markdown(result)
    written = json.loads(write_results(result, tmp_path / "new")[1].read_text())
    assert written["between"][0]["kappa"]["p"] is None


def test_one_case_alone_has_no_p_value():
    said = {("a", "L1/L2"): ("0", "I"), ("a", "L2/L3"): "II", ("a", "L3/L4"): "00"}
    other = {disc: (grades[0], grades[0]) for disc, grades in said.items()}
    one = found(analyze(sheets({d: tuple(g) for d, g in said.items()}, other)))
    assert np.isnan(one.kappa.p)


def test_discs_that_one_could_not_tell_are_left_out_and_counted():
    said = {("a", "L1/L2"): ("0", "0"), ("a", "L2/L3"): ("I", None), ("b", "L1/L2"): ("I", "I")}
    assisted = {**said, ("a", "L2/L3"): ("I", "I")}
    result = analyze(sheets(said, assisted))
    assert (found(result).discs, found(result).left_out) == (2, 1)
    assert "1 of A and B" in markdown(result)


def test_time_is_summed_by_case_and_compared_within_it():
    readings = [
        Reading("A", "1", assisted, case, level, "0", seconds)
        for assisted, case, level, seconds in (
            (False, "a", "L1/L2", 10.0),
            (False, "a", "L2/L3", 20.0),
            (False, "b", "L1/L2", 50.0),
            (True, "a", "L1/L2", 5.0),
            (True, "a", "L2/L3", 15.0),
            (True, "b", "L1/L2", 30.0),
            (True, "c", "L1/L2", 999.0),  # not read without assistance
        )
    ]
    (one,) = analyze(readings).durations
    assert (one.cases, one.seconds.without.value, one.seconds.assisted.value) == (2, 40.0, 25.0)
    assert one.seconds.difference.value == -15.0


@pytest.mark.parametrize("missing", [False, True])
def test_a_reader_who_lacks_a_session_is_named(missing):
    _, readings = study(3, {False: 0.8, True: 0.8})
    kept = [one for one in readings if one.reader != "junior" or one.assisted is missing]
    with pytest.raises(InputError, match="junior read nothing with"):
        analyze(kept)


def test_readers_of_different_cases_are_refused():
    _, readings = study(3, {False: 0.8, True: 0.8})
    apart = [Reading(**{**vars(one), "case": one.case + "x"}) if one.reader == "junior" else one for one in readings]
    with pytest.raises(InputError, match="no disc was graded by junior and senior"):
        analyze(apart)


@given(st.lists(st.sampled_from(list(SCALES["type"].number)), min_size=2, max_size=12), st.data())
def test_kappa_of_the_study_is_that_of_all_its_discs_together(first, data):
    second = [data.draw(st.sampled_from(list(SCALES["type"].number))) for _ in first]
    discs = [(f"case-{number // 3}", ("L1/L2", "L2/L3", "L3/L4")[number % 3]) for number in range(len(first))]
    scale = SCALES["type"]
    mine, yours = (dict(zip(discs, said, strict=True)) for said in (first, second))
    counts = agreement._confusions(sorted(discs), (mine, mine), (yours, yours), scale)
    together = metrics.confusion([scale.number[g] for g in first], [scale.number[g] for g in second], 6)
    assert np.array_equal(counts[:, 0].sum(0), together)
    assert kappa(counts[:, 1].sum(0)) == pytest.approx(kappa(together), nan_ok=True)


def test_a_difference_that_rounds_to_nothing_has_no_minus():
    assert results._shown(Estimate(-0.001, -0.12, 0.1), 2, sign="+") == "+0.00 (\u22120.12 to +0.10)"


def test_the_paper_stands_above_ours(tmp_path):
    truth, readings = study(6, {False: 0.7, True: 0.9})
    result = analyze(readings, {"truth": truth})
    page, document = write_results(result, tmp_path)
    text = page.read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert "| 0.52 | 0.58 | +0.06 | < 0.05 |" in rows[2]
    assert "| junior and senior | Modic type | 6 | 36 |" in text
    written = json.loads(document.read_text())
    assert written == json.loads(json.dumps(as_json(result)))
    assert written["gao2022"] == {"without": 0.52, "assisted": 0.58, "p_below": 0.05}
    assert not list(tmp_path.glob(".*"))

"""Gao 2022: the figures that are reported, by unit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ModicGraderLib.evaluation import metrics
from ModicGraderLib.recipes.gao2022_tables import (
    KAPPA,
    DiscReading,
    StudyReading,
    accuracy_at,
    consistency_notes,
    kappa_at,
    tables,
    unit_calls,
)
from ModicGraderLib.training.labelled_study import DiscLabels


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    # Intervals are tested elsewhere.
    monkeypatch.setattr(metrics, "BOOTSTRAPS", 20)


def test_the_published_figures_agree_only_where_eleven_percent_are_changed():
    assert kappa_at(0.11) == pytest.approx(KAPPA, abs=0.005)
    assert abs(kappa_at(0.05) - KAPPA) > 0.08 and abs(kappa_at(0.3) - KAPPA) > 0.03
    assert accuracy_at(0.11) == pytest.approx(0.92, abs=0.005)
    assert accuracy_at(0.3875) == pytest.approx(0.857, abs=1e-6) and kappa_at(0.3875) == pytest.approx(0.69, abs=0.005)
    implied, other = consistency_notes()
    assert "11%" in implied and "92%" in implied and "39%" in other and "0.69" in other


def reading(patient, discs, **counts) -> StudyReading:
    """`discs`: (level, true upper, true lower, upper mapped, lower mapped)."""
    graded = tuple(
        DiscReading(
            level,
            DiscLabels(modic="I" if upper or lower else "0", upper_marrow_change=upper, lower_marrow_change=lower),
            {"upper": found_upper, "lower": found_lower},
            {"rule": "I" if found_upper or found_lower else "0"},
        )
        for level, upper, lower, found_upper, found_lower in discs
    )
    return StudyReading(patient, graded, np.diag([5, 5]), counts.get("changes"), counts.get("types", {}))


READINGS = [
    reading("a", [("L4/L5", True, False, False, True), ("L5/S1", False, False, False, False)]),
    reading("b", [("L4/L5", False, False, False, False), ("L5/S1", True, True, True, False)]),
]


def counts_of(unit):
    calls, patients = unit_calls(READINGS, unit)
    return [tuple(call) for call in calls.tolist()], patients


def test_each_unit_is_counted_for_itself():
    assert counts_of("disc") == ([(True, True), (False, False), (False, False), (True, True)], ["a", "a", "b", "b"])
    endplates, _ = counts_of("endplate")
    assert endplates.count((True, False)) == 2 and endplates.count((False, True)) == 1 and len(endplates) == 8
    # Of a: L4 changed and missed, L5 called without a change, S1 nothing; of b: L4 nothing, L5 found, S1 missed.
    vertebrae, _ = counts_of("vertebra")
    expected = [(True, False), (False, True), (False, False), (False, False), (True, True), (True, False)]
    assert sorted(vertebrae) == sorted(expected)
    assert counts_of("examination") == ([(True, True), (True, True)], ["a", "b"])


def test_a_vertebra_counts_as_unchanged_only_if_both_its_endplates_are_known():
    upper, lower = READINGS[0].discs
    partly = replace(READINGS[0], discs=(replace(upper, labels=DiscLabels(modic="I")), lower))
    calls, _ = unit_calls([partly], "vertebra")
    # Only S1: L5 is unchanged at L5/S1 and unknown at L4/L5, L4 is unknown.
    assert calls.tolist() == [[False, False]]
    assert len(unit_calls([partly], "endplate")[0]) == 2


def test_where_only_presence_is_known_only_that_is_measured():
    real = [
        replace(one, discs=tuple(replace(disc, labels=DiscLabels(modic=disc.labels.modic)) for disc in one.discs))
        for one in READINGS
    ]
    presence, overlap, _ = tables(real, "real", "small", "none")
    rows = {name.split(",")[0].removeprefix("by "): cells for name, cells in presence.rows.items()}
    assert rows["published"][0].ours.value == 1.0 and rows["published"][0].paper == 0.71
    assert [cell.ours for cell in rows["endplate"]] == [None] * 5
    assert rows["examination"][4].ours.value == 1.0
    assert overlap.rows["Modic changes, all voxels together"][0].ours is None
    assert "no outlines" in overlap.notes[-1]


def test_without_a_changed_unit_neither_sensitivity_nor_kappa_is_told():
    presence, _, _ = tables([reading("a", [("L4/L5", False, False, True, False)])], "real", "small", "none")
    cells = presence.rows["by endplate, 2 of them"]
    assert np.isnan(cells[0].ours.value) and np.isnan(cells[2].ours.value) and cells[1].ours.value == 0.5


def test_types_are_measured_by_disc_and_by_voxel():
    voxels = np.zeros((3, 4), int)
    voxels[0] = (10, 70, 15, 5)
    one, two = (replace(READINGS[n], types={"rule": voxels}, changes=np.array([[9, 1], [2, 8]])) for n in (0, 1))
    _, overlap, types = tables([one, two], "drawn", "smoke", "none")
    assert types.rows["rule, by disc"][0].ours.value == 100 and types.rows["rule, by disc"][0].paper == 67
    assert types.rows["rule, by voxel"][0].ours.value == pytest.approx(70)
    assert types.rows["rule, by disc"][2].paper == 44 and types.rows["rule, by disc"][2].ours is None
    assert overlap.rows["Modic changes, all voxels together"][0].ours.value == pytest.approx(16 / 19)
    assert not any("no outlines" in note for note in overlap.notes)
    assert overlap.rows["vertebral bodies, mean of examinations"][0].ours.value == 1


def test_mixed_changes_are_named_though_no_type_counts_them():
    discs = tuple(
        replace(READINGS[0].discs[0], labels=DiscLabels(modic=grade)) for grade in ("I/II", "I", "II/III", "I/II", None)
    )
    types = tables([replace(READINGS[0], discs=discs)], "real", "small", "none")[2]
    assert types.notes[-1].startswith("Discs: 1 of type I, 0 of type II, 0 of type III; left out")
    assert types.notes[-1].endswith(": 2 of type I/II, 1 of type II/III.")
    assert "left out" not in tables(READINGS, "real", "small", "none")[2].notes[-1]

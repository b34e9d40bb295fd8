"""Which volumes of a scene are taken for T1 and T2."""

from __future__ import annotations

import pytest

from ModicGraderLib.scene.pairing import Candidate, guess_pair


def _named(*names: str, sagittal: bool = True) -> list[Candidate]:
    return [Candidate(name, name, sagittal) for name in names]


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["t1", "t2"], ("t1", "t2")),
        (["3: t2_tse_sag", "4: t1_tse_sag"], ("4: t1_tse_sag", "3: t2_tse_sag")),
        (["SAG T2 STIR", "SAG T2 FRFSE", "SAG T1"], ("SAG T1", "SAG T2 FRFSE")),
        (["Sag T1 FLAIR", "T1 SAG +GD", "T2"], ("Sag T1 FLAIR", "T2")),
        (["localizer", "t2w"], (None, "t2w")),
        (["T12", "CT chest"], (None, None)),
        ([], (None, None)),
    ],
)
def test_names_as_scanners_give_them_are_understood(names, pair):
    assert guess_pair(_named(*names)) == pair


def test_sagittal_series_go_before_others():
    axial = Candidate("axial", "T2 TSE", sagittal=False)
    sagittal = Candidate("sagittal", "T2 TSE", sagittal=True)
    assert guess_pair([axial, sagittal]) == (None, "sagittal")


def test_both_are_taken_from_one_study_where_there_are_two():
    candidates = [
        Candidate("a1", "T1", True, "A"),
        Candidate("b1", "T1", True, "B"),
        Candidate("b2", "T2", True, "B"),
    ]
    assert guess_pair(candidates) == ("b1", "b2")

"""What the results table says, without Qt."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_reports import drawn_report
from graded_example import example_graded_study

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.corrections import correct
from ModicGraderLib.gui.quality import qualityText
from ModicGraderLib.gui.rows import COLUMNS, CORRECTED, IN_DOUBT, TYPE_COLORS, rows
from ModicGraderLib.report import QualityFinding
from ModicGraderLib.wording import NOTHING


@pytest.fixture
def report():
    return example_graded_study().report


def test_there_is_a_row_for_every_disc_and_a_cell_for_every_column(report):
    table = rows(report)
    assert [row["Level"].text for row in table] == list(GRADED_DISCS)
    assert all(tuple(row) == COLUMNS for row in table)


@pytest.mark.parametrize("seed", range(5))
def test_bars_are_shares_and_types_have_the_colors_of_the_map(seed):
    report = drawn_report(np.random.default_rng(seed))
    for row, disc in zip(rows(report), report.discs, strict=True):
        for title, name in (("Upper", "upper"), ("Lower", "lower")):
            grade = disc.endplates[name].modic.grade
            assert row[title].text == grade
            assert sum(share for _, share in row[title].bar.parts) == pytest.approx(1)
            assert row[title].color == TYPE_COLORS.get(grade.split("/")[0])


def test_a_grade_that_is_withheld_is_shown_only_when_asked_for_and_then_marked(report):
    disc = report.discs[0]
    disc.pfirrmann.grade = None
    disc.abstained = [{"grade": "pfirrmann", "reason": "It is too doubtful."}]
    assert rows(report)[0]["Pfirrmann"].text == NOTHING
    shown = rows(report, doubtful=True)[0]["Pfirrmann"].text
    likeliest = max(disc.pfirrmann.probabilities, key=disc.pfirrmann.probabilities.__getitem__)
    assert shown == likeliest + IN_DOUBT
    assert "too doubtful" in rows(report)[0]["Pfirrmann"].tip
    assert rows(report)[0]["Doubt"].text == "1"


def test_a_corrected_grade_is_marked_and_tells_what_the_program_had_said(report):
    level, said = report.discs[2].level, report.discs[2].pfirrmann.grade
    assert said not in (None, 5)
    cell = rows(correct(report, level, "pfirrmann", 5, "A. Reader"))[2]["Pfirrmann"]
    assert cell.text == f"5 {CORRECTED}"
    assert f"{said} \u2192 5" in cell.tip and "A. Reader" in cell.tip


def test_findings_of_quality_come_the_gravest_first_and_are_escaped(report):
    report.quality = [
        QualityFinding("a", "info", "first < second"),
        QualityFinding("b", "error", "metal", "L4/L5"),
    ]
    text = qualityText(report)
    assert text.index("metal") < text.index("first &lt; second")
    assert "<b>L4/L5</b>" in text
    report.quality = []
    assert "No finding" in qualityText(report)
    assert qualityText(None) == ""

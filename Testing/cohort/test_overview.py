"""Tests of the overview of a cohort: its counts, and the page as a real Chromium shows it."""

import re
from dataclasses import replace

import numpy as np
import pytest
from chromium import open_chromium, overflowing, violations
from drawn_cohort import draw_cohort, write_study
from graded_example import example_graded_study

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.cohort import agreement, overview_quality
from ModicGraderLib.cohort.outcome import write_outcome
from ModicGraderLib.cohort.outcome_read import read_columns
from ModicGraderLib.cohort.overview import (
    DISC_COLUMNS,
    ENDPLATE_COLUMNS,
    STUDY_COLUMNS,
    modic_charts,
    modic_of,
    other_charts,
)
from ModicGraderLib.cohort.overview_quality import flagged_studies, software_counts, withheld_grades
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.corrections import correct
from ModicGraderLib.report import QualityFinding, StudyReport

EXAMPLE = example_graded_study().report
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SETTINGS = {
    "dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "a phone": {"viewport": PHONE},
    "paper": {"media": "print"},
}


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Folder of sixty studies, and the reports in it."""
    directory = tmp_path_factory.mktemp("overview")
    entries = draw_cohort(directory, 60, failed=2, left=3, labelled=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agreement, "DRAWN_ROWS", 0)
        patch.setattr(agreement, "LEAST_DRAWS", 5)
        write_outcome(directory, entries)
    names = [entry.name for entry in entries[:60]]
    return directory, [StudyReport.read(directory / "studies" / name / "report.json") for name in names]


def columns(directory):
    """The columns of discs, endplates and studies that the overview counts in."""
    tables = {"cohort": DISC_COLUMNS, "endplates": ENDPLATE_COLUMNS, "studies": STUDY_COLUMNS}
    return [read_columns(directory, table, names) for table, names in tables.items()]


def overview_of(directory, reports, **entry):
    """Write the overview of reports, each of a patient of its own; returns the page."""
    names = [f"s{number}" for number in range(len(reports))]
    for name, report in zip(names, reports, strict=True):
        write_study(directory, name, report, {})
    write_outcome(directory, [StudyEntry(name, name, **entry) for name in names])
    return (directory / "overview.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_everyone_can_read_it_and_nothing_is_cut_off(chromium, cohort, setting):
    with chromium.open(cohort[0] / "overview.html", **setting) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert violations(page) == []
        assert overflowing(page) == []


def test_the_tables_of_a_few_patients_are_not_cut_off_either(chromium, tmp_path):
    overview_of(tmp_path, [EXAMPLE] * 2)
    with chromium.open(tmp_path / "overview.html", viewport=PHONE) as page:
        assert violations(page) == []
        assert overflowing(page) == []


def test_bars_are_as_long_as_their_counts_and_have_them_in_a_table(chromium, cohort):
    discs, endplates, studies = columns(cohort[0])
    charts = [*modic_charts(discs, endplates, studies), *other_charts(discs)]
    with chromium.open(cohort[0] / "overview.html", viewport=DESKTOP) as page:
        for chart, figure in zip(charts, page.locator("figure").all(), strict=True):
            long = figure.locator("svg[role=img] rect").evaluate_all("all => all.map(one => one.width.baseVal.value)")
            drawn = [bar for bar in chart.bars if bar.marked.share is not None]
            wanted = [count / bar.total for bar in drawn for count in bar.counts if count]
            assert np.array(long) / sum(long) * len(drawn) == pytest.approx(np.array(wanted), abs=1e-3)
            start = figure.locator("svg[role=img] rect").first.evaluate("one => one.x.baseVal.value")
            dots = figure.locator("svg[role=img] .dot").evaluate_all("all => all.map(one => one.cx.baseVal.value)")
            shares = np.array([bar.marked.share for bar in drawn])
            assert np.array(dots) == pytest.approx(start + sum(long) / len(drawn) * shares, abs=0.2)
            figure.locator("summary").click()
            rows = [row.locator("td").all_inner_texts() for row in figure.locator("tbody tr").all()]
            assert [row[3 : 3 + len(chart.parts)] for row in rows] == [list(map(str, bar.counts)) for bar in chart.bars]


def test_pages_of_studies_open_from_it(chromium, cohort):
    with chromium.open(cohort[0] / "overview.html") as page:
        links = page.locator(".flagged a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert links and all((cohort[0] / link).is_file() for link in links)


def test_modic_changes_are_counted_as_the_reports_have_them(cohort):
    directory, reports = cohort
    discs, endplates, studies = columns(directory)
    by_level, *_ = modic_charts(discs, endplates, studies)
    for bar, level in zip(by_level.bars, GRADED_DISCS, strict=True):
        own = [disc.modic for report in reports for disc in report.discs if disc.level == level]
        counts = dict(zip((part.name for part in by_level.parts), bar.counts, strict=True))
        for type_ in ("I", "I/II", "II", "II/III", "III"):
            assert counts[f"type {type_}"] == sum(one.grade == type_ for one in own)
        assert counts["no change"] == sum(one.grade == "0" for one in own)
        unsure = [one.any_change >= 0.35 for one in own if one.grade is None]
        assert counts["change, type withheld"] == sum(unsure)
        assert counts["withheld, change unlikely"] == len(unsure) - sum(unsure)
        assert (bar.marked.count, bar.marked.total) == (sum(one.any_change >= 0.35 for one in own), len(own))


def test_all_of_a_cohort_is_counted_once(cohort):
    directory, reports = cohort
    discs, endplates, studies = columns(directory)
    changed = [[disc.modic.any_change >= 0.35 for disc in report.discs] for report in reports]
    modic = modic_of(discs, studies)
    assert (modic.discs.count, modic.discs.total) == (np.sum(changed), 360)
    assert (modic.studies.count, modic.studies.total) == (np.any(changed, axis=1).sum(), 60)
    assert sum(modic.types.values()) == modic.discs.count
    assert modic.lowest.count == np.sum([one[-2:] for one in changed])
    for chart in [*modic_charts(discs, endplates, studies), *other_charts(discs)]:
        unit = {"discs": 360, "studies": 60}.get(chart.unit)
        bars = [bar for bar in chart.bars if bar.label != "all"]
        assert sum(bar.total for bar in bars) == (unit or sum(endplates["height_class"] != ""))


def test_ages_fall_into_their_band(tmp_path):
    entries = [StudyEntry(f"s{age}", f"p{age}", age_years=age) for age in (29.9, 30.0, 39.0, 69.9, 70.0, None)]
    for entry in entries:
        write_study(tmp_path, entry.name, EXAMPLE, {})
    write_outcome(tmp_path, entries)
    *_, levels, _ = modic_charts(*columns(tmp_path))
    bands = {"under 30": 1, "30–39": 2, "60–69": 1, "70 and over": 1, "not known": 1, "all": 6}
    assert {bar.label: bar.total for bar in levels.bars} == bands


def test_where_no_age_is_known_nothing_is_told_by_age(tmp_path):
    page = overview_of(tmp_path, [EXAMPLE] * 5)
    *_, levels, _ = modic_charts(*columns(tmp_path))
    assert [bar.label for bar in levels.bars] == ["all"]
    assert "by age" not in page and "not known" not in page


@pytest.mark.parametrize(("patients", "told"), [(4, False), (5, True)])
def test_only_of_five_patients_and_more_there_are_shares(tmp_path, patients, told):
    page = overview_of(tmp_path, [EXAMPLE] * patients)
    assert f"at {2 * patients} of {6 * patients} {'(33' if told else 'discs'}" in page
    intervals = re.findall(r"\d\u202f%(?:,| \() ?\d+–\d+", page)
    assert bool(intervals) == told
    assert ('role="img"' in page) == told
    assert ("counts, no shares" in page) == (not told)


def test_what_a_reader_corrected_counts(tmp_path):
    report = correct(EXAMPLE, "L4/L5", "modic", "0", "AB")
    report = correct(report, "L1/L2", "modic", "III", "AB")
    page = overview_of(tmp_path, [report] * 5)
    modic = modic_of(*columns(tmp_path)[::2])
    assert modic.types == {"I": 5, "I/II": 0, "II": 0, "II/III": 0, "III": 5, "": 0}
    assert "studies with corrections: 5" in page


def test_studies_with_errors_come_first_then_those_with_most_warnings(tmp_path, monkeypatch):
    monkeypatch.setattr(overview_quality, "LISTED", 2)
    reports = []
    for severities in (["info"], ["warning"], ["warning", "error"], ["warning", "warning"]):
        quality = [QualityFinding("strange", one, f"This is {one}.", "L4/L5") for one in severities]
        reports.append(replace(EXAMPLE, quality=quality))
    page = overview_of(tmp_path, reports)
    flagged = flagged_studies(tmp_path, columns(tmp_path)[2])
    assert [one.name for one in flagged] == ["s2", "s3"]
    assert [one.severity for one in flagged[0].findings] == ["error", "warning"]
    assert "Studies with warnings or errors: 3; the 2 with most of them are listed" in page
    assert 'href="studies/s2/report.html"' in page and "(L4/L5): This is error." in page


def test_withheld_grades_are_counted_with_their_reasons_whatever_the_chance_of_each_disc(cohort):
    directory, reports = cohort
    found = {one.title: one for one in withheld_grades(columns(directory)[0])}
    wanted = sum(disc.modic.grade is None for report in reports for disc in report.discs)
    assert found["Modic type"].count == wanted > 5 and found["Modic type"].total == 360
    ((reason, count),) = found["Modic type"].reasons
    assert count == wanted
    assert reason.startswith("It would be right with a chance of only so much, it is given from 60% upwards")
    assert found["Pfirrmann grade"].count == 0


def test_a_cohort_of_two_versions_says_so(tmp_path):
    old = replace(EXAMPLE, software={**EXAMPLE.software, "version": "0.0.1"})
    page = overview_of(tmp_path, [old, EXAMPLE, EXAMPLE])
    assert [(version, count) for version, _, count in software_counts(columns(tmp_path)[2])][1] == ("0.0.1", 1)
    assert "graded by different versions" in page


def test_failures_and_what_is_left_are_told(cohort):
    page = (cohort[0] / "overview.html").read_text(encoding="utf-8")
    tiles = dict(reversed(one) for one in re.findall(r"<b>(\d+)</b>([a-z ]+)", page))
    assert (tiles["studies done"], tiles["failed"], tiles["left"]) == ("60", "2", "3")
    assert "T2 is empty; give its folder" in page


def test_names_are_text_and_not_markup(tmp_path):
    report = replace(EXAMPLE, quality=[QualityFinding("strange", "warning", "<script>alert(1)</script>")])
    write_study(tmp_path, "a & b#1", report, {})
    write_outcome(tmp_path, [StudyEntry("a & b#1", "<b>p</b>")])
    page = (tmp_path / "overview.html").read_text(encoding="utf-8")
    assert "<script" not in page and "a &amp; b#1" in page and 'href="studies/a%20%26%20b%231/report.html"' in page


def test_it_needs_nothing_else(cohort):
    page = (cohort[0] / "overview.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page) and "<script" not in page

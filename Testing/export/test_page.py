"""The report as people read it: in a real Chromium, in light and dark, on a phone and on paper."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from chromium import open_chromium, overflowing, violations
from graded_example import example_graded_study

from ModicGraderLib.corrections import correct
from ModicGraderLib.export.page import report_page
from ModicGraderLib.export.pictures import MODIC_COLORS
from ModicGraderLib.report import QualityFinding

GRADED = example_graded_study()
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
WHITE, NEARLY_BLACK = "rgb(255, 255, 255)", "rgb(20, 24, 28)"
SETTINGS = {
    "light": ({"viewport": DESKTOP}, WHITE),
    "dark": ({"viewport": DESKTOP, "color_scheme": "dark"}, NEARLY_BLACK),
    "a phone": ({"viewport": PHONE}, WHITE),
    "a phone in the dark": ({"viewport": PHONE, "color_scheme": "dark"}, NEARLY_BLACK),
    "paper": ({"media": "print"}, WHITE),
    "paper, from a dark screen": ({"media": "print", "color_scheme": "dark"}, WHITE),
}


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    """A report that has everything a page can show: findings, a withheld grade, and corrections."""
    report = correct(GRADED.report, "L4/L5", "modic", "I/II", "AB")
    report = correct(report, "L3/L4", "endplate_lesion", "schmorl_node", "AB")
    return written(replace(GRADED, report=report), tmp_path_factory.mktemp("page"))


def written(graded, folder):
    path = folder / "report.html"
    path.write_text(report_page(graded), encoding="utf-8")
    return path


@pytest.mark.parametrize(("setting", "paper"), SETTINGS.values(), ids=SETTINGS)
def test_everyone_can_read_it_and_nothing_is_cut_off(chromium, html, setting, paper):
    with chromium.open(html, **setting) as page:
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper
        assert violations(page) == []
        assert overflowing(page) == []


def test_quality_comes_first_then_the_impression_and_last_what_the_report_is_not(chromium, html):
    with chromium.open(html) as page:
        assert page.locator("h1").all_inner_texts() == ["Lumbar spine: Modic changes and disc degeneration"]
        assert page.locator("h2").all_inner_texts() == [
            "Quality of the examination",
            "Impression",
            "Levels",
            "Corrected by a reader",
            "Pictures",
            "Coding form of the endplates",
            "Measures of the discs",
            "Input and software",
            "What this report is not",
        ]
        assert page.locator("h3").all_inner_texts() == [disc.level for disc in GRADED.report.discs]
        first = page.locator(".findings li").first.inner_text()
    assert first == "Warning (T12/L1): The disc touches the edge of the image."


def test_pictures_say_what_they_show(chromium, html):
    with chromium.open(html) as page:
        said = [one.get_attribute("aria-label") for one in page.locator("svg[role=img]").all()]
        drawn = page.locator("svg text").all_text_contents()
    assert said[0] == (
        "T1 of the spine, T12/L1, L1/L2, L2/L3, L3/L4, L4/L5 and L5/S1 outlined:"
        " mapped changes of type I and II outlined"
    )
    assert said[2] == "T1 at T12/L1: no mapped change outlined"
    assert said[-1] == "Evidence at L5/S1: heat over the image shows what spoke for a change"
    assert len(set(said)) == len(said) == 2 + 2 * 6 + 2
    # On each overview and picture of the two changed levels the type stands beside its color.
    assert (drawn.count("I"), drawn.count("II")) == (2 + 2, 2 + 2)


def test_the_form_has_a_row_an_endplate_head_to_foot(chromium, html):
    with chromium.open(html) as page:
        rows = page.locator("table[aria-labelledby=form] tbody tr")
        texts = [" ".join(text.split()) for text in rows.all_inner_texts()]
        focused = page.locator("table[aria-labelledby=form] th[scope=row]").all_inner_texts()
    assert texts[0] == "T12 inferior T12/L1 0 6 % – – – – – 8 %"
    assert texts[-2] == "L5 inferior L5/S1 I 94 % anterior 9 (2100 ± 500) 22 ± 11, A 69 % 50 50 ± 8 71 %"
    assert len(texts) == len(set(focused)) == 12


def test_a_keyboard_reaches_the_end_of_a_wide_table_on_a_phone(chromium, html):
    with chromium.open(html, viewport=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        table = page.locator(".scroll").first
        while not table.evaluate("one => one === document.activeElement"):
            page.keyboard.press("Tab")
        for _ in range(40):
            page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "one => one.scrollLeft + one.clientWidth >= one.scrollWidth - 1", arg=table.element_handle()
        )
        level = page.locator(".scroll tbody th").first.bounding_box()
    assert level["x"] >= 0, "the names of the levels stay in view"


def test_a_study_without_quality_findings_says_so(chromium, tmp_path):
    report = replace(GRADED.report, quality=[], lordosis_deg=None)
    with chromium.open(written(replace(GRADED, report=report, maps={}), tmp_path)) as page:
        assert "Nothing was noticed that would limit the reading." in page.inner_text("main")
        assert "Lines around changes" not in page.inner_text("main")
        assert page.locator("svg[role=img]").count() == 2 + 2 * 6


def test_a_study_without_a_graded_disc_has_a_page_too(chromium, tmp_path):
    finding = QualityFinding("no_disc", "error", "No disc that is graded lies in the images.")
    report = replace(GRADED.report, quality=[finding], discs=[])
    location = replace(GRADED.location, discs=())
    with chromium.open(written(replace(GRADED, report=report, location=location), tmp_path)) as page:
        assert "Discs\nNo disc was graded." in page.inner_text("main")
        assert page.locator("h2").all_inner_texts() == [
            "Quality of the examination",
            "Impression",
            "Input and software",
            "What this report is not",
        ]
        assert violations(page) == []


def test_the_page_has_no_script():
    assert "<script" not in report_page(GRADED)


LINEAR_OF_BLIND = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What a color becomes to the color-blind, in linear RGB (Machado 2009, severity 1)."""


def seen(color, blindness):
    """CIE L*a*b* of an sRGB color (0-255) to somebody color-blind."""
    linear = np.asarray(LINEAR_OF_BLIND[blindness]) @ ((np.asarray(color) / 255) ** 2.2)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear.clip(0, 1)
    x, y, z = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("blindness", LINEAR_OF_BLIND)
def test_the_color_blind_tell_the_types_apart(blindness):
    for one, other in itertools.combinations(MODIC_COLORS.values(), 2):
        assert np.linalg.norm(seen(one, blindness) - seen(other, blindness)) > 20, "twice what is seen at a glance"

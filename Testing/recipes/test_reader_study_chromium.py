"""The page of a reading session in a real Chromium: seen, read by keys, saved, and found again after a reload."""

import pytest
from chromium import open_chromium, overflowing, violations
from graded_example import example_graded_study

from ModicGraderLib.reader_study.design import Session
from ModicGraderLib.reader_study.pictures import case_pictures, without_machine
from ModicGraderLib.reader_study.preparation import session_page
from ModicGraderLib.reader_study.readings import read_readings

SMALL = {"width": 800, "height": 600}


@pytest.fixture(scope="module")
def chromium():
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module", params=[True, False], ids=["assisted", "alone"])
def html(request, tmp_path_factory):
    case = case_pictures(example_graded_study(), slices=3)
    shown = {"case-01": case if request.param else without_machine(case)}
    path = tmp_path_factory.mktemp("session") / "A-session-1.html"
    page = session_page(Session("A", 1, request.param, ("case-01",)), shown, "study-1", washout_days=28)
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture
def page(chromium, html):
    with chromium.open(html) as opened:
        yield opened


def test_everyone_can_read_it_before_and_while_reading(chromium, html):
    for viewport in ({"width": 1280, "height": 900}, SMALL):
        with chromium.open(html, viewport=viewport) as page:
            assert page.inner_text("header span").startswith("1 case ")
            assert violations(page) == overflowing(page) == []
            page.keyboard.press("Enter")
            assert page.inner_text("#where") == "Case 1 of 1, T12/L1"
            assert violations(page) == overflowing(page) == []


def test_pictures_are_seen_and_the_map_goes_on_and_off(page):
    page.click("#begin")
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    assert page.evaluate("[...document.images].map(one => one.complete && one.naturalWidth > 0)") == [True] * 4
    seen = [page.get_attribute("#picture1", "src")]
    for key in ("m", "m", "ArrowRight"):
        page.keyboard.press(key)
        seen.append(page.get_attribute("#picture1", "src"))
    assisted = page.is_visible("#machine")
    assert seen[0] == seen[2] != seen[3]
    assert (seen[0] != seen[1]) == assisted
    assert page.text_content("#machine").partition(";")[0] == ("L4/L5: Modic II" if assisted else "")


def test_answers_by_key_and_by_click_are_saved_and_found_again(page, tmp_path):
    page.click("#begin")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.click("#grade6")
    page.keyboard.press("Enter")  # The clicked button has the focus, but Enter goes on.
    page.keyboard.press("1")
    while page.evaluate("document.activeElement.id") != "save":
        page.keyboard.press("Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")  # Who went there with Tab presses it.
    download.value.save_as(tmp_path / download.value.suggested_filename)
    assert download.value.suggested_filename == "readings-A-1.csv"
    read = read_readings([tmp_path / "readings-A-1.csv"])
    assert [(one.level, one.modic) for one in read] == [("T12/L1", "II"), ("L1/L2", None), ("L2/L3", "I")]
    page.reload()
    page.click("#begin")
    assert (page.inner_text("#where"), page.inner_text("#done")) == ("Case 1 of 1, L2/L3", "3 of 6 discs read")
    assert page.get_attribute("#grade1", "aria-pressed") == "true"
    assert page.is_hidden("#unkept")

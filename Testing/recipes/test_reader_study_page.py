"""The page of a reading session: what it shows, hears, measures and gives out; its script runs in Qt's JavaScript."""

import pytest
from page_browser import PageBrowser

from ModicGraderLib.reader_study.design import Session
from ModicGraderLib.reader_study.preparation import session_page
from ModicGraderLib.reader_study.readings import Reading, read_readings

LEVELS = ("L4/L5", "L5/S1")


def case(name):
    """A case whose pictures are words: `name level contrast slice`, with a map on the first slice."""

    def picture(level, contrast, number):
        plain = f"{name} {level} {contrast} {number}"
        return {"contrast": contrast, "plain": plain, "marked": f"{plain} map" if number == 0 else None}

    return {
        "overview": [
            {
                "contrast": contrast,
                "plain": f"{name} {contrast}",
                "labels": [{"level": level, "x": 0.25, "y": 0.5 + place / 4} for place, level in enumerate(LEVELS)],
            }
            for contrast in ("T1", "T2")
        ],
        "discs": [
            {
                "level": level,
                "machine": [f"{name} {level} is </script> Modic II", "and more"],
                "slices": [[picture(level, contrast, number) for contrast in ("T1", "T2")] for number in range(3)],
            }
            for level in LEVELS
        ],
    }


SHOWN = {code: case(word) for code, word in (("case-01", "red"), ("case-02", "blue"))}


def page(assisted=True, number=2):
    return session_page(Session("A", number, assisted, ("case-02", "case-01")), SHOWN, "study-1", washout_days=28)


@pytest.fixture
def browser():
    opened = PageBrowser(page(), stored={})
    opened.click("begin")
    return opened


def pressed(browser):
    return [number for number in range(7) if browser.see(f"grade{number}", "pressed") == "true"]


def test_it_begins_with_the_first_disc_of_the_first_case_on_its_middle_slice(browser):
    assert browser.see("where") == "Case 1 of 2, L4/L5"
    assert browser.see("slice") == "Slice 2 of 3, right to left"
    assert [browser.see(f"picture{number}", "src") for number in (0, 1)] == ["blue L4/L5 T1 1", "blue L4/L5 T2 1"]
    assert [browser.see(f"overview{number}", "src") for number in (0, 1)] == ["blue T1", "blue T2"]
    assert browser.see("done") == "0 of 4 discs read"
    assert browser.run("parts.arrow1.style.top") == "50%"
    assert (browser.see("before", "hidden"), browser.see("reading", "hidden")) == (True, False)


def test_keys_turn_slices_and_go_from_disc_to_disc_and_stop_at_the_ends(browser):
    for _ in range(4):
        browser.press("ArrowRight")
    assert browser.see("picture0", "src") == "blue L4/L5 T1 2"
    browser.press("ArrowDown")
    assert (browser.see("where"), browser.see("slice")[:7]) == ("Case 1 of 2, L5/S1", "Slice 2")
    browser.press("Enter")
    assert browser.see("where") == "Case 2 of 2, L4/L5"
    assert browser.see("overview0", "src") == "red T1"
    for _ in range(5):
        browser.press("Enter")
    assert browser.see("where") == "Case 2 of 2, L5/S1"
    for _ in range(9):
        browser.press("ArrowUp")
    assert browser.see("where") == "Case 1 of 2, L4/L5"


@pytest.mark.parametrize(
    ("key", "button", "modic"),
    [("0", 0, "0"), ("1", 1, "I"), ("2", 2, "II"), ("3", 3, "III"), ("4", 4, "I/II"), ("5", 5, "II/III"), ("X", 6, "")],
)
def test_every_grade_has_a_key_and_a_button_that_say_the_same(browser, key, button, modic):
    browser.press(key)
    assert pressed(browser) == [button]
    browser.press("ArrowDown")
    assert pressed(browser) == []
    browser.click(f"grade{button}")
    browser.click("save")
    lines = browser.saved[0]["text"].splitlines()
    assert [line.split(",")[4:6] for line in lines[1:]] == [["L4/L5", modic], ["L5/S1", modic]]
    assert f'id="grade{button}" aria-pressed="false"><kbd>{key}</kbd>' in page()


def test_shortcuts_of_the_browser_and_keys_before_the_beginning_are_no_grades():
    browser = PageBrowser(page(), stored={})
    browser.press("1")
    browser.click("begin")
    browser.press("1", control=True)
    browser.press("q")
    assert browser.see("done") == "0 of 4 discs read"


def test_saved_answers_are_the_table_that_the_analysis_takes(browser, tmp_path):
    browser.wait(4)
    browser.press("1")
    browser.press("ArrowDown")
    browser.wait(2.5)
    browser.press("x")
    browser.press("ArrowUp")
    browser.wait(1)
    browser.press("4")  # a change of mind
    browser.click("save")
    (file,) = browser.saved
    assert file["name"] == "readings-A-2.csv"
    path = tmp_path / file["name"]
    path.write_text(file["text"], encoding="utf-8")
    assert read_readings([path]) == [
        Reading("A", "2", True, "case-02", "L4/L5", "I/II", 5.0),
        Reading("A", "2", True, "case-02", "L5/S1", None, 2.5),
    ]


def test_time_stands_still_while_the_page_is_hidden_and_before_it_begins():
    browser = PageBrowser(page(), stored={})
    browser.wait(100)
    browser.click("begin")
    browser.wait(3)
    browser.hide(True)
    browser.wait(600)
    browser.hide(False)
    browser.wait(2)
    browser.press("0")
    browser.click("save")
    assert browser.saved[0]["text"].splitlines()[1] == "A,2,1,case-02,L4/L5,0,5.0"


def test_answers_are_kept_by_the_browser_and_gone_on_with(browser):
    browser.wait(3)
    browser.press("2")
    browser.press("ArrowDown")
    again = PageBrowser(page(), stored=browser.stored)
    again.wait(50)
    again.click("begin")
    assert (again.see("where"), again.see("done")) == ("Case 1 of 2, L5/S1", "1 of 4 discs read")
    again.press("ArrowUp")
    assert pressed(again) == [2]
    again.wait(1)
    again.click("save")
    assert again.saved[0]["text"].splitlines()[1:] == ["A,2,1,case-02,L4/L5,II,4.0"]


def test_another_session_of_the_same_reader_begins_empty(browser):
    browser.press("2")
    other = PageBrowser(page(number=1), stored=browser.stored)
    other.click("begin")
    assert other.see("done") == "0 of 4 discs read"


def test_a_browser_that_keeps_nothing_is_said_and_reading_goes_on():
    browser = PageBrowser(page(), stored=None)
    browser.click("begin")
    browser.press("1")
    assert browser.see("unkept", "hidden") is False
    browser.click("save")
    assert browser.saved[0]["text"].count("\n") == 2
    fine = PageBrowser(page(), stored={})
    fine.click("begin")
    assert fine.see("unkept", "hidden") is True


def test_damaged_answers_are_begun_anew(browser):
    browser.press("1")
    (key,) = browser.stored
    for damaged in ("{", "null", '{"at": 99, "given": {}}', '{"at": 0}'):
        opened = PageBrowser(page(), stored={key: damaged})
        opened.click("begin")
        assert opened.see("done") == "0 of 4 discs read"


def test_the_machine_speaks_and_its_map_goes_on_and_off_with_assistance(browser):
    assert browser.see("machine") == "blue L4/L5 is </script> Modic II\nand more"
    browser.press("ArrowLeft")
    assert browser.see("picture0", "src") == "blue L4/L5 T1 0 map"
    browser.press("m")
    assert browser.see("picture0", "src") == "blue L4/L5 T1 0"
    browser.click("mark")
    assert browser.see("picture1", "src") == "blue L4/L5 T2 0 map"


def test_without_assistance_nothing_of_the_machine_is_in_the_page():
    blind = page(assisted=False)
    assert "Modic II" not in blind
    assert " map" not in blind.replace("map on and off", "")
    browser = PageBrowser(blind, stored={})
    browser.click("begin")
    assert browser.see("machine") == ""
    browser.press("ArrowLeft")
    assert browser.see("picture0", "src") == "blue L4/L5 T1 0"
    browser.press("m")
    assert browser.see("picture0", "src") == "blue L4/L5 T1 0"
    browser.press("1")
    browser.click("save")
    assert browser.saved[0]["text"].splitlines()[1].startswith("A,2,0,")


def test_the_washout_is_said_before_both_sessions():
    for number, words in ((1, "<b>28 days</b> later"), (2, "<b>28 days</b> must have passed")):
        assert words in page(number=number)


def test_the_page_needs_nothing_from_outside():
    for address in ("http:", "https:", "//cdn", "@import", "url("):
        assert address not in page()

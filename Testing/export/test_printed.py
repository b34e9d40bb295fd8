"""The report on paper, printed by the system's own browser."""

import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psutil
import pytest
from graded_example import example_graded_study

from ModicGraderLib.errors import InputError
from ModicGraderLib.export.page import report_page
from ModicGraderLib.export.printed import BROWSER, find_browser, print_page

GRADED = example_graded_study()


@pytest.fixture(scope="module")
def pdf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("printed")
    (folder / "report.html").write_text(report_page(GRADED), encoding="utf-8")
    print_page(folder / "report.html", folder / "report.pdf")
    assert {path.name for path in folder.iterdir()} == {"report.html", "report.pdf"}
    return folder / "report.pdf"


def poppler(program, *arguments):
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def sheets(pdf):
    """The lines of each sheet, without the last, which is its foot."""
    pages = poppler("pdftotext", "-layout", pdf, "-").split("\f")[:-1]
    return [[" ".join(line.split()) for line in page.splitlines() if line.strip()] for page in pages]


def test_six_discs_fit_on_two_sheets_of_a4(pdf):
    told = poppler("pdfinfo", pdf)
    assert "Pages:           2" in told
    assert "(A4)" in told
    assert "Tagged:          yes" in told, "a screen reader finds its headings and tables"


def test_nothing_is_lost_and_no_heading_is_left_alone(pdf):
    first, second = sheets(pdf)
    assert first[0].startswith("Lumbar spine: Modic changes and disc degeneration")
    for number, sheet in enumerate((first, second), 1):
        foot = f"ModicGrader report · for research use only, no diagnosis {number} / 2"
        assert sheet[-1].replace(" ", "") == foot.replace(" ", "")
    lines = [*first[:-1], *second[:-1]]
    for row in ("L5 inferior L5/S1 I 94 % anterior", "L5/S1 9.0 ± 2.1", "L5/S1 I 94 % 5 70 % yes 88 % normal 90 %"):
        assert any(line.replace("\u202f", " ").startswith(row) for line in lines), row
    assert lines[-1].endswith("transitional vertebra can shift the names of all levels.")
    headings = ("Levels", "Pictures", "Coding form", "Measures of", "Input and", "What this report")
    assert not first[-2].startswith(headings)


def test_every_picture_is_whole(pdf):
    images = [line.split() for line in poppler("pdfimages", "-list", pdf).splitlines()[2:]]
    assert len([one for one in images if one[2] == "image"]) == 2 + 2 * 6 + 2


def test_the_browser_asks_for_nothing(tmp_path):
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = tmp_path / "page.html"
        page.write_text(f'<h1>Words</h1><img src="http://127.0.0.1:{server.server_port}/picture.png">')
        print_page(page, tmp_path / "page.pdf")
        server.shutdown()
    assert asked == []
    assert "Words" in poppler("pdftotext", tmp_path / "page.pdf", "-")


def script(folder, text):
    """A program that stands for a browser."""
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("exec sleep 60", "was not done after 1 s"),
        ("exit 3", "ended with code 3"),
        ("exit 0", "made no PDF"),
    ],
)
def test_a_browser_that_fails_is_told_and_leaves_an_older_print_as_it_was(tmp_path, monkeypatch, text, sentence):
    monkeypatch.setenv(BROWSER, str(script(tmp_path, text)))
    (tmp_path / "report.html").write_text("<p>new</p>")
    (tmp_path / "report.pdf").write_bytes(b"old")
    with pytest.raises(InputError) as error:
        print_page(tmp_path / "report.html", tmp_path / "report.pdf", time_limit_s=1)
    assert sentence in str(error.value)
    assert f"environment variable {BROWSER}" in str(error.value)
    assert (tmp_path / "report.pdf").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"browser", "report.html", "report.pdf"}


def test_no_process_of_a_browser_outlives_its_time(tmp_path, monkeypatch):
    child = tmp_path / "child"
    monkeypatch.setenv(BROWSER, str(script(tmp_path, f"sleep 60 & echo $! > {child}; wait")))
    (tmp_path / "report.html").write_text("<p>words</p>")
    with pytest.raises(InputError, match="was not done after 1 s"):
        print_page(tmp_path / "report.html", tmp_path / "report.pdf", time_limit_s=1)
    started = int(child.read_text())
    for _ in range(50):
        if not psutil.pid_exists(started) or psutil.Process(started).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.1)
    pytest.fail("it is still running")


def test_the_browser_named_in_the_environment_prints(tmp_path, monkeypatch):
    said = tmp_path / "said"
    browser = script(
        tmp_path,
        f'for one in "$@"; do case $one in --print-to-pdf=*) echo PDF > "${{one#*=}}";; esac; '
        f'echo "$one" >> {said}; done',
    )
    monkeypatch.setenv(BROWSER, str(browser))
    (tmp_path / "a report.html").write_text("<p>words</p>")
    print_page(tmp_path / "a report.html", tmp_path / "a report.pdf")
    assert (tmp_path / "a report.pdf").read_text() == "PDF\n"
    arguments = said.read_text().splitlines()
    assert arguments[-1] == (tmp_path / "a report.html").as_uri()
    assert "--host-resolver-rules=MAP * ~NOTFOUND" in arguments


def test_a_browser_that_is_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv(BROWSER, str(tmp_path / "absent"))
    with pytest.raises(InputError, match=r"names .*absent, which is no program"):
        find_browser()
    monkeypatch.delenv(BROWSER)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no browser to print with; install Chromium, Chrome or Edge"):
        find_browser()


@pytest.mark.parametrize(
    ("platform", "place"),
    [
        ("darwin", "Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        ("win32", "Programs/Microsoft/Edge/Application/msedge.exe"),
    ],
)
def test_browsers_are_found_where_systems_keep_them(monkeypatch, tmp_path, platform, place):
    monkeypatch.delenv(BROWSER, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PROGRAMFILES", str(tmp_path / "Programs"))
    monkeypatch.setattr("sys.platform", platform)
    program = tmp_path / place
    program.parent.mkdir(parents=True)
    program.touch()
    assert find_browser() == Path(program)

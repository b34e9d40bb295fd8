"""Print a page to PDF by a browser that is there: Chromium, Chrome and Edge print alike, without a window."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError

BROWSER = "MODICGRADER_BROWSER"
"""Environment variable that names the browser, by its path or by a name on the PATH."""

TIME_LIMIT_S = 120.0
"""A page is printed in a few seconds; the first start of a browser on a busy machine takes longer."""

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
"""What browsers are called on the PATH."""

MAC_APPLICATIONS = ("Chromium", "Google Chrome", "Microsoft Edge")
WINDOWS_PROGRAMS = (
    "Chromium/Application/chrome.exe",
    "Google/Chrome/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")

QUIET = (
    "--headless=new",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-sync",
    "--disable-component-update",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pdf-header-footer",
)
"""Nothing is fetched, not even what the page or the browser itself might ask for, and nothing is asked of the user."""


def print_page(html: Path, pdf: Path, time_limit_s: float = TIME_LIMIT_S) -> None:
    """Print a page that needs nothing else.

    The browser is the one that `MODICGRADER_BROWSER` names, else the first that is found. It runs with a profile of its
    own, which is thrown away, and without a network. The PDF is moved into place when it is done.

    Raises
    ------
    InputError
        There is no browser, or it did not print the page in time.
    """
    browser = find_browser()
    pdf = Path(pdf)
    with tempfile.TemporaryDirectory(prefix="modicgrader-print-", dir=pdf.parent, ignore_cleanup_errors=True) as folder:
        printed = Path(folder) / "page.pdf"
        call = [browser, *QUIET, f"--user-data-dir={Path(folder) / 'profile'}", f"--print-to-pdf={printed}"]
        if _is_root():
            call.append("--no-sandbox")  # Chromium refuses to run as root with one.
        problem = _run([*call, Path(html).resolve().as_uri()], time_limit_s)
        if not problem and (not printed.is_file() or not printed.stat().st_size):
            problem = "made no PDF"
        if problem:
            raise InputError(
                f"The browser {browser.name} {problem}, so the report was not printed; name another Chromium, Chrome or"
                f" Edge in the environment variable {BROWSER}, or print report.html yourself."
            )
        printed.replace(pdf)


def find_browser() -> Path:
    """The browser that prints. Raises InputError where there is none."""
    named = os.environ.get(BROWSER)
    if named:
        found = shutil.which(named)
        if found is None:
            raise InputError(f"{BROWSER} names {named}, which is no program; name a Chromium, Chrome or Edge there.")
        return Path(found)
    for place in (*map(shutil.which, NAMES), *_usual_places()):
        if place is not None and Path(place).is_file():
            return Path(place)
    raise InputError(
        f"There is no browser to print with; install Chromium, Chrome or Edge, or name one in the environment variable"
        f" {BROWSER}."
    )


def _usual_places() -> Iterator[Path]:
    if sys.platform == "darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            yield from (folder / f"{name}.app/Contents/MacOS/{name}" for name in MAC_APPLICATIONS)
    elif sys.platform == "win32":
        for variable in WINDOWS_FOLDERS:
            if folder := os.environ.get(variable):
                yield from (Path(folder) / program for program in WINDOWS_PROGRAMS)


def _run(call: list[str | Path], time_limit_s: float) -> str:
    """What went wrong with a browser; empty where nothing did. None of its processes is left."""
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        browser = subprocess.Popen(call, start_new_session=True, **silent)
    except OSError as error:
        return f"does not start ({error.strerror})"
    try:
        code = browser.wait(time_limit_s)
    except subprocess.TimeoutExpired:
        return f"was not done after {time_limit_s:g} s"
    finally:
        _end(browser)
    return f"ended with code {code}" if code else ""


def _end(browser: subprocess.Popen) -> None:
    """End a browser with the processes that it started; they would go on writing to its profile for a moment."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # What has ended cannot be ended.
            os.killpg(browser.pid, signal.SIGKILL)
    else:
        browser.kill()
    browser.wait()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0

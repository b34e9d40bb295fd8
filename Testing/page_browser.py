"""A browser of forty lines for the page of a reading session: it runs the page's script, and knows which parts it has.

Qt's JavaScript runs the script as it stands in the page. There is no layout and nothing is drawn; a part that the page
lacks is null, as in a browser.
"""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtQml import QJSEngine

# What is declared with const or let is not seen by the next script that the engine runs.
_BROWSER = """
var parts = {}, listeners = {}, saved = [];
var clock = 0;
names.forEach(name => { parts[name] = {style: {}, pressed: null, textContent: "", src: "", hidden: false,
  setAttribute(key, value) { if (key === "aria-pressed") this.pressed = value; }}; });
var document = {hidden: false, getElementById: name => parts[name] || null,
  createElement: () => ({click() { saved.push({name: this.download, text: this.href}); }}),
  addEventListener: (name, hear) => { listeners[name] = hear; }};
var window = {performance: {now: () => clock}, URL: {createObjectURL: blob => blob.text},
  Blob: function (texts) { this.text = texts.join(""); }, addEventListener: (name, hear) => { listeners[name] = hear; },
  localStorage: stored === null ? null : {getItem: key => key in stored ? stored[key] : null,
    setItem(key, value) { stored[key] = value; }}};
"""


class PageBrowser:
    """A page that is open.

    Parameters
    ----------
    page:
        Its HTML.
    stored:
        What the browser kept of earlier visits; None for a browser that keeps nothing.
    """

    def __init__(self, page: str, stored: dict[str, str] | None = None):
        # The engine needs an application, which must outlive it.
        self._application = QCoreApplication.instance() or QCoreApplication([])
        self._engine = QJSEngine()
        parsed = _Page()
        parsed.feed(page)
        self.run(f"var names = {json.dumps(parsed.names)}, stored = {json.dumps(stored)};")
        self.run(_BROWSER)
        self.run(parsed.script)

    def run(self, script: str) -> Any:
        """The value of a script as JSON gives it back; an error in it is an AssertionError."""
        value = self._engine.evaluate(script)
        assert not value.isError(), f"{value.toString()} (line {value.property('lineNumber').toInt()})"
        return value.toVariant()

    def see(self, name: str, what: str = "textContent") -> Any:
        """A property of a part of the page."""
        return self.run(f"parts[{json.dumps(name)}][{json.dumps(what)}]")

    def press(self, key: str, *, control: bool = False) -> None:
        """A key is pressed."""
        event = json.dumps({"key": key, "ctrlKey": control, "metaKey": False, "altKey": False})
        self.run(f"listeners.keydown(Object.assign({event}, {{preventDefault() {{}}}}))")

    def click(self, name: str) -> None:
        """A button is clicked."""
        self.run(f"parts[{json.dumps(name)}].onclick()")

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.run(f"clock += {1000 * seconds}")

    def hide(self, hidden: bool) -> None:
        """The reader looks at another tab, or at this one again."""
        self.run(f"document.hidden = {json.dumps(hidden)}; listeners.visibilitychange()")

    @property
    def saved(self) -> list[dict[str, str]]:
        """Name and text of the files that were saved."""
        return json.loads(self.run("JSON.stringify(saved)"))

    @property
    def stored(self) -> dict[str, str]:
        """What the browser keeps."""
        return json.loads(self.run("JSON.stringify(stored)"))


class _Page(HTMLParser):
    """The names of the parts of a page, and its script."""

    def __init__(self):
        super().__init__()
        self.names: list[str] = []
        self.script = ""
        self._in_script = False

    def handle_starttag(self, tag, attributes):
        self.names += [value for name, value in attributes if name == "id"]
        self._in_script = tag == "script"

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, data):
        if self._in_script:
            self.script += data

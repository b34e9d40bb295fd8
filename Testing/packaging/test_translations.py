from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
import translations


def test_the_template_for_translators_holds_what_the_module_says():
    written = translations.TEMPLATE.read_text(encoding="utf-8")
    assert written == translations.template(), "run: python Testing/translations.py"


def test_every_text_can_be_translated():
    files = [path for folder in translations.FOLDERS for path in sorted(folder.rglob("*.py"))]
    assert len(files) > 3
    assert [fault for path in files for fault in translations.faults(path)] == []
    assert [fault for path in files for fault in translations.untold(path)] == []


def test_the_module_and_its_panels_speak_through_the_template():
    contexts = translations.texts()
    assert "ModicGrader" in contexts and any(name.startswith("gui.") for name in contexts)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ('_(f"{count} discs")', "plain text"),
        ('_("{} discs").format(count)', "name what stands"),
        ('_("{0} discs").format(count)', "name what stands"),
        ('_("{count} discs".format(count=1))', "plain text"),
        ("_(text)", "plain text"),
        ('_("")', "empty text"),
        ('_("{count} discs").format(count=1)', None),
        ('_("two " "parts")', None),
        ('translate("qSlicerAbstractCoreModule", "Quantification")', None),
    ],
)
def test_a_text_that_cannot_be_translated_is_found(tmp_path, code, fault):
    path = tmp_path / "panel.py"
    path.write_text(code)
    found = list(translations.faults(path))
    assert (len(found) == 1 and fault in found[0]) if fault else not found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('label.setText("Done")', 1),
        ('slicer.util.errorDisplay(f"{count} discs")', 1),
        ('table.setHorizontalHeaderLabels(["Level", "Modic"])', 2),
        ('button.setText(_("Cancel") if running else "Apply")', 1),
        ('button.setText(_("Cancel") if running else _("Apply"))', 0),
        ('label.setText(" · ".join(texts[name] for name in ("modic", "pfirrmann")))', 0),
        ('label.setText("-")', 0),
        ('node.SetName("T1")', 0),
    ],
)
def test_a_text_that_is_shown_without_asking_for_its_translation_is_found(tmp_path, code, found):
    path = tmp_path / "panel.py"
    path.write_text(code)
    assert len(list(translations.untold(path))) == found


def test_a_text_is_looked_up_as_slicer_does(tmp_path):
    (tmp_path / "gui").mkdir()
    assert translations.context(tmp_path / "ModicGrader.py") == "ModicGrader"
    (tmp_path / "gui" / "__init__.py").touch()
    assert translations.context(tmp_path / "gui" / "results.py") == "gui.results"


def test_the_template_is_read_back_with_every_sign_as_it_was():
    read = ElementTree.parse(translations.TEMPLATE).getroot()
    sources = {element.text for element in read.iter("source")}
    assert sources == {text for messages in translations.texts().values() for text in messages}
    assert all((translations.TEMPLATE.parent / Path(one.get("filename"))).is_file() for one in read.iter("location"))

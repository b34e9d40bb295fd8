"""Tests of `python -m ModicGraderLib.evaluation`: parts come one at a time, into the page that is there."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation import __main__ as evaluation
from ModicGraderLib.evaluation.ablation_table import ablation_section
from ModicGraderLib.evaluation.answers import Answers, finding
from ModicGraderLib.evaluation.grading_pictures import draw_answers

PAGE = Path(__file__).parents[2] / "docs" / "results.md"


def test_the_page_has_a_place_for_every_part():
    places = re.findall(r"<!-- measured: (\w+) -->", PAGE.read_text(encoding="utf-8"))
    assert sorted(places) == sorted([*evaluation.PARTS, "teacher"])


def test_parts_are_measured_as_asked_and_the_others_stay(monkeypatch, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(evaluation, "localization_section", lambda: "new places")
    monkeypatch.setattr(evaluation, "_time", lambda: "new time")
    call = ["evaluation", "--only", "time", "localization", "--output", str(page)]
    monkeypatch.setattr(sys, "argv", call)
    evaluation.main()
    text = page.read_text(encoding="utf-8")
    assert "<!-- measured: localization -->\nnew places\n<!-- end -->" in text
    assert "<!-- measured: time -->\nnew time\n<!-- end -->" in text
    before = re.sub(r"<!-- measured: (localization|time) -->.*?<!-- end -->", "", PAGE.read_text(), flags=re.DOTALL)
    assert before == re.sub(r"<!-- measured: (localization|time) -->.*?<!-- end -->", "", text, flags=re.DOTALL)


def test_figures_to_choose_by_are_printed_and_leave_the_page_alone(monkeypatch, tmp_path, capsys):
    asked = []
    monkeypatch.setattr(evaluation, "simulated_section", lambda *given: asked.append(given) or "a table")
    page = tmp_path / "page.md"
    page.write_text("<!-- measured: simulated -->\n<!-- end -->\n")
    call = ["evaluation", "--only", "simulated", "--studies", "3", "--output", str(page), "--runs", str(tmp_path / "r")]
    monkeypatch.setattr(sys, "argv", [*call, "--seeds", "validation"])
    evaluation.main()
    assert "a table" in capsys.readouterr().out and "a table" not in page.read_text()
    monkeypatch.setattr(sys, "argv", call)
    evaluation.main()
    assert "a table" in page.read_text()
    runs = tmp_path / "r"
    assert asked == [
        ("validation", 3, runs / "validation", runs / "grading-simulated.png"),
        ("test", 3, runs / "test", tmp_path / "grading-simulated.png"),
    ]


def test_ablations_are_a_table_for_each_question(tmp_path):
    rows = [
        {"question": "Pooling", "arm": arm, "metric": metric, "value": value, "low": 0.1, "high": 0.9, "note": note}
        for arm, metric, value, note in (
            ("attention", "AUROC", 0.8, "200 batches"),
            ("attention", "kappa", 0.7, ""),
            ("mean", "AUROC", 0.6, "200 batches"),
        )
    ]
    (tmp_path / "ablations.json").write_text(json.dumps([*rows, {**rows[0], "question": "Size", "note": ""}]))
    text = ablation_section(tmp_path)
    assert text.split("\n\n")[:3] == [
        "### Pooling", "200 batches.",
        "| arm | AUROC | kappa |\n| --- | --- | --- |\n"
        "| attention | 0.800 (0.100-0.900) | 0.700 (0.100-0.900) |\n| mean | 0.600 (0.100-0.900) |  |",
    ]  # fmt: skip
    assert text.split("\n\n")[3] == "### Size"


def test_ablations_that_were_never_made_are_named(tmp_path):
    with pytest.raises(InputError, match=r"ablations\.json is not there; make it with"):
        ablation_section(tmp_path)


def test_the_picture_is_small_and_shows_every_task(tmp_path):
    rng = np.random.default_rng(0)
    patients = np.arange(200).astype(str)
    yes = finding("narrowing", "disc", patients, rng.integers(2, size=200), rng.random(200))
    chances = rng.dirichlet(np.ones(5), 200)
    graded = Answers(
        "Pfirrmann", "disc", tuple("12345"), patients, rng.integers(5, size=200), chances.argmax(1), chances
    )
    nothing = finding("herniation", "disc", [], [], [])
    one, many = tmp_path / "one.png", tmp_path / "many.png"
    draw_answers([yes, nothing], one)
    draw_answers(7 * [yes, graded], many)
    assert many.stat().st_size < 60_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.png", "one.png"]
    with Image.open(one) as few, Image.open(many) as all_:
        assert (all_.width, round(all_.height / few.height)) == (few.width, 3)
        assert np.asarray(all_.convert("L"))[0, 0] == 255

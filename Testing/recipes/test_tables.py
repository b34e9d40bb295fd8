from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ModicGraderLib.errors import InputError
from ModicGraderLib.evaluation.metrics import Estimate
from ModicGraderLib.evaluation.reproduction import reproduction_blocks
from ModicGraderLib.recipes.recipe import Cell, Plan, Run, Table
from ModicGraderLib.recipes.tables import cell_text, markdown, read_tables, write_tables
from ModicGraderLib.training.run_record import write_run_record

TABLE = Table(
    title="Table 1: accuracies",
    columns=("MC-0", "discs"),
    rows={
        "two-stage": (Cell(92.8, Estimate(90.123, 85.04, 94.26)), Cell(552, 216)),
        "APCA": (Cell(ours=0.5), Cell()),
    },
    source="36 simulated patients",
    budget="small",
    notes=("Fewer epochs.", "No type III."),
)


def test_a_table_shows_the_papers_figure_beside_ours():
    assert markdown(TABLE) == "\n".join(
        [
            "### Table 1: accuracies",
            "",
            "The paper / ours (95 % interval). Ours: 36 simulated patients, budget `small`.",
            "",
            "|  | MC-0 | discs |",
            "| --- | --- | --- |",
            "| two-stage | 92.8 / 90.1 (85.0-94.3) | 552 / 216 |",
            "| APCA | – / 0.5 | – |",
            "",
            "- Fewer epochs.",
            "- No type III.",
        ]
    )


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (Cell(0.83, Estimate(0.7049, 0.6, 0.8)), "0.83 / 0.70 (0.60-0.80)"),
        # A small percent beside the paper's large one is still a percent.
        (Cell(41.0, Estimate(0.51, 0.0, 2.0)), "41 / 0.5 (0.0-2.0)"),
        (Cell(None, 0.71, ".80(.04)"), ".80(.04) / 0.71"),
        (Cell(1559, 240), "1559 / 240"),
        (Cell(77.3, Estimate(math.nan, math.nan, math.nan)), "77.3 / –"),
        (Cell(77.3, Estimate(70.0, math.nan, math.nan)), "77.3 / 70.0"),
        (Cell(77.3, math.nan), "77.3 / –"),
        (Cell(0.0, 0.0), "0 / 0.00"),
        (Cell(), "–"),
    ],
)
def test_a_cell_has_the_decimals_of_its_unit(cell, text):
    assert cell_text(cell) == text


def test_a_percent_of_zero_has_the_unit_of_its_column_where_its_row_has_none():
    rows = {
        "Pfirrmann": [Cell(ours=0.0), Cell(-0.5, 0.0), Cell(ours=3)],
        "narrowing": [Cell(ours=62.5), Cell(), Cell()],
    }
    text = markdown(Table("t", ["54 views", "change", "discs"], rows, "s", "small"))
    assert "| Pfirrmann | – / 0.0 | -0.5 / 0.00 | – / 3 |" in text
    # Counts beside a share do not make it a percent.
    assert cell_text(Cell(ours=0.25), [Cell(ours=12)]) == "– / 0.25"


def test_a_small_percent_without_a_figure_of_the_paper_has_the_unit_of_its_row():
    nothing = Cell(None, Estimate(0.0, 0.0, 0.0))
    assert cell_text(nothing, [nothing, Cell(None, 62.5)]) == "– / 0.0 (0.0-0.0)"
    assert cell_text(nothing, [nothing, Cell(0.88, 0.7)]) == "– / 0.00 (0.00-0.00)"


numbers = st.none() | st.floats(-1e6, 1e6)
estimates = st.builds(Estimate, *[st.floats(-100, 100)] * 3)
cells = st.builds(Cell, numbers, numbers | estimates, st.text(max_size=8))
tables = st.builds(
    Table,
    title=st.text(max_size=20),
    columns=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    rows=st.dictionaries(st.text(max_size=5), st.lists(cells, max_size=3).map(tuple), max_size=3),
    source=st.text(max_size=9),
    budget=st.sampled_from(["smoke", "small", "full"]),
    notes=st.lists(st.text(max_size=9), max_size=2).map(tuple),
)


@given(st.lists(tables, max_size=2))
def test_tables_come_back_as_they_were(tmp_path_factory, some):
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder, some)
    assert read_tables(folder) == some


def test_what_cannot_be_told_is_null_in_json_and_undefined_again_when_read(tmp_path):
    undefined = Estimate(math.nan, math.nan, math.nan)
    write_tables(tmp_path, [Table("t", ["a"], {"r": [Cell(1.0, undefined)]}, "s", "small")])
    content = json.loads((tmp_path / "tables.json").read_text(), parse_constant=pytest.fail)
    assert content[0]["rows"]["r"][0]["ours"] == {"value": None, "low": None, "high": None}
    assert math.isnan(read_tables(tmp_path)[0].rows["r"][0].ours.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tables.json", "tables.md"]


def test_numbers_of_numpy_are_written_as_any_others(tmp_path):
    cells = [Cell(np.float32(0.5), Estimate(np.float64(0.5), np.float32(0.25), np.nan)), Cell(ours=np.int64(3))]
    write_tables(tmp_path, [Table("t", ["a", "b"], {"r": cells}, "s", "small")])
    first, second = read_tables(tmp_path)[0].rows["r"]
    assert (first.paper, first.ours.low, second.ours) == (0.5, 0.25, 3)


@pytest.mark.parametrize("content", ["[", "[{}]", '[{"rows": 3}]', "3"])
def test_damaged_tables_are_told_in_a_sentence(tmp_path, content):
    (tmp_path / "tables.json").write_text(content)
    with pytest.raises(InputError, match=r"tables\.json is damaged; delete it"):
        read_tables(tmp_path)


def test_missing_tables_are_told_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match=r"has no tables\.json; make it with `modicgrader reproduce`"):
        read_tables(tmp_path)


def test_the_page_of_reproductions_has_a_block_for_each_recipe_and_kind_of_patients(tmp_path):
    for name, key in (("cina2023", "spider-1"), ("damopoulos2019", "simulated-modic-2")):
        run = Run(tmp_path / name, Plan(36, 1, 0.5), "small", seed=3)
        write_run_record(run, name, "36 patients", key)
        write_tables(run.folder, [TABLE])
    blocks = reproduction_blocks(tmp_path)
    assert list(blocks) == ["damopoulos2019 simulated", "cina2023 spider"]
    assert blocks["cina2023 spider"].startswith(markdown(TABLE))
    assert "*Seed 3, weights to start from: none, device cpu, torch " in blocks["cina2023 spider"]


def test_a_folder_without_reproductions_is_told_in_a_sentence(tmp_path):
    with pytest.raises(InputError, match="has no tables; make them with `modicgrader reproduce all"):
        reproduction_blocks(tmp_path)

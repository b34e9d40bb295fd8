"""Tests of the agreement with labels: against an independent count, with what is withheld, missed and corrected."""

import json
import re
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from drawn_cohort import draw_cohort, write_study
from graded_example import example_graded_study
from sklearn.metrics import cohen_kappa_score, confusion_matrix, roc_auc_score

from ModicGraderLib.cohort import agreement, agreement_tasks
from ModicGraderLib.cohort.agreement import agreement_of
from ModicGraderLib.cohort.agreement_files import agreement_json, agreement_page
from ModicGraderLib.cohort.outcome import write_outcome
from ModicGraderLib.cohort.study_list import StudyEntry
from ModicGraderLib.corrections import correct
from ModicGraderLib.evaluation import metrics
from ModicGraderLib.report import StudyReport
from ModicGraderLib.resources import resource_path
from ModicGraderLib.training.labelled_study import DiscLabels

EXAMPLE = example_graded_study().report
TASKS = ["any_change", "modic", "pfirrmann", "narrowing", "endplate_lesion", "endplate_change"]


@pytest.fixture(scope="module", autouse=True)
def few_draws():
    """Intervals are what `metrics.bootstrap` is tested for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agreement, "DRAWN_ROWS", 0)
        patch.setattr(agreement, "LEAST_DRAWS", 30)
        yield


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Folder, entries, and labels with the program's own reports of each disc."""
    directory = tmp_path_factory.mktemp("labelled")
    entries = draw_cohort(directory, 30, left=1, labelled=True, seed=3)
    write_outcome(directory, entries)
    pairs = [
        (entry.labels[disc.level], disc)
        for entry in entries[:30]
        for disc in StudyReport.read(directory / "studies" / entry.name / "report.json").discs
    ]
    return directory, entries, pairs


@pytest.fixture(scope="module")
def found(cohort):
    """`agreement.json`, its tasks by name."""
    data = json.loads((cohort[0] / "agreement.json").read_text())
    return {one["task"]: one for one in data["tasks"]}


def example(tmp_path, labels, report=None, patient="p"):
    """Agreement of labels by level with one study, the example's or another report."""
    write_study(tmp_path, "a", report or EXAMPLE, {})
    entry = StudyEntry("a", patient, labels=labels)
    write_outcome(tmp_path, [entry])
    return {one.task.id: one for one in agreement_of(tmp_path, [entry]).tasks}


def test_every_task_that_has_labels_is_told(found):
    assert list(found) == TASKS


def test_programs_have_a_schema_of_it(cohort):
    schema = json.loads(resource_path("Schemas/modicgrader-agreement-1.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads((cohort[0] / "agreement.json").read_text()), schema)
    assert schema["$defs"]["task"]["properties"]["task"]["enum"] == [task.id for task in agreement_tasks.TASKS]


def test_pfirrmann_is_that_of_an_independent_count(cohort, found):
    truth, said = zip(*((labels.pfirrmann, disc.pfirrmann.grade) for labels, disc in cohort[2]), strict=True)
    one = found["pfirrmann"]["all_as_called"]
    assert one["confusion"] == confusion_matrix(truth, said, labels=[1, 2, 3, 4, 5]).tolist()
    for name in ("quadratic", "linear"):
        wanted = cohen_kappa_score(truth, said, weights=name)
        assert one["measures"][f"{name} kappa"]["value"] == pytest.approx(wanted)
    assert one["measures"]["exact"]["value"] == pytest.approx(np.mean(np.array(truth) == said))


def test_a_change_is_that_of_an_independent_count_with_and_without_what_is_withheld(cohort, found):
    truth = np.array([labels.modic != "0" for labels, _ in cohort[2]])
    chance = np.array([disc.modic.any_change for _, disc in cohort[2]])
    given = np.array([disc.modic.grade is not None for _, disc in cohort[2]])
    one = found["any_change"]
    assert (one["labelled"], one["found"], one["given"]) == (180, 180, given.sum()) and 100 < given.sum() < 180
    for part, rows in (("all_as_called", given | True), ("given_alone", given)):
        measures = one[part]["measures"]
        assert measures["AUROC"]["value"] == pytest.approx(roc_auc_score(truth[rows], chance[rows]))
        assert measures["kappa"]["value"] == pytest.approx(cohen_kappa_score(truth[rows], chance[rows] >= 0.35))


def test_what_the_program_withholds_is_called_as_it_would_have_been(cohort, found):
    """Reports that withhold nothing give the same confusion."""
    types = [*("0", "I", "I/II", "II", "II/III", "III")]
    said = []
    for _, disc in cohort[2]:
        shares = {name: chance for name, chance in disc.modic.probabilities.items() if name != "0" and chance > 0}
        said.append("/".join(shares) if disc.modic.any_change >= 0.35 else "0")
    truth = [labels.modic for labels, _ in cohort[2]]
    assert found["modic"]["all_as_called"]["confusion"] == confusion_matrix(truth, said, labels=types).tolist()


def test_intervals_hold_their_value_and_are_drawn_over_patients(found):
    for task in found.values():
        for measure in task["all_as_called"]["measures"].values():
            assert measure["low"] <= measure["value"] <= measure["high"]
    assert found["any_change"]["patients"] == 24


@pytest.mark.parametrize(("patients", "told"), [(1, "0.500"), (4, "0.500"), (5, "0.500 (0.500-0.500)")])
def test_of_fewer_than_five_patients_there_is_a_value_and_no_interval(tmp_path, patients, told):
    labels = {"L4/L5": DiscLabels(pfirrmann=4), "L5/S1": DiscLabels(pfirrmann=4)}
    entries = [StudyEntry(f"s{number}", f"p{number}", labels=labels) for number in range(patients)]
    for entry in entries:
        write_study(tmp_path, entry.name, EXAMPLE, {})
    write_outcome(tmp_path, entries)
    assert f"| exact | {told} | {told} |" in (tmp_path / "agreement.md").read_text()


def test_a_labelled_disc_that_was_not_found_is_counted_as_missed(tmp_path):
    one = example(tmp_path, {"L4/L5": DiscLabels(narrowing=2), "T11/T12": DiscLabels(narrowing=0)})["narrowing"]
    assert (one.labelled, one.called.count, one.given.count, one.coverage) == (2, 1, 1, 0.5)


def test_where_nothing_labelled_was_found_there_are_counts_and_no_measures(tmp_path):
    one = example(tmp_path, {"T11/T12": DiscLabels(pfirrmann=1)})["pfirrmann"]
    assert (one.labelled, one.called.count, dict(one.called.measures)) == (1, 0, {})
    page = (tmp_path / "agreement.md").read_text()
    assert "Labelled discs of done studies: 1. Found: 0" in page


def test_the_program_is_judged_and_not_the_reader_who_corrected_it(tmp_path):
    report = correct(EXAMPLE, "L4/L5", "pfirrmann", 1, "AB")
    one = example(tmp_path, {"L4/L5": DiscLabels(pfirrmann=4)}, report)["pfirrmann"]
    assert one.called.answers.called.tolist() == [3]  # grade 4


def test_endplates_are_compared_one_by_one(tmp_path):
    labels = DiscLabels(upper_endplate_change=True, lower_endplate_change=True, upper_marrow_change=True)
    found = example(tmp_path, {"L4/L5": labels})
    assert found["endplate_change"].called.answers.matrix().tolist() == [[0, 0], [1, 1]]
    assert found["marrow_change"].called.answers.matrix().tolist() == [[0, 0], [0, 1]]


def test_studies_that_are_not_done_are_told_and_not_compared(cohort):
    directory, entries, _ = cohort
    waiting = replace(entries[30], labels=entries[0].labels)
    found = agreement_of(directory, [*entries[:30], waiting])
    assert (found.done_studies, found.labelled_studies) == (30, 31)
    assert "30 of 31 labelled studies are done" in agreement_page(found)


def test_the_page_has_the_numbers_of_the_json(cohort, found):
    page = (cohort[0] / "agreement.md").read_text()
    for task in found.values():
        for name, measure in task["all_as_called"]["measures"].items():
            shown = metrics.Estimate(**{key: np.nan if value is None else value for key, value in measure.items()})
            assert f"| {name} | {shown} |" in page
    assert not re.search(r"\bnan\b|None", page)


def test_what_cannot_be_told_is_null_in_the_json(tmp_path):
    write_study(tmp_path, "a", EXAMPLE, {})
    entry = StudyEntry("a", "p", labels={"L4/L5": DiscLabels(narrowing=1)})
    write_outcome(tmp_path, [entry])
    (one,) = json.loads(agreement_json(agreement_of(tmp_path, [entry])))["tasks"]
    assert one["all_as_called"]["measures"]["AUROC"] == {"value": None, "low": None, "high": None}

"""Cases that are simulated and graded in processes of their own."""

import time

import pytest
from lesson_worker import LessonWorker, visible

from ModicGraderLib.anatomy import GRADED_DISCS
from ModicGraderLib.lessons.preparation import MOST_DRAWS, Preparation, Stage
from ModicGraderLib.lessons.session import TeachingSession
from ModicGraderLib.lessons.wish import Wish, case_words

WISH = Wish(finding="pfirrmann")


@pytest.fixture
def prepare():
    """Makes a preparation with a worker, and ends it after the test."""
    made = []

    def make(worker):
        made.append(Preparation(TeachingSession(seed=1), worker))
        return made[-1]

    yield make
    for one in made:
        one.close()


def run_until(preparation, *stages):
    heard = [preparation.stage]
    while preparation.stage not in stages:
        preparation.poll()
        if preparation.stage is not heard[-1]:
            heard.append(preparation.stage)
        time.sleep(0.01)
    return heard


def test_a_case_is_simulated_begun_and_then_graded(prepare):
    preparation = prepare(LessonWorker())
    preparation.start(WISH, device="cpu")
    assert run_until(preparation, Stage.READY) == [Stage.SIMULATING, Stage.GRADING, Stage.READY]
    assert preparation.session.levels == GRADED_DISCS
    assert [disc.level for disc in preparation.graded.report.discs] == list(GRADED_DISCS[:-1])
    assert all(path.is_file() for path in (*preparation.volumes.values(), preparation.labels))


def test_it_can_be_read_while_the_machine_reads_it(prepare):
    preparation = prepare(LessonWorker())
    preparation.start(WISH)
    run_until(preparation, Stage.GRADING)
    assert preparation.session.levels == GRADED_DISCS
    assert preparation.volumes["t1"].is_file()
    assert preparation.graded is None


def test_the_worker_is_asked_for_the_patient_that_was_drawn(prepare):
    worker = LessonWorker()
    preparation = prepare(worker)
    preparation.start(WISH, device="cpu")
    run_until(preparation, Stage.READY)
    simulate, grade = worker.requests
    seed = TeachingSession(seed=1).draw(WISH).seed
    assert (simulate["task"], simulate["seed"], simulate["case"]) == ("simulate", seed, case_words(WISH, seed))
    assert (grade["task"], grade["device"]) == ("grade", "cpu")
    assert simulate["temporary"] and grade["temporary"]


def test_a_patient_that_is_not_what_was_wished_is_drawn_again(prepare):
    tries = []

    def see(study):
        tries.append(study)
        return visible(study) if len(tries) == 3 else study

    worker = LessonWorker(see)
    preparation = prepare(worker)
    preparation.start(Wish(finding="modic_1", difficulty="easy"))
    run_until(preparation, Stage.READY)
    seeds = [request["seed"] for request in worker.requests if request["task"] == "simulate"]
    assert len(seeds) == len(set(seeds)) == 3
    preparation.session.answer("L4/L5", "narrowing", 0)
    assert preparation.session.reveal().difficulty == "easy"


def test_after_some_patients_the_last_one_is_taken(prepare):
    worker = LessonWorker()
    preparation = prepare(worker)
    preparation.start(Wish(finding="modic_1"))
    run_until(preparation, Stage.READY)
    assert [request["task"] for request in worker.requests] == ["simulate"] * MOST_DRAWS + ["grade"]
    assert preparation.session.levels


def test_a_patient_that_cannot_be_simulated_is_told(prepare):
    worker = LessonWorker()
    worker.fails["simulate"] = "the disk is full; make room"
    preparation = prepare(worker)
    preparation.start(WISH)
    run_until(preparation, Stage.FAILED)
    assert preparation.error == "the disk is full; make room"
    assert preparation.session.levels == ()


def test_a_case_that_the_machine_cannot_grade_can_be_read_all_the_same(prepare):
    worker = LessonWorker()
    worker.fails["grade"] = "no lumbar spine is seen"
    preparation = prepare(worker)
    preparation.start(WISH)
    run_until(preparation, Stage.READY)
    assert (preparation.graded, preparation.error) == (None, "no lumbar spine is seen")
    preparation.session.answer("L4/L5", "pfirrmann", 3)
    assert preparation.session.reveal().machine is None


def test_nothing_is_left_on_the_disk_when_the_next_case_begins_or_the_section_closes(prepare):
    worker = LessonWorker()
    preparation = prepare(worker)
    for _ in range(2):
        preparation.start(WISH)
        run_until(preparation, Stage.READY)
    assert not worker.folders[0].exists() and worker.folders[-1].exists()
    preparation.close()
    assert preparation.stage is Stage.IDLE
    assert not any(folder.exists() for folder in worker.folders)


def test_the_name_of_the_folder_says_nothing_of_the_case(prepare):
    worker = LessonWorker()
    preparation = prepare(worker)
    preparation.start(Wish(name="modic-3"))
    run_until(preparation, Stage.READY)
    names = {path.name for path in preparation.volumes["t1"].parent.iterdir()}
    assert names == {"t1.nii.gz", "t2.nii.gz", "labels.nii.gz", "truth.json"}
    assert all(folder.name.startswith("lesson-") and "modic" not in folder.name for folder in worker.folders)

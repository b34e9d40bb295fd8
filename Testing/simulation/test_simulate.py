"""Tests of a whole simulated study: pictures, labels and truth agree."""

import json

import jsonschema
import numpy as np
import pytest

from ModicGraderLib.anatomy import CANAL_LABEL, GRADED_DISCS, disc_label, vertebra_label, vertebrae_of
from ModicGraderLib.resources import resource_path
from ModicGraderLib.simulation.case import Case, DiscState, EndplateState, MarrowLesion, Patient
from ModicGraderLib.simulation.simulate import simulate

LESIONS = {("L4/L5", "upper"): "I", ("L4/L5", "lower"): "II", ("L3/L4", "upper"): "III"}
CASE = Case(
    Patient("F", 58.0, 165.0),
    discs={
        "L4/L5": DiscState(
            4,
            0.7,
            upper=EndplateState(marrow=(MarrowLesion("I", 0.4),)),
            lower=EndplateState(marrow=(MarrowLesion("II", 0.4),)),
        ),
        "L3/L4": DiscState(3, 0.9, upper=EndplateState(marrow=(MarrowLesion("III", 0.35),))),
        "L1/L2": DiscState(1, upper=EndplateState("schmorl_node")),
    },
)


@pytest.fixture(scope="module")
def study():
    return simulate(21, CASE, slices=7, eight_bit=False)


@pytest.fixture(scope="module")
def labeled(study):
    """LPS mm (n, 3) of the voxels of a label."""
    return lambda label: study.t2.to_patient(np.argwhere(study.labels == label))


def test_the_same_seed_makes_the_same_study_to_the_byte():
    first, again = (simulate(3, slices=1) for _ in range(2))
    for name in ("t1", "t2"):
        assert getattr(first, name).array.tobytes() == getattr(again, name).array.tobytes()
    assert first.labels.tobytes() == again.labels.tobytes()
    assert first.truth.to_json() == again.truth.to_json()


def test_another_seed_makes_another_patient():
    assert simulate(3, slices=1).case != simulate(4, slices=1).case


def test_truth_follows_the_schema_of_reports(study):
    schema = json.loads(resource_path("Schemas/modicgrader-report-1.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(study.truth.to_dict(), schema)


def test_truth_names_what_the_case_asked_for(study):
    discs = {disc.level: disc for disc in study.truth.discs}
    assert list(discs) == list(GRADED_DISCS)
    for (level, endplate), type_ in LESIONS.items():
        assert discs[level].endplates[endplate].modic.grade == type_
    assert discs["L2/L3"].modic.grade == "0"
    assert discs["L1/L2"].endplate_lesion.grade == "schmorl_node"
    assert (discs["L4/L5"].pfirrmann.grade, discs["L1/L2"].pfirrmann.grade) == (4, 1)


@pytest.mark.parametrize("level", GRADED_DISCS)
def test_true_centers_and_corners_fit_the_labels(study, labeled, level):
    disc = next(disc for disc in study.discs if disc.level == level)
    points = labeled(disc_label(level))
    midline = points[np.abs((points - disc.center) @ disc.left) < 6]
    assert np.linalg.norm((midline - disc.center).mean(0)) < 3.5
    for corner in disc.corners.values():
        assert np.linalg.norm(midline - corner, axis=1).min() < 3.0
    assert np.ptp((midline - disc.center) @ disc.anterior) == pytest.approx(disc.width_mm, abs=8)


@pytest.mark.parametrize("level", GRADED_DISCS)
def test_discs_lie_between_the_vertebrae_they_are_named_after(study, labeled, level):
    disc = next(disc for disc in study.discs if disc.level == level)
    above, below = (labeled(vertebra_label(name)).mean(0) for name in vertebrae_of(level))
    assert (above - disc.center) @ disc.normal > 8
    assert (below - disc.center) @ disc.normal < -8


def test_changes_lie_in_the_vertebra_whose_endplate_they_rest_on(study):
    for number, (level, endplate, _) in enumerate(study.case.lesions, 1):
        name = vertebrae_of(level)[endplate == "lower"]
        inside = study.labels[study.lesions == number] == vertebra_label(name)
        assert inside.size > 30
        assert inside.mean() > 0.9


def test_pictures_show_what_the_labels_say(study):
    marrow = np.isin(study.labels, [vertebra_label(name) for name in ("L1", "L2", "L5")]) & (study.lesions == 0)
    canal, disc = study.labels == CANAL_LABEL, study.labels == disc_label("L4/L5")
    t2 = study.t2.array
    assert np.median(t2[canal]) > 1.3 * np.median(t2[marrow])
    assert np.median(t2[disc]) < 0.8 * np.median(t2[marrow])


def test_one_slice_or_many_show_the_same_patient():
    few, more = (simulate(5, slices=count) for count in (1, 3))
    assert (few.t1.array.shape[0], more.t2.array.shape[0]) == (1, 3)
    assert few.case == more.case


def test_eight_bit_pictures_fill_their_range():
    array = simulate(5, slices=1, eight_bit=True).t2.array
    assert np.array_equal(array, np.round(array))
    assert (array.min(), array.max()) == (0, 255)

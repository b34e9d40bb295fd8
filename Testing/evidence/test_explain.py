"""The evidence of a whole study."""

import json

import numpy as np
import pytest
from evidence.spot_reader import DARK, SpotReader, ensemble_of, spotted_disc

from ModicGraderLib.errors import Cancelled
from ModicGraderLib.evidence.explain import EXPLAIN_FROM, explain_discs, report_entry, study_map
from ModicGraderLib.evidence.methods import DEFAULT_METHOD
from ModicGraderLib.grading.disc_grades import grades_of
from ModicGraderLib.grading.tasks import MODIC_CHANGE, OUTPUTS
from ModicGraderLib.progress import Progress
from ModicGraderLib.study import Volume


def grade(chance: float):
    probabilities = np.full(OUTPUTS, 0.25)
    probabilities[MODIC_CHANGE] = chance
    return grades_of(probabilities, np.zeros((4, 5, 96, 112), np.float32), spotted_disc().grid)


@pytest.fixture
def reference():
    grid = spotted_disc().grid
    return Volume(np.zeros(grid.shape, np.float32), grid.affine, "t2")


def test_only_discs_with_a_likely_finding_are_explained(reference):
    one = spotted_disc()
    models = ensemble_of(SpotReader())
    assert explain_discs([one], [grade(0.9 * EXPLAIN_FROM)], models) == {}
    assert list(explain_discs([one], [grade(EXPLAIN_FROM)], models)) == [one.level]
    assert not study_map({}, reference).any()


def test_the_map_is_as_hot_as_the_finding_is_likely(reference):
    one = spotted_disc()
    found = explain_discs([one], [grade(0.7)], ensemble_of(SpotReader()))
    assert found[one.level].heat.max() == pytest.approx(1)
    whole = study_map(found, reference)
    assert whole.max() == pytest.approx(0.7, abs=0.01)
    assert np.unravel_index(whole.argmax(), whole.shape)[0] == DARK[0]


def test_the_report_says_which_method_was_asked_and_what_it_found(reference):
    one = spotted_disc()
    found = explain_discs([one], [grade(0.7)], ensemble_of(SpotReader()))[one.level]
    entry = report_entry(found, one, reference, np.ones(reference.array.shape, bool))
    assert json.loads(json.dumps(entry)) == entry
    assert entry["modic_change"]["method"] == DEFAULT_METHOD
    assert entry["modic_change"]["peak_slice"] == DARK[0] + 1
    assert entry["modic_change"]["share_in_vertebrae"] > 0.95
    assert entry["modic_change"]["share_in_change"] == 1


def test_a_user_can_stop_it():
    with pytest.raises(Cancelled):
        explain_discs(
            [spotted_disc()], [grade(0.7)], ensemble_of(SpotReader()), progress=Progress(is_cancelled=lambda: True)
        )

"""Tests of the comparison of simulated with real pairs: known pictures measure what was painted."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_spine import sagittal_grid, spine_boxes, true_discs, true_labels

from ModicGraderLib.anatomy import CANAL_LABEL
from ModicGraderLib.evaluation import simulator_pairs
from ModicGraderLib.evaluation.simulator import distance_tables
from ModicGraderLib.evaluation.simulator_classifier import PARTS, from_measurements, from_regions
from ModicGraderLib.evaluation.simulator_contrasts import closed_form, lesion_contrasts
from ModicGraderLib.evaluation.simulator_distances import distances
from ModicGraderLib.evaluation.simulator_pairs import MeasuredPair, real_names
from ModicGraderLib.evaluation.simulator_shape import shape_features
from ModicGraderLib.evaluation.simulator_signal import body_cores, picture_features
from ModicGraderLib.localization.spine import SpineLocation
from ModicGraderLib.mapping.marrow import fit_marrow
from ModicGraderLib.report import Numbering
from ModicGraderLib.simulation.case import Case, DiscState, EndplateState, MarrowLesion, Patient
from ModicGraderLib.study import Volume
from ModicGraderLib.training.splits import is_held_out

MARROW, DISC, CANAL, SURROUNDINGS, NOISE = 100.0, 40.0, 250.0, 60.0, 4.0


class Painted:
    """One slice of a spine of boxes with a gray for each tissue, and its true location."""

    def __init__(self, seed: int = 0, pixel: float = 0.7, **boxes: float):
        spine = spine_boxes(7, **boxes)
        grid = sagittal_grid(1, (4.0, pixel), (round(330 / pixel), round(180 / pixel)))
        labels = true_labels(spine, grid)
        image = np.full(grid.shape, SURROUNDINGS)
        image[labels > 0] = MARROW
        image[labels > CANAL_LABEL] = DISC
        image[labels == CANAL_LABEL] = CANAL
        image += NOISE * np.random.default_rng(seed).standard_normal(grid.shape)
        self.volume = Volume(image.astype(np.float32), grid.affine, "t2")
        discs = tuple(reversed(true_discs(spine)))
        self.location = SpineLocation(discs, Numbering("L5/S1", "model", 1.0), labels)
        marrow = fit_marrow(self.volume, labels, grid)
        self.features = picture_features(self.volume, self.location, labels, marrow)
        self.shapes = shape_features(self.volume, self.location, millimetres=True)


@pytest.fixture(scope="module")
def painted() -> Painted:
    return Painted()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tissue/T2 nucleus, 50 %", DISC / MARROW),
        ("tissue/T2 anterior annulus, 50 %", DISC / MARROW),
        ("tissue/T2 canal, 50 %", CANAL / MARROW),
        ("tissue/T2 prevertebral, 50 %", SURROUNDINGS / MARROW),
        ("tissue/T2 belly, 50 %", SURROUNDINGS / MARROW),
        ("picture/T2 marrow of full scale", 0.38),
        ("picture/T2 pixel mm", 0.7),
    ],
)
def test_a_tissue_measures_the_signal_it_was_painted_with(painted, name, value):
    assert painted.features[name] == pytest.approx(value, rel=0.05)


def test_noise_is_measured_in_units_of_the_marrow(painted):
    assert painted.features["picture/T2 noise"] == pytest.approx(NOISE / MARROW, rel=0.15)
    assert painted.features["marrow/T2 spread"] == pytest.approx(NOISE / MARROW, rel=0.15)


def test_what_brightens_to_the_back_is_measured_as_bias_and_not_as_texture():
    dim = Painted()
    rows = np.arange(dim.volume.array.shape[2]) * 0.7
    dim.volume.array[:] *= np.exp(0.3 * (rows - rows.mean()) / 60)[None, None].astype(np.float32)
    labels = dim.location.labels
    found = picture_features(dim.volume, dim.location, labels, fit_marrow(dim.volume, labels, dim.volume.grid))
    # The reference pulls slopes faintly to zero.
    assert found["picture/T2 brighter to the back, log per 60 mm"] == pytest.approx(0.3, abs=0.04)
    assert found["marrow/T2 spread"] == pytest.approx(dim.features["marrow/T2 spread"], rel=0.1)


def test_cores_of_bodies_hold_marrow_alone(painted):
    cores = body_cores(painted.volume, [disc for disc in painted.location.discs if disc.level != "T11/T12"])
    assert set(np.unique(cores)) == {0, 1, 2, 3, 4, 5}
    assert np.all((painted.location.labels[0][cores > 0] > 1) & (painted.location.labels[0][cores > 0] < CANAL_LABEL))


@settings(max_examples=8, deadline=None)
@given(width=st.floats(28, 44), height=st.floats(5, 14), pixel=st.sampled_from([0.5, 0.9]))
def test_shapes_are_measured_as_they_were_painted(width, height, pixel):
    found = Painted(width=width, height=height, pixel=pixel).shapes
    assert found["shape/disc width L3/L4, mm"] == pytest.approx(width)
    assert found["shape/disc height L3/L4, mm"] == pytest.approx(height)
    assert found["shape/disc wedge L3/L4, deg"] == pytest.approx(0, abs=1e-6)
    assert found["shape/canal depth, mm"] == pytest.approx(14, abs=1.5)
    # From S1's endplate at 32 degrees forward to L1's at 12 degrees backward.
    assert found["shape/lordosis L1-S1, deg"] == pytest.approx(44, abs=1)


def test_lengths_are_left_out_where_the_pixel_size_is_not_believed(painted):
    found = shape_features(painted.volume, painted.location, millimetres=False)
    assert np.isnan(found["shape/disc height L3/L4, mm"])
    assert np.isfinite(found["shape/disc height/width L3/L4"])


def test_a_stretched_picture_gets_a_square_view_about_its_center():
    volume = Volume(np.zeros((1, 300, 200), np.float32), Painted().volume.affine, "t1")
    square = simulator_pairs._with_view(volume, 280.0)
    assert square.spacing[1] * 300 == pytest.approx(280)
    assert square.spacing[2] * 200 == pytest.approx(280)
    middle = [0, 149.5, 99.5]
    assert square.to_patient(middle) == pytest.approx(volume.to_patient(middle))


def pairs(number: int, shift: float, seed: int) -> list[MeasuredPair]:
    """Pairs with one measurement that tells, by `shift`, and one that does not; regions differ by a bright corner."""
    rng = np.random.default_rng(seed)
    found = []
    for name in range(number):
        features = {"tissue/telling": rng.normal() + shift, "shape/silent": rng.normal(), "shape/absent": np.nan}
        regions = rng.standard_normal((2, 2, 72, 112)).astype(np.float32)
        regions[:, :, :30, :26] += shift
        found.append(MeasuredPair(f"{seed}-{name}", features, ("L4/L5", "L5/S1"), regions, np.zeros((2, 4, 4))))
    return found


def test_a_shift_by_one_standard_deviation_is_a_distance_of_one():
    found = distances(pairs(400, 0.0, seed=0), pairs(400, 1.0, seed=1))
    assert [one.name for one in found] == ["tissue/telling", "shape/silent"]
    assert found[0].wasserstein == pytest.approx(1.0, abs=0.15)
    assert found[1].wasserstein == pytest.approx(found[1].chance, abs=0.1)
    assert found[0].simulated[1] - found[0].real[1] == pytest.approx(1.0, abs=0.2)


def test_the_tables_show_each_measurement_in_its_group():
    text = distance_tables(distances(pairs(40, 0.0, seed=0), pairs(40, 1.0, seed=1)))
    assert "| tissues against marrow | 1 |" in text
    assert "| texture of marrow |" not in text
    assert text.count("| tissue/telling |") == 2


def test_gradient_boosting_sees_what_is_shifted_and_nothing_else():
    real, simulated = pairs(60, 0.0, seed=0), pairs(60, 4.0, seed=1)
    assert from_measurements(real, simulated).value > 0.95
    assert from_measurements(real, simulated, "shape").low < 0.6


def test_the_network_sees_a_difference_where_it_lies():
    real, simulated = pairs(15, 0.0, seed=0), pairs(15, 3.0, seed=1)
    assert from_regions(real, simulated, part="front").value > 0.95
    assert from_regions(real, simulated, part="canal").low < 0.6


def test_parts_lie_within_the_region():
    for rows, columns in PARTS.values():
        assert np.zeros((72, 112))[rows, columns].size > 0
        assert (rows.stop or 72) <= 72
        assert (columns.stop or 112) <= 112


@pytest.mark.parametrize(("kind", "t1", "t2"), [("lesion I", -1, 1), ("lesion II", 1, 1), ("lesion III", -1, -1)])
def test_typical_changes_have_the_contrasts_that_define_their_type(kind, t1, t2):
    ratios = np.array(dict(closed_form())[kind])
    assert np.all(t1 * (ratios[::2] - 1) > 0.1)
    assert np.all(t2 * (ratios[1::2] - 1) > 0.1)


def test_a_change_is_measured_against_its_own_vertebra():
    painted = Painted()
    lesion = MarrowLesion("II", 0.4, strength=0.9)
    faint = MarrowLesion("I", 0.4, strength=0.3)
    discs = {"L4/L5": DiscState(upper=EndplateState(marrow=(lesion,)), lower=EndplateState(marrow=(faint,)))}
    lesions = np.zeros(painted.volume.array.shape, np.uint8)
    inside = np.argwhere(painted.location.labels == 3)
    changed = tuple(inside[: len(inside) // 4].T)
    lesions[changed] = 1
    painted.volume.array[changed] *= 1.5
    study = SimpleNamespace(
        t1=painted.volume, t2=painted.volume, labels=painted.location.labels, lesions=lesions,
        case=Case(Patient("F", 50.0, 165.0), discs=discs),
    )  # fmt: skip
    assert lesion_contrasts(study) == [("II", pytest.approx(1.5, rel=0.03), pytest.approx(1.5, rel=0.03))]


def test_held_out_patients_do_not_steer_the_simulator(real_data):
    names = real_names(real_data("spider_midsagittal"))
    assert len(names) > 80
    assert not any(is_held_out(f"spider-{name}") for name in names)

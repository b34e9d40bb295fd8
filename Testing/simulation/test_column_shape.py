"""The shape model keeps what it learned, and learns only from training patients."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from ModicGraderLib.errors import InputError
from ModicGraderLib.resources import resource_path
from ModicGraderLib.simulation import column_shape
from ModicGraderLib.simulation.case import Case, Patient
from ModicGraderLib.simulation.column import build_column
from ModicGraderLib.simulation.column_shape import (
    LEARNED_BODIES,
    LIMIT,
    LORDOSIS,
    MODEL_FILE,
    POSE_SIZE,
    ColumnShape,
    load_column_shape,
)
from ModicGraderLib.training.column_shape import (
    column_corners,
    drawing_noise,
    modes_of,
    polygon_columns,
    pose_of,
)
from ModicGraderLib.training.column_walls import mask_walls
from ModicGraderLib.training.polygon_source import skips_a_vertebra
from ModicGraderLib.training.spine_slices import MEAN_BODY_DEPTH_MM, NO_IDENTITY, SpineSlice
from ModicGraderLib.training.splits import is_training


@pytest.fixture(scope="module")
def plain_case() -> Case:
    return Case(Patient("F", 50, 163))


def lordosis_of(bodies, joints) -> float:
    return sum(body.wedge for body in bodies[1:]) + sum(joint.wedge for joint in joints)


@given(st.floats(20, 70), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_drawn_columns_have_the_lordosis_asked(degrees, seed):
    bodies, joints = load_column_shape().draw(np.radians(degrees), np.random.default_rng(seed))
    assert np.degrees(lordosis_of(bodies, joints)) == pytest.approx(degrees, abs=1e-6)
    assert [len(bodies), len(joints)] == [len(LEARNED_BODIES), len(LEARNED_BODIES) - 1]


def test_drawn_columns_vary_as_much_as_the_model_says():
    shape, rng = load_column_shape(), np.random.default_rng(1)
    lordosis = shape.pose_mean @ LORDOSIS + rng.normal(0, np.linalg.norm(shape.pose_modes @ LORDOSIS), 1500)
    drawn = [shape.draw(angle, rng) for angle in lordosis]
    depths = np.array([[body.depth for body in bodies] for bodies, _ in drawn])
    heights = np.array([[joint.height for joint in joints] for _, joints in drawn])
    sigma = np.linalg.norm(shape.pose_modes, axis=0)
    count = 5 * len(LEARNED_BODIES)
    assert depths.mean(0) == pytest.approx(shape.pose_mean[:count:5], abs=0.01)
    assert depths.std(0) == pytest.approx(sigma[:count:5], rel=0.1)
    assert heights.std(0) == pytest.approx(sigma[count::3], rel=0.1)


def test_no_mode_goes_beyond_the_limit():
    modes = np.zeros((1, POSE_SIZE))
    modes[0, 0] = 1.0
    modes = np.vstack([modes, LORDOSIS])
    shape = ColumnShape(np.zeros(POSE_SIZE), modes, np.zeros((6, 4, 33)), np.zeros((1, 4, 33)))
    rng = np.random.default_rng(0)
    depths = [shape.draw(0.0, rng)[0][0].depth for _ in range(2000)]
    assert np.abs(depths).max() == pytest.approx(LIMIT)


def test_mean_walls_are_hollow_as_physiology_says_and_end_at_the_corners():
    walls = 35 * load_column_shape().wall_mean
    assert np.abs(walls[..., [0, -1]]).max() < 0.05
    lumbar = walls[1:].min(-1)
    assert ((lumbar[:, :3] > -3.0) & (lumbar[:, :3] < -0.9)).all()
    assert ((lumbar[:, 3] > -2.5) & (lumbar[:, 3] < -0.3)).all()


def test_the_model_file_is_small():
    assert resource_path(MODEL_FILE).stat().st_size < 200_000


def test_a_missing_model_says_how_to_learn_it(monkeypatch, tmp_path):
    monkeypatch.setattr(column_shape, "resource_path", tmp_path.joinpath)
    load_column_shape.cache_clear()
    with pytest.raises(InputError, match=r"training column"):
        load_column_shape()


def corners_in_order(case: Case, seed: int) -> np.ndarray:
    column = {body.name: body for body in build_column(case, np.random.default_rng(seed))}
    return np.array(
        [[[column[name].corner(side, end) for end in (-1, 1)] for side in (-1, 1)] for name in LEARNED_BODIES]
    )


@given(st.integers(0, 2**32 - 1), st.floats(-0.7, 0.7), st.floats(0.5, 8))
@settings(max_examples=30, deadline=None)
def test_a_pose_knows_neither_the_turn_nor_the_size_of_its_picture(plain_case, seed, turn, size):
    corners = corners_in_order(plain_case, seed)
    turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    assert pose_of(size * corners @ turned + 40) == pytest.approx(pose_of(corners), abs=1e-9)


def test_a_pose_holds_the_angles_and_proportions_of_its_column(plain_case):
    corners = corners_in_order(plain_case, 3)
    pose = pose_of(corners)
    assert np.degrees(pose @ LORDOSIS) == pytest.approx(plain_case.lordosis_deg, abs=0.01)
    body = {body.name: body for body in build_column(plain_case, np.random.default_rng(3))}["L3"]
    values = dict(zip(("depth", "height", "wedge", "taper", "skew"), pose[15:20], strict=True))
    assert values["taper"] / values["depth"] == pytest.approx(body.taper / body.depth, abs=0.01)
    assert values["skew"] / values["depth"] == pytest.approx(body.skew / body.depth, abs=0.01)
    assert np.sign(values["wedge"]) == np.sign(body.front - body.back)


def test_corners_of_a_polygon_are_found_in_their_order(plain_case):
    corners = corners_in_order(plain_case, 5)
    polygons = {}
    for name, body in zip(LEARNED_BODIES, corners, strict=True):
        around = np.array([body[0, 0], body[0, 1], body[1, 1], body[1, 0]])
        polygons[name] = np.stack([300 - around[:, 1], 200 + around[:, 0]], axis=1)
    assert column_corners(polygons) == pytest.approx(corners + np.array([200, -300]))


def test_modes_rebuild_the_covariance_but_for_what_they_leave_out():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(6, 6)) * (5, 3, 2, 0.1, 0.1, 0.1)
    covariance = root @ root.T
    modes = modes_of(covariance)
    assert 1 <= len(modes) < 6
    left = np.trace(covariance) - np.sum(modes**2)
    assert 0 <= left / np.trace(covariance) <= 0.05


def test_only_training_patients_are_learned_from(real_data):
    folder = real_data("t1_vertebra_polygons")
    records = json.loads((folder / "vertebrae.json").read_text(encoding="utf-8"))
    usable = [
        record["patient"]
        for record in records
        if not skips_a_vertebra({name: np.array(points)[:, ::-1] for name, points in record["vertebrae"].items()})
    ]
    columns = polygon_columns(folder)
    assert len(columns) == sum(is_training(f"polygons-{patient}") for patient in usable) < len(usable)


def test_drawing_noise_is_less_than_what_real_columns_vary(real_data):
    columns = polygon_columns(real_data("t1_vertebra_polygons"))
    noise, found = drawing_noise(columns), np.cov(np.array([pose_of(column) for column in columns]).T)
    assert (np.diag(noise) < np.diag(found)).all()
    assert LORDOSIS @ noise @ LORDOSIS < 0.1 * LORDOSIS @ found @ LORDOSIS


def test_walls_are_measured_on_masks_to_a_fraction_of_a_millimeter(plain_case):
    column = {body.name: body for body in build_column(plain_case, np.random.default_rng(2))}
    pixel, shape = 0.5, (640, 400)
    identity, corners = Image.new("L", shape[::-1], NO_IDENTITY), []

    def place(point: np.ndarray) -> np.ndarray:
        return np.array([shape[0] / 2 - point[1] / pixel, shape[1] / 2 + point[0] / pixel])

    for number, name in enumerate(LEARNED_BODIES[1:]):
        body = column[name]
        outline = [tuple(place(point)[::-1].tolist()) for point in body.outline()]
        ImageDraw.Draw(identity).polygon(outline, fill=2 * (number + 1))
        for disc, first, end in ((number, 0, -1), (number + 1, 2, 1)):
            corners += [(disc, first + (side < 0), *place(body.corner(side, end))) for side in (1, -1)]
    image = np.zeros(shape, np.float32)
    one = SpineSlice("p", "masks", "t2", image, pixel, image, np.array(identity), np.array(corners), image)
    walls = mask_walls([one])[0] * MEAN_BODY_DEPTH_MM
    for number, name in enumerate(LEARNED_BODIES[1:], start=1):
        true = np.stack([getattr(column[name], wall) for wall in ("superior", "inferior", "anterior", "posterior")])
        assert walls[number].min(-1) == pytest.approx(true.min(-1), abs=0.8)

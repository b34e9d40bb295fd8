"""Tests of protocols: one examination, settings as on real scanners."""

import csv

import numpy as np
import pytest

from ModicGraderLib.simulation.protocol import LARGEST_MATRIX, SMALLEST_MATRIX, draw_protocols

COLUMNS = {
    "repetition_time_ms": "repetition_time_ms",
    "echo_time_ms": "echo_time_ms",
    "bandwidth_hz_px": "pixel_bandwidth_hz",
    "pixel_mm": "row_spacing_mm",
    "thickness_mm": "slice_thickness_mm",
}


@pytest.fixture(scope="module")
def drawn():
    return [draw_protocols(np.random.default_rng(seed)) for seed in range(600)]


def test_both_series_come_from_one_scanner_and_one_coil(drawn):
    for t1, t2 in drawn:
        assert (t1.contrast, t2.contrast) == ("t1", "t2")
        assert (t1.field_t, t1.coil, t1.slices, t1.frequency) == (t2.field_t, t2.coil, t2.slices, t2.frequency)
        assert t1.repetition_time_ms < t2.repetition_time_ms
        assert 5 * t1.echo_time_ms < t2.echo_time_ms


def test_pictures_have_the_matrices_of_real_ones_and_are_interpolated(drawn):
    for protocol in (protocol for pair in drawn for protocol in pair):
        assert min(protocol.rows, protocol.columns) >= SMALLEST_MATRIX
        assert max(protocol.rows, protocol.columns) <= LARGEST_MATRIX
        assert min(protocol.acquired_mm) >= protocol.pixel_mm
        assert protocol.spacing_mm >= protocol.thickness_mm * 0.999


def test_grids_agree_in_some_patients_and_differ_in_others(drawn):
    same = np.mean([(a.rows, a.columns, a.pixel_mm) == (b.rows, b.columns, b.pixel_mm) for a, b in drawn])
    assert 0.5 < same < 0.85


def test_only_t1_is_moved_against_the_patient(drawn):
    assert all(t2.patient_shift_mm == (0.0, 0.0, 0.0) for _, t2 in drawn)
    assert any(np.linalg.norm(t1.patient_shift_mm) > 1 for t1, _ in drawn)


def test_settings_lie_where_those_of_the_real_series_lie(drawn, real_data):
    with (real_data("spider_midsagittal") / "images.csv").open(encoding="utf-8", newline="") as file:
        real = list(csv.DictReader(file))
    for index, contrast in enumerate(("t1", "t2")):
        for field_t in (1.5, 3.0):
            series = [pair[index] for pair in drawn if pair[index].field_t == field_t]
            rows = [r for r in real if r["contrast"] == contrast and abs(float(r["field_strength_t"]) - field_t) < 0.1]
            for name, column in COLUMNS.items():
                ours = np.median([getattr(protocol, name) for protocol in series])
                theirs = np.median([float(row[column]) for row in rows])
                assert ours == pytest.approx(theirs, rel=0.3), (contrast, field_t, name)


def test_slices_and_bits_are_those_asked_for():
    pair = draw_protocols(np.random.default_rng(3), slices=7, eight_bit=True)
    assert all(protocol.slices == 7 and protocol.eight_bit for protocol in pair)
    assert not any(protocol.eight_bit for protocol in draw_protocols(np.random.default_rng(3), eight_bit=False))


def test_fat_suppression_is_of_t2():
    ways = set()
    for seed in range(20):
        t1, t2 = draw_protocols(np.random.default_rng(seed), fat_suppressed=True)
        assert (t1.contrast, t1.fat_suppression, t2.contrast) == ("t1", "none", "t2_fat_suppressed")
        assert (t2.sequence.inversion_time_ms is not None) == (t2.fat_suppression == "stir_like")
        ways.add(t2.fat_suppression)
    assert ways == {"stir_like", "dixon_water"}

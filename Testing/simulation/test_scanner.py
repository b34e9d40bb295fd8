"""Tests of the scanner on phantoms whose pictures can be foretold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.grid import Grid
from ModicGraderLib.simulation.canvas import TissueMap
from ModicGraderLib.simulation.coil import Coil, SaturationBand
from ModicGraderLib.simulation.protocol import Protocol
from ModicGraderLib.simulation.scanner import fat_shift_mm, scan
from ModicGraderLib.simulation.thick_slices import slice_profile
from ModicGraderLib.simulation.tissues import TYPICAL, Sequence, spin_echo

FAT_MS = (310.0, 128.0)
EVEN = Coil(reach_mm=1e6, ends=0.0, ripple=0.0)
PLAIN = Protocol(
    contrast="t2",
    field_t=1.5,
    repetition_time_ms=3500,
    echo_time_ms=100,
    echo_train_length=1,
    bandwidth_hz_px=160,
    slices=3,
    thickness_mm=4.0,
    spacing_mm=4.4,
    rows=110,
    columns=110,
    pixel_mm=1.0,
    acquired_mm=(1.0, 1.0),
    coil=EVEN,
    snr=1e5,
    masks_air=False,
)
"""A scanner without any fault but the chemical shift."""


def phantom(*blocks, background="air"):
    """A canvas of 24 x 120 x 120 mm with blocks ((slices, rows, columns) of half sizes in mm, tissue) in its middle."""
    shape = (24, 120, 120)
    affine = np.array([[1.0, 0, 0, -11.5], [0, 0, 1.0, -59.5], [0, -1.0, 0, 59.5], [0, 0, 0, 1]])
    values = np.empty((4, *shape), np.float32)
    values[:] = np.reshape(TYPICAL[background].at(1.5), (4, 1, 1, 1))
    steps = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    for half, tissue in blocks:
        inside = np.all([np.abs(step) < mm for step, mm in zip(steps, half, strict=True)], axis=0)
        values[:, inside] = np.reshape(TYPICAL[tissue].at(1.5), (4, 1))
    return TissueMap(values, Grid(affine, shape), *FAT_MS)


def scanned(tissue_map, **changes):
    return scan(tissue_map, replace(PLAIN, **changes), np.random.default_rng(0))


def centroid(volume, picture=1):
    array = volume.array[picture]
    index = [np.average(step, weights=array) for step in np.indices(array.shape)]
    return volume.to_patient(np.array([picture, *index]))


BLOCK = (20, 15, 15)


@pytest.mark.parametrize("name", ["csf", "muscle", "marrow"])
def test_brightness_is_that_of_the_spin_echo_equations(name):
    tissue_map = phantom(((20, 50, 50), "nerve"), ((20, 20, 20), name))
    volume = scanned(tissue_map).volume
    signals = [spin_echo(np.array(TYPICAL[one].at(1.5)), Sequence(3500, 100), *FAT_MS) for one in (name, "nerve")]
    picture = volume.array[1]
    assert picture[50:60, 50:60].mean() / picture[15:22, 15:22].mean() == pytest.approx(
        signals[0] / signals[1], rel=0.02
    )


@pytest.mark.parametrize(("frequency", "axis"), [("AP", 1), ("SI", 2)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_fat_is_displaced_by_the_chemical_shift(frequency, axis, sign):
    settings = {"frequency": frequency, "fat_shift": sign, "acquired_mm": (1.4, 1.2)}
    pixel_mm = 1.2 if frequency == "AP" else 1.4
    hz = 3.5 * 42.577 * 1.5
    water, fat = (centroid(scanned(phantom((BLOCK, name)), **settings).volume) for name in ("csf", "fat"))
    expected = sign * hz / 160 * pixel_mm * (1 if axis == 1 else -1)
    assert abs(fat_shift_mm(replace(PLAIN, **settings))) == pytest.approx(hz / 160 * pixel_mm)
    # A trace of water in fat stays where it is.
    assert (fat - water)[axis] == pytest.approx(expected, rel=0.08)
    assert np.delete(fat - water, axis) == pytest.approx([0, 0], abs=0.05)


@pytest.mark.parametrize("way", ["stir_like", "dixon_water"])
def test_fat_suppression_nulls_fat_and_keeps_fluid(way):
    tissue_map = phantom(((20, 50, 50), "fat"), ((20, 15, 15), "csf"))
    picture = scanned(tissue_map, fat_suppression=way, contrast="t2_fat_suppressed").volume.array[1]
    assert picture[20:25, 40:70].mean() < 0.06 * picture[52:58, 52:58].mean()


@pytest.mark.parametrize("thickness_mm", [3.0, 4.0, 5.0])
def test_slices_are_as_thick_as_asked_for(thickness_mm):
    profile = slice_profile(41, thickness_mm, 1.0)
    assert profile.sum(axis=1) == pytest.approx(np.ones(41))
    # A thin sheet, seen by slices laid ever further from it, through interpolation between the canvas' slices.
    places = np.linspace(0, 40, 1601)
    seen = np.interp(places, np.arange(41), profile[:, 20])
    assert np.ptp(places[seen > seen.max() / 2]) == pytest.approx(thickness_mm, abs=0.4)
    assert seen[np.abs(places - 20) > thickness_mm].max() < 0.01 * seen.max()


def test_a_sheet_in_the_gap_between_slices_is_hardly_seen():
    sheet = phantom(((0.6, 30, 30), "csf"))
    middle = scanned(sheet, slices=3, thickness_mm=3.0, spacing_mm=9.0).volume.array
    between = scanned(sheet, slices=2, thickness_mm=3.0, spacing_mm=9.0).volume
    assert middle[1, 50:60, 50:60].mean() > 10 * middle[0, 50:60, 50:60].mean()
    assert np.abs(between.affine[0, 3]) == pytest.approx(4.5)


@settings(max_examples=8, deadline=None)
@given(
    shift=st.tuples(*[st.floats(-3, 3)] * 3),
    turn=st.tuples(*[st.floats(-4, 4)] * 2),
    center=st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_labels_lie_on_what_they_name_and_the_patient_moves_in_space(shift, turn, center):
    tissue_map = phantom((BLOCK, "csf"))
    labels = (tissue_map.values[0] > 0.9).astype(np.uint8)
    result = scanned(tissue_map, patient_shift_mm=shift, turn_deg=turn, center_mm=center)
    seen = result.resample_labels(labels)
    assert seen.dtype == np.uint8
    overlap = (result.volume.array > result.volume.array.max() / 2) == (seen > 0)
    assert overlap.mean() > 0.985
    where = centroid(result.volume)
    assert where[1:] == pytest.approx(shift[1:], abs=0.3)


def test_a_picture_is_never_larger_than_the_canvas():
    volume = scanned(phantom((BLOCK, "csf")), rows=400, columns=100, pixel_mm=0.8).volume
    assert volume.array.shape == (3, 150, 100)


def test_the_coil_makes_the_back_bright_and_a_normalizing_scanner_evens_it_out():
    tissue_map = phantom(((20, 60, 60), "muscle"))
    coil = Coil(reach_mm=40.0, steepness=1.5, ends=0.0)
    uneven, evened = (
        scanned(tissue_map, coil=replace(coil, normalized=share)).volume.array[1].mean(axis=0) for share in (0.0, 1.0)
    )
    assert np.all(np.diff(uneven[10:100:10]) > 0)
    assert uneven[100] > 5 * uneven[10]
    assert evened[80] == pytest.approx(evened[30], rel=0.02)


def test_a_saturation_band_darkens_what_lies_in_front():
    band = SaturationBand(front_mm=20, width_mm=25, left=0.1, edge_mm=3)
    row = scanned(phantom(((20, 60, 60), "muscle")), saturation=band).volume.array[1, 55]
    assert row[24] == pytest.approx(0.1 * row[60], rel=0.25)
    assert row[60] == pytest.approx(row[90], rel=0.05)


def test_noise_is_rayleigh_in_air_of_the_deviation_the_scan_tells():
    result = scanned(phantom((BLOCK, "csf")), snr=5.0)
    air = result.volume.array[:, :25]
    assert air.mean() == pytest.approx(result.noise_sd * np.sqrt(np.pi / 2), rel=0.05)
    assert air.std() == pytest.approx(result.noise_sd * np.sqrt(2 - np.pi / 2), rel=0.05)
    masked = scanned(phantom((BLOCK, "csf")), snr=5.0, masks_air=True).volume.array
    assert masked[:, :25].mean() < 0.5 * air.mean()


def test_fluid_ghosts_along_the_phase_direction():
    ghosted, clean = (
        scanned(phantom(((20, 6, 6), "csf"), background="muscle"), ghost=share).volume.array[1] for share in (0.1, 0.0)
    )
    change = np.abs(ghosted / ghosted.mean() - clean / clean.mean())
    assert change[:45, 52:58].max() > 5 * change[52:58, 60:80].max()


def test_eight_bits_are_clipped_where_the_protocol_says():
    tissue_map = phantom(((20, 50, 50), "muscle"), ((20, 25, 25), "csf"))
    array = scanned(tissue_map, eight_bit=True, clip_percentiles=(1.0, 90.0), snr=30.0).volume.array
    assert array.dtype == np.float32
    assert (array.min(), array.max()) == (0.0, 255.0)
    assert np.array_equal(array, np.rint(array))
    assert (array[1] == 255).mean() == pytest.approx(0.10, abs=0.02)


def test_the_same_lot_gives_the_same_bytes_and_the_header_tells_the_sequence():
    first, again = (scanned(phantom((BLOCK, "csf")), snr=20.0, ghost=0.02).volume for _ in range(2))
    assert first.array.tobytes() == again.array.tobytes()
    assert first.source == {"repetition_time_ms": 3500, "echo_time_ms": 100, "field_strength_t": 1.5}

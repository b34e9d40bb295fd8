"""Tests of the quality findings: each on a spine that has what it looks for, and silence on one that has nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from graded_example import example_graded_study
from scipy.ndimage import gaussian_filter

from ModicGraderLib.anatomy import CANAL_LABEL, GRADED_DISCS, vertebra_label
from ModicGraderLib.localization.spine import SpineLocation
from ModicGraderLib.mapping.marrow import fit_marrow
from ModicGraderLib.quality import check_grades, check_study
from ModicGraderLib.quality.metal import largest_hole
from ModicGraderLib.quality.spine_slices import MOST_SLICES, spine_slices
from ModicGraderLib.quality.vertebral_bodies import measure_bodies
from ModicGraderLib.regions import resample
from ModicGraderLib.report import ModicReading
from ModicGraderLib.study import SpineStudy, Volume


@pytest.fixture(scope="module")
def graded():
    return example_graded_study()


def marrow_of(study: SpineStudy, location: SpineLocation) -> dict:
    grid = study.reference.grid
    volumes = {name: volume for name, volume in (("t1", study.t1), ("t2", study.t2)) if volume is not None}
    return {name: fit_marrow(volume, location.labels, grid) for name, volume in volumes.items()}


def findings(study: SpineStudy, location: SpineLocation) -> list:
    return check_study(study, location, marrow_of(study, location))


def codes(study: SpineStudy, location: SpineLocation) -> set[str]:
    return {finding.code for finding in findings(study, location)}


def with_t2(study: SpineStudy, change) -> SpineStudy:
    return replace(study, t2=replace(study.t2, array=change(study.t2.array.copy())))


def with_labels(location: SpineLocation, labels: np.ndarray) -> SpineLocation:
    return replace(location, labels=labels.astype(np.uint8))


def lower_front(graded, name: str, share: float) -> SpineLocation:
    """The outline of a body without the upper `share` of its front half."""
    labels, reference = graded.location.labels.copy(), graded.study.reference
    discs = {disc.level: disc for disc in graded.location.discs}
    above = next(disc for level, disc in discs.items() if level.endswith(f"/{name}"))
    pixels = np.argwhere(labels == vertebra_label(name))
    offset = reference.to_patient(pixels) - above.corners["lower_anterior"]
    depth, height = offset @ above.anterior, offset @ above.normal
    gone = (height > -share * 27) & (depth > -0.5 * above.width_mm)
    labels[tuple(pixels[gone].T)] = 0
    return with_labels(graded.location, labels)


def hole(volume: Volume, center: np.ndarray, radius_mm: float) -> Volume:
    """A volume with a black disk about a point on every slice."""
    index = np.moveaxis(np.indices(volume.array.shape), 0, -1)
    offset = (index - volume.to_index(center))[..., 1:] * volume.spacing[1:]
    return replace(volume, array=np.where((offset**2).sum(-1) < radius_mm**2, 0, volume.array).astype(np.float32))


def test_nothing_is_found_where_nothing_is_wrong(graded):
    assert findings(graded.study, graded.location) == []


def test_one_contrast_alone_is_no_fault_of_the_picture(graded):
    for study in (replace(graded.study, t1=None), replace(graded.study, t2=None, t1=graded.study.t1)):
        reference = study.reference.grid
        labels = resample(graded.location.labels, graded.study.reference.grid, reference, order=0, outside=0)
        assert codes(study, with_labels(graded.location, labels)) == set()


def test_each_missing_disc_is_named(graded):
    shorter = replace(graded.location, discs=graded.location.discs[2:])
    missing = [one.level for one in findings(graded.study, shorter) if one.code == "level_not_in_view"]
    assert missing == list(GRADED_DISCS[:2])


def test_a_disc_at_the_edge_of_the_picture_is_cut_off_and_one_beyond_it_is_outside(graded):
    reference = graded.study.reference
    top = graded.location.discs[0]
    row = int(reference.to_index(top.center)[1])
    for first, code in ((row, "level_cut_off"), (row + 6, "level_outside_contrast")):
        affine = reference.affine.copy()
        affine[:3, 3] = reference.to_patient([0, first, 0])
        t2 = replace(reference, array=reference.array[:, first:], affine=affine)
        study, location = replace(graded.study, t2=t2), with_labels(graded.location, graded.location.labels[:, first:])
        assert (code, top.level) in {(one.code, one.level) for one in findings(study, location)}


def test_a_few_thin_slices_are_few(graded):
    affine = graded.study.t2.affine.copy()
    affine[:3, 0] *= 0.5
    thin = replace(graded.study, t2=replace(graded.study.t2, affine=affine, array=graded.study.t2.array[:3]))
    assert "few_slices" in codes(thin, with_labels(graded.location, graded.location.labels[:3]))


def test_unreadable_marrow_is_told_for_its_contrast(graded):
    found = check_study(graded.study, graded.location, {"t1": marrow_of(graded.study, graded.location)["t1"]})
    assert [one.code for one in found] == ["marrow_unreadable"] and "T2" in found[0].message


def test_marrow_that_is_mottled_throughout_is_uneven(graded):
    patches = gaussian_filter(np.random.default_rng(0).normal(size=graded.study.t2.array.shape), (0, 4, 4))
    mottled = with_t2(graded.study, lambda array: array * np.exp(0.6 * patches / patches.std()))
    assert "marrow_uneven" in codes(mottled, graded.location)


def test_noise_and_clipping_are_told(graded):
    random = np.random.default_rng(0)
    noisy = with_t2(graded.study, lambda array: np.abs(array + random.normal(0, 100, array.shape)).astype(np.float32))
    assert "noisy" in codes(noisy, graded.location)
    clipped = with_t2(graded.study, lambda array: np.minimum(array, 375))
    assert "marrow_clipped" in codes(clipped, graded.location)


@pytest.mark.parametrize(("rows", "columns", "code"), [(1.7, 1.0, "picture_stretched"), (0.6, 0.6, "size_unusual")])
def test_bodies_of_the_wrong_shape_or_size_are_told(graded, rows, columns, code):
    scale = np.diag([1, columns, rows, 1.0])
    study = replace(
        graded.study,
        **{name: replace(getattr(graded.study, name), affine=scale @ getattr(graded.study, name).affine)
           for name in ("t1", "t2")},
    )  # fmt: skip
    discs = tuple(
        replace(
            disc,
            center=scale[:3, :3] @ disc.center,
            corners={name: scale[:3, :3] @ corner for name, corner in disc.corners.items()},
        )
        for disc in graded.location.discs
    )
    assert code in codes(study, replace(graded.location, discs=discs))


def test_the_height_of_a_body_is_that_of_the_box_it_was_drawn_as(graded):
    bodies = measure_bodies(graded.study.reference, graded.location)
    assert [body.name for body in bodies] == ["L1", "L2", "L3", "L4", "L5"]
    for body in bodies:
        assert body.height == pytest.approx(27, abs=2.5)


@pytest.mark.parametrize("share", [0.35, 0.6])
def test_a_wedged_body_is_a_suspected_fracture(graded, share):
    found = [
        one for one in findings(graded.study, lower_front(graded, "L3", share)) if one.code == "fracture_suspected"
    ]
    assert [one.level for one in found] == ["L3/L4"]
    assert "anterior" in found[0].message


def test_a_slightly_wedged_body_is_none(graded):
    assert "fracture_suspected" not in codes(graded.study, lower_front(graded, "L3", 0.12))


def test_a_body_as_tall_as_two_is_a_block_or_hides_a_missed_disc(graded):
    names = {disc.level: disc for disc in graded.location.discs}
    labels = graded.location.labels.copy()
    labels[np.isin(labels, [vertebra_label("L2"), 204])] = vertebra_label("L3")
    merged = replace(names["L1/L2"], level="L2/L3")
    discs = tuple(merged if level == "L2/L3" else disc for level, disc in names.items() if level != "L1/L2")
    location = replace(with_labels(graded.location, labels), discs=discs)
    assert "block_vertebra_suspected" in codes(graded.study, location)


def test_a_hole_on_both_contrasts_is_metal_but_one_on_a_single_contrast_is_not(graded):
    behind = graded.location.discs[3].center - 30 * graded.location.discs[3].anterior
    t1, t2 = (hole(volume, behind, 9.0) for volume in (graded.study.t1, graded.study.t2))
    assert "metal_suspected" in codes(replace(graded.study, t1=t1, t2=t2), graded.location)
    assert "metal_suspected" not in codes(replace(graded.study, t2=t2), graded.location)


def test_the_area_of_a_hole_is_that_of_the_disk_it_is(graded):
    center = graded.location.discs[3].center - 30 * graded.location.discs[3].anterior
    study = replace(graded.study, t1=None, t2=hole(graded.study.t2, center, 9.0))
    area = largest_hole(spine_slices(study, graded.location, marrow_of(study, graded.location)))
    assert area == pytest.approx(np.pi * 81, rel=0.1)


def test_fat_that_is_dark_on_t2_is_suppressed_unless_the_header_says_so_already(graded):
    t1, t2 = graded.study.t1, graded.study.t2
    far_behind = graded.location.discs[3].center - 42 * graded.location.discs[3].anterior

    def fat(volume: Volume, gain: float) -> Volume:
        spot = hole(volume, far_behind, 8.0).array != volume.array
        return replace(volume, array=np.where(spot, gain * 400, volume.array).astype(np.float32))

    suppressed = replace(graded.study, t1=fat(t1, 2.5), t2=fat(t2, 0.4))
    assert "fat_suppression_suspected" in codes(suppressed, graded.location)
    assert "fat_suppression_suspected" not in codes(replace(suppressed, t2=fat(t2, 1.6)), graded.location)
    known = replace(suppressed, t2=replace(suppressed.t2, contrast="t2_fat_suppressed"))
    assert "fat_suppression_suspected" not in codes(known, graded.location)


def infected(graded, *, bright: bool = True, both: bool = True):
    report = next(disc for disc in graded.report.discs if disc.level == "L5/S1")
    type_1 = ModicReading("I", {"0": 0.1, "I": 0.9, "II": 0.0, "III": 0.0}, 0.9)
    endplate = replace(report.endplates["upper"], modic=type_1, marrow_change=0.9, endplate_change=0.8)
    grade = "1" if bright else "5"
    chances = {str(number): float(str(number) == grade) for number in range(1, 6)}
    return replace(
        report,
        pfirrmann=replace(report.pfirrmann, grade=int(grade), probabilities=chances),
        endplates={"upper": endplate, "lower": endplate if both else report.endplates["lower"]},
    )


def test_edema_on_both_sides_of_a_bright_disc_may_be_an_infection(graded):
    (finding,) = check_grades([*graded.report.discs[:-1], infected(graded)])
    assert (finding.code, finding.level, finding.severity) == ("infection_not_excluded", "L5/S1", "warning")
    assert check_grades([infected(graded, bright=False)]) == []
    assert check_grades([infected(graded, both=False)]) == []
    assert check_grades(graded.report.discs) == []


def test_of_many_thin_slices_only_some_are_looked_at(graded):
    study = graded.study
    labels = np.repeat(graded.location.labels, 8, axis=0)
    affine = study.t2.affine.copy()
    affine[:3, 0] /= 8
    t2 = replace(study.t2, array=np.repeat(study.t2.array, 8, axis=0), affine=affine)
    many, location = replace(study, t2=t2), with_labels(graded.location, labels)
    slices = spine_slices(many, location, marrow_of(many, location))
    assert 5 <= len(slices.labels) <= MOST_SLICES
    assert slices.signal["t1"].shape == slices.signal["t2"].shape == slices.labels.shape
    inside = (slices.labels > 0) & (slices.labels < CANAL_LABEL)
    assert np.nanmedian(slices.signal["t1"][inside]) == pytest.approx(1, abs=0.1)

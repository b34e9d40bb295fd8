"""Tests of samples: cut once, kept as they were, and gone on with after whatever stopped them."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ModicGraderLib.errors import Cancelled, InputError
from ModicGraderLib.progress import Progress
from ModicGraderLib.study import SpineStudy
from ModicGraderLib.training.labelled_study import DiscLabels, LabelledStudy
from ModicGraderLib.training.samples import (
    Sample,
    cut_samples,
    kept_labels,
    kept_samples,
    read_labels,
    read_samples,
    write_samples,
)

LEVELS = ("L4/L5", "L5/S1")


class Shelf:
    """A source of studies without pictures; those called "blind..." show no spine, "broken..." are a fault of ours."""

    title, key, narrowing_grades = "a shelf", "shelf-1", 2

    def __init__(self, *studies: str) -> None:
        self.studies = studies
        self.read_so_far: list[str] = []

    def read(self, study: str) -> LabelledStudy:
        self.read_so_far.append(study)
        if study.startswith("blind"):
            raise InputError("no spine is seen")
        if study.startswith("broken"):
            raise ZeroDivisionError("a fault")
        labels = {level: DiscLabels(modic="I/II", pfirrmann=4, upper_marrow_change=True) for level in LEVELS}
        return LabelledStudy(
            study, f"patient of {study}", SpineStudy(None, None), (), np.zeros((1, 1, 1)), None, labels
        )


def cut(study: LabelledStudy) -> list[Sample]:
    """Two samples a study, none of a study without discs."""
    if study.name.startswith("without discs"):
        return []
    return [
        Sample(study.name, study.patient, level, labels, {"image": np.full((2, 3), len(level), np.uint8)})
        for level, labels in study.labels.items()
    ]


def names(samples: Sequence[Sample]) -> list[tuple[str, str]]:
    return [(one.study, one.level) for one in samples]


def test_samples_come_in_the_order_of_the_studies_with_their_labels(tmp_path):
    samples = cut_samples(Shelf("b", "without discs", "a"), cut, tmp_path)
    assert names(samples) == [(study, level) for study in "ba" for level in LEVELS]
    assert samples[0].patient == "patient of b"
    assert samples[0].labels == DiscLabels(modic="I/II", pfirrmann=4, upper_marrow_change=True)
    assert [path.suffix for path in (tmp_path / "shelf-1").iterdir()] == [".npz"] * 3


def test_what_is_there_is_not_read_again_and_the_rest_is(tmp_path):
    cut_samples(Shelf("a", "b"), cut, tmp_path)
    again = Shelf("a", "b", "c")
    assert len(cut_samples(again, cut, tmp_path)) == 6
    assert again.read_so_far == ["c"]


def test_samples_of_another_version_of_the_source_are_kept_apart(tmp_path):
    cut_samples(Shelf("a"), cut, tmp_path)
    newer = Shelf("a")
    newer.key = "shelf-2"
    cut_samples(newer, cut, tmp_path)
    assert newer.read_so_far == ["a"]


def test_only_the_studies_asked_for_are_cut(tmp_path):
    source = Shelf("a", "b", "c")
    assert names(cut_samples(source, cut, tmp_path, studies=["c"])) == [("c", level) for level in LEVELS]
    assert source.read_so_far == ["c"]


def test_a_study_without_a_spine_is_named_left_out_and_tried_again(tmp_path, caplog):
    source = Shelf("a", "blind one", "b")
    with caplog.at_level(logging.WARNING):
        samples = cut_samples(source, cut, tmp_path)
    assert {one.study for one in samples} == {"a", "b"}
    assert caplog.messages == ["blind one is left out: no spine is seen"]
    cut_samples(source, cut, tmp_path)
    assert source.read_so_far == ["a", "blind one", "b", "blind one"]


def test_studies_that_give_no_sample_are_counted_in_a_warning_also_the_second_time(tmp_path, caplog):
    source = Shelf("a", *(f"without discs {number}" for number in range(6)), "blind")
    for _ in range(2):
        caplog.clear()
        cut_samples(source, cut, tmp_path)
        assert caplog.messages[-1] == (
            "6 of 8 studies give no sample: without discs 0, without discs 1, without discs 2, without discs 3 and 2"
            " more; most often T1 or T2 is missing, or no disc from T12/L1 to L5/S1 is seen"
        )
    caplog.clear()
    cut_samples(source, cut, tmp_path, studies=["a"])
    assert not caplog.messages


def test_what_was_kept_is_had_again_with_the_labels_of_discs_that_gave_no_sample(tmp_path):
    source = Shelf("b", "without discs", "blind", "a")
    samples = cut_samples(source, cut, tmp_path)
    assert names(kept_samples(source, tmp_path, source.studies)) == names(samples)
    labels = kept_labels(source, tmp_path, source.studies)
    assert list(labels) == [(study, level) for study in ("b", "without discs", "a") for level in LEVELS]
    assert labels["without discs", "L5/S1"] == DiscLabels(modic="I/II", pfirrmann=4, upper_marrow_change=True)
    assert source.read_so_far == ["b", "without discs", "blind", "a"]


def test_samples_of_an_older_version_are_read_and_their_labels_are_not_known(tmp_path):
    source = Shelf("a", "b")
    new = cut_samples(source, cut, tmp_path)
    path = tmp_path / "shelf-1" / "a.npz"
    with np.load(path) as file:
        older = {name: file[name] for name in file.files if name != "labels"}
    with path.open("wb") as file:
        np.savez_compressed(file, **older)
    assert names(cut_samples(source, cut, tmp_path)) == names(new) and source.read_so_far == ["a", "b"]
    assert read_labels(path) is None and kept_labels(source, tmp_path, source.studies) is None
    assert kept_labels(source, tmp_path, ["b"]) is not None


def test_no_study_that_can_be_read_is_an_error_that_says_why(tmp_path):
    with pytest.raises(InputError, match=r"^none of the 2 studies could be read; blind 1, for one: no spine is seen$"):
        cut_samples(Shelf("blind 1", "blind 2"), cut, tmp_path)


def test_a_fault_names_its_study_and_the_others_are_kept(tmp_path):
    source = Shelf("a", "broken", "b")
    with pytest.raises(RuntimeError, match=r"1 of 3 studies could not be cut \(broken: ZeroDivisionError"):
        cut_samples(source, cut, tmp_path)
    assert len(cut_samples(source, cut, tmp_path, studies=["a", "b"])) == 4
    assert source.read_so_far == ["a", "broken", "b"]


def test_several_processes_cut_the_same_samples(tmp_path):
    source = Shelf("a", "blind", "b", "c")
    alone = cut_samples(source, cut, tmp_path / "alone")
    together = cut_samples(source, cut, tmp_path / "together", processes=2)
    assert names(alone) == names(together)
    assert source.read_so_far == ["a", "blind", "b", "c"], "the second time other processes read"


def test_a_cancelled_run_keeps_what_it_has_and_leaves_nothing_half_done(tmp_path):
    heard = []
    progress = Progress(lambda fraction, text: heard.append(text), lambda: len(heard) == 1)
    with pytest.raises(Cancelled):
        cut_samples(Shelf("a", "b", "c"), cut, tmp_path, progress=progress)
    assert heard == ["Cutting samples: study 1 of 3"]
    assert sorted(path.name for path in (tmp_path / "shelf-1").iterdir()) == ["a.npz", "b.npz"]


def test_a_study_may_be_called_anything(tmp_path):
    odd = ("../up", "a/b", "Müller 3", "c:\\d", "%2F")
    samples = cut_samples(Shelf(*odd), cut, tmp_path)
    assert [one.study for one in samples[::2]] == list(odd)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == len(odd) and {path.parent.name for path in files} == {"shelf-1"}


def test_a_damaged_file_is_named_with_its_mend(tmp_path):
    cut_samples(Shelf("a"), cut, tmp_path)
    (tmp_path / "shelf-1" / "a.npz").write_bytes(b"PK\x03\x04 and then the disk was full")
    with pytest.raises(InputError, match=r"a\.npz are damaged; delete that file"):
        cut_samples(Shelf("a"), cut, tmp_path)


def test_a_failed_write_leaves_no_file_that_could_be_taken_for_a_whole_one(tmp_path: Path):
    pointers = Sample("a", "a", "", DiscLabels(), {"image": np.array([object()])})
    with pytest.raises(ValueError, match="Object arrays"):
        write_samples(tmp_path / "a.npz", [pointers], {})
    assert not list(tmp_path.iterdir())


ARRAYS = hnp.arrays(
    st.sampled_from([np.uint8, np.int16, np.float16, np.float32, np.float64, bool]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
LABELS = st.builds(
    DiscLabels,
    modic=st.sampled_from([None, "0", "I", "II/III"]),
    pfirrmann=st.sampled_from([None, 1, 5]),
    upper_marrow_change=st.sampled_from([None, False, True]),
    excluded=st.sampled_from(["", "slip"]),
)


@given(st.lists(st.tuples(LABELS, st.dictionaries(st.sampled_from(["t1", "t2", "samples"]), ARRAYS)), max_size=3))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arrays_and_labels_come_back_as_they_were(tmp_path, parts):
    written = [Sample("s", "p", f"level {number}", *part) for number, part in enumerate(parts)]
    labels = {one.level: one.labels for one in written}
    write_samples(tmp_path / "one.npz", written, labels)
    assert read_labels(tmp_path / "one.npz") == labels
    read = read_samples(tmp_path / "one.npz")
    assert len(read) == len(written)
    for before, after in zip(written, read, strict=True):
        assert (after.study, after.patient, after.level, after.labels) == ("s", "p", before.level, before.labels)
        assert list(after.arrays) == list(before.arrays)
        for name, array in before.arrays.items():
            assert after.arrays[name].dtype == array.dtype
            np.testing.assert_array_equal(after.arrays[name], array)

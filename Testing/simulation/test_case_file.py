"""Case files: what may be asked for, what is drawn, and what is said of mistakes."""

import copy
import json

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.anatomy import DISCS_UPWARDS, ENDPLATE_LESIONS, ENDPLATES, GRADED_DISCS
from ModicGraderLib.errors import InputError
from ModicGraderLib.measurement.endplate_change import height_class
from ModicGraderLib.resources import resource_path
from ModicGraderLib.simulation.case import LESION_TYPES
from ModicGraderLib.simulation.case_file import build_case, read_case
from ModicGraderLib.simulation.case_schema import check_case
from ModicGraderLib.simulation.teaching import find_case, teaching_cases
from ModicGraderLib.simulation.truth import BULGING_MM, HERNIATION_MM, NARROWED_BELOW, SLIP_MM

SCHEMA = json.loads(resource_path("Schemas/modicgrader-case-1.schema.json").read_text(encoding="utf-8"))

ASKED = {
    "schema": "modicgrader-case-1",
    "patient": {"sex": "F", "age": 58},
    "spine": {"transitional": "lumbarized", "canal_percent": 85},
    "discs": {
        "L4/L5": {
            "pfirrmann": 4,
            "height_percent": 60,
            "upper": {
                "endplate_lesion": "notched",
                "modic": [{"type": "I", "depth_percent": 30, "location": "anterior", "side": "left"}],
            },
        },
        "L2/L3": {"lower": {"osteophyte_mm": 4, "modic": [{"type": "II", "anteroposterior_percent": 40}]}},
    },
    "vertebrae": {"L1": {"fracture": "wedge"}, "L3": {"hemangioma_mm": 12}},
}


def drawn(request, seed=0):
    check_case(request)
    return build_case(request, np.random.default_rng(seed))


def with_modic(case) -> set[str]:
    return {level for level, _, _ in case.lesions}


def test_what_is_asked_for_is_there():
    case = drawn(ASKED)
    assert (case.patient.sex, case.patient.age_years) == ("F", 58)
    assert (case.transitional, case.canal_factor) == ("lumbarized", pytest.approx(0.85))
    disc = case.disc("L4/L5")
    assert (disc.pfirrmann, disc.height_factor, disc.upper.lesion) == (4, pytest.approx(0.6), "notched")
    (lesion,) = disc.upper.marrow
    assert (lesion.type, lesion.height) == ("I", pytest.approx(0.3))
    assert 0.3 < lesion.anterior < 0.9
    assert lesion.lateral > 0.1
    other = case.disc("L2/L3").lower
    assert other.osteophyte_mm == 4
    assert (other.marrow[0].type, other.marrow[0].anterior_extent) == ("II", pytest.approx(0.4))
    assert case.vertebra("L1").fracture == "wedge"
    assert 0.1 < case.vertebra("L1").fracture_loss < 0.5
    assert case.vertebra("L3").hemangioma_mm == 12


@pytest.mark.parametrize("others", [None, "no_modic", "healthy"])
@pytest.mark.parametrize("seed", range(5))
def test_levels_not_mentioned_stay_free_of_modic_changes(others, seed):
    case = drawn(ASKED | ({"others": others} if others else {}), seed)
    assert [(level, endplate) for level, endplate, _ in case.lesions] == [("L2/L3", "lower"), ("L4/L5", "upper")]


def test_levels_not_mentioned_are_drawn_with_modic_changes_if_asked():
    cases = [drawn(ASKED | {"others": "random"}, seed) for seed in range(20)]
    assert set().union(*map(with_modic, cases)) >= set(GRADED_DISCS)
    assert all([one[1] for one in case.lesions if one[0] == "L4/L5"] == ["upper"] for case in cases)


def test_a_healthy_spine_has_nothing_but_what_is_asked_for():
    for seed in range(10):
        case = drawn({"schema": "modicgrader-case-1", "others": "healthy"}, seed)
        assert (case.lesions, case.vertebrae, case.transitional) == ([], {}, "none")
        for level in DISCS_UPWARDS:
            disc = case.disc(level)
            assert disc.pfirrmann <= 2
            assert (disc.upper.lesion, disc.lower.lesion) == ("normal", "normal")
            assert (disc.bulge_mm, disc.herniation_mm, disc.slip_mm) == (0, 0, 0)


def test_what_is_left_open_is_drawn_from_the_seed():
    assert drawn(ASKED, 1) == drawn(ASKED, 1) != drawn(ASKED, 2)
    empty = {"schema": "modicgrader-case-1"}
    grades = {drawn(empty, seed).disc("L5/S1").pfirrmann for seed in range(30)}
    assert grades == {1, 2, 3, 4, 5}


def test_a_disc_beside_a_change_is_worn_if_its_grade_is_left_open():
    request = {"schema": "modicgrader-case-1", "discs": {"L4/L5": {"upper": {"modic": [{"type": "II"}]}}}}
    plain = {"schema": "modicgrader-case-1"}
    grades, others = ([drawn(one, seed).disc("L4/L5").pfirrmann for seed in range(150)] for one in (request, plain))
    assert np.mean(grades) > np.mean(others) + 0.4


MISTAKES = [
    (("discs", "L4/L5", "upper", "modic", 0, "depth_percent"), 130, "discs.L4/L5.upper.modic[0].depth_percent is 130"),
    (("discs", "L4/L5", "upper", "modic", 0, "type"), "IV", 'give one of "I", "II", "III", "I/II", "II/III"'),
    (("discs", "L4/L5", "upper", "modic"), {"type": "I"}, "discs.L4/L5.upper.modic is"),
    (("discs", "L4/L5", "pfirrmann"), "four", "give a whole number from 1 to 5"),
    (("discs", "L4/L5", "pfirrmann"), 4.5, "give a whole number from 1 to 5"),
    (("discs", "L4/L5", "pfirrmann"), True, "discs.L4/L5.pfirrmann is true"),
    (("discs", "L6/S1"), {}, "discs has no field 'L6/S1'; give one of T9/T10"),
    (("discs", "L4/L5", "modic"), [], "discs.L4/L5 has no field 'modic'"),
    (("patient", "sex"), "female", 'patient.sex is "female"; give one of "F", "M"'),
    (("patient", "age"), float("nan"), "patient.age is NaN; give a number from 18 to 95"),
    (("patient",), None, "patient is null; give an object"),
    (("schema",), "modicgrader-case-2", 'schema is "modicgrader-case-2"; give "modicgrader-case-1"'),
    (("title",), "", "title is"),
    (("vertebrae", "L3", "fracture_loss_percent"), 30, "vertebrae.L3 has 'fracture_loss_percent' without 'fracture'"),
]


@pytest.mark.parametrize(("path", "value", "said"), MISTAKES)
def test_a_mistake_is_named_with_its_place_and_its_mend(path, value, said, tmp_path):
    request = copy.deepcopy(ASKED)
    target = request
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    file = tmp_path / "case.json"
    file.write_text(json.dumps(request), encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_case(file)
    assert said in str(error.value)
    assert str(error.value).count("; ") == 1
    assert "\n" not in str(error.value)


def test_a_lacking_field_is_asked_for():
    with pytest.raises(InputError, match=r"the case lacks 'schema'; give \"modicgrader-case-1\""):
        check_case({})
    with pytest.raises(InputError, match=r"modic\[0\] lacks 'type'; give one of"):
        check_case({"schema": "modicgrader-case-1", "discs": {"L4/L5": {"upper": {"modic": [{}]}}}})


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{'schema': 1}", "in line 1, column 2; mend it"), (b"\xff\xfe\x00", "is no text"), (b"[]", "the case is []")],
)
def test_files_that_are_no_case_are_refused(content, said, tmp_path):
    file = tmp_path / "case.json"
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_case(file)
    assert "case.json" in str(error.value)
    assert said in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.json cannot be read"):
        read_case(tmp_path / "nothing.json")


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 120),
    st.floats(-5, 120),
    st.sampled_from(["", "F", "I", "II/III", "wedge", "normal", "anterior", "left", "healthy", "none"]),
)


@st.composite
def altered_cases(draw):
    """A case with one value, anywhere in it, replaced, removed or added."""
    request = copy.deepcopy(ASKED)
    places = [(request, key) for key in request]
    for container, key in places:
        inner = container[key]
        steps = inner if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        places += [(inner, step) for step in steps]
    container, key = draw(st.sampled_from(places))
    change = draw(st.sampled_from(("replace", "remove", "add")))
    if change == "remove":
        del container[key]
    elif change == "replace" or isinstance(container, list):
        container[key] = draw(st.one_of(scalars, st.just({}), st.just([])))
    else:
        words = {word for definition in SCHEMA["$defs"].values() for word in definition["properties"]}
        container[draw(st.sampled_from(sorted(words)))] = draw(scalars)
    return request


@settings(max_examples=400, deadline=None)
@given(altered_cases())
def test_the_schema_file_and_the_check_agree(request_):
    try:
        jsonschema.validate(request_, SCHEMA)
        follows = True
    except jsonschema.ValidationError:
        follows = False
    if follows:
        drawn(request_)
    else:
        with pytest.raises(InputError):
            check_case(request_)


def test_a_case_is_found_by_its_name_or_its_path(tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps(ASKED), encoding="utf-8")
    assert find_case(str(tmp_path / "mine.json")) == ASKED
    assert find_case("modic-1")["title"].startswith("Modic type I")
    with pytest.raises(InputError, match=r"neither a case file nor a teaching case.*mixed-findings"):
        find_case("modic-9")


@pytest.mark.parametrize("name", teaching_cases())
def test_teaching_cases_say_what_to_look_at_and_follow_the_schema(name):
    request = find_case(name)
    jsonschema.validate(request, SCHEMA)
    assert len(request["title"]) < 90
    assert 60 < len(request["look_at"]) < 500


def test_the_library_has_every_grade_of_every_scheme():
    cases = [drawn(find_case(name)) for name in teaching_cases()]
    discs = [case.disc(level) for case in cases for level in GRADED_DISCS]
    assert {lesion.type for case in cases for _, _, lesion in case.lesions} == set(LESION_TYPES)
    assert [] in [case.lesions for case in cases]
    assert {disc.pfirrmann for disc in discs} == {1, 2, 3, 4, 5}
    assert {getattr(disc, name).lesion for disc in discs for name in ENDPLATES} == set(ENDPLATE_LESIONS)
    assert min(disc.height_factor for disc in discs) < NARROWED_BELOW
    assert max(disc.bulge_mm for disc in discs) > BULGING_MM
    assert max(disc.herniation_mm for disc in discs) > HERNIATION_MM
    assert max(disc.slip_mm for disc in discs) > SLIP_MM
    vertebrae = [state for case in cases for state in case.vertebrae.values()]
    for distractor in ("hemangioma_mm", "focal_fat_mm", "fracture_loss"):
        assert any(getattr(state, distractor) for state in vertebrae)
    assert {case.transitional for case in cases} > {"none"}


@pytest.mark.parametrize(("name", "class_"), [("height-a", "A"), ("height-b", "B"), ("height-c", "C")])
def test_height_classes_have_a_case_each(name, class_):
    ((_, _, lesion),) = drawn(find_case(name)).lesions
    assert height_class(100 * lesion.height) == class_


def test_the_demo_case_shows_three_kinds_of_finding():
    case = drawn(find_case("mixed-findings"))
    assert {(level, lesion.type) for level, _, lesion in case.lesions} == {("L4/L5", "I"), ("L5/S1", "II")}
    assert case.disc("L2/L3").lower.lesion == "schmorl_node"
    assert case.disc("L3/L4").height_factor < NARROWED_BELOW

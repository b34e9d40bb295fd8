"""Tests of the FHIR bundle: valid in R4 and R5, complete, the same each time, and silent about the patient."""

import json
from copy import deepcopy
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from drawn_reports import drawn_report
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.codesystem import CodeSystem as CodeSystemR5
from fhir.resources.R4B.bundle import Bundle as BundleR4
from fhir.resources.R4B.codesystem import CodeSystem as CodeSystemR4
from graded_example import example_graded_study
from hypothesis import given, settings
from hypothesis import strategies as st

from ModicGraderLib.anatomy import DISCS_UPWARDS
from ModicGraderLib.corrections import GRADES, correct, correct_map, map_reading, renumber
from ModicGraderLib.errors import InputError
from ModicGraderLib.export.dicom_codes import DISC_MEASURES, ENDPLATE_MEASURES
from ModicGraderLib.export.dicom_items import GRADES as CODED
from ModicGraderLib.export.fhir import fhir_bundle
from ModicGraderLib.export.fhir_codes import CODES, SYSTEMS, code_system, endplate_site, quality_system
from ModicGraderLib.export.impression import summary
from ModicGraderLib.terminology import DISC_CODES, VERTEBRA_CODES

EXAMPLE = example_graded_study().report
NOON = "2026-01-31T12:00:00+00:00"

reader_grades = st.sampled_from(sorted(GRADES)).flatmap(
    lambda field: st.tuples(st.just(field), st.sampled_from([None, *GRADES[field]]))
)
corrected_discs = st.lists(st.tuples(st.integers(0, 5), reader_grades), max_size=4)


def with_corrections(report, done):
    for disc, (field, value) in done:
        report = correct(report, report.discs[disc].level, field, value, "AB", NOON)
    return report


def with_erased_map(report):
    """A reader erased the change that was mapped above L5/S1."""
    said = {name: map_reading(one, {"I": 9, "II": 0, "III": 0}) for name, one in report.discs[5].endplates.items()}
    nothing = dict.fromkeys(said["upper"]) | {"voxels": {"I": 0, "II": 0, "III": 0}, "location": []}
    nothing |= {"height_class_probabilities": {}, "uncertainty": {}}
    return correct_map(report, "L5/S1", said, {**said, "upper": nothing}, "CD", NOON)


def resources(bundle, kind):
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def parts_of(value):
    """Every dictionary in a value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts_of(one)


def code_of(concept):
    return concept["coding"][0]["code"]


def observed(bundle):
    """Observations by what they are of and where, and the components of each by code."""
    found = {}
    for one in resources(bundle, "Observation"):
        site = code_of(one["bodySite"]) if "bodySite" in one else None
        if code_of(one["code"]) != "111052":
            assert (code_of(one["code"]), site) not in found
            found[code_of(one["code"]), site] = one
    return found


def number(observation):
    return observation["valueQuantity"]["value"]


def component(observation, code):
    return next(one for one in observation["component"] if code_of(one["code"]) == code)


def disc_of(level):
    return DISC_CODES[level].value


@given(st.integers(0, 2**32 - 1), corrected_discs, st.sampled_from(DISCS_UPWARDS[:4]))
@settings(max_examples=8)
def test_whatever_is_found_and_corrected_the_bundle_is_valid_and_its_references_resolve(seed, done, lowest):
    report = renumber(with_corrections(drawn_report(np.random.default_rng(seed)), done), lowest, "AB", NOON)
    bundle = fhir_bundle(report)
    BundleR4.model_validate(bundle)
    BundleR5.model_validate(bundle)
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(addresses)) == len(addresses)
    assert {one["reference"] for one in parts_of(bundle) if "reference" in one} <= set(addresses[1:])
    assert all(one not in (None, "", [], {}) for part in parts_of(bundle) for one in part.values())


@given(st.integers(0, 2**32 - 1), corrected_discs)
@settings(max_examples=15)
def test_every_grade_probability_and_measure_of_the_report_is_told_once(seed, done):
    report = with_corrections(drawn_report(np.random.default_rng(seed)), done)
    found = observed(fhir_bundle(report))
    for disc in report.discs:
        site = disc_of(disc.level)
        for name, (code, values) in CODED.items():
            check_grade(found[code.value, site], values, disc.readings[name].grade)
        for one in DISC_MEASURES:
            assert number(found[one.code.value, site]) == getattr(disc, one.field)
        for grade, chance in disc.modic.probabilities.items():
            assert number(component(found["MODIC", site], f"P_MODIC_{grade}")) == chance
        for name, endplate in disc.endplates.items():
            site = code_of(endplate_site(disc.level, name))
            check_grade(found["MODIC", site], CODED["modic"][1], endplate.modic.grade)
            for one in ENDPLATE_MEASURES:
                assert number(found[one.code.value, site]) == getattr(endplate, one.field)
    assert number(found["LORDOSIS", None]) == report.lordosis_deg


def check_grade(said, values, grade):
    if grade is None:
        assert said["dataAbsentReason"]["text"] == "withheld by AB"
    else:
        assert code_of(said["valueCodeableConcept"]) == values[grade].value


def test_units_and_uncertainty_stand_with_a_measure():
    found = observed(fhir_bundle(EXAMPLE))
    listhesis = found["LISTHESIS_MM", disc_of("L4/L5")]
    ucum = {"unit": "mm", "system": "http://unitsofmeasure.org", "code": "mm"}
    assert listhesis["valueQuantity"] == {"value": -1.2, **ucum}
    assert component(listhesis, "371884006")["valueQuantity"] == {"value": 2.3, **ucum}
    assert "component" not in found["HEIGHT_INDEX", disc_of("L4/L5")]
    units = {one["code"] for one in parts_of(fhir_bundle(EXAMPLE)) if one.get("system") == "http://unitsofmeasure.org"}
    assert units == {"1", "mm", "mm3", "deg", "%"}


def test_an_endplate_is_told_by_our_code_and_the_vertebra_it_belongs_to():
    found = observed(fhir_bundle(EXAMPLE))
    height = found["CHANGE_HEIGHT", "INFERIOR_L5"]
    assert number(height) == 22.0
    assert height["bodySite"]["coding"][1] == {
        "system": SYSTEMS["SCT"],
        "code": VERTEBRA_CODES["L5"].value,
        "display": "L5 vertebra",
    }
    assert ("CHANGE_HEIGHT", "SUPERIOR_S1") not in found
    assert [one["valueBoolean"] for one in found["LOCATION", "INFERIOR_L5"]["component"]] == [
        True,
        False,
        False,
    ]


def test_a_withheld_grade_has_a_reason_instead_of_a_value_and_keeps_its_probabilities():
    withheld = observed(fhir_bundle(EXAMPLE))["PFIRRMANN", disc_of("T12/L1")]
    assert withheld["dataAbsentReason"]["text"] == "the disc touches the edge of the image"
    assert not any(key.startswith("value") for key in withheld)
    assert len(withheld["component"]) == 5


def test_a_finding_is_positive_or_negative_and_a_withheld_one_neither():
    found = observed(fhir_bundle(correct(EXAMPLE, "L5/S1", "modic", None, "AB", NOON)))
    said = {key: code_of(one["interpretation"][0]) for key, one in found.items() if "interpretation" in one}
    assert (said["MODIC", disc_of("L4/L5")], said["MODIC", disc_of("L3/L4")]) == ("POS", "NEG")
    assert (said["NARROWING", disc_of("L4/L5")], said["LESION", disc_of("L4/L5")]) == ("POS", "NEG")
    assert said["MODIC", "INFERIOR_L5"] == "POS"
    assert ("MODIC", disc_of("L5/S1")) not in said
    assert ("PFIRRMANN", disc_of("L4/L5")) not in said


def test_the_lowest_disc_is_told_with_who_named_it_and_what_the_program_took_it_for():
    numbering = observed(fhir_bundle(EXAMPLE))["LOWEST_DISC", None]
    assert code_of(numbering["valueCodeableConcept"]) == disc_of("L5/S1")
    assert code_of(component(numbering, "NUMBERED_BY")["valueCodeableConcept"]) == "BY_PROGRAM"
    assert number(component(numbering, "NUMBERING_CONF")) == 0.97
    assert component(numbering, "TRANSITIONAL")["valueBoolean"] is False
    renamed = observed(fhir_bundle(renumber(EXAMPLE, "L4/L5", "AB", NOON)))["LOWEST_DISC", None]
    assert code_of(renamed["valueCodeableConcept"]) == disc_of("L4/L5")
    assert code_of(component(renamed, "AUTO_ANSWER")["valueCodeableConcept"]) == disc_of("L5/S1")
    assert renamed["performer"] == [{"display": "AB"}]


def test_quality_findings_are_observations_and_notes_at_their_disc():
    bundle = fhir_bundle(EXAMPLE)
    findings = [one for one in resources(bundle, "Observation") if code_of(one["code"]) == "111052"]
    assert [code_of(one["valueCodeableConcept"]) for one in findings] == ["modic_type_by_signal", "cropped"]
    assert code_of(component(findings[1], "SEVERITY")["valueCodeableConcept"]) == "SEVERITY_WARNING"
    assert observed(bundle)["DISC", disc_of("T12/L1")]["note"] == [{"text": "The disc touches the edge of the image."}]


def test_the_report_comes_first_groups_all_and_says_what_the_page_says():
    bundle = fhir_bundle(EXAMPLE)
    report = bundle["entry"][0]["resource"]
    assert (report["resourceType"], report["status"]) == ("DiagnosticReport", "preliminary")
    assert report["conclusion"] == summary(EXAMPLE)
    by_address = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    reached, waiting = set(), [one["reference"] for one in report["result"]]
    while waiting:
        reached.add(address := waiting.pop())
        waiting += [one["reference"] for one in by_address[address].get("hasMember", [])]
    assert reached == {url for url, one in by_address.items() if one["resourceType"] == "Observation"}


def test_what_a_finding_says_cannot_break_the_narrative():
    finding = replace(EXAMPLE.quality[0], message="Signal < 3 & noise > 2.")
    report = fhir_bundle(replace(EXAMPLE, quality=[finding]))["entry"][0]["resource"]
    narrative = ElementTree.fromstring(report["text"]["div"])
    assert "info: Signal < 3 & noise > 2." in "".join(narrative.itertext())
    assert "no diagnosis" in "".join(narrative.itertext())


def test_a_correction_is_told_with_what_the_program_said_and_who_changed_it_when():
    report = correct(EXAMPLE, "L4/L5", "upper_endplate_modic", "I", "AB", NOON)
    report = correct(report, "T12/L1", "pfirrmann", 2, "CD", NOON)
    bundle = fhir_bundle(report)
    changed = observed(bundle)["MODIC", "INFERIOR_L4"]
    assert code_of(changed["valueCodeableConcept"]) == "MODIC_I"
    assert code_of(component(changed, "AUTO_ANSWER")["valueCodeableConcept"]) == "MODIC_II"
    assert changed["performer"] == [{"display": "AB"}]
    given_by_reader = component(observed(bundle)["PFIRRMANN", disc_of("T12/L1")], "AUTO_ANSWER")
    assert given_by_reader["dataAbsentReason"]["text"] == "the disc touches the edge of the image"
    first = resources(bundle, "Provenance")[0]
    target = next(one for one in bundle["entry"] if one["fullUrl"] == first["target"][0]["reference"])
    assert target["resource"] == changed
    assert (first["recorded"], first["agent"][0]["who"]["display"]) == (NOON, "AB")
    assert first["entity"][0]["what"]["display"] == "Modic type at the upper endplate: II"
    assert "AUTO_" not in json.dumps(fhir_bundle(EXAMPLE))


def test_an_erased_map_leaves_no_extents_and_its_provenance_names_the_endplate():
    bundle = fhir_bundle(with_erased_map(EXAMPLE))
    BundleR4.model_validate(bundle)
    found = observed(bundle)
    assert ("118565006", "INFERIOR_L5") not in found
    (made,) = resources(bundle, "Provenance")
    (target,) = [one["resource"] for one in bundle["entry"] if one["fullUrl"] == made["target"][0]["reference"]]
    assert len(made["target"]) == 1
    assert target == found["ENDPLATE", "INFERIOR_L5"]


def test_an_extent_of_an_edited_map_stands_beside_what_the_program_measured():
    said = {name: map_reading(one, {"I": 9, "II": 0, "III": 0}) for name, one in EXAMPLE.discs[5].endplates.items()}
    drawn = {**said["upper"], "volume_mm3": 1500.0}
    found = observed(fhir_bundle(correct_map(EXAMPLE, "L5/S1", said, {**said, "upper": drawn}, "CD", NOON)))
    volume = found["118565006", "INFERIOR_L5"]
    assert (number(volume), number(component(volume, "AUTO_NUMBER"))) == (1500.0, 2100.0)
    assert found["ENDPLATE", "INFERIOR_L5"]["performer"] == [{"display": "CD"}]
    assert "performer" not in found["ENDPLATE", "SUPERIOR_S1"]


def test_the_program_and_its_models_are_devices_with_versions_and_checksums():
    bundle = fhir_bundle(EXAMPLE)
    program, model = resources(bundle, "Device")
    assert (program["modelNumber"], program["version"][0]["value"]) == ("ModicGrader", EXAMPLE.software["version"])
    assert (model["modelNumber"], model["identifier"][0]["value"]) == ("example", "0" * 64)
    address = next(one["fullUrl"] for one in bundle["entry"] if one["resource"] == program)
    assert model["parent"] == {"reference": address}
    assert all(one["device"] == {"reference": address} for one in resources(bundle, "Observation"))


def test_the_same_report_gives_the_same_bundle_and_another_one_other_addresses():
    bundle, again = fhir_bundle(EXAMPLE), fhir_bundle(deepcopy(EXAMPLE))
    assert json.dumps(bundle) == json.dumps(again)
    other = fhir_bundle(replace(EXAMPLE, lordosis_deg=45.0))
    assert not {one["fullUrl"] for one in other["entry"]} & {one["fullUrl"] for one in bundle["entry"]}


def test_nothing_tells_whose_study_it_was_unless_it_is_given():
    source = {"path": "/patients/Doe_Jane/T1", "repetition_time_ms": 512.25}
    bundle = fhir_bundle(replace(EXAMPLE, input={"t1": source, "t2": source}))
    told = json.dumps(bundle)
    assert "Doe" not in told
    assert "512.25" not in told
    assert not any(
        {"subject", "imagingStudy", "derivedFrom", "effectiveDateTime", "issued"} & set(one) for one in parts_of(bundle)
    )


def test_a_subject_and_a_study_that_are_given_stand_in_the_report_and_in_every_observation():
    bundle = fhir_bundle(EXAMPLE, "Patient/17", "1.2.840.99")
    BundleR4.model_validate(bundle)
    study = {"type": "ImagingStudy", "identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.2.840.99"}}
    report = bundle["entry"][0]["resource"]
    assert (report["subject"], report["imagingStudy"]) == ({"reference": "Patient/17"}, [study])
    for one in resources(bundle, "Observation"):
        assert (one["subject"], one["derivedFrom"]) == ({"reference": "Patient/17"}, [study])
    by_id = fhir_bundle(EXAMPLE, imaging_study="https://pacs.example/fhir/ImagingStudy/3")["entry"][0]["resource"]
    assert by_id["imagingStudy"] == [{"reference": "https://pacs.example/fhir/ImagingStudy/3"}]


@pytest.mark.parametrize("given", [{"subject": "Jane Doe"}, {"imaging_study": "last Monday"}, {"subject": ""}])
def test_what_is_no_reference_is_refused_with_the_mend(given):
    with pytest.raises(InputError, match=r"; give "):
        fhir_bundle(EXAMPLE, **given)


@pytest.mark.parametrize("system", [code_system(), quality_system()], ids=["codes", "quality"])
def test_our_code_systems_are_valid_in_r4_and_r5(system):
    CodeSystemR4.model_validate(system)
    CodeSystemR5.model_validate(system)
    codes = [one["code"] for one in system["concept"]]
    assert len(set(codes)) == len(codes) > 20


def test_every_code_of_ours_is_defined_and_called_what_its_definition_says():
    defined = {one["code"]: one["display"] for one in code_system()["concept"]}
    report = with_erased_map(correct(EXAMPLE, "L4/L5", "pfirrmann", 3, "AB", NOON))
    used = [one for one in parts_of(fhir_bundle(report)) if one.get("system") == CODES]
    assert len({one["code"] for one in used}) > 50
    for one in used:
        assert one["display"] == defined[one["code"]]


def test_a_report_without_discs_is_a_bundle_too():
    bundle = fhir_bundle(replace(EXAMPLE, discs=[], lordosis_deg=None))
    BundleR4.model_validate(bundle)
    assert "no disc was graded" in bundle["entry"][0]["resource"]["conclusion"].lower()

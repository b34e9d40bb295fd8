"""Tests of the codes in DICOM results: standard ones are DICOM's, ours fit into DICOM and are documented."""

import re
from pathlib import Path

import pytest
from pydicom.sr.codedict import codes

from ModicGraderLib.anatomy import ENDPLATE_LESIONS, MODIC_GRADES, MODIC_TYPES, PFIRRMANN_GRADES
from ModicGraderLib.export import dicom_codes as coded
from ModicGraderLib.terminology import Code

DOCUMENT = Path(__file__).parents[2] / "docs/dicom.md"


def every_code(value: object) -> set[Code]:
    if isinstance(value, Code):
        return {value}
    if isinstance(value, coded.Measure):
        return {value.code, value.unit}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list)) else ()
    return {code for part in parts for code in every_code(part)}


ELSEWHERE = {coded.QUALITATIVE_EVALUATIONS, *coded.VERTEBRA_CODES.values()}
"""Codes that pydicom has no list of, UMLS, or not all, vertebrae: the tests of the terminology are for them."""

STANDARD = {code for value in vars(coded).values() for code in every_code(value)} - {*coded.OWN_CODES} - ELSEWHERE


@pytest.mark.parametrize("code", sorted(STANDARD, key=str), ids=str)
def test_a_standard_code_means_in_dicom_what_it_means_here(code):
    found = [getattr(getattr(codes, code.scheme), name) for name in getattr(codes, code.scheme).dir()]
    assert (code.value, code.meaning) in {(one.value, one.meaning) for one in found}


def test_our_codes_fit_into_dicom_and_differ():
    values = [code.value for code in coded.OWN_CODES]
    meanings = [code.meaning for code in coded.OWN_CODES]
    assert len(set(values)) == len(values) and len(set(meanings)) == len(meanings)
    assert all(re.fullmatch("[A-Z0-9_]{1,16}", value) for value in values), "a Code Value has 16 characters at most"
    assert all(len(meaning) <= 64 for meaning in meanings), "a Code Meaning has 64 characters at most"


def test_every_grade_of_the_report_has_a_code():
    assert tuple(coded.MODIC_VALUES) == MODIC_GRADES
    assert tuple(coded.MODIC_PROBABILITIES) == MODIC_TYPES
    assert tuple(coded.PFIRRMANN_VALUES) == PFIRRMANN_GRADES
    assert tuple(coded.PFIRRMANN_PROBABILITIES) == tuple(map(str, PFIRRMANN_GRADES))
    assert tuple(coded.ENDPLATE_LESION_VALUES) == tuple(coded.ENDPLATE_LESION_PROBABILITIES) == ENDPLATE_LESIONS


def test_the_document_lists_our_codes():
    told = re.findall(r"^\| `([A-Z0-9_]+)` \| (.+?) \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == [(code.value, code.meaning) for code in coded.OWN_CODES]

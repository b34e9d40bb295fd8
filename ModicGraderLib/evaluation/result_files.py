"""`docs/result-files.md` and the schemas that programs read, written from what the code and the report's schema say.

`python -m ModicGraderLib.evaluation.result_files` writes them anew in a checkout; a test tells when that is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..cohort.outcome_columns import KEY_COLUMNS, STUDY_COLUMNS
from ..export.fhir_codes import code_system, quality_system
from ..export.quality_codes import QUALITY_FINDINGS
from ..export.report_schema import report_schema
from ..export.table_columns import ENDPLATE_COLUMNS, LEVEL_COLUMNS, Column, table_schema
from ..resources import resource_path
from ..whole_files import write_text
from .pages import table, write_blocks

PAGE = Path(__file__).parents[2] / "docs" / "result-files.md"


def schemas() -> dict[str, dict[str, Any]]:
    """Every generated file of `Resources/Schemas`, by its name."""
    levels = table_schema(
        "levels", LEVEL_COLUMNS, ["level"], "levels.csv of ModicGrader: one row a disc, head to foot."
    )
    endplates = table_schema(
        "endplates",
        ENDPLATE_COLUMNS,
        ["level", "endplate"],
        "endplates.csv of ModicGrader: one row an endplate, head to foot.",
    )
    studies = table_schema("studies", STUDY_COLUMNS, ["study"], "studies.csv of a cohort: one row a study.")
    return {
        "modicgrader-levels-1.schema.json": levels,
        "modicgrader-endplates-1.schema.json": endplates,
        "modicgrader-studies-1.schema.json": studies,
        "modicgrader-codes-1.fhir.json": code_system(),
        "modicgrader-quality-1.fhir.json": quality_system(),
    }


def blocks() -> dict[str, str]:
    """The generated pieces of the page, by the names of their marks."""
    schema = report_schema()
    definitions = {name: one for name, one in schema["$defs"].items() if "properties" in one}
    return {
        "levels": _columns(LEVEL_COLUMNS),
        "endplates": _columns(ENDPLATE_COLUMNS),
        "cohort": _columns(KEY_COLUMNS),
        "studies": _columns(STUDY_COLUMNS[len(KEY_COLUMNS) :]),
        "report": _fields(schema),
        "quality": table(("code", "meaning"), ((f"`{code}`", said) for code, said in QUALITY_FINDINGS.items())),
        **{f"report {name}": _fields(one) for name, one in definitions.items()},
    }


def write() -> None:
    """Write the schemas and the page anew."""
    for name, content in schemas().items():
        text = json.dumps(content, indent=2, ensure_ascii=False)
        write_text(resource_path("Schemas") / name, f"{text}\n")
    write_blocks(PAGE, blocks())


def _columns(columns: tuple[Column, ...]) -> str:
    rows = (
        (f"`{one.name}`", one.type, one.unit or "", _values(one), one.meaning, one.empty or "never") for one in columns
    )
    return table(("column", "type", "unit", "values", "meaning", "empty where"), rows)


def _values(column: Column) -> str:
    if column.values:
        return ", ".join(f"`{value}`" for value in column.values)
    if column.minimum is None:
        return ""
    return f"from {column.minimum}" if column.maximum is None else f"{column.minimum} to {column.maximum}"


def _fields(schema: dict[str, Any]) -> str:
    return table(("field", "value", "meaning"), _rows(schema, ""))


def _rows(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    """Field, value and meaning of every property of an object, and of the objects in it."""
    for name, field in schema["properties"].items():
        meaning = field["description"]
        if name not in schema.get("required", ()) and "absent" not in meaning:
            meaning += " May be absent."
        yield f"`{path}{name}`", _value(field), meaning
        inner, steps = (field["items"], "[].") if "items" in field else (field, ".")
        if "properties" in inner:
            yield from _rows(inner, f"{path}{name}{steps}")


def _value(field: dict[str, Any]) -> str:
    """What a field can hold, in a few words."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[1]
        return f"[{name.replace('_', ' ')}](#{name.replace('_', '-')})" if _is_object(name) else name
    if "anyOf" in field:
        return " or ".join(_value(one) for one in field["anyOf"])
    if "const" in field or "enum" in field:
        return ", ".join(f"`{json.dumps(one)}`" for one in field.get("enum", [field.get("const")]))
    if "type" not in field:
        return "any"
    if field["type"] == "array":
        return f"list of: {_value(field['items'])}"
    if field["type"] == "object" and "properties" not in field and field.get("additionalProperties"):
        return f"by name: {_value(field['additionalProperties'])}"
    return field["type"] if isinstance(field["type"], str) else " or ".join(field["type"])


def _is_object(name: str) -> bool:
    return "properties" in report_schema()["$defs"][name]


if __name__ == "__main__":
    write()

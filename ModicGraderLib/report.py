"""StudyReport, DiscReport, EndplateReport: what the program says, and its JSON (`modicgrader-report-1`)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from .errors import InputError

SCHEMA = "modicgrader-report-1"


@dataclass(frozen=True)
class QualityFinding:
    """Something about the input or the reading that a reader should see before the grades.

    `code` is stable and machine-readable (`t1_missing`, `shift_corrected`, `numbering_unsure`, ...), `message` is one
    sentence for people, `level` the disc it concerns or None for the whole study.
    """

    code: str
    severity: Literal["info", "warning", "error"]
    message: str
    level: str | None = None


@dataclass(frozen=True)
class Numbering:
    """Which level the lowest disc in view is, who said so, and how sure that is."""

    lowest_disc: str
    source: Literal["model", "user"]
    confidence: float
    transitional_suspected: bool = False


@dataclass
class ModicReading:
    """Modic type: the grade given (None where withheld), calibrated probabilities of the types, and of any change."""

    grade: str | None
    probabilities: dict[str, float] = field(default_factory=dict)
    any_change: float | None = None


@dataclass
class GradeReading:
    """A grade (None where withheld) with the calibrated probability of each."""

    grade: int | str | None
    probabilities: dict[str, float] = field(default_factory=dict)


@dataclass
class NarrowingReading:
    """Probability that the disc is narrowed, and the grade 0 or 1 that follows (None where withheld)."""

    present: float | None
    grade: int | None


@dataclass
class EndplateReport:
    """One endplate of a disc. Extents are None where no measurement was made.

    `height_class_probabilities` are those of the classes A, B and C, empty where no height was measured. `uncertainty`
    holds the half width of the 95 % interval of each extent by its field's name.
    """

    modic: ModicReading
    endplate_change: float | None = None
    marrow_change: float | None = None
    height_percent: float | None = None
    height_class: str | None = None
    anteroposterior_percent: float | None = None
    location: list[str] = field(default_factory=list)
    area_percent: float | None = None
    volume_mm3: float | None = None
    volume_percent: float | None = None
    height_class_probabilities: dict[str, float] = field(default_factory=dict)
    uncertainty: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Correction:
    """What a reader changed in a report; `corrections.py` makes these and takes them back.

    Attributes
    ----------
    level:
        The disc by its present name, None for the whole study.
    field:
        What was corrected: a name of `DiscReport.readings`, "modic_map" or "lowest_disc".
    machine, reader_value:
        What the program said, whatever was corrected in between, and what the reader says: a grade or None where it is
        withheld; the name of a disc; for the map, by endplate, the extents and under "voxels" the count of each type.
    reader:
        Who corrected.
    when:
        ISO 8601, UTC.
    replaced:
        What else of the program's report the correction replaced, so that it can come back.
    """

    level: str | None
    field: str
    machine: Any
    reader_value: Any
    reader: str
    when: str
    replaced: dict[str, Any] = field(default_factory=dict)


@dataclass
class DiscReport:
    """One disc: where it lies (LPS mm, unit vectors) and what was read there.

    Grades are those that count: the reader's where there is one. Probabilities are always the program's, and so is
    `abstained`, which names each grade it withheld, as a list of {"grade", "reason"}. Heights are those
    between the anterior and the posterior corners; `angle_deg` is that between the endplates, positive where the disc
    opens to the front; `listhesis_mm` is how far the vertebra above stands to the front of the one below (negative: to
    the back). `uncertainty` holds the half width of the 95 % interval of each measure by its field's name.
    """

    level: str
    confidence: float
    center_lps_mm: list[float]
    normal_lps: list[float]
    anterior_lps: list[float]
    width_mm: float
    height_mm: float
    height_index: float | None
    corners_lps_mm: dict[str, list[float]]
    modic: ModicReading
    pfirrmann: GradeReading
    endplate_lesion: GradeReading
    narrowing: NarrowingReading
    herniation: float | None
    bulging: float | None
    spondylolisthesis: float | None
    endplates: dict[str, EndplateReport]
    abstained: list[dict[str, str]] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)
    anterior_height_mm: float | None = None
    posterior_height_mm: float | None = None
    angle_deg: float | None = None
    listhesis_mm: float | None = None
    uncertainty: dict[str, float] = field(default_factory=dict)

    @property
    def readings(self) -> dict[str, ModicReading | GradeReading | NarrowingReading]:
        """All that has a grade, by the name under which it is withheld or corrected."""
        return {
            "modic": self.modic,
            **{f"{name}_endplate_modic": endplate.modic for name, endplate in self.endplates.items()},
            "pfirrmann": self.pfirrmann,
            "endplate_lesion": self.endplate_lesion,
            "narrowing": self.narrowing,
        }


@dataclass
class StudyReport:
    """Everything the program says about one study, and what a reader corrected. `discs` run from head to foot.

    `corrections` come in the order in which they were made. `lordosis_deg` is the angle between the upper endplates of
    L1 and S1, None where one of them is not in view; `uncertainty` holds the half width of its 95 % interval under its
    name.
    """

    software: dict[str, Any]
    input: dict[str, Any]
    quality: list[QualityFinding]
    numbering: Numbering
    discs: list[DiscReport]
    schema: str = SCHEMA
    lordosis_deg: float | None = None
    uncertainty: dict[str, float] = field(default_factory=dict)
    corrections: list[Correction] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return asdict(self)

    def to_json(self) -> str:
        """The report as JSON text; a value that is not finite is a fault of ours and raises ValueError."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StudyReport:
        """The report that `to_dict` described."""
        discs = [_disc(dict(disc)) for disc in data["discs"]]
        return cls(
            software=data["software"],
            input=data["input"],
            quality=[QualityFinding(**finding) for finding in data["quality"]],
            numbering=Numbering(**data["numbering"]),
            discs=discs,
            schema=data["schema"],
            lordosis_deg=data.get("lordosis_deg"),
            uncertainty=data.get("uncertainty", {}),
            corrections=[Correction(**correction) for correction in data.get("corrections", [])],
        )

    @classmethod
    def read(cls, path: Path) -> StudyReport:
        """The report in a `report.json`; raises InputError where there is none."""
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); name a report.json or truth.json") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is not a report of ModicGrader; name a report.json or truth.json") from error


def _disc(disc: dict[str, Any]) -> DiscReport:
    endplates = {
        name: EndplateReport(**{**endplate, "modic": ModicReading(**endplate["modic"])})
        for name, endplate in disc["endplates"].items()
    }
    return DiscReport(
        **{
            **disc,
            "modic": ModicReading(**disc["modic"]),
            "pfirrmann": GradeReading(**disc["pfirrmann"]),
            "endplate_lesion": GradeReading(**disc["endplate_lesion"]),
            "narrowing": NarrowingReading(**disc["narrowing"]),
            "endplates": endplates,
        }
    )

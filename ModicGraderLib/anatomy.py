"""Levels, endplates and grade vocabularies: the words of the whole house.

Discs and vertebrae are always listed from the sacrum upwards, because that is how they are counted: the
lowest disc in view is the anchor of the numbering. Reports list them head to foot, as radiologists do.
"""

from __future__ import annotations

VERTEBRAE_UPWARDS = ("S1", "L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10", "T9")
"""Vertebrae a lumbar examination can show, from the sacrum upwards."""

DISCS_UPWARDS = tuple(
    f"{upper}/{lower}" for lower, upper in zip(VERTEBRAE_UPWARDS[:-1], VERTEBRAE_UPWARDS[1:], strict=True)
)
"""Discs between them, `L5/S1` first."""

GRADED_DISCS = ("T12/L1", "L1/L2", "L2/L3", "L3/L4", "L4/L5", "L5/S1")
"""The six discs that are graded, head to foot."""

CORNERS = ("upper_anterior", "upper_posterior", "lower_anterior", "lower_posterior")
"""Corners of a disc: `upper` lies on the vertebra above it, `lower` on the one below."""

ENDPLATES = ("upper", "lower")
"""Endplates of a disc: `upper` is the inferior endplate of the vertebra above, `lower` the superior one below."""

MODIC_TYPES = ("0", "I", "II", "III")
"""Modic types with a probability of their own (Modic 1988)."""

MODIC_GRADES = ("0", "I", "II", "III", "I/II", "II/III")
"""Grades a report may give: the types and their mixed forms (Fayad 2009)."""

MODIC_COURSE = ("0", "I", "I/II", "II", "II/III", "III")
"""The same in the order in which a change runs its course, for weights by distance and for charts."""

PFIRRMANN_GRADES = (1, 2, 3, 4, 5)
"""Disc degeneration (Pfirrmann 2001)."""

ENDPLATE_LESIONS = ("normal", "wavy_irregular", "notched", "schmorl_node")
"""Endplate lesion of a disc (Bassani 2023, Table 1)."""

CANAL_LABEL = 100
"""Label of the spinal canal in a spine label volume."""

MODIC_MAP_LABELS = {"I": 1, "II": 2, "III": 3}
"""Labels of `modic_map.nii.gz`."""


def vertebra_label(vertebra: str) -> int:
    """Label of a vertebra in a spine label volume: S1 is 1, L5 is 2, and so on upwards."""
    return VERTEBRAE_UPWARDS.index(vertebra) + 1


def disc_label(disc: str) -> int:
    """Label of a disc in a spine label volume: L5/S1 is 201, L4/L5 is 202, and so on upwards."""
    return 201 + DISCS_UPWARDS.index(disc)


def vertebrae_of(disc: str) -> tuple[str, str]:
    """Names of the vertebrae (above, below) a disc: `("L4", "L5")` for `L4/L5`."""
    above, below = disc.split("/")
    return above, below


def endplate_side(disc: str, endplate: str) -> tuple[str, str]:
    """Vertebra and side of an endplate, as radiologists say.

    Example
    -------
    >>> endplate_side("L4/L5", "upper"), endplate_side("L4/L5", "lower")
    (('L4', 'inferior'), ('L5', 'superior'))
    """
    return vertebrae_of(disc)[ENDPLATES.index(endplate)], {"upper": "inferior", "lower": "superior"}[endplate]


def steps_up(start: str, end: str) -> int:
    """How many levels the disc `end` lies above the disc `start`; negative where it lies below."""
    return DISCS_UPWARDS.index(end) - DISCS_UPWARDS.index(start)


def moved_up(name: str, steps: int) -> str | None:
    """The disc or vertebra that lies `steps` above another one; None where that has no name.

    Example
    -------
    >>> moved_up("L4/L5", 1), moved_up("L4", -2), moved_up("S1", -1)
    ('L3/L4', 'S1', None)
    """
    names = DISCS_UPWARDS if "/" in name else VERTEBRAE_UPWARDS
    index = names.index(name) + steps
    return names[index] if 0 <= index < len(names) else None

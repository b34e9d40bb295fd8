"""What a reader is asked at every disc, and what to look at for each answer."""

from __future__ import annotations

from ..anatomy import ENDPLATE_LESIONS, MODIC_GRADES, PFIRRMANN_GRADES
from ..errors import InputError

Grade = int | str

ITEMS: dict[str, tuple[Grade, ...]] = {
    "modic_upper": MODIC_GRADES,
    "modic_lower": MODIC_GRADES,
    "pfirrmann": PFIRRMANN_GRADES,
    "narrowing": (0, 1),
    "endplate_lesion": ENDPLATE_LESIONS,
}
"""The items of the answer sheet, by the names that `comparison.Comparison` has for them, with the grades they take."""

NOT_CALLED = "A change lies here that is too small or too faint to be called; it does not count."
"""Said of an endplate that has no true grade."""

_MODIC_SIGNS = {
    "0": "The marrow beside the endplate is like the rest of the vertebral bodies, on T1 and on T2.",
    "I": "Darker than the patient's own marrow on T1, brighter on T2: edema and fibrovascular tissue.",
    "II": "Brighter than the patient's own marrow on T1, equal or brighter on T2: fat. T1 decides.",
    "III": "Dark on T1 and on T2, far thicker than the endplate's own dark line: sclerosis.",
    "I/II": "One part dark on T1 and bright on T2, another bright on T1: edema turning into fat.",
    "II/III": "One part dark on both contrasts, another bright on T1: sclerosis beside fat.",
}

SIGNS: dict[str, dict[Grade, str]] = {
    "modic_upper": _MODIC_SIGNS,
    "modic_lower": _MODIC_SIGNS,
    "pfirrmann": {
        1: "T2: the nucleus is homogeneous and as bright as the cerebrospinal fluid; full height.",
        2: "T2: bright but inhomogeneous, often with a dark band, clearly set off from the annulus; full height.",
        3: "T2: gray, the border of nucleus and annulus no longer clear; height full or slightly reduced.",
        4: "T2: gray to black, nucleus and annulus cannot be told apart; height full to moderately reduced.",
        5: "T2: black, and the disc space has collapsed.",
    },
    "narrowing": {
        0: "The disc is about as high as its neighbors let expect; height grows downwards to L4/L5.",
        1: "The disc has lost more than a fifth of its height; compare it with the discs above.",
    },
    "endplate_lesion": {
        "normal": "Both endplates are smooth and slightly hollow.",
        "wavy_irregular": "An endplate has lost its even curve and undulates, without a single deep pit.",
        "notched": "A small V-shaped or round notch filled by disc, perhaps on one slice only.",
        "schmorl_node": "The disc reaches deep into the body: a rounded pit with a smooth, dark rim.",
    },
}
"""By item and true grade: what the pictures show."""


def check_grade(item: str, grade: Grade | None) -> None:
    """Raise InputError unless an item of the sheet takes this grade, or None, which leaves it open."""
    if item not in ITEMS:
        raise InputError(f"{item!r} is not asked; give one of {', '.join(ITEMS)}")
    # A bool or a float equals a whole number, but is written to files as something else.
    if grade is not None and (type(grade) not in (int, str) or grade not in ITEMS[item]):
        raise InputError(f"{grade!r} is no grade of {item}; give one of {', '.join(map(str, ITEMS[item]))}, or None")


def look_at(item: str, truth: Grade | None) -> str:
    """What to look at on the pictures of a disc whose true grade is `truth`."""
    return NOT_CALLED if truth is None else SIGNS[item][truth]

"""What others found in people with back pain, to set a cohort beside. All of it was read by people."""

from __future__ import annotations

from dataclasses import dataclass

MODIC_BY_LEVEL = {
    "T12/L1": 0.19,
    "L1/L2": 0.32,
    "L2/L3": 0.38,
    "L3/L4": 0.40,
    "L4/L5": 0.49,
    "L5/S1": 0.40,
}
"""Share of discs with a Modic change among the 1,520 of SPIDER (van der Graaf 2024), counted in its gradings."""

MODIC_BY_LEVEL_SOURCE = "SPIDER, 1,520 discs read by an expert (van der Graaf et al., Sci Data 11:264, 2024)"


@dataclass(frozen=True)
class Published:
    """One published figure: what it is, what was found, and who found it."""

    what: str
    found: str
    source: str


PEOPLE_WITH_ANY_CHANGE = Published(
    "People with a Modic change at any level",
    "median 43\u202f% with back pain, 6\u202f% without",
    "Jensen et al., Eur Spine J 17:1407, 2008 (review)",
)
AT_THE_LOWEST_LEVELS = Published(
    "Changes that lie at L4/L5 and L5/S1", "67\u202f%", "Jensen et al., BMC Musculoskelet Disord 10:81, 2009"
)
TYPES = Published("Types", "II most, III least common", "Jensen et al. 2008")
HEIGHT_CLASSES = Published("Height classes A / B / C", "34 / 45 / 21\u202f% (surgical patients)", "Udby et al. 2022")

"""What readers and other systems have reached elsewhere: published figures beside our own, unit by unit.

Figures are those of the papers themselves, or of public abstracts of them; none was reproduced here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .answers import Score
from .pages import table


@dataclass(frozen=True)
class Peer:
    """A published figure: of which of our tasks, in whose words of metric and unit, on which data, and who says so."""

    task: str
    unit: str
    metric: str
    figure: str
    data: str
    source: str


PEERS = (
    Peer(
        "any Modic change",
        "disc",
        "balanced accuracy",
        "0.923",
        "552 discs, 92 patients, cross-validated by patient",
        "Damopoulos 2019, network (T1 + T2, five slices)",
    ),
    Peer(
        "any Modic change",
        "not stated",
        "balanced accuracy",
        "0.86",
        "NFBC1966, 1,331 people",
        "SpineNet, McSweeney 2023",
    ),
    Peer("any Modic change", "not stated", "kappa", "0.74", "NFBC1966, 1,331 people", "SpineNet, McSweeney 2023"),
    Peer("any Modic change", "not stated", "kappa", "0.63", "75 examinations", "Gao 2022, network against reader"),
    Peer(
        "Modic 0, I, II, III",
        "disc",
        "balanced accuracy",
        "0.773 (of 0, I, II)",
        "552 discs, 92 patients, cross-validated by patient",
        "Damopoulos 2019, network",
    ),
    Peer(
        "Modic 0, I, II, III",
        "disc",
        "balanced accuracy",
        "0.82 (of 0, I, II)",
        "912 discs of 152 patients, folds by disc, not by patient",
        "Cina 2023, network; mean of its sensitivities",
    ),
    Peer(
        "Modic 0, I, II, III",
        "not stated",
        "kappa",
        "0.52; with a network's help 0.58",
        "75 examinations",
        "Gao 2022, junior against senior reader",
    ),
    Peer(
        "Modic 0, I, II, III",
        "not stated",
        "weighted kappa",
        "0.56 to 0.74 between readers; 0.85 within",
        "94 patients, mixed types told",
        "Fayad 2009, readers",
    ),
    Peer("Modic 0, I, II, III", "not stated", "kappa", "0.41 to 0.60", "53 patients", "Arana 2010, five radiologists"),
    Peer(
        "any Modic change of an endplate",
        "endplate",
        "balanced accuracy",
        "0.901 upper, 0.890 lower; reader with himself 0.925, 0.914",
        "12,018 discs, T2 alone",
        "SpineNet, Jamaludin 2016",
    ),
    Peer(
        "height class of a change",
        "not stated",
        "kappa",
        "0.61 between readers; 0.68 within",
        "213 patients",
        "Udby 2024, classes A, B, C",
    ),
    Peer(
        "endplate lesion (Bassani)",
        "disc",
        "balanced accuracy",
        "0.87",
        "312 discs, split by picture",
        "Bassani 2023, network; mean of its sensitivities",
    ),
    Peer(
        "endplate lesion (Bassani)",
        "disc",
        "Fleiss kappa",
        "0.73 between readers; 0.89 within",
        "not stated",
        "Brayda-Bruno 2018, readers",
    ),
    Peer(
        "endplate change",
        "endplate",
        "balanced accuracy",
        "0.858 upper, 0.873 lower; reader with himself 0.807, 0.833",
        "12,018 discs, T2 alone",
        "SpineNet, Jamaludin 2016",
    ),
    Peer(
        "Pfirrmann",
        "disc",
        "balanced accuracy",
        "0.712; reader with himself 0.704",
        "12,018 discs, T2 alone",
        "SpineNet, Jamaludin 2016",
    ),
    Peer(
        "Pfirrmann", "not stated", "balanced accuracy", "0.78", "NFBC1966, 1,331 people", "SpineNetV2, McSweeney 2023"
    ),
    Peer("Pfirrmann", "not stated", "kappa", "0.68", "NFBC1966, 1,331 people", "SpineNetV2, McSweeney 2023"),
    Peer(
        "Pfirrmann",
        "not stated",
        "kappa",
        "about 0.6 between readers, 0.8 within",
        "review of studies",
        "Niemeyer 2021",
    ),
    Peer("Pfirrmann", "disc", "macro F1", "0.594 and 0.626", "SPIDER, one split, one seed", "third-party networks"),
    Peer("narrowing", "disc", "macro F1", "0.851 and 0.865", "SPIDER, one split, one seed", "third-party networks"),
    Peer(
        "narrowing",
        "disc",
        "balanced accuracy",
        "0.745 (four grades); reader with himself 0.720",
        "12,018 discs, T2 alone",
        "SpineNet, Jamaludin 2016",
    ),
)
"""By task, in the order of our own tables."""

INTRO = """What readers and other systems have reached elsewhere, beside ours in the same metric where we have it.
Theirs are other patients, other readers and other definitions of the truth, so that a difference of some hundredths
says nothing; only rows marked SPIDER are of the same discs, in another split."""


def peers_table(found: Sequence[Score]) -> str:
    """Published figures beside our scores, for the tasks that these are of, as Markdown."""
    own = {(one.task, one.metric): str(one.estimate) for one in found}
    tasks = {one.task for one in found}
    rows = [
        (
            peer.task,
            peer.metric,
            own.get((peer.task, peer.metric), ""),
            peer.figure,
            peer.unit,
            peer.data,
            peer.source,
        )
        for peer in PEERS
        if peer.task in tasks
    ]
    head = ("task", "metric", "ours", "published", "their unit", "their data", "source")
    return INTRO.replace("\n", " ") + "\n\n" + table(head, rows)

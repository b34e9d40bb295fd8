"""Where the spine lies on a real study whose truth nobody has drawn: found by the shipped localizer."""

from __future__ import annotations

from dataclasses import replace

from ..localization.agreement import agree_on_discs
from ..localization.locate import load_network, locate_spine
from ..localization.network import SpineNetwork
from ..localization.spine import SpineLocation
from ..study import SpineStudy


def located_study(
    study: SpineStudy, lowest_disc: str | None = None, network: SpineNetwork | None = None
) -> tuple[SpineStudy, SpineLocation]:
    """The study, T1 brought onto T2 where their discs say so as the pipeline does, and its spine.

    Parameters
    ----------
    lowest_disc:
        Name of the lowest disc in view where it is known; the localizer's own numbering if None.
    network:
        The localizer; the shipped one if None.

    Raises
    ------
    InputError
        No spine is seen.
    """
    network = network or load_network()
    study, _ = agree_on_discs(study, network)
    return study, locate_spine(study, network=network, lowest_disc=lowest_disc)[0]


def with_age(study: SpineStudy, years: float) -> SpineStudy:
    """The study of a patient of known age, which its volumes then have as `source["age_years"]`."""
    t1, t2 = (
        volume and replace(volume, source={**volume.source, "age_years": years}) for volume in (study.t1, study.t2)
    )
    return replace(study, t1=t1, t2=t2)

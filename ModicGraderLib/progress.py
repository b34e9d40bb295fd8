"""Progress and cancellation, passed down through every stage."""

from __future__ import annotations

from collections.abc import Callable

from .errors import Cancelled


class Progress:
    """What a long computation reports to, and asks whether it should go on.

    Parameters
    ----------
    report:
        Called with (fraction of the whole in [0, 1], what is being done now).
    is_cancelled:
        Asked before every step; true ends the computation with `Cancelled`.

    Example
    -------
    >>> heard = []
    >>> progress = Progress(report=lambda fraction, text: heard.append((fraction, text)))
    >>> reading = progress.part(0.0, 0.5)
    >>> reading.step(0.5, "Reading T1")
    >>> heard
    [(0.25, 'Reading T1')]
    """

    def __init__(
        self,
        report: Callable[[float, str], None] = lambda fraction, text: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ):
        self._report = report
        self._is_cancelled = is_cancelled

    def step(self, fraction: float, text: str) -> None:
        """Say that `fraction` of the work is done and `text` comes next; raise `Cancelled` if it should not."""
        if self._is_cancelled():
            raise Cancelled("cancelled by the user; nothing was written")
        self._report(min(max(fraction, 0.0), 1.0), text)

    def part(self, start: float, end: float) -> Progress:
        """A progress of its own for the stretch of the work from `start` to `end`."""
        return Progress(lambda fraction, text: self._report(start + (end - start) * fraction, text), self._is_cancelled)

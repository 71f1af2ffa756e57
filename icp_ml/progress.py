"""How far a run is: named stages, each a known share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Progress = Callable[[str, float], None]


class StageClock:
    """Times the stages of a run and says how much of it is done.

    Parameters
    ----------
    weights : mapping of stage to number
        What share of the time each stage takes, in order.
    progress : callable or None
        Called with a stage's name and the share of all work done.
    """

    def __init__(self, weights: Mapping[str, float], progress: Progress | None) -> None:
        self.weights = weights
        self.progress = progress
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside."""
        start = time.perf_counter()
        self._say(name, 0.0)
        yield
        self.seconds[name] = time.perf_counter() - start
        self._say(name, 1.0)

    def within(self, name: str) -> Progress:
        """Return a callable for progress inside one stage."""
        return lambda _detail, share: self._say(name, share)

    def _say(self, name: str, share: float) -> None:
        if self.progress:
            stages = tuple(self.weights)
            done = sum(self.weights[s] for s in stages[: stages.index(name)]) + share * self.weights[name]
            self.progress(name, done / sum(self.weights.values()))

"""From candidates to traits: one after the other, each given those found before, until chance would do as well.

Forward: the most surprising find given the traits so far joins them, and all are worded anew. Exchange: each trait's
place is offered to every other candidate, given all others, so that a stand-in that came first gives way to what it
stood for. Backward: what the others explain is dropped.

A find joins while the mean of -log(1 - p) over all that joined stays under the level (ForwardStop; G'Sell, Wager,
Chouldechova and Tibshirani 2016), read in order: the first is held to the level itself, so that without any real trait
the chance to claim one is at most the level, and among many the expected share of false ones is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icp_ml.traits.chance import Chance
from icp_ml.traits.scan import Picked, Sample, Scan, basis_of, focused, scan
from icp_ml.traits.wording import Wording

MOST = 15  # traits; more than a person can act on
SWEEPS = 3
WORTH_A_LOOK = 1.5  # surprise by itself of terms that a quick search looks at: about every fifth of chance's own


@dataclass(frozen=True)
class Pick:
    """One selected trait: its term, the columns of its codes, its z given the others, and how surprising that is."""

    term: int
    columns: tuple[int, ...]
    z: float
    surprise: float

    @property
    def key(self) -> Picked:
        """Its term and columns."""
        return self.term, self.columns


@dataclass(frozen=True)
class Rule:
    """When to stop.

    Attributes
    ----------
    level : float
        Of false discoveries.
    gradual : bool
        The level is for the mean over all that joined; else every find is held to it.
    most : int
        Traits.
    allowed : ndarray of bool, shape (terms,), optional
        Terms that may be picked; all where left out.
    quick : bool
        Look only at terms that say something by themselves, and exchange once.
    """

    level: float
    gradual: bool = True
    most: int = MOST
    allowed: npt.NDArray[np.bool_] | None = None
    quick: bool = False

    def allows(self, chance: Chance, surprises: list[float]) -> bool:
        """Return whether all of these may be claimed together."""
        p = [min(chance.p_value(s), 1 - 1e-9) for s in sorted(surprises, reverse=True)]
        if not self.gradual:
            return all(value <= self.level for value in p)
        total = 0.0
        for k, value in enumerate(p, start=1):
            total -= math.log1p(-value)
            if total > self.level * k:
                return False
        return True


def select(sample: Sample, chance: Chance, wording: Wording, rule: Rule) -> list[Pick]:
    """Pick traits, the most surprising first."""
    picks: list[Pick] = []
    if rule.quick:
        alone = chance.surprise(scan(basis_of(sample, []), []).z)
        sample.focus = focused(sample.layout, alone >= WORTH_A_LOOK)
    while len(picks) < rule.most:
        found = scan(basis_of(sample, [p.key for p in picks]), [p.key for p in picks])
        best = _most_surprising(found, chance, rule, picks)
        if best is None or not rule.allows(chance, [*(p.surprise for p in picks), best.surprise]):
            break
        new = _worded(sample, chance, wording, best, picks)
        picks = [*picks, new or best]
        if not rule.quick:
            picks = _reworded(sample, chance, wording, picks)
    if rule.quick:
        picks = _reworded(sample, chance, wording, picks)
    for _ in range(1 if rule.quick else SWEEPS):
        before = [p.key for p in picks]
        picks = _exchanged(sample, chance, wording, rule, picks)
        picks = _pruned(sample, chance, wording, rule, picks)
        if [p.key for p in picks] == before:
            break
    return sorted(picks, key=lambda p: (-p.surprise, p.term, p.columns))


def _most_surprising(found: Scan, chance: Chance, rule: Rule, picks: list[Pick]) -> Pick | None:
    surprise = np.round(chance.surprise(found.z), 9)
    surprise[found.z == 0] = -1.0
    if rule.allowed is not None:
        surprise[~rule.allowed] = -1.0
    for pick in picks:  # a second trait of the same direction is the first one worded badly
        if pick.z * found.z[pick.term] > 0:
            surprise[pick.term] = -1.0
    term = int(np.argmax(surprise))
    if surprise[term] <= 0:
        return None
    return Pick(term, found.columns[term], float(found.z[term]), float(surprise[term]))


def _reworded(sample: Sample, chance: Chance, wording: Wording, picks: list[Pick]) -> list[Pick]:
    """Word every trait anew given the others; one that nothing speaks for any more is dropped."""
    out = list(picks)
    for pick in picks:
        at = out.index(pick)
        others = out[:at] + out[at + 1 :]
        new = _worded(sample, chance, wording, pick, others)
        out = [*out[:at], *([new] if new else []), *out[at + 1 :]]
    return out


def _worded(sample: Sample, chance: Chance, wording: Wording, pick: Pick, others: list[Pick]) -> Pick | None:
    basis = basis_of(sample, [p.key for p in others])
    before = {c for p in others if p.term == pick.term for c in p.columns}
    found = wording.columns(basis, pick.term, pick.z, before)
    if found is None:
        return None
    z, columns = found
    return Pick(pick.term, columns, z, float(chance.surprise(np.array([z]), pick.term)[0]))


def _exchanged(sample: Sample, chance: Chance, wording: Wording, rule: Rule, picks: list[Pick]) -> list[Pick]:
    out = list(picks)
    for pick in sorted(picks, key=lambda p: (p.surprise, p.term)):
        at = out.index(pick)
        others = out[:at] + out[at + 1 :]
        found = scan(basis_of(sample, [p.key for p in others]), [p.key for p in others])
        best = _most_surprising(found, chance, rule, others)
        if best is not None and best.term != pick.term:
            best = _worded(sample, chance, wording, best, others)
        if best is not None and best.term != pick.term and best.surprise > pick.surprise:
            out[at] = best
    return _reworded(sample, chance, wording, out)


def _pruned(sample: Sample, chance: Chance, wording: Wording, rule: Rule, picks: list[Pick]) -> list[Pick]:
    while picks and not rule.allows(chance, [p.surprise for p in picks]):
        weakest = min(picks, key=lambda p: (p.surprise, -p.term))
        picks = _reworded(sample, chance, wording, [p for p in picks if p is not weakest])
    return picks

"""What half of the customers would have found: stability, and lift where a trait was not found.

Complementary pairs (Shah & Samworth 2013): the customers are split in two at random, and each half goes through the
whole search by itself, wording included. How often the halves find a trait is its stability; its lift is read off the
other half, which had no part in finding or wording it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import FloatArray
from icp_ml.traits.candidates import IntArray, Layout
from icp_ml.traits.chance import Chance
from icp_ml.traits.scan import Sample
from icp_ml.traits.selection import Pick, Rule, select
from icp_ml.traits.wording import Wording

BoolArray = npt.NDArray[np.bool_]
SAME = 0.5  # overlap of two finds (Jaccard, by customers) that are taken for one
MORE = (
    3  # traits a half finds beyond those of all customers: with half of the evidence it cannot stop where chance would
)
LEAST_IN_HALF = 5  # customers


@dataclass(frozen=True)
class Half:
    """Some customers, those left, and what the former found."""

    rows: IntArray
    others: IntArray
    picks: list[Pick]


@dataclass(frozen=True)
class Resampled:
    """What the half-samples say of one trait.

    Attributes
    ----------
    stability : float
        Share of the half-samples that found it.
    found, held_out : float
        Mean log lift in the halves that found it, of what they found, and of the same in the other halves; NaN where
        none did.
    """

    stability: float
    found: float
    held_out: float


def inside_of(layout: Layout, columns: Sequence[int]) -> BoolArray:
    """Return which customers show any of some columns."""
    return np.asarray(layout.matrix[:, list(columns)].sum(axis=1)).ravel() > 0


def halves_of(
    layout: Layout,
    score: FloatArray,
    chance: Chance,
    wording: Wording,
    rule: Rule,
    found: int,
    pairs: int,
    seed: int,
    groups: IntArray | None = None,
) -> list[Half]:
    """Search complementary halves of the customers; `found` is how many traits all of them gave.

    A group is in one half whole.
    """
    rng = np.random.default_rng([seed, 12])
    own = replace(rule, level=1.0, gradual=False, most=found + MORE, allowed=None, quick=True)
    out = []
    for _ in range(pairs):
        one, other = _halved(len(score), groups, rng)
        for rows, rest in ((one, other), (other, one)):
            sample = Sample(layout, score, rows, least=LEAST_IN_HALF)
            out.append(Half(rows, rest, select(sample, chance, wording, own)))
    return out


def _halved(n: int, groups: IntArray | None, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    if groups is None:
        order = rng.permutation(n)
        return np.sort(order[: n // 2]), np.sort(order[n // 2 :])
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    first = np.zeros(len(sizes), dtype=bool)
    first[order[np.cumsum(sizes[order]) - sizes[order] / 2 <= n / 2]] = True  # as near to a half as whole groups come
    inside = first[groups]
    return np.flatnonzero(inside), np.flatnonzero(~inside)


def resampled(pick: Pick, halves: Sequence[Half], layout: Layout, best: BoolArray) -> Resampled:
    """Return how often the halves found a trait, and its lift in those that found it and in the others."""
    mine = inside_of(layout, pick.columns)
    times, here, there = 0, [], []
    for half in halves:
        for other in half.picks:
            if other.term != pick.term or other.z * pick.z <= 0:
                continue
            theirs = inside_of(layout, other.columns)
            if (mine & theirs).sum() >= SAME * (mine | theirs).sum():
                times += 1
                here.append(_log_lift(theirs[half.rows], best[half.rows]))
                there.append(_log_lift(theirs[half.others], best[half.others]))
                break
    nothing = float("nan")
    means = (float(np.mean(here)), float(np.mean(there))) if here else (nothing, nothing)
    return Resampled(times / max(len(halves), 1), *means)


def _log_lift(inside: BoolArray, best: BoolArray) -> float:
    whole = (best.sum() + 0.5) / (len(best) + 1.0)
    return float(np.log((best[inside].sum() + 0.5) / (inside.sum() + 1.0) / whole))

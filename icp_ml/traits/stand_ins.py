"""What goes along with a trait and would pass for one, were the trait not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from icp_ml.traits.candidates import Layout
from icp_ml.traits.chance import Chance
from icp_ml.traits.halves import inside_of
from icp_ml.traits.scan import Sample, basis_of, scan
from icp_ml.traits.selection import Pick
from icp_ml.traits.wording import Wording

ALIKE = 0.25  # correlation of two statements, among customers of whom both are known
MOST = 4
LEVEL = 0.05


@dataclass(frozen=True)
class StandIn:
    """A statement about another term, and how closely it goes along."""

    term: int
    columns: tuple[int, ...]
    correlation: float


def stand_ins(
    sample: Sample, chance: Chance, wording: Wording, picks: Sequence[Pick], terms: int
) -> list[tuple[StandIn, ...]]:
    """Return for every trait the statements that by themselves look like traits and go along with it most.

    Parameters
    ----------
    terms : int
        Those of the model: no others have a wording.
    """
    layout, basis = sample.layout, basis_of(sample, [])
    alone = scan(basis, [])
    surprise = chance.surprise(alone.z)
    picked = {pick.term for pick in picks}
    out: list[list[StandIn]] = [[] for _ in picks]
    held = [(inside_of(layout, pick.columns), _known(layout, pick.term)) for pick in picks]
    for term in range(terms):
        if term in picked or not alone.z[term] or chance.p_value(float(surprise[term])) > LEVEL:
            continue
        worded = wording.columns(basis, term, float(alone.z[term]), set())
        if worded is None:
            continue
        z, columns = worded
        inside, known = inside_of(layout, columns), _known(layout, term)
        alike = [
            _correlation(inside, mine, known & there) * np.sign(z * pick.z)
            for (mine, there), pick in zip(held, picks, strict=True)
        ]
        closest = int(np.argmax(np.round(alike, 9))) if alike else 0
        if alike and alike[closest] >= ALIKE:
            out[closest].append(StandIn(term, columns, float(alike[closest])))
    return [tuple(sorted(found, key=lambda s: (-round(s.correlation, 9), s.term))[:MOST]) for found in out]


def _known(layout: Layout, term: int) -> np.ndarray:
    return inside_of(layout, [int(layout.known[term])])


def _correlation(one: np.ndarray, other: np.ndarray, known: np.ndarray) -> float:
    a, b = one[known].astype(np.float64), other[known].astype(np.float64)
    if len(a) < 2 or not a.std() or not b.std():
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])

"""Where customers have been won so far: what nearly all of them have, best and worst alike, and the list has not.

Such a statement looks like a filter and is none: too few customers lie outside it to say how those would do. It is
printed as what it is, and excludes nobody.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import (
    FIRST_BIN,
    FIRST_VALUE,
    MISSING,
    PRESENT,
    TRUE,
    Codes,
    FloatArray,
    Term,
)
from icp_ml.estimator.labels import statement
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.profile.rates import rate_inside
from icp_ml.traits import Trait

INSIDE_SHARE = 0.95  # of customers whose value is known, and so of the best and of the worst
LIST_SHARE = 0.7  # of the list, at most: else there is little outside
KNOWN_SHARE = 0.6  # of customers, and of the list
MIN_KNOWN = 60  # customers: of fewer, all being inside says little
MOST_VALUES = 8
MOST = 5


def sold_so_far(
    tables: ScoringTables, codes: Codes, status: npt.NDArray[np.str_], market_codes: Codes | None
) -> tuple[Trait, ...]:
    """Return where nearly all customers are and the list is not, the narrowest first.

    Parameters
    ----------
    tables : ScoringTables
    codes : ndarray of shape (n, terms)
        Mature customers.
    status : ndarray of shape (n,)
        best, worst or middle.
    market_codes : ndarray of shape (m, terms) or None
        A list; without one nothing can be said.
    """
    if market_codes is None or not len(market_codes):
        return ()
    out = []
    for j, term in enumerate(tables.terms):
        own, listed = codes[:, j], market_codes[:, j]
        known, on_list = own != MISSING, listed != MISSING
        if known.sum() < MIN_KNOWN or known.mean() < KNOWN_SHARE or on_list.mean() < KNOWN_SHARE:
            continue
        counts = np.bincount(own[known], minlength=term.size).astype(float)
        market = np.bincount(listed[on_list], minlength=term.size).astype(float)
        chosen = _narrowest(term, counts, market / market.sum())
        if not chosen or market[list(chosen)].sum() / market.sum() > LIST_SHARE:
            continue
        inside = np.isin(own, chosen)
        if all((inside | ~known)[status == name].mean() >= INSIDE_SHARE for name in ("best", "worst")):
            share = float(market[list(chosen)].sum() / market.sum())
            out.append(_trait(tables, j, chosen, inside, status, share))
    fields: dict[str, Trait] = {}
    for trait in sorted(out, key=lambda t: (t.market_share or 0.0, t.term)):
        fields.setdefault(trait.field, trait)
    return tuple(fields.values())[:MOST]


def _narrowest(term: Term, counts: FloatArray, listed: FloatArray) -> tuple[int, ...]:
    """Return the codes that hold nearly all customers and as little of the list as can be."""
    kind, wanted = term.encoding.kind, INSIDE_SHARE * counts.sum()
    if kind in ("tokens", "boolean"):
        yes = PRESENT if kind == "tokens" else TRUE
        return (yes,) if counts[yes] >= wanted else ()
    if kind == "numeric":
        return _narrowest_run(counts, listed, wanted)
    values = np.arange(FIRST_VALUE, term.size)
    order = values[np.argsort(-counts[values], kind="stable")]
    needed = int(np.searchsorted(np.cumsum(counts[order]), wanted)) + 1
    if needed > min(len(order), MOST_VALUES):
        return ()
    return tuple(sorted(int(c) for c in order[:needed]))


def _narrowest_run(counts: FloatArray, listed: FloatArray, wanted: float) -> tuple[int, ...]:
    last = len(counts) - 2
    best: tuple[float, tuple[int, ...]] = (np.inf, ())
    for first in range(FIRST_BIN, last + 1):
        held = np.cumsum(counts[first : last + 1])
        end = first + int(np.searchsorted(held, wanted))
        if end > last:
            break
        # The first and last bin stand for all that lies beyond.
        low = 0 if first > FIRST_BIN else 1
        high = end + 1 if end < last else len(counts)
        share = float(listed[first if low == 0 else low : high].sum())
        if share < best[0]:
            best = share, tuple(range(first if low == 0 else low, high))
    return best[1]


def _trait(
    tables: ScoringTables,
    j: int,
    chosen: tuple[int, ...],
    inside: npt.NDArray[np.bool_],
    status: npt.NDArray[np.str_],
    share: float,
) -> Trait:
    term, best = tables.terms[j], np.asarray(status == "best")
    found = rate_inside(inside, best)
    return Trait(
        sentence=statement(term, chosen),
        field=term.field,
        term=term.name,
        category=term.encoding.category,
        direction="positive",
        codes=chosen,
        values=_values(term, chosen),
        customers=found.customers,
        best=found.best,
        best_support=float(inside[best].mean()),
        worst_support=float(inside[status == "worst"].mean()),
        rate=found.rate,
        lift=found.lift,
        lift_low=found.lift_low,
        lift_high=found.lift_high,
        stability=0.0,
        p_value=1.0,
        contribution=0.0,
        market_share=share,
    )


def _values(term: Term, chosen: tuple[int, ...]) -> dict[str, object]:
    enc = term.encoding
    if enc.kind == "numeric":
        low = None if chosen[0] <= FIRST_BIN else float(enc.edges[chosen[0] - 2])
        high = None if chosen[-1] >= len(enc.edges) else float(enc.edges[chosen[-1] - 1])
        return {"over": low, "up_to": high}
    if enc.kind == "category":
        return {"in": [enc.spellings[c - FIRST_VALUE] for c in chosen]}
    return {"has": term.spelling} if enc.kind == "tokens" else {"is": True}

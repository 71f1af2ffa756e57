"""Traits: readable, stable statements about fields, each tested against the search that found it.

Per term the strongest run of adjacent bins, set of values, or token is found; the same search is run on
permuted outcomes, and only what beats the strongest find of 95 % of permutations over *all* terms is a
trait (Westfall & Young 1993, max-T with each term standardised by its own null). The model must agree in
sign: a mere stand-in for another field has a small contribution and is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import FIRST_BIN, MISSING, PRESENT, RARE, Codes, FloatArray, Term
from icp_ml.estimator.labels import statement
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.screening import WideField, content_numbers, located, taken

PERMUTATIONS = 400
OFTEN_ENOUGH = 0.9  # of the shuffles in which a term has enough customers to be judged
LEVEL = 0.05
RESAMPLES = 50
MIN_STABILITY = 0.6
MIN_CONTRIBUTION = 0.05  # log-odds
MIN_CUSTOMERS = 10
MAX_VALUES = 12  # a set of more values is no statement that a person can act on
Direction = Literal["positive", "negative"]
DIRECTIONS: tuple[Direction, Direction] = ("positive", "negative")


@dataclass(frozen=True)
class Trait:
    """One statement about a field's values, with its evidence.

    Rates and lift are over all mature customers: `lift = P(best | trait) / P(best)`.
    """

    sentence: str
    field: str
    term: str
    category: str
    direction: Direction
    codes: tuple[int, ...]
    values: dict[str, Any]
    customers: int
    best: int
    best_support: float
    worst_support: float
    rate: float
    lift: float
    lift_low: float
    lift_high: float
    stability: float
    p_value: float
    contribution: float
    market_share: float | None = None
    who: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        data = asdict(self)
        data["codes"] = list(self.codes)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trait:
        """Read what `to_dict` wrote."""
        return cls(**{**data, "codes": tuple(int(c) for c in data["codes"])})


def find_traits(
    tables: ScoringTables,
    codes: Codes,
    status: npt.NDArray[Any],
    *,
    seed: int = 0,
    market_codes: Codes | None = None,
    wide: Sequence[WideField] = (),
) -> tuple[Trait, ...]:
    """Return the traits that survive, strongest first.

    Parameters
    ----------
    tables : ScoringTables
    codes : ndarray of shape (n, terms)
        Mature customers.
    status : ndarray of shape (n,)
        "best", "worst" or "middle".
    market_codes : ndarray of shape (m, terms), optional
        A list, for each trait's share of the market.
    wide : sequence of WideField
        Token sets whose terms were taken by the labels, all candidates: choosing among them is part of the search, so
        shuffled outcomes search them all, and each half-sample must take a token anew.
    """
    content = content_numbers(wide, len(codes))
    keys = [*content.T, *(codes[:, j] for j in range(codes.shape[1]))]
    order = np.lexsort([*keys, status == "best", status == "worst"])
    codes, status, wide = codes[order], status[order], [field.take(order) for field in wide]
    best, worst = (status == "best"), (status == "worst")
    rng = np.random.default_rng(seed)
    searched = [j for j, term in enumerate(tables.terms) if tables.ranges[j] > 0]
    if not searched or not best.any() or not worst.any():
        return ()
    terms = [tables.terms[j] for j in searched]
    sub = codes[:, searched]
    observed = _search(sub, terms, best, worst)
    nulls = np.empty((PERMUTATIONS, len(terms), 2))
    shuffles = np.stack([rng.permutation(len(best)) for _ in range(PERMUTATIONS)])
    for p, shuffled in enumerate(shuffles):
        nulls[p] = _search(sub, terms, best[shuffled], worst[shuffled]).z
    mean, spread = nulls.mean(axis=0), nulls.std(axis=0) + 1e-6
    # A code that has enough customers in a few shuffles only would tower above its own zeros there.
    judged = (nulls != 0).mean(axis=0) >= OFTEN_ENOUGH
    strongest = np.where(judged, (nulls - mean) / spread, -np.inf).max(axis=(1, 2))
    for field in wide:
        strongest = np.maximum(strongest, _strongest_candidates(field, best[shuffles].T, worst[shuffles].T))
    standard = (observed.z - mean) / spread
    p_values = (1 + (strongest[:, None, None] >= standard).sum(axis=0)) / (PERMUTATIONS + 1)
    halves = _half_samples(sub, terms, best, worst, rng, wide)
    found = []
    for i, j in enumerate(searched):
        for side, direction in enumerate(DIRECTIONS):
            chosen = observed.codes[i][side]
            if p_values[i, side] > LEVEL or not chosen or not judged[i, side]:
                continue
            stability = _stability(chosen, [h.codes[i][side] for h in halves])
            trait = _describe(
                tables, j, chosen, direction, codes[:, j], best, worst, stability, float(p_values[i, side])
            )
            if trait is not None:
                share = None if market_codes is None else _market_share(market_codes[:, j], chosen)
                found.append(replace(trait, market_share=share))
    return tuple(
        sorted(_without_complements(found, tables), key=lambda t: (-abs(t.contribution) * np.sqrt(t.customers), t.term))
    )


@dataclass(frozen=True)
class _Found:
    z: FloatArray  # (terms, 2): strongest positive and negative
    codes: list[tuple[tuple[int, ...], tuple[int, ...]]]


def _search(codes: Codes, terms: Sequence[Term], best: npt.NDArray[np.bool_], worst: npt.NDArray[np.bool_]) -> _Found:
    """Find, per term, the codes that most favour the best, and those that most favour the worst."""
    z = np.zeros((len(terms), 2))
    chosen: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((), ())] * len(terms)
    tokens = [i for i, term in enumerate(terms) if term.encoding.kind == "tokens"]
    if tokens:
        both = _token_z(codes[:, tokens], best, worst)
        for k, i in enumerate(tokens):
            z[i] = both[k], -both[k]
            chosen[i] = (PRESENT,), (PRESENT,)
    for i, term in enumerate(terms):
        if term.encoding.kind == "tokens":
            continue
        good = np.bincount(codes[best, i], minlength=term.size).astype(float)
        bad = np.bincount(codes[worst, i], minlength=term.size).astype(float)
        good[MISSING] = bad[MISSING] = 0.0
        up, z[i, 0] = _strongest(term, good, bad)
        down, z[i, 1] = _strongest(term, bad, good)
        chosen[i] = (up, down)
    return _Found(z, chosen)


def _token_z(codes: Codes, best: npt.NDArray[np.bool_], worst: npt.NDArray[np.bool_]) -> FloatArray:
    has, known = codes == PRESENT, codes != MISSING
    z: FloatArray = _z(has[best].sum(axis=0), has[worst].sum(axis=0), known[best].sum(axis=0), known[worst].sum(axis=0))
    return z


def _strongest_candidates(
    field: WideField, best: npt.NDArray[np.bool_], worst: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """Return per shuffle, shape (shuffles,), the strongest find among all candidates, standardised by its own null."""
    z = np.empty((field.held.shape[1], best.shape[1]), dtype=np.float32)
    for start in range(0, best.shape[1], 20):
        some = slice(start, start + 20)
        good, bad = (np.asarray(labels[:, some], dtype=np.float64) for labels in (best, worst))
        z[:, some] = _z(field.held.T @ good, field.held.T @ bad, field.known @ good, field.known @ bad)
    judged = (z != 0).mean(axis=1) >= OFTEN_ENOUGH
    if not judged.any():
        return np.full(best.shape[1], -np.inf, dtype=np.float32)
    z = z[judged]
    z -= z.mean(axis=1, keepdims=True)
    z /= z.std(axis=1, keepdims=True) + 1e-6
    return np.asarray(np.abs(z).max(axis=0), dtype=np.float32)


def _strongest(term: Term, good: FloatArray, bad: FloatArray) -> tuple[tuple[int, ...], float]:
    kind = term.encoding.kind
    if kind == "numeric":
        return _strongest_run(good, bad)
    if kind == "category":
        return _strongest_set(good, bad)
    return (PRESENT,), float(_z(good[PRESENT], bad[PRESENT], good.sum(), bad.sum()))


def _z(good: Any, bad: Any, all_good: Any, all_bad: Any) -> Any:
    """Two-proportion z of the share of best inside, against all with a known value; 0 for too few rows."""
    n, total = good + bad, all_good + all_bad
    floor = np.maximum(total, 2.0)
    expected = n * all_good / floor
    variance = np.maximum(n * (all_good / floor) * (all_bad / floor) * (total - n) / (floor - 1), 1e-9)
    z = (good - expected) / np.sqrt(variance)
    return np.where((n >= MIN_CUSTOMERS) & (total - n >= MIN_CUSTOMERS), z, 0.0)


def _strongest_run(good: FloatArray, bad: FloatArray) -> tuple[tuple[int, ...], float]:
    sums_good, sums_bad = np.concatenate([[0.0], np.cumsum(good)]), np.concatenate([[0.0], np.cumsum(bad)])
    starts, ends = _runs(len(good))
    if not len(starts):
        return (), 0.0
    z = _z(sums_good[ends + 1] - sums_good[starts], sums_bad[ends + 1] - sums_bad[starts], good.sum(), bad.sum())
    k = int(np.argmax(z))
    run = range(int(starts[k]), int(ends[k]) + 1)
    shown = [c for c in run if good[c] + bad[c] > 0]
    return (tuple(range(shown[0], shown[-1] + 1)) if shown else ()), float(z[k])


@cache
def _runs(size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    starts, ends = np.triu_indices(size)
    keep = starts >= FIRST_BIN
    return starts[keep], ends[keep]


def _strongest_set(good: FloatArray, bad: FloatArray) -> tuple[tuple[int, ...], float]:
    """Best prefix of values ordered by their smoothed rate: every optimal set is one (Fisher 1958)."""
    shown = np.flatnonzero(good + bad > 0)
    if len(shown) < 2:
        return (), 0.0
    prior = good.sum() / (good.sum() + bad.sum())
    rate = (good[shown] + 4 * prior) / (good[shown] + bad[shown] + 4)
    order = shown[np.argsort(-rate, kind="stable")]
    z = _z(np.cumsum(good[order]), np.cumsum(bad[order]), good.sum(), bad.sum())
    k = int(np.argmax(z))
    return tuple(sorted(int(c) for c in order[: k + 1])), float(z[k])


def _half_samples(
    codes: Codes,
    terms: Sequence[Term],
    best: npt.NDArray[np.bool_],
    worst: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    wide: Sequence[WideField],
) -> list[_Found]:
    out = []
    screened = {field.encoding.field for field in wide}
    for _ in range(RESAMPLES):
        half = rng.permutation(len(best))[: len(best) // 2]
        found = _search(codes[half], terms, best[half], worst[half])
        if wide:
            there = np.bincount(half, minlength=len(best)).astype(np.float64)
            tokens = taken(wide, there * (best | worst), there * best)
            names = {(field.encoding.field, field.encoding.values[t]) for field, t in located(wide, tokens)}
            for i, term in enumerate(terms):
                if term.field in screened and (term.field, term.encoding.values[term.token or 0]) not in names:
                    found.codes[i] = (), ()
        out.append(found)
    return out


def _stability(chosen: Sequence[int], halves: Sequence[Sequence[int]]) -> float:
    """Share of half-samples whose own search finds mostly the same codes (Jaccard at least 0.5)."""
    mine = set(chosen)
    return float(np.mean([len(mine & set(h)) >= 0.5 * len(mine | set(h)) for h in halves]))


def _describe(
    tables: ScoringTables,
    j: int,
    chosen: tuple[int, ...],
    direction: Direction,
    codes: npt.NDArray[np.uint16],
    best: npt.NDArray[np.bool_],
    worst: npt.NDArray[np.bool_],
    stability: float,
    p_value: float,
) -> Trait | None:
    """Return the trait with its evidence, or None where the model or the rates disagree with it."""
    term, table = tables.terms[j], tables.values[j]
    if term.encoding.kind == "category":  # a rare or a hardly seen value is no statement a person can act on
        chosen = tuple(c for c in chosen if c > RARE and (table[c] > 0) == (direction == "positive"))
        if len(chosen) > MAX_VALUES:
            return None
    inside = np.isin(codes, chosen)
    n, hits = int(inside.sum()), int(best[inside].sum())
    if n < MIN_CUSTOMERS or stability < MIN_STABILITY:
        return None
    known = codes != MISSING
    contribution = (
        float(table[codes[inside]].mean() - table[codes[known & ~inside]].mean()) if (known & ~inside).any() else 0.0
    )
    base, rate = float(best.mean()), hits / n
    low, high = _lift_interval(hits, n, int(best.sum()), len(best))
    agrees = (
        contribution >= MIN_CONTRIBUTION and low > 1
        if direction == "positive"
        else contribution <= -MIN_CONTRIBUTION and high < 1
    )
    if not agrees:
        return None
    return Trait(
        sentence=statement(term, chosen),
        field=term.field,
        term=term.name,
        category=term.encoding.category,
        direction=direction,
        codes=tuple(chosen),
        values=_values(term, chosen),
        customers=n,
        best=hits,
        best_support=float(inside[best].mean()),
        worst_support=float(inside[worst].mean()),
        rate=rate,
        lift=rate / base,
        lift_low=low,
        lift_high=high,
        stability=stability,
        p_value=p_value,
        contribution=contribution,
        who=_WHO.get(term.encoding.category, "sales qualifies"),
    )


def _lift_interval(hits: int, n: int, all_hits: int, total: int) -> tuple[float, float]:
    """95 % interval of a lift: the log of a ratio of a rate to the rate of everyone, who include the trait's own."""
    inside, whole = (hits + 0.5) / (n + 1.0), (all_hits + 0.5) / (total + 1.0)
    rest = max(total - n, 0)
    outside = (all_hits - hits + 0.5) / (rest + 1.0)
    by_inside = 1 / (hits + 0.5) - 1 / (all_hits + 0.5)
    variance = by_inside**2 * n * inside * (1 - inside) + rest * outside * (1 - outside) / (all_hits + 0.5) ** 2
    half = 1.959963984540054 * np.sqrt(variance)
    return float(inside / whole * np.exp(-half)), float(inside / whole * np.exp(half))


def _values(term: Term, chosen: Sequence[int]) -> dict[str, Any]:
    enc = term.encoding
    if enc.kind == "numeric":
        low = None if chosen[0] <= FIRST_BIN else float(enc.edges[chosen[0] - 2])
        high = None if chosen[-1] >= len(enc.edges) else float(enc.edges[chosen[-1] - 1])
        return {"over": low, "up_to": high}
    if enc.kind == "category":
        return {"in": [enc.spellings[c - 3] for c in chosen]}
    if enc.kind == "tokens":
        return {"has": term.spelling}
    return {"is": list(chosen) == [PRESENT]}


def _market_share(codes: npt.NDArray[np.uint16], chosen: Sequence[int]) -> float | None:
    known = codes != MISSING
    return float(np.isin(codes[known], chosen).mean()) if known.any() else None


def _without_complements(traits: Sequence[Trait], tables: ScoringTables) -> list[Trait]:
    """Where a trait and an anti-trait of one term together cover every known value, one speaks for both.

    Of a category that is the one that names fewer values, of a number the one fewer customers show; else the
    stronger.
    """
    shown = {t.name: set(np.flatnonzero(n)) - {MISSING} for t, n in zip(tables.terms, tables.customers, strict=True)}
    kept: list[Trait] = []
    kinds = {t.name: t.encoding.kind for t in tables.terms}

    def rank(trait: Trait) -> tuple[float, float, float, str, str]:
        named = {"category": len(trait.codes), "numeric": trait.customers}.get(kinds[trait.term], 0)
        return named, trait.p_value, -abs(trait.contribution), trait.term, trait.direction

    for trait in sorted(traits, key=rank):
        twins = [k for k in kept if k.term == trait.term]
        if not any(set(k.codes) | set(trait.codes) >= shown[trait.term] for k in twins):
            kept.append(trait)
    return kept


_WHO = {
    "firmographic": "marketing targets, sales qualifies",
    "technographic": "marketing targets, product integrates",
    "psychographic": "marketing writes, sales listens for it",
    "job_to_be_done": "sales times the call",
}

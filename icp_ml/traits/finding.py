"""`find_traits`: from customers' codes and outcomes to traits with all their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import RARE, Codes, FloatArray
from icp_ml.estimator.labels import statement
from icp_ml.estimator.rows import IntArray, numbered
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.screening import WideField, content_numbers
from icp_ml.outcomes.by_itself import OutcomeValues
from icp_ml.traits import evidence
from icp_ml.traits.candidates import Layout, lay_out
from icp_ml.traits.chance import Chance, by_shuffling
from icp_ml.traits.consequences import objection_rows, outcome_rows
from icp_ml.traits.halves import Half, halves_of, inside_of, resampled
from icp_ml.traits.pair_traits import PairFind, find_pairs
from icp_ml.traits.reasons import GivenReasons
from icp_ml.traits.scan import Sample
from icp_ml.traits.selection import Pick, Rule, select
from icp_ml.traits.stand_ins import StandIn, stand_ins
from icp_ml.traits.trait import Trait
from icp_ml.traits.wording import Wording

BoolArray = npt.NDArray[np.bool_]
SHUFFLES = 400
LEVEL = 0.05  # expected share of false traits
PAIRS = 50  # of complementary half-samples
MIN_STABILITY = 0.15
MIN_CONTRIBUTION = 0.02  # log-odds
MIN_CUSTOMERS = 10  # of a find
ENOUGH_CUSTOMERS = 25  # of a trait that is told: among 200 customers most finds of fewer are chance


@dataclass(frozen=True, eq=False)
class _Customers:
    """Customers in an order that their content alone decides."""

    tables: ScoringTables
    codes: Codes
    best: BoolArray
    worst: BoolArray
    grade: FloatArray
    market: Codes | None
    outcomes: tuple[OutcomeValues, ...]
    reasons: tuple[GivenReasons, ...]
    groups: IntArray | None  # numbered by first appearance; None where every customer is one


def find_traits(
    tables: ScoringTables,
    codes: Codes,
    status: npt.NDArray[Any],
    *,
    grade: FloatArray | None = None,
    seed: int = 0,
    market_codes: Codes | None = None,
    wide: Sequence[WideField] = (),
    outcomes: Sequence[OutcomeValues] = (),
    reasons: Sequence[GivenReasons] = (),
    groups: IntArray | None = None,
    pairs: int = PAIRS,
) -> tuple[Trait, ...]:
    """Return the traits that survive, strongest first.

    Parameters
    ----------
    tables : ScoringTables
    codes : ndarray of shape (n, terms)
        Mature customers.
    status : ndarray of shape (n,)
        "best", "worst" or "middle".
    grade : ndarray of shape (n,), optional
        0 to 1, how good each customer is; NaN where only its class is known. Finer than the classes, so more is found.
    market_codes : ndarray of shape (m, terms), optional
        A list, for each trait's share of the market.
    wide : sequence of WideField
        Token sets whose terms were taken by the labels, all candidates: choosing among them is part of the search, so
        shuffled outcomes and half-samples search them all.
    outcomes : sequence of OutcomeValues
        What to tell each trait's effect on.
    reasons : sequence of GivenReasons
        What customers gave as a reason for leaving, or as an objection.
    groups : ndarray of shape (n,), optional
        Accounts of one company: shuffles and halves keep them together.
    pairs : int
        Of complementary half-samples.
    """
    customers, wide = _in_order(tables, codes, status, grade, market_codes, wide, outcomes, reasons, groups)
    best, worst = customers.best, customers.worst
    if not tables.terms or not best.any() or not worst.any():
        return ()
    score = _score(best, worst, customers.grade)
    layout = lay_out(tables.terms, customers.codes, wide)
    sample = Sample(layout, score, least=MIN_CUSTOMERS)
    chance = by_shuffling(sample, SHUFFLES, seed, customers.groups)
    wording = Wording(layout, tables.terms, sample.sizes)
    rule = Rule(LEVEL, allowed=_speaking(tables, layout))
    picks = _agreeing(customers, sample, chance, wording, rule)
    if not picks and not tables.pairs:
        return ()
    halves = halves_of(layout, score, chance, wording, rule, len(picks), pairs, seed, customers.groups)
    beside = stand_ins(sample, chance, wording, picks, len(tables.terms))
    found = [_describe(customers, layout, chance, pick, halves, near) for pick, near in zip(picks, beside, strict=True)]
    single = [trait for trait in found if trait is not None]
    both = find_pairs(tables, sample, [p.key for p in picks], halves, best)
    traits = [*single, *(_describe_pair(customers, layout, pair) for pair in both)]
    traits = [trait for trait in traits if trait.customers >= ENOUGH_CUSTOMERS]
    return tuple(sorted(traits, key=lambda t: (-abs(t.contribution) * np.sqrt(t.customers), t.term, t.direction)))


def _in_order(
    tables: ScoringTables,
    codes: Codes,
    status: npt.NDArray[Any],
    grade: FloatArray | None,
    market: Codes | None,
    wide: Sequence[WideField],
    outcomes: Sequence[OutcomeValues],
    reasons: Sequence[GivenReasons],
    groups: IntArray | None,
) -> tuple[_Customers, list[WideField]]:
    content = content_numbers(wide, len(codes))
    keys = [*content.T, *(codes[:, j] for j in range(codes.shape[1]))]
    grade = np.full(len(codes), np.nan) if grade is None else np.asarray(grade, dtype=np.float64)
    together = None if groups is None else np.bincount(np.unique(groups, return_inverse=True)[1])
    grouped = together is not None and together.max() > 1
    ties = [groups] if grouped else []
    order = np.lexsort([*ties, *keys, grade, status == "best", status == "worst"])
    status = status[order]
    customers = _Customers(
        tables,
        codes[order],
        np.asarray(status == "best"),
        np.asarray(status == "worst"),
        grade[order],
        market,
        tuple(outcome.take(order) for outcome in outcomes),
        tuple(given.take(order) for given in reasons),
        numbered(groups[order]) if groups is not None and grouped else None,
    )
    return customers, [field.take(order) for field in wide]


def _score(best: BoolArray, worst: BoolArray, grade: FloatArray) -> FloatArray:
    """Return each customer's rank, 0 to 1: worst below middle below best, and by the grade within where it is known."""
    from scipy.stats import rankdata

    level = np.where(best, 2.0, np.where(worst, 0.0, 1.0))
    for which in range(3):
        known = (level == which) & np.isfinite(grade)
        if known.sum() > 1:  # as far apart as their ranks, around the middle of their class
            level[known] += (rankdata(grade[known]) - 0.5) / known.sum() - 0.5
    return np.asarray((rankdata(np.round(level, 9)) - 0.5) / len(level))


def _speaking(tables: ScoringTables, layout: Layout) -> BoolArray:
    """Return which terms may be picked: those of the model that say anything."""
    out = np.zeros(layout.terms, dtype=bool)
    out[: layout.of_model] = tables.ranges > 0
    return out


def _agreeing(customers: _Customers, sample: Sample, chance: Chance, wording: Wording, rule: Rule) -> list[Pick]:
    """Select; where the model does not agree with a trait, select again without its term.

    A set names only values whose own contribution has the trait's sign.
    """
    assert rule.allowed is not None
    allowed = rule.allowed.copy()
    while True:
        picks = select(sample, chance, wording, replace(rule, allowed=allowed))
        spoken = [_spoken(customers, sample.layout, pick) for pick in picks]
        agrees = [bool(pick.columns) and _agrees(customers, sample.layout, pick) for pick in spoken]
        if all(agrees):
            return spoken
        allowed[[pick.term for pick, fine in zip(spoken, agrees, strict=True) if not fine]] = False


def _spoken(customers: _Customers, layout: Layout, pick: Pick) -> Pick:
    """Leave out of a set the values of which the model says the contrary, and what is too rare to be acted on."""
    if pick.term not in layout.sets:
        return pick
    said = customers.tables.values[pick.term]
    kept = (c for c in pick.columns if layout.code[c] > RARE and said[layout.code[c]] * np.sign(pick.z) > 0)
    return replace(pick, columns=tuple(kept))


def _agrees(customers: _Customers, layout: Layout, pick: Pick) -> bool:
    inside = inside_of(layout, pick.columns)
    said = evidence.contribution_of(customers.tables.values[pick.term], customers.codes[:, pick.term], inside)
    return bool(said * np.sign(pick.z) >= MIN_CONTRIBUTION)


def _describe(
    customers: _Customers,
    layout: Layout,
    chance: Chance,
    pick: Pick,
    halves: Sequence[Half],
    beside: tuple[StandIn, ...],
) -> Trait | None:
    """Return the trait with its evidence, or None where half-samples or rates do not bear it out."""
    tables, best = customers.tables, customers.best
    term, column = tables.terms[pick.term], customers.codes[:, pick.term]
    inside = inside_of(layout, pick.columns)
    again = resampled(pick, halves, layout, best)
    if again.stability < MIN_STABILITY:
        return None
    lift, low, high = evidence.lift_of(inside, best, again.found, again.held_out)
    positive = pick.z > 0
    if not evidence.surely((lift, low, high), positive=positive):
        return None
    chosen = tuple(sorted({int(layout.code[c]) for c in pick.columns}))
    known = inside_of(layout, [int(layout.known[pick.term])])
    market = customers.market
    return Trait(
        sentence=statement(term, chosen),
        field=term.field,
        term=term.name,
        category=term.encoding.category,
        direction="positive" if positive else "negative",
        codes=chosen,
        values=evidence.values_of(term, chosen),
        **evidence.counts(inside, best, customers.worst),
        lift=lift,
        lift_low=low,
        lift_high=high,
        stability=again.stability,
        p_value=chance.p_value(pick.surprise),
        contribution=evidence.contribution_of(tables.values[pick.term], column, inside),
        market_share=None if market is None else evidence.market_share(market[:, pick.term], chosen),
        who=evidence.who_acts([term.encoding.category]),
        stand_ins=tuple(_sentence(tables, layout, other) for other in beside),
        outcomes=outcome_rows(customers.outcomes, inside, known),
        objections=objection_rows(customers.reasons, inside, known),
    )


def _sentence(tables: ScoringTables, layout: Layout, other: StandIn) -> str:
    return statement(tables.terms[other.term], sorted({int(layout.code[c]) for c in other.columns}))


def _describe_pair(customers: _Customers, layout: Layout, pair: PairFind) -> Trait:
    tables = customers.tables
    terms = [tables.terms[t] for t in pair.terms]
    chosen = [tuple(sorted({int(layout.code[c]) for c in columns})) for columns in pair.columns]
    sides = [inside_of(layout, columns) for columns in pair.columns]
    known = [inside_of(layout, [int(layout.known[t])]) for t in pair.terms]
    inside, both = sides[0] & sides[1], known[0] & known[1]
    market, share = customers.market, None
    if market is not None:
        there = (market[:, pair.terms[0]] != 0) & (market[:, pair.terms[1]] != 0)
        has = np.isin(market[:, pair.terms[0]], chosen[0]) & np.isin(market[:, pair.terms[1]], chosen[1])
        share = float(has[there].mean()) if there.any() else None
    log_odds = tables.log_odds(customers.codes)
    return Trait(
        sentence=" and ".join(statement(term, codes) for term, codes in zip(terms, chosen, strict=True)),
        field=terms[0].field,
        term=terms[0].name,
        category=terms[0].encoding.category,
        direction="positive" if pair.z > 0 else "negative",
        codes=chosen[0],
        values={term.name: evidence.values_of(term, codes) for term, codes in zip(terms, chosen, strict=True)},
        **evidence.counts(inside, customers.best, customers.worst),
        lift=pair.lift,
        lift_low=pair.lift_low,
        lift_high=pair.lift_high,
        stability=pair.stability,
        p_value=pair.p_value,
        contribution=float(log_odds[inside].mean() - log_odds[both & ~inside].mean()),
        market_share=share,
        who=evidence.who_acts([term.encoding.category for term in terms]),
        pair=tuple(term.name for term in terms),
        outcomes=outcome_rows(customers.outcomes, inside, both),
        objections=objection_rows(customers.reasons, inside, both),
    )

"""Segments with tables of their own: splitting customers by rules on fields, as far as that survives.

Customers are split in two by the best rule that holds up (`segment_search`), and each part is looked at again, up to
four segments. A part's tables are fitted to its own customers and then mixed with those of the wider segment, as much
as ranks its held-out customers best: what both parts share is learnt from all. A split is kept only where customers
held out are predicted better than by the wider segment's tables; both with their pairs, which are the simpler
explanation of two fields that depend on each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.calibration import fit_calibration
from icp_ml.estimator.encoding import FloatArray, Term
from icp_ml.estimator.mix import MixedFit, dispersion, fit_mix
from icp_ml.estimator.own_segments import OwnSegments, own_sides
from icp_ml.estimator.pairs import fit_pairs
from icp_ml.estimator.rows import TrainingRows, take
from icp_ml.estimator.screening import aligned, with_tokens
from icp_ml.estimator.segment_search import (
    ERRORS,
    BoolArray,
    Candidate,
    Found,
    enough,
    find_rule,
    other_codes,
    paired_gain,
)
from icp_ml.estimator.segment_tables import EVERYONE, MOST_SEGMENTS, rule_words

BEYOND = 1.0  # standard errors by which a split must beat the wider tables, as a pair must: that it is none of noise
# is shown before, by a search that saw none of the rows it is judged by
SHARES = np.linspace(0.0, 1.0, 21)  # of the wider segment's tables
FEWEST = 5  # best customers, and others, of a segment that a person asked for: fewer have no tables of their own


@dataclass(frozen=True)
class SegmentFit:
    """A segment before calibration.

    Attributes
    ----------
    name : str
    parent : int
    term : str
        Its name.
    codes : tuple of int
        See `SegmentRule`.
    there : ndarray of bool, shape (n,)
        Its customers.
    mixed : MixedFit
        Of its customers, the wider segment's tables mixed in.
    shared : float
        What those count for.
    """

    name: str
    parent: int
    term: str
    codes: tuple[int, ...]
    there: BoolArray
    mixed: MixedFit
    shared: float


@dataclass(frozen=True)
class Division:
    """How customers are divided, and why: `sentences` has one per split that was tried and judged."""

    segments: tuple[SegmentFit, ...] = ()
    sentences: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        found = [{"name": s.name, "customers": int(s.there.sum()), "of_the_wider": s.shared} for s in self.segments]
        return {"found": found, "sentences": list(self.sentences)}

    @property
    def fits(self) -> tuple[MixedFit, ...]:
        """The segments' fits."""
        return tuple(segment.mixed for segment in self.segments)


@dataclass(frozen=True)
class _Task:
    """What every part is fitted with."""

    rows: TrainingRows
    terms: Sequence[Term]
    boosting: BoostingParams
    max_pairs: int
    held: AbstractSet[str]
    seed: int
    n_jobs: int | None
    as_of: date | None

    def part(self, there: BoolArray, mixed: MixedFit) -> tuple[TrainingRows, Sequence[Term]]:
        """Return some rows with a column per token that a fit kept."""
        return with_tokens(take(self.rows, there), self.terms, mixed.tokens)


def divide(
    rows: TrainingRows,
    terms: Sequence[Term],
    fitted: MixedFit,
    *,
    asked: str | OwnSegments,
    boosting: BoostingParams,
    max_pairs: int,
    held: AbstractSet[str],
    seed: int,
    n_jobs: int | None = None,
    as_of: date | None = None,
) -> tuple[MixedFit, Division]:
    """Split the customers into segments, as far as that survives.

    Parameters
    ----------
    rows : TrainingRows
        In canonical order, with their wide token sets if any.
    terms : sequence of Term
        Without those of wide token sets.
    fitted : MixedFit
        The fit on all of them.
    asked : "auto", "never" or OwnSegments
        Search, do not, or a person's own rule, which is not judged.
    boosting, max_pairs, held, seed, n_jobs, as_of
        As in the fit on all.

    Returns
    -------
    MixedFit, Division
        The fit on all and those of the segments, with tables of the same terms and tokens.
    """
    if asked == "never":
        return fitted, Division()
    task = _Task(rows, terms, boosting, max_pairs, held, seed, n_jobs, as_of)
    found = _asked_for(task, fitted, asked) if isinstance(asked, OwnSegments) else _searched(task, fitted)
    if not found.segments or rows.wide is None:
        return fitted, found
    kept = np.unique(np.concatenate([fit.tokens for fit in (fitted, *found.fits)])).astype(np.int64)
    segments = tuple(replace(segment, mixed=_with(segment.mixed, kept)) for segment in found.segments)
    return _with(fitted, kept), replace(found, segments=segments)


def _with(fit: MixedFit, kept: np.ndarray[Any, np.dtype[np.int64]]) -> MixedFit:
    """Return a fit with tables of these tokens, zeros for those that it did not keep."""
    values, variances = (tuple(aligned(tables, fit.tokens, kept)) for tables in (fit.values, fit.variances))
    return replace(fit, values=values, variances=variances, tokens=kept)


def _searched(task: _Task, fitted: MixedFit) -> Division:
    segments: list[SegmentFit] = []
    sentences: list[str] = []
    everyone = np.ones(len(task.rows.y), dtype=bool)
    waiting: list[tuple[int, BoolArray, MixedFit]] = [(EVERYONE, everyone, fitted)]
    count = 1
    while waiting and count < MOST_SEGMENTS:
        parent, there, mixed = waiting.pop(0)
        wider = segments[parent].name if parent != EVERYONE else ""
        part, whole = task.part(there, mixed)
        log_odds = _calibrated(part, mixed.out_of_bag)
        found = find_rule(part, whole, log_odds, task.held, dispersion(log_odds, part), task.seed, cut=len(task.terms))
        if found.rule is None:
            sentences += [_not_found(task.terms, found, wider)] if found.looked_at or parent == EVERYONE else []
            continue
        sides = _sides(task, found.rule, parent, wider, there, mixed, len(segments))
        before = _with_pairs(task, part, whole, mixed)
        after = before.copy()
        for side in sides:
            after[side.there[there]] = _with_pairs(task, *task.part(side.there, side.mixed), side.mixed)
        gain, error = paired_gain(part, before, after)
        kept = gain > BEYOND * error
        sentences.append(_judged([side.name for side in sides], gain, error, found, kept=kept))
        if kept:
            waiting += [(len(segments) + k, side.there, side.mixed) for k, side in enumerate(sides)]
            segments += sides
            count += 1
    return Division(tuple(segments), tuple(sentences))


def _asked_for(task: _Task, fitted: MixedFit, asked: OwnSegments) -> Division:
    """Return a person's own segments; one without customers enough to fit is scored as all are."""
    segments: list[SegmentFit] = []
    everyone = np.ones(len(task.rows.y), dtype=bool)
    term, sides = own_sides(asked, task.terms, task.as_of)
    for codes in sides:
        there = np.isin(task.rows.codes[:, term], codes)
        if enough(take(task.rows, there & task.rows.trains), FEWEST):
            name = rule_words(task.terms[term], codes)
            segments.append(_fit(task, name, EVERYONE, term, codes, there, fitted, everyone, len(segments)))
    return Division(tuple(segments), ("segments by a rule of the settings, whether or not it tells more",))


def _sides(
    task: _Task, rule: Candidate, parent: int, wider: str, there: BoolArray, mixed: MixedFit, number: int
) -> list[SegmentFit]:
    """Fit both sides of a rule."""
    term = task.terms[rule.term]
    out = []
    for k, codes in enumerate(sorted((rule.codes, other_codes(term, rule.codes)), key=min)):
        own = rule_words(term, codes)
        mine = there & np.isin(task.rows.codes[:, rule.term], codes)
        name = f"{wider}; {own}" if wider else own
        out.append(_fit(task, name, parent, rule.term, codes, mine, mixed, there, number + k))
    return out


def _fit(
    task: _Task, name: str, parent: int, term: int, codes: tuple[int, ...], mine: BoolArray, wider: MixedFit,
    there: BoolArray, number: int,
) -> SegmentFit:  # fmt: skip
    """Fit a segment to its own customers and mix in the tables of the wider one."""
    rows = take(task.rows, mine)
    own = fit_mix(rows, task.terms, task.boosting, task.seed + 7 * (number + 1), task.n_jobs)
    inside = mine[there]
    said = wider.out_of_bag[inside]
    losses = [_loss(rows, (1 - share) * own.out_of_bag + share * said) for share in SHARES]
    share = round(float(SHARES[int(np.argmin(np.round(losses, 9)))]), 2)
    kept = np.union1d(own.tokens, wider.tokens).astype(np.int64)
    own, wider = _with(own, kept), _with(wider, kept)
    codes_of = with_tokens(rows, task.terms, kept)[0].codes
    values, variances, base = [], [], (1 - share) * own.base + share * wider.base
    for j, (mean, other) in enumerate(zip(own.values, wider.values, strict=True)):
        counts = np.bincount(codes_of[:, j], minlength=len(other))
        middle = float(other @ counts) / max(int(counts.sum()), 1)
        moved = np.where((other == 0) & (counts == 0), 0.0, other - middle)  # what says nothing stays silent
        values.append((1 - share) * mean + share * moved)
        base += share * middle
        # Both are fitted to these customers, so their errors are taken as one and the same.
        variances.append(((1 - share) * np.sqrt(own.variances[j]) + share * np.sqrt(wider.variances[j])) ** 2)
    mixed = replace(
        own,
        values=tuple(values),
        variances=tuple(variances),
        base=base,
        base_variance=((1 - share) * own.base_variance**0.5 + share * wider.base_variance**0.5) ** 2,
        out_of_fold=(1 - share) * own.out_of_fold + share * wider.out_of_fold[inside],
        out_of_bag=(1 - share) * own.out_of_bag + share * said,
        adjusted=(1 - share) * own.adjusted + share * wider.adjusted[inside],
    )
    return SegmentFit(name, parent, task.terms[term].name, codes, mine, mixed, share)


def _calibrated(rows: TrainingRows, log_odds: FloatArray) -> FloatArray:
    some = rows.trains
    found = fit_calibration(log_odds[some], rows.target[some], rows.weight[some])
    return found.slope * log_odds + found.intercept


def _loss(rows: TrainingRows, log_odds: FloatArray) -> float:
    z, used = _calibrated(rows, log_odds)[rows.trains], rows.trains
    return float(np.average(np.logaddexp(0.0, z) - rows.target[used] * z, weights=rows.weight[used]))


def _with_pairs(task: _Task, part: TrainingRows, terms: Sequence[Term], mixed: MixedFit) -> FloatArray:
    """Return held-out log-odds of a segment's tables with their pairs."""
    index = [j for j, term in enumerate(terms) if not term.adjusted]
    part = replace(part, codes=part.codes[:, index])
    return fit_pairs(
        part, [terms[j] for j in index], mixed.out_of_bag, mixed.draws, most=task.max_pairs, held=task.held,
        folds=task.boosting.folds, seed=task.seed, n_jobs=task.n_jobs,
    ).out_of_fold  # fmt: skip


def _judged(names: Sequence[str], gain: float, error: float, found: Found, *, kept: bool) -> str:
    loss = f"log-loss {'lower' if gain > 0 else 'higher'} by {abs(gain):.4f}, standard error {error:.4f}"
    what = f"{' | '.join(names)}: with tables of their own, customers held out are predicted"
    if kept:
        return (
            f"{what} better than with one set of tables ({loss}); {found.named:.0%} of half-samples choose this field"
        )
    return f"{what} no better than with one set of tables, beyond noise ({loss}): not split"


def _not_found(terms: Sequence[Term], found: Found, wider: str) -> str:
    where = f"within {wider}" if wider else "one profile for all"
    if found.looked_at is None:
        return f"{where}: on no field do customers differ so much in what their other fields mean that it would show"
    words = rule_words(terms[found.looked_at.term], found.looked_at.codes)
    if not found.gain > ERRORS * found.gain_error:
        loss = f"log-loss {'lower' if found.gain > 0 else 'higher'} by {abs(found.gain):.4f}"
        return (
            f"{where}: of all rules '{words}' promises most, but customers held out are predicted no better by it, "
            f"beyond noise ({loss}, standard error {found.gain_error:.4f})"
        )
    return f"{where}: only {found.named:.0%} of half-samples choose the field of '{words}', the best rule found"

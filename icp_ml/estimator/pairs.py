"""Pair terms: which few pairs earn their place, judged on rows they did not see, and their tables.

Everything is on top of the calibrated out-of-bag log-odds of the terms alone. Pairs are screened, chosen and fitted
within every fold anew; how many are kept, if any, is what the rows held out say of that whole procedure.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.calibration import Calibration, fit_calibration
from icp_ml.estimator.encoding import PRESENT, FloatArray, Term
from icp_ml.estimator.pair_fit import Fitted, Pair, Sample, added, choose_path, fit, posterior_variance
from icp_ml.estimator.pair_tables import PairTable, purify
from icp_ml.estimator.pair_terms import GroupedTerm, group_term
from icp_ml.estimator.rows import IntArray, TrainingRows, fold_numbers
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.threads import one_blas_thread

LEAST_ROWS = 150  # that train: below, held-out log-loss cannot tell a pair from noise
MOST_TOKENS = 30  # tokens that may be in a pair
MOST_CELLS = 250_000  # of a pair's table
ERRORS = 1.0  # standard errors by which held-out log-loss must improve


@dataclass(frozen=True)
class PairFit:
    """Result of `fit_pairs`.

    Attributes
    ----------
    pairs : tuple of PairTable
        Averages over the customers not yet zero to the last bit; none where no pair earned its place.
    spoken : tuple of pair of ndarray
        Per pair which codes of either term say anything.
    calibration : Calibration
        Of the log-odds without pairs; the pairs are fitted on top of it.
    out_of_fold : ndarray of shape (n,)
        The calibrated log-odds and, from folds whose choice of pairs did not see the row, what pairs add.
    gain, gain_error : float
        By how much pairs improve the held-out log-loss per unit of weight, and its standard error.
    """

    pairs: tuple[PairTable, ...]
    spoken: tuple[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]], ...]
    calibration: Calibration
    out_of_fold: FloatArray
    gain: float
    gain_error: float

    def joined(self, tables: ScoringTables) -> ScoringTables:
        """Return the tables with the pairs, purified; what a pair's terms say alone goes to them and to the base."""
        tables = tables.scaled(self.calibration.slope, self.calibration.intercept)
        values, base, pure = list(tables.values), tables.base, []
        for pair, spoken in zip(self.pairs, self.spoken, strict=True):
            first, second = (
                tables.customers[j] * said for j, said in zip((pair.first, pair.second), spoken, strict=True)
            )
            table, row, column, constant = purify(pair.values, first, second)
            inside = np.outer(*spoken)
            values[pair.first] = values[pair.first] + np.where(spoken[0], row, 0.0)
            values[pair.second] = values[pair.second] + np.where(spoken[1], column, 0.0)
            base += constant
            pure.append(replace(pair, values=np.where(inside, table, 0.0)))
        return replace(tables, values=tuple(values), base=base, pairs=tuple(pure))


def fit_pairs(
    rows: TrainingRows,
    terms: Sequence[Term],
    log_odds: FloatArray,
    draws: Sequence[IntArray],
    *,
    most: int,
    held: AbstractSet[str] = frozenset(),
    folds: int = 5,
    seed: int = 0,
    n_jobs: int | None = None,
) -> PairFit:
    """Find pairs of terms and keep those, if any, that improve the log-loss of rows they did not see.

    Parameters
    ----------
    rows : TrainingRows
        In canonical order.
    terms : sequence of Term
    log_odds : ndarray of shape (n,)
        Of the terms alone, by fits that did not see the row.
    draws : sequence of ndarray of shape (training rows,)
        How often each bag drew each row that trains: pairs are refitted on every one for their variances.
    most : int
        Pairs at most.
    held : set of str
        Fields of whose missing values the model says nothing.
    folds, seed : int
        As for the terms.
    n_jobs : int or None
        Fits at once (joblib); the result does not depend on it.
    """
    from joblib import Parallel, delayed

    trains = rows.trains
    calibration = fit_calibration(log_odds[trains], rows.target[trains], rows.weight[trains])
    offset = calibration.slope * log_odds + calibration.intercept
    none = PairFit((), (), calibration, offset, 0.0, 0.0)
    if most < 1 or int((trains & (rows.weight > 0)).sum()) < LEAST_ROWS:
        return none
    grouped = _grouped(rows, terms, held)
    if len(grouped) < 2:
        return none
    group = np.column_stack([term.groups(rows.codes[:, term.position]) for term in grouped])
    fold = fold_numbers(rows, folds, seed)

    def path(fitted: npt.NDArray[np.bool_]) -> tuple[IntArray, list[Fitted]]:
        used = _candidates(rows, terms, grouped, fitted)
        return used, choose_path(_sample(rows, group[:, used], offset, fitted), [grouped[i] for i in used], most)

    with one_blas_thread():
        parts = [*(trains & (fold != k) for k in range(folds)), trains]
        *crossed, (used, steps) = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(path)(part) for part in parts)
        addition = _held_out(crossed, group, fold, most)
        number, gain, error = _number(rows, offset, addition)
        if not number or not steps:
            return replace(none, gain=gain, gain_error=error)
        chosen = [pair for pair, _ in steps[min(number, len(steps)) - 1]]
        some = [grouped[i] for i in used]
        tables = _tables(_sample(rows, group[:, used], offset, trains), some, chosen, draws, n_jobs)
    spoken = tuple((some[pair.first].spoken, some[pair.second].spoken) for pair in chosen)
    return PairFit(tables, spoken, calibration, offset + addition[number], gain, error)


def _held_out(
    crossed: Sequence[tuple[IntArray, list[Fitted]]], group: IntArray, fold: IntArray, most: int
) -> FloatArray:
    """Return what 0, 1 ... `most` pairs add to each row, chosen and fitted without its fold."""
    addition = np.zeros((most + 1, len(group)))
    for k, (used, steps) in enumerate(crossed):
        asked = fold == k
        for m in range(1, most + 1 if steps else 1):
            addition[m, asked] = added(steps[min(m, len(steps)) - 1], group[asked][:, used])
    return addition


def _grouped(rows: TrainingRows, terms: Sequence[Term], held: AbstractSet[str]) -> list[GroupedTerm]:
    """Return the terms that pairs may be made of; no table may grow too large to be saved."""
    found = [group_term(rows, j, t, held=t.field in held) for j, t in enumerate(terms) if t.size**2 <= MOST_CELLS]
    return [term for term in found if term is not None]


def _candidates(
    rows: TrainingRows, terms: Sequence[Term], grouped: Sequence[GroupedTerm], fitted: npt.NDArray[np.bool_]
) -> IntArray:
    """Return positions among the grouped terms: all fields, and the tokens that tell most of the fitted rows."""
    tokens = [i for i, term in enumerate(grouped) if terms[term.position].encoding.kind == "tokens"]
    if len(tokens) > MOST_TOKENS:
        has = rows.codes[fitted][:, [grouped[i].position for i in tokens]] == PRESENT
        weight, target = rows.weight[fitted], rows.target[fitted]
        excess = (weight * (target - np.average(target, weights=weight))) @ has
        strength = np.round(np.abs(excess) / np.sqrt(np.maximum(weight @ has, 1e-12)), 9)
        strongest = np.argsort(-strength, kind="stable")[:MOST_TOKENS]
        left_out = set(tokens) - {tokens[k] for k in strongest}
        return np.array([i for i in range(len(grouped)) if i not in left_out], dtype=np.int64)
    return np.arange(len(grouped))


def _sample(rows: TrainingRows, group: IntArray, offset: FloatArray, used: npt.NDArray[np.bool_]) -> Sample:
    return Sample(group[used], rows.target[used], rows.weight[used], offset[used])


def _number(rows: TrainingRows, offset: FloatArray, addition: FloatArray) -> tuple[int, float, float]:
    """Return how many pairs to keep, their mean gain in held-out log-loss, and its standard error.

    It is the number of least loss, if that is below the loss without pairs by more than is noise; customers of a
    group are one observation.
    """
    used = rows.trains & (rows.weight > 0)
    target, weight, before = rows.target[used], rows.weight[used], offset[used]
    loss = np.logaddexp(0.0, before) - target * before
    _, index = np.unique(rows.group[used], return_inverse=True)
    gains = []
    for more in addition[:, used]:
        after = before + more
        gains.append(np.bincount(index, weights=weight * (loss - np.logaddexp(0.0, after) + target * after)))
    total = np.array([gain.sum() for gain in gains])
    number = int(np.argmax(np.round(total, 9)))
    count = len(gains[0])
    error = float(np.sqrt(count) * gains[number].std(ddof=1)) if count > 1 else np.inf
    kept = number if total[number] > ERRORS * error else 0
    return kept, float(total[number] / weight.sum()), error / float(weight.sum())


def _tables(
    sample: Sample, terms: Sequence[GroupedTerm], chosen: Sequence[Pair], draws: Sequence[IntArray], n_jobs: int | None
) -> tuple[PairTable, ...]:
    """Fit the chosen pairs on all training rows, and for their spread on every bag."""
    from joblib import Parallel, delayed

    fitted, log_odds = fit(sample, terms, chosen)

    def of_bag(drawn: IntArray) -> list[FloatArray]:
        bag = replace(sample, weight=sample.weight * drawn)
        return [table for _, table in fit(bag, terms, chosen, sweeps=3)[0]]

    bags = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(of_bag)(drawn) for drawn in draws)
    out = []
    for k, (pair, table) in enumerate(fitted):
        a, b = terms[pair.first], terms[pair.second]
        spread = np.var([bag[k] for bag in bags], axis=0, ddof=1)
        # All refits are pulled to zero alike: what the prior hides counts in full.
        variance = np.maximum(spread, posterior_variance(sample, terms, pair, log_odds))
        cells = np.where(a.of_code < 0, len(a.basis) - 1, a.of_code)[:, None] * pair.width
        cells = cells + np.where(b.of_code < 0, len(b.basis) - 1, b.of_code)
        out.append(PairTable(a.position, b.position, table[cells], variance[cells]))
    return tuple(out)

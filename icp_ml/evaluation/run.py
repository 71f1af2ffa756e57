"""evaluate(): repeated folds, all learners on each, metrics with intervals, and the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from icp_ml.baselines import BASELINES, IN_USE, labels, rule_fields
from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.fitting import FieldSpec, FitParams
from icp_ml.estimator.rows import IntArray, fold_numbers
from icp_ml.evaluation.backtest import TimeSplit, back_test, split_by_date
from icp_ml.evaluation.learning import LEAST_CLASS, LEAST_POINTS, QUARTERS
from icp_ml.evaluation.metrics import BoolArray, Judged, Predictions, interval, resampled_metrics
from icp_ml.evaluation.parts import judge_parts
from icp_ml.evaluation.recalibration import Recalibration, held_out_losses, judge_recalibration
from icp_ml.evaluation.result import GAIN_METRICS, MODEL, BackTest, Evaluation, LearnerResult
from icp_ml.evaluation.splits import BEST, MIDDLE, WORST, Customers, SplitScores, content_order, score_split
from icp_ml.evaluation.suspicious import find_suspicious, named
from icp_ml.evaluation.tier_evidence import judge_tiers
from icp_ml.evaluation.verdict import judge
from icp_ml.exceptions import InputError, TrainingRefused
from icp_ml.gate import Gate
from icp_ml.tiers import TierCutoffs

Progress = Callable[[str, float], None]

BAGS = 4  # of the model inside a fold: averaging more changes its scores little
LEAST_SCORED = 0.5  # share of customers the score in use must be known of


def evaluate(
    columns: Mapping[str, pa.Array],
    specs: Sequence[FieldSpec],
    status: npt.NDArray[Any],
    *,
    grade: FloatArray | None = None,
    weight: FloatArray | None = None,
    groups: IntArray | None = None,
    signed_up: npt.NDArray[Any] | None = None,
    current_score: FloatArray | None = None,
    ids: Sequence[str] | None = None,
    params: FitParams | None = None,
    folds: int = 5,
    repeats: int = 2,
    resamples: int = 500,
    gate: Gate | None = None,
    as_of: date | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge the model and the baselines on held-out customers.

    Parameters
    ----------
    columns : mapping of name to Arrow array of n rows
        Mature customers only.
    specs : sequence of FieldSpec
        Fields the model may use.
    status : ndarray of shape (n,)
        "best", "worst" or "middle". Learners train on best against worst and score all three.
    weight : ndarray of shape (n,), optional
        What each customer counts for while the model is fitted; metrics and baselines count all alike.
    groups : ndarray of shape (n,), optional
        Customers of a group share every fold, and are drawn together for intervals.
    signed_up : ndarray of datetime64 of shape (n,), optional
        For the back-test.
    current_score : ndarray of shape (n,), optional
        The score in use today, higher is better; NaN where not known.
    grade : ndarray of shape (n,), optional
        Percentile of the composite outcome, 0 to 1; NaN where there is none. The model may train on it, and every
        learner's rank agreement is with it.
    ids : sequence of str, optional
        Account ids, to name the customers whose labels are suspicious.
    params : FitParams, optional
        The model's; at most four bags are fitted in a fold.
    folds, repeats, resamples : int
    gate : Gate, optional
        Enters the verdict.
    as_of : date, optional
    seed : int
    n_jobs : int or None
        Splits at once (joblib); the result does not depend on it, nor on the order of rows.
    progress : callable, optional
        Called with "evaluate" and the share done.

    Raises
    ------
    InputError
        A status other than the three, or arrays of different lengths.
    TrainingRefused
        A fold's training part would hold no best or no worst customer.
    """
    arrays = {"groups": groups, "grade": grade, "current_score": current_score, "signed_up": signed_up}
    order = _order(columns, specs, status, arrays, seed)
    params = params or FitParams()
    params = replace(params, boosting=replace(params.boosting, bags=min(BAGS, params.boosting.bags)))
    customers = _customers(order, columns, specs, status, arrays, params, as_of)
    if weight is not None:
        customers = replace(customers, weight=np.asarray(weight, dtype=np.float64)[order])
    fold = _folds(customers, folds, repeats, seed)
    dated = split_by_date(customers)
    scores = _scores(customers, fold, dated, seed, n_jobs, progress)
    crossed = scores[: -1 if len(dated.older) else None]
    names = labels(customers.rule)
    predictions = _gather(customers, crossed, fold)
    judged = Judged(customers.best, customers.worst, fold, customers.group, customers.grade)
    learners = _results(predictions, judged, names, resamples, seed)
    counts = {name: int((customers.status == name).sum()) for name in (BEST, WORST, MIDDLE)}
    curve = judge_parts([split for split in crossed if split.parts], judged, resamples, seed)
    verdict = judge(learners, counts, gate, curve)
    tested = _back_test(customers, dated, scores[-1], names, resamples, seed) if len(dated.older) else None
    model = predictions[MODEL]
    assert model.log_odds is not None
    assert model.log_odds_worst is not None
    held_out, held_out_worst = model.log_odds.mean(axis=0), model.log_odds_worst.mean(axis=0)
    out_of_fold = np.empty(len(order))
    out_of_fold[order] = held_out
    best, worst = customers.best, customers.worst
    cutoffs = TierCutoffs.from_base_rate(float(np.average(best, weights=customers.weight)))
    tiers = judge_tiers(100 * expit(held_out), best, worst, customers.group, cutoffs, resamples, seed)
    suspicious = find_suspicious(held_out_worst, held_out, best, worst, customers.grade, seed)
    if progress:
        progress("evaluate", 1.0)
    return Evaluation(
        verdict.code, verdict.text, verdict.cautions, learners, counts, tuple(spec.name for spec in customers.rule),
        tested, dated.reason, gate, int(fold.max()) + 1, repeats, resamples, _notes(customers, current_score),
        out_of_fold, tiers, curve, named(suspicious, order, ids), _recalibration(customers, crossed, resamples, seed),
    )  # fmt: skip


def _order(
    columns: Mapping[str, pa.Array], specs: Sequence[FieldSpec], status: npt.NDArray[Any],
    arrays: Mapping[str, npt.NDArray[Any] | None], seed: int,
) -> IntArray:  # fmt: skip
    """Check the input and return the order customers are used in."""
    n = len(status)
    odd = sorted(set(np.asarray(status).tolist()) - {BEST, WORST, MIDDLE})
    if odd:
        msg = f"status {odd[0]!r}: only mature customers can be judged; allowed: {BEST}, {WORST}, {MIDDLE}"
        raise InputError(msg)
    ties: list[npt.NDArray[Any]] = []
    lengths = {spec.name: len(columns[spec.name]) for spec in specs}
    # the least important first: a group's name counts only between customers that are alike in all else
    for name, array in arrays.items():
        if array is not None:
            lengths[name] = len(array)
            ties.append(np.asarray(array, dtype="datetime64[s]") if name == "signed_up" else np.asarray(array))
    wrong = next((name for name, length in lengths.items() if length != n), None)
    if wrong:
        msg = f"'{wrong}' has {lengths[wrong]:,} rows where status has {n:,}; give one value per customer"
        raise InputError(msg)
    return content_order({spec.name: columns[spec.name] for spec in specs}, [*ties, np.asarray(status)], seed)


def _customers(
    order: IntArray, columns: Mapping[str, pa.Array], specs: Sequence[FieldSpec], status: npt.NDArray[Any],
    arrays: Mapping[str, npt.NDArray[Any] | None], params: FitParams, as_of: date | None,
) -> Customers:  # fmt: skip
    groups, current_score, signed_up, grade = (
        arrays.get(name) for name in ("groups", "current_score", "signed_up", "grade")
    )
    index = pa.array(order)
    taken = {spec.name: _one_chunk(columns[spec.name]).take(index) for spec in specs}
    group = np.arange(len(order))
    if groups is not None:  # numbered by where they first appear: their names carry no meaning
        _, first, number = np.unique(np.asarray(groups)[order], return_index=True, return_inverse=True)
        group = np.argsort(np.argsort(first))[number].astype(np.int64)
    score = None
    if current_score is not None:
        score = np.asarray(current_score, dtype=np.float64)[order]
        known = np.isfinite(score)
        # an account without the score is neither good nor bad by it
        score = np.where(known, score, np.median(score[known])) if known.mean() >= LEAST_SCORED else None
    if grade is not None:
        grade = np.asarray(grade, dtype=np.float64)[order]
    dates = None if signed_up is None else np.asarray(signed_up, dtype="datetime64[s]")[order]
    rule = rule_fields(taken, [spec for spec in specs if not spec.adjust])
    return Customers(taken, tuple(specs), rule, np.asarray(status).astype(str)[order], group,
                     dates, score, grade, params, as_of)  # fmt: skip


def _one_chunk(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _folds(customers: Customers, folds: int, repeats: int, seed: int) -> IntArray:
    """Return the fold of every customer in each repeat, shape (repeats, n)."""
    rows = customers.training_rows(np.arange(len(customers.status)))
    smaller = int(min(customers.best.sum(), customers.worst.sum()))
    number = max(2, min(folds, smaller))
    fold = np.stack([fold_numbers(rows, number, seed + 7919 * (repeat + 1)) for repeat in range(repeats)])
    for of in (customers.best, customers.worst):
        if any((of & (row != k)).sum() == 0 for row in fold for k in range(number)):
            msg = (
                "all best or all worst customers share one group (the same company), so none would be left to learn "
                "from where they are held out; check the column that groups customers"
            )
            raise TrainingRefused(msg)
    return fold


def _scores(
    customers: Customers, fold: IntArray, dated: TimeSplit, seed: int, n_jobs: int | None, progress: Progress | None
) -> list[SplitScores]:
    """Score every split, the back-test's last."""
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits

    tasks: list[tuple[IntArray, IntArray, int, tuple[int, ...]]] = []
    quarters = _quarters(customers, fold[0])
    for repeat, numbers in enumerate(fold):
        for k in np.unique(numbers):
            parts = np.flatnonzero(numbers != k), np.flatnonzero(numbers == k)
            tasks.append((*parts, seed + 100_003 * (repeat + 1) + int(k), quarters if repeat == 0 else ()))
    if len(dated.older):
        tasks.append((dated.older, dated.newest, seed + 99_991, ()))
    out: list[SplitScores] = []
    results = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(score_split)(customers, *task) for task in tasks
    )
    # the splits already take the cores; on work this small more BLAS threads cost time and may change last bits
    with threadpool_limits(1):
        for result in results:
            out.append(result)
            if progress:
                progress("evaluate", len(out) / (len(tasks) + 1))
    return out


def _quarters(customers: Customers, fold: IntArray) -> tuple[int, ...]:
    """Return the sizes of the learning curve: those with enough best and worst customers, or none if too few."""
    smaller = min(int(customers.best.sum()), int(customers.worst.sum())) * (1 - 1 / (int(fold.max()) + 1))
    enough = tuple(quarter for quarter in QUARTERS if smaller * quarter / QUARTERS[-1] >= LEAST_CLASS)
    return enough if len(enough) >= LEAST_POINTS else ()


def _recalibration(customers: Customers, scores: Sequence[SplitScores], resamples: int, seed: int) -> Recalibration:
    """Put the calibrations' held-out losses together, each customer's the mean over repeats."""
    n = len(customers.status)
    times, width, best = np.zeros(n), np.zeros(n), customers.best.astype(np.float64)
    losses: dict[str, FloatArray] = {}
    for split in scores:
        times[split.held] += 1
        width[split.held] += split.recalibrated.width
        for name, loss in held_out_losses(split.recalibrated, best[split.held]).items():
            losses.setdefault(name, np.zeros(n))[split.held] += loss
    means = {name: loss / times for name, loss in losses.items()}
    return judge_recalibration(means, width / times, customers.group, resamples, seed)


def _gather(customers: Customers, scores: Sequence[SplitScores], fold: IntArray) -> dict[str, Predictions]:
    """Put the held-out scores of all folds side by side, one row per repeat."""
    repeats, n = fold.shape
    per_repeat = len(scores) // repeats
    out = {}
    for name in (MODEL, *BASELINES):
        log_odds, log_odds_worst = np.empty((repeats, n)), np.empty((repeats, n))
        for i, split in enumerate(scores):
            log_odds[i // per_repeat, split.held] = split.log_odds[name]
            log_odds_worst[i // per_repeat, split.held] = split.log_odds_worst[name]
        out[name] = Predictions(log_odds, log_odds, log_odds_worst)
    if customers.current_score is not None:
        out[IN_USE] = Predictions(np.tile(customers.current_score, (repeats, 1)))
    return out


def _results(
    predictions: Mapping[str, Predictions], judged: Judged, names: Mapping[str, str], resamples: int, seed: int
) -> tuple[LearnerResult, ...]:
    drawn = resampled_metrics(predictions, judged, resamples, seed)
    out = []
    for name, metrics in drawn.items():
        gains = {}
        if name != MODEL:
            gains = {m: interval(drawn[MODEL][m] - metrics[m]) for m in GAIN_METRICS if m in metrics}
        found = {metric: interval(values) for metric, values in metrics.items()}
        out.append(LearnerResult(name, names.get(name, "icp_ml"), found, gains))
    return tuple(out)


def _back_test(
    customers: Customers, dated: TimeSplit, scores: SplitScores, names: Mapping[str, str], resamples: int, seed: int
) -> BackTest:
    newest = dated.newest
    predictions = {
        name: Predictions(scores.log_odds[name][None], scores.log_odds[name][None], scores.log_odds_worst[name][None])
        for name in (MODEL, *BASELINES)
    }
    if customers.current_score is not None:
        predictions[IN_USE] = Predictions(customers.current_score[newest][None])
    one_fold = np.zeros((1, len(newest)), dtype=np.int64)
    best: BoolArray = customers.best[newest]
    grade = None if customers.grade is None else customers.grade[newest]
    judged = Judged(best, customers.worst[newest], one_fold, customers.group[newest], grade)
    return back_test(customers, dated, scores, _results(predictions, judged, names, resamples, seed))


def _notes(customers: Customers, current_score: FloatArray | None) -> tuple[str, ...]:
    if current_score is None:
        return ()
    known = float(np.isfinite(np.asarray(current_score, dtype=np.float64)).mean())
    if customers.current_score is None:
        return (f"The score in use today is known of {known:.0%} of the mature customers only and was not compared.",)
    if known < 1:
        return (f"The score in use today is known of {known:.0%} of the mature customers; the rest have its median.",)
    return ()

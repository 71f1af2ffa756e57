"""The additive fit: LightGBM with one field per tree, cross-validated rounds, bags, read back as tables.

Every tree uses a single term, so the sum of all trees is a sum of one function per term, and each
function is found exactly by asking the booster for its contribution at every code (Lundberg et al. 2020,
"From local explanations to global understanding with explainable AI for trees"; on single-field trees
the SHAP value of a term depends on that term's code alone).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from icp_ml.estimator.design import (
    Columns,
    Statistics,
    category_statistics,
    columns,
    cross_fitted_design,
    design,
    read_tables,
)
from icp_ml.estimator.encoding import MISSING, UNSEEN, Codes, FloatArray, Term
from icp_ml.estimator.rows import IntArray, TrainingRows, fold_count, fold_numbers, not_drawn, take
from icp_ml.estimator.screening import Screens, aligned, screen, screens, with_tokens

if TYPE_CHECKING:
    import lightgbm


USUAL_STEP = 10.0  # learning rate times rounds, about what small tables need: a hundred rounds at a rate of 0.1
STEP_SPREAD = 1.0  # standard deviation of its logarithm


@dataclass(frozen=True)
class BoostingParams:
    """What shapes the fit; the defaults are those of the benchmark."""

    learning_rate: float = 0.1
    max_rounds: int = 400
    patience: int = 30
    num_leaves: int = 2
    min_leaf: int = 5
    l2: float = 2.0
    feature_fraction: float = 0.5
    smoothing: float = 10.0
    folds: int = 5
    bags: int = 25
    additive: bool = True  # one term per tree; without it only to tell what that costs


class Bag(NamedTuple):
    """One bag's tables and base, its booster's text, how often it drew each training row, and the tokens it took."""

    values: list[FloatArray]
    base: float
    text: str
    draws: IntArray
    tokens: IntArray


@dataclass(frozen=True)
class AdditiveFit:
    """Result of `fit_additive`: uncalibrated tables, and every row's log-odds from fits that did not see it.

    `out_of_fold` is from the cross-validation, one booster per row; `out_of_bag` from the mean of the bags
    that did not draw the row. Tables, also those of the bags, are of the terms and then of the tokens kept (`screens`).
    """

    values: tuple[FloatArray, ...]
    variances: tuple[FloatArray, ...]
    base: float
    base_variance: float
    rounds: int
    out_of_fold: FloatArray
    out_of_bag: FloatArray
    bags: tuple[Bag, ...]
    screens: Screens


def _booster(
    X: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    params: BoostingParams,
    seed: int,
    rounds: int,
    valid: tuple[FloatArray, FloatArray, FloatArray] | None = None,
    made_of: Columns | None = None,
) -> tuple[lightgbm.Booster, list[float]]:
    """Train one booster on one thread (same bytes on any machine); with `valid`, also its loss per round."""
    import lightgbm as lgb

    graded = bool(((y > 0) & (y < 1)).any())
    metric = "cross_entropy" if graded else "binary_logloss"
    settings: dict[str, Any] = {
        "objective": "cross_entropy" if graded else "binary",  # the same loss, and one that takes grades
        "metric": metric,
        "learning_rate": params.learning_rate,
        "num_leaves": params.num_leaves,
        "min_data_in_leaf": int(max(1, min(params.min_leaf, len(y) // 10))),
        "lambda_l2": params.l2,
        "feature_fraction": params.feature_fraction if X.shape[1] > 3 else 1.0,
        "min_data_in_bin": 1,
        "max_bin": 4096,
        "feature_pre_filter": False,
        "min_sum_hessian_in_leaf": 1e-3,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": seed % (2**31 - 1),
        "verbose": -1,
    }
    if made_of and any(value != 1.0 for value in made_of.freedom):
        settings["feature_contri"] = list(made_of.freedom)  # multiplies a term's gain when trees choose one
    if params.additive:
        together = made_of.together if made_of else [[j] for j in range(X.shape[1])]
        settings["interaction_constraints"] = str(together).replace(" ", "")[1:-1]  # one term per tree
    data = lgb.Dataset(X, y, weight=weight, params=settings, free_raw_data=False)
    if valid is None:
        return lgb.train(settings, data, num_boost_round=rounds, keep_training_booster=True), []
    record: dict[str, Any] = {}
    held = lgb.Dataset(valid[0], valid[1], weight=valid[2], reference=data, params=settings, free_raw_data=False)
    stop = lgb.early_stopping(params.patience, verbose=False)
    booster = lgb.train(
        settings,
        data,
        rounds,
        [held],
        ["held"],
        callbacks=[lgb.record_evaluation(record), stop],
        keep_training_booster=True,
    )
    return booster, record["held"][metric]


def cross_validate(
    rows: TrainingRows, terms: Sequence[Term], params: BoostingParams, seed: int, n_jobs: int | None
) -> tuple[int, FloatArray]:
    """Return the number of rounds with the least held-out log-loss, and every row's out-of-fold log-odds at it.

    With ten best customers the curve is mostly chance: its minimum was at the first round in one half of the draws and
    at hundreds in the other. So it is summed over the rows and has a prior, which little evidence cannot move far.
    """
    from joblib import Parallel, delayed

    folds = fold_count(rows, params.folds)
    fold = fold_numbers(rows, folds, seed)
    usual = USUAL_STEP / params.learning_rate
    patient = replace(params, patience=max(params.patience, round(usual)))

    def one(k: int) -> tuple[lightgbm.Booster, list[float], FloatArray]:
        fitted = take(rows, (fold != k) & rows.trains)
        if len(np.unique(fitted.target[fitted.weight > 0])) < 2:
            fitted = take(rows, rows.trains)
        own = screen(fitted)
        held, _ = with_tokens(take(rows, fold == k), terms, own)
        fitted, used = with_tokens(fitted, terms, own)
        statistics = category_statistics(fitted.codes, used, fitted.target, fitted.weight, params.smoothing)
        X = cross_fitted_design(fitted, used, statistics, params, seed + 1)
        Z = design(held.codes, used, statistics)
        judged = held.trains & (held.weight > 0)
        if not judged.any():
            judged = held.trains
        valid = (Z[judged], held.target[judged], held.weight[judged])
        if not judged.any():
            valid = (X, fitted.target, fitted.weight)
        booster, losses = _booster(
            X, fitted.target, fitted.weight, patient, seed + k, params.max_rounds, valid, columns(used, statistics)
        )
        return booster, losses, Z

    results = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(one)(k) for k in range(folds))
    curve = np.zeros(params.max_rounds)
    for k, (_, losses, _) in enumerate(results):
        padded = np.full(params.max_rounds, losses[-1])
        padded[: len(losses)] = losses
        curve += padded * float(rows.weight[(fold == k) & rows.trains].sum())
    curve /= float(rows.weight[rows.trains].mean())
    curve += 0.5 * (np.log(np.arange(1, params.max_rounds + 1) / usual) / STEP_SPREAD) ** 2
    rounds = int(np.argmin(np.round(curve, 12))) + 1
    out_of_fold = np.zeros(len(rows.y))
    for k, (booster, _, Z) in enumerate(results):
        if len(Z):
            used = min(rounds, booster.current_iteration())
            out_of_fold[fold == k] = np.asarray(booster.predict(Z, raw_score=True, num_iteration=used, num_threads=1))
    return rounds, out_of_fold


def draw_bag(rows: TrainingRows, seed: int) -> IntArray:
    """Return a bootstrap of groups as rows; all rows where it has one label only."""
    rng = np.random.default_rng(seed)
    groups, index = np.unique(rows.group, return_inverse=True)
    drawn = np.bincount(rng.integers(0, len(groups), len(groups)), minlength=len(groups))
    chosen = np.repeat(np.arange(len(rows.y)), drawn[index])
    if len(np.unique(rows.target[chosen][rows.weight[chosen] > 0])) < 2:
        return np.arange(len(rows.y))
    return chosen


def fit_bag(rows: TrainingRows, terms: Sequence[Term], params: BoostingParams, seed: int, rounds: int) -> Bag:
    """Fit one bag on a bootstrap of groups."""
    chosen = draw_bag(rows, seed)
    bag = take(rows, chosen)
    own = screen(bag)
    bag, terms = with_tokens(bag, terms, own)
    statistics = category_statistics(bag.codes, terms, bag.target, bag.weight, params.smoothing)
    X = cross_fitted_design(bag, terms, statistics, params, seed + 1)
    booster, _ = _booster(X, bag.target, bag.weight, params, seed, rounds, made_of=columns(terms, statistics))
    values, base = read_tables(booster, terms, statistics)
    return Bag(values, base, booster.model_to_string(), np.bincount(chosen, minlength=len(rows.y)), own)


def held_out_log_odds(
    fitted: TrainingRows, held: Codes, terms: Sequence[Term], params: BoostingParams, seed: int, rounds: int
) -> FloatArray:
    """Fit one booster for a fixed number of rounds and return its raw log-odds of held-out codes."""
    booster, statistics = train_booster(fitted, terms, params, seed, rounds)
    return booster_log_odds(booster, held, terms, statistics)


def train_booster(
    fitted: TrainingRows, terms: Sequence[Term], params: BoostingParams, seed: int, rounds: int
) -> tuple[lightgbm.Booster, Statistics]:
    """Fit one booster for a fixed number of rounds; return it and what it reads categories by."""
    statistics = category_statistics(fitted.codes, terms, fitted.target, fitted.weight, params.smoothing)
    X = cross_fitted_design(fitted, terms, statistics, params, seed + 1)
    made_of = columns(terms, statistics)
    return _booster(X, fitted.target, fitted.weight, params, seed, rounds, made_of=made_of)[0], statistics


def booster_log_odds(
    booster: lightgbm.Booster, codes: Codes, terms: Sequence[Term], statistics: Statistics
) -> FloatArray:
    """Return a booster's raw log-odds of codes."""
    X = design(codes, terms, statistics)
    return np.asarray(booster.predict(X, raw_score=True, num_threads=1), dtype=np.float64)


def fit_additive(
    rows: TrainingRows,
    terms: Sequence[Term],
    params: BoostingParams,
    seed: int,
    n_jobs: int | None = None,
    crossed: tuple[int, FloatArray] | None = None,
) -> AdditiveFit:
    """Choose rounds by cross-validation, fit the bags, and average their tables.

    Parameters
    ----------
    rows : TrainingRows
        In canonical order. Both labels must be among the rows that train.
    terms : sequence of Term
    params : BoostingParams
    seed : int
    n_jobs : int or None
        Bags and folds fitted at once (joblib); the result does not depend on it.
    crossed : tuple of int and ndarray of shape (n,), optional
        What `cross_validate` said, where it was asked before.
    """
    from joblib import Parallel, delayed

    rounds, out_of_fold = crossed or cross_validate(rows, terms, params, seed, n_jobs)
    trained = take(rows, rows.trains)
    bags = Parallel(n_jobs=n_jobs, prefer="threads")(
        delayed(fit_bag)(trained, terms, params, seed + 1000 * (b + 1), rounds) for b in range(params.bags)
    )
    out_of_bag = _out_of_bag(bags, rows, terms, out_of_fold)  # with all tokens that each bag took
    taken = screens([bag.tokens for bag in bags], screen(trained))
    bags = [bag._replace(values=aligned(bag.values, bag.tokens, taken.kept)) for bag in bags]
    rows, terms = with_tokens(rows, terms, taken.kept)
    stacks, bases = centred_tables([(bag.values, bag.base) for bag in bags], rows, terms)
    return AdditiveFit(
        tuple(stack.mean(axis=0) for stack in stacks),
        tuple(stack.var(axis=0, ddof=1) for stack in stacks),
        float(bases.mean()),
        float(bases.var(ddof=1)),
        rounds,
        out_of_fold,
        out_of_bag,
        tuple(bags),
        taken,
    )


def _out_of_bag(bags: Sequence[Bag], rows: TrainingRows, terms: Sequence[Term], otherwise: FloatArray) -> FloatArray:
    """Return the mean log-odds of the bags that did not draw each row; `otherwise` where all did."""
    total, count = np.zeros(len(rows.y)), np.zeros(len(rows.y))
    for bag in bags:
        log_odds = np.full(len(rows.y), bag.base)
        codes = with_tokens(rows, terms, bag.tokens)[0].codes
        for j, table in enumerate(bag.values):
            log_odds += table[codes[:, j]]
        unseen = not_drawn(rows, bag.draws)
        total += np.where(unseen, log_odds, 0.0)
        count += unseen
    return np.where(count > 0, total / np.maximum(count, 1.0), otherwise)


def silent_codes(term: Term, seen: IntArray) -> IntArray:
    """Return the codes no training customer showed and where LightGBM's answer would be an accident.

    A missing value in a field that was never missing, and a category never seen, say nothing here (tables that
    score read the latter as a rare one). Beyond the range of numbers the nearest bin speaks (`design` clips).
    """
    if term.encoding.kind in ("boolean", "tokens"):
        candidates = np.arange(term.size)
    else:
        candidates = np.array([MISSING] if term.encoding.kind == "numeric" else [MISSING, UNSEEN])
    silent: IntArray = candidates[seen[candidates] == 0].astype(np.int64)
    return silent


def centre(stack: FloatArray, silent: IntArray, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Subtract each bag's mean over the background customers; silent codes are held at that mean (zero)."""
    speaking = counts.copy()
    speaking[silent] = 0.0
    means = stack @ speaking / max(speaking.sum(), 1.0)
    centred = stack - means[:, None]
    centred[:, silent] = 0.0
    return centred, means


def centred_tables(
    fits: Sequence[tuple[Sequence[FloatArray], float]], rows: TrainingRows, terms: Sequence[Term]
) -> tuple[list[FloatArray], FloatArray]:
    """Centre every fit's tables on the customers: per term a stack of shape (fits, codes), and each fit's base."""
    stacks = []
    bases = np.array([base for _, base in fits])
    for j, term in enumerate(terms):
        seen = np.bincount(rows.codes[rows.trains, j], minlength=term.size)
        everyone = np.bincount(rows.codes[:, j], minlength=term.size).astype(np.float64)
        centred, means = centre(np.stack([values[j] for values, _ in fits]), silent_codes(term, seen), everyone)
        bases = bases + means
        stacks.append(centred)
    return stacks, bases

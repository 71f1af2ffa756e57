"""The additive fit: LightGBM with one field per tree, cross-validated rounds, bags, read back as tables.

Every tree uses a single term, so the sum of all trees is a sum of one function per term, and each
function is found exactly by asking the booster for its contribution at every code (Lundberg et al. 2020,
"From local explanations to global understanding with explainable AI for trees"; on single-field trees
the SHAP value of a term depends on that term's code alone).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from icp_ml.estimator.encoding import FIRST_BIN, MISSING, UNSEEN, Codes, FloatArray, Term
from icp_ml.estimator.rows import IntArray, TrainingRows, fold_count, fold_numbers, not_drawn, take
from icp_ml.estimator.screening import Screens, aligned, screen, screens, with_tokens

if TYPE_CHECKING:
    import lightgbm


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


def design(codes: Codes, terms: Sequence[Term], statistics: Sequence[FloatArray | None]) -> FloatArray:
    """Return what LightGBM sees: ordinals for numbers and tokens, a smoothed rate for categories, NaN for missing."""
    X = codes.astype(np.float64)
    for j, statistic in enumerate(statistics):
        if statistic is not None:
            X[:, j] = statistic[codes[:, j]]
        elif terms[j].encoding.kind == "numeric":  # beyond the customers' range: as at its edge
            np.clip(X[:, j], FIRST_BIN, terms[j].size - 2, out=X[:, j])
    X[codes == MISSING] = np.nan
    return X


def category_statistics(
    codes: Codes, terms: Sequence[Term], y: FloatArray, weight: FloatArray, smoothing: float
) -> list[FloatArray | None]:
    """Return, per category term, the smoothed rate of the positive label at every code; None for other terms."""
    prior = float(np.average(y, weights=weight))
    out: list[FloatArray | None] = []
    for j, term in enumerate(terms):
        if term.encoding.kind != "category":
            out.append(None)
            continue
        total = np.bincount(codes[:, j], weights=weight, minlength=term.size)
        good = np.bincount(codes[:, j], weights=weight * y, minlength=term.size)
        statistic = (good + smoothing * prior) / (total + smoothing)
        out.append(statistic)
    return out


def cross_fitted_design(rows: TrainingRows, terms: Sequence[Term], params: BoostingParams, seed: int) -> FloatArray:
    """Return the design of training rows, each category rate taken from rows of other folds."""
    X = design(rows.codes, terms, category_statistics(rows.codes, terms, rows.target, rows.weight, params.smoothing))
    columns = [j for j, term in enumerate(terms) if term.encoding.kind == "category"]
    if not columns:
        return X
    fold = fold_numbers(rows, params.folds, seed)
    some = [terms[j] for j in columns]
    for k in np.unique(fold):
        held, rest = fold == k, fold != k
        if not rows.weight[rest].sum() > 0:
            continue
        statistics = category_statistics(
            rows.codes[rest][:, columns], some, rows.target[rest], rows.weight[rest], params.smoothing
        )
        X[np.ix_(held, columns)] = design(rows.codes[held][:, columns], some, statistics)
    return X


def freedoms(terms: Sequence[Term]) -> list[float]:
    """Return how freely each term may speak."""
    return [term.encoding.freedom for term in terms]


def _booster(
    X: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    params: BoostingParams,
    seed: int,
    rounds: int,
    valid: tuple[FloatArray, FloatArray, FloatArray] | None = None,
    freedom: Sequence[float] = (),
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
    if any(value != 1.0 for value in freedom):
        settings["feature_contri"] = list(freedom)  # multiplies a term's gain when trees choose one
    if params.additive:
        settings["interaction_constraints"] = ",".join(f"[{j}]" for j in range(X.shape[1]))  # one term per tree
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
    """Return the number of rounds with the least held-out log-loss, and every row's out-of-fold log-odds at it."""
    from joblib import Parallel, delayed

    folds = fold_count(rows, params.folds)
    fold = fold_numbers(rows, folds, seed)

    def one(k: int) -> tuple[lightgbm.Booster, list[float], FloatArray]:
        fitted = take(rows, (fold != k) & rows.trains)
        if len(np.unique(fitted.target[fitted.weight > 0])) < 2:
            fitted = take(rows, rows.trains)
        own = screen(fitted)
        held, _ = with_tokens(take(rows, fold == k), terms, own)
        fitted, used = with_tokens(fitted, terms, own)
        X = cross_fitted_design(fitted, used, params, seed + 1)
        statistics = category_statistics(fitted.codes, used, fitted.target, fitted.weight, params.smoothing)
        Z = design(held.codes, used, statistics)
        judged = held.trains & (held.weight > 0)
        if not judged.any():
            judged = held.trains
        valid = (Z[judged], held.target[judged], held.weight[judged])
        if not judged.any():
            valid = (X, fitted.target, fitted.weight)
        booster, losses = _booster(
            X, fitted.target, fitted.weight, params, seed + k, params.max_rounds, valid, freedoms(used)
        )
        return booster, losses, Z

    results = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(one)(k) for k in range(folds))
    curve = np.zeros(params.max_rounds)
    for k, (_, losses, _) in enumerate(results):
        padded = np.full(params.max_rounds, losses[-1])
        padded[: len(losses)] = losses
        curve += padded * float(rows.weight[(fold == k) & rows.trains].sum())
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
    X = cross_fitted_design(bag, terms, params, seed + 1)
    booster, _ = _booster(X, bag.target, bag.weight, params, seed, rounds, freedom=freedoms(terms))
    statistics = category_statistics(bag.codes, terms, bag.target, bag.weight, params.smoothing)
    values, base = read_tables(booster, terms, statistics)
    return Bag(values, base, booster.model_to_string(), np.bincount(chosen, minlength=len(rows.y)), own)


def held_out_log_odds(
    fitted: TrainingRows, held: Codes, terms: Sequence[Term], params: BoostingParams, seed: int, rounds: int
) -> FloatArray:
    """Fit one booster for a fixed number of rounds and return its raw log-odds of held-out codes."""
    X = cross_fitted_design(fitted, terms, params, seed + 1)
    booster = train_booster(X, fitted, params, seed, rounds, freedoms(terms))
    return booster_log_odds(booster, fitted, held, terms, params)


def train_booster(
    X: FloatArray, fitted: TrainingRows, params: BoostingParams, seed: int, rounds: int, freedom: Sequence[float] = ()
) -> lightgbm.Booster:
    """Fit one booster for a fixed number of rounds on a design of the rows."""
    return _booster(X, fitted.target, fitted.weight, params, seed, rounds, freedom=freedom)[0]


def booster_log_odds(
    booster: lightgbm.Booster, fitted: TrainingRows, codes: Codes, terms: Sequence[Term], params: BoostingParams
) -> FloatArray:
    """Return a booster's raw log-odds of codes, category rates taken from the rows it was fitted on."""
    statistics = category_statistics(fitted.codes, terms, fitted.target, fitted.weight, params.smoothing)
    X = design(codes, terms, statistics)
    return np.asarray(booster.predict(X, raw_score=True, num_threads=1), dtype=np.float64)


def probe_codes(terms: Sequence[Term]) -> Codes:
    """Return one row per code of each term in turn, all other terms missing."""
    sizes = [term.size for term in terms]
    codes = np.zeros((sum(sizes), len(terms)), dtype=np.uint16)
    start = 0
    for j, size in enumerate(sizes):
        codes[start : start + size, j] = np.arange(size)
        start += size
    return codes


def read_tables(
    booster: lightgbm.Booster, terms: Sequence[Term], statistics: Sequence[FloatArray | None]
) -> tuple[list[FloatArray], float]:
    """Read a single-field booster back as one table per term: `base + sum(table[code])` is its raw score."""
    contributions = np.asarray(
        booster.predict(design(probe_codes(terms), terms, statistics), pred_contrib=True, num_threads=1)
    )
    values, start = [], 0
    for j, term in enumerate(terms):
        values.append(contributions[start : start + term.size, j].copy())
        start += term.size
    return values, float(contributions[0, -1])


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

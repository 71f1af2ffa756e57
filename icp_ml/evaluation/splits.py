"""One split of the customers: every learner fitted on its training part, scoring its held-out part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import logit

from icp_ml.baselines import BASELINES, Scores, Split, rule_cells
from icp_ml.estimator.calibration import MIN_ROWS, Calibration, fit_calibration
from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.fitting import FieldSpec, FitParams, FittedTables, fit_encoding, fit_tables, neutral_fields
from icp_ml.estimator.rows import IntArray, TrainingRows, canonical_order, fold_numbers, take
from icp_ml.evaluation.learning import QUARTERS
from icp_ml.evaluation.metrics import BoolArray
from icp_ml.evaluation.recalibration import Recalibrated, recalibrate
from icp_ml.evaluation.result import MODEL

BEST, WORST, MIDDLE = "best", "worst", "middle"


@dataclass(frozen=True)
class Customers:
    """Mature customers in an order that neither input order nor labels have a part in.

    `grade` is the percentile of the composite outcome, 0 to 1; NaN where there is none.
    """

    columns: Mapping[str, pa.Array]
    specs: tuple[FieldSpec, ...]
    rule: tuple[FieldSpec, ...]
    status: npt.NDArray[np.str_]
    group: IntArray
    signed_up: npt.NDArray[np.datetime64] | None
    current_score: FloatArray | None
    grade: FloatArray | None
    params: FitParams
    as_of: date | None
    weight: FloatArray | None = None  # in fits of the model

    @property
    def best(self) -> BoolArray:
        """Which customers are best."""
        return np.asarray(self.status == BEST)

    @property
    def worst(self) -> BoolArray:
        """Which customers are worst."""
        return np.asarray(self.status == WORST)

    def part(self, rows: IntArray) -> dict[str, pa.Array]:
        """Return the columns of some rows."""
        index = pa.array(rows)
        return {spec.name: self.columns[spec.name].take(index) for spec in self.specs}

    def training_rows(self, rows: IntArray) -> TrainingRows:
        """Return labels and groups of some rows, without codes."""
        empty = np.zeros((len(rows), 0), dtype=np.uint16)
        best = self.best[rows].astype(np.float64)
        return TrainingRows(empty, best, np.ones(len(rows)), self.group[rows], self.status[rows] != MIDDLE)


@dataclass(frozen=True)
class PartScores:
    """The model trained on a part of the training customers: held-out scores, and how many it was trained on."""

    score: FloatArray
    log_odds_worst: FloatArray
    customers: int
    best: int
    worst: int


@dataclass(frozen=True)
class SplitScores:
    """Log-odds of the held-out customers by learner, and the model's out of fold of the training part.

    Attributes
    ----------
    held : ndarray of shape (m,)
        Rows held out.
    log_odds, log_odds_worst : mapping of learner to ndarray of shape (m,)
        Calibrated against all others, and against the worst.
    train_log_odds : ndarray of shape (n - m,)
        The model's, of the training part, out of fold.
    recalibrated : Recalibrated
        The model's held-out log-odds by other calibrations.
    parts : tuple of PartScores
        The model on ever more of the training part; empty where that was not asked.
    """

    held: IntArray
    log_odds: Mapping[str, FloatArray]
    log_odds_worst: Mapping[str, FloatArray]
    train_log_odds: FloatArray
    recalibrated: Recalibrated
    parts: tuple[PartScores, ...] = ()


def content_order(columns: Mapping[str, pa.Array], ties: Sequence[npt.NDArray[Any]], seed: int) -> IntArray:
    """Return rows sorted by their values and then shuffled by the seed, whatever order they came in.

    Parameters
    ----------
    columns : mapping of name to Arrow array of n rows
    ties : sequence of ndarray of shape (n,)
        What tells rows of equal values apart; after the shuffle, order says nothing of it.
    seed : int
    """
    keys = [*ties, *(_sortable(columns[name]) for name in sorted(columns, reverse=True))]
    order = np.lexsort(keys).astype(np.int64)
    return order[np.random.default_rng([seed, 55]).permutation(len(order))]


def _sortable(array: pa.Array) -> npt.NDArray[Any]:
    """Return numbers that sort as the values do; missing has a place of its own."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        array = pc.cast(pc.cast(array, pa.timestamp("s")), pa.int64())
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        array = pc.binary_join(array, "\x1f")
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        array = pc.dictionary_encode(array)
    if pa.types.is_dictionary(array.type):
        values = np.array(pc.cast(array.dictionary, pa.string()).to_pylist(), dtype=object)
        rank = np.empty(len(values) + 1, dtype=np.int64)
        rank[:-1][np.argsort(values, kind="stable")] = np.arange(len(values))
        rank[-1] = -1
        index: IntArray = pc.fill_null(array.indices, len(values)).to_numpy(zero_copy_only=False)
        return rank[index]
    return np.asarray(pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def score_split(
    customers: Customers, train: IntArray, held: IntArray, seed: int, quarters: Sequence[int] = ()
) -> SplitScores:
    """Fit every learner on `train` and score `held`; nothing of `held` is seen before.

    Bins, rounds, penalties, grades or not, category statistics and all calibrations are fitted on the training part.
    With `quarters`, the model is fitted to so many quarters of the training part too.
    """
    bare = customers.training_rows(train)
    train_columns, held_columns = customers.part(train), customers.part(held)
    fitted = fit_part(customers, train, customers.params, seed)
    tables = fitted.tables
    held_codes = tables.encode(held_columns, len(held), customers.as_of)
    model = Scores(tables.log_odds(held_codes), fitted.out_of_bag)
    encoding = tables.encoding
    if fitted.wide:  # tokens taken by the labels of these rows would flatter the baselines' own folds among them
        plain = [spec for spec in customers.specs if not spec.adjust]
        encoding = fit_encoding(train_columns, plain, customers.params, customers.as_of)
        held_codes = encoding.encode(held_columns, len(held), customers.as_of)
    codes = encoding.encode(train_columns, len(train), customers.as_of)
    cells = rule_cells(customers.rule, train_columns, held_columns, encoding, customers.as_of)
    log_odds = {MODEL: model.held}
    log_odds_worst = {MODEL: _calibrated(model, bare.y, bare.trains)}
    rows = TrainingRows(codes, bare.y, bare.weight, bare.group, bare.trains)
    order = canonical_order(codes, rows.y, rows.weight, np.zeros_like(rows.group), rows.trains)
    rows = take(rows, order)
    own = _as_the_model(rows, customers, train[order], fitted.grades.graded)
    split = Split(rows, held_codes, encoding.terms, cells[0][order], cells[1], seed, customers.params.boosting, own,
                  neutral_fields(customers.specs))  # fmt: skip
    for name, baseline in BASELINES.items():
        scores = baseline(split)
        log_odds[name] = _calibrated(scores, rows.y, np.ones(len(train), dtype=bool))
        log_odds_worst[name] = _calibrated(scores, rows.y, rows.trains)
    way: Literal["always", "never"] = "always" if fitted.grades.graded else "never"
    parts = tuple(_score_part(customers, train, held, held_columns, quarter, way, seed) for quarter in quarters)
    other = recalibrate(fitted.out_of_bag, bare.y, model.held)
    return SplitScores(held, log_odds, log_odds_worst, fitted.out_of_bag, other, parts)


def fit_part(customers: Customers, rows: IntArray, params: FitParams, seed: int) -> FittedTables:
    """Fit the model to some customers."""
    bare = customers.training_rows(rows)
    return fit_tables(
        customers.part(rows), customers.specs, bare.y, groups=bare.group, trains=bare.trains,
        weight=None if customers.weight is None else customers.weight[rows],
        grade=None if customers.grade is None else customers.grade[rows], params=params, as_of=customers.as_of,
        seed=seed, n_jobs=1,
    )  # fmt: skip


def quarter_rows(customers: Customers, train: IntArray, quarters: int, seed: int) -> IntArray:
    """Return so many quarters of the training part, fewer inside more, labels and groups dealt as to folds."""
    if quarters == QUARTERS[-1]:
        return train
    return train[fold_numbers(customers.training_rows(train), QUARTERS[-1], seed + 5) < quarters]


def _score_part(
    customers: Customers, train: IntArray, held: IntArray, held_columns: Mapping[str, pa.Array], quarters: int,
    way: Literal["always", "never"], seed: int,
) -> PartScores:  # fmt: skip
    """Fit the model, more cheaply and the same at every size, to some quarters of the training part."""
    rows = quarter_rows(customers, train, quarters, seed)
    boosting = customers.params.boosting
    cheap = replace(boosting, bags=min(2, boosting.bags), folds=min(2, boosting.folds),
                    learning_rate=max(0.25, boosting.learning_rate), patience=min(12, boosting.patience))  # fmt: skip
    fitted = fit_part(customers, rows, replace(customers.params, boosting=cheap, grades=way), seed)
    codes = fitted.tables.encode(held_columns, len(held), customers.as_of)
    scores = Scores(fitted.tables.log_odds(codes), fitted.out_of_bag)
    bare = customers.training_rows(rows)
    log_odds_worst = _calibrated(scores, bare.y, bare.trains)
    counts = (int((customers.status[rows] == name).sum()) for name in (BEST, WORST))
    return PartScores(scores.held, log_odds_worst, len(rows), *counts)


def _as_the_model(rows: TrainingRows, customers: Customers, index: IntArray, graded: bool) -> TrainingRows:
    """Return the rows with the weights and grades that the model trains on."""
    if customers.weight is not None:
        rows = replace(rows, weight=customers.weight[index])
    if not graded or customers.grade is None:
        return rows
    grade = customers.grade[index]
    known = np.isfinite(grade)
    return replace(rows, trains=known, grade=np.where(known, np.clip(grade, 0.0, 1.0), rows.y))


def _calibrated(scores: Scores, y: FloatArray, used: BoolArray) -> FloatArray:
    """Return held-out log-odds with slope and intercept fitted to the training part's out-of-fold scores."""
    raw, y = scores.out_of_fold[used], y[used]
    if len(y) >= MIN_ROWS:
        calibration = fit_calibration(raw, y)
    else:
        calibration = Calibration(1.0, float(logit(np.clip(y.mean(), 0.01, 0.99)) - raw.mean()))
    return calibration.slope * scores.held + calibration.intercept

"""One split of the customers: every learner fitted on its training part, scoring its held-out part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import logit

from icp_ml.baselines import BASELINES, Scores, Split, rule_cells
from icp_ml.estimator.calibration import MIN_ROWS, Calibration, fit_calibration
from icp_ml.estimator.encoding import FloatArray
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding, fit_tables
from icp_ml.estimator.rows import IntArray, TrainingRows, canonical_order, take
from icp_ml.evaluation.metrics import BoolArray
from icp_ml.evaluation.result import MODEL

BEST, WORST, MIDDLE = "best", "worst", "middle"


@dataclass(frozen=True)
class Customers:
    """Mature customers in an order that neither input order nor labels have a part in."""

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
    """

    held: IntArray
    log_odds: Mapping[str, FloatArray]
    log_odds_worst: Mapping[str, FloatArray]
    train_log_odds: FloatArray


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


def score_split(customers: Customers, train: IntArray, held: IntArray, seed: int) -> SplitScores:
    """Fit every learner on `train` (best against worst) and score `held`; nothing of `held` is seen before.

    Bins, rounds, penalties, category statistics, both calibrations, and whether to train on grades: all of it is
    decided on the training part.
    """
    bare = customers.training_rows(train)
    train_columns, held_columns = customers.part(train), customers.part(held)
    fitted = fit_tables(
        train_columns, customers.specs, bare.y, groups=bare.group, trains=bare.trains, params=customers.params,
        weight=None if customers.weight is None else customers.weight[train],
        grade=None if customers.grade is None else customers.grade[train], as_of=customers.as_of, seed=seed, n_jobs=1,
    )  # fmt: skip
    tables = fitted.tables
    held_codes = tables.encode(held_columns, len(held), customers.as_of)
    model = Scores(tables.log_odds(held_codes), fitted.out_of_bag)
    encoding = tables.encoding
    if fitted.wide:  # tokens taken by the labels of these rows would flatter the baselines' own folds among them
        encoding = fit_encoding(train_columns, customers.specs, customers.params, customers.as_of)
        held_codes = encoding.encode(held_columns, len(held), customers.as_of)
    codes = encoding.encode(train_columns, len(train), customers.as_of)
    cells = rule_cells(customers.rule, train_columns, held_columns, encoding, customers.as_of)
    log_odds = {MODEL: model.held}
    log_odds_worst = {MODEL: _calibrated(model, bare.y, bare.trains)}
    rows = TrainingRows(codes, bare.y, bare.weight, bare.group, bare.trains)
    order = canonical_order(codes, rows.y, rows.weight, np.zeros_like(rows.group), rows.trains)
    rows = take(rows, order)
    split = Split(rows, held_codes, encoding.terms, cells[0][order], cells[1], seed)
    for name, baseline in BASELINES.items():
        scores = baseline(split)
        log_odds[name] = _calibrated(scores, rows.y, np.ones(len(train), dtype=bool))
        log_odds_worst[name] = _calibrated(scores, rows.y, rows.trains)
    return SplitScores(held, log_odds, log_odds_worst, fitted.out_of_bag)


def _calibrated(scores: Scores, y: FloatArray, used: BoolArray) -> FloatArray:
    """Return held-out log-odds with slope and intercept fitted to the training part's out-of-fold scores."""
    raw, y = scores.out_of_fold[used], y[used]
    if len(y) >= MIN_ROWS:
        calibration = fit_calibration(raw, y)
    else:
        calibration = Calibration(1.0, float(logit(np.clip(y.mean(), 0.01, 0.99)) - raw.mean()))
    return calibration.slope * scores.held + calibration.intercept

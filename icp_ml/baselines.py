"""What the model must beat: the base rate, a size-and-industry rule, ridge logistic, LightGBM's defaults.

And what it gives up to be readable: LightGBM fitted with the same care that may combine fields.

Every baseline sees the folds, customers and fields the model sees, is trained on best against worst, and
gives raw log-odds of the held-out customers and, for calibration, of the training customers out of fold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import logit

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.encoding import MISSING, Codes, Encoding, FloatArray, Term, numeric_values
from icp_ml.estimator.fitting import FieldSpec
from icp_ml.estimator.linear import fit_ridge
from icp_ml.estimator.rows import IntArray, TrainingRows, fold_numbers, take
from icp_ml.estimator.unconstrained import fit_unconstrained

BASE_RATE, RULE, RIDGE, LIGHTGBM, FULL, IN_USE = (
    "base_rate",
    "size_industry_rule",
    "ridge_logistic",
    "lightgbm_defaults",
    "full",
    "score_in_use",
)
SIZE_FIELDS = ("employees", "revenue_usd")
INDUSTRY_FIELDS = ("industry", "sub_industry", "naics_code", "sic_code")
EMPLOYEE_BANDS = np.array([10.0, 50.0, 200.0, 500.0, 1000.0, 5000.0, 10000.0])  # upper ends, as vendors sell them
SMOOTHING = 10.0  # customers a cell must show to count as much as its prior
INNER_FOLDS = 5
DEFAULT_ROUNDS = 100


@dataclass(frozen=True)
class Split:
    """One training part and one held-out part.

    Attributes
    ----------
    train : TrainingRows
        Training customers; the middle does not train.
    held : ndarray of shape (m, terms)
        Codes of the held-out customers, in the encoding fitted on the training part.
    terms : tuple of Term
    cells_train, cells_held : ndarray of shape (n, 2) and (m, 2)
        Bands of the two fields the rule uses.
    seed : int
    params : BoostingParams
        The model's, for the learner that has its care.
    own : TrainingRows or None
        The training customers with the weights and grades the model trains on.
    neutral : frozenset of str
        Fields of which a missing value says nothing in the model.
    """

    train: TrainingRows
    held: Codes
    terms: tuple[Term, ...]
    cells_train: IntArray
    cells_held: IntArray
    seed: int
    params: BoostingParams = field(default_factory=BoostingParams)
    own: TrainingRows | None = None
    neutral: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scores:
    """Raw log-odds: of the held-out customers, and of the training customers out of fold."""

    held: FloatArray
    out_of_fold: FloatArray


def rule_fields(columns: Mapping[str, pa.Array], specs: Sequence[FieldSpec]) -> tuple[FieldSpec, ...]:
    """Return the two fields of the rule: size and industry, or else those known most often.

    Token sets are left out: they have no bands. One field, or none, where there are no more.
    """
    usable = [spec for spec in specs if spec.kind != "tokens" and spec.name in columns]
    by_name = {spec.name: spec for spec in usable}
    size = next((by_name[name] for name in SIZE_FIELDS if name in by_name), None)
    industry = next((by_name[name] for name in INDUSTRY_FIELDS if name in by_name), None)
    if size is not None and industry is not None:
        return size, industry
    return tuple(sorted(usable, key=lambda spec: (columns[spec.name].null_count, specs.index(spec)))[:2])


def rule_cells(
    fields: Sequence[FieldSpec],
    train: Mapping[str, pa.Array],
    held: Mapping[str, pa.Array],
    encoding: Encoding,
    as_of: date | None,
) -> tuple[IntArray, IntArray]:
    """Return the bands of the rule's fields for training and held-out customers, shape (rows, 2)."""
    sizes = [len(next(iter(part.values()))) if part else 0 for part in (train, held)]
    out = [np.zeros((n, 2), dtype=np.int64) for n in sizes]
    for position, spec in enumerate(fields):
        if spec.kind == "numeric":
            edges = _band_edges(spec, numeric_values(train[spec.name], as_of, spec.form))
            for part, cells in zip((train, held), out, strict=True):
                values = numeric_values(part[spec.name], as_of, spec.form)
                cells[:, position] = np.where(np.isnan(values), MISSING, np.searchsorted(edges, values) + 1)
        else:
            alone = Encoding(tuple(enc for enc in encoding.fields if enc.field == spec.name))
            for part, cells, n in zip((train, held), out, sizes, strict=True):
                cells[:, position] = alone.encode(part, n, as_of)[:, 0]
    return out[0], out[1]


def _band_edges(spec: FieldSpec, values: FloatArray) -> FloatArray:
    """Vendors' bands for employees; fifths of the training customers for any other number."""
    if spec.name == "employees":
        return EMPLOYEE_BANDS
    known = values[np.isfinite(values)]
    return np.unique(np.quantile(known, [0.2, 0.4, 0.6, 0.8], method="lower")) if len(known) else np.empty(0)


def base_rate(split: Split) -> Scores:
    """Say the same of everybody."""
    return Scores(np.zeros(len(split.held)), np.zeros(len(split.train.y)))


def size_industry_rule(split: Split) -> Scores:
    """Say the smoothed share of best customers in the account's band of size and industry."""

    def score(fitted: npt.NDArray[np.bool_], cells: IntArray) -> FloatArray:
        used = fitted & split.train.trains
        return _cell_log_odds(split.cells_train[used], split.train.y[used], cells)

    everyone = np.ones(len(split.train.y), dtype=bool)
    held = score(everyone, split.cells_held)
    return Scores(held, _out_of_fold(split, INNER_FOLDS, lambda rest, out: score(rest, split.cells_train[out])))


def _cell_log_odds(cells: IntArray, y: FloatArray, asked: IntArray) -> FloatArray:
    """Shrink each cell's rate to what its two fields say one by one, and those to the overall rate."""
    prior = (y.sum() + 1.0) / (len(y) + 2.0)
    expected = np.full(len(asked), logit(prior))
    for j in range(2):
        good, total = _counts(cells[:, j], y, asked[:, j])
        expected += logit((good + SMOOTHING * prior) / (total + SMOOTHING)) - logit(prior)
    width = int(max(cells.max(initial=0), asked.max(initial=0))) + 1
    good, total = _counts(cells[:, 0] * width + cells[:, 1], y, asked[:, 0] * width + asked[:, 1])
    inner = 1.0 / (1.0 + np.exp(-expected))
    rate: FloatArray = logit((good + SMOOTHING * inner) / (total + SMOOTHING))
    return rate


def _counts(cells: IntArray, y: FloatArray, asked: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return (best, customers) of the training cells that `asked` names; 0 where none was seen."""
    names, index = np.unique(np.concatenate([cells, asked]), return_inverse=True)
    inside, wanted = index[: len(cells)], index[len(cells) :]
    good = np.bincount(inside, weights=y, minlength=len(names)).astype(np.float64)
    total = np.bincount(inside, minlength=len(names)).astype(np.float64)
    return good[wanted], total[wanted]


def ridge_logistic(split: Split) -> Scores:
    """Ridge logistic on the same bins, one-hot, with a cross-validated penalty."""
    fit = fit_ridge(split.train, split.terms, folds=INNER_FOLDS, seed=split.seed)
    return Scores(fit.log_odds(split.held), fit.out_of_fold)


def lightgbm_defaults(split: Split) -> Scores:
    """LightGBM as it comes, on the codes as numbers."""

    def score(fitted: npt.NDArray[np.bool_], codes: Codes) -> FloatArray:
        import lightgbm as lgb

        used = take(split.train, fitted & split.train.trains)
        # only what makes the result repeatable is not the default
        settings = {"objective": "binary", "num_threads": 1, "deterministic": True, "force_row_wise": True,
                    "seed": split.seed % (2**31 - 1), "verbose": -1}  # fmt: skip
        data = lgb.Dataset(used.codes.astype(np.float64), used.y, params=settings)
        booster = lgb.train(settings, data, DEFAULT_ROUNDS)
        return np.asarray(booster.predict(codes.astype(np.float64), raw_score=True, num_threads=1), dtype=np.float64)

    everyone = np.ones(len(split.train.y), dtype=bool)
    held = score(everyone, split.held)
    # three folds, not five: its own out-of-fold scores serve two numbers of a calibration only
    return Scores(held, _out_of_fold(split, 3, lambda rest, out: score(rest, split.train.codes[out])))


def unconstrained(split: Split) -> Scores:
    """LightGBM that may combine fields, with the model's care: what being readable costs."""
    rows = split.own or split.train
    return Scores(*fit_unconstrained(rows, split.held, split.terms, split.params, split.seed, split.neutral))


def _out_of_fold(
    split: Split, folds: int, score: Callable[[npt.NDArray[np.bool_], npt.NDArray[np.bool_]], FloatArray]
) -> FloatArray:
    """Score every training customer by a fit on the others: `score(fitted rows, rows to score)`."""
    y, trains = split.train.y, split.train.trains
    smaller = int(min(y[trains].sum(), (1 - y[trains]).sum()))
    fold = fold_numbers(split.train, max(2, min(folds, smaller)), split.seed + 1)
    out = np.zeros(len(y))
    for k in np.unique(fold):
        rest = fold != k
        if len(np.unique(y[rest & trains])) < 2:
            rest = np.ones(len(y), dtype=bool)
        out[fold == k] = score(rest, fold == k)
    return out


BASELINES: Mapping[str, Callable[[Split], Scores]] = {
    BASE_RATE: base_rate,
    RULE: size_industry_rule,
    RIDGE: ridge_logistic,
    LIGHTGBM: lightgbm_defaults,
    FULL: unconstrained,
}


def labels(fields: Sequence[FieldSpec]) -> dict[str, str]:
    """Return what a reader calls each baseline; the rule says which fields it uses."""
    names = " x ".join(spec.label or spec.name.replace("_", " ") for spec in fields) or "no field"
    return {
        BASE_RATE: "base rate",
        RULE: f"rule: {names}",
        RIDGE: "ridge logistic regression",
        LIGHTGBM: "LightGBM with its defaults",
        FULL: "LightGBM, fields combined",
        IN_USE: "the score in use today",
    }

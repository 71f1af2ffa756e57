"""Columns and labels to calibrated scoring tables: the one fit behind the classifier and the workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.estimator.boosting import BoostingParams, IntArray, TrainingRows, canonical_order, fit_additive, take
from icp_ml.estimator.calibration import Calibration, fit_calibration
from icp_ml.estimator.encoding import (
    EncodedKind,
    Encoding,
    FieldEncoding,
    FloatArray,
    fit_numeric,
    fit_values,
    fit_vocabulary,
    numeric_values,
)
from icp_ml.estimator.scorecard import ScoringTables

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FieldSpec:
    """What is known of a field before fitting."""

    name: str
    kind: EncodedKind
    form: str = "number"
    label: str = ""
    category: str = "firmographic"
    spellings: Mapping[str, str] = field(default_factory=dict)
    neutral_missing: bool = False


@dataclass(frozen=True)
class FitParams:
    """Encoding limits and boosting parameters."""

    boosting: BoostingParams = BoostingParams()
    max_bins: int = 24
    min_count: int = 5
    max_tokens: int = 200


@dataclass(frozen=True)
class FittedTables:
    """Calibrated tables and what is worth keeping of the fit.

    `out_of_fold` is calibrated log-odds in the order the rows were given.
    """

    tables: ScoringTables
    rounds: int
    calibration: Calibration
    out_of_fold: FloatArray
    boosters: tuple[str, ...]


def fit_encoding(columns: Mapping[str, pa.Array], specs: Sequence[FieldSpec], params: FitParams, as_of: date | None) -> Encoding:
    """Freeze bins, values and vocabularies; no label is seen. Fields are put in name order."""
    fields = []
    for spec in sorted(specs, key=lambda s: s.name):
        array = columns[spec.name]
        common = {"field": spec.name, "kind": spec.kind, "form": spec.form, "label": spec.label or spec.name.replace("_", " "),
                  "category": spec.category}  # fmt: skip
        if spec.kind == "numeric":
            fields.append(FieldEncoding(**common, edges=fit_numeric(numeric_values(array, as_of), max_bins=params.max_bins)))
        elif spec.kind == "category":
            kept, rare = fit_values(array.to_pylist(), min_count=params.min_count)
            fields.append(FieldEncoding(**common, values=kept, spellings=_spell(kept, spec), rare=rare))
        elif spec.kind == "tokens":
            least = max(params.min_count, round(0.01 * len(array)))
            tokens = fit_vocabulary(array, min_count=least, max_tokens=params.max_tokens)
            if tokens:
                fields.append(FieldEncoding(**common, values=tokens, spellings=_spell(tokens, spec)))
        else:
            fields.append(FieldEncoding(**common))
    return Encoding(tuple(fields))


def _spell(values: Sequence[str], spec: FieldSpec) -> tuple[str, ...]:
    return tuple(spec.spellings.get(v, v) for v in values)


def fit_tables(columns: Mapping[str, pa.Array], specs: Sequence[FieldSpec], y: FloatArray, *, weight: FloatArray | None = None,
               groups: IntArray | None = None, trains: BoolArray | None = None, params: FitParams | None = None,
               as_of: date | None = None, seed: int = 0, n_jobs: int | None = None) -> FittedTables:  # fmt: skip
    """Fit encoding, boosters and calibration.

    Parameters
    ----------
    columns : mapping of name to Arrow array of n rows
    specs : sequence of FieldSpec
        The fields to use; `columns` may hold more.
    y : ndarray of shape (n,)
        1 best, 0 otherwise.
    weight : ndarray of shape (n,), optional
    groups : ndarray of shape (n,), optional
        Numbers; rows of a group share every fold and bag.
    trains : ndarray of shape (n,), optional
        False for the middle: not trained on, but calibration is against it too.
    """
    params = params or FitParams()
    n = len(y)
    encoding = fit_encoding(columns, specs, params, as_of)
    codes = encoding.encode(columns, n, as_of)
    weight = np.ones(n) if weight is None else weight
    trains = np.ones(n, dtype=bool) if trains is None else trains
    group = np.zeros(n, dtype=np.int64) if groups is None else groups
    order = canonical_order(codes, y, weight, group, trains)
    group = np.arange(n) if groups is None else group[order]
    rows = TrainingRows(np.asfortranarray(codes[order]), y[order], weight[order], group, trains[order])
    fitted = fit_additive(rows, encoding.terms, params.boosting, seed, n_jobs)
    calibration = fit_calibration(fitted.out_of_fold, rows.y, rows.weight)
    customers = [np.bincount(rows.codes[:, j], minlength=t.size).astype(float) for j, t in enumerate(encoding.terms)]
    good = take(rows, rows.y > 0)
    best = [np.bincount(good.codes[:, j], minlength=t.size).astype(float) for j, t in enumerate(encoding.terms)]
    tables = ScoringTables(encoding, fitted.values, fitted.variances, fitted.base, fitted.base_variance,
                           tuple(customers), tuple(best), as_of)  # fmt: skip
    tables = _hold_missing(tables, specs).scaled(calibration.slope, calibration.intercept)
    out_of_fold = np.empty(n)
    out_of_fold[order] = calibration.slope * fitted.out_of_fold + calibration.intercept
    return FittedTables(tables, fitted.rounds, calibration, out_of_fold, fitted.boosters)


def _hold_missing(tables: ScoringTables, specs: Sequence[FieldSpec]) -> ScoringTables:
    """Zero the missing code of fields whose missingness predicts: it is an artefact of how data were collected."""
    held = {spec.name for spec in specs if spec.neutral_missing}
    if not held:
        return tables
    values, variances, base = [], [], tables.base
    for term, value, variance, n in zip(tables.terms, tables.values, tables.variances, tables.customers, strict=True):
        if term.field in held:
            known = n.copy()
            known[0] = 0.0
            shift = float(value @ known / known.sum()) if known.sum() else 0.0
            value, variance, base = value - shift, variance.copy(), base + shift * float(known.sum() / n.sum())
            value[0] = variance[0] = 0.0
        values.append(value)
        variances.append(variance)
    return ScoringTables(tables.encoding, tuple(values), tuple(variances), base, tables.base_variance, tables.customers,
                         tables.best, tables.as_of)  # fmt: skip

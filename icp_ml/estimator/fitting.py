"""Columns and labels to calibrated scoring tables: the one fit behind the classifier and the workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.accounts.values.industries import title_of
from icp_ml.estimator.adjustment import Adjustment, calibrate_held, describe_adjustment, without_adjusted
from icp_ml.estimator.bins import fit_codes, fit_numeric, fit_values, fit_vocabulary
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.calibration import Calibration
from icp_ml.estimator.encoding import (
    CODE_SYSTEMS,
    Codes,
    EncodedKind,
    Encoding,
    FieldEncoding,
    FloatArray,
    Term,
    numeric_values,
)
from icp_ml.estimator.grades import GradeChoice, choose_grades
from icp_ml.estimator.mix import CrossFit, MixedFit, fit_mix, ridge_text
from icp_ml.estimator.own_segments import OwnSegments, with_cuts
from icp_ml.estimator.pairs import fit_pairs
from icp_ml.estimator.rows import IntArray, TrainingRows, canonical_order, take
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.screening import (
    MAX_CANDIDATES,
    WideField,
    WideRows,
    content_numbers,
    settled_fields,
    wide_field,
    with_tokens,
)
from icp_ml.estimator.segment_fit import Division, divide
from icp_ml.estimator.segment_tables import SegmentRule, SegmentTables
from icp_ml.estimator.unsaid import hold_missing, read_as_rare
from icp_ml.exceptions import TrainingRefused

BoolArray = npt.NDArray[np.bool_]
MIN_GRADES = 3  # different ones: two are no more than labels


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
    adjust: bool = False  # fitted, then held at its average: no term of the model


@dataclass(frozen=True)
class FitParams:
    """Encoding limits and boosting parameters."""

    boosting: BoostingParams = field(default_factory=BoostingParams)
    max_bins: int = 24
    min_count: int = 5
    min_code_share: float = 0.02  # of the rows, for an industry code to stand beside the wider one it belongs to
    max_tokens: int = 200
    max_words: int = 300  # of a text; a word counts as a token, and so does a phrase
    emphasis: Mapping[str, float] = field(default_factory=dict)  # category -> freedom of its fields, 1 where not there
    adjust_freedom: float = 4.0  # of fields that are adjusted for
    max_pairs: int = 10
    grades: Literal["auto", "always", "never"] = "auto"  # where there are grades: whichever ranks better, or one
    segments: Literal["auto", "never"] | OwnSegments = "never"


@dataclass(frozen=True)
class FittedTables:
    """Calibrated tables and what is worth keeping of the fit.

    `out_of_bag` is calibrated log-odds of rows by fits that did not see them, in the order the rows were given.
    `ridge` is the ridge's part as JSON and `ridge_share` what it counts for; `grades` says what was trained on,
    `adjustment` what was adjusted for: `tables` and `out_of_bag` hold it at its average.
    `wide` are the token sets that had more candidates than a fit may use, rows as given. `division` says how the
    customers were divided into segments, and why or why not.
    """

    tables: ScoringTables
    rounds: int
    calibration: Calibration
    out_of_bag: FloatArray
    boosters: tuple[str, ...]
    ridge: str
    ridge_share: float
    grades: GradeChoice
    adjustment: Adjustment = field(default_factory=Adjustment)
    wide: tuple[WideField, ...] = ()
    division: Division = field(default_factory=Division)


def fit_encoding(
    columns: Mapping[str, pa.Array], specs: Sequence[FieldSpec], params: FitParams, as_of: date | None
) -> Encoding:
    """Freeze bins, values and vocabularies; no label is seen.

    Fields are put in name order, those that are adjusted for last: without them, the others keep their positions.
    """
    encoding, wide = split_encoding(columns, specs, params, as_of)
    both = [*encoding.fields, *(field.commonest() for field in wide)]
    return Encoding(tuple(sorted(both, key=_place)))


def _place(enc: FieldEncoding) -> tuple[bool, str]:
    return enc.adjusted, enc.field


def split_encoding(
    columns: Mapping[str, pa.Array], specs: Sequence[FieldSpec], params: FitParams, as_of: date | None
) -> tuple[Encoding, tuple[WideField, ...]]:
    """Freeze what every fit shares, and set apart the token sets of which each fit takes its own tokens."""
    specs = sorted(specs, key=lambda s: (s.adjust, s.name))
    screened = [spec for spec in specs if spec.kind == "tokens" and not spec.adjust]
    found = {spec.name: _wide(columns[spec.name], spec, params) for spec in screened}
    wide = tuple(field for field in found.values() if field is not None)
    plain = [spec for spec in specs if found.get(spec.name) is None]
    fields = [_fit_field(columns[spec.name], spec, params, as_of) for spec in plain]
    usable = tuple(enc for enc in fields if enc.kind != "tokens" or enc.values)
    if not wide and all(enc.adjusted for enc in usable):
        msg = (
            f"no field can be used: no token of {', '.join(enc.field for enc in fields) or 'any field'} "
            "is held by enough rows and lacked by enough others; add fields or rows"
        )
        raise TrainingRefused(msg)
    return Encoding(usable), wide


def _wide(array: pa.Array, spec: FieldSpec, params: FitParams) -> WideField | None:
    """Return the field with all candidates, or None where one fit can use them all."""
    text = spec.form == "text"
    most = params.max_words if text else params.max_tokens
    tokens = fit_vocabulary(array, min_count=params.min_count, max_tokens=max(MAX_CANDIDATES, most), phrases=text)
    if len(tokens) <= most:
        return None
    label = spec.label or spec.name.replace("_", " ")
    freedom = params.emphasis.get(spec.category, 1.0)
    enc = FieldEncoding(spec.name, spec.kind, spec.form, label, spec.category, freedom=freedom)
    return wide_field(replace(enc, values=tokens, spellings=_spell(tokens, spec)), array, most)


def _fit_field(array: pa.Array, spec: FieldSpec, params: FitParams, as_of: date | None) -> FieldEncoding:
    label = spec.label or spec.name.replace("_", " ")
    freedom = params.emphasis.get(spec.category, 1.0) if not spec.adjust else params.adjust_freedom
    enc = FieldEncoding(spec.name, spec.kind, spec.form, label, spec.category, adjusted=spec.adjust, freedom=freedom)
    if spec.kind == "numeric":
        values = numeric_values(array, as_of, spec.form)
        edges = fit_numeric(values, max_bins=params.max_bins, form=spec.form)
        return replace(enc, edges=with_cuts(edges, params.segments, spec.name, spec.form, as_of))
    if spec.kind == "category":
        if spec.form in CODE_SYSTEMS:
            least = max(params.min_count, round(params.min_code_share * len(array)))
            kept, rare = fit_codes(array.to_pylist(), min_count=least, system=spec.form)
            titles = tuple(title_of(code, spec.form) or spec.spellings.get(code, code) for code in kept)
            return replace(enc, values=kept, spellings=titles, rare=rare)
        kept, rare = fit_values(array.to_pylist(), min_count=params.min_count)
        return replace(enc, values=kept, spellings=_spell(kept, spec), rare=rare)
    if spec.kind == "tokens":
        least = max(params.min_count, round(0.01 * len(array)))
        text = spec.form == "text"
        most = params.max_words if text else params.max_tokens
        tokens = fit_vocabulary(array, min_count=least, max_tokens=most, phrases=text)
        return replace(enc, values=tokens, spellings=_spell(tokens, spec))
    return enc


def _spell(values: Sequence[str], spec: FieldSpec) -> tuple[str, ...]:
    return tuple(spec.spellings.get(v, v) for v in values)


def fit_tables(
    columns: Mapping[str, pa.Array],
    specs: Sequence[FieldSpec],
    y: FloatArray,
    *,
    weight: FloatArray | None = None,
    groups: IntArray | None = None,
    trains: BoolArray | None = None,
    grade: FloatArray | None = None,
    params: FitParams | None = None,
    as_of: date | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
) -> FittedTables:
    """Fit encoding, boosters, ridge, pairs and calibration.

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
        False for the middle: not trained on as extremes, but calibration is against it too.
    grade : ndarray of shape (n,), optional
        0 to 1, a soft label for every row, also of the middle; NaN where there is none.
    """
    params = params or FitParams()
    n = len(y)
    encoding, wide = split_encoding(columns, specs, params, as_of)
    codes = encoding.encode(columns, n, as_of)
    weight = np.ones(n) if weight is None else weight
    trains = np.ones(n, dtype=bool) if trains is None else trains
    group = np.zeros(n, dtype=np.int64) if groups is None else groups
    order = canonical_order(with_content(codes, wide), y, weight, group, trains, grade)
    group = np.arange(n) if groups is None else group[order]
    tokens = WideRows(tuple(token_set.take(order) for token_set in wide), np.arange(n)) if wide else None
    rows = TrainingRows(np.asfortranarray(codes[order]), y[order], weight[order], group, trains[order], wide=tokens)
    rows, crossed, chosen = _graded(rows, None if grade is None else grade[order], encoding.terms, params, seed, n_jobs)
    fitted = fit_mix(rows, encoding.terms, params.boosting, seed, n_jobs, crossed)
    text = ridge_text(fitted, with_tokens(rows, encoding.terms, fitted.tokens)[1])
    fitted, division = divide(
        rows, encoding.terms, fitted, asked=params.segments, boosting=params.boosting, max_pairs=params.max_pairs,
        held=neutral_fields(specs), seed=seed, n_jobs=n_jobs, as_of=as_of,
    )  # fmt: skip
    rows, terms = with_tokens(rows, encoding.terms, fitted.tokens)
    fits = (fitted, *division.fits)
    if tokens is not None:
        rows, encoding, fits = _settled(rows, terms, tokens.fields, encoding, fits)
    tables = _tables(rows, encoding, fits[0], specs, as_of)
    adjustment = describe_adjustment(tables, rows, fitted.out_of_bag, fitted.out_of_bag - fitted.adjusted)
    tables, calibration, held_out = _with_pairs(without_adjusted(tables), fits[0], rows, specs, params, seed, n_jobs)
    segments = _segments(division, fits[1:], held_out, rows, encoding, specs, params, as_of, seed, n_jobs)
    out_of_bag = np.empty(n)
    out_of_bag[order] = held_out
    boosters = tuple(text for fit in fits for text in fit.boosters)
    return FittedTables(
        replace(tables, segments=segments), fitted.rounds, calibration, out_of_bag, boosters, text,
        fitted.share, chosen, adjustment, wide, division,
    )  # fmt: skip


def _segments(
    division: Division, fits: Sequence[MixedFit], held_out: FloatArray, rows: TrainingRows, encoding: Encoding,
    specs: Sequence[FieldSpec], params: FitParams, as_of: date | None, seed: int, n_jobs: int | None,
) -> tuple[SegmentTables, ...]:  # fmt: skip
    """Return the segments' calibrated tables, and write their customers' held-out log-odds into `held_out`."""
    position = {term.name: j for j, term in enumerate(encoding.terms)}
    out = []
    for number, (segment, mixed) in enumerate(zip(division.segments, fits, strict=True)):
        some = take(rows, segment.there)
        own = without_adjusted(_tables(some, encoding, mixed, specs, as_of))
        own, _, held_out[segment.there] = _with_pairs(own, mixed, some, specs, params, seed + number + 1, n_jobs)
        rule = SegmentRule(segment.name, segment.parent, position[segment.term], segment.codes)
        out.append(SegmentTables(rule, own))
    return tuple(out)


def _tables(
    rows: TrainingRows, encoding: Encoding, fitted: MixedFit, specs: Sequence[FieldSpec], as_of: date | None
) -> ScoringTables:
    """Return a fit's tables with the evidence of the rows, as people read them; not calibrated yet."""
    customers = [np.bincount(rows.codes[:, j], minlength=t.size).astype(float) for j, t in enumerate(encoding.terms)]
    good = take(rows, rows.y > 0)
    best = [np.bincount(good.codes[:, j], minlength=t.size).astype(float) for j, t in enumerate(encoding.terms)]
    tables = ScoringTables(
        encoding,
        fitted.values,
        fitted.variances,
        fitted.base,
        fitted.base_variance,
        tuple(customers),
        tuple(best),
        as_of,
    )
    return read_as_rare(hold_missing(tables, neutral_fields(specs)))


def _with_pairs(
    tables: ScoringTables,
    fitted: MixedFit,
    rows: TrainingRows,
    specs: Sequence[FieldSpec],
    params: FitParams,
    seed: int,
    n_jobs: int | None,
) -> tuple[ScoringTables, Calibration, FloatArray]:
    """Return calibrated tables with the pairs that earn their place, the terms' calibration, and held-out log-odds."""
    # Out of bag rather than out of fold: bags are sharper than the single boosters of the folds.
    complete, adjusted, before = fitted.out_of_bag, fitted.adjusted, Calibration()
    found = fit_pairs(
        rows,
        tables.terms,  # those that are adjusted for come last and are in no pair
        complete,
        fitted.draws,
        most=params.max_pairs,
        held=neutral_fields(specs),
        folds=params.boosting.folds,
        seed=seed,
        n_jobs=n_jobs,
    )
    if found.pairs:
        tables, complete, before = found.joined(tables), found.out_of_fold, found.calibration
        adjusted = before.slope * adjusted
    held_out = complete - adjusted
    last = calibrate_held(held_out, adjusted, rows.y, rows.weight)
    whole = Calibration(last.slope * before.slope, last.slope * before.intercept + last.intercept)
    return tables.scaled(last.slope, last.intercept), whole, last.slope * held_out + last.intercept


def _graded(
    rows: TrainingRows,
    grade: FloatArray | None,
    terms: Sequence[Term],
    params: FitParams,
    seed: int,
    n_jobs: int | None,
) -> tuple[TrainingRows, CrossFit | None, GradeChoice]:
    """Return the rows with the grades they are trained on, if any."""
    unknown = float("nan")
    known = np.isfinite(grade) if grade is not None else np.zeros(len(rows.y), dtype=bool)
    if grade is None or params.grades == "never" or len(np.unique(grade[known & (rows.weight > 0)])) < MIN_GRADES:
        return rows, None, GradeChoice(False, unknown, unknown)
    graded = replace(rows, trains=known, grade=np.where(known, np.clip(grade, 0.0, 1.0), rows.y))
    if params.grades == "always":
        return graded, None, GradeChoice(True, unknown, unknown)
    return choose_grades(rows, graded, terms, params.boosting, seed, n_jobs)


def with_content(codes: Codes, wide: Sequence[WideField]) -> npt.NDArray[np.integer[Any]]:
    """Return codes with a number per wide field that stands for the row's whole set: what rows are ordered by."""
    return np.column_stack([codes, content_numbers(wide, len(codes))]) if wide else codes


def _settled(
    rows: TrainingRows,
    terms: Sequence[Term],
    wide: Sequence[WideField],
    encoding: Encoding,
    fits: Sequence[MixedFit],
) -> tuple[TrainingRows, Encoding, tuple[MixedFit, ...]]:
    """Put the wide fields' kept tokens where their field belongs, and leave out those whose tables say nothing."""
    plain = len(encoding.terms)
    told = np.array([any(fit.values[j].any() for fit in fits) for j in range(plain, len(terms))], dtype=bool)
    fields = settled_fields(wide, fits[0].tokens, told)
    position = {(term.field, term.spelling): j for j, term in enumerate(terms)}
    whole = Encoding(tuple(sorted([*encoding.fields, *fields], key=_place)))
    index = [position[term.field, term.spelling] for term in whole.terms]
    put = tuple(
        replace(fit, values=tuple(fit.values[j] for j in index), variances=tuple(fit.variances[j] for j in index))
        for fit in fits
    )
    return replace(rows, codes=rows.codes[:, index]), whole, put


def neutral_fields(specs: Sequence[FieldSpec]) -> frozenset[str]:
    """Return the fields of which a missing value adds nothing."""
    return frozenset(spec.name for spec in specs if spec.neutral_missing or spec.kind == "tokens")

"""Data report: what each column is good for, whether it may enter the model, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.guard.derivation import add_derived
from icp_ml.accounts.guard.evidence import Bools, Coded, Ints, code, fold_numbers
from icp_ml.accounts.guard.leaks import (
    Finding,
    Signal,
    Verdict,
    by_copy,
    by_date,
    by_kind,
    by_missingness,
    by_name,
    by_signal,
    missing_lift,
    signal_of,
)
from icp_ml.exceptions import TrainingRefused
from icp_ml.schema import Field
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

MIN_FIELDS = 2
_COVERAGE_GAP = 0.3
_SEVERITY: Mapping[Verdict, int] = {"accept": 0, "confirm": 1, "refuse": 2}


@dataclass(frozen=True)
class ColumnVerdict:
    """What the guard says of one column.

    Attributes
    ----------
    verdict : str
        accept, confirm (left out until named in `fields.confirm`) or refuse.
    reasons : tuple of str
        Why, in words; for an accepted column what to know about it.
    coverage_customers, coverage_market : float
        Share of rows with a value; NaN without a list.
    unseen_market, unseen_customers : float
        Share of the list's values that no customer has, and the reverse; categories and tokens only.
    auc, auc_known : float
        How well the column alone tells best from worst, with missing as a value and among known values.
    missing_lift : float
        P(best | missing) / P(best).
    neutralise : bool
        Whether its missing bin should be held at zero.
    """

    field: str
    label: str
    kind: str
    verdict: Verdict
    reasons: tuple[str, ...]
    coverage_customers: float
    coverage_market: float
    distinct: int
    auc: float
    auc_known: float
    missing_lift: float
    neutralise: bool
    unseen_market: float
    unseen_customers: float


@dataclass(frozen=True)
class DataReport:
    """Verdicts on all columns, in the table's order."""

    columns: tuple[ColumnVerdict, ...]
    customers: int
    market: int | None
    notes: tuple[str, ...]

    @property
    def accepted(self) -> list[str]:
        """Fields that may enter the model."""
        return self._with("accept")

    @property
    def to_confirm(self) -> list[str]:
        """Fields left out until someone vouches for them."""
        return self._with("confirm")

    @property
    def refused(self) -> list[str]:
        """Fields that may not enter the model."""
        return self._with("refuse")

    @property
    def neutralise(self) -> list[str]:
        """Accepted fields whose missing bin should be held at zero."""
        return [column.field for column in self.columns if column.verdict == "accept" and column.neutralise]

    def _with(self, verdict: Verdict) -> list[str]:
        return [column.field for column in self.columns if column.verdict == verdict]

    def frame(self) -> pd.DataFrame:
        """Return one row per column."""
        rows = [{**vars(column), "reasons": "; ".join(column.reasons)} for column in self.columns]
        import pandas as pd

        return pd.DataFrame(rows, columns=list(ColumnVerdict.__dataclass_fields__))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; figures that do not exist are None."""
        columns = []
        for column in self.columns:
            entry = {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in vars(column).items()}
            columns.append({**entry, "reasons": list(column.reasons)})
        return {"customers": self.customers, "market": self.market, "columns": columns, "notes": list(self.notes)}


def judge_columns(
    customers: pa.Table,
    fields: Mapping[str, Field],
    status: pd.Series[str],
    *,
    market: pa.Table | None = None,
    settings: Settings | None = None,
    as_of: date | None = None,
) -> DataReport:
    """Judge every column of the customers' table.

    Parameters
    ----------
    customers : pa.Table
        Canonical columns, outcomes included.
    fields : mapping of str to Field
        The field of every column.
    status : pd.Series of str, shape (rows,)
        best, worst, middle, too_young or unjudged, in the order of the rows.
    market : pa.Table or None
        The list, or a sample of it; with it, columns that it lacks are refused.
    as_of : date or None
        Dates after it are reported.
    """
    settings = settings or Settings()
    customers, dropped = without_own_product(customers, settings.fields.own_product)
    labels = status.to_numpy(dtype=object)
    best, judged = labels == "best", np.isin(labels, ["best", "worst"])
    columns = {name: code(customers[name]) for name in customers.column_names}
    folds = fold_numbers(list(columns.values()), best, settings.random_state)
    features = {n: c for n, c in columns.items() if fields[n].role == "feature"}
    signals = {n: signal_of(c, best, judged, folds) for n, c in features.items() if not c.missing.all()}
    findings = _findings(columns, fields, signals, best, judged, folds)
    add_derived(findings, features, settings.fields.confirm)
    _add_list_and_settings(findings, fields, market, settings)
    verdicts = []
    for name, column in columns.items():
        field, missing = fields[name], missing_lift(column, best, judged)
        verdict = _verdict(field, column, findings[name], signals.get(name), missing, market)
        verdicts.append(_advise(verdict, customers[name], field, dropped.get(name, 0), as_of, settings))
    known = set(customers.column_names)
    notes = [
        f"fields.{part} names '{name}', which is not a column of the customers' table"
        for part, names in (("exclude", settings.fields.exclude), ("confirm", settings.fields.confirm))
        for name in names
        if name not in known
    ]
    return DataReport(tuple(verdicts), len(labels), None if market is None else market.num_rows, tuple(notes))


def check_usable(report: DataReport) -> None:
    """Refuse to train on fewer than two fields.

    Raises
    ------
    TrainingRefused
        Names the accepted field, if any, and the main reasons against the others.
    """
    accepted = report.accepted
    if len(accepted) >= MIN_FIELDS:
        return
    no_fields = ("it is an outcome, measured", "it names or describes the account")
    candidates = [c for c in report.columns if c.verdict != "accept" and not c.reasons[0].startswith(no_fields)]
    candidates.sort(key=lambda c: (_SEVERITY[c.verdict], -c.coverage_customers))
    why = "; ".join(f"{c.field}: {c.reasons[0].rstrip('.')}" for c in candidates[:3])
    what = f"only one field is left to learn from ('{accepted[0]}')" if accepted else "no field is left to learn from"
    if candidates:
        more = f"; and {len(candidates) - 3} more" if len(candidates) > 3 else ""
        what += f": {len(candidates)} others may not be used ({why}{more})"
    step = "add columns that the list also has (industry, employees, country, technologies)"
    asked = report.to_confirm
    if asked:
        step += f", or vouch for a field under  fields: {{confirm: [{', '.join(asked[:3])}]}}"
    msg = f"{what}; at least {MIN_FIELDS} are needed. To go on, {step}."
    raise TrainingRefused(msg)


def without_own_product(table: pa.Table, own_product: Sequence[str]) -> tuple[pa.Table, dict[str, int]]:
    """Remove tokens that name our own product from every token set.

    Returns
    -------
    (pa.Table, dict of str to int)
        The table, and how many tokens were removed by column. A set that becomes empty stays an empty set:
        the vendor has looked at that account.
    """
    removed: dict[str, int] = {}
    own = pa.array([" ".join(token.split()).casefold() for token in own_product], pa.string())
    for name in table.column_names if own_product and table.num_rows else []:
        if not pa.types.is_list(table.schema.field(name).type):
            continue
        array = pa.concat_arrays(table[name].chunks)
        flat, rows = pc.list_flatten(array), pc.list_parent_indices(array)
        keep = pc.invert(pc.is_in(flat, value_set=own))
        gone = len(flat) - pc.sum(pc.cast(keep, pa.int64())).as_py() if len(flat) else 0
        if not gone:
            continue
        counts = np.bincount(np.asarray(pc.filter(rows, keep)), minlength=len(array))
        offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
        kept = pa.ListArray.from_arrays(offsets, pc.filter(flat, keep), mask=pc.is_null(array))
        table = table.set_column(table.schema.get_field_index(name), name, kept)
        removed[name] = int(gone)
    return table, removed


def _findings(
    columns: Mapping[str, Coded],
    fields: Mapping[str, Field],
    signals: Mapping[str, Signal],
    best: Bools,
    judged: Bools,
    folds: Ints,
) -> dict[str, list[Finding]]:
    """Apply the rules that look at one column, or at it beside an outcome."""
    outcomes = {
        name: column.numbers
        for name, column in columns.items()
        if fields[name].role == "outcome" and column.numbers is not None and column.distinct > 1
    }
    strengths = sorted((s.auc_known, name) for name, s in signals.items() if np.isfinite(s.auc_known))
    findings: dict[str, list[Finding]] = {}
    for name, column in columns.items():
        field = fields[name]
        first = by_kind(field, column, len(best))
        if first is not None:
            findings[name] = [first]
            continue
        weaker = [auc for auc, other in strengths if other != name and auc < signals[name].auc_known]
        found = [
            by_missingness(column, best, judged),
            by_signal(signals[name], weaker[-1] if weaker else np.nan),
            by_copy(column, outcomes, folds),
            by_name(field),
        ]
        if field.kind == "date":
            found.append(by_date(column, outcomes.get("customer_since")))
        findings[name] = [f for f in found if f is not None]
    return findings


def _add_list_and_settings(
    findings: dict[str, list[Finding]], fields: Mapping[str, Field], market: pa.Table | None, settings: Settings
) -> None:
    chosen = settings.fields
    for name, found in findings.items():
        if fields[name].role != "feature":
            continue
        if name in chosen.exclude:
            found.insert(0, Finding("refuse", "it is named under fields.exclude"))
        elif name in chosen.adjust_for:
            found.insert(0, Finding("refuse", "it is named under fields.adjust_for, so it is not scored on"))
        elif market is not None and name not in market.column_names:
            found.append(Finding("refuse", "the list does not have it, so no account could be scored on it"))
        elif market is not None and market.num_rows and market[name].null_count == market.num_rows:
            found.append(Finding("refuse", "no account on the list has a value, so none could be scored on it"))
        if name in chosen.confirm and found and all(f.verdict == "confirm" for f in found):
            findings[name] = [Finding("accept", f"vouched for under fields.confirm ({f.reason})") for f in found]


def _verdict(
    field: Field,
    column: Coded,
    findings: Sequence[Finding],
    signal: Signal | None,
    missing: tuple[float, bool],
    market: pa.Table | None,
) -> ColumnVerdict:
    """Gather one column's findings and figures."""
    ordered = sorted(findings, key=lambda f: -_SEVERITY[f.verdict])
    verdict: Verdict = ordered[0].verdict if ordered else "accept"
    here = 1.0 - float(column.missing.mean()) if len(column.missing) else 0.0
    there, unseen_market, unseen_customers = np.nan, np.nan, np.nan
    if market is not None and field.name in market.column_names and market.num_rows:
        there = 1.0 - market[field.name].null_count / market.num_rows
        if column.labels and verdict == "accept":
            unseen_market, unseen_customers = _unseen(column, market[field.name])
    lift, strong = missing
    return ColumnVerdict(
        field=field.name,
        label=field.readable,
        kind=field.kind,
        verdict=verdict,
        reasons=tuple(f.reason for f in ordered),
        coverage_customers=here,
        coverage_market=there,
        distinct=column.distinct,
        auc=signal.auc if signal else np.nan,
        auc_known=signal.auc_known if signal else np.nan,
        missing_lift=lift,
        neutralise=strong or bool(here - there > _COVERAGE_GAP),
        unseen_market=unseen_market,
        unseen_customers=unseen_customers,
    )


def _unseen(column: Coded, market: pa.ChunkedArray) -> tuple[float, float]:
    """Share of the list's values that no customer has, and of the customers' values that the list lacks."""
    flat = pc.list_flatten(market) if pa.types.is_list(market.type) else market
    counts = pc.value_counts(pc.cast(flat, pa.string()).drop_null())
    values, n = counts.field("values"), np.asarray(counts.field("counts"), dtype=np.float64)
    seen = np.asarray(pc.is_in(values, value_set=pa.array(column.labels, pa.string())).to_numpy(zero_copy_only=False))
    there = np.asarray(pc.is_in(pa.array(column.labels, pa.string()), value_set=values).to_numpy(zero_copy_only=False))
    codes = column.tokens[1] if column.tokens is not None else column.known_codes
    here = np.bincount(codes, minlength=len(column.labels)).astype(np.float64)
    return float(n[~seen].sum() / max(1.0, n.sum())), float(here[~there].sum() / max(1.0, here.sum()))


def _advise(
    verdict: ColumnVerdict, column: pa.ChunkedArray, field: Field, dropped: int, as_of: date | None, settings: Settings
) -> ColumnVerdict:
    """Add what a reader should know of the column, and the next step."""
    reasons = list(verdict.reasons)
    if verdict.verdict == "confirm":
        reasons.append(f"if it was known before the sale, name it under  fields: {{confirm: [{verdict.field}]}}")
    if verdict.verdict == "refuse" and verdict.field in settings.fields.confirm:
        reasons.append("fields.confirm names it, but this cannot be vouched for")
    if verdict.verdict == "accept":
        if verdict.coverage_customers - verdict.coverage_market > _COVERAGE_GAP:
            reasons.append(
                f"{verdict.coverage_customers:.0%} of customers have it, "
                f"but only {verdict.coverage_market:.0%} of the list"
            )
        elif verdict.neutralise:
            reasons.append(f"where it is missing, best customers are {verdict.missing_lift:.1f} times as frequent")
        if verdict.unseen_market > 0.5:
            reasons.append(f"{verdict.unseen_market:.0%} of the list's values occur with no customer")
    if dropped:
        reasons.append(f"{dropped:,} tokens that name our own product (fields.own_product) were removed")
    if field.kind == "date" and as_of is not None:
        limit = pa.scalar(datetime(as_of.year, as_of.month, as_of.day, 23, 59, 59), pa.timestamp("s"))
        late = pc.sum(pc.cast(pc.greater(pc.cast(column, pa.timestamp("s")), limit), pa.int64())).as_py() or 0
        if late:
            reasons.append(f"{late:,} dates lie after the as-of date {as_of.isoformat()}")
    return replace(verdict, reasons=tuple(reasons))

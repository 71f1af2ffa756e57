"""Data report: what each column is good for, whether it may enter the model, and why not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.guard.adjusting import ADJUSTED, check_adjusted
from icp_ml.accounts.guard.advice import COVERAGE_GAP, advise, fill_notes, population_notes, repeat_notes
from icp_ml.accounts.guard.closeness import by_age, by_outcomes
from icp_ml.accounts.guard.derivation import add_derived
from icp_ml.accounts.guard.evidence import Coded, Floats, Ints, code, fold_numbers
from icp_ml.accounts.guard.leaks import (
    Finding,
    Signal,
    Target,
    Verdict,
    by_date,
    by_kind,
    by_missingness,
    by_order,
    by_signal,
    filled_lift,
    missing_lift,
    signal_of,
)
from icp_ml.accounts.guard.levels import by_level, by_split
from icp_ml.accounts.guard.names import by_codes, by_name, by_question, by_words
from icp_ml.accounts.guard.own_product import without_own_product
from icp_ml.accounts.guard.populations import Beside, apart, beside, by_list, drift, sample, unseen
from icp_ml.accounts.guard.repeats import without_repeats
from icp_ml.accounts.guard.verdicts import ColumnVerdict, DataReport
from icp_ml.exceptions import TrainingRefused
from icp_ml.schema import BY_NAME, Field
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ColumnVerdict", "DataReport", "check_usable", "judge_columns", "without_own_product"]

MIN_FIELDS = 2
_SEVERITY: Mapping[Verdict, int] = {"accept": 0, "confirm": 1, "refuse": 2, "adjust": 3}


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What all rules look at; arrays by customer, columns by field name."""

    fields: Mapping[str, Field]
    columns: Mapping[str, Coded]
    signals: Mapping[str, Signal]
    outcomes: Mapping[str, Floats]
    target: Target
    folds: Ints
    declared: frozenset[str] = frozenset()
    observed_from: date | None = None

    @property
    def targets(self) -> list[Target]:
        """Best and worst customers, and those with and without each outcome of two values."""
        found = [self.target]
        for name, values in self.outcomes.items():
            known = ~np.isnan(values)
            if len(np.unique(values[known])) == 2:
                readable = self.fields[name].readable
                found.append(Target(values == values[known].max(), known, (readable, f"not {readable}")))
        return found


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

    Raises
    ------
    SettingsError
        A field of `fields.adjust_for` cannot be adjusted for.
    """
    settings = settings or Settings()
    check_adjusted(customers, fields, settings)
    customers, dropped = without_own_product(customers, settings.fields.own_product)
    if market is not None:
        market, _ = without_own_product(market, settings.fields.own_product)
    rows, times = without_repeats(customers, fields, status)
    evidence = _evidence(customers.take(pa.array(rows)), fields, status.iloc[rows], settings)
    pairs = _pairs(customers, market, fields)
    findings = _findings(evidence, listed=market is not None)
    features = {n: c for n, c in evidence.columns.items() if fields[n].role == "feature"}
    dates = {n: v for n, v in evidence.outcomes.items() if fields[n].kind == "date"}
    add_derived(findings, features, settings.fields.confirm, dates, evidence.folds)
    scored_on = {name: found for name, found in findings.items() if name not in settings.fields.adjust_for}
    _add_list(scored_on, fields, market, pairs, _customers_only(customers, market))
    _add_settings(findings, fields, settings)
    verdicts = []
    for name in evidence.columns:
        verdict = _verdict(evidence, name, findings[name], market, pairs.get(name))
        verdicts.append(advise(verdict, customers[name], fields[name], dropped.get(name, 0), as_of, settings))
    accepted = {v.field: pairs[v.field] for v in verdicts if v.verdict == "accept" and v.field in pairs}
    difference = apart(accepted, settings.random_state)
    return DataReport(
        columns=tuple(verdicts),
        customers=customers.num_rows,
        market=None if market is None else market.num_rows,
        notes=tuple(
            [
                *_unknown_names(customers, settings),
                *repeat_notes(times),
                *population_notes(difference),
                *fill_notes(verdicts),
            ]
        ),
        population_auc=difference.auc,
        population_fields=dict(difference.fields),
    )


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
    candidates = [
        c for c in report.columns if c.verdict in ("confirm", "refuse") and not c.reasons[0].startswith(no_fields)
    ]
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


def _evidence(
    customers: pa.Table, fields: Mapping[str, Field], status: pd.Series[str], settings: Settings
) -> _Evidence:
    labels = status.to_numpy(dtype=object)
    best, judged = labels == "best", np.isin(labels, ["best", "worst"])
    columns = {name: code(customers[name]) for name in customers.column_names}
    folds = fold_numbers(list(columns.values()), best, settings.random_state)
    target = Target(best, judged)
    signals = {
        name: signal_of(column, target, folds)
        for name, column in columns.items()
        if fields[name].role == "feature" and not column.missing.all()
    }
    outcomes = {
        name: column.numbers
        for name, column in columns.items()
        if fields[name].role == "outcome" and column.numbers is not None and column.distinct > 1
    }
    declared = frozenset(custom.name for custom in settings.fields.custom)
    start = settings.outcomes.observed_from
    observed_from = start if isinstance(start, date) else None
    return _Evidence(fields, columns, signals, outcomes, target, folds, declared, observed_from)


def _pairs(customers: pa.Table, market: pa.Table | None, fields: Mapping[str, Field]) -> dict[str, Beside]:
    """Code each field of customers and list together; both are sampled where large."""
    if market is None or not market.num_rows or not customers.num_rows:
        return {}
    names = [n for n in customers.column_names if fields[n].role == "feature" and n in market.column_names]
    extra = [n for n in ("account_id",) if n in customers.column_names and n in market.column_names]
    wanted = [*names, *(n for n in extra if n not in names)]
    here, there = sample(customers.select(wanted)), sample(market.select(wanted))
    found = {name: beside(here[name], there[name]) for name in names}
    return {name: pair for name, pair in found.items() if pair is not None}


def _findings(evidence: _Evidence, *, listed: bool) -> dict[str, list[Finding]]:
    """Apply the rules that look at one column, or at it beside the outcomes."""
    columns, fields, signals = evidence.columns, evidence.fields, evidence.signals
    findings: dict[str, list[Finding]] = {}
    for name, column in columns.items():
        first = by_kind(fields[name], column, len(evidence.folds))
        if first is not None:
            findings[name] = [first]
    strengths = sorted((s.auc_known, name) for name, s in signals.items() if np.isfinite(s.auc_known))
    trusted = max((auc for auc, name in strengths if name in BY_NAME), default=math.nan)
    features = {n: c for n, c in columns.items() if n in signals and n not in findings}
    targets = evidence.targets
    for name, column in features.items():
        field, signal = fields[name], signals[name]
        weaker = [auc for auc, other in strengths if other != name and auc < signal.auc_known]
        found = [
            _first(by_missingness(column, target) for target in targets),
            by_signal(field, signal, weaker[-1] if weaker else math.nan, trusted),
            by_outcomes(field, column, evidence.outcomes, evidence.folds),
            by_age(field, column, evidence.outcomes),
            _first(by_level(column, target) for target in targets),
            _by_dates(evidence, field, column),
            by_name(field),
            by_words(field, column),
            None if name in evidence.declared else by_question(field, column),
            None if listed else by_codes(field, column),
        ]
        findings[name] = [f for f in found if f is not None]
        if not findings[name]:
            split = by_split(column, signal, features)
            findings[name] += [split] if split else []
    return findings


def _first(found: Iterable[Finding | None]) -> Finding | None:
    """Return the first of the severest findings."""
    kept = [f for f in found if f is not None]
    return max(kept, key=lambda f: _SEVERITY[f.verdict], default=None)


def _by_dates(evidence: _Evidence, field: Field, column: Coded) -> Finding | None:
    if field.kind != "date":
        return None
    since = evidence.outcomes.get("customer_since")
    if since is not None:
        return by_date(column, since, evidence.observed_from)
    dates = {n: c.numbers for n, c in evidence.columns.items() if evidence.fields[n].kind == "date"}
    return by_order(field, column, {n: numbers for n, numbers in dates.items() if numbers is not None})


def _add_list(
    findings: dict[str, list[Finding]],
    fields: Mapping[str, Field],
    market: pa.Table | None,
    pairs: Mapping[str, Beside],
    customers_only: Mapping[str, float],
) -> None:
    """Apply the rules that look at the list."""
    for name, found in findings.items():
        if fields[name].role != "feature" or market is None:
            continue
        if name not in market.column_names:
            found.append(Finding("refuse", "the list does not have it, so no account could be scored on it"))
        elif market.num_rows and market[name].null_count == market.num_rows:
            found.append(Finding("refuse", "no account on the list has a value, so none could be scored on it"))
        elif name in pairs and not any(f.quiet for f in found):
            new = by_list(pairs[name], customers_only.get(name, math.nan))
            found += [new] if new else []


def _add_settings(findings: dict[str, list[Finding]], fields: Mapping[str, Field], settings: Settings) -> None:
    chosen = settings.fields
    for name, found in findings.items():
        if fields[name].role != "feature":
            continue
        if name in chosen.exclude:
            found.insert(0, Finding("refuse", "it is named under fields.exclude"))
        elif name in chosen.adjust_for:
            found.insert(0, Finding("adjust", ADJUSTED))
        if name in chosen.confirm and found and all(f.verdict == "confirm" for f in found):
            findings[name] = [Finding("accept", f"vouched for under fields.confirm ({f.reason})") for f in found]


def _customers_only(customers: pa.Table, market: pa.Table | None) -> dict[str, float]:
    """Return for each column the share of the list's filled rows that are customers, by account id."""
    if market is None or not {"account_id"} <= {*customers.column_names} & {*market.column_names}:
        return {}
    own = pc.cast(customers["account_id"], pa.string()).combine_chunks()
    ids = pc.cast(market["account_id"], pa.string())
    is_customer = np.asarray(pc.is_in(ids, value_set=own).to_numpy(zero_copy_only=False), dtype=bool)
    if not is_customer.any():
        return {}
    shares = {}
    for name in market.column_names:
        filled = ~np.asarray(pc.is_null(market[name]).to_numpy(zero_copy_only=False), dtype=bool)
        shares[name] = float(is_customer[filled].mean()) if filled.any() else math.nan
    return shares


def _verdict(
    evidence: _Evidence, name: str, findings: Sequence[Finding], market: pa.Table | None, pair: Beside | None
) -> ColumnVerdict:
    """Gather one column's findings and figures."""
    field, column, signal = evidence.fields[name], evidence.columns[name], evidence.signals.get(name)
    ordered = sorted(findings, key=lambda f: -_SEVERITY[f.verdict])
    verdict: Verdict = ordered[0].verdict if ordered else "accept"
    here = 1.0 - float(column.missing.mean()) if len(column.missing) else 0.0
    there, unseen_market, unseen_customers = math.nan, math.nan, math.nan
    if market is not None and name in market.column_names and market.num_rows:
        there = 1.0 - market[name].null_count / market.num_rows
        if column.labels and verdict == "accept":
            unseen_market, unseen_customers = unseen(column, market[name])
    lift, strong = missing_lift(column, evidence.target)
    counts = np.bincount(column.known_codes) if column.tokens is None and not column.missing.all() else None
    return ColumnVerdict(
        field=name,
        label=field.readable,
        kind=field.kind,
        verdict=verdict,
        reasons=tuple(f.reason for f in ordered),
        coverage_customers=here,
        coverage_market=there,
        distinct=column.distinct,
        auc=signal.auc if signal else math.nan,
        auc_known=signal.auc_known if signal else math.nan,
        missing_lift=lift,
        neutralise=strong or bool(here - there > COVERAGE_GAP),
        unseen_market=unseen_market,
        unseen_customers=unseen_customers,
        filled_lift=filled_lift(column, evidence.target),
        drift=drift(pair) if pair is not None else math.nan,
        top_share=math.nan if counts is None else float(counts.max()) / float(counts.sum()),
        flags=_flags(findings, pair),
    )


def _flags(findings: Sequence[Finding], pair: Beside | None) -> tuple[str, ...]:
    names = ["names_accounts"] if any("names the accounts" in f.reason for f in findings) else []
    return (*names, *([f"bands_{pair.bands}"] if pair is not None and pair.bands else []))


def _unknown_names(customers: pa.Table, settings: Settings) -> list[str]:
    known = set(customers.column_names)
    return [
        f"fields.{part} names '{name}', which is not a column of the customers' table"
        for part, names in (("exclude", settings.fields.exclude), ("confirm", settings.fields.confirm))
        for name in names
        if name not in known
    ]

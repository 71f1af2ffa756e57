"""A model as one SQL statement: the scores, tiers and reasons of the kernel, inside a warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from icp_ml.engines.canonical import BETWEEN, column_kind
from icp_ml.engines.sql_codes import add_codes
from icp_ml.engines.sql_dialect import LONGEST, Dialect
from icp_ml.engines.sql_reasons import add_reasons
from icp_ml.engines.sql_scores import add_scores, add_segments, least_log_odds, parts_of
from icp_ml.engines.sql_steps import Column, Names, Steps, case
from icp_ml.engines.sql_support import (
    SEGMENT,
    Part,
    add_ranges,
    add_worth_knowing,
    fit,
    held_reason,
    tier_range,
    worth_knowing,
)
from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.scorecard import Z90
from icp_ml.exceptions import InputError
from icp_ml.model import ICPModel
from icp_ml.scoring.kernel import IDENTITY, STATUSES, Scorer
from icp_ml.tiers import LETTERS, NO_TIER

MOST_REASONS = 20
_FIXED = tuple(f"reason_{i}_{what}" for i in range(1, MOST_REASONS + 1) for what in ("points", "contribution"))


@dataclass(frozen=True)
class SqlExport:
    """A statement, and the definition of the table it reads.

    Attributes
    ----------
    statement : str
        A SELECT with one row per row of the table; the row-level columns of a scored file, without lookalikes
        and winnability.
    definition : str
        CREATE TABLE of the canonical table.
    """

    statement: str
    definition: str
    dialect: str
    model_version: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**self.__dict__, "bytes": len(self.statement.encode())}


def export_sql(model: ICPModel, dialect: str, table: str, *, reasons: int = 3, as_of: date | None = None) -> SqlExport:
    """Write a model as one SQL statement over the canonical table.

    Parameters
    ----------
    model : ICPModel
    dialect : str
        duckdb, postgres, snowflake, bigquery, databricks, spark or redshift.
    table : str
        Where the canonical table is, as the warehouse writes it: `sales.accounts`.
    reasons : int
        Reasons per account, 0 to 20.
    as_of : date, optional
        The day ages are measured to; default: the training's.

    Returns
    -------
    SqlExport

    Raises
    ------
    InputError
        The dialect is not known, the table's name is none, the model reads no field, or the statement is longer than
        the warehouse takes.
    MissingDependencyError
        sqlglot is not installed.
    """
    sql = Dialect.named(dialect)
    found = sql.table(table)
    if not model.tables.terms:
        msg = "the model reads no field, so there is nothing to score by; train it on more customers or fields"
        raise InputError(msg)
    scorer = model.scorer(reasons=min(max(reasons, 0), MOST_REASONS), lookalikes=0)
    day = as_of or model.tables.as_of
    steps = Steps(sql)
    parts, k = _build(steps, scorer, sql.written(found), day)
    if not found.db and found.name.casefold() in steps.names:  # a step must not hide the table
        steps = Steps(sql, "icp_")
        parts, k = _build(steps, scorer, sql.written(found), day)
    head = [
        f"icp_ml: fit score of every account of {table}, by model version {model.version}",
        *([f"ages as of {day.isoformat()}"] if day else []),
        f"log-odds = the average customer's + what each value adds; fit score = 100 / (1 + EXP(-log-odds)); {sql.name}",
    ]
    statement = steps.finish(_result(sql, scorer, parts, k), head)
    most = LONGEST.get(sql.name)
    if most is not None and (size := len(statement.encode())) > most:
        msg = (
            f"the statement has {size:,} bytes and {sql.name} takes {most:,}; ask for fewer reasons (--reasons 1), or "
            "train with fewer fields or tokens"
        )
        raise InputError(msg)
    return SqlExport(statement, definition(sql, model.tables.encoding, table), sql.name, model.version)


def _build(steps: Steps, scorer: Scorer, table: str, day: date | None) -> tuple[Sequence[Part], int]:
    """Add all steps; return what scores each segment, and how many reasons there are."""
    names, parts = Names(set(_FIXED)), parts_of(scorer)
    encoded = add_codes(steps, names, scorer.tables, table, day)
    add_segments(steps, parts, scorer.tables.rules, encoded)
    scores = add_scores(steps, names, parts, encoded, scorer.exclusions)
    add_ranges(steps, _cutoffs(steps.sql, scorer), *_ends(steps.sql))
    add_worth_knowing(steps, parts, encoded)
    return parts, add_reasons(steps, names, parts, encoded, scores, scorer.reasons)


def _result(sql: Dialect, scorer: Scorer, parts: Sequence[Part], k: int) -> list[Column]:
    """Return the columns of the scored table, in the order of a scored file."""
    scored, ends = "status_number = 0", _ends(sql)
    columns = [Column(name, name) for name in IDENTITY]
    columns.append(Column(f"CASE WHEN {scored} THEN '{STATUSES[0]}' ELSE '{STATUSES[1]}' END", "status"))
    said = [f"WHEN status_number = {n} THEN {sql.text(text)}" for n, text in enumerate(scorer.status_reasons) if n]
    columns.append(Column(case([*said, held_reason(sql)]), "status_reason"))
    for name, at in (
        ("fit_score", "log_odds"),
        ("fit_low", ends[0]),
        ("fit_high", ends[1]),
    ):
        columns.append(Column(f"CASE WHEN {scored} THEN {fit(at)} END", name))
    columns.append(Column(f"CASE WHEN {scored} THEN log_odds END", "log_odds"))
    columns += [
        Column(_tier(sql, scorer), "tier"),
        Column("is_inside = 1", "in_support"),
        Column("coverage", "coverage"),
    ]
    segments = [f"WHEN {SEGMENT} = {part.number} THEN {sql.text(part.name)}" for part in parts[1:]]
    columns.append(Column(case(segments, sql.text(parts[0].name)) if segments else sql.text(parts[0].name), "segment"))
    nothing = {"": sql.string, "_field": sql.string, "_contribution": sql.double}
    for i in range(1, scorer.reasons + 1):
        for suffix, kind in nothing.items():
            there = f"reason_{i}_points" if suffix == "_contribution" else f"reason_{i}{suffix}"
            columns.append(Column(there if i <= k else f"CAST(NULL AS {kind})", f"reason_{i}{suffix}"))
    columns += [Column(tier_range(), "tier_range"), *worth_knowing(sql)]
    return [*columns, Column(sql.text(scorer.model_version), "model_version")]


def _ends(sql: Dialect) -> tuple[str, str]:
    """Return the ends of the 90 % interval of the log-odds."""
    half = f"{sql.number(Z90)} * SQRT(variance)"
    return f"(log_odds - {half})", f"(log_odds + {half})"


def _cutoffs(sql: Dialect, scorer: Scorer) -> dict[str, str]:
    return {letter: sql.number(least_log_odds(least)) for letter, least in scorer.cutoffs.to_dict().items()}


def _tier(sql: Dialect, scorer: Scorer) -> str:
    """Return the tier: cut-offs on the log-odds, at most C where no customer was."""
    cut = _cutoffs(sql, scorer)
    fits = {letter: sql.comment(f"fit score from {least:g}") for letter, least in scorer.cutoffs.to_dict().items()}
    branches = [
        f"WHEN status_number <> 0 THEN '{NO_TIER}'",
        f"WHEN is_inside = 0 AND log_odds >= {cut['C']} THEN 'C' {sql.comment('unlike any customer: at most C')}",
        *(f"WHEN log_odds >= {cut[letter]} THEN '{letter}' {fits[letter]}" for letter in LETTERS[:3]),
    ]
    return case(branches, f"'{LETTERS[3]}'")


def definition(sql: Dialect, encoding: Encoding, table: str) -> str:
    """Return CREATE TABLE of the canonical table, with what each column holds.

    Parameters
    ----------
    table : str
        Its name, as `Dialect.table` reads it.
    """
    lines = [
        (f"account_id {sql.string} NOT NULL", "one per row"),
        (f"name {sql.string}", ""),
        (f"domain {sql.string}", ""),
    ]
    lines += [(f"{sql.name_of(enc.field)} {sql.type_of(column_kind(enc))}", _holds(enc)) for enc in encoding.fields]
    body = [
        f"  {column}{',' if place < len(lines) - 1 else ''} {sql.comment(says)}".removesuffix(" -- ")
        for place, (column, says) in enumerate(lines)
    ]
    head = [
        "The canonical table: accounts as the model reads them. icp-ml export-sql --list LIST --list-out FILE.parquet",
        "writes a list so: numbers in their units, names folded as in training, what is not known as NULL.",
    ]
    comments = "".join(f"{sql.comment(line)}\n" for line in head)
    return f"{comments}CREATE TABLE {sql.written(sql.table(table))} (\n" + "\n".join(body) + "\n);\n"


def _holds(enc: FieldEncoding) -> str:
    """Return what a column holds, in words."""
    label = enc.label or enc.field
    if enc.kind == "numeric":
        units = {"money": "US dollars", "share": "0.25 for 25%", "age": "calendar year", "year": "calendar year"}
        return f"{label}: {units[enc.form]}" if enc.form in units else label
    if enc.kind == "tokens":
        some = "".join(f"{value}{BETWEEN}" for value in enc.values[:2])
        return f"{label}: a set, such as {BETWEEN}{some}"
    if enc.kind == "category":
        return f"{label}: such as {', '.join(enc.values[:3])}" if enc.values else label
    return label

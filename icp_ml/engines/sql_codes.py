"""From the canonical table's columns to codes: what `icp_ml.estimator.encoding` does, as CASE expressions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from icp_ml.accounts.values.industries import broader, widest_codes
from icp_ml.engines.canonical import column_kind, token_mark
from icp_ml.engines.sql_dialect import Dialect
from icp_ml.engines.sql_steps import Column, Names, Steps, case
from icp_ml.estimator.encoding import (
    ABSENT,
    CODE_SYSTEMS,
    FALSE,
    FIRST_VALUE,
    MISSING,
    PRESENT,
    RARE,
    TRUE,
    UNSEEN,
    FieldEncoding,
    Term,
)
from icp_ml.estimator.labels import codes_words, range_words
from icp_ml.estimator.scorecard import ScoringTables

WIDEST = 2  # digits by which the widest industry codes are found
NAMED = 60  # characters of a value in a comment


@dataclass(frozen=True)
class Encoded:
    """Names of the columns that hold each term's code and each field's own value."""

    codes: tuple[str, ...]
    values: dict[str, str]


def add_codes(steps: Steps, names: Names, tables: ScoringTables, table: str, as_of: date | None) -> Encoded:
    """Add the steps that read the table and code every term."""
    sql, fields = steps.sql, tables.encoding.fields
    values = {enc.field: names.new(enc.field, "value") for enc in fields}
    own = [Column(own_value(sql, enc, as_of), values[enc.field]) for enc in fields]
    steps.start("accounts", "the accounts, ages as of the model's day", ["account_id", "name", "domain", *own], table)
    after = [Column(after_day(values[enc.field]), values[enc.field]) for enc in fields if enc.form in ("date", "age")]
    if after:
        kept = [values[enc.field] for enc in fields if enc.form not in ("date", "age")]
        says = "what lies after that day was not known on it"
        steps.start("dated", says, ["account_id", "name", "domain", *kept, *after], steps.last)
    codes = tuple(names.new(term.name.replace("=", " ", 1), "code") for term in tables.terms)
    columns = [
        Column(code_case(sql, term, values[term.field]), code) for term, code in zip(tables.terms, codes, strict=True)
    ]
    steps.add("encoded", "every value as the number of its bin; 0: not known", columns)
    return Encoded(codes, values)


def own_value(sql: Dialect, enc: FieldEncoding, as_of: date | None) -> str:
    """Return a field's value: a number (of dates and years the age), a text, or true or false."""
    column, kind = sql.name_of(enc.field), column_kind(enc)
    if kind == "date" or enc.form == "age":
        if as_of is None:
            return f"CAST(NULL AS {sql.double})"
        if kind == "date":
            return f"CAST({sql.days_since(column, as_of)} AS {sql.double})"
        return f"{as_of.year} - CAST({column} AS {sql.double})"
    return f"CAST({column} AS {sql.type_of(kind)})"


def after_day(value: str) -> str:
    """Return an age, missing where it is below 0."""
    return f"CASE WHEN {value} >= 0 THEN {value} END"


def code_case(sql: Dialect, term: Term, value: str) -> str:
    """Return the code of one term."""
    branches = [f"WHEN {value} IS NULL THEN {MISSING} {sql.comment('not known')}"]
    enc = term.encoding
    if enc.kind == "numeric":
        return _bins(sql, enc, value, branches)
    if enc.kind == "boolean":
        return case([*branches, f"WHEN {value} THEN {TRUE}"], str(FALSE))
    if enc.kind == "category":
        known = [_category(sql, enc, value, codes) for codes in _category_branches(enc)]
        return case([*branches, *known], f"{UNSEEN} {sql.comment('a value no customer has')}")
    token = enc.values[term.token or 0]
    held = sql.holds(value, token_mark(token))
    return case([*branches, f"WHEN {held} THEN {PRESENT} {sql.comment(term.spelling[:NAMED])}"], str(ABSENT))


def _bins(sql: Dialect, enc: FieldEncoding, value: str, branches: list[str]) -> str:
    for code, edge in enumerate(enc.edges.tolist(), start=1):
        said = "below every customer" if code == 1 else range_words(enc, code, code)
        branches.append(f"WHEN {value} <= {sql.number(edge)} THEN {code} {sql.comment(said)}")
    return case(branches, f"{len(enc.edges) + 1} {sql.comment('above every customer')}")


def _category_branches(enc: FieldEncoding) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield (code, digits that are compared or 0 for the whole value, values), in the order they are tried."""
    for code, value in enumerate(enc.values, start=FIRST_VALUE):
        yield code, 0, (value,)
    if enc.form in CODE_SYSTEMS:
        yield from _wider(enc)
    if enc.rare:
        yield RARE, 0, enc.rare


def _wider(enc: FieldEncoding) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield the codes a narrower industry code counts for: longer ones first, at last the widest."""
    known = {value: code for code, value in enumerate(enc.values, start=FIRST_VALUE)} | dict.fromkeys(enc.rare, RARE)
    widest = widest_codes(enc.form)
    inner = [v for v in known if v.isascii() and v.isdigit() and len(v) > WIDEST and broader(v, enc.form)]
    for digits in sorted({len(value) for value in inner}, reverse=True):
        for value in sorted(v for v in inner if len(v) == digits):
            yield known[value], digits, (value,)
    for top in sorted(set(widest.values()) & set(known)):
        yield known[top], WIDEST, tuple(sorted(two for two, code in widest.items() if code == top))


def _category(sql: Dialect, enc: FieldEncoding, value: str, branch: tuple[int, int, tuple[str, ...]]) -> str:
    code, digits, values = branch
    said = "a rare value" if code == RARE else codes_words(_term(enc), [code])[:NAMED]
    if not digits:
        return f"WHEN {one_of(value, [sql.text(v) for v in values])} THEN {code} {sql.comment(said)}"
    narrower = f"TRANSLATE({value}, '0123456789', '') = ''"
    if digits > WIDEST:  # of the widest, "31" itself is a part of "31-33"
        narrower = f"LENGTH({value}) > {digits} AND {narrower}"
    tested = one_of(f"SUBSTR({value}, 1, {digits})", [sql.text(v) for v in values])
    return f"WHEN {tested} AND {narrower} THEN {code} {sql.comment(f'{said}, and within it')}"


def _term(enc: FieldEncoding) -> Term:
    return Term(enc.field, enc.field, enc, enc.sizes[0])


def one_of(column: str, values: Sequence[str]) -> str:
    """Return the test of whether a column is one of some literals."""
    return f"{column} = {values[0]}" if len(values) == 1 else f"{column} IN ({', '.join(values)})"

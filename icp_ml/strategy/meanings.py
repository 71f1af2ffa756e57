"""Statements as people write them -> canonical values of a field -> codes of an encoding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches

import numpy as np
import pyarrow as pa

from icp_ml.accounts.normalise import CODE_SYSTEMS, normalise_column
from icp_ml.accounts.values.industries import broader, title_of
from icp_ml.accounts.values.words import plain_words
from icp_ml.estimator.encoding import (
    BELOW,
    DAYS_OF_MONTH,
    FALSE,
    FIRST_VALUE,
    PRESENT,
    TRUE,
    EncodedKind,
    Encoding,
    FieldEncoding,
)
from icp_ml.exceptions import SettingsError
from icp_ml.schema import BY_NAME, NUMERIC_KINDS, Field
from icp_ml.settings import Settings
from icp_ml.statements import LOWER, UPPER, Statement

_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(day|week|month|year)s?\s*(?:ago)?\s*", re.IGNORECASE)
_DAYS = {"day": 1.0, "week": 7.0, "month": DAYS_OF_MONTH, "year": 365.25}
MOST_SHARE = 5.0  # a share above this was meant in percent


@dataclass(frozen=True)
class Meaning:
    """A statement in the canonical values of its field.

    Attributes
    ----------
    field : Field
    kind : str
        numeric, category, boolean or tokens.
    form : str
        As an encoding reads the field: its kind, "age" for years before the as-of date, "naics" or "sic".
    low, high : float or None
        numeric: exclusive and inclusive bounds.
    values, spellings : tuple of str
        category: canonical values and how they are shown; tokens: the one token.
    flag : bool
    """

    field: Field
    kind: EncodedKind
    form: str
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    flag: bool = True


def field_named(name: str, settings: Settings, own: Mapping[str, Field] | None = None, place: str = "") -> Field:
    """Return a field of the data, of the settings, or of the schema.

    Raises
    ------
    SettingsError
        There is no such field, or it is no property of an account that can be scored on.
    """
    custom = {c.name: Field(c.name, c.kind, c.category, label=c.label) for c in settings.fields.custom}
    known = {**BY_NAME, **custom, **(own or {})}
    found = known.get(name)
    if found is None:
        near = get_close_matches(name, known, 3, 0.6)
        told = f"did you mean {' or '.join(near)}?" if near else "fields are listed in docs/reference/fields.md;"
        msg = f"{place}'{name}' is no field; {told} A field of your own is declared under fields.custom"
        raise SettingsError(msg)
    if found.role != "feature" or found.kind in ("domain", "identifier"):
        what = "an outcome, known only after the sale" if found.role == "outcome" else "no property to score by"
        msg = f"{place}'{name}' is {what}; name a field that describes companies, such as employees or industry"
        raise SettingsError(msg)
    return found


def meaning_of(statement: Statement, field: Field, as_of: date | None, place: str = "") -> Meaning:
    """Return what a statement means in the field's canonical values.

    Parameters
    ----------
    statement : Statement
    field : Field
    as_of : date or None
        The day ages are measured to.
    place : str
        Where the statement stands, for errors.

    Raises
    ------
    SettingsError
        A value is none of the field's kind.
    """
    place = place or f"{statement.text}: "
    bounds = any(getattr(statement, name) is not None for name in (*LOWER, *UPPER))
    if field.kind in NUMERIC_KINDS or field.kind == "date":
        _check(bounds, field, place, "bounds, such as  from: 101, to: 500" if field.kind != "date" else "an age: "
               "up_to: 18 months")  # fmt: skip
        return _numeric(statement, field, as_of, place)
    if field.kind == "boolean":
        _check(statement.equals is not None, field, place, "is: true or is: false")
        return Meaning(field, "boolean", "boolean", flag=bool(statement.equals))
    if field.kind in ("token_set", "text"):
        _check(statement.has is not None, field, place, "one token, such as  has: Snowflake")
        return _token(str(statement.has), field, place)
    _check(bool(statement.one_of), field, place, "values, such as  in: [Software, FinTech]")
    return _category(statement, field, place)


def _check(right: bool, field: Field, place: str, allowed: str) -> None:
    if not right:
        msg = f"{place}'{field.name}' is a {field.kind.replace('_', ' ')} and takes {allowed}"
        raise SettingsError(msg)


def _numeric(statement: Statement, field: Field, as_of: date | None, place: str) -> Meaning:
    form = "age" if field.kind == "year" and as_of is not None else field.kind
    if field.kind == "date" and as_of is None:
        msg = f"{place}'{field.name}' is a date, and its age needs the day it is measured to; give as_of: 2026-10-01"
        raise SettingsError(msg)
    bounds = {n: _number(getattr(statement, n), field, as_of, place) for n in (*LOWER, *UPPER)}
    low, high = bounds["over"], bounds["up_to"]
    if bounds["at_least"] is not None:
        low = float(np.nextafter(bounds["at_least"], -np.inf))
    if bounds["under"] is not None:
        high = float(np.nextafter(bounds["under"], -np.inf))
    ages = [v for n in (*LOWER, *UPPER) if isinstance(v := getattr(statement, n), str) and _DURATION.fullmatch(v)]
    if form == "age" and not ages:  # calendar years (low, high] as whole ages
        assert as_of is not None
        oldest = None if low is None else as_of.year - np.floor(low) - 0.5
        youngest = None if high is None else as_of.year - np.floor(high) - 0.5
        low, high = (None if v is None else float(v) for v in (youngest, oldest))
    if low is not None and high is not None and not low < high:
        msg = f"{place}no value lies within these bounds; the lower one must be below the upper one"
        raise SettingsError(msg)
    return Meaning(field, "numeric", form, low, high)


def _number(value: float | str | None, field: Field, as_of: date | None, place: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        span = _DURATION.fullmatch(value)
        if span and field.kind in ("date", "year"):
            if field.kind == "date":
                return float(span.group(1)) * _DAYS[span.group(2).lower()]
            if as_of is None or span.group(2).lower() != "year":
                msg = f"{place}'{value}': ages of '{field.name}' are years, and need as_of: 2026-10-01"
                raise SettingsError(msg)
            return float(span.group(1))
        if field.kind == "date":
            msg = f"{place}'{value}' is no age; write a span such as 18 months or 90 days"
            raise SettingsError(msg)
        read = normalise_column(pa.array([value], pa.string()), field).values[0].as_py()
        if read is None:
            msg = f"{place}'{value}' is no {field.kind}; write a number such as 500, 10M or 25%"
            raise SettingsError(msg)
        value = float(read)
    number = float(value)
    if not np.isfinite(number) or abs(number) > 1e15:
        msg = f"{place}{value} is no number to compare with; give one such as 500"
        raise SettingsError(msg)
    if field.kind == "share" and abs(number) > MOST_SHARE:
        msg = f"{place}'{field.name}' is a share: write {number:g}% in quotes, or {number / 100:g}"
        raise SettingsError(msg)
    return number


def _category(statement: Statement, field: Field, place: str) -> Meaning:
    written = pa.array(statement.one_of, pa.string())
    read = normalise_column(written, field).values.to_pylist()
    form = CODE_SYSTEMS.get(field.name, field.kind)
    shown: dict[str, str] = {}
    for raw, value in zip(statement.one_of, read, strict=True):
        if not value or (field.kind == "country" and len(value) != 2):
            what = "country; write a name or a two-letter code" if field.kind == "country" else "value"
            msg = f"{place}'{raw}' is no {what}"
            raise SettingsError(msg)
        shown.setdefault(value, (title_of(value, form) if form in ("naics", "sic") else None) or raw.strip())
    values = sorted(shown)
    return Meaning(field, "category", form, values=tuple(values), spellings=tuple(shown[v] for v in values))


def _token(raw: str, field: Field, place: str) -> Meaning:
    if field.kind == "text":
        words = (plain_words(pa.array([raw], pa.string())).to_pylist()[0] or "").split()
        tokens = [" ".join(words)] if 1 <= len(words) <= 2 and "." not in words else []
        allowed = "a word or a phrase of two words"
    else:
        tokens = normalise_column(pa.array([[raw]], pa.list_(pa.string())), field).values[0].as_py() or []
        allowed = "one token"
    if len(tokens) != 1:
        msg = f"{place}'{raw}' cannot be looked for; give {allowed}"
        raise SettingsError(msg)
    return Meaning(field, "tokens", field.kind, values=(tokens[0],), spellings=(" ".join(raw.split()),))


def codes_of(encoding: Encoding, meaning: Meaning) -> tuple[int, tuple[int, ...]] | None:
    """Return the term and the codes at which a statement is true, or None where the encoding has no such term."""
    for j, term in enumerate(encoding.terms):
        enc = term.encoding
        if term.field != meaning.field.name or enc.kind != meaning.kind:
            continue
        if meaning.kind == "tokens":
            if enc.values[term.token or 0] == meaning.values[0]:
                return j, (PRESENT,)
        elif meaning.kind == "boolean":
            return j, (TRUE if meaning.flag else FALSE,)
        elif meaning.kind == "numeric":
            return j, _bins(enc, meaning)
        else:
            return j, _codes_of_values(enc, meaning)
    return None


def _bins(enc: FieldEncoding, meaning: Meaning) -> tuple[int, ...]:
    bounds = np.concatenate([[-np.inf], enc.edges, [np.inf]])
    low = -np.inf if meaning.low is None else meaning.low
    high = np.inf if meaning.high is None else meaning.high
    return tuple(BELOW + k for k in range(len(bounds) - 1) if bounds[k] >= low and bounds[k + 1] <= high)


def _codes_of_values(enc: FieldEncoding, meaning: Meaning) -> tuple[int, ...]:
    """Codes of the values, and of industry codes that belong to one of them."""
    wanted = set(meaning.values)
    coded = enc.form in ("naics", "sic")
    return tuple(
        code
        for code, value in enumerate(enc.values, start=FIRST_VALUE)
        if value in wanted or (coded and wanted & set(broader(value, enc.form)))
    )

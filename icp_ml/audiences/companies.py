"""Accounts as rows of a company list or a CRM import."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pyarrow as pa

from icp_ml.accounts.values.bands import parse_quantity
from icp_ml.accounts.values.hosts import company_domain, profile_of
from icp_ml.accounts.values.places import country_of_place
from icp_ml.audiences.formats import AudienceFormat, Column
from icp_ml.audiences.packed import PackedRows

LABELS = {"name": "name", "domain": "domain", "linkedin_url": "LinkedIn page"}
REJECTED = ("account_id", "name", "domain", "reason")
# What a column is made of, where that is not the field of the same name.
MADE_FROM = {"email_domain": "domain", "country_code": "country"}
MOST_EMPLOYEES = 99_999_999  # digits of Salesforce's field
MOST_COUNT_CHARS = 60
_PAGE_RE = re.compile(r"linkedin\.com/(?:company|showcase|school)/[^\s/]+")
_CONTROL_RE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass
class Rows:
    """What goes out, what does not and why.

    Attributes
    ----------
    rows : PackedRows
        One per row of the file, values by column.
    rejected : PackedRows
        What is to be said of each that stays behind.
    reasons : counter
        How many for which reason.
    seen : int
        Accounts looked at; those after the limit are not.
    cut, bands, unread : counter
        Values shortened, left out as no exact number, or left out as not readable, by header of the platform.
    """

    rows: PackedRows
    rejected: PackedRows = field(default_factory=lambda: PackedRows(REJECTED, [pa.string()] * len(REJECTED)))
    reasons: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    cut: Counter[str] = field(default_factory=Counter)
    bands: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)

    def reject(self, entry: Mapping[str, Any], reason: str, kind: str = "") -> None:
        """Keep an entry back; `kind` is the reason without what is particular to it."""
        self.rejected.append([*(entry[name] for name in REJECTED[:-1]), reason])
        self.reasons[kind or reason] += 1


def company_rows(accounts: Iterable[Mapping[str, Any]], form: AudienceFormat, limit: int | None) -> Rows:
    """Make the rows of a company list or a CRM import.

    Parameters
    ----------
    accounts : iterable of mapping
        Best first.
    form : AudienceFormat
    limit : int or None
        Rows at most; accounts after the last one are not looked at.

    Returns
    -------
    Rows
        An account whose domain, or else LinkedIn page, a better one has is kept back.
    """
    found = Rows(form.rows())
    first: dict[str, str] = {}
    enough = form.most + 1 if limit is None and form.most is not None else limit
    for account in accounts:
        if enough is not None and len(found.rows) >= enough:
            break
        found.seen += 1
        held = held_by(account)
        entry = {"account_id": account["account_id"], "name": held["name"], "domain": one_line(account["domain"])}
        lacking = next((name for name in form.required if held[name] is None), None)
        if lacking is not None:
            found.reject(entry, f"no {LABELS[lacking]}, which {form.title} requires")
            continue
        if form.one_of and all(held[name] is None for name in form.one_of):
            neither = "neither " if len(form.one_of) > 1 else "no "
            what = neither + " nor ".join(LABELS[name] for name in form.one_of)
            found.reject(entry, f"{what}: {form.why_one_of}")
            continue
        key = held["domain"] or held["linkedin_url"]
        if key in first:
            what = "domain" if held["domain"] else "LinkedIn page"
            found.reject(
                entry, f"same {what} as account {first[key]}, which fits better", f"same {what} as a better fit"
            )
            continue
        if key is not None:
            first[key] = account["account_id"]
        found.rows.append([_cell(held, account, column, found) for column in form.columns])
    return found


def held_by(account: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an account holds, as platforms take it; None where that is nothing."""
    domain = one_line(account.get("domain"))
    page = profile_of(account.get("linkedin_url") or "")
    held = {name: one_line(value) if isinstance(value, str) else value for name, value in account.items()}
    domain = _domain(domain) if domain else None
    held.update(
        name=one_line(account.get("name")),
        domain=domain,
        email_domain=domain,
        linkedin_url=f"https://www.{page}" if page and _PAGE_RE.fullmatch(page) else None,
        country_code=_country(str(held["country"])) if held.get("country") else None,
        fit_score=round(account["fit_score"], 2) if account.get("fit_score") is not None else None,
    )
    return held


def one_line(text: str | None) -> str | None:
    """Return a text without line breaks and control characters, or None where nothing is left."""
    return (_CONTROL_RE.sub(" ", text).strip() or None) if text else None


_domain: Callable[[str], str | None] = lru_cache(maxsize=4_096)(company_domain)
_country: Callable[[str], str | None] = lru_cache(maxsize=4_096)(country_of_place)


def _cell(held: Mapping[str, Any], account: Mapping[str, Any], column: Column, found: Rows) -> Any:
    """Return the value of a cell, counting what had to be left out of it."""
    value = held.get(column.holds)
    if column.holds == "employees" and value is not None:
        value = exact_count(value)
        found.bands[column.header] += value is None
    written = account.get(MADE_FROM.get(column.holds, column.holds))
    if value is None and written and column.holds in ("country_code", "linkedin_url"):
        found.unread[column.header] += 1
    if isinstance(value, str) and len(value) > column.longest:
        found.cut[column.header] += 1
        value = value[: column.longest - 1].rstrip() + "…"
    return value


@lru_cache(maxsize=4_096)
def exact_count(text: str) -> int | None:
    """Return the number a cell states; None for a band, which names none, and for what is no number.

    Examples
    --------
    >>> exact_count("1,250"), exact_count("51-200"), exact_count("10,001+"), exact_count("many")
    (1250, None, None, None)
    """
    if len(text) > MOST_COUNT_CHARS:
        return None
    read = parse_quantity(text, whole=True)
    if read.value is None or read.band or not 0 <= read.value <= MOST_EMPLOYEES or read.value != int(read.value):
        return None
    return int(read.value)

"""The contacts of scored accounts as rows of a customer list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pyarrow as pa

from icp_ml.audiences.companies import held_by, one_line
from icp_ml.audiences.contacts import Found
from icp_ml.audiences.formats import AudienceFormat
from icp_ml.audiences.identifiers import Contact, google_row, meta_row
from icp_ml.audiences.packed import PackedRows

REJECTED = ("row", "account_id", "name", "domain", "reason")
WRITERS: dict[str, Callable[..., dict[str, str | None]]] = {"google": google_row, "meta": meta_row}


@dataclass
class People:
    """What goes out, what does not and why.

    Attributes
    ----------
    rows : PackedRows
        One per person, values by column.
    rejected : PackedRows
        Contacts kept back, by their row; then accounts nobody can be reached at.
    reasons : counter
        How many for which reason.
    seen, reached : int
        Accounts looked at, and those with a person in `rows`.
    contacts_rejected, elsewhere : int
        Contacts kept back; contacts of accounts that do not go out.
    """

    rows: PackedRows
    rejected: PackedRows = field(default_factory=lambda: _rejected())
    reasons: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    reached: int = 0
    contacts_rejected: int = 0
    elsewhere: int = 0


def account_keys(accounts: Iterable[dict[str, Any]]) -> tuple[list[str], list[str | None]]:
    """Return the ids and domains that contacts are looked up by."""
    ids: list[str] = []
    domains: list[str | None] = []
    for account in accounts:
        ids.append(str(account["account_id"]))
        domains.append(held_by(account)["domain"])
    return ids, domains


def people_rows(
    accounts: Iterable[dict[str, Any]], contacts: Found, form: AudienceFormat, limit: int | None, *, hashed: bool
) -> People:
    """Make the rows of a customer list.

    Parameters
    ----------
    accounts : iterable of dict
        Best first.
    contacts : Found
    form : AudienceFormat
    limit : int or None
        Accounts at most that people go out of; later ones are not looked at.
    hashed : bool
        Write SHA-256 values, as the platform would make them itself.
    """
    out = People(form.rows())
    write = WRITERS[form.name]
    first: dict[tuple[str | None, ...], int] = {}
    silent = _rejected()
    kept_back = [entry for entry in contacts.rejected if entry["place"] < 0]
    by_place: dict[int, list[dict[str, Any]]] = {}
    for entry in contacts.rejected:
        by_place.setdefault(entry["place"], []).append(entry)
    for place, account in enumerate(accounts):
        if limit is not None and out.reached >= limit:
            break
        out.seen += 1
        kept_back += by_place.pop(place, [])
        written = 0
        for contact in contacts.by_account.pop(place, []):
            again = first.setdefault(contact.key, contact.row)
            if again != contact.row:
                kept_back.append(_entry(account, contact, f"contact of the same person as row {again}"))
                continue
            row = write(contact, hashed=hashed)
            out.rows.append([row[column.holds] for column in form.columns])
            written += 1
        out.reached += written > 0
        if not written:
            silent.append(
                [_entry(account, None, "account without a contact that can go out")[name] for name in REJECTED]
            )
    out.elsewhere = contacts.elsewhere
    out.elsewhere += sum(len(left) for left in contacts.by_account.values())
    out.elsewhere += sum(len(left) for place, left in by_place.items() if place >= 0)
    out.contacts_rejected = len(kept_back)
    kept_back.sort(key=lambda entry: entry["row"] or 0)
    for told in chain(map(_row, kept_back), _rows(silent)):
        out.rejected.append(told)
        out.reasons[told[-1].partition(" as row")[0]] += 1
    return out


def _rejected() -> PackedRows:
    return PackedRows(REJECTED, [pa.int64(), *[pa.string()] * 4])


def _row(entry: dict[str, Any]) -> list[Any]:
    return [entry[name] for name in REJECTED]


def _rows(packed: PackedRows) -> Iterator[Sequence[Any]]:
    for table in packed.tables():
        yield from zip(*(column.to_pylist() for column in table.columns), strict=True)


def _entry(account: dict[str, Any], contact: Contact | None, why: str) -> dict[str, Any]:
    return {
        "row": contact.row if contact else None,
        "account_id": account["account_id"],
        "name": None if contact else one_line(account["name"]),
        "domain": None if contact else one_line(account["domain"]),
        "reason": why,
    }

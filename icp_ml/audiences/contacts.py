"""A contact file beside the list: whose account goes out, and who may not be written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.formats.readers import Chunk, TableReader, open_table
from icp_ml.accounts.values.cells import as_text
from icp_ml.accounts.values.hosts import company_domain
from icp_ml.audiences.identifiers import Contact, contact_of
from icp_ml.exceptions import InputError
from icp_ml.schema import header_key

NOTHING = "contact without an e-mail address, a phone with its country's code, or a name with country and postal code"
MOST_HELD = 5_000_000  # contacts of the accounts that go out, in memory


def _keys(*spellings: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(header_key(spelling) for spelling in spellings))


# Headers by what they hold, the surest first. A contact's own "ID" and its company's country are none of them.
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "email": _keys("Email", "Email Address", "E-mail", "Work Email", "Business Email", "Contact Email", "Mail",
                   "Primary Email", "E-mail Address", "E-Mail-Adresse"),
    "phone": _keys("Phone", "Mobile Phone", "Mobile", "Mobile Phone Number", "Phone Number", "Cell Phone",
                   "Direct Phone", "Work Direct Phone", "Direct Phone Number", "Contact Phone", "Work Phone"),
    "first_name": _keys("First Name", "FirstName", "Given Name", "fn", "Vorname", "Prénom"),
    "last_name": _keys("Last Name", "LastName", "Surname", "Family Name", "ln", "Nachname"),
    "city": _keys("City", "Mailing City", "Person City", "Contact City"),
    "state": _keys("State", "Mailing State/Province", "Mailing State", "State/Region", "Person State", "Contact State"),
    "country": _keys("Country", "Mailing Country", "Country/Region", "Person Country", "Contact Country",
                     "Country Code"),
    "zip": _keys("Zip", "Zip Code", "Postal Code", "Mailing Zip/Postal Code", "Mailing Postal Code", "Person Zip Code",
                 "ZIP/Postal Code"),
    "account_id": _keys("account_id", "Account ID", "AccountId", "Company ID", "Associated Company ID",
                        "Company Record ID", "Account ID 18", "ZoomInfo Company ID", "Apollo Account Id",
                        "Primary Associated Company ID"),
    "domain": _keys("domain", "Website", "Company Domain", "Company Domain Name", "Company Website", "Account Website",
                    "Website URL", "Account Domain", "Website Domain"),
    "opted_out": _keys("Email Opt Out", "HasOptedOutOfEmail", "Opted Out", "Opt Out", "Opted Out of Email",
                       "Do Not Contact", "Unsubscribed", "Unsubscribed from all email", "Do Not Email",
                       "Email Opted Out"),
}  # fmt: skip
_STAYS = frozenset({"", "0", "false", "no", "n", "f", "off", "nein", "non", "0.0", "opted in", "subscribed"})


@dataclass
class Found:
    """Contacts by account, and what became of the others.

    Attributes
    ----------
    by_account : dict of int to list of Contact
        By the account's place in the list, in the order of the file.
    rows, elsewhere, unreadable_phones : int
        Rows of the file; of accounts that do not go out; phones without a country's code.
    rejected : list of dict
        With the account's place: rows about chosen accounts which nobody can be reached by, without personal data.
    """

    columns: Mapping[str, str]
    by_account: dict[int, list[Contact]] = field(default_factory=dict)
    rows: int = 0
    elsewhere: int = 0
    unreadable_phones: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()


def find_contacts(
    source: str | Path | Address, ids: Sequence[str], domains: Sequence[str | None], mapping: Mapping[str, str]
) -> Found:
    """Read the contacts of some accounts.

    A contact belongs to the account of its account id, else of its company's domain, else of its e-mail's domain.

    Parameters
    ----------
    source : str, Path or Address
        The contact file, as `open_table` takes it.
    ids, domains : sequence of str
        Of the accounts, best first; what occurs twice is the first one's.
    mapping : mapping of str to str
        Header -> one of `SPELLINGS`, before those.

    Raises
    ------
    InputError
        The file cannot be read, or holds nothing that identifies a person or the account.
    """
    reader = open_table(source)
    columns = contact_columns(reader, mapping)
    by_id = {text: place for place, text in reversed(list(enumerate(ids)))}
    by_domain = {text: place for place, text in reversed(list(enumerate(domains))) if text}
    found = Found(columns, notes=reader.notes)
    held = 0
    rejects = 0
    for chunk in reader.batches(columns=list(dict.fromkeys(columns.values()))):
        rejects += len(chunk.rejects)
        try:
            held += _take(chunk, columns, by_id, by_domain, found, ids)
        except UnicodeDecodeError as error:  # Parquet may call bytes a text that are none
            msg = f"{reader.address.shown}: a text is not UTF-8; write the file again, as UTF-8"
            raise InputError(msg) from error
        if held > MOST_HELD:
            msg = f"{reader.address.shown}: over {MOST_HELD:,} contacts of the chosen accounts; choose fewer --tiers"
            raise InputError(msg)
    if rejects:
        found.rows += rejects
        found.rejected += [_entry(None, -1, "", "contact whose row does not parse") for _ in range(rejects)]
    return found


def contact_columns(reader: TableReader, mapping: Mapping[str, str]) -> dict[str, str]:
    """Return which column holds which identifier.

    Raises
    ------
    InputError
        Nothing would identify a person, or tell whose account the person is with.
    """
    keys: dict[str, str] = {}
    for header in reader.columns:
        if header not in mapping:
            keys.setdefault(header_key(header), header)
    found = {mapping[header]: header for header in reversed(reader.columns) if mapping.get(header) in SPELLINGS}
    for name, spellings in SPELLINGS.items():
        known = next((keys[key] for key in spellings if key in keys), None)
        if known is not None:
            found.setdefault(name, known)
    shown = reader.address.shown
    there = ", ".join(repr(column[:40]) for column in reader.columns[:12])
    if not {"email", "phone"} & set(found) and not {"first_name", "last_name", "country", "zip"} <= set(found):
        msg = (
            f"{shown}: no column identifies a person (the columns are {there}); name one Email or Phone, or give "
            "First Name, Last Name, Country and Zip"
        )
        raise InputError(msg)
    if not {"account_id", "domain", "email"} & set(found):
        msg = (
            f"{shown}: no column tells whose account a person is with (the columns are {there}); add Account ID, "
            "Website or Email"
        )
        raise InputError(msg)
    return found


def _take(
    chunk: Chunk,
    columns: Mapping[str, str],
    by_id: Mapping[str, int],
    by_domain: Mapping[str, int],
    found: Found,
    ids: Sequence[str],
) -> int:
    """Sort a chunk's contacts to their accounts; return how many were kept."""
    cells = {name: as_text(chunk.batch.column(header)).to_pylist() for name, header in columns.items()}
    kept = 0
    for i in range(chunk.batch.num_rows):
        found.rows += 1
        row = chunk.first_row + i + 1
        person = {name: values[i] for name, values in cells.items()}
        place = _place(person, by_id, by_domain)
        if place is None:
            found.elsewhere += 1
            continue
        if (person.get("opted_out") or "").strip().lower() not in _STAYS:
            why = "contact that opted out"
        else:
            contact = contact_of(row, person)
            found.unreadable_phones += contact.phone is None and bool((person.get("phone") or "").strip())
            if contact.usable:
                found.by_account.setdefault(place, []).append(contact)
                kept += 1
                continue
            why = NOTHING
        found.rejected.append(_entry(row, place, ids[place], why))
    return kept


def _place(person: Mapping[str, str | None], by_id: Mapping[str, int], by_domain: Mapping[str, int]) -> int | None:
    account = (person.get("account_id") or "").strip()
    if account in by_id:
        return by_id[account]
    for text in (person.get("domain"), person.get("email")):
        domain = company_domain(text) if text else None
        if domain is not None:
            return by_domain.get(domain)
    return None


def _entry(row: int | None, place: int, account: str, why: str) -> dict[str, Any]:
    return {"place": place, "row": row, "account_id": account, "name": None, "domain": None, "reason": why}

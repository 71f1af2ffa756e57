"""Write scored accounts as the file a platform takes, and say what stays behind."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from icp_ml.accounts.formats.addresses import Address, address_of
from icp_ml.audiences.companies import MADE_FROM, Rows, company_rows
from icp_ml.audiences.contacts import Found, find_contacts
from icp_ml.audiences.formats import FORMATS, AudienceFormat
from icp_ml.audiences.packed import PackedRows
from icp_ml.audiences.people import People, account_keys, people_rows
from icp_ml.audiences.selection import Selection, select
from icp_ml.engines.csv_text import defused
from icp_ml.engines.writing import check_place
from icp_ml.exceptions import InputError
from icp_ml.tiers import LETTERS

LINKEDIN_BYTES = 20_000_000


@dataclass(frozen=True)
class AudienceRequest:
    """What to export, and how.

    Attributes
    ----------
    scored : Path
        A scored file, CSV or Parquet.
    format : str
        A key of `icp_ml.audiences.formats.FORMATS`.
    out : Path
        The CSV to write; what stays behind is beside it, as `OUT.rejects.csv`.
    tiers : tuple of str
        Of the accounts that go out.
    limit : int, optional
        Accounts at most, the best first.
    contacts : str, Path or Address, optional
        People at the accounts, for platforms that match people.
    hashed : bool
        Whether people's identifiers are written as SHA-256.
    mapping : mapping of str to str
        Header of a carried column or of the contact file -> what it holds.
    """

    scored: Path
    format: str
    out: Path
    tiers: tuple[str, ...] = ("A", "B")
    limit: int | None = None
    contacts: str | Path | Address | None = None
    hashed: bool = True
    mapping: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AudienceSummary:
    """What became of a scored file's rows.

    `rows` = `ineligible` + `suppressed` + `other_tiers` + `beyond_limit` + `accounts` + `rejected`, all counting
    accounts. In a company list an account is a row, so `written` = `accounts`. For people `contact_rows` = `written` +
    `contacts_rejected` + `contacts_elsewhere`.
    """

    format: str
    out: Path
    rejects: Path | None
    tiers: tuple[str, ...]
    rows: int
    ineligible: int
    suppressed: int
    other_tiers: int
    beyond_limit: int
    accounts: int
    rejected: int
    written: int
    reasons: Mapping[str, int]
    contact_rows: int | None = None
    contacts_rejected: int | None = None
    contacts_elsewhere: int | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **self.__dict__,
            "out": str(self.out),
            "rejects": str(self.rejects) if self.rejects else None,
            "tiers": list(self.tiers),
            "reasons": dict(self.reasons),
            "notes": list(self.notes),
        }


def export_audience(request: AudienceRequest) -> AudienceSummary:
    """Write the accounts of a scored file as an advertising platform or a CRM takes them.

    Returns
    -------
    AudienceSummary

    Raises
    ------
    InputError
        A file cannot be read or written, the format needs what is not there, or nothing would be left to write.
    """
    form = _checked(request)
    wanted = ["name", "domain"]
    if form.matches == "companies":
        wanted += [MADE_FROM.get(column.holds, column.holds) for column in form.columns] + list(form.one_of)
    selection = select(request.scored, request.tiers, tuple(dict.fromkeys(wanted)), request.mapping)
    _check_columns(request, form, selection)
    chosen = sum(selection.tiers.get(tier, 0) for tier in request.tiers)
    if chosen == 0:
        had = ", ".join(f"{tier}: {count:,}" for tier, count in sorted(selection.tiers.items())) or "none is scored"
        msg = (
            f"{request.scored}: no scored account is in tier {' or '.join(request.tiers)} ({had}); choose other --tiers"
        )
        raise InputError(msg)
    contacts: Found | None = None
    made: Rows | People
    if form.matches == "people":
        assert request.contacts is not None
        contacts = find_contacts(request.contacts, *account_keys(selection.accounts()), request.mapping)
        contact_rows = contacts.rows
        made = people_rows(selection.accounts(), contacts, form, request.limit, hashed=request.hashed)
    else:
        made = company_rows(selection.accounts(), form, request.limit)
    _check_rows(request, form, made)
    _write(request.out, made.rows)
    rejects = _write_rejects(request.out, made.rejected)
    reached = made.reached if isinstance(made, People) else len(made.rows)
    people = made if isinstance(made, People) else None
    return AudienceSummary(
        format=form.name,
        out=request.out,
        rejects=rejects,
        tiers=request.tiers,
        rows=selection.rows,
        ineligible=selection.statuses.get("ineligible", 0),
        suppressed=selection.statuses.get("suppressed", 0),
        other_tiers=sum(selection.tiers.values()) - chosen,
        beyond_limit=chosen - made.seen,
        accounts=reached,
        rejected=made.seen - reached,
        written=len(made.rows),
        reasons=dict(sorted(made.reasons.items(), key=lambda item: (-item[1], item[0]))),
        contact_rows=contact_rows if people else None,
        contacts_rejected=people.contacts_rejected if people else None,
        contacts_elsewhere=people.elsewhere if people else None,
        notes=_notes(request, form, selection, made, contacts),
    )


def rejects_path(out: Path) -> Path:
    """Return where what stays behind is written."""
    return out.with_name(f"{out.name}.rejects.csv")


def _checked(request: AudienceRequest) -> AudienceFormat:
    """Return the format, and refuse what could not be done before anything is read."""
    form = FORMATS.get(request.format)
    if form is None:
        msg = f"--format {request.format!r}: no such format; use one of {', '.join(FORMATS)}"
        raise InputError(msg)
    wrong = [tier for tier in request.tiers if tier not in LETTERS]
    if wrong or not request.tiers:
        shown = wrong[0] if wrong else ""
        msg = (
            f"--tiers {shown!r}: no tier; name some of {', '.join(LETTERS)}, separated by commas, such as  --tiers A,B"
        )
        raise InputError(msg)
    if request.limit is not None and request.limit < 1:
        msg = f"--limit {request.limit}: at least one account must go out"
        raise InputError(msg)
    if form.matches == "people" and request.contacts is None:
        msg = (
            f"--format {form.name}: {form.title} matches people, not companies; name people at these companies with "
            "--contacts CONTACTS.csv (Email, and Account ID or Website), or make a company list with --format linkedin"
        )
        raise InputError(msg)
    if form.matches == "companies" and (request.contacts is not None or not request.hashed):
        option = "--contacts" if request.contacts is not None else "--no-hash"
        msg = f"{option}: {form.title} takes companies, not people; leave it out, or use --format google or meta"
        raise InputError(msg)
    _check_out(request)
    return form


def _check_out(request: AudienceRequest) -> None:
    out = request.out
    if out.suffix.lower() != ".csv":
        msg = f"{out}: platforms take CSV; name a file ending in .csv"
        raise InputError(msg)
    check_place(out)
    read = [request.scored]
    if request.contacts is not None:
        address = address_of(request.contacts)
        read += address.files()
        if address.kind in ("folder", "glob") and address.covers(out):
            msg = f"{out}: it would be one of the contact files {address.shown}; write it to another folder"
            raise InputError(msg)
    for written in (out, rejects_path(out)):
        if written.exists() and any(path.exists() and written.samefile(path) for path in read):
            msg = f"{out}: {written.name} would be written over a file that is read; write to another file"
            raise InputError(msg)


def _check_columns(request: AudienceRequest, form: AudienceFormat, selection: Selection) -> None:
    """Refuse a scored file without the columns that the platform cannot do without."""
    if form.matches == "people":
        return
    lacking = [name for name in form.required if name not in selection.headers]
    if form.one_of and not any(name in selection.headers for name in form.one_of):
        lacking += [" or ".join(form.one_of)]
    if lacking:
        msg = (
            f"{request.scored}: no column holds {lacking[0]}, which {form.title} needs; score the list again with  "
            "icp-ml score ... --keep all,  or say which column it is with --mapping FILE"
        )
        raise InputError(msg)


def _check_rows(request: AudienceRequest, form: AudienceFormat, made: Rows | People) -> None:
    if not len(made.rows):
        reasons = "; ".join(f"{count:,}: {why}" for why, count in made.reasons.most_common(3))
        where = request.scored if form.matches == "companies" else address_of(request.contacts or "").shown
        carried = "carry the list's columns along with  icp-ml score ... --keep all"
        people = "name a file with contacts of these companies"
        msg = (
            f"{where}: nothing is left to write for {form.title} ({reasons}); "
            f"{carried if form.matches == 'companies' else people}"
        )
        raise InputError(msg)
    if form.most is not None and len(made.rows) > form.most:
        msg = (
            f"{request.scored}: tiers {', '.join(request.tiers)} are more than the {form.most:,} rows that "
            f"{form.title} takes; choose fewer --tiers, or the best with --limit {form.most}"
        )
        raise InputError(msg)


def _notes(
    request: AudienceRequest, form: AudienceFormat, selection: Selection, made: Rows | People, contacts: Found | None
) -> tuple[str, ...]:
    """Return what a person should know before the file is uploaded."""
    notes: list[str] = []
    rows = len(made.rows)
    if rows < form.fewest:
        notes.append(f"{rows:,} row{'s' if rows != 1 else ''}: {form.why_fewest}; add tiers, or raise --limit")
    if form.note_above is not None and rows > form.note_above[0]:
        notes.append(f"{rows:,} rows: {form.note_above[1]}")
    if form.name == "linkedin" and request.out.stat().st_size > LINKEDIN_BYTES:
        notes.append("the file is larger than the 20 MB that LinkedIn takes; lower --limit")
    if isinstance(made, Rows):
        notes += _company_notes(request, form, selection, made)
    if contacts is not None:
        notes += contacts.notes
        if contacts.unreadable_phones:
            count = f"{contacts.unreadable_phones:,} phone{'s' if contacts.unreadable_phones > 1 else ''}"
            notes.append(f"{count} left out: write them with the code of the country, as +1 650 555 0100")
        if not request.hashed:
            notes.append(
                f"{request.out} holds people's addresses in clear, as --no-hash asked; delete it once uploaded"
            )
    return tuple(notes)


def _company_notes(request: AudienceRequest, form: AudienceFormat, selection: Selection, made: Rows) -> list[str]:
    notes = []
    custom = [column.header for column in form.columns if column.custom]
    if custom:
        notes.append(f"create these in {form.title} before the import, where they are not there: {', '.join(custom)}")
    empty = [c.header for c in form.columns if MADE_FROM.get(c.holds, c.holds) not in selection.headers]
    if empty:
        notes.append(
            f"{', '.join(empty)} stay{'s' if len(empty) == 1 else ''} empty: {request.scored} has no such column "
            "(icp-ml score ... --keep all carries the list's along)"
        )
    for counter, why in (
        (made.bands, "left empty where the list has a band or no exact number"),
        (made.unread, "left empty where it cannot be read"),
        (made.cut, "cut at the platform's length"),
    ):
        notes += [f"{header}: {why} ({count:,} rows)" for header, count in counter.items() if count]
    return notes


def _write(out: Path, rows: PackedRows) -> None:
    """Write a CSV whole or not at all: UTF-8 without a byte order mark, formulas defused."""
    fresh = out.with_name(f".{out.name}.partial")
    try:
        with fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(rows.schema.names)
            for table in rows.tables():
                writer.writerows(zip(*(column.to_pylist() for column in defused(table).columns), strict=True))
        fresh.replace(out)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _write_rejects(out: Path, rejected: PackedRows) -> Path | None:
    """Write what stays behind, or remove what an earlier run left."""
    path = rejects_path(out)
    if not len(rejected):
        path.unlink(missing_ok=True)
        return None
    _write(path, rejected)
    return path

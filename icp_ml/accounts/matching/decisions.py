"""What a person decided about customers in doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.formats.headers import NoRowsError
from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.formats.tables import plain_table
from icp_ml.accounts.matching.index import SHOWN_COLUMNS, Side
from icp_ml.accounts.matching.result import Candidate, Matches
from icp_ml.accounts.values.cells import as_text, fold
from icp_ml.exceptions import InputError
from icp_ml.schema import header_key

if TYPE_CHECKING:
    import pandas as pd


class DecisionError(InputError):
    """What a person decided cannot be read, or contradicts itself or the list."""


Decisions = Mapping[str, str | None]
COLUMNS = ("customer_id", "decision")
NOT_ON_LIST = frozenset({"none", "no", "-", "not on the list", "no match"})
BY_PERSON = "decided by a person"


def read_decisions(source: str | Path | Address | pd.DataFrame) -> dict[str, str | None]:
    """Return customer id -> account id of the list, or None for "none"; customers without a decision are left out.

    Raises
    ------
    InputError
        The table cannot be read, lacks a column, or decides differently about one customer.
    """
    if isinstance(source, str | Path | Address):
        name = str(source)
        try:
            reader = open_table(source)
            headers = list(reader.columns)
            wanted = _columns(headers, name)
            table = pa.Table.from_batches([chunk.batch for chunk in reader.batches(columns=wanted)])
        except NoRowsError:  # a review table with nothing in doubt
            return {}
        except DecisionError:
            raise
        except InputError as error:
            raise DecisionError(str(error)) from error
    else:
        from icp_ml.accounts.formats.frames import table_from_frame

        name = "decisions"
        table = plain_table(table_from_frame(source), name)
        wanted = _columns(table.schema.names, name)
    customers, given = (_texts(table.column(header)) for header in wanted)
    out: dict[str, str | None] = {}
    for customer, decision in zip(customers, given, strict=True):
        if not customer or not decision:
            continue
        account = None if fold(decision) in NOT_ON_LIST else decision
        if out.setdefault(customer, account) != account:
            msg = (
                f"{name}: customer {customer[:60]!r} is decided as {out[customer]!r} and as {decision[:60]!r}; "
                "keep one line for each customer"
            )
            raise DecisionError(msg)
    return out


def apply_decisions(matches: Matches, decided: Decisions, market: Side) -> Matches:
    """Return matches in which a person's decisions replace the method's.

    Raises
    ------
    InputError
        A decision names an account that the list does not have.
    """
    wanted = sorted({account for account in decided.values() if account is not None})
    found = pc.index_in(pa.array(wanted, pa.string()), value_set=market.shown["account_id"].combine_chunks())
    row_of = dict(zip(wanted, found.to_pylist(), strict=True))
    absent = [account for account in wanted if row_of[account] is None]
    if absent:
        msg = (
            f"decisions: account id {absent[0][:60]!r} is not on the list ({len(absent):,} such); give ids of this "
            "list, or 'none' for a customer that is not on it"
        )
        raise DecisionError(msg)
    rows, status, how = matches.rows.copy(), matches.status.copy(), matches.how.copy()
    probability, reasons, candidates = matches.probability.copy(), matches.reasons.copy(), list(matches.candidates)
    used: set[str] = set()
    for at, customer in enumerate(matches.customers["account_id"]):
        if customer is None or customer not in decided:
            continue
        used.add(customer)
        account = decided[customer]
        row = -1 if account is None else row_of[account]
        rows[at], status[at] = row, "none" if account is None else "matched"
        how[at], probability[at], reasons[at] = BY_PERSON if account is not None else "", 1.0, ""
        others = tuple(one for one in candidates[at] if one.row != row)
        chosen = () if account is None else (_candidate(market, row),)
        candidates[at] = (*chosen, *others)[:3]
        if account is None:
            probability[at] = 0.0
    notes = matches.notes
    if len(decided) > len(used):
        notes += (f"{len(decided) - len(used):,} decisions name no customer of this table",)
    return replace(
        matches, rows=rows, status=status, how=how, probability=probability, reasons=reasons,
        candidates=tuple(candidates), notes=notes,
    )  # fmt: skip


def _candidate(market: Side, row: int) -> Candidate:
    at = np.array([row])
    number, name, domain, city, country = (market.text(column, at)[0] for column in SHOWN_COLUMNS)
    return Candidate(row, number, name, domain, city, country, 1.0, BY_PERSON)


def _columns(headers: list[str], source: str) -> list[str]:
    by_key = {header_key(header): header for header in reversed(headers)}
    absent = [column for column in COLUMNS if header_key(column) not in by_key]
    if absent:
        there = ", ".join(repr(header[:40]) for header in headers[:8])
        msg = (
            f"{source}: there is no column '{absent[0]}' (columns: {there}); decisions have the columns 'customer_id' "
            "and 'decision', as the review table does"
        )
        raise DecisionError(msg)
    return [by_key[header_key(column)] for column in COLUMNS]


def _texts(column: pa.ChunkedArray) -> list[str | None]:
    """Return cells without the apostrophe that keeps a spreadsheet from running them as a formula."""
    texts = pc.utf8_trim_whitespace(as_text(_whole(column)))
    cells: list[str | None] = pc.replace_substring_regex(texts, r"^'([=+\-@])", r"\1").to_pylist()
    return cells


def _whole(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined

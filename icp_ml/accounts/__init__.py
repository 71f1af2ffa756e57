"""Account files and tables: reading them, recognising their columns, normalising their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from icp_ml._first_use import on_first_use

if TYPE_CHECKING:
    from icp_ml.accounts.formats.rows import CHUNK_ROWS, Chunk, Reject
    from icp_ml.accounts.listing import ListNormaliser
    from icp_ml.accounts.reading import read_accounts
    from icp_ml.accounts.report import AccountsReport, ColumnReport
    from icp_ml.accounts.table import Accounts

__all__ = [
    "CHUNK_ROWS",
    "Accounts",
    "AccountsReport",
    "Chunk",
    "ColumnReport",
    "ListNormaliser",
    "Reject",
    "read_accounts",
]

_HOMES = {
    **dict.fromkeys(("CHUNK_ROWS", "Chunk", "Reject"), "formats.rows"),
    "ListNormaliser": "listing",
    "read_accounts": "reading",
    **dict.fromkeys(("AccountsReport", "ColumnReport"), "report"),
    "Accounts": "table",
}


def __getattr__(name: str) -> object:
    return on_first_use(__name__, _HOMES)(name)

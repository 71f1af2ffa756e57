"""Account files and tables: reading them, recognising their columns, normalising their values."""

from __future__ import annotations

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

"""Read what a command was given, and write what it makes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from icp_ml.exceptions import InputError, TrainingRefused
from icp_ml.session import Bar, Context

if TYPE_CHECKING:
    from icp_ml.accounts import Accounts
    from icp_ml.accounts.formats.addresses import Address
    from icp_ml.model import ICPModel

    Source = Path | Address  # where a table is; as text it shows no password


LIST_ROWS = 200_000  # of a list, looked at in training: enough for coverage and shares of the market


def source(given: str) -> Source:
    """Return the address of a table as it was typed."""
    from icp_ml.accounts.formats.addresses import address_of

    return address_of(given)


def read_all(context: Context, customers: Source, market: Source | None, bar: Bar) -> tuple[Accounts, Accounts | None]:
    """Read the customers and a sample of the list."""
    from icp_ml.accounts import read_accounts

    bar("read customers", 0.0)
    accounts = read_accounts(customers, context.settings)
    if market is None:
        return accounts, None
    bar("read list", 0.0)
    return accounts, read_accounts(market, context.settings, like=accounts, at_most=LIST_ROWS)


@contextmanager
def about(path: Source) -> Iterator[None]:
    """Name the source in errors of steps that know only the table."""
    try:
        yield
    except (InputError, TrainingRefused) as error:
        if str(path) in str(error):
            raise
        msg = f"{path}: {error}"
        raise type(error)(msg) from error


def load_model(context: Context, address: str) -> ICPModel:
    """Load a model from a directory or an MLflow address."""
    from icp_ml.model import ICPModel

    if ":/" in address:
        from icp_ml.tracking.addresses import resolve_model

        return ICPModel.load(resolve_model(address, context.settings))
    return ICPModel.load(address)


def check_folder(path: Path) -> None:
    """Refuse a file in a folder that does not exist."""
    if not path.parent.is_dir():
        msg = f"{path}: the folder {path.parent} does not exist; name a file in an existing folder"
        raise InputError(msg)


def check_csv(option: str, path: Path) -> None:
    """Refuse a table for people that would not be CSV, or lie nowhere."""
    if path.suffix.lower() != ".csv":
        msg = f"{option} {path}: the table is written as CSV; name a file ending in .csv"
        raise InputError(msg)
    check_folder(path)


def write_text(path: Path, text: str) -> None:
    """Write whole or not at all."""
    check_folder(path)
    fresh = path.with_name(f".{path.name}.partial")
    fresh.write_text(text, encoding="utf-8")
    shutil.move(fresh, path)

"""A table or query of a database: read-only, streamed, with one type per column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from icp_ml.accounts.formats.addresses import Address, is_query
from icp_ml.accounts.formats.headers import NoRowsError
from icp_ml.accounts.formats.parquet_rows import plain_types
from icp_ml.accounts.formats.rows import Piece
from icp_ml.accounts.formats.table_reader import TableReader
from icp_ml.accounts.formats.tables import plain_batch
from icp_ml.exceptions import IcpError, InputError

MAX_SHOWN = 20
_QUOTED_RE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True)
class Named:
    """A table or view."""

    schema: str
    name: str

    def __str__(self) -> str:
        """Return it as it is written in an address."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Connecting:
    """Opens a connection for every call, or shares one for a while."""

    _held: Any = None

    def _connect(self) -> AbstractContextManager[Any]:
        raise NotImplementedError

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Yield the shared connection, or one of its own."""
        if self._held is not None:
            yield self._held
        else:
            with self._connect() as connection:
                yield connection

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Share one connection among the calls made meanwhile."""
        with self._connect() as self._held:
            try:
                yield
            finally:
                self._held = None


class Database(Protocol):
    """What is asked of a kind of database."""

    def shared(self) -> AbstractContextManager[None]:
        """Share one connection among the calls made meanwhile."""

    def tables(self) -> Sequence[Named]:
        """Return all tables and views, sorted."""

    def count(self, sql: str) -> int:
        """Return the one number that a query gives."""

    def schema(self, sql: str) -> pa.Schema:
        """Return the columns of a query."""

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run a query."""

    def quoted(self, name: str) -> str:
        """Return an identifier as SQL."""


def open_database(address: Address) -> TableReader:
    """Open a table or query.

    Without a part, the only table is read. Rows come in the order the database gives them.

    Raises
    ------
    InputError
        There is no such database or table, several tables and none is named, or the query is no single SELECT.
    MissingDependencyError
        The driver is not installed.
    """
    database, files = _database(address)
    with _said(address), database.shared():
        if is_query(address.part):
            sql, rows = _single_select(address), None
        else:
            table = _table(address, database.tables())
            source = ".".join(database.quoted(part) for part in (table.schema, table.name) if part)
            sql, rows = f"SELECT * FROM {source}", database.count(f"SELECT count(*) FROM {source}")
        schema = database.schema(sql)
    if rows == 0:
        msg = f"{address.shown}: there are {len(schema.names)} columns but no rows; add the accounts"
        raise NoRowsError(msg)
    types, notes = plain_types(schema, address.shown)

    def pieces(columns: Sequence[str]) -> Iterator[Piece]:
        wanted = sql
        if rows is not None:  # of a table the database itself leaves columns out
            listed = ", ".join(map(database.quoted, columns))
            wanted = f"SELECT {listed or '*'} FROM {source}"
        with _said(address):
            yield from _pieces(database.stream(wanted), types, columns)

    return TableReader(address, "database", tuple(types), rows, types, pieces, (), notes, files)


def _pieces(
    batches: Iterator[pa.RecordBatch], types: Mapping[str, pa.DataType], columns: Sequence[str]
) -> Iterator[Piece]:
    for batch in batches:
        plain = plain_batch(batch)
        arrays = [plain.column(plain.schema.get_field_index(name)).cast(types[name]) for name in columns]
        yield Piece(pa.RecordBatch.from_arrays(arrays, list(columns)))


def _database(address: Address) -> tuple[Database, tuple[Path, ...]]:
    """Return the database, and the file it is, where it is one."""
    from icp_ml.accounts.formats import embedded, servers

    if not address.scheme:
        path = Path(address.target)
        return embedded.of_file(_there(path, address)), (path,)
    scheme = address.scheme
    if scheme in ("sqlite", "duckdb"):
        path = Path(address.target.partition("://")[2].removeprefix("/").partition("?")[0])
        kind = embedded.Sqlite if scheme == "sqlite" else embedded.DuckDB
        return kind(_there(path, address)), (path,)
    if scheme.partition("+")[0] in ("postgresql", "postgres"):
        return servers.PostgreSQL(address), ()
    return servers.ThroughSqlAlchemy(address), ()


def _there(path: Path, address: Address) -> Path:
    if not path.is_file():
        msg = f"{address.shown}: there is no such database file; check the path (the current folder is {Path.cwd()})"
        raise InputError(msg)
    return path


@contextmanager
def _said(address: Address) -> Iterator[None]:
    """Say any driver's error in one sentence, without the password."""
    try:
        yield
    except (IcpError, KeyboardInterrupt, MemoryError, GeneratorExit):
        raise
    except Exception as error:
        detail = address.scrub(str(error))[:300] or type(error).__name__
        msg = f"{address.shown}: the database says: {detail}; check the address, the rights and the query"
        raise InputError(msg) from None  # the driver's own words may hold the password


def _single_select(address: Address) -> str:
    sql = address.part.strip().rstrip(";").rstrip()
    if ";" in _QUOTED_RE.sub("", sql):
        msg = f"{address.shown}: one SELECT is read, not several statements; remove the ';'"
        raise InputError(msg)
    return sql


def _table(address: Address, tables: Sequence[Named]) -> Named:
    """Find the table named, or the only one."""
    known = ", ".join(f"'{table}'" for table in tables[:MAX_SHOWN]) + (", ..." if len(tables) > MAX_SHOWN else "")
    known = f"the tables are {known}" if tables else "the database has no tables"
    if not address.part:
        if len(tables) == 1:
            return tables[0]
        msg = f"{address.shown}: say which table, as {address.shown}#TABLE or ...#SELECT ...; {known}"
        raise InputError(msg)
    tests: tuple[Callable[[Named], bool], ...] = (
        lambda table: address.part in (str(table), f'"{table.schema}"."{table.name}"'),
        lambda table: address.part.strip('"') == table.name,
        lambda table: address.part.casefold() in (str(table).casefold(), table.name.casefold()),
    )
    for test in tests:
        found = [table for table in tables if test(table)]
        found = [table for table in found if table.schema in ("", "main", "public")] or found
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(f"'{table}'" for table in found[:MAX_SHOWN])
            msg = f"{address.shown}: several tables are called so ({several}); name one with its schema"
            raise InputError(msg)
    msg = f"{address.shown}: there is no table '{address.part[:60]}'; {known}"
    raise InputError(msg)


def rows_as_text(rows: Iterator[Sequence[Any]], names: Sequence[str], size: int) -> Iterator[pa.RecordBatch]:
    """Return rows of Python values as batches of strings: a database without fixed types gives whatever was put in."""
    from icp_ml.accounts.formats.typed_cells import text_batch, text_of

    held: list[list[str | None]] = []
    for row in rows:
        held.append([text_of(cell) for cell in row])
        if len(held) == size:
            yield text_batch(held, names, range(len(names)))
            held = []
    if held:
        yield text_batch(held, names, range(len(names)))

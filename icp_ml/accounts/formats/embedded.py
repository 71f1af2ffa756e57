"""Databases that are a file: SQLite and DuckDB, opened read-only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from icp_ml._optional import require
from icp_ml.accounts.formats.databases import Connecting, Database, Named, rows_as_text
from icp_ml.accounts.formats.encodings import windows_1252

BATCH_ROWS = 16_384


def of_file(path: Path) -> Database:
    """Tell the two apart by the file's first bytes."""
    with path.open("rb") as file:
        return DuckDB(path) if file.read(12)[8:] == b"DUCK" else Sqlite(path)


class Sqlite(Connecting):
    """SQLite gives each cell the type it was put in with, so all columns are read as text."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self._path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.text_factory = _text
            yield connection

    def tables(self) -> list[Named]:
        """Return all tables and views, sorted."""
        sql = (
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        with self.connection() as connection:
            return sorted((Named("", name) for (name,) in connection.execute(sql)), key=str)

    def count(self, sql: str) -> int:
        """Return the one number that a query gives."""
        with self.connection() as connection:
            return int(connection.execute(sql).fetchall()[0][0])

    def schema(self, sql: str) -> pa.Schema:
        """Return the columns of a query."""
        with self.connection() as connection:
            names = [column[0] for column in connection.execute(sql).description]
        return pa.schema([pa.field(name, pa.string()) for name in names])

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run a query."""
        with self.connection() as connection:
            cursor = connection.execute(sql)
            cursor.arraysize = BATCH_ROWS
            yield from rows_as_text(cursor, [column[0] for column in cursor.description], BATCH_ROWS)

    def quoted(self, name: str) -> str:
        """Return an identifier as SQL."""
        return quoted(name)


class DuckDB(Connecting):
    """DuckDB, without access to other files or to extensions from the network."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._duckdb = require("duckdb", extra="databases", purpose="reading DuckDB files")

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        config = {
            "enable_external_access": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
        }
        with closing(self._duckdb.connect(str(self._path), read_only=True, config=config)) as connection:
            yield connection

    def tables(self) -> list[Named]:
        """Return all tables and views, sorted."""
        sql = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database()"
        with self.connection() as connection:
            return sorted((Named(*row) for row in connection.execute(sql).fetchall()), key=str)

    def count(self, sql: str) -> int:
        """Return the one number that a query gives."""
        with self.connection() as connection:
            return int(connection.execute(sql).fetchall()[0][0])

    def schema(self, sql: str) -> pa.Schema:
        """Return the columns of a query."""
        with self.connection() as connection:
            found = connection.sql(sql)  # bound, not run
            schema = connection.sql(f"SELECT * FROM ({sql}) LIMIT 0").to_arrow_table().schema
            # The query as a subquery has its columns renamed where two share a name.
            return pa.schema([pa.field(name, kind) for name, kind in zip(found.columns, schema.types, strict=True)])

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run a query."""
        with self.connection() as connection:
            yield from connection.sql(sql).to_arrow_reader(BATCH_ROWS)

    def quoted(self, name: str) -> str:
        """Return an identifier as SQL."""
        return quoted(name)


def quoted(name: str) -> str:
    """Return an identifier in the SQL standard's quotes."""
    return '"' + name.replace('"', '""') + '"'


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return windows_1252(data)

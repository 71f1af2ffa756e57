"""Databases behind a server: PostgreSQL through ADBC, others through SQLAlchemy; nothing is ever written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml._optional import require
from icp_ml.accounts.formats.addresses import Address
from icp_ml.accounts.formats.databases import Connecting, Named, rows_as_text
from icp_ml.accounts.formats.embedded import BATCH_ROWS, quoted

_BATCH_BYTES = 2**22
_CONNECT_SECONDS = 10
_TABLES = """
SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%'
  AND n.nspname <> 'information_schema' AND has_table_privilege(c.oid, 'SELECT')
"""


class PostgreSQL(Connecting):
    """PostgreSQL through ADBC: columns arrive as Arrow, in a transaction that cannot write."""

    def __init__(self, address: Address) -> None:
        self._dbapi = require("adbc_driver_postgresql.dbapi", extra="databases", purpose="reading PostgreSQL")
        rest = address.target.partition("://")[2]
        joined = "&" if "?" in rest else "?"
        wanted = {"connect_timeout": str(_CONNECT_SECONDS), "client_encoding": "UTF8"}
        options = "&".join(f"{key}={value}" for key, value in wanted.items() if f"{key}=" not in rest)
        self._uri = f"postgresql://{rest}{joined if options else ''}{options}"

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        with closing(self._dbapi.connect(self._uri)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute("SET LOCAL synchronize_seqscans = off")  # else a large table starts anywhere
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")  # else its rows come in any order
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
            yield cursor

    def tables(self) -> list[Named]:
        """Return all tables and views that may be read, sorted."""
        with self.connection() as cursor:
            cursor.execute(_TABLES)
            return sorted((Named(*row) for row in cursor.fetchall()), key=str)

    def count(self, sql: str) -> int:
        """Return the one number that a query gives."""
        with self.connection() as cursor:
            cursor.execute(sql)
            return int(cursor.fetchone()[0])

    def schema(self, sql: str) -> pa.Schema:
        """Return the columns of a query."""
        with self.connection() as cursor:
            found = cursor.adbc_execute_schema(self._readable(cursor, sql))
            return pa.schema([pa.field(f.name, pa.float64() if _is_money(f) else f.type) for f in found])

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run a query."""
        with self.connection() as cursor:
            cursor.execute(self._readable(cursor, sql))
            for batch in cursor.fetch_record_batch():
                yield _in_units(batch)

    def quoted(self, name: str) -> str:
        """Return an identifier as SQL."""
        return quoted(name)

    def _readable(self, cursor: Any, sql: str) -> str:
        """Have types that only PostgreSQL knows (enumerations, network addresses, points) written as text."""
        schema = cursor.adbc_execute_schema(sql)
        unknown = [_is_unknown(column.type) for column in schema]
        if not any(unknown):
            return sql
        columns = (
            f"{quoted(column.name)}::text AS {quoted(column.name)}" if odd else quoted(column.name)
            for column, odd in zip(schema, unknown, strict=True)
        )
        return f"SELECT {', '.join(columns)} FROM ({sql}) AS readable"


def _is_unknown(kind: pa.DataType) -> bool:
    storage = getattr(kind, "storage_type", None)
    return storage is not None and pa.types.is_binary(storage)


def _is_money(column: pa.Field) -> bool:
    return (column.metadata or {}).get(b"POSTGRESQL:type") == b"money"


def _in_units(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return money in whole units: it arrives in hundredths."""
    columns = [
        pc.divide(column.cast(pa.float64()), 100.0) if _is_money(field) else column
        for field, column in zip(batch.schema, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


class ThroughSqlAlchemy(Connecting):
    """Any other database that SQLAlchemy has a dialect and an installed driver for; all columns are read as text."""

    def __init__(self, address: Address) -> None:
        self._sqlalchemy = require("sqlalchemy", extra="databases", purpose=f"reading {address.scheme}:// databases")
        self._url = address.target
        self._named = address.part

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        engine = self._sqlalchemy.create_engine(self._url, hide_parameters=True)
        try:
            with engine.connect() as connection:
                # no_parameters: a % or : in a query is not taken for a parameter
                yield connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS, no_parameters=True)
                connection.rollback()
        finally:
            engine.dispose()

    def tables(self) -> list[Named]:
        """Return all tables and views of the default schema, and of the one that the address names, sorted."""
        named = self._named.partition(".")[0] if "." in self._named else ""
        with self.connection() as connection:
            inspector = self._sqlalchemy.inspect(connection)
            found = {Named("", name) for name in (*inspector.get_table_names(), *inspector.get_view_names())}
            if named and named in inspector.get_schema_names():
                found |= {Named(named, name) for name in inspector.get_table_names(named)}
                found |= {Named(named, name) for name in inspector.get_view_names(named)}
        return sorted(found, key=str)

    def count(self, sql: str) -> int:
        """Return the one number that a query gives."""
        with self.connection() as connection:
            return int(connection.exec_driver_sql(sql).scalar())

    def schema(self, sql: str) -> pa.Schema:
        """Return the columns of a query."""
        with self.connection() as connection:
            names = list(connection.exec_driver_sql(sql).keys())
        return pa.schema([pa.field(name, pa.string()) for name in names])

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """Run a query."""
        with self.connection() as connection:
            result = connection.exec_driver_sql(sql)
            yield from rows_as_text(result.yield_per(BATCH_ROWS), list(result.keys()), BATCH_ROWS)

    def quoted(self, name: str) -> str:
        """Return an identifier as SQL of the database."""
        preparer = self._sqlalchemy.engine.make_url(self._url).get_dialect()().identifier_preparer
        return str(preparer.quote_identifier(name))

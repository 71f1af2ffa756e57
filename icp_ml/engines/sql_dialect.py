"""One dialect of SQL: how it writes texts, numbers, names, types, dates and small tables.

sqlglot knows how each warehouse spells a thing; the layout of a statement (one line per case, with its comment) is
ours, as sqlglot's own printer drops comments on the branches of a CASE.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from icp_ml._optional import require
from icp_ml.exceptions import InputError

if TYPE_CHECKING:
    from sqlglot import exp

# What a person writes -> sqlglot's name.
DIALECTS = {
    "duckdb": "duckdb", "postgres": "postgres", "postgresql": "postgres", "snowflake": "snowflake",
    "bigquery": "bigquery", "databricks": "databricks", "spark": "spark", "redshift": "redshift",
}  # fmt: skip
LONGEST = {"bigquery": 1 << 20, "snowflake": 1 << 20, "redshift": 16 << 20}  # bytes of one statement, as published
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LINE_ENDS, _QUOTED = ("\n", "\r"), "'{}'"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
# Reserved by at least one of the dialects, so quoted in all.
_WORDS = """
all analyse analyze and any array as asc asymmetric at authorization between binary both by case cast check
collate column connect constraint contains create cross cube current current_date current_time current_timestamp
current_user database default deferrable delete desc distinct do drop else end enum escape except exclude exists
extract false fetch following for foreign freeze from full grant group grouping groups hash having if ignore
ilike in increment initially inner insert intersect interval into is isnull issue join lateral leading left like
limit localtime localtimestamp lookup merge minus natural new no not notnull null nulls of off offset old on
only open or order organization outer over overlaps parallel partition percent pivot placing preceding primary
proto qualify range recursive references regexp respect returning revoke right rlike rollup row rows sample
schema select session_user set similar snapshot some start struct symmetric system table tablesample tag then
timestamp to top trailing treat trigger true truncatecolumns unbounded union unique unnest unpivot update user
using values verbose view when whenever where window with within without
"""
_RESERVED = frozenset(_WORDS.split())


@dataclass(frozen=True)
class Dialect:
    """Writes the parts of a statement in one dialect.

    Attributes
    ----------
    name : str
        sqlglot's name of it.
    """

    name: str

    @classmethod
    def named(cls, given: str) -> Dialect:
        """Return the dialect a person named.

        Raises
        ------
        InputError
            There is none of that name.
        MissingDependencyError
            sqlglot is not installed.
        """
        name = DIALECTS.get(given.strip().casefold())
        if name is None:
            msg = f"--dialect {given[:40]!r} is not known; it is one of {', '.join(DIALECTS)}"
            raise InputError(msg)
        require("sqlglot", extra="sql", purpose="export-sql")
        return cls(name)

    def text(self, value: str) -> str:
        """Return a text as a literal, whatever it holds; what no database stores in a text is replaced."""
        from sqlglot import exp

        clean = value.replace("\x00", "�").encode("utf-8", "replace").decode()
        literal = self._sql(exp.Literal.string(clean))
        if self.name in ("spark", "databricks"):  # they fill in variables before they read, in literals too
            literal = literal.replace("${", "$\\u007B")
        if "\n" in literal or "\r" in literal:  # where it cannot be escaped: a literal never has two lines
            parts = [part for part in re.split(r"([\n\r])", literal[1:-1]) if part]
            literal = f"({' || '.join(f'CHR({ord(p)})' if p in _LINE_ENDS else _QUOTED.format(p) for p in parts)})"
        return literal

    @staticmethod
    def number(value: float) -> str:
        """Return a number as a double's literal that reads back as the same bits: an exponent keeps decimals away.

        Examples
        --------
        >>> Dialect.number(0.1), Dialect.number(-2.0), Dialect.number(1e-9)
        ('0.1e0', '-2', '1e-09')
        """
        value = float(value)
        if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        shown = repr(value)
        return shown if "e" in shown else f"{shown}e0"

    def name_of(self, column: str) -> str:
        """Return a column's name, quoted where it must be."""
        from sqlglot import exp

        if _PLAIN_NAME.fullmatch(column) and column not in _RESERVED:
            return column
        return self._sql(exp.to_identifier(_CONTROL.sub(" ", column), quoted=True))

    def comment(self, said: str) -> str:
        """Return a comment that ends with its line."""
        clean = _CONTROL.sub(" ", said).encode("utf-8", "replace").decode().replace("${", "$ {")
        return f"-- {clean}"

    @cached_property
    def double(self) -> str:
        """The type of 64-bit floating point numbers."""
        return self.type_of("double")

    @cached_property
    def string(self) -> str:
        """The type of texts."""
        return self.type_of("text")

    @cached_property
    def whole(self) -> str:
        """The type of 64-bit whole numbers."""
        return self.type_of("bigint")

    def type_of(self, name: str) -> str:
        """Return what the dialect calls a type."""
        from sqlglot import exp

        return self._sql(exp.DataType.build(name))

    def holds(self, column: str, text: str) -> str:
        """Return the test of whether a text column holds a text: no pattern, so nothing in it is special."""
        from sqlglot import exp

        found = self._sql(exp.StrPosition(this=exp.column("of_column"), substr=exp.Literal.string("what")))
        found = found.replace("of_column", column).replace("'what'", self.text(text))
        return f"{found} > 0"

    def days_since(self, column: str, day: date) -> str:
        """Return whole days from a date column to a day."""
        from sqlglot import exp

        to = exp.cast(exp.Literal.string(day.isoformat()), "date")
        return self._sql(exp.DateDiff(this=to, expression=exp.column(column), unit=exp.var("DAY")))

    def without_trailing_zeros(self, column: str) -> str:
        """Return a text column without the zeros at its end."""
        from sqlglot import exp

        return self._sql(exp.Trim(this=exp.column(column), expression=exp.Literal.string("0"), position="TRAILING"))

    def rows(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
        """Return the lines of a query of literal rows."""
        if self.name == "redshift":  # has VALUES for INSERT only
            first = ", ".join(f"{value} AS {name}" for value, name in zip(rows[0], columns, strict=True))
            return [f"SELECT {first}", *(f"UNION ALL SELECT {', '.join(row)}" for row in rows[1:])]
        ends = [","] * (len(rows) - 1) + [""]
        if self.name == "bigquery":
            first = ", ".join(f"{value} AS {name}" for value, name in zip(rows[0], columns, strict=True))
            body = [f"  STRUCT({first}){ends[0]}"]
            body += [f"  ({', '.join(row)}){end}" for row, end in zip(rows[1:], ends[1:], strict=True)]
            return ["SELECT", "  *", "FROM UNNEST([", *body, "])"]
        body = [f"  ({', '.join(row)}){end}" for row, end in zip(rows, ends, strict=True)]
        return ["SELECT", "  *", "FROM (VALUES", *body, f") AS literal_rows ({', '.join(columns)})"]

    @property
    def fence(self) -> tuple[str, ...]:
        """What ends a step that must be computed before the next: PostgreSQL would write it out at every mention."""
        return ("OFFSET 0",) if self.name == "postgres" else ()

    def table(self, given: str) -> exp.Table:
        """Return the table a person named.

        Raises
        ------
        InputError
            It is no name of a table.
        """
        import sqlglot
        from sqlglot import exp

        try:
            found = exp.to_table(given, dialect=self.name)
        except (sqlglot.errors.SqlglotError, ValueError, RecursionError):
            found = None
        plain = found is not None and isinstance(found.this, exp.Identifier)
        if (
            found is None
            or not plain
            or any(node.comments for node in found.walk())
            or _CONTROL.search(given)
            or set(found.args) - {"this", "db", "catalog"}
        ):
            msg = (
                f"--table {given[:80]!r} is no name of a table; write it as the warehouse does, such as sales.accounts"
            )
            raise InputError(msg)
        return found

    def written(self, table: exp.Table) -> str:
        """Return a table's name."""
        return self._sql(table)

    def _sql(self, expression: Any) -> str:
        return str(expression.sql(dialect=self.name))

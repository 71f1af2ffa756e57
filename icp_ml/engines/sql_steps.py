"""A statement as named steps, each of which adds columns to those of the step before it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from icp_ml.engines.sql_dialect import Dialect

LONGEST_NAME = 48  # characters; PostgreSQL cuts names at 63 bytes
_OTHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Column:
    """An expression, which may have several lines, and its name."""

    expression: str
    name: str


@dataclass
class Names:
    """Gives out names of columns: readable, plain, each once."""

    taken: set[str] = field(default_factory=set)

    def new(self, wanted: str, suffix: str) -> str:
        """Return a name no other column has, such as "technologies_aws_code"."""
        plain = unicodedata.normalize("NFKD", wanted.casefold()).encode("ascii", "ignore").decode()
        stem = _OTHER.sub("_", plain).strip("_")[:LONGEST_NAME].strip("_") or "field"
        stem = stem if stem[0].isalpha() else f"f_{stem}"
        name, number = f"{stem}_{suffix}", 1
        while name in self.taken:
            number += 1
            name = f"{stem}_{number}_{suffix}"
        self.taken.add(name)
        return name


@dataclass
class Steps:
    """Collects the steps and prints the statement."""

    sql: Dialect
    prefix: str = ""  # of the steps' names, where the table is called as one of them
    last: str = ""
    names: set[str] = field(default_factory=set)
    _parts: list[str] = field(default_factory=list)

    def start(self, name: str, says: str, columns: Sequence[Column | str], source: str) -> None:
        """Read the table."""
        self._select(name, says, columns, source)

    def add(self, name: str, says: str, columns: Sequence[Column]) -> None:
        """Add columns; a step without any is left out."""
        if columns:
            self._select(name, says, [f"{self.last}.*", *columns], self.last)

    def table(self, name: str, says: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Add a table of literals beside the steps, and return its name."""
        name = f"{self.prefix}{name}"
        self.names.add(name)
        self._parts.append(_step(name, self.sql.comment(says), self.sql.rows(columns, rows)))
        return name

    def joined(self, name: str, says: str, columns: Sequence[Column], joins: Sequence[str]) -> None:
        """Add columns that come from other tables."""
        self._select(name, says, [f"{self.last}.*", *columns], self.last, joins)

    def keyed(self, columns: Sequence[str]) -> dict[str, str]:
        """Return by which name each of these columns is to be joined.

        Spark writes a join's keys out in terms of the table's columns, through every step, until its memory is full;
        it does not look through rows made of an array.
        """
        if self.sql.name not in ("spark", "databricks"):
            return {name: name for name in columns}
        keys = {name: f"key_{name}" for name in columns}
        joins = [
            f"LATERAL VIEW INLINE(ARRAY(STRUCT({', '.join(columns)}))) made",
            f"  AS {', '.join(keys.values())}",
        ]
        self._select(
            "keyed", "keys that Spark does not trace back", [f"{self.last}.*", *keys.values()], self.last, joins
        )
        return keys

    def finish(self, columns: Sequence[Column], head: Sequence[str]) -> str:
        """Return the whole statement, which selects these columns in the end."""
        body = _select_lines(columns, self.last)
        comments = "".join(f"{self.sql.comment(line)}\n" for line in head)
        return f"{comments}WITH {', '.join(self._parts)}\n" + "\n".join(body) + ";\n"

    def _select(
        self, name: str, says: str, columns: Sequence[Column | str], source: str, joins: Sequence[str] = ()
    ) -> None:
        name = f"{self.prefix}{name}"
        self.names.add(name)
        lines = [*_select_lines(columns, source), *joins, *self.sql.fence]
        self._parts.append(_step(name, self.sql.comment(says), lines))
        self.last = name


def _step(name: str, comment: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{name} AS (", f"  {comment}", *(f"  {line}" for line in lines), ")"])


def _select_lines(columns: Sequence[Column | str], source: str) -> list[str]:
    lines = ["SELECT"]
    for place, column in enumerate(columns):
        written = column if isinstance(column, str) else _aliased(column)
        lines += [f"  {line}" for line in (written + ("," if place < len(columns) - 1 else "")).split("\n")]
    return [*lines, f"FROM {source}"]


def _aliased(column: Column) -> str:
    return column.expression if column.expression == column.name else f"{column.expression} AS {column.name}"


def case(lines: Sequence[str], otherwise: str | None = None) -> str:
    """Return a CASE, one line per branch; `lines` are "WHEN ... THEN ...", each with its comment."""
    last = [f"  ELSE {otherwise}"] if otherwise is not None else []
    body = [f"  {line}" for branch in lines for line in branch.split("\n")]
    return "\n".join(["CASE", *body, *last, "END"])


def indented(text: str) -> str:
    """Return an expression's lines after the first two columns further in."""
    return text.replace("\n", "\n  ")

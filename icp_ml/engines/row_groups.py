"""A Parquet file put together from parts that were encoded one by one: their bytes are copied, only the footer is new.

So the workers that score chunks also encode and compress them, and what is known only in the end, the rank, is encoded
by itself and joined on as further columns of the same row group.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import partial
from operator import add
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, Self

from icp_ml.engines.thrift import BINARY, I16, I64, LIST, STRUCT, Struct, read_struct, replaced, value_of, written

MAGIC = b"PAR1"
# Numbers of fields in Parquet's footer.
SCHEMA, ROWS, GROUPS, TEXTS, ORDERS = 2, 3, 4, 5, 7  # of the file
COLUMNS, BYTES, GROUP_ROWS, GROUP_BEGINS, COMPRESSED, ORDINAL = 1, 2, 3, 5, 6, 7  # of a row group
COLUMN, PLACES = 3, (2, 4, 6)  # of a column's place: where it begins, and its indexes
PAGES = (9, 10, 11, 14)  # of a column: where its pages begin
CHILDREN = 5  # of the first element of a schema


class RowGroups:
    """Writes a Parquet file of which each row group is one part's columns and then another's, side by side.

    All parts have the schema of the first of their kind.
    """

    def __init__(self, path: Path, metadata: Mapping[str, str]) -> None:
        self.path, self.metadata = path, dict(metadata)
        self._file: BinaryIO | None = None
        self._shape: Struct = []  # the footer but for what grows
        self._groups: list[Struct] = []
        self._rows = 0

    def __enter__(self) -> Self:
        """Open the file."""
        self._file = self.path.open("wb")
        self._file.write(MAGIC)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the footer; after an error, remove the file."""
        assert self._file is not None
        try:
            if error is None:
                self._file.write(self._footer())
            self._file.close()
        except BaseException as failure:  # a full disk shows only now
            error = error or failure
            raise
        finally:
            if error is not None:
                self._file.close()
                self.path.unlink(missing_ok=True)

    def add(self, left: Part, right: Part) -> None:
        """Append a row group.

        Parameters
        ----------
        left, right : Part
            Of the same rows.

        Raises
        ------
        ValueError
            The rows or the schema of a part are not those of the others.
        """
        if left.rows != right.rows:
            msg = "the parts of a row group have different numbers of rows"
            raise ValueError(msg)
        shape = _side_by_side(left.footer, right.footer)
        if self._groups and value_of(shape, SCHEMA) != value_of(self._shape, SCHEMA):
            msg = "a row group has other columns than the first"
            raise ValueError(msg)
        self._shape = self._shape or shape
        self._rows += left.rows
        self._groups.append(_one_group(self._placed(left), self._placed(right), len(self._groups)))

    def _placed(self, part: Part) -> Struct:
        """Write a part's pages and return its row group with where they are now."""
        assert self._file is not None
        shift = self._file.tell() - len(MAGIC)
        self._file.write(part.pages)
        moved = replaced(part.group, COLUMNS, lambda columns: (columns[0], [_moved(one, shift) for one in columns[1]]))
        return replaced(moved, GROUP_BEGINS, lambda begin: begin + shift)

    def _footer(self) -> bytes:
        texts = [
            [(1, BINARY, key.encode("utf-8")), (2, BINARY, value.encode("utf-8"))]
            for key, value in self.metadata.items()
        ]
        grown = {ROWS: (I64, self._rows), GROUPS: (LIST, (STRUCT, self._groups)), TEXTS: (LIST, (STRUCT, texts))}
        kept = [field for field in self._shape if field[0] not in grown]
        footer = written(
            sorted([*kept, *((number, *value) for number, value in grown.items())], key=lambda one: one[0])
        )
        return footer + struct.pack("<I", len(footer)) + MAGIC


class Part(NamedTuple):
    """A Parquet file of one row group: its footer, of that the row group, and the pages."""

    footer: Struct
    group: Struct
    pages: memoryview

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(value_of(self.group, GROUP_ROWS))

    @classmethod
    def of(cls, file: bytes | memoryview) -> Part:
        """Read a file.

        Raises
        ------
        ValueError
            It is no Parquet file, or has not one row group.
        """
        tail = bytes(file[-8:])
        begin = len(file) - 8 - struct.unpack("<I", tail[:4])[0] if len(tail) == 8 and tail[4:] == MAGIC else 0
        if begin < len(MAGIC):
            msg = "a part is no whole Parquet file"
            raise ValueError(msg)
        footer = read_struct(bytes(file[begin:-8]))
        kind, groups = value_of(footer, GROUPS, (STRUCT, []))
        if len(groups) != 1:
            msg = f"a part has {len(groups)} row groups of kind {kind}, not one"
            raise ValueError(msg)
        return cls(footer, groups[0], memoryview(file)[len(MAGIC) : begin])


def _moved(column: Struct, shift: int) -> Struct:
    """Return a column's place, further on in the file by `shift` bytes; 0 says that a place is not told."""
    out: Struct = []
    for number, kind, value in column:
        if number == COLUMN:
            inner = [(one, what, at + shift if one in PAGES and at else at) for one, what, at in value]
            out.append((number, kind, inner))
        else:
            out.append((number, kind, value + shift if number in PLACES and value else value))
    return out


def _side_by_side(left: Struct, right: Struct) -> Struct:
    """Return the footer of both parts' columns."""
    kind, elements = value_of(left, SCHEMA)
    others = value_of(right, SCHEMA)[1]
    more = value_of(others[0], CHILDREN, 0)
    root = replaced(elements[0], CHILDREN, lambda count: count + more)
    shape = replaced(left, SCHEMA, lambda _: (kind, [root, *elements[1:], *others[1:]]))
    orders = value_of(right, ORDERS, (STRUCT, []))[1]
    return replaced(shape, ORDERS, lambda own: (own[0], [*own[1], *orders]))


def _one_group(left: Struct, right: Struct, ordinal: int) -> Struct:
    """Return the row group of both parts' columns."""
    joined = replaced(left, COLUMNS, lambda own: (own[0], [*own[1], *value_of(right, COLUMNS)[1]]))
    for number in (BYTES, COMPRESSED):
        joined = replaced(joined, number, partial(add, value_of(right, number, 0)))
    kept = [field for field in joined if field[0] != ORDINAL]
    return [*kept, *([(ORDINAL, I16, ordinal)] if ordinal < 2**15 else [])]

"""Codes of many accounts for the loops: a column per field, and of token sets only the tokens that an account has.

A vocabulary has hundreds of tokens and an account a handful: one code per token and account is mostly the writing and
reading of "absent".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.estimator.encoding import (
    Codes,
    Encoding,
    FieldEncoding,
    FloatArray,
    field_codes,
    numeric_codes,
    numeric_values,
    token_places,
)
from icp_ml.scoring.row_loops import EMPTY, CodeArrays, IntArray
from icp_ml.scoring.token_loops import TermArray, read_only


class Part(NamedTuple):
    """A field: its first term, the column of its codes (of a token set: whether it is known), and its set or -1."""

    encoding: FieldEncoding
    first: int
    column: int
    set: int


@dataclass(frozen=True)
class Layout:
    """Where the codes of an encoding's terms are.

    Parameters
    ----------
    encoding : Encoding
    wanted : iterable of int
        Terms that need a column even where they are tokens.
    """

    encoding: Encoding
    wanted: frozenset[int]

    @classmethod
    def of(cls, encoding: Encoding, wanted: Iterable[int]) -> Layout:
        """Return the layout; what is wanted may be named twice."""
        return cls(encoding, frozenset(wanted))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The fields that have terms, in order."""
        out: list[Part] = []
        first = sets = 0
        for enc in self.encoding.fields:
            if enc.sizes:
                out.append(Part(enc, first, len(out), sets if enc.kind == "tokens" else EMPTY))
                sets += enc.kind == "tokens"
            first += len(enc.sizes)
        return tuple(out)

    @cached_property
    def part_of(self) -> IntArray:
        """The part of each term."""
        return np.repeat(np.arange(len(self.parts)), [len(part.encoding.sizes) for part in self.parts])

    @cached_property
    def column_of(self) -> IntArray:
        """The column of each term, -1 where there is none."""
        tokens = [term.token is not None for term in self.encoding.terms]
        out = np.where(np.array(tokens, dtype=np.bool_), EMPTY, self.part_of)
        for place, j in enumerate(sorted(j for j in self.wanted if tokens[j])):
            out[j] = len(self.parts) + place
        return out

    def encode(
        self, columns: Mapping[str, pa.Array], rows: int, as_of: date | None, spread: Callable[..., int]
    ) -> RowCodes:
        """Return the codes of accounts.

        Parameters
        ----------
        columns, rows, as_of
            As `Encoding.encode` takes them.
        spread : callable
            `token_loops.spread`, compiled or plain.
        """
        width = max(int(self.column_of.max(initial=EMPTY)) + 1, len(self.parts))
        codes = np.zeros((width, rows), dtype=np.uint16)
        begins = np.zeros((max(part.set for part in self.parts) + 1 if self.parts else 0, rows + 1), dtype=np.int64)
        sets = [part for part in self.parts if part.set >= 0 and part.encoding.field in columns]
        found = {part.set: _tokens(part, columns[part.encoding.field]) for part in sets}
        tokens = np.empty(sum(len(one.pieces) for one in found.values()), dtype=np.int32)
        values: dict[str, FloatArray] = {}
        end = 0
        for part in self.parts:
            enc = part.encoding
            if part.set in found:
                one, own = found[part.set], self.column_of[part.first : part.first + len(enc.sizes)]
                codes[part.column] = one.known
                codes[own[own >= 0]] = one.known  # absent, or missing
                end = spread(*one, own, codes, begins[part.set], tokens, end)
            elif enc.kind == "numeric" and enc.field in columns:
                values[enc.field] = numeric_values(columns[enc.field], as_of, enc.form)
                codes[part.column] = numeric_codes(enc.edges, values[enc.field])
            elif part.set < 0 and enc.field in columns:
                codes[part.column] = field_codes(enc, columns[enc.field], as_of)
        return RowCodes(self, CodeArrays(codes, begins, tokens), values)


@dataclass(frozen=True)
class RowCodes:
    """Codes of accounts, and the numbers of numeric fields by name."""

    layout: Layout
    arrays: CodeArrays
    values: Mapping[str, FloatArray]

    def __len__(self) -> int:
        """Return the number of accounts."""
        return int(self.arrays.columns.shape[1])

    def column(self, j: int) -> npt.NDArray[np.uint16]:
        """Return the codes of a term, shape (rows,).

        Raises
        ------
        KeyError
            A token that nobody wanted.
        """
        place = int(self.layout.column_of[j])
        if place < 0:
            raise KeyError(j)
        column: npt.NDArray[np.uint16] = self.arrays.columns[place]
        return column


def codes_of(codes: Codes | RowCodes, j: int) -> npt.NDArray[np.uint16]:
    """Return the codes of a term, shape (rows,)."""
    return codes.column(j) if isinstance(codes, RowCodes) else codes[:, j]


class _Tokens(NamedTuple):
    """A token set, as `token_loops.spread` takes it."""

    known: npt.NDArray[np.bool_]
    offsets: IntArray
    pieces: TermArray
    term_of: TermArray


def _tokens(part: Part, array: pa.Array) -> _Tokens:
    """Return a field's tokens; all arrays are read-only, as each kind is compiled by itself."""
    known, offsets, index, places = token_places(part.encoding, array)
    arrays = known, offsets.astype(np.int64), index.astype(np.int32), places.astype(np.int32)
    return _Tokens(*(read_only(one) for one in arrays))

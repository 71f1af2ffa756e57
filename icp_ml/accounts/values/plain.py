"""Whole columns of text looked at as bytes, to tell which cells need no closer look.

Nothing is guessed: a cell that is called plain is plain, and one that is not is looked at closely by who asked. What is
said of a cell depends on its own bytes alone. A few passes over all bytes cost a tenth of what a pattern per cell does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_DASH, _DOT, _SLASH, _ZERO, _A, _W = b"-./0aw"
_MAX_HOST_BYTES = 253

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Cells:
    """The bytes of a column of strings.

    Attributes
    ----------
    data : ndarray of uint8
        All cells, one after the other.
    bounds : ndarray of int32, shape (n + 1,)
        Cell k is `data[bounds[k] : bounds[k + 1]]`; what a missing cell holds means nothing.
    missing : ndarray of bool, shape (n,), or None
        None where no cell is missing.
    """

    data: Bytes
    bounds: Places
    missing: Flags | None

    @classmethod
    def of(cls, text: pa.Array) -> Cells:
        """Look at an array of strings; nothing is copied."""
        offsets, data = text.buffers()[1:3]
        if not len(text) or offsets is None:
            return cls(np.zeros(0, np.uint8), np.zeros(len(text) + 1, np.int32), None)
        bounds = np.frombuffer(offsets, dtype=np.int32, count=len(text) + 1, offset=4 * text.offset)
        whole = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
        missing = text.is_null().to_numpy(zero_copy_only=False) if text.null_count else None
        return cls(whole[bounds[0] : bounds[-1]], bounds - bounds[0], missing)

    @cached_property
    def lengths(self) -> Places:
        """Bytes of each cell."""
        return np.diff(self.bounds)

    @cached_property
    def first(self) -> Bytes:
        """The first byte of each cell, of an empty one any."""
        return self.at(self.bounds[:-1])

    @cached_property
    def last(self) -> Bytes:
        """The last byte of each cell, of an empty one any."""
        return self.at(self.bounds[1:] - 1)

    def at(self, places: npt.NDArray[np.integer]) -> Bytes:
        """Return the bytes at these places; beyond the ends any."""
        return self.data.take(places, mode="clip") if len(self.data) else np.zeros(len(places), np.uint8)

    def holding(self, bad: Flags) -> Flags:
        """Return which cells hold a byte that `bad`, one flag per byte, marks."""
        found = np.zeros(len(self.lengths), dtype=bool)
        places = np.flatnonzero(bad)
        if len(places):
            found[np.searchsorted(self.bounds, places, side="right") - 1] = True
        return found


class Words:
    """ASCII words that cells are compared with, by what can be told of a cell without reading it.

    Parameters
    ----------
    words : iterable of str
        Folded; those that are not ASCII are left out.
    """

    def __init__(self, words: Iterable[str]) -> None:
        ascii_words = [word.encode() for word in words if word and word.isascii()]
        self._longest = max(map(len, ascii_words))
        self._first = np.zeros((self._longest + 2, 256), dtype=bool)
        self._last = np.zeros((self._longest + 2, 256), dtype=bool)
        for word in ascii_words:
            for table, byte in ((self._first, word[:1]), (self._last, word[-1:])):
                table[len(word), [byte.lower()[0], byte.upper()[0]]] = True

    def may_be(self, cells: Cells) -> Flags:
        """Return which cells have the length of a word that begins with their first byte, and of one ending alike."""
        key = np.minimum(cells.lengths, self._longest + 1) * np.int32(256)  # no word is so long
        alike: Flags = self._first.take(key + cells.first)
        alike &= self._last.take(key + cells.last)
        return alike


def unsettled(cells: Cells, words: Words) -> Flags:
    """Return which cells may be one of `words` or have white space around them; missing cells have not.

    All others are ASCII, begin and end with a visible character, and differ from every word in any case.
    """
    doubt = (cells.first - 0x21 > 0x5D) | (cells.last - 0x21 > 0x5D) | (cells.lengths == 0)  # 0x21 to 0x7e are visible
    doubt |= words.may_be(cells)
    if (cells.data > 0x7F).any():
        doubt |= cells.holding(cells.data > 0x7F)
    found: Flags = doubt if cells.missing is None else doubt & ~cells.missing
    return found


def plain_numbers(cells: Cells, *, year: bool = False) -> Flags:
    """Return which cells hold digits, dots and at most one minus, at the start, and nothing else; and missing cells.

    Most of these are numbers ("1.2.3" is none). With `year` they have four digits, and possibly ".0" after them.
    """
    strange = (cells.data - _DOT > 11) | (cells.data == _SLASH)  # "./0123456789" are neighbours
    minus = cells.first == _DASH
    good = cells.lengths > minus
    minus &= cells.lengths > 0
    if np.count_nonzero(strange) > np.count_nonzero(minus):
        strange[cells.bounds[:-1][minus]] = False
        good &= ~cells.holding(strange)
    if year:
        good &= (cells.lengths == 4) & _are_digits(cells, (0, 1, 2, 3)) | (
            (cells.lengths == 6) & _are_digits(cells, (0, 1, 2, 3)) & _is(cells, 4, _DOT) & _is(cells, 5, _ZERO)
        )
    found: Flags = good if cells.missing is None else good | cells.missing
    return found


def plain_days(cells: Cells) -> Flags:
    """Return which cells are written as a day of 1900 to 2099 is by ISO 8601, and missing cells.

    "2024-02-30" is written so, too.
    """
    good = (cells.lengths == 10) & _is(cells, 4, _DASH) & _is(cells, 7, _DASH)
    if good.any():
        good &= _are_digits(cells, (2, 3, 5, 6, 8, 9))
        good &= _is(cells, 0, b"1"[0]) & _is(cells, 1, b"9"[0]) | _is(cells, 0, b"2"[0]) & _is(cells, 1, _ZERO)
    found: Flags = good if cells.missing is None else good | cells.missing
    return found


def plain_hosts(cells: Cells) -> Flags:
    """Return which cells are surely a host as `hosts.host_of` returns it, written as it returns it.

    Labels of "a-z", "0-9" and single "-" that begin and end with none of the latter, at least two of them, the last
    beginning with a letter; at most 253 bytes, more than three, and no "ww" at the start.
    """
    data, bounds = cells.data, cells.bounds
    good = (cells.lengths > 3) & (cells.lengths <= _MAX_HOST_BYTES)
    if not good.any():
        return good
    good &= (cells.first >= _ZERO) & (cells.last != _DOT)
    good &= (cells.first != _W) | (cells.at(bounds[:-1] + 1) != _W)
    strange = data - _A > 25
    strange &= data - _DASH > 12  # "-./0123456789" are neighbours
    strange |= data == _SLASH
    odd = np.count_nonzero(strange)
    if odd > len(good):  # addresses, not hosts
        return np.zeros_like(good)
    if odd:
        good &= ~cells.holding(strange)
    dash = data == _DASH
    pairs = dash[1:] & dash[:-1]
    if pairs.any():
        good &= ~cells.holding(np.append(False, pairs))
    dots = np.flatnonzero(data == _DOT)
    beside = np.minimum(cells.at(dots + 1), cells.at(dots - 1))
    wrong = dots[beside <= _DOT]
    if len(wrong):
        good[np.searchsorted(bounds, wrong, side="right") - 1] = False
    # The last dot of a cell, if it has one, is the last of all dots before its end.
    found = np.searchsorted(dots.astype(np.int32), bounds[1:]) - 1
    last = dots.take(found, mode="clip") if len(dots) else np.full(len(found), -1)
    good &= (found >= 0) & (last > bounds[:-1])
    good &= cells.at(last + 1) >= _A
    return good


def separated(cells: Cells, separator: int) -> tuple[Places, npt.NDArray[np.int64]]:
    """Return where the pieces of all cells start, each up to and with its separator, and how many each cell has.

    Parameters
    ----------
    cells : Cells
        Missing ones hold nothing.
    separator : int
        An ASCII byte. What follows one at the end of a cell is no piece, nor is what an empty cell holds.
    """
    filled = cells.lengths > 0
    firsts = cells.bounds[:-1][filled]
    start = np.zeros(len(cells.data) + 1, dtype=bool)
    np.equal(cells.data, separator, out=start[1:])
    start[firsts] = True
    starts = np.flatnonzero(start[:-1]).astype(np.int32)
    of_cell = np.zeros(len(cells.data), dtype=bool)
    of_cell[firsts] = True
    leading = np.flatnonzero(of_cell.take(starts))
    counts = np.zeros(len(filled), dtype=np.int64)
    counts[filled] = np.diff(leading, append=len(starts))
    return starts, counts


def _is(cells: Cells, place: int, byte: int) -> Flags:
    return np.asarray(cells.at(cells.bounds[:-1] + place) == byte)


def _are_digits(cells: Cells, places: Iterable[int]) -> Flags:
    found = np.ones(len(cells.lengths), dtype=bool)
    for place in places:
        found &= cells.at(cells.bounds[:-1] + place) - _ZERO < 10
    return found

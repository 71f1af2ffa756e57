"""CSV record by record: each a list of cells or a `Reject`, with true line numbers whatever is wrong above."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Generator, Iterable, Iterator

from icp_ml.accounts.formats.rows import MAX_REJECT_CHARS, Reject


class Lines:
    """A file's lines, or as bytes what was not yet read as lines."""

    def __init__(self, blocks: Iterable[tuple[bytes, int]]) -> None:
        self._blocks = iter(blocks)
        self._text = io.StringIO()
        self._length = 0
        self._held = b""
        self._ahead: bytes | None = b""
        self._recoded = 0

    def __iter__(self) -> Iterator[str]:
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return the next line, with its end."""
        while not (line := self._text.readline()):
            block = self._held or self._next()
            if not block:
                raise StopIteration
            self._held = b""
            text = block.decode("utf-8")
            self._text, self._length = io.StringIO(text, newline=""), len(text)
        return line

    def is_block_done(self) -> bool:
        """Whether no line of the block begun is left."""
        return self._text.tell() >= self._length

    def take(self) -> tuple[bytes, bool]:
        """Return what is left of the block begun together with the next one, and whether that is the last."""
        rest = self._text.read().encode("utf-8") + self._held
        self._text, self._length, self._held = io.StringIO(), 0, b""
        return rest + self._next(), self._peek() is None

    def give_back(self, rest: bytes) -> None:
        """Put back what was taken."""
        self._held = rest

    def ended(self) -> bool:
        """Whether nothing is left."""
        return not self._held and self.is_block_done() and self._peek() is None

    def count_recoded(self) -> int:
        """Return how many lines were not UTF-8 since the last call."""
        count, self._recoded = self._recoded, 0
        return count

    def _peek(self) -> bytes | None:
        if self._ahead == b"":
            self._ahead, recoded = next(self._blocks, (None, 0))
            self._recoded += recoded
        return self._ahead

    def _next(self) -> bytes:
        block = self._peek() or b""
        self._ahead = None if self._ahead is None else b""
        return block


TELLING_WIDTH = 4  # cells: lines of prose with as many delimiters are rare


class Records:
    """Iterate over records: a list of cells, or a Reject; blank lines are left out.

    The lines of the record being parsed are kept. Where a quote is never closed, its first line is rejected and
    the lines after it are parsed afresh, so a stray quote costs one row instead of the rest of the file.
    """

    def __init__(self, lines: Lines, delimiter: str, quote: str, width: int | None = None, line: int = 1) -> None:
        self._source, self._delimiter, self._quote, self._width = lines, delimiter, quote, width
        self.line = line
        self._lines: list[str] = []
        self._again: deque[str] = deque()
        self._iterator = self._parse()

    def __iter__(self) -> Iterator[list[str] | Reject]:
        """Return the records."""
        return self._iterator

    def is_block_done(self) -> bool:
        """Whether what was begun is parsed to the end of a block."""
        return not self._again and self._source.is_block_done()

    def _feed(self) -> Iterator[str]:
        lines = self._lines
        while self._again:
            line = self._again.popleft()
            lines.append(line)
            yield line
        for line in self._source:
            lines.append(line)
            yield line
        self._ended = True

    def _parse(self) -> Generator[list[str] | Reject, None, None]:
        resumed = True
        while resumed:
            self._ended = False
            resumed = yield from self._parse_on()

    def _parse_on(self) -> Generator[list[str] | Reject, None, bool]:
        """Parse; return whether to start anew, after a quote that is never closed."""
        reader = csv.reader(self._feed(), delimiter=self._delimiter, quotechar=self._quote)
        lines, width = self._lines, self._width
        while True:
            lines.clear()
            try:
                row = next(reader)
            except StopIteration:
                return False
            except csv.Error as error:
                yield self._give_up("has a cell that is too long" if "limit" in str(error) else str(error))
                return True
            if self._ended:
                yield self._give_up("has a quote that is never closed")
                return True
            start, self.line = self.line, self.line + len(lines)
            has_nul = any("\0" in text for text in lines)
            fits = not has_nul and (len(row) == width or (width is None and row))
            if fits and not self._hides_rows():
                yield row
            elif fits or self._swallowed():
                self.line = start
                yield self._give_up("has a stray quote")
                return True
            elif has_nul:
                yield self._reject(start, f"holds a NUL byte{_over(len(lines))}")
            elif len(row) > 1 or (row and row[0].strip()):
                yield self._reject(start, _count_reason(len(row), width, len(lines)))

    def _swallowed(self) -> bool:
        """Whether a stray quote ran through whole rows up to another one.

        A further line that is a row by itself says so; of a table so narrow that a line of prose could be one,
        all must.
        """
        rows = [
            text.count(self._quote) % 2 == 0
            and len(next(csv.reader([text], delimiter=self._delimiter, quotechar=self._quote), [])) == self._width
            for text in self._lines[1:]
        ]
        return bool(rows) and (all(rows) or (any(rows) and (self._width or 0) >= TELLING_WIDTH))

    def _hides_rows(self) -> bool:
        """Whether all the lines inside a cell are rows by themselves: two stray quotes, not a text of several lines."""
        inside = self._lines[1:-1]
        return (
            bool(inside)
            and (self._width or 0) >= TELLING_WIDTH
            and all(self._quote not in text and text.count(self._delimiter) + 1 == self._width for text in inside)
        )

    def _give_up(self, reason: str) -> Reject:
        """Reject the record's first line, and put the others back to be parsed again."""
        reject = Reject(self.line, reason, _shown(self._lines[0]))
        self.line += 1
        self._again.extendleft(reversed(self._lines[1:]))
        self._lines.clear()
        return reject

    def _reject(self, line: int, reason: str) -> Reject:
        return Reject(line, reason, _shown("".join(self._lines)))


def _count_reason(cells: int, width: int | None, lines: int) -> str:
    return f"{cells} cell{'s' if cells != 1 else ''} where the header has {width}{_over(lines)}"


def _over(lines: int) -> str:
    return f", over {lines} lines" if lines > 1 else ""


def _shown(text: str) -> str:
    return text[:MAX_REJECT_CHARS].rstrip("\r\n")

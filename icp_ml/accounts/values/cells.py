"""What all kinds share: cells as text, placeholders that mean "missing", folding, and the tally of what was changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.plain import Cells, Words, unsettled

# What vendors write where they know nothing, in words and in signs; the words in any of the ways below.
_MISSING_WORDS = (
    "unknown", "n a", "null", "none", "no info", "no information", "select", "not available", "not applicable",
    "not specified", "not provided", "not known", "not disclosed", "not found", "not set", "not given", "not reported",
    "unspecified", "undefined", "undisclosed", "unavailable", "tbd", "tba", "nan", "nat", "nil", "blank", "missing",
    "empty", "please select", "select one", "choose one", "please choose", "no data", "no value", "no answer",
    "no response", "prefer not to say", "don't know", "dont know", "data not available", "unknown non applicable",
    "unknown na",
    "nicht bekannt", "unbekannt", "keine angabe", "nicht verfügbar", "inconnu", "non renseigné", "desconocido",
    "sin datos", "sconosciuto", "onbekend", "desconhecido", "okänd",
)  # fmt: skip
_MISSING_SIGNS = (
    "", "-", "--", "---", "----", "—", "–", "?", "??", "???", ".", "..", "...", "…", "*", "/", "\\", "_", "__", "'",
    '""', "k. a.", "#n/a", "#na", "#value!", "#ref!", "#name?", "#div/0!", "#null!", "#num!", "[]", "{}", "()",
    "<>", "[null]",
    "n.a.", "n.a", "k.a.", "\\n", "nan%", "none none", "null null",
    "unknown / non-applicable", "unknown/non-applicable", "n/a - not applicable", "not applicable (n/a)", "n/a n/a",
)  # fmt: skip
_JOINS = (" ", "-", "_", "", "/", " / ")
_FRAMES = (("", ""), ("(", ")"), ("<", ">"), ("[", "]"), ("- ", " -"), ("-", "-"), ("--", "--"), ("-- ", " --"),
           ("'", "'"), ('"', '"'), ("*", "*"), ("", "."), ("", "..."), ("", "…"), ("#", ""))  # fmt: skip
# Compared after trimming and folding. "NA" and "None" may be values: see `conventions`.
PLACEHOLDERS = frozenset(
    before + join.join(words.split()) + after
    for words in _MISSING_WORDS
    for join in _JOINS
    for before, after in _FRAMES
) | frozenset(_MISSING_SIGNS)
_PLACEHOLDER_ARRAY = pa.array(sorted(PLACEHOLDERS), pa.string())
_PLACEHOLDER_WORDS = Words(PLACEHOLDERS)
MOST_DOUBT = 0.5  # where more of the cells need a close look, all get one
EXAMPLES_KEPT = 3  # of each sort, in a report
MAX_EXAMPLE_CHARS = 80
MAX_REMEMBERED_CHARS = 64  # so that what is remembered stays small
Read = TypeVar("Read")
_EXACT_INTEGERS = 2.0**53


def fold(text: str) -> str:
    """Fold what two spellings of one value differ in: outer and repeated white space, case, and a trailing ".0"."""
    folded = " ".join(text.split()).casefold()
    return without_point_zero(folded)


def without_point_zero(text: str) -> str:
    """Return "532420" for "532420.0", which is what a code becomes in a table with gaps."""
    head, point, tail = text.partition(".")
    return head if point and tail and not tail.strip("0") and head.isascii() and head.isdigit() else text


def commonest(seen: Iterable[tuple[str, str, int]]) -> dict[str, str]:
    """Return, for each folded value, the spelling that occurs most often; the first in sorted order wins a tie.

    Parameters
    ----------
    seen : iterable of (folded, as written, count)
    """
    counts: dict[str, dict[str, int]] = {}
    for folded, written, count in seen:
        if folded not in PLACEHOLDERS:
            spellings = counts.setdefault(folded, {})
            spelling = " ".join(written.split())
            spellings[spelling] = spellings.get(spelling, 0) + count
    return {folded: min(counts[folded].items(), key=lambda item: (-item[1], item[0]))[0] for folded in sorted(counts)}


def cell_text(value: Any) -> str | None:
    """Return a Python value as a CSV would show it (5 and 5.0 both "5"), or None where it is missing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        number = float(value)
        if math.isnan(number):
            return None
        return str(int(number)) if number.is_integer() and abs(number) <= _EXACT_INTEGERS else repr(number)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def as_text(array: pa.Array) -> pa.Array:
    """Return any plain Arrow array as strings; whole floats lose their ".0", lists are joined by ";"."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return as_text(array.dictionary).take(array.indices)
    if pa.types.is_string(kind):
        return array
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_large_string(kind):
        return array.cast(pa.string())
    if pa.types.is_floating(kind):
        encoded = array.cast(pa.float64()).dictionary_encode()
        texts = pa.array([cell_text(value) for value in encoded.dictionary.to_pylist()], pa.string())
        return texts.take(encoded.indices)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pc.binary_join(array.cast(pa.list_(pa.string())), ";")
    if pa.types.is_null(kind):
        return pa.nulls(len(array), pa.string())
    if pa.types.is_timestamp(kind):
        return pc.strftime(array.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%d %H:%M:%S")
    return array.cast(pa.string())


def holds(text: pa.Array, part: str) -> bool:
    """Whether any cell of a string array may hold `part`: one search through the bytes, far faster than per cell."""
    found, sought = Cells.of(text).data.tobytes(), part.encode()
    return sought[:1] in found and sought in found  # one byte is found many times faster than two


def trimmed(array: pa.Array) -> tuple[pa.Array, int]:
    """Return the cells as trimmed text, placeholders as null, and how many placeholders there were."""
    text = as_text(array)
    doubt = unsettled(Cells.of(text), _PLACEHOLDER_WORDS)
    doubtful = np.count_nonzero(doubt)
    if doubtful > MOST_DOUBT * len(text):
        return _trimmed(text)
    if not doubtful:
        return text, 0
    mask = pa.array(doubt)
    written = text.filter(mask)
    clean, count = _trimmed(written)
    return (text if clean.equals(written) else pc.replace_with_mask(text, mask, clean)), count


def _trimmed(text: pa.Array) -> tuple[pa.Array, int]:
    text = pc.utf8_trim_whitespace(text)
    placeholder = pc.is_in(pc.utf8_lower(text), value_set=_PLACEHOLDER_ARRAY, skip_nulls=True)
    count = int(pc.sum(placeholder).as_py() or 0)
    return (pc.if_else(placeholder, pa.scalar(None, pa.string()), text) if count else text), count


def remembered(read: Callable[..., Read], text: str, *options: Any) -> Read:
    """Return `read(text, *options)`, of a short text from memory where it was read before, as batches of a list repeat.

    Parameters
    ----------
    read : callable
        Depends on its arguments alone, and returns what nobody changes.
    """
    found: Read = _again(read, text, *options) if len(text) <= MAX_REMEMBERED_CHARS else read(text, *options)
    return found


@lru_cache(maxsize=32_768)
def _again(read: Callable[..., Any], text: str, *options: Any) -> Any:
    return read(text, *options)


@dataclass(frozen=True)
class Distinct:
    """The distinct texts of a column, and for every row which one it holds (-1: missing)."""

    texts: list[str]
    codes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, text: pa.Array) -> Distinct:
        """Encode an array of strings."""
        encoded = text.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(encoded.dictionary.to_pylist(), codes)

    @property
    def counts(self) -> list[int]:
        """How many rows hold each text."""
        present = self.codes[self.codes >= 0]
        return [int(n) for n in np.bincount(present, minlength=len(self.texts))]

    def spread(self, values: pa.Array) -> pa.Array:
        """Give every row the value of its text."""
        return values.take(pa.array(self.codes, pa.int64(), mask=self.codes < 0))


@dataclass
class Tally:
    """Counts, while a column is normalised, what was changed and dropped, and keeps the commonest examples.

    Where `counting` is False nobody is going to ask, and what would be dear to count need not be.
    """

    counting: bool = True
    changed: int = 0
    dropped: int = 0
    placeholders: int = 0
    foreign: int = 0  # of the dropped: amounts in a currency of unknown worth
    notes: dict[str, int] = field(default_factory=dict)
    _changes: dict[tuple[str, str], int] = field(default_factory=dict)
    _drops: dict[tuple[str, str], int] = field(default_factory=dict)

    def change(self, raw: str, result: str, count: int) -> None:
        """Count cells that were read as something else than they say."""
        self.changed += count
        self._changes[raw, result] = self._changes.get((raw, result), 0) + count

    def drop(self, raw: str, reason: str, count: int) -> None:
        """Count cells that could not be used."""
        self.dropped += count
        self._drops[raw, reason] = self._drops.get((raw, reason), 0) + count

    def drop_where(self, mask: npt.NDArray[np.bool_], raw: pa.Array, reason: str) -> None:
        """Count the rows of `mask` as dropped for one reason."""
        if mask.any():
            distinct = Distinct.of(as_text(raw.filter(pa.array(mask))))
            for text, count in zip(distinct.texts, distinct.counts, strict=True):
                self.drop(text, reason, count)

    def note(self, text: str, count: int) -> None:
        """Say something about a number of cells."""
        if count:
            self.notes[text] = self.notes.get(text, 0) + count

    def examples(self) -> tuple[tuple[str, str], ...]:
        """Return the commonest changes, then the commonest drops, as (as written, result or reason)."""
        return tuple(
            (raw[:MAX_EXAMPLE_CHARS], result)
            for found in (self._changes, self._drops)
            for (raw, result), _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:EXAMPLES_KEPT]
        )

    def sentences(self) -> tuple[str, ...]:
        """Return the notes with their counts."""
        return tuple(f"{count:,} {text}" for text, count in sorted(self.notes.items()))


def convert_distinct(
    text: pa.Array, convert: Callable[[str], tuple[Any, str]], arrow_type: pa.DataType, tally: Tally
) -> pa.Array:
    """Convert each distinct text once; `convert` returns the value, or None with the reason."""
    distinct = Distinct.of(text)
    values: list[Any] = []
    for raw, count in zip(distinct.texts, distinct.counts, strict=True):
        value, reason = convert(raw)
        values.append(value)
        if value is None and count:
            tally.drop(raw, reason, count)
    return distinct.spread(pa.array(values, arrow_type))

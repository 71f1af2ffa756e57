"""Token sets: "Salesforce; SAP" to a list of folded tokens, vectorised, as these columns are the slowest of a list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import repeat
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import (
    MAX_REMEMBERED_CHARS,
    PLACEHOLDERS,
    Tally,
    as_text,
    commonest,
    convert_distinct,
    fold,
    holds,
)
from icp_ml.accounts.values.mojibake import mended
from icp_ml.accounts.values.plain import Cells, separated
from icp_ml.accounts.values.technologies import technologies_in
from icp_ml.schema import BY_NAME, Field

_WRAPPING = "[]{}\"' "
_BULLETS = ("* ", "- ", "• ", "· ", "– ", "+ ")
# After a comma these belong to the name before it: "Salesforce, Inc.".
_MARKS = (b"|", b",", b"\n", b"\r", b'["')  # what else may separate tokens, the first of any field
_PROBED = 64  # cells looked at before all are cut at ";"
_FIRMS = frozenset({"inc", "inc.", "llc", "llc.", "ltd", "ltd.", "gmbh", "corp", "corp.", "plc"})


def token_lists(
    array: pa.Array, field: Field, delimiter: str | None = None, *, encoded: bool = False
) -> tuple[pa.Array, int, int]:
    """Split, fold and deduplicate the tokens of every row.

    Without a declared delimiter a cell is split at ";" and "|". The known token fields (`icp_ml.schema`), whose cells
    are lists by definition, are also split at line ends and, where a cell holds none of these, at commas but those of
    "Salesforce, Inc."; a JSON array is read as one. In the field `technologies` each piece becomes the technologies it
    names (`icp_ml.accounts.values.technologies`).

    Parameters
    ----------
    array : pa.Array
        Strings or lists of strings.
    field : Field
        The field it holds.
    delimiter : str or None
        What separates the tokens, where the user has declared it.
    encoded : bool
        For scoring: leave the tokens as a dictionary, of which each is looked up once, and repeated ones where they
        are.

    Returns
    -------
    lists : pa.ListArray of string, or of dictionary where `encoded`
        Null where no token is left.
    placeholders : int
        Cells that hold only placeholders.
    repeated : int
        Tokens left out because their row already has them; with `encoded` 0.
    """
    written, codes, lengths, missing = _pieces(array, field, delimiter)
    labels, first, many = _labels(written, field)
    rows: Codes | None = None  # of each token; found only where needed
    counts = lengths
    if many is None:
        ids = first.take(codes)
        if len(ids) and ids.min() < 0:
            named = ids >= 0
            rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[named]
            ids, counts = ids[named], np.bincount(rows, minlength=len(lengths))
    else:
        ids, rows = _spread(codes, np.repeat(np.arange(len(lengths), dtype=np.int32), lengths), many)
        counts = np.bincount(rows, minlength=len(lengths))
    repeated = 0
    if not encoded:
        rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths) if rows is None else rows
        kept = first_of_each(rows, ids, len(labels))
        if kept is not None:
            repeated = int(len(ids) - kept.sum())
            ids, counts = ids[kept], np.bincount(rows[kept], minlength=len(lengths))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    values = pa.DictionaryArray.from_arrays(pa.array(ids), labels)
    if not encoded:
        values = values.dictionary_decode()
    result = pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(counts == 0))
    return result, int(len(lengths) - missing - np.count_nonzero(counts)), repeated


def token_spellings(array: pa.Array, field: Field, delimiter: str | None = None) -> Mapping[str, str]:
    """Return the commonest way each folded token is written."""
    tokens = _split(array, field, delimiter).flatten().drop_null().value_counts()
    written, counts = tokens.field("values").to_pylist(), tokens.field("counts").to_pylist()
    pieces = zip(written, counts, strict=True)
    return commonest([(name, as_written, count) for token, count in pieces for name, as_written in _read(token, field)])


def _split(array: pa.Array, field: Field, delimiter: str | None) -> pa.Array:
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return array.cast(pa.list_(pa.string()))
    text = as_text(array)
    return pc.split_pattern(text, delimiter) if delimiter else pc.split_pattern(_delimited(text, field), ";")


def _pieces(array: pa.Array, field: Field, delimiter: str | None) -> tuple[list[str], Codes, Ids, int]:
    """Cut all cells as `_split` does, without a copy of the text; empty pieces, which name nothing, may be left out.

    Returns the distinct pieces (the last: none), which of them comes where, how many each cell has, and how many cells
    are missing.
    """
    separator = delimiter or ";"
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type) or len(separator.encode()) > 1:
        lists = _split(array, field, delimiter)
        lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        flat = lists.flatten().dictionary_encode()
        codes = flat.indices.fill_null(len(flat.dictionary)).to_numpy(zero_copy_only=False)
        return [*flat.dictionary.to_pylist(), ""], codes, lengths, lists.null_count
    text = as_text(array)
    if not delimiter and _holds_other_marks(text.slice(0, _PROBED), field):
        return (*_cut(_delimited(text, field), separator), text.null_count)
    written, codes, lengths = _cut(text, separator)
    if not delimiter and _holds_other_marks(pa.array(written, pa.string()), field):
        written, codes, lengths = _cut(_delimited(text, field), separator)
    return written, codes, lengths, text.null_count


def _cut(text: pa.Array, separator: str) -> tuple[list[str], Codes, Ids]:
    """Cut cells at one ASCII character; see `_pieces`."""
    cells = Cells.of(text)
    if cells.missing is not None and cells.lengths[cells.missing].any():
        cells = Cells.of(text.fill_null(""))
    starts, lengths = separated(cells, ord(separator))
    ends = np.append(starts, np.int32(len(cells.data)))
    flat = pa.StringArray.from_buffers(len(starts), pa.py_buffer(ends), pa.py_buffer(cells.data)).dictionary_encode()
    # All pieces but the last of a cell still have their separator: it is taken off the distinct ones.
    written = pc.replace_substring(flat.dictionary, separator, "").to_pylist()
    return [*written, ""], flat.indices.to_numpy(), lengths


def _holds_other_marks(text: pa.Array, field: Field) -> bool:
    """Whether any cell may be separated otherwise than by ";"."""
    found = Cells.of(text).data.tobytes()
    return any(mark in found for mark in (_MARKS if field.name in BY_NAME else _MARKS[:1]))


def _delimited(text: pa.Array, field: Field) -> pa.Array:
    """Write every way in which a field's cells separate tokens as ";"."""
    text = _replaced(text, "|")
    if field.name in BY_NAME:
        text = _arrays_as_lists(text)
        if holds(text, ","):
            text = pc.if_else(pc.match_substring(text, ";"), text, pc.replace_substring(text, ",", ";"))
        text = _replaced(_replaced(text, "\n"), "\r")
    return text


def _replaced(text: pa.Array, separator: str) -> pa.Array:
    return pc.replace_substring(text, separator, ";") if holds(text, separator) else text


def _arrays_as_lists(text: pa.Array) -> pa.Array:
    """Write JSON arrays of texts as delimited lists."""
    if not holds(text, '["'):
        return text
    arrays = pc.match_substring_regex(text, r'^\s*\[".*"\]\s*$').fill_null(False)

    def delimited(cell: str) -> tuple[str, str]:
        try:
            members = json.loads(cell)
        except (ValueError, RecursionError):
            return cell, ""
        return "".join(f"{str(m).replace(';', ' ')};" for m in members if m is not None and not isinstance(m, list)), ""

    return pc.replace_with_mask(text, arrays, convert_distinct(text.filter(arrays), delimited, pa.string(), Tally()))


def _bare(token: str) -> str:
    """Strip bullets, and the brackets and quotes of a list that was written out as text."""
    token = token.strip()
    return (token[2:] if token.startswith(_BULLETS) else token).strip(_WRAPPING)


Ids = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Sort = Literal["technologies", "known", "own"]  # how a field's pieces are read
# What pieces were found to name: one label, none, or several. Batches of a list repeat the same pieces.
_KNOWN: dict[Sort, dict[str, str | tuple[str, ...] | None]] = {"technologies": {}, "known": {}, "own": {}}
MAX_KNOWN = 65_536
_UNREAD = ("not read yet",)


def _read(token: str, field: Field) -> tuple[tuple[str, str], ...]:
    """Return what one piece of a cell names, as (folded, as written)."""
    return _named(token, _sort(field))


def _sort(field: Field) -> Sort:
    return "technologies" if field.name == "technologies" else "known" if field.name in BY_NAME else "own"


def _named(token: str, sort: Sort) -> tuple[tuple[str, str], ...]:
    bare = _bare(mended(token))
    if sort == "technologies":
        return () if bare.casefold() in _FIRMS else tuple(technologies_in(bare))
    folded = fold(bare)
    if folded in PLACEHOLDERS or (folded in _FIRMS and sort == "known"):
        return ()
    return ((folded, bare),)


def _names(written: list[str], sort: Sort) -> list[str | tuple[str, ...] | None]:
    known = _KNOWN[sort]
    found = list(map(known.get, written, repeat(_UNREAD)))
    if _UNREAD not in found:
        return found
    fresh: dict[str, str | tuple[str, ...] | None] = {}
    for place in [place for place, names in enumerate(found) if names is _UNREAD]:
        several = tuple(name for name, _ in _named(written[place], sort))
        found[place] = fresh[written[place]] = several if len(several) > 1 else several[0] if several else None
    if len(fresh) > MAX_KNOWN:
        return found
    if len(known) + len(fresh) > MAX_KNOWN:
        known.clear()
    known.update((token, names) for token, names in fresh.items() if len(token) <= MAX_REMEMBERED_CHARS)
    return found


def _labels(written: list[str], field: Field) -> tuple[pa.Array, Codes, list[list[int]] | None]:
    """Fold the distinct pieces.

    Returns the labels; for every piece the number of its first label or -1; and, where a piece has several, the
    numbers of all.
    """
    found = _names(written, _sort(field))
    if tuple not in set(map(type, found)):
        encoded = pa.array(found, pa.string()).dictionary_encode()
        return encoded.dictionary, encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), None
    position: dict[str, int] = {}
    every = [names if isinstance(names, tuple) else () if names is None else (names,) for names in found]
    many = [[position.setdefault(name, len(position)) for name in names] for names in every]
    first = np.array([numbers[0] if numbers else -1 for numbers in many], dtype=np.int32)
    return pa.array(position, pa.string()), first, many


def _spread(codes: Codes, rows: Codes, many: list[list[int]]) -> tuple[Codes, Codes]:
    """Return, for pieces that hold several labels or none, all labels and their rows."""
    sizes: Ids = np.array([len(found) for found in many], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    every = np.array([label for found in many for label in found], dtype=np.int32)
    lengths = sizes[codes]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return every[np.repeat(starts[codes], lengths) + within], np.repeat(rows, lengths)


def first_of_each(rows: Codes, ids: Codes, distinct: int) -> npt.NDArray[np.bool_] | None:
    """Return which tokens are the first of their row, or None when none is repeated (found by the faster sort)."""
    short = len(rows) == 0 or (int(rows[-1]) + 1) * max(distinct, 1) < 2**31  # these sort in half the time
    keys: npt.NDArray[np.int32 | np.int64] = rows.astype(np.int32 if short else np.int64)
    keys = keys * max(distinct, 1) + ids
    in_order = np.sort(keys)
    if not (in_order[1:] == in_order[:-1]).any():
        return None
    kept = np.zeros(len(keys), dtype=bool)
    kept[np.unique(keys, return_index=True)[1]] = True
    return kept

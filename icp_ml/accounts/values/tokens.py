"""Token sets: "Salesforce; SAP" to a list of folded tokens, vectorised, as these columns are the slowest of a list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import PLACEHOLDERS, Tally, as_text, commonest, convert_distinct, fold, holds
from icp_ml.accounts.values.mojibake import mended
from icp_ml.accounts.values.technologies import technologies_in
from icp_ml.schema import BY_NAME, Field

_WRAPPING = "[]{}\"' "
_BULLETS = ("* ", "- ", "• ", "· ", "– ", "+ ")
# After a comma these belong to the name before it: "Salesforce, Inc.".
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
        Leave the tokens as a dictionary: scoring looks each distinct one up once.

    Returns
    -------
    lists : pa.ListArray of string, or of dictionary where `encoded`
        Null where no token is left.
    placeholders : int
        Cells that hold only placeholders.
    repeated : int
        Tokens left out because their row already has them.
    """
    lists = _split(array, field, delimiter)
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = lists.flatten().dictionary_encode()
    labels, first, many = _labels(flat.dictionary.to_pylist(), field)
    codes = flat.indices.fill_null(len(first) - 1).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(lists), dtype=np.int64), lengths)
    ids, rows = (first[codes], rows) if many is None else _spread(codes, rows, many)
    keep = ids >= 0
    if not keep.all():
        ids, rows = ids[keep], rows[keep]
    kept = _first_of_each(rows, ids, len(labels))
    repeated = 0 if kept is None else int(len(ids) - kept.sum())
    if kept is not None:
        ids, rows = ids[kept], rows[kept]
    counts = np.bincount(rows, minlength=len(lists))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    values = pa.DictionaryArray.from_arrays(pa.array(ids.astype(np.int32)), pa.array(labels, pa.string()))
    if not encoded:
        values = values.dictionary_decode()
    result = pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(counts == 0))
    return result, int(len(lists) - lists.null_count - (counts > 0).sum()), repeated


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
    if delimiter:
        return pc.split_pattern(text, delimiter)
    text = _replaced(text, "|")
    if field.name in BY_NAME:
        text = _arrays_as_lists(text)
        if holds(text, ","):
            text = pc.if_else(pc.match_substring(text, ";"), text, pc.replace_substring(text, ",", ";"))
        text = _replaced(_replaced(text, "\n"), "\r")
    return pc.split_pattern(text, ";")


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


Ids = np.ndarray[tuple[int], np.dtype[np.int64]]


@lru_cache(maxsize=65_536)  # batches of a list repeat the same pieces
def _read(token: str, field: Field) -> tuple[tuple[str, str], ...]:
    """Return what one piece of a cell names, as (folded, as written)."""
    bare = _bare(mended(token))
    if field.name == "technologies":
        return () if bare.casefold() in _FIRMS else tuple(technologies_in(bare))
    folded = fold(bare)
    if folded in PLACEHOLDERS or (folded in _FIRMS and field.name in BY_NAME):
        return ()
    return ((folded, bare),)


def _labels(written: list[str], field: Field) -> tuple[list[str], Ids, list[list[int]] | None]:
    """Fold the distinct pieces.

    Returns the labels; for every piece, and last for null, the number of its first label or -1; and, where a piece has
    several, the numbers of all.
    """
    position: dict[str, int] = {}
    many = [[position.setdefault(name, len(position)) for name, _ in _read(token, field)] for token in written]
    first = np.array([found[0] if found else -1 for found in many] + [-1], dtype=np.int64)
    return list(position), first, [*many, []] if any(len(found) > 1 for found in many) else None


def _spread(codes: Ids, rows: Ids, many: list[list[int]]) -> tuple[Ids, Ids]:
    """Return, for pieces that hold several labels or none, all labels and their rows."""
    sizes = np.array([len(found) for found in many], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    every = np.array([label for found in many for label in found], dtype=np.int64)
    lengths = sizes[codes]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return every[np.repeat(starts[codes], lengths) + within], np.repeat(rows, lengths)


def _first_of_each(
    rows: np.ndarray[tuple[int], np.dtype[np.int64]], ids: np.ndarray[tuple[int], np.dtype[np.int64]], distinct: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    """Return which tokens are the first of their row, or None when none is repeated (found by the faster sort)."""
    keys = rows * max(distinct, 1) + ids
    in_order = np.sort(keys)
    if not (in_order[1:] == in_order[:-1]).any():
        return None
    kept = np.zeros(len(keys), dtype=bool)
    kept[np.unique(keys, return_index=True)[1]] = True
    return kept

"""Token sets: "Salesforce; SAP" to a list of folded tokens, vectorised, as these columns are the slowest of a list."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import PLACEHOLDERS, as_text, commonest, fold, holds
from icp_ml.schema import BY_NAME, Field

_WRAPPING = "[]\"' "
_BULLETS = ("* ", "- ", "• ", "· ", "– ")


def token_lists(
    array: pa.Array, field: Field, delimiter: str | None = None, *, encoded: bool = False
) -> tuple[pa.Array, int, int]:
    """Split, fold and deduplicate the tokens of every row.

    Without a declared delimiter a cell is split at ";" and "|". The known token fields (`icp_ml.schema`), whose cells
    are lists by definition, are also split at line ends and, where a cell holds none of these, at commas.

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
    labels, translation = _labels(flat.dictionary.to_pylist())
    codes = flat.indices.fill_null(len(translation) - 1).to_numpy(zero_copy_only=False)
    ids = translation[codes]
    rows = np.repeat(np.arange(len(lists), dtype=np.int64), lengths)
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
    bare = [_bare(token) for token in written]
    return commonest([(fold(token), token, count) for token, count in zip(bare, counts, strict=True)])


def _split(array: pa.Array, field: Field, delimiter: str | None) -> pa.Array:
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return array.cast(pa.list_(pa.string()))
    text = as_text(array)
    if delimiter:
        return pc.split_pattern(text, delimiter)
    text = _replaced(text, "|")
    if field.name in BY_NAME:
        text = _replaced(_replaced(text, "\n"), "\r")
        if holds(text, ","):
            text = pc.if_else(pc.match_substring(text, ";"), text, pc.replace_substring(text, ",", ";"))
    return pc.split_pattern(text, ";")


def _replaced(text: pa.Array, separator: str) -> pa.Array:
    return pc.replace_substring(text, separator, ";") if holds(text, separator) else text


def _bare(token: str) -> str:
    """Strip bullets, and the brackets and quotes of a list that was written out as text."""
    token = token.strip()
    return (token[2:] if token.startswith(_BULLETS) else token).strip(_WRAPPING)


def _labels(written: list[str]) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Fold the distinct tokens; the translation's last entry stands for null, -1 for placeholders."""
    position: dict[str, int] = {}
    translation = np.full(len(written) + 1, -1, dtype=np.int64)
    for index, token in enumerate(written):
        folded = fold(_bare(token))
        if folded not in PLACEHOLDERS:
            translation[index] = position.setdefault(folded, len(position))
    return list(position), translation


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

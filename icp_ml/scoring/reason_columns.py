"""The columns of reasons: sentence, field and contribution of the strongest contributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from icp_ml.estimator.encoding import MISSING, FloatArray
from icp_ml.scoring.look_up import Chosen
from icp_ml.scoring.reasons import SMALLEST, ReasonBook, as_shown
from icp_ml.scoring.row_loops import EMPTY, VOICES, BoolArray, IntArray, NumberArray

ROUNDED_AS = ("year", "count", "number")  # forms that stand for all that are rounded alike


def reason_columns(
    book: ReasonBook,
    chosen: Chosen,
    values: Mapping[str, FloatArray],
    k: int,
    without: BoolArray,
    number: Callable[..., int] | None = None,
) -> dict[str, pa.Array]:
    """Return `reason_i`, `reason_i_field` and `reason_i_contribution` for i in 1..k.

    Parameters
    ----------
    values : mapping of field name to ndarray of shape (rows,)
        The accounts' own numbers, for numeric fields.
    without : ndarray of bool, shape (rows,)
        Rows that are not scored and so have no reasons.
    number : callable, optional
        `row_loops.number`, compiled or plain; default: NumPy's way, which gives the same.
    """
    none = without | (np.abs(chosen.contributions) < SMALLEST)
    valued = _valued(book, values)
    said = np.where(none, EMPTY, chosen.said)
    bits = _bits_shown(book, chosen, values, (said >= 0) & valued[chosen.said])
    if number is None:
        sentences, kinds, shown = _numbered(said, bits, valued)
    else:
        sentences = np.empty(said.shape, dtype=np.int32)
        kinds, shown = np.empty(said.size, dtype=np.int64), np.empty(said.size, dtype=np.int64)
        count = number(said, bits, valued, sentences, kinds, shown)
        kinds, shown = kinds[:count], shown[:count]
    place, dictionary = _texts(book, kinds, shown, valued)
    of_term, fields = _fields(book)
    out: dict[str, pa.Array] = {}
    for i in range(k):
        name = f"reason_{i + 1}"
        if i < len(none):
            out[name] = _dictionary(sentences[i], place, dictionary, none[i])
            out[f"{name}_field"] = _dictionary(chosen.terms[i], of_term, fields, none[i])
            out[f"{name}_contribution"] = pa.array(chosen.contributions[i], mask=none[i])
        else:
            empty = pa.DictionaryArray.from_arrays(pa.nulls(len(without), pa.int32()), pa.array([], pa.string()))
            out[name] = out[f"{name}_field"] = empty
            out[f"{name}_contribution"] = pa.nulls(len(without), pa.float64())
    return out


def _valued(book: ReasonBook, values: Mapping[str, FloatArray]) -> BoolArray:
    """Return, per code and voice, whether its sentence shows the account's own value."""
    numeric = [term.encoding.kind == "numeric" and term.field in values for term in book.tables.terms]
    valued = np.array(numeric, dtype=np.bool_)[book.term_of]
    valued[book.starts[:-1] + MISSING] = False
    return np.repeat(valued, VOICES)


def _bits_shown(book: ReasonBook, chosen: Chosen, values: Mapping[str, FloatArray], here: BoolArray) -> IntArray:
    """Return the bits of the values that sentences show, shape (reasons, rows), 0 elsewhere."""
    bits = np.zeros(here.shape, dtype=np.int64)
    reasons, rows = np.nonzero(here)
    if not len(rows):
        return bits
    terms = [term.encoding for term in book.tables.terms]
    names = list(values)
    column = np.array([names.index(enc.field) if enc.field in values else 0 for enc in terms], dtype=np.int64)
    form = np.array([0 if enc.form in ("year", "age") else 1 if enc.form == "count" else 2 for enc in terms])
    of_term = chosen.terms[reasons, rows]
    own = np.stack([values[name] for name in names])[column[of_term], rows]
    shown, rounded = np.empty(len(own)), form[of_term]
    for number, name in enumerate(ROUNDED_AS):
        some = np.flatnonzero(rounded == number)
        shown[some] = as_shown(own[some], name)
    shown += 0.0  # a zero has no sign
    bits[reasons, rows] = shown.view(np.int64)
    return bits


def _numbered(said: IntArray, bits: IntArray, valued: BoolArray) -> tuple[NumberArray, IntArray, IntArray]:
    """Do by way of NumPy what `row_loops.number` does: sentences are numbered as they come, account by account."""
    flat, numbers = said.T.ravel(), np.full(said.size, EMPTY, dtype=np.int32)
    here = np.flatnonzero(flat >= 0)
    kinds = flat[here]
    value, distinct = pd.factorize(np.where(valued[kinds], bits.T.ravel()[here], 0))
    many = max(len(distinct), 1)
    index, both = pd.factorize(kinds * many + value)
    numbers[here] = index
    shown = np.asarray(distinct, dtype=np.int64)[both % many] if len(distinct) else np.empty(0, dtype=np.int64)
    return numbers.reshape(said.T.shape).T, both // many, shown


def _texts(book: ReasonBook, kinds: IntArray, shown: IntArray, valued: BoolArray) -> tuple[NumberArray, pa.Array]:
    """Return where each sentence is among the distinct texts, and those: two values may read alike."""
    texts = book.numbered(kinds, shown, valued[kinds])
    distinct = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    place = np.fromiter(map(distinct.__getitem__, texts), dtype=np.int32, count=len(texts))
    return place, pa.array(distinct, type=pa.string(), size=len(distinct))


def _fields(book: ReasonBook) -> tuple[NumberArray, pa.Array]:
    """Return which field each term is of, and the fields' names."""
    names = [term.field for term in book.tables.terms]
    fields = list(dict.fromkeys(names))
    return np.array([fields.index(name) for name in names], dtype=np.int32), pa.array(fields, type=pa.string())


def _dictionary(index: IntArray | NumberArray, place: NumberArray, texts: pa.Array, missing: BoolArray) -> pa.Array:
    """Return `texts` at `place[index]`, each column with only the texts it shows: Parquet writes a dictionary whole."""
    if not len(texts):
        return pa.DictionaryArray.from_arrays(pa.nulls(len(index), pa.int32()), texts)
    at = place.take(np.where(missing, 0, index))
    shown = np.zeros(len(texts), dtype=np.bool_)
    shown[at[~missing]] = True
    fresh = (np.cumsum(shown, dtype=np.int32) - 1).take(at)
    return pa.DictionaryArray.from_arrays(pa.array(fresh, mask=missing), texts.filter(pa.array(shown)))

"""The columns of reasons: sentence, field and contribution of the strongest contributions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from icp_ml.accounts.values.present import Present
from icp_ml.estimator.encoding import MISSING, FloatArray
from icp_ml.scoring.compiled import Loops
from icp_ml.scoring.look_up import Chosen
from icp_ml.scoring.reasons import SMALLEST, TENS, ReasonBook, as_shown, numbers_of, rounding_of
from icp_ml.scoring.row_loops import EMPTY, VOICES, BoolArray, IntArray
from icp_ml.scoring.sentence_loops import COUNTS, OTHERS, YEARS, NumberArray

_FIRST, _NONE = pa.array([0], pa.int32()), pa.nulls(1, pa.int32())
MAX_SHOWN = 8  # selections of columns of which it is kept which value a sentence shows


def reason_columns(
    book: ReasonBook,
    chosen: Chosen,
    values: Mapping[str, FloatArray],
    k: int,
    without: BoolArray,
    loops: Loops | None = None,
) -> dict[str, pa.Array]:
    """Return `reason_i`, `reason_i_field` and `reason_i_contribution` for i in 1..k.

    Parameters
    ----------
    values : mapping of field name to ndarray of shape (rows,)
        The accounts' own numbers, for numeric fields.
    without : ndarray of bool, shape (rows,)
        Rows that are not scored and so have no reasons.
    loops : Loops, optional
        Compiled or plain; default: NumPy's way, which gives the same.
    """
    none = without | (np.abs(chosen.contributions) < SMALLEST)
    columns, forms = _shown_of(book, tuple(values))
    said = np.where(none, EMPTY, chosen.said)
    own = np.stack(list(values.values())) if values else np.empty((0, len(without)))
    if loops is None:
        sentences, kinds, shown = _numbered(said, own, columns, forms)
    else:
        sentences = np.empty(said.shape, dtype=np.int32)
        kinds, shown = np.empty(said.size, dtype=np.int64), np.empty(said.size, dtype=np.int64)
        count = loops.number(said, own, columns, forms, TENS, sentences, kinds, shown)
        kinds, shown = kinds[:count], shown[:count]
    place, dictionary = book.distinct(kinds, shown, columns[kinds] >= 0)
    of_term, fields = book.field_of
    terms = np.where(none, EMPTY, chosen.terms)
    said_in = _dictionaries(sentences, place, dictionary, loops)
    of_fields = _dictionaries(terms, of_term, fields, loops)
    out: dict[str, pa.Array] = {}
    for i in range(k):
        name = f"reason_{i + 1}"
        if i < len(none):
            out[name], out[f"{name}_field"] = said_in[i], of_fields[i]
            out[f"{name}_contribution"] = Present.but(none[i]).numbers(chosen.contributions[i])
        else:
            empty = pa.DictionaryArray.from_arrays(pa.nulls(len(without), pa.int32()), pa.array([], pa.string()))
            out[name] = out[f"{name}_field"] = empty
            out[f"{name}_contribution"] = pa.nulls(len(without), pa.float64())
    return out


def _shown_of(book: ReasonBook, values: tuple[str, ...]) -> tuple[IntArray, IntArray]:
    """Return, per code and voice, which value its sentence shows, -1 for none, and how that is rounded."""
    known = book.shown.get(values)
    if known is not None:
        return known
    names = {name: place for place, name in enumerate(values)}
    terms = [term.encoding for term in book.tables.terms]
    place = [names.get(enc.field, EMPTY) if enc.kind == "numeric" else EMPTY for enc in terms]
    columns = np.array(place, dtype=np.int64)[book.term_of]
    columns[book.starts[:-1] + MISSING] = EMPTY
    forms = np.array([rounding_of(enc.form) for enc in terms], dtype=np.int64)[book.term_of]
    if len(book.shown) >= MAX_SHOWN:  # lists of other columns
        book.shown.clear()
    found = book.shown[values] = np.repeat(columns, VOICES), np.repeat(forms, VOICES)
    return found


def _numbered(
    said: IntArray, own: FloatArray, columns: IntArray, forms: IntArray
) -> tuple[NumberArray, IntArray, IntArray]:
    """Do by way of NumPy what `sentence_loops.number` does: sentences are numbered as they come, account by account."""
    numbers = np.full(said.size, EMPTY, dtype=np.int32)
    rows, reasons = np.nonzero(said.T >= 0)
    kinds = said[reasons, rows]
    bits = np.zeros(len(kinds), dtype=np.int64)
    for form, name in ((YEARS, "year"), (COUNTS, "count"), (OTHERS, "number")):
        some = np.flatnonzero((columns[kinds] >= 0) & (forms[kinds] == form))
        if len(some):
            bits[some] = as_shown(own[columns[kinds[some]], rows[some]], name).view(np.int64)
    value, distinct = numbers_of(bits)
    many = max(len(distinct), 1)
    index, both = numbers_of(kinds * many + value)
    numbers[rows * len(said) + reasons] = index
    shown = np.asarray(distinct, dtype=np.int64)[both % many] if len(distinct) else np.empty(0, dtype=np.int64)
    return numbers.reshape(said.T.shape).T, both // many, shown


def _dictionaries(
    index: IntArray | NumberArray, place: NumberArray, texts: pa.Array, loops: Loops | None
) -> list[pa.Array]:
    """Return for each reason `texts` at `place[index]`, missing where the index is negative.

    Each column has only the texts it shows: Parquet writes a dictionary whole.
    """
    if index.shape[1] == 1:
        return [_one(int(number), place, texts) for number in index[:, 0]]
    fresh, shown = np.empty(index.shape, dtype=np.int32), np.zeros((len(index), len(texts)), dtype=np.bool_)
    if loops is not None:
        loops.listed(index, place, fresh, shown)
    else:
        for i, own in enumerate(index):
            at = np.append(place, len(texts)).take(own)  # what is missing comes last
            some = np.zeros(len(texts) + 1, dtype=np.bool_)
            some[at] = True
            numbers = np.cumsum(some, dtype=np.int32) - 1
            numbers[-1] = 0
            fresh[i], shown[i] = numbers.take(at), some[:-1]
    return [Present.but(index[i] < 0).texts(fresh[i], texts.filter(pa.array(shown[i]))) for i in range(len(index))]


def _one(number: int, place: NumberArray, texts: pa.Array) -> pa.Array:
    """Return `_dictionaries` of one account."""
    there = (_FIRST, texts.slice(place[number], 1)) if number >= 0 else (_NONE, texts[:0])
    return pa.DictionaryArray.from_arrays(*there)

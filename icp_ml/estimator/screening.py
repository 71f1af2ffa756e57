"""Token sets of thousands: kept sparse, and screened by every fit on the rows that it is fitted on.

A field of no more tokens than a fit may use is encoded once, blind to the labels. Of a larger one every fit (each
fold, each bag, the fit on all customers) takes the tokens that its own rows say most of; only those become columns of
codes, and only for that fit. So what a fit says of rows it did not see owes nothing to their labels. The model keeps
the tokens that the fit on all customers or at least half of the bags took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.estimator.encoding import ABSENT, MISSING, PRESENT, Codes, FieldEncoding, FloatArray, Term

if TYPE_CHECKING:
    from scipy import sparse

    from icp_ml.estimator.rows import TrainingRows

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MAX_CANDIDATES = 10_000  # tokens of a field that a fit chooses from: the commonest
PRIOR = 30.0  # information a token is taken to lack: the penalty of the ridge (1 over C) where it starts to look
OFTEN = 0.5  # of the bags that must take a token for the model to keep it


@dataclass(frozen=True)
class WideField:
    """A token set with more tokens than one fit may use.

    Attributes
    ----------
    encoding : FieldEncoding
        All candidates as its values.
    held : sparse matrix of shape (customers, candidates)
        1 where a customer holds a token.
    known : ndarray of shape (customers,)
        Whether the customer's set is known at all.
    most : int
        Tokens one fit may use.
    """

    encoding: FieldEncoding
    held: sparse.csc_matrix
    known: BoolArray
    most: int

    def take(self, index: IntArray) -> WideField:
        """Return some of the customers, in another order."""
        held = self.held[index].tocsc()
        held.sort_indices()
        return replace(self, held=held, known=self.known[index])

    def gains(self, weight: FloatArray, positive: FloatArray) -> FloatArray:
        """Return per candidate what knowing it would gain: the square of its score over its information and a prior's.

        Parameters
        ----------
        weight : ndarray of shape (customers,)
            0 for customers that have no part in the fit.
        positive : ndarray of shape (customers,)
            The weight times the label, which may be soft.
        """
        weight, positive = np.where(self.known, weight, 0.0), np.where(self.known, positive, 0.0)
        total = float(weight.sum())
        if not total > 0:
            return np.zeros(self.held.shape[1])
        share = float(positive.sum()) / total
        number = np.asarray(self.held.T @ weight)
        score = np.asarray(self.held.T @ (positive - share * weight))
        information = share * (1.0 - share) * number * (1.0 - number / total)
        return np.asarray(score**2 / (np.maximum(information, 0.0) + PRIOR))

    def commonest(self) -> FieldEncoding:
        """Return the encoding of the commonest tokens, which no label has a part in."""
        counts = np.diff(self.held.indptr)
        return self.only(np.sort(np.argsort(-counts, kind="stable")[: self.most]))

    def only(self, tokens: Sequence[int] | IntArray) -> FieldEncoding:
        """Return the encoding of some of the tokens."""
        enc = self.encoding
        return replace(
            enc, values=tuple(enc.values[t] for t in tokens), spellings=tuple(enc.spellings[t] for t in tokens)
        )


@dataclass(frozen=True)
class WideRows:
    """The wide fields behind training rows: which customer each row is."""

    fields: tuple[WideField, ...]
    at: IntArray

    def take(self, index: npt.NDArray[np.generic]) -> WideRows:
        """Return some of the rows."""
        return WideRows(self.fields, self.at[index])


class Screens(NamedTuple):
    """The tokens that each bag and the fit on all rows took, and those the model keeps; ascending numbers."""

    bags: tuple[IntArray, ...]
    full: IntArray
    kept: IntArray


def wide_field(encoding: FieldEncoding, array: pa.Array, most: int) -> WideField:
    """Return which rows hold which of the encoding's tokens.

    Parameters
    ----------
    encoding : FieldEncoding
    array : pa.ListArray of string
    most : int
        Tokens one fit may use.
    """
    from scipy import sparse

    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    flat, parents = pc.list_flatten(array), pc.list_parent_indices(array)
    flat = flat if pa.types.is_dictionary(flat.type) else pc.dictionary_encode(pc.cast(flat, pa.string()))
    number = {value: k for k, value in enumerate(encoding.values)}
    lookup = np.array([*(number.get(v, -1) for v in flat.dictionary.to_pylist()), -1], dtype=np.int64)
    token = lookup[flat.indices.fill_null(len(lookup) - 1).to_numpy(zero_copy_only=False)]
    hit = token >= 0
    pairs = np.unique(token[hit] * len(array) + np.asarray(parents, dtype=np.int64)[hit])  # once per row
    bounds = np.searchsorted(pairs, np.arange(len(encoding.values) + 1) * len(array))
    held = sparse.csc_matrix(
        (np.ones(len(pairs)), (pairs % max(len(array), 1)).astype(np.int32), bounds.astype(np.int32)),
        shape=(len(array), len(encoding.values)),
    )
    return WideField(encoding, held, np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False), dtype=bool), most)


def screen(rows: TrainingRows) -> IntArray:
    """Return the numbers of the tokens that a fit on these rows may use, ascending; none without wide fields.

    Numbers count the candidates of all wide fields in turn. Of equal gains the first in the alphabet goes first.
    """
    if rows.wide is None:
        return np.empty(0, dtype=np.int64)
    customers = len(rows.wide.fields[0].known)
    relative = rows.weight / (float(rows.weight.mean()) or 1.0)
    weight = np.bincount(rows.wide.at, relative, customers).astype(np.float64)
    positive = np.bincount(rows.wide.at, relative * rows.target, customers).astype(np.float64)
    return taken(rows.wide.fields, weight, positive)


def taken(fields: Sequence[WideField], weight: FloatArray, positive: FloatArray) -> IntArray:
    """Return the numbers of the tokens with the greatest gains; see `WideField.gains`."""
    out, start = [], 0
    for field in fields:
        gains = np.round(field.gains(weight, positive), 9)
        out.append(start + np.sort(np.argsort(-gains, kind="stable")[: field.most]))
        start += len(gains)
    return np.concatenate(out).astype(np.int64)


def with_tokens(rows: TrainingRows, terms: Sequence[Term], tokens: IntArray) -> tuple[TrainingRows, Sequence[Term]]:
    """Return rows that have a column of codes per token beside the others, and the terms of all of them."""
    if rows.wide is None:
        return rows, terms
    at = rows.wide.at
    codes = np.empty((len(at), len(terms) + len(tokens)), dtype=np.uint16, order="F")
    codes[:, : len(terms)] = rows.codes
    more = []
    for column, (field, token) in enumerate(located(rows.wide.fields, tokens), start=len(terms)):
        codes[:, column] = token_codes(field, token)[at]
        enc = field.encoding
        more.append(Term(f"{enc.field}={enc.values[token]}", enc.field, enc, 3, token))
    return replace(rows, codes=codes, wide=None), [*terms, *more]


def token_codes(field: WideField, token: int) -> Codes:
    """Return one token's code for every customer."""
    out = np.where(field.known, ABSENT, MISSING).astype(np.uint16)
    out[field.held.indices[field.held.indptr[token] : field.held.indptr[token + 1]]] = PRESENT
    return out


def located(fields: Sequence[WideField], tokens: IntArray) -> list[tuple[WideField, int]]:
    """Return each token's field and its place in it."""
    starts = np.cumsum([0, *(len(field.encoding.values) for field in fields)])
    owner = np.searchsorted(starts, tokens, side="right") - 1
    return [(fields[f], int(t - starts[f])) for f, t in zip(owner, tokens, strict=True)]


def screens(bags: Sequence[IntArray], full: IntArray) -> Screens:
    """Return what each fit took, and the tokens that the model keeps."""
    found, times = np.unique(np.concatenate([np.empty(0, np.int64), *bags]), return_counts=True)
    return Screens(tuple(bags), full, np.union1d(found[times >= OFTEN * len(bags)], full).astype(np.int64))


def aligned(tables: Sequence[FloatArray], own: IntArray, kept: IntArray) -> list[FloatArray]:
    """Return a fit's tables with those of the kept tokens at the end; zeros for a kept token it did not take."""
    if not len(kept):
        return list(tables)
    plain = len(tables) - len(own)
    place = {int(token): plain + i for i, token in enumerate(own)}
    return [*tables[:plain], *(tables[place[t]] if t in place else np.zeros(3) for t in kept.tolist())]


def settled_fields(fields: Sequence[WideField], kept: IntArray, told: BoolArray) -> list[FieldEncoding]:
    """Return the encodings of the kept tokens that say anything, by field.

    Parameters
    ----------
    fields : sequence of WideField
    kept : ndarray of shape (k,)
        Numbers, ascending.
    told : ndarray of shape (k,)
        Whether the token's final table has anything but zeros.
    """
    out = []
    starts = np.cumsum([0, *(len(field.encoding.values) for field in fields)])
    for field, first, last in zip(fields, starts[:-1], starts[1:], strict=True):
        inside = np.flatnonzero((kept >= first) & (kept < last))
        speaking = inside[told[inside]]
        speaking = speaking if len(speaking) else inside[:1]  # a field of the model has a term
        out.append(field.only((kept[speaking] - first).tolist()))
    return out


def content_numbers(fields: Sequence[WideField], customers: int) -> npt.NDArray[np.int64]:
    """Return a number per customer and field: equal for equal sets, and in an order of their content alone."""
    out = np.zeros((customers, len(fields)), dtype=np.int64)
    for j, field in enumerate(fields):
        rows = field.held.tocsr()
        rows.sort_indices()
        names = [
            b"" if not known else b"k" + rows.indices[a:b].astype(">i4").tobytes()
            for known, a, b in zip(field.known, rows.indptr[:-1], rows.indptr[1:], strict=True)
        ]
        rank = {name: i for i, name in enumerate(sorted(set(names)))}
        out[:, j] = [rank[name] for name in names]
    return out

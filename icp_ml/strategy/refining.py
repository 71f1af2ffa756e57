"""More codes where a person's statement needs them: the same scores, but a boundary or a value to speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.estimator.encoding import (
    FIRST_VALUE,
    MISSING,
    RARE,
    UNSEEN,
    Encoding,
    FieldEncoding,
    FloatArray,
    code_of,
)
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.strategy.meanings import Meaning

WIDE = 1e15  # beyond any value: where no customer sets the outer bounds

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Source:
    """Where a term's tables come from: the old term, and its code for each new one; None for a new term."""

    term: int | None
    codes: IntArray


def encoding_of(meanings: Sequence[Meaning]) -> Encoding:
    """Return an encoding that tells apart what the statements do, and nothing else."""
    return _extended(Encoding(()), meanings)


def refine(
    tables: ScoringTables,
    meanings: Sequence[Meaning],
    columns: Mapping[str, pa.Array],
    best: npt.NDArray[np.bool_],
) -> ScoringTables:
    """Return tables that score alike and have codes for every statement; fields they lack are added and say nothing.

    Parameters
    ----------
    tables : ScoringTables
    meanings : sequence of Meaning
    columns : mapping of name to Arrow array of n rows
        Mature customers: codes are counted anew.
    best : ndarray of shape (n,)
    """
    encoding = _extended(tables.encoding, meanings)
    before = tables.encoding.fields
    if len(encoding.fields) == len(before) and all(a is b for a, b in zip(encoding.fields, before, strict=True)):
        return tables
    sources = _sources(tables.encoding, encoding)
    codes = encoding.encode(columns, len(best), tables.as_of)
    counts = [np.bincount(codes[:, j], minlength=t.size).astype(float) for j, t in enumerate(encoding.terms)]
    good = [np.bincount(codes[best, j], minlength=t.size).astype(float) for j, t in enumerate(encoding.terms)]
    places = {source.term: j for j, source in enumerate(sources) if source.term is not None}
    pairs = tuple(_moved(pair, places, sources) for pair in tables.pairs)
    return replace(
        tables,
        encoding=encoding,
        values=tuple(_taken(tables.values, source) for source in sources),
        variances=tuple(_taken(tables.variances, source) for source in sources),
        customers=tuple(counts),
        best=tuple(good),
        pairs=pairs,
    )


def _taken(tables: Sequence[FloatArray], source: _Source) -> FloatArray:
    return np.zeros(len(source.codes)) if source.term is None else tables[source.term][source.codes]


def _moved(pair: PairTable, places: Mapping[int, int], sources: Sequence[_Source]) -> PairTable:
    first, second = places[pair.first], places[pair.second]
    index = np.ix_(sources[first].codes, sources[second].codes)
    return PairTable(first, second, pair.values[index], pair.variances[index])


def _extended(encoding: Encoding, meanings: Sequence[Meaning]) -> Encoding:
    fields = {enc.field: enc for enc in encoding.fields}
    for meaning in meanings:
        name = meaning.field.name
        known = fields.get(name)
        if known is not None and known.kind != meaning.kind:
            continue
        fields[name] = _with(known or _new(meaning), meaning)
    return Encoding(tuple(fields[name] for name in sorted(fields)))


def _new(meaning: Meaning) -> FieldEncoding:
    field = meaning.field
    edges = np.array([-WIDE, WIDE]) if meaning.kind == "numeric" else np.empty(0)
    return FieldEncoding(field.name, meaning.kind, meaning.form, field.readable, field.category, edges)


def _with(enc: FieldEncoding, meaning: Meaning) -> FieldEncoding:
    if enc.kind == "numeric":
        wanted = [v for v in (meaning.low, meaning.high) if v is not None and v not in enc.edges]
        if not wanted:
            return enc
        # A boundary beyond every customer gets a guard beyond itself, so that the outer codes stay outer.
        outer = []
        if min(wanted) < enc.edges[0]:
            outer.append(-WIDE)
        if max(wanted) > enc.edges[-1]:
            outer.append(WIDE)
        return replace(enc, edges=np.unique(np.concatenate([enc.edges, wanted, outer])))
    if enc.kind == "boolean":
        return enc
    shown = dict(zip(enc.values, enc.spellings or enc.values, strict=True))
    fresh = {v: s for v, s in zip(meaning.values, meaning.spellings, strict=True) if v not in shown}
    if not fresh:
        return enc
    shown |= fresh
    values = tuple(sorted(shown))
    rare = tuple(v for v in enc.rare if v not in fresh)
    return replace(enc, values=values, spellings=tuple(shown[v] for v in values), rare=rare)


def _sources(old: Encoding, new: Encoding) -> list[_Source]:
    before = {term.name: j for j, term in enumerate(old.terms)}
    out = []
    for term in new.terms:
        j = before.get(term.name)
        if j is None:
            out.append(_Source(None, np.zeros(term.size, dtype=np.intp)))
            continue
        enc = old.terms[j].encoding
        codes = np.arange(term.size)
        if enc.kind == "numeric":
            codes = _old_bins(enc, term.encoding)
        elif enc.kind == "category":
            known, rare = {v: c for c, v in enumerate(enc.values, start=FIRST_VALUE)}, set(enc.rare)
            own = [code_of(value, enc.form, known, rare) for value in term.encoding.values]
            codes = np.array([MISSING, UNSEEN, RARE, *own])
        out.append(_Source(j, codes.astype(np.intp)))
    return out


def _old_bins(old: FieldEncoding, new: FieldEncoding) -> IntArray:
    """Return, per new code, the old one it lies in; each new bin ends at one of its own edges."""
    upper = np.concatenate([new.edges, [np.inf]])
    return np.concatenate([[0], np.searchsorted(old.edges, upper, side="left") + 1]).astype(np.intp)

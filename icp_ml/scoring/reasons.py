"""Reasons in plain sentences: the account's own value and what customers like it became.

A sentence depends on a term, a code and, for numbers, on the value as a reader would write it. Codes next
to each other that speak the same way share their evidence, so that a reason rests on a range of
customers ("126-600") and not on one narrow bin. Where the pairs a term is in say more than the term itself,
the reason names the other field instead of a rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from icp_ml.estimator.encoding import ABSENT, FIRST_BIN, MISSING, RARE, UNSEEN, Codes, FloatArray, Term
from icp_ml.estimator.labels import codes_words, range_words, statement, value_words
from icp_ml.estimator.scorecard import ScoringTables

FEW = 10  # customers below which a rate is not quoted
SMALLEST = 0.005  # log-odds: less is no reason
WIDE_TERMS = 32  # searched first for the largest contributions
MAX_CACHED = 200_000  # sentences
BLOCK = 4096  # rows searched at once: their sizes stay in the processor's cache


@dataclass(frozen=True)
class ReasonBook:
    """Sentences for every code of every term; those with an own value are completed per distinct value."""

    tables: ScoringTables
    stated: Mapping[tuple[int, int], str] = field(default_factory=dict)  # what people decided of a term's code
    among: str = "all"  # of whom the usual rate is
    _texts: dict[tuple[int, int], str] = field(default_factory=dict, repr=False)
    _spans: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict, repr=False)
    _places: dict[tuple[int, int], str] = field(default_factory=dict, repr=False)
    _sentences: dict[tuple[int, int, float, int], str] = field(default_factory=dict, repr=False)

    @cached_property
    def sizes(self) -> list[FloatArray]:
        """How much each code of each term has to say."""
        return reason_sizes(self.tables)

    @cached_property
    def bounds(self) -> dict[int, float]:
        """How much each term in a pair can have to say at most."""
        return pair_bounds(self.tables)

    @cached_property
    def partners(self) -> dict[int, str]:
        """Term -> the other term of its widest pair, in words."""
        widest: dict[int, tuple[float, int]] = {}
        for pair in self.tables.pairs:
            width = float(np.ptp(pair.values))
            for j, other in ((pair.first, pair.second), (pair.second, pair.first)):
                if j not in widest or width > widest[j][0]:
                    widest[j] = width, other
        return {j: term_words(self.tables.terms[other]) for j, (_, other) in widest.items()}

    @cached_property
    def base_rate(self) -> float:
        """Share of best among all mature customers."""
        best, customers = self.tables.best, self.tables.customers
        return float(best[0].sum() / max(customers[0].sum(), 1.0)) if best else 0.0

    def evidence(self, j: int, code: int, together: int = 0) -> str:
        """Return what speaks for the direction: a rate, that other fields are held equal, or the pair's other field.

        `together` is 0 where the term speaks for itself, else the direction in which its pairs do.
        """
        if together:
            return f"{'raises' if together > 0 else 'lowers'} fit together with {self.partners[j]}"
        key = (j, code)
        if key not in self._texts:
            self._texts[key] = self._evidence(j, code)
        return self._texts[key]

    def _evidence(self, j: int, code: int) -> str:
        first, last = self.span(j, code)
        rarely = ""
        if self.read_as_rare(j, code):
            first = last = RARE
            rarely = " as rare values do"
        n = float(self.tables.customers[j][first : last + 1].sum())
        hits = float(self.tables.best[j][first : last + 1].sum())
        contribution = float(self.tables.values[j][code])
        verb = f"{'raises' if contribution > 0 else 'lowers'} fit{rarely}"
        if (j, code) in self.stated:
            return f"{verb}{self.stated[j, code]}"
        if n < FEW:
            count = (
                "no customer shows"
                if n == 0
                else f"only {n:.0f} customer{'s' if n > 1 else ''} show{'s' if n == 1 else ''}"
            )
            return f"{verb}, though {count} {'any' if rarely else 'this'}"
        rate = hits / n
        shown, usual = f"{rate:.0%}", f"{self.base_rate:.0%}"
        if (rate > self.base_rate) == (contribution > 0) and shown != usual:
            return f"{verb}: {shown} of such customers are best, {usual} of {self.among}"
        return f"{verb}, other fields being equal"

    def read_as_rare(self, j: int, code: int) -> bool:
        """Whether a category that no customer has speaks with the rare ones' voice."""
        if self.tables.terms[j].encoding.kind != "category" or code != UNSEEN:
            return False
        seen = self.tables.customers[j]
        return bool(seen[UNSEEN] == 0 and seen[RARE] > 0)

    def span(self, j: int, code: int) -> tuple[int, int]:
        """Return the codes around `code` that speak the same way (numbers only)."""
        key = (j, code)
        if key in self.stated:
            return self._stated_span(j, code)
        if key not in self._spans:
            self._spans[key] = self._span(self.tables.terms[j], self.tables.values[j], code)
        return self._spans[key]

    def _stated_span(self, j: int, code: int) -> tuple[int, int]:
        """Return the codes around `code` of which people decided the same."""
        if self.tables.terms[j].encoding.kind != "numeric" or code == MISSING:
            return code, code
        first = last = code
        while self.stated.get((j, first - 1)) == self.stated[j, code]:
            first -= 1
        while self.stated.get((j, last + 1)) == self.stated[j, code]:
            last += 1
        return first, last

    @staticmethod
    def _span(term: Term, table: FloatArray, code: int) -> tuple[int, int]:
        if term.encoding.kind != "numeric" or code < FIRST_BIN or code > term.size - 2:
            return code, code
        first = last = code
        while first > FIRST_BIN and (table[first - 1] > 0) == (table[code] > 0):
            first -= 1
        while last < term.size - 2 and (table[last + 1] > 0) == (table[code] > 0):
            last += 1
        return first, last

    def place(self, j: int, code: int, *, alone: bool = False) -> str:
        """Return the range a number's code lies in: with its neighbours of the same voice, or by itself."""
        return _placed(self.tables.terms[j], code, code, code) if alone else self._place(j, code)

    def _place(self, j: int, code: int) -> str:
        if (j, code) not in self._places:
            self._places[j, code] = _placed(self.tables.terms[j], code, *self.span(j, code))
        return self._places[j, code]

    def sentence(self, j: int, code: int, value: float | None = None, together: int = 0) -> str:
        """Return the whole sentence for a term, a code and, for numbers, the value; `together` as in `evidence`."""
        term = self.tables.terms[j]
        enc = term.encoding
        if enc.kind == "numeric" and code != MISSING and value is not None:
            before, after = self.around(j, code, together)
            return _capital(f"{before}{value_words(enc.form, value)}{after}")
        if enc.kind == "category" and code <= RARE and code != MISSING:
            other = "another value" if (j, code) in self.stated else codes_words(term, [code])
            subject = f"{enc.label}: {other}"
        else:
            subject = statement(term, [code])
        return f"{_capital(subject)} {self.evidence(j, code, together)}"

    def around(self, j: int, code: int, together: int = 0) -> tuple[str, str]:
        """Return what a number's sentence says before its value, and after it."""
        enc = self.tables.terms[j].encoding
        before, after = ("", f" {enc.label}") if enc.form == "count" else (f"{_capital(enc.label)} ", "")
        return before, f"{after} ({self.place(j, code, alone=bool(together))}) {self.evidence(j, code, together)}"

    def texts(
        self, j: int, codes: npt.NDArray[np.uint16], values: FloatArray | None, half: FloatArray | None = None
    ) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Return, for rows of one term, the index of each row's sentence and the distinct sentences.

        `half` is what pairs add to the rows' contributions, of a term that is in one.
        """
        if half is None:
            return self._texts_of(j, codes, values, 0)
        own = self.tables.values[j].take(codes)
        direction = np.where(np.abs(half) > np.abs(own), np.sign(own + half), 0.0)
        index = np.empty(len(codes), dtype=np.int64)
        found: list[str] = []
        for together in (-1, 0, 1):
            some = np.flatnonzero(direction == together)
            if len(some):
                place, texts = self._texts_of(j, codes[some], None if values is None else values[some], together)
                index[some] = place + len(found)
                found += texts
        return index, found

    def _texts_of(
        self, j: int, codes: npt.NDArray[np.uint16], values: FloatArray | None, together: int
    ) -> tuple[npt.NDArray[np.int64], list[str]]:
        term = self.tables.terms[j]
        if values is None or term.encoding.kind != "numeric":
            index, distinct = pd.factorize(codes)
            return index, [self.sentence(j, int(c), together=together) for c in distinct]
        place, shown = pd.factorize(as_shown(values, term.encoding.form))  # hashing: sorting took half of the time
        index, pairs = pd.factorize(place * term.size + codes)
        return index, [self._cached(j, int(p % term.size), float(shown[p // term.size]), together) for p in pairs]

    def _cached(self, j: int, code: int, value: float, together: int) -> str:
        key = (j, code, value, together)
        found = self._sentences.get(key)
        if found is None:
            found = self.sentence(j, code, value, together)
            if len(self._sentences) < MAX_CACHED:
                self._sentences[key] = found
        return found


def term_words(term: Term) -> str:
    """Return a term in words, without a value."""
    return f"{term.encoding.label} {term.spelling}" if term.encoding.kind == "tokens" else term.encoding.label


def as_shown(values: FloatArray, form: str) -> FloatArray:
    """Round to what a sentence shows, so that few distinct sentences serve many accounts; missing becomes 0."""
    known: FloatArray = np.where(np.isfinite(values), values, 0.0)
    whole: FloatArray = np.round(known)
    if form in ("year", "age"):
        return whole
    size = np.abs(known)
    power = np.floor(np.log10(np.where(size > 0, size, 1.0))) - 2.0
    step = 10.0 ** np.abs(power)
    with np.errstate(over="ignore"):  # both branches are computed; the one that overflows is not taken
        rounded: FloatArray = np.where(power >= 0, np.round(known / step) * step, np.round(known * step) / step)
    if form == "count":
        rounded = np.where(size < 10_000, whole, rounded)
    return rounded


def _placed(term: Term, code: int, first: int, last: int) -> str:
    if code < FIRST_BIN:
        return "below every customer"
    if code > term.size - 2:
        return "above every customer"
    return range_words(term.encoding, first, last)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def reason_sizes(tables: ScoringTables) -> list[FloatArray]:
    """Return, per term, how much each code has to say: the size of its contribution.

    Absent tokens count for half: that a company does *not* use a tool seldom explains anything to a person.
    """
    sizes = [np.abs(values) for values in tables.values]
    for size, term in zip(sizes, tables.terms, strict=True):
        if term.encoding.kind == "tokens":
            size[ABSENT] *= 0.5
    return sizes


def pair_bounds(tables: ScoringTables) -> dict[int, float]:
    """Return how much each term in a pair can have to say at most."""
    bounds: dict[int, float] = {}
    for pair in tables.pairs:
        for j in (pair.first, pair.second):
            most = bounds.get(j, float(np.abs(tables.values[j]).max()))
            bounds[j] = most + 0.5 * float(np.abs(pair.values).max())
    return bounds


def pair_sizes(tables: ScoringTables, codes: Codes, halves: Mapping[int, FloatArray]) -> dict[int, FloatArray]:
    """Return how much each row's value of a term in a pair has to say, shape (rows,): see `reason_sizes`."""
    out: dict[int, FloatArray] = {}
    for j, half in halves.items():
        out[j] = np.abs(tables.values[j].take(codes[:, j]) + half)
        if tables.terms[j].encoding.kind == "tokens":
            out[j][codes[:, j] == ABSENT] *= 0.5
    return out


def strongest(
    sizes: Sequence[FloatArray],
    codes: Codes,
    k: int,
    paired: Mapping[int, FloatArray] | None = None,
    most: Mapping[int, float] | None = None,
) -> npt.NDArray[np.int64]:
    """Return term numbers of the k largest sizes per row, largest first, shape (rows, k); ties go to the earlier term.

    Most terms are too small to be among the k largest of most rows: the widest are searched first, and all
    terms only for rows where a narrow one could still come in. `paired` holds sizes per row of terms whose size
    does not depend on their own code alone, and `most` what those can reach.
    """
    n, m = codes.shape
    k = min(k, m)
    if k == 0 or n == 0:
        return np.empty((n, 0), dtype=np.int64)
    paired, most = paired or {}, most or {}
    bounds = np.array([most.get(j, float(size.max())) for j, size in enumerate(sizes)])
    ranked = np.argsort(-bounds, kind="stable")
    wide = np.sort(ranked[: max(WIDE_TERMS, k)])
    out = np.empty((n, k), dtype=np.int64)
    for begin in range(0, n, BLOCK):
        block = codes[begin : begin + BLOCK]
        rowwise = {j: size[begin : begin + BLOCK] for j, size in paired.items()}
        best, least = _largest(sizes, block, wide, k, rowwise)
        if len(wide) < m:
            rows = np.flatnonzero(least <= bounds[ranked[len(wide)]])
            some = {j: size[rows] for j, size in rowwise.items()}
            best[rows] = _largest(sizes, block[rows], np.arange(m), k, some)[0]
        out[begin : begin + len(block)] = best
    return out


def _largest(
    sizes: Sequence[FloatArray],
    codes: Codes,
    terms: npt.NDArray[np.int64],
    k: int,
    rowwise: Mapping[int, FloatArray],
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the k largest of some terms per row, largest first, and the size of the k-th."""
    size = np.empty((len(codes), len(terms)))
    for place, j in enumerate(terms):
        size[:, place] = rowwise[j] if j in rowwise else sizes[j].take(codes[:, j])
    rows = np.arange(len(size))
    best = np.empty((len(size), k), dtype=np.int64)
    for i in range(k):  # k passes of argmax, which takes the first of equals: faster than sorting, and ties are settled
        best[:, i] = size.argmax(axis=1)
        least = size[rows, best[:, i]]
        size[rows, best[:, i]] = -1.0
    return terms[best], least


def reason_columns(
    book: ReasonBook,
    codes: Codes,
    values: Mapping[str, FloatArray],
    k: int,
    without: npt.NDArray[np.bool_],
) -> dict[str, pa.Array]:
    """Return `reason_i`, `reason_i_field` and `reason_i_contribution` for i in 1..k.

    Parameters
    ----------
    values : mapping of field name to ndarray of shape (rows,)
        The accounts' own numbers, for numeric fields.
    without : ndarray of bool, shape (rows,)
        Rows that are not scored and so have no reasons.
    """
    halves = book.tables.halves(codes)
    chosen = strongest(book.sizes, codes, k, pair_sizes(book.tables, codes, halves), book.bounds)
    n = len(codes)
    picked = np.empty(chosen.shape)
    sentence = np.zeros(chosen.shape, dtype=np.int64)
    texts: dict[str, int] = {}  # two values may read alike, and a dictionary must name each text once
    flat = chosen.ravel()
    order = np.argsort(flat.astype(np.uint16), kind="stable")  # short integers are sorted by radix
    present, starts = np.unique(flat[order], return_index=True)
    for j, positions in zip(present, np.split(order, starts[1:]), strict=True) if len(order) else ():
        rows, places = np.divmod(positions, chosen.shape[1])
        term = book.tables.terms[j]
        own = values[term.field][rows] if term.field in values else None
        shown = codes[rows, j]
        half = halves[int(j)][rows] if int(j) in halves else None
        picked[rows, places] = book.tables.values[j][shown] + (0.0 if half is None else half)
        index, found = book.texts(int(j), shown, own, half)
        sentence[rows, places] = np.array([texts.setdefault(text, len(texts)) for text in found])[index]
    names = [term.field for term in book.tables.terms]
    fields = list(dict.fromkeys(names))
    of_term = np.array([fields.index(name) for name in names], dtype=np.int64)
    dictionary, field_names = pa.array(list(texts), type=pa.string()), pa.array(fields, type=pa.string())
    out: dict[str, pa.Array] = {}
    for i in range(k):
        if i < chosen.shape[1]:
            none = without | (np.abs(picked[:, i]) < SMALLEST)
            out[f"reason_{i + 1}"] = _dictionary(sentence[:, i], dictionary, none)
            out[f"reason_{i + 1}_field"] = _dictionary(of_term[chosen[:, i]], field_names, none)
            out[f"reason_{i + 1}_contribution"] = pa.array(picked[:, i], mask=none)
        else:
            out[f"reason_{i + 1}"] = out[f"reason_{i + 1}_field"] = _dictionary(
                np.zeros(n, np.int64), dictionary, np.ones(n, bool)
            )
            out[f"reason_{i + 1}_contribution"] = pa.nulls(n, pa.float64())
    return out


def _dictionary(index: npt.NDArray[np.int64], values: pa.Array, missing: npt.NDArray[np.bool_]) -> pa.Array:
    """Return texts by index, each column with only the texts it shows: Parquet writes a dictionary out whole."""
    if not len(values):
        return pa.DictionaryArray.from_arrays(pa.nulls(len(index), pa.int32()), values)
    shown = np.bincount(index[~missing], minlength=len(values)) > 0
    place = np.cumsum(shown) - 1
    return pa.DictionaryArray.from_arrays(
        pa.array(place[index].astype(np.int32), mask=missing), values.filter(pa.array(shown))
    )

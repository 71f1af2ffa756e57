"""Reasons in plain sentences: the account's own value and what customers like it became.

A sentence depends on a term, a code and, for numbers, on the value as a reader would write it. Codes next
to each other that speak the same way share their evidence, so that a reason rests on a range of
customers ("126-600") and not on one narrow bin. Where the pairs a term is in say more than the term itself,
the reason names the other field instead of a rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from icp_ml.estimator.encoding import FIRST_BIN, MISSING, RARE, UNSEEN, FloatArray, Term
from icp_ml.estimator.labels import codes_words, range_words, statement, value_words
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.scoring.remembered import Remembered
from icp_ml.scoring.row_loops import VOICES, BoolArray, IntArray
from icp_ml.scoring.sentence_loops import COUNTS, DIGITS, LARGE, OTHERS, YEARS, NumberArray
from icp_ml.scoring.strongest import pair_bounds, reason_sizes

FEW = 10  # customers below which a rate is not quoted
SMALLEST = 0.005  # log-odds: less is no reason
TENS = np.array([float(f"1e{k}") for k in range(-308, 309)])


@dataclass(frozen=True)
class ReasonBook:
    """Sentences for every code of every term; those with an own value are completed per distinct value."""

    tables: ScoringTables
    stated: Mapping[tuple[int, int], str] = field(default_factory=dict)  # what people decided of a term's code
    among: str = "all"  # of whom the usual rate is
    _texts: dict[tuple[int, int], str] = field(default_factory=dict, repr=False)
    _spans: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict, repr=False)
    _around: dict[tuple[int, int, int], tuple[str, str]] = field(default_factory=dict, repr=False)
    _places: dict[tuple[int, int], str] = field(default_factory=dict, repr=False)
    _made: Remembered = field(default_factory=Remembered, repr=False)
    # By the numeric fields that a list has: which value the sentence of each code and voice shows, and how rounded.
    shown: dict[tuple[str, ...], tuple[IntArray, IntArray]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def sizes(self) -> list[FloatArray]:
        """How much each code of each term has to say."""
        return reason_sizes(self.tables)

    @cached_property
    def all_sizes(self) -> FloatArray:
        """The same of all terms, one after the other, as `starts` says."""
        return np.concatenate([*self.sizes, np.empty(0)])

    @cached_property
    def points(self) -> FloatArray:
        """The contributions of all codes of all terms, without pairs, as `starts` says."""
        return np.concatenate([*self.tables.values, np.empty(0)])

    @cached_property
    def bounds(self) -> dict[int, float]:
        """How much each term in a pair can have to say at most."""
        return pair_bounds(self.tables)

    @cached_property
    def widths(self) -> FloatArray:
        """How much each term can have to say at most."""
        return np.array([self.bounds.get(j, float(size.max())) for j, size in enumerate(self.sizes)], dtype=np.float64)

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
        key = (j, code, together)
        if key not in self._around:
            self._around[key] = self._made_around(j, code, together)
        return self._around[key]

    def _made_around(self, j: int, code: int, together: int) -> tuple[str, str]:
        enc = self.tables.terms[j].encoding
        before, after = ("", f" {enc.label}") if enc.form == "count" else (f"{_capital(enc.label)} ", "")
        return before, f"{after} ({self.place(j, code, alone=bool(together))}) {self.evidence(j, code, together)}"

    @cached_property
    def starts(self) -> IntArray:
        """Where each term's codes begin among those of all terms, and the end; sentences are numbered by them."""
        return np.cumsum([0, *(term.size for term in self.tables.terms)], dtype=np.int64)

    @cached_property
    def term_of(self) -> IntArray:
        """The term of each code among those of all terms."""
        return np.repeat(np.arange(len(self.tables.terms)), np.diff(self.starts))

    @cached_property
    def field_of(self) -> tuple[NumberArray, pa.Array]:
        """Which field each term is of, and the fields' names."""
        names = [term.field for term in self.tables.terms]
        fields = list(dict.fromkeys(names))
        return np.array([fields.index(name) for name in names], dtype=np.int32), pa.array(fields, type=pa.string())

    def distinct(self, said: IntArray, bits: IntArray, valued: BoolArray) -> tuple[NumberArray, pa.Array]:
        """Return the sentences of numbers of `Chosen.said`: which text each is, and the distinct texts as they come.

        Parameters
        ----------
        bits : ndarray of shape (sentences,)
            Of the account's own value.
        valued : ndarray of bool, shape (sentences,)
            Whether the sentence shows it.
        """

        def make(places: IntArray) -> list[str]:
            at, voices = np.divmod(said[places], VOICES)
            terms = self.term_of[at]
            own = zip(bits[places].view(np.float64).tolist(), valued[places].tolist(), strict=True)
            asked = zip(terms.tolist(), (at - self.starts[terms]).tolist(), own, voices.tolist(), strict=True)
            return [
                self.sentence(j, code, value if shown else None, voice - 1) for j, code, (value, shown), voice in asked
            ]

        found, texts = self._made.texts(said * 2 + valued, bits, make)
        index, numbers = numbers_of(found)
        return index, texts.take(pa.array(numbers))


def numbers_of(values: IntArray) -> tuple[NumberArray, IntArray]:
    """Return the number of each value, in the order of their first appearance, and the distinct values."""
    encoded = pa.array(values).dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_numpy()


def term_words(term: Term) -> str:
    """Return a term in words, without a value."""
    return f"{term.encoding.label} {term.spelling}" if term.encoding.kind == "tokens" else term.encoding.label


def as_shown(values: FloatArray, form: str) -> FloatArray:
    """Round to what a sentence shows, so that few distinct sentences serve many accounts; missing becomes 0."""
    known: FloatArray = np.where(np.isfinite(values), values, 0.0)
    whole: FloatArray = np.rint(known) + 0.0  # a zero has no sign
    rounding = rounding_of(form)
    if rounding == YEARS:
        return whole
    size = np.abs(known)
    middle = len(TENS) // 2
    place = middle + np.floor(np.log10(np.where(size > 0, size, 1.0))).astype(np.int64)
    place = np.clip(place, DIGITS, len(TENS) - 2)
    place = np.where(TENS[place] > size, place - 1, np.where(TENS[place + 1] <= size, place + 1, place))
    power = place - middle - DIGITS  # exact, though a logarithm is not
    step = TENS[np.minimum(middle + np.abs(power), len(TENS) - 1)]
    with np.errstate(over="ignore"):  # both branches are computed; the one that overflows is not taken
        rounded: FloatArray = np.where(power >= 0, np.rint(known / step) * step, np.rint(known * step) / step) + 0.0
    return np.where(size < LARGE, whole, rounded) if rounding == COUNTS else rounded


def rounding_of(form: str) -> int:
    """Return how a form's values are rounded: one of `YEARS`, `COUNTS`, `OTHERS`."""
    return YEARS if form in ("year", "age") else COUNTS if form == "count" else OTHERS


def _placed(term: Term, code: int, first: int, last: int) -> str:
    if code < FIRST_BIN:
        return "below every customer"
    if code > term.size - 2:
        return "above every customer"
    return range_words(term.encoding, first, last)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]

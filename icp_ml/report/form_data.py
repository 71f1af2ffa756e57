"""The model as the page's "score a company" form needs it: codes, tables, pairs, and the sentences of every code.

Everything is the library's own: tables as the bytes they are, sentences from `ReasonBook`. The page's script only
looks up, adds and puts the account's own number into a sentence, so that what it says is what the library says.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.accounts.normalise import OLD_DATES
from icp_ml.accounts.values.cells import fold
from icp_ml.accounts.values.conventions import DOLLAR, PLAIN
from icp_ml.accounts.values.dates import EMPTY_DATES, MAX_YEAR, MIN_YEAR, OLDEST_FOUNDED
from icp_ml.accounts.values.industries import title_of, widest_codes
from icp_ml.accounts.values.numbers import NEGATIVE_IS_REAL
from icp_ml.estimator.encoding import (
    ABSENT,
    CODE_SYSTEMS,
    FALSE,
    MISSING,
    PRESENT,
    RARE,
    TRUE,
    UNSEEN,
    FieldEncoding,
    FloatArray,
)
from icp_ml.estimator.labels import value_words
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.estimator.scorecard import Z90, ScoringTables
from icp_ml.model import ICPModel
from icp_ml.report.charts import field_effects
from icp_ml.report.formats import capital, clean
from icp_ml.scoring.gaps import Gaps
from icp_ml.scoring.kernel import OUTSIDE, Scorer
from icp_ml.scoring.lookalikes import Support
from icp_ml.scoring.reasons import SMALLEST, ReasonBook

FORMAT = 1
LONGEST_NAME = 120


class Texts:
    """Texts that many codes share, each kept once and named by its place."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}

    def add(self, text: str) -> int:
        """Return the text's place."""
        return self._place.setdefault(clean(text, 600), len(self._place))

    def to_list(self) -> list[str]:
        """Return the texts by place."""
        return list(self._place)


def form_data(model: ICPModel) -> dict[str, Any]:
    """Return what the form needs, as plain JSON types.

    Arrays of numbers are base64 of little-endian float64, so that the page adds the very numbers that the library adds.
    Their order is that of the model's terms: one per field, one per token of a token set.
    """
    tables, texts = model.tables, Texts()
    weights, encs = _weights(tables), tables.encoding.fields
    whole = model.scorer()
    # The tables of all customers come first; of a model with segments, those of each follow.
    parts = [_segment(part, texts, _rule(rule)) for part, rule in zip(whole.parts, tables.rules, strict=True)]
    segments = [_segment(whole, texts, None), *parts]
    return {
        "format": FORMAT,
        "version": model.version,
        "as_of": tables.as_of.isoformat() if tables.as_of else None,
        "cutoffs": [*model.cutoffs.to_dict().values()],
        "z90": Z90,
        "reasons": max(model.settings.scoring.reasons, 1),
        "smallest": SMALLEST,
        "outside": OUTSIDE.format(""),
        "years": [MIN_YEAR, MAX_YEAR, OLDEST_FOUNDED],
        "empty_dates": [day.date().isoformat() for day in EMPTY_DATES],
        "order": sorted(range(len(encs)), key=lambda k: weights[encs[k].field]),
        "fields": [_field(model, enc, whole.book) for enc in encs],
        "segments": segments,
        "texts": texts.to_list(),
    }


def _weights(tables: ScoringTables) -> dict[str, tuple[float, float, str]]:
    """Return what fields are asked for by: how much they move customers' scores, then any account's."""
    widest: dict[str, float] = {}
    for term, values in zip(tables.terms, tables.values, strict=True):
        widest[term.field] = max(widest.get(term.field, 0.0), float(np.ptp(values)))
    return {name: (-effect, -widest[name], name) for name, effect in field_effects(tables).items()}


def packed(numbers: npt.ArrayLike) -> str:
    """Return numbers as base64 of little-endian float64."""
    return base64.b64encode(np.ascontiguousarray(numbers, dtype="<f8").tobytes()).decode()


def _field(model: ICPModel, enc: FieldEncoding, book: ReasonBook) -> dict[str, Any]:
    """Return how the form asks for a field, and how what is typed becomes a code."""
    own = [j for j, term in enumerate(model.tables.terms) if term.field == enc.field]
    j = own[0]
    out: dict[str, Any] = {
        "name": clean(enc.field, LONGEST_NAME),
        "label": capital(enc.label or enc.field, LONGEST_NAME),
        "kind": enc.kind,
        "form": enc.form,
        "unknown": _subject(book, j, MISSING),
    }
    if enc.kind == "numeric":
        out |= {"edges": packed(enc.edges), "wording": enc.label, **_asked(model, enc)}
    elif enc.kind == "category":
        out |= {
            "names": _texts(enc.spellings),
            "rare": _texts(enc.rare),
            # left out where they are what the names are without case
            "values": None if [*map(fold, enc.spellings)] == [*enc.values] else _texts(enc.values),
            "rare_names": _rare_names(enc, model.fields[enc.field].kind),
            "said": f"{_said(enc.label)}:",
            "unseen": _subject(book, j, UNSEEN),
            "few": _subject(book, j, RARE),
        }
        if enc.form in CODE_SYSTEMS:
            out["tops"] = dict(widest_codes(enc.form))
    elif enc.kind == "boolean":
        out["said"] = [_subject(book, j, code) for code in (FALSE, TRUE)]
    else:
        out["names"] = _texts(enc.spellings)
        out["said"] = [_around([_subject(book, k, code) for k in own], out["names"]) for code in (ABSENT, PRESENT)]
    return out


def _subject(book: ReasonBook, j: int, code: int) -> str:
    """Return a sentence without its evidence: what it speaks of."""
    return _said(book.sentence(j, code).removesuffix(book.evidence(j, code)))


def _around(sentences: list[str], names: list[str]) -> list[str] | list[list[str]]:
    """Return what stands before and after the name in every sentence; where they differ, the sentences themselves."""
    before, _, after = sentences[0].partition(names[0])
    if all(text == f"{before}{name}{after}" for text, name in zip(sentences, names, strict=True)):
        return [before, after]
    return [sentences]


def _asked(model: ICPModel, enc: FieldEncoding) -> dict[str, Any]:
    """Return in which unit a number is asked for, what customers have, and what no account can have."""
    field = model.fields[enc.field]
    unit = model.conventions.get(enc.field, PLAIN).unit
    usual = _usual(model, enc)
    negative = enc.form not in ("money", "count") or enc.field in NEGATIVE_IS_REAL
    units = {"money": "US dollars" if unit == DOLLAR else unit, "share": "%", "age": "year", "year": "year", "date": ""}
    out = {"unit": clean(units.get(enc.form, field.unit), 40), "usual": usual, "negative": negative}
    # The first day of 1900 is what an empty date becomes, save where something can be that old.
    return out | ({"old": any(word in enc.field for word in OLD_DATES)} if enc.form == "date" else {})


def _usual(model: ICPModel, enc: FieldEncoding) -> str:
    """Return between which values customers mostly lie, where there are customers."""
    seen = next(
        n for term, n in zip(model.tables.terms, model.tables.customers, strict=True) if term.field == enc.field
    )
    inner = [float(value) for value in enc.edges[1:-1]]
    if not inner or not seen.any():
        return ""
    low, high = (value_words(enc.form, value) for value in (inner[0], inner[-1]))
    if enc.form == "age" and model.tables.as_of:
        low, high = (str(model.tables.as_of.year - int(value)) for value in (inner[-1], inner[0]))
    low = low.removesuffix(" ago") if enc.form == "date" else low
    return clean(f"customers: mostly {low} to {high}", 80) if low != high else ""


def _rare_names(enc: FieldEncoding, kind: str) -> list[str] | None:
    """Return what a person calls the values too rare to stand alone, where that is not the value."""
    if kind == "country":
        from babel import Locale

        called = Locale.parse("en").territories
        return _texts(called.get(value, value) for value in enc.rare)
    if enc.form in CODE_SYSTEMS:
        return _texts(title_of(value, enc.form) or value for value in enc.rare)
    return None


def _texts(values: Iterable[str]) -> list[str]:
    return [clean(v, LONGEST_NAME) for v in values]


def _rule(rule: Any) -> dict[str, Any]:
    """Return which accounts of a wider segment, named by its place, have tables of their own."""
    return {"name": clean(rule.name, 200), "within": rule.parent + 1, "term": rule.term, "codes": list(rule.codes)}


def _segment(scorer: Scorer, texts: Texts, rule: dict[str, Any] | None) -> dict[str, Any]:
    """Return one set of tables, with the sentences of its codes."""
    tables, book, support = scorer.tables, scorer.book, scorer.support
    return {
        "name": rule["name"] if rule else None,
        "rule": rule,
        "base": tables.base,
        "base_variance": tables.base_variance,
        "values": packed(_flat(tables.values)),
        "variances": packed(_flat(tables.variances)),
        "evidence": [_evidence(book, j, texts) for j in range(len(tables.terms))],
        "places": {str(j): _places(book, j, texts) for j in _numeric(tables)},
        "together": {str(j): [texts.add(book.evidence(j, 0, way)) for way in (-1, 1)] for j in sorted(book.partners)},
        "pairs": [_pair(pair) for pair in tables.pairs],
        "support": _support(support, tables),
        "exclusions": [
            {"term": e.term, "codes": list(e.codes), "reason": clean(e.reason, 300)} for e in scorer.exclusions
        ],
    }


def _evidence(book: ReasonBook, j: int, texts: Texts) -> list[int]:
    return [texts.add(book.evidence(j, code)) for code in range(book.tables.terms[j].size)]


def _numeric(tables: ScoringTables) -> list[int]:
    return [j for j, term in enumerate(tables.terms) if term.encoding.kind == "numeric"]


def _places(book: ReasonBook, j: int, texts: Texts) -> list[list[int]]:
    """Return in which range each code of a number lies: with its neighbours of the same voice, and by itself."""
    size = book.tables.terms[j].size
    alone = j in book.partners
    return [
        [texts.add(book.place(j, code, alone=False)) for code in range(1, size)],
        [texts.add(book.place(j, code, alone=True)) for code in range(1, size)] if alone else [],
    ]


def _pair(pair: PairTable) -> dict[str, Any]:
    """Return a pair's tables: codes that read alike, of either term, share a row and a column."""
    stacked = np.stack([pair.values, pair.variances])
    _, first, row = np.unique(stacked.swapaxes(0, 1).reshape(len(pair.values), -1), axis=0, return_index=True,
                              return_inverse=True)  # fmt: skip
    kept = stacked[:, first]
    _, second, column = np.unique(kept.transpose(2, 0, 1).reshape(kept.shape[2], -1), axis=0, return_index=True,
                                  return_inverse=True)  # fmt: skip
    values, variances = kept[:, :, second]
    return {
        "terms": [pair.first, pair.second],
        "rows": row.reshape(-1).tolist(),
        "columns": column.reshape(-1).tolist(),
        "values": packed(values.ravel()),
        "variances": packed(variances.ravel()),
    }


def _support(support: Support, tables: ScoringTables) -> dict[str, Any]:
    """Return what makes an account unlike any customer: per term its weight, and how odd each code is."""
    older = support.terms if support.gaps is None else []  # models before format 4 judge by novelty
    gaps = support.gaps or Gaps({})
    return {
        "threshold": support.threshold,
        "terms": older,
        "weights": packed(tables.ranges[older]),
        "odd": packed(_flat([tables.ranges[j] * support.oddness(j) for j in older])),
        "alone": [[j, np.flatnonzero(odd).tolist()] for j, odd in gaps.alone.items() if odd.any()],
        "together": [
            [gap.first, gap.second, gap.cells.shape[1], np.flatnonzero(gap.cells).tolist()] for gap in gaps.together
        ],
    }


def _flat(parts: Sequence[FloatArray]) -> FloatArray:
    return np.concatenate(parts) if parts else np.empty(0)


def _said(text: str) -> str:
    """Return a text as a sentence starts."""
    return capital(text, 300)

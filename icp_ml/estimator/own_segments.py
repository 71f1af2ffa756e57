"""A person's own segments: one field, cut at numbers or grouped by values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from icp_ml.estimator.encoding import ABSENT, BELOW, FIRST_VALUE, MISSING, PRESENT, FloatArray, Term
from icp_ml.exceptions import SettingsError


@dataclass(frozen=True)
class OwnSegments:
    """What a person asked for.

    Attributes
    ----------
    field : str
    at : tuple of float
        Of a number, ascending: the first segment goes up to the first of them, itself included.
    groups : tuple of tuple of str
        Of a category, yes-or-no field or token set: values of each segment; all others are one more.
    """

    field: str
    at: tuple[float, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()

    def cuts(self, form: str, as_of: date | None) -> FloatArray:
        """Return where codes must be cut, in the units of the encoding: years as ages."""
        if form == "age" and as_of is not None:
            return np.array(sorted(as_of.year - year - 1.0 for year in self.at))
        return np.array(self.at, dtype=np.float64)


def with_cuts(edges: FloatArray, asked: object, name: str, form: str, as_of: date | None) -> FloatArray:
    """Return a number's edges with those a person cuts it at; cuts beyond what customers show are left out."""
    if not isinstance(asked, OwnSegments) or asked.field != name:
        return edges
    cuts = asked.cuts(form, as_of)
    return np.union1d(edges, cuts[(cuts > edges[0]) & (cuts < edges[-1])])


def own_sides(
    asked: OwnSegments, terms: Sequence[Term], as_of: date | None = None
) -> tuple[int, list[tuple[int, ...]]]:
    """Return the term and each segment's codes.

    Raises
    ------
    SettingsError
        The field is none of the model's, is of another kind, or has not these values.
    """
    mine = [j for j, term in enumerate(terms) if term.field == asked.field and not term.adjusted]
    if not mine:
        fields = ", ".join(dict.fromkeys(term.field for term in terms if not term.adjusted))
        msg = f"model.segments names '{asked.field}', which is no field of the model; those are {fields}"
        raise SettingsError(msg)
    kind, form = terms[mine[0]].encoding.kind, terms[mine[0]].encoding.form
    if (kind == "numeric") != bool(asked.at) or (kind == "numeric" and form == "date"):
        allowed = "`groups` of values" if kind != "numeric" else "`at` with numbers"
        what = "a date, which cannot be cut" if form == "date" else f"cut by {allowed}"
        msg = f"model.segments: '{asked.field}' is {what}; change the rule, or set  segments: auto"
        raise SettingsError(msg)
    if kind == "numeric":
        return mine[0], _ranges(asked.cuts(form, as_of), terms[mine[0]])
    if kind == "tokens":
        return _token(asked, terms, mine)
    return mine[0], _value_groups(asked, terms[mine[0]])


def _ranges(cuts: FloatArray, term: Term) -> list[tuple[int, ...]]:
    """Return runs of codes between the cuts; values below and above what customers show are of the outer ones."""
    edges = term.encoding.edges
    places = np.unique(np.searchsorted(edges, cuts[(cuts > edges[0]) & (cuts < edges[-1])], side="left"))
    bounds = [BELOW, *(int(place) + 2 for place in places), term.size]
    return [tuple(range(first, last)) for first, last in pairwise(bounds)]


def _value_groups(asked: OwnSegments, term: Term) -> list[tuple[int, ...]]:
    enc = term.encoding
    if enc.kind == "boolean":
        return [(ABSENT,), (PRESENT,)]
    known = {spelled.casefold(): k for k, spelled in enumerate(enc.spellings, FIRST_VALUE)}
    known |= {value.casefold(): k for k, value in enumerate(enc.values, FIRST_VALUE)}
    sides: list[tuple[int, ...]] = []
    for group in asked.groups:
        codes = []
        for value in group:
            if value.casefold() not in known:
                some = ", ".join(enc.spellings[:12])
                msg = f"model.segments: '{value}' is no value of '{asked.field}' that enough customers have; {some} are"
                raise SettingsError(msg)
            codes.append(known[value.casefold()])
        sides.append(tuple(sorted(codes)))
    named = {code for side in sides for code in side}
    rest = tuple(code for code in range(MISSING + 1, term.size) if code not in named)
    return [*sides, *([rest] if any(code >= FIRST_VALUE for code in rest) else [])]


def _token(asked: OwnSegments, terms: Sequence[Term], mine: Sequence[int]) -> tuple[int, list[tuple[int, ...]]]:
    wanted = asked.groups[0][0].casefold() if len(asked.groups) == 1 and len(asked.groups[0]) == 1 else None
    for j in mine:
        token = terms[j].encoding.values[terms[j].token or 0]
        if wanted in (token.casefold(), terms[j].spelling.casefold()):
            return j, [(PRESENT,), (ABSENT,)]
    msg = f"model.segments: '{asked.field}' holds sets; give one group of one token that enough customers have"
    raise SettingsError(msg)

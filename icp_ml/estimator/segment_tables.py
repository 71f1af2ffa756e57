"""Segments: rules on one field each that say which accounts have tables of their own.

Segments form a small tree. Every account starts among all; it goes to the segment whose rule its value meets, and
from there on to a segment within that one. Where the value is not known it stays, and the tables of where it stays
score it: those of the customers it might be any of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import FIRST_VALUE, MISSING, RARE, UNSEEN, Codes, Term
from icp_ml.estimator.labels import codes_words, statement
from icp_ml.exceptions import ModelFormatError

if TYPE_CHECKING:
    from icp_ml.estimator.scorecard import ScoringTables

IntArray = npt.NDArray[np.int64]
EVERYONE = -1
MOST_SEGMENTS = 4
MOST_NODES = 2 * MOST_SEGMENTS - 2  # those that were split once more are kept: where the second rule's field is unknown


@dataclass(frozen=True)
class SegmentRule:
    """Which accounts of a wider segment belong to this one.

    Attributes
    ----------
    name : str
        In words, with the wider segments' own: "up to 200 employees".
    parent : int
        Position of the wider segment; -1 is all accounts.
    term : int
        The term that is looked at.
    codes : tuple of int
        The codes that belong here; never that of a missing value.
    """

    name: str
    parent: int
    term: int
    codes: tuple[int, ...]

    def holds(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Return which rows meet this rule, whatever the wider segments' rules."""
        return np.asarray(np.isin(codes[:, self.term], self.codes))

    def to_dict(self, terms: Sequence[Term]) -> dict[str, Any]:
        """Return plain JSON types; the term by its name."""
        return {"name": self.name, "parent": self.parent, "term": terms[self.term].name, "codes": list(self.codes)}


@dataclass(frozen=True)
class SegmentTables:
    """A segment and the tables that score it."""

    rule: SegmentRule
    tables: ScoringTables

    def scaled(self, slope: float, intercept: float) -> SegmentTables:
        """Fold a calibration into the tables."""
        return replace(self, tables=self.tables.scaled(slope, intercept))


def assign(rules: Sequence[SegmentRule], codes: Codes) -> IntArray:
    """Return the position of each row's segment, the narrowest that is known; -1 where none is."""
    out = np.full(len(codes), EVERYONE, dtype=np.int64)
    for number, rule in enumerate(rules):  # wider segments come first
        out[(out == rule.parent) & rule.holds(codes)] = number
    return out


def within(rules: Sequence[SegmentRule], codes: Codes) -> list[npt.NDArray[np.bool_]]:
    """Return per segment which rows belong to it, those that go on to a segment within it too."""
    out: list[npt.NDArray[np.bool_]] = []
    for rule in rules:
        wider = np.ones(len(codes), dtype=bool) if rule.parent == EVERYONE else out[rule.parent]
        out.append(wider & rule.holds(codes))
    return out


def leaves(rules: Sequence[SegmentRule]) -> list[int]:
    """Return the positions of the segments that are not split once more."""
    parents = {rule.parent for rule in rules}
    return [number for number in range(len(rules)) if number not in parents]


def divided(rules: Sequence[SegmentRule], codes: Codes) -> Iterator[tuple[int, IntArray]]:
    """Yield every segment that has rows, and which."""
    of_row = assign(rules, codes)
    for number in np.unique(of_row).tolist():
        yield number, np.flatnonzero(of_row == number)


def rule_words(term: Term, codes: Sequence[int]) -> str:
    """Return a rule in words: "up to 200 employees", "industry: SaaS or Fintech", "industry: others than Retail"."""
    known = [code for code in range(FIRST_VALUE, term.size) if code not in codes]
    if term.encoding.kind == "category" and UNSEEN in codes and known:
        return f"{term.encoding.label}: others than {codes_words(term, known)}"
    named = [code for code in codes if code > RARE] if term.encoding.kind == "category" else list(codes)
    return statement(term, named or list(codes))


def read_rules(stored: Any, terms: Sequence[Term]) -> tuple[SegmentRule, ...]:
    """Read what `SegmentRule.to_dict` wrote, checking every value that scoring relies on.

    Raises
    ------
    ModelFormatError
        There are too many, or one names what there is not or a code that another one beside it has.
    """
    if not isinstance(stored, list) or len(stored) > MOST_NODES:
        msg = f"encoding.json: 'segments' must be a list of at most {MOST_NODES} rules"
        raise ModelFormatError(msg)
    position = {term.name: j for j, term in enumerate(terms)}
    out: list[SegmentRule] = []
    for number, rule in enumerate(stored):
        if not isinstance(rule, Mapping) or not isinstance(rule.get("codes"), list):
            msg = f"encoding.json: segment {number} is no rule with a list of codes"
            raise ModelFormatError(msg)
        parent: Any = rule.get("parent")
        term, codes = position.get(str(rule.get("term"))), rule["codes"]
        beside = [other for other in out if other.parent == parent]
        known = type(parent) is int and EVERYONE <= parent < number
        if term is None or not known or any(other.term != term for other in beside):
            msg = f"encoding.json: segment {number} names a field or a wider segment that there is not"
            raise ModelFormatError(msg)
        whole = all(type(code) is int and MISSING < code < terms[term].size for code in codes)
        every = [*codes, *(code for other in beside for code in other.codes)]
        if not codes or not whole or len(set(every)) != len(every):
            name = terms[term].name
            msg = f"encoding.json: the codes of segment {number} do not fit '{name}', or two segments share one"
            raise ModelFormatError(msg)
        out.append(SegmentRule(str(rule.get("name")), parent, term, tuple(codes)))
    return tuple(out)

"""Where no customer was, tiers an interval reaches over, what is worth knowing: what `icp_ml.scoring` says, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icp_ml.engines.sql_codes import Encoded, one_of
from icp_ml.engines.sql_dialect import Dialect
from icp_ml.engines.sql_steps import Column, Names, Steps, case, indented
from icp_ml.estimator.encoding import MISSING
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.scoring.gaps import Gaps
from icp_ml.scoring.kernel import MOST_NAMED, OUTSIDE, TIER_C
from icp_ml.scoring.lookalikes import Support
from icp_ml.scoring.reasons import ReasonBook
from icp_ml.scoring.worth_knowing import WorthKnowing
from icp_ml.tiers import LETTERS, TIER_RANGES

SEGMENT = "segment_number"
UNLIKE = "unlike_customers"  # null where customers were, else the fields that say they were not


@dataclass(frozen=True)
class Part:
    """What scores the accounts of one segment, or of none (number -1)."""

    number: int
    name: str
    tables: ScoringTables
    support: Support
    book: ReasonBook


def by_part(sql: Dialect, parts: Sequence[Part], of: Callable[[Part], str]) -> str:
    """Return one expression for all accounts, or one per segment where they differ."""
    written = [of(part) for part in parts]
    if len(set(written)) == 1:
        return written[0]
    branches = [
        f"WHEN {SEGMENT} = {part.number} THEN {sql.comment(part.name)}\n  {indented(text)}"
        for part, text in zip(parts, written, strict=True)
    ]
    return case(branches)


def add_support(steps: Steps, names: Names, parts: Sequence[Part], encoded: Encoded) -> None:
    """Add `UNLIKE`; models before format 4 need the sums `novelty` and `known`."""
    told = {part.number: _Told.of(steps.sql, names, part, encoded) for part in parts}
    steps.add("unlike", "values, and pairs of values, that no customer showed", [
        column for part in parts for column in told[part.number].columns
    ])  # fmt: skip
    steps.add("unlike_before", "how many such fields come before each", [
        column for part in parts for column in told[part.number].counts
    ])  # fmt: skip
    nothing = f"CAST(NULL AS {steps.sql.string})"
    texts = {part.number: told[part.number].text or nothing for part in parts}
    steps.add("placed_among", "which fields say that no customer was there", [
        Column(by_part(steps.sql, parts, lambda p: texts[p.number]), UNLIKE)
    ])  # fmt: skip


def held_reason(sql: Dialect) -> str:
    """Return the branch of `status_reason` that says why a tier is held."""
    before, after = OUTSIDE.split("{}")
    return f"WHEN {UNLIKE} IS NOT NULL THEN {sql.text(before)} || {UNLIKE} || {sql.text(after)}"


@dataclass(frozen=True)
class _Told:
    """Of one segment: the columns that judge each field, those that count them, and what is said in the end."""

    columns: list[Column]
    counts: list[Column]
    text: str

    @classmethod
    def of(cls, sql: Dialect, names: Names, part: Part, encoded: Encoded) -> _Told:
        gaps, support = part.support.named, part.support
        labels: list[str] = []
        columns: list[Column] = []
        for j, odd in gaps.odd:
            enc = part.tables.terms[j].encoding
            labels.append(enc.label or enc.field)
            test = among(encoded.codes[j], np.flatnonzero(odd))
            columns.append(Column(f"CASE WHEN {test} THEN 1 ELSE 0 END", names.new(labels[-1], "unlike")))
        said = [_once(columns, labels, k) for k in range(len(columns))]
        counts = [
            Column(" + ".join(said[:k]), names.new(labels[k], "unlike_before")) for k in range(MOST_NAMED, len(columns))
        ]
        pieces = []
        for k, label in enumerate(labels):
            early = "" if k < MOST_NAMED else f" AND {counts[k - MOST_NAMED].name} < {MOST_NAMED}"
            pieces.append(f"CASE WHEN {said[k]} = 1{early} THEN {sql.text(f', {label}')} ELSE '' END")
        branches = []
        total = names.new("values", "unlike")
        if columns:
            counts.append(Column(" + ".join(said), total))
            more = f"CAST({total} - {MOST_NAMED} AS {sql.string})"
            rest = f"CASE WHEN {total} > {MOST_NAMED} THEN ' and ' || {more} || ' more' ELSE '' END"
            all_of_them = "\n    || ".join(pieces)
            branches.append(f"WHEN {total} > 0 THEN ': ' || SUBSTR(\n    {all_of_them},\n    3) || {rest}")
        branches += _together(sql, part, gaps, encoded)
        if support.gaps is not None:
            return cls(columns, counts, case(branches) if branches else "")
        outside = f"CASE WHEN known > 0 THEN novelty / known ELSE 0 END > {sql.number(support.threshold)}"
        words = case(branches, "''") if branches else "''"
        return cls(columns, counts, f"CASE WHEN {outside} THEN {indented(words)} END")


def _once(columns: Sequence[Column], labels: Sequence[str], k: int) -> str:
    """Return whether field k is named: fields that are called alike are named once."""
    before = [f"{columns[i].name} = 1" for i in range(k) if labels[i] == labels[k]]
    return f"CASE WHEN {' OR '.join(before)} THEN 0 ELSE {columns[k].name} END" if before else columns[k].name


def _together(sql: Dialect, part: Part, gaps: Gaps, encoded: Encoded) -> list[str]:
    out = []
    for number, gap in enumerate(gaps.together, start=1):
        fields = part.support.fields_of(-number)
        test = _cells(encoded.codes[gap.first], encoded.codes[gap.second], gap.cells)
        out.append(f"WHEN {test} THEN {sql.text(': ' + ', '.join(fields))}")
    return out


def _cells(first: str, second: str, cells: npt.NDArray[np.bool_]) -> str:
    """Return the test of a pair of codes: rows of the table that look alike are tested together."""
    if len(np.unique(cells, axis=0)) > len(np.unique(cells, axis=1).T):
        first, second, cells = second, first, cells.T
    patterns: dict[bytes, list[int]] = {}
    for code, row in enumerate(cells):
        if row.any():
            patterns.setdefault(row.tobytes(), []).append(code)
    tests = [
        f"{among(first, np.array(codes))} AND {among(second, np.flatnonzero(cells[codes[0]]))}"
        for codes in patterns.values()
    ]
    return "\n    OR ".join(tests)


def among(code: str, codes: npt.NDArray[np.integer]) -> str:
    """Return the test of whether a code is one of several.

    Examples
    --------
    >>> among("size_code", np.array([4, 5, 6])), among("size_code", np.array([1, 9]))
    ('size_code BETWEEN 4 AND 6', 'size_code IN (1, 9)')
    """
    found = [int(c) for c in codes]
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{code} BETWEEN {found[0]} AND {found[-1]}"
    return one_of(code, [str(c) for c in found])


def add_ranges(steps: Steps, cut: Mapping[str, str], low: str, high: str) -> None:
    """Add `tier_of_high` and `tier_of_low`: the best and the worst tier of the interval, 0 for A."""
    sql = steps.sql
    columns = []
    for end, name in ((high, "tier_of_high"), (low, "tier_of_low")):
        least = f"WHEN {UNLIKE} IS NOT NULL OR coverage = 0 THEN "
        held = case([f"WHEN {end} >= {cut['C']} THEN {TIER_C}"], str(TIER_C + 1))
        branches = [least + indented(held)]
        branches += [f"WHEN {end} >= {cut[letter]} THEN {k}" for k, letter in enumerate(LETTERS[:3])]
        columns.append(Column(case(branches, str(len(LETTERS) - 1)), name))
    steps.add("ranged", f"tiers of both ends of the interval {sql.comment('0 is A').removeprefix('-- ')}", columns)


def tier_range() -> str:
    """Return the tiers an interval reaches over, in words."""
    branches = [
        f"WHEN tier_of_high = {best} AND tier_of_low = {worst} THEN '{TIER_RANGES[best * len(LETTERS) + worst]}'"
        for best in range(len(LETTERS))
        for worst in range(best, len(LETTERS))
    ]
    return f"CASE WHEN status_number = 0 THEN {indented(case(branches))} END"


def add_worth_knowing(steps: Steps, parts: Sequence[Part], encoded: Encoded) -> None:
    """Add `worth_lifted`, `worth_label` and `worth_of`: what the best unknown field could lift the fit to."""
    sql = steps.sql
    lifts = {part.number: WorthKnowing(part.tables).lifts for part in parts}

    def chosen(part: Part) -> str:
        found = lifts[part.number]
        branches = [
            f"WHEN {encoded.codes[found[place][1]]} = {MISSING} THEN {place}" for place in reversed(range(len(found)))
        ]
        return case(branches, "-1") if branches else "-1"

    def of_place(part: Part, write: Callable[[tuple[float, int, str, str]], str], kind: str) -> str:
        branches = [f"WHEN worth_place = {k} THEN {write(one)}" for k, one in enumerate(lifts[part.number])]
        return f"CAST({case(branches)} AS {kind})" if branches else f"CAST(NULL AS {kind})"

    steps.add("unknown", "the unknown field that could lift the score most", [
        Column(by_part(sql, parts, chosen), "worth_place")
    ])  # fmt: skip
    steps.add("worth", "what it could add, and what it is called", [
        Column(by_part(sql, parts, lambda p: of_place(p, lambda one: sql.number(one[0]), sql.double)), "worth_lift"),
        Column(by_part(sql, parts, lambda p: of_place(p, lambda one: sql.text(one[3]), sql.string)), "worth_label"),
        Column(by_part(sql, parts, lambda p: of_place(p, lambda one: sql.text(one[2]), sql.string)), "worth_of"),
    ])  # fmt: skip
    steps.add("lifted", "the fit score it could be lifted to", [
        Column(f"CAST(FLOOR({fit('(log_odds + worth_lift)')} + 0.5e0) AS {sql.whole})", "worth_lifted"),
        Column(f"CAST(FLOOR({fit('log_odds')} + 0.5e0) AS {sql.whole})", "fit_rounded"),
    ])  # fmt: skip


def worth_knowing(sql: Dialect) -> list[Column]:
    """Return the columns that say what is worth knowing."""
    told = "CASE WHEN status_number = 0 AND worth_place >= 0 AND worth_lifted > fit_rounded THEN {} END"
    sentence = (
        f"{sql.text('Knowing ')} || worth_label || {sql.text(' could lift this to ')} "
        f"|| CAST(worth_lifted AS {sql.string})"
    )
    return [Column(told.format(sentence), "worth_knowing"), Column(told.format("worth_of"), "worth_knowing_field")]


def fit(log_odds: str) -> str:
    """Return the fit score of log-odds."""
    return f"100 / (1 + EXP(-{log_odds}))"

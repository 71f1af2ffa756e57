"""From codes to log-odds, interval, support and status: the tables of a model, as CASE expressions.

Sums are written term by term in the kernel's own order, so a database that follows the standard for doubles gets the
kernel's own bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from icp_ml.engines.sql_codes import Encoded, one_of
from icp_ml.engines.sql_dialect import Dialect
from icp_ml.engines.sql_steps import Column, Names, Steps, case, indented
from icp_ml.engines.sql_support import SEGMENT, UNLIKE, Part, add_support, by_part
from icp_ml.estimator.encoding import FIRST_BIN, MISSING, FloatArray, Term
from icp_ml.estimator.labels import codes_words
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.segment_tables import EVERYONE, SegmentRule
from icp_ml.estimator.sigmoid import sigmoid
from icp_ml.scoring.kernel import Exclusion, Scorer
from icp_ml.scoring.reasons import ReasonBook, term_words

MOST_ADDED = 100  # terms of one sum: databases limit how deep an expression may be


def parts_of(scorer: Scorer) -> tuple[Part, ...]:
    """Return what scores each segment, first that of accounts whose segment is not known."""
    whole = scorer.tables.tables_of(EVERYONE)
    own = ReasonBook(whole, scorer.stated, scorer.book.among)
    first = Part(EVERYONE, scorer.segment, whole, scorer.support, own)
    rest = (Part(k, s.segment, s.tables, s.support, s.book) for k, s in enumerate(scorer.parts))
    return (first, *rest)


@dataclass(frozen=True)
class Scores:
    """Names of the columns that later steps read.

    Attributes
    ----------
    points : tuple of str
        Per term, what its value adds by itself.
    halves : mapping of int to str
        Term -> what its pairs add to its contribution.
    """

    points: tuple[str, ...]
    halves: Mapping[int, str]


def add_scores(
    steps: Steps, names: Names, parts: Sequence[Part], encoded: Encoded, exclusions: Sequence[Exclusion]
) -> Scores:
    """Add the steps from codes to `log_odds`, `variance`, `coverage`, `is_inside` and `status_number`."""
    sql, terms = steps.sql, parts[0].tables.terms
    points = tuple(names.new(term.name.replace("=", " ", 1), "points") for term in terms)
    columns = [Column(_looked_up(sql, parts, j, encoded.codes[j], "values"), points[j]) for j in range(len(terms))]
    steps.add("contributions", "what each value adds to the log-odds", columns)
    pairs, halves = _add_pairs(steps, names, parts, encoded)
    base = by_part(sql, parts, lambda p: sql.number(p.tables.base))
    spread = by_part(sql, parts, lambda p: sql.number(p.tables.base_variance))
    variances = [_looked_up(sql, parts, j, encoded.codes[j], "variances") for j in range(len(terms))]
    variances += [_of_part(sql, parts, p, _cells(sql, q.variances, key)) for p, q, key, _ in pairs]
    added = {
        "log_odds": (base, [*points, *(column for *_, column in pairs)]),
        "variance": (spread, variances),
    }
    if any(part.support.gaps is None for part in parts):  # models before format 4
        added |= _novelty(sql, parts, encoded)
    _add_sums(steps, added)
    known = _fields_known(sql, parts[0].tables, encoded)
    steps.add("covered", "how much is known of each account", [Column(known, "coverage")])
    add_support(steps, names, parts, encoded)
    _add_judgement(steps, encoded, exclusions)
    return Scores(points, halves)


def add_segments(steps: Steps, parts: Sequence[Part], rules: Sequence[SegmentRule], encoded: Encoded) -> None:
    """Add the segment of every account: the narrowest whose rule its known values meet."""
    if not rules:
        return
    conditions: list[str] = []
    for rule in rules:
        own = one_of(encoded.codes[rule.term], [str(code) for code in rule.codes])
        conditions.append(own if rule.parent == EVERYONE else f"{conditions[rule.parent]} AND {own}")
    branches = [
        f"WHEN {conditions[k]} THEN {k} {steps.sql.comment(parts[k + 1].name)}" for k in reversed(range(len(rules)))
    ]
    steps.add("placed", "accounts that have tables of their own", [Column(case(branches, str(EVERYONE)), SEGMENT)])


def _of_part(sql: Dialect, parts: Sequence[Part], part: Part, text: str) -> str:
    return text if len(parts) == 1 else case(
        [f"WHEN {SEGMENT} = {part.number} THEN {sql.comment(part.name)}\n  {indented(text)}"], "0"
    )  # fmt: skip


def _looked_up(sql: Dialect, parts: Sequence[Part], j: int, code: str, what: Literal["values", "variances"]) -> str:
    """Return what a term's code adds to the log-odds or to their variance."""

    def of(part: Part) -> str:
        tables = part.tables
        table = tables.values[j] if what == "values" else tables.variances[j]
        return _table(sql, tables.terms[j], table, code, said=what == "values")

    return by_part(sql, parts, of)


def _table(sql: Dialect, term: Term, table: FloatArray, code: str, *, said: bool) -> str:
    """Return a look-up: codes of one value together, with what they are."""
    groups: dict[float, list[int]] = {}
    for number, value in enumerate(table.tolist()):
        groups.setdefault(value, []).append(number)
    branches = []
    for value, codes in groups.items():
        words = f" {sql.comment(_said(term, codes))}" if said else ""
        branches.append(f"WHEN {one_of(code, list(map(str, codes)))} THEN {sql.number(value)}{words}")
    return f"CAST({case(branches)} AS {sql.double})"


def _said(term: Term, codes: Sequence[int]) -> str:
    """Return what codes stand for, in order, neighbouring bins together."""
    if term.encoding.kind != "numeric":
        return ", ".join(codes_words(term, [code]) for code in codes[:6]) + (", ..." if len(codes) > 6 else "")
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][-1] + 1 and FIRST_BIN < code < term.size - 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    return ", ".join(_run_words(term, run) for run in runs)


def _run_words(term: Term, run: Sequence[int]) -> str:
    if run[0] == MISSING:
        return "not known"
    if run[0] < FIRST_BIN or run[0] > term.size - 2:
        return "below every customer" if run[0] < FIRST_BIN else "above every customer"
    return codes_words(term, run)


def _add_pairs(
    steps: Steps, names: Names, parts: Sequence[Part], encoded: Encoded
) -> tuple[list[tuple[Part, PairTable, str, str]], dict[int, str]]:
    """Add what two terms say together, and each term's half; return (part, pair, its cell's column, its value's)."""
    sql, terms = steps.sql, parts[0].tables.terms
    found: list[tuple[Part, PairTable, str, str]] = []
    cells: dict[tuple[int, int], Column] = {}
    for part in parts:
        for pair in part.tables.pairs:
            both = f"{term_words(terms[pair.first])} and {term_words(terms[pair.second])}"
            place = (pair.first, pair.second)
            if place not in cells:
                first, second = encoded.codes[pair.first], encoded.codes[pair.second]
                cells[place] = Column(f"{first} * {terms[pair.second].size} + {second}", names.new(both, "cell"))
            found.append((part, pair, cells[place].name, names.new(both, "together")))
    steps.add("cells", "of two values, the place in the table of both", list(cells.values()))
    columns = [
        Column(_of_part(sql, parts, part, _cells(sql, pair.values, cell)), name) for part, pair, cell, name in found
    ]
    steps.add("pairs", "what two values add together, beyond what each adds", columns)
    halves: dict[int, list[str]] = {}
    for _, pair, _, name in found:
        for j in (pair.first, pair.second):
            halves.setdefault(j, []).append(f"{sql.number(0.5)} * {name}")
    named = {j: names.new(terms[j].name.replace("=", " ", 1), "half") for j in sorted(halves)}
    columns = [Column(f"CAST({' + '.join(halves[j])} AS {sql.double})", name) for j, name in named.items()]
    steps.add("halves", "of what two values add together, each has half", columns)
    return found, named


def _cells(sql: Dialect, table: FloatArray, cell: str) -> str:
    groups: dict[float, list[str]] = {}
    for number, value in enumerate(table.ravel().tolist()):
        groups.setdefault(value, []).append(str(number))
    branches = [f"WHEN {one_of(cell, codes)} THEN {sql.number(value)}" for value, codes in groups.items()]
    return f"CAST({case(branches)} AS {sql.double})"


def _novelty(sql: Dialect, parts: Sequence[Part], encoded: Encoded) -> dict[str, tuple[str, list[str]]]:
    """Return the sums behind support: how unusual the known values are, and how much is known, both by weight."""
    looked_at = sorted({j for part in parts for j in part.support.terms})
    odd, known = [], []
    for j in looked_at:
        term, code = parts[0].tables.terms[j], encoded.codes[j]

        def unusual(part: Part, j: int = j, term: Term = term, code: str = code) -> str:
            weight = _weight(part, j)
            return _table(sql, term, weight * part.support.oddness(j), code, said=False)

        def weighed(part: Part, j: int = j, code: str = code) -> str:
            return f"CASE WHEN {code} = {MISSING} THEN 0 ELSE {sql.number(_weight(part, j))} END"

        odd.append(by_part(sql, parts, unusual))
        known.append(by_part(sql, parts, weighed))
    return {"novelty": ("0", odd), "known": ("0", known)}


def _weight(part: Part, j: int) -> float:
    return float(part.tables.ranges[j]) if j in part.support.terms else 0.0


def _add_sums(steps: Steps, added: Mapping[str, tuple[str, Sequence[str]]]) -> None:
    """Add several sums, each from left to right, in as many steps as their lengths need."""
    done = {name: f"CAST({start} AS {steps.sql.double})" for name, (start, _) in added.items()}
    longest = max(len(items) for _, items in added.values())
    for begin in range(0, max(longest, 1), MOST_ADDED):
        columns = []
        for name, (_, items) in added.items():
            some = items[begin : begin + MOST_ADDED]
            last = begin + MOST_ADDED >= longest
            new = name if last else f"{name}_{begin // MOST_ADDED + 1}"
            body = "".join(f"\n  + {indented(item)}" for item in some)
            columns.append(Column(done[name] + body, new))
            done[name] = new
        step = "summed" if begin + MOST_ADDED >= longest else f"summed_{begin // MOST_ADDED + 1}"
        steps.add(step, "the sums, term by term", columns)


def _fields_known(sql: Dialect, tables: ScoringTables, encoded: Encoded) -> str:
    """Return the share of the fields that are known."""
    first: dict[str, str] = {}
    for term, code in zip(tables.terms, encoded.codes, strict=True):
        first.setdefault(term.field, code)
    flags = "\n  + ".join(f"CASE WHEN {code} = {MISSING} THEN 0 ELSE 1 END" for code in first.values())
    return f"CAST(\n  {flags}\nAS {sql.double}) / {len(first)}"


def _add_judgement(steps: Steps, encoded: Encoded, exclusions: Sequence[Exclusion]) -> None:
    """Add whether an account lies where customers were, and why it is not scored: 0 where it is."""
    sql = steps.sql
    branches = [f"WHEN coverage = 0 THEN 1 {sql.comment('nothing is known')}"]
    for number, exclusion in enumerate(exclusions, start=2):
        if exclusion.codes:
            hit = one_of(encoded.codes[exclusion.term], [str(code) for code in exclusion.codes])
            branches.append(f"WHEN {hit} THEN {number} {sql.comment(exclusion.reason)}")
    inside = f"CASE WHEN coverage > 0 AND {UNLIKE} IS NULL THEN 1 ELSE 0 END"
    columns = [Column(inside, "is_inside"), Column(case(branches, "0"), "status_number")]
    steps.add("judged", "where customers were, and what excludes an account", columns)


def least_log_odds(cutoff: float) -> float:
    """Return the least log-odds whose fit score reaches a cut-off: tiers are compared where nothing is rounded.

    Examples
    --------
    >>> abs(least_log_odds(50.0)) < 1e-12, least_log_odds(0.0)
    (True, -1000.0)
    """
    low, high = -1000.0, 1000.0
    if 100.0 * float(sigmoid(low)) >= cutoff:
        return low
    while (middle := low + (high - low) / 2) not in (low, high):
        low, high = (low, middle) if 100.0 * float(sigmoid(middle)) >= cutoff else (middle, high)
    return high

"""Which one rule on one field best tells apart customers whose other fields mean different things to them.

Model-based recursive partitioning (Zeileis, Hothorn and Hornik 2008, "Model-based recursive partitioning") asks of
every field whether the scores of a fitted model change along it. The model here is additive, and its scores are
residuals of log-odds by fits that did not see the row, times the functions of every field. A rule is good where the
tables of both its sides want to move apart: how much likelier that makes the labels is said of all rules at once by
two matrix products (each coefficient by itself, Laplace's approximation, as for pairs). The best are looked at closely.

A rule that looks good on the rows it was found on proves nothing. So the search is repeated without each fold, the
tables of both sides are moved by a ridge on top of the log-odds, and the fold says what that was worth; and it is
repeated on half-samples, most of which must name the same field.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import BELOW, FIRST_BIN, FIRST_VALUE, MISSING, PRESENT, FloatArray, Term
from icp_ml.estimator.pair_terms import GroupedTerm, group_term
from icp_ml.estimator.rows import TrainingRows, fold_numbers, take
from icp_ml.estimator.threads import one_blas_thread

BoolArray = npt.NDArray[np.bool_]

MIN_BEST = 25  # best customers of a segment, and as many others
KNOWN_SHARE = 0.6  # of the customers a rule's field must be known for
MOST_ROWS = 8000  # that the search looks at
MOST_COLUMNS = 800  # functions of fields
MOST_VALUES = 40  # of a category that is cut into two groups
SLAB = 0.2  # prior variance of a coefficient of a field that means something else on either side
DIFFERENT = 0.05  # of the fields do, where a rule divides customers at all
LEAST_RELEVANCE = 0.01
MOST_TURNING = 10  # terms that turn round at a rule and are looked for
FIELDS, RULES_OF_A_FIELD = 8, 2  # looked at closely
VARIANCES = (0.003, 0.01, 0.03, 0.1)  # of a coefficient that is sure to differ, while a rule is judged
BASE_VARIANCE = 1.0
FOLDS = 5
ERRORS = 2.0  # standard errors by which held-out log-loss must improve
HALVES = 20
STABLE = 0.6  # of the half-samples must name the field
STEPS = 8  # of Newton's method
SETTLED = 1e-3  # log-odds


@dataclass(frozen=True)
class Candidate:
    """A rule: codes of one term on one side, all its other known codes on the other."""

    term: int
    codes: tuple[int, ...]

    def side(self, codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.int8]:
        """Return 0 for the rule's side, 1 for the other, -1 where the value is missing."""
        column = codes[:, self.term]
        return np.where(column == MISSING, -1, np.where(np.isin(column, self.codes), 0, 1)).astype(np.int8)


@dataclass(frozen=True)
class Found:
    """Result of `find_rule`.

    Attributes
    ----------
    rule : Candidate or None
        The rule that held up, else None.
    looked_at : Candidate or None
        The best one found, whether it held up or not.
    gain, gain_error : float
        By how much held-out log-loss improves per unit of weight, and its standard error; NaN where not asked.
    named : float
        Share of half-samples whose best rule is on the same field; NaN where not asked.
    """

    rule: Candidate | None = None
    looked_at: Candidate | None = None
    gain: float = float("nan")
    gain_error: float = float("nan")
    named: float = float("nan")


@dataclass(frozen=True)
class _View:
    """The rows that are searched: those that train, with their functions, residuals' ingredients and candidates."""

    rows: TrainingRows
    terms: Sequence[Term]
    Z: FloatArray
    starts: npt.NDArray[np.int64]
    log_odds: FloatArray
    scatter: float

    def scores(self, used: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Return each row's slope and curvature of the log-likelihood; 0 for rows not used."""
        chance = 1.0 / (1.0 + np.exp(-self.log_odds))
        weight = np.where(used, self.rows.weight, 0.0) / self.scatter
        return weight * (self.rows.target - chance), weight * chance * (1.0 - chance)


def find_rule(
    rows: TrainingRows,
    terms: Sequence[Term],
    log_odds: FloatArray,
    held: AbstractSet[str],
    scatter: float,
    seed: int,
    *,
    cut: int | None = None,
) -> Found:
    """Search all rules and judge the best.

    Parameters
    ----------
    rows : TrainingRows
        In canonical order, without wide token sets.
    terms : sequence of Term
    log_odds : ndarray of shape (n,)
        Calibrated, by fits that did not see the row.
    held : set of str
        Fields of whose missing values the model says nothing.
    scatter : float
        How much targets scatter, as a share of what labels would (`mix.dispersion`).
    seed : int
    cut : int, optional
        How many of the terms, the first ones, a rule may be on; all of them if not given.
    """
    with one_blas_thread():
        view = _view(rows, terms, log_odds, held, scatter, seed)
        rules = _candidates(view, len(terms) if cut is None else cut)
        everyone = np.ones(len(view.log_odds), dtype=bool)
        found = _best(view, rules, everyone)
        if found is None or not found[2] > np.log(len(rules)):
            return Found()
        best = found[0]
        gain, error = _held_out_gain(view, rules, seed)
        if not gain > ERRORS * error:
            return Found(None, best, gain, error)
        named = _named(view, rules, best, seed)
        return Found(best if named >= STABLE else None, best, gain, error, named)


def _view(
    rows: TrainingRows, terms: Sequence[Term], log_odds: FloatArray, held: AbstractSet[str], scatter: float, seed: int
) -> _View:
    index = np.flatnonzero(rows.trains & (rows.weight > 0))
    if len(index) > MOST_ROWS:  # whole groups: those of one share every fold
        order = np.random.default_rng([seed, 71]).permutation(int(rows.group.max()) + 1)
        index = np.sort(index[np.argsort(order[rows.group[index]], kind="stable")[:MOST_ROWS]])
    some = take(rows, index)
    grouped: list[GroupedTerm] = []
    width = 0
    for j in _by_use(some, terms):
        found = None if terms[j].adjusted else group_term(some, j, terms[j], held=terms[j].field in held)
        if found is not None and width + found.basis.shape[1] <= MOST_COLUMNS:
            grouped.append(found)
            width += found.basis.shape[1]
    grouped.sort(key=lambda term: term.position)
    parts = [term.basis[term.groups(some.codes[:, term.position])] for term in grouped]
    Z = np.hstack(parts) if parts else np.zeros((len(index), 0))
    starts = np.cumsum([0, *(part.shape[1] for part in parts)])[:-1].astype(np.int64)
    return _View(some, terms, Z, starts, log_odds[index], scatter)


def _by_use(rows: TrainingRows, terms: Sequence[Term]) -> list[int]:
    """Return terms, whole fields first and then tokens by how evenly customers hold and lack them."""
    uneven = []
    for j, term in enumerate(terms):
        tokens = term.encoding.kind == "tokens"
        uneven.append(abs(float((rows.codes[:, j] == PRESENT).mean()) - 0.5) if tokens else -1.0)
    order = np.argsort(np.round(uneven, 9), kind="stable")
    return [int(j) for j in order]


def _candidates(view: _View, cut: int) -> list[Candidate]:
    """Return the rules whose sides both have enough best customers and enough others."""
    out: list[Candidate] = []
    for j, term in enumerate(view.terms[:cut]):
        column = view.rows.codes[:, j]
        if term.adjusted or float((column != MISSING).mean()) < KNOWN_SHARE:
            continue
        if term.encoding.kind == "numeric":
            sides = [tuple(range(BELOW, last + 1)) for last in range(FIRST_BIN, term.size - 2)]
        elif term.encoding.kind == "category":
            sides = [(code,) for code in range(FIRST_VALUE, term.size)] + _two_groups(view, j)
        else:
            sides = [(PRESENT,)]
        for codes in dict.fromkeys(sides):
            rule = Candidate(j, codes)
            side = rule.side(view.rows.codes)
            if all(enough(take(view.rows, side == k)) for k in (0, 1)):
                out.append(rule)
    return out


def enough(rows: TrainingRows, least: int = MIN_BEST) -> bool:
    """Return whether rows hold that many best customers and as many others."""
    best = rows.y > 0
    return bool(best.sum() >= least and (~best).sum() >= least)


def _two_groups(view: _View, j: int) -> list[tuple[int, ...]]:
    """Return a category's values in two groups: cut anywhere in the order along which the scores change most."""
    term, column = view.terms[j], view.rows.codes[:, j]
    values = [code for code in range(FIRST_VALUE, term.size) if (column == code).any()]
    if not 4 <= len(values) <= MOST_VALUES or not view.Z.shape[1]:
        return []
    slope, curve = view.scores(np.ones(len(column), dtype=bool))
    mine = (column[:, None] == np.array(values)[None, :]).astype(np.float64)
    mine -= (curve @ mine) / max(float(curve.sum()), 1e-12)
    scores = (slope[:, None] * mine).T @ view.Z
    scores /= np.sqrt(np.maximum((curve[:, None] * mine**2).sum(axis=0), 1e-12))[:, None]
    along = np.linalg.svd(scores, full_matrices=False)[0][:, 0]
    along = np.round(along * (1.0 if along[np.argmax(np.abs(along))] > 0 else -1.0), 9)
    order = [values[k] for k in np.argsort(-along, kind="stable")]
    counts = np.array([(column == code).sum() for code in order])
    out = []
    for size in range(2, len(order) - 1):
        smaller = order[:size] if counts[:size].sum() <= counts[size:].sum() else order[size:]
        out.append(tuple(sorted(smaller)))  # values too rare to stand alone, and new ones, are of the larger group
    return out


def _best(view: _View, rules: Sequence[Candidate], used: BoolArray) -> tuple[Candidate, FloatArray, float] | None:
    """Return the rule of greatest evidence, each column's relevance, and the evidence; None where there is no rule.

    All rules are compared coefficient by coefficient; the most promising of the most promising fields are looked at
    closely.
    """
    if not rules or not view.Z.shape[1]:
        return None
    slope, curve = view.scores(used)
    U = np.empty((len(slope), len(rules)))
    for k, rule in enumerate(rules):
        side = rule.side(view.rows.codes)
        known = side >= 0
        weight = np.where(known, curve, 0.0)
        U[:, k] = np.where(known, (side == 0) - float(weight @ (side == 0)) / max(float(weight.sum()), 1e-12), 0.0)
    of_term = _of_terms(view, view.Z.T @ (slope[:, None] * U), (view.Z**2).T @ (curve[:, None] * U**2))
    told = np.logaddexp(0.0, of_term)
    alone = np.round(told.sum(axis=0) - told.max(axis=0), 9)
    closely: dict[str, list[int]] = {}
    for k in np.argsort(-alone, kind="stable"):
        mine = closely.setdefault(view.terms[rules[k].term].field, [])
        if len(mine) < RULES_OF_A_FIELD:
            mine.append(int(k))
    asked = [k for mine in list(closely.values())[:FIELDS] for k in mine]
    found = [_turning(view, U[:, k], slope, curve) for k in asked]
    best = int(np.argmax([evidence for evidence, _ in found]))
    return rules[asked[best]], found[best][1], found[best][0]


def _of_terms(view: _View, slope: FloatArray, curve: FloatArray) -> FloatArray:
    """Return the log-odds that a term's coefficients differ, per term (and rule), each coefficient taken by itself.

    Most terms mean the same on both sides of a rule (a spike and a slab, Mitchell and Beauchamp 1988): so a rule that a
    few turn round at is not drowned by hundreds that do not.
    """
    inflated = 1.0 + SLAB * curve
    of_column = 0.5 * (SLAB * slope**2 / inflated - np.log(inflated))
    return np.asarray(np.add.reduceat(of_column, view.starts, axis=0) + np.log(DIFFERENT / (1.0 - DIFFERENT)))


def _turning(view: _View, u: FloatArray, slope: FloatArray, curve: FloatArray) -> tuple[float, FloatArray]:
    """Return the evidence that a rule divides customers, and how surely each column's coefficient differs by it.

    Terms enter one by one, each judged by what those before leave unsaid: ten fields that follow company size are one.
    The strongest is left out of the sum: if it is the only one the two fields are a pair, and either could divide by
    the other.
    """
    width = np.diff(np.append(view.starts, view.Z.shape[1]))
    information = (view.Z**2).T @ (curve * u**2)
    taken = np.zeros(len(width), dtype=bool)
    told: list[float] = []
    left = slope
    while True:
        of_term = np.where(taken, -np.inf, _of_terms(view, view.Z.T @ (left * u), information))
        j = int(np.argmax(np.round(of_term, 9)))
        if not of_term[j] > 0 or len(told) == MOST_TURNING:
            break
        told.append(float(of_term[j]))
        taken[j] = True
        X = view.Z[:, np.repeat(taken, width)] * u[:, None]
        hessian = (X * curve[:, None]).T @ X + np.eye(X.shape[1]) / SLAB
        left = slope - curve * (X @ np.linalg.solve(hessian, X.T @ slope))
    sure = np.where(taken, 1.0, 1.0 / (1.0 + np.exp(-np.clip(of_term, -30.0, 30.0))))
    relevance = np.repeat(np.maximum(sure, LEAST_RELEVANCE), width)
    return round(sum(told) - max(told, default=0.0), 9), relevance


def _held_out_gain(view: _View, rules: Sequence[Candidate], seed: int) -> tuple[float, float]:
    """Return what the whole search is worth in log-loss of rows it did not see, and the standard error."""
    fold = fold_numbers(view.rows, FOLDS, seed + 31)
    added = np.zeros((len(VARIANCES), len(view.log_odds)))
    for k in range(FOLDS):
        used = fold != k
        best = _best(view, rules, used)
        if best is None or not best[2] > 0:
            continue
        rule, relevance, _ = best
        side = rule.side(view.rows.codes)
        for s in (0, 1):
            fitted, asked = used & (side == s), ~used & (side == s)
            if fitted.any() and asked.any():
                added[:, asked] = _moved(view, fitted, asked, relevance)
    gains = [paired_gain(view.rows, view.log_odds, view.log_odds + more) for more in added]
    return max(gains, key=lambda found: round(found[0], 12))


def _moved(view: _View, fitted: BoolArray, asked: BoolArray, relevance: FloatArray) -> FloatArray:
    """Fit by how much a segment's tables differ, as a ridge on top of the log-odds, at each prior variance.

    Returns
    -------
    ndarray of shape (variances, rows asked)
    """
    X = np.hstack([view.Z[fitted], np.ones((int(fitted.sum()), 1))])
    weight, target, offset = view.rows.weight[fitted] / view.scatter, view.rows.target[fitted], view.log_odds[fitted]
    now, out = np.zeros(X.shape[1]), []
    for variance in VARIANCES:  # each starts where the stronger prior ended
        precision = np.append(1.0 / (variance * relevance), 1.0 / BASE_VARIANCE)
        for _ in range(STEPS):
            chance = 1.0 / (1.0 + np.exp(-(offset + X @ now)))
            gradient = X.T @ (weight * (target - chance)) - precision * now
            hessian = (X * (weight * chance * (1.0 - chance))[:, None]).T @ X + np.diag(precision)
            step = np.linalg.solve(hessian, gradient)
            now = now + step
            if float(np.abs(step).max()) < SETTLED:
                break
        out.append(view.Z[asked] @ now[:-1] + now[-1])
    return np.array(out)


def paired_gain(rows: TrainingRows, before: FloatArray, after: FloatArray) -> tuple[float, float]:
    """Return by how much log-loss improves per unit of weight, and its standard error; a group is one observation."""
    used = rows.trains & (rows.weight > 0)
    target, weight = rows.target[used], rows.weight[used]
    before, after = before[used], after[used]
    gain = weight * (np.logaddexp(0.0, before) - np.logaddexp(0.0, after) + target * (after - before))
    by_group = np.bincount(np.unique(rows.group[used], return_inverse=True)[1], weights=gain)
    count = len(by_group)
    error = float(np.sqrt(count) * by_group.std(ddof=1)) if count > 1 else float("inf")
    total = float(weight.sum())
    return float(gain.sum()) / total, error / total


def _named(view: _View, rules: Sequence[Candidate], best: Candidate, seed: int) -> float:
    """Return the share of half-samples whose best rule is on the same field."""
    groups, index = np.unique(view.rows.group, return_inverse=True)
    rng = np.random.default_rng([seed, 72])
    hits = 0
    for _ in range(HALVES):
        half = rng.permutation(len(groups)) < (len(groups) + 1) // 2
        first = _best(view, rules, half[index])
        hits += first is not None and view.terms[first[0].term].field == view.terms[best.term].field
    return hits / HALVES


def other_codes(term: Term, codes: Sequence[int]) -> tuple[int, ...]:
    """Return the codes of a rule's other side: all that are known, values no customer showed too."""
    return tuple(code for code in range(MISSING + 1, term.size) if code not in codes)

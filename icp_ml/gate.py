"""The permutation gate: nothing is claimed of customers whose labels might as well be shuffled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.estimator.boosting import BoostingParams, held_out_log_odds
from icp_ml.estimator.encoding import Codes, FloatArray, Term
from icp_ml.estimator.fitting import MIN_GRADES, FieldSpec, FitParams, fit_encoding, split_encoding, with_content
from icp_ml.estimator.linear import held_out_ridge
from icp_ml.estimator.ridge_basis import smooth_design
from icp_ml.estimator.rows import IntArray, TrainingRows, fold_numbers, numbered, shuffled_sources, take
from icp_ml.estimator.screening import WideRows, screen, with_tokens
from icp_ml.exceptions import ModelFormatError, SettingsError, TrainingRefused

BoolArray = npt.NDArray[np.bool_]
ROUNDS = 30  # fixed, as the ridge's penalty is: choosing them would cost more than it tells
LEARNING_RATE = 0.1
STRENGTH = 0.03
TOLERANCE = 1e-3
FOLDS = 3
FEW, OF_FEW, OF_MANY = 600, 199, 49  # customers, and shuffles where nobody says how many: few customers need more
STRATA = 10  # of what the fields that are adjusted for say, at most
ENOUGH_BETTER = 3  # shuffles that beat the real labels before drawing stops


@dataclass(frozen=True)
class Gate:
    """Whether fields tell best from worst customers better than chance.

    Attributes
    ----------
    p_value : float
        Share of shuffles that did as well as the real labels.
    passed : bool
        `p_value <= level`.
    statistic : float
        Held-out log-loss with the real labels; lower is better.
    shuffled : float
        Mean of the same over the shuffles made.
    permutations : int
        Shuffles made; fewer than asked for where the answer was plain before.
    level : float
    """

    p_value: float
    passed: bool
    statistic: float
    shuffled: float
    permutations: int
    level: float

    @property
    def sentence(self) -> str:
        """What the answer means, for a reader."""
        shuffles = f"{self.permutations} shuffles of the labels"
        if self.passed:
            return (
                f"The fields tell best from worst customers better than in {shuffles} (p = {self.p_value:.2g}, "
                f"needed {self.level:.2g} or less)."
            )
        if not self.permutations:
            return "There is nothing to tell best from worst customers by."
        return (
            f"The fields tell best from worst customers no better than chance: {shuffles} gave p = {self.p_value:.2g}, "
            f"where {self.level:.2g} or less is needed."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        values = asdict(self)
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Gate:
        """Read what `to_dict` wrote.

        Raises
        ------
        ModelFormatError
            A value is missing or of another type.
        """
        try:
            shuffled = float("nan") if data["shuffled"] is None else float(data["shuffled"])
            return cls(float(data["p_value"]), bool(data["passed"]), float(data["statistic"]), shuffled,
                       int(data["permutations"]), float(data["level"]))  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            msg = f"evaluation.json: the permutation gate cannot be read ({error!r})"
            raise ModelFormatError(msg) from error


@dataclass(frozen=True)
class _Told:
    """What is shuffled: every customer's label, whether it is best or worst at all, and its grade."""

    y: FloatArray
    judged: BoolArray
    grade: FloatArray | None

    def take(self, index: IntArray) -> _Told:
        return _Told(self.y[index], self.judged[index], None if self.grade is None else self.grade[index])

    @property
    def keys(self) -> list[npt.NDArray[Any]]:
        return [self.judged, self.y, *([] if self.grade is None else [self.grade])]

    @property
    def one_sided(self) -> bool:
        return len(np.unique(self.y[self.judged])) < 2


@dataclass(frozen=True)
class _Customers:
    """Encoded customers in an order their labels have no part in, and where each goes."""

    codes: Codes
    content: IntArray  # equal numbers: the same codes
    group: IntArray
    terms: tuple[Term, ...]
    params: BoostingParams
    seed: int
    stratum: IntArray | None = None  # labels are shuffled within it
    wide: WideRows | None = None
    smooth: Any = None  # the ridge's design; where token sets are wide, each fold has its own

    def rows(self, told: _Told) -> TrainingRows:
        """Return what is fitted: all of them, to the grades where there are any."""
        n = len(self.codes)
        return TrainingRows(
            self.codes, told.y, np.ones(n), self.group, np.ones(n, dtype=bool), told.grade, wide=self.wide
        )


def permutation_gate(
    columns: Mapping[str, pa.Array],
    specs: Sequence[FieldSpec],
    y: FloatArray,
    *,
    trains: BoolArray | None = None,
    grade: FloatArray | None = None,
    groups: IntArray | None = None,
    params: FitParams | None = None,
    permutations: int | None = None,
    level: float = 0.02,
    seed: int = 0,
    n_jobs: int | None = None,
    as_of: date | None = None,
) -> Gate:
    """Compare the held-out log-loss of a plain additive fit with that on shuffled labels.

    The fit is half boosters, half smooth ridge, both of fixed size. Where there are grades it is to all customers'
    grades, which are shuffled with the labels; the log-loss is of best against worst either way. Drawing stops once
    several shuffles have done as well as the real labels (Besag & Clifford 1991): the p-value is valid all the same and
    customers without a signal cost little time.

    Parameters
    ----------
    columns : mapping of name to Arrow array of n rows
    specs : sequence of FieldSpec
        Where fields are adjusted for, labels are shuffled only between customers of whom those say the same: what
        passes is told by the other fields.
    y : ndarray of shape (n,)
        1 best, 0 not.
    trains : ndarray of bool, shape (n,), optional
        Best and worst customers; all where left out. Others serve by their grades only.
    grade : ndarray of shape (n,), optional
        0 to 1, NaN where unknown.
    groups : ndarray of shape (n,), optional
        Groups keep their labels together: a group takes those of another one of its size.
    params : FitParams, optional
        Encoding limits and the shape of trees; rounds and learning rate are fixed here.
    permutations : int, optional
        Most shuffles to make; 199 under 600 customers and 49 from there where left out.
    level : float
        Largest p-value that passes.
    seed : int
    n_jobs : int or None
        Shuffles at once (joblib); the result does not depend on it.
    as_of : date, optional

    Raises
    ------
    SettingsError
        Too few permutations for the level.
    """
    if not 0 < level < 1 or (permutations or OF_MANY) + 1 < 1 / level:
        least = math.ceil(1 / level) - 1 if 0 < level < 1 else 49
        msg = f"permutations = {permutations} can never show p <= {level:g}; at least {least} are needed"
        raise SettingsError(msg)
    params = params or FitParams()
    permutations = permutations or (OF_FEW if len(y) < FEW else OF_MANY)
    told, used = _told(y, trains, grade, params)
    columns = columns if used.all() else {name: array.filter(pa.array(used)) for name, array in columns.items()}
    encoding, wide = split_encoding(columns, [spec for spec in specs if not spec.adjust], params, as_of)
    codes = encoding.encode(columns, len(told.y), as_of)
    groups = None if groups is None else np.asarray(groups)[used]
    order, content = _content_order(with_content(codes, wide), told, groups)
    group = np.arange(len(order)) if groups is None else numbered(groups[order])
    told = told.take(order)
    boosting = replace(params.boosting, learning_rate=LEARNING_RATE, folds=FOLDS)
    tokens = WideRows(tuple(field.take(order) for field in wide), np.arange(len(order))) if wide else None
    customers = _Customers(np.asfortranarray(codes[order]), content, group, encoding.terms, boosting, seed, wide=tokens)
    if told.one_sided or not (encoding.terms or wide):
        return Gate(1.0, False, _loss(np.zeros(int(told.judged.sum())), told.y[told.judged]), float("nan"), 0, level)
    adjusted = [spec for spec in specs if spec.adjust]
    if adjusted:
        known = {spec.name: columns[spec.name].take(pa.array(order)) for spec in adjusted}
        stratum = _strata(known, adjusted, told, replace(params, boosting=boosting), as_of, seed)
        customers = replace(customers, stratum=stratum)
    if not wide:
        customers = replace(customers, smooth=smooth_design(customers.rows(told), encoding.terms)[1])
    observed = _statistic(customers, told)
    return _draw(customers, told, observed, permutations, level, n_jobs)


def _told(
    y: FloatArray, trains: BoolArray | None, grade: FloatArray | None, params: FitParams
) -> tuple[_Told, BoolArray]:
    """Return what is told of the customers that are used, and which those are."""
    y = np.asarray(y, dtype=np.float64)
    judged = np.ones(len(y), dtype=bool) if trains is None else np.asarray(trains, dtype=bool)
    known = np.zeros(len(y), dtype=bool) if grade is None else np.isfinite(grade)
    if grade is None or params.grades == "never" or len(np.unique(grade[known])) < MIN_GRADES:
        return _Told(y[judged], judged[judged], None), judged
    used = judged | known
    return _Told(y, judged, np.where(known, np.clip(grade, 0.0, 1.0), y)).take(np.flatnonzero(used)), used


def _strata(
    columns: Mapping[str, pa.Array],
    specs: Sequence[FieldSpec],
    told: _Told,
    params: FitParams,
    as_of: date | None,
    seed: int,
) -> IntArray | None:
    """Return a number for customers of whom the fields that are adjusted for say about the same."""
    plain = [replace(spec, adjust=False) for spec in specs]
    if all(spec.kind == "tokens" for spec in plain):  # a set of tokens may have none that enough customers hold
        try:
            encoding = fit_encoding(columns, plain, params, as_of)
        except TrainingRefused:
            return None
    else:
        encoding = fit_encoding(columns, plain, params, as_of)
    n = len(told.y)
    codes = np.asfortranarray(encoding.encode(columns, n, as_of))
    rows = TrainingRows(codes, told.y, np.ones(n), np.arange(n), np.ones(n, dtype=bool), told.grade)
    said = held_out_log_odds(rows, codes, encoding.terms, params.boosting, seed, ROUNDS)
    distinct = np.unique(np.round(said, 9))
    if len(distinct) <= STRATA:
        return np.searchsorted(distinct, np.round(said, 9)).astype(np.int64)
    cuts = np.unique(np.quantile(said, np.arange(1, STRATA) / STRATA, method="lower"))
    return np.searchsorted(cuts, said, side="left").astype(np.int64)


def _draw(
    customers: _Customers, told: _Told, observed: float, permutations: int, level: float, n_jobs: int | None
) -> Gate:
    """Shuffle until enough did as well as the real labels, or as often as asked."""
    from joblib import Parallel, delayed, effective_n_jobs

    stop = max(ENOUGH_BETTER, int(level * (permutations + 1)) + 1)
    batch = max(2, effective_n_jobs(n_jobs))
    drawn: list[float] = []
    better = 0
    with Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        while len(drawn) < permutations and better < stop:
            numbers = range(len(drawn), min(len(drawn) + batch, permutations))
            for value in parallel(delayed(_shuffled_statistic)(customers, told, number) for number in numbers):
                if better < stop:  # what a larger batch made beyond that does not count
                    drawn.append(value)
                    better += value <= observed
    p_value = better / len(drawn) if better >= stop else (better + 1) / (len(drawn) + 1)
    return Gate(
        p_value, p_value <= level, observed, float(np.mean(drawn)) if drawn else float("nan"), len(drawn), level
    )


def _shuffled_statistic(customers: _Customers, told: _Told, number: int) -> float:
    rng = np.random.default_rng([customers.seed, 91, number])
    shuffled = told.take(shuffled_sources(customers.group, rng, customers.stratum))
    if shuffled.one_sided:  # cut labels lost one of the two
        shuffled = told.take(rng.permutation(len(told.y)))
    return _statistic(customers, shuffled)


def shuffle_labels(
    y: FloatArray, group: IntArray, rng: np.random.Generator, stratum: IntArray | None = None
) -> FloatArray:
    """Shuffle labels between groups of one size, each group's labels staying together.

    Parameters
    ----------
    y : ndarray of shape (n,)
    group : ndarray of shape (n,)
        0 .. groups - 1.
    rng : numpy.random.Generator
    stratum : ndarray of shape (n,), optional
        Labels are shuffled within it only; a group is where its first row is.
    """
    out = y[shuffled_sources(group, rng, stratum)]
    return np.asarray(rng.permutation(y)) if len(np.unique(out)) < 2 else out


def _statistic(customers: _Customers, told: _Told) -> float:
    """Return the held-out log-loss; customers alike in every code are told apart by label only, never by order."""
    order = np.lexsort([*told.keys, customers.content])
    rows, judged = take(customers.rows(told), order), told.judged[order]
    labels = rows.y[judged]
    smaller = int(min(labels.sum(), len(labels) - labels.sum()))
    fold = fold_numbers(replace(rows, trains=judged), max(2, min(FOLDS, smaller)), customers.seed)
    log_odds = np.zeros(len(rows.y))
    for k in np.unique(fold):
        held = fold == k
        if len(np.unique(rows.target[~held])) > 1:
            own = screen(take(rows, ~held))  # each shuffle's folds take their own tokens
            shown, terms = with_tokens(rows, customers.terms, own)
            boosted = held_out_log_odds(
                take(shown, ~held), shown.codes[held], terms, customers.params, customers.seed + int(k), ROUNDS
            )
            X = smooth_design(shown, terms)[1] if customers.smooth is None else customers.smooth
            log_odds[held] = (boosted + held_out_ridge(X, shown, held, STRENGTH, TOLERANCE)) / 2
    return round(_loss(log_odds[judged], labels), 12)


def _content_order(
    codes: npt.NDArray[np.integer[Any]], told: _Told, groups: IntArray | None
) -> tuple[IntArray, IntArray]:
    """Return rows ordered by codes, and for each of them in that order the number of its content."""
    keys = [codes[:, j] for j in range(codes.shape[1])]
    ties = [*([] if groups is None else [np.asarray(groups)]), *told.keys]
    order = np.lexsort([*ties, *keys]).astype(np.int64)
    ranked = codes[order]
    new = np.concatenate([[False], (ranked[1:] != ranked[:-1]).any(axis=1)])
    return order, np.cumsum(new).astype(np.int64)


def _loss(log_odds: FloatArray, y: FloatArray) -> float:
    return float(np.mean(np.logaddexp(0.0, np.where(y > 0, -log_odds, log_odds))))

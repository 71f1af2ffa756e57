"""Decisions of strategy that the data did not make: applied to the tables, recorded, and their cost measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import log
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from icp_ml.estimator.encoding import Codes, FloatArray
from icp_ml.estimator.labels import statement as trait_words
from icp_ml.estimator.rows import IntArray
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.evaluation.metrics import Interval, interval, resample_weights
from icp_ml.exceptions import SettingsError
from icp_ml.profile.rates import rate_inside
from icp_ml.schema import Field
from icp_ml.settings import Settings
from icp_ml.statements import Override
from icp_ml.strategy.hypothesis import POINTS_THAT_DOUBLE
from icp_ml.strategy.meanings import Meaning, codes_of, field_named, meaning_of
from icp_ml.tiers import TierCutoffs

PER_POINT = log(2.0) / POINTS_THAT_DOUBLE
TOP_SHARE = 0.1
RESAMPLES = 500
LAST = -1e6  # log-odds of who is excluded: behind everybody


def override_meanings(
    settings: Settings, as_of: date | None, own: Mapping[str, Field] | None = None
) -> list[tuple[Override, Meaning]]:
    """Return the overrides with what their statements mean.

    Raises
    ------
    SettingsError
        A field or a value is not known; the message names the override.
    """
    out = []
    for number, override in enumerate(settings.profile.overrides):
        place = f"profile.overrides.{number} ({override.action} {override.where.text}): "
        field = field_named(override.where.field, settings, own, place)
        out.append((override, meaning_of(override.where, field, as_of, place)))
    return out


def apply_overrides(
    tables: ScoringTables, found: Sequence[tuple[Override, Meaning]], per_point: float = PER_POINT
) -> tuple[ScoringTables, tuple[dict[str, Any], ...]]:
    """Add what overrides raise and lower to the tables, and return the record of each.

    What a statement does not speak of keeps its value: the average account is not moved back, as no customer said so.

    Parameters
    ----------
    tables : ScoringTables
        With codes for every statement (`refine`).
    found : sequence of (Override, Meaning)
    per_point : float
        Log-odds of a point.

    Raises
    ------
    SettingsError
        The model reads a field as another kind than its statement does.
    """
    values = [value.copy() for value in tables.values]
    records = []
    for override, meaning in found:
        place = codes_of(tables.encoding, meaning)
        if place is None:
            msg = f"profile.overrides ({override.where.text}): the model reads '{meaning.field.name}' as another kind"
            raise SettingsError(msg)
        j, codes = place
        size = override.log_odds if override.log_odds is not None else (override.points or 0.0) * per_point
        size = {"raise": size, "lower": -size, "exclude": 0.0}[override.action]
        values[j][list(codes)] += size
        sentence = trait_words(tables.terms[j], codes)
        odds = f" by {abs(size):.2f} log-odds ({np.exp(abs(size)):.1f} times the odds)"
        by_how_much = "" if override.action == "exclude" else odds
        records.append(
            {
                "action": override.action,
                "words": f'{override.action} "{sentence}"{by_how_much}',
                "statement": sentence,
                "field": meaning.field.name,
                "term": tables.terms[j].name,
                "codes": list(codes),
                "log_odds": size,
                "reason": override.reason,
                "by": override.by,
            }
        )
    return replace(tables, values=tuple(values)), tuple(records)


@dataclass(frozen=True)
class OverrideCost:
    """What overrides cost among held-out customers.

    Attributes
    ----------
    lift_without, lift_with : Interval
        Lift of the top tenth by held-out fit.
    lift_change : Interval
        With minus without, on the same resamples.
    tier_a_without, tier_a_with : Interval
        Share of tier A that is best; NaN where it is empty.
    excluded, excluded_best : int
        Customers left out, and best ones among them.
    """

    lift_without: Interval
    lift_with: Interval
    lift_change: Interval
    tier_a_without: Interval
    tier_a_with: Interval
    excluded: int
    excluded_best: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {k: v.to_list() if isinstance(v, Interval) else v for k, v in vars(self).items()}

    @property
    def words(self) -> str:
        """The cost in a sentence."""
        before, after, change = self.lift_without, self.lift_with, self.lift_change
        if not np.isfinite(change.value):
            return "not measured: too few customers"
        said = (
            f"lift of the top tenth {before.value:.2f} without and {after.value:.2f} with it "
            f"({change.value:+.2f}, {change.low:+.2f} to {change.high:+.2f})"
        )
        if self.excluded:
            said += f"; leaves out {self.excluded:,} customers, {self.excluded_best:,} of them best"
        return said


def with_costs(
    records: Sequence[Mapping[str, Any]],
    tables: ScoringTables,
    codes: Codes,
    held_out: FloatArray,
    best: npt.NDArray[np.bool_],
    group: IntArray,
    cutoffs: TierCutoffs,
    seed: int,
) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Return each override's record with what it costs alone, and what all cost together.

    Parameters
    ----------
    records : sequence of dict
        From `apply_overrides`.
    tables : ScoringTables
    codes : ndarray of shape (n, terms)
        Mature customers.
    held_out : ndarray of shape (n,)
        Their log-odds by fits that did not see them, without any override.
    best : ndarray of shape (n,)
    group : ndarray of shape (n,)
        Drawn together.
    cutoffs : TierCutoffs
    seed : int
    """
    places = {term.name: j for j, term in enumerate(tables.terms)}
    inside = [np.isin(codes[:, places[r["term"]]], r["codes"]) for r in records]
    weights = np.concatenate(list(resample_weights(group, RESAMPLES, seed)))
    out = []
    for record, there in zip(records, inside, strict=True):
        cost = _cost([record], [there], held_out, best, weights, cutoffs)
        found = rate_inside(there, best)
        out.append({**record, "customers": found.customers, "rate": found.rate, "rate_low": found.rate_low,
                    "rate_high": found.rate_high, "cost": cost.to_dict(), "cost_words": cost.words})  # fmt: skip
    together = _cost(records, inside, held_out, best, weights, cutoffs)
    return tuple(out), {**together.to_dict(), "words": together.words}


def _cost(
    records: Sequence[Mapping[str, Any]],
    inside: Sequence[npt.NDArray[np.bool_]],
    held_out: FloatArray,
    best: npt.NDArray[np.bool_],
    weights: FloatArray,
    cutoffs: TierCutoffs,
) -> OverrideCost:
    moved, out = held_out.copy(), np.zeros(len(best), dtype=bool)
    for record, there in zip(records, inside, strict=True):
        moved = moved + record["log_odds"] * there
        if record["action"] == "exclude":
            out |= there
    lifts = [_top_lift(score, best, weights) for score in (held_out, np.where(out, LAST, moved))]
    tiers = [cutoffs.assign(100 * expit(score)) == 0 for score in (held_out, moved)]
    tiers[1] &= ~out
    return OverrideCost(
        interval(lifts[0]),
        interval(lifts[1]),
        interval(lifts[1] - lifts[0]),
        interval(_rate(tiers[0], best, weights)),
        interval(_rate(tiers[1], best, weights)),
        int(out.sum()),
        int(best[out].sum()),
    )


def _top_lift(score: FloatArray, best: npt.NDArray[np.bool_], weights: FloatArray) -> FloatArray:
    """Return per resample the lift of the top tenth; who ties on the line counts in part."""
    steps, place = np.unique(-score, return_inverse=True)
    out = np.empty(len(weights))
    for k, weight in enumerate(weights):
        total = np.bincount(place, weights=weight, minlength=len(steps))
        good = np.bincount(place, weights=weight * best, minlength=len(steps))
        wanted = TOP_SHARE * total.sum()
        before = np.concatenate([[0.0], np.cumsum(total)[:-1]])
        part = np.clip((wanted - before) / np.maximum(total, 1e-300), 0.0, 1.0)
        out[k] = (good @ part) / wanted / (good.sum() / total.sum()) if good.sum() else np.nan
    return out


def _rate(inside: npt.NDArray[np.bool_], best: npt.NDArray[np.bool_], weights: FloatArray) -> FloatArray:
    total, hits = weights @ inside, weights @ (inside & best)
    out: FloatArray = np.full(len(weights), np.nan)
    np.divide(hits, total, out=out, where=total > 0)
    return out

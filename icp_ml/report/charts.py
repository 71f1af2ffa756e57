"""What the charts of the report show, from a model: labels, values, intervals, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from icp_ml.estimator.encoding import FIRST_BIN, FIRST_VALUE, MISSING, PRESENT, RARE, FieldEncoding
from icp_ml.estimator.labels import codes_words, value_words
from icp_ml.estimator.scorecard import Z90, ScoringTables
from icp_ml.plotting import Curve, Estimate
from icp_ml.plotting.customers import Spread
from icp_ml.profile import IdealCustomerProfile
from icp_ml.report.formats import capital, clean, number, percent, span, times, triple
from icp_ml.report.label_view import age_words
from icp_ml.traits import Trait

MAX_CURVES = 9  # drawn at once
MAX_FOLDED = 36  # further ones, drawn but folded
MAX_VALUES = 8  # values or tokens of a field drawn
MAX_TICKS = 4
NAN = float("nan")
LEARNERS = {
    "icp_ml": "this model",
    "base_rate": "base rate (chance)",
    "ridge_logistic": "ridge logistic regression",
    "lightgbm_defaults": "LightGBM, defaults",
    "full": "LightGBM, fields combined",
    "score_in_use": "score in use today",
}


@dataclass(frozen=True)
class FieldCurve:
    """One field's contribution curve with its name.

    Attributes
    ----------
    effect : float
        Its typical size: standard deviation of the field's contribution over customers, log-odds.
    """

    field: str
    title: str
    category: str
    effect: float
    curve: Curve
    note: str = ""


def learner_name(name: str, label: str, rule_fields: Sequence[str] = ()) -> str:
    """Return what the report calls a learner."""
    if name == "size_industry_rule" and rule_fields:
        return clean(f"rule: {' × '.join(f.replace('_', ' ') for f in rule_fields)}", 60)
    return LEARNERS.get(name, clean(label, 60))


def lift_estimates(profile: IdealCustomerProfile, longest: int) -> list[Estimate]:
    """Return signals, filters and anti-traits, the highest lift first."""
    traits = sorted(
        (*profile.signals, *profile.filters, *profile.anti_traits), key=lambda t: (-t.lift, t.term, t.codes)
    )
    return [_lift(t, longest) for t in traits]


def _lift(trait: Trait, longest: int) -> Estimate:
    tone = "positive" if trait.direction == "positive" else "negative"
    return Estimate(
        capital(trait.sentence, longest),
        trait.lift,
        trait.lift_low,
        trait.lift_high,
        tone,  # type: ignore[arg-type]
        f"{times(trait.lift)} ({span(trait.lift_low, trait.lift_high, 1)})",
    )


def quality_estimates(evaluation: Mapping[str, Any]) -> list[Estimate]:
    """Return the AUC of each learner, best against worst."""
    out = []
    for learner in evaluation.get("learners") or ():
        value, low, high = (NAN if v is None else float(v) for v in triple(learner["metrics"], "auc"))
        name = capital(learner_name(learner["name"], learner["label"], evaluation.get("rule_fields") or ()), 30)
        out.append(Estimate(name, value, low, high, "positive" if learner["name"] == "icp_ml" else "plain"))
    return [e for e in out if np.isfinite(e.value)]


def tier_estimates(rows: Sequence[Mapping[str, Any]], average: float) -> list[Estimate]:
    """Return the share of best customers per tier."""
    out = []
    for row in rows:
        rate, low, high = (NAN if row.get(k) is None else float(row[k]) for k in ("rate", "rate_low", "rate_high"))
        tone = "positive" if rate >= average else "plain"
        out.append(Estimate(str(row["tier"]), rate, low, high, tone, percent(rate), float(row["customers"])))  # type: ignore[arg-type]
    return out


def spread_of(data_report: Mapping[str, Any]) -> Spread | None:
    """Return the composite's distribution with its thresholds, where it is recorded."""
    counts = data_report.get("distribution")
    if not counts:
        return None
    thresholds = (data_report.get("labels") or {}).get("thresholds") or {}
    edges, worst, middle, best = (tuple(counts[k]) for k in ("edges", "worst", "middle", "best"))
    return Spread(edges, worst, middle, best, thresholds.get("worst_below"), thresholds.get("best_above"))


def retention_points(curve: Mapping[str, Any] | None) -> list[Estimate]:
    """Return the shares of customers still there at the ages of a retention curve."""
    points = (curve or {}).get("points") or ()
    return [
        Estimate(age_words(int(p["days"])), p["kept"], p["low"], p["high"], customers=float(p["at_risk"]))
        for p in points
    ]


def field_curves(tables: ScoringTables, most: int = MAX_CURVES) -> tuple[list[FieldCurve], list[str]]:
    """Return the curves of the fields that move scores most, and the names of the others the model uses."""
    terms, effects = _terms_of(tables), field_effects(tables)
    ranked = sorted((f for f in terms if effects[f] > 0), key=lambda f: (-effects[f], f))
    labels = {enc.field: capital(enc.label or enc.field, 60) for enc in tables.encoding.fields}
    return [_field(tables, terms[f], effects[f]) for f in ranked[:most]], [labels[f] for f in ranked[most:]]


def field_effects(tables: ScoringTables) -> dict[str, float]:
    """Return each field's typical size: standard deviation of its contribution over customers, log-odds."""
    return {f: float(np.sqrt(sum(_variance(tables, j) for j in own))) for f, own in _terms_of(tables).items()}


def _terms_of(tables: ScoringTables) -> dict[str, list[int]]:
    terms: dict[str, list[int]] = {}
    for j, term in enumerate(tables.terms):
        terms.setdefault(term.field, []).append(j)
    return terms


def _variance(tables: ScoringTables, j: int) -> float:
    values, customers = tables.values[j], tables.customers[j]
    total = float(customers.sum())
    if total == 0:
        return 0.0
    mean = float((values * customers).sum()) / total
    return float((customers * (values - mean) ** 2).sum()) / total


def _field(tables: ScoringTables, own: Sequence[int], effect: float) -> FieldCurve:
    enc = tables.terms[own[0]].encoding
    title, category = capital(enc.label or enc.field, 60), enc.category
    if enc.kind == "numeric":
        return FieldCurve(enc.field, title, category, effect, _numeric(tables, own[0]))
    if enc.kind == "tokens":
        curve, left = _tokens(tables, own)
    else:
        curve, left = _categories(tables, own[0])
    return FieldCurve(enc.field, title, category, effect, curve, f"{left:,} more not shown" if left else "")


def _numeric(tables: ScoringTables, j: int) -> Curve:
    enc, size = tables.terms[j].encoding, tables.terms[j].size
    codes = list(range(FIRST_BIN, size - 1))
    inner = len(codes) - 1  # edges between bins
    step = max(1, -(-inner // MAX_TICKS))
    picked = range(step, inner + 1, step)
    ticks = tuple((k, tick_words(enc, float(enc.edges[k]))) for k in picked)
    return Curve(True, tuple(_point(tables, j, c, "") for c in codes), ticks, _missing(tables, [j]))


def tick_words(enc: FieldEncoding, value: float) -> str:
    """Return a bin's edge, short enough for an axis."""
    if enc.form in ("count", "number") and abs(value) >= 10_000:
        return value_words("money", value).replace("$", "")
    return value_words(enc.form, value).removesuffix(" ago")


def _categories(tables: ScoringTables, j: int) -> tuple[Curve, int]:
    term, customers = tables.terms[j], tables.customers[j]
    first = FIRST_VALUE - 1 if term.encoding.kind == "category" else 1
    shown = [c for c in range(first, term.size) if customers[c] > 0]
    kept = sorted(shown, key=lambda c: (-customers[c], c))[:MAX_VALUES]
    kept.sort(key=lambda c: (-tables.values[j][c], c))
    points = tuple(
        _point(
            tables, j, c, "rare values" if c == RARE and term.encoding.kind == "category" else codes_words(term, [c])
        )
        for c in kept
    )
    return Curve(False, points, missing=_missing(tables, [j])), len(shown) - len(kept)


def _tokens(tables: ScoringTables, own: Sequence[int]) -> tuple[Curve, int]:
    moved = [j for j in own if tables.values[j][PRESENT] != 0 and tables.customers[j][PRESENT] > 0]
    kept = sorted(moved, key=lambda j: (-abs(tables.values[j][PRESENT]) * np.sqrt(tables.customers[j][PRESENT]), j))[
        :MAX_VALUES
    ]
    kept.sort(key=lambda j: (-tables.values[j][PRESENT], j))
    points = tuple(_point(tables, j, PRESENT, tables.terms[j].spelling) for j in kept)
    return Curve(False, points, missing=_missing(tables, own)), len(moved) - len(kept)


def _point(tables: ScoringTables, j: int, code: int, label: str) -> Estimate:
    return _estimate(
        float(tables.values[j][code]), float(tables.variances[j][code]), float(tables.customers[j][code]), label
    )


def _missing(tables: ScoringTables, own: Sequence[int]) -> Estimate | None:
    """Return what an unknown field adds; a token set is unknown in all of its tokens at once."""
    customers = float(tables.customers[own[0]][MISSING])
    if customers == 0:
        return None
    value, variance = (float(sum(table[j][MISSING] for j in own)) for table in (tables.values, tables.variances))
    return _estimate(value, variance, customers, "not known")


def _estimate(value: float, variance: float, customers: float, label: str) -> Estimate:
    half = Z90 * float(np.sqrt(max(variance, 0.0)))
    tone = "positive" if value >= 0 else "negative"
    return Estimate(clean(label, 21), value, value - half, value + half, tone, number(customers, 0), customers)  # type: ignore[arg-type]

"""Planted worlds: companies of `icp_ml.datasets` with other traits planted in each, labels drawn, decoys and noise.

Companies are correlated as the sample's are (revenue, web visits and certifications follow size, states follow
countries, dbt follows Snowflake ...), so every field beside the planted ones is a decoy or noise; ten noise fields are
added, and values are missing as in a CRM export. A world has 4 to 7 traits of all kinds, effects of 0.5 to 1.1
log-odds, at least one of them an anti-trait; a world's traits are the same at every number of customers.

Labels: a customer's quality is its planted log-odds plus a logistic draw, best is above 0 (so P(best) is the sigmoid of
the log-odds, a quarter on average), worst is below the 35th percentile of all companies, the rest is the middle. The
grade is the quality's percentile among the customers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import rankdata

from icp_ml.datasets.companies import CUSTOMER_FILL, with_gaps
from icp_ml.datasets.histories import AS_OF
from icp_ml.datasets.planted import PlantedTrait, planted_log_odds
from icp_ml.datasets.population import draw_companies
from icp_ml.estimator.bins import roundest
from icp_ml.estimator.encoding import CODE_SYSTEMS
from icp_ml.estimator.fitting import FieldSpec
from icp_ml.estimator.frames import to_arrow
from icp_ml.schema import BY_NAME, NUMERIC_KINDS

Floats = npt.NDArray[np.float64]
POPULATION = 60_000
BEST_SHARE, WORST_SHARE = 0.25, 0.35
EFFECTS = (0.5, 1.1)  # log-odds
ANTI_SHARE = 0.3
AS_OF_DATE = AS_OF.date()
# Fields that effects are planted on; what only follows them (revenue, NAICS, city ...) is never the cause.
RANGES = ("employees", "founded_year", "employee_growth_rate", "monthly_web_visits")
SETS = ("industry", "country", "work_model", "esg_rating", "has_public_api")
TOKENS = ("technologies", "hiring_roles", "certifications", "intent_topics", "keywords")
KINDS = ("range", "set", "token")
RANGE_SHARE, SET_SHARE, TOKEN_SHARE = (0.20, 0.45), (0.15, 0.45), (0.12, 0.50)
LEAST_VALUE, MOST_VALUES = 0.03, 4
SLACK = 0.015  # a planted boundary is the roundest number so near its percentile
NOISE_NUMBERS, NOISE_LEVELS, NOISE_TOKENS = 4, (4, 6, 12), 10
NOT_FITTED = ("description",)
CODE_NAMES = {f"{system}_code": system for system in CODE_SYSTEMS}


@dataclass(frozen=True, eq=False)
class Planted:
    """What is true of a world: its traits and the two numbers that make labels of log-odds."""

    traits: tuple[PlantedTrait, ...]
    intercept: float
    worst_below: float  # quality
    alone: str | None = None  # the field that has nothing to do with any other, where there is one


@dataclass(frozen=True, eq=False)
class World:
    """Customers of one world: complete, as seen (with gaps), and labelled."""

    planted: Planted
    complete: pd.DataFrame
    seen: pd.DataFrame
    log_odds: Floats
    status: npt.NDArray[np.str_]
    grade: Floats  # percentile of the quality
    seed: tuple[int, ...]

    def shuffled(self, seed: int) -> World:
        """Return the same customers with their labels shuffled."""
        order = rng_of(*self.seed, 9, seed).permutation(len(self.status))
        return replace(self, status=self.status[order], grade=self.grade[order], seed=(*self.seed, seed))


def rng_of(*key: int) -> np.random.Generator:
    """Give each draw its own stream."""
    return np.random.Generator(np.random.PCG64(list(key)))


def companies(n: int, rng: np.random.Generator, alone: str | None = None) -> pd.DataFrame:
    """Draw complete companies with noise fields; `alone`: a field made independent of all others."""
    frame = pd.concat([draw_companies(n, rng), _noise(n, rng)], axis=1)
    if alone is not None:
        frame[alone] = frame[alone].iloc[rng.permutation(n)].array
    return frame


def _noise(n: int, rng: np.random.Generator) -> pd.DataFrame:
    out: dict[str, Any] = {}
    for k in range(NOISE_NUMBERS):
        draw = rng.standard_normal(n)
        out[f"noise_number_{k}"] = np.round(draw if k % 2 else np.exp(3 + 1.2 * draw), 2)
    for levels in NOISE_LEVELS:
        weight = 1.0 / np.arange(1, levels + 1)
        code = rng.choice(levels, n, p=weight / weight.sum())
        out[f"noise_category_{levels}"] = np.array([f"level {c}" for c in range(levels)], dtype=object)[code]
    for k, share in enumerate((0.5, 0.2)):
        out[f"noise_flag_{k}"] = pd.array(rng.random(n) < share, dtype="boolean")
    held = rng.random((n, NOISE_TOKENS)) < np.linspace(0.05, 0.5, NOISE_TOKENS)
    out["noise_tokens"] = pd.Series([tuple(f"token {t}" for t in np.flatnonzero(row)) for row in held], dtype=object)
    return pd.DataFrame(out)


def seen(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Blank values as vendors and CRM do."""
    noise = {name: 0.95 - 0.05 * k for k, name in enumerate(c for c in frame if c.startswith("noise_"))}
    fill = {name: share for name, share in CUSTOMER_FILL.items() if name in frame}
    return with_gaps(frame, {**fill, **noise}, rng)


@cache
def population(alone: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a large draw of companies, complete and as seen: what is true is measured on it."""
    whole = companies(POPULATION, rng_of(77, 0), alone)
    return whole, seen(whole, rng_of(77, 1))


def plant(index: int) -> Planted:
    """Return the traits of a world, by its number."""
    rng, whole = rng_of(index, 1), population()[0]
    count = int(rng.integers(4, 8))
    kinds = [*KINDS, *rng.choice(KINDS, count - len(KINDS))]
    effects = np.round(rng.uniform(*EFFECTS, count), 2)
    sign = np.where(rng.random(count) < ANTI_SHARE, -1.0, 1.0)
    if (sign > 0).all() or (sign < 0).all():
        sign[int(rng.integers(count))] *= -1
    traits: list[PlantedTrait] = []
    for kind, effect in zip(kinds, effects * sign, strict=True):
        used = {(t.field, t.values if t.kind == "token" else ()) for t in traits}
        traits.append(draw_trait(whole, kind, float(effect), used, rng))
    return settled(tuple(traits), whole, None)


def plant_one(index: int, effect: float = EFFECTS[1]) -> Planted:
    """Return a world with one real field, which no other field follows."""
    rng = rng_of(index, 2)
    kind = str(rng.choice(("range", "set")))
    trait = draw_trait(population()[0], kind, effect if rng.random() < 0.5 else -effect, set(), rng)
    return settled((trait,), population(trait.field)[0], trait.field)


def settled(traits: tuple[PlantedTrait, ...], whole: pd.DataFrame, alone: str | None) -> Planted:
    """Choose the intercept and the threshold so that a quarter is best and 35 % are worst."""
    raw = planted_log_odds(whole, traits, 0.0)
    intercept = round(_root(lambda x: float(expit(raw + x).mean()) - BEST_SHARE), 3)
    below = round(_root(lambda x: float(expit(x - intercept - raw).mean()) - WORST_SHARE), 3)
    return Planted(traits, intercept, below, alone)


def _root(of: Callable[[float], float]) -> float:
    return float(brentq(of, -15, 15))


def draw_trait(
    whole: pd.DataFrame, kind: str, effect: float, used: set[tuple[str, Any]], rng: np.random.Generator
) -> PlantedTrait:
    if kind == "range":
        field = str(rng.choice([f for f in RANGES if (f, ()) not in used] or RANGES))
        return PlantedTrait(field, "range", _range(whole[field], field, rng), effect)
    if kind == "set":
        field = str(rng.choice([f for f in SETS if (f, ()) not in used] or SETS))
        return PlantedTrait(field, "set", _set(whole[field], rng), effect)
    field = str(rng.choice(TOKENS))
    share = _token_shares(field)
    free = [t for t, s in share.items() if TOKEN_SHARE[0] <= s <= TOKEN_SHARE[1] and (field, (t,)) not in used]
    return PlantedTrait(field, "token", (str(rng.choice(free)),), effect)


@cache
def _token_shares(field: str) -> dict[str, float]:
    whole = population()[0][field]
    counts = pd.Series([t for tokens in whole if tokens is not None for t in tokens]).value_counts()
    return {str(t): c / len(whole) for t, c in sorted(counts.items())}


def _range(column: pd.Series[float], field: str, rng: np.random.Generator) -> tuple[float | None, float | None]:
    """Draw a range by percentiles, open below, open above or neither, its ends at round numbers."""
    values = np.sort(column.dropna().to_numpy(dtype=np.float64))
    width = float(rng.uniform(*RANGE_SHARE))
    place = int(rng.integers(3))
    start = (0.0, 1.0 - width, float(rng.uniform(0.1, 0.9 - width)))[place]
    whole = bool(np.all(values == np.floor(values)))

    def end(share: float) -> float:
        low, high = np.quantile(values, [max(share - SLACK, 0.0), min(share + SLACK, 1.0)], method="lower")
        return roundest(float(low), float(high), whole=whole)

    low = None if place == 0 else end(start)
    high = None if place == 1 else end(start + width)
    if low is not None and whole:
        low += 0.0 if field == "founded_year" else 1.0  # 101-500, as people write it
    return low, high


def _set(column: pd.Series[Any], rng: np.random.Generator) -> tuple[Any, ...]:
    share = column.value_counts(normalize=True)
    share = share[share >= LEAST_VALUE].sort_index()
    if len(share) == 2:
        return (bool(share.index[int(share.index[1])]),)  # a boolean: yes
    while True:
        size = int(rng.integers(1, MOST_VALUES + 1))
        values = sorted(map(str, rng.choice(share.index.to_numpy(dtype=object), min(size, len(share)), replace=False)))
        if SET_SHARE[0] <= float(share[values].sum()) <= SET_SHARE[1]:
            return tuple(values)


def make(index: int, n: int, planted: Planted | None = None) -> World:
    """Return the customers of a world: the same arguments give the same world."""
    planted = planted or plant(index)
    complete = companies(n, rng_of(index, n, 3), planted.alone)
    log_odds = planted_log_odds(complete, planted.traits, planted.intercept)
    draw = np.clip(rng_of(index, n, 4).random(n), 1e-12, 1 - 1e-12)
    quality = log_odds + np.log(draw / (1 - draw))
    status = np.where(quality > 0, "best", np.where(quality < planted.worst_below, "worst", "middle"))
    grade = (rankdata(quality) - 0.5) / n
    return World(planted, complete, seen(complete, rng_of(index, n, 5)), log_odds, status, grade, (index, n))


def specs(frame: pd.DataFrame) -> list[FieldSpec]:
    """Return how each field is encoded, as `train` does it: years as ages, dates as days before the as-of date."""
    out = []
    for name in frame:
        if name in NOT_FITTED:
            continue
        known = BY_NAME.get(str(name))
        if known is None:
            out.append(FieldSpec(str(name), _plain_kind(frame[name])))
            continue
        numeric = known.kind in NUMERIC_KINDS or known.kind == "date"
        kind = "numeric" if numeric else "tokens" if known.kind == "token_set" else "category"
        form = "age" if known.kind == "year" else CODE_NAMES.get(known.name, known.kind)
        out.append(FieldSpec(known.name, kind, form, known.readable, known.category))
    return out


def _plain_kind(column: pd.Series[Any]) -> Any:
    if column.dtype == "boolean":
        return "boolean"
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "numeric"
    return "tokens" if isinstance(column.dropna().iloc[0], tuple) else "category"


def arrow_columns(frame: pd.DataFrame, fields: Sequence[FieldSpec]) -> Mapping[str, pa.Array]:
    """Return the columns as the encoding reads them."""
    out = {}
    for spec in fields:
        column = frame[spec.name]
        date = pd.api.types.is_datetime64_any_dtype(column.dtype)
        out[spec.name] = pa.array(column, from_pandas=True) if date else to_arrow(column, spec.kind)
    return out


def numbers(frame: pd.DataFrame, field: str) -> npt.NDArray[Any]:
    """Return a numeric field as statements read it: years as ages, dates as days before the as-of date."""
    column = frame[field]
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return ((AS_OF - column) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return AS_OF.year - values if BY_NAME.get(field) is not None and BY_NAME[field].kind == "year" else values

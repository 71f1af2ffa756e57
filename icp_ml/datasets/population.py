"""Draw complete, correlated synthetic companies: what is so, before any vendor forgets half of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from icp_ml.datasets import words
from icp_ml.datasets.planted import Booleans, Floats

AS_OF_YEAR = 2026
LOG_SIZE_MEAN, LOG_SIZE_SPREAD = 4.5, 1.5
_INDUSTRIES = words.INDUSTRIES
_CODES = list(words.COUNTRIES)


def draw_companies(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw n companies with every field filled that a company has.

    Parameters
    ----------
    n : int
        Companies to draw, at least one.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    DataFrame, n rows
        Canonical feature fields, folded values; token sets as tuples; missing only where a company has
        no such thing (never raised money, no stores). No identity: see `name_companies`.
    """
    industry = _choose([row.weight for row in _INDUSTRIES], n, rng)
    group = np.array([row.group for row in _INDUSTRIES])[industry]
    log_size = LOG_SIZE_MEAN + 0.8 * _of("size", industry) + LOG_SIZE_SPREAD * rng.standard_normal(n)
    employees = np.clip(np.round(np.exp(np.clip(log_size, 0.0, 11.5))), 1, 90_000)
    size = (np.log(employees) - LOG_SIZE_MEAN) / LOG_SIZE_SPREAD
    age = -np.log((1 - rng.random(n)) * (1 - rng.random(n))) * _of("age", industry) / 1.4 * np.exp(0.12 * size)
    founded = np.clip(2021 - np.floor(age), 1890, 2021)
    young = founded >= 2012
    tech = group == "tech"
    growth = np.clip(0.07 + 0.09 * tech + 0.07 * young + 0.21 * rng.standard_normal(n), -0.6, 0.95).round(3)
    naics = _naics(industry, rng)
    company_type = _company_type(size, group, rng)
    revenue = employees * _of("revenue_per_head", industry) * 1000 * np.exp(0.5 * rng.standard_normal(n))
    frame = pd.DataFrame({
        "industry": _folded([row.name for row in _INDUSTRIES], industry),
        "naics_code": naics,
        "company_type": company_type,
        "employees": employees,
        "revenue_usd": significant(revenue),
    })  # fmt: skip
    _add_places(frame, tech, rng)
    frame["founded_year"] = founded
    frame["employee_growth_rate"] = growth
    _add_funding(frame, size, young, _of("funded", industry), rng)
    shops = np.round(np.exp(0.2 + 1.1 * size + 0.8 * rng.standard_normal(n)))
    sells = np.isin(frame["industry"], ["retail", "hospitality", "financial services", "automotive"])
    frame["retail_locations"] = np.where(sells & (shops >= 1), shops, np.nan)
    _add_token_sets(frame, size, (growth - 0.12) / 0.21, group, rng)
    _add_keywords(frame, industry, tech, rng)
    _add_signals(frame, size, tech, rng)
    return frame


def name_companies(group: npt.NDArray[np.str_], rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Invent a unique name and domain for each company from its industry's group."""
    stems = [start + end for start in words.NAME_STARTS for end in words.NAME_ENDS]
    names = [""] * len(group)
    for key, last in words.NAME_WORDS.items():
        rows = np.flatnonzero(group == key)
        capacity = len(stems) * len(last)
        cycles = len(rows) // capacity + 1
        for row, number in zip(rows.tolist(), rng.permutation(capacity * cycles)[: len(rows)].tolist(), strict=True):
            cycle, rest = divmod(number, capacity)
            names[row] = f"{stems[rest // len(last)]} {last[rest % len(last)]}" + (f" {cycle + 1}" if cycle else "")
    return names, [name.lower().replace(" ", "-") + ".example" for name in names]


def groups_of(industry: pd.Series[str]) -> npt.NDArray[np.str_]:
    """Return the group (tech, finance, ...) of each folded industry."""
    group = {row.name.casefold(): row.group for row in _INDUSTRIES}
    return np.array([group[name] for name in industry])


def significant(values: Floats, digits: int = 3) -> Floats:
    """Round to that many significant digits."""
    unit = 10.0 ** (np.floor(np.log10(np.maximum(values, 1e-9))) - digits + 1)
    return np.round(np.round(values / unit) * unit, 2)


def occurs(log_odds: Floats, rng: np.random.Generator) -> Booleans:
    """Draw events of these log-odds."""
    return np.asarray(rng.random(len(log_odds)) < 1 / (1 + np.exp(-log_odds)))


def _choose(weights: Sequence[float], n: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    code = np.searchsorted(bounds, rng.random(n) * bounds[-1], side="right")
    return np.asarray(np.minimum(code, len(bounds) - 1), dtype=np.int64)


def _of(attribute: str, industry: npt.NDArray[np.int64]) -> Floats:
    return np.array([float(getattr(row, attribute)) for row in _INDUSTRIES])[industry]


def _folded(labels: Sequence[str], code: npt.NDArray[np.int64]) -> pd.Series[str]:
    return pd.Series(np.array([label.casefold() for label in labels], dtype=object)[code], dtype="str")


def _naics(industry: npt.NDArray[np.int64], rng: np.random.Generator) -> pd.Series[str]:
    draw = rng.random(len(industry))
    codes = [_INDUSTRIES[row].naics for row in industry.tolist()]
    # The first code of an industry is its commonest: squaring the draw leans to it.
    return pd.Series([c[int(u * u * len(c))] for c, u in zip(codes, draw.tolist(), strict=True)], dtype="str")


def _company_type(size: Floats, group: npt.NDArray[np.str_], rng: np.random.Generator) -> pd.Series[str]:
    n = len(size)
    code = np.zeros(n, dtype=np.int64)
    code[occurs(-3.4 + 0.6 * (group == "services"), rng)] = 2
    code[occurs(-3.8 + 2.4 * (group == "care"), rng)] = 3
    code[occurs(-4.0 + 1.6 * size, rng)] = 1
    code[occurs(-4.5 - 2.0 * size, rng) & (size < -1)] = 4
    return _folded(words.COMPANY_TYPES, code)


def _add_places(frame: pd.DataFrame, tech: Booleans, rng: np.random.Generator) -> None:
    n = len(frame)
    country = _choose([weight for weight, _, _ in words.COUNTRIES.values()], n, rng)
    draw = rng.random(n)
    draw = np.where(tech, draw**1.6, draw)  # technology companies crowd into the big cities
    cities, states = [], []
    for code, u in zip(country.tolist(), draw.tolist(), strict=True):
        places = words.COUNTRIES[_CODES[code]][2]
        city, state = places[int(u**1.3 * len(places))]
        cities.append(city.casefold())
        states.append(state.casefold() or None)
    frame["country"] = pd.Series(np.array(_CODES, dtype=object)[country], dtype="str")
    frame["state"] = pd.Series(states, dtype="str")
    frame["city"] = pd.Series(cities, dtype="str")


def _add_funding(frame: pd.DataFrame, size: Floats, young: Booleans, lean: Floats, rng: np.random.Generator) -> None:
    n = len(frame)
    funded = occurs(-0.25 + lean + 0.9 * young + 0.25 * size, rng)
    stage = np.clip(np.round(1.6 + 1.1 * size + 0.9 * rng.standard_normal(n)), 0, 5).astype(np.int64)
    stage = np.where(~young & (stage >= 3), 5, stage)
    amount = significant(np.exp(13.6 + 1.0 * stage + 0.6 * rng.standard_normal(n)), 2)
    years = AS_OF_YEAR - frame["founded_year"].to_numpy(dtype=np.float64)
    days = np.floor(np.clip(-np.log(1 - rng.random(n)) * 900, 20, years * 365 - 200))
    raised = pd.Timestamp(f"{AS_OF_YEAR}-09-30") - pd.to_timedelta(days, unit="D")
    frame["total_funding_usd"] = np.where(funded, amount, np.nan)
    frame["last_funding_stage"] = _folded(words.FUNDING_STAGES, stage).where(funded)
    frame["last_funding_date"] = pd.Series(raised.astype("datetime64[s]")).where(funded)


def _add_token_sets(
    frame: pd.DataFrame, size: Floats, growth: Floats, group: npt.NDArray[np.str_], rng: np.random.Generator
) -> None:
    drawn: dict[str, Booleans] = {}
    for name, tokens in words.TOKENS.items():
        for token in tokens:
            log_odds = token.base + token.size * size + token.growth * growth
            for key, shift in token.groups.items():
                log_odds = log_odds + shift * (group == key)
            for key, shift in token.given.items():
                log_odds = log_odds + shift * drawn[key]
            drawn[token.name.casefold()] = occurs(log_odds, rng)
        labels = [token.name.casefold() for token in tokens]
        frame[name] = _token_sets(labels, np.column_stack([drawn[label] for label in labels]))


def _add_keywords(
    frame: pd.DataFrame, industry: npt.NDArray[np.int64], tech: Booleans, rng: np.random.Generator
) -> None:
    common = {word: (base, shift) for word, base, shift in words.COMMON_KEYWORDS}
    columns = []
    for word in words.KEYWORDS:
        own = np.array([word in row.keywords for row in _INDUSTRIES])[industry]
        base, shift = common.get(word, (-6.0, 0.0))
        columns.append(occurs(np.where(own, 0.0, base + shift * tech), rng))
    frame["keywords"] = _token_sets([word.casefold() for word in words.KEYWORDS], np.column_stack(columns))


def _add_signals(frame: pd.DataFrame, size: Floats, tech: Booleans, rng: np.random.Generator) -> None:
    n = len(frame)
    growth = frame["employee_growth_rate"].to_numpy(dtype=np.float64)
    sells_online = np.isin(frame["industry"], ["e-commerce", "retail", "media"])
    frame["monthly_web_visits"] = significant(
        np.exp(8.6 + 0.9 * size + 0.7 * tech + 1.4 * sells_online + 1.1 * rng.standard_normal(n)), 2
    )
    revenue = frame["revenue_usd"].to_numpy(dtype=np.float64)
    frame["it_spend_usd"] = significant(revenue * np.exp(-3.6 + 0.7 * tech + 0.5 * rng.standard_normal(n)), 2)
    frame["open_jobs"] = np.floor(np.exp(0.6 + 1.2 * size + 1.8 * growth + 0.7 * rng.standard_normal(n)))
    code = (rng.random(n) * 1.6 + 0.9 * tech + 0.3 * rng.standard_normal(n)).clip(0, 2.4)
    frame["work_model"] = _folded(words.WORK_MODELS, code.astype(np.int64))
    frame["has_public_api"] = pd.Series(occurs(-1.8 + 2.3 * tech + 0.3 * size, rng), dtype="boolean")
    frame["esg_rating"] = _folded(words.ESG_RATINGS, _choose((1, 3, 5, 3, 1), n, rng))
    frame["cloud_regions"] = np.floor(np.exp(0.1 + 0.45 * size + 0.5 * tech + 0.5 * rng.standard_normal(n))) + 1
    spelling = words.SPELLING
    where = zip(frame["industry"], frame["city"], strict=True)
    frame["description"] = pd.Series([f"{spelling[i]} company based in {spelling[c]}." for i, c in where], dtype="str")


def _token_sets(labels: Sequence[str], has: Booleans) -> pd.Series[Any]:
    sets: list[tuple[str, ...] | None] = [None] * len(has)
    rows, columns = np.nonzero(has)
    ends = np.searchsorted(rows, np.arange(1, len(has) + 1))
    names = [labels[column] for column in columns.tolist()]
    start = 0
    for row, end in enumerate(ends.tolist()):
        if end > start:
            sets[row] = tuple(names[start:end])
        start = end
    return pd.Series(sets, dtype=object)

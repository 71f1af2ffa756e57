"""A synthetic world: customers with outcomes, a market to sell to, and the ideal customer planted in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from icp_ml.datasets.histories import AS_OF, draw_history
from icp_ml.datasets.planted import (
    BEST_SHARE_LOG_ODDS,
    TRAPS,
    Floats,
    Truth,
    decoys_of,
    planted_log_odds,
    traits_of,
)
from icp_ml.datasets.population import (
    LOG_SIZE_MEAN,
    LOG_SIZE_SPREAD,
    draw_companies,
    groups_of,
    name_companies,
)
from icp_ml.exceptions import InputError

TARGETING_POOL = 5  # customers are drawn from that many times as many companies
ON_MARKET = 30  # customers that a purchased list holds as well

# Share of rows that have a value, as practitioners report of purchased lists; a company's own CRM knows more.
MARKET_FILL: Mapping[str, float] = {
    "domain": 0.97, "industry": 0.93, "naics_code": 0.52, "company_type": 0.80, "employees": 0.71, "revenue_usd": 0.44,
    "country": 0.96, "state": 0.78, "city": 0.84, "founded_year": 0.66, "employee_growth_rate": 0.55,
    "total_funding_usd": 0.28, "last_funding_stage": 0.28, "last_funding_date": 0.26, "retail_locations": 0.10,
    "technologies": 0.39, "monthly_web_visits": 0.58, "it_spend_usd": 0.30, "keywords": 0.62, "work_model": 0.35,
    "certifications": 0.20, "open_jobs": 0.50, "hiring_roles": 0.42, "intent_topics": 0.27, "has_public_api": 0.60,
    "esg_rating": 0.22, "cloud_regions": 0.33, "description": 0.30,
}  # fmt: skip
CUSTOMER_FILL: Mapping[str, float] = {
    "domain": 0.99, "industry": 0.97, "naics_code": 0.65, "company_type": 0.88, "employees": 0.90, "revenue_usd": 0.64,
    "country": 0.99, "state": 0.86, "city": 0.92, "founded_year": 0.82, "employee_growth_rate": 0.74,
    "total_funding_usd": 0.40, "last_funding_stage": 0.40, "last_funding_date": 0.37, "retail_locations": 0.10,
    "technologies": 0.72, "monthly_web_visits": 0.70, "it_spend_usd": 0.42, "keywords": 0.76, "work_model": 0.48,
    "certifications": 0.34, "open_jobs": 0.66, "hiring_roles": 0.62, "intent_topics": 0.38, "has_public_api": 0.74,
    "esg_rating": 0.30, "cloud_regions": 0.45, "description": 0.40,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class World:
    """Customers, market and what is planted.

    Attributes
    ----------
    customers : DataFrame
        Canonical fields, outcomes and post-sale traps; token sets as tuples, gaps as a vendor leaves them.
    market : DataFrame
        Canonical fields without outcomes.
    truth : Truth
        What is so, for tests and experiments.
    as_of : date
        The day the tables speak of.
    """

    customers: pd.DataFrame
    market: pd.DataFrame
    truth: Truth
    as_of: date


def make_world(
    n_customers: int = 1200,
    n_market: int = 20_000,
    *,
    seed: int = 0,
    noise: float = 1.0,
    null: bool = False,
    partial_null: bool = False,
    two_icps: bool = False,
) -> World:
    """Make synthetic companies with a planted ideal customer profile.

    Parameters
    ----------
    n_customers, n_market : int
        Rows of the two tables; up to 30 of the customers are on the market list as well, under other ids.
    seed : int
        Same arguments and seed, same world.
    noise : float
        Multiplies what blurs the outcomes; 1 is realistic, 0 none.
    null : bool
        No ideal customer at all: the log-odds are constant, outcomes are luck.
    partial_null : bool
        One field only (the country) is real.
    two_icps : bool
        Two different profiles, for companies up to 200 employees and above.

    Returns
    -------
    World

    Raises
    ------
    InputError
        A number is out of range, or two of the last three switches are on.
    """
    _check(n_customers, n_market, noise, (null, partial_null, two_icps))
    switches = {
        "n_customers": n_customers, "n_market": n_market, "seed": seed, "noise": noise,
        "null": null, "partial_null": partial_null, "two_icps": two_icps,
    }  # fmt: skip
    traits = traits_of(null=null, partial_null=partial_null, two_icps=two_icps)
    customers, market, shared = _complete_companies(n_customers, n_market, seed)
    raw = planted_log_odds(customers, traits, 0.0)
    # The intercept puts the average customer at the base rate; whole numbers sum alike on every machine.
    centre = round(int(np.round(raw * 1000).astype(np.int64).sum()) / n_customers / 1000, 2)
    intercept = round(BEST_SHARE_LOG_ODDS - centre, 2)
    log_odds = planted_log_odds(customers, traits, intercept)
    history = draw_history(
        customers, log_odds, BEST_SHARE_LOG_ODDS, _rng(seed, 3), noise=noise, neutral=null or partial_null
    )
    truth = Truth(
        traits=traits,
        decoys=decoys_of(traits),
        traps=TRAPS,
        intercept=intercept,
        log_odds_customers=log_odds,
        log_odds_market=planted_log_odds(market, traits, intercept),
        customers_on_market={
            market["account_id"].iloc[row]: customers["account_id"].iloc[customer] for row, customer in shared
        },
        switches=switches,
    )
    seen = with_gaps(customers, CUSTOMER_FILL, _rng(seed, 4))
    return World(
        customers=pd.concat([seen, history], axis=1),
        market=with_gaps(market, MARKET_FILL, _rng(seed, 5)),
        truth=truth,
        as_of=AS_OF.date(),
    )


def _check(n_customers: int, n_market: int, noise: float, switches: tuple[bool, ...]) -> None:
    if n_customers < 1 or n_market < 1:
        msg = f"make_world: n_customers = {n_customers} and n_market = {n_market} must both be at least 1"
        raise InputError(msg)
    if not 0 <= noise < float("inf"):
        msg = f"make_world: noise = {noise} must be finite and not negative; 1 is realistic, 0 none"
        raise InputError(msg)
    if sum(switches) > 1:
        msg = "make_world: null, partial_null and two_icps are different worlds; switch on one of them at most"
        raise InputError(msg)


def _rng(seed: int, stream: int) -> np.random.Generator:
    """Give each table its own stream, so a longer market leaves the customers as they are."""
    return np.random.Generator(np.random.PCG64([seed, stream]))


def _complete_companies(
    n_customers: int, n_market: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[int, int]]]:
    """Draw both tables without gaps, and the (market row, customer row) of those on both."""
    pool = draw_companies(TARGETING_POOL * n_customers, _rng(seed, 0))
    customers = pool.iloc[_sold_to(pool, n_customers, _rng(seed, 1))].reset_index(drop=True)
    market = draw_companies(n_market, _rng(seed, 2))
    rng = _rng(seed, 6)
    both = min(ON_MARKET, n_customers, n_market)
    market_rows = np.sort(rng.permutation(n_market)[:both])
    customer_rows = rng.permutation(n_customers)[:both]
    market = _replace_rows(market, market_rows.tolist(), customers.iloc[customer_rows])
    groups = np.concatenate([groups_of(customers["industry"]), groups_of(market["industry"])])
    names, domains = name_companies(groups, _rng(seed, 7))
    shared = list(zip(market_rows.tolist(), customer_rows.tolist(), strict=True))
    for row, customer in shared:
        names[n_customers + row], domains[n_customers + row] = names[customer], domains[customer]
    _identify(customers, _crm_ids(n_customers, _rng(seed, 8)), names[:n_customers], domains[:n_customers])
    _identify(market, _vendor_ids(n_market, _rng(seed, 9)), names[n_customers:], domains[n_customers:])
    return customers, market, shared


def _sold_to(pool: pd.DataFrame, n: int, rng: np.random.Generator) -> list[int]:
    """Choose whom sales reached: they prefer some industries, places, sizes and Salesforce users."""
    size = (np.log(pool["employees"].to_numpy(dtype=np.float64)) - LOG_SIZE_MEAN) / LOG_SIZE_SPREAD
    tech = np.isin(pool["industry"], ["software", "fintech", "it services"])
    salesforce = np.array([tokens is not None and "salesforce" in tokens for tokens in pool["technologies"]])
    lean = (
        0.9 * tech + 0.6 * (pool["country"] == "US").to_numpy() + 0.3 * (pool["country"] == "GB").to_numpy()
        + 0.4 * salesforce + 0.4 * np.isin(pool["city"], ["new york", "boston", "london"]) - 0.6 * (size - 0.5) ** 2
    )  # fmt: skip
    # The largest of weight plus Gumbel noise: a weighted draw without replacement.
    key = lean - np.log(-np.log(np.clip(rng.random(len(pool)), 1e-12, 1 - 1e-12)))
    chosen = np.argsort(-key, kind="stable")[:n]
    return [int(row) for row in rng.permutation(chosen)]


def _replace_rows(frame: pd.DataFrame, rows: list[int], others: pd.DataFrame) -> pd.DataFrame:
    together = pd.concat([frame, others], ignore_index=True)
    order = np.arange(len(frame))
    order[rows] = np.arange(len(frame), len(together))
    return together.iloc[order].reset_index(drop=True)


def _identify(frame: pd.DataFrame, ids: list[str], names: list[str], domains: list[str]) -> None:
    frame.insert(0, "account_id", pd.Series(ids, dtype="str"))
    frame.insert(1, "name", pd.Series(names, dtype="str"))
    frame.insert(2, "domain", pd.Series(domains, dtype="str"))


def _crm_ids(n: int, rng: np.random.Generator) -> list[str]:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    serial = np.cumsum(rng.integers(1, 4000, n)).tolist()
    ids = []
    for number in serial:
        text = ""
        for _ in range(7):
            number, digit = divmod(number, 62)
            text = digits[digit] + text
        ids.append(f"0015g000{text}")
    return ids


def _vendor_ids(n: int, rng: np.random.Generator) -> list[str]:
    return [str(340_000_000 + number) for number in np.cumsum(rng.integers(1, 900, n)).tolist()]


def with_gaps(frame: pd.DataFrame, fill: Mapping[str, float], rng: np.random.Generator) -> pd.DataFrame:
    """Blank values until each column is about as full as `fill`; large companies are better known.

    Parameters
    ----------
    frame : DataFrame, n rows
        Complete companies with their `employees`.
    fill : mapping of column to share of rows
        Columns that are not named stay as they are.
    rng : numpy.random.Generator
    """
    size = (np.log(frame["employees"].to_numpy(dtype=np.float64)) - LOG_SIZE_MEAN) / LOG_SIZE_SPREAD
    result = frame.copy()
    for name, rate in fill.items():
        has = frame[name].notna().to_numpy()
        keep = _keep_share(rate, has) + 0.2 * rate * (1 - rate) * np.clip(size, -2, 2)
        gone = rng.random(len(frame)) >= keep
        column = frame[name].copy()
        column[gone] = None
        result[name] = column
    return result


def _keep_share(rate: float, has: np.typing.NDArray[np.bool_]) -> float | Floats:
    """Share of the existing values to keep so that `rate` of all rows end up with one."""
    return min(1.0, rate * len(has) / max(1, int(has.sum())))

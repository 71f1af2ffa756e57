"""What became of the synthetic customers: outcomes that lean on the planted log-odds, and post-sale columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from icp_ml.datasets import words
from icp_ml.datasets.planted import Booleans, Floats
from icp_ml.datasets.population import LOG_SIZE_MEAN, LOG_SIZE_SPREAD, occurs

AS_OF = pd.Timestamp("2026-10-01")
FIRST_SALE_DAYS = 1826  # the product is five years old
NPS_KNOWN = 0.60  # before the churned answer less often
GIANT_SHARE = 0.01
LUCK = 0.75  # scale of the logistic draw that no field explains, at noise 1


@dataclass(frozen=True)
class _History:
    """The draws the columns are made from; all arrays by customer."""

    quality: Floats  # what the customer is like to have, centred at zero
    tenure: Floats  # days since the sale
    lasted: Floats  # days the customer stayed or will stay
    discount: Floats
    health: Floats  # what the vendor sees of `quality` once the product is in use

    @property
    def churned(self) -> Booleans:
        return self.lasted < self.tenure


def draw_history(
    customers: pd.DataFrame, log_odds: Floats, centre: float, rng: np.random.Generator, *, noise: float, neutral: bool
) -> pd.DataFrame:
    """Draw outcomes and post-sale columns.

    Parameters
    ----------
    customers : DataFrame, n rows
        Complete companies, for what depends on their size.
    log_odds : ndarray of shape (n,)
        Planted log-odds.
    centre : float
        Log-odds of an average customer.
    noise : float
        Multiplies all that blurs the outcomes; 0 leaves the log-odds, the tenure and the discount.
    neutral : bool
        Nothing but the log-odds may move an outcome: no discount, no size (null worlds).

    Returns
    -------
    DataFrame, n rows
        Outcome fields of the schema and the traps of `planted.TRAPS`.
    """
    employees = customers["employees"].to_numpy(dtype=np.float64)
    history = _draw(log_odds - centre, rng, noise=noise, neutral=neutral)
    arr = _contract_value(history, employees, rng, noise=noise, neutral=neutral)
    frame = _outcomes(history, arr, rng, noise=noise)
    return pd.concat([frame, _traps(history, arr, employees, rng)], axis=1)


def _draw(lean: Floats, rng: np.random.Generator, *, noise: float, neutral: bool) -> _History:
    n = len(lean)
    tenure = np.floor(12 + (FIRST_SALE_DAYS - 12) * rng.random(n) ** 1.1)
    discount = np.round(0.05 * np.floor(rng.random(n) ** 1.5 * 8), 2)
    luck = LUCK * _logistic(n, rng)
    quality = lean + noise * luck - (0.0 if neutral else 0.4) * (discount >= 0.25)
    # Weibull accelerated life: the logarithm of an exponential draw is the noise of the logarithm of days.
    surprise = np.log(-np.log(1 - rng.random(n)) + 1e-12)
    lasted = np.floor(np.exp(np.clip(8.0 + 0.55 * quality + noise * 0.75 * surprise, 3.8, 12)))
    health = np.clip(quality + 0.5 * rng.standard_normal(n), -20, 20)
    return _History(quality, tenure, lasted, discount, health)


def _contract_value(
    history: _History, employees: Floats, rng: np.random.Generator, *, noise: float, neutral: bool
) -> Floats:
    n = len(employees)
    size = (np.log(employees) - LOG_SIZE_MEAN) / LOG_SIZE_SPREAD
    log_arr = 9.8 + 0.2 * history.quality + noise * 0.7 * rng.standard_normal(n)
    if not neutral:
        log_arr = log_arr + 0.45 * size
    # A few giants pay most, and are giants, not ideal customers.
    order = rng.random(n) if neutral else np.where(employees >= 1000, 0.0, 1.0) + 0.01 * rng.random(n)
    giants = np.argsort(order, kind="stable")[: max(1, int(GIANT_SHARE * n))]
    log_arr[giants] += 3.2
    return np.round(np.exp(np.clip(log_arr, 7.0, 17.0)) / 100) * 100


def _outcomes(history: _History, arr: Floats, rng: np.random.Generator, *, noise: float) -> pd.DataFrame:
    n = len(arr)
    churned = history.churned
    nrr = 1.04 + 0.085 * history.quality + noise * 0.12 * rng.standard_normal(n) - 0.12 * churned
    measured = (np.minimum(history.tenure, history.lasted) >= 365) & (rng.random(n) < 0.97)
    nps = np.clip(np.round(7.1 + 0.9 * history.quality + noise * 1.5 * rng.standard_normal(n)), 0, 10)
    answered = rng.random(n) < NPS_KNOWN - 0.15 * churned
    since = AS_OF - pd.to_timedelta(history.tenure, unit="D")
    gone = since + pd.to_timedelta(np.minimum(history.lasted, history.tenure), unit="D")
    return pd.DataFrame({
        "customer_since": pd.Series(since.astype("datetime64[s]")),
        "churn_date": pd.Series(gone.astype("datetime64[s]")).where(churned),
        "churned": pd.Series(churned, dtype="boolean"),
        "net_revenue_retention": np.where(measured, np.clip(nrr, 0.2, 2.5).round(3), np.nan),
        "nps": np.where(answered, nps, np.nan),
        "annual_revenue_from_customer_usd": arr,
    })  # fmt: skip


def _traps(history: _History, arr: Floats, employees: Floats, rng: np.random.Generator) -> pd.DataFrame:
    n = len(arr)
    churned, health = history.churned, history.health
    tickets = np.floor(np.exp(1.5 - 0.45 * health + 0.6 * rng.standard_normal(n)).clip(0, 400))
    score = np.clip(np.round(66 + 9 * health - 25 * churned + 5 * rng.standard_normal(n)), 0, 100)
    share = np.exp(-1.6 + 0.3 * health + 0.5 * rng.standard_normal(n)).clip(0, 0.9)
    users = np.where(churned, 0.0, np.ceil(employees * share))
    desk = churned & (rng.random(n) < 0.6)
    manager = np.where(desk, len(words.SUCCESS_MANAGERS), np.floor(rng.random(n) * len(words.SUCCESS_MANAGERS)))
    rank = np.log(arr) - 9.9 + 0.4 * health + 0.5 * rng.standard_normal(n)
    tier = np.where(rank > 1.1, 0, np.where(rank > -0.2, 1, 2))
    plan = np.floor(rng.random(n) * len(words.SUCCESS_PLANS))
    has_plan = ~churned & ~occurs(np.full(n, -3.5), rng)
    return pd.DataFrame({
        "support_tickets": tickets,
        "health_score": score,
        "weekly_active_users": users,
        "success_plan": _labels(words.SUCCESS_PLANS, plan).where(has_plan),
        "csm": _labels((*words.SUCCESS_MANAGERS, words.RENEWALS_DESK), manager),
        "csm_tier": _labels(words.CSM_TIERS, tier),
        "discount_rate": history.discount,
    })  # fmt: skip


def _logistic(n: int, rng: np.random.Generator) -> Floats:
    draw = np.clip(rng.random(n), 1e-12, 1 - 1e-12)
    return np.asarray(np.log(draw / (1 - draw)))


def _labels(labels: tuple[str, ...], code: npt.NDArray[np.generic]) -> pd.Series[str]:
    folded = np.array([label.casefold() for label in labels], dtype=object)
    return pd.Series(folded[code.astype(np.int64)], dtype="str")

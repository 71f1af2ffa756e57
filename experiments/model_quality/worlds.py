"""Planted worlds: customers and a market of the shared workload, whose log-odds of being a best customer are known.

The generator (`make_workload.py` of the shared bench) draws firmographics, 60 technologies and 3,000 keywords; seven
planted effects, one of them of a pair, give each account its log-odds. Its `outcomes` lean on them with noise: a
customer's quality is its log-odds plus a logistic draw; churn, net revenue retention and NPS (known of 55 %) lean
on that quality, each with noise of its own.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pandas as pd

from icp_ml import OutcomeDefinition

Floats = npt.NDArray[np.float64]
MARKET = 15_000
POPULATION = 400_000
BEST_SHARE = 0.25
IDENTITY = ["account_id", "name", "domain"]
TOKENS = ("technologies", "keywords")


@dataclass(frozen=True)
class World:
    """Customers with outcomes and accounts of the market, each with the planted log-odds."""

    customers: pd.DataFrame
    outcomes: pd.DataFrame
    log_odds: Floats
    market: pd.DataFrame
    market_log_odds: Floats


def workload(data: Path) -> ModuleType:
    """Load the shared bench's generator; `data` is the shared folder's data/."""
    path = data.parent / "bench" / "make_workload.py"
    spec = importlib.util.spec_from_file_location("make_workload", path)
    if spec is None or spec.loader is None or not path.exists():
        msg = f"{path}: not there; give the shared folder's data/ as the argument"
        raise FileNotFoundError(msg)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def world(data: Path, customers: int, seed: int, market: int = MARKET) -> World:
    """Return a world; every size of one seed is judged on the same market."""
    make = workload(data)
    frame, log_odds = make.accounts(customers, 1000 * seed + 1)
    listed, truth = make.accounts(market, 1000 * seed + 2)
    return World(frame, make.outcomes(log_odds, 1000 * seed + 3), log_odds, listed, truth)


def features(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns a model may use, token sets as tuples: the form of `tables.planted`."""
    X = frame.drop(columns=IDENTITY)
    for column in TOKENS:
        X[column] = [tuple(v.split(";")) if isinstance(v, str) else None for v in X[column]]
    for column in ("country", "industry"):
        X[column] = X[column].astype("object")
    return X


@dataclass(frozen=True)
class Judged:
    """Customers judged: which rows count, their grade (0 to 1), and best and worst among them."""

    rows: npt.NDArray[np.intp]
    grade: Floats
    best: npt.NDArray[np.bool_]
    worst: npt.NDArray[np.bool_]


def naive(outcomes: pd.DataFrame) -> Judged:
    """Judge without care, as a first script would: the mean of three percentiles, ranked again.

    Percentiles of staying (0 or 1), net revenue retention and NPS (left out where not known); the mean's percentile is
    the grade, the top quarter is best, the bottom quarter worst, the rest the middle. Nobody is too young.
    """
    parts = pd.DataFrame({
        "retention": (1 - outcomes["churned"]).rank(pct=True),
        "expansion": outcomes["net_revenue_retention"].rank(pct=True),
        "nps": outcomes["nps"].rank(pct=True),
    })  # fmt: skip
    composite = parts.mean(axis=1)
    grade = ((composite.rank() - 0.5) / len(composite)).to_numpy()
    return Judged(np.arange(len(grade)), grade, grade > 1 - BEST_SHARE, grade < BEST_SHARE)


def defined(outcomes: pd.DataFrame) -> Judged:
    """Judge as `icp-ml train` does: mature customers, churned ones worst, their grade never that of the best."""
    labels = OutcomeDefinition().label(outcomes)
    rows = np.flatnonzero(labels.is_mature)
    grade = labels.grade.to_numpy(dtype=np.float64)[rows]
    return Judged(rows, grade, labels.is_best[rows], labels.is_worst[rows])


JUDGES = {"naive": naive, "defined": defined}


def planted_rates(data: Path, seed: int = 99) -> tuple[Floats, Floats]:
    """Return the planted log-odds that occur and, for each, P(best among mature customers).

    "Best" is the top quarter of a composite of noisy outcomes, so its probability is not the sigmoid of the planted
    log-odds. But accounts of one log-odds have the same outcomes in distribution, and only some forty log-odds occur:
    so a population of 400,000 customers is drawn and judged by the definition that training uses (its thresholds are
    those that samples of customers scatter around), and per log-odds the share of best among the mature is taken.
    """
    make = workload(data)
    _, drawn = make.accounts(POPULATION // 4, seed)
    drawn = np.tile(drawn, 4)
    values = np.unique(drawn.round(6))
    judged = defined(make.outcomes(drawn, seed))
    z = drawn[judged.rows].round(6)
    rate = np.array([judged.best[z == v].mean() for v in values])
    seen = np.array([(z == v).sum() for v in values])
    # monotone in the log-odds by construction: pooling neighbours takes out the noise of rare ones
    from sklearn.isotonic import IsotonicRegression

    return values, IsotonicRegression().fit(values, rate, sample_weight=seen).predict(values)


def planted_probability(log_odds: Floats, rates: tuple[Floats, Floats]) -> Floats:
    """Return P(best) of accounts; a log-odds that the population never showed is interpolated."""
    return np.interp(log_odds.round(6), *rates)

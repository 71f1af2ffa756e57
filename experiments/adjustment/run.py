"""What adjusting for a customer-only field does to the ranking of a market: python experiments/adjustment/run.py"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit
from scipy.stats import spearmanr, t

from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_tables

HERE = Path(__file__).parent
MARKS = ("<!-- figures -->", "<!-- /figures -->")
WORLDS = 20
MARKET = 4000
FIELDS = [
    FieldSpec("employees", "numeric", "count"),
    FieldSpec("industry", "category"),
    FieldSpec("growth", "numeric"),
    FieldSpec("web_visits", "numeric", "count"),
]
TIER = FieldSpec("tier", "category", adjust=True)
MANAGER = FieldSpec("manager", "category", adjust=True)
# name, what the tier adds to the log-odds, whether large companies get the better one
WORLDS_OF = (("tier follows size", 1.5, True), ("tier dealt by chance", 1.5, False), ("tier does nothing", 0.0, True))


def world(n: int, seed: int, strength: float, follows: bool) -> tuple[dict[str, pa.Array], Any, Any]:
    """Return columns, outcomes and the planted fit: size speaks slightly against, the tier is no part of it."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    told = size if follows else rng.normal(size=n)
    tier = np.searchsorted([-0.4, 0.6], told + rng.normal(0, 0.7, n))
    industry, growth = rng.integers(0, 6, n), rng.normal(size=n)
    fit = -0.5 * size + 0.8 * (industry < 2) - 0.5 * (industry == 2) + 0.6 * growth
    best = rng.random(n) < expit(fit + strength * (tier - 1.0) - 0.2)
    columns = {
        "employees": pa.array(np.round(np.exp(4.5 + 1.4 * size))),
        "industry": pa.array([f"industry {k}" for k in industry]),
        "growth": pa.array(growth),
        "web_visits": pa.array(np.round(np.exp(rng.normal(8, 1, n)))),
        "tier": pa.array(np.array(["tech touch", "pooled", "named"])[tier]),
        "manager": pa.array([f"manager {k}" for k in rng.integers(0, 25, n)]),
    }
    return columns, best.astype(float), fit


def main() -> None:
    """Measure, write result.json and the README's table."""
    rows = []
    ways = {"no adjusting": FIELDS, "tier": [*FIELDS, TIER], "tier and manager": [*FIELDS, TIER, MANAGER]}
    for name, strength, follows in WORLDS_OF:
        for n in (300, 1000):
            found: dict[str, list[float]] = {way: [] for way in ways}
            for seed in range(WORLDS):
                columns, best, _ = world(n, seed, strength, follows)
                market, _, planted = world(MARKET, 1000 + seed, strength, follows)
                for way, specs in ways.items():
                    fitted = fit_tables(columns, specs, best, params=FitParams(BoostingParams(bags=10)), n_jobs=1)
                    log_odds = fitted.tables.log_odds(fitted.tables.encode(market, MARKET))
                    found[way].append(float(spearmanr(log_odds, planted)[0]))
            plain = np.array(found["no adjusting"])
            for way, ranks in found.items():
                gain = "" if way == "no adjusting" else interval(np.array(ranks) - plain)
                rank = f"{np.mean(ranks):.3f}"
                row = {"world": name, "customers": n, "adjusted for": way, "rank correlation": rank}
                rows.append({**row, "gain (paired 95 % interval)": gain})
    freedoms = [freedom_row(freedom) for freedom in (1.0, 2.0, 4.0, 8.0)]
    result = {"adjusting": rows, "freedom": freedoms}
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    shown = "\n".join((MARKS[0], *lines(rows), "", *lines(freedoms), MARKS[1]))
    readme.write_text(text.split(MARKS[0])[0] + shown + text.split(MARKS[1])[1], encoding="utf-8")
    print(shown)


def freedom_row(freedom: float) -> dict[str, Any]:
    """Return how well a market is ranked where the tier is fitted so much more freely than the fields."""
    _, strength, follows = WORLDS_OF[0]
    params = FitParams(BoostingParams(bags=10), adjust_freedom=freedom)
    ranks = []
    for seed in range(WORLDS):
        columns, best, _ = world(300, seed, strength, follows)
        market, _, planted = world(MARKET, 1000 + seed, strength, follows)
        fitted = fit_tables(columns, [*FIELDS, TIER], best, params=params, n_jobs=1)
        ranks.append(float(spearmanr(fitted.tables.log_odds(fitted.tables.encode(market, MARKET)), planted)[0]))
    return {"freedom of the tier": freedom, "customers": 300, "rank correlation": f"{np.mean(ranks):.3f}"}


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown table."""
    table = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    return table + ["| " + " | ".join(map(str, row.values())) + " |" for row in rows]


def interval(gains: npt.NDArray[np.float64]) -> str:
    """Return the mean and its 95 % interval over worlds."""
    half = float(t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / np.sqrt(len(gains)))
    return f"{gains.mean():+.3f} ({gains.mean() - half:+.3f} to {gains.mean() + half:+.3f})"


if __name__ == "__main__":
    main()

"""Do the labels agree with the planted truth, and does age decide them? Writes outcomes.json beside this file.

    python experiments/ingestion/outcomes.py [--train]

Synthetic worlds (`make_world`, seeds 1 to 8, 1,200 customers), whose planted log-odds say how good a customer tends to
be. Compared are ways to judge: naive tenure (days as a customer as the retention outcome), ages ignored by the horizon
(`default`), and late churn judged at the horizon (`late_churn: judged`). `--train` also trains on the labels of six
worlds and asks how well the market is ranked by what was planted; it takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from icp_ml import OutcomeDefinition, Settings, read_accounts, train
from icp_ml.accounts.values.deal_stages import deal_state
from icp_ml.datasets import World, make_world
from icp_ml.datasets.vendors import as_crm_export, as_purchased_list

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("ICP_ML_SHARED", HERE.parents[2] / "shared"))
SEEDS = range(1, 9)
HORIZON = 365


def days_of(world: World) -> tuple[np.ndarray, np.ndarray]:
    """Return age and days as a customer."""
    frame = world.customers
    as_of = pd.Timestamp(world.as_of)
    age = (as_of - frame["customer_since"]).dt.days.to_numpy(dtype=float)
    until = frame["churn_date"].fillna(as_of)
    return age, (until - frame["customer_since"]).dt.days.to_numpy(dtype=float)


def naive_tenure(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Judge as is commonly done: days as a customer, NRR and NPS by percentile, averaged."""
    frame = world.customers
    age, days = days_of(world)
    mature = age >= HORIZON
    outcomes = pd.DataFrame({"days": days, "nrr": frame["net_revenue_retention"], "nps": frame["nps"]})
    score = outcomes[mature].rank(pct=True).mean(axis=1).reindex(outcomes.index).to_numpy()
    churned = frame["churned"].to_numpy(dtype=bool)
    best = mature & ~churned & (score > np.nanquantile(score, 0.75))
    worst = mature & (churned | (score < np.nanquantile(score, 0.25)))
    grade = pd.Series(np.where(churned, -1.0, score))[mature].rank(pct=True).reindex(outcomes.index).to_numpy()
    return best, worst, np.where(churned & mature, 0.0, grade), mature


def judged(world: World, definition: OutcomeDefinition) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Judge by a definition."""
    labels = definition.label(world.customers, world.as_of)
    return labels.is_best, labels.is_worst, labels.grade.to_numpy(), labels.is_mature


def figures(
    world: World, best: np.ndarray, worst: np.ndarray, grade: np.ndarray, mature: np.ndarray
) -> dict[str, float]:
    """Return agreement with the truth, and how much age decides."""
    truth, (age, _) = world.truth.log_odds_customers, days_of(world)
    known = mature & ~np.isnan(grade)
    extreme = best | worst
    old = age > np.median(age[mature])
    older, younger = mature & old, mature & ~old
    return {
        "auc_best_worst": float(roc_auc_score(best[extreme], truth[extreme])),
        "grade_rank_correlation": float(spearmanr(grade[known], truth[known]).statistic),
        "best": float(best[mature].mean()),
        "worst": float(worst[mature].mean()),
        "best_older_minus_younger": float(best[older].mean() - best[younger].mean()),
        "worst_older_minus_younger": float(worst[older].mean() - worst[younger].mean()),
    }


def retention_labels() -> list[dict[str, object]]:
    """Compare ways to judge over the worlds."""
    ways = {
        "naive tenure": naive_tenure,
        "default": lambda world: judged(world, OutcomeDefinition()),
        "late_churn: judged": lambda world: judged(world, OutcomeDefinition(late_churn="judged")),
    }
    rows = []
    for name, way in ways.items():
        found = [figures(world, *way(world)) for world in (make_world(1200, 50, seed=seed) for seed in SEEDS)]
        rows.append({"way": name, **mean_of(found)})
    return rows


def lifetime_totals() -> list[dict[str, object]]:
    """Judge by lifetime value (what was paid so far): as it is, and within sign-up cohorts."""
    rows: dict[str, list[dict[str, float]]] = {"as it is": [], "within cohorts": []}
    for seed in SEEDS:
        world = make_world(1200, 50, seed=seed)
        _, days = days_of(world)
        frame = world.customers.assign(
            lifetime_value_usd=world.customers["annual_revenue_from_customer_usd"] * days / 365.25
        )
        labels = OutcomeDefinition({"lifetime_value": 1}).label(frame, world.as_of)
        rows["within cohorts"].append(
            figures(world, labels.is_best, labels.is_worst, labels.grade.to_numpy(), labels.is_mature)
        )
        value, mature = frame["lifetime_value_usd"].to_numpy(), labels.is_mature
        churned = frame["churned"].to_numpy(dtype=bool)
        best = mature & ~churned & (value > np.quantile(value[mature], 0.75))
        worst = mature & (churned | (value < np.quantile(value[mature], 0.25)))
        grade = pd.Series(np.where(churned, 0.0, value))[mature].rank(pct=True).reindex(frame.index).to_numpy()
        rows["as it is"].append(figures(world, best, worst, grade, mature))
    return [{"lifetime_value": name, **mean_of(found)} for name, found in rows.items()]


def giants() -> dict[str, float]:
    """Weigh revenue heavily: what share of it do the best carry, and who are they, with and without cap and limit."""
    weights = {"business_value": 5.0, "retention": 1.0, "expansion": 1.0, "nps": 1.0}
    out: dict[str, list[float]] = {"free": [], "limited": [], "top_five": []}
    for seed in SEEDS:
        world = make_world(1200, 50, seed=seed)
        for name, definition in {
            "free": OutcomeDefinition(weights, revenue_cap=1.0, revenue_weight_at_most=1.0),
            "limited": OutcomeDefinition(weights),
        }.items():
            out[name].append(figures(world, *judged(world, definition))["grade_rank_correlation"])
        labels = OutcomeDefinition(weights).label(world.customers, world.as_of)
        out["top_five"].append(labels.audit().top_five["annual_revenue_from_customer_usd"])
    return {
        "grade_rank_correlation_free": mean(out["free"]),
        "grade_rank_correlation_limited": mean(out["limited"]),
        "share_of_revenue_of_five_accounts": mean(out["top_five"]),
    }


def pipeline() -> dict[str, object] | None:
    """Read the stages of a real opportunity table."""
    path = SHARED / "data" / "saas_vendor_pipeline" / "opportunities.csv"
    if not path.exists():
        return None
    stage = pd.read_csv(path)["Stage"]
    states = stage.map({text: deal_state(text) for text in stage.unique()})
    right = np.where(stage.str.startswith("Closed Won"), states == "won", states.isin(["lost", "not_renewed"]))
    return {"rows": len(stage), "spellings": int(stage.nunique()), "right": int(right.sum()),
            "states": {str(k): int(v) for k, v in states.value_counts().items()}}  # fmt: skip


def trained() -> list[dict[str, object]]:
    """Train on the labels and rank the market."""
    rows: list[dict[str, object]] = []
    for late in ("worst", "judged"):
        found = []
        for seed in range(1, 7):
            world = make_world(1200, 3000, seed=seed)
            settings = Settings.build({
                "as_of": "2026-10-01", "model": {"bags": 4}, "evaluation": {"folds": 2, "repeats": 1},
                "outcomes": {"late_churn": late},
            })  # fmt: skip
            accounts = read_accounts(as_crm_export(world.customers), settings)
            listed = read_accounts(as_purchased_list(world.market), settings, like=accounts)
            run = train(accounts, settings, listed, n_jobs=2)
            scored = run.model.score(as_purchased_list(world.market))
            known = (scored["status"] == "scored").to_numpy()
            rank = spearmanr(scored["log_odds"][known], world.truth.log_odds_market[known]).statistic
            found.append({"market_rank_correlation": float(rank), "auc_held_out": float(run.evaluation.auc.value)})
        rows.append({"late_churn": late, **mean_of(found)})
    return rows


def speed() -> dict[str, float]:
    """Time labels and their audit on 10,000 customers."""
    world = make_world(10_000, 50, seed=1)
    OutcomeDefinition().label(world.customers, world.as_of).audit()
    start = time.perf_counter()
    labels = OutcomeDefinition().label(world.customers, world.as_of)
    middle = time.perf_counter()
    labels.audit()
    return {"label_seconds": round(middle - start, 2), "audit_seconds": round(time.perf_counter() - middle, 2)}


def mean(values: list[float]) -> float:
    """Return the mean, to four digits."""
    return round(float(np.mean(values)), 4)


def mean_of(found: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each figure."""
    return {name: mean([row[name] for row in found]) for name in found[0]}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", action="store_true", help="also train on the labels, which takes minutes")
    args = parser.parse_args()
    path = HERE / "outcomes.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    result = {
        "worlds": len(SEEDS), "customers": 1200, "retention": retention_labels(), "lifetime_totals": lifetime_totals(),
        "revenue": giants(), "pipeline": pipeline(), "speed_10000_customers": speed(),
        "trained": trained() if args.train else before.get("trained"),
    }  # fmt: skip
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

"""How often the 90 % score intervals hold the planted probability, for accounts of the market in support.

    python experiments/model_quality/intervals.py SHARED/data [--budget-minutes N] [--worlds 5]

`train`: customers with outcomes through `train` as users call it, and `model.score(market)`: `fit_low` to `fit_high`
against the planted probability of being best among mature customers (`worlds.planted_rates` says how it is found).
`labels`: `ICPClassifier` on labels drawn from the planted log-odds themselves, where the truth is their sigmoid.
The planted effects hold one pair, gaps in every field, and steps inside bins; what the model cannot express counts
against it. Cells (one kind, number of customers, world) are appended to intervals.jsonl; a run goes on where the
last one stopped. `exactness` is the largest difference, in log-odds, of base plus contributions to the score.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from figures import HERE, Cells, Check, markdown, put, read_cells
from scipy.special import expit
from worlds import Floats, World, features, planted_probability, planted_rates, world

from icp_ml import ICPClassifier, Settings, read_accounts, train
from icp_ml.estimator.scorecard import Z90
from icp_ml.scoring.lookalikes import fit_support

FILE = HERE / "intervals.jsonl"
KINDS = ("train", "labels")
SIZES = (300, 800, 3000)
LEAST, MOST = 0.80, 0.95
EXACT = 1e-9

rates = cache(planted_rates)


def by_train(data: Path, made: World) -> dict[str, Any]:
    """Return what the intervals of `model.score` hold, and what the run says of its calibration (one repeat)."""
    settings = Settings.model_validate({"evaluation": {"repeats": 1}, "random_state": 0})
    customers = pd.concat([made.customers, made.outcomes], axis=1)
    run = train(read_accounts(customers, settings), settings, n_jobs=1)
    scored = run.model.score(made.market, reasons=0, lookalikes=0)
    truth = planted_probability(made.market_log_odds, rates(data))
    low, high, fit = (scored[c].to_numpy(dtype=np.float64) / 100 for c in ("fit_low", "fit_high", "fit_score"))
    slope, excess = (run.evaluation.metric(name) for name in ("calibration_slope", "excess_error"))
    judged = {"calibration_slope": slope.value, "calibration_slope_interval": [slope.low, slope.high]}
    judged |= {"excess_error": excess.value}
    return _held(truth, low, high, fit, scored["in_support"].to_numpy(dtype=bool)) | judged


def by_labels(_data: Path, made: World, seed: int) -> dict[str, Any]:
    """Return what the intervals of the classifier's tables hold, as the kernel forms them."""
    X, market = features(made.customers), features(made.market)
    y = np.random.default_rng([seed, 5]).random(len(X)) < expit(made.log_odds)
    model = ICPClassifier(random_state=0, n_jobs=1).fit(X, y)
    codes, own = (model.tables_.encode(model._columns(frame), len(frame)) for frame in (market, X))
    log_odds, error = model.decision_function(market), Z90 * model.tables_.standard_error(codes)
    inside = fit_support(model.tables_, own).inside(codes)
    odd = _odd(market)
    held = _held(expit(made.market_log_odds), expit(log_odds - error), expit(log_odds + error), expit(log_odds), inside)
    return held | {"exactness": max(_exactness(model, market), _exactness(model, odd))}


def _odd(market: pd.DataFrame) -> pd.DataFrame:
    """Return some accounts with values missing, never seen, or far out of range, in every column."""
    odd = market.iloc[:600].copy()
    for j, column in enumerate(odd.columns):
        values = odd[column].tolist()
        never: Any = 1e12 if pd.api.types.is_numeric_dtype(odd[column]) else "never seen"
        never = (never,) if any(isinstance(v, tuple) for v in values) else never
        changed = [never if (i + j) % 15 == 0 else None if (i + j) % 17 == 0 else v for i, v in enumerate(values)]
        odd[column] = pd.Series(changed, index=odd.index, dtype="float64" if never == 1e12 else "object")
    return odd


def _exactness(model: ICPClassifier, frame: pd.DataFrame) -> float:
    total = model.contributions(frame).sum(axis=1) + model.base_
    return float(np.abs(total - model.decision_function(frame)).max())


def _held(truth: Floats, low: Floats, high: Floats, fit: Floats, inside: np.ndarray) -> dict[str, Any]:
    t, a, b, f = (x[inside] for x in (truth, low, high, fit))
    return {
        "in_support": float(inside.mean()),
        "coverage": float(((a <= t) & (t <= b)).mean()),
        "truth_below": float((t < a).mean()),
        "truth_above": float((t > b).mean()),
        "median_width": float(np.median(b - a)),
        "mean_error": float(np.abs(f - t).mean()),
    }


def measure(data: Path, kind: str, size: int, seed: int) -> dict[str, Any]:
    """Return one cell."""
    made = world(data, size, seed)
    start = time.process_time()
    found = by_train(data, made) if kind == "train" else by_labels(data, made, seed)
    return {"kind": kind, "size": size, "world": seed, "cpu_seconds": time.process_time() - start, **found}


def _cells() -> dict[tuple[str, int], list[Mapping[str, Any]]]:
    latest = {(c["kind"], c["size"], c["world"]): c for c in read_cells(FILE)}
    out: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for (kind, size, _), cell in sorted(latest.items()):
        out.setdefault((kind, size), []).append(cell)
    return out


def _mean(cells: Sequence[Mapping[str, Any]], name: str) -> float:
    return float(np.mean([c[name] for c in cells]))


def table() -> str:
    """Return the figures as Markdown."""
    rows = []
    for (kind, size), cells in _cells().items():
        each = [c["coverage"] for c in cells]
        rows.append((kind, f"{size:,}", len(cells), f"{_mean(cells, 'in_support'):.0%}", f"{np.mean(each):.1%}",
                     f"{min(each):.1%} to {max(each):.1%}", f"{_mean(cells, 'truth_below'):.1%}",
                     f"{_mean(cells, 'truth_above'):.1%}", f"{_mean(cells, 'median_width'):.2f}",
                     f"{_mean(cells, 'mean_error'):.3f}"))  # fmt: skip
    head = ["model from", "customers", "worlds", "in support", "truth inside", "worlds from ... to", "truth below",
            "truth above", "median width", "mean error"]  # fmt: skip
    return markdown(head, rows)


def checks() -> list[Check]:
    """Return whether the intervals hold the truth as often as asked, and whether contributions add up."""
    out, cells = [], _cells()
    for kind in KINDS:
        for size in SIZES:
            name = f"90 % intervals, {size:,} customers, `{kind}`"
            asked = f"hold the planted probability of {LEAST:.0%} to {MOST:.0%} of accounts in support"
            some = cells.get((kind, size), [])
            value = _mean(some, "coverage") if some else float("nan")
            text = f"{value:.1%}, mean of {len(some)} worlds" if some else ""
            out.append(Check(name, asked, text, LEAST <= value <= MOST if some else None))
    exact = [c["exactness"] for some in cells.values() for c in some if "exactness" in c]
    text = f"largest difference {max(exact):.0e} of {len(exact)} models" if exact else ""
    asked = "equal to 1e-9 for every account, missing and unseen values included"
    out.append(Check("contributions + base = log-odds", asked, text, max(exact) <= EXACT if exact else None))
    return out


def main() -> int:
    """Measure what is missing, within the budget; write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--budget-minutes", type=float, default=30.0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--worlds", type=int, default=5)
    parser.add_argument("--figures", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    cells = Cells(FILE, ("kind", "size", "world"), given.budget_minutes)
    wanted = [(k, s, w) for w in range(1, given.worlds + 1) for s in given.sizes for k in given.kinds]
    for kind, size, seed in cells.missing(wanted):
        cells.add(measure(given.data, kind, size, seed))
    print(table())
    if given.figures:
        put("intervals", table())
    return 0


if __name__ == "__main__":
    sys.exit(main())

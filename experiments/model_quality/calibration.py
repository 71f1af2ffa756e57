"""Whether scores are calibrated where the customers themselves have to show it: out of fold, pooled over folds.

    python experiments/model_quality/calibration.py SHARED/data [--budget-minutes N] [--draws 3]

A cell is one labelled table, one size, one draw of rows: five folds, `ICPClassifier` fitted on four (its own folds,
bags and calibration inside them), the fifth scored; the held-out log-odds of all five together give the slope, and the
error over ten bins less the mean error of outcomes drawn from the probabilities themselves. Planted customers with
outcomes (best against all other mature customers) are judged by `train` itself: see the `train` cells of intervals.py.
Cells are appended to calibration.jsonl; a run goes on where the last one stopped. Where a model says nearly the same of
everybody its slope is anybody's guess, so slopes are pooled by what they are worth (the information of each), first
over draws, then over tables. (Test rows outside the sample, many more of them: the calibration columns of cells.jsonl.)
"""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from figures import HERE, Cells, Check, markdown, put, read_cells
from run import measures
from scipy.special import expit, logit
from sklearn.model_selection import StratifiedKFold
from tables import TABLES, Table

from icp_ml import ICPClassifier

FILE = HERE / "calibration.jsonl"
SIZES = (200, 400, 1200)
SLOPES = (0.85, 1.15)
EXCESS = 0.015
FOLDS = 5


def measure(table: Table, size: int, draw: int) -> dict[str, Any]:
    """Return one cell."""
    rng = np.random.default_rng([draw, size, 4])
    rows = np.sort(rng.permutation(len(table.y))[:size])
    X, y = table.X.iloc[rows].reset_index(drop=True), table.y[rows]
    p = np.empty(size)
    start = time.process_time()
    for train, held in StratifiedKFold(FOLDS, shuffle=True, random_state=draw).split(X, y):
        model = ICPClassifier(random_state=draw, n_jobs=1).fit(X.iloc[train], y[train])
        p[held] = model.predict_proba(X.iloc[held])[:, 1]
    found = measures(y, p)
    z = logit(np.clip(p, 1e-6, 1 - 1e-6))
    fitted = expit(found["slope"] * z + found["intercept"])
    spread = fitted * (1 - fitted)
    information = float(spread @ (z - spread @ z / spread.sum()) ** 2)
    return {
        "table": table.name, "size": size, "draw": draw, "best": int(y.sum()), "slope": found["slope"],
        "information": information,
        "excess": found["calibration_error"] - found["calibration_expected"], "log_loss": found["log_loss"],
        "auc_pooled": found["auc"], "cpu_seconds": time.process_time() - start,
    }  # fmt: skip


class Pooled(NamedTuple):
    """Slope and excess error of one table, or one world, pooled over its cells."""

    name: str
    slope: float
    error: float
    excess: float
    information: float


def _pool(name: str, cells: list[dict[str, Any]]) -> Pooled:
    information = np.array([c["information"] for c in cells])
    slope = float(np.average([c["slope"] for c in cells], weights=information))
    excess = float(np.mean([c["excess"] for c in cells]))
    return Pooled(name, slope, 1 / math.sqrt(information.sum()), excess, float(information.sum()))


def _groups() -> dict[tuple[str, int], list[Pooled]]:
    """Return what was judged, by size: the labelled tables, and planted worlds by `train`."""
    tables = {(c["table"], c["size"], c["draw"]): c for c in read_cells(FILE)}
    planted = {(c["size"], c["world"]): c for c in read_cells(HERE / "intervals.jsonl") if "calibration_slope" in c}
    out: dict[tuple[str, int], list[Pooled]] = {}
    for (name, size), cells in _by(tables.values(), "table", "size").items():
        out.setdefault(("labelled tables", size), []).append(_pool(name, cells))
    for (size, seed), c in sorted(planted.items()):
        low, high = c["calibration_slope_interval"]
        error = (high - low) / 3.92
        one = Pooled(f"world {seed}", c["calibration_slope"], error, c["excess_error"], 1 / error**2)
        out.setdefault(("planted worlds, by `train`", size), []).append(one)
    return dict(sorted(out.items()))


def _by(cells: Iterable[dict[str, Any]], *names: str) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    out: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for cell in cells:
        out.setdefault(tuple(cell[n] for n in names), []).append(cell)
    return out


def _slope(found: list[Pooled]) -> tuple[float, float]:
    """Return the pooled slope and its standard error."""
    information = np.array([p.information for p in found])
    return float(np.average([p.slope for p in found], weights=information)), float(1 / math.sqrt(information.sum()))


def _outside(found: list[Pooled]) -> list[Pooled]:
    """Return those whose 95 % interval of the slope lies wholly outside what is asked."""
    return [p for p in found if p.slope + 1.96 * p.error < SLOPES[0] or p.slope - 1.96 * p.error > SLOPES[1]]


def _with_interval(slope: float, error: float) -> str:
    return f"{slope:.2f} ({slope - 1.96 * error:.2f} to {slope + 1.96 * error:.2f})"


def figures() -> str:
    """Return the figures as Markdown."""
    rows = []
    for (what, size), found in _groups().items():
        slope, error = _slope(found)
        slopes, excess = [p.slope for p in found], [p.excess for p in found]
        rows.append((what, f"{size:,}", len(found), _with_interval(slope, error),
                     f"{np.median(slopes):.2f}", f"{min(slopes):.2f} to {max(slopes):.2f}",
                     ", ".join(p.name for p in _outside(found)) or "none", f"{np.mean(excess):+.4f}",
                     f"{max(excess):+.4f}"))  # fmt: skip
    head = ["judged", "customers", "of them", "pooled slope (95 %)", "median", "lowest to highest",
            f"surely not {SLOPES[0]} to {SLOPES[1]}", "mean excess error", "largest"]  # fmt: skip
    return markdown(head, rows)


def checks() -> list[Check]:
    """Return whether pooled slopes and mean excess errors are in the asked range, and who surely is not."""
    out = []
    asked = f"pooled slope {SLOPES[0]} to {SLOPES[1]}, excess error at most {EXCESS}"
    for (what, size), found in _groups().items():
        slope, _ = _slope(found)
        excess = float(np.mean([p.excess for p in found]))
        sure = "; ".join(f"{p.name} {p.slope:.2f} +- {1.96 * p.error:.2f}" for p in _outside(found))
        text = f"slope {slope:.2f}, excess {excess:+.4f}; surely outside: {sure or 'none'} of {len(found)}"
        passed = SLOPES[0] <= slope <= SLOPES[1] and excess <= EXCESS
        out.append(Check(f"calibration out of fold, {what}, {size:,}", asked, text, bool(passed)))
    return out or [Check("calibration out of fold", asked, "", None)]


def main() -> int:
    """Measure what is missing, within the budget; write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--budget-minutes", type=float, default=30.0)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--figures", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    tables = {name: TABLES[name](given.data) for name in given.tables.split(",")}
    cells = Cells(FILE, ("table", "size", "draw"), given.budget_minutes)
    wanted = [
        (name, size, draw)
        for draw in range(given.draws)
        for size in given.sizes
        for name, made in tables.items()
        if len(made.y) >= size
    ]
    for name, size, draw in cells.missing(wanted):
        cells.add(measure(tables[name], size, draw))
    print(figures())
    if given.figures:
        put("calibration", figures())
    return 0


if __name__ == "__main__":
    sys.exit(main())

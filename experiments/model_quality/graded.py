"""Graded training against the same model on the extremes only, on planted worlds.

    python experiments/model_quality/graded.py SHARED/data [--budget-minutes N] [--judge naive] [--worlds 20]

A cell is one judge, number of customers, world: Spearman's rank correlation of the model's log-odds on 15,000 accounts
of the market with their planted log-odds, (a) trained on best against worst, (b) trained on all customers with the
composite's percentile as a soft label, and which of both the fit chose out of fold, with that fit's processor seconds.
Same customers, columns, bins, seed and settings.
`naive` outcomes are judged by three percentiles and a mean (`worlds.naive`), `defined` ones as `icp-ml train` does.
Cells are appended to graded.jsonl, and a run goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from figures import HERE, Cells, Check, markdown, mean_interval, put, read_cells, signed
from scipy.stats import spearmanr
from worlds import JUDGES, MARKET, Judged, features, world

from icp_ml.estimator.fitting import FieldSpec, FitParams, FittedTables, fit_tables
from icp_ml.estimator.frames import column_kind, to_arrow

FILE = HERE / "graded.jsonl"
SIZES = (300, 800, 2000)
ASKED = {300: 0.05, 800: 0.015}


def columns_of(frame: pd.DataFrame, kinds: dict[str, str]) -> dict[str, pa.Array]:
    """Return what `ICPClassifier` makes of a frame: Arrow columns by kind."""
    return {c: to_arrow(frame[c], kind) for c, kind in kinds.items()}


def fit(X: pd.DataFrame, judged: Judged, kinds: dict[str, str], seed: int, grades: str) -> FittedTables:
    """Fit on everyone's grades ("always"), the extremes ("never"), or what ranks better out of fold ("auto")."""
    specs = [FieldSpec(c, kind) for c, kind in kinds.items()]
    return fit_tables(
        columns_of(X, kinds), specs, judged.best.astype(np.float64), trains=judged.best | judged.worst,
        grade=judged.grade, params=FitParams(grades=grades), seed=seed, n_jobs=1,
    )  # fmt: skip


def measure(data: Path, judge: str, size: int, seed: int) -> dict[str, object]:
    """Return one cell."""
    made = world(data, size, seed)
    judged = JUDGES[judge](made.outcomes)
    X, market = features(made.customers).iloc[judged.rows].reset_index(drop=True), features(made.market)
    cell: dict[str, object] = {"judge": judge, "size": size, "world": seed, "mature": len(judged.rows)}
    kinds = {c: column_kind(X[c], None) for c in X}
    listed = columns_of(market, kinds)
    start = time.process_time()
    chosen = fit(X, judged, kinds, seed, "auto")
    cell["auto_cpu_seconds"] = time.process_time() - start
    other = fit(
        X, judged, kinds, seed, "never" if chosen.grades.graded else "always"
    )  # the choice itself is one of both
    pair = (other, chosen) if chosen.grades.graded else (chosen, other)
    for name, fitted in zip(("extremes", "graded"), pair, strict=True):
        found = fitted.tables.log_odds(fitted.tables.encode(listed, len(market)))
        cell[name] = float(spearmanr(found, made.market_log_odds).statistic)
    cell["chosen"] = "graded" if chosen.grades.graded else "extremes"
    return cell


def _paired(judge: str, size: int) -> np.ndarray:
    """Return, per world, the rank correlations of extremes, graded and chosen: shape (worlds, 3)."""
    latest = {(c["judge"], c["size"], c["world"]): c for c in read_cells(FILE)}
    some = [c for (j, s, _), c in sorted(latest.items()) if (j, s) == (judge, size)]
    return np.array([(c["extremes"], c["graded"], c[c["chosen"]]) for c in some])


def table() -> str:
    """Return the figures as Markdown."""
    rows: list[Iterable[object]] = []
    for judge in JUDGES:
        for size in SIZES:
            found = _paired(judge, size)
            if not len(found):
                continue
            means = [f"{v:.3f}" for v in found.mean(axis=0)]
            gains = [signed(mean_interval(found[:, k] - found[:, 0])) for k in (1, 2)]
            rows.append((judge, f"{size:,}", len(found), *means[:2], gains[0], means[2], gains[1]))
    head = ["outcomes judged", "customers", "worlds", "extremes only", "graded", "graded less extremes",
            "chosen out of fold", "chosen less extremes"]  # fmt: skip
    return markdown(head, rows)


def checks() -> list[Check]:
    """Return whether grades earn what is asked of them."""
    out = []
    for judge in JUDGES:
        for size, asked in ASKED.items():
            found = _paired(judge, size)
            name = f"graded less extremes only, {size} customers, {judge} outcomes"
            wanted = f"+{asked} rank correlation, interval above zero, 20 worlds"
            if not len(found):
                out.append(Check(name, wanted, "", None))
                continue
            gain = mean_interval(found[:, 1] - found[:, 0])
            out.append(Check(name, wanted, f"{signed(gain)}, {len(found)} worlds", gain[0] >= asked and gain[1] > 0))
    return out


def main() -> int:
    """Measure what is missing, within the budget; write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--budget-minutes", type=float, default=30.0)
    parser.add_argument("--judge", choices=list(JUDGES), action="append")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--figures", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    cells = Cells(FILE, ("judge", "size", "world"), given.budget_minutes)
    wanted = [(j, s, w) for w in range(1, given.worlds + 1) for j in given.judge or JUDGES for s in given.sizes]
    for judge, size, seed in cells.missing(wanted):
        cells.add(measure(given.data, judge, size, seed))
    print(table(), f"{MARKET:,} accounts of the market", sep="\n")
    if given.figures:
        put("graded", table())
    return 0


if __name__ == "__main__":
    sys.exit(main())

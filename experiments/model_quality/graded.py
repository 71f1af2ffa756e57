"""Graded training against the same model on the extremes only, on planted worlds.

    python experiments/model_quality/graded.py SHARED/data [--budget-minutes N] [--judge naive|defined] [--worlds 20]

A cell is one judge, number of customers, world: Spearman's rank correlation of the model's log-odds on 15,000 accounts of
the market with their planted log-odds, (a) trained on best against worst, (b) trained on all customers with the
composite's percentile as a soft label, and processor seconds of both. Same customers, columns, seed and settings.
`naive` outcomes are judged by three percentiles and a mean (`worlds.naive`), `defined` by what `icp-ml train` does.
Cells are appended to graded.jsonl, and a run goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Iterable
from inspect import signature
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from figures import HERE, Cells, Check, markdown, mean_interval, put, read_cells, signed
from scipy.stats import spearmanr
from worlds import JUDGES, MARKET, Floats, Judged, features, world

from icp_ml.estimator.fitting import FieldSpec, fit_tables
from icp_ml.estimator.frames import column_kind, to_arrow

FILE = HERE / "graded.jsonl"
SIZES = (300, 800, 2000)
ASKED = {300: 0.05, 800: 0.015}
GRADES = "grade" in signature(fit_tables).parameters


def columns_of(frame: pd.DataFrame, kinds: dict[str, str]) -> dict[str, pa.Array]:
    """Return what `ICPClassifier` makes of a frame: Arrow columns by kind."""
    return {c: to_arrow(frame[c], kind) for c, kind in kinds.items()}


def scores(X: pd.DataFrame, judged: Judged, market: pd.DataFrame, seed: int, *, graded: bool) -> Floats:
    """Return the market's log-odds by a model trained on grades, or on the extremes."""
    kinds = {c: column_kind(X[c], None) for c in X}
    specs = [FieldSpec(c, kind) for c, kind in kinds.items()]
    y = judged.best.astype(np.float64)
    used = np.ones(len(y), dtype=bool) if graded else judged.best | judged.worst
    columns = {name: array.filter(pa.array(used)) for name, array in columns_of(X, kinds).items()}
    common = {"seed": seed, "n_jobs": 1}
    if not graded:
        fitted = fit_tables(columns, specs, y[used], **common)
    elif GRADES:
        fitted = fit_tables(columns, specs, y, trains=judged.best | judged.worst, grade=judged.grade, **common)
    else:
        fitted = _twins(columns, specs, judged.grade, common)
    return fitted.tables.log_odds(fitted.tables.encode(columns_of(market, kinds), len(market)))


def _twins(columns: dict[str, pa.Array], specs: list[FieldSpec], grade: Floats, common: dict[str, int]):
    """Train on grades where `fit_tables` takes none: every customer as two weighted rows of one group."""
    n = len(grade)
    twice = pa.array(np.tile(np.arange(n), 2))
    rows = {name: array.take(twice) for name, array in columns.items()}
    y = np.repeat([1.0, 0.0], n)
    weight = np.concatenate([grade, 1 - grade])
    return fit_tables(rows, specs, y, weight=weight, groups=np.tile(np.arange(n), 2), **common)


def measure(data: Path, judge: str, size: int, seed: int) -> dict[str, object]:
    """Return one cell."""
    made = world(data, size, seed)
    judged = JUDGES[judge](made.outcomes)
    X, market = features(made.customers).iloc[judged.rows].reset_index(drop=True), features(made.market)
    cell: dict[str, object] = {"judge": judge, "size": size, "world": seed, "mature": len(judged.rows)}
    for name, graded in (("extremes", False), ("graded", True)):
        start = time.process_time()
        found = scores(X, judged, market, seed, graded=graded)
        cell[f"{name}_cpu_seconds"] = time.process_time() - start
        cell[name] = float(spearmanr(found, made.market_log_odds).statistic)
    return cell | {"as": "grade" if GRADES else "twins"}


def _paired(judge: str, size: int) -> list[tuple[float, float]]:
    latest = {(c["judge"], c["size"], c["world"]): c for c in read_cells(FILE)}
    return [(c["extremes"], c["graded"]) for (j, s, _), c in sorted(latest.items()) if (j, s) == (judge, size)]


def table() -> str:
    """Return the figures as Markdown."""
    rows: list[Iterable[object]] = []
    for judge in JUDGES:
        for size in SIZES:
            pairs = np.array(_paired(judge, size))
            if len(pairs):
                low, high = pairs.mean(axis=0)
                gain = signed(mean_interval(pairs[:, 1] - pairs[:, 0]))
                rows.append((judge, f"{size:,}", len(pairs), f"{low:.3f}", f"{high:.3f}", gain))
    return markdown(["outcomes judged", "customers", "worlds", "extremes only", "graded", "paired difference"], rows)


def checks() -> list[Check]:
    """Return whether grades earn what is asked of them."""
    out = []
    for judge in JUDGES:
        for size, asked in ASKED.items():
            pairs = np.array(_paired(judge, size))
            name = f"graded less extremes only, {size} customers, {judge} outcomes"
            wanted = f"+{asked} rank correlation, interval above zero, 20 worlds"
            if not len(pairs):
                out.append(Check(name, wanted, "", None))
                continue
            gain = mean_interval(pairs[:, 1] - pairs[:, 0])
            passed = gain[0] >= asked and gain[1] > 0
            out.append(Check(name, wanted, f"{signed(gain)}, {len(pairs)} worlds", passed))
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

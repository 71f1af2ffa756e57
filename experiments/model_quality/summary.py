"""What the cells say: means, paired differences with intervals, and every check of the benchmark in words.

    python experiments/model_quality/summary.py [--cells FILE ...] [--figures]

Reads cells.jsonl (or the files given; a later line of the same cell counts) and the cells of graded.py, calibration.py,
intervals.py and speed.py; prints, writes summary.json, and with --figures the tables between the markers of README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import calibration
import graded
import intervals
import numpy as np
import pandas as pd
import speed
from compare import OURS, Difference, best_peers, differences, over_tables
from figures import HERE, Check, markdown, put, read_cells, signed
from run import FEWER_SPLITS, MOST_TEST, SIZES, SPLITS

LEAST_SPLITS = 5  # common with the model, for a peer to be a table's best
MARGIN = 0.005
NAMES = {
    "icp": "ICPClassifier", "lightgbm_defaults": "LightGBM, defaults", "lightgbm_tuned": "LightGBM, 50 Optuna trials",
    "random_forest": "random forest", "ridge_logistic": "ridge logistic", "catboost_defaults": "CatBoost, defaults",
    "ebm_main": "EBM without interactions", "ebm": "EBM, defaults",
}  # fmt: skip
# Rows of each table, for the share of rows that two splits' test parts have in common.
ROWS = json.loads((HERE / "rows.json").read_text("utf-8")) if (HERE / "rows.json").exists() else {}


def load(paths: list[Path]) -> pd.DataFrame:
    """Return the cells; of a cell measured twice the last line. Wall-clock seconds of old lines are left out."""
    cells = pd.DataFrame([row for path in paths for row in read_cells(path)])
    cells = cells.drop_duplicates(["table", "size", "split", "model"], keep="last")
    if "cpu_seconds" not in cells:
        cells["cpu_seconds"] = np.nan
    cells["excess"] = cells["calibration_error"] - cells["calibration_expected"]
    return cells


def means(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """Return, per size and model, means over tables of means over splits, and what they rest on.

    Slope and seconds: medians over all cells. A model whose splits or tables are fewer is not comparable by these
    columns alone; the paired differences are.
    """
    out = []
    for (size, model), part in cells.groupby(["size", "model"]):
        by_table = part.groupby("table")
        row: dict[str, Any] = {"size": int(size), "model": str(model), "tables": int(by_table.ngroups)}
        row |= {"fewest_splits": int(by_table.size().min()), "most_splits": int(by_table.size().max())}
        row |= {m: round(float(by_table[m].mean().mean()), 4) for m in ("auc", "log_loss", "lift_10", "excess")}
        row["slope"] = round(float(part["slope"].median()), 3)
        row["cpu_seconds"] = round(float(part["cpu_seconds"].median()), 2)
        for metric in ("auc", "log_loss", "lift_10"):
            if model != OURS:
                value, tables, common = over_tables(cells, metric, int(size), str(model))
                row[f"{metric}_difference"] = [round(v, 4) for v in value]
                row["common_tables"], row["common_cells"] = tables, common
        out.append(row)
    return out


def checks(cells: pd.DataFrame, rows: list[dict[str, Any]], rests_on: dict[str, int]) -> list[Check]:
    """Return the checks that the cells decide."""
    out = []
    found: list[Difference] = []
    for size in SIZES:
        asked = "not under the best peer's mean" + ("; the aim is +0.005" if size >= 400 else "")
        out.append(_means_check(f"mean AUC over tables at {size:,} rows", asked, rows, size, "auc"))
        found += differences(cells, "auc", size, rests_on, MOST_TEST)
    best = best_peers(found, LEAST_SPLITS)
    if best:
        asked = f"no paired 95 % interval wholly below -{MARGIN} against the table's best peer"
        for name, kind in (("that allow for shared test rows", "shared"), ("of splits taken as independent", "plain")):
            below = [d for d in best.values() if getattr(d, kind)[2] < -MARGIN]
            out.append(Check(f"each table, intervals {name}", asked, _below(below, len(best), kind), not below))
        narrow = [d for d in found if d.splits >= LEAST_SPLITS and d.plain[2] < -MARGIN]
        text = _below(narrow, sum(d.splits >= LEAST_SPLITS for d in found), "plain")
        out.append(Check("each table against every peer, splits taken as independent", "not asked", text, not narrow))
    out += [_means_check(f"log-loss at {s:,} rows", "best mean of all", rows, s, "log_loss") for s in SIZES]
    return out


def _means_check(name: str, asked: str, rows: list[dict[str, Any]], size: int, metric: str) -> Check:
    """Judge the mean paired difference to the peer that comes out best; peers with fewer tables are named."""
    field = f"{metric}_difference"
    peers = [r for r in rows if r["size"] == size and field in r and np.isfinite(r[field][0])]
    if not peers:
        return Check(name, asked, "no common cells", None)
    sign = 1 if metric == "auc" else -1
    whole = max(r["common_tables"] for r in peers)
    closest = min(peers, key=lambda r: sign * r[field][0])
    text = f"{signed(closest[field], 4)} against {NAMES.get(closest['model'], closest['model'])}"
    text += f" on {closest['common_cells']} cells"
    if closest["common_tables"] < whole:
        text += f" of {closest['common_tables']} of {whole} tables"
    return Check(name, asked, text, sign * closest[field][0] >= 0)


def _below(below: list[Difference], of: int, kind: str) -> str:
    if not below:
        return f"none of {of} comparisons"
    below = sorted(below, key=lambda d: getattr(d, kind)[2])
    shown = "; ".join(f"{d.table} at {d.size:,}: {signed(getattr(d, kind))} against {NAMES[d.peer]}" for d in below[:4])
    return f"{len(below)} of {of} comparisons: {shown}" + ("; ..." if len(below) > 4 else "")


def metric_table(rows: list[dict[str, Any]], metric: str, digits: int = 3) -> str:
    """Return models by sizes: own mean; the model's paired difference to it, with its interval."""
    models = [m for m in NAMES if any(r["model"] == m for r in rows)]
    by_key = {(r["model"], r["size"]): r for r in rows}
    whole = {size: max((r["tables"] for r in rows if r["size"] == size), default=0) for size in SIZES}
    lines = []
    for model in models:
        line = [NAMES[model]]
        for size in SIZES:
            row = by_key.get((model, size))
            cell = "" if row is None else f"{row[metric]:.{digits}f}"
            if row is not None and row.get("common_cells"):
                cell += f"; {signed(row[f'{metric}_difference'], digits)}"
                cell += f" ({row['tables']} tables only)" if row["tables"] < whole[size] else ""
            line.append(cell)
        lines.append(line)
    return markdown(["model", *(f"{s:,} rows" for s in SIZES)], lines)


def rest_table(rows: list[dict[str, Any]]) -> str:
    """Return lift, calibration and seconds of every model at 400 and at 1,200 rows, and what was subsampled."""
    by_key = {(r["model"], r["size"]): r for r in rows}
    lines = []
    for model, name in NAMES.items():
        pair = [by_key[model, s] for s in (400, 1200) if (model, s) in by_key]
        if not pair:
            continue
        line = [name]
        for metric, digits in (("lift_10", 2), ("slope", 2), ("excess", 3), ("cpu_seconds", 1)):
            line.append(" / ".join(f"{r[metric]:.{digits}f}" if np.isfinite(r[metric]) else "?" for r in pair))
        line.append(" / ".join(f"{r['tables']} x {r['fewest_splits']} to {r['most_splits']}" for r in pair))
        lines.append(line)
    head = [
        "model",
        "lift at 10 %",
        "calibration slope",
        "excess error",
        "processor s, fit and predict",
        "tables x splits",
    ]
    return markdown(head, lines)


def subsampled(rows: list[dict[str, Any]]) -> str:
    """Say which models did not get all splits."""
    fewer = ", ".join(f"{NAMES[m]} {n}" for m, n in FEWER_SPLITS.items())
    most = max(r["tables"] for r in rows)
    lacking = [
        f"{NAMES[r['model']]} at {r['size']:,} rows {r['tables']} of {top} tables"
        for r in rows
        if r["tables"] < (top := max(q["tables"] for q in rows if q["size"] == r["size"]))
    ]
    text = f"Planned are {SPLITS} splits for each of {most} tables; fewer by plan: {fewer}."
    return text + (f" Not yet run: {'; '.join(lacking)}." if lacking else "")


def plain(value: Any) -> Any:
    """Return plain JSON types: five digits, null for NaN."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return round(value, 5) if np.isfinite(value) else None
    return value


def main() -> int:
    """Print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=Path, nargs="+", default=[HERE / "cells.jsonl"])
    parser.add_argument("--figures", action="store_true", help="put the tables into README.md")
    given = parser.parse_args()
    cells = load(given.cells)
    rows = means(cells)
    found = checks(cells, rows, ROWS)
    for script in (graded, calibration, intervals, speed):
        found += script.checks()
    tables = {
        "auc": metric_table(rows, "auc"),
        "log_loss": metric_table(rows, "log_loss"),
        "rest": rest_table(rows),
        "checks": markdown(["what", "asked", "found", ""], [(c.name, c.asked, c.found, c.verdict) for c in found]),
        "subsampled": subsampled(rows),
    }
    for name, text in tables.items():
        print(f"\n## {name}\n\n{text}")
    per_table = [d.__dict__ for s in SIZES for d in differences(cells, "auc", s, ROWS, MOST_TEST)]
    result = {
        "means": rows,
        "checks": [{**c._asdict(), "verdict": c.verdict} for c in found],
        "per_table_auc": per_table,
    }
    (HERE / "summary.json").write_text(json.dumps(plain(result), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if given.figures:
        for name, text in tables.items():
            put(name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

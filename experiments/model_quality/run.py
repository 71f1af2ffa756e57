"""Compare ICPClassifier with its peers on the labelled tables: the same splits for all, every cell kept as it finishes.

    python experiments/model_quality/run.py SHARED/data [--budget-minutes N] [--models a,b] [--tables a,b]

A cell is one table, one training size, one split, one model: AUC, log-loss, lift at 10 %, calibration, processor
seconds.
Cells are appended to cells.jsonl; a run goes on where the last one stopped. Slow models get fewer splits.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from peers import PEERS
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.metrics import log_loss, roc_auc_score
from tables import TABLES, Table

HERE = Path(__file__).parent
SIZES = (100, 200, 400, 1200)
SPLITS = 20
LEAST_TEST = 200
MOST_TEST = 4000
FEWER_SPLITS = {"lightgbm_tuned": 5, "ebm": 3, "ebm_main": 10}


def cells(tables: dict[str, Table], models: list[str]) -> Iterator[tuple[str, int, int, str]]:
    """Yield all cells, first the first split of everything, so that any budget gives a balanced picture."""
    for split in range(SPLITS):
        for size in SIZES:
            for name, table in tables.items():
                if len(table.y) >= size + LEAST_TEST:
                    yield from ((name, size, split, m) for m in models if split < FEWER_SPLITS.get(m, SPLITS))


def split_rows(table: Table, size: int, split: int) -> tuple[np.ndarray, np.ndarray]:
    """Return training and test rows: a training part with both labels in proportion, the rest (capped) to test."""
    rng = np.random.default_rng([split, size, len(table.y)])
    order = rng.permutation(len(table.y))
    good = order[table.y[order] == 1]
    bad = order[table.y[order] == 0]
    n_good = min(max(10, round(size * table.y.mean())), size - 10)
    train = np.concatenate([good[:n_good], bad[: size - n_good]])
    test = np.concatenate([good[n_good:], bad[size - n_good :]])
    return np.sort(train), np.sort(rng.permutation(test)[:MOST_TEST])


def measures(y: np.ndarray, p: np.ndarray) -> dict[str, float]:
    """Return what a cell reports."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    top = np.argsort(-p, kind="stable")[: max(1, len(p) // 10)]
    slope, intercept = _calibration(y, logit(p))
    return {
        "auc": float(roc_auc_score(y, p)),
        "log_loss": float(log_loss(y, p)),
        "lift_10": float(y[top].mean() / y.mean()),
        "slope": slope,
        "intercept": intercept,
        "calibration_error": _binned(y, p),
        "calibration_expected": _expected(p),
    }


def _calibration(y: np.ndarray, z: np.ndarray) -> tuple[float, float]:
    def loss(w: np.ndarray) -> float:
        t = w[0] * z + w[1]
        return float(np.mean(np.logaddexp(0, t) - y * t))

    slope, intercept = minimize(loss, [1.0, 0.0], method="BFGS").x
    return float(slope), float(intercept)


def _binned(y: np.ndarray, p: np.ndarray, bins: int = 10) -> float:
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(sum(len(i) * abs(y[i].mean() - p[i].mean()) for i in parts if len(i)) / len(y))


def _expected(p: np.ndarray, draws: int = 20) -> float:
    rng = np.random.default_rng(0)
    return float(np.mean([_binned((rng.random(len(p)) < p).astype(float), p) for _ in range(draws)]))


def note_rows(tables: dict[str, Table]) -> None:
    """Keep how many rows each table has: summary.py allows for the test rows that splits share."""
    path = HERE / "rows.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    now = {**known, **{name: len(table.y) for name, table in tables.items()}}
    if now != known:
        path.write_text(json.dumps(dict(sorted(now.items())), indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Run the cells that are missing, within the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--budget-minutes", type=float, default=60.0)
    parser.add_argument("--models", default=",".join(PEERS))
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--cells", type=Path, default=HERE / "cells.jsonl")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    tables = {name: TABLES[name](given.data) for name in given.tables.split(",")}
    note_rows(tables)
    done = set()
    if given.cells.exists():
        lines = map(json.loads, given.cells.read_text().splitlines())
        done = {(c["table"], c["size"], c["split"], c["model"]) for c in lines}
    end = time.monotonic() + 60 * given.budget_minutes
    with given.cells.open("a") as out:
        for name, size, split, model in cells(tables, given.models.split(",")):
            if time.monotonic() > end:
                return 0
            if (name, size, split, model) in done:
                continue
            table = tables[name]
            train, test = split_rows(table, size, split)
            start = time.process_time()
            p = PEERS[model](table.X.iloc[train], table.y[train], table.X.iloc[test], split)
            seconds = time.process_time() - start
            cell = {"table": name, "size": size, "split": split, "model": model, "cpu_seconds": round(seconds, 3)}
            cell |= {k: round(v, 5) for k, v in measures(table.y[test], np.asarray(p)).items()}
            if table.truth is not None:
                cell["truth_error"] = round(float(np.mean(np.abs(expit(table.truth[test]) - p))), 5)
            out.write(json.dumps(cell) + "\n")
            out.flush()
            print(cell["table"], size, split, model, cell["auc"], cell["cpu_seconds"], file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Seconds of one fit at 1,200 rows x 69 columns, and of the whole `icp-ml train` of 3,000 customers, by stage.

    python experiments/model_quality/speed.py SHARED/data [--repeats 3] [--figures]

The planted workload has 69 columns once its 60 technologies are columns of zeros and ones and its keywords are left
out; each technology is then a term of its own, as it also is in a token set (the second form, with keywords).
Wall-clock seconds on two cores (`n_jobs=2`), median of the repeats, and processor seconds beside them: on a machine
that does other things the latter are the ones to trust. "Without refits" is two bags, the fewest there can be.
Writes speed.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from figures import HERE, Check, markdown, put, read_cells
from tables import planted
from worlds import world

from icp_ml import ICPClassifier

FILE = HERE / "speed.json"
ROWS, CORES = 1200, 2
CUSTOMERS = 3000
FIT_SECONDS, REFIT_SECONDS, TRAIN_SECONDS = 4.0, 12.0, 150.0
FEWEST_BAGS, BAGS = 2, 25


def forms(data: Path) -> dict[str, tuple[pd.DataFrame, np.ndarray]]:
    """Return the workload as 69 plain columns, and as 11 columns of which two are token sets."""
    table = planted(data)
    X, y = table.X.iloc[:ROWS].reset_index(drop=True), table.y[:ROWS]
    plain = X.drop(columns=["keywords", "technologies"])
    tokens = sorted({t for cell in X["technologies"] if cell for t in cell})
    ones = {t: [np.nan if cell is None else float(t in cell) for cell in X["technologies"]] for t in tokens}
    return {
        f"{ROWS:,} x {plain.shape[1] + len(tokens)}": (pd.concat([plain, pd.DataFrame(ones)], axis=1), y),
        f"{ROWS:,} x {X.shape[1]}, two of them token sets": (X, y),
    }


def fit_seconds(X: pd.DataFrame, y: np.ndarray, bags: int, repeats: int) -> dict[str, Any]:
    """Return wall-clock and processor seconds of a fit, medians."""
    wall, cpu = [], []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        model = ICPClassifier(bags=bags, random_state=0, n_jobs=CORES).fit(X, y)
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return {"bags": bags, "seconds": round(statistics.median(wall), 2), "cpu_seconds": round(statistics.median(cpu), 2),
            "least_seconds": round(min(wall), 2), "terms": len(model.terms_)}  # fmt: skip


def train_seconds(data: Path) -> dict[str, Any]:
    """Return seconds of the command `icp-ml train`, start-up included, and its own by stage."""
    made = world(data, CUSTOMERS, 1, market=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pd.concat([made.customers, made.outcomes], axis=1).to_csv(folder / "customers.csv", index=False)
        (folder / "icp.yaml").write_text("tracking: {enabled: false}\n", encoding="utf-8")
        command = [sys.executable, "-m", "icp_ml.cli", "train", "customers.csv", "--settings", "icp.yaml", "--out",
                   "model", "--jobs", str(CORES), "--json"]  # fmt: skip
        env = {**os.environ, "PYTHONPATH": str(HERE.parent.parent)}
        start, used = time.perf_counter(), os.times()
        done = subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True, text=True)
        wall, now = time.perf_counter() - start, os.times()
    cpu = now.children_user + now.children_system - used.children_user - used.children_system
    stages = {stage: round(value, 1) for stage, value in json.loads(done.stdout)["seconds"].items()}
    return {"seconds": round(wall, 1), "cpu_seconds": round(cpu, 1), "stages": stages}


def peer_seconds(path: Path) -> dict[str, float]:
    """Return the peers' median processor seconds, fit and predict, on the planted table at 1,200 rows."""
    cells = [c for c in read_cells(path) if (c["table"], c["size"]) == ("planted", ROWS) and "cpu_seconds" in c]
    models = sorted({c["model"] for c in cells})
    return {m: round(statistics.median(c["cpu_seconds"] for c in cells if c["model"] == m), 1) for m in models}


def _result() -> dict[str, Any]:
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def figures() -> str:
    """Return the figures as Markdown."""
    result = _result()
    rows = [
        (f"`ICPClassifier` fit, {form}", f"{fit['bags']} refits", fit["seconds"], fit["cpu_seconds"])
        for form, fits in result["fits"].items()
        for fit in fits
    ]
    whole = result["train"]
    rows.append((f"`icp-ml train`, {CUSTOMERS:,} customers", "", whole["seconds"], whole["cpu_seconds"]))
    peers = ", ".join(f"{m} {s}" for m, s in result["peers"].items()) or "no cell yet"
    return "\n".join([
        markdown(["what", "", "seconds", "processor seconds"], rows), "",
        f"Stages of `train`, seconds: {', '.join(f'{s} {v}' for s, v in whole['stages'].items())}.",
        f"Peers on the planted table at {ROWS:,} rows, processor seconds on one core: {peers}.",
        f"Python {result['python']}, {result['cores']} cores, load {result['load']} when measured.",
    ])  # fmt: skip


def checks() -> list[Check]:
    """Return whether fits and training are as fast as asked."""
    result = _result()
    if not result:
        return [Check("seconds of a fit and of `train`", "4, 12 and 150 s", "", None)]
    few, many = next(iter(result["fits"].values()))
    form, whole = next(iter(result["fits"])), result["train"]
    out = []
    for name, found, most in (
        (f"one fit, {form}, without refits", few, FIT_SECONDS),
        (f"one fit, {form}, with {BAGS} refits", many, REFIT_SECONDS),
        (f"`icp-ml train`, {CUSTOMERS:,} customers", whole, TRAIN_SECONDS),
    ):
        text = f"{found['seconds']} s ({found['cpu_seconds']} s of processor)"
        out.append(Check(name, f"at most {most:.0f} s on two cores", text, found["seconds"] <= most))
    return out


def main() -> int:
    """Measure, write speed.json and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cells", type=Path, default=HERE / "cells.jsonl", help="where the peers' seconds are")
    parser.add_argument("--figures", action="store_true", help="put the table into README.md")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    result: dict[str, Any] = {"python": platform.python_version(), "cores": os.cpu_count()}
    result["load"] = round(os.getloadavg()[0], 1)
    result["fits"] = {
        form: [fit_seconds(X, y, bags, given.repeats) for bags in (FEWEST_BAGS, BAGS)]
        for form, (X, y) in forms(given.data).items()
    }
    result["train"] = train_seconds(given.data)
    result["peers"] = peer_seconds(given.cells)
    FILE.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(figures())
    if given.figures:
        put("speed", figures())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure scoring, training and import against the naive pipeline, in one run on one machine.

    python experiments/scoring_speed/run.py [--accounts 1000000] [--bench ../shared/bench]

Writes result.json beside this file and the figures into README.md.
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
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MARKS = ("<!-- figures -->", "<!-- /figures -->")


def timed(command: list[str], cwd: Path) -> tuple[float, str]:
    """Return wall seconds of a whole command, start-up included, and what it printed."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=env, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def icp_ml(*arguments: str, cwd: Path) -> tuple[float, dict[str, Any]]:
    """Run the command line and return its seconds and its JSON."""
    seconds, printed = timed([sys.executable, "-m", "icp_ml.cli", *arguments, "--json"], cwd)
    return seconds, json.loads(printed)


def measure(bench: Path, accounts: int, folder: Path) -> dict[str, Any]:
    """Run everything once on a fresh workload."""
    timed([sys.executable, str(bench / "make_workload.py"), str(folder), "--accounts", str(accounts)], folder)
    settings = folder / "icp.yaml"
    settings.write_text("tracking: {enabled: false}\n", encoding="utf-8")
    naive = [
        json.loads(
            timed([sys.executable, str(bench / "naive_pipeline.py"), str(folder), str(folder / "naive.csv")], folder)[1]
        )
        for _ in range(3)
    ]
    train_s, run = icp_ml("train", "customers.csv", "--settings", "icp.yaml", "--out", "model", cwd=folder)
    result: dict[str, Any] = {
        "accounts": accounts,
        "naive_accounts_per_second": statistics.median(n["accounts_per_second"] for n in naive),
        "train_seconds": round(train_s, 1),
        "train_stages": {stage: round(value, 1) for stage, value in run["seconds"].items()},
        "auc": run["evaluation"]["learners"][0]["metrics"]["auc"],
        "scoring": {},
    }
    for name, source, lookalikes in (
        ("parquet", "market.parquet", 0),
        ("parquet, 3 lookalikes", "market.parquet", 3),
        ("csv", "market.csv", 0),
    ):
        out = f"scored.{source.split('.')[1]}"
        seconds = [
            icp_ml(
                "score", "model", source, "--out", out, "--reasons", "5", "--lookalikes", str(lookalikes), cwd=folder
            )[0]
            for _ in range(3 if source.endswith("parquet") else 1)
        ]
        rate = accounts / statistics.median(seconds)
        result["scoring"][name] = {
            "seconds": round(statistics.median(seconds), 2),
            "accounts_per_second": round(rate),
            "times_naive": round(rate / result["naive_accounts_per_second"], 1),
        }
    imports = [
        timed(
            [
                sys.executable,
                "-c",
                "import time; s = time.perf_counter(); import icp_ml; print(time.perf_counter() - s)",
            ],
            folder,
        )[1]
        for _ in range(5)
    ]
    result["import_seconds"] = round(statistics.median(map(float, imports)), 4)
    return result


def show(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [
        "| what | seconds | accounts/s | times the naive pipeline |",
        "| --- | --- | --- | --- |",
        f"| naive pipeline, 20,000 accounts | | {result['naive_accounts_per_second']:,.0f} | 1 |",
    ]
    for name, row in result["scoring"].items():
        cells = (f"`icp-ml score`, {result['accounts']:,} accounts, {name}", str(row["seconds"]))
        lines.append(f"| {' | '.join(cells)} | {row['accounts_per_second']:,} | {row['times_naive']} |")
    stages = ", ".join(f"{stage} {value}" for stage, value in result["train_stages"].items())
    lines += [
        "",
        f"`icp-ml train` on 3,000 customers: {result['train_seconds']} s ({stages}).",
        f"`import icp_ml`: {result['import_seconds']} s.",
        f"Measured {result['date']}, Python {result['python']}, {result['cores']} cores; {result['versions']}.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, write result.json, put the figures into README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    default = Path(os.environ.get("ICP_ML_SHARED", ROOT.parent / "shared")) / "bench"
    parser.add_argument("--bench", type=Path, default=default)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(args.bench.resolve(), args.accounts, Path(folder))
    result |= {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "numpy", "pyarrow", "shap")),
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    readme.write_text(f"{before}{MARKS[0]}\n{show(result)}\n{MARKS[1]}{after}", encoding="utf-8")
    print(show(result))


if __name__ == "__main__":
    main()

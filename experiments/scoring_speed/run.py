"""Measure scoring, start-up, memory and growth against the naive pipeline and the floor, in one run on one machine.

    python experiments/scoring_speed/run.py [--accounts 2000000] [--largest 10000000] [--bench ../shared/bench]

Writes result.json beside this file and the figures into README.md. Parts: `--parts speed,cold,growth,train` (all).
What a part writes replaces that part only.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.append(str(HERE.parent / "model_quality"))
from figures import Check, markdown, put  # noqa: E402  (shared with other benchmarks)

REPEATS = 3
ROUNDS = 5  # of all ways in turn
COLD_ROWS = 1000
NOBODY = 65534
NO_SETTINGS = "tracking: {enabled: false}\n"
CLI = "import sys; from icp_ml.cli import main; sys.argv[0] = 'icp-ml'; main()"
FLOOR = """
import sys
import pyarrow.parquet as pq
source, scored, columns = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
for batch in pq.ParquetFile(source).iter_batches(65_536, columns=columns):
    pass
with pq.ParquetWriter("floor.parquet", pq.read_schema(scored), compression="zstd") as writer:
    for batch in pq.ParquetFile(scored).iter_batches(65_536):
        writer.write_batch(batch)
"""
# Heavy tables are made by processes of their own: Linux counts what a process once held as its children's peak, too.
SHORTER = """
import sys
import pyarrow.parquet as pq
source, target, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
pq.write_table(pq.read_table(source).slice(0, rows), target)
"""
LONGER = """
import sys
import pyarrow.compute as pc
import pyarrow.parquet as pq
source, target, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
table = pq.read_table(source)
at = table.schema.get_field_index("account_id")
with pq.ParquetWriter(target, table.schema) as writer:
    for start in range(0, size, len(table)):  # the same accounts again under other ids
        part = table.slice(0, min(len(table), size - start))
        ids = pc.add(part.column("account_id"), start)
        writer.write_table(part.set_column(at, part.schema.field(at), ids))
"""


class Ran(NamedTuple):
    """Wall and processor seconds of a whole command, its largest memory, and what it printed."""

    seconds: float
    cpu: float
    megabytes: float
    printed: str


def run(command: Sequence[str], cwd: Path, environment: dict[str, str] | None = None) -> Ran:
    """Run a command to its end, start-up included."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=cwd, env=env, stdout=out, stderr=errors)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        if child.returncode:
            msg = f"{' '.join(map(str, command))[:200]} ended with {child.returncode}: {errors.read()[-2000:]}"
            raise RuntimeError(msg)
        out.seek(0)
        return Ran(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, out.read())


def icp_ml(*arguments: str, cwd: Path) -> Ran:
    """Run the command line."""
    return run([sys.executable, "-c", CLI, *arguments, "--json"], cwd)


def median(values: Sequence[Ran]) -> float:
    return statistics.median(one.seconds for one in values)


def score(folder: Path, source: str, lookalikes: int, out: str, repeats: int = REPEATS) -> list[Ran]:
    """Score a list with five reasons per account."""
    options = ("--out", out, "--reasons", "5", "--lookalikes", str(lookalikes))
    return [icp_ml("score", "model", source, *options, cwd=folder) for _ in range(repeats)]


def speed(folder: Path, accounts: int, bench: Path) -> dict[str, Any]:
    """Score the same list in every way, beside the naive pipeline and the floor, in turns."""
    ways = {
        "Parquet to Parquet": ("market.parquet", 0, "scored.parquet"),
        "Parquet to Parquet, 3 lookalikes": ("market.parquet", 3, "similar.parquet"),
        "CSV to CSV": ("market.csv", 0, "scored.csv"),
    }
    read = sorted({*pq.read_schema(folder / "market.parquet").names} & fields_of(folder))
    ran: dict[str, list[Ran]] = {name: [] for name in ways}
    naive, floor = [], []
    for _ in range(ROUNDS):
        printed = run([sys.executable, str(bench / "naive_pipeline.py"), ".", "naive.csv"], folder).printed
        naive.append(json.loads(printed)["accounts_per_second"])
        for name, (source, lookalikes, target) in ways.items():
            ran[name] += score(folder, source, lookalikes, target, 1)
        floor.append(run([sys.executable, "-c", FLOOR, "market.parquet", "scored.parquet", ",".join(read)], folder))
    out: dict[str, Any] = {"accounts": accounts, "naive": statistics.median(naive), "ways": {}}
    for name, times in ran.items():
        rate = accounts / median(times)
        out["ways"][name] = {
            "seconds": round(median(times), 2),
            "cpu": round(statistics.median(one.cpu for one in times), 2),
            "rate": round(rate),
            "times_naive": round(rate / out["naive"], 1),
            "each": [round(one.seconds, 2) for one in times],
        }
    out["floor_seconds"] = round(median(floor), 2)
    out["times_floor"] = round(out["ways"]["Parquet to Parquet"]["seconds"] / median(floor), 2)
    return out


def fields_of(folder: Path) -> set[str]:
    """Return the columns of the list that the model reads, ids included."""
    encoding = json.loads((folder / "model" / "encoding.json").read_text(encoding="utf-8"))
    return {*(enc["field"] for enc in encoding["fields"]), "account_id", "name", "domain"}


def cold(folder: Path, *_: Any) -> dict[str, Any]:
    """Score a short list from scratch: as installed, and read-only without a home."""
    run([sys.executable, "-c", SHORTER, "market.parquet", "short.parquet", str(COLD_ROWS)], folder)
    out = {"as installed": round(median(score(folder, "short.parquet", 3, "short_scored.parquet", 5)), 2)}
    with tempfile.TemporaryDirectory() as place:
        work, installed = Path(place) / "work", Path(place) / "installed"
        work.mkdir()
        shutil.copytree(ROOT / "icp_ml", installed / "icp_ml", ignore=shutil.ignore_patterns("__pycache__"))
        compileall.compile_dir(installed, quiet=1)
        for name in ("short.parquet", "model"):
            made = shutil.copytree if (folder / name).is_dir() else shutil.copy
            made(folder / name, work / name)
        command = [sys.executable, "-c", CLI, "score", "model", "short.parquet", "--out", "o.parquet", "--json"]
        if os.geteuid() == 0:  # a read-only folder keeps everyone out but root
            Path(place).chmod(0o755)
            for path in (work, *work.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
            ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            command = ["setpriv", *ids, *command]
        for path in (installed, *installed.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        env = {"PYTHONPATH": str(installed), "HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent/cache"}
        out["read-only, no home"] = round(median([run(command, work, env) for _ in range(5)]), 2)
        for path in (installed, *installed.rglob("*")):
            path.chmod(0o755)
    return out


def growth(folder: Path, accounts: int, bench: Path, largest: int) -> dict[str, Any]:
    """Score lists from one million accounts to the largest: seconds and memory."""
    sizes = sorted({1_000_000, largest // 2, largest})
    for size in sizes:
        run([sys.executable, "-c", LONGER, "market.parquet", f"long{size}.parquet", str(size)], folder)
    ran: dict[int, list[Ran]] = {size: [] for size in sizes}
    for _ in range(REPEATS):
        for size, times in ran.items():
            times += score(folder, f"long{size}.parquet", 0, "long_scored.parquet", 1)
    for name in (*(f"long{size}.parquet" for size in sizes), "long_scored.parquet"):
        (folder / name).unlink()
    rows = [
        {"accounts": size, "seconds": round(median(times), 1), "megabytes": round(max(one.megabytes for one in times))}
        for size, times in ran.items()
    ]
    return {"rows": rows}


def train(folder: Path, *_: Any) -> dict[str, Any]:
    """Train on the workload's customers, and import."""
    ran = icp_ml("train", "customers.csv", "--settings", "icp.yaml", "--out", "trained", cwd=folder)
    code = "import time; s = time.perf_counter(); import icp_ml; print(time.perf_counter() - s)"
    imports = [float(run([sys.executable, "-c", code], folder).printed) for _ in range(5)]
    stages = {stage: round(value, 1) for stage, value in json.loads(ran.printed)["seconds"].items()}
    return {"seconds": round(ran.seconds, 1), "stages": stages, "import": round(statistics.median(imports), 4)}


def checks(result: dict[str, Any]) -> list[Check]:
    """Return what is asked, beside what was found."""
    out: list[Check] = []

    def ask(name: str, asked: str, found: str, passed: bool) -> None:
        out.append(Check(name, asked, found, passed))

    if "speed" in result:
        s = result["speed"]
        for name, least in (("Parquet to Parquet", 150), ("Parquet to Parquet, 3 lookalikes", 75), ("CSV to CSV", 60)):
            way = s["ways"][name]
            found = f"{way['times_naive']} times ({way['rate']:,} accounts/s, {way['seconds']} s)"
            ask(f"{name}, {s['accounts']:,} accounts, against the naive pipeline ({s['naive']:,.0f}/s)",
                f"at least {least} times", found, way["times_naive"] >= least)  # fmt: skip
        ask("the same beside pyarrow reading these columns and writing this output", "at most 2.5 times its seconds",
            f"{s['times_floor']} times ({s['floor_seconds']} s)", s["times_floor"] <= 2.5)  # fmt: skip
    for name, seconds in result.get("cold", {}).items():
        ask(f"cold `icp-ml score` of {COLD_ROWS:,} accounts, {name}", "under 2.5 s", f"{seconds} s", seconds < 2.5)
    if "growth" in result:
        rows = result["growth"]["rows"]
        first, last = rows[0]["megabytes"], rows[-1]["megabytes"]
        ask(f"peak memory at {rows[0]['accounts']:,} and {rows[-1]['accounts']:,} accounts",
            "under 800 MB, within 10 % of each other", f"{first} MB and {last} MB",
            max(first, last) < 800 and abs(last - first) <= 0.1 * first)  # fmt: skip
        added = [1e6 * (b["seconds"] - a["seconds"]) / (b["accounts"] - a["accounts"]) for a, b in pairwise(rows)]
        ask("microseconds per added account, from 1 to 10 million", "constant within 15 %",
            ", ".join(f"{v:.2f}" for v in added), max(added) <= 1.15 * min(added))  # fmt: skip
    return out


def show(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [markdown(["what", "asked", "found", ""], [(c.name, c.asked, c.found, c.verdict) for c in checks(result)])]
    if "speed" in result:
        told = (f"{name} {way['cpu']} s" for name, way in result["speed"]["ways"].items())
        lines += ["", f"Processor seconds: {', '.join(told)}."]
    if "train" in result:
        stages = ", ".join(f"{stage} {value}" for stage, value in result["train"]["stages"].items())
        lines += ["", f"`icp-ml train` on 3,000 customers: {result['train']['seconds']} s ({stages}).",
                  f"`import icp_ml`: {result['train']['import']} s."]  # fmt: skip
    said = f"Python {result['python']}, {result['cores']} cores; {result['versions']}"
    return "\n".join([*lines, "", f"Measured {result['date']}, {said}."])


def main() -> None:
    """Measure, write result.json, put the figures into README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=2_000_000)
    parser.add_argument("--largest", type=int, default=10_000_000)
    parser.add_argument("--parts", default="speed,cold,growth,train")
    default = Path(os.environ.get("ICP_ML_SHARED", ROOT.parent / "shared")) / "bench"
    parser.add_argument("--bench", type=Path, default=default)
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # whatever is installed has its bytecode
    parts: dict[str, Callable[..., dict[str, Any]]] = {"speed": speed, "cold": cold, "growth": growth, "train": train}
    file = HERE / "result.json"
    result = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    bench = given.bench.resolve()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        making = [sys.executable, str(bench / "make_workload.py"), str(folder), "--accounts", str(given.accounts)]
        run(making, folder)
        (folder / "icp.yaml").write_text(NO_SETTINGS, encoding="utf-8")
        icp_ml("train", "customers.csv", "--settings", "icp.yaml", "--out", "model", cwd=folder)
        for name in given.parts.split(","):
            more = (given.largest,) if name == "growth" else ()
            result[name] = parts[name](folder, given.accounts, bench, *more)
            print(name, json.dumps(result[name]), flush=True)
            file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    result |= {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": ", ".join(f"{name} {version(name)}" for name in ("lightgbm", "numpy", "pyarrow", "shap")),
    }
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    put("figures", show(result), HERE / "README.md")
    print(show(result))


if __name__ == "__main__":
    main()

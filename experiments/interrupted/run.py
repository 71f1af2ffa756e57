"""Kill `icp-ml score` at random moments and resume it; the result must be the file of an uninterrupted run.

    python experiments/interrupted/run.py [--kills 50] [--accounts 300000] [--bench ../shared/bench]

Writes result.json and the figures in README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
OLD = b"an older result"
sys.path.append(str(HERE.parent / "model_quality"))
from figures import put  # noqa: E402  (shared with the other benchmarks)


def command(out: Path, *more: str) -> list[str]:
    """Return the command that scores the list in the folder of `out`."""
    source = f"market{out.suffix}"
    return [
        sys.executable, "-m", "icp_ml.cli", "score", "model", source, "--out", out.name,
        "--lookalikes", "0", "--quiet", *more,
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """Return the environment of a run: this repository's code."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def whole(out: Path, *more: str) -> tuple[str, float]:
    """Run to the end; return the file's hash and the seconds."""
    start = time.perf_counter()
    subprocess.run(command(out, *more), cwd=out.parent, env=environment(), check=True, capture_output=True)
    return digest(out), time.perf_counter() - start


def digest(out: Path) -> str:
    """Return the hash of the scored file and of its rejected rows."""
    rejects = out.with_name(f"{out.name}.rejects.csv")
    return hashlib.sha256(out.read_bytes() + (rejects.read_bytes() if rejects.exists() else b"")).hexdigest()


def killed(out: Path, after: float, *more: str) -> bool:
    """Start, and kill after some seconds; return whether it was still running."""
    process = subprocess.Popen(
        command(out, *more), cwd=out.parent, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def trial(number: int, out: Path, expected: str, seconds: float) -> dict[str, Any]:
    """Kill once or twice, and resume."""
    rng = random.Random(number)
    out.write_bytes(OLD)
    moments = [round(rng.uniform(0.05, 1.0) * seconds, 3) for _ in range(rng.choice([1, 1, 2]))]
    running = killed(out, moments[0])
    for moment in moments[1:]:
        running = killed(out, moment, "--resume") or running
    left = "old" if out.read_bytes() == OLD else "new" if digest(out) == expected else "damaged"
    parts = out.with_name(f".{out.name}.parts")
    finished = sum(path.suffix in (".arrow", ".parquet") for path in parts.iterdir()) if parts.is_dir() else 0
    found, _ = whole(out, "--resume")
    clean = not [path.name for path in out.parent.iterdir() if path.name.startswith(f".{out.name}")]
    return {
        "trial": number, "format": out.suffix, "moments": moments, "killed": running, "left": left,
        "chunks_kept": finished, "identical": found == expected, "clean": clean,
    }  # fmt: skip


def measure(bench: Path, accounts: int, kills: int, folder: Path) -> dict[str, Any]:
    """Train a model, score once uninterrupted, then kill and resume."""
    make = [sys.executable, str(bench / "make_workload.py"), str(folder), "--accounts", str(accounts)]
    subprocess.run(make, check=True, capture_output=True)
    with (folder / "market.csv").open("a", encoding="utf-8") as file:
        file.write("too,few\n")  # a row that does not parse
    settings = folder / "icp.yaml"
    settings.write_text(
        "tracking: {enabled: false}\nmodel: {segments: never, bags: 3}\nevaluation: {folds: 2, repeats: 1}\n", "utf-8"
    )
    train = [sys.executable, "-m", "icp_ml.cli", "train", "customers.csv", "--settings", "icp.yaml", "--out", "model"]
    subprocess.run(train, cwd=folder, env=environment(), check=True, capture_output=True)
    outs = [folder / "scored.parquet", folder / "scored.csv"]
    whole(outs[0])  # compiled code is kept from here on
    plain = [whole(out) for out in outs]
    rows = []
    for number in range(kills):
        which = number % 2
        rows.append(trial(number, outs[which], *plain[which]))
        print(rows[-1], flush=True)
    return {"accounts": accounts, "seconds": [round(seconds, 1) for _, seconds in plain], "trials": rows}


def figures(result: dict[str, Any]) -> str:
    """Return the summary as a table."""
    rows = result["trials"]
    killed_rows = [row for row in rows if row["killed"]]
    kept = sorted(row["chunks_kept"] for row in killed_rows)
    lines = [
        ("accounts", f"{result['accounts']:,}"),
        ("trials", f"{len(rows)}, of which {len(killed_rows)} were killed while running"),
        ("finished chunks when killed", f"{kept[0]} to {kept[-1]}" if kept else ""),
        ("left behind", ", ".join(f"{w} {sum(r['left'] == w for r in rows)}" for w in ("old", "new", "damaged"))),
        ("identical after `--resume`", f"{sum(row['identical'] for row in rows)} of {len(rows)}"),
        ("nothing left beside it", f"{sum(row['clean'] for row in rows)} of {len(rows)}"),
    ]
    return "\n".join(["| what | found |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in lines)])


def main() -> int:
    """Run, and write what was found; 1 where any trial failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--accounts", type=int, default=300_000)
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(given.bench.resolve(), given.accounts, given.kills, Path(folder))
    (HERE / "result.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    put("figures", figures(result), HERE / "README.md")
    print(figures(result))
    fine = all(row["identical"] and row["clean"] and row["left"] != "damaged" for row in result["trials"])
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

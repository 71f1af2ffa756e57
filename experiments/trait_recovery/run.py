"""Find planted traits: every cell is one world, one number of customers, one finder, kept as it finishes.

    python experiments/trait_recovery/run.py [--budget-minutes N] [--kinds a,b] [--finders a,b] [--sizes ...]

Kinds of cells: `recovery` (30 worlds at 200 to 3,000 customers, all finders), `shuffled` (300 runs whose labels are
shuffled, 500 customers), `one` (one real field, the others independent of it, 500 customers), `intervals` (further
worlds, for the coverage of lift intervals only). Cells are appended to cells.jsonl and a run goes on where the last one
stopped, so a cell of an older version stays until its line is deleted; summary.py reads them.

To tune on other worlds than those of the benchmark: --first-world 1000 --cells FILE.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from finders import FINDERS, Found, Report, planted_statements, values_of
from judgement import Judgement, Statement, judge
from oracle import oracle_z
from scipy.special import expit
from worlds import Floats, World, make, plant_one, population

from icp_ml.datasets.planted import planted_log_odds

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "model_quality"))
from figures import Cells  # noqa: E402  (shared with the other benchmark)

SIZES = (200, 500, 1000, 3000)
WORLDS = 30
RUNS = {"shuffled": 300, "one": 200, "intervals": 150}
ONE_SIZE = {"shuffled": 500, "one": 500, "intervals": 1000}
FIRST = {"recovery": 0, "shuffled": 0, "one": 0, "intervals": 100}
STEPS = 50  # the parts that all kinds are interleaved in, so that any budget gives a balanced picture
KEY = ("kind", "finder", "n", "world")


def cells(kinds: list[str], finders: list[str], sizes: list[int], worlds: int, first: int) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of all cells; peers are run on `recovery` only."""
    for step in range(max(STEPS, worlds)):
        if "recovery" in kinds and step < worlds:
            yield from (("recovery", finder, n, first + step) for n in sizes for finder in finders)
        for kind in RUNS:
            if kind in kinds and "icp" in finders:
                part = range(step * RUNS[kind] // STEPS, (step + 1) * RUNS[kind] // STEPS)
                yield from ((kind, "icp", ONE_SIZE[kind], first + FIRST[kind] + i) for i in part)


def world_of(kind: str, n: int, index: int) -> World:
    """Return the world of a cell."""
    if kind == "one":
        return make(index, n, plant_one(index))
    world = make(index, n)
    return world.shuffled(index) if kind == "shuffled" else world


def measure(kind: str, finder: str, n: int, index: int) -> dict[str, Any]:
    """Run one finder on one world and judge what it reports."""
    world = world_of(kind, n, index)
    start, cpu = time.monotonic(), time.process_time()
    report = FINDERS[finder](world, index)
    wall, cpu = time.monotonic() - start, time.process_time() - cpu
    cell: dict[str, Any] = {"kind": kind, "finder": finder, "n": n, "world": index}
    cell |= {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2), "gate_p": report.gate_p, "passed": report.passed}
    return cell | judged(world, report, shuffled=kind == "shuffled")


def judged(world: World, report: Report, *, shuffled: bool) -> dict[str, Any]:
    """Return what is planted, with its oracle z, and what is reported, with its verdict and its true lift."""
    planted = [] if shuffled else planted_statements(world)
    chance = np.full(len(population(world.planted.alone)[0]), 1.0) if shuffled else true_rates(world)
    found = []
    for item in report.found:
        verdict = Judgement("field")
        if item.statement is not None:
            column = values_of(item.statement.field, item.statement.kind, world, complete=True)
            verdict = judge(item.statement, planted, column)
        found.append(_row(item, verdict, chance))
    return {"planted": [] if shuffled else _planted_rows(world, planted), "found": found}


def true_rates(world: World) -> Floats:
    """Return P(best) of every company of the population."""
    whole = population(world.planted.alone)[0]
    return np.asarray(expit(planted_log_odds(whole, world.planted.traits, world.planted.intercept)))


def _planted_rows(world: World, planted: list[Statement]) -> list[dict[str, Any]]:
    """The oracle tests best against worst, as the search does; `z_all`: best against all others."""
    ends = world.status != "middle"
    best = (world.status == "best").astype(np.float64)
    z = oracle_z(world.seen[ends].reset_index(drop=True), world.planted.traits, best[ends])
    z_all = oracle_z(world.seen, world.planted.traits, best)
    return [
        {**_said(s), "effect": t.effect, "z": round(a, 3), "z_all": round(b, 3)}
        for s, t, a, b in zip(planted, world.planted.traits, z, z_all, strict=True)
    ]


def _row(item: Found, verdict: Judgement, chance: Floats) -> dict[str, Any]:
    there = bool(item.inside.any())
    row: dict[str, Any] = {
        **(_said(item.statement) if item.statement is not None else {"kind": "pair"}),
        "verdict": verdict.verdict, "planted": verdict.planted, "overlap": round(verdict.overlap, 4),
        "complement": verdict.complement, "edges": [round(e, 4) for e in verdict.edges],
        "true_lift": round(float(chance[item.inside].mean() / chance.mean()), 4) if there else None,
    }  # fmt: skip
    return row | {k: round(v, 5) if isinstance(v, float) else v for k, v in item.evidence.items()}


def _said(s: Statement) -> dict[str, Any]:
    values = list(s.values) if s.kind != "range" else [s.low, s.high]
    return {"field": s.field, "kind": s.kind, "direction": s.direction, "values": values}


def main() -> int:
    """Run the cells that are missing, within the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget-minutes", type=float, default=60.0)
    parser.add_argument("--kinds", default="recovery,shuffled,one,intervals")
    parser.add_argument("--finders", default=",".join(FINDERS))
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--first-world", type=int, default=0)
    parser.add_argument("--cells", type=Path, default=HERE / "cells.jsonl")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    pd.options.mode.copy_on_write = True
    kept = Cells(given.cells, KEY, given.budget_minutes)
    wanted = cells(given.kinds.split(","), given.finders.split(","), given.sizes, given.worlds, given.first_world)
    for kind, finder, n, world in kept.missing(wanted):
        kept.add(measure(kind, finder, n, world), quiet=True)
        row = kept.rows[kind, finder, n, world]
        right = sum(f["verdict"] == "right" for f in row["found"])
        print(
            kind, finder, n, world, f"{right} right of {len(row['found'])} reported,", row["seconds"], "s", flush=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One cell: a world, what a finder reports of it, and how that is judged."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from finders import FINDERS, Found, Report, ours, planted_statements, values_of
from judgement import Judgement, Statement, boundaries, judge, judge_pair
from oracle import oracle_ranges, oracle_z
from scipy.special import expit
from worlds import Floats, World, make, numbers, plant_one, population

from icp_ml.datasets.planted import planted_log_odds


def world_of(kind: str, n: int, index: int) -> World:
    """Return the world of a cell."""
    if kind == "one":
        return make(index, n, plant_one(index))
    world = make(index, n)
    return world.shuffled(index) if kind == "shuffled" else world


def measure(kind: str, finder: str, n: int, index: int) -> dict[str, Any]:
    """Run one finder on one world and judge what it reports."""
    warnings.filterwarnings("ignore")  # peers: few customers, unnamed columns
    world = world_of(kind, n, index)
    start, cpu = time.monotonic(), time.process_time()
    report = ours(world, index, gated=kind != "intervals") if finder == "icp" else FINDERS[finder](world, index)
    wall, cpu = time.monotonic() - start, time.process_time() - cpu
    cell: dict[str, Any] = {"kind": kind, "finder": finder, "n": n, "world": index}
    cell |= {"seconds": round(wall, 2), "cpu_seconds": round(cpu, 2), "gate_p": report.gate_p, "passed": report.passed}
    cell |= {"stages": report.stages} if report.stages else {}
    return cell | judged(world, report, shuffled=kind == "shuffled")


def judged(world: World, report: Report, *, shuffled: bool) -> dict[str, Any]:
    """Return what is planted, with its oracle z, and what is reported, with its verdict and its true lift."""
    planted = [] if shuffled else planted_statements(world)
    chance = np.full(len(population(world.planted.alone)[0]), 1.0) if shuffled else true_rates(world)
    found = []
    for item in report.found:
        parts = [judge(s, planted, values_of(s.field, s.kind, world, complete=True)) for s in item.statements]
        found.append(_row(item, parts[0] if len(parts) == 1 else judge_pair(parts), chance))
    return {"planted": [] if shuffled else _planted_rows(world, planted), "found": found}


def true_rates(world: World) -> Floats:
    """Return P(best) of every company of the population."""
    whole = population(world.planted.alone)[0]
    return np.asarray(expit(planted_log_odds(whole, world.planted.traits, world.planted.intercept)))


def _planted_rows(world: World, planted: list[Statement]) -> list[dict[str, Any]]:
    """The oracle tests best against worst, as the search does; `z_all`: best against all others."""
    ends = world.status != "middle"
    best = (world.status == "best").astype(np.float64)
    judged, y, traits = world.seen[ends].reset_index(drop=True), best[ends], world.planted.traits
    z, z_all = oracle_z(judged, traits, y), oracle_z(world.seen, traits, best)
    columns = [numbers(judged, s.field) if s.kind == "range" else None for s in planted]
    rows = []
    for k, (s, run) in enumerate(zip(planted, oracle_ranges(judged, traits, y, columns), strict=True)):
        row = {**_said(s), "effect": traits[k].effect, "z": round(z[k], 3), "z_all": round(z_all[k], 3)}
        if run is not None:
            whole = values_of(s.field, s.kind, world, complete=True)
            ends_off = boundaries(replace(s, low=run[0], high=run[1]), s, whole)
            row["oracle_edges"] = [round(e, 4) for e in ends_off]
        rows.append(row)
    return rows


def _row(item: Found, verdict: Judgement, chance: Floats) -> dict[str, Any]:
    there = bool(item.inside.any())
    row: dict[str, Any] = {
        **(_said(item.statements[0]) if len(item.statements) == 1 else {"kind": "pair"}),
        "verdict": verdict.verdict, "planted": verdict.planted, "overlap": round(verdict.overlap, 4),
        "complement": verdict.complement, "edges": [round(e, 4) for e in verdict.edges],
        "true_lift": round(float(chance[item.inside].mean() / chance.mean()), 4) if there else None,
    }  # fmt: skip
    return row | {k: round(v, 5) if isinstance(v, float) else v for k, v in item.evidence.items()}


def _said(s: Statement) -> dict[str, Any]:
    values = list(s.values) if s.kind != "range" else [s.low, s.high]
    return {"field": s.field, "kind": s.kind, "direction": s.direction, "values": values}

"""Does one planted profile give one segment, and two give two? Every world is kept as it finishes.

    python experiments/segments/run.py [--worlds 100] [--budget-minutes N] [--bags 25]

A cell is one world of 3,000 mature customers: the segments found and their rules; AUC (best against worst) on 9,000
customers held out of the model, of the same model without segments, and of the unconstrained LightGBM that every
evaluation compares with. Cells are appended to cells.jsonl; a run goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score
from worlds import KINDS, PlantedCustomers, planted

from icp_ml.estimator.fitting import FittedTables, neutral_fields
from icp_ml.estimator.rows import TrainingRows, canonical_order, take
from icp_ml.estimator.segment_tables import leaves
from icp_ml.estimator.unconstrained import fit_unconstrained

HERE = Path(__file__).parent
Floats = npt.NDArray[np.float64]


def cell(kind: str, seed: int, bags: int) -> dict[str, object]:
    """Return what one world says."""
    world = planted(kind, seed)
    boosting = replace(world.data.params.boosting, bags=bags)
    found: dict[str, FittedTables] = {}
    seconds: dict[str, float] = {}
    for way in ("auto", "never"):
        start = time.process_time()
        found[way] = world.fit(seed, boosting=boosting, segments=way)
        seconds[way] = round(time.process_time() - start, 1)
    tables = found["auto"].tables
    rules = tables.rules
    return {
        "kind": kind, "seed": seed, "bags": bags,
        "segments": max(len(leaves(rules)), 1),
        "rules": [rule.name for rule in rules],
        "fields": sorted({tables.terms[rule.term].field for rule in rules}),
        "shared": [segment.shared for segment in found["auto"].division.segments],
        "auc": {way: _auc(world, _log_odds(world, fit)) for way, fit in found.items()}
        | {"full": _auc(world, _full(world, found["auto"], seed))},
        "why": list(found["auto"].division.sentences),
        "seconds": seconds,
    }  # fmt: skip


def _log_odds(world: PlantedCustomers, fit: FittedTables) -> Floats:
    return fit.tables.log_odds(fit.tables.encode(world.part(world.held), len(world.held)))


def _full(world: PlantedCustomers, fit: FittedTables, seed: int) -> Floats:
    """Return held-out log-odds of the unconstrained LightGBM, trained on grades where the model was."""
    data, train = world.data, world.train
    codes = fit.tables.encode(world.part(train), len(train))
    rows = TrainingRows(codes, data.best[train], np.ones(len(train)), data.groups[train], data.judged[train])
    if fit.grades.graded:
        grade = data.grade[train]
        known = np.isfinite(grade)
        rows = replace(rows, trains=known, grade=np.where(known, np.clip(grade, 0.0, 1.0), rows.y))
    order = canonical_order(rows.codes, rows.y, rows.weight, rows.group, rows.trains, rows.grade)
    held = fit.tables.encode(world.part(world.held), len(world.held))
    neutral = neutral_fields(data.specs)
    return fit_unconstrained(take(rows, order), held, fit.tables.terms, data.params.boosting, seed, neutral)[0]


def _auc(world: PlantedCustomers, log_odds: Floats) -> float:
    status = world.data.status[world.held]
    judged = status != "middle"
    return round(float(roc_auc_score(status[judged] == "best", log_odds[judged])), 5)


def main() -> None:
    """Run the worlds that are missing, one and two profiles in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--budget-minutes", type=float, default=float("inf"))
    parser.add_argument("--bags", type=int, default=25)
    parser.add_argument("--out", type=Path, default=HERE / "cells.jsonl")
    asked = parser.parse_args()
    done = set()
    if asked.out.exists():
        done = {(c["kind"], c["seed"]) for c in map(json.loads, asked.out.read_text().splitlines())}
    end = time.monotonic() + 60 * asked.budget_minutes
    for seed in range(1, asked.worlds + 1):
        for kind in KINDS:
            if (kind, seed) in done:
                continue
            if time.monotonic() > end:
                return
            line = json.dumps(cell(kind, seed, asked.bags))
            with asked.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    main()

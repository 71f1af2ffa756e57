"""Find planted traits: every cell is one world, one number of customers, one finder, kept as it finishes.

    python experiments/trait_recovery/run.py [--budget-minutes N] [--kinds a,b] [--finders a,b] [--sizes ...]

Kinds of cells: `recovery` (30 worlds at 200 to 3,000 customers, all finders), `shuffled` (300 runs whose labels are
shuffled, 500 customers), `one` (one real field, the others independent of it, 500 customers), `intervals` (further
worlds, for the coverage of lift intervals only, without the gate), `few` (further worlds of 200 customers, for
precision only: few of them report anything). Cells are appended to cells.jsonl and a run goes on
where the last one stopped, so a cell of an older version stays until its line is deleted; summary.py reads them.

To tune on other worlds than those of the benchmark: --first-world 1000 --cells FILE.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
from finders import FINDERS
from measure import measure

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "model_quality"))
from figures import Cells  # noqa: E402  (shared with the other benchmark)

SIZES = (200, 500, 1000, 3000)
WORLDS = 30
DEFAULT = ("icp", "tree", "shap", "sirus")
STEPS = 50  # the parts that all kinds are interleaved in, so that any budget gives a balanced picture
KEY = ("kind", "finder", "n", "world")


class Plan(NamedTuple):
    """Cells of one kind: numbers of customers, runs, and the number of the first world."""

    kind: str
    n: int
    runs: int
    first: int


PLANS = (
    Plan("shuffled", 500, 300, 0),
    Plan("one", 500, 100, 0),
    Plan("intervals", 1000, 150, 100),
    Plan("intervals", 3000, 30, 100),
    Plan("few", 200, 150, 300),
)


def cells(kinds: list[str], finders: list[str], sizes: list[int], worlds: int, first: int) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of all cells; peers are run on `recovery` only."""
    for step in range(max(STEPS, worlds)):
        if "recovery" in kinds and step < worlds:
            yield from (("recovery", finder, n, first + step) for n in sizes for finder in finders)
        for plan in PLANS:
            if plan.kind in kinds and "icp" in finders:
                part = range(step * plan.runs // STEPS, min((step + 1) * plan.runs // STEPS, plan.runs))
                yield from ((plan.kind, "icp", plan.n, first + plan.first + i) for i in part)


def main() -> int:
    """Run the cells that are missing, within the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget-minutes", type=float, default=60.0)
    parser.add_argument("--kinds", default="recovery,shuffled,one,intervals,few")
    parser.add_argument("--finders", default=",".join(DEFAULT), help=f"of {', '.join(FINDERS)}")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--worlds", type=int, default=WORLDS)
    parser.add_argument("--first-world", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--cells", type=Path, default=HERE / "cells.jsonl")
    given = parser.parse_args()
    kept = Cells(given.cells, KEY, given.budget_minutes)
    wanted = cells(given.kinds.split(","), given.finders.split(","), given.sizes, given.worlds, given.first_world)
    pool = joblib.Parallel(given.jobs, return_as="generator_unordered", pre_dispatch=given.jobs)
    for row in pool(joblib.delayed(measure)(*key) for key in kept.missing(wanted)):
        kept.add(row, quiet=True)
        right = sum(f["verdict"] == "right" for f in row["found"])
        said = f"{right} right of {len(row['found'])} reported, {row['seconds']} s"
        print(*(row[k] for k in KEY), said, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the cells say: every figure that the benchmark asks for, beside the peers'.

    python experiments/trait_recovery/summary.py [--cells FILE] [--figures]

Prints, writes summary.json beside the cells, and with --figures the tables between the markers of README.md. Intervals
are 95 % bootstraps of worlds: cells of one world, at all its numbers of customers, are drawn together. What is found
in a world that does not pass the gate is not reported, as `train` does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import reasons
import segments

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "model_quality"))
from figures import Check, markdown, put, read_cells  # noqa: E402  (shared with the other benchmark)

Cell = Mapping[str, Any]
NAMES = {
    "icp": "`find_traits`", "icp_labels": "`find_traits`, without grades", "tree": "shallow tree",
    "shap": "top mean absolute SHAP of LightGBM", "sirus": "SIRUS-style rules",
}  # fmt: skip
CLASSES = ((5.0, np.inf, "over 5", 0.9), (3.5, 5.0, "3.5 to 5", 0.6), (2.0, 3.5, "2 to 3.5", None))
PRECISION = {200: 0.85, 500: 0.90, 1000: 0.90, 3000: 0.90}
BOUNDARY, BOUNDARIES = 0.05, 0.90
SHUFFLED_MOST, SECOND_MOST = 0.05, 0.10
COVERAGE, LEAST_INTERVALS = (0.92, 0.98), 1000
DECOY = 1.05  # a wrong field whose true lift is so far from 1 follows a planted one; else it is noise
DRAWS = 1000


def load(path: Path) -> list[dict[str, Any]]:
    """Return the cells in one order, of a cell measured twice the last line."""
    kept = {(c["kind"], c["finder"], c["n"], c["world"]): c for c in read_cells(path)}
    return [kept[key] for key in sorted(kept)]


def reported(cell: Cell) -> list[dict[str, Any]]:
    """Return what the user would be shown."""
    return cell["found"] if cell["passed"] else []


def of(cells: Sequence[Cell], kind: str, finder: str = "icp", n: int | None = None) -> list[Cell]:
    return [c for c in cells if c["kind"] == kind and c["finder"] == finder and n in (None, c["n"])]


def share(counts: Callable[[Cell], tuple[float, float]], cells: Sequence[Cell]) -> dict[str, Any]:
    """Return hits over tries, pooled, and its interval over worlds."""
    by_world: dict[int, list[float]] = {}
    for cell in cells:
        hits, tries = counts(cell)
        sums = by_world.setdefault(cell["world"], [0.0, 0.0])
        sums[0], sums[1] = sums[0] + hits, sums[1] + tries
    table = np.array(list(by_world.values())).reshape(-1, 2)
    hits, tries = table.sum(axis=0)
    if not tries:
        return {"share": None, "hits": 0, "of": 0}
    drawn = table[np.random.default_rng(0).integers(len(table), size=(DRAWS, len(table)))].sum(axis=1)
    shares = drawn[drawn[:, 1] > 0]
    low, high = np.quantile(shares[:, 0] / shares[:, 1], [0.025, 0.975])
    out = {"share": float(hits / tries), "low": float(low), "high": float(high), "hits": int(hits), "of": int(tries)}
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in out.items()}


def recall(low: float, high: float, *, strict: bool = False) -> Callable[[Cell], tuple[float, float]]:
    """Count planted traits of an oracle z in [low, high) and those found; strict: not told of the complement."""

    def counts(cell: Cell) -> tuple[float, float]:
        wanted = {k for k, p in enumerate(cell["planted"]) if low <= p["z"] < high}
        right = [f for f in reported(cell) if f["verdict"] == "right" and not (strict and f["complement"])]
        return len(wanted & {f["planted"] for f in right}), len(wanted)

    return counts


def precision(*, strict: bool = False) -> Callable[[Cell], tuple[float, float]]:
    """Count right and all reported traits."""

    def counts(cell: Cell) -> tuple[float, float]:
        found = reported(cell)
        return sum(f["verdict"] == "right" and not (strict and f["complement"]) for f in found), len(found)

    return counts


def speaks(cell: Cell) -> tuple[float, float]:
    return float(bool(reported(cell))), 1.0


def speaks_without_gate(cell: Cell) -> tuple[float, float]:
    return float(bool(cell["found"])), 1.0


def second(cell: Cell) -> tuple[float, float]:
    """Whether a field beside the one real one is reported."""
    return float(any(f["verdict"] in ("field", "pair") for f in reported(cell))), 1.0


def edges(*, right_only: bool) -> Callable[[Cell], tuple[float, float]]:
    """Count boundaries of ranges on a planted range's field in its direction, and those within 5 points."""

    def counts(cell: Cell) -> tuple[float, float]:
        some = [f for f in reported(cell) if f["verdict"] == "right" or (not right_only and f["verdict"] == "values")]
        ends = [e for f in some for e in f["edges"]]
        return sum(e <= BOUNDARY for e in ends), len(ends)

    return counts


def oracle_edges(cell: Cell) -> tuple[float, float]:
    """Count boundaries of planted ranges that are found, and those the oracle tells within 5 points."""
    found = {f["planted"] for f in reported(cell) if f["verdict"] == "right"}
    ends = [e for k, p in enumerate(cell["planted"]) if k in found for e in p.get("oracle_edges", ())]
    return sum(e <= BOUNDARY for e in ends), len(ends)


def covered(cell: Cell) -> tuple[float, float]:
    """Count lift intervals of reported traits, and those that hold the true lift."""
    some = [f for f in reported(cell) if f.get("true_lift") is not None and "lift_low" in f]
    return sum(f["lift_low"] <= f["true_lift"] <= f["lift_high"] for f in some), len(some)


def wrong(cells: Sequence[Cell]) -> dict[str, int]:
    """Return what is wrong with the wrong ones."""
    out = {"decoy": 0, "noise": 0, "values": 0, "direction": 0, "pair": 0}
    for found in (f for c in cells for f in reported(c) if f["verdict"] != "right"):
        kind = found["verdict"]
        if kind == "field":
            lift = found["true_lift"] or 1.0
            kind = "decoy" if max(lift, 1 / lift) > DECOY else "noise"
        out[kind] += 1
    return out


def words(s: Mapping[str, Any]) -> str:
    """Return "0.91 (0.85 to 0.96), 41 of 45"."""
    if s["share"] is None:
        return ""
    return f"{s['share']:.2f} ({s['low']:.2f} to {s['high']:.2f}), {s['hits']:,} of {s['of']:,}"


def check(name: str, asked: str, s: Mapping[str, Any], passed: Callable[[float], bool]) -> Check:
    return Check(name, asked, words(s), None if s["share"] is None else passed(s["share"]))


def figures(cells: Sequence[Cell]) -> dict[str, Any]:
    """Return every figure of every finder."""
    out: dict[str, Any] = {}
    for finder in NAMES:
        whole = of(cells, "recovery", finder)
        by_size = {n: of(cells, "recovery", finder, n) for n in PRECISION}
        more = {n: [*part, *of(cells, "few", finder, n)] for n, part in by_size.items()}
        out[finder] = {
            "recall": {name: share(recall(a, b), whole) for a, b, name, _ in CLASSES},
            "recall_strict": {name: share(recall(a, b, strict=True), whole) for a, b, name, _ in CLASSES},
            "recall_by_size": {
                n: {name: share(recall(a, b), part) for a, b, name, _ in CLASSES} for n, part in by_size.items()
            },
            "precision": {n: share(precision(), part) for n, part in more.items()},
            "precision_strict": {n: share(precision(strict=True), part) for n, part in more.items()},
            "worlds_that_report": {n: share(speaks, part) for n, part in more.items()},
            "wrong": {n: wrong(part) for n, part in more.items()},
            "boundaries": {n: share(edges(right_only=True), part) for n, part in by_size.items()},
            "boundaries_oracle": {n: share(oracle_edges, part) for n, part in by_size.items()},
            "boundaries_oracle_all": share(oracle_edges, whole),
            "boundaries_all": share(edges(right_only=True), whole),
            "boundaries_of_wrong_values_too": share(edges(right_only=False), whole),
            "seconds": {n: _median([c["seconds"] for c in part]) for n, part in by_size.items()},
            "cpu_seconds": {n: _median([c["cpu_seconds"] for c in part]) for n, part in by_size.items()},
        }
    ungated = [{**c, "passed": True} for c in of(cells, "recovery")]
    one = of(cells, "one")
    every = [{**c, "world": f"{c['kind']} {c['world']}"} for c in cells if c["finder"] == "icp"]
    return {
        "finders": out,
        "without_gate": {
            "recall": {name: share(recall(a, b), ungated) for a, b, name, _ in CLASSES},
            "precision": {n: share(precision(), of(ungated, "recovery", n=n)) for n in PRECISION},
        },
        "shuffled": share(speaks, of(cells, "shuffled")),
        "shuffled_without_gate": share(speaks_without_gate, of(cells, "shuffled")),
        "one_second": share(second, one),
        "one_found": share(recall(-np.inf, np.inf), one),
        "coverage": share(covered, every),
        "coverage_by_size": {n: share(covered, [c for c in every if c["n"] == n]) for n in PRECISION},
    }


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 2) if values else None


def checks(found: Mapping[str, Any]) -> list[Check]:
    """Return the checks that the cells decide."""
    ours = found["finders"]["icp"]
    out = [
        check(f"recall, oracle z {name}", f"at least {least}", ours["recall"][name], lambda v, a=least: v >= a)
        for _, _, name, least in CLASSES
        if least is not None
    ]
    for n, least in PRECISION.items():
        s = ours["precision"][n]
        line = check(f"precision at {n:,} customers", f"at least {least:.2f}", s, lambda v, a=least: v >= a)
        says = ours["worlds_that_report"][n]
        out.append(line._replace(found=f"{line.found}; {words(says)} worlds report anything") if says["of"] else line)
    out.append(
        check("range boundaries within 5 percentile points", f"{BOUNDARIES:.0%}", ours["boundaries_all"],
              lambda v: v >= BOUNDARIES)
    )  # fmt: skip
    s = found["shuffled"]
    out.append(
        check("shuffled labels, runs that report any trait", "at most 5 % of 300", s, lambda v: v <= SHUFFLED_MOST)
    )
    s = found["one_second"]
    out.append(check("one real field, runs that report a second", "at most 10 %", s, lambda v: v <= SECOND_MOST))
    s, (low, high) = found["coverage"], COVERAGE
    line = check("95 % lift intervals that hold the true lift", "92 to 98 %, of at least 1,000", s,
                 lambda v: low <= v <= high)  # fmt: skip
    return [*out, line._replace(passed=None) if s["of"] < LEAST_INTERVALS else line]


def recall_table(found: Mapping[str, Any]) -> str:
    """Return recall by oracle class of every finder, over all sizes and by size."""
    lines = []
    for finder, name in NAMES.items():
        figures_ = found["finders"][finder]
        for size, by_class in (("all", figures_["recall"]), *figures_["recall_by_size"].items()):
            if any(s["of"] for s in by_class.values()):
                label = size if isinstance(size, str) else f"{size:,}"
                lines.append([name, label, *(words(s) for s in by_class.values())])
    return markdown(["finder", "customers", *(f"oracle z {c[2]}" for c in CLASSES)], lines)


def precision_table(found: Mapping[str, Any]) -> str:
    """Return precision by size of every finder, and what is wrong with the wrong ones."""
    lines = []
    for finder, name in NAMES.items():
        f = found["finders"][finder]
        for n in PRECISION:
            if f["worlds_that_report"][n]["of"]:
                what = ", ".join(f"{count} {kind}" for kind, count in f["wrong"][n].items() if count) or "none"
                strict = f["precision_strict"][n]["share"]
                lines.append([
                    name, f"{n:,}", words(f["precision"][n]), "" if strict is None else f"{strict:.2f}",
                    words(f["worlds_that_report"][n]), what, words(f["boundaries"][n]),
                    words(f["boundaries_oracle"][n]), f["seconds"][n],
                ])  # fmt: skip
    head = ["finder", "customers", "precision", "without complements", "worlds that report", "what is wrong",
            "boundaries within 5 points", "the oracle's", "seconds, median"]  # fmt: skip
    return markdown(head, lines)


def null_table(found: Mapping[str, Any]) -> str:
    """Return what the gate costs and is good for, what is found where little is, and the coverage of lifts."""
    free = found["without_gate"]
    rows = [
        *((f"recall, oracle z {name}, had there been no gate", words(s)) for name, s in free["recall"].items()),
        *((f"precision at {n:,} customers, had there been no gate", words(s)) for n, s in free["precision"].items()),
        ("shuffled labels, 500 customers: runs that report", words(found["shuffled"])),
        ("the same, had there been no gate", words(found["shuffled_without_gate"])),
        ("one real field, 500 customers: runs that find it", words(found["one_found"])),
        ("the same: runs that report another field", words(found["one_second"])),
        *(
            (f"lift intervals that hold the true lift, {n:,} customers", words(s))
            for n, s in found["coverage_by_size"].items()
        ),
    ]
    return markdown(["what", "share"], rows)


def main() -> int:
    """Print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=Path, default=HERE / "cells.jsonl")
    parser.add_argument("--figures", action="store_true", help="put the tables into README.md")
    given = parser.parse_args()
    found = figures(load(given.cells))
    decided = [*checks(found), *segments.checks(), *reasons.checks()]
    tables = {
        "checks": markdown(["what", "asked", "found", ""], [(c.name, c.asked, c.found, c.verdict) for c in decided]),
        "recall": recall_table(found),
        "precision": precision_table(found),
        "nulls": null_table(found),
    }
    for name, text in tables.items():
        print(f"\n## {name}\n\n{text}")
    result = {"checks": [{**c._asdict(), "verdict": c.verdict} for c in decided], **found}
    path = given.cells.parent / "summary.json"
    path.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    if given.figures:
        for name, text in tables.items():
            put(name, text, HERE / "README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())

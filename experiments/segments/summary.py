"""Summarise cells.jsonl: python experiments/segments/summary.py [cells.jsonl] -> the README's table on stdout."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def main() -> None:
    """Print a line per kind of world."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "cells.jsonl"
    cells = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    print("| planted | worlds | segments found | as many as planted | on the planted field | AUC | without segments "
          "| unconstrained | gap to it (worst) | seconds |")  # fmt: skip
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind, planted in (("one", 1), ("two", 2)):
        some = [cell for cell in cells if cell["kind"] == kind]
        if not some:
            continue
        counts = Counter(cell["segments"] for cell in some)
        right = np.mean([cell["segments"] == planted for cell in some])
        field = np.mean([cell["fields"] == (["employees"] if planted == 2 else []) for cell in some])
        auc = {way: np.array([cell["auc"][way] for cell in some]) for way in ("auto", "never", "full")}
        gap = auc["auto"] - auc["full"]
        seconds = {way: np.mean([cell["seconds"][way] for cell in some]) for way in ("auto", "never")}
        print(
            f"| {kind} | {len(some)} | {', '.join(f'{n}: {counts[n]}' for n in sorted(counts))} | {right:.0%} "
            f"| {field:.0%} | {auc['auto'].mean():.4f} | {auc['never'].mean():.4f} | {auc['full'].mean():.4f} "
            f"| {gap.mean():+.4f} ({gap.min():+.4f}) | {seconds['auto']:.1f} (without {seconds['never']:.1f}) |"
        )


if __name__ == "__main__":
    main()

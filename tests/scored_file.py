"""Small scored files, as `icp-ml score` writes them, for tests of what is made of them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa

from icp_ml.engines.writing import ScoredWriter
from icp_ml.scoring.columns import row_schema

VERSION = "0123456789ab"


def account(number: int, **values: Any) -> dict[str, Any]:
    """One scored account; `fit_score` falls with its number."""
    scored = values.get("status", "scored") == "scored"
    return {
        "account_id": f"a{number}", "name": f"Acme {number}", "domain": f"acme{number}.com", "status": "scored",
        "fit_score": 90.125 - number if scored else None, "log_odds": 2.0 - number / 10 if scored else None,
        "tier": "A" if scored else "none", "in_support": scored, "coverage": 0.5, "segment": "all",
        "reason_1": f"{number + 50} employees raises fit", "model_version": VERSION, **values,
    }  # fmt: skip


def write_scored(path: Path, accounts: list[dict[str, Any]]) -> Path:
    """Write accounts in the given order, ranked by their log-odds, columns that are no score's as carried text."""
    schema = row_schema(reasons=3, lookalikes=0)
    carried = sorted({name for entry in accounts for name in entry} - set(schema.names))
    columns = {name: pa.array([e.get(name) for e in accounts], schema.field(name).type) for name in schema.names}
    columns |= {name: pa.array([e.get(name) for e in accounts]) for name in carried}
    order = sorted(
        (k for k, e in enumerate(accounts) if e["status"] == "scored"), key=lambda k: -accounts[k]["log_odds"]
    )
    ranks: list[int | None] = [None] * len(accounts)
    for rank, place in enumerate(order, start=1):
        ranks[place] = rank
    with ScoredWriter(path, path.suffix, {}) as writer:
        for start in range(0, max(len(accounts), 1), 50):
            part = {name: column.slice(start, 50) for name, column in columns.items()}
            some = pa.array(ranks[start : start + 50], pa.int64())
            writer.write(pa.RecordBatch.from_pydict(part), some, some.cast(pa.float64()))
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV, as any reader of CSV has them."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

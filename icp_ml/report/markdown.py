"""The report in short, for a wiki or a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from icp_ml.model import ICPModel
from icp_ml.profile import escape_markdown
from icp_ml.report.context import report_context
from icp_ml.report.page import write_whole


def write_markdown(model: ICPModel, path: str | Path) -> Path:
    """Write the profile, the quality table, the tiers and the label audit, whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written there.
    """
    return write_whole(Path(path), render_markdown(model))


def render_markdown(model: ICPModel) -> str:
    """Return the report as Markdown; values of strangers are escaped."""
    context = report_context(model)
    parts = [
        model.profile.to_markdown(),
        *_quality(context["quality"]),
        *_tiers(context["tiers"]),
        *_labels(context["labels"]),
    ]
    facts = {fact["name"]: fact["value"] for fact in context["facts"]}
    parts.append(f"Model version {facts['Model version']}, settings {facts['Settings']}.")
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _quality(view: dict[str, Any]) -> list[str]:
    rows = [
        (row["name"], _with(row["auc"]), _with(row["lift_10"]), _with(row["gain"]) if not row["own"] else "")
        for row in view["learners"]
    ]
    parts = ["## How good it is", escape_markdown(view["verdict"])]
    parts += [f"- {escape_markdown(text)}" for text in view["cautions"]]
    if rows:
        parts.append(
            _table(("on customers held out", "AUC, best against worst", "lift, top 10%", "AUC gained over it"), rows)
        )
    said = [*view["more"], *view["suspicious"], *view["calibration"]]
    parts += [f"- {escape_markdown(text)}" for text in said]
    parts += [escape_markdown(note) for note in view["notes"]]
    if view["backtest"]:
        parts.append(escape_markdown(f"Back-test: {view['backtest']['lead']}"))
    elif view["backtest_reason"]:
        parts.append(escape_markdown(f"No back-test: {view['backtest_reason']}"))
    return parts


def _tiers(view: dict[str, Any]) -> list[str]:
    if not view["rows"]:
        return []
    rows = [
        (r["tier"], r["fit"], r["customers"], f"{r['per_100']} ({r['span']})" if r["span"] else r["per_100"], r["lift"])
        for r in view["rows"]
    ]
    said = [escape_markdown(view["lists"]["sentence"])] if view["lists"]["sentence"] else []
    return ["## Tiers", *said, _table(("tier", "fit score", "customers", "best customers per 100 won", "lift"), rows)]


def _labels(view: dict[str, Any]) -> list[str]:
    if not view["definition"]:
        return []
    return [
        "## How customers were judged",
        escape_markdown(view["definition"]),
        _table(("customers", "count", "share"), [(r["name"], r["count"], r["share"]) for r in view["rows"]]),
        *(f"- {escape_markdown(note)}" for note in view["notes"]),
    ]


def _with(cell: dict[str, str]) -> str:
    return f"{cell['value']} ({cell['span']})" if cell["span"] else cell["value"]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    lines += ["| " + " | ".join(escape_markdown(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)

"""The report in short, for a wiki or a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from icp_ml.model import ICPModel
from icp_ml.report.context import report_context
from icp_ml.report.markdown_text import bullets, defused, prose, table
from icp_ml.report.page import write_whole
from icp_ml.report.traits_markdown import segment_parts, trait_parts


def write_markdown(model: ICPModel, path: str | Path) -> Path:
    """Write the profile, what lies behind it, how good it is, tiers and labels, whole or not at all.

    Raises
    ------
    InputError
        The file cannot be written there.
    """
    return write_whole(Path(path), render_markdown(model))


def render_markdown(model: ICPModel) -> str:
    """Return the report as Markdown; values of strangers become neither markup nor links nor mentions."""
    context, document = report_context(model), model.profile.to_dict()
    parts = [
        model.profile.to_markdown(),
        *segment_parts(document),
        *trait_parts(document),
        *[prose(text) for text in context["growth"]],
        *_quality(context["quality"]),
        *_tiers(context["tiers"]),
        *_labels(context["labels"]),
        *_facts(context["facts"]),
    ]
    return defused("\n\n".join(part.strip() for part in parts if part) + "\n")


def _quality(view: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            row["name"],
            _with(row["auc"]),
            _with(row["auc_all"]),
            _with(row["lift_10"]),
            _with(row["gain"]) if not row["own"] else "",
        )
        for row in view["learners"]
    ]
    parts = ["## How good it is", prose(view["verdict"]), prose(view["plain"]), *bullets(view["cautions"])]
    if rows:
        head = (
            "on customers held out",
            "AUC, best against worst",
            "best against all others",
            "lift, top 10%",
            "AUC gained over it",
        )
        parts.append(table(head, rows))
    parts += [prose(view["method"]), *bullets([*view["more"], *view["suspicious"], *view["calibration"], view["gate"]])]
    parts += [prose(note) for note in view["notes"]]
    if view["backtest"]:
        parts.append(prose(f"Back-test: {view['backtest']['lead']}"))
    elif view["backtest_reason"]:
        parts.append(prose(f"No back-test: {view['backtest_reason']}"))
    return parts


def _tiers(view: Mapping[str, Any]) -> list[str]:
    if not view["rows"]:
        return []
    rows = [
        (
            row["tier"],
            row["fit"],
            row["customers"],
            _with({"value": row["per_100"], "span": row["span"]}),
            *([_with(row["worth"])] if view["unit"] else []),
            row["lift"],
            _with({"value": row["of_best"], "span": row["of_best_span"]}),
        )
        for row in view["rows"]
    ]
    valued = [f"revenue {view['unit']} per 100 won"] if view["unit"] else []
    head = ("tier", "fit score", "customers", "best customers per 100 won", *valued, "lift", "of all best customers")
    return ["## Tiers", prose(view["lists"]["sentence"]), table(head, rows)]


def _labels(view: Mapping[str, Any]) -> list[str]:
    if not view["definition"]:
        return []
    return [
        "## How customers were judged",
        prose(view["definition"]),
        table(("customers", "count", "share"), [(r["name"], r["count"], r["share"]) for r in view["rows"]]),
        *bullets(view["notes"]),
    ]


def _facts(facts: Sequence[Mapping[str, str]]) -> list[str]:
    return ["## Model", table(("fact", "value"), [(fact["name"], fact["value"]) for fact in facts])]


def _with(cell: Mapping[str, str]) -> str:
    return f"{cell['value']} ({cell['span']})" if cell["span"] else cell["value"]

"""What became of each column: used, asked about or left out, why, and how customers and list differ in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from icp_ml.report import formats as f

MAX_COLUMNS = 400  # of a table shown in a page
MAX_NOTES = 6  # of one column
LARGE_GAP = 0.2  # between the shares of customers and of the list that have a value
LARGE_DRIFT, FULL_DRIFT = 0.25, 0.5  # population stability index: a shift; a full bar
DRIFT_WORDS = (
    "Drift: how the known values differ from customers to list (population stability index; up to 0.1 is usual, above "
    "0.25 a shift)."
)
# Reasons that the figures beside them, or one line for all, say too.
SAID_ELSEWHERE = ("if it was known before the sale, name it under", "the list differs from customers (stability index")
# What is left out as it should be: said last, in few words.
EXPECTED = {
    "it is an outcome, measured": "Outcomes, measured after the sale: they judge customers",
    "it names or describes the account": "Names and descriptions of accounts: carried along, not learned from",
    "it is named under fields.exclude": "Named under fields.exclude in the settings",
}


def column_view(data_report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns by verdict.

    Parameters
    ----------
    data_report : mapping
        `columns` holds `DataReport.to_dict()`, `source` `AccountsReport.to_dict()`; both may be absent or of an
        older version.
    """
    report = data_report.get("columns") or {}
    source = data_report.get("source") or {}
    read = {c["field"]: c for c in source.get("columns") or ()}
    columns = list(report.get("columns") or ())
    by_verdict = {v: [c for c in columns if c["verdict"] == v] for v in ("accept", "confirm")}
    others = [c for c in columns if c["verdict"] not in by_verdict]
    adjusted = sum(c["verdict"] == "adjust" for c in others)
    used = sorted(by_verdict["accept"], key=lambda c: -(_known(c.get("auc")) or 0.0))
    rows = [_row(c, read.get(c["field"], {})) for c in used[:MAX_COLUMNS]]
    return {
        "any": bool(columns),
        "lead": (
            f"{f.plural(len(columns), 'column')}: {f.count(len(used))} used, "
            f"{f.count(len(by_verdict['confirm']))} asked about, "
            + (f"{f.count(adjusted)} adjusted for, " if adjusted else "")
            + f"{f.count(len(others) - adjusted)} left out."
        ),
        "used": rows,
        "used_more": _more(len(used)),
        "asked": [_row(c, read.get(c["field"], {})) for c in by_verdict["confirm"][:MAX_COLUMNS]],
        "asked_more": _more(len(by_verdict["confirm"])),
        "confirm": _confirm([str(c["field"]) for c in by_verdict["confirm"][:MAX_COLUMNS]]),
        "left_out": _left_out(others[:MAX_COLUMNS], read),
        "left_out_more": _more(len(others)),
        "customers": f.count(report.get("customers")),
        "market": f.count(report["market"]) if report.get("market") else "",
        "large_gap": f"{100 * LARGE_GAP:.0f}",
        "has_unseen": any(row["unseen"] for row in rows),
        "has_words": any(row["reasons"] for row in rows),
        "has_drift": any(row["drift"] for row in rows),
        "drift_words": DRIFT_WORDS,
        "rejected": f.plural(int(source["rows_rejected"]), "row") if source.get("rows_rejected") else "",
        "notes": f.texts([*(report.get("notes") or ()), *(source.get("notes") or ())]),
    }


def _row(column: Mapping[str, Any], read: Mapping[str, Any]) -> dict[str, Any]:
    here, there = _known(column.get("coverage_customers")), _known(column.get("coverage_market"))
    header = f.clean(read.get("header") or column["field"], 80)
    label = f.clean(column.get("label") or column["field"], 80)
    reasons = [r for r in column.get("reasons") or () if not str(r).startswith(SAID_ELSEWHERE)]
    unseen, drift = _known(column.get("unseen_market")), _known(column.get("drift"))
    gap = there - here if here is not None and there is not None else None
    return {
        "field": _name(column["field"]),
        "header": header,
        "label": "" if _folded(label) == _folded(header) else label,
        "aside": "" if _folded(column["field"]) == _folded(header) else _name(column["field"]),
        "kind": f.clean(str(column.get("kind", "")).replace("_", " "), 40),
        "here": f.percent(here),
        "here_bar": here,
        "there": f.percent(there),
        "there_bar": there,
        "gap": f"{100 * gap:+.0f}".replace("-", "−") if gap is not None and abs(gap) >= LARGE_GAP else "",
        "alone": f.number(_known(column.get("auc"))),
        "drift": f.number(drift) if drift is not None else "",
        "drift_bar": None if drift is None else drift / FULL_DRIFT,
        "drift_high": drift is not None and drift >= LARGE_DRIFT,
        "unseen": f.percent(unseen) if unseen else "",
        "reasons": f.texts(reasons[:MAX_NOTES], 300),
        "reading": f.texts(reading_words(read), 240),
    }


def _left_out(columns: Sequence[Mapping[str, Any]], read: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Group by the first reason: what is unexpected first, outcomes and names last."""
    groups: dict[str, dict[str, Any]] = {}
    for column in columns:
        reasons = [str(r) for r in column.get("reasons") or ("not judged",)]
        key = next((start for start in EXPECTED if reasons[0].startswith(start)), reasons[0])
        words = EXPECTED.get(key, reasons[0])
        group = groups.setdefault(
            key,
            {
                "reason": f.sentence(f.clean(words, 300)),
                "expected": key in EXPECTED,
                "fields": [],
                "columns": [],
                "more": [],
            },
        )
        group["fields"].append(_name(column["field"]))
        header = read.get(column["field"], {}).get("header") or column["field"]
        group["columns"].append({"field": _name(column["field"]), "header": f.clean(header, 80)})
        group["more"] += [f.clean(r, 300) for r in reasons[1:MAX_NOTES] if f.clean(r, 300) not in group["more"]]
    for group in groups.values():  # of several columns, further reasons may be of one only
        group["more"] = f.texts(group["more"], 300) if len(group["columns"]) == 1 else []
    return sorted(groups.values(), key=lambda g: (g["expected"], -len(g["columns"])))


def reading_words(read: Mapping[str, Any]) -> list[str]:
    """Return what reading did to a column's cells, in words."""
    words = []
    if read.get("changed"):
        words.append(f"{f.plural(int(read['changed']), 'cell')} converted{_example(read, dropped=False)}")
    if read.get("dropped"):
        words.append(f"{f.plural(int(read['dropped']), 'cell')} taken as missing{_example(read, dropped=True)}")
    return [*words, *(str(note) for note in (read.get("notes") or ())[:MAX_NOTES])]


def _example(read: Mapping[str, Any], *, dropped: bool) -> str:
    """Return an example in words: conversions stand first, unusable cells last."""
    pairs = list(read.get("examples") or ())
    if not pairs or (dropped and read.get("changed") and len(pairs) == 1):
        return ""
    written, result = pairs[-1 if dropped and read.get("changed") else 0]
    between = ": " if dropped else " to "
    return f", such as “{f.clean(written, 40)}”{between}{f.clean(result, 80)}"


def _confirm(fields: Sequence[str]) -> str:
    """Return the line of the settings that vouches for all of them."""
    plain = [name if name.replace("_", "a").isalnum() else json.dumps(name, ensure_ascii=False) for name in fields]
    return f"fields: {{confirm: [{', '.join(plain)}]}}" if plain else ""


def _folded(text: Any) -> str:
    return " ".join(str(text).replace("_", " ").split()).casefold()


def _more(columns: int) -> str:
    return f.count(columns - MAX_COLUMNS) if columns > MAX_COLUMNS else ""


def _name(field: Any) -> str:
    return f.clean(field, 80)


def _known(value: Any) -> float | None:
    return float(value) if f.known(value) and not isinstance(value, bool) else None

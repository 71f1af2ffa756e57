"""Everything the data report says, as one plain dict of values ready to show; terminal and page print it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from icp_ml.accounts.headers.proposals import LOOK_ALIKE
from icp_ml.report import formats as f
from icp_ml.report.columns_view import MAX_COLUMNS, column_view, reading_words
from icp_ml.report.label_view import label_view
from icp_ml.report.matching_view import matching_view
from icp_ml.report.population_view import APART, population_view

MAX_NOTES = 40
SAMPLED = "looked at; scoring looks at all"  # how the note on a large list ends
NO_LIST = (
    "No list was given. With --list LIST this report says which of these columns the list has, how well it is filled, "
    "and how different its companies are from your customers; what the list lacks is then left out."
)
HOW = {
    "settings": "named in the settings",
    "alias": "a known header",
    "name": "the field's own name",
    "own name": "a field of your own",
    "like": "as in the customers' file",
    "list": "taken over from the list",
}


def check_context(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the data report shows.

    Parameters
    ----------
    data : mapping
        What `icp-ml check --json` prints: `source` and `list` (`AccountsReport.to_dict()`), and where customers could
        be judged `labels` (`OutcomeLabels.to_dict()`), `audit`, `columns` (`DataReport.to_dict()`); `matching` and
        `enrichment` as `matching_view` takes them, where customers were looked for on the list; `refused` says why
        training would be refused, `next` which command comes next.
    """
    labels = label_view(data.get("labels") or {}, data.get("audit"))
    columns = {**column_view(data), "notes": []}  # files and notes have sections of their own here
    files = [
        _file(role, data[key], outcomes_first=not columns["any"])
        for role, key in (("Customers", "source"), ("List", "list"))
        if data.get(key) is not None
    ]
    populations = population_view(data.get("columns") or {})
    notes = [note for note in (data.get("columns") or {}).get("notes") or () if not str(note).startswith(APART)]
    return {
        "title": "Data report",
        "answer": _answer(data),
        "tiles": _tiles(data, populations),
        "files": files,
        "labels": labels,
        "columns": columns,
        "populations": populations,
        "matching": matching_view(_looked_up(data), data.get("enrichment") or {}),
        "no_list": NO_LIST if columns["any"] and not columns["market"] else "",
        "notes": f.texts(notes[:MAX_NOTES]),
    }


def _looked_up(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return how customers were found, and whether those in doubt are in a file already."""
    found = dict(data.get("matching") or {})
    return {**found, "written": "review table" in (data.get("written") or {})} if found else {}


def _answer(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer before anything else: ready, or what stops training and what to do."""
    stops = [_ended(f.clean(reason, 1200)) for reason in data.get("refused") or ()]
    counts = (data.get("labels") or {}).get("counts") or {}
    judged = (data.get("columns") or {}).get("columns") or ()
    fields = sum(c["verdict"] == "accept" for c in judged)
    asked = sum(c["verdict"] == "confirm" for c in judged)
    best, worst = counts.get("best", 0), counts.get("worst", 0)
    ready = not stops
    rests_on = f"on {f.plural(fields, 'field')} with {f.count(best)} best and {f.count(worst)} worst customers."
    doubt = ""
    if asked and ready:
        doubt = f"{f.plural(asked, 'more column')} would be used if you vouched for {'it' if asked == 1 else 'them'}."
    if stops and any(LOOK_ALIKE in str(note) for key in ("source", "list") for note in _notes(data.get(key))):
        doubt = (
            "Some columns look like known fields but are not used yet (below): in the settings that  icp-ml init  "
            "writes, remove the # before the lines that are right."
        )
    return {
        "ready": ready,
        "headline": "Ready to train" if ready else "Not ready to train",
        "lead": f"Ready to train {rests_on}" if ready else "Training would be refused.",
        "rests_on": f.capital(rests_on) if ready else "",
        "doubt": doubt,
        "stops": stops,
        "next": f.clean(data.get("next") or "", 600),
    }


def _notes(report: Mapping[str, Any] | None) -> Sequence[str]:
    return (report or {}).get("notes") or ()


def _ended(words: str) -> str:
    """Return words that begin with a file's name as a sentence: its capitals are its own."""
    return words if not words or words[-1] in ".!?…}" else f"{words}."


def _tiles(data: Mapping[str, Any], populations: Mapping[str, Any] | None) -> list[dict[str, str]]:
    counts = (data.get("labels") or {}).get("counts") or {}
    columns = (data.get("columns") or {}).get("columns") or ()
    tiles = []
    if counts:
        mature = counts.get("mature", 0)
        young = counts.get("too_young", 0) + counts.get("unjudged", 0)
        left = f"of {f.count(counts.get('customers'))}; {f.count(young)} cannot be judged yet" if young else "all"
        tiles.append({"value": f.count(mature), "label": "Customers judged", "note": left})
        for name in ("best", "worst"):
            share = f.percent(counts.get(name, 0) / mature) if mature else f.NONE
            value, label = f.count(counts.get(name, 0)), f"{name.capitalize()} customers"
            tiles.append({"value": value, "label": label, "note": f"{share} of those judged"})
    if columns:
        used = sum(c["verdict"] == "accept" for c in columns)
        asked = sum(c["verdict"] == "confirm" for c in columns)
        note = f"of {f.plural(len(columns), 'column')}" + (f"; {f.count(asked)} asked about" if asked else "")
        tiles.append({"value": f.count(used), "label": "Fields used", "note": note})
    if populations and populations["auc"]:
        tiles.append({"value": populations["auc"], "label": "List against customers", "note": populations["short"]})
    return tiles


def _file(role: str, report: Mapping[str, Any], *, outcomes_first: bool) -> dict[str, Any]:
    """Return a file as it was read: its rows, what was noticed, and what became of each column's cells.

    Where customers could not be judged, outcomes are what it is about.
    """
    rows, rejected = int(report.get("rows_read") or 0), int(report.get("rows_rejected") or 0)
    columns = list(report.get("columns") or ())
    ordered = sorted(columns, key=lambda c: outcomes_first and c.get("role") != "outcome")
    return {
        "role": role,
        "name": f.clean(PurePath(str(report.get("source"))).name or report.get("source"), 100),
        "rows": f.count(rows),
        "rejected": f.count(rejected) if rejected else "",
        "total": f.count(rows + rejected),
        "sampled": any(SAMPLED in str(note) for note in report.get("notes") or ()),
        "columns": f.count(len(columns)),
        "columns_words": f.plural(len(columns), "column"),
        "ids": f.clean(report.get("id_source") or "", 60).replace("_", " "),
        "notes": f.texts(report.get("notes") or ())[:MAX_NOTES],
        "cells": _cells(columns),
        "read": [_read(column) for column in ordered[:MAX_COLUMNS]],
        "read_more": f.count(len(columns) - MAX_COLUMNS) if len(columns) > MAX_COLUMNS else "",
    }


def _cells(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns of which a person should know something: cells that could not be used, and notes."""
    out = []
    for column in columns:
        if not (column.get("dropped") or column.get("notes")):
            continue
        told = reading_words({**column, "changed": 0, "examples": _drops(column)})
        out.append({"header": f.clean(column["header"], 80), "words": f.texts(told, 300)})
    return out


def _drops(column: Mapping[str, Any]) -> list[Any]:
    """Return the last example, of cells dropped, where it is not one of cells converted."""
    examples = list(column.get("examples") or ())
    return examples[-1:] if not column.get("changed") or len(examples) > 1 else []


def _read(column: Mapping[str, Any]) -> dict[str, Any]:
    label, kind = f.clean(column.get("label") or column["field"], 80), str(column.get("kind") or "").replace("_", " ")
    return {
        "header": f.clean(column["header"], 80),
        "field": f.clean(column["field"], 80),
        "taken": f"{label} ({f.clean(kind, 40)})",
        "how": HOW.get(str(column.get("how")), f.clean(column.get("how") or "", 40)),
        "filled": f.percent(column.get("filled_share")),
        "filled_bar": column.get("filled_share"),
        "distinct": f.count(column.get("distinct")),
        "words": f.texts(reading_words(column), 240),
    }

"""How customers were judged, and how sure that is: the label audit, in words and figures ready to show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from icp_ml.outcomes.audit import CHANGES_MUCH
from icp_ml.outcomes.labels import read
from icp_ml.outcomes.wording import value_words
from icp_ml.report import formats as f

STATUS_WORDS = {
    "best": "best",
    "worst": "worst",
    "middle": "in the middle",
    "too_young": "too young to be judged",
    "unjudged": "without any of the outcomes",
    "lost_deal": "deals that were lost",
    "open_deal": "deals that are open",
    "not_customer": "no customers by their status",
    "before_window": "left before the fields' date",
}
MAX_EXAMPLES = 12
MAX_SPLITS = 24


def label_view(labels: Mapping[str, Any], audit: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return how customers were judged.

    Parameters
    ----------
    labels : mapping
        `OutcomeLabels.to_dict()`, of this or an older version.
    audit : mapping, optional
        `LabelAudit.to_dict()` with its examples; without it what the labels hold.
    """
    counts = labels.get("counts") or {}
    total = sum(counts.get(key, 0) for key in STATUS_WORDS) or counts.get("customers") or 0
    thresholds = labels.get("thresholds") or {}
    mature = counts.get("mature") or 0
    definition = f.clean(labels.get("definition") or "", 3000)
    short, details = _summary(definition, binary=bool(labels.get("binary")))
    deals = _deals(labels.get("deals") or {})
    return {
        "definition": definition,
        "short": short,
        "details": details,
        "binary": bool(labels.get("binary")),
        "rows": _statuses(counts, total, binary=bool(labels.get("binary"))),
        "rows_any": bool(total),
        "customers": f.count(counts.get("customers")),
        "mature": f.count(mature),
        "churned": f.count(counts.get("churned", 0)),
        "best_above": f.signed(thresholds.get("best_above"), 2),
        "worst_below": f.signed(thresholds.get("worst_below"), 2),
        "components": _components(labels, mature),
        "audit": _audit(audit or labels.get("audit") or {}),
        "deals": deals,
        "notes": [note for note in f.texts(labels.get("notes") or ()) if not (deals and note.startswith("Deals: "))],
    }


def _statuses(counts: Mapping[str, int], total: int, *, binary: bool) -> list[dict[str, Any]]:
    """Return how many rows were judged as what; what does not occur is left out, but for best and worst."""
    return [
        {
            "name": f.capital(words),
            "count": f.count(counts.get(key, 0)),
            "share": f.percent(counts.get(key, 0) / total) if total else f.NONE,
            "tone": {"best": "positive", "worst": "negative"}.get(key, "bar"),
            "bar": counts.get(key, 0) / total if total else 0.0,
        }
        for key, words in STATUS_WORDS.items()
        if counts.get(key) or key in ("best", "worst") or (key == "middle" and not binary)
    ]


def _components(labels: Mapping[str, Any], mature: int) -> list[dict[str, Any]]:
    """Return the outcomes, and what halving or raising their weight does, as every version recorded them."""
    return [
        {
            "name": f.capital(outcome(name)),
            "columns": f.listed([outcome(c) for c in part["columns"]]),
            "known": f.count(part["known"]),
            "share": f.percent(part["known"] / mature) if mature else f.NONE,
            "half": _stay(labels, name, 0.5),
            "more": _stay(labels, name, 1.5),
        }
        for name, part in (labels.get("components") or {}).items()
    ]


def _summary(definition: str, *, binary: bool) -> tuple[str, str]:
    """Return the definition's first sentence, and the rest.

    Older versions named weights and columns within it, and used two for an outcome of two values.
    """
    first = 2 if binary and definition.startswith("There is one outcome") else 1
    sentences = definition.split(". ")
    short, rest = ". ".join(sentences[:first]), ". ".join(sentences[first:])
    plain = re.sub(r" \([^()]*\)", "", short)
    return f.sentence(plain), rest if plain == short else definition


def outcome(name: str) -> str:
    """Return what a reader calls an outcome, or a column it is read from."""
    return f.clean(read(str(name)), 60)


def _stay(labels: Mapping[str, Any], component: str, factor: float) -> str:
    for row in labels.get("sensitivity") or ():
        if row["component"] == component and row["factor"] == factor:
            return f.percent(row["stay_best"])
    return f.NONE


def _audit(audit: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the audit; None where an older model has none."""
    if not audit:
        return None
    components = audit.get("components") or ()
    groups = [g for g in audit.get("groups") or () if g["customers"] or g["group"] != "middle"]
    return {
        "groups": _groups(groups),
        "group_names": [f.capital(g["group"]) for g in groups],
        "components": [_component(part) for part in components],
        "shares": f.listed([f"{outcome(p['name'])} {f.percent(p['share_of_variance'])}" for p in components])
        if len(components) > 1
        else "",
        "agreement": [_agreement(row) for row in audit.get("agreement") or ()],
        "sensitivity": [_change(row) for row in audit.get("sensitivity") or ()],
        "worst_change": _worst_change(audit.get("sensitivity") or ()),
        "cohorts": [_cohort(row) for row in audit.get("cohorts") or () if row.get("signed_from")],
        "retention": _retention(audit.get("curve") or {}),
        "top_five": [
            f"The five largest accounts carry {f.percent(share)} of all {outcome(column)}."
            for column, share in (audit.get("top_five") or {}).items()
        ],
        "examples": [_example(row) for row in (audit.get("boundary") or ())[:MAX_EXAMPLES]],
        "warnings": f.texts(audit.get("warnings") or ()),
        "warned_of_change": any(str(text).startswith(CHANGES_MUCH) for text in audit.get("warnings") or ()),
    }


def _groups(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what best, middle and worst look like: a row per figure, a cell per group."""
    names = [key for group in groups for key in group if key.endswith("_median")]
    rows = [{"name": "Customers", "cells": [f.count(g["customers"]) for g in groups]}]
    if groups and f.known(groups[0].get("kept")):  # where only lost deals are known to be gone, it says nothing
        rows.append({"name": "Still there", "cells": [f.percent(g.get("kept")) for g in groups]})
    for key in dict.fromkeys(names):
        column = key.removesuffix("_median")
        cells = [value_words(column, g[key]) if f.known(g.get(key)) else f.NONE for g in groups]
        rows.append({"name": f.capital(f"{outcome(column)}, median"), "cells": cells})
    if any(f.known(g.get("composite_least")) for g in groups):
        cells = [_range(g.get("composite_least"), g.get("composite_most")) for g in groups]
        rows.append({"name": "Composite, where it decided", "cells": cells})
    return rows


def _range(low: Any, high: Any) -> str:
    return f.span(low, high, 2, sign=True) or f.NONE


def _component(part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f.capital(outcome(part["name"])),
        "columns": f.listed([outcome(c) for c in part["columns"]]),
        "weight": f"{part['weight']:g}",
        "known": f.count(part["known"]),
        "share": f.percent(part["share_known"]),
        "decides": f.percent(part["share_of_variance"]),
        "bar": part["share_of_variance"],
    }


def _agreement(row: Mapping[str, Any]) -> dict[str, Any]:
    value = row["correlation"]
    meaning = "agree" if value >= 0.3 else "agree a little" if value >= 0.1 else "say different things"
    return {
        "pair": f.capital(f"{outcome(row['first'])} and {outcome(row['second'])}"),
        "value": f.signed(value, 2),
        "meaning": meaning if value > -0.1 else "disagree",
        "customers": f.count(row["n"]),
    }


def _change(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "change": f.clean(row["change"], 120),
        "best": f.count(row["best"]),
        "stay_best": f.percent(row["stay_best"]),
        "best_bar": row["stay_best"],
        "stay_worst": f.percent(row["stay_worst"]),
        "worst_bar": row["stay_worst"],
    }


def _worst_change(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return, in a sentence, which change of the definition moves most customers."""
    if not rows:
        return ""
    most = min(rows, key=lambda row: row["stay_best"])
    change = f.clean(most["change"], 120)
    if most["stay_best"] >= 0.995:
        return "Whatever of it is changed, nearly all best customers stay best."
    return (
        f"What changes most: {change[:1].lower()}{change[1:]}, {f.percent(most['stay_best'])} of the best stay best "
        f"and {f.percent(most['stay_worst'])} of the worst stay worst."
    )


def _cohort(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "signed": f"{f.clean(row['signed_from'], 10)} to {f.clean(row['signed_to'], 10)}",
        "customers": f.count(row["customers"]),
        "kept": f.percent(row.get("kept_at_horizon")),
        "best": f.percent(row["best"]),
        "best_bar": row["best"],
        "worst": f.percent(row["worst"]),
        "worst_bar": row["worst"],
    }


def _retention(curve: Mapping[str, Any]) -> str:
    """Return how many customers stay how long, in a sentence."""
    points = [p for p in curve.get("points") or () if p["days"] >= 365] or list(curve.get("points") or ())
    if not points:
        return ""
    parts = [f"{100 * p['kept']:.0f} after {age_words(int(p['days']))}" for p in points[:4]]
    return f"Of 100 customers there are still {f.listed(parts)}."


def _example(row: Mapping[str, Any]) -> dict[str, Any]:
    known = ("boundary", "side", "account_id", "composite", "days")
    days: Any = row.get("days")
    parts = [f"{outcome(k)} {value_words(k, v)}" for k, v in row.items() if k not in known and f.known(v)]
    parts += [f"{f.plural(round(days), 'day')} observed"] if f.known(days) else []
    where = "just inside" if (row["side"] == "above") == (row["boundary"] == "best") else "just outside"
    return {
        "account": f.clean(row["account_id"], 60),
        "where": f"{where} {f.clean(row['boundary'], 10)}",
        "composite": f.signed(row["composite"], 3),
        "values": f.listed(parts),
    }


def _deals(deals: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return deals won and lost, beside the customers."""
    if not deals:
        return None
    won, lost = int(deals.get("won") or 0), int(deals.get("lost") or 0)
    parts = [f"{f.count(won)} won", f"{f.count(lost)} lost"]
    parts += [
        f"{f.count(deals[key])} {words}"
        for key, words in (("open", "open"), ("unknown", "not known"))
        if deals.get(key)
    ]
    rate = f"; {f.percent(deals['rate'])} of those decided were won" if f.known(deals.get("rate")) else ""
    return {
        "sentence": f"Deals: {f.listed(parts)}{rate}.",
        "splits": [
            {
                "field": f.capital(row["field"], 40),
                "value": f.clean(row["value"], 60),
                "won": f.count(row["won"]),
                "decided": f.count(row["decided"]),
                "rate": f.percent(row["rate"]),
                "bar": row["rate"],
                "span": f.span(100 * row["low"], 100 * row["high"], 0),
            }
            for row in (deals.get("splits") or ())[:MAX_SPLITS]
        ],
    }


def age_words(days: int) -> str:
    """Return "6 months" for 180 days, "2 years" for 730."""
    years, months = days / 365.25, round(days / 30.4375)
    if years >= 0.99 and abs(years - round(years)) < 0.02:
        return f.plural(round(years), "year")
    return f.plural(months, "month") if months >= 2 else f.plural(days, "day")

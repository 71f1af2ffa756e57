"""How good the model is, how customers were judged, and what became of each column: the report's evidence, in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from icp_ml.report import formats as f
from icp_ml.report.charts import learner_name

MAX_COLUMNS = 400  # of a table shown in a page
VERDICTS = {"accept": "used", "confirm": "to confirm", "refuse": "left out"}
STATUS_WORDS = {
    "best": "best",
    "worst": "worst",
    "middle": "in the middle",
    "too_young": "too young to be judged",
    "unjudged": "without any of the outcomes",
}
TONES = {"reliable": "good", "better_than_rules_not_ridge": "good"}
SHORT = {
    "reliable": "It holds up: on customers held out, the model beats simple rules and a ridge logistic regression.",
    "better_than_rules_not_ridge": (
        "It holds up: on customers held out, the model beats simple rules; a ridge logistic regression does as well "
        "or better."
    ),
    "not_better_than_rule": "With care: on customers held out, the model is no better than a rule of two fields.",
    "not_better_than_baselines": "With care: on customers held out, the model is no better than what is simpler.",
    "no_signal": "The outcomes cannot be told from the fields any better than chance.",
}
OUTCOME_WORDS = {"nps": "NPS", "csat": "CSAT"}


def quality_view(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model's quality beside the baselines, the back-test and the calibration."""
    learners = list(evaluation.get("learners") or ())
    rule = list(evaluation.get("rule_fields") or ())
    model: Mapping[str, Any] = next((e["metrics"] for e in learners if e["name"] == "icp_ml"), {})
    auc, low, high = f.triple(model, "auc")
    gate = evaluation.get("gate") or {}
    return {
        "verdict": f.sentence(evaluation.get("verdict") or "The model was not evaluated"),
        "short": SHORT.get(str(evaluation.get("verdict_code")), "The model was not evaluated."),
        "tone": TONES.get(str(evaluation.get("verdict_code")), "warn"),
        "cautions": f.texts(evaluation.get("cautions") or ()),
        "auc": f.number(auc),
        "auc_span": f.span(low, high),
        "lift_10": f.times(f.triple(model, "lift_10")[0]),
        "lift_10_span": f.span(*f.triple(model, "lift_10")[1:], 1),
        "plain": _plain(auc, low, high),
        "learners": [_learner(entry, rule) for entry in learners],
        "calibration": _calibration(model),
        "method": _method(evaluation),
        "gate": _gate(gate) if gate else "",
        "notes": f.texts(evaluation.get("notes") or ()),
        "backtest": _backtest(evaluation["backtest"], rule) if evaluation.get("backtest") else None,
        "backtest_reason": f.sentence(evaluation.get("backtest_reason") or ""),
    }


def _plain(auc: Any, low: Any, high: Any) -> str:
    if not f.known(auc):
        return ""
    band = f" (95% interval: {100 * low:.0f} to {100 * high:.0f})" if f.known(low) and f.known(high) else ""
    return (
        f"In words: of a best and a worst customer, neither seen in training, the model gives the best one the higher "
        f"score {100 * auc:.0f} times in 100{band}. Guessing would be right 50 times."
    )


def _learner(entry: Mapping[str, Any], rule: Sequence[str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": f.capital(learner_name(entry["name"], entry["label"], rule)),
        "own": entry["name"] == "icp_ml",
    }
    for metric, digits in (("auc", 2), ("auc_all", 2), ("lift_10", 1), ("lift_25", 1), ("log_loss_all", 3)):
        value, low, high = f.triple(entry["metrics"], metric)
        shown = f.times(value) if metric.startswith("lift") else f.number(value, digits)
        row[metric] = {"value": shown, "span": f.span(low, high, digits)}
    value, low, high = f.triple(entry.get("gains") or {}, "auc")
    row["gain"] = {"value": f.signed(value), "span": f.span(low, high, 3, sign=True)}
    return row


def _calibration(model: Mapping[str, Any]) -> list[str]:
    slope, low, high = f.triple(model, "calibration_slope")
    out = []
    if f.known(slope):
        sure = f.known(low) and low <= 1 <= high
        meaning = (
            "in keeping with 1, where scores are neither too bold nor too timid"
            if sure
            else (
                "below 1: high scores are too high and low ones too low"
                if slope < 1
                else "above 1: scores are more timid than they could be"
            )
        )
        out.append(f"Calibration slope {f.number(slope)} ({f.span(low, high)}): {meaning}.")
    error, low, high = f.triple(model, "excess_error")
    if f.known(error):
        points = f"{100 * max(error, 0.0):.1f} percentage points"
        text = f"Beyond what chance alone would show, predicted and observed shares differ by {points}"
        out.append(text + (f" (95% interval: up to {100 * max(high, 0.0):.1f})." if f.known(high) else "."))
    return out


def _method(evaluation: Mapping[str, Any]) -> str:
    folds, repeats, resamples = (evaluation.get(k) for k in ("folds", "repeats", "resamples"))
    if not folds:
        return ""
    return (
        f"Every figure is from customers held out of training: {folds}-fold cross-validation, "
        f"{f.plural(int(repeats or 1), 'repeat')}, each choice made anew inside each fold; "
        f"95% intervals from {f.count(resamples)} resamples of customers."
    )


def _gate(gate: Mapping[str, Any]) -> str:
    if not gate.get("permutations"):
        return ""
    answer = "passed" if gate.get("passed") else "not passed"
    return (
        f"Permutation test: held-out log-loss {f.number(gate.get('statistic'), 3)}, with shuffled labels "
        f"{f.number(gate.get('shuffled'), 3)} on average over {f.count(gate['permutations'])} shuffles "
        f"(p = {gate.get('p_value'):.2g}; {answer} at {gate.get('level'):.2g})."
    )


def _backtest(data: Mapping[str, Any], rule: Sequence[str]) -> dict[str, Any]:
    model: Mapping[str, Any] = next((e["metrics"] for e in data["learners"] if e["name"] == "icp_ml"), {})
    auc, low, high = f.triple(model, "auc")
    older, newest = data["older"], data["newest"]
    best, worst = f.count(newest.get("best", 0)), f.count(newest.get("worst", 0))
    return {
        "lead": (
            f"Trained on the {f.count(sum(older.values()))} customers that signed up until "
            f"{f.clean(data['trained_until'])}, judged on the {f.count(sum(newest.values()))} after it "
            f"({best} best, {worst} worst): AUC {f.number(auc)} ({f.span(low, high)})."
        ),
        "learners": [_learner(entry, rule) for entry in data["learners"]],
        "thresholds": [
            {
                "wanted": f.percent(t["wanted_share"]),
                "fit": f.number(t["fit_score"], 1),
                "share": f.percent(t["share"]),
                "lift": f.times(t["lift"]),
            }
            for t in data.get("thresholds") or ()
        ],
    }


def label_view(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return how customers were judged."""
    counts = labels.get("counts") or {}
    total = counts.get("customers") or 0
    rows = [
        {
            "name": f.capital(words),
            "count": f.count(counts.get(key, 0)),
            "share": f.percent(counts.get(key, 0) / total) if total else f.NONE,
        }
        for key, words in STATUS_WORDS.items()
    ]
    thresholds = labels.get("thresholds") or {}
    components = labels.get("components") or {}
    mature = counts.get("mature") or 0
    return {
        "definition": f.clean(labels.get("definition") or "", 3000),
        "short": _short(labels),
        "binary": bool(labels.get("binary")),
        "rows": rows,
        "customers": f.count(total),
        "mature": f.count(mature),
        "churned": f.count(counts.get("churned", 0)),
        "too_young_churned": f.count(counts.get("too_young_churned", 0)),
        "best_above": f.signed(thresholds.get("best_above"), 2),
        "worst_below": f.signed(thresholds.get("worst_below"), 2),
        "components": [
            {
                "name": f.capital(_outcome(name)),
                "columns": f.listed([_outcome(c) for c in part["columns"]]),
                "known": f.count(part["known"]),
                "share": f.percent(part["known"] / mature) if mature else f.NONE,
                "half": _stay(labels, name, 0.5),
                "more": _stay(labels, name, 1.5),
            }
            for name, part in components.items()
        ],
        "notes": f.texts(labels.get("notes") or ()),
    }


def _short(labels: Mapping[str, Any]) -> str:
    """Return the definition's first sentences, without weights and columns."""
    sentences = re.sub(r" \([^()]*\)", "", str(labels.get("definition") or "")).split(". ")
    return f.sentence(". ".join(sentences[: 2 if labels.get("binary") else 1]))


def _outcome(name: str) -> str:
    return OUTCOME_WORDS.get(name, f.clean(name.removesuffix("_usd").replace("_", " "), 60))


def _stay(labels: Mapping[str, Any], component: str, factor: float) -> str:
    for row in labels.get("sensitivity") or ():
        if row["component"] == component and row["factor"] == factor:
            return f.percent(row["stay_best"])
    return f.NONE


def column_view(data_report: Mapping[str, Any]) -> dict[str, Any]:
    """Return every column with its verdict, the reason and its coverage."""
    report = data_report.get("columns") or {}
    source = data_report.get("source") or {}
    read = {c["field"]: c for c in source.get("columns") or ()}
    order = {"accept": 0, "confirm": 1, "refuse": 2}
    columns = sorted(report.get("columns") or (), key=lambda c: order.get(c["verdict"], 3))
    tally = {v: sum(c["verdict"] == v for c in columns) for v in order}
    return {
        "rows": [_column(c, read.get(c["field"], {})) for c in columns[:MAX_COLUMNS]],
        "left": f.count(len(columns) - MAX_COLUMNS) if len(columns) > MAX_COLUMNS else "",
        "lead": (
            f"{f.plural(len(columns), 'column')}: {f.count(tally['accept'])} used, "
            f"{f.count(tally['confirm'])} to confirm, {f.count(tally['refuse'])} left out."
        ),
        "customers": f.count(report.get("customers")),
        "market": f.count(report["market"]) if report.get("market") else "",
        "rejected": f.plural(int(source["rows_rejected"]), "row") if source.get("rows_rejected") else "",
        "notes": f.texts([*(report.get("notes") or ()), *(source.get("notes") or ())]),
    }


def _column(column: Mapping[str, Any], read: Mapping[str, Any]) -> dict[str, Any]:
    changed = []
    if read.get("changed"):
        changed.append(f"{f.count(read['changed'])} cells converted{_example(read)}")
    if read.get("dropped"):
        changed.append(f"{f.count(read['dropped'])} unusable cells dropped")
    return {
        "header": f.clean(read.get("header") or column["field"], 80),
        "label": f.clean(column.get("label") or column["field"], 80),
        "kind": f.clean(str(column.get("kind", "")).replace("_", " "), 40),
        "verdict": VERDICTS.get(column["verdict"], f.clean(column["verdict"], 20)),
        "code": column["verdict"] if column["verdict"] in VERDICTS else "refuse",
        "reasons": f.texts([*column["reasons"][:4], *changed, *(read.get("notes") or ())[:3]], 240),
        "customers": f.percent(column.get("coverage_customers")),
        "market": f.percent(column.get("coverage_market")),
    }


def _example(read: Mapping[str, Any]) -> str:
    examples = read.get("examples") or ()
    return f", such as “{f.clean(examples[0][0], 40)}” to {f.clean(examples[0][1], 40)}" if examples else ""

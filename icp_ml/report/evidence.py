"""How good the model is and how we know: the report's evidence, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from icp_ml.report import formats as f
from icp_ml.report.charts import learner_name

TONES = {"reliable": "good", "better_than_rules_not_ridge": "good"}
SHORT = {
    "reliable": "Reliable: on customers held out, the model beats simple rules and a ridge logistic regression.",
    "better_than_rules_not_ridge": (
        "Better than rules, not better than ridge logistic: on customers held out, the model beats simple rules; a "
        "ridge logistic regression does as well or better."
    ),
    "not_better_than_rule": "With care: on customers held out, the model is no better than a rule of two fields.",
    "not_better_than_baselines": "With care: on customers held out, the model is no better than what is simpler.",
    "hypothesis": "A hypothesis, written by a person: no customer has tested it yet.",
    "no_signal": "The outcomes cannot be told from the fields any better than chance.",
}


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
        "ranked": f.known(f.triple(model, "rank_agreement")[0]),
        "calibration": [*_calibration(model), *_said(evaluation, "recalibration")],
        "more": _said(evaluation, "learning"),
        "curve": _curve(evaluation.get("learning") or {}),
        "suspicious": _said(evaluation, "suspicious"),
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
    for metric, digits in (
        ("auc", 2),
        ("auc_all", 2),
        ("lift_10", 1),
        ("lift_25", 1),
        ("log_loss_all", 3),
        ("rank_agreement", 2),
    ):
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


def _said(evaluation: Mapping[str, Any], part: str) -> list[str]:
    found = (evaluation.get(part) or {}).get("sentence")
    return f.texts([found]) if found else []


def _curve(learning: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the learning curve's points."""
    rows = []
    for point in learning.get("points") or ():
        auc, low, high = f.triple(point, "auc")
        loss = f.triple(point, "log_loss")[0]
        rows.append({"customers": f.count(point.get("customers")), "best": f.count(point.get("best")),
                     "auc": f.number(auc), "span": f.span(low, high), "log_loss": f.number(loss, 3)})  # fmt: skip
    return rows


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

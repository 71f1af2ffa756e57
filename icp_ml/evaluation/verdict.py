"""What the figures amount to, in one or two sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from icp_ml.baselines import BASE_RATE, FULL, IN_USE, RIDGE, RULE
from icp_ml.evaluation.learning import LearningCurve
from icp_ml.evaluation.metrics import Interval
from icp_ml.evaluation.result import MODEL, LearnerResult
from icp_ml.gate import Gate

LEAK_AUC = 0.85
LEAST_GAIN = 0.005  # AUC below which no number of customers is worth naming
MOST_TIMES = 20.0  # as many customers as could still be asked for
FEW = 100  # best or worst customers below which every interval is wide
NOTHING = "No profile stronger than the baselines"


class Verdict(NamedTuple):
    """A code for programs, sentences for readers."""

    code: str
    text: str
    cautions: tuple[str, ...]


def judge(
    learners: tuple[LearnerResult, ...], counts: Mapping[str, int], gate: Gate | None,
    curve: LearningCurve | None = None,
) -> Verdict:  # fmt: skip
    """Say whether the model is worth anything beyond what is simpler, and what being readable costs.

    Parameters
    ----------
    learners : tuple of LearnerResult
    counts : mapping of status to customers
    gate : Gate or None
    curve : LearningCurve or None
        For how many customers would settle what is open.
    """
    by_name = {learner.name: learner for learner in learners}
    code, text = _judged(by_name, counts, gate, curve)
    cost = cost_sentence(by_name[FULL].gains["auc"].negative()) if FULL in by_name else ""
    return Verdict(code, f"{text} {cost}".strip(), _cautions(by_name[MODEL].metrics["auc"], counts))


def _judged(
    by_name: Mapping[str, LearnerResult], counts: Mapping[str, int], gate: Gate | None, curve: LearningCurve | None
) -> tuple[str, str]:
    auc = by_name[MODEL].metrics["auc"]
    if gate is not None and not gate.passed:
        over_chance = Interval(auc.value - 0.5, auc.low - 0.5, auc.high - 0.5)
        more = _more_needed(over_chance, counts, curve)
        return "no_signal", f"{NOTHING}. {gate.sentence}" + (f" {more}." if more else "")
    simple = max((by_name[n] for n in (BASE_RATE, RULE, IN_USE) if n in by_name), key=lambda e: e.metrics["auc"].value)
    gain = simple.gains["auc"]
    if not gain.low > 0:
        code = "not_better_than_rule" if simple.name == RULE else "not_better_than_baselines"
        more = _more_needed(gain, counts, curve)
        text = (
            f"{NOTHING}: the model's AUC, best against worst, is {auc.text(2)}; {_quoted(simple)} has "
            f"{simple.metrics['auc'].value:.2f}, and the difference, {_signed(gain)}, may be nothing."
        )
        return code, f"{more}. {text}" if more else text
    against = by_name[RIDGE].gains["auc"]
    found = f"the model's AUC, best against worst, is {auc.text(2)}, above {_quoted(simple)} by {_signed(gain)}"
    if against.low > 0:
        return "reliable", f"Reliable: {found}, and above a ridge logistic regression by {_signed(against)}."
    how = f"the ridge is better by {_signed(against.negative())}" if against.high < 0 else (
        f"the ridge does as well, the difference is {_signed(against)}"
    )  # fmt: skip
    return "better_than_rules_not_ridge", f"Better than rules, not better than ridge logistic: {found}; {how}."


def cost_sentence(cost: Interval) -> str:
    """Say what being readable costs.

    Parameters
    ----------
    cost : Interval
        AUC of the unconstrained learner minus the model's.
    """
    if not math.isfinite(cost.value):
        return ""
    span = f"({cost.low:+.3f} to {cost.high:+.3f})"
    trees = "LightGBM that may combine fields, fitted with the same care"
    if cost.low > 0:
        return f"Being readable costs {cost.value:.3f} AUC {span}: so much better is {trees}."
    if cost.value > 0.0005:
        return f"Being readable costs {cost.value:.3f} AUC {span}, which may be nothing, against {trees}."
    if cost.value < -0.0005:
        return f"Being readable costs nothing: {trees}, has {-cost.value:.3f} less AUC {span}."
    return f"Being readable costs nothing: {trees}, has the same AUC {span}."


def _cautions(auc: Interval, counts: Mapping[str, int]) -> tuple[str, ...]:
    out = []
    if auc.value > LEAK_AUC:
        out.append(
            f"An AUC of {auc.value:.2f} is often a leak: check that each of the strongest fields is known before the "
            "sale and was not filled in because of how the customer turned out."
        )
    few = [f"{counts.get(name, 0):,} {name}" for name in ("best", "worst") if counts.get(name, 0) < FEW]
    if few:
        out.append(f"There are only {' and '.join(few)} customers, so the intervals are wide.")
    return tuple(out)


def _more_needed(gain: Interval, counts: Mapping[str, int], curve: LearningCurve | None) -> str:
    """Say how many customers would settle it, were the difference as large as it looks and the curve right.

    The interval narrows with the root of the customers, and the model gains what its learning curve says.
    """
    if not (math.isfinite(gain.low) and gain.value > LEAST_GAIN and gain.low <= 0):
        return ""
    for step in range(1, 101):
        times = MOST_TIMES ** (step / 100)
        rise = 0.0 if curve is None else curve.rise(times)
        if gain.value + rise > (gain.value - gain.low) / math.sqrt(times):
            best = counts.get("best", 0)
            needed = 10 * math.ceil(max(best * times, best + 1) / 10)
            return f"Not enough evidence: {best:,} best customers, about {needed:,} needed if the difference is real"
    return ""


def _quoted(learner: LearnerResult) -> str:
    return {
        BASE_RATE: "chance",
        RULE: f"a rule on {learner.label.removeprefix('rule: ')}",
        IN_USE: "the score in use today",
    }[learner.name]


def _signed(value: Interval) -> str:
    return f"{value.value:+.3f} (95% interval {value.low:+.3f} to {value.high:+.3f})"

"""What the figures amount to, in one or two sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from icp_ml.baselines import BASE_RATE, IN_USE, RIDGE, RULE
from icp_ml.evaluation.metrics import Interval
from icp_ml.evaluation.result import MODEL, LearnerResult
from icp_ml.gate import Gate

LEAK_AUC = 0.85
FEW = 100  # best or worst customers below which every interval is wide
NOTHING = "No profile stronger than the baselines"


class Verdict(NamedTuple):
    """A code for programs, sentences for readers."""

    code: str
    text: str
    cautions: tuple[str, ...]


def judge(learners: tuple[LearnerResult, ...], counts: Mapping[str, int], gate: Gate | None) -> Verdict:
    """Say whether the model is worth anything beyond what is simpler.

    Parameters
    ----------
    learners : tuple of LearnerResult
    counts : mapping of status to customers
    gate : Gate or None
    """
    by_name = {learner.name: learner for learner in learners}
    auc = by_name[MODEL].metrics["auc"]
    cautions = _cautions(auc, counts)
    if gate is not None and not gate.passed:
        return Verdict("no_signal", f"{NOTHING}. {gate.sentence}", cautions)
    simple = max((by_name[n] for n in (BASE_RATE, RULE, IN_USE) if n in by_name), key=lambda e: e.metrics["auc"].value)
    gain = simple.gains["auc"]
    if not gain.low > 0:
        code = "not_better_than_rule" if simple.name == RULE else "not_better_than_baselines"
        text = (
            f"{NOTHING}: the model's AUC, best against worst, is {auc.text(2)}; {_quoted(simple)} has "
            f"{simple.metrics['auc'].value:.2f}, and the difference, {_signed(gain)}, may be nothing."
        )
        return Verdict(code, text + _more_needed(gain, sum(counts.values())), cautions)
    ridge = by_name[RIDGE]
    against = ridge.gains["auc"]
    start = f"The model's AUC, best against worst, is {auc.text(2)}: better than {_quoted(simple)} by {_signed(gain)}"
    if against.low > 0:
        return Verdict("reliable", f"{start}, and than a ridge logistic regression by {_signed(against)}.", cautions)
    how = "A ridge logistic regression on the same fields is better by" if against.high < 0 else (
        "A ridge logistic regression on the same fields does as well: the difference is"
    )  # fmt: skip
    shown = Interval(-against.value, -against.high, -against.low) if against.high < 0 else against
    return Verdict("better_than_rules_not_ridge", f"{start}. {how} {_signed(shown)}.", cautions)


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


def _more_needed(gain: Interval, customers: int) -> str:
    """Say how many customers would settle it, were the difference as large as it looks now."""
    if not gain.value > 0.005:
        return ""
    needed = math.ceil(customers * ((gain.value - gain.low) / gain.value) ** 2 / 100) * 100
    if needed > 20 * customers:
        return ""
    return f" If it is real, about {needed:,} mature customers would show it; there are {customers:,}."


def _quoted(learner: LearnerResult) -> str:
    return {
        BASE_RATE: "chance",
        RULE: f"a rule on {learner.label.removeprefix('rule: ')}",
        IN_USE: "the score in use today",
    }[learner.name]


def _signed(value: Interval) -> str:
    return f"{value.value:+.3f} (95% interval {value.low:+.3f} to {value.high:+.3f})"

"""A part of the market that is being entered: what is known of it yet, beside the core it is entered from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import Codes, FloatArray
from icp_ml.evaluation.metrics import Interval, Judged, Predictions, interval, resampled_metrics
from icp_ml.profile import IdealCustomerProfile
from icp_ml.profile.rates import Rate, rate_inside
from icp_ml.traits import Trait

MIN_SHOWN = 10  # customers with a trait there, for anything to be said of it
MIN_RANKED = 10  # best, and others, for the model's ranking there
RESAMPLES = 500
HOLDS, FAILS, UNKNOWN = "holds there too", "does not hold there", "too few customers to say"


def compare_market(
    words: str,
    inside: npt.NDArray[np.bool_],
    known: npt.NDArray[np.bool_],
    profile: IdealCustomerProfile,
    terms: tuple[str, ...],
    codes: Codes,
    held_out: FloatArray,
    judged: Judged,
    seed: int,
) -> dict[str, Any]:
    """Return what is known of the market being entered, compared with the core.

    Parameters
    ----------
    words : str
        The market in words.
    inside, known : ndarray of shape (n,)
        Which customers are of it, and of which that is known; the other known ones are the core.
    profile : IdealCustomerProfile
        Of all customers.
    terms : tuple of str
        Names of the terms of `codes`.
    codes : ndarray of shape (n, terms)
    held_out : ndarray of shape (n,)
        Log-odds by fits that did not see the customer.
    judged : Judged
    seed : int
    """
    core = known & ~inside
    there, here = _rate(inside, judged.best), _rate(core, judged.best)
    difference = _difference(there, here)
    traits = [
        _trait(trait, role, terms, codes, inside, core, judged.best)
        for role, group in profile.groups()
        if role in ("filter", "signal", "anti_trait")
        for trait in group
        if trait.term in terms
    ]
    ranking = {name: _ranking(held_out, judged, mask, seed) for name, mask in (("entered", inside), ("core", core))}
    counts = {v: sum(t["verdict"] == v for t in traits) for v in (HOLDS, FAILS, UNKNOWN)}
    return {
        "statement": words,
        "entered": there.to_dict(),
        "core": here.to_dict(),
        "difference": difference.to_list(),
        "ranking": {name: value.to_list() for name, value in ranking.items()},
        "traits": traits,
        "counts": {"holds": counts[HOLDS], "fails": counts[FAILS], "unknown": counts[UNKNOWN]},
        "sentence": _sentence(words, there, here, difference, ranking, counts),
    }


def _rate(mask: npt.NDArray[np.bool_], best: npt.NDArray[np.bool_]) -> Rate:
    return rate_inside(mask, best)


def _difference(there: Rate, here: Rate) -> Interval:
    """Difference of two rates, with its 95 % interval (Newcombe 1998, from Wilson's)."""
    if not there.customers or not here.customers:
        return Interval(float("nan"), float("nan"), float("nan"))
    d = there.rate - here.rate
    low = d - np.hypot(there.rate - there.rate_low, here.rate_high - here.rate)
    high = d + np.hypot(there.rate_high - there.rate, here.rate - here.rate_low)
    return Interval(d, float(low), float(high))


def _trait(
    trait: Trait,
    role: str,
    terms: tuple[str, ...],
    codes: Codes,
    inside: npt.NDArray[np.bool_],
    core: npt.NDArray[np.bool_],
    best: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    shows = np.isin(codes[:, terms.index(trait.term)], trait.codes)
    there = rate_inside(shows[inside], best[inside])
    here = rate_inside(shows[core], best[core])
    positive = trait.direction == "positive"
    verdict = UNKNOWN
    if there.customers >= MIN_SHOWN:
        agrees = there.lift_low > 1 if positive else there.lift_high < 1
        against = there.lift_high < max(1.0, here.lift_low) if positive else there.lift_low > min(1.0, here.lift_high)
        verdict = HOLDS if agrees else FAILS if against else UNKNOWN
    return {
        "statement": trait.sentence,
        "role": role,
        "direction": trait.direction,
        "entered": there.to_dict(),
        "core": here.to_dict(),
        "entered_words": _lift_words(there),
        "core_words": _lift_words(here),
        "verdict": verdict,
    }


def _lift_words(found: Rate) -> str:
    if not found.customers:
        return "no customers"
    return f"{found.customers:,} customers: lift {found.lift:.1f} ({found.lift_low:.1f} to {found.lift_high:.1f})"


def _ranking(held_out: FloatArray, judged: Judged, mask: npt.NDArray[np.bool_], seed: int) -> Interval:
    """AUC of the held-out model, best against all others, among some customers."""
    best = judged.best[mask]
    if min(int(best.sum()), int((~best).sum())) < MIN_RANKED:
        return Interval(float("nan"), float("nan"), float("nan"))
    some = Judged(best, ~best, np.zeros((1, len(best)), dtype=np.int64), judged.group[mask])
    scores = {"model": Predictions(held_out[mask][None])}
    return interval(resampled_metrics(scores, some, RESAMPLES, seed)["model"]["auc_all"])


def _sentence(
    words: str, there: Rate, here: Rate, difference: Interval, ranking: dict[str, Interval], counts: dict[str, int]
) -> str:
    if not there.customers:
        return f"No customer is of the market being entered ({words}): nothing is known of it yet."
    beyond = difference.low > 0 or difference.high < 0
    out = (
        f"{words}: {there.customers:,} customers, "
        f"{there.rate:.0%} best ({there.rate_low:.0%} to {there.rate_high:.0%}), "
        f"against {here.rate:.0%} ({here.rate_low:.0%} to {here.rate_high:.0%}) of the core's {here.customers:,}; "
    )
    out += f"{'a' if beyond else 'no'} difference beyond chance."
    if np.isfinite(ranking["entered"].value):
        out += (
            f" The model ranks them with AUC {ranking['entered'].text(2)}, the core with {ranking['core'].value:.2f}."
        )
    else:
        out += " Too few of them are best to say how well the model ranks them."
    verbs = {HOLDS: ("trait holds there too", "traits hold there too"),
             FAILS: ("trait does not hold there", "traits do not hold there")}  # fmt: skip
    named = [f"{n} {verbs[v][n != 1]}" for v, n in counts.items() if n and v != UNKNOWN]
    if counts[UNKNOWN]:
        named.append(f"of {counts[UNKNOWN]} too few customers show it to say")
    return out + (f" Of the profile, {'; '.join(named)}." if named else "")

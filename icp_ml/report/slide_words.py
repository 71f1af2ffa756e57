"""The sentences of the slide, from the report's context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icp_ml.report import formats as f

MAX_NAMED = 4  # traits named in the title
SEGMENT_TRAITS = 3  # named in the column of a segment
SAID = "industry: "  # says itself in a title
FIT = "Fit is likeness to the best customers, not readiness to buy."
BELIEVED_FIT = "Fit is likeness to the customer described here, not readiness to buy."


def headline_parts(profile: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return how the title begins and the traits it names, strongest first."""
    start = "Ideal customer, as believed: " if _hypothesis(profile) else "Ideal customer: "
    parts = [_inside(t["sentence"]) for t in profile["signals"]]
    filters = [("" if t["positive"] else "not ") + _inside(t["sentence"]) for t in profile["filters"]]
    parts = parts or filters or [f"not {_inside(t['sentence'])}" for t in profile["anti"]]
    return start, parts[:MAX_NAMED]


def opening(context: Mapping[str, Any]) -> str:
    """Return the line under the title."""
    lead = f.sentence(context["profile"]["lead"])
    if _hypothesis(context["profile"]):
        return "A hypothesis: written down by people, not yet measured on customers."
    return lead


def filter_words(trait: Mapping[str, Any]) -> tuple[str, str]:
    """Return a filter's sentence and what it does."""
    sentence = f.capital(trait["sentence"])
    if trait["positive"]:
        return sentence, f"{trait['best_support']} of best customers have it" if _measured(trait) else ""
    cuts = f"; cuts {trait['cuts']} of the list" if trait.get("cuts") and trait["cuts"] != f.NONE else ""
    return f"Not: {sentence}", f"{trait['passes']} of best customers pass{cuts}" if _measured(trait) else ""


def signals_hint(profile: Mapping[str, Any]) -> str:
    """Return what signals are, and how many customers are best anyway."""
    average = f.NONE if _hypothesis(profile) else profile.get("average") or f.NONE
    return "what speaks for an account" + (f"; average: {average} are best" if average != f.NONE else "")


def legend_words(profile: Mapping[str, Any]) -> tuple[str, str]:
    """Return what the figures beside the traits are."""
    if _hypothesis(profile):
        return "Points", "given by people, not measured"
    return "Lift (95% interval)", "share who are best, against the average (1×)"


def row_words(trait: Mapping[str, Any]) -> tuple[str, str]:
    """Return a trait's sentence and the evidence for it; where there is none, why it is believed, or its category."""
    if _measured(trait):
        said = [f"{trait['rate']} of {trait['customers']} customers are best"]
        if trait.get("market") and trait["market"] != f.NONE:
            said.append(f"{trait['market']} of the list")
    else:
        said = [f.capital(trait.get("why") or trait.get("category") or "")]
    return f.capital(trait["sentence"]), "; ".join(said)


def lift_words(trait: Mapping[str, Any]) -> tuple[str, str]:
    """Return a trait's lift and its interval, or the points a hypothesis gives it."""
    if f.known(trait.get("points")):
        points = f"{trait['points']:+g}".replace("-", "−")
        return f"{points} point{'s' if abs(trait['points']) != 1 else ''}", ""
    return trait["lift"], trait["lift_span"]


def segment_words(segment: Mapping[str, Any], number: int) -> tuple[str, str, str, str]:
    """Return a segment's name, rule, counts, and its strongest traits or, without any, why it is one."""
    name = f.capital(segment.get("name") or f"Segment {number}", 80)
    rule = f.capital(segment.get("sentence") or "", 200)
    customers, best, rate = (segment.get(key) for key in ("customers", "best", "rate"))
    counts = []
    if customers is not None:
        counts.append(f"{_shown(customers)} customers")
    if best is not None:
        share = f" ({_shown(rate, share=True)})" if rate is not None else ""
        counts.append(f"{_shown(best)} best{share}")
    found = [f"{t['sentence']} ({t['lift']})" for t in segment.get("traits") or () if t["positive"]][:SEGMENT_TRAITS]
    last = "; ".join(found) or f.sentence(segment.get("why") or "")
    return name, "" if rule == name else rule, ", ".join(counts), last


def quality_words(context: Mapping[str, Any]) -> str:
    """Return what the AUC means, or nothing."""
    plain = str((context.get("quality") or {}).get("plain") or "")
    return f.capital(plain.removeprefix("In words: "), 400)


def tier_words(context: Mapping[str, Any]) -> str:
    """Return how many of 100 customers won from each tier are best, or nothing."""
    tiers = context.get("tiers") or {}
    shown = [f"{row['tier']} {row['per_100']}" for row in tiers.get("rows") or () if row.get("per_100") != f.NONE]
    return f"Tier {', '.join(shown)}; average {tiers['average']}." if shown else ""


def closing(context: Mapping[str, Any]) -> tuple[str, str]:
    """Return the verdict in short, and its tone."""
    if _hypothesis(context["profile"]):
        return "No figure here is evidence: it becomes one when outcomes of customers are trained on.", "warn"
    quality = context.get("quality") or {}
    return str(quality.get("short") or ""), str(quality.get("tone") or "warn")


def advice(context: Mapping[str, Any]) -> tuple[str, str]:
    """Return what it means that nothing was found, and what may help."""
    ranks = (context.get("quality") or {}).get("tone") == "good"
    scores = (
        "The scores may still rank accounts: the report says how well."
        if ranks
        else "Do not spend by this model's scores."
    )
    return (
        f"What it means: nobody can say from these data who the ideal customer is. {scores}",
        "What may help: more customers that have been observed long enough; fields that were not known yet, such as "
        "the job the product is bought for; an outcome that sets customers further apart.",
    )


def evidence_words(context: Mapping[str, Any]) -> list[str]:
    """Return what the profile rests on, what it is not, and which model says so."""
    tiles = {tile["label"]: tile for tile in context.get("tiles") or ()}
    said = []
    judged, best = tiles.get("Customers judged"), tiles.get("Best customers")
    if judged:
        said.append(f"{judged['value']} customers judged" + (f", {best['value']} best" if best else ""))
    quality = context.get("quality") or {}
    if quality.get("auc", f.NONE) != f.NONE:
        span = f" (95% interval {quality['auc_span']})" if quality.get("auc_span") else ""
        said.append(f"AUC {quality['auc']}{span}, best against worst, on customers held out; 0.5 is chance")
    first = f"{'. '.join(said)}." if said else ""
    facts = {fact["name"]: fact["value"] for fact in context.get("facts") or ()}
    about = [BELIEVED_FIT if _hypothesis(context["profile"]) else FIT]
    as_of = facts.get("Ages measured to", f.NONE)
    if as_of != f.NONE:
        about.append(f"Data as of {f.clean(as_of, 20)}.")
    about.append(f"Model version {f.clean(context.get('version') or f.NONE, 40)}.")
    return [text for text in (first, " ".join(about)) if text]


def _hypothesis(profile: Mapping[str, Any]) -> bool:
    return profile.get("kind") == "hypothesis"


def _measured(trait: Mapping[str, Any]) -> bool:
    """Whether customers stand behind a trait; behind a hypothesis's there are none."""
    return trait["customers"] not in ("0", f.NONE)


def _inside(sentence: str) -> str:
    """Return a sentence as a part of another: small first letter, unless a name or an abbreviation begins it."""
    text = f.clean(sentence, 120)
    if text.lower().startswith(SAID):
        return text[len(SAID) :]
    return text[:1].lower() + text[1:] if text[1:2].islower() and text.split(" ")[0].rstrip(":").isalpha() else text


def _shown(value: Any, *, share: bool = False) -> str:
    if isinstance(value, str):
        return f.clean(value, 20)
    return f.percent(value) if share else f.count(value)

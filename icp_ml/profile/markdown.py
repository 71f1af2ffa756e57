"""The profile as Markdown, for a wiki or a pull request. One way: the document that is read back is the JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from icp_ml.profile.document import IdealCustomerProfile
    from icp_ml.traits import Trait

TITLES = {
    "filter": "Filters (what decides whether an account is looked at)",
    "signal": "Signals",
    "anti_trait": "Against",
    "further": "Further traits",
}
SOLD = (
    "Nearly all customers are here, best and worst alike: it says where sales went, not who is ideal. "
    "It excludes nobody."
)


def escape_markdown(text: str) -> str:
    """Keep values of strangers from breaking a table or becoming markup."""
    for char in "\\`*_[]<>|#~":
        text = text.replace(char, "\\" + char)
    return " ".join(text.split())


def profile_markdown(profile: IdealCustomerProfile) -> str:
    """Return the profile as Markdown."""
    lines = ["# Ideal customer profile", "", escape_markdown(profile.message), ""]
    for role, group in profile.groups():
        if group and role in TITLES:
            lines += [f"## {TITLES[role]}", "", *_traits(profile, role, group), ""]
    for segment in profile.segments:
        lines += _segment(segment)
    lines += _sold(profile) + _beliefs(profile) + _overrides(profile) + _new_market(profile.new_market)
    e = profile.evidence
    if "mature" in e:
        lines.append(
            f"From {e['mature']:,} mature customers: {e['best']:,} best, {e['worst']:,} worst; "
            f"{e['base_rate']:.0%} of all are best. Fit is likeness to best customers, not readiness to buy."
        )
    elif profile.kind == "hypothesis":
        lines.append(
            f"Written by a person, not learned: {e['points_that_double']:g} points double the odds, and "
            f"{e['base_rate']:.0%} of customers are expected to be best. Fit is likeness to the customer described, "
            "not readiness to buy."
        )
    if e.get("adjusted_for"):
        named = ", ".join(escape_markdown(str(name)) for name in e["adjusted_for"])
        lines += ["", f"Adjusted for, so no credit of theirs is given to other fields: {named}."]
    lines += [f"\n{escape_markdown(str(note))}." for note in e.get("notes") or ()]
    return "\n".join(lines).rstrip() + "\n"


def _traits(profile: IdealCustomerProfile, role: str, group: Sequence[Trait]) -> list[str]:
    if profile.kind == "hypothesis":
        told = {b["statement"]: b for b in profile.beliefs}
        own = [told.get(t.sentence, {}) for t in group]
        said = [(t.sentence, b.get("believed", ""), b.get("why", "")) for t, b in zip(group, own, strict=True)]
        return table(("statement", "what it does", "why"), said)
    rows = [
        (
            ("not: " if role == "filter" and t.direction == "negative" else "") + t.sentence,
            f"{t.rate:.0%} are best",
            f"{t.lift:.2f} ({t.lift_low:.2f} to {t.lift_high:.2f})",
            f"{t.customers:,}",
            f"{t.stability:.0%}" if t.stability else "",
        )
        for t in group
    ]
    return table(("trait", "of customers with it", "lift (95% interval)", "customers", "stability"), rows)


def _segment(segment: Mapping[str, Any]) -> list[str]:
    """Return a segment's own profile."""
    head = f"{segment['best']:,} of {segment['customers']:,} customers are best ({segment['rate']:.0%})."
    lines = [f"## Segment: {escape_markdown(str(segment['name']))}", "", head, ""]
    for trait in segment.get("traits") or ():
        against = "against: " if trait["direction"] == "negative" else ""
        lift = f"{trait['lift']:.2f} ({trait['lift_low']:.2f} to {trait['lift_high']:.2f})"
        lines.append(f"- {against}{escape_markdown(str(trait['sentence']))}: {trait['rate']:.0%} are best, lift {lift}")
    if not segment.get("traits"):
        lines.append("No single trait of this segment holds up against chance.")
    return [*lines, ""]


def _sold(profile: IdealCustomerProfile) -> list[str]:
    if not profile.sold_so_far:
        return []
    outside = {e["statement"]: e for e in profile.evidence.get("outside_sold_so_far") or ()}
    rows = [
        (
            t.sentence,
            f"{t.best_support:.0%}",
            f"{t.worst_support:.0%}",
            _share(t.market_share),
            outside_words(outside.get(t.sentence)),
        )
        for t in profile.sold_so_far
    ]
    return [
        "## Where you have sold so far",
        "",
        SOLD,
        "",
        *table(("statement", "of best", "of worst", "of the list", "outside it"), rows),
        "",
    ]


def outside_words(found: Mapping[str, Any] | None) -> str:
    """Return how the customers outside a statement did."""
    if not found or "customers" not in found:
        return ""
    n = found["customers"]
    if n < 20:
        return f"{n} customer{'s' if n != 1 else ''}: too few to say"
    return f"{n:,} customers: {found['rate']:.0%} best ({found['rate_low']:.0%} to {found['rate_high']:.0%})"


def _beliefs(profile: IdealCustomerProfile) -> list[str]:
    if not profile.beliefs or profile.kind == "hypothesis":
        return []
    rows = [(b["statement"], b["believed"], b["data"], b["verdict"]) for b in profile.beliefs]
    return [
        "## What we believed, what the data say",
        "",
        *table(("statement", "believed", "the data", "verdict"), rows),
        "",
    ]


def _overrides(profile: IdealCustomerProfile) -> list[str]:
    if not profile.overrides:
        return []
    rows = [(o["words"], o["reason"], o.get("by", ""), o.get("cost_words", "")) for o in profile.overrides]
    return ["## Decided by strategy", "", *table(("decision", "why", "by", "what it costs"), rows), ""]


def _new_market(found: Mapping[str, Any]) -> list[str]:
    if not found:
        return []
    rows = [(t["statement"], t["core_words"], t["entered_words"], t["verdict"]) for t in found.get("traits") or ()]
    lines = ["## The market being entered", "", escape_markdown(found["sentence"]), ""]
    if rows:
        lines += [*table(("trait", "core", found["statement"], "verdict"), rows), ""]
    return lines


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; cells are escaped."""
    lines = [
        "| " + " | ".join(escape_markdown(h) for h in header) + " |",
        "| " + " | ".join("---" for _ in header) + " |",
    ]
    return [*lines, *("| " + " | ".join(escape_markdown(str(cell)) for cell in row) + " |" for row in rows)]

"""The ideal customer profile: filters, signals and anti-traits, as a document people and programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from icp_ml.traits import Trait

if TYPE_CHECKING:
    import pandas as pd

PROFILE_VERSION = 1
MAX_FILTERS = 5
MAX_SIGNALS = 12
PASS_SHARE = 0.9  # of best customers a filter must let through
CUT_SHARE = 0.05  # of the list a filter must exclude
OBSERVED_SHARE = 0.6  # of the list a filter must be known for
EVIDENCE = 20  # customers outside a filter
NOTHING_FOUND = "no profile found"


@dataclass(frozen=True)
class IdealCustomerProfile:
    """What best customers have in common.

    Attributes
    ----------
    found : bool
        False where nothing survives: the evidence does not carry a profile.
    message : str
        What the profile is, or why there is none, in a sentence.
    filters : tuple of Trait
        Anti-traits whose complement nearly all best customers pass: few, to cut the list by.
    signals : tuple of Trait
        Traits that rank inside.
    anti_traits : tuple of Trait
        What speaks against an account.
    evidence : dict
        Customers, best, worst, base rate, dates.
    """

    found: bool
    message: str
    filters: tuple[Trait, ...] = ()
    signals: tuple[Trait, ...] = ()
    anti_traits: tuple[Trait, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def traits(self) -> pd.DataFrame:
        """One row per trait: role, sentence, field, category, rate, lift and its interval, stability, counts."""
        rows = [{"role": role, **trait.to_dict()} for role, group in self._groups() for trait in group]
        columns = ["role", *Trait.__dataclass_fields__]
        import pandas as pd

        return pd.DataFrame(rows, columns=columns)

    def _groups(self) -> tuple[tuple[str, tuple[Trait, ...]], ...]:
        return ("filter", self.filters), ("signal", self.signals), ("anti_trait", self.anti_traits)

    def summary(self, lines: int = 5) -> list[str]:
        """Return who the ideal customer is, strongest first, at most `lines` lines."""
        if not self.found:
            return [self.message]
        out = [f"{'not ' if t.direction == 'negative' else ''}{t.sentence}: {_rate(t)}" for t in self.filters]
        out = [f"{t.sentence}: {_rate(t)}" for t in self.signals][: max(lines - len(out[:2]), 1)] + out[:2]
        out += [f"against: {t.sentence}: {_rate(t)}" for t in self.anti_traits]
        return out[:lines]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        groups = {f"{role}s": [t.to_dict() for t in group] for role, group in self._groups()}
        return {
            "profile_version": PROFILE_VERSION,
            "found": self.found,
            "message": self.message,
            **groups,
            "evidence": dict(self.evidence),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> IdealCustomerProfile:
        """Read what `to_dict` wrote."""
        groups = {name: tuple(Trait.from_dict(t) for t in data[name]) for name in ("filters", "signals", "anti_traits")}
        return cls(bool(data["found"]), str(data["message"]), evidence=dict(data["evidence"]), **groups)

    def to_json(self) -> str:
        """Return the document as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    def to_markdown(self) -> str:
        """Return the profile for a wiki or a pull request."""
        lines = ["# Ideal customer profile", "", escape_markdown(self.message), ""]
        titles = {
            "filter": "Filters (what nearly all best customers are not)",
            "signal": "Signals",
            "anti_trait": "Against",
        }
        for role, group in self._groups():
            if not group:
                continue
            lines += [
                f"## {titles[role]}",
                "",
                "| trait | of customers with it | lift (95% interval) | customers | stability |",
                "| --- | --- | --- | --- | --- |",
            ]
            lines += [
                f"| {escape_markdown(t.sentence)} | {t.rate:.0%} are best "
                f"| {t.lift:.2f} ({t.lift_low:.2f} to {t.lift_high:.2f}) | {t.customers:,} | {t.stability:.0%} |"
                for t in group
            ]
            lines.append("")
        if self.evidence:
            e = self.evidence
            lines.append(
                f"From {e['mature']:,} mature customers: {e['best']:,} best, {e['worst']:,} worst; "
                f"{e['base_rate']:.0%} of all are best. Fit is likeness to best customers, not readiness to buy."
            )
            if e.get("adjusted_for"):
                named = ", ".join(escape_markdown(str(name)) for name in e["adjusted_for"])
                lines += ["", f"Adjusted for, so no credit of theirs is given to other fields: {named}."]
        return "\n".join(lines).rstrip() + "\n"


def escape_markdown(text: str) -> str:
    """Keep values of strangers from breaking a table or becoming markup."""
    for char in "\\`*_[]<>|#~":
        text = text.replace(char, "\\" + char)
    return " ".join(text.split())


def _rate(trait: Trait) -> str:
    return f"{trait.rate:.0%} best ({trait.lift:.1f}x)"


def build_profile(
    traits: Sequence[Trait],
    *,
    evidence: Mapping[str, Any],
    signal: bool,
    reason: str = "",
    list_coverage: Mapping[str, float] | None = None,
    as_filter: Sequence[str] = (),
    as_signal: Sequence[str] = (),
) -> IdealCustomerProfile:
    """Sort traits into filters, signals and anti-traits.

    Parameters
    ----------
    traits : sequence of Trait
    evidence : mapping
        `mature`, `best`, `worst`, `base_rate` and what else should be kept.
    signal : bool
        Whether the permutation gate found any signal at all; without it no trait is claimed.
    reason : str
        Why there is no signal, for the message.
    list_coverage : mapping of field to share, optional
        How often the list knows each field.
    as_filter, as_signal : sequences of field names
        A person's decision, which goes before the rule.
    """
    if not signal or not traits:
        why = (
            "the fields tell best from worst, but no single trait holds up against chance; more customers may show some"
        )
        if not signal:
            why = reason or "nothing tells best from worst customers"
        return IdealCustomerProfile(False, f"{NOTHING_FOUND}: {why}", evidence=dict(evidence))
    filters = [
        t for t in traits if t.field in as_filter or (t.field not in as_signal and _is_filter(t, list_coverage))
    ][:MAX_FILTERS]
    rest = [t for t in traits if t not in filters]
    signals = [t for t in rest if t.direction == "positive"][:MAX_SIGNALS]
    anti = [t for t in rest if t.direction == "negative"][:MAX_SIGNALS]
    count = len(filters) + len(signals) + len(anti)
    parts = ", ".join(
        f"{n} {word}{'s' if n != 1 and word != 'against' else ''}"
        for n, word in ((len(filters), "filter"), (len(signals), "signal"), (len(anti), "against"))
        if n
    )
    message = f"{count} trait{'s set' if count != 1 else ' sets'} best customers apart ({parts})."
    return IdealCustomerProfile(True, message, tuple(filters), tuple(signals), tuple(anti), dict(evidence))


def _is_filter(trait: Trait, list_coverage: Mapping[str, float] | None) -> bool:
    """Few, nearly necessary, cutting, observable, and shown by customers outside it who did worse."""
    if (
        trait.direction != "negative"
        or 1 - trait.best_support < PASS_SHARE
        or trait.customers < EVIDENCE
        or trait.lift_high >= 0.75
    ):
        return False
    cuts = trait.market_share if trait.market_share is not None else trait.worst_support
    known = 1.0 if list_coverage is None else list_coverage.get(trait.field, 0.0)
    return bool(cuts >= CUT_SHARE and known >= OBSERVED_SHARE and np.isfinite(trait.lift_high))

"""The profile as a document: filters, signals, anti-traits and what a person decided, with their evidence."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from icp_ml.exceptions import ModelFormatError
from icp_ml.traits import Trait

if TYPE_CHECKING:
    import pandas as pd

PROFILE_VERSION = 2  # 2: sold_so_far, further, overrides, kind, beliefs, new_market
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
        What decides whether an account is serviceable at all: few.
    signals : tuple of Trait
        Traits that rank inside.
    anti_traits : tuple of Trait
        What speaks against an account.
    evidence : dict
        Customers, best, worst, base rate, dates.
    sold_so_far : tuple of Trait
        Where nearly all customers are, best and worst alike, and the list is not: it excludes nobody.
    further : tuple of Trait
        Traits beyond those that fit on one slide.
    overrides : tuple of dict
        Decisions of strategy: what, why, by whom, and what they cost in lift.
    kind : str
        "derived" from customers, or a written "hypothesis".
    beliefs : tuple of dict
        What a hypothesis believed beside what the data say: statement, believed, data, verdict.
    new_market : dict
        The part of the market that is being entered, compared with the core; empty where none was named.
    segments : tuple of dict
        Several profiles, each of a segment of the accounts, with its rule, customers, rate and traits; none where
        there is one profile for all.
    """

    found: bool
    message: str
    filters: tuple[Trait, ...] = ()
    signals: tuple[Trait, ...] = ()
    anti_traits: tuple[Trait, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    sold_so_far: tuple[Trait, ...] = ()
    further: tuple[Trait, ...] = ()
    overrides: tuple[dict[str, Any], ...] = ()
    kind: Literal["derived", "hypothesis"] = "derived"
    beliefs: tuple[dict[str, Any], ...] = ()
    new_market: Mapping[str, Any] = field(default_factory=dict)
    segments: tuple[dict[str, Any], ...] = ()

    @property
    def traits(self) -> pd.DataFrame:
        """One row per trait: role, sentence, field, category, rate, lift and its interval, stability, counts."""
        rows = [{"role": role, **trait.to_dict()} for role, group in self.groups() for trait in group]
        columns = ["role", *Trait.__dataclass_fields__]
        import pandas as pd

        return pd.DataFrame(rows, columns=columns)

    def groups(self) -> tuple[tuple[str, tuple[Trait, ...]], ...]:
        """Return each role with its traits."""
        return (
            ("filter", self.filters),
            ("signal", self.signals),
            ("anti_trait", self.anti_traits),
            ("further", self.further),
            ("sold_so_far", self.sold_so_far),
        )

    def points(self, trait: Trait) -> float | None:
        """Return the points a hypothesis gives a trait; None in a profile derived from customers."""
        scale = self.evidence.get("log_odds_per_point")
        if self.kind != "hypothesis" or not scale:
            return None
        return round(abs(trait.contribution) / float(scale), 6)

    def summary(self, lines: int = 5) -> list[str]:
        """Return who the ideal customer is, strongest first, at most `lines` lines."""
        if not self.found:
            return [self.message]
        out = [f"{'not ' if t.direction == 'negative' else ''}{t.sentence}: {self._shown(t)}" for t in self.filters]
        out = [f"{t.sentence}: {self._shown(t)}" for t in self.signals][: max(lines - len(out[:2]), 1)] + out[:2]
        out += [f"against: {t.sentence}: {self._shown(t)}" for t in self.anti_traits]
        return out[:lines]

    def _shown(self, trait: Trait) -> str:
        points = self.points(trait)
        if points is None:
            return f"{trait.rate:.0%} best ({trait.lift:.1f}x)"
        return f"{points:g} point{'s' if points != 1 else ''}" if points else "must be met"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        groups = {name: [t.to_dict() for t in getattr(self, name)] for name in TRAIT_GROUPS}
        rest = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in (*TRAIT_GROUPS, "evidence")
        }
        plain = {k: [dict(e) for e in v] if isinstance(v, tuple) else v for k, v in rest.items()}
        return {
            "profile_version": PROFILE_VERSION,
            "kind": self.kind,
            "found": self.found,
            "message": self.message,
            **groups,
            **{k: dict(v) if isinstance(v, Mapping) else v for k, v in plain.items()},
            "evidence": dict(self.evidence),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> IdealCustomerProfile:
        """Read what `to_dict` wrote, also in older versions.

        Raises
        ------
        ModelFormatError
            A value is missing or of another type; the message names it.
        """
        from icp_ml.profile.published import validated

        return validated(data)

    def to_json(self) -> str:
        """Return the document as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> IdealCustomerProfile:
        """Read what `to_json` wrote. Raises as `from_dict` does."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            msg = f"the profile is not JSON ({error}); give what to_json wrote, or a model's profile.json"
            raise ModelFormatError(msg) from error
        return cls.from_dict(data)

    def to_markdown(self) -> str:
        """Return the profile for a wiki or a pull request."""
        from icp_ml.profile.markdown import profile_markdown

        return profile_markdown(self)


TRAIT_GROUPS = ("filters", "signals", "anti_traits", "further", "sold_so_far")


def is_named(trait: Trait, names: Collection[str]) -> bool:
    """Whether a person named the trait's field, or the trait itself ("technologies=snowflake")."""
    return trait.field in names or trait.term in names

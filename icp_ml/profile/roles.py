"""Filter or signal: what a trait is for, by stated rules, and by a person's decision before them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import MISSING, Codes
from icp_ml.exceptions import SettingsError
from icp_ml.profile.document import NOTHING_FOUND, IdealCustomerProfile, is_named
from icp_ml.profile.rates import Rate, rate_inside
from icp_ml.traits import Trait

MAX_FILTERS = 5
MAX_SIGNALS = 8  # on one slide; the others are kept as further traits
MAX_AGAINST = 5
PASS_SHARE = 0.9  # of best customers a filter must let through
CUT_SHARE = 0.05  # of the list a filter must exclude
OBSERVED_SHARE = 0.6  # of the list a filter must be known for
EVIDENCE = 20  # customers outside a filter
CLEARLY_WORSE = 0.75  # of the average rate: the upper end of the interval of those outside lies below it


@dataclass(frozen=True)
class ListAndCustomers:
    """Mature customers and, where there is one, the list, as codes: what lies outside a trait."""

    terms: tuple[str, ...]
    codes: Codes
    best: npt.NDArray[np.bool_]
    market_codes: Codes | None = None

    def outside(self, trait: Trait) -> tuple[Rate, float | None] | None:
        """Return the customers outside a trait, and the share of the list that lies there; None for a trait of pairs.

        Outside an anti-trait is where it holds; of a trait, all known values that are not its own.
        """
        if trait.term not in self.terms or is_pair(trait):
            return None
        j = self.terms.index(trait.term)
        out = self._there(self.codes[:, j], trait)
        if self.market_codes is None:
            return rate_inside(out, self.best), None
        listed = self.market_codes[:, j]
        known = listed != MISSING
        return rate_inside(out, self.best), float(self._there(listed, trait)[known].mean()) if known.any() else None

    @staticmethod
    def _there(codes: npt.NDArray[np.uint16], trait: Trait) -> npt.NDArray[np.bool_]:
        inside = np.isin(codes, trait.codes)
        return np.asarray(inside if trait.direction == "negative" else ~inside & (codes != MISSING))


def build_profile(
    traits: Sequence[Trait],
    *,
    evidence: Mapping[str, Any],
    signal: bool,
    reason: str = "",
    list_coverage: Mapping[str, float] | None = None,
    as_filter: Sequence[str] = (),
    as_signal: Sequence[str] = (),
    customers: ListAndCustomers | None = None,
    sold: Sequence[Trait] = (),
) -> IdealCustomerProfile:
    """Sort traits into filters, signals and anti-traits.

    Parameters
    ----------
    traits : sequence of Trait
        Strongest first.
    evidence : mapping
        `mature`, `best`, `worst`, `base_rate` and what else should be kept.
    signal : bool
        Whether the permutation gate found any signal at all; without it no trait is claimed.
    reason : str
        Why there is no signal, for the message.
    list_coverage : mapping of field to share, optional
        How often the list knows each field.
    as_filter, as_signal : sequences of fields, or of traits such as "technologies=snowflake"
        A person's decision, which goes before the rule.
    customers : ListAndCustomers, optional
        To judge what lies outside a positive trait.
    sold : sequence of Trait
        Where nearly all customers are (`sold_so_far`); what a person names as a filter becomes one.
    """
    notes = _unheard([*traits, *sold], as_filter, as_signal)
    evidence = {**evidence, **({"notes": notes} if notes else {})}
    chosen = tuple(t for t in sold if is_named(t, as_filter))
    if not signal or not traits:
        why = (
            "the fields tell best from worst, but no single trait holds up against chance; more customers may show some"
        )
        if not signal:
            why = reason or "nothing tells best from worst customers"
        rest = tuple(t for t in sold if t not in chosen)
        return IdealCustomerProfile(
            False, f"{NOTHING_FOUND}: {why}", chosen[:MAX_FILTERS], evidence=evidence, sold_so_far=rest
        )
    named = [t for t in traits if is_named(t, as_filter) and not is_pair(t)]
    derived = [
        t for t in traits if t not in named and not is_named(t, as_signal) and _is_filter(t, list_coverage, customers)
    ]
    filters = [*named, *(t for t in chosen if t not in named), *derived][:MAX_FILTERS]
    rest_of = [t for t in traits if t not in filters]
    signals = [t for t in rest_of if t.direction == "positive"]
    against = [t for t in rest_of if t.direction == "negative"]
    shown = filters, signals[:MAX_SIGNALS], against[:MAX_AGAINST]
    further = [t for t in rest_of if t in signals[MAX_SIGNALS:] or t in against[MAX_AGAINST:]]
    if customers is not None:
        filters = [_with_cut(t, customers) for t in filters]
        evidence |= {"outside_filters": [_outside(t, customers) for t in filters]} if filters else {}
    taken = {t.term for t in filters}
    profile = IdealCustomerProfile(
        True,
        _message(len(filters), len(shown[1]), len(shown[2]), len(further)),
        tuple(filters),
        tuple(shown[1]),
        tuple(shown[2]),
        evidence,
        tuple(t for t in sold if t.term not in taken),
        tuple(further),
    )
    return _with_outside_of_sales(profile, customers)


def is_pair(trait: Trait) -> bool:
    """Whether a trait is about two fields at once: such a one is never a filter."""
    return bool(trait.to_dict().get("pair"))


def check_names(names: Collection[str], known: Collection[str], setting: str) -> None:
    """Refuse names under `profile.filters` or `profile.signals` that nothing is called by.

    Raises
    ------
    SettingsError
        Names the setting, the name and what it may have meant.
    """
    for name in names:
        if name not in known:
            near = get_close_matches(name, list(known), 3, 0.6)
            told = f"did you mean {' or '.join(near)}?" if near else f"fields here: {', '.join(sorted(known)[:30])}"
            msg = f"{setting}: '{name}' is no field or trait of these customers; {told}"
            raise SettingsError(msg)


def _message(filters: int, signals: int, against: int, further: int) -> str:
    count = filters + signals + against + further
    parts = [
        f"{n} {word}{'s' if n != 1 and word != 'against' else ''}"
        for n, word in ((filters, "filter"), (signals, "signal"), (against, "against"))
        if n
    ]
    parts += [f"{further} further"] if further else []
    return f"{count} trait{'s set' if count != 1 else ' sets'} best customers apart ({', '.join(parts)})."


def _unheard(traits: Sequence[Trait], *names: Sequence[str]) -> list[str]:
    """Return what a person named and nothing was found on, so that it is not silently without effect."""
    return [
        f"profile.{setting}: no trait was found on '{name}', so it changes nothing; to leave accounts out by decision, "
        "use profile.overrides"
        for setting, group in zip(("filters", "signals"), names, strict=True)
        for name in group
        if not any(is_named(t, (name,)) for t in traits)
    ]


def _is_filter(trait: Trait, list_coverage: Mapping[str, float] | None, customers: ListAndCustomers | None) -> bool:
    """Few, nearly necessary, cutting, observable, and shown by customers outside it who did worse."""
    known = 1.0 if list_coverage is None else list_coverage.get(trait.field, 0.0)
    if known < OBSERVED_SHARE or is_pair(trait):
        return False
    if trait.direction == "negative":
        cuts = trait.market_share if trait.market_share is not None else trait.worst_support
        passing, outside, worst_case = 1 - trait.best_support, trait.customers, trait.lift_high
    else:
        found = customers.outside(trait) if customers else None
        if found is None:
            return False
        rate, listed = found
        cuts = listed if listed is not None else 1 - trait.worst_support
        best = int(customers.best.sum()) if customers else 0
        passing, outside, worst_case = 1 - rate.best / max(best, 1), rate.customers, rate.lift_high
    return bool(
        passing >= PASS_SHARE
        and outside >= EVIDENCE
        and np.isfinite(worst_case)
        and worst_case < CLEARLY_WORSE
        and cuts >= CUT_SHARE
    )


def _with_cut(trait: Trait, customers: ListAndCustomers) -> Trait:
    """State what a filter moved from "sold so far" holds of the list, where that is not said yet."""
    if trait.market_share is not None or customers.market_codes is None or trait.term not in customers.terms:
        return trait
    listed = customers.market_codes[:, customers.terms.index(trait.term)]
    known = listed != MISSING
    return replace(trait, market_share=float(np.isin(listed[known], trait.codes).mean()) if known.any() else None)


def _outside(trait: Trait, customers: ListAndCustomers) -> dict[str, Any]:
    found = customers.outside(trait)
    if found is None:
        return {"statement": trait.sentence}
    rate, listed = found
    passing = 1 - rate.best / max(int(customers.best.sum()), 1)
    return {"statement": trait.sentence, "passes": passing, "cuts": listed, **rate.to_dict()}


def _with_outside_of_sales(profile: IdealCustomerProfile, customers: ListAndCustomers | None) -> IdealCustomerProfile:
    """Say of each place of past sales how many customers lie outside it, and how they did."""
    if customers is None or not profile.sold_so_far:
        return profile
    told = [_outside(t, customers) for t in profile.sold_so_far]
    return replace(profile, evidence={**profile.evidence, "outside_sold_so_far": told})

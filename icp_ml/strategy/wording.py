"""What people decided of a value, as a reason says it: after "raises fit" or "lowers fit"."""

from __future__ import annotations

from collections.abc import Sequence

from icp_ml.estimator.encoding import MISSING
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.profile import IdealCustomerProfile, is_named
from icp_ml.scoring.kernel import Exclusion
from icp_ml.settings import Settings
from icp_ml.traits import Trait

MOST_NAMED = 3


def stated_words(profile: IdealCustomerProfile, tables: ScoringTables) -> dict[tuple[int, int], str]:
    """Return what to say of each (term, code) that a hypothesis or an override speaks of."""
    places = {term.name: j for j, term in enumerate(tables.terms)}
    out: dict[tuple[int, int], str] = {}
    if profile.kind == "hypothesis":
        by_term: dict[int, list[Trait]] = {}
        for trait in (*profile.signals, *profile.anti_traits, *profile.further):
            if trait.term in places:
                by_term.setdefault(places[trait.term], []).append(trait)
        for j, traits in by_term.items():
            for code in range(tables.terms[j].size):
                if code != MISSING:
                    out[j, code] = _of_hypothesis(profile, traits, code)
    for decided in profile.overrides:
        if decided.get("action") not in ("raise", "lower") or decided.get("term") not in places:
            continue
        j, verb = places[str(decided["term"])], f"{decided['action']}s"
        for code in decided["codes"]:
            said = f", as the strategy {verb} it: {decided['reason']}"
            if (float(tables.values[j][code]) > 0) != (verb == "raises"):
                said = f", although the strategy {verb} it: {decided['reason']}"
            out[j, int(code)] = out.get((j, int(code)), "") + said
    return out


def _of_hypothesis(profile: IdealCustomerProfile, traits: Sequence[Trait], code: int) -> str:
    own = [t for t in traits if code in t.codes]
    if own:
        points = sum((profile.points(t) or 0.0) * (1 if t.direction == "positive" else -1) for t in own)
        return f": the hypothesis {'gives it' if points >= 0 else 'takes'} {_points(abs(points))}" + (
            "" if points >= 0 else " from it"
        )
    named = [
        f"{_points(profile.points(t) or 0.0)} {'to' if t.direction == 'positive' else 'less to'} {t.sentence}"
        for t in traits[:MOST_NAMED]
    ]
    more = f" and {len(traits) - MOST_NAMED} more" if len(traits) > MOST_NAMED else ""
    return f": the hypothesis gives {', '.join(named)}{more}"


def _points(points: float) -> str:
    return f"{points:g} point{'s' if points != 1 else ''}"


def exclusions(profile: IdealCustomerProfile, tables: ScoringTables, settings: Settings) -> tuple[Exclusion, ...]:
    """Return what excludes: filters a person wrote or confirmed, and exclusions by strategy; derived filters propose.

    Outside a filter are the codes of an anti-trait, and all other known codes of a trait.
    """
    places = {term.name: j for j, term in enumerate(tables.terms)}
    out = []
    for trait in profile.filters:
        confirmed = profile.kind == "hypothesis" or is_named(trait, settings.profile.filters)
        if not confirmed or trait.term not in places:
            continue
        j = places[trait.term]
        against = trait.direction == "negative"
        others = tuple(c for c in range(tables.terms[j].size) if c != MISSING and c not in trait.codes)
        words = trait.sentence if against else f"not {trait.sentence}"
        out.append(Exclusion(j, trait.codes if against else others, f"outside a filter: {words}"))
    for decided in profile.overrides:
        if decided.get("action") == "exclude" and decided.get("term") in places:
            codes = tuple(int(c) for c in decided["codes"])
            words = f"excluded by strategy: {decided['statement']} ({decided['reason']})"
            out.append(Exclusion(places[str(decided["term"])], codes, words))
    return tuple(out)

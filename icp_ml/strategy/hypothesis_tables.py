"""A hypothesis as what a model is made of: tables on bins of its own, a profile, tiers.

A point is a fixed number of log-odds. Where a statement is known to be true it adds its points times one minus the
share of companies it is expected to be true of; where known to be false it takes away the points times that share;
where it is not known it adds nothing. So the two differ by exactly the points, and the average company stays put.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from scipy.special import logit

from icp_ml.estimator.encoding import MISSING, Codes, Encoding, FloatArray
from icp_ml.estimator.labels import statement as trait_words
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.exceptions import SettingsError
from icp_ml.profile import IdealCustomerProfile
from icp_ml.schema import Field
from icp_ml.settings import Settings
from icp_ml.statements import Statement, WeightedStatement
from icp_ml.strategy.hypothesis import Hypothesis
from icp_ml.strategy.meanings import Meaning, codes_of, field_named, meaning_of
from icp_ml.strategy.refining import encoding_of
from icp_ml.tiers import TierCutoffs
from icp_ml.traits import Trait

DOUBT = 0.5  # standard deviation of a statement's log-odds, as a share of them
BASE_DOUBT = 0.35  # of the base: the share of best customers may be off by a factor of about 1.4 in odds
UNTESTED = "no customers yet"


@dataclass(frozen=True)
class Believed:
    """One statement of a hypothesis, in the codes of an encoding.

    Attributes
    ----------
    role : str
        filter, signal or anti_trait.
    meaning : Meaning
    term : int
    codes : tuple of int
    log_odds : float
        How far true and false lie apart; 0 for a filter, negative for an anti-trait.
    points, share : float
    sentence, why, who : str
    """

    role: str
    meaning: Meaning
    term: int
    codes: tuple[int, ...]
    log_odds: float
    points: float
    share: float
    sentence: str
    why: str
    who: str


@dataclass(frozen=True)
class HypothesisParts:
    """All that a model of a hypothesis is made of."""

    tables: ScoringTables
    profile: IdealCustomerProfile
    cutoffs: TierCutoffs
    fields: dict[str, Field]
    as_of: date | None


def meanings_in(
    hypothesis: Hypothesis,
    settings: Settings,
    as_of: date | None,
    source: str = "hypothesis",
    fields: Mapping[str, Field] | None = None,
) -> list[tuple[str, Statement, Meaning]]:
    """Return role, statement and meaning of every statement.

    Raises
    ------
    SettingsError
        A field or a value is not known; the message names the statement.
    """
    own = fields or {c.name: Field(c.name, c.kind, c.category, label=c.label) for c in hypothesis.fields}
    out = []
    for role, number, one in hypothesis.statements():
        place = f"{source}: {role}.{number} ({one.text}): "
        field = field_named(one.field, settings, own, place)
        out.append((role.removesuffix("s"), one, meaning_of(one, field, as_of, place)))
    return out


def believed_in(
    encoding: Encoding, found: Sequence[tuple[str, Statement, Meaning]], hypothesis: Hypothesis
) -> list[Believed]:
    """Return the statements in the codes of an encoding; those it has no term for are left out."""
    out = []
    for role, one, meaning in found:
        place = codes_of(encoding, meaning)
        if place is None:
            continue
        j, codes = place
        points = one.points if isinstance(one, WeightedStatement) else 0.0
        share = one.share if isinstance(one, WeightedStatement) else 0.0
        sign = -1.0 if role == "anti_trait" else 1.0
        why, who = str(getattr(one, "why", "")), str(getattr(one, "who", ""))
        out.append(
            Believed(
                role, meaning, j, codes, sign * points * hypothesis.log_odds_per_point, points, share,
                trait_words(encoding.terms[j], codes), why, who,
            )
        )  # fmt: skip
    return out


def belief_tables(encoding: Encoding, believed: Sequence[Believed]) -> tuple[tuple[FloatArray, ...], ...]:
    """Return values and variances per term and code."""
    values = tuple(np.zeros(term.size) for term in encoding.terms)
    variances = tuple(np.zeros(term.size) for term in encoding.terms)
    for one in believed:
        says = np.full(len(values[one.term]), -one.share * one.log_odds)
        says[list(one.codes)] = (1.0 - one.share) * one.log_odds
        says[MISSING] = 0.0
        values[one.term][:] += says
        variances[one.term][:] += (DOUBT * says) ** 2
    return values, variances


def hypothesis_parts(hypothesis: Hypothesis, settings: Settings, source: str = "hypothesis") -> HypothesisParts:
    """Return tables, profile and tiers of a hypothesis without customers.

    Raises
    ------
    SettingsError
        A field or a value is not known, or two fields contradict each other.
    """
    as_of = settings.as_of or hypothesis.as_of
    found = meanings_in(hypothesis, settings, as_of, source)
    kinds: dict[str, Meaning] = {}
    for _, _, meaning in found:
        first = kinds.setdefault(meaning.field.name, meaning)
        if first.form != meaning.form:  # a year once as a calendar year and once as an age
            msg = f"{source}: '{meaning.field.name}' is used as {first.form} and as {meaning.form}; give as_of"
            raise SettingsError(msg)
    encoding = encoding_of([meaning for _, _, meaning in found])
    believed = believed_in(encoding, found, hypothesis)
    values, variances = belief_tables(encoding, believed)
    nobody = tuple(np.zeros(term.size) for term in encoding.terms)
    base = float(logit(hypothesis.best_share))
    tables = ScoringTables(encoding, values, variances, base, BASE_DOUBT**2, nobody, nobody, as_of)
    cutoffs = TierCutoffs.from_base_rate(hypothesis.best_share)
    fields = {name: meaning.field for name, meaning in sorted(kinds.items())}
    return HypothesisParts(tables, hypothesis_profile(hypothesis, encoding, believed), cutoffs, fields, as_of)


def hypothesis_profile(
    hypothesis: Hypothesis, encoding: Encoding, believed: Sequence[Believed]
) -> IdealCustomerProfile:
    """Return the profile: the statements as traits without evidence, and what is believed of each."""
    groups: dict[str, list[Trait]] = {"filter": [], "signal": [], "anti_trait": []}
    beliefs = []
    for one in sorted(believed, key=lambda b: -abs(b.log_odds)):
        groups[one.role].append(believed_trait(one, encoding))
        beliefs.append(
            {"statement": one.sentence, "believed": believed_words(one), "data": UNTESTED, "verdict": "untested",
             "why": one.why}
        )  # fmt: skip
    count = len(believed)
    message = (
        f"Hypothesis '{hypothesis.name}': {count} statement{'s' if count != 1 else ''} written by a person; "
        "no customer has tested them yet."
    )
    evidence = {
        "base_rate": hypothesis.best_share,
        "log_odds_per_point": hypothesis.log_odds_per_point,
        "points_that_double": hypothesis.points_that_double,
    }
    return IdealCustomerProfile(
        True,
        message,
        tuple(groups["filter"]),
        tuple(groups["signal"]),
        tuple(groups["anti_trait"]),
        evidence=evidence,
        kind="hypothesis",
        beliefs=tuple(beliefs),
    )


def believed_words(one: Believed) -> str:
    """Return what is believed of a statement."""
    if one.role == "filter":
        return "must be met"
    return f"{'raises' if one.log_odds > 0 else 'lowers'} fit: {one.points:g} point{'s' if one.points != 1 else ''}"


def believed_trait(one: Believed, encoding: Encoding) -> Trait:
    """Return a statement as a trait without customers: its rates are 0 of 0 and mean nothing."""
    term = encoding.terms[one.term]
    meaning = one.meaning
    values: dict[str, object] = {"is": meaning.flag}
    if meaning.kind == "numeric":
        values = {"over": meaning.low, "up_to": meaning.high}
    elif meaning.kind == "category":
        values = {"in": list(meaning.spellings)}
    elif meaning.kind == "tokens":
        values = {"has": meaning.spellings[0]}
    return Trait(
        sentence=one.sentence,
        field=term.field,
        term=term.name,
        category=term.encoding.category,
        direction="negative" if one.role == "anti_trait" else "positive",
        codes=one.codes,
        values=values,
        customers=0,
        best=0,
        best_support=0.0,
        worst_support=0.0,
        rate=0.0,
        lift=0.0,
        lift_low=0.0,
        lift_high=0.0,
        stability=0.0,
        p_value=1.0,
        contribution=one.log_odds,
        who=one.who,
    )


def codes_match(codes: Codes, term: int, chosen: Sequence[int]) -> FloatArray:
    """Return 1 where a statement is true, 0 where it is false, NaN where it is not known; shape (rows,)."""
    own = codes[:, term]
    out: FloatArray = np.isin(own, chosen).astype(np.float64)
    out[own == MISSING] = np.nan
    return out

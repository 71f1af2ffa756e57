"""Whether customers take over the list's values for training: what it would bring, and what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.accounts.matching.enrichment import (
    Enrichment,
    FieldEnrichment,
    churn_warning,
    contradiction_warning,
    late_warning,
)
from icp_ml.accounts.matching.result import Matches
from icp_ml.accounts.matching.survivorship import FIELD_SIGMA, shares_of, survivorship_of, uneven
from icp_ml.accounts.table import Accounts
from icp_ml.settings import Settings

MOST = 0.5  # share of the best and of the worst customers that has to be on the list
WORTH_READING = 0.25  # share of all customers below which nobody trains on the list's values unless asked to
NEW_FILLED = 0.2  # share of customers for which a field that they lack has to be known
CONTRADICTED = 0.1  # share of contradicting values that makes a field another vendor's
FILLED = 0.05  # share of customers whose gap the list closes
_NAMED = 4  # fields named in a sentence
_UNDATED = (
    "the day the list's values are from is not known, so they may be consequences of an outcome rather than signs of "
    "it; where you know it, set matching: {list_date: YYYY-MM-DD}"
)


@dataclass(frozen=True)
class EnrichmentPlan:
    """The customers to train on, and why they carry the list's values or don't.

    Attributes
    ----------
    accounts : Accounts
        The customers as they were, or with the list's values.
    policy : str
        auto, always or never (setting `matching.enrich`).
    is_enriched : bool
    sentence : str
        What is done, and what else could be.
    against : tuple of str
        What speaks against training on the list's values.
    put_back : dict of str to str
        Fields whose values stay the customers' own, with the reason.
    shares : dict
        For each label: customers, and the share of them found on the list.
    survivorship : str or None
        Said where the list knows customers of one outcome better.
    enrichment : Enrichment or None
        What the list has for the customers; None where it was not looked at.
    """

    accounts: Accounts
    policy: str
    is_enriched: bool
    sentence: str
    against: tuple[str, ...]
    put_back: Mapping[str, str]
    shares: Mapping[str, Mapping[str, float]]
    survivorship: str | None
    enrichment: Enrichment | None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that carry the list's values."""
        if not self.is_enriched or self.enrichment is None:
            return ()
        return tuple(one.field for one in self.enrichment.fields if one.field not in self.put_back)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        seen = self.enrichment.to_dict() if self.enrichment is not None else {"fields": []}
        told = contradiction_warning(self.enrichment.fields) if self.enrichment is not None else None
        return {
            **seen,
            "warnings": [told] if told and self.is_enriched else [],
            "policy": self.policy,
            "enriched": self.is_enriched,
            "sentence": self.sentence,
            "against": list(self.against),
            "fields_used": list(self.fields),
            "put_back": dict(self.put_back),
            "matched_shares": {label: dict(share) for label, share in self.shares.items()},
            "survivorship": self.survivorship,
        }


def plan_enrichment(
    customers: Accounts,
    matches: Matches,
    enrichment: Enrichment | None,
    status: npt.NDArray[Any],
    settings: Settings,
) -> EnrichmentPlan:
    """Decide whether customers are trained on with the list's values.

    With `matching: {enrich: auto}` they are where the list knows at least half of the best and of the worst customers,
    about equally often, where its values are known to be from before the outcomes (`matching.list_date`), and where
    they differ from what the customers' table says. Fields that the list knows unevenly stay as they were.

    Parameters
    ----------
    customers : Accounts
    matches : Matches
        Of these customers.
    enrichment : Enrichment or None
        What `enrich` made of them; None where the list's values were not read.
    status : array of str, shape (customers,)
        best, worst, middle, too_young or unjudged.
    settings : Settings
    """
    policy, found = settings.matching.enrich, matches.is_matched
    shares, gone = shares_of(found, status), survivorship_of(found, status)
    few = _few(shares)
    put_back = _uneven_fields(enrichment, status) if enrichment is not None and policy == "auto" else {}
    against = _against(customers, matches, gone, settings)
    if enrichment is None or not found.any():
        sentence, against = _unread(policy, matches, shares), ()
        return EnrichmentPlan(customers, policy, False, sentence, against, {}, shares, gone, enrichment)
    if policy == "always":
        against = (*([few] if few else []), *against, *_said(_uneven_fields(enrichment, status), enrichment))
        sentence = _taken(enrichment, {}, matches)
        return EnrichmentPlan(enrichment.accounts, policy, True, sentence, against, {}, shares, gone, enrichment)
    gains = _gains([one for one in enrichment.fields if one.field not in put_back])
    is_enriched = not few and not against and bool(gains)
    if is_enriched:
        sentence = _taken(enrichment, put_back, matches)
        accounts = with_own(enrichment.accounts, customers, sorted(put_back))
        return EnrichmentPlan(accounts, policy, True, sentence, (), put_back, shares, gone, enrichment)
    if few:
        sentence, against = f"Training does not use the list's values: {few}.", ()
    elif gains:
        bring = f"They would bring {gains}"
        sentence = f"Training does not use the list's values. {bring}; to use them, set matching: {{enrich: always}}."
    else:
        sentence = "Training does not use the list's values: they say what the customers' own say."
        against = ()
    return EnrichmentPlan(customers, policy, False, sentence, against, {}, shares, gone, enrichment)


def with_own(enriched: Accounts, customers: Accounts, names: Sequence[str]) -> Accounts:
    """Return the enriched customers with their own values of some fields; fields they never had are left out."""
    if not names:
        return enriched
    kept = [n for n in enriched.table.schema.names if n not in names or n in customers.fields]
    columns: dict[str, pa.ChunkedArray] = {
        n: customers.table.column(n) if n in names else enriched.table.column(n) for n in kept
    }
    spellings = {n: s for n, s in enriched.spellings.items() if n not in names}
    spellings |= {n: s for n, s in customers.spellings.items() if n in names}
    report = replace(
        enriched.report, columns=tuple(c for c in enriched.report.columns if c.field in columns or c.how != "list")
    )
    fields = {n: enriched.fields[n] for n in kept}
    return replace(enriched, table=pa.table(columns), fields=fields, spellings=spellings, report=report)


def _few(shares: Mapping[str, Mapping[str, float]]) -> str:
    """Say so where too few best or worst customers were found."""
    known = {label: shares[label]["matched"] if label in shares else 0.0 for label in ("best", "worst")}
    if min(known.values()) >= MOST:
        return ""
    return (
        f"{known['best']:.0%} of best and {known['worst']:.0%} of worst customers are on the list, and it takes "
        f"{MOST:.0%} of both"
    )


def _against(customers: Accounts, matches: Matches, gone: str | None, settings: Settings) -> tuple[str, ...]:
    """Return what speaks against the list's values, but for the number of customers found."""
    survivors = gone or churn_warning(customers, matches.is_matched)
    dated = settings.matching.list_date
    late = _UNDATED if dated is None else late_warning(customers, dated)
    return tuple(words for words in (survivors, late) if words)


def _uneven_fields(enrichment: Enrichment, status: npt.NDArray[Any]) -> dict[str, str]:
    """Return the fields of both tables that the list knows unevenly of the best and worst customers on it.

    Whose value a customer has would then tell the outcome. Of a field that only the list has, the guard sees it: there
    the value is missing.
    """
    out = {}
    on_it, labels = enrichment.is_matched, np.asarray(status)[enrichment.is_matched]
    for one in enrichment.fields:
        found = None if one.is_new else uneven(enrichment.taken[one.field][on_it], labels, sigma=FIELD_SIGMA)
        if found is not None:
            out[one.field] = (
                f"of the customers on the list, it knows this of {found[0]:.0%} of best, but of {found[1]:.0%} of worst"
            )
    return out


def _said(uneven_fields: Mapping[str, str], enrichment: Enrichment) -> tuple[str, ...]:
    labels = {one.field: one.label for one in enrichment.fields}
    return tuple(f"{labels[name][:60]}: {why}" for name, why in list(uneven_fields.items())[:_NAMED])


def _unread(policy: str, matches: Matches, shares: Mapping[str, Mapping[str, float]]) -> str:
    if policy == "never":
        return "Training does not use the list's values, as the settings say (matching: {enrich: never})."
    if not matches.is_matched.any():
        return "Training does not use the list's values: no customer was found on it."
    why = _few(shares) or f"{matches.is_matched.mean():.0%} of customers are on the list"
    return f"Training does not use the list's values: {why}."


def _taken(enrichment: Enrichment, put_back: Mapping[str, str], matches: Matches) -> str:
    """Say whose values are trained on."""
    used = [one for one in enrichment.fields if one.field not in put_back]
    found, others = int(matches.is_matched.sum()), int((~matches.is_matched).sum())
    fields, customers = _plural(len(used), "field"), _plural(found, "customer")
    words = f"Training uses the list's values of {fields} for the {customers} found on it"
    new = [one for one in used if one.is_new]
    own = [one for one in used if not one.is_new]
    if own:
        words += "; where the list has none"
        words += f", and for the other {others:,}, their own stay" if others else ", their own stay"
    if new and others:
        verb = "is" if len(new) == 1 else "are"
        words += f"; {_labels(new)}, which only the list has, {verb} missing for the other {others:,}"
    words += "."
    if put_back:
        left = [one for one in enrichment.fields if one.field in put_back]
        words += f" Not taken over, as the list knows best and worst customers unevenly: {_labels(left)}."
    return words


def _gains(fields: Sequence[FieldEnrichment]) -> str:
    """Say what the list's values would bring; empty where that is nothing."""
    new = [one for one in fields if one.is_new and one.after >= NEW_FILLED]
    own = [one for one in fields if not one.is_new]
    other = [one for one in own if one.conflicts > CONTRADICTED * max(one.compared, 1)]
    gaps = [one for one in own if one.after - one.before >= FILLED]
    parts = [f"{_plural(len(new), 'new field')} ({_labels(new)})"] if new else []
    parts += [f"the list's view of {_labels(other)}"] if other else []
    parts += [f"fewer gaps in {_labels(gaps)}"] if gaps else []
    return "; ".join(parts)


def _labels(fields: Sequence[FieldEnrichment]) -> str:
    named = [one.label[:60] for one in fields[:_NAMED]]
    more = [f"{len(fields) - _NAMED:,} more"] if len(fields) > _NAMED else []
    words = [*named, *more]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"

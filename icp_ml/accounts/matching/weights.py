"""What evidence weighs, learnt from the two tables themselves, and the probability of each pair.

Fellegi and Sunter's weights: how often true pairs show some agreement, over how often strangers do. True pairs are
those on a domain that only one account of the list has; how often strangers agree is counted on the list, for each
customer by itself, so that a common name or a large city weighs little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.accounts.matching.evidence import (
    AGREE,
    DIFFER,
    DOMAIN_DIFFERS,
    DOMAIN_SAME,
    PATTERNS,
    PlaceEvidence,
    known_mask,
)
from icp_ml.accounts.matching.likeness import LEVELS
from icp_ml.accounts.matching.pairing import NamePairs, Pairs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PRIOR_PAIRS = 20.0  # what the expectations below count for, in pairs seen
LEAST = 0.01  # no level of names is ruled out: companies change their names
NAMES_OF_PAIRS = np.array([0.60, 0.10, 0.15, 0.02, 0.05, 0.03, 0.05])
NAMES_ON_ONE_DOMAIN = np.array([0.15, 0.03, 0.20, 0.01, 0.06, 0.10, 0.45])  # of subsidiaries that are not the one
STRANGERS_MEAN = np.array([0.10, 0.20, 1.00, 0.50, 3.00, 30.0, 1e6])  # accounts of the list, per customer
STRANGERS_SHAPE = 0.3
STRANGERS_ON_DOMAIN = 0.02  # accounts that have a customer's domain and are another company, where there is one ...
STRANGERS_PER_SIBLING = 0.25  # ... and more for each further account on that domain
DOMAINS_DIFFER = 0.15  # of true pairs where both have one
ON_LIST = 0.5
_ROUNDS = 25
_ENOUGH_CUSTOMERS = 30


@dataclass(frozen=True)
class Weights:
    """What was learnt.

    Attributes
    ----------
    names : array (LEVELS,)
        Share of true pairs with each level of names.
    places : array (27,)
        Share of true pairs with each pattern of places, among those where the same fields are known.
    strangers_mean, strangers_shape : array (LEVELS,)
        Of a gamma distribution: how many strangers a customer has on the list, by level of names.
    domains_differ : float
        Share of true pairs whose domains differ, where both have one.
    on_list : float
        Share of customers that are on the list.
    learnt_from : int
        Pairs on a unique domain.
    """

    names: Floats
    places: Floats
    strangers_mean: Floats
    strangers_shape: Floats
    domains_differ: float
    on_list: float
    learnt_from: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            name: value.round(6).tolist() if isinstance(value, np.ndarray) else value
            for name, value in self.__dict__.items()
        }


@dataclass(frozen=True)
class Weighed:
    """Pairs with their probabilities.

    Attributes
    ----------
    pairs : Pairs
        Sorted by customer.
    probability : array
        That the pair is one company; those of one customer add up to at most 1.
    weights : Weights
    """

    pairs: Pairs
    probability: Floats
    weights: Weights


def weigh(domain: Pairs, names: NamePairs, places: PlaceEvidence, customers: int, unique: npt.NDArray[Any]) -> Weighed:
    """Learn the weights and give every pair its probability.

    Parameters
    ----------
    domain : Pairs
        On one registrable domain.
    names : NamePairs
        Of alike names; pairs that are in `domain` are left out.
    places : PlaceEvidence
    customers : int
        How many there are.
    unique : array of bool
        Which pairs of `domain` are the only ones of their customer and of their domain.
    """
    training = domain.take(unique)
    m_names = _shares(np.bincount(training.level, minlength=LEVELS), NAMES_OF_PAIRS)
    m_names = np.maximum(m_names, LEAST)
    m_places = _place_shares(training.pattern)
    mean, shape = _strangers(names, places)
    other = names.pairs.take(names.pairs.domain != DOMAIN_SAME)
    siblings = np.bincount(domain.customer, minlength=customers)[domain.customer]
    on_domain = np.append(m_names / NAMES_ON_ONE_DOMAIN, 1.0)[domain.level]  # no name: neither for nor against
    on_domain = on_domain / (STRANGERS_ON_DOMAIN + STRANGERS_PER_SIBLING * (siblings - 1))
    others = np.maximum(names.bearers[other.customer, other.level] - 1, 0)
    expected = (shape[other.level] + others) / (shape[other.level] / mean[other.level] + 1)
    by_name = m_names[other.level] / expected
    pairs = _joined(domain, other)
    order = np.lexsort((pairs.row, pairs.customer))
    pairs = pairs.take(order)
    weight = np.concatenate([on_domain, by_name])[order] * _place_ratio(pairs, places, m_places)
    probability, differ, on_list = _settled(pairs, weight, customers)
    learnt = Weights(m_names, m_places, mean, shape, differ, on_list, len(training))
    return Weighed(pairs, probability, learnt)


def _joined(one: Pairs, other: Pairs) -> Pairs:
    both = [(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__]
    return Pairs(*(np.concatenate(pair) for pair in both))


def _settled(pairs: Pairs, weight: Floats, customers: int) -> tuple[Floats, float, float]:
    """Estimate the share of customers on the list and of differing domains, until they no longer move."""
    on_list, differ = ON_LIST, DOMAINS_DIFFER
    same_domain, other_domain = pairs.domain == DOMAIN_SAME, pairs.domain == DOMAIN_DIFFERS
    probability = np.zeros(len(pairs))
    for _ in range(_ROUNDS):
        factor = np.where(same_domain, 1 - differ, np.where(other_domain, differ, 1.0))
        odds = on_list * weight * factor
        total = np.bincount(pairs.customer, weights=odds, minlength=customers)
        probability = odds / (1 - on_list + total[pairs.customer])
        mass = float(probability.sum())
        # Rounded, so that the order of the rows leaves no trace in the last digits.
        on_list = round((mass + PRIOR_PAIRS * ON_LIST) / (customers + PRIOR_PAIRS), 9)
        on_list = min(max(on_list, 0.01), 0.99)
        differing, known = float(probability[other_domain].sum()), float(probability[same_domain | other_domain].sum())
        differ = round((differing + PRIOR_PAIRS * DOMAINS_DIFFER) / (known + PRIOR_PAIRS), 9)
    return probability, differ, on_list


def _shares(counts: npt.NDArray[Any], prior: Floats) -> Floats:
    return np.asarray((counts + PRIOR_PAIRS * prior) / (counts.sum() + PRIOR_PAIRS), dtype=np.float64)


def _expected_places() -> dict[tuple[int, int, int], float]:
    """Return how often true pairs agree and differ in city, state and country, where all are known."""
    out = {}
    for country in (AGREE, DIFFER):
        p_country = 0.97 if country == AGREE else 0.03
        for state in (AGREE, DIFFER):
            same_state = 0.92 if country == AGREE else 0.05
            p_state = same_state if state == AGREE else 1 - same_state
            for city in (AGREE, DIFFER):
                same_city = 0.85 if state == AGREE else 0.1
                out[city, state, country] = p_country * p_state * (same_city if city == AGREE else 1 - same_city)
    return out


def _place_shares(seen: Ints) -> Floats:
    """Return the share of each pattern among pairs where the same fields are known.

    A pair also counts for the patterns in which fewer of its fields are known.
    """
    counts = np.bincount(seen, minlength=PATTERNS).astype(float)
    whole = {pattern: counts[_code(pattern)] for pattern in _patterns()}
    expected = _expected_places()
    shares = np.ones(PATTERNS)
    for pattern in _patterns():
        mask = known_mask(_code(pattern))
        if not any(mask):
            continue
        there = [n for p, n in whole.items() if _fits(p, pattern)]
        comparable = [n for p, n in whole.items() if all(p[i] for i in range(3) if mask[i])]
        prior = sum(share for p, share in expected.items() if _fits(p, pattern))
        shares[_code(pattern)] = (sum(there) + PRIOR_PAIRS * prior) / (sum(comparable) + PRIOR_PAIRS)
    return shares


def _patterns() -> list[tuple[int, int, int]]:
    return [(city, state, country) for city in range(3) for state in range(3) for country in range(3)]


def _code(pattern: tuple[int, int, int]) -> int:
    return pattern[0] * 9 + pattern[1] * 3 + pattern[2]


def _fits(whole: tuple[int, int, int], part: tuple[int, int, int]) -> bool:
    return all(p in (0, w) for w, p in zip(whole, part, strict=True))


def _place_ratio(pairs: Pairs, places: PlaceEvidence, shares: Floats) -> Floats:
    """Return how much likelier each pair's pattern of places is for a true pair than for a stranger."""
    chance = places.chance
    masks = np.array([sum(bit << i for i, bit in enumerate(known_mask(code))) for code in range(PATTERNS)])
    of_mask = np.zeros_like(chance)
    for mask in range(8):
        same = masks == mask
        of_mask[:, same] = chance[:, same].sum(axis=1, keepdims=True)
    fields = np.array([sum(known_mask(code)) for code in range(PATTERNS)])
    by_chance = (chance + 0.5 / 2.0**fields) / (of_mask + 0.5)
    place = places.customer_places[1][pairs.customer]
    return np.asarray(shares[pairs.pattern] / by_chance[place, pairs.pattern], dtype=np.float64)


def _strangers(names: NamePairs, places: PlaceEvidence) -> tuple[Floats, Floats]:
    """Return mean and shape of how many strangers' names agree at each level, from accounts in other places."""
    differs = np.array([any(code // 3**i % 3 == DIFFER for i in range(3)) for code in range(PATTERNS)])
    chance = places.chance
    share = (chance[:, differs].sum(axis=1) / np.maximum(chance.sum(axis=1), 1))[places.customer_places[1]]
    looked_for = names.bearers.sum(axis=1) > 0
    used = np.flatnonzero(looked_for & (share >= 0.3) & ~names.crowded)
    mean, shape = STRANGERS_MEAN.copy(), np.full(LEVELS, STRANGERS_SHAPE)
    if len(used) < _ENOUGH_CUSTOMERS:
        return mean, shape
    away = names.pairs.take(differs[names.pairs.pattern])
    for level in range(LEVELS):
        if level >= LEVELS - 2:  # faintly similar names in other places are not kept as pairs, only counted
            counts, exposure = names.bearers[used, level].astype(float), np.ones(len(used))
        else:
            counts = np.bincount(away.customer[away.level == level], minlength=len(share))[used].astype(float)
            exposure = share[used]
        # Thirty customers of the expected mean are mixed in.
        expected = float((counts.sum() + _ENOUGH_CUSTOMERS * STRANGERS_MEAN[level] * 0.1)
                         / (exposure.sum() + _ENOUGH_CUSTOMERS * 0.1))  # fmt: skip
        spread = float(np.mean((counts / exposure - expected) ** 2) - expected * np.mean(1 / exposure))
        mean[level] = expected
        shape[level] = np.clip(expected**2 / spread, 0.02, 1e6) if spread > 0 else 1e6
    return mean, shape

"""How alike two accounts are: agreement of places and domains; of names see `likeness`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from icp_ml.accounts.matching.index import PLACES, Side

Ints = npt.NDArray[np.int64]

# Of one field, in two accounts.
UNKNOWN, AGREE, DIFFER = range(3)
PATTERNS = 3 ** len(PLACES)
# Of domains: the same company with another ending ("acme.com", "acme.de") speaks neither for nor against.
DOMAIN_UNKNOWN, DOMAIN_SAME, DOMAIN_DIFFERS = range(3)


@dataclass(frozen=True)
class PlaceEvidence:
    """Agreement of places between customers and a list.

    A pattern is city * 9 + state * 3 + country, each UNKNOWN, AGREE or DIFFER.
    """

    ours: dict[str, Ints]
    theirs: dict[str, npt.NDArray[np.int32]]

    @classmethod
    def between(cls, left: Side, right: Side) -> PlaceEvidence:
        """Prepare the comparison of two sides."""
        return cls(
            {name: left.places[name].seen_by(right.places[name]) for name in PLACES},
            {name: right.places[name].codes for name in PLACES},
        )

    def patterns(self, customers: Ints, rows: Ints) -> Ints:
        """Return the pattern of each pair."""
        return _pattern([(self.ours[name][customers], self.theirs[name][rows]) for name in PLACES])

    @cached_property
    def customer_places(self) -> tuple[npt.NDArray[np.int64], Ints]:
        """The customers' distinct places, and which one each customer has."""
        stacked = np.stack([self.ours[name] for name in PLACES], axis=1)
        distinct, which = np.unique(stacked, axis=0, return_inverse=True)
        return distinct, which.reshape(-1)

    @cached_property
    def chance(self) -> npt.NDArray[np.float64]:
        """How many accounts of the list have each pattern, for each of `customer_places`: (places, 27)."""
        stacked = np.stack([self.theirs[name] for name in PLACES], axis=1).astype(np.int64)
        span = stacked.max(axis=0, initial=0) + 2
        keys = (((stacked[:, 0] + 1) * span[1]) + stacked[:, 1] + 1) * span[2] + stacked[:, 2] + 1
        keys, counts = np.unique(keys, return_counts=True)
        theirs = (keys // (span[1] * span[2]) - 1, keys // span[2] % span[1] - 1, keys % span[2] - 1)
        places = self.customer_places[0]
        out = np.zeros((len(places), PATTERNS))
        for number, place in enumerate(places):
            pattern = _pattern([(np.full(1, code), column) for code, column in zip(place, theirs, strict=True)])
            out[number] = np.bincount(pattern, weights=counts, minlength=PATTERNS)
        return out


def _pattern(pairs: list[tuple[npt.NDArray[np.integer], npt.NDArray[np.integer]]]) -> Ints:
    total: Ints = np.zeros(1, dtype=np.int64)
    for ours, theirs in pairs:
        same = np.where(ours == theirs, AGREE, DIFFER)
        total = total * 3 + np.where((ours == -1) | (theirs == -1), UNKNOWN, same)
    return total


def known_mask(pattern: int) -> tuple[bool, ...]:
    """Return which of city, state and country are known in a pattern."""
    return tuple(pattern // 3 ** (2 - place) % 3 != UNKNOWN for place in range(len(PLACES)))

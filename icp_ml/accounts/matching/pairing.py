"""From names that may match to pairs of a customer and an account of the list, with the evidence for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from icp_ml.accounts.matching.candidates import candidate_names
from icp_ml.accounts.matching.evidence import (
    AGREE,
    DOMAIN_DIFFERS,
    DOMAIN_SAME,
    DOMAIN_UNKNOWN,
    PlaceEvidence,
)
from icp_ml.accounts.matching.index import Side
from icp_ml.accounts.matching.likeness import LEVELS, NO_NAME, UNRELATED, WEAK, levels_of_pairs

Ints = npt.NDArray[np.int64]

MOST_ROWS = 20_000  # accounts looked at per customer; of commoner names only those in the customer's own city
MOST_ON_DOMAIN = 200  # accounts on one domain: more is a directory or a marketplace, not a group of companies
MOST_NAMES_OF_CUSTOMERS = 5  # customers' names on one domain: more share a host, such as a site builder
_BLOCK_ROWS = 2_000_000


@dataclass(frozen=True)
class Pairs:
    """Pairs of a customer and an account; all arrays have one entry per pair.

    Attributes
    ----------
    customer, row : array of int
        Row numbers on both sides.
    level : array of int
        Of the names (`icp_ml.accounts.matching.likeness`).
    pattern : array of int
        Of the places.
    domain : array of int
        DOMAIN_UNKNOWN, DOMAIN_SAME or DOMAIN_DIFFERS.
    """

    customer: Ints
    row: Ints
    level: npt.NDArray[np.int8]
    pattern: Ints
    domain: npt.NDArray[np.int8]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.customer)

    def take(self, which: npt.NDArray[np.bool_] | Ints) -> Pairs:
        """Return some of the pairs."""
        return Pairs(*(getattr(self, f.name)[which] for f in fields(self)))

    @classmethod
    def joined(cls, parts: list[Pairs]) -> Pairs:
        """Return the pairs of all parts, sorted by customer, then row."""
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return cls(none, none, none.astype(np.int8), none, none.astype(np.int8))
        whole = cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))
        return whole.take(np.lexsort((whole.row, whole.customer)))


@dataclass(frozen=True)
class NamePairs:
    """What names alone tell.

    Attributes
    ----------
    pairs : Pairs
    bearers : array (customers, LEVELS) of int
        How many accounts of the list have a name of each level, for each customer that was looked for.
    crowded : array (customers,) of bool
        So many accounts bear the name that not all could be looked at.
    """

    pairs: Pairs
    bearers: Ints
    crowded: npt.NDArray[np.bool_]


class Pairing:
    """Pairs of two sides, by domain and by name."""

    def __init__(self, left: Side, right: Side) -> None:
        self.left, self.right = left, right
        self.places = PlaceEvidence.between(left, right)
        self._domain = np.where(self._identifying()[left.domain.codes], left.domain.codes, -1)
        translated = left.domain.seen_by(right.domain)
        self._theirs = np.where(self._domain >= 0, translated, -1)

    @property
    def has_domain(self) -> npt.NDArray[np.bool_]:
        """Which customers have a domain that says which company they are."""
        return np.asarray(self._domain >= 0)

    def _identifying(self) -> npt.NDArray[np.bool_]:
        """Of the customers' domains, those that few of their names share; last, for customers without one, False."""
        domain = self.left.domain
        pairs = np.unique(np.stack([domain.codes, self.left.name.codes], axis=1), axis=0)
        names = np.bincount(pairs[pairs[:, 0] >= 0, 0], minlength=len(domain.values))
        return np.append(names <= MOST_NAMES_OF_CUSTOMERS, False)

    def by_domain(self) -> Pairs:
        """Return the pairs on one registrable domain."""
        order, bounds = self.right.domain.rows
        customers = np.flatnonzero(self._theirs >= 0)
        codes = self._theirs[customers]
        counts = bounds[codes + 1] - bounds[codes]
        few = counts <= MOST_ON_DOMAIN
        customers, codes, counts = customers[few], codes[few], counts[few]
        customer = np.repeat(customers, counts)
        return self._described(customer, order[_ranges(bounds[codes], counts)])

    def _described(self, customer: Ints, row: Ints, level: npt.NDArray[np.int8] | None = None) -> Pairs:
        if level is None:
            ours, theirs = self.left.name.codes[customer], self.right.name.codes[row]
            level = np.full(len(customer), NO_NAME, dtype=np.int8)
            named = (ours >= 0) & (theirs >= 0)
            level[named] = self._level_of(ours[named].astype(np.int64), theirs[named].astype(np.int64))
        known, listed = self._domain[customer] >= 0, self.right.domain.codes[row]
        domain = np.where(known & (listed >= 0), DOMAIN_DIFFERS, DOMAIN_UNKNOWN).astype(np.int8)
        domain[known & (listed >= 0) & (listed == self._theirs[customer])] = DOMAIN_SAME
        return Pairs(customer, row, level, self.places.patterns(customer, row), domain)

    def _level_of(self, ours: Ints, theirs: Ints) -> npt.NDArray[np.int8]:
        """Return the level of pairs of names, numbered as on either side."""
        left, of_left = np.unique(ours, return_inverse=True)
        right, of_right = np.unique(theirs, return_inverse=True)
        names = self.left.name.values.take(left).to_pylist(), self.right.name.values.take(right).to_pylist()
        return levels_of_pairs(*names, of_left, of_right)

    def by_name(self, wanted: npt.NDArray[np.bool_]) -> NamePairs:
        """Return the pairs of alike names, for the customers wanted."""
        name, rows = self.left.name, np.flatnonzero(wanted & (self.left.name.codes >= 0))
        bearers = np.zeros((len(self.left), LEVELS), dtype=np.int64)
        crowded = np.zeros(len(self.left), dtype=bool)
        queries, of_query = np.unique(name.codes[rows], return_inverse=True)
        by_query = np.argsort(of_query, kind="stable")
        starts = np.searchsorted(of_query[by_query], np.arange(len(queries) + 1))
        parts: list[Pairs] = []
        for query, listed, level in self._levels(queries.astype(np.int64)):
            count = starts[query + 1] - starts[query]
            customer = rows[by_query[_ranges(starts[query], count)]]
            listed, level = np.repeat(listed, count), np.repeat(level, count)
            np.add.at(bearers, (customer, level), self.right.name.counts[listed])
            order = np.lexsort((listed, level, customer))
            for part, full in self._expanded(customer[order], listed[order], level[order]):
                crowded[full] = True
                parts.append(part)
        return NamePairs(Pairs.joined(parts), bearers, crowded)

    def _levels(self, queries: Ints) -> Iterator[tuple[Ints, Ints, npt.NDArray[np.int8]]]:
        """Yield (query, name on the list, level) where the names are alike."""
        ours = self.left.name.values.take(queries).to_pylist()
        listed = self.right.name.values.to_pylist()
        for query, name in candidate_names(ours, listed):
            level = levels_of_pairs(ours, listed, query, name)
            alike = level < UNRELATED
            yield query[alike], name[alike], level[alike]

    def _expanded(
        self, customer: Ints, name: Ints, level: npt.NDArray[np.int8]
    ) -> Iterator[tuple[Pairs, npt.NDArray[np.int64]]]:
        """Yield the accounts that bear the names, and customers for whom these were too many."""
        order, bounds = self.right.name.rows
        count = bounds[name + 1] - bounds[name]
        total = np.cumsum(count)
        begin = np.searchsorted(customer, customer)
        spent = total - (total[begin] - count[begin])
        heavy = spent > MOST_ROWS
        full: list[int] = []
        some: list[tuple[Ints, Ints, npt.NDArray[np.int8]]] = []
        city = self.places
        for pair in np.flatnonzero(heavy & (level < WEAK)):
            rows = order[bounds[name[pair]] : bounds[name[pair] + 1]]
            code = city.ours["city"][customer[pair]]
            rows = rows[city.theirs["city"][rows] == code] if code >= 0 else rows[:0]
            if code < 0 or len(rows) > MOST_ROWS:
                full.append(int(customer[pair]))
            else:
                some.append((np.full(len(rows), customer[pair]), rows, np.full(len(rows), level[pair])))
        customer, name, level, count = customer[~heavy], name[~heavy], level[~heavy], count[~heavy]
        total = np.cumsum(count)
        at = 0
        while at < len(count):
            end = max(int(np.searchsorted(total, (total[at - 1] if at else 0) + _BLOCK_ROWS, side="right")), at + 1)
            rows = order[_ranges(bounds[name[at:end]], count[at:end])]
            yield self._useful(
                np.repeat(customer[at:end], count[at:end]), rows, np.repeat(level[at:end], count[at:end])
            )
            at = end
        for part in some:
            yield self._useful(*part)
        yield Pairs.joined([]), np.array(sorted(set(full)), dtype=np.int64)

    def _useful(self, customer: Ints, row: Ints, level: npt.NDArray[np.int8]) -> tuple[Pairs, npt.NDArray[np.int64]]:
        """Leave out faintly similar names in other places: there are very many, and none is ever picked."""
        pairs = self._described(customer, row, level)
        in_city = pairs.pattern // 9 == AGREE
        return pairs.take((pairs.level < WEAK) | in_city), np.zeros(0, dtype=np.int64)


def _ranges(starts: Ints, counts: Ints) -> Ints:
    """Return the numbers from each start on, `counts` of each, one after the other."""
    ends = np.cumsum(counts)
    return np.asarray(
        np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - counts), counts), dtype=np.int64
    )

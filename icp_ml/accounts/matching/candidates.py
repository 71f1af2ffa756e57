"""Which names on the list may mean the same company as a customer's name, found through their rarest n-grams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from icp_ml.accounts.matching.names import Grams, grams_of, initials

Ints = npt.NDArray[np.int64]

BUDGET = 20_000  # list names looked at per customer name: the rarest n-grams come first until it is spent
MOST = 400  # names kept per customer name
MIN_SHARED = 0.4  # of the n-grams of one of the two names
_BLOCK_HITS = 20_000_000
_BLOCK_NAMES = 200_000
_MIN_INITIALS = 3


@dataclass(frozen=True)
class _Index:
    """Which list names hold which of the customers' n-grams."""

    vocabulary: npt.NDArray[np.uint64]
    gram: npt.NDArray[np.int32]
    name: npt.NDArray[np.int32]
    grams_per_name: Ints

    @property
    def frequency(self) -> Ints:
        return np.bincount(self.gram, minlength=len(self.vocabulary)).astype(np.int64)


def candidate_names(queries: Sequence[str], listed: Sequence[str]) -> Iterator[tuple[Ints, Ints]]:
    """Yield blocks of (query, list name) index pairs, sorted; each pair once.

    Parameters
    ----------
    queries, listed : sequence of str
        Distinct name keys, sorted.
    """
    if not queries or not listed:
        return
    compact = [name.replace(" ", "") for name in queries]
    grams = grams_of(compact)
    index = _index(listed, np.unique(grams.hashes))
    query, gram = _rarest(grams, index)
    exact = _exact_pairs(queries, compact, listed)
    from scipy.sparse import csr_array

    used, column = np.unique(gram, return_inverse=True)
    keep = np.full(len(index.vocabulary), -1, dtype=np.int32)
    keep[used] = np.arange(len(used))
    hit = keep[index.gram]
    some = hit >= 0
    ones = np.ones(int(some.sum()), dtype=np.float32)
    postings = csr_array((ones, (hit[some], index.name[some])), shape=(len(used), len(listed)))
    chosen = csr_array((np.ones(len(query), dtype=np.float32), (query, column)), shape=(len(queries), len(used)))
    per_query = np.bincount(query, minlength=len(queries))
    cost = np.cumsum(np.bincount(query, weights=np.diff(postings.indptr)[column], minlength=len(queries)))
    for begin, end in _blocks(cost):
        found = chosen[begin:end] @ postings
        rows = np.repeat(np.arange(begin, end), np.diff(found.indptr))
        shared = found.data / per_query[rows], found.data / index.grams_per_name[found.indices]
        pairs = _best(rows, found.indices.astype(np.int64), *shared)
        known = exact[0][(exact[0] >= begin) & (exact[0] < end)], exact[1][(exact[0] >= begin) & (exact[0] < end)]
        joined = np.unique(np.concatenate([pairs[0], known[0]]) * len(listed) + np.concatenate([pairs[1], known[1]]))
        yield joined // len(listed), joined % len(listed)


def _index(listed: Sequence[str], vocabulary: npt.NDArray[np.uint64]) -> _Index:
    marked = np.zeros(1 << 22, dtype=bool)  # most n-grams of the list are no customer's: a look at one bit tells
    mask = np.uint64(len(marked) - 1)
    marked[(vocabulary & mask).astype(np.int64)] = True
    gram, name, lengths = [], [], []
    for begin in range(0, len(listed), _BLOCK_NAMES):
        block = [key.replace(" ", "") for key in listed[begin : begin + _BLOCK_NAMES]]
        grams = grams_of(block)
        lengths.append(np.bincount(grams.owner, minlength=len(block)))
        maybe = marked[(grams.hashes & mask).astype(np.int64)]
        hashes, owner = grams.hashes[maybe], grams.owner[maybe]
        place = np.searchsorted(vocabulary, hashes)
        place[place == len(vocabulary)] = 0
        same = vocabulary[place] == hashes if len(vocabulary) else np.zeros(0, dtype=bool)
        gram.append(place[same].astype(np.int32))
        name.append((owner[same] + begin).astype(np.int32))
    return _Index(
        vocabulary, np.concatenate(gram), np.concatenate(name), np.maximum(np.concatenate(lengths), 1).astype(np.int64)
    )


def _rarest(grams: Grams, index: _Index) -> tuple[Ints, Ints]:
    """Return (query, n-gram) pairs: of every query the rarest n-grams the list has, within the budget."""
    gram = np.searchsorted(index.vocabulary, grams.hashes)
    frequency = index.frequency[gram]
    some = frequency > 0
    query, gram, frequency = grams.owner[some], gram[some], frequency[some]
    order = np.lexsort((index.vocabulary[gram], frequency, query))
    query, gram, frequency = query[order], gram[order], frequency[order]
    total = np.cumsum(frequency)
    starts = np.searchsorted(query, query)
    spent = total - (total[starts] - frequency[starts])
    kept = spent <= BUDGET
    return query[kept], gram[kept]


def _exact_pairs(queries: Sequence[str], compact: Sequence[str], listed: Sequence[str]) -> tuple[Ints, Ints]:
    """Return pairs that are equal but for blanks, and pairs of a name and its initials."""
    wanted: dict[str, list[int]] = {}
    short: dict[str, list[int]] = {}
    for number, (query, joined) in enumerate(zip(queries, compact, strict=True)):
        wanted.setdefault(joined, []).append(number)
        letters = initials(query)
        if letters:
            short.setdefault(letters, []).append(number)
    longest = max(map(len, short), default=0)
    pairs: list[tuple[int, int]] = []
    for number, name in enumerate(listed):
        joined = name.replace(" ", "")
        pairs += [(query, number) for query in wanted.get(joined, ())]
        if _MIN_INITIALS <= len(joined) <= longest:
            pairs += [(query, number) for query in short.get(joined, ())]
        if name.count(" ") >= 2:
            letters = initials(name)
            pairs += [(query, number) for query in wanted.get(letters, ()) if letters]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _blocks(cost: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < len(cost):
        before = cost[begin - 1] if begin else 0.0
        end = max(int(np.searchsorted(cost, before + _BLOCK_HITS, side="right")), begin + 1)
        yield begin, end
        begin = end


def _best(
    query: Ints, name: Ints, of_query: npt.NDArray[np.float64], of_name: npt.NDArray[np.float64]
) -> tuple[Ints, Ints]:
    """Keep the pairs that share enough, of each query those that share most."""
    enough = np.maximum(of_query, of_name) >= MIN_SHARED
    query, name, score = query[enough], name[enough], (of_query + of_name)[enough]
    order = np.lexsort((name, -score, query))
    query, name = query[order], name[order]
    position = np.arange(len(query)) - np.searchsorted(query, query)
    return query[position < MOST], name[position < MOST]

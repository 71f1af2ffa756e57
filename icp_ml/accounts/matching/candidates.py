"""Which names on the list may mean the same company as a customer's name, found through their rarest n-grams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.matching.names import Grams, grams_of, initials

Ints = npt.NDArray[np.int64]

BUDGET = 20_000  # list names looked at per customer name: the rarest n-grams come first until it is spent
MOST = 400  # names kept per customer name
MIN_SHARED = 0.4  # of the n-grams of one of the two names
_BLOCK_HITS = 4_000_000
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
    least_of_query, least_of_name = _least(per_query), _least(index.grams_per_name)
    for begin, end in _blocks(cost):
        found = chosen[begin:end] @ postings
        hits = np.diff(found.indptr)
        enough = (found.data >= np.repeat(least_of_query[begin:end], hits)) | (
            found.data >= least_of_name[found.indices]
        )
        rows = np.repeat(np.arange(begin, end), hits)[enough]
        names, shared = found.indices[enough].astype(np.int64), found.data[enough]
        best = _best(rows, names, shared / per_query[rows] + shared / index.grams_per_name[names])
        known = (exact[0] >= begin) & (exact[0] < end)
        keys = np.concatenate([rows[best], exact[0][known]]) * len(listed)
        keys = np.sort(keys + np.concatenate([names[best], exact[1][known]]))
        keys = keys[np.diff(keys, prepend=-1) > 0]
        yield keys // len(listed), keys % len(listed)


def _least(grams: Ints) -> npt.NDArray[np.float32]:
    """Return how many n-grams must be shared, per name of so many."""
    counts = np.arange(int(grams.max(initial=0)) + 1)
    least = np.ceil(MIN_SHARED * counts)
    fewer = np.maximum(least - 1, 0)  # where the product was rounded up
    least = np.where(fewer / np.maximum(counts, 1) >= MIN_SHARED, fewer, least)
    least += least / np.maximum(counts, 1) < MIN_SHARED  # or down
    return np.asarray(least.astype(np.float32)[grams])


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
        if len(letters) >= _MIN_INITIALS:
            short.setdefault(letters, []).append(number)
    names = pa.array(listed, pa.string())
    joined_names = pc.replace_substring(names, " ", "")
    pairs: list[tuple[int, int]] = []
    for sought in (wanted, short):
        keys = list(sought)
        place = pc.index_in(joined_names, value_set=pa.array(keys, pa.string()))
        at = np.flatnonzero(place.is_valid())
        for number, key in zip(at.tolist(), place.drop_null().to_pylist(), strict=True):
            pairs += [(query, number) for query in sought[keys[key]]]
    # As many words at least as the shortest name looked for has letters, if initials are to be that name.
    fewest = min((len(name) for name in wanted if len(name) >= _MIN_INITIALS), default=None)
    if fewest is not None:
        long = np.flatnonzero(pc.greater_equal(pc.count_substring(names, " "), fewest - 1))
        for number in long.tolist():
            pairs += [(query, number) for query in wanted.get(initials(listed[number]), ())]
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _blocks(cost: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < len(cost):
        before = cost[begin - 1] if begin else 0.0
        end = max(int(np.searchsorted(cost, before + _BLOCK_HITS, side="right")), begin + 1)
        yield begin, end
        begin = end


def _best(query: Ints, name: Ints, score: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which pairs, sorted by query, to keep: the largest scores of each query, of equals the first names."""
    kept = np.ones(len(query), dtype=bool)
    starts = np.flatnonzero(np.diff(query, prepend=-1))
    ends = np.append(starts, len(query))[1:]
    for begin, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - begin <= MOST:
            continue
        scores = score[begin:end]
        least = -np.partition(-scores, MOST - 1)[MOST - 1]
        above, equal = scores > least, np.flatnonzero(scores == least)
        first = equal[np.argsort(name[begin:end][equal])[: MOST - np.count_nonzero(above)]]
        kept[begin:end] = above
        kept[begin + first] = True
    return kept

"""How alike two names are: levels of agreement, found for millions of pairs of a few thousand distinct names.

What a name alone tells is made once per name, and a pair is looked at closely only where that leaves a level open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from icp_ml.accounts.matching.names import initials

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Levels = npt.NDArray[np.int8]

# Levels of names, best first.
SAME, TYPO, CONTAINS, INITIALS, SIMILAR, WEAK, UNRELATED = range(7)
LEVELS = 7
NO_NAME = 7  # one of the two has none: neither for nor against
NAME_WORDS = (
    "same name", "name spelt slightly differently", "one name contains the other", "one name is the other's initials",
    "similar name", "faintly similar name", "unrelated name", "",
)  # fmt: skip
WEAK_FROM, SIMILAR_FROM = 70.0, 85.0  # of 100
_CLOSELY = 69.9  # a likeness below is not worked out; a little less than is needed, as it is rounded
_MIN_PREFIX = 5
_MIN_TYPO = 4  # letters; with fewer, one that differs makes another name
_MIN_INITIALS = 3


def name_levels(ours: Sequence[str], theirs: Sequence[str]) -> Levels:
    """Return the level of each pair of name keys."""
    left, of_left = _distinct(ours)
    right, of_right = _distinct(theirs)
    return levels_of_pairs(left, right, of_left, of_right)


def levels_of_pairs(ours: Sequence[str], theirs: Sequence[str], left: Ints, right: Ints) -> Levels:
    """Return the level of each pair, `ours[left]` and `theirs[right]`; both hold distinct name keys."""
    levels = np.full(len(left), UNRELATED, dtype=np.int8)
    if not len(left):
        return levels
    a, left = _used(ours, left)
    b, right = _used(theirs, right)
    length = np.minimum(a.lengths[left], b.lengths[right])
    of_a, of_b = _codes(a.compact, b.compact)
    same = of_a[left] == of_b[right]
    ratio = _likeness(a.compact, b.compact, left, right)
    by_word = np.flatnonzero((ratio < SIMILAR_FROM) & (a.has_words[left] | b.has_words[right]))
    (one, of_one), (other, of_other) = _used(a.keys, left[by_word]), _used(b.keys, right[by_word])
    ratio[by_word] = np.maximum(ratio[by_word], _likeness(one.by_word, other.by_word, of_one, of_other))
    levels[ratio >= WEAK_FROM] = WEAK
    levels[ratio >= SIMILAR_FROM] = SIMILAR
    levels[(a.initials_in(b.keys)[left] == right) | (b.initials_in(a.keys)[right] == left)] = INITIALS
    levels[_inside(a, b, left, right, ~same)] = CONTAINS
    # One edit leaves four letters or more alike by three quarters at least.
    near = (ratio >= WEAK_FROM) & (length >= _MIN_TYPO) & (np.abs(a.lengths[left] - b.lengths[right]) <= 1)
    typo = np.flatnonzero(near & ~same)
    levels[typo[_edited_once(a.compact, b.compact, left[typo], right[typo])]] = TYPO
    levels[same] = SAME
    levels[length == 0] = UNRELATED
    return levels


@dataclass(frozen=True)
class _Names:
    """Distinct name keys, and what each tells by itself."""

    keys: list[str]

    @cached_property
    def compact(self) -> list[str]:
        """Without blanks."""
        return [key.replace(" ", "") for key in self.keys]

    @cached_property
    def by_word(self) -> list[str]:
        """With the words sorted."""
        return [" ".join(sorted(key.split())) if " " in key else key for key in self.keys]

    @cached_property
    def has_words(self) -> Flags:
        """Which have more than one word."""
        return np.array([" " in key for key in self.keys], dtype=np.bool_)

    @cached_property
    def lengths(self) -> Ints:
        """Letters, without blanks."""
        return _lengths(self.compact)

    @cached_property
    def pairs_of_letters(self) -> npt.NDArray[np.uint64]:
        """A bit for each pair of neighbouring letters: who is inside another has no bit that the other lacks."""
        out = np.zeros(len(self.keys), dtype=np.uint64)
        letters = np.frombuffer("".join(self.compact).encode("utf-32-le", "replace"), dtype=np.uint32)
        owner = np.repeat(np.arange(len(self.keys)), self.lengths)
        inside = owner[1:] == owner[:-1]
        mixed = (letters[:-1].astype(np.uint64) * np.uint64(0x9E3779B1) + letters[1:]) * np.uint64(0x9E3779B97F4A7C15)
        bits = (np.uint64(1) << (mixed >> np.uint64(58)))[inside]
        owner = owner[1:][inside]
        if len(owner):
            starts = np.flatnonzero(np.diff(owner, prepend=-1))
            out[owner[starts]] = np.bitwise_or.reduceat(bits, starts)
        return out

    def initials_in(self, keys: Sequence[str]) -> Ints:
        """Return which of the keys is a name's initials, -1 for none."""
        short = {key: place for place, key in enumerate(keys) if " " not in key and len(key) >= _MIN_INITIALS}
        out = np.full(len(self.keys), -1, dtype=np.int64)
        if not short:
            return out
        blanks = min(map(len, short)) - 1  # so many at least, as each letter stands for a word
        for place, key in enumerate(self.keys):
            if key.count(" ") >= blanks:
                out[place] = short.get(initials(key), -1)
        return out


def _codes(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Ints, Ints]:
    """Return numbers that are the same for the same text."""
    places: dict[str, int] = {}
    of_ours = [places.setdefault(text, len(places)) for text in ours]
    return np.array(of_ours, dtype=np.int64), np.array([places.get(text, -1) for text in theirs], dtype=np.int64)


def _distinct(keys: Sequence[str]) -> tuple[list[str], Ints]:
    places: dict[str, int] = {}
    of_key = [places.setdefault(key, len(places)) for key in keys]
    return list(places), np.array(of_key, dtype=np.int64)


def _used(keys: Sequence[str], which: Ints) -> tuple[_Names, Ints]:
    """Return the keys that occur, and where each is among them."""
    marked = np.zeros(len(keys), dtype=np.bool_)
    marked[which] = True
    place = np.cumsum(marked) - 1
    return _Names([keys[k] for k in np.flatnonzero(marked).tolist()]), place[which]


def _lengths(texts: Sequence[str]) -> Ints:
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def _of_pairs(texts: Sequence[str], which: Ints) -> list[str]:
    named: npt.NDArray[np.object_] = np.empty(len(texts), dtype=object)
    named[:] = texts
    found: list[str] = named[which].tolist()
    return found


def _likeness(ours: Sequence[str], theirs: Sequence[str], left: Ints, right: Ints) -> npt.NDArray[np.float32]:
    """Return rapidfuzz's ratio of each pair, 0 where it is too small to be a level."""
    from rapidfuzz import fuzz, process

    out = np.zeros(len(left), dtype=np.float32)
    one, other = _lengths(ours)[left], _lengths(theirs)[right]
    some = np.flatnonzero(200 * np.minimum(one, other) >= _CLOSELY * np.maximum(one + other, 1))
    if len(some):
        pairs = _of_pairs(ours, left[some]), _of_pairs(theirs, right[some])
        out[some] = process.cpdist(*pairs, scorer=fuzz.ratio, score_cutoff=_CLOSELY, workers=-1)
    return out


def _edited_once(ours: Sequence[str], theirs: Sequence[str], left: Ints, right: Ints) -> Flags:
    """Return which pairs differ by one letter, or by two neighbours that changed places."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    if not len(left):
        return np.zeros(0, dtype=np.bool_)
    pairs = _of_pairs(ours, left), _of_pairs(theirs, right)
    edits = process.cpdist(*pairs, scorer=OSA.distance, score_cutoff=1, workers=-1)
    return np.asarray(edits == 1, dtype=np.bool_)


def _inside(a: _Names, b: _Names, left: Ints, right: Ints, wanted: Flags) -> Flags:
    """Return which of the pairs wanted have one name within the other, as words or at the start."""
    ours, theirs = a.pairs_of_letters[left], b.pairs_of_letters[right]
    inside = np.zeros(len(left), dtype=np.bool_)
    maybe = np.flatnonzero(wanted & (((ours & ~theirs) == 0) | ((theirs & ~ours) == 0)))
    for at, i, j in zip(maybe.tolist(), left[maybe].tolist(), right[maybe].tolist(), strict=True):
        inside[at] = _contains(a.keys[i], b.keys[j], a.compact[i], b.compact[j])
    return inside


def _contains(ours: str, theirs: str, a: str, b: str) -> bool:
    if f" {ours} " in f" {theirs} " or f" {theirs} " in f" {ours} ":
        return True
    return (len(a) >= _MIN_PREFIX and b.startswith(a)) or (len(b) >= _MIN_PREFIX and a.startswith(b))

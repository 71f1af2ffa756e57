"""What is looked up per account, as loops over rows: plain Python that `compiled` turns into machine code.

Every sum has the order it has in NumPy's way (`look_up.py`), so that the bits are the same. Rows go in blocks that stay
in the processor's cache, and terms are the outer loop, as codes lie term by term.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import ABSENT, Codes, FloatArray

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

BLOCK = 2048  # rows
WIDEST = 24  # terms that are searched in all rows
VOICES = 3  # a sentence is of a code and of a direction in which its pairs speak
EMPTY = -1


class FlatTables(NamedTuple):
    """A model's tables, each as one array, with where each term's part begins."""

    starts: IntArray  # per term, and the end
    points: FloatArray
    variances: FloatArray
    bases: FloatArray  # of the log-odds and of their variance
    sizes: FloatArray  # what each code has to say
    tokens: BoolArray  # per term
    ranked: IntArray  # terms, widest first
    bounds: FloatArray  # what each of those can have to say at most
    slots: IntArray  # per term, its place among those that are in a pair, or -1
    pairs: IntArray  # per pair: first term, second term, columns, where it begins, the terms' slots
    pair_points: FloatArray
    pair_variances: FloatArray
    alone: IntArray  # per term with codes that no customer showed: the term, where it begins
    odd: BoolArray
    together: IntArray  # per pair of terms with such: first term, second term, columns, where it begins
    cells: BoolArray
    fields: IntArray  # the first term of each field
    lifts: IntArray  # a term of each field worth knowing, smallest lift first


class Outcome(NamedTuple):
    """What is filled in, per row; the last three are of shape (reasons, rows)."""

    log_odds: FloatArray
    variance: FloatArray
    known: IntArray
    unlike: IntArray
    unknown: IntArray
    terms: IntArray
    contributions: FloatArray
    said: IntArray


def add_terms(
    codes: Codes,
    begin: int,
    starts: IntArray,
    points: FloatArray,
    variances: FloatArray,
    log_odds: FloatArray,
    variance: FloatArray,
) -> None:
    """Add up the terms of a block."""
    end = begin + len(log_odds)
    for j in range(len(codes)):
        code = codes[j, begin:end]
        point, spread = points[starts[j] : starts[j + 1]], variances[starts[j] : starts[j + 1]]
        if len(point) == 3:  # tokens and booleans: chosen without a look-up, several rows at once
            a, b, c = point[0], point[1], point[2]
            d, e, f = spread[0], spread[1], spread[2]
            for r in range(len(code)):
                log_odds[r] += a if code[r] == 0 else (b if code[r] == 1 else c)
                variance[r] += d if code[r] == 0 else (e if code[r] == 1 else f)
        else:
            for r in range(len(code)):
                log_odds[r] += point[code[r]]
                variance[r] += spread[code[r]]


def add_pairs(
    codes: Codes,
    begin: int,
    pairs: IntArray,
    points: FloatArray,
    variances: FloatArray,
    log_odds: FloatArray,
    variance: FloatArray,
    halves: FloatArray,
) -> None:
    """Add up the pairs of a block, and what each adds to its terms."""
    end = begin + len(log_odds)
    begun = np.zeros(len(halves), dtype=np.bool_)
    for p in range(len(pairs)):
        first, second = codes[pairs[p, 0], begin:end], codes[pairs[p, 1], begin:end]
        columns, start = pairs[p, 2], pairs[p, 3]
        one, other = pairs[p, 4], pairs[p, 5]
        for r in range(len(log_odds)):
            cell = start + np.int64(first[r]) * columns + np.int64(second[r])
            log_odds[r] += points[cell]
            variance[r] += variances[cell]
            half = 0.5 * points[cell]
            halves[one, r] = halves[one, r] + half if begun[one] else half
            halves[other, r] = halves[other, r] + half if begun[other] else half
        begun[one] = begun[other] = True


def unlike_customers(
    codes: Codes,
    begin: int,
    alone: IntArray,
    odd: BoolArray,
    together: IntArray,
    cells: BoolArray,
    unlike: IntArray,
) -> None:
    """Say of a block what is unlike any customer, as `Gaps.kinds` numbers it."""
    end = begin + len(unlike)
    unlike[:] = 0
    for place in range(len(together) - 1, -1, -1):  # the first of several stays
        first, second = codes[together[place, 0], begin:end], codes[together[place, 1], begin:end]
        columns, start = together[place, 2], together[place, 3]
        for r in range(len(unlike)):
            if cells[start + np.int64(first[r]) * columns + np.int64(second[r])]:
                unlike[r] = -1 - place
    for bit in range(len(alone)):
        code, start = codes[alone[bit, 0], begin:end], alone[bit, 1]
        for r in range(len(unlike)):
            if odd[start + np.int64(code[r])]:
                unlike[r] = max(unlike[r], 0) | (np.int64(1) << bit)


def count_known(
    codes: Codes, begin: int, fields: IntArray, lifts: IntArray, known: IntArray, unknown: IntArray
) -> None:
    """Count a block's known fields, and find the unknown one with the largest lift."""
    end = begin + len(known)
    known[:] = 0
    unknown[:] = EMPTY
    for f in range(len(fields)):
        code = codes[fields[f], begin:end]
        for r in range(len(code)):
            known[r] += 1 if code[r] != 0 else 0
    for place in range(len(lifts)):
        code = codes[lifts[place], begin:end]
        for r in range(len(code)):
            unknown[r] = place if code[r] == 0 else unknown[r]


def put(sizes: FloatArray, terms: IntArray, r: int, size: float, j: int) -> None:
    """Put a term among the largest of a row, ties to the earlier term."""
    i = len(sizes) - 1
    while i > 0 and (size > sizes[i - 1, r] or (size == sizes[i - 1, r] and j < terms[i - 1, r])):
        sizes[i, r] = sizes[i - 1, r]
        terms[i, r] = terms[i - 1, r]
        i -= 1
    sizes[i, r] = size
    terms[i, r] = j


def strongest(
    codes: Codes,
    begin: int,
    starts: IntArray,
    said: FloatArray,
    ranked: IntArray,
    bounds: FloatArray,
    slots: IntArray,
    paired: FloatArray,
    sizes: FloatArray,
    terms: IntArray,
) -> None:
    """Find the terms of a block with most to say: the widest of all rows, others where one could still come in.

    Parameters
    ----------
    said : ndarray
        What each code has to say.
    paired : ndarray of shape (terms in pairs, rows)
        What each row's value of a term in a pair has to say.
    sizes, terms : ndarray of shape (reasons, rows)
        Filled, largest first.
    """
    last, rows = len(sizes) - 1, sizes.shape[1]
    least = sizes[last]
    sizes[:, :] = -1.0
    terms[:, :] = EMPTY
    searched = min(max(WIDEST, len(sizes)), len(ranked))
    for place in range(searched):
        j = ranked[place]
        code, size = codes[j, begin : begin + rows], said[starts[j] : starts[j + 1]]
        if slots[j] >= 0:
            for r in range(rows):
                found = paired[slots[j], r]
                if found > least[r] or (found == least[r] and j < terms[last, r]):
                    put(sizes, terms, r, found, j)
        else:
            for r in range(rows):
                found = size[code[r]]
                if found > least[r] or (found == least[r] and j < terms[last, r]):
                    put(sizes, terms, r, found, j)
    for r in range(rows):
        place = searched
        while place < len(ranked) and least[r] <= bounds[place]:
            j = ranked[place]
            found = paired[slots[j], r] if slots[j] >= 0 else said[starts[j] + np.int64(codes[j, begin + r])]
            if found > least[r] or (found == least[r] and j < terms[last, r]):
                put(sizes, terms, r, found, j)
            place += 1


def size_up(
    codes: Codes,
    begin: int,
    starts: IntArray,
    points: FloatArray,
    tokens: BoolArray,
    slots: IntArray,
    halves: FloatArray,
    paired: FloatArray,
) -> None:
    """Say how much the values of terms in pairs have to say."""
    for j in range(len(slots)):
        if slots[j] >= 0:
            for r in range(paired.shape[1]):
                code = codes[j, begin + r]
                size = abs(points[starts[j] + np.int64(code)] + halves[slots[j], r])
                paired[slots[j], r] = size * 0.5 if tokens[j] and code == ABSENT else size


def pick(
    codes: Codes,
    begin: int,
    starts: IntArray,
    points: FloatArray,
    slots: IntArray,
    halves: FloatArray,
    terms: IntArray,
    contributions: FloatArray,
    said: IntArray,
) -> None:
    """Look up what the chosen terms of a block add, and number what they say: by code and voice."""
    for i in range(len(terms)):
        for r in range(terms.shape[1]):
            j = terms[i, r]
            at = starts[j] + np.int64(codes[j, begin + r])
            own, voice = points[at], 0
            whole = own
            if slots[j] >= 0:
                half = halves[slots[j], r]
                whole = own + half
                if abs(half) > abs(own):
                    voice = 1 if whole > 0 else (-1 if whole < 0 else 0)
            contributions[i, r] = whole
            said[i, r] = at * VOICES + voice + 1


def look_up(flat: FlatTables, codes: Codes, out: Outcome) -> None:
    """Fill in all that is said of accounts.

    Parameters
    ----------
    codes : ndarray of shape (terms, rows)
    """
    starts, points, slots = flat.starts, flat.points, flat.slots
    reasons, rows = out.terms.shape
    sizes = np.empty((reasons, BLOCK))
    in_pairs = max(slots.max() + 1, 1) if len(slots) else 1
    halves, paired = np.empty((in_pairs, BLOCK)), np.empty((in_pairs, BLOCK))
    for begin in range(0, rows, BLOCK):
        end = min(begin + BLOCK, rows)
        log_odds, variance = out.log_odds[begin:end], out.variance[begin:end]
        log_odds[:] = flat.bases[0]
        variance[:] = flat.bases[1]
        add_terms(codes, begin, starts, points, flat.variances, log_odds, variance)
        add_pairs(codes, begin, flat.pairs, flat.pair_points, flat.pair_variances, log_odds, variance, halves)
        unlike_customers(codes, begin, flat.alone, flat.odd, flat.together, flat.cells, out.unlike[begin:end])
        count_known(codes, begin, flat.fields, flat.lifts, out.known[begin:end], out.unknown[begin:end])
        if reasons:
            size, terms = sizes[:, : end - begin], out.terms[:, begin:end]
            size_up(codes, begin, starts, points, flat.tokens, slots, halves, paired[:, : end - begin])
            strongest(codes, begin, starts, flat.sizes, flat.ranked, flat.bounds, slots, paired, size, terms)
            contributions, said = out.contributions[:, begin:end], out.said[:, begin:end]
            pick(codes, begin, starts, points, slots, halves, terms, contributions, said)

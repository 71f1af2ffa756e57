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
NumberArray = npt.NDArray[np.int32]

BLOCK = 2048  # rows
WIDEST = 24  # terms that are searched in all rows
VOICES = 3  # a sentence is of a code and of a direction in which its pairs speak
EMPTY = -1
YEARS, COUNTS, OTHERS = 0, 1, 2  # how values are rounded: whole; whole where they are not large; to three digits
LARGE = 10_000.0
DIGITS = 2  # after the first
SLOTS = 2**16  # of a table of sentences to begin with


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


def number(
    said: IntArray,
    own: FloatArray,
    columns: IntArray,
    forms: IntArray,
    tens: FloatArray,
    numbers: NumberArray,
    kinds: IntArray,
    values: IntArray,
) -> int:
    """Give numbers to the distinct sentences of accounts in the order in which they come, account by account.

    Parameters
    ----------
    said : ndarray of shape (reasons, rows)
        Code and voice; negative where nothing is said.
    own : ndarray of shape (fields, rows)
        The accounts' values.
    columns, forms : ndarray of int
        Per code and voice, which of the fields a sentence shows the account's value of, -1 for none, and how it is
        rounded; see `shown`.
    tens : ndarray
        Powers of ten.
    numbers : ndarray of shape (reasons, rows)
        Filled: which sentence, -1 for none.
    kinds, values : ndarray of shape (reasons * rows,)
        Filled: code and voice, and bits of the value shown, of each distinct sentence.

    Returns
    -------
    int
        How many distinct sentences there are.
    """
    single = np.full(len(columns), EMPTY, dtype=np.int32)
    size = 1024
    while size < 2 * said.size and size < SLOTS:
        size *= 2
    slots = np.full(size, EMPTY, dtype=np.int32)
    value = np.zeros(1)
    bits = value.view(np.int64)
    count = 0
    for r in range(said.shape[1]):
        for i in range(said.shape[0]):
            kind = said[i, r]
            if kind < 0:
                numbers[i, r] = EMPTY
                continue
            if columns[kind] < 0:
                if single[kind] < 0:
                    single[kind] = count
                    kinds[count], values[count] = kind, 0
                    count += 1
                numbers[i, r] = single[kind]
                continue
            value[0] = shown(own[columns[kind], r], forms[kind], tens)
            at = place_of(kind, bits[0], size)
            while slots[at] >= 0 and (kinds[slots[at]] != kind or values[slots[at]] != bits[0]):
                at = (at + 1) & (size - 1)
            numbers[i, r] = slots[at]
            if slots[at] < 0:
                slots[at] = numbers[i, r] = count
                kinds[count], values[count] = kind, bits[0]
                count += 1
                if 2 * count > size:
                    size *= 2
                    slots = placed(kinds, values, count, columns, size)
    return count


def shown(value: float, form: int, tens: FloatArray) -> float:
    """Round a value to what a sentence shows, as `as_shown` does."""
    if not np.isfinite(value):
        return 0.0
    size = abs(value)
    if form == YEARS or (form == COUNTS and size < LARGE):
        return float(np.rint(value) + 0.0)  # a zero has no sign
    if size == 0.0:
        return 0.0
    middle = len(tens) // 2
    place = middle + int(np.floor(np.log10(size)))
    place = min(max(place, DIGITS), len(tens) - 2)
    if tens[place] > size:
        place -= 1
    elif tens[place + 1] <= size:
        place += 1
    power = place - middle - DIGITS
    if power >= 0:
        return float(np.rint(value / tens[middle + power]) * tens[middle + power] + 0.0)
    step = tens[min(middle - power, len(tens) - 1)]
    return float(np.rint(value * step) / step + 0.0)


def place_of(kind: int, value: int, size: int) -> np.int64:
    """Return where a sentence is looked for first."""
    mixed = np.uint64(value) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(kind) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return np.int64((mixed >> np.uint64(32)) & np.uint64(size - 1))


def placed(kinds: IntArray, values: IntArray, count: int, columns: IntArray, size: int) -> NumberArray:
    """Return the first `count` sentences in a table of a larger size."""
    slots = np.full(size, EMPTY, dtype=np.int32)
    for k in range(count):
        if columns[kinds[k]] >= 0:
            at = place_of(kinds[k], values[k], size)
            while slots[at] >= 0:
                at = (at + 1) & (size - 1)
            slots[at] = k
    return slots

"""What is looked up per account, as loops over rows: plain Python that `compiled` turns into machine code.

Every sum has the order it has in NumPy's way (`look_up.py`), so that the bits are the same. Rows go in blocks that stay
in the processor's cache, and fields are the outer loop, as codes lie field by field. Of a token set only what an
account shows is looked at, and of what it does not show the few tokens whose absence has most to say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import ABSENT, MISSING, PRESENT, Codes, FloatArray

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

BLOCK = 2048  # rows
WIDEST = 24  # terms that are searched in all rows
VOICES = 3  # a sentence is of a code and of a direction in which its pairs speak
TOKEN_CODES = 3  # of each token: missing, absent, present
EMPTY = -1


class CodeArrays(NamedTuple):
    """Codes of accounts; see `row_codes`."""

    columns: Codes  # of shape (columns, rows)
    begins: IntArray  # of shape (token sets, rows + 1): where each account's tokens begin, and the end
    tokens: npt.NDArray[np.int32]  # their positions in the vocabulary, ascending


class FlatTables(NamedTuple):
    """A model's tables, each as one array, with where each term's part begins."""

    starts: IntArray  # per term, and the end
    points: FloatArray
    added: FloatArray  # what is summed up: see `ScoringTables.summed`
    variances: FloatArray
    bases: FloatArray  # of the log-odds and of their variance
    sizes: FloatArray  # what each code has to say
    tokens: BoolArray  # per term
    columns: IntArray  # per term that has one, the column of its codes
    parts: IntArray  # per field: first term, column, token set or -1
    ranked: IntArray  # terms that have a code of their own in `columns`, widest first
    bounds: FloatArray  # what each of those can have to say at most
    slots: IntArray  # per term, its place among those that are in a pair, or -1
    quiet: IntArray  # per token set: where its terms begin in the next two, and the end
    absent: IntArray  # tokens by what they have to say where they are absent, largest first
    missing: IntArray  # the same where the field is missing
    pairs: IntArray  # per pair: columns of both terms' codes, cells per code, where it begins, the terms' slots
    pair_points: FloatArray
    pair_variances: FloatArray
    alone: IntArray  # per term with codes that no customer showed: its column, where it begins
    odd: BoolArray
    together: IntArray  # per pair of terms with such: both columns, cells per code, where it begins
    cells: BoolArray
    fields: IntArray  # a column of each field
    lifts: IntArray  # a column of each field worth knowing, smallest lift first


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


def add_terms(codes: CodeArrays, begin: int, flat: FlatTables, log_odds: FloatArray, variance: FloatArray) -> None:
    """Add up the terms of a block."""
    end = begin + len(log_odds)
    starts = flat.starts
    for part in range(len(flat.parts)):
        j, tokens = flat.parts[part, 0], flat.parts[part, 2]
        code = codes.columns[flat.parts[part, 1], begin:end]
        if tokens >= 0:
            begins, shown = codes.begins[tokens, begin : end + 1], codes.tokens
            point, spread = flat.added[starts[j] :], flat.variances[starts[j] :]
            for r in range(len(code)):
                if code[r] == 0:
                    log_odds[r] += point[0]
                    variance[r] += spread[0]
                for place in range(begins[r], begins[r + 1]):
                    log_odds[r] += point[TOKEN_CODES * shown[place] + PRESENT]
                    variance[r] += spread[TOKEN_CODES * shown[place] + PRESENT]
        else:
            point, spread = flat.added[starts[j] : starts[j + 1]], flat.variances[starts[j] : starts[j + 1]]
            for r in range(len(code)):
                log_odds[r] += point[code[r]]
                variance[r] += spread[code[r]]


def add_pairs(
    codes: CodeArrays,
    begin: int,
    flat: FlatTables,
    log_odds: FloatArray,
    variance: FloatArray,
    halves: FloatArray,
) -> None:
    """Add up the pairs of a block, and what each adds to its terms."""
    end = begin + len(log_odds)
    pairs, points = flat.pairs, flat.pair_points
    begun = np.zeros(len(halves), dtype=np.bool_)
    for p in range(len(pairs)):
        first, second = codes.columns[pairs[p, 0], begin:end], codes.columns[pairs[p, 1], begin:end]
        width, start = pairs[p, 2], pairs[p, 3]
        one, other = pairs[p, 4], pairs[p, 5]
        for r in range(len(log_odds)):
            cell = start + np.int64(first[r]) * width + np.int64(second[r])
            log_odds[r] += points[cell]
            variance[r] += flat.pair_variances[cell]
            half = 0.5 * points[cell]
            halves[one, r] = halves[one, r] + half if begun[one] else half
            halves[other, r] = halves[other, r] + half if begun[other] else half
        begun[one] = begun[other] = True


def unlike_customers(codes: CodeArrays, begin: int, flat: FlatTables, unlike: IntArray) -> None:
    """Say of a block what is unlike any customer, as `Gaps.kinds` numbers it."""
    end = begin + len(unlike)
    alone, together = flat.alone, flat.together
    unlike[:] = 0
    for place in range(len(together) - 1, -1, -1):  # the first of several stays
        first, second = codes.columns[together[place, 0], begin:end], codes.columns[together[place, 1], begin:end]
        width, start = together[place, 2], together[place, 3]
        for r in range(len(unlike)):
            if flat.cells[start + np.int64(first[r]) * width + np.int64(second[r])]:
                unlike[r] = -1 - place
    for bit in range(len(alone)):
        code, start = codes.columns[alone[bit, 0], begin:end], alone[bit, 1]
        for r in range(len(unlike)):
            if flat.odd[start + np.int64(code[r])]:
                unlike[r] = max(unlike[r], 0) | (np.int64(1) << bit)


def count_known(codes: CodeArrays, begin: int, flat: FlatTables, known: IntArray, unknown: IntArray) -> None:
    """Count a block's known fields, and find the unknown one with the largest lift."""
    end = begin + len(known)
    known[:] = 0
    unknown[:] = EMPTY
    for f in range(len(flat.fields)):
        code = codes.columns[flat.fields[f], begin:end]
        for r in range(len(code)):
            known[r] += 1 if code[r] != 0 else 0
    for place in range(len(flat.lifts)):
        code = codes.columns[flat.lifts[place], begin:end]
        for r in range(len(code)):
            unknown[r] = place if code[r] == 0 else unknown[r]


def put(sizes: FloatArray, terms: IntArray, shown: IntArray, size: float, j: int, code: int) -> None:
    """Put a term among the largest of an account if it is one of them, ties to the earlier term."""
    i = len(sizes) - 1
    if size < sizes[i] or (size == sizes[i] and j >= terms[i]):
        return
    while i > 0 and (size > sizes[i - 1] or (size == sizes[i - 1] and j < terms[i - 1])):
        sizes[i] = sizes[i - 1]
        terms[i] = terms[i - 1]
        shown[i] = shown[i - 1]
        i -= 1
    sizes[i] = size
    terms[i] = j
    shown[i] = code


def strongest(
    codes: CodeArrays,
    begin: int,
    flat: FlatTables,
    paired: FloatArray,
    sizes: FloatArray,
    terms: IntArray,
    shown: IntArray,
) -> None:
    """Find the terms of a block with most to say: the widest of all rows, others where one could still come in.

    Parameters
    ----------
    paired : ndarray of shape (terms in pairs, rows)
        What each row's value of a term in a pair has to say.
    sizes, terms, shown : ndarray of shape (rows, reasons)
        Filled, largest first; the last with codes.
    """
    rows, last = sizes.shape[0], sizes.shape[1] - 1
    sizes[:, :] = -1.0
    terms[:, :] = EMPTY
    searched = min(max(WIDEST, last + 1), len(flat.ranked))
    for place in range(searched):
        j = flat.ranked[place]
        code, said = codes.columns[flat.columns[j], begin : begin + rows], flat.sizes[flat.starts[j] :]
        for r in range(rows):
            size = paired[flat.slots[j], r] if flat.slots[j] >= 0 else said[code[r]]
            if size >= sizes[r, last]:
                put(sizes[r], terms[r], shown[r], size, j, code[r])
    for r in range(rows):
        place = searched
        while place < len(flat.ranked) and sizes[r, last] <= flat.bounds[place]:
            j = flat.ranked[place]
            code = codes.columns[flat.columns[j], begin + r]
            size = paired[flat.slots[j], r] if flat.slots[j] >= 0 else flat.sizes[flat.starts[j] + np.int64(code)]
            put(sizes[r], terms[r], shown[r], size, j, code)
            place += 1


def strongest_tokens(
    codes: CodeArrays, begin: int, flat: FlatTables, sizes: FloatArray, terms: IntArray, shown: IntArray
) -> None:
    """Put tokens among the terms of a block with most to say; those that have a column are there already."""
    rows, last = sizes.shape[0], sizes.shape[1] - 1
    for part in range(len(flat.parts)):
        tokens = flat.parts[part, 2]
        if tokens < 0:
            continue
        first, known = flat.parts[part, 0], codes.columns[flat.parts[part, 1]]
        begins, said = codes.begins[tokens, begin : begin + rows + 1], flat.sizes[flat.starts[first] :]
        for r in range(rows):
            for place in range(begins[r], begins[r + 1]):
                token = np.int64(codes.tokens[place])
                size = said[TOKEN_CODES * token + PRESENT]
                if size >= sizes[r, last] and flat.columns[first + token] < 0:
                    put(sizes[r], terms[r], shown[r], size, first + token, PRESENT)
            silent = known[begin + r] == 0
            code = MISSING if silent else ABSENT
            ranked = flat.missing if silent else flat.absent
            for rank in range(flat.quiet[tokens], flat.quiet[tokens + 1]):
                token = ranked[rank]
                size = said[TOKEN_CODES * token + code]
                if size < sizes[r, last]:
                    break
                if not holds(codes.tokens, begins[r], begins[r + 1], token):
                    put(sizes[r], terms[r], shown[r], size, first + token, code)


def holds(tokens: npt.NDArray[np.int32], begin: int, end: int, token: int) -> bool:
    """Whether a token is among an account's."""
    found = False
    for place in range(begin, end):
        found |= tokens[place] == token
    return found


def size_up(codes: CodeArrays, begin: int, flat: FlatTables, halves: FloatArray, paired: FloatArray) -> None:
    """Say how much the values of terms in pairs have to say."""
    for j in range(len(flat.slots)):
        slot = flat.slots[j]
        if slot >= 0:
            for r in range(paired.shape[1]):
                code = codes.columns[flat.columns[j], begin + r]
                size = abs(flat.points[flat.starts[j] + np.int64(code)] + halves[slot, r])
                paired[slot, r] = size * 0.5 if flat.tokens[j] and code == ABSENT else size


def pick(
    flat: FlatTables,
    halves: FloatArray,
    found: IntArray,
    shown: IntArray,
    terms: IntArray,
    contributions: FloatArray,
    said: IntArray,
) -> None:
    """Look up what the found terms of a block add with the codes shown, and number what they say, by code and voice."""
    for i in range(len(terms)):
        for r in range(terms.shape[1]):
            j = found[r, i]
            at = flat.starts[j] + shown[r, i]
            own, voice = flat.points[at], 0
            whole = own
            if flat.slots[j] >= 0:
                half = halves[flat.slots[j], r]
                whole = own + half
                if abs(half) > abs(own):
                    voice = 1 if whole > 0 else (-1 if whole < 0 else 0)
            terms[i, r] = j
            contributions[i, r] = whole
            said[i, r] = at * VOICES + voice + 1


def look_up(flat: FlatTables, codes: CodeArrays, out: Outcome) -> None:
    """Fill in all that is said of accounts."""
    reasons, rows = out.terms.shape
    sizes, found = np.empty((BLOCK, reasons)), np.empty((BLOCK, reasons), dtype=np.int64)
    shown = np.empty((BLOCK, reasons), dtype=np.int64)
    in_pairs = max(flat.slots.max() + 1, 1) if len(flat.slots) else 1
    halves, paired = np.empty((in_pairs, BLOCK)), np.empty((in_pairs, BLOCK))
    for begin in range(0, rows, BLOCK):
        end = min(begin + BLOCK, rows)
        size = end - begin
        log_odds, variance = out.log_odds[begin:end], out.variance[begin:end]
        log_odds[:] = flat.bases[0]
        variance[:] = flat.bases[1]
        add_terms(codes, begin, flat, log_odds, variance)
        add_pairs(codes, begin, flat, log_odds, variance, halves)
        unlike_customers(codes, begin, flat, out.unlike[begin:end])
        count_known(codes, begin, flat, out.known[begin:end], out.unknown[begin:end])
        if reasons:
            size_up(codes, begin, flat, halves, paired[:, :size])
            strongest(codes, begin, flat, paired, sizes[:size], found[:size], shown[:size])
            strongest_tokens(codes, begin, flat, sizes[:size], found[:size], shown[:size])
            terms, contributions = out.terms[:, begin:end], out.contributions[:, begin:end]
            pick(flat, halves, found[:size], shown[:size], terms, contributions, out.said[:, begin:end])

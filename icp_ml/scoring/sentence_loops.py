"""Numbers for the sentences of accounts, as a loop over rows: plain Python that `compiled` turns into machine code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import FloatArray
from icp_ml.scoring.row_loops import EMPTY, BoolArray, IntArray

NumberArray = npt.NDArray[np.int32]

SLOTS = 2**16  # of a table of sentences to begin with
YEARS, COUNTS, OTHERS = 0, 1, 2  # how values are rounded: whole; whole where they are not large; to three digits
LARGE = 10_000.0
DIGITS = 2  # after the first


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


def listed(index: IntArray | NumberArray, place: NumberArray, fresh: NumberArray, shown: BoolArray) -> None:
    """Give numbers, for each reason, to the texts that it shows; their order stays.

    Parameters
    ----------
    index : ndarray of shape (reasons, rows)
        Negative where there is none.
    place : ndarray
        Which of the texts each index is.
    fresh : ndarray of shape (reasons, rows)
        Filled: the number among the texts shown, 0 where there is none: Arrow looks up what it leaves out, too.
    shown : ndarray of bool, shape (reasons, texts)
        Filled.
    """
    numbers = np.empty(shown.shape[1], dtype=np.int32)
    for i in range(len(index)):
        shown[i, :] = False
        for r in range(index.shape[1]):
            if index[i, r] >= 0:
                shown[i, place[index[i, r]]] = True
        count = 0
        for text in range(len(numbers)):
            numbers[text] = count
            count += shown[i, text]
        for r in range(index.shape[1]):
            fresh[i, r] = numbers[place[index[i, r]]] if index[i, r] >= 0 else 0

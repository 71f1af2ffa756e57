"""What an encoding freezes: edges at numbers people use, categories common enough to stand alone, vocabularies.

Nothing here sees an outcome.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.industries import broader
from icp_ml.estimator.encoding import DAYS_OF_MONTH, MAX_VALUES, FloatArray

# Spans a person names, in days: first those that come to mind first.
_SPANS = (
    (365, 731, 1096, 1826, 3652, 7305),  # 1, 2, 3, 5, 10, 20 years
    (30, 91, 183, 548),  # 1, 3, 6, 18 months
    (
        7,
        14,
        61,
        274,
        1461,
        2557,
        5479,
        9131,
        10957,
        14610,
        18262,
    ),  # 1, 2 weeks; 2, 9 months; 4, 7, 15, 25, 30 ... years
)
AGEING = ("date", "age", "year")  # every list is older than the customers were: their guards stay wide
TAIL, TAIL_LEAST = 0.05, 10  # share of the values, and how many at least, that tell how thinly an end is populated
TAIL_DISTINCT, TAIL_TIED = 6, 0.34  # at least so many differ, and no larger share is the same: else bands or heaps
TAIL_BEYOND = 0.25  # mean excesses
_SAME_ROWS = 0.8  # a phrase that so many of a word's rows have stands for the word


def fit_numeric(values: FloatArray, *, max_bins: int, form: str = "number") -> FloatArray:
    """Return edges at round numbers near the quantiles, between two guards; dates at spans of time that people use.

    Parameters
    ----------
    values : ndarray of shape (n,)
        NaN is missing; infinite values are ignored here.
    max_bins : int
        Most bins wanted; ties and rounding may leave fewer.
    form : str
        "date": values are days.
    """
    finite = np.sort(values[np.isfinite(values)])
    if not len(finite):
        return np.array([-1.0, 1.0])
    distinct = np.unique(finite)
    low, high = _guards(distinct)
    if form not in AGEING:
        low, high = max(low, _reach(finite, -1)), min(high, _reach(finite, 1))
    whole = bool(np.all(distinct == np.floor(distinct)))
    if len(distinct) <= max_bins:
        inner = [_round(a, a + (b - a) * 0.999, form, whole=whole) for a, b in pairwise(distinct)]
    else:
        shares = np.arange(1, max_bins) / max_bins
        slack = 0.3 / max_bins
        lower = np.quantile(finite, shares - slack, method="lower")
        upper = np.quantile(finite, shares + slack, method="lower")
        inner = [_round(a, b, form, whole=whole) for a, b in zip(lower, upper, strict=True)]
    edges = np.unique([low, *(e for e in inner if distinct[0] <= e < distinct[-1]), high])
    return edges.astype(np.float64)


def _round(low: float, high: float, form: str, *, whole: bool) -> float:
    return roundest_days(low, high) if form == "date" else roundest(low, high, whole=whole)


def roundest_days(low: float, high: float) -> float:
    """Return the span in [low, high] days that people would name, nearest the middle; else whole months, else days.

    Examples
    --------
    >>> roundest_days(80, 120), roundest_days(300, 500), roundest_days(130, 170)
    (91.0, 365.0, 152.0)
    """
    middle = (low + high) / 2
    for spans in _SPANS:
        inside = [span for span in spans if low <= span <= high]
        if inside:
            return float(min(inside, key=lambda span: abs(span - middle)))
    months = math.floor(round(middle / DAYS_OF_MONTH) * DAYS_OF_MONTH)
    return float(months) if low <= months <= high and months > 0 else roundest(low, high, whole=float(low).is_integer())


def _guards(distinct: FloatArray) -> tuple[float, float]:
    """Bounds a little outside what customers show: beyond them an account is out of range."""
    least, most = float(distinct[0]), float(distinct[-1])
    if least >= 0 and most < 1e300:
        return (least / 2 - 1e-9 if least > 0 else -1e-9), most * 2 + 1e-9
    span = max(min(most, 1e300) - max(least, -1e300), 1e-9 * max(abs(least), abs(most), 1.0))
    return max(least - span / 2, -1.7e308), min(most + span / 2, 1.7e308)


def _reach(finite: FloatArray, end: int) -> float:
    """Return how far beyond the outermost customer a further one may well lie, by how thinly they lie at that end.

    The values at the end are taken as an exponential tail of logarithms, whose mean excess tells how it goes on. It
    says nothing where they are few, not all above zero, or equal (bands, round numbers, shares): then there is no limit
    but that of `_guards`.

    Parameters
    ----------
    finite : ndarray of shape (n,)
        Ascending.
    end : int
        1 for the upper, -1 for the lower end.
    """
    outermost = finite[::-end][: max(TAIL_LEAST, round(TAIL * len(finite)))]
    ties = np.unique(outermost, return_counts=True)[1]
    heaped = len(ties) < TAIL_DISTINCT or ties.max() > TAIL_TIED * len(outermost)
    if len(finite) < 2 * TAIL_LEAST or heaped or outermost.min() <= 0:
        return end * math.inf
    excess = end * (np.log(outermost[0]) - np.log(outermost))
    beyond = math.exp(end * TAIL_BEYOND * float(excess.mean()))
    return float(outermost[0]) * beyond


def roundest(low: float, high: float, *, whole: bool = False) -> float:
    """Return the number with the fewest significant digits in [low, high], nearest its middle.

    With `whole`, low is an integer and so is the result.

    Examples
    --------
    >>> roundest(97.3, 104.2), roundest(2013.2, 2016.8), roundest(0.231, 0.27)
    (100.0, 2015.0, 0.25)
    """
    if not low < high:
        return float(low)
    if low <= 0 <= high:
        return 0.0
    if high < 0:
        return -roundest(-high, -low) if not whole else low
    middle = (low + high) / 2
    top = math.floor(math.log10(high))
    for power in range(top, top - 17, -1):
        for digit in (1, 5, 2.5, 2) if power == top else (5, 2.5, 2, 1):
            exponent, unit = (power - 1, int(digit * 10)) if digit == 2.5 else (power, int(digit))
            if whole and exponent < 0:
                continue
            step = float(f"{unit}e{exponent}")
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if first <= last:
                multiple = min(max(round(middle / step), first), last)
                found = float(f"{multiple * unit}e{exponent}")
                if low <= found <= high:
                    return found
    return float(low if whole else high)


def fit_values(values: Sequence[str | None], *, min_count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (kept, rare): values at least `min_count` times there, and the seen but rarer ones, each sorted."""
    counts: dict[str, int] = {}
    for value in values:
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
    ranked = sorted((v for v, c in counts.items() if c >= min_count), key=lambda v: (-counts[v], v))
    kept = tuple(sorted(ranked[:MAX_VALUES]))
    rare = tuple(sorted(set(counts) - set(kept)))
    return kept, rare[:MAX_VALUES]


def fit_codes(values: Sequence[str | None], *, min_count: int, system: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (kept, rare) industry codes: each at the narrowest level that at least `min_count` rows share.

    Parameters
    ----------
    values : sequence of str or None
        Codes, and texts that are none.
    min_count : int
        Rows of narrower codes that are not kept count for the next wider one.
    system : str
        "naics" or "sic".
    """
    counts: dict[str, int] = {}
    for value in values:
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
    kept: list[str] = []
    for code in sorted({*counts, *(wide for value in counts for wide in broader(value, system))}, key=_narrowest_first):
        count = counts.get(code, 0)
        if count >= min_count:
            kept.append(code)
        elif wider := broader(code, system):
            counts[wider[0]] = counts.get(wider[0], 0) + count
            counts[code] = 0
    rare = sorted(code for code, count in counts.items() if 0 < count < min_count)
    return tuple(sorted(kept)[:MAX_VALUES]), tuple(rare[:MAX_VALUES])


def _narrowest_first(code: str) -> tuple[int, str]:
    return (2 if "-" in code or not code.isdigit() else len(code)) * -1, code


def fit_vocabulary(array: pa.Array, *, min_count: int, max_tokens: int, phrases: bool = False) -> tuple[str, ...]:
    """Return the commonest tokens that at least `min_count` rows hold and as many lack, sorted.

    Which tokens are kept depends on how many rows hold them and on no outcome: choosing them gives nothing away.

    Parameters
    ----------
    array : pa.ListArray of string
        A token that a row repeats counts once.
    phrases : bool
        Leave out a word that is hardly seen outside one phrase: "machine" beside "machine learning".
    """
    flat, rows = pc.list_flatten(array), pc.list_parent_indices(array)
    flat = flat if pa.types.is_dictionary(flat.type) else pc.dictionary_encode(flat)
    place = flat.indices.fill_null(len(flat.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    distinct = np.unique(place + (len(flat.dictionary) + 1) * np.asarray(rows, dtype=np.int64))  # once per row
    held = distinct % (len(flat.dictionary) + 1) if len(place) else distinct
    numbers = np.bincount(held, minlength=len(flat.dictionary) + 1)
    counts = dict(zip(flat.dictionary.to_pylist(), numbers.tolist(), strict=False))
    known = len(array) - array.null_count
    useful = [t for t, c in counts.items() if t and c >= min_count and known - c >= min_count]
    if phrases:
        within = [(word, t) for t in useful if " " in t for word in t.split(" ")]
        spoken_for: dict[str, set[str]] = {}  # word -> the phrases that stand for it
        for word, phrase in within:
            if counts[phrase] >= _SAME_ROWS * counts.get(word, 0):
                spoken_for.setdefault(word, set()).add(phrase)
        # other phrases with such a word are pieces of a longer one: "for predictive" of "for predictive maintenance"
        pieces = {phrase for word, phrase in within if word in spoken_for and phrase not in spoken_for[word]}
        useful = [t for t in useful if t not in spoken_for and t not in pieces]
    return tuple(sorted(sorted(useful, key=lambda t: (-counts[t], t))[:max_tokens]))


def without_rare(array: pa.ListArray, *, min_count: int) -> pa.ListArray:
    """Leave out tokens that fewer than `min_count` rows hold: no fit on some of the rows could keep them.

    A set that becomes empty stays one; the tokens of a row are taken to be different.
    """
    flat = pc.list_flatten(array)
    counted = pc.value_counts(flat)
    common = counted.field("values").filter(pc.greater_equal(counted.field("counts"), min_count))
    keep = pc.is_in(flat, value_set=common)
    rows = pc.list_parent_indices(array).filter(keep).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(array)))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), flat.filter(keep), mask=pc.is_null(array))


def roundness(edge: float, form: str = "number") -> float:
    """Return how far a boundary is from one people use: 0 for 100, 500 or a year, up to 1 for 87 or 137 days.

    Examples
    --------
    >>> roundness(500.0), roundness(0.25, "share"), roundness(400.0), roundness(487.0)
    (0.0, 0.25, 0.5, 1.0)
    """
    if form == "date":
        return next((0.25 * k for k, spans in enumerate(_SPANS) if edge in spans), 1.0)
    if edge == 0:
        return 0.0
    digits = f"{abs(edge):.10e}".split("e", maxsplit=1)[0].rstrip("0").rstrip(".").replace(".", "")
    if digits in ("1", "5"):
        return 0.0
    if digits in ("2", "25"):
        return 0.25
    return 0.5 if len(digits) == 1 or digits in ("15", "75") else 1.0

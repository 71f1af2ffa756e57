"""Customers beside the list: what is filled for customers only, how each field drifts, how different the two are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.guard.bands import on_same_bands
from icp_ml.accounts.guard.evidence import Bools, Coded, Floats, Ints, area_under_curve, code, fold_numbers, predict
from icp_ml.accounts.guard.leaks import Finding

MAX_ROWS = 20_000
# A list's vendor knows less of everything; a fifth of what is known of customers is more than that.
_FILLED_FEWER = 0.2
_COVERAGE_GAP = 0.3
_SAME_ON_LIST = 0.98
_SAME_HERE = 0.70
_TOKEN_HERE = 0.10
_TOKEN_RATIO = 0.02
_MIN_LISTED = 200
_MAX_CODES = 60
_TELLING = 3
_TELLS = 0.55
_SMOOTHING = 0.5


@dataclass(frozen=True, eq=False)
class Beside:
    """A column of the customers and of the list (a sample of either), on the same codes.

    Attributes
    ----------
    both : Coded
        Customers first, then the list.
    customers : int
        How many rows are customers.
    alike : Coded
        The same, with exact numbers of one side put into the bands that the other side has.
    bands : "list", "customers" or ""
        Which side has bands where the other has exact numbers.
    """

    both: Coded
    customers: int
    alike: Coded
    bands: str = ""

    @property
    def here(self) -> slice:
        """Rows of customers."""
        return slice(0, self.customers)

    @property
    def there(self) -> slice:
        """Rows of the list."""
        return slice(self.customers, None)


@dataclass(frozen=True)
class Apart:
    """How different customers and list are.

    Attributes
    ----------
    auc : float
        How well a classifier tells them apart on rows left out, 0.5 to 1; NaN if it could not be asked.
    fields : tuple of (str, float)
        The fields that tell most, and the AUC of each by itself.
    """

    auc: float
    fields: tuple[tuple[str, float], ...]


def sample(table: pa.Table) -> pa.Table:
    """Return at most `MAX_ROWS` rows, evenly spaced in the order of the account ids, whatever the order in the file."""
    if "account_id" in table.column_names:
        order = np.asarray(pc.sort_indices(pc.cast(table["account_id"], pa.string())))
    else:
        order = np.arange(table.num_rows)
    if len(order) > MAX_ROWS:
        order = order[np.linspace(0, len(order) - 1, MAX_ROWS).round().astype(np.int64)]
    return table.take(pa.array(order))


def beside(customers: pa.ChunkedArray, listed: pa.ChunkedArray) -> Beside | None:
    """Code a column of both tables together; None where their types cannot be compared."""
    here, there = _plain(customers), _plain(listed)
    if here.type != there.type:
        return None
    both = code(pa.chunked_array([*here.chunks, *there.chunks], here.type))
    alike, bands = on_same_bands(both, len(customers))
    return Beside(both, len(customers), alike, bands)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind):
        return pc.cast(column, pa.string())
    if pa.types.is_list(kind) and pa.types.is_dictionary(kind.value_type):
        array = column.combine_chunks()
        words = pc.cast(array.flatten(), pa.string())
        counts = pc.fill_null(pc.list_value_length(array), 0)
        offsets = np.concatenate([[0], np.cumsum(np.asarray(counts, dtype=np.int64))]).astype(np.int32)
        return pa.chunked_array([pa.ListArray.from_arrays(pa.array(offsets), words, mask=pc.is_null(array))])
    return column


def by_list(pair: Beside, customers_only: float) -> Finding | None:
    """Ask about a column that is known of own customers only, or that says nothing on the list.

    Parameters
    ----------
    customers_only : float
        Share of the list's rows with a value that are customers themselves; NaN where ids do not match.
    """
    column = pair.both
    missing_here, missing_there = column.missing[pair.here], column.missing[pair.there]
    here, there = 1 - float(missing_here.mean()), 1 - float(missing_there.mean())
    if len(missing_there) < _MIN_LISTED or there == 0:
        return None
    if there < _FILLED_FEWER * here and here - there > _COVERAGE_GAP:
        reason = f"it is filled for {here:.0%} of customers, but for {there:.0%} of the list"
        if customers_only > 0.9:
            reason += f", and {customers_only:.0%} of those are customers"
        return Finding("confirm", f"{reason}: it seems to be known of own customers only", True)
    if column.tokens is not None:
        return _own_token(pair)
    top_here, top_there = (
        _top_share(column.codes[pair.here][~missing_here]),
        _top_share(column.codes[pair.there][~missing_there]),
    )
    if top_there >= _SAME_ON_LIST and top_here <= _SAME_HERE:
        reason = f"{top_there:.0%} of the list's values are the same, but only {top_here:.0%} of the customers'"
        return Finding("confirm", f"{reason}: it seems to be kept for customers only", True)
    return None


def _top_share(codes: Ints) -> float:
    return float(np.bincount(codes).max()) / len(codes) if len(codes) else 0.0


def _own_token(pair: Beside) -> Finding | None:
    """Ask about a token that many customers have and practically nobody on the list."""
    rates_here, rates_there = _token_rates(pair)
    odd = (rates_here >= _TOKEN_HERE) & (rates_there <= _TOKEN_RATIO * rates_here)
    if not odd.any():
        return None
    j = int(np.argmax(np.where(odd, rates_here, 0.0)))
    reason = f"{rates_here[j]:.0%} of customers have '{pair.both.labels[j]}', but {rates_there[j]:.1%} of the list"
    return Finding(
        "confirm", f"{reason}: it may be our own product or an integration, to be named under fields.own_product", True
    )


def _token_rates(pair: Beside) -> tuple[Floats, Floats]:
    """Share of the rows with a set that have each token, customers and list."""
    assert pair.both.tokens is not None
    row, token = pair.both.tokens
    size = max(1, len(pair.both.labels))
    own = row < pair.customers
    known_here = max(1, int((~pair.both.missing[pair.here]).sum()))
    known_there = max(1, int((~pair.both.missing[pair.there]).sum()))
    here = np.bincount(token[own], minlength=size) / known_here
    there = np.bincount(token[~own], minlength=size) / known_there
    return np.asarray(here, dtype=np.float64), np.asarray(there, dtype=np.float64)


def unseen(column: Coded, market: pa.ChunkedArray) -> tuple[float, float]:
    """Share of the list's values that no customer has, and of the customers' values that the list lacks."""
    flat = pc.list_flatten(market) if pa.types.is_list(market.type) else market
    counts = pc.value_counts(pc.cast(flat, pa.string()).drop_null())
    values, n = counts.field("values"), np.asarray(counts.field("counts"), dtype=np.float64)
    seen = np.asarray(pc.is_in(values, value_set=pa.array(column.labels, pa.string())).to_numpy(zero_copy_only=False))
    there = np.asarray(pc.is_in(pa.array(column.labels, pa.string()), value_set=values).to_numpy(zero_copy_only=False))
    codes = column.tokens[1] if column.tokens is not None else column.known_codes
    here = np.bincount(codes, minlength=len(column.labels)).astype(np.float64)
    return float(n[~seen].sum() / max(1.0, n.sum())), float(here[~there].sum() / max(1.0, here.sum()))


def drift(pair: Beside) -> float:
    """Return the population stability index, customers to list, over known bands or values; of tokens the largest.

    Up to 0.1 is usual, above 0.25 a shift. Rare values count as one. Exact numbers are compared with bands by band.
    """
    column = pair.alike
    known_here, known_there = ~column.missing[pair.here], ~column.missing[pair.there]
    if known_here.sum() < 30 or known_there.sum() < 30:
        return math.nan
    if column.tokens is not None:
        here, there = _token_rates(pair)
        n_here, n_there = float(known_here.sum()), float(known_there.sum())
        pairs = [
            _stability(np.array([h * n_here, n_here - h * n_here]), np.array([t * n_there, n_there - t * n_there]))
            for h, t in zip(here, there, strict=True)
            if h * n_here >= 10 or t * n_there >= 10
        ]
        return float(max(pairs, default=0.0))
    a = np.bincount(column.codes[pair.here][known_here], minlength=column.size).astype(np.float64)
    b = np.bincount(column.codes[pair.there][known_there], minlength=column.size).astype(np.float64)
    order = np.argsort(-(a / a.sum() + b / b.sum()), kind="stable")
    a, b = a[order], b[order]
    kept = (a >= 5) | (b >= 0.01 * b.sum())
    kept[_MAX_CODES:] = False
    return _stability(np.append(a[kept], a[~kept].sum()), np.append(b[kept], b[~kept].sum()))


def _stability(a: Floats, b: Floats) -> float:
    p, q = (a + _SMOOTHING) / (a + _SMOOTHING).sum(), (b + _SMOOTHING) / (b + _SMOOTHING).sum()
    # what chance alone gives to samples of these sizes is taken off
    by_chance = (len(a) - 1) * (1 / max(1.0, a.sum()) + 1 / max(1.0, b.sum()))
    index = float(((p - q) * np.log(p / q)).sum())
    return float(round(max(0.0, index - by_chance), 4))


def apart(pairs: Mapping[str, Beside], seed: int) -> Apart:
    """Measure how well a classifier tells customers from the list, on accepted fields.

    Gaps do not count: the side that has more values loses as many at random as the other lacks, so that
    what is measured is how the companies differ, not how much a vendor knows.
    """
    if not pairs:
        return Apart(math.nan, ())
    first = next(iter(pairs.values()))
    rows = len(first.both.codes)
    listed = np.arange(rows) >= first.customers
    if min(int(listed.sum()), int((~listed).sum())) < 50:
        return Apart(math.nan, ())
    folds = fold_numbers([pair.alike for pair in pairs.values()], listed, seed)
    single, scores = [], []
    for name, pair in pairs.items():
        known = _thinned(pair, seed) & ~pair.both.missing
        if min(int(known[listed].sum()), int(known[~listed].sum())) < 50:
            continue
        score = predict(pair.alike, listed.astype(np.float64), known, folds)
        auc, _ = area_under_curve(score[known], listed[known], folds[known])
        single.append((name, round(auc, 3)))
        scores.append(np.where(known, score - score[known].mean(), 0.0))
    if not scores:
        return Apart(math.nan, ())
    telling = sorted(single, key=lambda found: (-found[1], found[0]))[:_TELLING]
    auc = _together(np.column_stack(scores), listed, folds)
    return Apart(auc, tuple((name, value) for name, value in telling if value >= _TELLS))


def _thinned(pair: Beside, seed: int) -> Bools:
    """Mark the rows to keep so that both sides are known equally often."""
    rng = np.random.default_rng([seed, pair.customers])
    missing = pair.both.missing
    cover = [1 - float(missing[side].mean()) for side in (pair.here, pair.there)]
    keep = np.ones(len(missing), dtype=bool)
    for side, own, other in ((pair.here, cover[0], cover[1]), (pair.there, cover[1], cover[0])):
        if own > other:
            known = np.flatnonzero(~missing[side]) + (side.start or 0)
            keep[known[rng.permutation(len(known))[: round(len(known) * (1 - other / own))]]] = False
    return keep


def _together(scores: Floats, listed: Bools, folds: Ints) -> float:
    """Return the AUC, on rows left out, of a logistic regression on what each field says by itself."""
    from sklearn.linear_model import LogisticRegression

    spread = scores.std(axis=0)
    table = scores[:, spread > 0] / spread[spread > 0]
    if not table.shape[1]:
        return 0.5
    score = np.zeros(len(listed))
    for k in np.unique(folds):
        train = folds != k
        model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=200).fit(table[train], listed[train])
        score[~train] = np.round(model.decision_function(table[~train]), 5)
    auc, _ = area_under_curve(score, listed, folds)
    return round(max(auc, 0.5), 3)

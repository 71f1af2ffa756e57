"""Suspicion passed on: columns that are computed from one the leak guard does not accept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from icp_ml.accounts.guard.evidence import Bools, Coded, Floats, Ints, correlations, determined, explained, rank_table
from icp_ml.accounts.guard.identities import parts_of_sum, products
from icp_ml.accounts.guard.leaks import COPY, Finding

Findings = dict[str, list[Finding]]
_ROUNDS = 3
_MAX_LEVELS = 20
_MAX_SOURCES = 8
_TREE_DEPTH = 4
_WRONG_PER_RARE = 0.06
_MIN_RARE = 20


def add_derived(
    findings: Findings,
    features: Mapping[str, Coded],
    vouched: Collection[str],
    dates: Mapping[str, Floats] | None = None,
    folds: Ints | None = None,
) -> None:
    """Pass suspicion on to columns that are computed from a suspicious one (an end date from a start and a term).

    Parameters
    ----------
    vouched : collection of str
        Columns a person vouches for: not suspicious.
    dates : mapping of str to ndarray of shape (n,)
        Outcome dates, which may be what a column is computed with (a fiscal year from the date of the sale).
    folds : ndarray of int, shape (n,)
        To judge by rows left out what a column can be read off.
    """
    numbers = {
        name: column.numbers
        for name, column in features.items()
        if column.numbers is not None and column.distinct > 2 and not _quiet(findings[name])
    }
    if len(numbers) >= 2:
        # of start + length = end two are computed from the third: only what is suspicious by itself starts that
        own = {name for name in numbers if _strong(findings[name]) and name not in vouched}
        for _ in range(_ROUNDS):
            before = sum(map(bool, findings.values()))
            sources = {name for name in numbers if findings[name] and name not in vouched}
            if not sources:
                break
            _add_computed(findings, numbers, sources, own, dates or {})
            _add_identities(findings, numbers, sources)
            if sum(map(bool, findings.values())) == before:
                break
    sources = {name for name in numbers if findings[name] and name not in vouched}
    _add_fixed(findings, features, numbers, sources)
    if folds is not None:
        strong = {name: numbers[name] for name in sorted(sources) if _strong(findings[name])}
        _add_readable(findings, features, strong, dates or {}, folds)


def _add_computed(
    findings: Findings,
    numbers: Mapping[str, Floats],
    sources: Collection[str],
    own: Collection[str],
    dates: Mapping[str, Floats],
) -> None:
    """Find what follows a suspicious column, or is computed from it and a second one."""
    names = sorted(numbers)
    values: list[Floats] = [*(numbers[n] for n in names), *dates.values()]
    plain = correlations(np.column_stack(values))
    by_rank = correlations(rank_table(values))
    spoken = [*names, *dates]
    for j, name in enumerate(names):
        if findings[name]:
            continue
        for s in (i for i, source in enumerate(names) if source in sources):
            source = names[s]
            if abs(by_rank[j, s]) > COPY:
                findings[name].append(
                    Finding(
                        "confirm", f"it follows '{source}', which is not accepted either", _strong(findings[source])
                    )
                )
                break
            partner = _partner(values, plain, j, s) if source in own else None
            if partner is not None:
                reason = f"it can be computed from '{source}', which is not accepted either, and '{spoken[partner]}'"
                findings[name].append(Finding("confirm", reason, _strong(findings[source])))
                break


def _add_identities(findings: Findings, numbers: Mapping[str, Floats], sources: Collection[str]) -> None:
    """Find the items of a suspicious total, and the rate that together with a suspicious column gives a total."""
    names = sorted(numbers)
    order = np.lexsort([numbers[n] for n in names])  # the order of the rows in the file is nothing
    values = [numbers[n][order] for n in names]
    for s in (i for i, source in enumerate(names) if source in sources):
        for j in parts_of_sum(values, s):
            if not findings[names[j]]:
                reason = f"it is one of the amounts that '{names[s]}', which is not accepted either, is the sum of"
                findings[names[j]].append(Finding("confirm", reason, _strong(findings[names[s]])))
        open_still = np.array([not findings[name] for name in names])
        for factor, total in products(values, s, open_still):
            for j, other in ((factor, total), (total, factor)):
                if not findings[names[j]]:
                    sign = "over" if j == factor else "times"
                    reason = f"it is '{names[other]}' {sign} '{names[s]}', which is not accepted either"
                    findings[names[j]].append(Finding("confirm", reason, _strong(findings[names[s]])))


def _add_fixed(
    findings: Findings, features: Mapping[str, Coded], numbers: Mapping[str, Floats], sources: Collection[str]
) -> None:
    """Find columns of few values that a single value of a suspicious column fixes."""
    for name, column in features.items():
        if findings[name] or column.tokens is not None or not 2 <= column.distinct <= _MAX_LEVELS:
            continue
        for source in sorted(sources):
            if _strong(findings[source]) and determined(column.codes, numbers[source], column.missing):
                findings[name].append(Finding("confirm", f"each value of '{source}', which is not accepted, fixes it"))
                break


def _add_readable(
    findings: Findings,
    features: Mapping[str, Coded],
    sources: Mapping[str, Floats],
    dates: Mapping[str, Floats],
    folds: Ints,
) -> None:
    """Find columns of few values that can be read off several that are not accepted, date of the sale included."""
    if not sources:
        return
    ordered = list(sources)[:_MAX_SOURCES]
    table = np.column_stack([*(sources[n] for n in ordered), *dates.values()])
    if len(np.unique(folds)) < 2:
        return
    for name, column in features.items():
        if findings[name] or column.tokens is not None or not 2 <= column.distinct <= _MAX_LEVELS:
            continue
        rows = ~column.missing & ~np.isnan(table).any(axis=1)
        if rows.sum() < 100 or rows.sum() < 0.5 * (~column.missing).sum():
            continue
        if _readable(table[rows], column.codes[rows], folds[rows]):
            listed = ", ".join(f"'{n}'" for n in [*ordered, *dates][:3])
            findings[name].append(Finding("confirm", f"it can be read off columns that are not accepted ({listed})"))


def _readable(table: Floats, codes: Ints, folds: Ints) -> bool:
    """Whether a small tree on `table` predicts the codes of rows left out almost without a mistake."""
    from sklearn.tree import DecisionTreeClassifier

    order = np.lexsort((codes, *table.T))
    table, codes, folds = table[order], codes[order], folds[order]
    rare = len(codes) - int(np.bincount(codes).max())
    if rare < _MIN_RARE:
        return False
    wrong = 0
    for k in np.unique(folds):
        test = folds == k
        if test.all():
            return False
        tree = DecisionTreeClassifier(max_depth=_TREE_DEPTH, random_state=0).fit(table[~test], codes[~test])
        wrong += int((tree.predict(table[test]) != codes[test]).sum())
        if wrong > _WRONG_PER_RARE * rare:
            return False
    return True


def _strong(findings: Sequence[Finding]) -> bool:
    """Whether a column's own values gave it away, or those of what it is computed from."""
    return any(f.strong for f in findings)


def _quiet(findings: Sequence[Finding]) -> bool:
    """Whether a column is left out for holding nothing, rather than for giving something away."""
    return bool(findings) and all(f.quiet for f in findings)


def _partner(values: Sequence[Floats], plain: Floats, target: int, source: int) -> int | None:
    """Find a third column that together with `source` explains `target`, but does not do so alone."""
    r, rs = plain[target], plain[source]
    free = 1.0 - rs**2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (r**2 + r[source] ** 2 - 2 * r * r[source] * rs) / free
    likely: Bools = (share > 0.95) & (free > 0.01)
    likely[[target, source]] = False
    # start + suspicious length = end: the end is the computed one, as it leans on the length more than the start does
    likely &= np.abs(plain[source]) < abs(plain[target, source])
    for other in np.flatnonzero(likely):
        other_values = values[int(other)]
        used = ~np.isnan(values[source]) & ~np.isnan(other_values) & ~np.isnan(values[target])
        if used.sum() < 0.5 * (~np.isnan(values[target])).sum():
            continue
        alone = explained(values[target][used], other_values[used])
        both = explained(values[target][used], values[source][used], other_values[used])
        if both > 0.995 and 1 - both < 0.1 * (1 - alone):
            return int(other)
    return None

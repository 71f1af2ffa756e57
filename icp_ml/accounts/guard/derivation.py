"""Suspicion passed on: columns that are computed from one the leak guard does not accept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from icp_ml.accounts.guard.evidence import Coded, Floats, correlations, determined, explained, rank_table
from icp_ml.accounts.guard.leaks import COPY, Finding


def add_derived(findings: dict[str, list[Finding]], features: Mapping[str, Coded], vouched: Collection[str]) -> None:
    """Pass suspicion on to columns that are computed from a suspicious one (an end date from a start and a term)."""
    numbers = {
        name: column.numbers
        for name, column in features.items()
        if column.numbers is not None and column.distinct > 2 and not _quiet(findings[name])
    }
    sources = {name for name in numbers if findings[name] and name not in vouched}
    names = sorted(numbers)
    if not sources or len(names) < 2:
        return
    values: list[Floats] = [numbers[n] for n in names]
    plain = correlations(np.column_stack(values))
    by_rank = correlations(rank_table(values))
    for j, name in enumerate(names):
        if findings[name]:
            continue
        for s in (i for i, source in enumerate(names) if source in sources):
            source = names[s]
            if abs(by_rank[j, s]) > COPY:
                findings[name].append(Finding("confirm", f"it follows '{source}', which is not accepted either"))
                break
            partner = _partner(values, plain, j, s)
            if partner is not None:
                reason = f"it can be computed from '{source}', which is not accepted either, and '{names[partner]}'"
                findings[name].append(Finding("confirm", reason))
                break
    for name, column in features.items():
        if findings[name] or column.tokens is not None or not 2 <= column.distinct <= 20:
            continue
        for source in sorted(sources):
            given_away = any(f.strong for f in findings[source])
            if given_away and determined(column.codes, numbers[source], column.missing):
                findings[name].append(Finding("confirm", f"each value of '{source}', which is not accepted, fixes it"))
                break


def _quiet(findings: Sequence[Finding]) -> bool:
    """Whether a column is left out for holding nothing, rather than for giving something away."""
    return bool(findings) and all("nothing to learn" in f.reason or "accounts" in f.reason for f in findings)


def _partner(values: Sequence[Floats], plain: Floats, target: int, source: int) -> int | None:
    """Find a third column that together with `source` explains `target`, but does not do so alone."""
    r, rs = plain[target], plain[source]
    free = 1.0 - rs**2
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (r**2 + r[source] ** 2 - 2 * r * r[source] * rs) / free
    likely = (share > 0.95) & (free > 0.01)
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

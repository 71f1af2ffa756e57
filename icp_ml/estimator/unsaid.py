"""What tables say of values that the customers cannot teach: missing by accident, or never seen."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from icp_ml.estimator.encoding import RARE, UNSEEN
from icp_ml.estimator.scorecard import ScoringTables


def hold_missing(tables: ScoringTables, held: AbstractSet[str]) -> ScoringTables:
    """Zero the missing code of fields whose missingness predicts: it is an artefact of how data were collected.

    So too of every token set: that a set is not known is one thing, and would be said once per token.
    The average customer, whom the calibration got right, keeps its log-odds.
    """
    if not held:
        return tables
    values, variances = [], []
    for term, value, variance, n in zip(tables.terms, tables.values, tables.variances, tables.customers, strict=True):
        if term.field in held:
            known = n.copy()
            known[0] = 0.0
            shift = float(value @ known / known.sum()) if known.sum() else 0.0
            value, variance = value - shift, variance.copy()
            value[0] = variance[0] = 0.0
        values.append(value)
        variances.append(variance)
    return replace(tables, values=tuple(values), variances=tuple(variances))


def read_as_rare(tables: ScoringTables) -> ScoringTables:
    """Give categories no customer has what rare ones say, where customers have some: they are alike in being rare."""
    values, variances = [], []
    for term, value, variance, n in zip(tables.terms, tables.values, tables.variances, tables.customers, strict=True):
        if term.encoding.kind == "category" and n[UNSEEN] == 0 and n[RARE] > 0:
            value, variance = value.copy(), variance.copy()
            value[UNSEEN], variance[UNSEEN] = value[RARE], variance[RARE]
        values.append(value)
        variances.append(variance)
    return replace(tables, values=tuple(values), variances=tuple(variances))

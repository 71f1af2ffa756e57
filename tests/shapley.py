"""Shapley values from their definition, on the product of the customers' marginals."""

from __future__ import annotations

from itertools import combinations, product
from math import factorial

import numpy as np

from icp_ml.estimator.scorecard import ScoringTables


def shapley_by_hand(tables: ScoringTables, codes: np.ndarray) -> np.ndarray:
    """Return interventional Shapley values of the log-odds, shape (rows, terms), from all coalitions."""
    shares = [n / n.sum() for n in tables.customers]
    shown = [np.flatnonzero(share) for share in shares]
    cells = np.array(list(product(*shown)), dtype=np.uint16)
    weight = np.prod([share[cells[:, j]] for j, share in enumerate(shares)], axis=0)
    terms = range(len(shares))

    def worth(row: np.ndarray, known: tuple[int, ...]) -> float:
        asked = cells.copy()
        asked[:, known] = row[list(known)]
        return float(weight @ tables.log_odds(asked))

    out = np.zeros(codes.shape)
    for i, row in enumerate(codes):
        value = {s: worth(row, s) for size in range(len(shares) + 1) for s in combinations(terms, size)}
        for j in terms:
            for s in value:
                if j not in s:
                    share = factorial(len(s)) * factorial(len(shares) - len(s) - 1) / factorial(len(shares))
                    out[i, j] += share * (value[tuple(sorted((*s, j)))] - value[s])
    return out

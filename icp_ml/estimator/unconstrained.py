"""LightGBM that may combine fields, with the additive model's care: what being readable costs is measured against it.

Same codes, same cross-fitted category rates, cross-validated rounds, bags. It serves evaluation and is never saved.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from icp_ml.estimator.boosting import (
    BoostingParams,
    booster_log_odds,
    cross_validate,
    draw_bag,
    train_booster,
)
from icp_ml.estimator.encoding import MISSING, Codes, FloatArray, Term
from icp_ml.estimator.rows import TrainingRows, not_drawn, take

LEAVES = 6
LEARNING_RATE = 0.06  # trees of several fields learn faster
FOLDS = 3
BAGS = 6


def fit_unconstrained(
    rows: TrainingRows,
    held: Codes,
    terms: Sequence[Term],
    params: BoostingParams,
    seed: int,
    neutral: Collection[str] = (),
) -> tuple[FloatArray, FloatArray]:
    """Return raw log-odds of held-out customers, and of the training customers by bags that did not draw them.

    Parameters
    ----------
    rows : TrainingRows
        In canonical order; both labels must be among the rows that train.
    held : ndarray of shape (m, terms)
    terms : sequence of Term
    params : BoostingParams
        The additive model's; leaves, learning rate, folds and bags are its own.
    seed : int
    neutral : collection of str
        Fields of which a missing value says nothing in the additive model; here it reads as the commonest one.
    """
    params = replace(
        params, additive=False, num_leaves=LEAVES, learning_rate=max(LEARNING_RATE, 0.6 * params.learning_rate),
        folds=min(FOLDS, params.folds), bags=BAGS,
    )  # fmt: skip
    usual = _usual_codes(rows.codes, terms, neutral)
    rows, held = replace(rows, codes=_filled(rows.codes, usual)), _filled(held, usual)
    rounds, out_of_fold = cross_validate(rows, terms, params, seed, 1)
    trained = take(rows, rows.trains)
    mean, total, count = np.zeros(len(held)), np.zeros(len(rows.y)), np.zeros(len(rows.y))
    for b in range(params.bags):
        number = seed + 1000 * (b + 1)
        chosen = draw_bag(trained, number)
        bag = take(trained, chosen)
        booster, statistics = train_booster(bag, terms, params, number, rounds)
        mean += booster_log_odds(booster, held, terms, statistics) / params.bags
        unseen = not_drawn(rows, np.bincount(chosen, minlength=len(trained.y)))
        total[unseen] += booster_log_odds(booster, rows.codes[unseen], terms, statistics)
        count += unseen
    return mean, np.where(count > 0, total / np.maximum(count, 1.0), out_of_fold)


def _usual_codes(codes: Codes, terms: Sequence[Term], neutral: Collection[str]) -> dict[int, int]:
    """Return, for the terms of neutral fields, the middle code of a number and the commonest of anything else."""
    out = {}
    for j, term in enumerate(terms):
        known = codes[codes[:, j] != MISSING, j]
        if term.field in neutral and len(known):
            ordered = term.encoding.kind == "numeric"
            out[j] = int(np.sort(known)[len(known) // 2] if ordered else np.argmax(np.bincount(known)))
    return out


def _filled(codes: Codes, usual: dict[int, int]) -> Codes:
    codes = codes.copy()
    for j, code in usual.items():
        codes[codes[:, j] == MISSING, j] = code
    return codes

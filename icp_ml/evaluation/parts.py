"""From the model trained on ever larger parts of each fold to the learning curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from icp_ml.estimator.encoding import FloatArray
from icp_ml.evaluation.learning import LearningCurve, LearningPoint, fit_power_law
from icp_ml.evaluation.metrics import Judged, Predictions, interval, resampled_metrics
from icp_ml.evaluation.splits import SplitScores


def judge_parts(scores: Sequence[SplitScores], judged: Judged, resamples: int, seed: int) -> LearningCurve | None:
    """Return the learning curve of the first repeat.

    Parameters
    ----------
    scores : sequence of SplitScores
        The folds of the first repeat, with parts; none where there were too few customers.
    judged : Judged
    resamples, seed : int
    """
    if not scores:
        return None
    n, fold = len(judged.best), judged.fold[0]
    judged = replace(judged, fold=judged.fold[:1], grade=None)
    number = len(scores[0].parts)
    predictions = {}
    for k in range(number):
        score, log_odds_worst = np.zeros((1, n)), np.zeros((1, n))
        for split in scores:
            score[0, split.held] = split.parts[k].score
            log_odds_worst[0, split.held] = split.parts[k].log_odds_worst
        predictions[str(k)] = Predictions(score, score, log_odds_worst)
    drawn = resampled_metrics(predictions, judged, resamples, seed)
    auc = np.column_stack([drawn[str(k)]["auc"] for k in range(number)])
    loss = np.column_stack([drawn[str(k)]["log_loss"] for k in range(number)])
    trained = np.array([[(p.customers, p.best, p.worst) for p in split.parts] for split in scores]).mean(axis=0)
    size = trained[:, 0] / trained[-1, 0]
    points = tuple(
        LearningPoint(float(size[k]), customers, best, worst, interval(auc[:, k]), interval(loss[:, k]))
        for k, (customers, best, worst) in enumerate(trained.tolist())
    )
    by_fold = [_of_fold(predictions, judged, fold == k) for k in np.unique(fold)]
    auc_by_fold, loss_by_fold = (np.array([part[i] for part in by_fold]) for i in (0, 1))
    at = n / float(trained[-1, 0])
    law = fit_power_law(size, auc, auc_by_fold[np.isfinite(auc_by_fold).all(axis=1)], at, 1.0)
    losses = fit_power_law(size, -loss, -loss_by_fold, at, 0.0)
    return LearningCurve(points, n, law.gain, losses.gain, law.headroom, law.exponent)


def _of_fold(
    predictions: dict[str, Predictions], judged: Judged, here: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> tuple[list[float], list[float]]:
    """Return AUC and log-loss at each size among one fold's customers."""
    part = Judged(judged.best[here], judged.worst[here], judged.fold[:, here], judged.group[here])
    one: FloatArray = np.ones(0)
    aucs, losses = [], []
    for found in predictions.values():
        assert found.log_odds_worst is not None
        some = Predictions(found.score[:, here], None, None)
        aucs.append(float(resampled_metrics({"": some}, part, 1, 0)[""]["auc"][0]))
        one = np.logaddexp(0.0, np.where(part.best, -1.0, 1.0) * found.log_odds_worst[0, here])
        losses.append(float(one[part.best | part.worst].mean()))
    return aucs, losses

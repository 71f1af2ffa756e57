"""How much more grades say of a planted trait than labels do: here, and in the sample generator's histories.

    python experiments/trait_recovery/grades.py

Per world the mean z of its traits, all other planted effects known: the oracle's (best against worst), and that of a
least-squares regression of the grades' ranks, within best, middle and worst. 1,500 customers, ten worlds of each kind.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from oracle import design, oracle_z
from scipy.stats import rankdata
from worlds import Floats, make

from icp_ml import OutcomeDefinition
from icp_ml.datasets import PlantedTrait, make_world

CUSTOMERS, WORLDS = 1500, 10


def graded_z(seen: pd.DataFrame, traits: tuple[PlantedTrait, ...], grade: Floats) -> list[float]:
    """Return per trait the z of its effect on the grade."""
    X = design(seen, traits)
    out = []
    for k, trait in enumerate(traits, start=1):
        others = np.delete(X, k, axis=1)
        x, g = (v - others @ np.linalg.lstsq(others, v, rcond=None)[0] for v in (X[:, k], grade))
        out.append(float(np.sign(trait.effect) * (x @ g) / np.sqrt((x @ x) * g.var())))
    return out


def both(seen: pd.DataFrame, traits: tuple[PlantedTrait, ...], status: np.ndarray, grade: Floats) -> tuple[float, ...]:
    """Return the mean z by labels and by grades, worst below middle below best."""
    level = np.select([status == "best", status == "worst"], [2.0, 0.0], 1.0)
    for which in (0.0, 1.0, 2.0):
        known = (level == which) & np.isfinite(grade)
        level[known] += (rankdata(grade[known]) - 0.5) / known.sum() - 0.5
    ends = status != "middle"
    labels = oracle_z(seen[ends].reset_index(drop=True), traits, (status[ends] == "best").astype(np.float64))
    return float(np.mean(labels)), float(np.mean(graded_z(seen, traits, rankdata(level) / len(level))))


def main() -> None:
    """Print both ratios."""
    here, sample = [], []
    for index in range(WORLDS):
        world = make(index, CUSTOMERS)
        here.append(both(world.seen, world.planted.traits, world.status, world.grade))
        made = make_world(CUSTOMERS, 50, seed=index)
        labels = OutcomeDefinition().label(made.customers, made.as_of)
        mature = np.flatnonzero(labels.is_mature)
        status = labels.status.to_numpy(dtype=object)[mature].astype(str)
        grade = np.asarray(labels.grade, dtype=np.float64)[mature]
        sample.append(both(made.customers.iloc[mature].reset_index(drop=True), made.truth.traits, status, grade))
    for name, rows in (("these worlds", here), ("sample's generator", sample)):
        by_labels, by_grades = np.mean(rows, axis=0)
        print(f"{name}: z {by_labels:.2f} by labels, {by_grades:.2f} by grades, {by_grades / by_labels:.2f} times")


if __name__ == "__main__":
    main()

"""Planted worlds with one or two ideal customer profiles: customers to train on, and far more of them to judge by.

All customers of a world are drawn and labelled together, as `icp-ml train` labels them; the first so many in an order
drawn by the seed are trained on and the others are held out, so that a difference of AUC of 0.01 can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml import OutcomeDefinition, Settings, read_accounts
from icp_ml.accounts.quality import judge_columns
from icp_ml.datasets import make_world
from icp_ml.estimator.fitting import FittedTables, fit_tables
from icp_ml.training_data import TrainingData, prepare

CUSTOMERS = 3000  # mature ones trained on
HELD_OUT = 9000
DRAWN = 14_500  # a few are too young to be judged
KINDS = ("one", "two")


@dataclass(frozen=True)
class PlantedCustomers:
    """A world's mature customers, those trained on first, and the employees each truly has."""

    data: TrainingData
    train: npt.NDArray[np.int64]
    held: npt.NDArray[np.int64]

    def part(self, rows: npt.NDArray[np.int64]) -> dict[str, pa.Array]:
        """Return the columns of some rows."""
        return {name: array.take(pa.array(rows)) for name, array in self.data.columns.items()}

    def fit(self, seed: int, **params: object) -> FittedTables:
        """Fit the model to the customers trained on."""
        data, rows = self.data, self.train
        return fit_tables(
            self.part(rows), data.specs, data.best[rows], groups=data.groups[rows], trains=data.judged[rows],
            grade=data.grade[rows], params=replace(data.params, **params), as_of=data.as_of, seed=seed, n_jobs=1,
        )  # fmt: skip


def planted(kind: str, seed: int, customers: int = CUSTOMERS) -> PlantedCustomers:
    """Return a world's customers; `kind` is "one" or "two"."""
    world = make_world(DRAWN, 50, seed=seed, two_icps=kind == "two")
    settings = Settings.build({"as_of": world.as_of.isoformat(), "random_state": seed})
    traps = [trap.field for trap in world.truth.traps]
    frame = world.customers.drop(columns=[name for name in traps if name in world.customers.columns])
    accounts = read_accounts(frame, settings)
    labels = OutcomeDefinition.from_settings(settings.outcomes).label(accounts.frame, settings.as_of)
    report = judge_columns(accounts.table, accounts.fields, labels.status, settings=settings, as_of=settings.as_of)
    data = prepare(accounts, labels, report, settings, settings.as_of)
    order = np.random.default_rng([seed, 3]).permutation(len(data.status)).astype(np.int64)
    return PlantedCustomers(data, np.sort(order[:customers]), np.sort(order[customers : customers + HELD_OUT]))

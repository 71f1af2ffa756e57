"""Compare calibrating on out-of-bag log-odds with calibrating on the folds': python experiments/calibration/run.py"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from icp_ml import OutcomeDefinition, Settings, read_accounts
from icp_ml.accounts.matching import group_accounts
from icp_ml.accounts.quality import judge_columns
from icp_ml.datasets import make_world
from icp_ml.estimator import mix
from icp_ml.estimator.boosting import AdditiveFit, fit_additive
from icp_ml.evaluation import evaluate
from icp_ml.training_data import field_specs

HERE = Path(__file__).parent
MARKS = ("<!-- figures -->", "<!-- /figures -->")
METRICS = ("calibration_slope", "log_loss_all", "excess_error", "auc")


def by_fold(*args: Any, **kwargs: Any) -> AdditiveFit:
    """Return the fit with the folds' log-odds where calibration looks for the bags'."""
    fitted = fit_additive(*args, **kwargs)
    return replace(fitted, out_of_bag=fitted.out_of_fold)


def world(customers: int, seed: int) -> dict[str, Any]:
    """Return what `evaluate` needs of a synthetic world."""
    made = make_world(customers, 100, seed=seed)
    accounts = read_accounts(made.customers, Settings(as_of=made.as_of))
    labels = OutcomeDefinition().label(accounts.frame, made.as_of)
    market = read_accounts(made.market, like=accounts)
    report = judge_columns(accounts.table, accounts.fields, labels.status, market=market.table, as_of=made.as_of)
    mature = np.flatnonzero(labels.is_mature)
    table = accounts.table.take(pa.array(mature))
    columns = {name: table.column(name).combine_chunks() for name in report.accepted}
    status = labels.status.to_numpy(dtype=object)[mature].astype(str)
    specs, groups = field_specs(accounts, report, made.as_of), group_accounts(table)
    return {"columns": columns, "specs": specs, "status": status, "groups": groups, "as_of": made.as_of}


def main() -> None:
    """Measure four worlds of each size, write result.json and the README's table."""
    rows = []
    for customers in (400, 1200):
        worlds = [world(customers, seed) for seed in (1, 2, 3, 4)]
        for name, fit in (("folds", by_fold), ("bags", fit_additive)):
            mix.fit_additive = fit
            found = [evaluate(**w, folds=5, repeats=1, resamples=50, n_jobs=2) for w in worlds]
            means = {m: round(float(np.mean([e.metric(m).value for e in found])), 4) for m in METRICS}
            rows.append({"customers": customers, "calibrated on": name, **means})
    (HERE / "result.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    table = ["| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
    table += ["| " + " | ".join(map(str, row.values())) + " |" for row in rows]
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    shown = "\n".join((MARKS[0], *table, MARKS[1]))
    readme.write_text(text.split(MARKS[0])[0] + shown + text.split(MARKS[1])[1], encoding="utf-8")
    print(shown)


if __name__ == "__main__":
    main()

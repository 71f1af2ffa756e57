"""Regions of the market that no customer comes from: how much of each is flagged, and how much of the rest.

    python experiments/support/run.py [--seeds 3]

Each world is `make_world(1200, 8000)`. For a region, all customers in it are taken away, the tables are fitted to the
others, and the market is judged. A region's accounts are those of which the fields that define it are known. Three
rules are compared, each set by customers alone: the library's gaps; novelty, the rule before (a weighted share of odd
values); and the distance to the nearest customer over bins weighted by term range. Writes result.json and the table in
README.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from icp_ml import Settings, read_accounts
from icp_ml.accounts.quality import judge_columns
from icp_ml.datasets.companies import World, make_world
from icp_ml.estimator.encoding import MISSING, Codes, FloatArray
from icp_ml.estimator.fitting import fit_tables
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.outcomes import OutcomeDefinition
from icp_ml.scoring.gaps import fit_gaps
from icp_ml.scoring.lookalikes import Support
from icp_ml.training_data import prepare

HERE = Path(__file__).parent
MARKS = ("<!-- figures -->", "<!-- /figures -->")
AS_OF = date(2026, 10, 1)
LEVEL = 0.98  # of customers stay inside by the two rules that have one threshold
SAMPLE = 1500  # accounts of the market whose distance is measured, of the region and of the rest
Where = Mapping[str, tuple[float, float] | list[str]]
Flags = npt.NDArray[np.bool_]

INF = float("inf")
REGIONS: Mapping[str, Where] = {
    "over 1,000 employees": {"employees": (1001, INF)},
    "up to 30 employees": {"employees": (0, 30)},
    "manufacturing": {"industry": ["manufacturing"]},
    "healthcare": {"industry": ["healthcare"]},
    "Germany": {"country": ["DE"]},
    "Britain": {"country": ["GB"]},
    "manufacturing in the US": {"industry": ["manufacturing"], "country": ["US"]},
    "software of 101 to 500 employees": {"industry": ["software"], "employees": (101, 500)},
    "over 300 employees in the US": {"country": ["US"], "employees": (301, INF)},
    "201 to 500 employees (amid customers)": {"employees": (201, 500)},
}
NOT_REACHED = "201 to 500 employees (amid customers)"


def holds(frame: pd.DataFrame, region: Where) -> Flags:
    """Return which rows are known to lie in a region."""
    inside = np.ones(len(frame), dtype=bool)
    for field, wanted in region.items():
        if isinstance(wanted, list):
            inside &= frame[field].isin(wanted).to_numpy()
        else:
            inside &= frame[field].astype("float64").between(*wanted).to_numpy()
    return inside


def fitted(world: World, customers: pd.DataFrame) -> tuple[ScoringTables, Codes, Codes]:
    """Return tables of these customers, their codes and the market's."""
    settings = Settings.build({"as_of": AS_OF.isoformat()})
    accounts = read_accounts(customers, settings)
    market = read_accounts(world.market, settings, like=accounts)
    labels = OutcomeDefinition.from_settings(settings.outcomes).label(accounts.frame, AS_OF)
    report = judge_columns(
        accounts.table, accounts.fields, labels.status, market=market.table, settings=settings, as_of=AS_OF
    )
    data = prepare(accounts, labels, report, settings, AS_OF)
    tables = fit_tables(
        data.columns, data.specs, data.best, trains=data.judged, grade=data.grade, groups=data.groups, as_of=AS_OF,
        params=data.params, n_jobs=1,
    ).tables  # fmt: skip
    listed = {name: market.table.column(name).combine_chunks() for name in market.table.column_names}
    return tables, tables.encode(data.columns, len(data.status), AS_OF), tables.encode(listed, len(world.market), AS_OF)


def by_novelty(tables: ScoringTables, customers: Codes, market: Codes) -> Flags:
    """Flag by the rule before: each customer is judged without itself."""
    without = replace(tables, customers=tuple(np.maximum(n - 1.0, 0.0) for n in tables.customers))
    limit = np.quantile(Support(without, INF).novelty(customers), LEVEL, method="higher")
    return np.asarray(Support(tables, INF).novelty(market) > limit)


def by_distance(tables: ScoringTables, customers: Codes, market: Codes) -> Flags:
    """Flag by the distance to the nearest customer; unknown is half-way from everything."""
    limit = np.quantile(_nearest(tables, customers, customers, itself=True), LEVEL, method="higher")
    return np.asarray(_nearest(tables, customers, market) > limit)


def _nearest(tables: ScoringTables, customers: Codes, codes: Codes, *, itself: bool = False) -> FloatArray:
    far = np.zeros((len(codes), len(customers)))
    for j in np.argsort(-tables.ranges, kind="stable")[:24].tolist():
        a, b = codes[:, j][:, None].astype(float), customers[:, j][None, :].astype(float)
        if tables.terms[j].encoding.kind == "numeric":
            apart = np.abs(a - b) / (tables.terms[j].size - 2)
        else:
            apart = (a != b).astype(float)
        far += tables.ranges[j] * np.where((a == MISSING) | (b == MISSING), 0.5, apart)
    if itself:
        np.fill_diagonal(far, INF)
    nearest: FloatArray = far.min(axis=1)
    return nearest


def measure(seed: int, name: str) -> dict[str, Any]:
    """Take a region's customers away and judge the market."""
    world = make_world(1200, 8000, seed=seed)
    region = REGIONS[name]
    customers = world.customers[~holds(world.customers, region)].reset_index(drop=True)
    tables, codes, market = fitted(world, customers)
    inside = holds(world.market, region)
    kinds = fit_gaps(tables, codes).kinds(market)
    some = np.sort(np.concatenate([np.flatnonzero(which)[:SAMPLE] for which in (inside, ~inside)]))
    flags = {
        "gaps": (kinds != 0, inside),
        "novelty": (by_novelty(tables, codes, market), inside),
        "distance": (by_distance(tables, codes, market[some]), inside[some]),
    }
    return {
        "seed": seed,
        "region": name,
        "customers_taken_away": len(world.customers) - len(customers),
        "accounts": int(inside.sum()),
        **{f"{rule}_region": float(flag[there].mean()) for rule, (flag, there) in flags.items()},
        **{f"{rule}_rest": float(flag[~there].mean()) for rule, (flag, there) in flags.items()},
    }


def show(rows: pd.DataFrame) -> str:
    """Return the table of the README."""
    lines = [
        "| region without customers | its accounts | gaps: flagged of it (of the rest) | novelty | distance |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in REGIONS:
        some = rows[rows["region"] == name]
        cells = [
            f"{some[f'{rule}_region'].mean():.1%} ({some[f'{rule}_rest'].mean():.1%})"
            for rule in ("gaps", "novelty", "distance")
        ]
        lines.append(f"| {name} | {some['accounts'].mean():,.0f} | {' | '.join(cells)} |")
    wanted = rows[rows["region"] != NOT_REACHED]
    lines += [
        "",
        f"Single runs, without the last region: gaps flag at least {wanted['gaps_region'].min():.1%} of a region and "
        f"at most {wanted['gaps_rest'].max():.1%} of the rest (wanted: 90% and 10%).",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, write result.json, put the table into README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    rows = [measure(seed, name) for seed in range(args.seeds) for name in REGIONS]
    (HERE / "result.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    table = show(pd.DataFrame(rows))
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(
        f"{text.split(MARKS[0])[0]}{MARKS[0]}\n{table}\n{MARKS[1]}{text.split(MARKS[1])[1]}", encoding="utf-8"
    )
    print(table)


if __name__ == "__main__":
    main()

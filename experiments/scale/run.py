"""Measure what a core scores on Spark, beside the same work without Spark, in seconds of processor time.

    python experiments/scale/run.py [--accounts 500000] [--bench ../shared/bench] [--model DIR]

Processor seconds, summed over all processes, hardly change where other programs share the machine; wall seconds do.
Writes result.json beside this file and the figures into README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from icp_ml import ICPModel, score_spark
from icp_ml.engines.partitions import PartitionScorer, ShippedModel

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MARKS = ("<!-- figures -->", "<!-- /figures -->")
TICKS = os.sysconf("SC_CLK_TCK")
WARM = 20_000  # accounts scored before a measurement, so that start-up is not in it


def family(root: int) -> dict[int, float]:
    """User and system seconds of a process and those that it started, with those of them that ended, from /proc."""
    stats = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            stats[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS)
    members, found = {root}, 0
    while len(members) != found:
        found = len(members)
        members |= {pid for pid, (parent, _) in stats.items() if parent in members}
    return {pid: stats[pid][1] for pid in members}


def processor_seconds() -> float:
    """Of this process, Spark's Java and all workers."""
    return sum(family(os.getpid()).values())


def worker_megabytes() -> int:
    """Most memory that one of Spark's Python workers held at once."""
    peaks = [0]
    for pid in family(os.getpid()):
        if b"pyspark.daemon" in Path(f"/proc/{pid}/cmdline").read_bytes():
            status = Path(f"/proc/{pid}/status").read_text()
            peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks) // 1024


def alone(model: ICPModel, market: Path, lookalikes: int) -> dict[str, float]:
    """Score Parquet batches of Spark's size in this process, on one core."""
    file = pq.ParquetFile(market)
    headers = tuple(file.schema_arrow.names)
    work = PartitionScorer(ShippedModel.of(model), headers, headers, {}, {}, 5, lookalikes)
    for measured in (False, True):
        cpu = time.process_time()
        rows = size = 0
        for batch in work(file.iter_batches(10_000)):
            rows += batch.num_rows
            size += batch.nbytes
            if not measured and rows >= WARM:
                break
        cpu = time.process_time() - cpu
    return {
        "processor_seconds": round(cpu, 1),
        "accounts_per_core_second": round(rows / cpu),
        "row_bytes": round(size / rows),
    }


def on_spark(spark: Any, model: ICPModel, market: Path, rows: int, lookalikes: int, ranks: bool) -> dict[str, float]:
    """Score with Spark, the result computed and thrown away: what reading, moving and scoring cost."""
    frame = spark.read.parquet(str(market))
    score_spark(model, frame.sample(0.1, seed=0), lookalikes=lookalikes).write.format("noop").mode("overwrite").save()
    before, start = processor_seconds(), time.perf_counter()
    score_spark(model, frame, reasons=5, lookalikes=lookalikes, ranks=ranks).write.format("noop").mode(
        "overwrite"
    ).save()
    wall, cpu = time.perf_counter() - start, processor_seconds() - before
    return {
        "wall_seconds": round(wall, 1),
        "processor_seconds": round(cpu, 1),
        "accounts_per_core_second": round(rows / cpu),
    }


def session(folder: Path) -> Any:
    """Two cores of this machine."""
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    settings = {
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.memory": "2g",
        "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.local.dir": str(folder),
        "spark.driver.extraJavaOptions": f"-Djava.io.tmpdir={folder}", "spark.sql.shuffle.partitions": "8",
    }  # fmt: skip
    builder = SparkSession.builder.master("local[2]").appName("icp_ml scale")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def measure(bench: Path, accounts: int, folder: Path, model_dir: Path | None) -> dict[str, Any]:
    """Run everything once on a fresh workload."""
    make = [sys.executable, str(bench / "make_workload.py"), str(folder), "--accounts", str(accounts)]
    subprocess.run(make, cwd=folder, check=True, capture_output=True)
    if model_dir is None:
        model_dir = folder / "model"
        (folder / "icp.yaml").write_text("tracking: {enabled: false}\n", encoding="utf-8")
        train = ["train", "customers.csv", "--settings", "icp.yaml", "--out", str(model_dir)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "icp_ml.cli", *train]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    model, market = ICPModel.load(model_dir), folder / "market.parquet"
    shipped = ShippedModel.of(model)
    result: dict[str, Any] = {
        "accounts": accounts,
        "fields": len(model.fields),
        "model_megabytes": round(sum(map(len, shipped.files.values())) / 1e6, 1),
        "rows": {},
    }
    for lookalikes in (0, 3):
        result["rows"][f"the kernel alone, {lookalikes} lookalikes"] = alone(model, market, lookalikes)
    result["row_bytes"] = result["rows"]["the kernel alone, 3 lookalikes"]["row_bytes"]
    spark = session(folder)
    try:
        for lookalikes, ranks in ((0, False), (3, False), (3, True)):
            name = f"Spark, {lookalikes} lookalikes" + (", ranks" if ranks else "")
            result["rows"][name] = on_spark(spark, model, market, accounts, lookalikes, ranks)
        result["worker_megabytes"] = worker_megabytes()
    finally:
        spark.stop()
    return result


def show(result: dict[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = ["| what | wall s | processor s | accounts per core and second |", "| --- | --- | --- | --- |"]
    for name, row in result["rows"].items():
        cells = (row.get("wall_seconds", ""), row["processor_seconds"], f"{row['accounts_per_core_second']:,}")
        lines.append(f"| {name} | {' | '.join(map(str, cells))} |")
    lines += [
        "",
        f"{result['accounts']:,} accounts, {result['fields']} fields in the model,",
        f"which is {result['model_megabytes']} MB on its way to a worker;",
        f"a Python worker held at most {result['worker_megabytes']} MB, and a scored row takes",
        f"{result['row_bytes']} bytes in Arrow.",
        f"Measured {result['date']}, Python {result['python']}, {result['versions']};",
        f"load of the {result['cores']}-core machine when it began: {result['load']}.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, write result.json, put the figures into README.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=500_000)
    default = Path(os.environ.get("ICP_ML_SHARED", ROOT.parent / "shared")) / "bench"
    parser.add_argument("--bench", type=Path, default=default)
    parser.add_argument("--model", type=Path, help="a model trained before on the same customers")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        result = measure(args.bench.resolve(), args.accounts, Path(folder), args.model)
    result |= {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": load,
        "versions": ", ".join(f"{name} {version(name)}" for name in ("numpy", "pyarrow", "pyspark")),
    }
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    readme.write_text(f"{before}{MARKS[0]}\n{show(result)}\n{MARKS[1]}{after}", encoding="utf-8")
    print(show(result))


if __name__ == "__main__":
    main()

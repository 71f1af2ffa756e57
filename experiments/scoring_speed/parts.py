"""Say where the processor time of scoring goes, in microseconds per account and part.

    python experiments/scoring_speed/parts.py MODEL LIST [--jobs 2] [--lookalikes 0]

Each part's is the time of the threads that ran it; reading has threads of its own and is what is left of the process's.
"""

from __future__ import annotations

import argparse
import functools
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from icp_ml import ICPModel
from icp_ml.accounts.listing import ListNormaliser
from icp_ml.engines import files, rank_runs, spool
from icp_ml.engines.files import ScoreRequest, score_file
from icp_ml.scoring import kernel, look_up, row_codes

PARTS: list[tuple[Any, str, str]] = [
    (ListNormaliser, "normalise", "normalising"),
    (row_codes.Layout, "encode", "encoding"),
    (look_up.LookUp, "in_loops", "looking up: log-odds, errors, the largest five, support"),
    (kernel, "reason_columns", "sentences"),
    (kernel.Scorer, "_lookalike_columns", "lookalikes"),
    (kernel.Scorer, "score", "other columns of a score"),
    (spool.Spool, "write", "encoding Parquet, by the workers"),
    (rank_runs.RankRuns, "add", "sorting, by the workers"),
    (rank_runs.RankRuns, "merge", "ranking, at the end"),
    (files, "write_scored", "putting the file together, at the end"),
]


def counted(function: Callable[..., Any], name: str, seconds: Counter[str], inside: list[str]) -> Callable[..., Any]:
    """Return a function that adds its own thread's time to a part; parts within `score` are not counted twice."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        start = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent = time.thread_time() - start
            seconds[name] += spent
            if name in inside:
                seconds["other columns of a score"] -= spent

    return run


def main() -> None:
    """Score once to have everything compiled and once to measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("list", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--lookalikes", type=int, default=0)
    args = parser.parse_args()
    model = ICPModel.load(args.model)
    seconds: Counter[str] = Counter()
    names = [name for _, _, name in PARTS]
    for owner, attribute, name in PARTS:
        setattr(owner, attribute, counted(getattr(owner, attribute), name, seconds, names[1:5]))
    with tempfile.TemporaryDirectory() as folder:
        request = ScoreRequest(
            args.list, Path(folder) / "scored.parquet", reasons=5, lookalikes=args.lookalikes, jobs=args.jobs
        )
        for _ in range(2):
            seconds.clear()
            wall, processor = time.perf_counter(), time.process_time()
            rows = score_file(model, request).rows
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{rows:,} accounts: {wall:.2f} s, {processor:.2f} s of processor time")
    for name in names:
        print(f"{1e6 * seconds[name] / rows:6.2f}  {name}")
    print(f"{1e6 * (processor - sum(seconds.values())) / rows:6.2f}  reading the file, and the rest")


if __name__ == "__main__":
    main()

"""Measure where the time of scoring a list goes: per stage and per field, processor time per account.

    python experiments/scoring_speed/stages.py MODEL LIST [--chunks 8] [--rounds 5] [--lookalikes 0] [--one]

Processor time, so that other work on the machine counts little; medians over rounds. `--one` measures the call that
scores a DataFrame of one account instead.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from icp_ml import ICPModel
from icp_ml.accounts import listing
from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.formats.rows import Chunk
from icp_ml.scoring import row_codes

Spent = dict[str, float]


@contextmanager
def watched(module: ModuleType | type, function: str, name: Callable[..., str], spent: Spent) -> Iterator[None]:
    """Add up the processor time of a module's function under what `name` makes of its arguments."""
    whole = getattr(module, function)

    def timed(*arguments: Any, **options: Any) -> Any:
        start = time.process_time()
        try:
            return whole(*arguments, **options)
        finally:
            spent[name(*arguments)] += time.process_time() - start

    setattr(module, function, timed)
    try:
        yield
    finally:
        setattr(module, function, whole)


def once(model: ICPModel, source: str, chunks: int, lookalikes: int) -> tuple[Spent, int]:
    """Read, normalise, encode and score the first chunks; return seconds per stage and the rows."""
    spent: Spent = defaultdict(float)
    start = time.process_time()
    reader = open_table(source)
    normaliser = model.normaliser(list(reader.columns), {}, reader)
    held: list[Chunk] = list(islice(reader.batches(columns=list(normaliser.columns)), chunks))
    spent["read"] = time.process_time() - start
    scorer = model.scorer(lookalikes=lookalikes)
    of_column = watched(listing, "normalise_column", lambda _, field, *rest: f"normalise: {field.name}", spent)
    with of_column:
        for chunk in held:
            start = time.process_time()
            columns = normaliser.normalise(chunk.batch, first_row=chunk.first_row)
            spent["normalise"] += time.process_time() - start
    whole = watched(row_codes.Layout, "encode", lambda *rest: "encode", spent)
    of_field = watched(row_codes, "field_codes", lambda enc, *rest: f"encode: {enc.field}", spent)
    of_tokens = watched(row_codes, "token_places", lambda enc, *rest: f"encode, distinct tokens: {enc.field}", spent)
    with whole, of_field, of_tokens:
        for chunk in held:
            columns = normaliser.normalise(chunk.batch, first_row=chunk.first_row)
            start = time.process_time()
            scorer.score(columns, chunk.batch.num_rows)
            spent["encode and score"] += time.process_time() - start
    return spent, sum(chunk.batch.num_rows for chunk in held)


def one_account(model: ICPModel, source: str, rounds: int) -> None:
    """Print the milliseconds that a DataFrame of one account takes, once the model is loaded."""
    batch: pa.RecordBatch = next(iter(open_table(source).batches())).batch
    times: list[tuple[float, float]] = []
    for k in range(20 * rounds + 5):
        frame = batch.slice(k, 1).to_pandas()
        wall, processor = time.perf_counter(), time.process_time()
        model.score(frame)
        times.append((1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor)))
    for what, figures in zip(("wall", "processor"), zip(*times, strict=True), strict=True):
        later = sorted(figures[5:])
        middle, slow = statistics.median(later), later[-rounds]
        print(f"{what:9} first {figures[0]:.2f} ms, then median {middle:.2f}, 95 % under {slow:.2f}")


def main() -> None:
    """Print microseconds per account."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("list")
    parser.add_argument("--chunks", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lookalikes", type=int, default=0)
    parser.add_argument("--one", action="store_true")
    args = parser.parse_args()
    model = ICPModel.load(args.model)
    if args.one:
        one_account(model, args.list, args.rounds)
        return
    rounds = [once(model, args.list, args.chunks, args.lookalikes) for _ in range(args.rounds)]
    rows = rounds[0][1]
    print(f"{rows:,} accounts; microseconds of processor time per account, median of {args.rounds}")
    for stage in sorted(rounds[0][0], key=lambda name: (":" in name, name)):
        figure = statistics.median(spent[stage] for spent, _ in rounds) / rows * 1e6
        print(f"{'    ' if ':' in stage else ''}{stage:40} {figure:6.3f}")


if __name__ == "__main__":
    main()

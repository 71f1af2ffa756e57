"""What the scripts of this folder share: cells appended as they finish, intervals of means, tables in README.md."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import t as student

HERE = Path(__file__).parent
README = HERE / "README.md"
DRAWS = 2000


class Check(NamedTuple):
    """One line of the table of checks; `passed` is None where there is nothing to judge by yet."""

    name: str
    asked: str
    found: str
    passed: bool | None

    @property
    def verdict(self) -> str:
        return "not measured" if self.passed is None else ("reached" if self.passed else "**not reached**")


class Cells:
    """A file of one JSON object a line: what is there is not measured again, what is measured is there at once."""

    def __init__(self, path: Path, key: Sequence[str], budget_minutes: float) -> None:
        self.path, self.key = path, tuple(key)
        self.end = time.monotonic() + 60 * budget_minutes
        self.rows = {self._of(row): row for row in read_cells(path)}

    def _of(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[k] for k in self.key)

    def missing(self, wanted: Iterable[Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
        """Yield the keys that have no cell yet, until the time is up."""
        for key in wanted:
            if tuple(key) in self.rows:
                continue
            if time.monotonic() > self.end:
                print("the time is up; the next run goes on from here")
                return
            yield tuple(key)

    def add(self, row: Mapping[str, Any], *, quiet: bool = False) -> None:
        """Append a cell; floats to six digits."""
        cell = {k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()}
        self.rows[self._of(cell)] = cell
        with self.path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(cell) + "\n")
        if not quiet:
            print(json.dumps(cell), flush=True)


def read_cells(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a file; none where it is not there."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean and its 95 % t interval; NaN ends where there are fewer than two values."""
    x = np.asarray(values, dtype=np.float64)
    mean = float(x.mean()) if len(x) else float("nan")
    if len(x) < 2:
        return mean, float("nan"), float("nan")
    half = float(student.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return mean, mean - half, mean + half


def signed(value: Sequence[float], digits: int = 3) -> str:
    """Return "+0.012 (+0.003 to +0.021)"."""
    return f"{value[0]:+.{digits}f} ({value[1]:+.{digits}f} to {value[2]:+.{digits}f})"


def markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def put(name: str, text: str, page_path: Path = README) -> None:
    """Put a table between its markers in README.md, this folder's or another's."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = page_path.read_text(encoding="utf-8")
    before, rest = page.split(start)
    page_path.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")

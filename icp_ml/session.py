"""What every command shares: its options, its progress, the shape of its answer."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

from icp_ml.exceptions import InputError
from icp_ml.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """What a command has to say: for programs, for people, and its exit code."""

    data: Mapping[str, Any]
    view: RenderableType
    exit_code: int = 0
    text: str | None = None  # printed as it is in place of the view: what other programs read must not be wrapped


@dataclass(frozen=True)
class Context:
    """Options every command takes."""

    settings: Settings
    settings_given: bool
    as_of: date | None
    jobs: int
    quiet: bool
    settings_file: Path | None = None

    @classmethod
    def build(
        cls, settings: Path | None, as_of: str | None, jobs: int | None, seed: int | None, *, quiet: bool, debug: bool
    ) -> Context:
        """Read the settings file and put the command line's options over it."""
        if debug:
            logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
            logging.getLogger("matplotlib").setLevel(logging.INFO)
        found = Settings.load(settings) if settings else Settings()
        day = None
        if as_of is not None:
            try:
                day = date.fromisoformat(as_of)
            except ValueError as error:
                msg = f"--as-of {as_of!r}: not a date; write it as 2026-10-01"
                raise InputError(msg) from error
            found = found.override(as_of=as_of)
        if seed is not None:
            found = found.override(random_state=seed)
        return cls(found, settings is not None, day, jobs or os.cpu_count() or 1, quiet, settings)

    @contextmanager
    def progress(self, title: str) -> Iterator[Bar]:
        """Show progress on stderr, where it is a terminal and not to be quiet."""
        console = Console(stderr=True)
        if self.quiet or not console.is_terminal:
            yield Bar(_NoBar(), None, None if self.quiet else console)
            return
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            yield Bar(bar, bar.add_task(title, total=1.0), None)


class _NoBar:
    """What a bar is updated by where none is shown."""

    def update(self, *arguments: Any, **options: Any) -> None:
        """Show nothing."""


class Bar:
    """A progress bar, or a line per stage where stderr is no terminal."""

    def __init__(self, bar: Any, task: Any, console: Console | None) -> None:
        self._bar, self._task, self._console = bar, task, console
        self._last = ""

    def __call__(self, stage: str, share: float) -> None:
        """Show the stage and the share of all work done."""
        self._bar.update(self._task, description=stage, completed=share)
        if self._console and stage != self._last:
            self._console.print(f"[{share:4.0%}] {stage}", markup=False, highlight=False)
        self._last = stage

    def within(self, share: float) -> Callable[[str, int], None]:
        """Return what shows a stage and the rows read in it, while the share of all work stands."""

        def show(stage: str, rows: int) -> None:
            if rows == 0:
                self(stage, share)
            else:
                self._bar.update(self._task, description=f"{stage}  {rows:,} rows", completed=share)

        return show

    def rows(self, done: int, total: int | None) -> None:
        """Show rows done of rows in all, where that is known."""
        description = f"score  {done:,} accounts"
        self._bar.update(self._task, description=description, completed=done / total if total else 0.0)

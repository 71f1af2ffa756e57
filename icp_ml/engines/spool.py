"""Finished chunks of a run on disk, so that an interrupted one can go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from icp_ml.exceptions import InputError


class Spool:
    """Finished chunks on disk beside the output, with a journal that says what they belong to."""

    def __init__(self, out: Path, fingerprint: dict[str, Any], *, resume: bool) -> None:
        self.folder = out.with_name(f".{out.name}.parts")
        self.fingerprint = fingerprint
        journal = self.folder / "journal.json"
        if resume and journal.is_file():
            try:
                before = json.loads(journal.read_text(encoding="utf-8"))
            except ValueError:  # stopped while it was written: nothing was scored yet
                before = fingerprint
                journal.write_text(json.dumps(fingerprint), encoding="utf-8")
            changed = [key for key in fingerprint if before.get(key) != fingerprint[key]]
            if changed:
                what = ", ".join(changed)
                msg = f"{out}: cannot resume, since {what} changed; run again without --resume to start over"
                raise InputError(msg)
        else:
            self.remove()
            self.folder.mkdir()
            journal.write_text(json.dumps(fingerprint), encoding="utf-8")

    def read(self, index: int) -> pa.RecordBatch | None:
        """Return a finished chunk, or None."""
        file = self.folder / f"{index:07d}.arrow"
        if not file.is_file():
            return None
        with pa.OSFile(str(file)) as handle:
            return pa.ipc.open_file(handle).get_batch(0)

    def write(self, index: int, batch: pa.RecordBatch) -> None:
        """Keep a finished chunk; whole or not at all."""
        file = self.folder / f"{index:07d}.arrow"
        fresh = file.with_suffix(".tmp")
        with pa.OSFile(str(fresh), "wb") as handle, pa.ipc.new_file(handle, batch.schema) as writer:
            writer.write_batch(batch)
        fresh.replace(file)

    def chunks(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the finished chunks with their numbers, in order."""
        for file in sorted(self.folder.glob("*.arrow")):
            batch = self.read(int(file.stem))
            assert batch is not None
            yield int(file.stem), batch

    def folder_for(self, what: str) -> Path:
        """Return an empty folder for what is made anew by every run, resumed or not."""
        folder = self.folder / what
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

"""Finished chunks of a run on disk, so that an interrupted one can go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from icp_ml.engines.writing import parquet_part
from icp_ml.exceptions import InputError

COUNTED = ("account_id", "status", "tier", "in_support", "log_odds")


class Spool:
    """Finished chunks on disk beside the output, with a journal that says what they belong to.

    Those of a Parquet file are encoded as they will be in it; of them, `read` returns what ranks and counts need.
    """

    def __init__(self, out: Path, fingerprint: dict[str, Any], *, resume: bool) -> None:
        self.folder = out.with_name(f".{out.name}.parts")
        self.encoded = out.suffix.lower() == ".parquet"
        self.ending = ".parquet" if self.encoded else ".arrow"
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
        file = self._path(index)
        if not file.is_file():
            return None
        if self.encoded:
            table = pq.read_table(file, columns=list(COUNTED), use_threads=False)
            return pa.RecordBatch.from_arrays([column.combine_chunks() for column in table.columns], list(COUNTED))
        with pa.OSFile(str(file)) as handle:
            return pa.ipc.open_file(handle).get_batch(0)

    def write(self, index: int, batch: pa.RecordBatch) -> None:
        """Keep a finished chunk; whole or not at all."""
        file = self._path(index)
        fresh = file.with_suffix(".tmp")
        if self.encoded:
            fresh.write_bytes(parquet_part(dict(zip(batch.schema.names, batch.columns, strict=True))))
        else:
            with pa.OSFile(str(fresh), "wb") as handle, pa.ipc.new_file(handle, batch.schema) as writer:
                writer.write_batch(batch)
        fresh.replace(file)

    def files(self) -> Iterator[tuple[int, Path]]:
        """Yield the finished chunks' numbers and files, in order."""
        for file in sorted(self.folder.glob(f"*{self.ending}")):
            yield int(file.stem), file

    def chunks(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the finished chunks with their numbers, in order."""
        for index, _ in self.files():
            batch = self.read(index)
            assert batch is not None
            yield index, batch

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:07d}{self.ending}"

    def folder_for(self, what: str) -> Path:
        """Return an empty folder for what is made anew by every run, resumed or not."""
        folder = self.folder / what
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

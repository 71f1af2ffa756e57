"""Ranks of a list that need not fit into memory: sorted runs on disk, merged part by part.

Every chunk leaves a run: its counted rows by falling log-odds, then account id, then position. Runs are cut at the same
values into parts of a limited number of rows; a part is read whole, ranked, and its ranks are dealt back to their
chunks. Memory stays under `MEMORY` however long the list is, unless one account id is on it that often.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.engines.appended import Appended, Read
from icp_ml.engines.in_order import in_order
from icp_ml.estimator.encoding import FloatArray

IntArray = npt.NDArray[np.int64]
Cuts = list[tuple[int, int]]  # of one part: where it begins and ends in every run
MEMORY = 64 * 2**20  # bytes
COPIES = 4  # of a part that are held at once while it is ranked
NUMBERS = 24  # bytes a row's numbers take: key, chunk and position, rank
SAMPLED = 256  # every so many rows of a run may be where it is cut
_RANKED = np.dtype([("row", "<u4"), ("rank", "<i8")])


@dataclass(frozen=True)
class _Run:
    """One chunk's counted rows in order: keys (falling log-odds, negated), positions and ids on disk."""

    chunk: int
    rows: int
    id_bytes: int
    places: dict[str, int]  # in the files


@dataclass(frozen=True)
class _Part:
    """Rows of several runs: keys, ids where they are needed, chunk and row."""

    key: FloatArray
    ids: pa.Array
    chunk: IntArray
    row: IntArray


class RankRuns:
    """Sorted runs in a folder, which must be there and is removed by whoever made it.

    Parameters
    ----------
    folder : Path
    memory : int
        Bytes that parts may take.
    jobs : int
        Parts that are ranked at once.
    """

    def __init__(self, folder: Path, memory: int = MEMORY, jobs: int = 1) -> None:
        self.folder, self.memory, self.jobs = folder, memory // max(jobs, 1), jobs
        self.total = 0
        self._lock = Lock()
        self._files = {what: Appended(folder / what) for what in ("key", "row", "end", "ids", "rank")}
        self._ranks: dict[int, list[tuple[int, int]]] = {}  # of each chunk: places and bytes in the last
        self._runs: list[_Run] = []
        self._sample: list[FloatArray] = []

    def add(self, chunk: int, log_odds: FloatArray, ids: pa.Array) -> None:
        """Keep a chunk's rows; those whose log-odds are NaN have no rank. Several threads may call this at once.

        Parameters
        ----------
        chunk : int
        log_odds : ndarray of shape (rows,)
        ids : Arrow string array of `rows` values
        """
        counted = np.flatnonzero(~np.isnan(log_odds))
        if not len(counted):
            return
        every = len(counted) == len(log_odds)
        key, texts = -log_odds[counted], ids if every else ids.take(pa.array(counted))
        order = _order(key, texts, counted)
        key, counted, texts = key[order], counted[order], texts.take(pa.array(order)).cast(pa.large_binary())
        _, offsets, data = texts.buffers()
        ends = np.frombuffer(offsets, dtype="<i8")[texts.offset : texts.offset + len(texts) + 1]
        first, last = int(ends[0]), int(ends[-1])
        written: dict[str, Any] = {
            "key": key,
            "row": counted.astype("<u4"),
            "end": ends - first,
            "ids": memoryview(data if data is not None else b"")[first:last],
        }
        places = {what: self._files[what].append(array) for what, array in written.items()}
        with self._lock:
            self._runs.append(_Run(chunk, len(key), last - first, places))
            self._sample.append(key[SAMPLED // 2 :: SAMPLED].copy())
            self.total += len(key)

    def merge(self) -> None:
        """Rank all rows; `ranks` then gives each chunk's."""
        self._runs.sort(key=lambda run: run.chunk)
        parts = self._cuts()
        sizes = [sum(end - begin for begin, end in part) for part in parts]
        numbered = zip(parts, np.cumsum([0, *sizes]).tolist(), strict=False)
        for found in in_order(numbered, self._ranked, self.jobs):
            for chunk, ranks in found:
                place = self._files["rank"].append(ranks.view(np.uint8))
                self._ranks.setdefault(chunk, []).append((place, ranks.nbytes))

    def _ranked(self, numbered: tuple[Cuts, int]) -> list[tuple[int, npt.NDArray[np.void]]]:
        """Return rows and ranks by chunk of a part before which so many rows are ranked."""
        cuts, done = numbered
        part = self._read(cuts)
        order = _order(part.key, part.ids, part.chunk * 2**32 + part.row)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(done + 1, done + 1 + len(order))
        start, out = 0, []
        for run, (begin, end) in zip(self._runs, cuts, strict=True):  # rows of a run are next to each other
            mine = slice(start, start + end - begin)
            ranks = np.empty(end - begin, dtype=_RANKED)
            ranks["row"], ranks["rank"] = part.row[mine], rank[mine]
            start = mine.stop
            out.append((run.chunk, ranks))
        return out

    def ranks(self, chunk: int, rows: int) -> IntArray:
        """Return ranks from 1 of a chunk's rows, 0 for those without."""
        out = np.zeros(rows, dtype=np.int64)
        with self._files["rank"].reading() as read:
            data = b"".join(read(*block) for block in self._ranks.get(chunk, []))
        found = np.frombuffer(data, dtype=_RANKED)
        out[found["row"]] = found["rank"]
        return out

    def _most(self) -> int:
        """Return how many rows a part may have."""
        text = sum(run.id_bytes for run in self._runs) / max(self.total, 1)
        return max(int(self.memory / COPIES / (NUMBERS + text)), 1)

    def _cuts(self) -> list[Cuts]:
        """Return for each part where it begins and ends in every run; no key is cut that is not too much by itself."""
        if not self.total:
            return []
        sample = np.sort(np.concatenate(self._sample)) if self._sample else np.empty(0)
        parts = -(-self.total // self._most())
        at = np.unique(sample[(np.arange(1, parts) * len(sample)) // parts]) if len(sample) else sample
        places = np.array([np.searchsorted(self._keys(run), at, side="left") for run in self._runs]).reshape(
            len(self._runs), len(at)
        )
        ends = np.column_stack([
            np.zeros(len(self._runs), dtype=np.int64), places, [run.rows for run in self._runs]
        ])  # fmt: skip
        out: list[Cuts] = []
        for begin, end in zip(ends.T[:-1], ends.T[1:], strict=True):
            part = list(zip(begin.tolist(), end.tolist(), strict=True))
            out += [part] if (end - begin).sum() <= 2 * self._most() else self._by_key_and_id(part)
        return [part for part in out if any(end > begin for begin, end in part)]

    def _by_key_and_id(self, part: Cuts) -> list[Cuts]:
        """Cut a part in which many rows have one key by the keys that are common in it, and those by ids."""
        sizes: dict[float, int] = {}
        least = max(self._most() // (8 * len(self._runs)), 1)  # of what is common, some run has as many
        for run, (begin, end) in zip(self._runs, part, strict=True):
            keys, counts = np.unique(self._keys(run, begin, end), return_counts=True)
            many = counts >= least
            for key, count in zip(keys[many].tolist(), counts[many].tolist(), strict=True):
                sizes[key] = sizes.get(key, 0) + count
        common = sorted(key for key, size in sizes.items() if size > self._most() // 8)
        out, left = [], [begin for begin, _ in part]
        for key in common:
            first, last = self._places(part, key, "left"), self._places(part, key, "right")
            out.append(list(zip(left, first, strict=True)))
            out += self._by_id(list(zip(first, last, strict=True)))
            left = last
        return [*out, list(zip(left, [end for _, end in part], strict=True))]

    def _places(self, part: Cuts, key: float, side: Literal["left", "right"]) -> list[int]:
        return [
            begin + int(np.searchsorted(self._keys(run, begin, end), key, side=side))
            for run, (begin, end) in zip(self._runs, part, strict=True)
        ]

    def _by_id(self, part: Cuts) -> list[Cuts]:
        """Cut rows of one key by their ids, which are in order within every run."""
        pieces = -(-sum(end - begin for begin, end in part) // self._most())
        if pieces < 2:
            return [part]
        seen = [
            self._ids(run, begin, end)[::SAMPLED].to_pylist()
            for run, (begin, end) in zip(self._runs, part, strict=True)
        ]
        sample = sorted({text for texts in seen for text in texts})
        at = [sample[k * len(sample) // pieces] for k in range(1, pieces)]
        out, start = [], [begin for begin, _ in part]
        for text in dict.fromkeys(at):
            stop = [
                begin + int(pc.sum(pc.less(self._ids(run, begin, end), text)).as_py() or 0)
                for run, (begin, end) in zip(self._runs, part, strict=True)
            ]
            out.append(list(zip(start, stop, strict=True)))
            start = stop
        return [*out, list(zip(start, [end for _, end in part], strict=True))]

    def _keys(self, run: _Run, begin: int = 0, end: int | None = None) -> FloatArray:
        with self._files["key"].reading() as read:
            return _keys_of(read, run, begin, run.rows if end is None else end)

    def _ids(self, run: _Run, begin: int, end: int) -> pa.Array:
        with self._files["end"].reading() as ends, self._files["ids"].reading() as texts:
            return _ids_of(ends, texts, run, begin, end)

    def _read(self, part: Cuts) -> _Part:
        chosen = [(run, begin, end) for run, (begin, end) in zip(self._runs, part, strict=True) if end > begin]
        files = self._files
        with files["key"].reading() as read:
            keys = np.concatenate([_keys_of(read, *one) for one in chosen])
        with files["row"].reading() as read:
            rows = b"".join(read(run.places["row"] + 4 * begin, 4 * (end - begin)) for run, begin, end in chosen)
        with files["end"].reading() as ends, files["ids"].reading() as texts:
            ids = pa.concat_arrays([_ids_of(ends, texts, *one) for one in chosen])
        chunk = np.repeat([run.chunk for run, _, _ in chosen], [end - begin for _, begin, end in chosen])
        return _Part(keys, ids, chunk, np.frombuffer(rows, dtype="<u4").astype(np.int64))


def _keys_of(read: Read, run: _Run, begin: int, end: int) -> FloatArray:
    return np.frombuffer(read(run.places["key"] + 8 * begin, 8 * (end - begin)), dtype=np.float64)


def _ids_of(read_ends: Read, read_texts: Read, run: _Run, begin: int, end: int) -> pa.Array:
    ends = np.frombuffer(read_ends(run.places["end"] + 8 * begin, 8 * (end - begin + 1)), dtype="<i8")
    data = read_texts(run.places["ids"] + int(ends[0]), int(ends[-1] - ends[0]))
    return pa.Array.from_buffers(
        pa.large_binary(), end - begin, [None, pa.py_buffer(ends - ends[0]), pa.py_buffer(data)]
    )


def _order(key: FloatArray, ids: pa.Array, position: IntArray) -> IntArray:
    """Return the order by key, then by the bytes of the id, then by position; ids are only looked at where keys tie."""
    order = np.argsort(key)  # whatever it does with equal keys is settled below
    ordered = key[order]
    same = np.concatenate([[False], ordered[1:] == ordered[:-1]])
    tied = np.flatnonzero(same | np.concatenate([same[1:], [False]]))
    if len(tied):
        texts = ids.take(pa.array(order[tied])).cast(pa.large_binary())
        table = pa.table({"run": np.cumsum(~same)[tied], "id": texts, "at": position[order[tied]]})
        settled = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in table.column_names])
        order[tied] = order[tied][settled.to_numpy()]
    return np.asarray(order, dtype=np.int64)

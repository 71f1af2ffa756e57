"""Score one partition of a list that lives on many machines: Arrow batches in, Arrow batches out, on any worker.

What travels to a worker is data: the saved model's files, headers and options. The worker reads the model as
`ICPModel.load` reads a directory, hashes checked, once per process.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml import __version__
from icp_ml.exceptions import ModelFormatError
from icp_ml.model import ICPModel
from icp_ml.model_directory import write_directory
from icp_ml.scoring.columns import plain_strings
from icp_ml.scoring.kernel import CHUNK_ROWS

POSITION = "_position"
CELLS_PER_UNIT = 1024  # of log-odds: how finely they are counted before they are ranked
FEWEST_IN_BUCKET = 20_000
MOST_BUCKETS = 1_000
_CELL_LIMIT = 1 << 40
_SPREAD = 64  # buckets of the rows that get no rank
_KEPT_MODELS = 4
_MOST_BYTES = 64 << 20  # gathered before they are scored, where rows hold long texts

# Models this process has read, by version: Spark uses a worker for many tasks.
_models: dict[str, ICPModel] = {}


@dataclass(frozen=True)
class ShippedModel:
    """A saved model's files as they travel to workers: bytes, no objects."""

    version: str
    software: str
    files: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, model: ICPModel) -> ShippedModel:
        """Take the files a model was, or would be, saved as."""
        return cls(model.version, __version__, {**model.files, "manifest.json": model.manifest})

    def load(self) -> ICPModel:
        """Return the model, read once per process.

        Raises
        ------
        ModelFormatError
            The files do not make a model, or this machine has another release of icp-ml than the one that sent them.
        """
        if self.software != __version__:
            msg = (
                f"this worker has icp-ml {__version__}, the driver has {self.software}; scores are equal only where "
                "the releases are: install the same one on all machines"
            )
            raise ModelFormatError(msg)
        if self.version not in _models:
            with tempfile.TemporaryDirectory(prefix="icp_ml_") as folder:
                directory = Path(folder) / "model"
                write_directory(directory, self.files)
                model = ICPModel.load(directory)
            while len(_models) >= _KEPT_MODELS:
                _models.pop(next(iter(_models)))
            _models[self.version] = model
        return _models[self.version]


@dataclass(frozen=True)
class Buckets:
    """Neighbouring log-odds, best first, cut so that each bucket can be ordered by itself.

    Attributes
    ----------
    last_cells : tuple of int
        The last cell of every bucket, in order.
    before, counts : tuple of int
        Accounts of better buckets, and of this one.
    """

    last_cells: tuple[int, ...]
    before: tuple[int, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, counted: Mapping[int, int]) -> Buckets:
        """Join counted cells into buckets of about a thousandth of all accounts."""
        least = max(FEWEST_IN_BUCKET, sum(counted.values()) // MOST_BUCKETS)
        last, counts = [], []
        running = 0
        cells = sorted(counted)
        for cell in cells:
            running += counted[cell]
            if running >= least or cell == cells[-1]:
                last.append(cell)
                counts.append(running)
                running = 0
        before = [sum(counts[:k]) for k in range(len(counts))]
        return cls(tuple(last), tuple(before), tuple(counts))

    @property
    def total(self) -> int:
        """Accounts with a rank."""
        return sum(self.counts)

    def columns(self, log_odds: pa.Array, positions: pa.Array) -> dict[str, pa.Array]:
        """Return what ordering a scored batch needs: the bucket, what comes before it, and how many it holds."""
        ranked = log_odds.is_valid().to_numpy(zero_copy_only=False)
        bucket = -1 - positions.to_numpy(zero_copy_only=False) % _SPREAD
        before = np.zeros(len(bucket), dtype=np.int64)
        counts = np.zeros(len(bucket), dtype=np.int64)
        found = np.searchsorted(np.array(self.last_cells, dtype=np.int64), cells_of(log_odds.drop_null()))
        found = np.minimum(found, len(self.last_cells) - 1)
        if ranked.any() and self.last_cells:
            bucket[ranked] = found
            before[ranked] = np.array(self.before, dtype=np.int64)[found]
            counts[ranked] = np.array(self.counts, dtype=np.int64)[found]
        return {"_bucket": pa.array(bucket), "_before": pa.array(before), "_count": pa.array(counts)}


def cells_of(log_odds: pa.Array) -> npt.NDArray[np.int64]:
    """Return a number per log-odds that never falls as they fall."""
    scaled = np.floor(-CELLS_PER_UNIT * log_odds.to_numpy(zero_copy_only=False))
    return np.asarray(np.clip(scaled, -_CELL_LIMIT, _CELL_LIMIT), dtype=np.int64)


@dataclass(frozen=True)
class PartitionScorer:
    """Scores the batches of a partition; called by Spark on its workers.

    Parameters
    ----------
    headers : sequence of str
        All headers of the list, in its order: how one is read may depend on the others.
    given : sequence of str
        Headers of the columns of a batch, by position.
    carried : mapping of str to str
        Header of a column that is carried along -> its name in the result.
    buckets : Buckets, optional
        Where ranks are wanted; then the last column of a batch is the row's position.
    """

    model: ShippedModel
    headers: tuple[str, ...]
    given: tuple[str, ...]
    mapping: Mapping[str, str]
    carried: Mapping[str, str]
    reasons: int
    lookalikes: int
    as_of: date | None = None
    buckets: Buckets | None = None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the scored batches, in order."""
        for raw, scored in self._scored(batches):
            columns = dict(zip(scored.schema.names, scored.columns, strict=True))
            first = {name: columns.pop(name) for name in ("account_id", "name", "domain")}
            kept = {name: raw.column(header) for header, name in self.carried.items()}
            found = {**first, **kept, **columns}
            if self.buckets is not None:
                positions = raw.column(POSITION)
                found |= {POSITION: positions, **self.buckets.columns(columns["log_odds"], positions)}
            yield pa.RecordBatch.from_arrays(list(found.values()), list(found))

    def counted(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield how many accounts of the partition lie in which cell of log-odds."""
        counts: dict[int, int] = {}
        plain = replace(self, reasons=0, lookalikes=0)
        for _, scored in plain._scored(batches):
            cells, sizes = np.unique(cells_of(scored.column("log_odds").drop_null()), return_counts=True)
            for cell, size in zip(cells.tolist(), sizes.tolist(), strict=True):
                counts[cell] = counts.get(cell, 0) + size
        columns = [pa.array(list(counts), pa.int64()), pa.array(list(counts.values()), pa.int64())]
        yield pa.RecordBatch.from_arrays(columns, ["cell", "accounts"])

    def _scored(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        """Yield rows as given and as scored."""
        from threadpoolctl import threadpool_limits

        model = self.model.load()
        normaliser = model.normaliser(list(self.headers), self.mapping)
        scorer = model.scorer(reasons=self.reasons, lookalikes=self.lookalikes)
        # Every worker has one core: matrix products that want all would only get in each other's way.
        with threadpool_limits(1, "blas"):
            for raw in gathered(batches, self.given):
                columns = normaliser.normalise(raw, first_row=None)
                columns["account_id"] = named(columns, raw.num_rows)
                scored = plain_strings(scorer.score(columns, raw.num_rows, self.as_of))
                yield raw, scored.combine_chunks().to_batches()[0] if raw.num_rows else _no_rows(scored)


def gathered(batches: Iterable[pa.RecordBatch], names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows under these names, in batches of up to the kernel's chunk: small ones cost more per row."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        batch = pa.RecordBatch.from_arrays(batch.columns, list(names))
        if waiting and (rows + batch.num_rows > CHUNK_ROWS or size + batch.nbytes > _MOST_BYTES):
            yield _joined(waiting)
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
    if waiting:
        yield _joined(waiting)


def named(columns: Mapping[str, pa.Array], rows: int) -> pa.Array:
    """Return an id for every row; of one without id, domain and name it is a digest of what else is known.

    A row number, which names such a row elsewhere, would depend on how the list is cut into partitions.
    """
    ids = columns["account_id"]
    without = np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False))
    if not len(without):
        return ids
    at = pa.array(without)
    known = {name: columns[name].take(at).to_pylist() for name in sorted(columns) if name != "account_id"}
    made = np.empty(rows, dtype=object)
    for k, row in enumerate(without.tolist()):
        told = [(name, values[k]) for name, values in known.items() if values[k] is not None]
        made[row] = "row " + hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()[:16]
    return pc.coalesce(ids, pa.array(made, pa.string()))


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return next(iter(pa.Table.from_batches(batches).combine_chunks().to_batches()), batches[0])


def _no_rows(scored: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=scored.schema)

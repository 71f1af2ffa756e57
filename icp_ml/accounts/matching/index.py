"""The accounts of a list, or customers, in the form in which they are matched: small integers beside their texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.formats.rows import CHUNK_ROWS
from icp_ml.accounts.matching.keys import company_hosts, name_keys
from icp_ml.accounts.matching.names import place_key
from icp_ml.exceptions import InputError
from icp_ml.schema import BY_NAME
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from icp_ml.accounts.formats.addresses import Address
    from icp_ml.accounts.table import Accounts

Ints = npt.NDArray[np.int64]
PLACES = ("city", "state", "country")
SHOWN_COLUMNS = ("account_id", "name", "domain", "city", "country")


class ListTooLong(InputError):
    """A list has more accounts than are to be held in memory."""


@dataclass(frozen=True)
class Coded:
    """A column of texts as codes into its sorted distinct values; -1 where it is missing."""

    codes: npt.NDArray[np.int32]
    values: pa.Array

    @classmethod
    def of(cls, chunks: list[pa.Array]) -> Coded:
        """Encode the chunks of a column of strings; "" counts as missing."""
        joined = pa.chunked_array(chunks, pa.string()).dictionary_encode().combine_chunks()
        if isinstance(joined, pa.ChunkedArray):  # no rows
            joined = pa.array([], pa.string()).dictionary_encode()
        order = pc.sort_indices(joined.dictionary).to_numpy()
        place = np.empty(len(order) + 1, dtype=np.int32)
        place[order] = np.arange(len(order))
        place[-1] = -1
        codes = place[joined.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
        values = joined.dictionary.take(pa.array(order))
        if len(values) and values[0].as_py() == "":
            return cls(codes - (codes >= 0).astype(np.int32), values.slice(1))
        return cls(codes, values)

    @cached_property
    def counts(self) -> Ints:
        """How many rows hold each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values)).astype(np.int64)

    @cached_property
    def rows(self) -> tuple[Ints, Ints]:
        """Row numbers sorted by value, and where each value's rows begin and end."""
        order = np.argsort(self.codes, kind="stable").astype(np.int64)
        return order, np.searchsorted(self.codes[order], np.arange(len(self.values) + 1)).astype(np.int64)

    def seen_by(self, other: Coded) -> Ints:
        """Return this column's rows as codes of `other`: -1 missing, -2 a value that `other` does not have."""
        found = pc.index_in(self.values, value_set=other.values).fill_null(-2).to_numpy(zero_copy_only=False)
        return np.append(found, -1).astype(np.int64)[self.codes]


@dataclass(frozen=True)
class Side:
    """One side of a match: customers, or a list.

    Attributes
    ----------
    shown : dict of str to pa.ChunkedArray
        account_id, name, domain, city and country as normalised, for people to read.
    name, domain : Coded
        Name keys (`name_key`); registrable domains.
    places : dict of str to Coded
        City, state and country, as far as there are any.
    """

    shown: Mapping[str, pa.ChunkedArray]
    name: Coded
    domain: Coded
    places: Mapping[str, Coded]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.name.codes)

    def text(self, column: str, rows: npt.NDArray[Any]) -> list[str | None]:
        """Return what is shown of some rows; None for row -1 and for what is missing."""
        index = pa.array(rows, pa.int64(), mask=np.asarray(rows) < 0)
        found: list[str | None] = self.shown[column].take(index).to_pylist()
        return found

    @classmethod
    def of(cls, batches: Iterator[Mapping[str, pa.Array]]) -> Side:
        """Gather normalised batches; only what matching needs is kept."""
        shown: dict[str, list[pa.Array]] = {name: [] for name in SHOWN_COLUMNS}
        keys: dict[str, list[pa.Array]] = {name: [] for name in ("name", "domain", *PLACES)}
        readers: dict[str, Callable[[pa.Array], pa.Array]] = {
            "name": name_keys, "domain": company_hosts, "country": _as_is, "city": _place_keys, "state": _place_keys,
        }  # fmt: skip
        for batch in batches:
            rows = len(batch["account_id"])
            for name, read in readers.items():
                column = _plain(batch.get(name), rows)
                keys[name].append(_keyed(column, read))
                if name in shown:
                    shown[name].append(column)
            shown["account_id"].append(_plain(batch["account_id"], rows))
        coded = {name: Coded.of(chunks) for name, chunks in keys.items()}
        return cls(
            {name: pa.chunked_array(chunks, pa.string()) for name, chunks in shown.items()},
            coded["name"],
            coded["domain"],
            {name: coded[name] for name in PLACES},
        )

    @classmethod
    def of_accounts(cls, accounts: Accounts) -> Side:
        """Read the columns of accounts that are in memory."""
        return cls.of_table_of_accounts(accounts.table)

    @classmethod
    def of_table_of_accounts(cls, table: pa.Table) -> Side:
        """Read the columns of a table that is normalised already."""
        names = [name for name in ("account_id", "name", "domain", *PLACES) if name in table.column_names]
        batches = table.select(names).to_batches()
        return cls.of({name: batch.column(name) for name in names} for batch in batches)

    @classmethod
    def of_table(cls, source: pd.DataFrame | pa.Table, settings: Settings | None = None) -> Side:
        """Read the columns of a table that are needed."""
        from icp_ml.accounts.formats.given import given_table
        from icp_ml.accounts.listing import ListNormaliser

        table = given_table(source)
        normaliser = ListNormaliser(table.schema.names, {name: BY_NAME[name] for name in PLACES}, settings)
        batches = table.to_batches(max_chunksize=CHUNK_ROWS)
        starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
        return cls.of(normaliser.normalise(b, int(n)) for b, n in zip(batches, starts[:-1], strict=True))

    @classmethod
    def of_file(
        cls,
        source: str | Path | Address,
        settings: Settings | None = None,
        at_most: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Side:
        """Stream a file, reading only the columns that are needed; `progress` is called with the rows read so far.

        Raises
        ------
        InputError
            The file cannot be read.
        ListTooLong
            It has more rows than `at_most`.
        """
        from icp_ml.accounts.formats.readers import open_table
        from icp_ml.accounts.listing import ListNormaliser

        reader = open_table(source)
        if at_most is not None and reader.rows is not None and reader.rows > at_most:
            msg = f"{source}: more than {at_most:,} accounts"
            raise ListTooLong(msg)
        normaliser = ListNormaliser(list(reader.columns), {name: BY_NAME[name] for name in PLACES}, settings)
        wanted = [column for column in reader.columns if column in set(normaliser.columns)]
        chunks = reader.batches(columns=wanted or list(reader.columns[:1]))

        def columns() -> Iterator[Mapping[str, pa.Array]]:
            for chunk in chunks:
                if at_most is not None and chunk.first_row + chunk.batch.num_rows > at_most:
                    msg = f"{source}: more than {at_most:,} accounts"
                    raise ListTooLong(msg)
                yield normaliser.normalise(chunk.batch, chunk.first_row)
                if progress is not None:
                    progress(chunk.first_row + chunk.batch.num_rows)

        return cls.of(columns())


def _plain(column: pa.Array | None, rows: int) -> pa.Array:
    if column is None:
        return pa.nulls(rows, pa.string())
    return column.cast(pa.string())


def _keyed(column: pa.Array, read: Callable[[pa.Array], pa.Array]) -> pa.Array:
    encoded = column.dictionary_encode()
    return read(encoded.dictionary).take(encoded.indices)


def _as_is(texts: pa.Array) -> pa.Array:
    return texts  # "" counts as missing when it is encoded


def _place_keys(places: pa.Array) -> pa.Array:
    return pa.array([place_key(place) or None for place in places.to_pylist()], pa.string())

"""What a table of accounts was when it was read: hash, rows, columns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml.accounts.formats.addresses import Address, address_of
from icp_ml.accounts.formats.readers import TableReader, open_table
from icp_ml.exceptions import InputError

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

BLOCK = 1 << 20
MAX_COUNTED = 256 * BLOCK  # a larger CSV file would take longer to count than its model to log


@dataclass(frozen=True)
class Fingerprint:
    """A table of accounts, recognisable later.

    Attributes
    ----------
    role : str
        "customers" or "list".
    path : str
        As given, without passwords.
    sha256 : str
        Of the file's bytes; of several files, of their names and bytes. A database on a server is not read again for
        it: there it is of the address, the columns and, for a table, the number of rows.
    size : int
        Bytes; 0 for a database on a server.
    rows : int or None
        Rows that parse; None where the source cannot be read as a table, is CSV or a workbook and over 256 MB, or is
        a query of a server.
    columns : tuple of str
        Headers as written.
    """

    role: str
    path: str
    sha256: str
    size: int
    rows: int | None
    columns: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**vars(self), "columns": list(self.columns)}

    def dataset(self) -> DatasetInput:
        """Return what MLflow shows as the run's dataset."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        address = address_of(self.path)
        context = "training" if self.role == "customers" else self.role
        columns = {"columns": [name[:200] for name in self.columns[:200]]}
        shape = {"num_rows": self.rows, "num_columns": len(self.columns)}
        source, schema, profile = (json.dumps(x, ensure_ascii=False) for x in ({"uri": self.path}, columns, shape))
        place = address.scheme or "local"
        entity = Dataset(address.name[:200], self.sha256[:32], place, source, schema, profile)
        return DatasetInput(entity, [InputTag("mlflow.data.context", context)])


def fingerprint(role: str, source: str | Path | Address) -> Fingerprint | None:
    """Return a source's fingerprint; None where it is not there any more."""
    address = address_of(source)
    try:
        reader = open_table(address)
        rows, columns = _rows(reader), reader.columns
        return Fingerprint(role, address.shown, reader.sha256(), reader.size, rows, columns)
    except (InputError, OSError):
        path = Path(address.target)
        if address.kind != "file" or not path.is_file():
            return None
    with path.open("rb") as file:  # no table any more, but a file
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Fingerprint(role, address.shown, digest, path.stat().st_size, None, ())


def _rows(reader: TableReader) -> int | None:
    if reader.rows is not None or reader.size > MAX_COUNTED or (reader.format == "database" and not reader.files):
        return reader.rows
    return sum(int(chunk.batch.num_rows) for chunk in reader.batches(columns=list(reader.columns[:1])))

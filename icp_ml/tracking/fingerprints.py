"""What a file of accounts was when it was read: hash, rows, columns."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml.accounts.formats.readers import open_table
from icp_ml.exceptions import InputError

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

BLOCK = 1 << 20
MAX_COUNTED = 256 * BLOCK  # a larger CSV file would take longer to count than its model to log


@dataclass(frozen=True)
class Fingerprint:
    """A file of accounts, recognisable later.

    Attributes
    ----------
    role : str
        "customers" or "list".
    path : str
        As given.
    sha256 : str
        Of the file's bytes.
    size : int
        Bytes.
    rows : int or None
        Rows that parse; None where the file cannot be read as a table, or is CSV and over 256 MB.
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

        file = Path(self.path)
        context = "training" if self.role == "customers" else self.role
        columns = {"columns": [name[:200] for name in self.columns[:200]]}
        shape = {"num_rows": self.rows, "num_columns": len(self.columns)}
        source, schema, profile = (json.dumps(x, ensure_ascii=False) for x in ({"uri": str(file)}, columns, shape))
        entity = Dataset(file.name, self.sha256[:32], "local", source, schema, profile)
        return DatasetInput(entity, [InputTag("mlflow.data.context", context)])


def fingerprint(role: str, path: Path) -> Fingerprint | None:
    """Return a file's fingerprint; None where it is no file any more."""
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    rows, columns = _shape(path)
    return Fingerprint(role, str(path), digest.hexdigest(), path.stat().st_size, rows, columns)


def _shape(path: Path) -> tuple[int | None, tuple[str, ...]]:
    try:
        reader = open_table(path)
        rows = reader.rows
        if rows is None and path.stat().st_size <= MAX_COUNTED:
            rows = sum(chunk.batch.num_rows for chunk in reader.batches(columns=list(reader.columns[:1])))
    except InputError:
        return None, ()
    return rows, reader.columns

"""What needs the whole list: suppression, rank and percentile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts import Accounts


@dataclass(frozen=True)
class Suppression:
    """Accounts not to be worked: on which domains, and under which ids with which name, and why."""

    domains: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, sources: Sequence[tuple[Accounts, str]]) -> Suppression:
        """Collect accounts with the reason each file stands for; the first file that names one gives the reason."""
        domains: dict[str, str] = {}
        ids: dict[tuple[str, str], str] = {}
        for accounts, reason in sources:
            rows = accounts.table.num_rows
            for host in _texts(accounts.table, "domain", rows):
                if host:
                    domains.setdefault(host, reason)
            for one, name in zip(
                _texts(accounts.table, "account_id", rows), _texts(accounts.table, "name", rows), strict=True
            ):
                if one and name:
                    ids.setdefault((one, _folded(name)), reason)
        return cls(domains, ids)

    def reasons(self, batch: pa.RecordBatch) -> list[str | None]:
        """Return, per scored row, why it is suppressed, or None.

        An id counts only with the same name: vendors' numbers coincide.
        """
        if not self.domains and not self.ids:
            return [None] * batch.num_rows
        hosts, ids, names = (batch.column(c).to_pylist() for c in ("domain", "account_id", "name"))
        return [
            (self.domains.get(h) if h else None) or (self.ids.get((i, _folded(n))) if i and n else None)
            for h, i, n in zip(hosts, ids, names, strict=True)
        ]

    def apply(self, scored: pa.RecordBatch) -> dict[str, pa.Array]:
        """Return the columns of a scored batch; a suppressed account keeps neither score nor reasons."""
        columns = {name: scored.column(name) for name in scored.schema.names}
        why = self.reasons(scored)
        if not any(why):
            return columns
        hit = np.array([w is not None for w in why])
        for name, text in (("status", "suppressed"), ("status_reason", pa.array(why, pa.string())), ("tier", "none")):
            columns[name] = pc.if_else(pa.array(hit), text, columns[name].cast(pa.string())).dictionary_encode()
        for name in columns:
            if name.startswith(("fit_", "log_odds", "reason_", "lookalike_")):
                columns[name] = columns[name].take(pa.array(np.arange(len(why)), mask=hit))
        return columns


def _texts(table: pa.Table, column: str, rows: int) -> list[str | None]:
    return table.column(column).to_pylist() if column in table.column_names else [None] * rows


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def ranks(
    log_odds: npt.NDArray[np.float64], ids: pa.ChunkedArray, counted: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Return ranks from 1 among the counted rows, 0 for the others; ties by account id, then by position."""
    rows = np.flatnonzero(counted)
    values = -log_odds[rows]
    order = rows[np.argsort(values, kind="stable")]
    ordered = log_odds[order]
    same = np.concatenate([[False], ordered[1:] == ordered[:-1]]) if len(order) else np.zeros(0, dtype=bool)
    tied = np.flatnonzero(same | np.concatenate([same[1:], [False]])) if len(order) else np.zeros(0, dtype=np.int64)
    if len(tied):
        texts = np.array(pc.take(ids, pa.array(order[tied])).to_pylist(), dtype=object).astype(str)
        runs = np.cumsum(~same)[tied]
        order[tied] = order[tied][np.lexsort([order[tied], texts, runs])]
    out = np.zeros(len(log_odds), dtype=np.int64)
    out[order] = np.arange(1, len(order) + 1)
    return out

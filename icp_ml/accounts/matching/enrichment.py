"""Customers with the values that a list has for them, so that training and scoring see one vendor's fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.matching.result import Matches
from icp_ml.accounts.reading import Accounts, read_accounts
from icp_ml.exceptions import InputError
from icp_ml.schema import NUMERIC_KINDS, Field
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from icp_ml.accounts.formats.addresses import Address

FAR_APART = 1.5  # times: two numbers that differ more contradict each other
_UNEVEN = 0.10  # difference in matched shares that is worth a warning ...
_UNEVEN_SIGMA = 2.0  # ... if it is more than chance


@dataclass(frozen=True)
class FieldEnrichment:
    """What the list did to one field of the customers.

    Attributes
    ----------
    field, label : str
    is_new : bool
        The customers did not have it.
    before, after : float
        Share of customers with a value.
    from_list : int
        Customers whose value now is the list's.
    conflicts : int
        Customers for whom both had a value and the two contradict each other (numbers more than 1.5 times apart).
    compared : int
        Customers for whom both had a value.
    """

    field: str
    label: str
    is_new: bool
    before: float
    after: float
    from_list: int
    conflicts: int
    compared: int


@dataclass(frozen=True)
class Enrichment:
    """Customers enriched from a list.

    Attributes
    ----------
    accounts : Accounts
        The customers, in their order, with the list's values where the list has one.
    is_matched : array of bool
        Which customers were found on the list.
    fields : tuple of FieldEnrichment
    warnings : tuple of str
        Sentences for the report.
    """

    accounts: Accounts
    is_matched: npt.NDArray[np.bool_]
    fields: tuple[FieldEnrichment, ...]
    warnings: tuple[str, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row per field."""
        import pandas as pd

        return pd.DataFrame(
            [asdict(field) for field in self.fields], columns=list(FieldEnrichment.__dataclass_fields__)
        )

    def matched_shares(self, status: npt.NDArray[Any]) -> dict[str, dict[str, float]]:
        """Return, for each label of `status` (one per customer), how many customers there are and which share matched.

        Parameters
        ----------
        status : array of str
            "best", "worst", "middle", ... or any other grouping, such as "churned" and "active".
        """
        labels = np.asarray(status).astype(str)
        found = {str(label): self.is_matched[labels == label] for label in np.unique(labels)}
        return {label: {"customers": len(one), "matched": float(one.mean())} for label, one in found.items()}

    def survivorship(self, status: npt.NDArray[Any], one: str = "best", other: str = "worst") -> str | None:
        """Return a warning where customers of one label were found on the list much more often than those of another.

        The difference has to be over 10 points and over two standard errors.
        """
        shares = self.matched_shares(status)
        if one not in shares or other not in shares:
            return None
        (n, p), (m, q) = ((s["customers"], s["matched"]) for s in (shares[one], shares[other]))
        pooled = (n * p + m * q) / (n + m)
        error = float(np.sqrt(max(pooled * (1 - pooled), 1e-9) * (1 / n + 1 / m)))
        if abs(p - q) <= _UNEVEN or abs(p - q) <= _UNEVEN_SIGMA * error:
            return None
        tail = (
            "the list knows survivors better, so a missing value there says 'gone' rather than anything about fit"
            if p > q
            else "what the list does not know may stand for the outcome rather than for fit"
        )
        return f"matched {100 * p:.0f} % of {one} but {100 * q:.0f} % of {other} customers: {tail}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "customers": len(self.is_matched),
            "matched": int(self.is_matched.sum()),
            "matched_share": float(self.is_matched.mean()) if len(self.is_matched) else 0.0,
            "fields": [asdict(field) for field in self.fields],
            "warnings": list(self.warnings),
        }


def enrich(
    customers: Accounts,
    market: Accounts | str | Path | Address,
    matches: Matches,
    settings: Settings | None = None,
    *,
    list_date: date | None = None,
) -> Enrichment:
    """Give customers the list's values of every feature the list has.

    A matched customer takes over the list's value; where the list has none, and for customers that are not matched, the
    customer's own value stays. Identity, outcomes and what else is measured after the sale are never taken from a list.

    Parameters
    ----------
    customers : Accounts
    market : Accounts, str or Path
        The list that `matches` was made with; of a file only the matched rows are kept.
    matches : Matches
        From `match_accounts(customers, market)`.
    settings : Settings, optional
    list_date : date, optional
        The day the list's values are from; by default `settings.matching.list_date`.

    Returns
    -------
    Enrichment

    Raises
    ------
    InputError
        The matches are of other customers or of another list.
    """
    settings = settings or Settings()
    if len(matches) != len(customers):
        msg = f"{customers.report.source}: {len(customers):,} customers, but the matches are of {len(matches):,}"
        raise InputError(msg)
    is_matched = matches.is_matched
    rows = matches.rows[is_matched]
    dated = list_date or settings.matching.list_date
    listed = _listed(customers, market, rows, settings, matches.list_rows)
    if listed is None:
        return Enrichment(customers, is_matched, (), ("no customer was found on the list: nothing was taken over",))
    position = np.full(len(customers), -1, dtype=np.int64)
    position[is_matched] = np.arange(len(rows))
    index = pa.array(position, pa.int64(), mask=position < 0)
    columns = {name: customers.table.column(name).combine_chunks() for name in customers.table.schema.names}
    fields, spellings = dict(customers.fields), dict(customers.spellings)
    done: list[FieldEnrichment] = []
    for name, field in listed.fields.items():
        known = fields.get(name)
        if field.role != "feature" or (known is not None and known.kind != field.kind):
            continue
        theirs = _flat(listed.table.column(name)).take(index)
        if name in columns and columns[name].type != theirs.type:  # read as something else there
            continue
        done.append(_one_field(field, columns.get(name), theirs))
        columns[name] = theirs if name not in columns else _preferred(theirs, columns[name])
        fields.setdefault(name, field)
        if name in listed.spellings:
            spellings[name] = {**spellings.get(name, {}), **listed.spellings[name]}
    notes = customers.report.notes
    reports = customers.report.columns
    share = float(is_matched.mean())
    notes += (f"{int(is_matched.sum()):,} customers ({100 * share:.0f} %) enriched from {listed.report.source}",)
    new = {field.field for field in done if field.is_new}
    reports += tuple(replace(c, how="list") for c in listed.report.columns if c.field in new)
    report = replace(customers.report, columns=reports, notes=notes)
    accounts = replace(customers, table=pa.table(columns), fields=fields, spellings=spellings, report=report)
    return Enrichment(accounts, is_matched, tuple(done), _warnings(customers, is_matched, dated, done))


def _listed(
    customers: Accounts,
    market: Accounts | str | Path | Address,
    rows: npt.NDArray[np.int64],
    settings: Settings,
    expected: int,
) -> Accounts | None:
    """Return the matched accounts of the list, one per matched customer."""
    if isinstance(market, Accounts):
        if len(market) != expected:
            msg = f"{market.report.source}: {len(market):,} accounts, but the matches are of a list of {expected:,}"
            raise InputError(msg)
        return replace(market, table=market.table.take(pa.array(rows))) if len(rows) else None
    if not len(rows):
        return None
    wanted, place = np.unique(rows, return_inverse=True)
    found: list[pa.RecordBatch] = []
    seen = 0
    for chunk in open_table(market).batches():
        begin, end = np.searchsorted(wanted, [seen, seen + chunk.batch.num_rows])
        if end > begin:
            found.append(chunk.batch.take(pa.array(wanted[begin:end] - seen)))
        seen += chunk.batch.num_rows
    if seen != expected:
        msg = f"{market}: {seen:,} accounts, but the matches are of a list of {expected:,}; match again"
        raise InputError(msg)
    accounts = read_accounts(pa.Table.from_batches(found), settings, like=customers)
    report = replace(accounts.report, source=str(market))
    return replace(accounts, table=accounts.table.take(pa.array(place)), report=report)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return pa.concat_arrays(joined.chunks) if isinstance(joined, pa.ChunkedArray) else joined


def _preferred(theirs: pa.Array, own: pa.Array) -> pa.Array:
    """Return their value where there is one, else our own."""
    which = pc.if_else(pc.is_valid(theirs), 0, 1).to_numpy(zero_copy_only=False)
    both = pa.chunked_array([theirs, own])
    if pa.types.is_dictionary(own.type):
        both = both.unify_dictionaries()
    rows = np.arange(len(own)) + which * len(own)
    return _tidy(_flat(both.take(pa.array(rows))))


def _tidy(column: pa.Array) -> pa.Array:
    """Sort a dictionary and drop what no row uses, as normalising does."""
    if not pa.types.is_dictionary(column.type):
        return column
    text = column.cast(pa.string())
    labels = pa.array(sorted(pc.unique(text).drop_null().to_pylist()), pa.string())
    return pa.DictionaryArray.from_arrays(pc.index_in(text, value_set=labels), labels)


def _one_field(field: Field, own: pa.Array | None, theirs: pa.Array) -> FieldEnrichment:
    count = max(len(theirs), 1)
    taken = len(theirs) - theirs.null_count
    if own is None:
        return FieldEnrichment(field.name, field.readable, True, 0.0, taken / count, taken, 0, 0)
    both = np.asarray(pc.and_(pc.is_valid(own), pc.is_valid(theirs)).to_numpy(zero_copy_only=False), dtype=bool)
    after = int(pc.sum(pc.or_(pc.is_valid(own), pc.is_valid(theirs))).as_py() or 0)
    mask = pa.array(both)
    conflicts = _conflicts(field, own.filter(mask), theirs.filter(mask)) if both.any() else 0
    before = (len(own) - own.null_count) / count
    return FieldEnrichment(field.name, field.readable, False, before, after / count, taken, conflicts, int(both.sum()))


def _conflicts(field: Field, own: pa.Array, theirs: pa.Array) -> int:
    if field.kind in NUMERIC_KINDS:
        a, b = own.to_numpy(zero_copy_only=False), theirs.to_numpy(zero_copy_only=False)
        if field.kind == "year":
            return int((np.abs(a - b) > 1).sum())
        low, high = np.minimum(np.abs(a), np.abs(b)), np.maximum(np.abs(a), np.abs(b))
        return int(((high > FAR_APART * low) | (np.sign(a) * np.sign(b) < 0)).sum())
    if pa.types.is_list(own.type):  # one vendor sees what another does not: only sets without a common token contradict
        pairs = zip(own.to_pylist(), theirs.to_pylist(), strict=True)
        return sum(not set(a) & set(b) for a, b in pairs)
    if pa.types.is_dictionary(own.type):
        own, theirs = own.cast(pa.string()), theirs.cast(pa.string())
    return int(pc.sum(pc.not_equal(own, theirs)).as_py() or 0)


def _warnings(
    customers: Accounts, is_matched: npt.NDArray[np.bool_], dated: date | None, fields: list[FieldEnrichment]
) -> tuple[str, ...]:
    said = []
    if customers.as_of is not None and dated is not None and dated > customers.as_of:
        said.append(
            f"the list's values are from {dated}, after the outcomes ({customers.as_of}): they may be consequences of "
            "an outcome rather than signs of it; use an older edition of the list where there is one"
        )
    gone = _churned(customers)
    if gone is not None:
        shown = Enrichment(customers, is_matched, (), ()).survivorship(
            np.where(gone, "churned", "active"), "active", "churned"
        )
        said += [shown] if shown else []
    for field in fields:
        if field.compared >= 20 and field.conflicts > 0.3 * field.compared:
            said.append(
                f"{field.label}: {field.conflicts:,} of {field.compared:,} values contradict the customers' own; the "
                "list's are used, as they are what will be scored"
            )
    return tuple(said)


def _churned(customers: Accounts) -> npt.NDArray[np.bool_] | None:
    """Return which customers are known to have left, from the columns that say so directly."""
    table = customers.table
    found: Mapping[str, pa.DataType] = {name: table.schema.field(name).type for name in table.schema.names}
    if "churned" in found and pa.types.is_boolean(found["churned"]):
        return np.asarray(table.column("churned").fill_null(False).to_numpy(), dtype=bool)
    if "churn_date" in found and pa.types.is_timestamp(found["churn_date"]):
        return np.asarray(pc.is_valid(table.column("churn_date")).to_numpy(), dtype=bool)
    return None

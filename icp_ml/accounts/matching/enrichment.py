"""Customers with the values that a list has for them, so that training and scoring see one vendor's fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.matching.result import Matches
from icp_ml.accounts.matching.survivorship import shares_of, survivorship_of
from icp_ml.accounts.reading import read_accounts
from icp_ml.accounts.report import ColumnReport
from icp_ml.accounts.table import Accounts
from icp_ml.exceptions import InputError
from icp_ml.schema import NUMERIC_KINDS, Field
from icp_ml.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from icp_ml.accounts.formats.addresses import Address

FAR_APART = 1.5  # times: two numbers that differ more contradict each other
_CONTRADICTS = 0.3  # share of contradicting values that is worth a warning, of at least ...
_COMPARED = 20  # ... so many
_NAMED = 6  # fields named in a warning


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
    kept_own : int
        Customers whose value still is their own: they were not found, or the list has none.
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
    kept_own: int
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
    taken : dict of str to array of bool
        For each of `fields`, which customers' value now is the list's.
    """

    accounts: Accounts
    is_matched: npt.NDArray[np.bool_]
    fields: tuple[FieldEnrichment, ...]
    warnings: tuple[str, ...]
    taken: Mapping[str, npt.NDArray[np.bool_]] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """Return one row per field."""
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in self.fields], columns=list(FieldEnrichment.__dataclass_fields__))

    def matched_shares(self, status: npt.NDArray[Any]) -> dict[str, dict[str, float]]:
        """Return, for each label of `status` (one per customer), how many customers there are and which share matched.

        Parameters
        ----------
        status : array of str
            "best", "worst", "middle", ... or any other grouping, such as "churned" and "active".
        """
        return shares_of(self.is_matched, status)

    def survivorship(self, status: npt.NDArray[Any], one: str = "best", other: str = "worst") -> str | None:
        """Return a warning where customers of one label were found on the list much more often than those of another.

        The difference has to be over 10 points and over two standard errors.
        """
        return survivorship_of(self.is_matched, status, one, other)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "customers": len(self.is_matched),
            "matched": int(self.is_matched.sum()),
            "matched_share": float(self.is_matched.mean()) if len(self.is_matched) else 0.0,
            "fields": [asdict(one) for one in self.fields],
            "warnings": list(self.warnings),
        }


def enrich(
    customers: Accounts,
    market: Accounts | str | Path | Address,
    matches: Matches,
    settings: Settings | None = None,
    *,
    list_date: date | None = None,
    sample: Accounts | None = None,
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
    sample : Accounts, optional
        Of a list that is a file: rows of it, as they are read for scoring. They decide how the columns are read that
        only the list has; else the rows of the customers found do.

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
    listed = _listed(customers, market, rows, settings, matches.list_rows, sample)
    if listed is None:
        return Enrichment(customers, is_matched, (), ("no customer was found on the list: nothing was taken over",))
    position = np.full(len(customers), -1, dtype=np.int64)
    position[is_matched] = np.arange(len(rows))
    index = pa.array(position, pa.int64(), mask=position < 0)
    columns = {name: customers.table.column(name).combine_chunks() for name in customers.table.schema.names}
    fields, spellings = dict(customers.fields), dict(customers.spellings)
    done: list[FieldEnrichment] = []
    taken: dict[str, npt.NDArray[np.bool_]] = {}
    for name, theirs_is in listed.fields.items():
        known = fields.get(name)
        if theirs_is.role != "feature" or (known is not None and known.kind != theirs_is.kind):
            continue
        theirs = _flat(listed.table.column(name)).take(index)
        if name in columns and columns[name].type != theirs.type:  # read as something else there
            continue
        done.append(_one_field(theirs_is, columns.get(name), theirs))
        taken[name] = np.asarray(theirs.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
        columns[name] = theirs if name not in columns else _preferred(theirs, columns[name])
        fields.setdefault(name, theirs_is)
        if name in listed.spellings:
            usual = sample.spellings.get(name, {}) if sample is not None else {}
            spellings[name] = {**spellings.get(name, {}), **listed.spellings[name], **usual}
    notes = customers.report.notes
    reports = customers.report.columns
    share = float(is_matched.mean())
    notes += (f"{int(is_matched.sum()):,} customers ({100 * share:.0f} %) enriched from {_short(listed)}",)
    new = {one.field: one.after for one in done if one.is_new}
    reports += tuple(_as_taken(c, new[c.field], columns[c.field]) for c in listed.report.columns if c.field in new)
    report = replace(customers.report, columns=reports, notes=notes)
    accounts = replace(customers, table=pa.table(columns), fields=fields, spellings=spellings, report=report)
    said = late_warning(customers, dated), churn_warning(customers, is_matched), contradiction_warning(done)
    return Enrichment(accounts, is_matched, tuple(done), tuple(w for w in said if w), taken)


def _listed(
    customers: Accounts,
    market: Accounts | str | Path | Address,
    rows: npt.NDArray[np.int64],
    settings: Settings,
    expected: int,
    sample: Accounts | None,
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
    accounts = read_accounts(pa.Table.from_batches(found), settings, like=_as_read(customers, sample))
    report = replace(accounts.report, source=str(market))
    return replace(accounts, table=accounts.table.take(pa.array(place)), report=report)


def _as_read(customers: Accounts, sample: Accounts | None) -> Accounts:
    """Return the customers with how the list's further columns are read."""
    if sample is None:
        return customers
    further = tuple(c for c in sample.report.columns if c.field not in customers.fields)
    report = replace(customers.report, columns=(*customers.report.columns, *further))
    return replace(customers, fields={**sample.fields, **customers.fields}, report=report)


def _as_taken(column: ColumnReport, filled: float, values: pa.Array) -> ColumnReport:
    """Return how a column of the list is read, with figures of the customers and not of the list."""
    members = values.flatten() if pa.types.is_list(values.type) else values
    if pa.types.is_dictionary(members.type):
        members = members.cast(pa.string())
    distinct = pc.count_distinct(members, mode="only_valid").as_py()
    return replace(
        column, how="list", filled_share=filled, distinct=distinct, changed=0, dropped=0, placeholders=0, examples=(),
        notes=(),
    )  # fmt: skip


def _short(listed: Accounts) -> str:
    """Return the list's name without its folder, which is no part of a model."""
    return PurePath(listed.report.source).name or listed.report.source


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


def _one_field(known: Field, own: pa.Array | None, theirs: pa.Array) -> FieldEnrichment:
    count = max(len(theirs), 1)
    taken = len(theirs) - theirs.null_count
    if own is None:
        return FieldEnrichment(known.name, known.readable, True, 0.0, taken / count, taken, 0, 0, 0)
    both = np.asarray(pc.and_(pc.is_valid(own), pc.is_valid(theirs)).to_numpy(zero_copy_only=False), dtype=bool)
    after = int(pc.sum(pc.or_(pc.is_valid(own), pc.is_valid(theirs))).as_py() or 0)
    mask = pa.array(both)
    conflicts = _conflicts(known, own.filter(mask), theirs.filter(mask)) if both.any() else 0
    before = (len(own) - own.null_count) / count
    return FieldEnrichment(
        known.name, known.readable, False, before, after / count, taken, after - taken, conflicts, int(both.sum())
    )


def _conflicts(known: Field, own: pa.Array, theirs: pa.Array) -> int:
    if known.kind in NUMERIC_KINDS:
        a, b = own.to_numpy(zero_copy_only=False), theirs.to_numpy(zero_copy_only=False)
        if known.kind == "year":
            return int((np.abs(a - b) > 1).sum())
        low, high = np.minimum(np.abs(a), np.abs(b)), np.maximum(np.abs(a), np.abs(b))
        return int(((high > FAR_APART * low) | (np.sign(a) * np.sign(b) < 0)).sum())
    if pa.types.is_list(own.type):  # one vendor sees what another does not: only sets without a common token contradict
        pairs = zip(own.to_pylist(), theirs.to_pylist(), strict=True)
        return sum(not set(a) & set(b) for a, b in pairs)
    if pa.types.is_dictionary(own.type):
        own, theirs = own.cast(pa.string()), theirs.cast(pa.string())
    return int(pc.sum(pc.not_equal(own, theirs)).as_py() or 0)


def late_warning(customers: Accounts, dated: date | None) -> str | None:
    """Return a warning where the list's values are from after the customers' outcomes."""
    if customers.as_of is None or dated is None or dated <= customers.as_of:
        return None
    return (
        f"the list's values are from {dated}, after the outcomes ({customers.as_of}): they may be consequences of an "
        "outcome rather than signs of it; use an older edition of the list where there is one"
    )


def churn_warning(customers: Accounts, is_matched: npt.NDArray[np.bool_]) -> str | None:
    """Return a warning where customers that left were found much less often, or more, than those that stayed."""
    gone = _churned(customers)
    if gone is None:
        return None
    return survivorship_of(is_matched, np.where(gone, "churned", "active"), "active", "churned")


def contradiction_warning(fields: Sequence[FieldEnrichment]) -> str | None:
    """Return a warning where list and customers often contradict each other, with the fields, the worst first."""
    far = [one for one in fields if one.compared >= _COMPARED and one.conflicts > _CONTRADICTS * one.compared]
    far.sort(key=lambda one: (-one.conflicts / one.compared, one.field))
    if not far:
        return None
    named = ", ".join(f"{one.label[:60]} ({one.conflicts / one.compared:.0%})" for one in far[:_NAMED])
    more = f" and {len(far) - _NAMED} more" if len(far) > _NAMED else ""
    return f"where both know a value, list and customers often contradict each other: {named}{more}"


def _churned(customers: Accounts) -> npt.NDArray[np.bool_] | None:
    """Return which customers are known to have left, from the columns that say so directly."""
    table = customers.table
    found: Mapping[str, pa.DataType] = {name: table.schema.field(name).type for name in table.schema.names}
    if "churned" in found and pa.types.is_boolean(found["churned"]):
        return np.asarray(table.column("churned").fill_null(False).to_numpy(), dtype=bool)
    if "churn_date" in found and pa.types.is_timestamp(found["churn_date"]):
        return np.asarray(pc.is_valid(table.column("churn_date")).to_numpy(), dtype=bool)
    return None

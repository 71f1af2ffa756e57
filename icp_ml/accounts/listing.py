"""ListNormaliser: the batches of a list -> the fields a model wants, each row by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from icp_ml.accounts.context import in_context, needed_beside
from icp_ml.accounts.formats.rows import Chunk
from icp_ml.accounts.formats.tables import plain_array
from icp_ml.accounts.headers.vendors import ColumnMapping, header_of, header_scale, map_columns
from icp_ml.accounts.ids import IDENTITY_FIELDS, account_ids, id_source
from icp_ml.accounts.normalise import normalise_column
from icp_ml.accounts.values.conventions import PLAIN, Convention, DateOrders, of_list, said_of
from icp_ml.exceptions import InputError
from icp_ml.schema import BY_NAME, Field, header_key
from icp_ml.settings import Settings

SURVEYED_ROWS = 262_144  # of a list, before it is scored, for the order of its dates


@dataclass(frozen=True)
class _Source:
    """The column a field is read from."""

    field: Field
    header: str
    delimiter: str | None
    scale: float
    convention: Convention
    missing: tuple[str, ...]


class ListNormaliser:
    """Convert the batches of one list to canonical Arrow, only the fields wanted.

    The kinds are those given, as they were when the model was trained, never inferred from the list. A row's result
    depends on that row alone.

    Parameters
    ----------
    columns : sequence of str
        Headers of the list.
    fields : mapping of str to Field
        The fields wanted, by name; account id, name and domain are added where the list has them.
    settings : Settings, optional
        Its `columns` map headers, its `fields` declare delimiters, rates, the order of dates and missing values.
    conventions : mapping of str to Convention, optional
        How the customers' columns were written, by field name. Dates of a field that is not named leave "4/5/2024"
        missing.
    vocabularies : mapping of str to sequence of str, optional
        For texts: the tokens that will be looked up, so that no others need to be found.

    Attributes
    ----------
    headers : mapping of str to str
        Field name -> the list's header it is read from.
    missing : tuple of str
        Wanted fields that the list lacks.
    notes : tuple of str
        What else the list lacks: the column of winnability, where the settings name one.
    id_source : str
        "account_id", "domain", "name" or "row number".

    Examples
    --------
    >>> normaliser = ListNormaliser(["# Employees", "Sector"], {"employees": BY_NAME["employees"]})
    >>> normaliser.normalise(pa.record_batch({"# Employees": ["11-50"], "Sector": ["x"]}))["employees"].to_pylist()
    [30.5]
    """

    def __init__(
        self,
        columns: Sequence[str],
        fields: Mapping[str, Field],
        settings: Settings | None = None,
        *,
        conventions: Mapping[str, Convention] | None = None,
        vocabularies: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        settings = settings or Settings()
        self._wanted, self._columns = tuple(fields), tuple(columns)
        wanted = {**{name: BY_NAME[name] for name in IDENTITY_FIELDS}, **needed_beside(fields), **fields}
        self._fields, self._vocabularies = wanted, vocabularies
        self._own_product = tuple(settings.fields.own_product)
        mappings = map_columns(columns, settings)
        mapped = {mapping.field.name: mapping for mapping in mappings}
        # A column that training kept under its own name may be an alias of a canonical field here.
        spelled = {header_key(mapping.header): mapping.header for mapping in reversed(mappings)}
        delimiters = {custom.name: custom.delimiter for custom in settings.fields.custom}
        self._rates = settings.fields.currency_rates
        self._declared: set[str] = set()  # date fields whose order the settings state
        self._sources: dict[str, _Source] = {}
        for name, field in wanted.items():
            header = _header_of(name, mapped, spelled)
            if header is not None:
                scale = header_scale(header, field.kind)
                convention = of_list(header, field, (conventions or {}).get(name, PLAIN))
                declared = said_of(settings.fields.date_order, name, header)
                if declared is not None:
                    convention = replace(convention, day_first=declared == "day_first")
                    self._declared.add(name)
                missing = said_of(settings.fields.missing_values, name, header) or ()
                self._sources[name] = _Source(
                    field, header, delimiters.get(name), scale, convention, tuple(map(str, missing))
                )
        self.headers: Mapping[str, str] = {name: source.header for name, source in self._sources.items()}
        beside = settings.scoring.winnability_column
        self._winnability = header_of(beside, columns) if beside is not None else []
        self.missing: tuple[str, ...] = tuple(name for name in fields if name not in self._sources)
        lacks = f"no column '{beside}', which the settings name as scoring.winnability_column: winnability is empty"
        self.notes: tuple[str, ...] = (lacks,) if beside is not None and not self._winnability else ()

    def check_usable(self, source: str = "list") -> None:
        """Refuse a list that has none of the wanted fields; account id, name and domain do not count.

        Raises
        ------
        InputError
            Names some of the fields and how to map a column to one.
        """
        wanted = [name for name in self._wanted if name not in IDENTITY_FIELDS]
        if not wanted or any(name in self._sources for name in wanted):
            return
        fields = ", ".join(wanted[:8]) + (", ..." if len(wanted) > 8 else "")
        headers = ", ".join(repr(header[:40]) for header in self._columns[:8]) + (", ..." if self._columns[8:] else "")
        msg = (
            f"{source}: none of its columns ({headers}) is a field of the model ({fields}); "
            f"map them in the settings, such as  columns: {{'{self._columns[0][:40]}': {wanted[0]}}}"
        )
        raise InputError(msg)

    @property
    def columns(self) -> tuple[str, ...]:
        """Headers that must be read from the list, each once."""
        return tuple(dict.fromkeys([*self.headers.values(), *self._winnability]))

    @property
    def id_source(self) -> str:
        """Where account ids come from."""
        return id_source({name: None for name in self._sources})

    @property
    def date_columns(self) -> tuple[str, ...]:
        """Headers of dates whose order nobody has declared."""
        dates = [name for name, source in self._sources.items() if source.field.kind == "date"]
        return tuple(dict.fromkeys(self._sources[name].header for name in dates if name not in self._declared))

    def survey(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Read dates in the list's own order from here on, where its rows show one; else in the customers'.

        Parameters
        ----------
        batches : iterable of pa.RecordBatch
            Of the list, with at least the `date_columns`; the first `SURVEYED_ROWS` rows are looked at, however they
            are cut into batches.
        """
        names = {n: s for n, s in self._sources.items() if s.field.kind == "date" and n not in self._declared}
        orders, left = DateOrders(), SURVEYED_ROWS
        for batch in batches:
            for name, source in names.items():
                column = plain_array(batch.column(source.header).slice(0, left))
                if column is not None:
                    orders.look(name, column)
            left -= min(left, batch.num_rows)
            if not left:
                break
        for name, source in names.items():
            self._sources[name] = replace(source, convention=orders.settle(name, source.convention))

    def surveying(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Survey a list that can be read only once: hold its first chunks back, then hand on all.

        Parameters
        ----------
        chunks : iterable of Chunk
            With at least the `date_columns`.
        """
        chunks = iter(chunks)
        held: list[Chunk] = []
        if self.date_columns:
            rows = 0
            for chunk in chunks:
                held.append(chunk)
                rows += chunk.batch.num_rows
                if rows >= SURVEYED_ROWS:
                    break
            self.survey(chunk.batch for chunk in held)
        yield from held
        yield from chunks

    def normalise(self, batch: pa.RecordBatch, first_row: int | None = 0) -> dict[str, pa.Array]:
        """Return the wanted fields that the list has, always `account_id`, and `winnability` as it is written.

        Parameters
        ----------
        batch : pa.RecordBatch
            Rows of the list; columns that are not wanted are not looked at.
        first_row : int or None
            Number of rows of the list before this batch, for ids made from row numbers; None where rows have no
            numbers, and rows that nothing names are left without an id.

        Returns
        -------
        dict of str to pa.Array
            One canonical array per field, each as long as the batch; tokens are left as dictionaries.
        """
        found: dict[str, pa.Array] = {}
        for name, source in self._sources.items():
            column = plain_array(batch.column(source.header))
            column = pa.nulls(batch.num_rows, pa.string()) if column is None else column
            found[name] = normalise_column(
                column,
                source.field,
                source.delimiter,
                scale=source.scale,
                convention=source.convention,
                rates=self._rates,
                missing=source.missing,
                encoded=True,
            ).values
        settled = in_context(
            found, self._fields, own_product=self._own_product, vocabularies=self._vocabularies, encoded=True
        )
        found |= {name: values for name, (values, _) in settled.items()}
        found["account_id"] = account_ids(found, batch.num_rows, first_row)
        for header in self._winnability:
            found["winnability"] = _as_text(batch.column(header))
        return found


def _as_text(column: pa.Array) -> pa.Array:
    """Return values as they are written; what is nested and has no one writing is missing."""
    values = plain_array(column)
    if values is None or pa.types.is_nested(values.type):
        return pa.nulls(len(column), pa.string())
    return values.cast(pa.string())


def _header_of(name: str, mapped: Mapping[str, ColumnMapping], spelled: Mapping[str, str]) -> str | None:
    return mapped[name].header if name in mapped else spelled.get(name)

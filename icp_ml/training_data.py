"""What the fits see: the mature customers' accepted columns, their outcomes, and which of them are one company."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.accounts import Accounts
from icp_ml.accounts.matching import group_accounts
from icp_ml.accounts.normalise import CODE_SYSTEMS
from icp_ml.accounts.quality import DataReport, without_own_product
from icp_ml.estimator.bins import without_rare
from icp_ml.estimator.boosting import BoostingParams
from icp_ml.estimator.encoding import EncodedKind, FloatArray
from icp_ml.estimator.fitting import FieldSpec, FitParams, fit_encoding
from icp_ml.estimator.own_segments import OwnSegments, own_sides
from icp_ml.estimator.segment_tables import rule_words
from icp_ml.exceptions import SettingsError
from icp_ml.outcomes import OutcomeLabels
from icp_ml.schema import NUMERIC_KINDS, Field
from icp_ml.settings import Settings

LEAST_OF_SEGMENT = 10  # best customers, and worst, of a segment that a person asks for


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The mature customers, ready to be fitted; arrays by customer, in the order of `table`.

    Attributes
    ----------
    table : pa.Table
        The customers with all their columns, without what names our own product.
    columns : dict of str to Arrow array
        The columns that are fitted: those that may be scored on, and those that are adjusted for.
    specs : list of FieldSpec
        How each of them is encoded and named.
    status : ndarray of str, shape (n,)
        best, worst or middle.
    grade : ndarray of shape (n,)
        Percentile of each customer's composite outcome; NaN where it has none.
    groups : ndarray of int, shape (n,)
        Accounts of one company share a number: splits keep them together.
    params : FitParams
    as_of : date or None
        The day ages are measured to.
    weight : ndarray of shape (n,) or None
        What each customer counts for in fits; None: all alike.
    """

    table: pa.Table
    columns: dict[str, pa.Array]
    specs: list[FieldSpec]
    status: npt.NDArray[np.str_]
    grade: FloatArray
    groups: npt.NDArray[np.int64]
    params: FitParams
    as_of: date | None
    weight: FloatArray | None = None

    @property
    def best(self) -> FloatArray:
        """1 for best customers, 0 for all others."""
        return np.asarray(self.status == "best", dtype=np.float64)

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Which customers are best or worst."""
        return np.asarray(self.status != "middle")

    @property
    def signed_up(self) -> npt.NDArray[np.datetime64] | None:
        """When each became a customer, where the file says so."""
        if "customer_since" not in self.table.column_names:
            return None
        return np.asarray(self.table.column("customer_since").to_numpy())

    @property
    def current_score(self) -> FloatArray | None:
        """The score in use today, where the file has one that is a number."""
        if "current_score" not in self.table.column_names:
            return None
        column = self.table.column("current_score")
        return np.asarray(column.to_numpy(), dtype=np.float64) if pa.types.is_floating(column.type) else None


def prepare(
    accounts: Accounts, labels: OutcomeLabels, data_report: DataReport, settings: Settings, as_of: date | None
) -> TrainingData:
    """Take the mature customers and their accepted columns."""
    mature = np.flatnonzero(labels.is_mature)
    table = without_own_product(accounts.table, settings.fields.own_product)[0].take(pa.array(mature))
    params = FitParams(
        BoostingParams(bags=settings.model.bags),
        max_tokens=settings.model.max_tokens,
        max_pairs=settings.model.max_pairs,
        grades=settings.outcomes.grades,
        segments=asked_segments(settings),
        emphasis={str(category): factor for category, factor in settings.model.emphasis.items()},
    )
    specs = field_specs(accounts, data_report, as_of)
    columns = {spec.name: table.column(spec.name).combine_chunks() for spec in specs}
    for spec in specs:
        if spec.form == "text":
            columns[spec.name] = without_rare(columns[spec.name], min_count=params.min_count)
    status = labels.status.to_numpy(dtype=object)[mature].astype(str)
    grade = np.asarray(labels.grade, dtype=np.float64)[mature]
    return TrainingData(table, columns, specs, status, grade, group_accounts(table), params, as_of)


def asked_segments(settings: Settings) -> Literal["auto", "never"] | OwnSegments:
    """Return what the settings say of segments, as fits take it."""
    asked = settings.model.segments
    return asked if isinstance(asked, str) else OwnSegments(asked.field, asked.at, asked.groups)


def undivided(data: TrainingData) -> TrainingData:
    """Return the data of a model that a person's overrides or hypothesis will change: it has one set of tables.

    Raises
    ------
    SettingsError
        The settings ask for segments as well.
    """
    if isinstance(data.params.segments, OwnSegments):
        msg = (
            "model.segments: a rule of your own goes with neither profile.overrides nor model.hypothesis, which change "
            "one set of tables; remove one of them"
        )
        raise SettingsError(msg)
    return replace(data, params=replace(data.params, segments="never"))


def check_segments(data: TrainingData) -> None:
    """Refuse a person's own segments that the customers do not fill, before anything slow is done.

    Raises
    ------
    SettingsError
        The field is none of the model's, has not the values named, or a segment holds too few customers.
    """
    asked = data.params.segments
    if isinstance(asked, str):
        return
    encoding = fit_encoding(data.columns, data.specs, data.params, data.as_of)
    term, sides = own_sides(asked, encoding.terms, data.as_of)
    column = encoding.encode(data.columns, len(data.status), data.as_of)[:, term]
    for codes in sides:
        there = np.isin(column, codes)
        counts = {name: int((data.status[there] == name).sum()) for name in ("best", "worst")}
        for name, count in counts.items():
            if count < LEAST_OF_SEGMENT:
                words = rule_words(encoding.terms[term], codes)
                msg = (
                    f"model.segments: '{words}' holds {count} {name} customers; a segment needs {LEAST_OF_SEGMENT} "
                    "of each to be told from the others: cut elsewhere, or set  segments: auto"
                )
                raise SettingsError(msg)
    if len(sides) < 2:
        msg = f"model.segments: all customers are on one side of {list(asked.at)} {asked.field}; cut between them"
        raise SettingsError(msg)


def field_specs(accounts: Accounts, data_report: DataReport, as_of: date | None) -> list[FieldSpec]:
    """Return how the accepted fields, and those that are adjusted for, are encoded and named."""
    out = []
    for name in [*data_report.accepted, *data_report.adjusted]:
        known = accounts.fields[name]
        out.append(
            FieldSpec(
                name,
                _kind(known),
                _form(known, as_of),
                known.readable,
                known.category,
                accounts.spellings.get(name, {}),
                name in data_report.neutralise,
                name in data_report.adjusted,
            )
        )
    return out


def _kind(field: Field) -> EncodedKind:
    if field.kind in NUMERIC_KINDS or field.kind == "date":
        return "numeric"
    if field.kind == "boolean":
        return "boolean"
    return "tokens" if field.kind in ("token_set", "text") else "category"


def _form(field: Field, as_of: date | None) -> str:
    """Return how a field is read and worded: its kind, but years as ages and industry codes by their system."""
    if field.kind == "year" and as_of is not None:
        return "age"
    return CODE_SYSTEMS.get(field.name, field.kind) if field.kind == "category" else field.kind

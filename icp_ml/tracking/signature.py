"""The signature of a logged model: what it takes and gives, stated, not inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from icp_ml.schema import BY_NAME, header_key
from icp_ml.scoring.columns import row_schema

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

    from icp_ml.model import ICPModel

IDENTITY = ("account_id", "name", "domain")


def input_names(model: ICPModel) -> tuple[str, ...]:
    """Return the columns a logged model takes: identity and fields by name, then their other known spellings.

    MLflow drops columns the signature does not name, so the customer file's own headers, the headers the settings map,
    and the vendors' spellings of each field have to be in it.
    """
    wanted = [*IDENTITY, *(name for name in model.fields if name not in IDENTITY)]
    spellings: dict[str, list[str]] = {name: [] for name in wanted}
    for column in model.data_report.get("source", {}).get("columns", ()):
        spellings.get(column["field"], []).append(column["header"])
    for header, target in model.settings.columns.items():
        spellings.get(target, []).append(header)
    for name in wanted:
        known = BY_NAME.get(name)
        spellings[name] += known.aliases if known else ()
    ignored = {header for header, target in model.settings.columns.items() if target == "ignore"}
    spelled = [header for headers in spellings.values() for header in headers]
    beside = model.settings.scoring.winnability_column
    spelled += [beside] if beside else []
    every = dict.fromkeys([*wanted, *spelled, *map(header_key, spelled)])
    return tuple(name for name in every if name and name not in ignored)


def model_signature(model: ICPModel) -> ModelSignature:
    """Return the signature: every input optional and of any type, every output with its type.

    A stated string or number would refuse whole-number ids, "51-200" employees, and a column with gaps.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    scoring = model.settings.scoring
    types = {pa.string(): DataType.string, pa.float64(): DataType.double, pa.bool_(): DataType.boolean}
    outputs: list[ColSpec | TensorSpec] = [
        ColSpec(types[field.type], name=field.name, required=not field.nullable)
        for field in row_schema(scoring.reasons, scoring.lookalikes)
    ]
    params = [ParamSpec("reasons", "integer", scoring.reasons), ParamSpec("lookalikes", "integer", scoring.lookalikes)]
    anything = AnyType()  # type: ignore[no-untyped-call]
    inputs: list[ColSpec | TensorSpec] = [ColSpec(anything, name=name, required=False) for name in input_names(model)]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs), params=ParamSchema(params))

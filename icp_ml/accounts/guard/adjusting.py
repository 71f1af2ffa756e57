"""Whether fields can be adjusted for: customers must have them, and they must be neither outcomes nor names."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import pyarrow as pa

from icp_ml.exceptions import SettingsError
from icp_ml.schema import Field
from icp_ml.settings import Settings

ADJUSTED = "it is adjusted for (fields.adjust_for): fitted with the others, then held at its average"
_MAX_NAMED = 12


def check_adjusted(customers: pa.Table, fields: Mapping[str, Field], settings: Settings) -> None:
    """Refuse names under `fields.adjust_for` that nothing can be adjusted for.

    Raises
    ------
    SettingsError
        A name is no column of the customers' table, an outcome, a name or text, or holds one value only.
    """
    for name in settings.fields.adjust_for:
        why = _unusable(name, customers, fields)
        if why:
            msg = f"fields.adjust_for names '{name}', {why}"
            raise SettingsError(msg)


def _unusable(name: str, customers: pa.Table, fields: Mapping[str, Field]) -> str:
    if name not in customers.column_names:
        features = sorted(n for n in customers.column_names if fields[n].role == "feature")
        alike = get_close_matches(name, features, 3)
        named = (
            f"perhaps {' or '.join(alike)} is meant" if alike else f"its fields are {', '.join(features[:_MAX_NAMED])}"
        )
        return f"which is not a column of the customers' table; {named}"
    role = fields[name].role
    if role == "outcome":
        return "which is an outcome: customers are judged by it; leave it out there, or under  outcomes: {weights: ...}"
    if fields[name].kind == "text" or role != "feature":
        return (
            "which names or describes accounts; if its values are groups or numbers, say so under  "
            f"fields: {{custom: [{{name: {name}, kind: category}}]}}"
        )
    column = customers[name]
    if column.null_count == len(column):
        return "which has no value for any customer; remove it there, or give the column its values"
    if not pa.types.is_list(column.type) and len(column.unique()) < 2:
        return "which has the same value for every customer, so there is nothing to adjust for; remove it there"
    return ""

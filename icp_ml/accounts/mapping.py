"""Which header is which field, as a person corrects it: proposed settings, and the mapping of one list."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from icp_ml.accounts.reading import Accounts
from icp_ml.accounts.report import ColumnReport
from icp_ml.exceptions import InputError, SettingsError
from icp_ml.schema import BY_NAME, FIELDS

MAX_BYTES = 1_000_000


def read_mapping(path: Path) -> dict[str, str]:
    """Read a YAML file of header -> field, for a list whose headers the settings do not know.

    Raises
    ------
    InputError
        The file cannot be read, or is not a mapping of text to text.
    SettingsError
        A target is not a field.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            msg = f"{path}: larger than {MAX_BYTES:,} bytes, which no mapping is"
            raise InputError(msg)
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        why = " ".join(str(error).split())
        msg = f"{path}: cannot be read as a mapping ({why}); write lines such as  Sector: industry"
        raise InputError(msg) from error
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        msg = f"{path}: expected lines such as  Sector: industry"
        raise SettingsError(msg)
    return {str(header): target for header, target in data.items()}


def propose_settings(customers: Accounts, market: Accounts | None) -> str:
    """Return commented YAML: how every column was understood, for a person to correct.

    Sure guesses are comments (they hold without being said); columns that nothing is known of are listed
    with what their values look like.
    """
    listed = set(market.table.column_names) if market else None
    lines = [
        "# Settings for icp-ml. Every line is optional; what is commented out is what happens anyway.",
        f"# Proposed from {_comment(Path(customers.report.source).name)}"
        + (f" and {_comment(Path(market.report.source).name)}." if market else "."),
        "",
        f"{'' if customers.as_of else '# '}as_of: {customers.as_of or '2026-10-01'}  # the day the data speaks of",
        "",
        "# Header -> field. Write `ignore` to leave a column out. Fields:",
        *_field_names(),
        "columns:",
    ]
    body = [line for column in customers.report.columns for line in _column(column, listed)]
    known = {column.field for column in customers.report.columns}
    if market:
        body += [
            line for column in market.report.columns if column.field not in known for line in _only_on_list(column)
        ]
    lines += body
    lines += [
        "",
        "# fields:",
        "#   exclude: []       # never features",
        "#   confirm: []       # columns the leak guard asked about and you vouch for",
        "#   own_product: []   # tokens that name your own product",
        "",
        "# outcomes:",
        "#   weights: {retention: 1, expansion: 1, nps: 1}",
        "#   horizon_days: 365",
        "#   best_share: 0.25",
    ]
    return "\n".join(lines) + "\n"


def _field_names() -> list[str]:
    out, line = [], "#  "
    for name in (f.name for f in FIELDS):
        if len(line) + len(name) > 110:
            out.append(line)
            line = "#  "
        line += f" {name}"
    return [*out, line]


def _column(column: ColumnReport, listed: set[str] | None) -> list[str]:
    header = json.dumps(column.header, ensure_ascii=False)
    details = [f"{column.kind}, {column.filled_share:.0%} filled"]
    if column.role == "outcome":
        details.append(f"outcome: {column.outcome}")
    elif listed is not None and column.role == "feature" and column.field not in listed:
        details.append("not on the list, so not used")
    details += column.notes
    comment = _comment("; ".join(details))
    if column.how == "settings":
        return [f"  {header}: {column.field}  # {comment}"]
    if column.field in BY_NAME:
        return [f"  # {header}: {column.field}  # {comment}"]
    return [f"  # {header}: ?  # a field of your own, '{column.field}': {comment}"]


def _only_on_list(column: ColumnReport) -> list[str]:
    header = json.dumps(column.header, ensure_ascii=False)
    return [f"  # {header}: {column.field}  # on the list only, so not used"]


def _comment(text: str) -> str:
    """Keep a stranger's header from ending the comment it stands in."""
    return "".join(c if c.isprintable() else " " for c in text)

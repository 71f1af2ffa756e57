"""Which header is which field, as a person corrects it: proposed settings, and the mapping of one list."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import yaml

from icp_ml.accounts.guard.names import by_name
from icp_ml.accounts.headers.proposals import Proposal, propose_fields
from icp_ml.accounts.report import ColumnReport
from icp_ml.accounts.table import Accounts
from icp_ml.exceptions import InputError, SettingsError
from icp_ml.schema import BY_NAME, FIELDS, Field, header_key
from icp_ml.settings import Settings

MAX_BYTES = 1_000_000
EXAMPLES, EXAMPLE_CHARS = 3, 28  # shown of a column
REMARK_CHARS = 220  # of a line's comment
MAX_LINES = 500  # columns of one group with a line of their own


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

    Active lines hold what is known for sure: a column whose header is a field's name or one of its spellings. Guesses,
    questions, columns of the file's own and defaults are comments. Lines that two columns of one file would compete
    for are comments too, so that the file reads every table as it was read without it.
    """
    files = [customers, *([market] if market else [])]
    lines = [
        f"# Settings for icp-ml, proposed from {' and '.join(_file_name(accounts) for accounts in files)}.",
        "# Correct what is wrong; delete what you do not care about: every line is optional.",
        "# Lines that begin with # change nothing: they are guesses, questions, and defaults. Remove the # to use one.",
        "",
        _as_of_line(customers),
        "",
        "# ---- Which column is which field " + "-" * 86,
        "# header: field. `ignore` leaves a column out. The fields, by what they say:",
        *_field_names(),
        *_what_lacks(customers),
        "columns:",
    ]
    sure = _sure(files)
    said: set[str] = set()
    for accounts in files:
        lines += _file_lines(accounts, sure, said, market if accounts is customers else customers)
    return "\n".join([*lines, "", *default_lines()]) + "\n"


def _what_lacks(customers: Accounts) -> list[str]:
    """Return what training will miss, before a person finds out by being refused."""
    known = {column.role for column in customers.report.columns}
    told = []
    if "outcome" not in known:
        told += [
            "#",
            "# TO DO: no column is known for sure as an outcome of the customers, and training needs one. Remove the #",
            '# before a guess that is right, or name one, such as  "Your header": churned .',
        ]
    if customers.report.id_source == "row number":
        told += [
            "#",
            "# TO DO: no column is known for sure as the account id, the domain or the name: rows are known by their",
            '# number. Remove the # before a guess that is right, or name one, such as  "Your header": account_id .',
        ]
    return told


def _file_name(accounts: Accounts) -> str:
    return _comment(Path(accounts.report.source).name)


def _as_of_line(customers: Accounts) -> str:
    if customers.as_of is None:
        return "# as_of: 2026-10-01  # the day the data speaks of: ages and recencies are measured to it"
    return f"as_of: {customers.as_of}  # the day the data speaks of (here the newest customer date): ages are as of it"


def _sure(files: Sequence[Accounts]) -> dict[str, str]:
    """Return the headers whose field is known, without those that would change how one of the files is read."""
    sure: dict[str, str] = {}
    for accounts in files:
        for column in accounts.report.columns:
            if column.how in ("name", "alias", "settings") and column.field in BY_NAME:
                sure.setdefault(column.header, column.field)
    for accounts in files:
        spelled: dict[str, list[ColumnReport]] = {}
        for column in accounts.report.columns:
            spelled.setdefault(header_key(column.header) or column.header, []).append(column)
        meant: dict[str, set[str]] = {}
        for header, field in sure.items():
            for column in spelled.get(header_key(header) or header, []):
                meant.setdefault(field, set()).add(f"{column.field} {column.header}")
        own = {column.field: f"{column.field} {column.header}" for column in accounts.report.columns}
        wrong = {field for field, columns in meant.items() if columns != {own.get(field, "")}}
        sure = {header: field for header, field in sure.items() if field not in wrong}
    return sure


@dataclass(frozen=True)
class _Line:
    """One line under `columns`: commented out or not."""

    active: bool
    header: str
    target: str
    remark: str


def _file_lines(accounts: Accounts, sure: Mapping[str, str], said: set[str], other: Accounts | None) -> list[str]:
    """Return the lines for the columns of one file that no line stands for yet, in groups."""
    guesses = {proposal.header: proposal for proposal in propose_fields(accounts)}
    first = not said
    columns = [column for column in accounts.report.columns if column.header not in said]
    said.update(column.header for column in columns)
    elsewhere = (set(other.fields), "not on the list" if first else "not in the customers' file") if other else None
    groups: dict[str, list[_Line]] = {title: [] for title in _GROUPS}
    for column in columns:
        examples = _examples(accounts, column)
        if column.header in guesses:
            proposal = guesses[column.header]
            groups["questions" if proposal.question else "guesses"].append(_guess_line(proposal, column, examples))
        else:
            title = _group_of(column)
            groups[title].append(_column_line(column, column.header in sure, examples, elsewhere))
    rows, count = accounts.report.rows_read, len(accounts.report.columns)
    shared = count - len(columns)
    lines = [
        "",
        f"  # ==== {_file_name(accounts)}: {rows:,} rows, {count:,} column{'s' if count != 1 else ''}"
        + (f", {shared:,} of them with a line above" if shared else ""),
    ]
    width = min(max([len(quoted(line.header)) for group in groups.values() for line in group], default=0), 46)
    for title, group in groups.items():
        if group:
            lines += ["", f"  # {_GROUPS[title]}", *_aligned(group[:MAX_LINES], width)]
            if len(group) > MAX_LINES:
                lines.append(f"  # ... and {len(group) - MAX_LINES:,} more columns")
    return lines


def _aligned(group: Sequence[_Line], width: int) -> list[str]:
    targets = min(max(len(line.target) for line in group), 34)
    return [
        f"  {'' if line.active else '# '}{(quoted(line.header) + ':'):<{width + 1 + 2 * line.active}} "
        f"{line.target:<{targets}}  # {_comment(_cut(line.remark, REMARK_CHARS))}"
        for line in group
    ]


def _group_of(column: ColumnReport) -> str:
    if column.role == "outcome":
        return "outcomes"
    return column.how if column.field in BY_NAME and column.how in _GROUPS else "own"


def _guess_line(proposal: Proposal, column: ColumnReport, examples: str) -> _Line:
    reasons = [proposal.question, proposal.why]
    if proposal.others:
        reasons.insert(1, f"or {', '.join(proposal.others)}")
    return _Line(
        False,
        column.header,
        proposal.field,
        f"{proposal.confidence:.2f}: {'; '.join(reason for reason in reasons if reason)}{examples}",
    )


def _column_line(column: ColumnReport, sure: bool, examples: str, elsewhere: tuple[set[str], str] | None) -> _Line:
    known = column.field in BY_NAME and column.how in _GROUPS
    remarks = [f"{column.kind}, {column.filled_share:.0%} filled{examples}"]
    if known and not sure:
        remarks.append("found by itself, in each file under another header")
    if column.role == "outcome":
        remarks.insert(0, f"{(column.outcome or '').replace('_', ' ')}: ".rstrip())
        remarks[:2] = [f"{remarks[0]} {remarks[1]}"]
    if column.role == "context":
        remarks.append("carried along, never learned from")
    if not known:
        asked = by_name(Field(column.field, column.kind, column.category))
        if asked is not None:
            remarks.append(asked.reason)
    if elsewhere is not None and column.role == "feature" and column.field not in elsewhere[0]:
        remarks.append(f"{elsewhere[1]}, so not used")
    remarks += column.notes
    return _Line(known and sure, column.header, column.field if known else "ignore", "; ".join(remarks))


def _examples(accounts: Accounts, column: ColumnReport) -> str:
    """Return two or three of a column's cells, as written where that is kept, short and on one line."""
    written = list(dict.fromkeys(text for text, _ in column.examples))[:EXAMPLES]
    if len(written) < EXAMPLES:
        spellings = accounts.spellings.get(column.field, {})
        seen: dict[str, None] = {}
        for value in accounts.table.column(column.field).slice(0, 200).to_pylist():
            for part in value if isinstance(value, list) else [value]:
                if part is not None and len(seen) < EXAMPLES:
                    seen.setdefault(_cell(spellings.get(part, part) if isinstance(part, str) else part))
        written += [text for text in seen if text not in written][: EXAMPLES - len(written)]
    shown = list(dict.fromkeys(_cut(" ".join(text.split()), EXAMPLE_CHARS) for text in written))
    return f", e.g. {', '.join(shown)}" if shown else ""


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.15g}"
    return value.date().isoformat() if isinstance(value, datetime) else str(value)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3].rstrip() + "..."


def default_lines() -> list[str]:
    """Return the other settings at their defaults, commented out, with what they do."""
    lines = ["# ---- Everything else, as it is without a line " + "-" * 73]
    defaults = Settings().model_dump(mode="json")
    for section, told in _TOLD.items():
        shown = {key: f"{key}: {_flow(defaults[section][key])}" for key in told if key in defaults.get(section, {})}
        width = max(map(len, shown.values()), default=0)
        lines += ["", f"# {section}:", *(f"#   {text:<{width}}  # {told[key]}" for key, text in shown.items())]
    return lines


def _flow(value: object) -> str:
    """Return a default as YAML on one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    return f"{value:g}" if isinstance(value, float) else json.dumps(value)


_GROUPS = {
    "questions": "To answer: these headers mean different things in different files.",
    "guesses": "Guesses, with their confidence: not used as long as they are comments.",
    "settings": "As your settings say.",
    "name": "Found by name: the header is the field's name.",
    "alias": "Found by spelling: the header is what an export calls the field.",
    "outcomes": "Outcomes: measured after the sale, they judge customers and are never learned from.",
    "own": "Columns of your own: used under their own names, unless ignored or refused by  icp-ml check.",
}
# What each setting does; a setting that is not told here is not shown.
_TOLD: dict[str, dict[str, str]] = {
    "fields": {
        "custom": "fields of your own, such as {name: gpu_spend_usd, kind: money, category: technographic}",
        "exclude": "fields never to learn from",
        "confirm": "fields that  icp-ml check  asks about and you vouch for: known before the sale",
        "adjust_for": "customers have them, lists do not (tier, discount): fitted, then held at average",
        "own_product": "tokens that name your own product or integrations: seen on customers' sites only",
        "currency_rates": "US dollars per unit of a currency, such as {EUR: 1.08}",
        "date_order": "of dates such as 4/5/2024, by field or header: day_first or month_first",
        "missing_values": "values that stand for nothing, by field or header, such as {employees: [999]}",
    },
    "outcomes": {
        "preset": "by growth stage: mvp, product_market_fit, growth, efficiency; or default",
        "weights": "how much each outcome counts in the composite",
        "horizon_days": "days a customer must have been observed to be judged; younger ones are left out",
        "best_share": "share of the judged customers called best",
        "observed_from": "sign_up, or the day the fields are from: outcomes after it count",
        "late_churn": "who left after the horizon: worst, or judged by what came before",
        "lost_deals": "report, or worst: deals lost then count as worst, and the score says who buys",
        "revenue_cap": "revenue above this quantile counts as at it",
    },
    "model": {
        "emphasis": "how freely a category's fields may speak, such as {psychographic: 1.5}",
        "market_weights": "weight customers so that they look like the list",
        "bags": "refits on resamples that are averaged; their spread gives the intervals",
        "max_tokens": "most tokens used of a list or text",
        "hypothesis": "a written ICP that counts as some customers, such as {file: hypothesis.yaml, customers: 50}",
        "max_pairs": "most pairs of fields that may say something together, each kept only if it earns its place",
    },
    "evaluation": {
        "folds": "folds of each repeat", "repeats": "repeats with other folds",
        "permutations": "most shuffles of the labels that the model must beat, at least 49",
    },
    "profile": {
        "filters": "fields whose trait is a filter: accounts known to be outside are ineligible",
        "signals": "fields whose traits are never filters",
        "overrides": "decisions with a reason, such as {exclude: {field: country, in: [US]}, reason: no partner}",
        "new_market": 'a market being entered, such as "employees > 500", compared with the core',
    },
    "tiers": {"capacity": "accounts that can be worked"},
    "scoring": {"reasons": "reasons beside each score", "lookalikes": "customers alike beside each score"},
    "matching": {
        "enrich": "whether customers take over the list's values for training: auto, always, never",
        "list_date": "the day the list's values are from; later than the outcomes is warned of",
    },
}  # fmt: skip


def _field_names() -> list[str]:
    """Return the fields' names in lines, by role and category."""
    groups: dict[str, list[str]] = {}
    for field in FIELDS:
        title: str = field.category if field.role == "feature" else field.role
        groups.setdefault(title.replace("_", " "), []).append(field.name)
    lines = []
    for title, names in groups.items():
        lines += textwrap.wrap(
            " ".join(names), 118, initial_indent=f"#   {title + ':':<15} ", subsequent_indent="#" + " " * 19
        )
    return lines


def quoted(text: str) -> str:
    """Return text as a double-quoted YAML scalar on one line."""
    escaped = (
        c if c.isprintable() and c not in '"\\' else f"\\{c}" if c in '"\\' else f"\\U{ord(c):08X}" for c in text
    )
    return '"' + "".join(escaped) + '"'


def _comment(text: str) -> str:
    """Keep a stranger's header or value from ending the comment it stands in."""
    return "".join(c if c.isprintable() else " " for c in text)

"""The data report for a terminal: the answer first, then what it rests on; nothing computed here.

Readable without colour, on 80 columns, and in a pipe. Long tables are cut, and a line says how to see all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.measure import Measurement
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

WIDEST = 108  # columns: longer lines are hard to read
WIDEST_NAME = 32
MAX_ROWS = 30  # of a table
MAX_LINES = 8  # of notes of one sort
MAX_REASONS = 2  # against one column
EIGHTHS = " ▏▎▍▌▋▊▉"
SEE_ALL = "all of them:  --html FILE  or  --json"


class Meter:
    """A share as a bar of characters, of blocks where the terminal has them."""

    def __init__(self, share: float | None, width: int = 10) -> None:
        self.share = min(max(share or 0.0, 0.0), 1.0)
        self.width = width

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the bar."""
        if options.ascii_only:
            yield Text("#" * round(self.share * self.width), no_wrap=True)
            return
        eighths = round(self.share * self.width * 8)
        if self.share > 0:
            eighths = max(eighths, 1)
        yield Text("█" * (eighths // 8) + EIGHTHS[eighths % 8].strip(), style="cyan", no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return its width."""
        return Measurement(self.width, self.width)


def check_view(context: Mapping[str, Any]) -> RenderableType:
    """Return the data report of `check_context`, to be printed."""
    columns, labels = context["columns"], context["labels"]
    parts: list[RenderableType] = [answer(context["answer"])]
    parts += [_section("The files" if len(context["files"]) > 1 else "The file", _files(context["files"]))]
    if labels["rows_any"]:
        parts.append(_section("How customers are judged", _labels(labels)))
    if columns["any"]:
        parts.append(_section("The columns", _columns(columns)))
    else:
        parts += [_section(f"How {file['name']} was read", _as_read(file)) for file in context["files"][:1]]
    if context["populations"]:
        parts.append(_section("Customers against the list", _populations(context["populations"])))
    if context["matching"]:
        parts.append(_section("Customers on the list", _matching(context["matching"])))
    if context["no_list"]:
        parts.append(_section("Customers against the list", Text(context["no_list"])))
    if context["notes"]:
        parts.append(_section("Notes", _bullets(context["notes"])))
    return Constrain(Group(*parts), WIDEST)


def answer(shown: Mapping[str, Any]) -> RenderableType:
    """Return the answer in a few lines: ready, or what stops training, and the next step."""
    style = "bold green" if shown["ready"] else "bold red"
    lines: list[RenderableType] = [Text(shown["lead"], style=style)]
    lines += [Padding(Text(stop), (0, 0, 0, 2), expand=False) for stop in shown["stops"]]
    if shown["doubt"]:
        lines.append(Text(shown["doubt"]))
    if shown["next"]:
        lines.append(Text(f"Next: {shown['next']}"))
    return Group(*lines)


def written_line(path: str) -> RenderableType:
    """Return where the page is."""
    return Constrain(Group(Text(), Text(f"The same with charts: {path}")), WIDEST)


def _section(title: str, *parts: RenderableType) -> RenderableType:
    return Group(Text(), Rule(Text(title, style="bold"), align="left", style="dim"), *parts)


def _table(*columns: str) -> Table:
    """Return a table without lines; a name ending in ">" is set to the right, in "!" never wrapped."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0), show_header=any(columns))
    for column in columns:
        name, right, fixed = column.rstrip(">!"), column.endswith(">"), column.endswith("!")
        side: JustifyMethod = "right" if right else "left"
        if fixed:  # a long name is cut: figures beside it stay in line
            table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=WIDEST_NAME)
        else:
            table.add_column(name, justify=side, no_wrap=right, overflow="fold")
    return table


def _indented(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2), expand=False)


def _bullets(lines: Sequence[str], most: int = MAX_LINES, mark: str = "-") -> RenderableType:
    """Return one line each, the rest counted."""
    table = _table("", "")
    for line in lines[:most]:
        table.add_row(Text(mark, style="yellow" if mark == "!" else ""), Text(line))
    if len(lines) > most:
        table.add_row("", _more(len(lines) - most))
    return table


def _files(files: Sequence[Mapping[str, Any]]) -> RenderableType:
    parts: list[RenderableType] = []
    table = _table("", "", "")
    for file in files:
        rows = f"{file['total']} rows"
        if file["rejected"]:
            rows += f": {file['rows']} read, {file['rejected']} rejected"
        elif not file["sampled"]:
            rows += ", all of them read"
        ids = f"; accounts are known by their {file['ids']}" if file["role"] == "Customers" and file["ids"] else ""
        table.add_row(
            Text(file["role"]), Text(file["name"], overflow="fold"), Text(f"{rows}; {file['columns_words']}{ids}")
        )
    parts.append(table)
    for file in files:
        told = [f"{file['name']}: {note}" for note in file["notes"]]
        told += [f"{file['name']}, '{cell['header']}': {' '.join(cell['words'])}" for cell in file["cells"]]
        if told:
            parts.append(_bullets(told))
    return Group(*parts)


def _labels(labels: Mapping[str, Any]) -> RenderableType:
    table = _table("Judged as", "customers>", "share>", "")
    for row in labels["rows"]:
        table.add_row(Text(row["name"]), Text(row["count"]), Text(row["share"]), Meter(row["bar"], 20))
    parts: list[RenderableType] = [Text(labels["short"]), Text(), table]
    audit = labels["audit"]
    told = list(labels["notes"])
    if audit:
        parts += [Text(), _groups(audit)]
        facts = [audit["retention"], "" if audit["warned_of_change"] else audit["worst_change"], *audit["top_five"]]
        facts += [f"What tells customers apart in the composite: {audit['shares']}."] if audit["shares"] else []
        told = [*(fact for fact in facts if fact), *told]
    if labels["deals"]:
        told.append(labels["deals"]["sentence"])
    if audit and audit["warnings"]:
        parts += [Text(), _bullets(audit["warnings"], mark="!")]
    if told:
        parts += [Text(), _bullets(told)]
    if labels["details"]:
        parts += [Text(), Text(f"In full: {labels['details']}", style="dim")]
    return Group(*parts)


def _groups(audit: Mapping[str, Any]) -> RenderableType:
    """Return what best, middle and worst look like, in the outcomes' own units."""
    table = _table("What they look like", *(f"{name}>" for name in audit["group_names"]))
    for row in audit["groups"]:
        table.add_row(Text(row["name"]), *(Text(cell) for cell in row["cells"]))
    return table


def _columns(columns: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [Text(columns["lead"])]
    if columns["asked"]:
        parts += [Text(), Text("Asked about: not used until you vouch for them", style="yellow")]
        parts += _reasons([(row["field"], row["reasons"]) for row in columns["asked"]])
        parts.append(_indented(Text(f"Those known before the sale go into the settings:  {columns['confirm']}")))
    if columns["left_out"]:
        parts += [Text(), Text("Left out")]
        groups = [(", ".join(group["fields"]), [group["reason"], *group["more"]]) for group in columns["left_out"]]
        parts += _reasons(groups)
    if columns["used"]:
        parts += [Text(), _used(columns)]
        told = [f"{row['field']}: {' '.join(row['reasons'])}" for row in columns["used"] if row["reasons"]]
        if told:
            parts += [Text(), Text("To know of them"), _bullets(told)]
    return Group(*parts)


def _as_read(file: Mapping[str, Any]) -> RenderableType:
    """Return what each header was taken as: shown where the columns could not be judged."""
    table = _table("Header", "taken as", "filled>", "")
    for row in file["read"][:MAX_ROWS]:
        table.add_row(Text(row["header"]), Text(row["taken"]), Text(row["filled"]), Meter(row["filled_bar"]))
    return Group(table, *([_more(len(file["read"]) - MAX_ROWS)] if len(file["read"]) > MAX_ROWS else []))


def _more(left: int) -> RenderableType:
    """Return how to see the rest; the page too shows a limited number."""
    return Text(f"and {left:,} more; {SEE_ALL}", style="dim")


def _reasons(rows: Sequence[tuple[str, Sequence[str]]]) -> list[RenderableType]:
    """Return fields with why, one group per paragraph."""
    parts: list[RenderableType] = []
    for fields, reasons in rows[:MAX_ROWS]:
        more = f" (and {len(reasons) - MAX_REASONS} more)" if len(reasons) > MAX_REASONS else ""
        text = Text.assemble((fields, "bold"), ": ", " ".join(reasons[:MAX_REASONS]), (more, "dim"))
        parts.append(_indented(text))
    if len(rows) > MAX_ROWS:
        parts.append(_indented(_more(len(rows) - MAX_ROWS)))
    return parts


def _used(columns: Mapping[str, Any]) -> RenderableType:
    """Return the used fields, the strongest first, with how well they are filled."""
    headers = ["Used, strongest first!", "customers", ">"]
    headers += ["list", ">"] if columns["market"] else []
    headers += ["alone>"] + (["drift>"] if columns["has_drift"] else [])
    table = _table(*headers)
    for row in columns["used"][:MAX_ROWS]:
        cells: list[RenderableType] = [Text(row["field"]), Meter(row["here_bar"]), Text(row["here"])]
        cells += [Meter(row["there_bar"]), Text(row["there"])] if columns["market"] else []
        cells += [Text(row["alone"])] + ([Text(row["drift"])] if columns["has_drift"] else [])
        table.add_row(*cells)
    more = [_more(len(columns["used"]) - MAX_ROWS)] if len(columns["used"]) > MAX_ROWS else []
    key = "customers, list: share with a value. " if columns["market"] else "customers: share with a value. "
    key += "alone: how well the field tells best from worst by itself (AUC; 0.5 is chance)."
    return Group(table, *more, Text(key, style="dim"))


def _populations(populations: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [Text(populations["sentence"])]
    if populations["fields"]:
        told = ", ".join(f"{row['field']} ({row['auc']})" for row in populations["fields"])
        parts.append(Text(f"What tells them apart most, each by itself (AUC): {told}."))
    if populations["drift"]:
        table = _table("Drifted most!", "stability index", ">", "new on the list>")
        for row in populations["drift"]:
            table.add_row(Text(row["field"]), Meter(row["bar"]), Text(row["drift"]), Text(row["unseen"]))
        parts += [Text(), table, Text("Up to 0.1 is usual, above 0.25 a shift.", style="dim")]
    return Group(*parts)


def _matching(matching: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [Text(matching["sentence"])]
    if matching["how"]:
        parts.append(Text(f"Found by: {matching['how']}."))
    if matching["review"] and not matching["written"]:
        parts.append(Text("--review FILE.csv writes those in doubt; --matches FILE.csv reads what you decided."))
    if matching["enrichment"]:
        parts.append(Text(matching["enrichment"]))
    if matching["warnings"]:
        parts += [Text(), _bullets(matching["warnings"], mark="!")]
    if matching["shares"]:
        table = _table("Customers", "number>", "found", ">")
        for row in matching["shares"]:
            table.add_row(Text(row["name"]), Text(row["customers"]), Meter(row["bar"]), Text(row["share"]))
        parts += [Text(), table]
    if matching["conflicts"]:
        told = ", ".join(f"{row['field']} ({row['conflicts']})" for row in matching["conflicts"])
        parts += [Text(), Text(f"List and customers contradict each other most in: {told}.")]
    return Group(*parts, *([_bullets(matching["notes"])] if matching["notes"] else []))

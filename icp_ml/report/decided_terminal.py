"""What people said and decided, for a terminal; nothing computed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

STYLES = {
    "confirmed": "green",
    "holds there too": "green",
    "contradicted": "red",
    "does not hold there": "red",
    "not believed": "cyan",
}


def decided_tables(view: Mapping[str, Any]) -> RenderableType:
    """Return tables of what there is: past sales, beliefs beside data, overrides, the market being entered."""
    parts: list[RenderableType] = [Text(note, style="yellow") for note in view["notes"]]
    if view["sold"]:
        parts.append(
            _table(
                ("Where you have sold so far", "of best", "of worst", "of the list", "customers outside it"),
                view["sold"],
                ("statement", "best", "worst", "market", "outside"),
            )
        )
    if view["beliefs"] and view["kind"] == "derived":
        parts.append(
            _table(
                ("What we believed", "believed", "what the data say", "verdict"),
                view["beliefs"],
                ("statement", "believed", "data", "verdict"),
            )
        )
    if view["overrides"]:
        parts.append(
            _table(
                ("Decided by strategy", "why", "by", "what it costs, held out"),
                view["overrides"],
                ("words", "reason", "by", "cost"),
            )
        )
    if view["market"]:
        market = view["market"]
        parts.append(Text(f"Market being entered: {market['sentence']}"))
        if market["rows"]:
            parts.append(
                _table(
                    ("Trait of the profile", "core", "there", "verdict"),
                    market["rows"],
                    ("statement", "core", "entered", "verdict"),
                )
            )
    spaced = [part for whole in parts for part in (whole, Text(""))]
    return Group(*spaced[:-1])


def _table(heads: Sequence[str], rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(
            *(Text(row[name], style=STYLES.get(row[name], "") if name == "verdict" else "") for name in names)
        )
    return table

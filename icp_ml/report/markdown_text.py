"""Markdown that stays what it is: no markup, no link and no mention comes from a stranger's text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from icp_ml.profile import escape_markdown

BREAK = "\u200b"  # a space of no width: what it stands in is no link and no mention, and looks the same
_LEADING = re.compile(r"^(\d{1,9})([.)])|^([-+=])")
_LINKS = re.compile(r"@(?=\w)|(?<=\w):(?=//)|(?<=\bwww)\.|(?<=\bmailto):|(?<=\bxmpp):", re.IGNORECASE)
_SIGNS = re.compile(r"([&$])")  # entities, and formulas where a page knows them


def prose(text: str) -> str:
    """Return a stranger's text as it may begin a paragraph or an item: no list, heading or rule comes of it."""
    return _LEADING.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", escape_markdown(text))


def bullets(texts: Iterable[str]) -> list[str]:
    """Return the texts as one list, or nothing."""
    lines = [f"- {prose(text)}" for text in texts if text]
    return ["\n".join(lines)] if lines else []


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; every cell is escaped."""
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    lines += ["| " + " | ".join(escape_markdown(str(cell)) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def defused(document: str) -> str:
    """Return a whole document without control or direction-changing characters, links, mentions and entities."""
    lines = ("".join(c if c.isprintable() else " " for c in line) for line in document.split("\n"))
    return _LINKS.sub(lambda m: m[0] + BREAK, _SIGNS.sub(r"\\\1", "\n".join(lines)))

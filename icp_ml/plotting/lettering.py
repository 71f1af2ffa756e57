"""How wide text is, before anything draws it: lines that fit, and texts cut where they do not."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml._optional import require

if TYPE_CHECKING:
    from matplotlib.ft2font import FT2Font

# Office's Verdana and matplotlib's DejaVu Sans descend from one design and are as wide as each other, so that one
# measurement holds for a slide (Verdana) and for its picture (DejaVu Sans). Only Verdana's space is wider.
FAMILY = "DejaVu Sans"
SPACE = 0.352
LINE = 1.22  # height of a line, times the size
LACKING = 1.2  # width of a character the font lacks, times the size: a full square and more
LONGEST = 1000  # characters of a line before it is cut
# Fonts for other scripts, as systems have them; a picture uses those that are there.
FURTHER = (
    "Noto Sans CJK JP", "Noto Sans JP", "Hiragino Sans", "Yu Gothic", "MS Gothic", "PingFang SC", "Microsoft YaHei",
    "Malgun Gothic", "Apple SD Gothic Neo", "Droid Sans Fallback", "Noto Sans Thai", "Noto Sans Devanagari",
    "Nirmala UI", "Arial Unicode MS",
)  # fmt: skip
_EM = 100


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line of text in points, for a size in points."""
    return size * sum(_advance(c, bold) for c in text)


def wrap(text: str, size: float, room: float, most: int, *, bold: bool = False) -> tuple[str, tuple[str, ...]]:
    """Break a text into at most `most` lines that fit into `room` points.

    Parameters
    ----------
    text : str
    size, room : float
        Points.
    most : int
        Lines; a longer text is cut, at a word where that wastes little, and ends in "…".
    bold : bool

    Returns
    -------
    tuple of str and tuple of str
        The text as it fits, and its lines.
    """
    words, line = text.split(), ""
    lines: list[str] = []
    while words:
        word = words.pop(0)
        longer = f"{line} {word}" if line else word
        if width(longer, size, bold=bold) <= room:
            line = longer
            continue
        if not line:  # one word, wider than the line: broken where it must be
            line, rest = _split(word, size, room, bold)
            words.insert(0, rest)
        else:
            words.insert(0, word)
        if len(lines) + 1 == most:
            line = _shortened(" ".join([line, *words])[:LONGEST], size, room, bold)
            break
        lines.append(line)
        line = ""
    if line:
        lines.append(line)
    return _joined(text, lines), tuple(lines)


def shorten(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """Return the text on one line of `room` points, cut at a word with "…" where it is longer."""
    return wrap(text, size, room, 1, bold=bold)[0]


def _shortened(line: str, size: float, room: float, bold: bool) -> str:
    """Return what fits with "…" after it: whole words, unless that leaves a third of the room empty."""
    kept = line
    while kept and width(f"{kept}…", size, bold=bold) > room:
        kept = kept[:-1]
    if len(kept) < len(line) and line[len(kept)] != " ":
        head = kept.rpartition(" ")[0]
        kept = head if width(head, size, bold=bold) >= room * 2 / 3 else kept
    return kept.rstrip(" ,;:.–-(") + "…"


def _split(word: str, size: float, room: float, bold: bool) -> tuple[str, str]:
    """Return as much of a word as fits, at least one character, and the rest."""
    end = 1
    while end < len(word) and width(word[: end + 1], size, bold=bold) <= room:
        end += 1
    return word[:end], word[end:]


def _joined(text: str, lines: list[str]) -> str:
    """Return the lines as one text: a space where the text has one, none inside a broken word."""
    joined, rest = "", " ".join(text.split())
    for line in lines:
        spaced = joined and rest.startswith(" ")
        joined += f" {line}" if spaced else line
        rest = rest[len(line) + bool(spaced) :]
    return joined


def families(texts: Iterable[str]) -> list[str]:
    """Return the fonts to draw texts with: the usual one alone, unless it lacks a character."""
    font = _font(bold=False)
    if all(font.get_char_index(ord(c)) for c in set().union(*texts)):
        return [FAMILY]
    manager = require("matplotlib.font_manager", extra="report", purpose="a slide").fontManager
    there = {entry.name for entry in manager.ttflist}
    return [FAMILY, *(name for name in FURTHER if name in there)]


@cache
def _advance(char: str, bold: bool) -> float:
    """Return a character's width as a share of the size; what the font lacks counts as wide."""
    font = _font(bold)
    if char == " ":
        return SPACE
    if unicodedata.combining(char):
        return 0.0
    if not font.get_char_index(ord(char)):
        return LACKING
    flags = _ft2font().LoadFlags.NO_HINTING
    return float(font.load_char(ord(char), flags=flags).linearHoriAdvance) / 65536 / _EM


@cache
def _font(bold: bool) -> FT2Font:
    data = Path(require("matplotlib", extra="report", purpose="a slide").get_data_path())
    font: FT2Font = _ft2font().FT2Font(str(data / "fonts" / "ttf" / f"DejaVuSans{'-Bold' if bold else ''}.ttf"))
    font.set_size(_EM, 72)
    return font


def _ft2font() -> Any:
    return require("matplotlib.ft2font", extra="report", purpose="a slide")

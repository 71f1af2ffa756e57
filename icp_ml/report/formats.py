"""Numbers and strangers' text as a reader sees them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from icp_ml.estimator.labels import value_words

NONE = "–"
LONGEST = 160  # characters shown of a name or value that comes from a file


def clean(text: Any, longest: int = LONGEST) -> str:
    """Return one printable line: no control or direction-changing characters, cut where it is too long."""
    start = str(text)[: 4 * longest + 100]  # white space is folded, so that more is read than shown
    line = " ".join("".join(c if c.isprintable() else " " for c in start).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def capital(text: Any, longest: int = LONGEST) -> str:
    """Return the text with its first letter upper case, as a sentence or heading starts."""
    line = clean(text, longest)
    return line[:1].upper() + line[1:]


def known(value: Any) -> bool:
    """Whether the value is a finite number."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def number(value: Any, digits: int = 2) -> str:
    """Return "0.77", or a dash where it is not known."""
    return f"{value:.{digits}f}" if known(value) else NONE


def count(value: Any) -> str:
    """Return "1,200"."""
    return f"{value:,.0f}" if known(value) else NONE


def percent(value: Any, digits: int = 0) -> str:
    """Return "43%" for 0.43; less than half of one in a hundred, but not nothing, is "<1%"."""
    if not known(value):
        return NONE
    if digits == 0 and 0 < value < 0.005:
        return "<1%"
    return f"{value:.{digits}%}"


def money(value: Any) -> str:
    """Return "$1.2M"."""
    return value_words("money", float(value)) if known(value) else NONE


def times(value: Any, digits: int = 1) -> str:
    """Return "1.8×"."""
    return f"{value:.{digits}f}×" if known(value) else NONE


def signed(value: Any, digits: int = 3) -> str:
    """Return "+0.071" or "−0.020"."""
    return f"{value:+.{digits}f}".replace("-", "−") if known(value) else NONE


def span(low: Any, high: Any, digits: int = 2, *, sign: bool = False) -> str:
    """Return "0.73–0.81", or with signs "+0.037 to +0.108"; empty where it is not known."""
    if not (known(low) and known(high)):
        return ""
    if sign:
        return f"{signed(low, digits)} to {signed(high, digits)}"
    return f"{low:.{digits}f}–{high:.{digits}f}"


def plural(value: int, one: str, many: str = "") -> str:
    """Return "1 filter" or "3 filters"."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def listed(words: Sequence[str], most: int = 0) -> str:
    """Return "a, b and c"; beyond `most`, "a, b and 7 more"."""
    shown = list(words)
    if most and len(shown) > most:
        shown = [*shown[: most - 1], f"{len(shown) - most + 1:,} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def sentence(words: str) -> str:
    """Return words from another report as a sentence: capital first, full stop last."""
    text = capital(words, 600)
    return text if not text or text[-1] in ".!?…}" else f"{text}."  # "}" ends a line of settings


def triple(metrics: Mapping[str, Any], name: str) -> tuple[Any, Any, Any]:
    """Return value, low and high of a metric; None where there is none."""
    found = metrics.get(name)
    if not isinstance(found, Sequence) or len(found) != 3:
        return None, None, None
    return found[0], found[1], found[2]


def texts(values: Iterable[Any], longest: int = 600) -> list[str]:
    """Return each as a sentence."""
    return [sentence(clean(v, longest)) for v in values]

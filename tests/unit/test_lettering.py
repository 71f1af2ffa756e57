"""How wide text is, and where it breaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.plotting.lettering import families, shorten, width, wrap


def test_widths_are_the_fonts() -> None:
    assert width("n", 100) == pytest.approx(63.4, abs=0.1)
    assert width("n", 100, bold=True) == pytest.approx(71.2, abs=0.1)
    assert width("nn", 10) == pytest.approx(2 * width("n", 10))
    assert width("e\u0301", 10) == width("e", 10)
    assert width("株", 10) == 12


def test_short_text_stays_as_it_is() -> None:
    assert wrap("  over 500   employees ", 12, 400, 2) == ("over 500 employees", ("over 500 employees",))
    assert wrap("", 12, 400, 2) == ("", ())


def test_long_text_is_cut_at_a_word() -> None:
    text = "Manufacturing, Motor Vehicle Parts, Retail Trade, Department Stores or 6 more"
    shown, lines = wrap(text, 12, 200, 2)
    assert lines == ("Manufacturing, Motor Vehicle", "Parts, Retail Trade, Departmen…")
    assert shown == "Manufacturing, Motor Vehicle Parts, Retail Trade, Departmen…"
    assert shorten(text, 12, 200) == "Manufacturing, Motor Vehicle…"


def test_a_word_wider_than_the_line_is_broken() -> None:
    shown, lines = wrap("x" * 100, 10, 100, 3)
    assert len(lines) == 3
    assert shown == "".join(lines)
    assert shown.endswith("x…")
    shown, _ = wrap("uses " + "x" * 100, 10, 200, 1)
    assert shown.startswith("uses xxxxxxxxxx")


def test_other_scripts_are_drawn_with_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.font_manager import FontEntry, fontManager

    entries = [FontEntry(fname="a.ttf", name="MS Gothic"), FontEntry(fname="b.ttf", name="Comic Sans MS")]
    monkeypatch.setattr(fontManager, "ttflist", entries)
    assert families(["Größe ≥ 5×", "Αθήνα"]) == ["DejaVu Sans"]
    assert families(["Größe", "株式会社"]) == ["DejaVu Sans", "MS Gothic"]


TEXTS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=200)


@given(TEXTS, st.floats(10, 24), st.floats(40, 900), st.integers(1, 4), st.booleans())
def test_every_line_fits_and_nothing_is_added(text: str, size: float, room: float, most: int, bold: bool) -> None:
    shown, lines = wrap(text, size, room, most, bold=bold)
    assert len(lines) <= most
    assert all(width(line, size, bold=bold) <= room for line in lines)
    whole = "".join(text.split())
    flat = "".join(shown.split())
    assert flat == whole or (flat.endswith("…") and whole.startswith(flat[:-1]))
    assert "".join("".join(lines).split()) == flat

"""A slide as a list of boxes, and its picture: the same boxes become shapes of a .pptx elsewhere."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from icp_ml.plotting import COLOURS, MARKS, PIXELS, Estimate, bare_axes, chart_style
from icp_ml.plotting.lettering import LINE, families

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 960.0, 540.0  # points: 16:9, 13.33 by 7.5 inches
DENSITY = 2.0  # pixels of a PNG per point
SIDE = 8.0  # left and right of the marks
AXIS = 18.0  # points under the marks, for the axis
BASELINE = 0.8  # of a line's height
LIMITS = (0.1, 10.0)
TICKS = (1.0, 2.0, 0.5, 5.0, 0.2, 10.0, 0.1, 1.5, 3.0, 0.75)  # the first has the first right to its place
TICK_ROOM = 36.0
PANEL = "#f1f5f8"
Align = Literal["left", "right"]
Kind = Literal["text", "title"]


@dataclass(frozen=True)
class Paragraph:
    """Text of one size that was measured to fit.

    Attributes
    ----------
    text : str
    lines : tuple of str
        The same as it breaks in its box.
    size, before : float
        Points; `before` is the space above, none at a box's top.
    colour : str
        A name of `COLOURS`.
    """

    text: str
    lines: tuple[str, ...]
    size: float
    bold: bool = False
    colour: str = "ink"
    before: float = 0.0

    @property
    def height(self) -> float:
        """Points, with the space above."""
        return self.before + len(self.lines) * self.size * LINE


@dataclass(frozen=True)
class TextBox:
    """Paragraphs in a rectangle, from its top."""

    name: str
    x: float
    y: float
    width: float
    height: float
    paragraphs: tuple[Paragraph, ...]
    align: Align = "left"
    kind: Kind = "text"


@dataclass(frozen=True)
class Panel:
    """A filled rectangle behind text."""

    name: str
    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True)
class Marks:
    """Lifts with their intervals, one per row, each at its height: the picture beside the rows' text.

    Attributes
    ----------
    rows : tuple of (float, Estimate)
        Middle of the row in points under the picture's top, and what to draw there.
    alt : str
        The same in words.
    """

    name: str
    x: float
    y: float
    width: float
    height: float
    rows: tuple[tuple[float, Estimate], ...]
    alt: str


@dataclass(frozen=True)
class SlideLayout:
    """Everything on the slide, in reading order; positions and sizes in points from the top left.

    Attributes
    ----------
    texts : tuple of TextBox
    panels : tuple of Panel
        Behind everything else.
    marks : Marks or None
    title : str
        Of the document.
    """

    title: str
    texts: tuple[TextBox, ...]
    panels: tuple[Panel, ...] = ()
    marks: Marks | None = None


def marks_figure(marks: Marks) -> Figure:
    """Draw lifts with their intervals on a logarithmic axis around 1."""
    with chart_style():
        fig, ax = bare_axes(marks.width, marks.height, SIDE, SIDE, top=0.0, bottom=AXIS)
        _draw_marks(ax, marks)
    return fig


def _draw_marks(ax: Axes, marks: Marks) -> None:
    ax.set_ylim(marks.height - AXIS, 0.0)
    low, high = _limits([v for _, e in marks.rows for v in (e.low, e.value, e.high)])
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.axvline(1.0, color=COLOURS["muted"], linewidth=1.2, zorder=1)
    for place, one in marks.rows:
        colour = COLOURS[one.tone]
        if math.isfinite(one.low) and math.isfinite(one.high):
            ax.hlines(place, max(one.low, low), min(one.high, high), color=colour, linewidth=3.0, alpha=0.45)
        if math.isfinite(one.value):
            middle = min(max(one.value, low), high)
            ax.plot([middle], [place], marker=MARKS[one.tone], markersize=8.0, color=colour, linestyle="none")
    ticks = _ticks(low, high, marks.width - 2 * SIDE)
    ax.set_xticks(ticks, [f"{t:g}×" for t in ticks])
    ax.minorticks_off()
    ax.set_yticks([])
    ax.tick_params(axis="x", labelsize=10.0, length=3, pad=2, color=COLOURS["grid"])
    for side in ("left", "top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_axisbelow(True)
    ax.grid(visible=True, axis="x", color=COLOURS["grid"], linewidth=0.8)


def slide_figure(layout: SlideLayout) -> Figure:
    """Draw the slide: panels, the marks, and each line of text where it was measured to stand."""
    with chart_style():
        fig, ax = bare_axes(WIDTH, HEIGHT, 0.0, 0.0, top=0.0, bottom=0.0)
        ax.set_xlim(0.0, WIDTH)
        ax.set_ylim(HEIGHT, 0.0)
        ax.axis("off")
        from matplotlib.patches import Rectangle

        for panel in layout.panels:
            corner, colour = (panel.x, panel.y), COLOURS.get(panel.colour, panel.colour)
            ax.add_patch(Rectangle(corner, panel.width, panel.height, facecolor=colour, linewidth=0))
        if layout.marks is not None:
            one = layout.marks
            left, bottom = (one.x + SIDE) / WIDTH, 1 - (one.y + one.height - AXIS) / HEIGHT
            size = (one.width - 2 * SIDE) / WIDTH, (one.height - AXIS) / HEIGHT
            _draw_marks(fig.add_axes((left, bottom, *size)), one)
        fonts = families(p.text for box in layout.texts for p in box.paragraphs)
        for box in layout.texts:
            left = box.x if box.align == "left" else box.x + box.width
            top = box.y
            for paragraph in box.paragraphs:
                top += paragraph.before
                for line in paragraph.lines:
                    ax.text(
                        left,
                        top + BASELINE * LINE * paragraph.size,
                        line,
                        ha=box.align,
                        va="baseline",
                        fontfamily=fonts,
                        fontsize=paragraph.size,
                        fontweight="bold" if paragraph.bold else "normal",
                        color=COLOURS[paragraph.colour],
                    )
                    top += LINE * paragraph.size
    return fig


def to_png(figure: Figure, density: float = DENSITY) -> bytes:
    """Return a figure as a PNG on white, without a date or a program's name: the same figure gives the same bytes."""
    out = io.BytesIO()
    with chart_style(), _quiet_fonts():
        figure.savefig(out, format="png", dpi=PIXELS * density, facecolor="white", metadata={"Software": None})
    return out.getvalue()


@contextmanager
def _quiet_fonts() -> Iterator[None]:
    """Say nothing about a font for another script that has no bold letters: its plain ones are drawn."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _limits(values: Sequence[float]) -> tuple[float, float]:
    finite = [v for v in values if math.isfinite(v) and v > 0]
    return max(min([0.5, *finite]) / 1.06, LIMITS[0]), min(max([2.0, *finite]) * 1.06, LIMITS[1])


def _ticks(low: float, high: float, room: float) -> list[float]:
    """Return the ticks whose labels have room, the most telling ones first served."""
    per_log = room / math.log(high / low)
    kept: list[float] = []
    for tick in TICKS:
        near = any(abs(math.log(tick / other)) * per_log < TICK_ROOM for other in kept)
        if low <= tick <= high and not near:
            kept.append(tick)
    return sorted(kept)

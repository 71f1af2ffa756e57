"""Results to figures, and figures to SVG: nothing is computed here.

Figures are made without pyplot, on a transparent ground, in colours of a fixed list; text stays text.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from icp_ml._optional import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Tone = Literal["positive", "negative", "plain"]

PIXELS = 72.0  # SVG points per inch: sizes below are pixels of the page
# Blue against orange: told apart with any colour vision, and the marks differ in shape too.
COLOURS = {
    "ink": "#17212b",
    "muted": "#5b6875",
    "grid": "#d5dbe1",
    "positive": "#0a66a3",
    "negative": "#bf4d06",
    "plain": "#8794a1",
    "band": "#9cc3df",
    "bar": "#c3ccd5",
}
MARKS = {"positive": "o", "negative": "D", "plain": "o"}
LIFT_TICKS = (0.1, 0.2, 0.33, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
ODDS_TICKS = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
_STYLE = {
    "svg.hashsalt": "icp_ml",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 12.0,
    "axes.edgecolor": COLOURS["grid"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.linewidth": 1.0,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["ink"],
    "xtick.labelsize": 11.0,
    "ytick.labelsize": 12.0,
    "axes.labelsize": 11.0,
    "axes.unicode_minus": True,
    "path.simplify": False,
}


@dataclass(frozen=True)
class Estimate:
    """A value with its interval, to be drawn on one line.

    Attributes
    ----------
    label, note : str
        Left and right of the line.
    value, low, high : float
    tone : str
        positive, negative or plain.
    customers : float
        How many it rests on, where that is drawn.
    """

    label: str
    value: float
    low: float
    high: float
    tone: Tone = "plain"
    note: str = ""
    customers: float = 0.0


@dataclass(frozen=True)
class Curve:
    """What one field adds to the log-odds, value by value.

    Attributes
    ----------
    ordered : bool
        Bins of a number, to be drawn as steps; otherwise values, one line each.
    points : tuple of Estimate
        Log-odds with their band; `customers` is the count drawn beneath or beside.
    ticks : tuple of (int, str)
        Ordered only: bin edges (0 is before the first bin) and what stands there.
    missing : Estimate or None
        Where the field is not known.
    """

    ordered: bool
    points: tuple[Estimate, ...]
    ticks: tuple[tuple[int, str], ...] = ()
    missing: Estimate | None = None


def lift_chart(traits: Sequence[Estimate], *, narrow: bool = False) -> Figure:
    """Draw traits as lifts with their intervals, on a logarithmic axis around 1."""
    row, width = (44.0, 350.0) if narrow else (29.0, 1040.0)
    left, right = (10.0, 10.0) if narrow else (410.0, 150.0)
    height = row * len(traits) + 62.0
    with chart_style():
        fig, ax = bare_axes(width, height, left, right, top=8.0, bottom=54.0)
        low, high = _limits([v for t in traits for v in (t.low, t.value, t.high)], 0.6, 1.7, LIFT_TICKS)
        _lines(ax, traits, narrow=narrow, low=low, high=high)
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        shown = [t for t in LIFT_TICKS if low <= t <= high]
        ax.set_xticks(shown, [f"{t:g}×" for t in shown])
        ax.minorticks_off()
        ax.set_xlabel("share of best customers, against the average (1×); bar: 95% interval")
    return fig


def quality_chart(learners: Sequence[Estimate]) -> Figure:
    """Draw the AUC of the model and of what it is compared with."""
    with chart_style():
        fig, ax = bare_axes(420.0, 34.0 * len(learners) + 62.0, 172.0, 14.0, top=8.0, bottom=54.0)
        values = [v for e in learners for v in (e.low, e.high) if math.isfinite(v)]
        low, high = min([0.48, *values]) - 0.02, max([0.8, *values]) + 0.02
        _lines(ax, learners, narrow=False, low=low, high=high, middle=0.5)
        ax.set_xlim(low, high)
        shown = [t / 10 for t in range(11) if low <= t / 10 <= high]
        ax.set_xticks(shown, [f"{t:.1f}" for t in shown])
        ax.set_xlabel("AUC (0.5: chance); bar: 95% interval")
    return fig


def tier_chart(tiers: Sequence[Estimate], average: float) -> Figure:
    """Draw the share of best customers per tier, with intervals, beside the average."""
    with chart_style():
        fig, ax = bare_axes(420.0, 260.0, 40.0, 4.0, top=22.0, bottom=46.0)
        top = max([average, *(t.high for t in tiers if math.isfinite(t.high))]) * 1.1
        for k, tier in enumerate(tiers):
            if not math.isfinite(tier.value):
                continue
            ax.bar(k, tier.value, width=0.58, color=COLOURS["positive" if tier.tone == "positive" else "plain"])
            ax.vlines(k, tier.low, tier.high, color=COLOURS["ink"], linewidth=1.6)
            ax.text(k, tier.high + top * 0.015, tier.note, ha="center", va="bottom", fontsize=12.0)
        ax.axhline(average, color=COLOURS["muted"], linewidth=1.2, linestyle=(0, (4, 3)), zorder=0)
        ax.text(
            len(tiers) - 0.42,
            average + top * 0.015,
            f"average {average:.0%}",
            color=COLOURS["muted"],
            ha="right",
            va="bottom",
            fontsize=10.0,
        )
        ax.set_ylim(0, top * 1.06)
        ax.set_xlim(-0.5, len(tiers) - 0.4)
        ax.set_xticks(range(len(tiers)), [_printable(t.label) for t in tiers])
        for place, tier in enumerate(tiers):
            ax.text(
                place,
                -0.115,
                f"{tier.customers:,.0f} customers",
                transform=ax.get_xaxis_transform(),
                ha="center",
                va="top",
                color=COLOURS["muted"],
                fontsize=10.0,
            )
        ax.tick_params(axis="x", colors=COLOURS["ink"], labelsize=12.0)
        ax.tick_params(axis="y", colors=COLOURS["muted"], labelsize=10.0)
        ticks = [t / 100 for t in range(0, 101, 10 if top < 0.65 else 20) if t / 100 <= top]
        ax.set_yticks(ticks, [f"{t:.0%}" for t in ticks])
    return fig


def curve_chart(curve: Curve) -> Figure:
    """Draw what a field adds, as a factor on the odds, with its 90 % band and the customers behind it."""
    return _steps(curve) if curve.ordered else _values(curve)


def to_svg(figure: Figure) -> bytes:
    """Return a figure as an SVG document, without a date: the same figure gives the same bytes."""
    out = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with chart_style():
        figure.savefig(out, format="svg", transparent=True, metadata=nothing)
    return out.getvalue()


def _steps(curve: Curve) -> Figure:
    points, n = curve.points, len(curve.points)
    with chart_style():
        fig, ax = bare_axes(340.0, 232.0, 44.0, 8.0, top=8.0, bottom=86.0)
        below = _beneath(fig, ax)
        low, high = _limits(
            [_factor(v) for p in (*points, *([curve.missing] if curve.missing else [])) for v in (p.low, p.high)],
            0.75,
            1.33,
            ODDS_TICKS,
        )
        edges = [x for k in range(n) for x in (k, k + 1)]
        ax.fill_between(
            edges,
            [_factor(p.low) for p in points for _ in (0, 1)],
            [_factor(p.high) for p in points for _ in (0, 1)],
            color=COLOURS["band"],
            alpha=0.55,
            linewidth=0,
        )
        ax.plot(edges, [_factor(p.value) for p in points for _ in (0, 1)], color=COLOURS["positive"], linewidth=1.8)
        below.bar([k + 0.5 for k in range(n)], [p.customers for p in points], width=0.86, color=COLOURS["bar"])
        start, ticks = 0.0, list(curve.ticks)
        if curve.missing is not None:
            start = -max(0.16 * n, 1.0)
            place = start / 2
            ax.vlines(
                place, _factor(curve.missing.low), _factor(curve.missing.high), color=COLOURS["band"], linewidth=4
            )
            ax.plot([place], [_factor(curve.missing.value)], marker="o", markersize=5, color=COLOURS["muted"])
            below.bar([place], [curve.missing.customers], width=max(0.05 * n, 0.5), color=COLOURS["bar"])
        _odds_axis(ax, low, high)
        for one in (ax, below):
            one.set_xlim(start - 0.02 * n, n + 0.02 * n)
        below.set_xticks([t for t, _ in ticks], [_printable(words) for _, words in ticks])
        if curve.missing is not None:
            for line, words in enumerate(("not", "known")):
                below.text(
                    start / 2,
                    -0.12 - 0.33 * line,
                    words,
                    transform=below.get_xaxis_transform(),
                    ha="center",
                    va="top",
                    fontsize=10.0,
                    color=COLOURS["muted"],
                )
        most = max([p.customers for p in points] + [curve.missing.customers if curve.missing else 0.0])
        below.text(
            1.0,
            1.0,
            f"customers (most: {most:,.0f})",
            transform=below.transAxes,
            ha="right",
            va="bottom",
            fontsize=10.0,
            color=COLOURS["muted"],
        )
    return fig


def _beneath(fig: Figure, ax: Axes) -> Axes:
    """Add the small axes for counts, on the x axis of those above."""
    box = ax.get_position()
    height = fig.get_size_inches()[1] * PIXELS
    below = fig.add_axes((box.x0, 32.0 / height, box.width, 34.0 / height))
    for side in ("top", "right", "left"):
        below.spines[side].set_visible(False)
    below.set_yticks([])
    below.tick_params(axis="x", length=3, labelsize=11.0, color=COLOURS["grid"])
    ax.spines["bottom"].set_visible(False)
    ax.set_xticks([])
    return below


def _odds_axis(ax: Axes, low: float, high: float) -> None:
    ax.axhline(1.0, color=COLOURS["muted"], linewidth=1.0, linestyle=(0, (2, 2)), zorder=0)
    ax.set_yscale("log")
    ax.set_ylim(low, high)
    shown = [t for t in ODDS_TICKS if low <= t <= high]
    if len(shown) > 5:
        shown = [t for t in shown if t in (0.2, 0.5, 1.0, 2.0, 5.0)]
    ax.set_yticks(shown, [f"{t:g}×" for t in shown])
    ax.minorticks_off()
    ax.tick_params(axis="y", labelsize=11.0, colors=COLOURS["muted"], length=0)


def _values(curve: Curve) -> Figure:
    rows = (*curve.points, *([curve.missing] if curve.missing else ()))
    with chart_style():
        fig, ax = bare_axes(340.0, max(24.0 * len(rows) + 52.0, 232.0), 136.0, 62.0, top=8.0, bottom=44.0)
        low, high = _limits([_factor(v) for p in rows for v in (p.low, p.high)], 0.75, 1.33, ODDS_TICKS)
        factors = [Estimate(p.label, _factor(p.value), _factor(p.low), _factor(p.high), p.tone, p.note) for p in rows]
        _lines(ax, factors, narrow=False, low=low, high=high)
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        shown = [t for t in ODDS_TICKS if low <= t <= high]
        if len(shown) > 4:
            shown = [t for t in shown if t in (0.2, 0.5, 1.0, 2.0, 5.0)]
        ax.set_xticks(shown, [f"{t:g}×" for t in shown])
        ax.minorticks_off()
        ax.tick_params(axis="y", labelsize=11.0)
        ax.text(
            1.06, -0.01, "customers", transform=ax.transAxes, ha="left", va="top", fontsize=10.0, color=COLOURS["muted"]
        )
    return fig


def _lines(ax: Axes, rows: Sequence[Estimate], *, narrow: bool, low: float, high: float, middle: float = 1.0) -> None:
    """Draw one estimate per line, the first on top."""
    ax.axvline(middle, color=COLOURS["muted"], linewidth=1.0, linestyle=(0, (2, 2)), zorder=0)
    drop = 0.16 if narrow else 0.0
    for place, one in zip(range(len(rows) - 1, -1, -1), rows, strict=True):
        colour = COLOURS[one.tone]
        if math.isfinite(one.low) and math.isfinite(one.high):
            ax.hlines(place - drop, max(one.low, low), min(one.high, high), color=colour, linewidth=2.2, alpha=0.55)
        if math.isfinite(one.value):
            ax.plot(
                [min(max(one.value, low), high)],
                [place - drop],
                marker=MARKS[one.tone],
                markersize=6.5,
                color=colour,
                linestyle="none",
            )
        if narrow:
            ax.text(
                0.0,
                place + 0.16,
                _printable(one.label),
                transform=ax.get_yaxis_transform(),
                ha="left",
                va="center",
                fontsize=11.0,
            )
            ax.text(
                1.0,
                place + 0.16,
                one.note,
                transform=ax.get_yaxis_transform(),
                ha="right",
                va="center",
                fontsize=10.0,
                color=COLOURS["muted"],
            )
        elif one.note:
            ax.text(
                1.03,
                place,
                one.note,
                transform=ax.get_yaxis_transform(),
                ha="left",
                va="center",
                fontsize=11.0,
                color=COLOURS["muted"],
            )
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_yticks(
        [] if narrow else range(len(rows)), [] if narrow else [_printable(one.label) for one in reversed(rows)]
    )
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_axisbelow(True)
    ax.grid(visible=True, axis="x", color=COLOURS["grid"], linewidth=0.8)


def bare_axes(
    width: float, height: float, left: float, right: float, *, top: float, bottom: float
) -> tuple[Figure, Axes]:
    """Return a figure with one bare pair of axes; sizes and margins in pixels of the page."""
    require("matplotlib.backends.backend_svg", extra="report", purpose="a chart")
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width / PIXELS, height / PIXELS), dpi=PIXELS)
    ax = fig.add_axes((left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height))
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="x", color=COLOURS["grid"], length=4)
    return fig, ax


def _factor(log_odds: float) -> float:
    """Return what a contribution multiplies the odds by; beyond the axis all is alike."""
    return math.exp(min(max(log_odds, -20.0), 20.0))


def _limits(values: Sequence[float], low: float, high: float, ticks: Sequence[float]) -> tuple[float, float]:
    """Return limits of a logarithmic axis that hold the values, `low` and `high`, within the ticks there are."""
    finite = [v for v in values if math.isfinite(v) and v > 0]
    return max(min([low, *finite]) / 1.06, ticks[0]), min(max([high, *finite]) * 1.06, ticks[-1])


@contextmanager
def chart_style() -> Iterator[None]:
    """Use this module's settings of matplotlib, and no others, for as long as the block runs."""
    style = require("matplotlib.style", extra="report", purpose="a chart")
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="Glyph .* missing from", category=UserWarning
        )  # the reader's fonts show it
        yield


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)

"""Charts of how customers were judged: the composite with its thresholds, and how long customers stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from icp_ml.plotting import COLOURS, Estimate, bare_axes, chart_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Spread:
    """Counts of judged customers by composite, stacked by class.

    Attributes
    ----------
    edges : tuple of float
        n + 1 bin edges, standard deviations.
    worst, middle, best : tuple of int
        n counts each.
    worst_below, best_above : float or None
        Thresholds, where they exist.
    """

    edges: tuple[float, ...]
    worst: tuple[int, ...]
    middle: tuple[int, ...]
    best: tuple[int, ...]
    worst_below: float | None = None
    best_above: float | None = None


def spread_chart(spread: Spread) -> Figure:
    """Draw how many customers have which composite, in the colours of best, worst and middle."""
    with chart_style():
        fig, ax = bare_axes(440.0, 240.0, 34.0, 8.0, top=34.0, bottom=46.0)
        below = [0] * len(spread.worst)
        widths = [b - a for a, b in zip(spread.edges, spread.edges[1:], strict=False)]
        for counts, colour in ((spread.worst, "negative"), (spread.middle, "bar"), (spread.best, "positive")):
            ax.bar(
                spread.edges[:-1],
                counts,
                width=[0.86 * w for w in widths],
                bottom=below,
                align="edge",
                color=COLOURS[colour],
                linewidth=0,
            )
            below = [a + b for a, b in zip(below, counts, strict=True)]
        ax.set_xlim(spread.edges[0], spread.edges[-1])
        ax.set_ylim(0, max([1, *below]) * 1.05)
        for at, words, side in (
            (spread.worst_below, "worst below", "right"),
            (spread.best_above, "best above", "left"),
        ):
            if at is not None and spread.edges[0] <= at <= spread.edges[-1]:
                _threshold(ax, at, f"{words} {at:+.2f}".replace("-", "−"), side)
        ax.tick_params(axis="y", colors=COLOURS["muted"], labelsize=10.0, length=0)
        ax.set_xlabel("composite outcome, standard deviations from the average")
    return fig


def _threshold(ax: Axes, at: float, words: str, side: str) -> None:
    ax.axvline(at, color=COLOURS["ink"], linewidth=1.2, linestyle=(0, (4, 3)))
    shift = -5.0 if side == "right" else 5.0
    ax.annotate(
        words,
        (at, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(shift, 8.0),
        textcoords="offset pixels",
        ha=side,
        va="bottom",
        fontsize=11.0,
    )


def retention_chart(points: Sequence[Estimate]) -> Figure:
    """Draw the share of customers still there at some ages, with intervals and how many were observed so long.

    Parameters
    ----------
    points : sequence of Estimate
        `label` names the age, `value` is the share, `customers` were observed that long.
    """
    with chart_style():
        fig, ax = bare_axes(440.0, 240.0, 40.0, 8.0, top=14.0, bottom=66.0)
        places = list(range(len(points) + 1))
        shares = [1.0, *(p.value for p in points)]
        ax.fill_between(
            places,
            [1.0, *(p.low for p in points)],
            [1.0, *(p.high for p in points)],
            color=COLOURS["band"],
            alpha=0.55,
            linewidth=0,
        )
        ax.plot(places, shares, color=COLOURS["positive"], linewidth=1.8, marker="o", markersize=5)
        for place, point in zip(places[1:], points, strict=True):
            ax.annotate(
                f"{point.value:.0%}",
                (place, point.value),
                xytext=(0.0, 8.0),
                textcoords="offset pixels",
                ha="center",
                va="bottom",
                fontsize=11.0,
            )
        low = min([1.0, *(p.low for p in points)])
        bottom = max(0.0, (int(low * 10) - 1) / 10)
        ax.set_ylim(bottom, 1.0 + 0.12 * (1.0 - bottom))
        ax.set_xlim(-0.1, len(points) + 0.25)
        ax.set_xticks(places, ["sign-up", *(p.label for p in points)])
        for place, point in zip(places[1:], points, strict=True):
            ax.text(
                place,
                -0.16,
                f"{point.customers:,.0f}",
                transform=ax.get_xaxis_transform(),
                ha="center",
                va="top",
                color=COLOURS["muted"],
                fontsize=10.0,
            )
        ax.tick_params(axis="x", labelsize=11.0, colors=COLOURS["ink"])
        ax.tick_params(axis="y", colors=COLOURS["muted"], labelsize=10.0, length=0)
        step = 0.1 if bottom >= 0.45 else 0.2
        ticks = [round(1.0 - k * step, 2) for k in range(11) if 1.0 - k * step >= bottom - 1e-9]
        ax.set_yticks(ticks, [f"{t:.0%}" for t in ticks])
        ax.set_xlabel("time since sign-up; below it: customers observed that long", labelpad=22.0)
    return fig

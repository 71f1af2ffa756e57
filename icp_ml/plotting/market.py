"""The market as a waterfall: all accounts of a list, what is taken away step by step, and what is left to work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from icp_ml.plotting import COLOURS, bare_axes, chart_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT, MARGIN = 30.0, 26.0  # of a bar's line and below all, pixels
NARROW_LABELS, WIDE_LABELS = 118.0, 150.0


@dataclass(frozen=True)
class Fall:
    """One bar: what is left (`total`), or what is taken away from what was left before.

    Attributes
    ----------
    label, note : str
        What it is, and how many, as a reader sees it.
    count : float
        Accounts.
    """

    label: str
    count: float
    total: bool
    note: str


def waterfall_chart(steps: Sequence[Fall], *, narrow: bool = False) -> Figure:
    """Draw the steps from top to bottom, each beginning where the one before it ended.

    Parameters
    ----------
    steps : sequence of Fall
        The first is the whole.
    narrow : bool
        For a phone.
    """
    width = 340.0 if narrow else 720.0
    whole = max([1.0, *(step.count for step in steps)])
    with chart_style():
        labels = NARROW_LABELS if narrow else WIDE_LABELS
        fig, ax = bare_axes(width, HEIGHT * len(steps) + MARGIN, labels, 84.0, top=4.0, bottom=MARGIN - 4.0)
        left, edge = 0.0, 0.0
        for place, step in enumerate(steps):
            left = step.count if step.total else left - step.count
            start = 0.0 if step.total else left
            ax.barh(
                place,
                step.count,
                left=start,
                height=0.62,
                color=COLOURS["positive" if step.total else "bar"],
                linewidth=0,
            )
            if place:  # from the end of the bar above to this one
                ax.vlines(edge, place - 0.69, place + 0.31, color=COLOURS["grid"], linewidth=1.0, zorder=0)
            edge = left
            ax.annotate(
                step.note,
                (start + step.count, place),
                xytext=(6.0, 0.0),
                textcoords="offset pixels",
                ha="left",
                va="center",
                fontsize=11.0,
                color=COLOURS["ink" if step.total else "muted"],
            )
        ax.set_yticks(range(len(steps)), [step.label for step in steps])
        ax.set_ylim(len(steps) - 0.5, -0.5)
        ax.set_xlim(0.0, whole)
        ax.set_xticks([])
        ax.tick_params(axis="y", length=0, labelsize=11.0)
        for side in ("bottom", "left"):
            ax.spines[side].set_visible(False)
    return fig

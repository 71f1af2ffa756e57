"""What stands where on the slide: the report's context as boxes whose text was measured to fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from icp_ml.plotting import Estimate
from icp_ml.plotting.lettering import width as text_width
from icp_ml.plotting.lettering import wrap
from icp_ml.plotting.slide import AXIS, HEIGHT, PANEL, WIDTH, Marks, Panel, Paragraph, SlideLayout, TextBox
from icp_ml.report import formats as f
from icp_ml.report.slide_words import (
    advice,
    closing,
    evidence_words,
    filter_words,
    headline_parts,
    legend_words,
    lift_words,
    opening,
    quality_words,
    row_words,
    segment_words,
    signals_hint,
    tier_words,
)

MARGIN = 36.0
FULL = WIDTH - 2 * MARGIN
FOOT = 476.0  # where the footer begins
LEFT = 258.0  # width of the filters' column
RIGHT = MARGIN + LEFT + 26.0  # where the signals begin
SENTENCE, LIFT, GAP = 310.0, 110.0, 10.0  # columns of a row; the marks take the rest
HEADING, APART = 36.0, 8.0  # APART: between signals and anti-traits
ROW, ROW_AT_MOST = 31.0, 47.0
MAX_SEGMENTS = 4
SMALL, ASIDE, TEXT, HEAD = 10.0, 10.5, 12.0, 13.0
TITLE_SIZES = (24.0, 22.0, 20.0, 18.0)
Groups = Mapping[str, Sequence[Estimate]]


def slide_layout(context: Mapping[str, Any], estimates: Groups) -> SlideLayout:
    """Return the slide.

    Parameters
    ----------
    context : mapping
        Of `report_context`.
    estimates : mapping of str to sequence of Estimate
        "signals" and "anti": lifts of the context's signals and anti-traits, in its order.
    """
    bar = Panel("Top bar", 0.0, 0.0, WIDTH, 8.0, "positive")
    foot = _footer(context)
    if not context["profile"]["found"]:
        texts, panels = _nothing_found(context)
        return SlideLayout(f.capital(context["profile"]["headline"]), (*texts, foot), (bar, *panels))
    title, top = _titles(context)
    strip, panels, top = _segments(context, top)
    left = _left(context, top)
    right, marks = _right(context, estimates, top)
    return SlideLayout(title[0].paragraphs[0].text, (*title, *strip, left, *right, foot), (bar, *panels), marks)


def _paragraph(
    text: str, size: float, room: float, most: int = 1, *, bold: bool = False, colour: str = "ink", before: float = 0.0
) -> Paragraph:
    fitted, lines = wrap(f.clean(text, 600), size, room, most, bold=bold)
    return Paragraph(fitted, lines, size, bold, colour, before)


def _titles(context: Mapping[str, Any]) -> tuple[tuple[TextBox, ...], float]:
    """Return the title and the line under it, and where the body begins."""
    start, parts = headline_parts(context["profile"])
    size, text = TITLE_SIZES[-1], start + (parts[0] if parts else "")
    for count in range(len(parts), 0, -1):
        whole = start + " · ".join(parts[:count])
        fits = [s for s in TITLE_SIZES if text_width(whole, s, bold=True) <= FULL]
        if fits:
            size, text = fits[0], whole
            break
    title = _paragraph(text, size, FULL, bold=True)
    lead = _paragraph(opening(context), HEAD, FULL, colour="muted")
    return (
        TextBox("Title", MARGIN, 22.0, FULL, 30.0, (title,), kind="title"),
        TextBox("In one line", MARGIN, 56.0, FULL, 17.0, (lead,)),
    ), 90.0


def _segments(context: Mapping[str, Any], top: float) -> tuple[list[TextBox], list[Panel], float]:
    """Return one column per segment, and where the body begins beneath them."""
    segments = list((context.get("segments") or {}).get("rows") or ())[:MAX_SEGMENTS]
    if len(segments) < 2:
        return [], [], top
    each = (FULL - GAP * (len(segments) - 1)) / len(segments)
    pad, columns = 8.0, []
    for k, segment in enumerate(segments):
        room = each - 2 * pad
        name, rule, counts, traits = segment_words(segment, k + 1)
        lines = [_paragraph(name, TEXT, room, bold=True, colour="positive")]
        lines += [_paragraph(rule, 11.0, room, 2, before=1.0)] if rule else []
        lines += [_paragraph(counts, SMALL, room, colour="muted", before=1.0)] if counts else []
        lines += [_paragraph(traits, SMALL, room, 3, colour="muted", before=1.0)] if traits else []
        columns.append(tuple(lines))
    height = max(sum(p.height for p in column) for column in columns) + 2 * pad
    texts, panels = [], []
    for k, column in enumerate(columns):
        x = MARGIN + k * (each + GAP)
        panels.append(Panel(f"Behind segment {k + 1}", x, top, each, height, PANEL))
        texts.append(TextBox(f"Segment {k + 1}", x + pad, top + pad, each - 2 * pad, height - 2 * pad, column))
    return texts, panels, top + height + 14.0


def _left(context: Mapping[str, Any], top: float) -> TextBox:
    """Return filters, where was sold so far, what people decided, and what best means: as much as has room."""
    height = FOOT - 10.0 - top
    parts: list[Paragraph] = []
    for sentence, small in ((2, 3), (2, 2), (1, 2), (1, 1)):  # lines of each filter, fewer where there are many
        parts = _filters(context["profile"], sentence, small)
        if sum(p.height for p in parts) <= height:
            break
    for heading, texts in _asides(context):
        block = [_paragraph(heading, HEAD, LEFT, bold=True, colour="positive", before=12.0)]
        block += [_paragraph(text, ASIDE, LEFT, 4, before=3.0) for text in texts]
        if sum(p.height for p in (*parts, *block)) <= height:
            parts += block
    return TextBox("Filters", MARGIN, top, LEFT, height, tuple(parts))


def _filters(profile: Mapping[str, Any], sentence: int, small: int) -> list[Paragraph]:
    parts = [_paragraph("Filters", HEAD, LEFT, bold=True, colour="positive")]
    if not profile["filters"]:
        parts.append(_paragraph("None holds up: the list is ranked, not cut.", TEXT, LEFT, 3, before=4.0))
    for trait in profile["filters"]:
        text, evidence = filter_words(trait)
        parts.append(_paragraph(text, TEXT, LEFT, sentence, before=6.0))
        if evidence:
            parts.append(_paragraph(evidence, SMALL, LEFT, small, colour="muted", before=1.0))
    return parts


def _asides(context: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    profile = context["profile"]
    sold = [f.capital(t["sentence"]) for t in profile.get("sold_so_far") or () if t.get("sentence")]
    decided = [
        f.capital(": ".join(str(one[key]) for key in ("words", "reason", "cost_words") if one.get(key)))
        for one in profile.get("overrides") or ()
    ]
    found = (
        ("Where you have sold so far", sold[:3]),
        ("Decided by people", decided[:2]),
        ("What best means", [(context.get("labels") or {}).get("short") or ""]),
        ("How good it is", [quality_words(context)]),
        ("Best customers per 100 won", [tier_words(context)]),
    )
    return [(heading, texts) for heading, texts in found if any(texts)]


def _right(context: Mapping[str, Any], estimates: Groups, top: float) -> tuple[list[TextBox], Marks | None]:
    """Return signals and anti-traits, a row each, and the marks beside them."""
    profile = context["profile"]
    signals, anti = list(profile["signals"]), list(profile["anti"])
    room = FOOT - 12.0 - top - AXIS - HEADING * (bool(signals) + bool(anti)) - APART * bool(signals and anti)
    most = int(room // ROW)
    against = min(len(anti), max(most // 4, most - len(signals), 1))  # a quarter of the rows, more where there is room
    shown = min(len(signals), most - against)
    if not shown + against:
        note = _paragraph("No signal holds up against chance.", TEXT, WIDTH - MARGIN - RIGHT)
        return [TextBox("Signals", RIGHT, top, WIDTH - MARGIN - RIGHT, 20.0, (note,))], None
    row = min(room / (shown + against), ROW_AT_MOST)
    texts: list[TextBox] = []
    rows: list[tuple[float, Estimate]] = []
    y = top
    groups = (
        ("Signals", "signals", signals, shown, signals_hint(profile)),
        ("Against", "anti", anti, against, "what speaks against it"),
    )
    for heading, key, traits, count, hint in groups:
        if not count:
            continue
        legend = [] if texts else _legend(profile, y)
        y += APART if texts else 0.0
        texts += [*_heading(heading, hint, count, len(traits), y), *legend]
        y += HEADING
        drawn = list(estimates.get(key) or ())
        for k, trait in enumerate(traits[:count]):
            texts += _row(trait, f"{heading} {k + 1}", y, row)
            if k < len(drawn):
                rows.append((y + row / 2 - top, drawn[k]))
            y += row
    return texts, _marks(rows, groups, top, y)


def _heading(heading: str, hint: str, count: int, total: int, y: float) -> list[TextBox]:
    some = f" ({count} of {total})" if count < total else ""
    colour = "positive" if heading == "Signals" else "negative"
    name = _paragraph(f"{heading}{some}", HEAD, SENTENCE, bold=True, colour=colour)
    below = _paragraph(hint, SMALL, SENTENCE, colour="muted")
    return [TextBox(heading, RIGHT, y, SENTENCE, name.height + below.height, (name, below))]


def _legend(profile: Mapping[str, Any], y: float) -> list[TextBox]:
    """Return what the figures of the rows are."""
    x = RIGHT + SENTENCE + GAP
    room = WIDTH - MARGIN - x
    first, second = legend_words(profile)
    parts = _paragraph(first, SMALL, room, bold=True), _paragraph(second, SMALL, room, colour="muted")
    return [TextBox("What the figures are", x, y, room, sum(p.height for p in parts), parts)]


def _row(trait: Mapping[str, Any], name: str, y: float, height: float) -> list[TextBox]:
    sentence, evidence = row_words(trait)
    lines = 2 if height >= ROW_AT_MOST - 1 else 1
    parts = [_paragraph(sentence, TEXT, SENTENCE, lines)]
    if evidence:
        parts.append(_paragraph(evidence, SMALL, SENTENCE, colour="muted"))
    used = sum(p.height for p in parts)
    lift, span = lift_words(trait)
    figures = [_paragraph(lift, TEXT, LIFT, bold=True)]
    if span:
        figures.append(_paragraph(span, SMALL, LIFT, colour="muted"))
    beside = sum(p.height for p in figures)
    return [
        TextBox(name, RIGHT, y + (height - used) / 2, SENTENCE, used, tuple(parts)),
        TextBox(f"{name}: lift", RIGHT + SENTENCE + GAP, y + (height - beside) / 2, LIFT, beside, tuple(figures)),
    ]


def _marks(
    rows: list[tuple[float, Estimate]], groups: Sequence[tuple[Any, ...]], top: float, end: float
) -> Marks | None:
    if not any(f.known(e.value) for _, e in rows):
        return None
    told = [
        f"{f.capital(t['sentence'], 80)}: {t['lift']}" + (f" ({t['lift_span']})" if t.get("lift_span") else "")
        for _, _, traits, count, _ in groups
        for t in traits[:count]
    ]
    alt = "Lift of each trait, with its 95% interval, around the average (1×). " + "; ".join(told) + "."
    x = RIGHT + SENTENCE + GAP + LIFT + GAP
    above = top + HEADING  # the heading's text stands there
    moved = tuple((place - HEADING, one) for place, one in rows)
    return Marks("Lifts of the traits", x, above, WIDTH - MARGIN - x, end + AXIS - above, moved, f.clean(alt, 2000))


def _footer(context: Mapping[str, Any]) -> TextBox:
    verdict, tone = closing(context)
    colour = "negative" if tone == "warn" else "ink"
    parts = [_paragraph(verdict, SMALL, FULL, bold=True, colour=colour)] if verdict else []
    for text in evidence_words(context):
        parts.append(_paragraph(text, SMALL, FULL, colour="muted", before=2.0 if parts else 0.0))
    return TextBox("Evidence", MARGIN, FOOT, FULL, HEIGHT - 12.0 - FOOT, tuple(parts))


def _nothing_found(context: Mapping[str, Any]) -> tuple[list[TextBox], list[Panel]]:
    """Return a slide that says so plainly: why, what there was, and what would help."""
    profile = context["profile"]
    title = _paragraph(profile["headline"], TITLE_SIZES[0], FULL, bold=True)
    why = _paragraph(profile["lead"], 14.0, FULL, 4)
    texts = [
        TextBox("Title", MARGIN, 22.0, FULL, 30.0, (title,), kind="title"),
        TextBox("Why", MARGIN, 66.0, FULL, why.height, (why,)),
    ]
    top, panels = 66.0 + why.height + 24.0, []
    tiles = list(context.get("tiles") or ())[:4]
    if tiles:
        each, pad = (FULL - GAP * (len(tiles) - 1)) / len(tiles), 10.0
        for k, tile in enumerate(tiles):
            x, room = MARGIN + k * (each + GAP), each - 2 * pad
            parts = (
                _paragraph(tile["value"], 24.0, room, bold=True),
                _paragraph(tile["label"], TEXT, room, 2, before=2.0),
                _paragraph(tile["note"], SMALL, room, 2, colour="muted", before=2.0),
            )
            panels.append(Panel(f"Behind figure {k + 1}", x, top, each, 94.0, PANEL))
            texts.append(TextBox(f"Figure {k + 1}", x + pad, top + pad, room, 94.0 - 2 * pad, parts))
        top += 94.0 + 24.0
    said = tuple(_paragraph(text, HEAD, FULL, 3, before=8.0 if k else 0.0) for k, text in enumerate(advice(context)))
    texts.append(TextBox("What it means", MARGIN, top, FULL, sum(p.height for p in said), said))
    return texts, panels

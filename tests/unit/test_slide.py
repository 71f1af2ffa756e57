"""The slide, read back from the file: inside its bounds, nothing on anything else, every text fits, nothing runs."""

from __future__ import annotations

import io
import re
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from PIL import Image, ImageFont
from pptx import Presentation
from pptx.util import Pt

from icp_ml.exceptions import InputError, MissingDependencyError
from icp_ml.plotting import Estimate
from icp_ml.plotting.slide import HEIGHT, WIDTH, SlideLayout, marks_figure, slide_figure, to_png
from icp_ml.report.pptx_file import FONT, pptx_bytes
from icp_ml.report.slide import slide_context, trait_estimates, write_slide
from icp_ml.report.slide_layout import slide_layout
from tests import report_model as examples

HOSTILE = (
    "</a:t><script>alert(1)</script>\x00\x0b\u202ekcatta\u2066 &amp; ]]> \ud800 _x0041_ {{7*7}} =cmd|' /C calc'!A0"
)
LONG = (
    "Activities Related to Credit Intermediation, Computer Systems Design and Donaudampfschifffahrtsgesellschaft " * 4
)


def derived() -> tuple[dict[str, Any], dict[str, list[Estimate]]]:
    model = examples.make_model()
    return slide_context(model), trait_estimates(model)


def worded(words: Callable[[str], str]) -> tuple[dict[str, Any], dict[str, list[Estimate]]]:
    """Five filters and many traits, each in the words given."""
    model = examples.make_model(lambda text: words(text).replace("\ud800", ""))  # no file can hold a lone surrogate
    context, estimates = slide_context(model), trait_estimates(model)
    profile = context["profile"]
    for name, times in (("filters", 5), ("signals", 6), ("anti", 5)):
        profile[name] = [{**t, "sentence": words(t["sentence"])} for t in profile[name] * times]
    profile["sold_so_far"] = [{"sentence": words("country: Germany")}] * 3
    profile["overrides"] = [{"words": words("exclude gambling"), "reason": words("the board says so")}] * 2
    return context, {"signals": estimates["signals"] * 6, "anti": estimates["anti"] * 5}


def hypothesis() -> tuple[dict[str, Any], dict[str, list[Estimate]]]:
    context, _ = derived()
    profile = context["profile"]
    nobody = dict.fromkeys(("rate", "market", "best_support", "passes"), "0%") | {"customers": "0", "cuts": ""}
    for name in ("filters", "signals", "anti"):
        sign = -1 if name == "anti" else 1
        profile[name] = [{**t, **nobody, "lift": "0.0×", "lift_span": "0.0–0.0", "points": sign * (k + 1.0)}
                         for k, t in enumerate(profile[name])]  # fmt: skip
    profile["signals"][0]["why"] = "large enough to need it"
    profile |= {"kind": "hypothesis", "average": "25%"}
    empty = {"tiles": [], "labels": {}, "tiers": {}, "quality": {"short": "", "tone": "warn", "auc": "–", "plain": ""}}
    return {**context, **empty}, {}


def segments(
    count: int, words: Callable[[str], str] = examples.plain
) -> tuple[dict[str, Any], dict[str, list[Estimate]]]:
    context, estimates = derived()
    found = [
        {"name": words(f"part {k}"), "rule": {}, "sentence": words(f"over {k} employees"), "customers": 1000 + k,
         "best": 200 + k, "rate": 0.2, "why": words("held-out log-loss improves by 0.02")}
        for k in range(1, count + 1)
    ]  # fmt: skip
    return {**context, "segments": {"rows": found, "why": []}}, estimates


def nothing(reason: str = "no trait holds up against chance") -> tuple[dict[str, Any], dict[str, list[Estimate]]]:
    model = examples.without_profile(examples.make_model(), reason)
    return slide_context(model), trait_estimates(model)


CASES: dict[str, Callable[[], tuple[dict[str, Any], dict[str, list[Estimate]]]]] = {
    "derived": derived,
    "long texts": lambda: worded(lambda text: f"{text} {LONG}"),
    "one long word": lambda: worded(lambda text: text + "x" * 3000),
    "wide letters": lambda: worded(lambda text: text + " 株式会社ソフトウェア開発" * 30),
    "hostile": lambda: worded(lambda text: text + HOSTILE),
    "short texts": lambda: worded(lambda text: text[:12]),
    "hypothesis": hypothesis,
    "two segments": lambda: segments(2),
    "four segments, long": lambda: segments(4, lambda text: f"{text} {LONG}"),
    "no profile": nothing,
    "no profile, long": lambda: nothing(LONG),
}


@cache
def layout(case: str) -> SlideLayout:
    return slide_layout(*CASES[case]())


@cache
def file(case: str) -> bytes:
    return pptx_bytes(layout(case), examples.make_tables().as_of)


@cache
def shapes(case: str) -> list[Any]:
    return list(Presentation(io.BytesIO(file(case))).slides[0].shapes)


def texts(case: str) -> str:
    return "\n".join(shape.text_frame.text for shape in shapes(case) if shape.has_text_frame)


def filled(case: str) -> list[Any]:
    """What a reader sees in front: text and picture, not the panels behind."""
    return [shape for shape in shapes(case) if not shape.has_text_frame or shape.text_frame.text]


@pytest.mark.parametrize("case", CASES)
def test_everything_is_inside_the_slide(case: str) -> None:
    presentation = Presentation(io.BytesIO(file(case)))
    assert presentation.slide_width * 9 == presentation.slide_height * 16
    assert len(presentation.slides) == 1
    for shape in shapes(case):
        assert shape.left >= 0, shape.name
        assert shape.top >= 0, shape.name
        assert shape.left + shape.width <= presentation.slide_width, shape.name
        assert shape.top + shape.height <= presentation.slide_height, shape.name


@pytest.mark.parametrize("case", CASES)
def test_nothing_stands_on_anything_else(case: str) -> None:
    hair = Pt(0.1)
    for a, b in combinations(filled(case), 2):
        apart = (
            a.left + a.width <= b.left + hair
            or b.left + b.width <= a.left + hair
            or a.top + a.height <= b.top + hair
            or b.top + b.height <= a.top + hair
        )
        assert apart, f"{a.name} and {b.name}"


@cache
def font(bold: bool) -> ImageFont.FreeTypeFont:
    name = f"DejaVuSans{'-Bold' if bold else ''}.ttf"
    return ImageFont.truetype(
        Path(mpl.get_data_path()) / "fonts" / "ttf" / name, 100, layout_engine=ImageFont.Layout.BASIC
    )


def lines_of(text: str, size: float, bold: bool, room: float) -> int:
    """Break a text as office programs do, measured by another library than the slide's."""

    def width(part: str) -> float:
        return float(font(bold).getlength(part)) * size / 100

    count, line = 1, ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if width(longer) <= room:
            line = longer
            continue
        count += bool(line)
        line = word
        while width(line) > room:
            end = max(k for k in range(1, len(line) + 1) if k == 1 or width(line[:k]) <= room)
            line = line[end:]
            count += 1
    return count


@pytest.mark.parametrize("case", [c for c in CASES if c != "wide letters"])
def test_every_text_fits_its_box_and_can_be_read(case: str) -> None:
    for shape in filled(case):
        if not shape.has_text_frame:
            continue
        frame, needed = shape.text_frame, 0.0
        assert frame.word_wrap
        for paragraph in frame.paragraphs:
            (run,) = paragraph.runs
            assert run.font.size >= Pt(10), shape.name
            lines = lines_of(run.text, run.font.size.pt, bool(run.font.bold), shape.width.pt)
            needed += paragraph.space_before.pt + lines * paragraph.line_spacing.pt
            assert paragraph.line_spacing.pt >= 1.2 * run.font.size.pt
        assert needed <= shape.height.pt + 0.1, f"{shape.name}: {frame.text}"


@pytest.mark.parametrize("case", CASES)
def test_the_picture_has_the_lines_of_the_slide(case: str) -> None:
    """What is drawn is what was written, and no line leaves its box."""
    drawn = [" ".join(p.lines) for box in layout(case).texts for p in box.paragraphs]
    written = [p.text for s in shapes(case) if s.has_text_frame and s.text_frame.text for p in s.text_frame.paragraphs]
    assert sorted("".join(text.split()) for text in drawn) == sorted("".join(text.split()) for text in written)
    for box in layout(case).texts:
        assert sum(p.height for p in box.paragraphs) <= box.height + 0.1, box.name


def test_text_says_who_how_strongly_and_on_what_evidence() -> None:
    said = texts("derived")
    assert "Ideal customer: 101-500 employees · uses Snowflake" in said
    assert "Not: Up to 50 employees\n96% of best customers pass" in said
    assert "Uses Snowflake\n45% of 140 customers are best; 23% of the list" in said
    assert "1.8×\n1.5–2.2" in said
    assert "800 customers judged, 200 best. AUC 0.77 (95% interval 0.73–0.81)" in said
    assert "Fit is likeness to the best customers, not readiness to buy. Data as of 2026-09-29. Model version" in said
    assert "Tier A 56, B 37, C 14; average 25." in said


@pytest.mark.parametrize("case", CASES)
def test_never_worded_as_readiness_to_buy(case: str) -> None:
    assert not re.search(r"likely|likelihood|propensity|will buy", texts(case).lower())


def test_reading_order_begins_with_the_title_and_the_picture_has_words() -> None:
    first, *others = [s for s in shapes("derived") if s.name != "Top bar"]
    assert first.is_placeholder
    assert first.text_frame.text.startswith("Ideal customer")
    (picture,) = [s for s in others if s.shape_type == 13]
    told = picture._element.nvPicPr.cNvPr.get("descr")
    assert told.startswith("Lift of each trait, with its 95% interval")
    assert "Uses Snowflake: 1.8× (1.5–2.2)" in told


def test_marks_stand_beside_their_rows() -> None:
    found = layout("derived")
    assert found.marks is not None
    boxes = {box.name: box for box in found.texts}
    for (place, one), name in zip(found.marks.rows, ("Signals 1", "Signals 2", "Against 1"), strict=True):
        box = boxes[name]
        assert found.marks.y + place == pytest.approx(box.y + box.height / 2)
        assert one.label.lower() == box.paragraphs[0].text.lower()


def test_a_mark_beyond_the_axis_is_drawn_at_its_end() -> None:
    found = layout("derived").marks
    assert found is not None
    far = Estimate("x", 400.0, 90.0, float("inf"), "positive")
    axes = marks_figure(type(found)("m", 0, 0, 180, 100, ((40.0, far),), "x")).axes[0]
    low, high = axes.get_xlim()
    assert (low, high) == (pytest.approx(0.5 / 1.06), 10.0)
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"] == [10.0]


def test_many_traits_leave_room_for_what_speaks_against() -> None:
    said = texts("short texts")
    assert re.search(r"Signals \(6 of 12\)", said)
    assert re.search(r"Against \(2 of 5\)", said)


def test_no_profile_is_said_plainly() -> None:
    said = texts("no profile")
    assert said.startswith("No profile found")
    assert "No trait holds up against chance." in said
    assert "nobody can say from these data who the ideal customer is" in said
    assert not [s for s in shapes("no profile") if s.shape_type == 13]


def test_a_hypothesis_shows_points_and_no_evidence() -> None:
    said = texts("hypothesis")
    assert "as believed" in said
    assert "101-500 employees\nLarge enough to need it" in said
    assert "Uses Snowflake\nTechnographic" in said
    assert "Fit is likeness to the customer described here" in said
    assert "not yet measured on customers" in said
    assert ("+1 point\n" in said, "+2 points" in said, "−1 point" in said) == (True, True, True)
    assert not re.search(r"×|of best customers|AUC|0%|average", said)


def test_a_hypothesis_takes_its_points_from_its_contributions() -> None:
    believed = replace(
        examples.make_profile(),
        kind="hypothesis",
        evidence={"log_odds_per_point": 0.2, "points_that_double": 3.5, "base_rate": 0.25},
        beliefs=(
            {"statement": "uses Snowflake", "believed": "", "data": "", "verdict": "untested", "why": "we build on it"},
        ),
    )
    shown = slide_context(replace(examples.make_model(), profile=believed))["profile"]
    assert [(t["points"], t["why"]) for t in shown["signals"]] == [(2.0, ""), (2.0, "we build on it")]
    assert [t["points"] for t in shown["anti"]] == [-2.0]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_each_segment_has_a_column(count: int) -> None:
    boxes = [b for b in slide_layout(*segments(count)).texts if re.fullmatch(r"Segment \d", b.name)]
    assert len(boxes) == count
    assert len({b.y for b in boxes}) == len({b.width for b in boxes}) == 1
    assert [p.text for p in boxes[1].paragraphs] == [
        "Part 2", "Over 2 employees", "1,002 customers, 202 best (20%)", "Held-out log-loss improves by 0.02."
    ]  # fmt: skip


def test_a_segment_says_its_own_traits() -> None:
    context, estimates = segments(2)
    trait = {"positive": True, "sentence": "Uses Snowflake", "lift": "1.7×"}
    against = {"positive": False, "sentence": "Up to 2 open jobs", "lift": "0.7×"}
    context["segments"]["rows"][0]["traits"] = [against, trait, {**trait, "sentence": "Hires data engineer"}]
    first = next(b for b in slide_layout(context, estimates).texts if b.name == "Segment 1")
    assert first.paragraphs[-1].text == "Uses Snowflake (1.7×); Hires data engineer (1.7×)"


def test_one_segment_is_no_column() -> None:
    assert slide_layout(*segments(1)) == slide_layout(*derived())


def test_strangers_text_is_text() -> None:
    said = texts("hostile")
    assert "</a:t><script>" in said
    assert "&amp;" in said
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e\u2066\ud800]", said)
    with zipfile.ZipFile(io.BytesIO(file("hostile"))) as parts:
        assert not any(b"<script" in parts.read(name) for name in parts.namelist())


def test_the_file_names_no_day_but_the_datas() -> None:
    with zipfile.ZipFile(io.BytesIO(file("derived"))) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not [name for name in parts.namelist() if "thumbnail" in name or "printer" in name.lower()]
        themes = [parts.read(name).decode() for name in parts.namelist() if "theme" in name and name.endswith(".xml")]
    assert all(theme.count(f'<a:latin typeface="{FONT}"') == 2 for theme in themes)
    about = Presentation(io.BytesIO(file("derived"))).core_properties
    assert about.created == about.modified == datetime(2026, 9, 29)
    assert about.title == "Ideal customer: 101-500 employees · uses Snowflake"


@pytest.mark.parametrize("ending", ["pptx", "png"])
def test_same_model_same_bytes(tmp_path: Path, ending: str) -> None:
    one, two = (write_slide(examples.make_model(), tmp_path / f"{name}.{ending}") for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one.{ending}", f"two.{ending}"]


def test_the_png_is_the_slide(tmp_path: Path) -> None:
    with Image.open(write_slide(examples.make_model(), tmp_path / "slide.PNG")) as image:
        assert image.size == (2 * WIDTH, 2 * HEIGHT)
        assert image.info.keys() <= {"dpi"}
        pixels = image.convert("RGB")
        assert pixels.getpixel((5, 5)) == (10, 102, 163)
        title = pixels.crop((72, 44, 1848, 104)).convert("L").getextrema()
    assert title[0] < 60 < 250 < title[1]


def test_letters_the_font_lacks_raise_no_warning() -> None:
    assert to_png(slide_figure(layout("wide letters")))


@pytest.mark.parametrize("name", ["slide.pdf", "slide", "slide.pptx.txt", "slide.jpeg"])
def test_another_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"a slide ends in \.pptx .* or \.png"):
        write_slide(examples.make_model(), tmp_path / name)


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "slide.pptx").mkdir()
    with pytest.raises(InputError, match=r"slide\.pptx: the report cannot be written \(it is a folder\)"):
        write_slide(examples.make_model(), tmp_path / "slide.pptx")


def test_the_picture_needs_no_python_pptx_and_the_slide_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pptx", None)
    assert write_slide(examples.make_model(), tmp_path / "slide.png").exists()
    with pytest.raises(MissingDependencyError, match=r"a \.pptx slide needs the package 'pptx'.*icp-ml\[report\]"):
        write_slide(examples.make_model(), tmp_path / "slide.pptx")

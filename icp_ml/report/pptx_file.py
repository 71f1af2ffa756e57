"""A slide's boxes as the shapes of a .pptx."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from icp_ml._optional import require
from icp_ml.plotting import COLOURS
from icp_ml.plotting.lettering import LINE
from icp_ml.plotting.slide import HEIGHT, WIDTH, Marks, Panel, Paragraph, SlideLayout, TextBox, marks_figure, to_png

if TYPE_CHECKING:
    from pptx.presentation import Presentation
    from pptx.slide import Slide

FONT = "Verdana"  # on Windows and macOS, in Google Slides; elsewhere DejaVu Sans stands in, which is as wide
PICTURE_DENSITY = 3.0  # pixels per point: sharp on a big screen
TITLE_ONLY = 5  # of the layouts every presentation begins with
UNDATED = date(1980, 1, 1)  # the first day a zip file knows


def pptx_bytes(layout: SlideLayout, as_of: date | None) -> bytes:
    """Return a presentation of one slide; the same layout and date give the same bytes.

    Parameters
    ----------
    layout : SlideLayout
    as_of : date or None
        Written as the day the file was made: today's date is nowhere in it.

    Raises
    ------
    MissingDependencyError
        python-pptx is not installed.
    """
    pptx = require("pptx", extra="report", purpose="a .pptx slide")
    presentation: Presentation = pptx.Presentation()
    _prepare(presentation)
    _describe(presentation, layout.title, as_of or UNDATED)
    slide = presentation.slides.add_slide(presentation.slide_layouts[TITLE_ONLY])
    for panel in layout.panels:
        _panel(slide, panel)
    for box in layout.texts:
        if box.kind == "title":
            _fill(slide.shapes.title, box)  # first in reading order, and what an outline shows
        else:
            _fill(slide.shapes.add_textbox(0, 0, 0, 0), box)
    if layout.marks is not None:
        _picture(slide, layout.marks)
    out = io.BytesIO()
    presentation.save(out)
    return _undated(out.getvalue())


def _prepare(presentation: Presentation) -> None:
    """Make 16:9 of the 4:3 that the library begins with, in a font that is everywhere, without its leftovers."""
    from pptx.opc.constants import RELATIONSHIP_TYPE
    from pptx.util import Pt

    stretch = Pt(WIDTH) / int(presentation.slide_width or Pt(720.0))
    presentation.slide_width, presentation.slide_height = Pt(WIDTH), Pt(HEIGHT)
    master = presentation.slide_master
    for page in (master, *presentation.slide_layouts):
        for shape in page.shapes:
            if shape._element.spPr.xfrm is not None:  # others take their place from the master
                shape.left, shape.width = round(shape.left * stretch), round(shape.width * stretch)
    theme = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    theme.blob = re.sub(rb'(<a:(?:major|minor)Font><a:latin typeface=")[^"]*', rb"\g<1>" + FONT.encode(), theme.blob)
    for owner, kind in (
        (presentation.part.package, RELATIONSHIP_TYPE.THUMBNAIL),
        (presentation.part, RELATIONSHIP_TYPE.PRINTER_SETTINGS),
    ):
        for name, relation in list(owner._rels.items()):
            if relation.reltype == kind:
                owner._rels.pop(name)


def _describe(presentation: Presentation, title: str, day: date) -> None:
    about = presentation.core_properties
    about.title, about.author, about.last_modified_by = title[:255], "icp_ml", "icp_ml"
    about.subject, about.revision = "Ideal customer profile", 1
    about.created = about.modified = datetime.combine(day, time())


def _panel(slide: Slide, panel: Panel) -> None:
    from pptx.enum.shapes import MSO_SHAPE
    from pptx.oxml.ns import qn

    shape = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *_place(panel))
    shape.name = panel.name
    style = shape._element.find(qn("p:style"))  # the theme's shadow and outline
    if style is not None:
        shape._element.remove(style)
    shape.line.fill.background()
    shape.fill.solid()
    shape.fill.fore_color.rgb = _colour(panel.colour)


def _fill(shape: Any, box: TextBox) -> None:
    """Put a box's paragraphs into a shape; sizes stay what was measured, whoever opens it."""
    from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN

    shape.name = box.name
    shape.left, shape.top, shape.width, shape.height = _place(box)
    frame = shape.text_frame
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    frame.word_wrap, frame.auto_size, frame.vertical_anchor = True, MSO_AUTO_SIZE.NONE, MSO_ANCHOR.TOP
    for k, paragraph in enumerate(box.paragraphs):
        written = frame.paragraphs[0] if k == 0 else frame.add_paragraph()
        written.alignment = PP_ALIGN.LEFT if box.align == "left" else PP_ALIGN.RIGHT
        _write(written, paragraph)


def _write(written: Any, paragraph: Paragraph) -> None:
    from pptx.util import Pt

    written.line_spacing = Pt(paragraph.size * LINE)
    written.space_before, written.space_after = Pt(paragraph.before), Pt(0)
    run = written.add_run()
    run.text = paragraph.text
    run.font.size, run.font.bold = Pt(paragraph.size), paragraph.bold
    run.font.color.rgb = _colour(paragraph.colour)


def _picture(slide: Slide, marks: Marks) -> None:
    image = io.BytesIO(to_png(marks_figure(marks), PICTURE_DENSITY))
    picture = slide.shapes.add_picture(image, *_place(marks))
    picture.name = marks.name
    picture._element._nvXxPr.cNvPr.set("descr", marks.alt)


def _place(box: TextBox | Panel | Marks) -> tuple[Any, Any, Any, Any]:
    from pptx.util import Pt

    return Pt(box.x), Pt(box.y), Pt(box.width), Pt(box.height)


def _colour(name: str) -> Any:
    from pptx.dml.color import RGBColor

    red, green, blue = bytes.fromhex(COLOURS.get(name, name).removeprefix("#"))
    return RGBColor(red, green, blue)  # type: ignore[no-untyped-call]


def _undated(document: bytes) -> bytes:
    """Return the same zip file with every part dated alike."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(document)) as given, zipfile.ZipFile(out, "w") as made:
        for name in given.namelist():
            part = zipfile.ZipInfo(name, (UNDATED.year, UNDATED.month, UNDATED.day, 0, 0, 0))
            part.compress_type, part.create_system = zipfile.ZIP_DEFLATED, 0
            made.writestr(part, given.read(name), compresslevel=6)
    return out.getvalue()

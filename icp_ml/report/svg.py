"""A chart as an element of a page, instead of a document of its own.

Styles become attributes, since the page's security policy allows none in elements, and each colour gets a class
beside it ("f-positive"), by which the page's style sheet recolours charts for a dark screen.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from icp_ml.plotting import COLOURS
from icp_ml.report.formats import clean

NAMES = {colour: name for name, colour in COLOURS.items()}


def inline_svg(document: bytes, title: str, prefix: str) -> str:
    """Return an SVG document of `plotting.to_svg` as an `<svg>` element.

    Parameters
    ----------
    document : bytes
        Of our own making: no entities, no outside references.
    title : str
        What the chart shows, for those who cannot see it.
    prefix : str
        Put before every id: ids are unique in a page.
    """
    root = ET.fromstring(document)
    for parent in list(root.iter()):
        for child in [c for c in parent if _local(c.tag) in ("metadata", "style")]:
            parent.remove(child)
    for element in root.iter():
        _simplify(element, prefix)
    box = root.attrib["viewBox"]
    _, _, width, height = box.split()
    root.attrib.clear()
    root.attrib.update({"class": "chart", "viewBox": box, "width": width, "height": height, "role": "img"})
    root.set("aria-label", clean(title))
    return ET.tostring(root, encoding="unicode").strip()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _simplify(element: ET.Element, prefix: str) -> None:
    """Drop namespaces, turn styles into attributes, colours into classes, and make ids unique."""
    element.tag = _local(element.tag)
    attributes = {_local(name): value for name, value in element.attrib.items()}
    for entry in attributes.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in entry.partition(":"))
        if name == "font":
            attributes["font-size"] = value.split("px")[0]
        elif name and name != "font-family":
            attributes[name] = value.removesuffix("px") if name == "font-size" else value
    classes = [f"{part[0]}-{NAMES[attributes[part]]}" for part in ("fill", "stroke") if attributes.get(part) in NAMES]
    if classes:
        attributes["class"] = " ".join(classes)
    for name, value in attributes.items():
        if name == "id":
            attributes[name] = f"{prefix}-{value}"
        elif name == "href" and value.startswith("#"):
            attributes[name] = f"#{prefix}-{value[1:]}"
        elif value.startswith("url(#"):
            attributes[name] = f"url(#{prefix}-{value[5:]}"
    element.attrib.clear()
    element.attrib.update(attributes)

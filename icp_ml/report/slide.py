"""The profile on one slide: a .pptx whose text is text, or the same as PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from icp_ml.exceptions import InputError
from icp_ml.model import ICPModel
from icp_ml.plotting import Estimate, Tone
from icp_ml.plotting.slide import slide_figure, to_png
from icp_ml.report.context import report_context
from icp_ml.report.page import write_whole
from icp_ml.report.pptx_file import pptx_bytes
from icp_ml.report.slide_layout import slide_layout
from icp_ml.traits import Trait

DOCUMENT = ("kind", "sold_so_far", "overrides")  # of the profile's document, where it has them
ENDINGS = (".pptx", ".png")


def check_slide_name(path: Path) -> None:
    """Refuse a file name that says no known format.

    Raises
    ------
    InputError
        It ends in neither .pptx nor .png.
    """
    if path.suffix.lower() not in ENDINGS:
        msg = f"{path}: a slide ends in .pptx (text that can be edited) or .png (a picture); name it so"
        raise InputError(msg)


def write_slide(model: ICPModel, path: str | Path) -> Path:
    """Write the profile as one 16:9 slide, whole or not at all; the same model gives the same bytes.

    Parameters
    ----------
    model : ICPModel
    path : str or Path
        Ends in .pptx or .png; an existing file is replaced.

    Raises
    ------
    InputError
        The name ends in something else, or the file cannot be written there.
    MissingDependencyError
        matplotlib, or for a .pptx python-pptx, is not installed.
    """
    path = Path(path)
    check_slide_name(path)
    layout = slide_layout(slide_context(model), trait_estimates(model))
    if path.suffix.lower() == ".png":
        return write_whole(path, to_png(slide_figure(layout)))
    return write_whole(path, pptx_bytes(layout, model.tables.as_of))


def slide_context(model: ICPModel) -> dict[str, Any]:
    """Return the report's context, with what else the profile's document holds for a slide."""
    context, document = report_context(model), model.profile.to_dict()
    profile = {**{name: document[name] for name in DOCUMENT if name in document}, **context["profile"]}
    return {**context, "profile": profile}


def trait_estimates(model: ICPModel) -> dict[str, list[Estimate]]:
    """Return the lifts of signals and anti-traits that customers stand behind, in the profile's order."""
    groups = {"signals": model.profile.signals, "anti": model.profile.anti_traits}
    return {name: [_estimate(trait) for trait in group if trait.customers] for name, group in groups.items()}


def _estimate(trait: Trait) -> Estimate:
    tone: Tone = "positive" if trait.direction == "positive" else "negative"
    return Estimate(trait.sentence, trait.lift, trait.lift_low, trait.lift_high, tone)

"""The report as one self-contained HTML file: no script, no request, a strict content security policy."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from icp_ml import plotting
from icp_ml._optional import require
from icp_ml.exceptions import InputError
from icp_ml.model import ICPModel
from icp_ml.report.charts import field_curves, lift_estimates, quality_estimates, tier_estimates
from icp_ml.report.context import CATEGORIES, base_rate, report_context
from icp_ml.report.formats import clean
from icp_ml.report.svg import inline_svg

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_TEXT = 4000  # characters of any one value in the page
WIDE_LABEL, NARROW_LABEL = 58, 38


def write_html(model: ICPModel, path: str | Path, scored: Mapping[str, Any] | None = None) -> Path:
    """Write the report, whole or not at all.

    Parameters
    ----------
    model : ICPModel
    path : str or Path
        An existing file is replaced.
    scored : mapping, optional
        What became of a list; see `report_context`.

    Raises
    ------
    InputError
        The file cannot be written there.
    MissingDependencyError
        jinja2 or matplotlib is not installed.
    """
    return write_whole(Path(path), render_html(model, scored))


def render_html(model: ICPModel, scored: Mapping[str, Any] | None = None) -> str:
    """Return the report's HTML; the same model and list give the same text."""
    require("jinja2", extra="report", purpose="the HTML report")
    markup = require("markupsafe", extra="report", purpose="the HTML report").Markup
    environment = _environment()
    assert environment.loader is not None
    style = environment.loader.get_source(environment, "report.css")[0]
    # the policy names the one style sheet by its hash: nothing else in the page can style or run
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    charts = {name: markup(text) for name, text in _charts(model).items()}
    curves, others = _curves(model)
    for curve in curves:
        curve["svg"] = markup(curve["svg"])
    return environment.get_template("report.html").render(
        **report_context(model, scored),
        policy=policy,
        style=markup(style),
        charts=charts,
        curves=curves,
        other_fields=others,
    )


def write_whole(path: Path, text: str) -> Path:
    """Write a text file under another name, then rename it: a reader never meets half of it.

    Raises
    ------
    InputError
        The folder cannot be made, or the file cannot be written.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
                file.write(text)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        why = error.strerror or error
        msg = f"{path}: the report cannot be written ({why}); name a file in a folder you can write to"
        raise InputError(msg) from error
    return path


def _environment() -> Environment:
    jinja2 = require("jinja2", extra="report", purpose="the HTML report")
    environment: Environment = jinja2.Environment(
        loader=jinja2.PackageLoader("icp_ml.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    return environment


def _finalize(value: Any) -> Any:
    """Every printed value passes here: strings lose control characters; our own markup stays as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return clean(value, LONGEST_TEXT)
    return value


def _charts(model: ICPModel) -> dict[str, str]:
    """Return the charts that stand alone, each as SVG, by name."""
    figures = {}
    if model.profile.found:
        title = "Traits: share of best customers against the average, with 95% intervals"
        wide, narrow = (lift_estimates(model.profile, n) for n in (WIDE_LABEL, NARROW_LABEL))
        figures["traits"] = plotting.lift_chart(wide), title
        figures["traits_narrow"] = plotting.lift_chart(narrow, narrow=True), title
    learners = quality_estimates(model.evaluation)
    if learners:
        figures["quality"] = plotting.quality_chart(learners), "AUC of the model and the baselines, with 95% intervals"
    average, tiers = base_rate(model), model.evaluation.get("tiers") or ()
    if tiers and average is not None:
        chart = plotting.tier_chart(tier_estimates(tiers, average), average)
        figures["tiers"] = chart, "Share of best customers by tier, with 95% intervals"
    return {name: inline_svg(plotting.to_svg(chart), title, name) for name, (chart, title) in figures.items()}


def _curves(model: ICPModel) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the contribution curves of the strongest fields, and the names of the others."""
    curves, others = field_curves(model.tables)
    shown = []
    for k, one in enumerate(curves):
        title = f"What {one.title} adds to the odds of being a best customer"
        chart = inline_svg(plotting.to_svg(plotting.curve_chart(one.curve)), title, f"curve-{k}")
        category = CATEGORIES.get(one.category, one.category)
        shown.append({"title": one.title, "category": category, "note": one.note, "svg": chart})
    return shown, others

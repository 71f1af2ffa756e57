"""The report as one self-contained HTML file: no script, no request, a strict content security policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from icp_ml import plotting
from icp_ml.model import ICPModel
from icp_ml.report.charts import field_curves, lift_estimates, quality_estimates, tier_estimates
from icp_ml.report.context import CATEGORIES, base_rate, report_context
from icp_ml.report.label_charts import label_charts
from icp_ml.report.page import chart_markup, render_page, write_whole

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
    curves, others = _curves(model)
    return render_page(
        "report.html",
        **report_context(model, scored),
        charts=_charts(model) | label_charts(model.data_report),
        curves=curves,
        other_fields=others,
    )


def _charts(model: ICPModel) -> dict[str, Any]:
    """Return the charts that stand alone, each as markup, by name."""
    figures = {}
    if model.profile.found and model.profile.kind == "derived":
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
    return {name: chart_markup(plotting.to_svg(chart), title, name) for name, (chart, title) in figures.items()}


def _curves(model: ICPModel) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the contribution curves of the strongest fields, and the names of the others."""
    curves, others = field_curves(model.tables)
    shown = []
    for k, one in enumerate(curves):
        title = f"What {one.title} adds to the odds of being a best customer"
        chart = chart_markup(plotting.to_svg(plotting.curve_chart(one.curve)), title, f"curve-{k}")
        category = CATEGORIES.get(one.category, one.category)
        shown.append({"title": one.title, "category": category, "note": one.note, "svg": chart})
    return shown, others

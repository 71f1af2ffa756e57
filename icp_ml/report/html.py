"""The report as one self-contained HTML file: no request, one script named in a strict content security policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from icp_ml import plotting
from icp_ml.model import ICPModel
from icp_ml.plotting.market import Fall, waterfall_chart
from icp_ml.report.charts import MAX_CURVES, MAX_FOLDED, field_curves, lift_estimates, quality_estimates, tier_estimates
from icp_ml.report.context import CATEGORIES, base_rate, report_context
from icp_ml.report.form_data import form_data
from icp_ml.report.label_charts import label_charts
from icp_ml.report.list_view import market_steps, step_words
from icp_ml.report.page import chart_markup, data_block, render_page, write_whole

WIDE_LABEL, NARROW_LABEL = 58, 38
SCRIPTS = ("words.js", "scorecard.js", "form.js", "accounts.js", "start.js")
MOST_BYTES = 3_000_000  # of the page: a form that would be too much is left out


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
    context, form = report_context(model, scored), _form(model)
    parts: dict[str, Any] = {
        **context,
        "charts": _charts(model) | _market_charts(scored) | label_charts(model.data_report),
        "curves": curves[:MAX_CURVES],
        "more_curves": curves[MAX_CURVES:],
        "other_fields": others,
        "scripts": SCRIPTS if form["asks"] or context["list"] else (),
    }
    page = render_page("report.html", **parts, form=form)
    if len(page.encode("utf-8", "replace")) > MOST_BYTES:
        page = render_page("report.html", **parts, form={**form, "data": ""})
    return page


def _form(model: ICPModel) -> dict[str, Any]:
    """Return the "score a company" form's data; a model of no fields has no form."""
    asks = bool(model.tables.fields)
    as_of = model.tables.as_of
    about = f"Ages are measured to {as_of.isoformat()}, the day of the model's data." if as_of else ""
    return {"asks": asks, "data": data_block(form_data(model)) if asks else "", "about": about}


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


def _market_charts(scored: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the waterfall from the whole list to what can be worked, for a desk and for a phone."""
    steps = [Fall(s.name, float(s.count), s.total, step_words(s)) for s in market_steps(scored or {})]
    title = "From the list (TAM) to what is serviceable (SAM) and obtainable (SOM)"
    return {
        name: chart_markup(plotting.to_svg(waterfall_chart(steps, narrow=narrow)), title, name) if steps else None
        for name, narrow in (("market", False), ("market_narrow", True))
    }


def _curves(model: ICPModel) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the contribution curves, the strongest fields first, and the names of those not drawn."""
    curves, others = field_curves(model.tables, MAX_CURVES + MAX_FOLDED)
    shown = []
    for k, one in enumerate(curves):
        title = f"What {one.title} adds to the odds of being a best customer"
        chart = chart_markup(plotting.to_svg(plotting.curve_chart(one.curve)), title, f"curve-{k}")
        category = CATEGORIES.get(one.category, one.category)
        shown.append({"title": one.title, "category": category, "note": one.note, "svg": chart})
    return shown, others

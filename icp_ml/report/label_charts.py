"""The charts of how customers were judged, for the data report and for the report of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icp_ml import plotting
from icp_ml.plotting.customers import retention_chart, spread_chart
from icp_ml.report.charts import retention_points, spread_of
from icp_ml.report.page import chart_markup


def label_charts(data_report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the charts as markup, by name: "spread" and "retention"; None of what is not recorded."""
    figures = {}
    spread = spread_of(data_report)
    if spread is not None:
        figures["spread"] = spread_chart(spread), "Customers by composite outcome: worst, middle and best"
    audit = data_report.get("audit") or (data_report.get("labels") or {}).get("audit") or {}
    points = retention_points(audit.get("curve"))
    if points:
        figures["retention"] = retention_chart(points), "Share of customers still there, by time since sign-up"
    drawn = {name: chart_markup(plotting.to_svg(figure), title, name) for name, (figure, title) in figures.items()}
    return dict.fromkeys(("spread", "retention")) | drawn

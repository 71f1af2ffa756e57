"""The data report as one self-contained HTML file, as strict as the report of a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from icp_ml.report.check_context import check_context
from icp_ml.report.label_charts import label_charts
from icp_ml.report.page import render_page, write_whole


def write_check(data: Mapping[str, Any], path: str | Path) -> Path:
    """Write the data report, whole or not at all.

    Parameters
    ----------
    data : mapping
        As `check_context` takes it.
    path : str or Path
        An existing file is replaced.

    Raises
    ------
    InputError
        The file cannot be written there.
    MissingDependencyError
        jinja2 or matplotlib is not installed.
    """
    return write_whole(Path(path), render_check(data))


def render_check(data: Mapping[str, Any]) -> str:
    """Return the data report's HTML; the same data give the same text."""
    return render_page("check.html", **check_context(data), charts=label_charts(data))

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from icp_ml.outcomes.distribution import BINS, composite_distribution


def labels(composite: list[float] | np.ndarray, status: list[str] | np.ndarray, *, binary: bool = False) -> Any:
    return SimpleNamespace(composite=pd.Series(composite, dtype=float), status=pd.Series(status), binary=binary)


def test_every_judged_customer_is_counted_once_whatever_the_order() -> None:
    rng = np.random.default_rng(0)
    composite = rng.normal(size=500)
    status = np.where(composite > 0.7, "best", np.where(composite < -0.7, "worst", "middle")).astype(object)
    composite[:3], status[:3] = [50.0, -50.0, np.nan], ["best", "worst", "too_young"]  # far values, and one not judged
    found = composite_distribution(labels(composite, status))
    assert found is not None
    assert {name: sum(found[name]) for name in ("best", "middle", "worst")} == {
        name: int((status == name).sum()) for name in ("best", "middle", "worst")
    }
    assert len(found["edges"]) == BINS + 1
    assert -5 < found["edges"][0] < found["edges"][-1] < 5  # two far values do not squeeze the others together
    assert found["best"][-1] >= 1
    order = rng.permutation(500)
    assert composite_distribution(labels(composite[order], status[order])) == found
    assert json.loads(json.dumps(found)) == found


def test_classes_stand_where_their_composite_is() -> None:
    found = composite_distribution(labels([-1.0, 0.0, 1.0], ["worst", "middle", "best"]))
    assert found is not None
    places = [np.flatnonzero(found[name]).tolist() for name in ("worst", "middle", "best")]
    assert places[0] < places[1] < places[2]
    for name, value in zip(("worst", "middle", "best"), (-1.0, 0.0, 1.0), strict=True):
        (k,) = np.flatnonzero(found[name])
        assert found["edges"][k] - 1e-9 <= value <= found["edges"][k + 1] + 0.1


@pytest.mark.parametrize(
    "without",
    [labels([0.0, 1.0], ["worst", "best"], binary=True), labels([1.0, 1.0], ["best", "worst"]),
     labels([np.nan, np.nan], ["best", "worst"]), labels([], [])],
)  # fmt: skip
def test_where_there_is_nothing_to_draw_there_is_none(without: Any) -> None:
    assert composite_distribution(without) is None


def test_a_saved_model_holds_what_its_report_draws() -> None:
    from icp_ml.report.html import render_html
    from tests import check_data, report_model

    model = report_model.make_model()
    assert 'class="chart"' not in render_html(model).split('id="labels"')[1].split("</section>")[0]
    audit = {k: v for k, v in check_data.make_audit().items() if k != "boundary"}
    report = dict(model.data_report)
    report["labels"] = {**report["labels"], "audit": audit}
    report["distribution"] = check_data.make_check_data()["distribution"]
    section = render_html(replace(model, data_report=report)).split('id="labels"')[1].split("</section>")[0]
    assert section.count('class="chart"') == 2
    assert "If the definition were another" in section
    assert "At the boundary" not in section  # a model names no account

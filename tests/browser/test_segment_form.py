"""The form of a model with segments, one within another, against the library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from icp_ml.estimator import segment_tables as kinds
from icp_ml.report.html import write_html
from icp_ml.scoring.gaps import Gap, Gaps
from tests import form_model
from tests.browser.conftest import Opened
from tests.browser.test_score_form import FILL, typed_in

pytestmark = pytest.mark.browser


def test_the_form_scores_by_the_tables_of_the_segment(opened: Opened, tmp_path: Path) -> None:
    model = form_model.make_model()
    turns = [form_model.make_tables(seed=k) for k in (2, 3, 4)]
    rules = (
        kinds.SegmentRule("small", -1, 0, (1, 2, 3)),
        kinds.SegmentRule("large", -1, 0, (4, 5, 6, 7)),
        kinds.SegmentRule("large, software", 1, 6, (4,)),
    )
    segments = tuple(kinds.SegmentTables(rule, tables) for rule, tables in zip(rules, turns, strict=True))
    model = replace(
        model,
        tables=replace(model.tables, segments=segments),
        segment_supports=(0.02, 0.04, 0.06),
        gaps=_gaps(model, 4),
    )
    accounts = form_model.make_accounts(model, 200, seed=11)
    scored = model.score(form_model.as_frame(model, accounts), lookalikes=0)
    assert set(scored["segment"]) == {"all", "small", "large", "large, software"}
    assert set(scored["in_support"]) == {True, False}
    with opened(write_html(model, tmp_path / "report.html")) as (page, problems):
        answers = page.evaluate(FILL, typed_in(model, accounts))
        assert problems() == []
    for answer, (_, row) in zip(answers, scored.iterrows(), strict=True):
        assert answer["tier"] == row["tier"]
        if row["status"] == "ineligible":
            continue
        assert float(answer["logOdds"]) == pytest.approx(row["log_odds"], abs=1e-9, rel=0)
        assert (answer["inside"] == "true") == row["in_support"]
        reasons = [row[f"reason_{k}"] for k in range(1, 6)]
        assert [text for text, *_ in answer["reasons"]] == [text for text in reasons if isinstance(text, str)]
        assert (f"Segment: {row['segment']}." in answer["text"]) == (row["segment"] != "all")


def _gaps(model, count):
    """Where no customer was, drawn: an account in four is outside by a value or by two."""
    rng, terms = np.random.default_rng(4), model.tables.terms
    a, b = [j for j, term in enumerate(terms) if term.encoding.kind != "tokens"][:2]
    found = []
    for _ in range(count):
        odd, cells = rng.random(terms[a].size) < 0.1, rng.random((terms[a].size, terms[b].size)) < 0.2
        odd[0] = False
        found.append(Gaps({a: odd}, (Gap(a, b, cells),)))
    return tuple(found)

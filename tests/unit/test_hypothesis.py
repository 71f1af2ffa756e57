from __future__ import annotations

import json
from math import log

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from icp_ml import ICPModel, Settings
from icp_ml.cli import app
from icp_ml.exceptions import InputError, SettingsError
from icp_ml.report.context import report_context
from icp_ml.report.html import render_html
from icp_ml.report.markdown import render_markdown
from icp_ml.strategy.hypothesis import parse_hypothesis, read_hypothesis

TEXT = """
name: first guess
best_share: 0.2
as_of: 2026-10-01
filters:
  - {field: country, in: [US, Canada], why: we invoice there}
signals:
  - {field: employees, from: 101, to: 500, points: 3, share: 0.25}
  - {field: technologies, has: Snowflake, points: 2, share: 0.5}
  - {field: founded_year, from: 2012, points: 1}
anti_traits:
  - {field: employees, over: 5000, points: 2, share: 0.1}
"""
POINT = log(2) / 2


def frame(**columns):
    return pd.DataFrame({"Account ID": [f"A{i}" for i in range(len(next(iter(columns.values()))))], **columns})


def model(text=TEXT, settings=None):
    return ICPModel.from_hypothesis(parse_hypothesis(text), settings)


def test_points_are_log_odds_and_scores_can_be_checked_with_a_pencil():
    scored = model().score(
        frame(
            employees=["250", "50", "9000", "250", None],
            technologies=["Snowflake; SAP", "SAP", None, "SAP", None],
            country=["US", "US", None, "France", None],
            founded_year=[None] * 5,
        )
    )
    base = log(0.2 / 0.8)
    large, small = -0.1 * -2 * POINT, 0.75 * 3 * POINT  # not over 5,000; 101 to 500
    expected = [base + small + large + 0.5 * 2 * POINT, base - 0.25 * 3 * POINT + large - 0.5 * 2 * POINT,
                base - 0.25 * 3 * POINT - 0.9 * 2 * POINT]  # fmt: skip
    assert scored["log_odds"].to_numpy()[:3] == pytest.approx(expected, abs=1e-12)
    assert scored["fit_score"][0] == pytest.approx(100 / (1 + np.exp(-expected[0])))
    assert scored["status"].tolist() == ["scored", "scored", "scored", "ineligible", "ineligible"]
    assert scored["status_reason"][3] == "outside a filter: not country: Canada or US"
    assert "none of the model's" in scored["status_reason"][4]
    assert (scored["fit_low"][:3] < scored["fit_score"][:3]).all()
    assert scored["tier"].tolist()[:3] == ["A", "D", "D"]
    assert scored["in_support"][:3].all()


def test_true_and_false_lie_the_points_apart_and_two_points_double_the_odds():
    scored = model().score(frame(technologies=["Snowflake", "SAP"], country=["US", "US"]))
    assert scored["log_odds"][0] - scored["log_odds"][1] == pytest.approx(log(2))


def test_reasons_speak_of_points_and_not_of_customers():
    row = model().score(frame(employees=["9000"], technologies=["Snowflake"], founded_year=["2000"])).iloc[0]
    said = [row[f"reason_{i}"] for i in range(1, 4)]
    assert said == [
        "9,000 employees (5,001 or more) lowers fit: the hypothesis takes 2 points from it",
        "Uses Snowflake raises fit: the hypothesis gives it 2 points",
        "Founded 26 years ago (15 years ago or earlier) lowers fit: the hypothesis gives 1 point to founded in the "
        "last 14 years",
    ]
    assert not any("customer" in text for text in said)


def test_a_value_nobody_wrote_of_is_another_value():
    text = "signals: [{field: industry, in: [Software], points: 2}]"
    row = model(text).score(frame(industry=["Mining"])).iloc[0]
    assert row["reason_1"] == "Industry: another value lowers fit: the hypothesis gives 2 points to industry: Software"


def test_it_is_saved_loaded_and_scored_as_any_other_model(tmp_path):
    made = model()
    loaded = ICPModel.load(made.save(tmp_path / "model"))
    table = frame(employees=["250", "50"], technologies=["Snowflake", None])
    pd.testing.assert_frame_equal(made.score(table), loaded.score(table))
    assert loaded.version == made.version == model().version
    assert loaded.profile == made.profile
    assert loaded.profile.kind == "hypothesis"
    assert [loaded.profile.points(t) for t in loaded.profile.signals] == [3, 2, 1]
    assert loaded.profile.beliefs[0]["verdict"] == "untested"


def test_reports_do_without_customers():
    made = model()
    context = report_context(made)
    assert context["profile"]["signals"][0]["points"] == 3
    assert context["profile"]["anti"][0]["points"] == -2
    assert context["traits"] == []
    assert context["tiles"] == []
    assert "no customer has tested it yet" in context["quality"]["short"]
    json.dumps(context)
    for text in (render_html(made), render_markdown(made)):
        assert "0% best" not in text
        assert "points" in text
    assert "| 101-500 employees | raises fit: 3 points |" in made.profile.to_markdown()


def test_strategy_overrides_apply_to_a_hypothesis_too():
    overrides = [{"raise": "technologies has SAP", "points": 1, "reason": "new connector"},
                 {"exclude": "industry in Government", "reason": "no procurement"}]  # fmt: skip
    made = model(settings=Settings.build({"profile": {"overrides": overrides}}))
    scored = made.score(frame(technologies=["SAP", "Excel", "SAP"], industry=["Retail", "Retail", "Government"]))
    assert scored["log_odds"][0] - scored["log_odds"][1] == pytest.approx(POINT)
    assert scored["reason_1"][0] == "Uses SAP raises fit, as the strategy raises it: new connector"
    assert scored["status_reason"][2] == "excluded by strategy: industry: Government (no procurement)"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (TEXT + "  - {field: country, in: [US]}", r"h, line 13: anti_traits.1.points is missing; .*points: 3"),
        (TEXT.replace("points: 3", "points: -3"), r"h, line 8: signals.0.points = -3: .*greater than 0"),
        (TEXT.replace("points: 3", "weight: 3"), r"line 8: .*weight'; allowed here: field, in, over, from"),
        (TEXT.replace("share: 0.5", "share: 2"), r"line 9: signals.1.share = 2: .*less than 1"),
        (TEXT.replace("[US, Canada]", "[US, NO]"), r"line 6: filters.0 = .*'NO'"),
        ("signals: {}", r"h, line 1: signals = \{\}"),
        ("filters: [{field: country, in: [US]}]", "at least one signal or anti-trait"),
        ("- a", "expected a mapping"),
        ("", "expected a mapping with signals and points, found nothing"),
        ("best_share: 2\nsignals: [{field: a, has: b, points: 1}]", r"h, line 1: best_share = 2"),
        (f"filters: [{', '.join(['{field: country, in: [US]}'] * 6)}]", "filters = .*at most 5"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, match):
    with pytest.raises(SettingsError, match=match):
        parse_hypothesis(text, "h")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            TEXT.replace("employees, from", "emploees, from"),
            r"signals.0 .*'emploees' is no field; did you mean employees",
        ),
        (TEXT.replace("Canada", "Atlantis"), "filters.0 .*'Atlantis' is no country"),
        (
            TEXT.replace("as_of: 2026-10-01", "") + "  - {field: last_funding_date, up_to: 1 year, points: 1}",
            "give as_of",
        ),
    ],
)
def test_what_no_field_holds_is_said(text, match):
    with pytest.raises(SettingsError, match=match):
        model(text)


def test_what_is_no_file_is_said(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read as a hypothesis"):
        read_hypothesis(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1")
    with pytest.raises(InputError, match=r"bad.yaml: not valid YAML: line 1"):
        read_hypothesis(tmp_path / "bad.yaml")
    (tmp_path / "bomb.yaml").write_text("a: " + "[" * 5000)
    with pytest.raises(InputError, match="not valid YAML"):
        read_hypothesis(tmp_path / "bomb.yaml")
    with pytest.raises(SettingsError, match="a hypothesis says itself what is a filter"):
        model(settings=Settings.build({"profile": {"filters": ["country"]}}))


def test_aliases_of_aliases_do_not_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    with pytest.raises(SettingsError) as error:
        parse_hypothesis("\n".join([*lines, "name: *a11", "signals: *a11"]))
    assert len(str(error.value)) < 1000


def run(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_the_command_makes_a_model_that_scores(tmp_path, repository, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sample = repository / "data_samples" / "hypothesis.yaml"
    (tmp_path / "icp.yaml").write_text("tracking: {enabled: false}")
    found = run("hypothesis", sample, "--out", "model", "--settings", "icp.yaml", "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert told["profile"]["kind"] == "hypothesis"
    assert told["model_version"] == ICPModel.load("model").version
    shown = run("hypothesis", sample, "--out", "model", "--settings", "icp.yaml")
    assert "101-500 employees: 3 points" in shown.stdout
    frame(employees=["250"], country=["US"]).to_csv("list.csv", index=False)
    assert run("score", "model", "list.csv", "--out", "scored.csv").exit_code == 0
    assert run("report", "model", "--html", "r.html", "--markdown", "r.md").exit_code == 0
    (tmp_path / "wrong.yaml").write_text("signals: [{field: employees, over: 5, points: none}]")
    wrong = run("hypothesis", "wrong.yaml", "--out", "other")
    assert wrong.exit_code == 2
    assert "signals.0.points" in wrong.stderr
    assert not (tmp_path / "other").exists()

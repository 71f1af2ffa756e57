"""Training with a hypothesis, overrides and a new market, on one small world."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from icp_ml import ICPModel, IdealCustomerProfile, Settings, read_accounts, train
from icp_ml.cli import app
from icp_ml.evaluation.metrics import Judged
from icp_ml.exceptions import SettingsError
from icp_ml.report.context import report_context
from icp_ml.report.html import render_html
from icp_ml.report.markdown import render_markdown
from icp_ml.strategy.hypothesis import read_hypothesis
from icp_ml.strategy.new_market import FAILS, HOLDS, UNKNOWN, compare_market
from icp_ml.strategy.overrides import with_costs
from icp_ml.tiers import TierCutoffs
from tests.small_run import SETTINGS, customers, market, small_run
from tests.unit.test_filter_or_signal import DE, US, people, tables
from tests.unit.test_profile import trait

OVERRIDES = [
    {"exclude": {"field": "country", "in": ["France"]}, "reason": "no partner there", "by": "sales"},
    {"raise": "technologies has Snowflake", "points": 2, "reason": "<b>new</b> connector"},
    {"lower": {"field": "employees", "over": 1000}, "log_odds": 0.5, "reason": "not yet"},
]
BELIEVED = {
    "filters": [{"field": "country", "in": ["US", "UK"]}],
    "signals": [{"field": "industry", "in": ["Software", "FinTech"], "points": 2},
                {"field": "keywords", "has": "open source", "points": 1}],
    "anti_traits": [{"field": "employees", "over": 1000, "points": 1}],
}  # fmt: skip


def settings(**profile):
    return Settings.build({**SETTINGS.model_dump(mode="json"), "profile": profile})


@cache
def decided():
    own = settings(overrides=OVERRIDES, new_market="employees > 200")
    accounts = read_accounts(customers(), own)
    return train(
        accounts, own, read_accounts(market(), own, like=accounts), hypothesis=read_hypothesis(BELIEVED), n_jobs=1
    )


def test_beliefs_stand_beside_the_data():
    rows = {row["statement"]: row for row in decided().profile.beliefs}
    new = [row for row in rows.values() if row["verdict"] == "not believed"]
    assert len(rows) - len(new) == 4
    assert len(new) <= 2
    assert rows["is about open source"]["verdict"] == "not in the data"
    software = rows["industry: FinTech or Software"]
    assert software["believed"] == "raises fit: 2 points"
    assert software["verdict"] == ("confirmed" if software["lift"][1] > 1 else "not shown")
    assert "customers outside it" in rows["country: UK or US"]["data"]


def test_the_hypothesis_is_weighed_and_judged():
    told = decided().model.evaluation["hypothesis"]
    assert told["worth"] == 50
    assert 0 < told["weights"]["hypothesis"] <= 5
    assert set(told["metrics"]) == {"data", "hypothesis", "both"}
    assert any("counts as 50 customers" in note for note in decided().evaluation.notes)


def test_overrides_are_recorded_with_reason_and_cost():
    exclude, raised, lowered = decided().profile.overrides
    assert (exclude["reason"], exclude["by"]) == ("no partner there", "sales")
    assert exclude["cost"]["excluded"] == exclude["customers"] > 0
    assert raised["log_odds"] == pytest.approx(np.log(2))
    assert lowered["log_odds"] == -0.5
    for record in (exclude, raised, lowered):
        value, low, high = record["cost"]["lift_change"]
        assert low <= value <= high
    assert "overrides" in decided().model.evaluation


def test_overrides_act_on_scores_and_exclusions():
    table = market()
    scored = decided().model.score(table)
    out = table["Company Country"].eq("France")
    assert out.sum() > 3
    assert scored["status"][out].eq("ineligible").all()
    assert scored["status_reason"][out].eq("excluded by strategy: country: France (no partner there)").all()
    assert scored["status"][~out].ne("ineligible").any()
    told = " ".join(scored.filter(regex=r"^reason_\d$").stack().dropna())
    assert "as the strategy raises it: <b>new</b> connector" in told


def test_the_market_being_entered_is_compared_with_the_core():
    found = decided().profile.new_market
    assert found["statement"] == "201 or more employees"
    known = found["entered"]["customers"] + found["core"]["customers"]
    assert 0 < found["entered"]["customers"] < known <= decided().profile.evidence["mature"]
    assert found["difference"][1] < found["difference"][0] < found["difference"][2]


def test_all_of_it_is_saved_and_shown(tmp_path):
    model = decided().model
    loaded = ICPModel.load(model.save(tmp_path / "model"))
    assert loaded.profile == model.profile
    assert IdealCustomerProfile.from_json(model.profile.to_json()) == model.profile
    context = report_context(loaded)["decided"]
    json.dumps(context)
    assert len(context["beliefs"]) == len(model.profile.beliefs)
    assert len(context["overrides"]) == 3
    page, text = render_html(loaded), render_markdown(loaded)
    assert "<b>new</b>" not in page
    assert "<b>new</b>" not in text
    for title in ("What we believed, what the data say", "Decided by strategy", "The market being entered"):
        assert title in page
        assert title in text


def test_where_nobody_said_anything_nothing_changes():
    assert small_run().profile.overrides == ()
    assert small_run().profile.kind == "derived"
    assert "hypothesis" not in small_run().model.evaluation


@pytest.mark.parametrize(
    ("profile", "match"),
    [
        ({"filters": ["emploees"]}, "profile.filters: 'emploees' is no field or trait"),
        ({"new_market": "emploees > 5"}, r"profile.new_market \(emploees > 5\): 'emploees' is no field"),
        ({"overrides": [{"exclude": "country in Atlantis", "reason": "sunk"}]}, r"profile.overrides.0 .*'Atlantis'"),
        ({"overrides": [{"raise": "nps > 5", "points": 1, "reason": "happy"}]}, "'nps' is an outcome"),
    ],
)
def test_names_that_are_not_there_are_refused_before_the_work(profile, match):
    own = settings(**profile)
    with pytest.raises(SettingsError, match=match):
        train(read_accounts(customers(), own), own, n_jobs=1)


def test_a_cost_is_what_the_top_tenth_loses():
    codes, status = people(400, 100)
    best = status == "best"
    score = np.where(best, 2.0, -2.0) + np.random.default_rng(0).normal(size=400) * 0.01
    record = {"action": "exclude", "term": "country", "codes": [US], "log_odds": 0.0}
    (costed,), together = with_costs(
        [record], tables(codes), codes, score, best, np.arange(400), TierCutoffs.from_base_rate(best.mean()), 0
    )
    before, after = costed["cost"]["lift_without"][0], costed["cost"]["lift_with"][0]
    assert before == pytest.approx(1 / best.mean())  # all of the top tenth are best
    left = best[codes[:, 0] == DE].sum()
    assert after == pytest.approx(min(left / 40, 1) / best.mean())
    assert costed["cost"]["lift_change"][0] == pytest.approx(after - before)
    assert costed["cost"]["excluded"] == 300
    assert together["excluded_best"] == best[codes[:, 0] == US].sum()
    assert costed["cost"]["tier_a_without"][0] == 1.0


def profile_of(*traits):
    return IdealCustomerProfile(True, "x", signals=traits)


@pytest.mark.parametrize(("there", "verdict"), [(0.6, HOLDS), (0.05, FAILS), (None, UNKNOWN)])
def test_a_trait_holds_in_the_new_market_or_not_or_too_few_show_it(there, verdict):
    rng = np.random.default_rng(0)
    n = 1200
    entered = np.arange(n) < (600 if there is not None else 8)
    shows = rng.random(n) < 0.4
    rate = np.where(shows, np.where(entered, there or 0.5, 0.6), 0.2)
    best = rng.random(n) < rate
    codes = np.column_stack([np.where(shows, US, DE), np.full(n, 3)]).astype(np.uint16)
    judged = Judged(best, ~best, np.zeros((1, n), np.int64), np.arange(n))
    found = compare_market(
        "large", entered, np.ones(n, bool), profile_of(trait("country", codes=(US,))), ("country", "employees"), codes,
        rate, judged, 0,
    )  # fmt: skip
    (row,) = found["traits"]
    assert row["verdict"] == verdict
    assert found["statement"] in found["sentence"]
    assert ("Too few of them" in found["sentence"]) == (there is None)


def test_a_market_without_customers_is_said_to_be_unknown():
    best = np.arange(100) < 25
    judged = Judged(best, ~best, np.zeros((1, 100), np.int64), np.arange(100))
    codes = np.full((100, 2), 3, np.uint16)
    none = np.zeros(100, bool)
    found = compare_market(
        "large", none, ~none, profile_of(), ("country", "employees"), codes, np.zeros(100), judged, 0
    )
    assert found["sentence"] == "No customer is of the market being entered (large): nothing is known of it yet."
    json.dumps(found, allow_nan=False)


@pytest.mark.slow
def test_the_command_line_reads_the_hypothesis_beside_the_settings(tmp_path, monkeypatch):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "believed.yaml").write_text(yaml.safe_dump(BELIEVED))
    own = {**SETTINGS.model_dump(mode="json"), "profile": {}}
    own["model"] = {"bags": 2, "hypothesis": {"file": "believed.yaml", "customers": 20}}
    (tmp_path / "set" / "icp.yaml").write_text(yaml.safe_dump(own))
    customers().to_csv(tmp_path / "customers.csv", index=False)
    monkeypatch.chdir(tmp_path)
    common = ["--settings", "set/icp.yaml", "--jobs", "1", "--out", "model"]
    found = CliRunner().invoke(app, ["train", "customers.csv", *common, "--new-market", "employees > 200"])
    assert found.exit_code == 0, found.output
    assert "What we believed" in found.stdout
    assert "Market being entered: 201 or more employees" in found.stdout
    model = ICPModel.load("model")
    assert model.evaluation["hypothesis"]["worth"] == 20
    assert model.settings.profile.new_market.text == "employees > 200"
    assert "What we believed" in CliRunner().invoke(app, ["report", "model"]).stdout
    wrong = CliRunner().invoke(app, ["train", "customers.csv", *common, "--new-market", "employees about 200"])
    assert wrong.exit_code == 2
    assert "write a field, a sign and a value" in wrong.stderr

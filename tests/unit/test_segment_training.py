"""A whole training with a person's own segments: the model, its profile and what is refused before anything slow."""

from __future__ import annotations

from functools import cache

import pytest

from icp_ml import TrainingRun, read_accounts, train
from icp_ml.estimator.own_segments import OwnSegments
from icp_ml.exceptions import SettingsError
from icp_ml.settings import Settings
from tests.small_run import SETTINGS, customers, market


def asking(segments: object) -> Settings:
    return SETTINGS.override(model={**SETTINGS.model.model_dump(mode="json"), "segments": segments})


@cache
def trained() -> TrainingRun:
    settings = asking({"field": "employees", "at": [200]})
    return train(read_accounts(customers(), settings), settings)


def test_a_rule_of_the_settings_is_in_the_model_the_profile_and_the_scores():
    run = trained()
    names = ["up to 200 employees", "201 or more employees"]
    assert [segment["name"] for segment in run.profile.segments] == names
    first = run.profile.segments[0]
    assert first["rule"]["all_of"][0]["field"] == "employees"
    assert first["rate"] == first["best"] / first["customers"]
    assert first["why"] == "segments by a rule of the settings, whether or not it tells more"
    assert sum(s["customers"] for s in run.profile.segments) < sum(run.model.evaluation["counts"].values())
    assert [s["name"] for s in run.model.evaluation["segments"]["found"]] == names
    assert len(run.model.segment_supports) == 2
    scored = run.model.score(market())
    assert set(scored["segment"]) == {"all", *names}
    assert scored.loc[scored["segment"] != "all", "reason_1"].notna().all()
    assert {segment["name"]: len(segment["traits"]) for segment in run.profile.segments} == dict.fromkeys(names, 0)


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ({"field": "office", "at": [2]}, "model.segments names 'office', which is no field of the model; those are "),
        ({"field": "employees", "at": [9]}, "'up to 9 employees' holds \\d best customers; a segment needs 10 of each"),
        ({"field": "employees", "at": [1e8]}, "all customers are on one side of .100000000.0. employees"),
        ({"field": "industry", "groups": [["Mining gold"]]}, "'Mining gold' is no value of 'industry'"),
    ],
)
def test_segments_that_customers_do_not_fill_are_refused_at_once(segments, message, monkeypatch):
    import icp_ml.workflow as workflow

    monkeypatch.setattr(workflow, "permutation_gate", lambda *_, **__: pytest.fail("too late"))
    settings = asking(segments)
    with pytest.raises(SettingsError, match=message):
        train(read_accounts(customers(), settings), settings)


def test_a_rule_of_years_is_cut_in_years():
    from icp_ml.training_data import asked_segments

    asked = asked_segments(asking({"field": "founded_year", "at": [2015]}))
    assert asked == OwnSegments("founded_year", (2015.0,))
    assert asked_segments(asking("never")) == "never"

import json

import numpy as np
import pandas as pd
import pytest

from icp_ml.exceptions import InputError, SettingsError
from icp_ml.outcomes import OutcomeDefinition
from icp_ml.outcomes.measures import needs
from icp_ml.settings import PRESETS, Settings

N = 300


def everything(seed=0):
    """Customers with every outcome there is; all lean on one quality."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=N)
    return pd.DataFrame(
        {
            "churned": pd.array(quality < -1.2, dtype="boolean"),
            "net_revenue_retention": 1 + 0.1 * quality,
            "nps": np.clip(np.round(7 + quality), 0, 10),
            "annual_revenue_from_customer_usd": np.exp(9 + quality),
            "utilization_rate": np.clip(0.5 + 0.1 * quality, 0, 1),
            "support_tickets": np.round(np.exp(2 - quality)),
            "lifetime_value_usd": np.exp(11 + quality),
            "acquisition_cost_usd": rng.uniform(1000, 9000, N),
            "cost_to_serve_usd": rng.uniform(100, 900, N),
            "testimonial": pd.array(quality > 1, dtype="boolean"),
            "feedback_given": pd.array(quality > 0.3, dtype="boolean"),
        }
    ), quality


def stage(preset, **weights):
    outcomes = {"preset": preset} | ({"weights": weights} if weights else {})
    return Settings.build({"outcomes": outcomes}).outcomes


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_preset_judges_by_its_outcomes(preset):
    frame, quality = everything()
    labels = OutcomeDefinition.from_settings(stage(preset)).label(frame)
    assert set(labels.components) == set(PRESETS[preset])
    assert quality[labels.is_best].mean() > quality[labels.is_worst].mean() + 0.4
    assert labels.counts["best"] >= 50
    assert json.dumps(labels.to_dict(), allow_nan=False)


def test_settings_weight_add_and_drop():
    settings = stage("growth", nps=0.5, expansion=2, retention=0)
    assert dict(settings.weights) == {
        "lifetime_value_per_acquisition_cost": 1, "expansion": 2, "retention": 0, "nps": 0.5,
    }  # fmt: skip
    labels = OutcomeDefinition.from_settings(settings).label(everything()[0])
    assert list(labels.components) == ["expansion", "nps", "lifetime_value_per_acquisition_cost"]
    assert OutcomeDefinition.of_stage("growth", nps=0.5, expansion=2, retention=0).weights == settings.weights


def test_saved_settings_state_all_weights_and_read_back_the_same():
    settings = Settings.build({"outcomes": {"preset": "growth", "weights": {"nps": 0.5, "retention": 0}}})
    assert "lifetime_value_per_acquisition_cost: 1.0" in settings.to_yaml()
    assert Settings.parse(settings.to_yaml()) == settings
    assert Settings.parse(settings.to_yaml()).hash == settings.hash


def test_without_a_stage_given_weights_are_the_whole_definition():
    assert dict(stage("default", nps=1).weights) == {"nps": 1}


@pytest.mark.parametrize("preset", [p for p in PRESETS if p != "default"])
def test_an_absent_preset_names_its_columns_and_no_others(preset):
    frame = pd.DataFrame({"employees": np.arange(50.0)})
    with pytest.raises(InputError, match=f"preset '{preset}'.*it needs") as error:
        OutcomeDefinition.from_settings(stage(preset)).label(frame)
    assert all(needs(name) in str(error.value) for name in PRESETS[preset])
    if preset == "efficiency":
        assert "lifetime_value_usd (such as 'LTV', 'CLTV') and cost_to_serve_usd" in str(error.value)
        assert "acquisition" not in str(error.value)
        assert "nps" not in str(error.value)


def test_half_a_ratio_is_said_and_judged_without():
    frame = everything()[0].drop(columns="acquisition_cost_usd")
    labels = OutcomeDefinition.from_settings(stage("growth")).label(frame)
    assert list(labels.components) == ["retention", "expansion"]
    note = next(note for note in labels.notes if "preset 'growth' needs" in note)
    assert "acquisition_cost_usd (such as 'CAC'" in note
    assert "testimonial" not in note


def test_a_ratio_divides_and_leaves_out_what_cannot_be_divided():
    frame, _ = everything()
    frame.loc[:9, "acquisition_cost_usd"] = 0.0
    frame.loc[10:19, "acquisition_cost_usd"] = np.nan
    definition = OutcomeDefinition({"lifetime_value_per_acquisition_cost": 1}, revenue_cap=1.0)
    labels = definition.label(frame)
    assert (labels.status[:20] == "unjudged").sum() + (labels.status[:20] == "worst").sum() == 20
    ratio = frame["lifetime_value_usd"] / frame["acquisition_cost_usd"]
    ranked = labels.components["lifetime_value_per_acquisition_cost"]
    assert ranked[20:].corr(ratio[20:], method="spearman") == pytest.approx(1)
    assert ranked[:20].isna().all()
    assert any("For 10 customers the acquisition cost is zero or less" in note for note in labels.notes)


def test_mvp_knows_only_good_and_bad():
    frame, _ = everything()
    labels = OutcomeDefinition.from_settings(stage("mvp")).label(frame)
    assert labels.binary
    gave = frame["feedback_given"].to_numpy(dtype=bool)
    assert (labels.is_best == (gave & ~frame["churned"].to_numpy(dtype=bool))).all()


def test_unknown_presets_and_weights_are_named():
    with pytest.raises(SettingsError, match=r"outcomes\.preset = 'seed'.*'mvp'"):
        Settings.build({"outcomes": {"preset": "seed"}})
    with pytest.raises(SettingsError, match=r"outcomes\.preset = 'seed': allowed are default, mvp"):
        OutcomeDefinition.of_stage("seed")
    with pytest.raises(SettingsError, match=r"deal is no outcome to weight.*lost_deals: worst"):
        Settings.build({"outcomes": {"weights": {"deal": 1}}})
    with pytest.raises(SettingsError, match=r"observed_from = 'soon'.*sign_up, or a date such as"):
        Settings.build({"outcomes": {"observed_from": "soon"}})


@pytest.mark.parametrize("seed", [0, 1])
def test_revenue_is_capped_and_limited(seed):
    frame, quality = everything(seed)
    frame.loc[frame.index[:5], "annual_revenue_from_customer_usd"] = np.arange(1, 6) * 1e8
    weights = {"business_value": 8.0, "retention": 1.0, "nps": 1.0}
    labels = OutcomeDefinition(weights).label(frame)
    assert labels.weights["business_value"] == pytest.approx(2.0)
    assert any("weighted at 80% of all outcomes and counts for 50%" in note for note in labels.notes)
    assert any("Five accounts carry" in note for note in labels.notes)
    top = labels.components["business_value"][:5]
    assert (top == top[0]).all()
    assert (labels.components["business_value"] == top[0]).sum() >= 0.05 * N  # the giants tie with the top 5 %
    free = OutcomeDefinition(weights, revenue_weight_at_most=1.0, revenue_cap=1.0).label(frame)
    assert free.weights["business_value"] == 8.0
    assert free.components["business_value"][:5].nunique() == 5
    assert quality[labels.is_best].mean() > quality[free.is_best].mean() - 0.05


def test_revenue_alone_is_said():
    labels = OutcomeDefinition({"business_value": 1}).label(everything()[0])
    assert any(note.startswith("Revenue alone decides") for note in labels.notes)

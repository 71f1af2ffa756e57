import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from icp_ml.exceptions import IcpError
from icp_ml.outcomes import LabelAudit, OutcomeDefinition
from icp_ml.outcomes.measures import MEASURES
from icp_ml.schema import BY_NAME

AS_OF = date(2026, 10, 1)
TABLES = ("groups", "components", "agreement", "sensitivity", "cohorts", "curve", "boundary", "counts")


def boolean(values):
    return pd.array(list(values), dtype="boolean")


def customers(n=500, seed=0):
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    age = rng.integers(30, 2000, n)
    since = pd.Timestamp(AS_OF) - pd.to_timedelta(age, unit="D")
    churned = quality + rng.normal(size=n) < -1.2
    left = since + pd.to_timedelta(rng.integers(1, np.maximum(age, 2)), unit="D")
    return pd.DataFrame(
        {
            "account_id": [f"A{i:04d}" for i in range(n)],
            "customer_since": since.astype("datetime64[s]"),
            "churned": boolean(churned),
            "churn_date": pd.Series(left).where(churned).astype("datetime64[s]"),
            "net_revenue_retention": 1 + 0.1 * quality + 0.1 * rng.normal(size=n),
            "nps": np.where(rng.random(n) < 0.5, np.nan, np.clip(np.round(7 + quality + rng.normal(size=n)), 0, 10)),
            "annual_revenue_from_customer_usd": np.exp(9 + rng.normal(size=n)),
        }
    )


def audited(frame=None, **definition):
    labels = OutcomeDefinition(**definition).label(customers() if frame is None else frame, AS_OF)
    return labels, labels.audit()


def test_counts_add_up_and_name_every_reason():
    frame = customers()
    frame["deal_stage"] = "Closed Won"
    extra = pd.DataFrame({"account_id": ["L1", "O1"], "deal_stage": ["Closed Lost", "Negotiation"]})
    labels, audit = audited(pd.concat([frame, extra], ignore_index=True))
    assert audit.adds_up
    assert audit.rows == len(labels.status) == audit.frame("counts")["rows"].sum()
    assert audit.counts["lost_deal"] == audit.counts["open_deal"] == 1
    assert audit.counts["too_young"] > 50
    assert "1 with a deal that was lost" in audit.text()


def test_groups_are_in_original_units():
    labels, audit = audited()
    frame = customers()
    groups = audit.frame().set_index("group")
    best = frame[labels.is_best]
    assert groups.loc["best", "nps_median"] == best["nps"].median()
    assert groups.loc["best", "net_revenue_retention_median"] == best["net_revenue_retention"].median()
    assert groups.loc["best", "kept"] == 1
    assert groups.loc["worst", "kept"] < 0.7
    assert groups.loc["best", "composite_least"] > labels.thresholds["best_above"]
    assert groups.loc["worst", "composite_most"] < labels.thresholds["worst_below"]
    sentence = audit.groups[0].sentence
    assert sentence.startswith(f"Best: {labels.counts['best']} customers with a composite of at least +")
    assert "100% still there" in sentence
    assert "net revenue retention median 11" in sentence
    assert "NPS median " in sentence


def test_shares_of_variance_add_up_to_one_and_follow_the_weights():
    _, even = audited()
    assert even.frame("components")["share_of_variance"].sum() == pytest.approx(1, abs=1e-5)
    _, heavy = audited(weights={"retention": 1, "expansion": 1, "nps": 6})
    share = {c.name: c.share_of_variance for c in even.components}
    assert {c.name: c.share_of_variance for c in heavy.components}["nps"] > share["nps"] + 0.15
    assert [c.known for c in even.components] == [
        int(OutcomeDefinition().label(customers(), AS_OF).components[name].notna().sum()) for name in share
    ]


def test_agreement_is_the_rank_correlation_of_those_that_have_both():
    labels, audit = audited()
    row = next(r for r in audit.agreement if (r.first, r.second) == ("expansion", "nps"))
    both = labels.components[["expansion", "nps"]].dropna()
    assert row.n == len(both)
    assert row.correlation == pytest.approx(both.corr(method="spearman").iloc[0, 1], abs=1e-6)


def test_sensitivity_judges_again():
    labels, audit = audited()
    rows = {row.change: row for row in audit.sensitivity}
    assert list(rows) == [
        "Without retention", "Without expansion", "Without NPS", "With retention counted twice",
        "With expansion counted twice", "With NPS counted twice", "With 20% called best instead of 25%",
        "With 30% called best instead of 25%",
    ]  # fmt: skip
    without = OutcomeDefinition({"retention": 1, "nps": 1}).label(customers(), AS_OF)
    assert rows["Without expansion"].stay_best == pytest.approx(without.is_best[labels.is_best].mean(), abs=1e-6)
    doubled = OutcomeDefinition({"retention": 1, "expansion": 2, "nps": 1}).label(customers(), AS_OF)
    assert rows["With expansion counted twice"].stay_best == pytest.approx(
        doubled.is_best[labels.is_best].mean(), abs=1e-6
    )
    assert rows["With 30% called best instead of 25%"].stay_best == 1
    assert rows["With 20% called best instead of 25%"].stay_best < 0.85


def test_examples_stand_at_the_boundary_with_their_ids_and_values():
    labels, audit = audited()
    frame = customers().set_index("account_id")
    composite = labels.composite.set_axis(frame.index)
    rows = audit.frame("boundary")
    assert rows.groupby(["boundary", "side"]).size().to_dict() == dict.fromkeys(
        [("best", "above"), ("best", "below"), ("worst", "above"), ("worst", "below")], 2
    )
    for row in audit.boundary:
        assert row.composite == composite[row.account_id]
        assert row.values["net_revenue_retention"] == frame.loc[row.account_id, "net_revenue_retention"]
    above = [r.composite for r in audit.boundary if (r.boundary, r.side) == ("best", "above")]
    best = composite[labels.is_best]
    assert sorted(above) == sorted(best)[:2]


def test_nothing_saved_names_an_account():
    labels, audit = audited()
    assert "A0" not in json.dumps(labels.to_dict(), allow_nan=False)
    assert labels.to_dict()["audit"]["adds_up"]
    assert "A0" in json.dumps(audit.to_dict(), allow_nan=False)


def test_cohorts_show_whether_age_decides():
    _, audit = audited()
    cohorts = audit.frame("cohorts")
    assert cohorts["customers"].sum() == sum(audit.counts[s] for s in ("best", "worst", "middle"))
    assert cohorts["signed_from"].is_monotonic_increasing
    assert cohorts["kept_at_horizon"].between(0, 1).all()


def test_the_order_of_the_rows_changes_nothing():
    frame = customers()
    order = np.random.default_rng(5).permutation(len(frame))
    assert audited(frame.iloc[order])[1].to_dict() == audited(frame)[1].to_dict()


def test_what_a_careful_reader_would_object_to_is_said():
    frame = customers()
    frame["net_revenue_retention"] = 2 - 0.1 * frame["nps"] + 0.001 * np.arange(len(frame))
    frame.loc[:4, "annual_revenue_from_customer_usd"] = 1e8
    _, audit = audited(frame, weights={"expansion": 1, "nps": 1})
    assert any("Expansion and NPS disagree (rank correlation -" in w for w in audit.warnings)
    assert any("Five accounts carry" in w for w in OutcomeDefinition({"business_value": 1, "nps": 1}).label(
        frame, AS_OF).audit().warnings)  # fmt: skip
    frame["nps"] = frame["nps"].where(np.arange(len(frame)) % 8 == 0)
    assert any("NPS is known for only" in w for w in audited(frame)[1].warnings)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"churned": boolean([True, False] * 60)}),
        pd.DataFrame({"nps": [10.0] * 90 + [3.0, 4.0, 5.0] * 10}),
        pd.DataFrame({"nps": np.arange(60.0) % 11}),
        pd.DataFrame({"nps": [1.0, np.nan, 9.0] * 30, "churned": boolean([None] * 90)}),
        pd.DataFrame({"testimonial": boolean([True, False, None] * 30), "nps": np.arange(90.0) % 11}),
        pd.DataFrame({"deal_stage": ["won", "lost"] * 40}),
        pd.DataFrame({"tenure_days": np.arange(80.0) * 20, "churned": boolean([True, False] * 40)}),
    ],
)
def test_it_survives_whatever_can_be_judged(frame):
    weights = {"retention": 1, "nps": 1, "testimonial": 1}
    labels = OutcomeDefinition(weights, lost_deals="worst").label(frame, AS_OF)
    audit = labels.audit()
    assert isinstance(audit, LabelAudit)
    assert audit.adds_up
    assert len(audit.sentences()) >= 3
    assert all(sentence.strip() and "nan" not in sentence for sentence in audit.sentences())
    assert json.dumps(audit.to_dict(), allow_nan=False)
    for name in TABLES:
        audit.frame(name)
    with pytest.raises(KeyError, match=r"no table 'people'.*groups, components"):
        audit.frame("people")


def any_table(rng):
    """Outcome columns at random, with gaps, constants, extremes and nonsense."""
    n = int(rng.choice([1, 3, 10, 60, 250]))
    columns = {}
    for field in (f for f in BY_NAME.values() if f.outcome and rng.random() < 0.45):
        missing = rng.random(n) < rng.choice([0, 0.3, 0.9, 1])
        if field.kind == "date":
            days = np.datetime64("2018-01-01") + rng.integers(0, 4000, n).astype("timedelta64[D]")
            columns[field.name] = pd.Series(days).where(~missing).astype("datetime64[s]")
        elif field.kind == "boolean":
            yes = rng.random(n) < rng.choice([0.1, 0.5, 1])
            columns[field.name] = boolean(None if m else bool(y) for m, y in zip(missing, yes, strict=True))
        elif field.kind == "category":
            words = rng.choice(["closed won", "lost", "active", "churned", "negotiation", "hm", "prospect"], n)
            columns[field.name] = pd.Series(words).where(~missing).astype("str")
        else:
            values = [rng.normal(size=n) * 10, rng.integers(0, 11, n), np.full(n, 5), np.exp(8 * rng.normal(size=n))]
            columns[field.name] = np.where(missing, np.nan, values[rng.integers(4)].astype(float))
    return pd.DataFrame(columns, index=range(n))


@pytest.mark.parametrize("seed", range(24))
def test_any_table_is_judged_or_refused_in_words_whatever_its_order(seed):
    rng = np.random.default_rng(seed)
    frame = any_table(rng)
    definition = OutcomeDefinition(
        {name: float(rng.integers(0, 3)) for name in MEASURES} | {"nps": 1.0},
        horizon_days=int(rng.choice([0, 30, 365])),
        best_share=float(rng.choice([0.1, 0.25, 0.5])),
        late_churn=str(rng.choice(["worst", "judged"])),
        lost_deals=str(rng.choice(["report", "worst"])),
    )
    try:
        labels = definition.label(frame, date(2026, 1, 1))
    except IcpError:
        return  # said in words; the other tests hold them to it
    audit = labels.audit()
    assert audit.adds_up
    assert json.dumps(audit.to_dict(), allow_nan=False)
    assert "nan" not in audit.text()
    order = rng.permutation(len(frame))
    again = definition.label(frame.iloc[order], date(2026, 1, 1))
    pd.testing.assert_frame_equal(again.frame().loc[frame.index], labels.frame(), check_exact=True)
    assert again.to_dict() == labels.to_dict()


def test_it_reads_in_order():
    text = audited()[1].text()
    order = [
        "A best customer",
        "500 rows:",
        "Best:",
        "Worst:",
        "tells customers apart",
        "agree with",
        "Without",
        "Just",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_rows_without_outcomes_do_not_make_an_outcome_look_unknown():
    frame = customers()
    empty = pd.DataFrame({"account_id": [f"L{row}" for row in range(5 * len(frame))]})
    padded = pd.concat([frame, empty], ignore_index=True).astype({"churned": "boolean"})
    shares = [(c.name, c.known, c.share_known, c.share_of_variance) for c in audited(frame)[1].components]
    assert [(c.name, c.known, c.share_known, c.share_of_variance) for c in audited(padded)[1].components] == shares

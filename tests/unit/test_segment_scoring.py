"""Scoring, saving and telling of a model with segments, on tables written by hand."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from icp_ml import ICPModel, Settings
from icp_ml.estimator.segment_tables import SegmentRule, SegmentTables
from icp_ml.exceptions import ModelFormatError, SettingsError
from icp_ml.model_directory import json_bytes
from icp_ml.profile import IdealCustomerProfile
from icp_ml.report.context import report_context
from icp_ml.scoring.supports import fit_supports
from tests.hand_model import NOT_RETAIL, SHOWN, hand_list, hand_model

SEGMENT = {
    "name": "up to 500 employees", "rule": {"all_of": []}, "sentence": "Accounts with up to 500 employees",
    "customers": 140, "best": 35, "rate": 0.25, "market_share": None, "why": "told apart",
    "traits": [NOT_RETAIL.to_dict()],
}  # fmt: skip


def divided_model() -> ICPModel:
    """Above 500 employees everything means the opposite."""
    model = hand_model()
    tables = model.tables
    turned = replace(tables, values=tuple(-v for v in tables.values), base=0.25, best=tuple(b * 2 for b in tables.best))
    best = (tables.best[0], np.array([5.0, 0, 0, 4, 41]), *tables.best[2:])
    segments = (
        SegmentTables(SegmentRule("up to 500 employees", -1, 0, (1, 2, 3)), replace(tables, base=-2.0, best=best)),
        SegmentTables(SegmentRule("501 or more employees", -1, 0, (4, 5)), turned),
    )
    profile = replace(model.profile, segments=(SEGMENT, {**SEGMENT, "name": "501 or more employees", "traits": []}))
    whole = replace(tables, segments=segments)
    return replace(model, tables=whole, profile=profile, segment_supports=(0.1, 0.2))


def test_every_row_is_scored_by_the_tables_of_its_segment():
    rows = hand_list(120)
    scored, single = divided_model().score(rows), hand_model().score(rows)
    employees = pd.to_numeric(rows["# Employees"])
    wanted = np.select([employees <= 500, employees > 500], ["up to 500 employees", "501 or more employees"], "all")
    assert scored["segment"].tolist() == wanted.tolist()
    assert set(wanted) == {"all", "up to 500 employees", "501 or more employees"}
    known = single["log_odds"].notna().to_numpy()
    small, large, unknown = (
        known & (wanted == name) for name in ("up to 500 employees", "501 or more employees", "all")
    )
    mine, other = scored["log_odds"].to_numpy(), single["log_odds"].to_numpy()
    assert mine[small] == pytest.approx(other[small] - 1)
    assert mine[large] == pytest.approx(-(other[large] + 1) + 0.25)
    assert mine[unknown].tolist() == other[unknown].tolist()
    first = scored["reason_1"][large & scored["reason_1"].str.startswith("Industry: SaaS").fillna(False)]
    assert len(first)
    assert set(first) == {"Industry: SaaS lowers fit, other fields being equal"}
    first = scored["reason_1"][small & scored["reason_1"].str.startswith("Industry: SaaS").fillna(False)]
    assert set(first) == {"Industry: SaaS raises fit: 41% of such customers are best, 25% of its segment"}


def test_lookalikes_are_of_the_account_s_own_segment():
    model = divided_model()
    scored = model.score(hand_list(120))
    ids = np.array([f"customer {i[:6]}" for i in model.reference.ids])
    large = set(ids[model.reference.codes[:, 0] == 4])
    assert 0 < len(large) < len(ids)
    for name, those in (("501 or more employees", large), ("up to 500 employees", set(ids) - large)):
        seen = scored.loc[(scored["segment"] == name) & (scored["status"] == "scored"), ["lookalike_1", "lookalike_2"]]
        assert set(seen.to_numpy().ravel()) - {None, np.nan} == those


def test_scores_depend_on_neither_batch_nor_order_and_saved_models_score_the_same(tmp_path):
    model, rows = divided_model(), hand_list(90)
    whole = model.score(rows)
    again = ICPModel.load(model.save(tmp_path / "model"))
    pd.testing.assert_frame_equal(again.score(rows), whole)
    assert again.version == model.version
    parts = pd.concat([again.score(rows.iloc[i : i + 7]) for i in range(0, 90, 7)])
    pd.testing.assert_frame_equal(parts, whole)
    order = np.random.default_rng(0).permutation(90)
    pd.testing.assert_frame_equal(again.score(rows.iloc[order]), whole.iloc[order])
    assert again.score(rows.iloc[:0]).columns.tolist() == whole.columns.tolist()
    assert again.profile.segments == model.profile.segments


def altered(model: ICPModel, name: str, change) -> dict[str, bytes]:
    data = dict(model.files)
    stored = json.loads(data[name])
    change(stored)
    return {**data, name: json_bytes(stored)}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("tiers.json", lambda d: d.pop("segment_support_thresholds"), "a number for each of the 2 segments"),
        ("tiers.json", lambda d: d.update(segment_support_thresholds=[0.1, float("1e999")]), "finite|allow_nan|JSON"),
        ("encoding.json", lambda d: d["segments"].append(d["segments"][0]), "two segments share one"),
        ("encoding.json", lambda d: d["segments"][0].update(codes=[77]), "do not fit 'employees'"),
        ("encoding.json", lambda d: d.update(segments={}), "must be a list"),
    ],
)
def test_files_of_segments_that_contradict_each_other_are_refused(name, change, message):
    with pytest.raises((ModelFormatError, ValueError), match=message):
        ICPModel._build(altered(divided_model(), name, change), ())


def test_a_model_of_an_older_format_has_no_segments(tmp_path):
    path = hand_model().save(tmp_path / "model")
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, "format_version": 2}))
    loaded = ICPModel.load(path)
    assert loaded.tables.segments == ()
    assert loaded.profile.segments == ()
    assert set(loaded.score(hand_list(20))["segment"]) == {"all"}


def test_supports_are_fitted_to_each_segment_s_customers():
    tables = divided_model().tables
    found = fit_supports(tables, SHOWN)
    assert len(found.gaps) == 3
    assert found.inside(SHOWN).all()
    assert found.of(1).gaps is found.gaps[2]
    small = np.array([[2, 3, 0, 1, 1]], dtype=np.uint16)  # as few employees as none of the customers has
    assert not found.inside(small)[0]
    assert found.of(-1).tables.segments == ()


def test_the_profile_tells_of_each_segment_and_survives_json():
    profile = divided_model().profile
    again = IdealCustomerProfile.from_dict(json.loads(profile.to_json()))
    assert again.segments == profile.segments
    text = profile.to_markdown()
    assert "## Segment: up to 500 employees" in text
    assert "- against: industry: Retail: 5% are best, lift 0.20 (0.10 to 0.40)" in text
    assert "No single trait of this segment holds up against chance." in text
    assert hand_model().profile.to_dict()["segments"] == []
    view = report_context(divided_model())["segments"]
    assert [row["name"] for row in view["rows"]] == ["Up to 500 employees", "501 or more employees"]
    assert view["rows"][0]["traits"][0] == {
        "positive": False, "sentence": "Industry: Retail", "rate": "5%", "lift": "0.2×", "lift_span": "0.1–0.4",
        "customers": "80",
    }  # fmt: skip
    assert report_context(hand_model())["segments"]["rows"] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": 3}, "segments.0.name: missing or of another type"),
        ({"customers": "many"}, "segments.0.customers: missing"),
        ({"traits": None}, "segments.0.traits: missing"),
        ({"market_share": "x"}, "segments.0.market_share: missing"),
        ({"traits": [{"sentence": 1}]}, "profile: "),
    ],
)
def test_segments_of_a_profile_that_cannot_be_shown_are_refused(change, message):
    data = divided_model().profile.to_dict()
    data["segments"][0] = {**data["segments"][0], **change}
    with pytest.raises(ModelFormatError, match=message):
        IdealCustomerProfile.from_dict(data)
    data["segments"][0] = "small"
    with pytest.raises(ModelFormatError, match=r"segments\.0\.name"):
        IdealCustomerProfile.from_dict(data)


def test_the_terminal_shows_each_segment():
    from rich.console import Console

    from icp_ml.report.segments_view import segments_view
    from icp_ml.report.terminal import segments_lines

    console = Console(width=100, record=True, file=io.StringIO())
    console.print(segments_lines(segments_view(divided_model())))
    console.print(segments_lines({"rows": [], "why": ["one profile for all: so"]}))
    text = console.export_text()
    assert "Up to 500 employees: 35 of 140 are best (25%)" in text
    assert "  - Industry: Retail: 5% best (0.2×)" in text
    assert "Segments: one profile for all: so." in text


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("always", "give auto, never, or a rule of your own such as"),
        (3, "give auto, never, or a rule of your own such as"),
        ({"field": "employees"}, "ascending numbers under at, or lists of values under groups"),
        ({"field": "employees", "at": [300, 200]}, "ascending numbers under at"),
        ({"field": "employees", "at": [1, 2, 3, 4]}, "at: .*at most 3"),
        ({"field": "employees", "at": [200], "groups": [["a"]]}, "ascending numbers under at, or lists"),
        ({"field": "industry", "groups": [["a"], ["A"]]}, "no value is in two"),
        ({"field": "industry", "groups": [[]]}, "names at least one value"),
        ({"fields": "industry"}, "field: Field required"),
        ({"at": [200]}, "field: Field required"),
    ],
)
def test_rules_in_the_settings_that_cannot_be_read(asked, message):
    with pytest.raises(SettingsError, match=f"model.segments = .*{message}"):
        Settings.build({"model": {"segments": asked}})


def test_rules_in_the_settings_round_trip():
    for asked in ("auto", "never", {"field": "employees", "at": [50, 200]}):
        settings = Settings.build({"model": {"segments": asked}})
        assert Settings.parse(settings.to_yaml()) == settings
    own = Settings.parse("model: {segments: {field: has_public_api, groups: [[yes], [4521]]}}").model.segments
    assert own.groups == (("yes",), ("4521",))
    assert Settings().hash == Settings.build({"model": {"segments": "auto"}}).hash

"""What the trait-recovery benchmark calls right, and what its oracle says, on cases worked out by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from icp_ml.datasets import PlantedTrait

ROOM = Path(__file__).parents[2] / "experiments" / "trait_recovery"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"trait_recovery_{name}", ROOM / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


judgement, oracle, worlds = load("judgement"), load("oracle"), load("worlds")
Statement = judgement.Statement
PERCENT = np.arange(1.0, 101.0)  # a company per percentile
MIDDLE = Statement("employees", "range", "positive", 20.0, 50.0)
LARGE = Statement("employees", "range", "positive", 70.0, None)
LETTERS = np.array(["a"] * 50 + ["b"] * 30 + ["c"] * 15 + ["d"] * 5, dtype=object)
TWO = Statement("industry", "set", "positive", values=("b", "c"))
SNOWFLAKE = Statement("technologies", "token", "positive", values=("snowflake",))


@pytest.mark.parametrize(
    ("low", "high", "overlap", "verdict"),
    [
        (20.0, 50.0, 1.0, "right"),
        (20.0, 70.0, 0.6, "right"),
        (20.0, 71.0, 30 / 51, "values"),
        (None, 50.0, 0.6, "right"),
        (60.0, None, 0.0, "values"),
    ],
)
def test_a_range_is_right_where_it_overlaps_in_percentiles(low, high, overlap, verdict):
    found = judgement.judge(Statement("employees", "range", "positive", low, high), [SNOWFLAKE, MIDDLE], PERCENT)
    assert (found.verdict, found.planted, found.complement) == (verdict, 1, False)
    assert found.overlap == pytest.approx(overlap)


def test_companies_without_a_value_are_no_part_of_the_overlap():
    column = np.concatenate([PERCENT, np.full(900, np.nan)])
    worse = Statement("employees", "range", "negative", None, 70.0)
    assert judgement.judge(worse, [LARGE], column).overlap == 1.0


def test_a_set_is_weighted_by_how_common_its_values_are():
    def judged(*values: str) -> str:
        return judgement.judge(Statement("industry", "set", "positive", values=values), [TWO], LETTERS).verdict

    assert judged("b") == "right"  # 30 of 45
    assert judged("b", "d") == "right"  # 30 of 50
    assert judged("c") == "values"  # 15 of 45
    assert judged("a", "b", "c") == "values"  # 45 of 95


def test_the_complement_in_the_other_direction_says_the_same():
    worse = judgement.judge(Statement("industry", "set", "negative", values=("a", "d")), [TWO], LETTERS)
    assert (worse.verdict, worse.complement, worse.overlap) == ("right", True, 1.0)
    most = judgement.judge(Statement("employees", "range", "negative", None, 90.0), [LARGE], PERCENT)
    assert most.verdict == "values"  # as "over 90: better" would be, though 70 of its 90 percentiles are right
    against = judgement.judge(Statement("industry", "set", "negative", values=("b", "c")), [TWO], LETTERS)
    assert (against.verdict, against.complement) == ("direction", False)


def test_only_the_planted_token_and_field_are_right():
    def judged(statement: object) -> str:
        return judgement.judge(statement, [SNOWFLAKE, TWO], LETTERS).verdict

    assert judged(SNOWFLAKE) == "right"
    assert judged(Statement("technologies", "token", "negative", values=("snowflake",))) == "direction"
    assert judged(Statement("technologies", "token", "positive", values=("dbt",))) == "field"
    assert judged(Statement("naics_code", "set", "positive", values=("b", "c"))) == "field"


@pytest.mark.parametrize(
    ("low", "high", "direction", "planted", "edges"),
    [
        (25.0, 48.0, "positive", MIDDLE, (0.05, 0.02)),
        (None, 50.0, "positive", MIDDLE, (0.20, 0.0)),
        (65.0, None, "positive", LARGE, (0.05,)),  # the end both leave open is no boundary
        (None, 74.0, "negative", LARGE, (0.04,)),  # told from the other side
        (30.0, 74.0, "negative", LARGE, (0.30, 0.04)),
        (30.0, 60.0, "negative", MIDDLE, ()),  # the complement is no range
    ],
)
def test_boundaries_are_measured_in_shares_of_companies(low, high, direction, planted, edges):
    said = Statement("employees", "range", direction, low, high)
    assert judgement.boundaries(said, planted, PERCENT) == pytest.approx(edges)


def test_two_statements_of_one_planted_trait_find_it_once():
    right = judgement.Judgement("right", 0)
    found = [right, judgement.Judgement("right", 0, complement=True), judgement.Judgement("field")]
    counts = judgement.agreement(found, 3)
    assert counts == {"reported": 3, "right": 2, "by_complement": 1, "planted": 3, "found": 1}


def test_the_score_test_of_a_two_by_two_table_is_pearson_s():
    x = np.repeat([1.0, 1.0, 0.0, 0.0], [30, 20, 20, 50])
    y = np.repeat([1.0, 0.0, 1.0, 0.0], [30, 20, 20, 50])
    n, row, column = 120, 50, 50
    chi2 = n * (30 * 50 - 20 * 20) ** 2 / (row * (n - row) * column * (n - column))
    assert oracle.score_z(np.ones((n, 1)), x, y) == pytest.approx(np.sqrt(chi2), rel=1e-4)


def test_the_oracle_gives_a_decoy_s_share_to_its_cause_and_signs_by_agreement():
    rng = np.random.default_rng(0)
    n = 4000
    size = rng.random(n)
    frame = pd.DataFrame({
        "employees": np.where(rng.random(n) < 0.2, np.nan, size),
        "revenue_usd": np.where(rng.random(n) < 0.9, size, rng.random(n)),
    })  # fmt: skip
    y = (rng.random(n) < np.where(size > 0.5, 0.6, 0.3)).astype(float)
    traits = (
        PlantedTrait("employees", "range", (0.5, None), -0.8),
        PlantedTrait("revenue_usd", "range", (0.5, None), 0.8),
    )
    wrong_sign, follower = oracle.oracle_z(frame, traits, y)
    alone = oracle.oracle_z(frame, traits[1:], y)[0]
    assert wrong_sign < -3
    assert 0 < follower < alone / 1.3
    assert alone > 15


def test_the_oracle_s_run_is_the_one_where_outcomes_are_better():
    x = np.concatenate([np.arange(300.0), np.full(20, np.nan)])
    residual = np.where((x >= 100) & (x < 150), 0.5, -0.1)
    low, high = oracle.best_run(x, residual, np.full(320, 0.25))
    assert low == pytest.approx(99, abs=5)
    assert high == pytest.approx(149, abs=5)
    assert oracle.best_run(x, np.where(x < 80, 0.5, -0.2), np.full(320, 0.25))[0] is None
    assert oracle.best_run(x, np.where(x > 200, 0.5, -0.2), np.full(320, 0.25))[1] is None


@pytest.fixture(scope="module", autouse=True)
def small_population():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "POPULATION", 8000)
        yield


@pytest.mark.parametrize("index", range(4))
def test_a_world_has_traits_of_all_kinds_and_both_directions(index):
    planted = worlds.plant(index)
    whole = worlds.population()[0]
    assert 4 <= len(planted.traits) <= 7
    assert {t.kind for t in planted.traits} == {"range", "set", "token"}
    assert {t.effect > 0 for t in planted.traits} == {True, False}
    assert all(0.5 <= abs(t.effect) <= 1.1 for t in planted.traits)
    spots = [(t.field, t.values if t.kind == "token" else ()) for t in planted.traits]
    assert len(set(spots)) == len(spots)
    assert all(0.1 < t.holds(whole).mean() < 0.55 for t in planted.traits)
    assert worlds.plant(index).traits == planted.traits


def test_a_quarter_is_best_by_its_log_odds_and_the_same_seed_gives_the_same_customers():
    made, again = worlds.make(2, 4000), worlds.make(2, 4000)
    best = made.status == "best"
    chance = 1 / (1 + np.exp(-made.log_odds))
    assert best.mean() == pytest.approx(0.25, abs=0.03)
    assert (made.status == "worst").mean() == pytest.approx(0.35, abs=0.03)
    assert chance[best].mean() > chance[~best].mean() + 0.03
    for high in (chance > 0.4, chance < 0.15):
        assert best[high].mean() == pytest.approx(chance[high].mean(), abs=0.06)
    pd.testing.assert_frame_equal(made.seen, again.seen)
    assert (made.status == again.status).all()


def test_the_only_real_field_has_no_decoy():
    planted = worlds.plant_one(0)
    field = planted.traits[0].field
    whole = worlds.population(planted.alone)[0]
    inside = planted.traits[0].holds(whole)
    numbers = whole.select_dtypes("number").drop(columns=field, errors="ignore")
    assert numbers.corrwith(pd.Series(inside.astype(float)), method="spearman").abs().max() < 0.06
    assert len(planted.traits) == 1


def test_a_pair_is_right_where_both_parts_are():
    right, wrong = judgement.Judgement("right", 0), judgement.Judgement("field")
    assert judgement.judge_pair([right, judgement.Judgement("right", 1)]).verdict == "right"
    assert judgement.judge_pair([right, wrong]).verdict == "pair"
    assert judgement.agreement([judgement.judge_pair([right, right])], 2)["found"] == 0


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setitem(sys.modules, "judgement", judgement)
    monkeypatch.setitem(sys.modules, "worlds", worlds)
    return load("peers")


def test_conditions_of_a_path_become_statements_by_field(peers):
    columns = (("employees", "range", None), ("industry", "set", "retail"), ("technologies", "token", "sap"))
    data = peers.Matrix(np.zeros((1, 3)), columns)
    path = [peers.Condition(0, 100.0, True), peers.Condition(1, 0.5, False), peers.Condition(0, 500.0, False),
            peers.Condition(0, 50.0, True), peers.Condition(2, 0.5, True)]  # fmt: skip
    assert set(peers.statements_of(path, data, "positive")) == {
        Statement("employees", "range", "positive", 100.0, 500.0),
        Statement("industry", "set", "negative", values=("retail",)),  # best where it is absent
        Statement("technologies", "token", "positive", values=("sap",)),
    }


@pytest.mark.parametrize("name", ["shallow_tree", "top_shap", "sirus_rules"])
def test_each_peer_reads_a_plain_effect(peers, name):
    rng = np.random.default_rng(3)
    n = 400
    frame = pd.DataFrame({"employees": rng.integers(1, 101, n).astype(float), "noise": rng.normal(size=n)})
    frame["technologies"] = [("sap",) if has else ("jira",) for has in rng.random(n) < 0.4]
    frame.loc[:20, "employees"] = np.nan
    fields = worlds.specs(frame)
    said = 2.5 * (frame["employees"] > 60) - 2.5 * frame["technologies"].map(lambda held: "sap" in held)
    y = (rng.random(n) < 1 / (1 + np.exp(-said))).astype(float).to_numpy()
    found = getattr(peers, name)(frame, fields, y, 0)
    sizes = [s for s in found if s.field == "employees"]
    tokens = {(s.values[0], s.direction) for s in found if s.field == "technologies"}
    planted = Statement("employees", "range", "positive", 60.0, None)
    assert any(judgement.judge(s, [planted], PERCENT).verdict == "right" for s in sizes)
    assert ("sap", "negative") in tokens or ("jira", "positive") in tokens

"""What was planted is found, what was not is not: whole trainings on synthetic worlds."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from icp_ml import OutcomeDefinition, Settings, TrainingRun, read_accounts, train
from icp_ml.accounts.quality import judge_columns
from icp_ml.datasets import PlantedTrait, World, make_world
from icp_ml.datasets.population import AS_OF_YEAR
from icp_ml.datasets.vendors import as_crm_export, as_purchased_list
from icp_ml.schema import BY_NAME

QUICK = Settings.build({"as_of": "2026-10-01", "model": {"bags": 4}, "evaluation": {"folds": 3, "repeats": 1}})
QUICKER = Settings.build({"as_of": "2026-10-01", "model": {"bags": 2}, "evaluation": {"folds": 2, "repeats": 1}})
OUTCOMES = [
    "customer_since", "churn_date", "churned", "net_revenue_retention", "nps", "annual_revenue_from_customer_usd",
]  # fmt: skip


def learn(world: World, settings: Settings) -> TrainingRun:
    """Train as a user does: the files of both vendors."""
    accounts = read_accounts(as_crm_export(world.customers), settings)
    listed = read_accounts(as_purchased_list(world.market), settings, like=accounts)
    return train(accounts, settings, listed, n_jobs=2)


@cache
def default_world() -> World:
    return make_world(1200, 3000, seed=0)


@cache
def default_run() -> TrainingRun:
    return learn(default_world(), QUICK)


def finds(row: pd.Series, planted: PlantedTrait) -> bool:
    """Whether a found trait says what was planted, or that what was not planted speaks against."""
    if row["field"] != planted.field:
        return False
    same_direction = (row["direction"] == "positive") == (planted.effect > 0)
    values = row["values"]
    if planted.kind == "token":
        return same_direction and str(values.get("has", "")).casefold() == planted.values[0]
    if planted.kind == "set":
        shared = {str(v).casefold() for v in values["in"]} & {str(v).casefold() for v in planted.values}
        return bool(shared) == same_direction
    low, high = (
        (values["over"] is None and -np.inf) or values["over"],
        (values["up_to"] is None and np.inf) or values["up_to"],
    )
    if planted.field == "founded_year":  # learned from as an age on the as-of date
        low, high = AS_OF_YEAR - high, AS_OF_YEAR - low
    first, last = planted.values[0] or -np.inf, planted.values[1] or np.inf
    overlap = min(high, last) - max(low, first)
    mostly = overlap > 0.5 * (min(high, 1e6) - max(low, -1e6)) or overlap > 0.5 * (min(last, 1e6) - max(first, -1e6))
    return bool(mostly == same_direction)


@pytest.mark.slow
def test_most_of_what_was_planted_is_found():
    run, truth = default_run(), default_world().truth
    assert run.profile.found
    traits = run.profile.traits
    found = [planted for planted in truth.traits if any(finds(row, planted) for _, row in traits.iterrows())]
    assert len(found) >= 5, [f"{t.field} {t.values}" for t in found]
    strongest = sorted(truth.traits, key=lambda t: -abs(t.effect))[:3]
    assert all(planted in found for planted in strongest)


@pytest.mark.slow
def test_whatever_else_is_found_goes_along_with_it():
    run, truth = default_run(), default_world().truth
    planted = {trait.field for trait in truth.traits}
    follows = {decoy.field for decoy in truth.decoys if decoy.follows} | {"sub_industry", "sic_code", "description"}
    for row in run.profile.traits.itertuples():
        assert row.field in planted | follows, row.sentence
        assert row.p_value <= 0.2  # of all that are claimed together a twentieth may be chance
        assert (row.lift > 1) == (row.direction == "positive")


@pytest.mark.slow
def test_the_market_is_ranked_by_what_was_planted():
    run, world = default_run(), default_world()
    scored = run.model.score(as_purchased_list(world.market))
    known = scored["status"] == "scored"
    planted = world.truth.log_odds_market
    assert spearmanr(scored["log_odds"][known], planted[known]).statistic > 0.55
    by_tier = pd.Series(planted[known]).groupby(scored["tier"][known].to_numpy()).mean()
    assert by_tier["A"] > by_tier["B"] > by_tier["C"] > by_tier["D"]
    assert run.evaluation.better_than_simple
    assert 0.68 < run.evaluation.auc.value < 0.86  # knowing the planted log-odds would give about 0.82


def silent(run: TrainingRun) -> None:
    """No profile, no trait, and a verdict that says so."""
    assert not run.gate.passed
    assert not run.profile.found
    assert run.profile.message.startswith("no profile found: ")
    assert run.profile.traits.empty
    assert run.profile.summary() == [run.profile.message]
    assert run.evaluation.verdict.startswith("No profile stronger than the baselines")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_world_without_a_profile_gives_none(seed):
    silent(learn(make_world(500, 300, seed=seed, null=True), QUICKER))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_outcomes_give_no_profile(seed):
    world = make_world(500, 300, seed=seed)
    customers = world.customers.copy()
    order = np.random.default_rng(seed).permutation(len(customers))
    for name in OUTCOMES:
        customers[name] = customers[name].iloc[order].array
    silent(learn(World(customers, world.market, world.truth, world.as_of), QUICKER))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("with_list", [True, False])
def test_what_is_known_only_after_the_sale_never_enters(seed, with_list):
    """By the list, which lacks them; without a list by their names and what they give away."""
    world = make_world(500, 300, seed=seed)
    accounts = read_accounts(as_crm_export(world.customers), QUICK)
    listed = read_accounts(as_purchased_list(world.market), QUICK, like=accounts).table if with_list else None
    labels = OutcomeDefinition().label(accounts.frame, world.as_of)
    report = judge_columns(
        accounts.table, accounts.fields, labels.status, market=listed, settings=QUICK, as_of=world.as_of
    )
    traps = {trap.field for trap in world.truth.traps}
    outcomes = {name for name in accounts.fields if name in BY_NAME and BY_NAME[name].role == "outcome"}
    assert traps <= {column.field for column in report.columns}
    assert not (traps | outcomes) & set(report.accepted)
    assert {trait.field for trait in world.truth.traits} <= set(report.accepted)
    if with_list:
        assert traps <= set(report.refused)


@pytest.mark.slow
def test_one_real_field_is_told_from_the_others():
    world = make_world(1500, 500, seed=6, partial_null=True, noise=0.5)
    run = learn(world, QUICKER)
    assert run.profile.found
    fields = run.profile.traits["field"].tolist()
    assert fields[0] == "country"  # the strongest comes first
    others = [field for field in fields if field not in {"country", "state", "city"}]
    assert len(others) <= 1  # one run in ten may show another: experiments/trait_recovery counts them
    countries = run.profile.traits.query("field == 'country' and direction == 'positive'")
    assert len(countries) == 1
    assert set(countries["values"].iloc[0]["in"]) & {"US", "United States", "CA", "Canada"}

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from icp_ml.accounts.guard.derivation import add_derived
from icp_ml.accounts.guard.evidence import code
from icp_ml.accounts.guard.identities import parts_of_sum, products
from icp_ml.accounts.guard.leaks import Finding, Target
from icp_ml.accounts.guard.levels import by_level
from icp_ml.accounts.guard.names import by_codes, by_name, by_question, by_words
from icp_ml.accounts.guard.own_product import without_own_product
from icp_ml.accounts.guard.populations import apart, beside, sample
from icp_ml.accounts.guard.repeats import without_repeats
from icp_ml.accounts.quality import judge_columns
from icp_ml.outcomes import OutcomeDefinition
from icp_ml.schema import BY_NAME, Field, header_key
from icp_ml.settings import Settings

N = 1500


class Customers:
    """Customers with outcomes and three honest fields; every test adds the columns it asks about."""

    def __init__(self, n=N, seed=5):
        self.rng = rng = np.random.default_rng(seed)
        self.n = n
        size = rng.normal(4, 1.2, n)
        quality = 0.5 * (size - 4) + rng.logistic(size=n)
        self.churned = rng.random(n) < 1 / (1 + np.exp(1.2 + 0.9 * quality))
        self.age = rng.integers(400, 1800, n).astype(float)
        since = np.datetime64("2026-01-01") - self.age.astype("timedelta64[D]")
        self.since = since.astype("datetime64[s]")
        self.nrr = 1 + 0.08 * quality + rng.normal(0, 0.12, n)
        self.nps = np.clip(np.round(7 + quality + rng.normal(0, 1.5, n)), 0, 10)
        self.columns = {
            "account_id": pa.array([f"a{i:05d}" for i in rng.permutation(n)]),
            "employees": pa.array(np.exp(size).round()),
            "industry": pa.array([f"industry {i}" for i in rng.integers(0, 9, n)]).dictionary_encode(),
            "country": pa.array([f"C{i}" for i in rng.integers(0, 12, n)]).dictionary_encode(),
            "customer_since": pa.array(self.since),
            "churned": pa.array(self.churned),
            "net_revenue_retention": pa.array(self.nrr),
            "nps": pa.array(self.nps),
        }
        self.fields = {name: BY_NAME[name] for name in self.columns}

    def add(self, name, values, kind="number", gone=None):
        array = values if isinstance(values, pa.Array) else pa.array(values)
        if gone is not None:
            array = pa.array([None if g else v for v, g in zip(array.to_pylist(), gone, strict=True)], array.type)
        if kind == "category":
            array = array.dictionary_encode()
        self.columns[name], self.fields[name] = array, Field(name, kind)
        return self

    def judge(self, market=None, **settings):
        table = pa.table(self.columns)
        frame = table.select([n for n in table.column_names if self.fields[n].role == "outcome"]).to_pandas()
        frame["churned"] = frame["churned"].astype("boolean")
        labels = OutcomeDefinition().label(frame, pd.Timestamp("2026-01-01").date())
        return judge_columns(table, self.fields, labels.status, market=market, settings=Settings.build(settings))

    def market(self, n=3000, **extra):
        rng = np.random.default_rng(9)
        columns = {
            "account_id": pa.array([f"m{i:05d}" for i in range(n)]),
            "employees": pa.array(np.exp(rng.normal(4, 1.2, n)).round()),
            "industry": pa.array([f"industry {i}" for i in rng.integers(0, 9, n)]).dictionary_encode(),
            "country": pa.array([f"C{i}" for i in rng.integers(0, 12, n)]).dictionary_encode(),
        }
        return pa.table({**columns, **extra})


def of(report, name):
    return next(column for column in report.columns if column.field == name)


def test_honest_fields_pass():
    assert Customers().judge().accepted == ["employees", "industry", "country"]


@pytest.mark.parametrize(("wrong", "verdict"), [(0.0, "refuse"), (0.01, "refuse"), (0.1, "confirm"), (0.2, "confirm")])
def test_noisy_copies_of_an_outcome(wrong, verdict):
    world = Customers()
    world.add("col_1", pa.array(np.where(world.churned ^ (world.rng.random(N) < wrong), "x", "y")), "category")
    column = of(world.judge(), "col_1")
    assert column.verdict == verdict
    assert "'churned'" in column.reasons[0] or "churned" in " ".join(column.reasons)


def test_a_column_that_follows_another_outcome_is_asked_about():
    world = Customers()
    world.add("col_1", world.nrr + world.rng.normal(0, world.nrr.std(), N))
    assert "follows the outcome 'net_revenue_retention'" in " ".join(of(world.judge(), "col_1").reasons)


def test_a_sum_of_outcomes_is_refused():
    world = Customers()
    world.add("col_1", 5 * world.nrr + 0.3 * world.nps - 1.5 * world.churned)
    column = of(world.judge(), "col_1")
    assert column.verdict == "refuse"
    assert "can be computed from the outcomes" in " ".join(column.reasons)


def test_what_piles_up_over_time_is_asked_about_and_company_age_is_not():
    world = Customers()
    world.add("col_1", np.round(world.age * np.exp(world.rng.normal(0, 0.5, N))))
    world.add("founded_year", 2000 - world.rng.integers(0, 60, N).astype(float))
    report = world.judge()
    assert "time since the sale" in of(report, "col_1").reasons[0]
    assert of(report, "founded_year").verdict == "accept"


def test_the_order_of_sign_up_in_disguise_is_refused():
    world = Customers()
    world.add("col_1", (np.argsort(np.argsort(world.since)) // 3 + 700).astype(float))
    assert of(world.judge(), "col_1").reasons[0] == "it is a near-copy of the outcome 'customer_since'"


def test_a_value_that_only_churned_customers_have_is_named():
    world = Customers()
    desk = world.churned & (world.rng.random(N) < 0.6)
    world.add("col_1", np.where(desk, "desk", world.rng.choice(["ana", "ben", "cho"], N)), "category")
    column = of(world.judge(), "col_1")
    assert column.verdict == "confirm"
    assert "customers with 'desk', 0 are best" in " ".join(column.reasons)


def test_enrichment_of_survivors_is_asked_about():
    world = Customers()
    gone = world.rng.random(N) < np.where(world.churned, 0.8, 0.05)
    world.add("col_1", world.rng.normal(size=N), gone=gone)
    reason = of(world.judge(), "col_1").reasons[0]
    assert "it is missing for" in reason
    assert "filled in by what became of them" in reason


def test_a_split_flag_is_asked_about_and_an_honest_boolean_is_not():
    world = Customers()
    half = np.zeros(N, dtype=bool)
    half[world.rng.permutation(N)[: N // 2]] = True
    world.add("col_1", half, "boolean").add("col_2", world.rng.random(N) < 0.37, "boolean")
    report = world.judge()
    assert "random sample" in of(report, "col_1").reasons[0]
    assert of(report, "col_2").verdict == "accept"


def test_a_date_that_always_follows_another_is_asked_about_where_no_date_of_the_sale_is_known():
    world = Customers()
    first = world.since - world.rng.integers(1, 900, N).astype("timedelta64[D]")
    world.add("col_1", pa.array(first), "date").add("col_2", pa.array(world.since), "date")
    del world.columns["customer_since"], world.fields["customer_since"]
    report = world.judge()
    assert "always lies after 'col_1'" in of(report, "col_2").reasons[0]
    assert of(report, "col_1").verdict == "accept"


def test_what_to_do_about_dates_after_the_sale_is_said():
    world = Customers()
    days = np.ceil(world.age * world.rng.random(N)).astype("timedelta64[D]")
    world.add("last_funding_date", pa.array(world.since + days), "date")
    column = of(world.judge(), "last_funding_date")
    assert column.verdict == "confirm"
    assert column.reasons[0] == (
        "100% of its dates lie after the account became a customer, so it may tell what became of it: take its value "
        "as of sign-up, or set  outcomes: {observed_from: DATE}  to the day of the account data, so that only what "
        "follows is judged"
    )
    late = world.judge(outcomes={"observed_from": "2026-01-01"})  # what was so on that day is no leak
    assert of(late, "last_funding_date").verdict == "accept"
    early = of(world.judge(outcomes={"observed_from": "2021-03-01"}), "last_funding_date")
    assert early.verdict == "confirm"
    assert "after the account became a customer and after 2021-03-01" in early.reasons[0]
    assert "the account data as of 2021-03-01" in early.reasons[0]


def test_a_fiscal_year_is_read_off_the_date_of_the_sale():
    world = Customers()
    leak = world.churned * 3 + world.rng.normal(0, 2, N)
    year = pd.Series(world.since).dt.year.astype(str)
    world.add("col_1", leak).add("col_2", pa.array(year), "category")
    report = world.judge()
    assert of(report, "col_1").verdict == "confirm"
    assert "can be read off" in of(report, "col_2").reasons[0]


def test_a_bill_is_found_whole():
    rng = np.random.default_rng(1)
    months, rate = np.exp(rng.normal(3, 0.8, 400)).round() + 1, np.exp(rng.normal(4, 0.5, 400))
    extra, refund = rng.gamma(1, 600, 400), rng.gamma(1, 300, 400)
    charges = months * rate
    total = charges + extra - refund
    columns = [months, rate, charges, extra, refund, total, rng.normal(size=400)]
    assert parts_of_sum(columns, 5) == [2, 3, 4]
    assert parts_of_sum(columns, 6) == []
    assert products(columns, 0, np.ones(7, dtype=bool)) == [(1, 2)]
    assert products(columns, 0, np.zeros(7, dtype=bool)) == []
    names = ["months", "rate", "charges", "extra", "refund", "total", "noise"]
    findings = {name: [] for name in names}
    findings["total"] = [Finding("confirm", "tells too much", True)]
    findings["months"] = [Finding("confirm", "tells too much", True)]
    add_derived(findings, {n: code(pa.chunked_array([pa.array(c)])) for n, c in zip(names, columns, strict=True)}, ())
    assert [name for name in names if not findings[name]] == ["noise"]
    assert "is the sum of" in findings["extra"][0].reason
    assert findings["rate"][0].reason == "it is 'charges' over 'months', which is not accepted either"


def test_ratios_of_honest_columns_are_no_bill():
    rng = np.random.default_rng(2)
    employees = np.exp(rng.normal(4, 1, 500)).round() + 1
    revenue = employees * np.exp(rng.normal(11, 0.6, 500))
    assert products([employees, revenue, rng.lognormal(size=500)], 0, np.ones(3, dtype=bool)) == []


@pytest.mark.parametrize(
    "name",
    ["number_of_referrals", "referred_a_friend", "last_milestone_at", "age_last_milestone_year", "net_amount", "rfp",
     "competitors", "new_logo", "day_of_week", "is_train", "selected", "disbursement_date", "duration"],
)  # fmt: skip
def test_names_that_ask(name):
    assert by_name(Field(name, "number")).verdict == "confirm"


@pytest.mark.parametrize(
    "name",
    ["last_name", "founded_month", "training_budget", "competitive_index", "term_dates", "blast_furnaces",
     "renewable_energy", "contractors", "test_equipment", "trade", "split_system", "headquarters_month",
     "referral_network", "last_funding_date"],
)  # fmt: skip
def test_names_that_do_not(name):
    assert by_name(Field(name, "number")) is None


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [("Revenue", [1e5, 2e5, 3e5], "number"), ("Start Date", ["2020-01-01", "2021-01-01", "2022-01-01"], "date"),
     ("Status", ["gold", "silver", "bronze"], "category")],
)  # fmt: skip
def test_headers_that_may_be_an_outcome_are_asked_about(header, values, kind):
    world = Customers()
    drawn = world.rng.integers(0, 3, N)
    if kind == "date":
        days = np.array(values, dtype="datetime64[s]")[drawn] - world.rng.integers(0, 999, N).astype("timedelta64[D]")
        world.add(header_key(header), pa.array(np.minimum(days, world.since - np.timedelta64(1, "D"))), kind)
    else:
        world.add(header_key(header), pa.array(np.array(values)[drawn]), kind)
    column = of(world.judge(), header_key(header))
    assert column.verdict == "confirm"
    assert f"'{header_key(header)}' may be an outcome: is it " in column.reasons[0]
    own = {"name": header_key(header), "kind": kind}
    assert of(world.judge(fields={"custom": [own]}), header_key(header)).verdict == "accept"


def test_headers_that_mean_no_outcome_by_their_values_are_not_asked_about():
    assert by_question(Field("status_of_kind", "category"), coded(["a", "b"])) is None
    assert by_question(Field("rating", "category"), coded(["aaa", "bb"])) is None  # no number: no satisfaction
    assert by_question(Field("type", "category"), coded(["new business", "existing business"])) is None
    assert by_question(Field("followers", "number"), coded([1.0, 2.0])) is None
    assert by_question(Field("score", "number"), coded([1.0, 2.0])).verdict == "confirm"
    labelled = Field("column_5", "number", label="Net Sales")
    assert by_question(labelled, coded([1.0, 2.0])).reason == (
        "'Net Sales' may be an outcome: is it the company's turnover, or what it pays you? Say which under  columns  "
        "(revenue_usd or annual_revenue_from_customer_usd)"
    )


def test_rows_repeated_many_times_are_judged_once():
    world = Customers(300)
    world.add("col_1", world.rng.choice(["a", "b", "c"], 300), "category")
    lucky = (np.asarray(world.columns["col_1"].cast("string")) == "a") & (world.rng.random(300) < 0.12)
    kept = np.where(
        lucky & ~world.churned, "rare", world.columns["col_1"].cast("string").to_numpy(zero_copy_only=False)
    )
    assert 5 <= (kept == "rare").sum() < 20  # too few to say anything of
    world.columns["col_1"] = pa.array(kept).dictionary_encode()
    world.add("sets", pa.array([None if i % 9 == 0 else [f"t{i % 4}", "crm"] for i in range(300)]), "token_set")
    once = world.judge()
    times = np.tile(np.arange(300), 40)
    world.columns = {name: array.take(pa.array(times)) for name, array in world.columns.items()}
    world.columns["account_id"] = pa.array([f"r{i}" for i in range(len(times))])
    often = world.judge()
    assert often.customers == 12_000
    assert "occurs 40 times or a multiple of it" in often.notes[0]
    assert [(c.field, c.verdict, c.reasons) for c in often.columns] == [
        (c.field, c.verdict, c.reasons) for c in once.columns
    ]
    assert of(often, "col_1").verdict == "accept"
    world.columns["employees"] = pa.array([*world.columns["employees"].to_pylist()[:-1], 12345.0])
    assert world.judge().notes == ()  # one row differs: they may be as many customers


def test_rows_that_are_alike_by_accident_are_all_judged():
    status = pd.Series(["best", "worst"] * 500)
    table = pa.table({"a": pa.array(["x", "x", "y", "y"] * 250), "b": pa.array([True, True, True, False] * 250)})
    fields = {"a": Field("a", "category"), "b": Field("b", "boolean")}
    assert without_repeats(table, fields, status)[1] == 1  # always 250 times, but only four different rows
    assert without_repeats(table.slice(0, 3), fields, status.iloc[:3])[1] == 1
    numbers = pa.table({"a": pa.array(np.repeat(np.arange(40.0), 25)), "b": pa.array([None] * 1000, pa.bool_())})
    rows, times = without_repeats(numbers, fields, pd.Series(["best"] * 1000))
    assert (times, rows.tolist()) == (25, list(range(0, 1000, 25)))


def coded(values):
    return code(pa.chunked_array([pa.array(values)]))


def test_words_in_cells():
    field = Field("col_1", "category")
    assert "numbered like staff" in by_words(field, coded(["seller 1", "seller 2", "seller 17"])).reason
    assert "what became of" in by_words(field, coded(["stayed", "joined", "left"])).reason
    assert by_words(field, coded(["small", "mid", "big"])) is None
    assert by_words(Field("industry", "category"), coded(["closed lost", "x"])) is None


def test_keys_into_another_table_are_asked_about_without_a_list_only():
    world = Customers()
    keys = np.array([f"{k:032x}" for k in np.random.default_rng(0).integers(2**60, 2**62, 20)], dtype=object)
    codes = pa.array(keys[world.rng.integers(0, 20, N)])
    world.add("col_1", codes, "category")
    assert "keys into another table" in of(world.judge(), "col_1").reasons[0]
    listed = world.market(col_1=pa.array(keys[world.rng.integers(0, 20, 3000)]).dictionary_encode())
    assert of(world.judge(listed), "col_1").verdict == "accept"
    assert by_codes(Field("x", "category"), coded(["acme corporation", "internationalbank", "big co 12"])) is None


def test_extreme_tokens_point_to_our_own_product():
    rng = np.random.default_rng(3)
    best = rng.random(800) < 0.5
    sets = [["crm", *(["ours"] if rng.random() < (0.7 if b else 0.04) else [])] for b in best]
    found = by_level(code(pa.chunked_array([pa.array(sets)])), Target(best, np.ones(800, dtype=bool)))
    assert "with 'ours'" in found.reason
    assert "own_product" in found.reason
    fair = [["crm"] if rng.random() < (0.6 if b else 0.4) else ["erp"] for b in best]
    assert by_level(code(pa.chunked_array([pa.array(fair)])), Target(best, np.ones(800, dtype=bool))) is None


def test_own_product_inside_longer_tokens():
    table = pa.table({"technologies": [["acme for slack", "acmeister", "slack"], ["us bank", "us"], None]})
    clean, removed = without_own_product(table, ["Acme", "US"])
    assert clean["technologies"].to_pylist() == [["acmeister", "slack"], ["us bank"], None]
    assert removed == {"technologies": 2}


def test_the_order_of_the_rows_of_either_table_changes_nothing():
    world = Customers(600)
    world.add(
        "technologies", pa.array([[f"t{t}" for t in np.flatnonzero(r)] for r in world.rng.random((600, 9)) < 0.3])
    )
    sets = [[f"t{t}" for t in np.flatnonzero(r)] for r in world.rng.random((25_000, 9)) < 0.3]
    listed = world.market(25_000, technologies=pa.array(sets))
    once = world.judge(listed).to_dict()
    order = pa.array(np.random.default_rng(8).permutation(25_000))
    assert world.judge(listed.take(order)).to_dict() == once
    assert sample(listed).num_rows == 20_000
    mixed = np.random.default_rng(7).permutation(600)
    world.columns = {name: array.take(pa.array(mixed)) for name, array in world.columns.items()}
    assert world.judge(listed).to_dict() == once


def test_figures_of_a_column():
    world = Customers()
    values = np.where(world.rng.random(N) < 0.985, 1.0, world.rng.normal(5, 1, N))
    world.add("col_1", values)
    rare = world.rng.random(N) < 0.9
    world.add("col_2", world.rng.normal(size=N), gone=rare | (world.churned & (world.rng.random(N) < 0.6)))
    report = world.judge()
    assert "near_constant" in of(report, "col_1").flags
    assert "of its values are the same" in of(report, "col_1").reasons[0]
    assert of(report, "col_2").coverage_customers < 0.1
    assert of(report, "col_2").filled_lift > 1
    assert report.to_dict()["columns"][1]["flags"] == []
    assert report.to_dict()["population_auc"] is None


def test_nothing_to_compare_is_no_error():
    assert np.isnan(apart({}, 0).auc)
    words, numbers = pa.chunked_array([pa.array(["a"])]), pa.chunked_array([pa.array([1.0])])
    assert beside(words, numbers) is None
    empty = Customers().market().slice(0, 0)
    report = Customers().judge(empty)
    assert report.accepted == ["employees", "industry", "country"]

"""Customers on a list: what is matched, what is left to a person, and that nothing else decides."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp_ml import read_accounts
from icp_ml.accounts.matching import enrich, group_accounts, match_accounts
from icp_ml.accounts.matching.candidates import candidate_names
from icp_ml.accounts.matching.likeness import (
    CONTAINS,
    INITIALS,
    SAME,
    SIMILAR,
    TYPO,
    UNRELATED,
    name_levels,
)
from icp_ml.accounts.matching.names import grams_of, name_key, place_key
from icp_ml.exceptions import InputError
from icp_ml.settings import Settings

FIRST = ["Arbor", "Brook", "Cobalt", "Dune", "Ember", "Fjord", "Garnet", "Heron", "Indigo", "Juniper", "Krill", "Lumen"]
SECOND = ["worth", "mann", "dale", "berg", "stone", "field", "holm", "gate", "wick", "ford"]
THIRD = ["Tools", "Bakery", "Legal", "Freight", "Paper", "Optics", "Dental", "Motors"]
CITIES = ["Berlin", "Lyon", "Porto", "Leeds", "Gdansk", "Turku", "Bergen", "Malaga", "Graz", "Utrecht"]
TOWNS = [f"{city} {quarter}" for city in CITIES for quarter in ("Nord", "Ost", "Sud", "West", "Mitte", "Port", "Mont")]


def world(accounts: int = 3000, customers: int = 300, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """A list, customers (two thirds of them on it, under other spellings) and the true rows (-1: not on the list)."""
    rng = np.random.default_rng(seed)
    names = [f"{a}{b} {c}" for a, b, c in zip(*(rng.choice(x, accounts) for x in (FIRST, SECOND, THIRD)), strict=True)]
    city = rng.choice(TOWNS, accounts)
    forms = rng.choice(["GmbH", "Ltd", "SAS"], accounts)
    listed = pd.DataFrame({
        "Account ID": [f"A{i:06d}" for i in rng.permutation(accounts)],
        "Company Name": [f"{name} {form}" for name, form in zip(names, forms, strict=True)],
        "Website": [f"https://{name.split()[0].lower()}{i}.com" for i, name in enumerate(names)],
        "City": city,
    })  # fmt: skip
    true = np.where(np.arange(customers) % 3 < 2, rng.choice(accounts, customers, replace=False), -1)
    rows = []
    for number, at in enumerate(true):
        name = names[at] if at >= 0 else f"Nowhere{number} {rng.choice(THIRD)}"
        host = listed["Website"][at].removeprefix("https://") if at >= 0 else f"nowhere{number}.com"
        kind = rng.integers(0, 4)
        name = [name.upper(), name.replace(" ", ""), name[:3] + name[4:], name][kind]
        rows.append(
            (f"c{number}", f"{name} Inc.", host if number % 2 else None, city[at] if at >= 0 else rng.choice(CITIES))
        )
    return listed, pd.DataFrame(rows, columns=["customer_id", "Account Name", "Domain", "City"]), true


@pytest.fixture(scope="module")
def small():
    listed, customers, true = world()
    return listed, customers, true, match_accounts(read_accounts(customers), listed)


# the whole ---------------------------------------------------------------------------------------


def test_picks_are_right_and_most_customers_are_found(small):
    _, _, true, matches = small
    picked = matches.is_matched
    assert (matches.rows[picked] == true[picked]).mean() >= 0.98
    assert (matches.rows[true >= 0] == true[true >= 0]).mean() >= 0.80
    assert not picked[true < 0].any()
    assert set(matches.how[picked]) >= {"domain", "name and place"}


def test_probabilities_keep_their_word(small):
    _, _, true, matches = small
    picked = matches.is_matched
    wrong = (matches.rows[picked] != true[picked]).sum()
    assert abs(wrong - matches.to_dict()["expected_wrong"]) <= 4
    assert (matches.probability[picked] >= matches.threshold).all()


def test_the_order_of_the_list_leaves_no_trace(small):
    listed, customers, _, matches = small
    shuffled = listed.sample(frac=1, random_state=3).reset_index(drop=True)
    again = match_accounts(read_accounts(customers), shuffled)
    pd.testing.assert_frame_equal(
        matches.frame().drop(columns="list_row"), again.frame().drop(columns="list_row"), check_exact=True
    )
    pd.testing.assert_frame_equal(matches.review(), again.review(), check_exact=True)


def test_the_order_of_the_customers_leaves_no_trace(small):
    listed, customers, _, matches = small
    again = match_accounts(read_accounts(customers[::-1].reset_index(drop=True)), listed)
    pd.testing.assert_frame_equal(matches.frame(), again.frame()[::-1].reset_index(drop=True), check_exact=True)


def test_a_file_a_table_and_accounts_give_the_same(small, tmp_path):
    listed, customers, _, matches = small
    listed.to_csv(tmp_path / "list.csv", index=False)
    pq.write_table(pa.Table.from_pandas(listed), tmp_path / "list.parquet", row_group_size=700)
    ours = read_accounts(customers)
    for market in (
        tmp_path / "list.csv",
        tmp_path / "list.parquet",
        read_accounts(listed),
        pa.Table.from_pandas(listed),
    ):
        pd.testing.assert_frame_equal(match_accounts(ours, market).frame(), matches.frame(), check_exact=True)


def test_headers_of_the_list_are_mapped_by_the_settings():
    listed = pd.DataFrame({"Firma": ["Acme GmbH", "Zeta AG"], "Netz": ["acme.de", "zeta.de"]})
    chosen = Settings.build({"columns": {"Firma": "name", "Netz": "domain"}})
    ours = read_accounts(pd.DataFrame({"name": ["Acme"], "domain": ["acme.de"]}))
    assert match_accounts(ours, listed, chosen).rows.tolist() == [0]
    assert match_accounts(ours, listed).rows.tolist() == [-1]


# by domain ---------------------------------------------------------------------------------------


def one(customer: dict, listed: list[dict], **options):
    """Match one customer."""
    return match_accounts(read_accounts(pd.DataFrame([customer])), pd.DataFrame(listed), **options)


def test_addresses_of_one_registrable_domain_are_one_company():
    found = one(
        {"name": "Acme", "domain": "https://shop.acme.co.uk/en"}, [{"name": "ACME Ltd", "domain": "acme.co.uk"}]
    )
    assert (found.status[0], found.how[0]) == ("matched", "domain")


def test_a_missing_name_does_not_speak_against_a_domain():
    found = one(
        {"name": None, "domain": "acme.de"}, [{"name": "Acme", "domain": "acme.de"}, {"name": "B", "domain": "b.de"}]
    )
    assert found.rows.tolist() == [0]


def test_shared_hosts_decide_nothing():
    listed = [{"name": "Acme", "domain": "linkedin.com"}, {"name": "Zeta", "domain": "b.de"}]
    assert one({"name": "Delta", "domain": "https://linkedin.com/company/delta"}, listed).rows.tolist() == [-1]


def test_a_host_that_many_customers_share_decides_nothing():
    ours = pd.DataFrame({"name": [f"{a} {b}" for a in FIRST for b in ("Tools", "Legal")], "domain": "pages.example"})
    found = match_accounts(
        read_accounts(ours), pd.DataFrame({"name": ["Quite Different"], "domain": ["pages.example"]})
    )
    assert (found.status == "none").all()


def test_on_a_domain_of_several_accounts_the_name_decides():
    listed = [
        {"id": "1", "name": "Acme Holding", "domain": "acme.com", "city": "Bonn"},
        {"id": "2", "name": "Zeta Pumps", "domain": "acme.com", "city": "Ulm"},
        {"id": "3", "name": "Acme Finance Trust", "domain": "acme.com", "city": "Trier"},
    ]
    found = one({"name": "Zeta Pumps GmbH", "domain": "acme.com", "city": "Ulm"}, listed)
    assert (found.candidates[0][0].account_id, found.how[0]) == ("2", "domain and name")
    undecided = one({"name": "Something Else", "domain": "acme.com"}, listed)
    assert undecided.status[0] == "review"
    assert undecided.reasons[0] == "3 accounts have this domain, and the name does not tell which one it is"


def test_same_domain_but_unrelated_name_in_another_country_goes_to_a_person():
    found = one(
        {"name": "Acme Tools", "domain": "acme.com", "country": "France"},
        [{"name": "Overseas Shipping", "domain": "acme.com", "country": "Japan"}],
    )
    assert found.status[0] == "review"
    assert found.reasons[0] == "same domain, but unrelated name"


# by name and place -------------------------------------------------------------------------------


def test_near_twins_without_a_place_are_not_guessed():
    listed = [{"id": str(i), "name": "Acme Tools Ltd", "city": city} for i, city in enumerate(CITIES)]
    assert one({"name": "Acme Tools", "city": "Porto"}, listed, threshold=0.5).rows.tolist() == [2]
    twins = one({"name": "Acme Tools"}, listed, threshold=0.5)
    assert twins.status[0] == "review"
    assert twins.reasons[0] == "3 or more accounts are about equally likely"
    assert [c.account_id for c in twins.candidates[0]] == ["0", "1", "2"]


def test_names_of_other_scripts_and_spellings():
    ours = pd.DataFrame(
        {
            "name": ["株式会社トヨタ", "Газпром", "Ünïcode AG", "Müller & Söhne"],
            "city": ["Tokyo", "Moscow", "Köln", "München"],
        }
    )
    listed = pd.DataFrame(
        {
            "name": ["Muller und Sohne GmbH", "トヨタ", "OOO Gazprom", "UNICODE"],
            "city": ["Munich", "Tokyo", "Moskva", "Cologne"],
        }
    )
    found = match_accounts(read_accounts(ours), listed, threshold=0.5)
    assert found.rows.tolist()[:3] == [1, 2, 3]
    assert found.candidates[3][0].row == 0


def test_a_name_that_all_bear_is_said_not_guessed():
    listed = pa.table({"name": pa.array(["Acme Inc"] * 100_000), "city": pa.array(["Ulm"] + ["Bonn"] * 99_999)})
    found = match_accounts(read_accounts(pd.DataFrame({"name": ["Acme"] * 3, "city": [None, "Ulm", "Bonn"]})), listed)
    assert found.status.tolist() == ["review"] * 3
    assert [one.row for one in found.candidates[1]] == [0]
    assert found.reasons[0] == "100,000 accounts bear this name or nearly so: too many to tell apart"


@pytest.mark.parametrize(
    ("ours", "listed"),
    [
        ({"name": ["Acme"]}, {"name": ["Zeta"]}),
        ({"name": [None], "domain": [None]}, {"name": ["Zeta"]}),
        ({"revenue": [5]}, {"employees": [7]}),
        ({"name": ["...", "\x00", "=cmd|' /C calc'!A0", "a" * 50_000]}, {"name": ["???", "\x01"]}),
        ({"name": ["😀"], "city": ["😀"]}, {"name": ["😀"], "city": ["😀"]}),
    ],
)
def test_poor_tables_give_no_pick_and_no_error(ours, listed):
    found = match_accounts(read_accounts(pd.DataFrame(ours)), pd.DataFrame(listed))
    assert len(found.frame()) == len(found) == len(next(iter(ours.values())))
    assert (found.rows == -1).all()


def test_customers_that_occur_twice_both_get_the_account(small):
    listed, customers, _, matches = small
    at = int(np.flatnonzero(matches.is_matched)[0])
    twice = pd.concat([customers, customers.iloc[[at]]], ignore_index=True)
    again = match_accounts(read_accounts(twice), listed)
    assert again.rows[at] == again.rows[-1] == matches.rows[at]


# the review table and decisions ------------------------------------------------------------------

TWINS = [{"id": "A1", "name": "Acme Tools", "city": "Bonn"}, {"id": "A2", "name": "Acme Tools", "city": "Ulm"}]


def test_a_review_table_shows_what_a_person_needs():
    review = one({"id": "c1", "name": "Acme Tools", "domain": "own.com"}, TWINS).review()
    row = review.iloc[0]
    assert (row["customer_id"], row["name"], row["domain"]) == ("c1", "Acme Tools", "own.com")
    assert pd.isna(row["decision"])
    assert (row["candidate_1_id"], row["candidate_2_id"]) == ("A1", "A2")
    assert row["candidate_1_reason"] == "same name"
    assert row["why"] == "2 accounts are about equally likely"


def test_the_review_table_filled_in_decides(tmp_path):
    customer = {"id": "c1", "name": "Acme Tools"}
    review = one(customer, TWINS).review()
    review["decision"] = ["A2"]
    review.to_csv(tmp_path / "review.csv", index=False)
    found = one(customer, TWINS, decisions=tmp_path / "review.csv")
    assert (found.rows[0], found.status[0], found.how[0], found.probability[0]) == (
        1,
        "matched",
        "decided by a person",
        1,
    )
    assert found.frame()["account_id"].tolist() == ["A2"]
    assert found.review().empty


def test_a_review_table_without_rows_decides_nothing(tmp_path):
    customer, listed = (
        {"id": "c1", "name": "A", "domain": "acme.com"},
        [{"id": "A1", "name": "A", "domain": "acme.com"}],
    )
    one(customer, listed).review().to_csv(tmp_path / "review.csv", index=False)
    assert one(customer, listed, decisions=tmp_path / "review.csv").status.tolist() == ["matched"]


def test_a_person_can_say_that_a_customer_is_not_on_the_list():
    customer, listed = (
        {"id": "c1", "name": "Acme", "domain": "acme.com"},
        [{"id": "A1", "name": "Acme", "domain": "acme.com"}],
    )
    assert one(customer, listed).rows[0] == 0
    decisions = pd.DataFrame({"customer_id": ["c1", "other"], "decision": ["none", "A1"]})
    found = one(customer, listed, decisions=decisions)
    assert (found.rows[0], found.status[0]) == (-1, "none")
    assert "1 decisions name no customer of this table" in found.notes


def test_an_empty_decision_decides_nothing():
    found = one(
        {"id": "c1", "name": "Acme Tools"}, TWINS, decisions=pd.DataFrame({"customer_id": ["c1"], "decision": [""]})
    )
    assert found.status[0] == "review"


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ({"customer_id": ["c1"], "decision": ["A9"]}, "'A9' is not on the list"),
        ({"customer_id": ["c1", "c1"], "decision": ["A1", "A2"]}, "'c1' is decided as 'A1' and as 'A2'"),
        ({"customer_id": ["c1"], "choice": ["A1"]}, "there is no column 'decision'"),
    ],
)
def test_decisions_that_cannot_be_followed_are_refused(decisions, message):
    with pytest.raises(InputError, match=message):
        one({"id": "c1", "name": "Acme Tools"}, TWINS, decisions=pd.DataFrame(decisions))


def test_counts_add_up(small):
    matches = small[3]
    summary = matches.to_dict()
    assert summary["matched"] + summary["review"] + summary["none"] == summary["customers"] == 300
    assert sum(summary["how"].values()) == summary["matched"]
    assert len(matches.review()) == summary["review"]


# names, places, candidates -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Novo Nordisk A/S", "novo nordisk"), ("Foo s.r.o.", "foo"), ("Foo Sp. z o.o.", "foo"), ("Inc.", "inc"),
        ("Vitamin E", "vitamin e"), ("E.ON SE", "e on"), ("AT&T Inc.", "at and t"), ("Smith's Ltd", "smiths"),
        ("Acme Co., Ltd.", "acme"), ("阿里巴巴集团有限公司", "阿里巴巴集团"), ("", ""), ("—", ""),
    ],
)  # fmt: skip
def test_name_keys(name, key):
    assert name_key(name) == key


def test_words_that_mean_something_are_kept():
    assert name_key("Acme Group") != name_key("Acme")
    assert name_key("Acme Holdings") != name_key("Acme Systems")


@pytest.mark.parametrize(
    ("ours", "theirs", "level"),
    [
        ("acme tools", "acmetools", SAME), ("acme tools", "acme tols", TYPO), ("acme", "acme tools", CONTAINS),
        ("ibm", "international business machines", INITIALS), ("acme robotics labs", "acme robotic lab", SIMILAR),
        ("acme tools", "zeta bakery", UNRELATED), ("", "", UNRELATED), ("abc", "abd", UNRELATED),
    ],
)  # fmt: skip
def test_levels_of_names(ours, theirs, level):
    assert name_levels([ours], [theirs]).tolist() == [level]
    assert name_levels([theirs], [ours]).tolist() == [level]


@given(st.lists(st.text("abcdeé漢 ", max_size=12), max_size=6))
@settings(max_examples=60, deadline=None)
def test_every_gram_is_found_by_slicing(names):
    compact = [name.replace(" ", "") for name in names]
    wanted = [{f"\x01{name}\x02"[i : i + 4] for i in range(len(name) - 1)} for name in compact]
    found = grams_of(compact)
    assert np.bincount(found.owner, minlength=len(names)).tolist() == [len(one) for one in wanted]
    by_text = {}
    for owner in range(len(names)):
        assert len(set(found.hashes[found.owner == owner].tolist())) == len(wanted[owner])
        by_text[compact[owner]] = sorted(found.hashes[found.owner == owner].tolist())
        assert by_text[compact[owner]] == sorted(grams_of([compact[owner]]).hashes.tolist())


def test_equal_names_are_candidates_even_where_all_n_grams_are_common(monkeypatch):
    monkeypatch.setattr("icp_ml.accounts.matching.candidates.BUDGET", 0)
    ((query, name),) = candidate_names(["acme tools"], ["acmetools", "zeta"])
    assert (query.tolist(), name.tolist()) == ([0], [0])


@pytest.mark.parametrize(
    ("one_place", "other"),
    [
        ("Munich", "MÜNCHEN"),
        ("St. Louis", "Saint Louis"),
        ("Frankfurt am Main", "frankfurt"),
        ("Köln", "Cologne, Germany"),
    ],
)
def test_spellings_of_one_place(one_place, other):
    assert place_key(one_place) == place_key(other)


# groups ------------------------------------------------------------------------------------------

COMPANIES = pd.DataFrame({
    "id": ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    "name": ["Acme GmbH", "Acme UK", "Zeta", "ZETA Ltd.", "Zeta", "Omega", "Sigma", "Tau Pumps", "Tau-Pumps Inc"],
    "domain": ["acme.com", "uk.acme.com", None, "zeta.io", None, "gmail.com", "gmail.com", None, None],
    "city": ["Bonn", "Leeds", "Ulm", "Ulm", "Graz", "Ulm", "Ulm", "Springfield", "Springfield"],
    "state": [None, None, None, None, None, None, None, "IL", "MA"],
})  # fmt: skip


def groups(frame: pd.DataFrame) -> dict[str, int]:
    accounts = read_accounts(frame)
    numbers = group_accounts(accounts).tolist()
    return dict(zip(accounts.table.column("account_id").to_pylist(), numbers, strict=True))


def test_subsidiaries_and_duplicates_share_a_group():
    found = groups(COMPANIES)
    assert found["1"] == found["2"], "one registrable domain"
    assert found["3"] == found["4"], "one name in one city"
    assert len({found[i] for i in ("1", "3", "5", "6", "7", "8", "9")}) == 7, "all others are companies of their own"
    assert sorted(set(found.values())) == list(range(7))


def test_groups_do_not_depend_on_the_order_of_the_rows():
    expected = groups(COMPANIES)
    for seed in range(5):
        assert groups(COMPANIES.sample(frac=1, random_state=seed)) == expected


def test_a_name_that_very_many_bear_in_one_city_makes_no_group():
    many = pd.DataFrame({"id": [str(i) for i in range(40)], "name": "Cafe Central", "city": "Wien"})
    assert len(set(groups(many).values())) == 40


# enrichment --------------------------------------------------------------------------------------


@pytest.fixture
def bought(tmp_path):
    listed = pd.DataFrame({
        "ID": ["L1", "L2", "L3", "L4"],
        "Company": ["Acme", "Zeta", "Omega", "Tau"],
        "Website": ["acme.com", "zeta.com", "omega.com", "tau.com"],
        "# Employees": ["51-200", "1000", None, "7"],
        "Industry": ["Software", "Retail", "Mining", "Retail"],
        "Funding Stage": ["Seed", "Series B", "IPO", "Seed"],
    })  # fmt: skip
    path = tmp_path / "list.csv"
    listed.to_csv(path, index=False)
    customers = pd.DataFrame({
        "ID": ["c1", "c2", "c3", "c4"],
        "Company": ["Acme", "Omega", "Zeta", "Nobody"],
        "Website": ["acme.com", "omega.com", "zeta.com", "nobody.com"],
        "Employees": [120, 30, 10, 5],
        "Industry": ["software", None, "mining", "retail"],
        "Churned": ["no", "no", "yes", "yes"],
        "Customer Since": ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"],
    })  # fmt: skip
    return read_accounts(customers), path


def test_matched_customers_take_over_what_the_list_knows(bought):
    customers, path = bought
    done = enrich(customers, path, match_accounts(customers, path))
    table = done.accounts.table
    assert table.column("account_id").to_pylist() == ["c1", "c2", "c3", "c4"]
    assert table.column("employees").to_pylist()[1:] == [30, 1000, 5], "the list's, else the customer's own"
    assert table.column("employees").to_pylist()[0] == read_accounts(path).table.column("employees")[0].as_py()
    assert table.column("industry").cast(pa.string()).to_pylist() == ["software", "mining", "retail", "retail"]
    new = next(f for f in done.fields if f.is_new)
    assert table.column(new.field).cast(pa.string()).to_pylist() == ["seed", "ipo", "series b", None]
    assert new.field in done.accounts.fields
    assert len(done.accounts.frame) == 4
    assert table.column("churned").to_pylist() == [False, False, True, True], "outcomes are the customers' own"


def test_what_enrichment_did_is_counted(bought):
    customers, path = bought
    fields = {f.field: f for f in enrich(customers, path, match_accounts(customers, path)).fields}
    employees, industry = fields["employees"], fields["industry"]
    assert (employees.from_list, employees.compared, employees.conflicts) == (2, 2, 1)
    assert (industry.before, industry.after, industry.conflicts) == (0.75, 1.0, 1)
    assert "name" not in fields
    assert "churned" not in fields


def test_a_list_in_memory_gives_the_same_as_its_file(bought):
    customers, path = bought
    market = read_accounts(path)
    one_way = enrich(customers, path, match_accounts(customers, path)).accounts.frame
    other = enrich(customers, market, match_accounts(customers, market)).accounts.frame
    pd.testing.assert_frame_equal(one_way, other)


def test_a_list_younger_than_the_outcomes_is_warned_of(bought):
    customers, path = bought
    matches = match_accounts(customers, path)
    assert enrich(customers, path, matches, list_date=date(2023, 1, 1)).warnings == ()
    (warning,) = enrich(customers, path, matches, list_date=date(2026, 1, 1)).warnings
    assert warning.startswith("the list's values are from 2026-01-01, after the outcomes (2024-04-01)")


def test_survivorship_is_said_where_it_is_more_than_chance():
    count = 200
    churned = np.arange(count) % 2 == 0
    customers = read_accounts(pd.DataFrame({
        "Company": [f"{FIRST[i % 12]}{i}" for i in range(count)],
        "Website": [f"own{i}.com" for i in range(count)],
        "Churned": np.where(churned, "yes", "no"),
    }))  # fmt: skip
    known = [i for i in range(count) if not churned[i] or i % 5 == 0]
    market = read_accounts(pd.DataFrame({
        "Company": [f"{FIRST[i % 12]}{i}" for i in known], "Website": [f"own{i}.com" for i in known], "Employees": 5,
    }))  # fmt: skip
    done = enrich(customers, market, match_accounts(customers, market))
    assert any(w.startswith("matched 100 % of active but 20 % of churned customers") for w in done.warnings)
    status = np.where(churned, "worst", "best")
    assert done.matched_shares(status)["worst"] == {"customers": 100, "matched": 0.2}
    assert done.survivorship(status).startswith("matched 100 % of best but 20 % of worst")
    assert done.survivorship(np.where(np.arange(count) % 3 == 0, "worst", "best")) is None


def test_matches_of_another_list_are_refused(bought):
    customers, path = bought
    market = read_accounts(path)
    shorter = read_accounts(pd.read_csv(path).head(2))
    with pytest.raises(InputError, match="2 accounts, but the matches are of a list of 4"):
        enrich(customers, shorter, match_accounts(customers, market))
    with pytest.raises(InputError, match="4 customers, but the matches are of 1"):
        enrich(customers, market, one({"name": "Acme"}, [{"name": "Acme"}]))

from __future__ import annotations

import numpy as np
import pytest

from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.exceptions import SettingsError
from icp_ml.profile import (
    MAX_AGAINST,
    MAX_SIGNALS,
    ListAndCustomers,
    build_profile,
    check_names,
    sold_so_far,
)
from icp_ml.profile.markdown import outside_words
from icp_ml.profile.rates import rate_inside
from tests.unit.test_profile import EVIDENCE, trait

COUNTRY = FieldEncoding(
    "country", "category", "country", "country", values=("de", "fr", "us"), spellings=("DE", "FR", "US")
)
SIZE = FieldEncoding("employees", "numeric", "count", "employees", edges=np.array([-1e-9, 50, 100, 500, 5000]))
ENCODING = Encoding((COUNTRY, SIZE))
US, DE = 5, 3


def tables(codes):
    values = tuple(np.zeros(t.size) for t in ENCODING.terms)
    counts = tuple(np.bincount(codes[:, j], minlength=t.size).astype(float) for j, t in enumerate(ENCODING.terms))
    return ScoringTables(ENCODING, values, values, 0.0, 0.0, counts, counts)


def people(n, outside, seed=0, best_outside=0.25):
    """`outside` of n customers in DE, the others in US; sizes over all bins; a quarter best, a third worst."""
    rng = np.random.default_rng(seed)
    country = np.where(np.arange(n) < outside, DE, US)
    codes = np.column_stack([country, rng.integers(2, 6, n)]).astype(np.uint16)
    chance = np.where(country == DE, best_outside, 0.25)
    draw = rng.random(n)
    return codes, np.where(draw < chance, "best", np.where(draw > 0.67, "worst", "middle"))


def listed(share_us=0.4, n=1000):
    codes = np.column_stack([np.where(np.arange(n) < share_us * n, US, DE), np.arange(n) % 4 + 2])
    return codes.astype(np.uint16)


def test_where_everyone_bought_and_the_list_is_not_is_where_sales_went():
    codes, status = people(400, 8)
    (found,) = sold_so_far(tables(codes), codes, status, listed())
    assert (found.sentence, found.market_share) == ("country: US", 0.4)
    assert found.best_support > 0.9
    assert found.worst_support > 0.9


@pytest.mark.parametrize(
    ("codes_status", "market"),
    [
        (people(400, 60), listed()),  # many customers lie elsewhere
        (people(400, 8), listed(0.9)),  # so is the list
        (people(40, 0), listed()),  # too few customers to speak of everyone
        (people(400, 8), None),  # no list
    ],
)
def test_what_is_no_such_place(codes_status, market):
    codes, status = codes_status
    assert sold_so_far(tables(codes), codes, status, market) == ()


def test_a_run_of_sizes_can_be_where_sales_went():
    codes, status = people(400, 200)
    codes[:, 1] = 3
    market = listed()
    (found,) = sold_so_far(tables(codes), codes, status, market)
    assert found.sentence == "51-100 employees"
    assert found.market_share == pytest.approx(0.25)


def test_where_sales_went_excludes_nobody_until_a_person_says_so():
    codes, status = people(400, 8)
    sold = sold_so_far(tables(codes), codes, status, listed())
    customers = ListAndCustomers(tuple(t.name for t in ENCODING.terms), codes, status == "best", listed())
    options = {"evidence": EVIDENCE, "signal": True, "customers": customers, "sold": sold}
    free = build_profile([trait("a")], **options)
    assert (free.filters, len(free.sold_so_far)) == ((), 1)
    assert outside_words(free.evidence["outside_sold_so_far"][0]) == "8 customers: too few to say"
    assert "Where you have sold so far" in free.to_markdown()
    moved = build_profile([trait("a")], as_filter=["country"], **options)
    assert [t.sentence for t in moved.filters] == ["country: US"]
    assert moved.sold_so_far == ()


@pytest.mark.parametrize(("best_outside", "role"), [(0.0, "filter"), (0.25, "signal")])
def test_a_positive_trait_is_a_filter_where_those_outside_did_worse(best_outside, role):
    codes, status = people(400, 80, best_outside=best_outside)
    customers = ListAndCustomers(tuple(t.name for t in ENCODING.terms), codes, status == "best", listed())
    one = trait("country", codes=(US,), best_support=0.97)
    profile = build_profile([one], evidence=EVIDENCE, signal=True, customers=customers)
    assert {t["field"]: t["role"] for t in profile.traits.to_dict("records")} == {"country": role}
    if role == "filter":
        (told,) = profile.evidence["outside_filters"]
        assert (told["customers"], told["passes"], told["cuts"]) == (80, 1.0, 0.6)


def test_too_few_customers_outside_make_no_filter():
    codes, status = people(400, 19, best_outside=0.0)
    customers = ListAndCustomers(tuple(t.name for t in ENCODING.terms), codes, status == "best", listed())
    profile = build_profile([trait("country", codes=(US,))], evidence=EVIDENCE, signal=True, customers=customers)
    assert profile.filters == ()


def test_one_slide_and_the_rest_is_kept():
    many = [trait(f"p{i}") for i in range(12)] + [trait(f"n{i}", "negative", best_support=0.5) for i in range(9)]
    profile = build_profile(many, evidence=EVIDENCE, signal=True)
    assert (len(profile.signals), len(profile.anti_traits)) == (MAX_SIGNALS, MAX_AGAINST)
    assert len(profile.further) == 21 - MAX_SIGNALS - MAX_AGAINST
    assert "8 further" in profile.message
    assert "## Further traits" in profile.to_markdown()


def test_a_trait_can_be_named_by_itself():
    one, other = (trait("technologies", term=f"technologies={v}", codes=(2,)) for v in ("aws", "sap"))
    profile = build_profile([one, other], evidence=EVIDENCE, signal=True, as_filter=["technologies=sap"])
    assert [t.term for t in profile.filters] == ["technologies=sap"]


def test_a_name_without_effect_is_told_and_a_wrong_one_refused():
    profile = build_profile([trait("a")], evidence=EVIDENCE, signal=True, as_filter=["city"])
    assert profile.evidence["notes"][0].startswith("profile.filters: no trait was found on 'city'")
    assert "no trait was found" in profile.to_markdown()
    with pytest.raises(
        SettingsError, match=r"profile.filters: .emploees. is no field or trait .*did you mean employees"
    ):
        check_names(["emploees"], ["employees", "country"], "profile.filters")


def test_rates_are_over_all_that_are_given():
    best = np.arange(100) < 25
    found = rate_inside(np.arange(100) < 50, best)
    assert (found.customers, found.best, found.rate, found.lift) == (50, 25, 0.5, 2.0)
    assert found.rate_low < 0.5 < found.rate_high
    assert 1 < found.lift_low < 2 < found.lift_high
    assert rate_inside(np.zeros(100, bool), best).rate == 0.0

"""The unknown field that could lift the fit most, checked with a pencil on the hand-written model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from icp_ml.scoring.worth_knowing import WorthKnowing
from tests.hand_model import hand_list, hand_model
from tests.unit.test_kernel import BEST, NOTHING, RECENT, score


def told(row, scorer=None):
    found = score([row], scorer).to_pylist()[0]
    return found["worth_knowing"], found["worth_knowing_field"]


def test_the_lift_is_to_what_one_customer_in_ten_exceeds():
    lifts = {name: lift for lift, _, name, _ in WorthKnowing(hand_model().tables).lifts}
    assert list(lifts) == ["last_funding_date", "technologies", "employees", "industry"]
    assert lifts["employees"] == 1.0  # a third of the customers shows it
    assert lifts["industry"] == 1.25
    mean = 0.1875 + (150 * 0.0625 - 50 * 0.5) / 200
    spread = 0.3125**2 + 0.75 * 0.25 * 0.5625**2
    assert lifts["technologies"] == pytest.approx(mean + 1.2815515655 * np.sqrt(spread))


def test_the_sentence_names_the_unknown_field_that_lifts_most_and_to_which_fit():
    lifted = 100 * expit(-1 + 1.25 + 0.25 + 0.5 + 0.0625 + 1.0)
    assert told((None, "software", RECENT, ["aws"])) == (
        f"Knowing employees could lift this to {lifted:.0f}",
        "employees",
    )
    assert told((None, None, RECENT, ["aws"]))[1] == "industry"
    assert told((300, "software", None, ["aws"]))[1] == "last_funding_date"


def test_nothing_is_said_where_all_is_known_or_nothing_scored_or_the_lift_is_no_point():
    assert told(BEST) == (None, None)
    assert told(NOTHING) == (None, None)
    tables = hand_model().tables
    far = replace(hand_model(), tables=replace(tables, base=6.0)).scorer()
    assert told((None, "software", RECENT, ["aws"]), far) == (None, None)  # 100 already
    no_lift = (np.array([1.5, -1, -1, 0.5, 1.0, 1.0]), *tables.values[1:])
    known = replace(hand_model(), tables=replace(tables, values=no_lift)).scorer()
    assert told((None, "software", RECENT, ["aws"]), known) == (None, None)  # not knowing is better than any value


def test_every_row_says_what_the_same_row_alone_says():
    model, rows = hand_model(), hand_list(60)
    whole = model.score(rows)
    assert whole["worth_knowing_field"].nunique() == 4
    for i in range(0, 60, 7):
        assert (
            model.score(rows.iloc[i : i + 1])["worth_knowing"].tolist() == [whole["worth_knowing"].iloc[i]]
            or (whole["worth_knowing"].isna().iloc[i])
        )
    assert (whole["worth_knowing"].isna() == whole["worth_knowing_field"].isna()).all()

"""Tokens and technologies, words for "missing", codes for "unknown", text decoded wrongly, shared hosts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.accounts import ListNormaliser, read_accounts
from icp_ml.accounts.normalise import commonest_spellings, normalise_column
from icp_ml.accounts.values.cells import PLACEHOLDERS
from icp_ml.accounts.values.conventions import convention_of
from icp_ml.accounts.values.mojibake import mended, repaired
from icp_ml.accounts.values.sentinels import sentinel_notes
from icp_ml.accounts.values.technologies import technologies_in, technology
from icp_ml.exceptions import SettingsError
from icp_ml.schema import BY_NAME, Field
from icp_ml.settings import Settings

TECHNOLOGIES, KEYWORDS = BY_NAME["technologies"], BY_NAME["keywords"]


def tokens(cell: Any, field: Field = TECHNOLOGIES) -> list[str] | None:
    found: list[str] | None = normalise_column(pa.array([cell]), field).values.to_pylist()[0]
    return found


SPELLINGS = [
    ("Amazon AWS", "AWS", "Amazon Web Services", "amazon-web-services"), ("Node.js", "NodeJS", "node js", "Node"),
    ("Google Analytics", "Google Analytics 4", "GA4", "Google Universal Analytics"), ("React", "ReactJS", "React.js"),
    ("Vue.js", "vue js", "Vue 3", "vue.js 2.7"), ("PostgreSQL", "Postgres"), ("Kubernetes", "k8s"),
    ("Salesforce", "Salesforce, Inc.", "Salesforce.com", "salesforce inc"), ("Python", "Python 3.11", "python3"),
    ("Ruby on Rails", "ruby-on-rails", "Rails"), ("HTML", "HTML5"), ("Go", "Golang"), ("Microsoft 365", "Office 365"),
]  # fmt: skip
DIFFERENT = [
    "Java",
    "JavaScript",
    "C",
    "C++",
    "C#",
    ".NET",
    "R",
    "React Native",
    "Route 53",
    "Dynamics 365",
    "js.org",
    "S3",
]


@pytest.mark.parametrize("names", SPELLINGS)
def test_spellings_of_one_technology(names: tuple[str, ...]) -> None:
    assert len({technology(name) for name in names}) == 1


def test_technologies_that_differ_stay_apart() -> None:
    kept = [technology(name) for name in DIFFERENT] + [technology(names[0]) for names in SPELLINGS]
    assert len(set(kept)) == len(kept)


CELLS = {
    "Salesforce, Inc., SAP": ["salesforce", "sap"], "Salesforce, SAP, Slack": ["salesforce", "sap", "slack"],
    '["Salesforce, Inc.", "Node.js"]': ["salesforce", "node"], "* HTML, CSS\n* Go": ["html", "css", "go"],
    "Backend:\n- Python\n- Django": ["python", "django"], "PHP: 7.4; MySQL: 8": ["php", "mysql"],
    "Frontend: React, Backend: Node": ["react", "node"], "AWS (EC2, S3), Python": ["amazon web services", "ec2",
    "s3", "python"],
    "Docker and Kubernetes": ["docker", "kubernetes"], "HTML/CSS, CI/CD": ["html", "css", "ci/cd"],
    "Amazon Web Services (AWS)": ["amazon web services"], "Facebook Login (Connect)": ["facebook login (connect)"],
    "[React](https://react.dev), Go": ["react", "go"], "{Go,PHP}": ["go", "php"], "Ruby on Rails.": ["ruby on rails"],
    "We use Python for data science, and Go": ["python",
    "go"], "etc., and more": None, "N/A": None, "Go;go; Golang": ["go"],
    "Our stack has long been built around Ruby on Rails with PostgreSQL": ["ruby on rails", "postgresql"],
}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS)
def test_technologies_of_a_cell(cell: str) -> None:
    assert tokens(cell) == CELLS[cell]


def test_other_known_lists_keep_their_words() -> None:
    assert tokens("Node.js, R&D and more; x", KEYWORDS) == ["node.js, r&d and more", "x"]
    assert tokens("B2B, Acme, Inc.", KEYWORDS) == ["b2b", "acme"]
    assert tokens('["a, b", "c"]', KEYWORDS) == ["a, b", "c"]
    assert tokens('["a", broken"]', KEYWORDS) == ["a", "broken"]


def test_a_technology_is_shown_as_it_is_mostly_written() -> None:
    column = pa.array(["Node.js, AWS", "NodeJS; AWS", "Node.js", "Backend: Node.js and AWS"])
    found = commonest_spellings(column, column, TECHNOLOGIES)
    assert found == {"amazon web services": "AWS", "node": "Node.js"}


@given(st.lists(st.text("aBjsSQL.+#/&:,;|()[] 0\n-", max_size=20), max_size=6))
def test_technologies_of_a_cell_depend_on_that_cell_alone(cells: list[str]) -> None:
    together = normalise_column(pa.array(cells, pa.string()), TECHNOLOGIES).values.to_pylist()
    assert together == [tokens(cell) for cell in cells]
    encoded = normalise_column(pa.array(cells, pa.string()), TECHNOLOGIES, encoded=True).values
    assert encoded.to_pylist() == together


@given(st.text(max_size=60))
def test_no_text_breaks_technologies(text: str) -> None:
    for name, written in technologies_in(text):
        assert name
        assert written


@pytest.mark.parametrize(
    "cell",
    ["No Info", "no-info", "NO_INFO", "(No info)", "-- Select --", "- select -", "<Unknown>", "N / A", "n/a",
    "#N/A", "[null]",
     "Unknown / Non-Applicable", "unknown-non-applicable", "...", "Not Available.", "not_specified", "—"],
)  # fmt: skip
def test_words_for_missing_in_any_dress(cell: str) -> None:
    for kind in ("category", "text", "count", "date", "domain"):
        found = normalise_column(pa.array([cell, "x"]), Field("own", kind))
        assert found.values.to_pylist()[0] is None
        assert found.placeholders == 1


def test_words_that_only_look_like_missing_stay() -> None:
    values = ["KA", "no", "Nonesuch", "Selected", "Nanjing", "Unknown Worlds", "C", "+", "0"]
    assert not {value.casefold() for value in values} & PLACEHOLDERS


def column_of(cells: list[str | None], kind: str = "category") -> list[str | None]:
    field, column = Field("own", kind), pa.array(cells)  # type: ignore[arg-type]
    convention, _ = convention_of(column, field, "Own")
    return list(normalise_column(column, field, convention=convention).values.to_pylist())


def test_none_is_a_value_where_blanks_say_missing() -> None:
    assert column_of(["None", "Seed", None]) == ["none", "seed", None]
    assert column_of(["None", "Seed"]) == [None, "seed"]
    assert column_of(["None", "n/a", "Seed", None]) == [None, None, "seed", None]


def test_na_is_namibia_among_codes_when_rare() -> None:
    assert column_of(["NA", *["DE", "US"] * 150], "country")[:2] == ["NA", "DE"]
    assert column_of(["NA", "NA", "DE", "US"], "country")[:3] == [None, None, "DE"]  # half of them: not available
    assert column_of(["NA", *["Germany"] * 300], "country")[:2] == [None, "DE"]


def test_kept_words_hold_on_the_list_too() -> None:
    customers = read_accounts(pa.table({"Funding Stage": ["None", "Seed", None]}))
    column = customers.report.by_field["last_funding_stage"]
    assert "'none' taken as a value, not as missing" in column.notes
    normaliser = ListNormaliser(
        ["Funding Stage"], customers.fields, conventions={"last_funding_stage": column.convention}
    )
    found = normaliser.normalise(pa.record_batch({"Funding Stage": ["None", "n/a"]}))
    assert found["last_funding_stage"].to_pylist() == ["none", None]


def notes_of(cells: list[Any], kind: str, name: str = "own") -> tuple[str, ...]:
    field = Field(name, kind)  # type: ignore[arg-type]
    return sentinel_notes(normalise_column(pa.array(cells), field).values, field, name)


def test_codes_for_unknown_are_flagged_not_dropped() -> None:
    days = [*range(1, 28)] * 4 + [999] * 50
    assert normalise_column(pa.array(days), Field("pdays", "number")).values.null_count == 0
    assert notes_of(days, "number", "pdays") == (
        "50 cells hold 999, far from all others; if it means unknown, set fields.missing_values: {'pdays': [999]}",
    )
    assert "the only negative number" in notes_of([*range(1, 800), *[-1] * 90], "number")[0]
    assert "0, which few companies can have" in notes_of([*range(1, 80), *[0] * 9], "count", "employees")[0]
    assert "years from all others" in notes_of(["2020-05-01", "2021-05-01"] + ["1970-01-01"] * 6, "date")[0]
    assert "too short a code" in notes_of(["5310", "5411", "5412"] * 9 + ["0"] * 9, "category")[0]


def test_ordinary_columns_are_not_flagged() -> None:
    rng = np.random.default_rng(0)
    assert notes_of(list(range(2_000)), "number") == ()
    assert notes_of([999] * 9 + [1_000, 1_001, 990, 5_000], "number") == ()
    assert notes_of(rng.normal(0, 100, 5_000).round().tolist(), "number") == ()
    assert notes_of([99, 98, 97, 100, 101] * 20, "number") == ()
    assert notes_of([dt.datetime(1970, 1, 1 + k) for k in range(20)] * 6, "date") == ()
    assert notes_of(["0", "1", "2"] * 30, "category") == ()
    assert notes_of([], "number") == notes_of([None], "date") == ()


def test_declared_values_are_missing_on_both_sides() -> None:
    settings = Settings.build({"fields": {"missing_values": {"PDAYS": [999], "employees": ["1-1"]}}})
    table = pa.table({"pdays": [3, 999, 7], "Employees": ["5", "1-1", "999"]})
    accounts = read_accounts(table, settings)
    assert accounts.table["pdays"].to_pylist() == [3.0, None, 7.0]
    assert accounts.table["employees"].to_pylist() == [5.0, None, 999.0]
    assert accounts.report.by_field["pdays"].placeholders == 1
    normaliser = ListNormaliser(["pdays", "Employees"], accounts.fields, settings)
    found = normaliser.normalise(pa.record_batch({"pdays": ["999.0", "1", "x"], "Employees": ["1-1 ", "2", "3"]}))
    assert found["pdays"].to_pylist() == [None, 1.0, None]
    assert found["employees"].to_pylist() == [None, 2.0, 3.0]


GARBLED = {
    "MÃ¼nchen": "München", "TelefÃ³nica": "Telefónica", "Lâ€™OrÃ©al": "L'Oréal", "NestlÃ©": "Nestlé", "Ã‰cole": "École",
    "å¤§é˜ª": "大阪", "CafÃ© â€“ Bar": "Café – Bar", "KÃ¸benhavn": "København",
}  # fmt: skip
AS_MEANT = ["SÃO PAULO", "Zürich – Genève", "naïve", "Ærø", "Ångström", "“quoted”", "Œuvre", "ÅÄÖ", "Curaçao"]


def test_text_that_was_decoded_wrongly_is_mended() -> None:
    assert repaired(pa.array(list(GARBLED))).to_pylist() == list(GARBLED.values())
    assert [mended(text) for text in GARBLED] == list(GARBLED.values())
    found = normalise_column(pa.array(["MÃ¼nchen", "München"]), Field("own", "place"))
    assert found.values.to_pylist() == ["münchen", "münchen"]
    assert found.examples == (("MÃ¼nchen", "München"),)
    assert tokens("TelefÃ³nica; SAP", KEYWORDS) == ["telefónica", "sap"]


def test_text_that_is_right_stays_to_the_letter() -> None:
    assert repaired(pa.array([*AS_MEANT, None])).to_pylist() == [*AS_MEANT, None]


@given(st.lists(st.text("aÃ¼©â€™é Å\u0082SÃO", max_size=8), min_size=1, max_size=5))
def test_mending_depends_on_the_cell_alone(cells: list[str]) -> None:
    assert repaired(pa.array(cells)).to_pylist() == [repaired(pa.array([cell])).to_pylist()[0] for cell in cells]


def test_pages_on_networks_keep_their_path_and_shared_hosts_are_said() -> None:
    cells = [
        "https://de.linkedin.com/company/Acme/about?x",
        "http://www.linkedin.com/company/acme/",
        "company/acme",
        "x",
    ]
    found = normalise_column(pa.array(cells), BY_NAME["linkedin_url"])
    assert found.values.to_pylist() == ["linkedin.com/company/acme"] * 3 + [None]
    assert found.dropped == 1
    hosts = normalise_column(pa.array(["acme.com", "jo@gmail.com", "facebook.com/acme"]), BY_NAME["domain"])
    assert hosts.values.to_pylist() == ["acme.com", "gmail.com", "facebook.com"]
    assert hosts.notes[0].startswith("2 addresses that many companies share")


@pytest.mark.parametrize(
    ("rates", "match"),
    [({"eur": 1.1}, "three capital letters"), ({"EUR": 0}, "what one EUR is worth"), ({"USD": 2}, "what one USD"),
     ({"EUR": float("inf")}, "worth in US dollars")],
)  # fmt: skip
def test_rates_that_cannot_be_are_refused(rates: dict[str, float], match: str) -> None:
    with pytest.raises(SettingsError, match=match):
        Settings.build({"fields": {"currency_rates": rates}})

from __future__ import annotations

import pyarrow as pa
import pytest

from icp_ml.accounts.normalise import commonest_spellings, normalise_column
from icp_ml.accounts.values.cells import fold
from icp_ml.accounts.values.industries import broader, industry_name, naics_code, sic_code, title_of
from icp_ml.accounts.values.industry_codes import (
    NAICS_SECTORS,
    NAICS_SUBSECTORS,
    SIC_MAJOR_GROUPS,
    SIC_WITHOUT_ZERO,
)
from icp_ml.accounts.values.industry_names import FORMER_NAMES, INDUSTRIES
from icp_ml.accounts.values.naics_groups import NAICS_GROUPS
from icp_ml.schema import BY_NAME


def test_no_two_industries_become_one() -> None:
    assert len(INDUSTRIES) == len(set(INDUSTRIES)) == 435
    assert [industry_name(name) for name in INDUSTRIES] == [fold(name) for name in INDUSTRIES]


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda name: name.replace(" and ", " & ")])
def test_a_spelling_of_an_industry_is_that_industry(change) -> None:
    assert [industry_name(change(name)) for name in INDUSTRIES] == [fold(name) for name in INDUSTRIES]


def test_former_names_lead_to_the_present_ones() -> None:
    known = {fold(name) for name in INDUSTRIES}
    led = {former: industry_name(former) for former in FORMER_NAMES}
    assert led == {former: fold(name) for former, name in FORMER_NAMES.items()}
    assert {name for name in led.values() if name not in known} == {"healthcare", "e-commerce", "fintech"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Computer Software", "software development"), ("COMPUTER_SOFTWARE", "software development"),
        ("Internet", "technology, information and internet"), ("Hospital & Health Care", "hospitals and health care"),
        ("HOSPITAL_HEALTH_CARE", "hospitals and health care"), ("eLearning", "e-learning providers"),
        ("information technology & services", "it services and it consulting"),
        ("INFORMATION_TECHNOLOGY_AND_SERVICES", "it services and it consulting"),
        ("Marketing and Advertising", "advertising services"), ("Event Services", "events services"),
        ("Nonprofit Organization Management", "non-profit organizations"), ("Telecommunication", "telecommunications"),
        # one slip of the keyboard in a long word
        ("Sofware Development", "software development"), ("Software Developement", "software development"),
        ("Sotfware Development", "software development"), ("Constuction", "construction"),
        # what another word could be stays what it is
        ("Painting Services", "painting services"), ("Baking", "baking"), ("Software", "software"),
        ("Consumer Goods", "consumer goods"), ("Wholesale Software", "wholesale software"), ("Framing", "framing"),
        ("Underwater Basket Weaving", "underwater basket weaving"), ("", ""), ("x" * 300, "x" * 300),
    ],
)  # fmt: skip
def test_names_of_industries(written: str, name: str) -> None:
    assert industry_name(written) == name


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("541512", "5415"), ("541512.0", "5415"), ("541512 - Computer Systems Design Services", "5415"),
        ("541512; 541511", "5415"), ("[54151, 541512]", "5415"), ("NAICS 5112", "5112"), ("31-33", "31-33"),
        ("32", "31-33"), ("330000", "31-33"), ("332710", "3327"), ("44-45", "44-45"), ("48-49 Transportation", "48-49"),
        ("541", "541"), ("Food Manufacturing", "311"), ("Manufacturing", "31-33"), ("RETAIL TRADE", "44-45"),
        ("unknown; 92", "92"), ("Construction", "23"),
        # no code
        ("0", None), ("000000", None), ("0.0", None), ("999999", "999999"), ("7", "7"), ("51-200", "51-200"),
        ("11/5/2024", "11/5/2024"), ("Bakery", "bakery"), ("54%", "54%"), ("9" * 300, "9" * 300),
    ],
)  # fmt: skip
def test_naics_codes_are_cut_to_their_group(written: str, code: str | None) -> None:
    assert naics_code(written) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [("7372", "737"), ("73", "73"), ("7300", "73"), ("737", "737"), ("7372.0", "737"), ("73720000", "737"),
     ("SIC 7372; 8742", "737"), ("0111", "011"), ("111", "011"), ("742", "074"), ("171", "171"),
     ("8742 - Management Consulting Services", "874"), ("Business Services", "73"),
     ("62012", "62012"), ("0", None), ("1100", "1100"), ("x", "x")],
)  # fmt: skip
def test_sic_codes_are_cut_to_their_group(written: str, code: str | None) -> None:
    assert sic_code(written) == code


def test_codes_know_what_is_above_them_and_what_they_are_called() -> None:
    assert broader("3327", "naics") == ("332", "31-33")
    assert broader("5415", "naics") == ("541", "54")
    assert broader("737", "sic") == ("73",)
    assert [broader(text, "naics") for text in ("54", "31-33", "9999", "bakery", "")] == [()] * 5
    assert title_of("5415", "naics") == "Computer Systems Design and Related Services"
    assert title_of("31-33", "naics") == "Manufacturing"
    assert title_of("5112", "naics") == "5112 (Information)"  # of an older edition
    assert title_of("737", "sic") == "737 (Business Services)"
    assert title_of("bakery", "sic") is None


def test_the_tables_hang_together() -> None:
    assert [len(table) for table in (NAICS_SECTORS, NAICS_SUBSECTORS, NAICS_GROUPS)] == [20, 96, 308]
    assert len(SIC_MAJOR_GROUPS) == 83
    assert all(broader(code, "naics")[-1] in NAICS_SECTORS for code in NAICS_SUBSECTORS)
    assert all(broader(code, "naics")[0] in NAICS_SUBSECTORS for code in NAICS_GROUPS)
    assert all(naics_code(code) == code for code in (*NAICS_SECTORS, *NAICS_SUBSECTORS, *NAICS_GROUPS))
    assert all(sic_code(code) == code for code in SIC_MAJOR_GROUPS)
    assert all(code[:2] not in SIC_MAJOR_GROUPS for code in SIC_WITHOUT_ZERO)


def test_a_column_of_codes_is_shown_by_its_titles() -> None:
    column = pa.array(["541512", "541511", "54", "0", None, "not a code", "311811"])
    field = BY_NAME["naics_code"]
    found = normalise_column(column, field)
    assert found.values.to_pylist() == ["5415", "5415", "54", None, None, "not a code", "3118"]
    assert found.placeholders == 1
    assert found.changed == 3
    assert ("311811", "3118") in found.examples
    assert commonest_spellings(column, found.values, field) == {
        "5415": "Computer Systems Design and Related Services",
        "54": "Professional, Scientific, and Technical Services",
        "3118": "Bakeries and Tortilla Manufacturing",
        "not a code": "not a code",
    }


def test_a_column_of_industries_keeps_the_words_of_its_vendor() -> None:
    column = pa.array(["Computer Software", "computer software", "Computer Software", "Software Development"])
    found = normalise_column(column, BY_NAME["industry"])
    assert found.values.to_pylist() == ["software development"] * 4
    assert found.changed == 3
    assert commonest_spellings(column, found.values, BY_NAME["industry"]) == {
        "software development": "Computer Software"
    }

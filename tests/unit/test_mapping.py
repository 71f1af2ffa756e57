"""The settings `icp-ml init` proposes: they parse, change nothing by themselves, can be corrected line by line."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from icp_ml.accounts import Accounts, read_accounts
from icp_ml.accounts.mapping import default_lines, propose_settings, quoted, read_mapping
from icp_ml.exceptions import InputError, SettingsError
from icp_ml.settings import Settings

CUSTOMERS = pd.DataFrame(
    {
        "Account ID": [f"A{n}" for n in range(60)], "Company": ["Acme, Inc.", "Beta # Co", 'Gamma "X"'] * 20,
        "# Employees": ["51-200", "10,001+", "11-50"] * 20, "Empl. Range": ["1-10", "11-50", "51-200"] * 20,
        "Revenue": ["12000", "5000", "900"] * 20, "Branche": ["Banking", "Retail", "Software"] * 20,
        "NPS": [9, 3, 7] * 20, "Customer Since": ["2024-02-26", "2023-01-30", "2022-05-01"] * 20,
        "Weekly Active Users": [5, 6, 7] * 20, "Company Size": ["small", "big", "small"] * 20,
    }
)  # fmt: skip
MARKET = pd.DataFrame(
    {"Company ID": [f"B{n}" for n in range(60)], "Company": ["x", "y", "z"] * 20, "Company Name": ["X", "Y", "Z"] * 20,
     "Employee Range": ["1-10", "11-50", "51-200"] * 20, "Weekly Active Users": [5, 6, 7] * 20}
)  # fmt: skip


def both() -> tuple[Accounts, Accounts]:
    customers = read_accounts(CUSTOMERS)
    return customers, read_accounts(MARKET, like=customers)


def understood(accounts: Accounts) -> dict[str, str]:
    return {report.header: report.field for report in accounts.report.columns}


def test_proposed_settings_change_nothing_by_themselves() -> None:
    customers, market = both()
    settings = Settings.parse(propose_settings(customers, market))
    assert settings.override(columns={}, as_of=None) == Settings()
    again = read_accounts(CUSTOMERS, settings)
    assert understood(again) == understood(customers)
    assert understood(read_accounts(MARKET, settings, like=again)) == understood(market)
    assert not any("names no column" in note for note in again.report.notes)


def test_what_training_would_miss_is_said_before_it_refuses() -> None:
    frame = pd.DataFrame({"Gekündigt": ["Ja", "Nein"] * 30, "Branche": ["Handel", "Bank"] * 30, "NR": range(60)})
    text = propose_settings(read_accounts(frame), None)
    assert "# TO DO: no column is known for sure as an outcome" in text
    assert "# TO DO: no column is known for sure as the account id" in text
    assert Settings.parse(text) == Settings()
    assert "TO DO" not in propose_settings(*both())


def test_every_column_has_its_line_with_what_it_was_found_to_be() -> None:
    customers, market = both()
    lines = propose_settings(customers, market).splitlines()
    for header in (*CUSTOMERS, *MARKET):
        assert sum(bool(re.match(rf"  (?:# )?{re.escape(quoted(header))}: ", line)) for line in lines) == 1, header
    (size,) = [line for line in lines if '"# Employees"' in line]
    assert re.fullmatch(r'  "# Employees": +employees +# count, 100% filled, e.g. 10,001\+, 11-50, 51-200', size)
    (users,) = [line for line in lines if '"Weekly Active Users"' in line]
    assert users.lstrip().startswith("#")
    assert "says it is known of customers only" in users
    (words,) = [line for line in lines if '"Company Size"' in line]
    assert "ignore" in words
    (company,) = [line for line in lines if '"Company":' in line]
    assert company.lstrip().startswith("#")  # the list has a better name column: said of both files it would change one
    (nps,) = [line for line in lines if '"NPS"' in line]
    assert "# nps: number" in nps


def test_guesses_and_questions_are_comments_that_can_be_made_lines() -> None:
    text = propose_settings(read_accounts(CUSTOMERS.drop(columns="# Employees")), None)
    for header, field, said in (
        ("Empl. Range", "employees", r"0\.9\d: with its short forms"),
        ("Branche", "industry", r"0\.9\d: 'branche' is German; values are industries"),
        (
            "Revenue",
            "revenue_usd",
            r"0\.50: is it the company's turnover, or what it pays you\?; or annual_revenue_from_",
        ),
    ):
        assert re.search(rf'^  # "{re.escape(header)}": +{field} +# {said}', text, re.MULTILINE), text
        used = Settings.parse(text.replace(f'  # "{header}"', f'  "{header}"'))
        assert understood(read_accounts(CUSTOMERS.drop(columns="# Employees"), used))[header] == field


def test_the_lines_are_aligned() -> None:
    group = re.findall(r'^  "[^\n]*', propose_settings(*both()), re.MULTILINE)
    assert len({line.index("  # ") for line in group if "retention" not in line and "nps" not in line}) <= 3


def test_hostile_headers_and_values_stay_in_their_line() -> None:
    strange = ['"', "a: b", "x\ny: ignore", "{", "\\", "\u2028", "é\ufeff", "#", "- a", "\U0001f600", "\x07", "a" * 300]
    frame = pd.DataFrame({header: ["v\nas_of: 1999-01-01", "# \x1b[31m", "x" * 900] for header in strange})
    accounts = read_accounts(frame)
    text = propose_settings(accounts, None)
    settings = Settings.parse(text)
    assert settings.override(columns={}) == Settings()
    assert "\x1b" not in text
    for line in [line for line in text.splitlines() if line.startswith('  # "')]:
        (header,) = yaml.safe_load(line.removeprefix("  # "))
        assert header.strip() in {name.strip() for name in understood(accounts)}


@pytest.mark.parametrize("text", ["plain", 'a "b" \\', "tab\there", "\u2028", "\U0001f600\U000e0001", "- x: #"])
def test_quoting(text: str) -> None:
    assert yaml.safe_load(quoted(text)) == text
    assert "\n" not in quoted(text)


def test_the_defaults_shown_are_the_defaults() -> None:
    lines = default_lines()
    shown = "\n".join(line.removeprefix("# ") for line in lines if not line.startswith("# --"))
    data = yaml.safe_load(shown)
    assert Settings.build(data) == Settings()
    assert sum(len(section) for section in data.values()) >= 20
    assert all("  # " in line for line in lines if line.startswith("#   "))


def test_a_table_of_own_columns_only_still_parses() -> None:
    text = propose_settings(read_accounts(pd.DataFrame({"foo": [1, 2], "bar": ["x", "y"]})), None)
    assert Settings.parse(text) == Settings()


@pytest.mark.parametrize(
    "table",
    [
        "clutch_agencies_tam/clutch_agencies.csv", "remote_tech_companies_tam/remote_jobs_companies.csv",
        "saas_vendor_pipeline/opportunities.csv", "olist_b2b_sellers/olist_closed_deals_dataset.csv",
        "crunchbase_startup_acquired_closed/startup_data.csv", "salvirt_b2b_deals/b2b_dataset.csv",
    ],
)  # fmt: skip
def test_real_tables_are_read_the_same_with_their_proposed_settings(shared_data: Path, table: str) -> None:
    accounts = read_accounts(shared_data / table)
    settings = Settings.parse(propose_settings(accounts, None))
    assert understood(read_accounts(shared_data / table, settings)) == understood(accounts)


def test_mappings_are_read_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("Branche: industry\n")
    assert read_mapping(path) == {"Branche": "industry"}
    path.write_text("- a\n")
    with pytest.raises(SettingsError, match=r"m\.yaml: expected lines such as  Sector: industry"):
        read_mapping(path)
    path.write_text("a: [")
    with pytest.raises(InputError, match="cannot be read as a mapping"):
        read_mapping(path)

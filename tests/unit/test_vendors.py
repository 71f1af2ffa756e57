"""Headers to fields, kinds from values, whole tables, and lists normalised batch by batch."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from icp_ml.accounts import ListNormaliser, read_accounts
from icp_ml.accounts.formats.readers import open_table
from icp_ml.accounts.headers.kinds import infer_kind
from icp_ml.accounts.headers.spellings import QUESTIONS
from icp_ml.accounts.headers.vendors import ColumnMapping, header_scale, map_columns, unused_settings
from icp_ml.accounts.values.conventions import Convention
from icp_ml.exceptions import InputError, SettingsError
from icp_ml.schema import BY_NAME, NUMERIC_KINDS, Field, header_key
from icp_ml.settings import Settings
from tests.vendor_headers import ASK, VENDORS


def settings(**parts: Any) -> Settings:
    return Settings.build(parts)


def named(headers: list[str] | tuple[str, ...], **parts: Any) -> dict[str, str]:
    return {m.header: m.field.name for m in map_columns(headers, settings(**parts))}


@pytest.mark.parametrize("vendor", list(VENDORS))
def test_exports_of_vendors_are_recognised(vendor: str) -> None:
    headers = VENDORS[vendor]
    found = {m.header: m.field.name for m in map_columns(list(headers), Settings()) if m.how != "own name"}
    assert found == {header: name for header, name in headers.items() if name not in (None, ASK)}
    assert all(header_key(header) in QUESTIONS for header, name in headers.items() if name == ASK)
    assert named(list(headers)[::-1]) | found == named(list(headers)) | found  # whatever the columns' order


def test_a_persons_column_is_not_taken_for_the_companys() -> None:
    assert named(["Name", "City", "Company", "Company City"]) == {
        "Name": "own_name", "City": "own_city", "Company": "name", "Company City": "city",
    }  # fmt: skip
    assert named(["Name", "City"]) == {"Name": "name", "City": "city"}
    (person, *_) = map_columns(["City", "Company City"], Settings())
    assert (person.field.label, person.note) == ("City", "'Company City' is already taken as city")


@pytest.mark.parametrize("header", ["Type", "Size", "Revenue", "Region", "Tags", "Start Date", "Contract End Date"])
def test_headers_that_mean_different_things_are_not_guessed(header: str) -> None:
    (mapping,) = map_columns([header], Settings())
    assert mapping.how == "own name"


def test_addresses_at_one_host_are_no_domains() -> None:
    pages = [f"https://www.linkedin.com/company/acme{n}" for n in range(8)]
    accounts = read_accounts(pd.DataFrame({"ID": range(8), "URL": pages}))
    assert "domain" not in accounts.fields
    own = [f"https://acme{n}.com" for n in range(8)]
    assert read_accounts(pd.DataFrame({"ID": range(8), "URL": own})).fields["domain"].kind == "domain"


def test_settings_come_before_names_and_names_before_aliases() -> None:
    columns = ["Company Size", "employees", "Staff"]
    assert named(columns) == {"Company Size": "company_size", "employees": "employees", "Staff": "staff"}
    assert named(columns, columns={"Staff": "employees"}) == {
        "Company Size": "company_size", "employees": "own_employees", "Staff": "employees",
    }  # fmt: skip
    (mapping, *_) = map_columns(columns, Settings())
    assert (mapping.how, mapping.note) == ("own name", "'employees' is already taken as employees")


def test_the_alias_listed_first_wins_whatever_the_column_order() -> None:
    expected = {"Company": "company", "Company Name": "name"}
    assert named(["Company", "Company Name"]) == named(["Company Name", "Company"]) == expected


def test_settings_are_matched_by_header_or_by_another_spelling_of_it() -> None:
    assert named([" GPU spend ($)"], columns={"gpu_spend": "it_spend_usd"}) == {" GPU spend ($)": "it_spend_usd"}
    assert named(["a", "b"], columns={"a": "ignore"}) == {"b": "b"}
    assert unused_settings(["a"], settings(columns={"A": "ignore", "gone": "name"})) == ("gone",)
    assert unused_settings(["a"], settings(columns={"# Employees": "employees", "Staff": "employees"})) == ("Staff",)


def test_custom_fields_are_found_by_name() -> None:
    custom = {"custom": [{"name": "gpu_spend_usd", "kind": "token_set", "category": "technographic", "delimiter": "/"}]}
    (mapping,) = map_columns(["GPU Spend USD"], settings(fields=custom))
    assert mapping == ColumnMapping(
        "GPU Spend USD", Field("gpu_spend_usd", "token_set", "technographic"), "name", 1.0, "/"
    )


def test_wrong_settings_are_refused_with_a_proposal() -> None:
    with pytest.raises(SettingsError, match=r"columns\['Staff'\] = 'employee' is no field: did you mean employees"):
        map_columns(["Staff"], settings(columns={"Staff": "employee"}))
    with pytest.raises(SettingsError, match="did you mean employees"):
        map_columns(["Staff"], settings(columns={"Staff": "# Employees"}))
    with pytest.raises(SettingsError, match="maps both 'a' and 'b' to 'name'"):
        map_columns(["a", "b"], settings(columns={"a": "name", "b": "name"}))
    assert named(["b"], columns={"a": "name", "b": "name"}) == {"b": "name"}


def test_headers_that_fold_to_nothing_or_to_one_another_are_numbered() -> None:
    assert list(named(["会社", "a b", "a-b", "!!"]).values()) == ["column_1", "a_b", "column_3", "column_4"]


def test_category_of_an_unknown_column_follows_its_words() -> None:
    found = {
        m.header: m.field.category for m in map_columns(["CRM used", "Hiring plan", "Culture", "Colour"], Settings())
    }
    assert list(found.values()) == ["technographic", "job_to_be_done", "psychographic", "firmographic"]


def test_unit_in_a_header() -> None:
    assert header_scale("Revenue (in 000s USD)", "money") == 1000
    assert header_scale("Revenue ($M)", "money") == 1e6
    assert header_scale("Employee Growth %", "share") == 0.01
    assert header_scale("MRR", "money") == header_scale("Employees (k)", "count") == header_scale("Share", "share") == 1


KINDS_OF_VALUES = {
    "boolean": [["Yes", "no"], ["0", "1"], ["TRUE", "FALSE", "n/a"], ["y"], [True, None], [0.0, 1.0]],
    "number": [["1", "2.5"], ["1-10", "11-50", "51-200"], [1.5, None], ["0"] * 3, ["-3", "4"],
               [str(i % 7) for i in range(99)]],
    "money": [["$5", "$1.5M", "€3"], ["$10 to $25 million", "$1M-$5M"]],
    "share": [["5%", "10 %"]],
    "date": [["2024-01-05", "2023-07-09"], ["1/2/2007", "12/31/2008"], [datetime(2024, 1, 1)], ["Jan 5, 2024"]],
    "token_set": [["a; b", "b|c", "a", "b; c; a"], [["a"], None]],
    "identifier": [[f"x{i}" for i in range(60)], [str(i) for i in range(100)],
                   [str(10**8 + 7 * i**2) for i in range(90)]],
    "text": [[f"Company number {i} Ltd" for i in range(60)], [f"{i} " + "long words " * 8 for i in range(60)] * 3],
    "category": [["a", "b"], [None, "n/a"], ["01234", "01235"], ["f", "m"], ["low", "high"] * 50],
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "cells"), [(kind, cells) for kind, cases in KINDS_OF_VALUES.items() for cells in cases]
)
def test_kind_from_values_whatever_the_order(kind: str, cells: list[Any]) -> None:
    column = pa.array(cells)
    assert infer_kind(column) == kind
    assert infer_kind(pa.chunked_array([column[::-1].slice(0, 1), column[::-1].slice(1)])) == kind


CUSTOMERS = """\
Account ID,Company,Website,# Employees,Company Size,Annual Revenue,Country,Tech Stack,Customer Since,Churned,NRR,Plan,
A1,Acme,https://www.acme.com,51-200,small,$10 to $25 million,USA,Salesforce; SAP,2024-02-26,No,110%,Pro,
A2,Beta,beta.de,"10,001+",large,$2m,Deutschland,"SAP, Slack",1/13/2024,yes,0.9,pro,
A3,Gamma,-,Unknown,small,-1,Germany,,2999-01-01,no,,Basic,
"""


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text(CUSTOMERS)
    return path


def test_read_accounts_end_to_end(customers: Path) -> None:
    accounts = read_accounts(customers)
    frame = accounts.frame
    assert list(frame.columns) == list(accounts.fields) == accounts.table.column_names
    assert frame["employees"].tolist()[:2] == [125.5, 10_001]
    assert frame["revenue_usd"].tolist()[:2] == [17.5e6, 2e6]
    assert frame["country"].tolist() == ["US", "DE", "DE"]
    assert frame["technologies"].tolist() == [("salesforce", "sap"), ("sap", "slack"), None]
    assert frame["churned"].tolist() == [False, True, False]
    assert frame["net_revenue_retention"].tolist()[:2] == [1.1, 0.9]
    assert frame["domain"].tolist()[:2] == ["acme.com", "beta.de"]
    assert {str(dtype) for dtype in frame.dtypes} == {"float64", "boolean", "str", "datetime64[s]", "object"}
    assert accounts.as_of == date(2024, 2, 26)
    assert accounts.spellings["country"] == {"DE": "Deutschland", "US": "USA"}
    assert accounts.spellings["technologies"]["sap"] == "SAP"
    assert len(accounts) == accounts.report.rows_read == 3


def test_report_tells_what_was_done(customers: Path) -> None:
    report = read_accounts(customers).report
    columns = report.by_field
    assert "company_size" in columns  # a name of its own, as "employees" is taken
    assert columns["revenue_usd"].dropped == 1
    assert columns["employees"].placeholders == 1
    assert columns["employees"].changed == 2
    assert ("51-200", "125.5") in columns["employees"].examples
    assert columns["customer_since"].convention.day_first is False
    assert not any(column.header == "column_13" for column in report.columns)
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    assert len(report.frame()) == len(report.columns) == 12


def test_alias_whose_values_contradict_it_keeps_its_own_name() -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "Company Size": ["small", "large", "small"]})
    accounts = read_accounts(frame)
    assert accounts.fields["company_size"].kind == "category"
    assert "not taken as employees, as only 0 of 3 cells" in accounts.report.by_field["company_size"].notes[0]
    insisted = read_accounts(frame, settings(columns={"Company Size": "employees"}))
    assert insisted.fields["employees"].kind == "count"
    assert insisted.report.by_field["employees"].notes == ("no cell could be read as count",)


def test_the_same_table_from_csv_parquet_frame_and_arrow(customers: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(customers, dtype=str, keep_default_na=False).iloc[:, :-1]
    frame.to_parquet(tmp_path / "c.parquet")
    expected = read_accounts(customers).table
    for source in (frame, tmp_path / "c.parquet", pa.Table.from_pandas(frame, preserve_index=False)):
        assert read_accounts(source).table.equals(expected)


@pytest.mark.parametrize(
    ("columns", "source", "ids"),
    [
        ({"ID": [7, None], "domain": ["a.com", "b.com"]}, "account_id", ["7", "b.com"]),
        ({"Website": ["a.com", None], "Company": ["A", "B"]}, "domain", ["a.com", "B"]),
        ({"Company": ["A", None]}, "name", ["A", "2"]),
        ({"employees": [1, 2]}, "row number", ["1", "2"]),
    ],
)
def test_account_ids_fall_back(columns: dict[str, list[Any]], source: str, ids: list[str]) -> None:
    accounts = read_accounts(pd.DataFrame(columns))
    assert accounts.table["account_id"].to_pylist() == ids
    assert accounts.report.id_source == source
    assert any("ids are taken from the" in note for note in accounts.report.notes) == (source != "account_id")
    assert accounts.table.column_names[0] == next(iter(accounts.fields)) == "account_id"


def test_repeated_ids_are_refused_only_where_they_are_ids() -> None:
    with pytest.raises(InputError, match="column 'ID' holds 1 account id more than once \\('7'\\)"):
        read_accounts(pd.DataFrame({"ID": [7, 7.0, "8"]}, dtype=object)).check_unique_ids()
    read_accounts(pd.DataFrame({"Company": ["A", "A"]})).check_unique_ids()


def test_as_of_is_the_setting_else_the_newest_date_not_in_the_future() -> None:
    frame = pd.DataFrame({"Customer Since": ["2020-01-05", "2990-01-01"], "Churn Date": ["2021-03-04", None]})
    assert read_accounts(frame).as_of == date(2021, 3, 4)
    assert read_accounts(frame, settings(as_of="2026-10-01")).as_of == date(2026, 10, 1)
    assert read_accounts(frame[["Customer Since"]].iloc[1:]).as_of is None


def test_rejects_and_unused_settings_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("ID,Plan\n1,a\n2,b,c\n3,d\n")
    accounts = read_accounts(path, settings(columns={"Gone": "name"}))
    assert (accounts.report.rows_read, accounts.report.rows_rejected, accounts.rejects[0].line) == (2, 1, 3)
    assert accounts.report.notes == (
        "1 rows could not be parsed, the first on line 3: 3 cells where the header has 2",
        "setting columns['Gone'] names no column of this table",
    )


def test_empty_tables_are_refused() -> None:
    with pytest.raises(InputError, match="DataFrame: it has 0 rows"):
        read_accounts(pd.DataFrame({"a": []}))
    with pytest.raises(InputError, match="the settings ignore every one"):
        read_accounts(pd.DataFrame({"a": [1]}), settings(columns={"a": "ignore"}))


def test_list_normaliser_agrees_with_read_accounts_in_any_batch(customers: Path) -> None:
    accounts = read_accounts(customers)
    reader = open_table(customers)
    for rows in (1, 2, 3):
        normaliser = ListNormaliser(
            reader.columns, accounts.fields, conventions={"customer_since": Convention(day_first=False)}
        )
        parts = [normaliser.normalise(chunk.batch, chunk.first_row) for chunk in reader.batches(rows)]
        for name in accounts.fields:
            together = [value for part in parts for value in part[name].to_pylist()]
            assert together == accounts.table[name].to_pylist(), name
        assert normaliser.missing == ()


def test_list_normaliser_freezes_kinds_and_reads_only_what_is_wanted() -> None:
    wanted = {"employees": BY_NAME["employees"], "plan": Field("plan", "category"), "gone": Field("gone", "number")}
    normaliser = ListNormaliser(["Plan", "Headcount", "Company", "Else"], wanted)
    assert normaliser.missing == ("gone",)
    assert normaliser.headers == {"name": "Company", "employees": "Headcount", "plan": "Plan"}
    assert set(normaliser.columns) == {"Plan", "Headcount", "Company"}
    found = normaliser.normalise(
        pa.record_batch({"Plan": [1, 2], "Headcount": ["5", None], "Company": ["A", None]}), 10
    )
    assert {name: array.to_pylist() for name, array in found.items()} == {
        "name": ["A", None], "employees": [5.0, None], "plan": ["1", "2"], "account_id": ["A", "12"],
    }  # fmt: skip


def test_list_normaliser_finds_a_field_that_training_kept_under_its_own_name() -> None:
    wanted = {"company_size": Field("company_size", "category")}
    normaliser = ListNormaliser(["Company Size"], wanted)
    assert normaliser.headers == {"company_size": "Company Size"}
    ignoring = ListNormaliser(["Company Size"], wanted, settings(columns={"Company Size": "ignore"}))
    assert ignoring.missing == ("company_size",)


def test_a_list_without_any_field_of_the_model_is_refused() -> None:
    normaliser = ListNormaliser(["Website", "Foo"], {"employees": BY_NAME["employees"]})
    with pytest.raises(InputError, match=r"list.csv: none of its columns \('Website', 'Foo'\) is a field of the model"):
        normaliser.check_usable("list.csv")
    ListNormaliser(["Website", "Headcount"], {"employees": BY_NAME["employees"]}).check_usable()


@pytest.mark.parametrize(
    "table",
    [
        "clutch_agencies_tam/clutch_agencies.csv",
        "remote_tech_companies_tam/remote_jobs_companies.csv",
        "saas_vendor_pipeline/opportunities.csv",
        "sba_small_business_loans/sba_california_case.csv",
    ],
)
def test_real_tables_are_read_whole(shared_data: Path, table: str) -> None:
    accounts = read_accounts(shared_data / table)
    assert len(accounts) == len(pd.read_csv(shared_data / table))
    assert accounts.report.rows_rejected == 0
    for name, field in accounts.fields.items():
        if field.kind in NUMERIC_KINDS:
            assert np.isfinite(accounts.table[name].drop_null().to_numpy()).all()
    if "clutch" in table:
        assert accounts.report.by_field["employees"].dropped == 0
        assert accounts.frame["employees"].min() == 1.0

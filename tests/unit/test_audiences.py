from __future__ import annotations

import csv

import pyarrow.parquet as pq
import pytest

from icp_ml.audiences import AudienceRequest, export_audience
from icp_ml.audiences.formats import FORMATS, LINKEDIN, REASONS
from icp_ml.exceptions import InputError
from tests.scored_file import VERSION, account, rows_of, write_scored

HEADER = b"account_id,status,fit_score,tier,in_support,model_version,rank,name,domain\n"
COMPANIES = ("linkedin", "salesforce", "hubspot")


def export(tmp_path, accounts, form="linkedin", ending=".csv", **options):
    scored = write_scored(tmp_path / f"scored{ending}", accounts)
    out = tmp_path / f"{form}.csv"
    summary = export_audience(AudienceRequest(scored=scored, format=form, out=out, **options))
    assert summary.rows == len(accounts) == (
        summary.ineligible + summary.suppressed + summary.other_tiers + summary.beyond_limit
        + summary.accounts + summary.rejected
    )  # fmt: skip
    return summary, rows_of(out)


def rejects(summary):
    return rows_of(summary.rejects) if summary.rejects else []


@pytest.mark.parametrize(
    ("form", "header"),
    [
        ("linkedin", "companyname,companywebsite,companyemaildomain,linkedincompanypageurl,stocksymbol,industry,city,"
                     "state,companycountry,zipcode"),
        ("salesforce", "Name,Website,Industry,NumberOfEmployees,BillingCity,BillingState,BillingPostalCode,"
                       "BillingCountry,TickerSymbol,ICP_Account_Id__c,ICP_Fit_Score__c,ICP_Tier__c,ICP_Reason_1__c,"
                       "ICP_Reason_2__c,ICP_Reason_3__c,ICP_Model_Version__c"),
        ("hubspot", "Company name,Company domain name,Number of employees,City,State/Region,Postal code,Country/Region,"
                    "LinkedIn company page,icp_account_id,icp_fit_score,icp_tier,icp_reason_1,icp_reason_2,"
                    "icp_reason_3,icp_model_version"),
    ],
)  # fmt: skip
def test_a_file_has_the_published_columns_and_no_byte_order_mark(tmp_path, form, header):
    export(tmp_path, [account(1, name='Müller, "Söhne" & Co')], form)
    first, second = (tmp_path / f"{form}.csv").read_bytes().split(b"\n")[:2]
    assert first.decode("utf-8") == header
    assert '"Müller, ""Söhne"" & Co"'.encode() in second


def test_what_the_list_carried_is_found_by_its_headers(tmp_path):
    carried = {
        "LinkedIn URL": "https://de.linkedin.com/company/Acme-GmbH/about/?x=1", "Ticker": "ACM", "Industry": "Software",
        "Company City": "Berlin", "State": "Unknown / Non-Applicable", "Company Country": "Deutschland",
        "Zip Code": "10115",
    }  # fmt: skip
    summary, rows = export(tmp_path, [account(1, **carried)])
    assert rows == [{
        "companyname": "Acme 1", "companywebsite": "acme1.com", "companyemaildomain": "acme1.com",
        "linkedincompanypageurl": "https://www.linkedin.com/company/acme-gmbh", "stocksymbol": "ACM",
        "industry": "Software", "city": "Berlin", "state": "", "companycountry": "DE", "zipcode": "10115",
    }]  # fmt: skip
    assert not any("stay" in note for note in summary.notes)


def test_a_crm_gets_the_score_the_tier_and_the_reasons(tmp_path):
    carried = {"# Employees": "1,250", "Country": "Germany", "reason_2": "r2", "reason_3": "x" * 300}
    summary, rows = export(tmp_path, [account(1, **carried)], "salesforce")
    row = rows[0]
    assert (row["ICP_Account_Id__c"], row["ICP_Fit_Score__c"], row["ICP_Tier__c"]) == ("a1", "89.12", "A")
    assert (row["ICP_Reason_1__c"], row["ICP_Reason_2__c"]) == ("51 employees raises fit", "r2")
    assert row["ICP_Reason_3__c"] == "x" * 254 + "…"
    assert (row["NumberOfEmployees"], row["BillingCountry"], row["ICP_Model_Version__c"]) == (
        "1250",
        "Germany",
        VERSION,
    )
    assert "ICP_Reason_3__c: cut at the platform's length (1 rows)" in summary.notes
    assert "create these in Salesforce before the import" in summary.notes[0]


@pytest.mark.parametrize("written", ["51-200", "10,001+", "many", "over 500", "1e30", "9" * 5000, "12.5", "-3"])
def test_a_band_is_no_number_of_employees(tmp_path, written):
    summary, rows = export(tmp_path, [account(1, employees=written)], "hubspot")
    assert rows[0]["Number of employees"] == ""
    assert any(note.startswith("Number of employees: left empty") for note in summary.notes)


@pytest.mark.parametrize("form", COMPANIES)
@pytest.mark.parametrize("name", ["=cmd|'/c calc'!A1", "+1+1", "-cmd", "@SUM(A1)", "\t=1", "\r\n=1", "=", "\x00=1"])
def test_formulas_in_names_are_defused(tmp_path, form, name):
    for ending in (".csv", ".parquet"):
        _, rows = export(tmp_path, [account(1, name=name)], form, ending)
        first = next(iter(rows[0].values()))
        assert first == "'" + name.strip("\t\r\n\x00")


@pytest.mark.parametrize("form", COMPANIES)
def test_formulas_anywhere_else_are_defused_too(tmp_path, form):
    hostile = {name: "=1+1" for name in ("city", "state", "industry", "ticker", "postal_code", *REASONS)}
    summary, rows = export(tmp_path, [account(1, **hostile), account(2, domain=None, name="=2", account_id="@x")], form)
    cells = [cell for row in [*rows, *rejects(summary)] for cell in row.values()]
    assert "'=1+1" in cells
    assert "'@x" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_numbers_stay_numbers(tmp_path):
    _, rows = export(tmp_path, [account(1, postal_code="-5", employees="7")], "salesforce")
    assert (rows[0]["BillingPostalCode"], rows[0]["NumberOfEmployees"]) == ("-5", "7")


@pytest.mark.parametrize("form", COMPANIES)
def test_a_csv_and_a_parquet_of_the_same_scores_give_the_same_bytes(tmp_path, form):
    accounts = [account(k, city="@home" if k % 2 else "Köln", employees=k) for k in range(120)]
    made = []
    for ending in (".csv", ".parquet"):
        export(tmp_path, accounts, form, ending)
        made.append((tmp_path / f"{form}.csv").read_bytes())
    assert made[0] == made[1]
    export(tmp_path, accounts[::-1], form)
    assert (tmp_path / f"{form}.csv").read_bytes() == made[0]


def test_suppressed_ineligible_and_other_tiers_never_go_out(tmp_path):
    accounts = [
        account(1), account(2, status="suppressed"), account(3, status="ineligible"), account(4, tier="C"),
        account(5, tier="B"), account(6, status="suppressed", tier="A"),
    ]  # fmt: skip
    summary, rows = export(tmp_path, accounts)
    assert [row["companyname"] for row in rows] == ["Acme 1", "Acme 5"]
    assert (summary.suppressed, summary.ineligible, summary.other_tiers) == (2, 1, 1)
    assert summary.rejects is None
    _, rows = export(tmp_path, accounts, tiers=("C",))
    assert [row["companyname"] for row in rows] == ["Acme 4"]


def test_the_best_go_first_and_the_limit_counts_what_goes_out(tmp_path):
    accounts = [account(k, domain=None if k == 2 else f"acme{k}.com") for k in (5, 3, 2, 1, 4)]
    summary, rows = export(tmp_path, accounts, limit=3)
    assert [row["companyname"] for row in rows] == ["Acme 1", "Acme 3", "Acme 4"]
    assert (summary.rejected, summary.beyond_limit) == (1, 1)
    assert "3 rows: LinkedIn refuses lists of fewer than 300 rows" in summary.notes[0]


def test_rows_the_platform_cannot_use_are_kept_back_with_the_reason(tmp_path):
    accounts = [
        account(1, linkedin_url=None), account(2, domain=None, linkedin_url="linkedin.com/company/two"),
        account(3, domain=None), account(4, name=" \n "), account(5, domain="gmail.com"), account(6, domain="=1+1"),
        account(7, domain=None, linkedin_url="https://evil.example/company/seven"),
    ]  # fmt: skip
    summary, rows = export(tmp_path, accounts)
    assert [row["companyname"] for row in rows] == ["Acme 1", "Acme 2"]
    assert [row["account_id"] for row in rejects(summary)] == ["a3", "a4", "a5", "a6", "a7"]
    assert rejects(summary)[0]["reason"].startswith("neither domain nor LinkedIn page")
    assert rejects(summary)[1]["reason"] == "no name, which LinkedIn requires"
    assert sum(summary.reasons.values()) == summary.rejected == 5
    summary, rows = export(tmp_path, accounts, "salesforce")
    assert len(rows) == 6
    summary, rows = export(tmp_path, accounts, "hubspot")
    assert [row["Company name"] for row in rows] == ["Acme 1", ""]


def test_of_a_domain_only_the_best_fit_goes_out(tmp_path):
    accounts = [account(2, domain="acme.com"), account(1, domain="www.acme.com"), account(3, domain="acme.com")]
    summary, rows = export(tmp_path, accounts, "hubspot")
    assert [row["Company name"] for row in rows] == ["Acme 1"]
    assert {row["reason"] for row in rejects(summary)} == {"same domain as account a1, which fits better"}
    assert summary.reasons == {"same domain as a better fit": 2}
    without = [account(k, domain=None) for k in (1, 2)]
    assert len(export(tmp_path, without, "salesforce")[1]) == 2


def test_rejects_of_an_earlier_run_are_removed(tmp_path):
    summary, _ = export(tmp_path, [account(1), account(2, domain=None)])
    assert summary.rejects.exists()
    again, _ = export(tmp_path, [account(1)])
    assert again.rejects is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linkedin.csv", "scored.csv"]


def test_only_the_needed_columns_of_a_parquet_are_read(tmp_path, monkeypatch):
    read = []
    real = pq.ParquetFile.iter_batches

    def spy(self, *args, columns, **options):
        read.extend(columns)
        return real(self, *args, columns=columns, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
    export(tmp_path, [account(1, Technologies="a; b", city="Köln")], "linkedin", ".parquet")
    assert set(read) == {"account_id", "status", "tier", "rank", "fit_score", "model_version", "name", "domain", "city"}


def test_carried_columns_of_any_type_are_text(tmp_path):
    _, rows = export(tmp_path, [account(1, employees=120.0, city=["a", "b"], zip=10115)], "hubspot", ".parquet")
    assert (rows[0]["Number of employees"], rows[0]["City"], rows[0]["Postal code"]) == ("120", "a;b", "10115")


def test_a_mapping_names_a_column_whose_header_says_nothing(tmp_path):
    accounts = [account(1, Ort="Wien", City="Graz")]
    _, rows = export(tmp_path, accounts, mapping={"Ort": "city"})
    assert rows[0]["city"] == "Wien"
    _, rows = export(tmp_path, accounts, mapping={"City": "ignore"})
    assert rows[0]["city"] == ""


@pytest.mark.parametrize(
    ("accounts", "options", "message"),
    [
        ([account(1)], {"form": "xing"}, r"no such format; use one of linkedin, google, meta, salesforce, hubspot"),
        ([account(1)], {"form": "google"}, r"Google Ads matches people, not companies; name people .*--contacts"),
        ([account(1)], {"form": "meta"}, r"Meta matches people, not companies"),
        ([account(1)], {"contacts": "x.csv"}, r"--contacts: LinkedIn takes companies, not people"),
        ([account(1)], {"hashed": False}, r"--no-hash: LinkedIn takes companies"),
        ([account(1)], {"tiers": ("A", "E")}, r"--tiers 'E': no tier; name some of A, B, C, D"),
        ([account(1)], {"tiers": ()}, r"--tiers '': no tier"),
        ([account(1)], {"tiers": ("none",)}, r"--tiers 'none'"),
        ([account(1)], {"limit": 0}, r"--limit 0: at least one"),
        ([account(1)], {"tiers": ("D",)}, r"no scored account is in tier D \(A: 1\); choose other --tiers"),
        ([], {}, r"no scored account is in tier A or B \(none is scored\)"),
        ([account(1, domain=None)], {"form": "hubspot"}, r"nothing is left .* HubSpot \(1: no domain.*--keep all"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_in_a_sentence(tmp_path, accounts, options, message):
    with pytest.raises(InputError, match=message):
        export(tmp_path, accounts, **options)
    assert [path.name for path in tmp_path.iterdir()] in ([], ["scored.csv"])


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("a.xlsx", "platforms take CSV"),
        ("no/a.csv", "does not exist"),
        ("scored.csv", "written over a file that is read"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(tmp_path, out, message):
    scored = write_scored(tmp_path / "scored.csv", [account(1)])
    before = scored.read_bytes()
    with pytest.raises(InputError, match=message):
        export_audience(AudienceRequest(scored, "linkedin", tmp_path / out))
    assert scored.read_bytes() == before


def test_a_column_the_platform_needs_is_asked_for(tmp_path):
    path = tmp_path / "scored.csv"
    header = "account_id,status,fit_score,tier,in_support,model_version,rank"
    path.write_text(f"{header},name\na1,scored,50,A,true,{VERSION},1,Acme\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no column holds domain or linkedin_url, which LinkedIn needs.*--keep all"):
        export_audience(AudienceRequest(path, "linkedin", tmp_path / "a.csv"))
    path.write_text(f"{header}\na1,scored,50,A,true,{VERSION},1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"no column holds name, which Salesforce needs"):
        export_audience(AudienceRequest(path, "salesforce", tmp_path / "a.csv"))


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"PAR1", HEADER + b"a,scored,high,A,true,x,1,n,d\n",
     HEADER + b"a,scored,1,A,true,x,1,\xff,d.com\n"],
)  # fmt: skip
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_what_is_no_scored_file_is_refused(tmp_path, content, ending):
    path = tmp_path / f"scored{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"scored\.(csv|parquet): "):
        export_audience(AudienceRequest(path, "linkedin", tmp_path / "a.csv"))
    assert not (tmp_path / "a.csv").exists()


def test_more_rows_than_the_platform_takes_are_refused(tmp_path, monkeypatch):
    import dataclasses

    monkeypatch.setattr("icp_ml.audiences.export.FORMATS", {"linkedin": dataclasses.replace(LINKEDIN, most=3)})
    accounts = [account(k) for k in range(5)]
    with pytest.raises(InputError, match=r"more than the 3 rows that LinkedIn takes; .*--limit 3"):
        export(tmp_path, accounts)
    assert len(export(tmp_path, accounts, limit=3)[1]) == 3


def test_many_rows_say_what_the_platform_does_with_them(tmp_path):
    accounts = [account(k) for k in range(320)]
    summary, rows = export(tmp_path, accounts)
    assert len(rows) == 320
    assert not any("fewer than 300" in note for note in summary.notes)


def test_after_an_error_the_old_file_is_there(tmp_path, monkeypatch):
    export(tmp_path, [account(1)])
    before = (tmp_path / "linkedin.csv").read_bytes()

    class Full:
        def writerow(self, row):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("icp_ml.audiences.export.csv.writer", lambda *a, **k: Full())
    with pytest.raises(OSError, match="No space"):
        export(tmp_path, [account(2)])
    assert (tmp_path / "linkedin.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linkedin.csv", "scored.csv"]


def test_a_summary_is_plain_json(tmp_path):
    import json

    summary, _ = export(tmp_path, [account(1), account(2, domain=None)])
    data = json.loads(json.dumps(summary.to_dict()))
    assert (data["format"], data["rows"], data["written"], data["rejected"]) == ("linkedin", 2, 1, 1)
    assert data["reasons"] == dict(summary.reasons)


def test_every_format_names_each_column_once():
    for form in FORMATS.values():
        headers = [column.header for column in form.columns]
        assert len(set(headers)) == len(headers)
        assert next(csv.reader([",".join(headers)])) == headers

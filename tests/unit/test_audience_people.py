from __future__ import annotations

import csv

import pytest

from icp_ml.audiences import AudienceRequest, export_audience
from icp_ml.audiences.identifiers import sha256
from icp_ml.exceptions import InputError
from tests.scored_file import account, rows_of, write_scored

PEOPLE = ("google", "meta")
HEADER = ["Contact ID", "First Name", "Last Name", "Email", "Mobile Phone", "Mailing Country",
          "Mailing Zip/Postal Code", "Account ID", "Website", "Email Opt Out"]  # fmt: skip


def person(number, account_id="", website="", email=None, **cells):
    given = {
        "Contact ID": f"a{number}", "First Name": "Zoë", "Last Name": f"Pérez {number}",
        "Email": f"p{number}@mail.com" if email is None else email, "Account ID": account_id, "Website": website,
        **cells,
    }  # fmt: skip
    return [given.get(name, "") for name in HEADER]


def export(tmp_path, accounts, people, form="google", header=HEADER, **options):
    scored = write_scored(tmp_path / "scored.csv", accounts)
    contacts = tmp_path / "contacts.csv"
    with contacts.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *people])
    out = tmp_path / f"{form}.csv"
    summary = export_audience(AudienceRequest(scored, form, out, contacts=contacts, **options))
    assert (
        summary.contact_rows
        == len(people)
        == (summary.written + summary.contacts_rejected + summary.contacts_elsewhere)
    )
    chosen = summary.accounts + summary.rejected + summary.beyond_limit
    assert chosen == summary.rows - summary.ineligible - summary.suppressed - summary.other_tiers
    return summary, rows_of(out)


@pytest.mark.parametrize(("form", "header"), [("google", "Email,Phone,First Name,Last Name,Country,Zip"),
                                              ("meta", "email,phone,fn,ln,ct,st,zip,country")])  # fmt: skip
def test_people_are_hashed_unless_asked_otherwise(tmp_path, form, header):
    people = [person(1, "a1", **{"Mobile Phone": "+1 650 555 1212"})]
    _, rows = export(tmp_path, [account(1)], people, form)
    text = (tmp_path / f"{form}.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0] == header
    assert rows[0][header.split(",")[0]] == sha256("p1@mail.com")
    assert "p1@" not in text
    assert "650" not in "".join(cell for cell in text.split(",") if len(cell) < 64)
    summary, rows = export(tmp_path, [account(1)], people, form, hashed=False)
    assert rows[0][header.split(",")[0]] == "p1@mail.com"
    assert any("in clear" in note for note in summary.notes)


@pytest.mark.parametrize("form", PEOPLE)
def test_people_are_found_by_account_id_website_or_address(tmp_path, form):
    accounts = [account(1), account(2), account(3), account(4, tier="C"), account(5, status="suppressed")]
    people = [
        person(1, "a1"), person(2, website="https://www.acme2.com/about"), person(3, email="x@sales.acme3.com"),
        person(4, "a4"), person(5, "a5"), person(6, email="x@acme5.com"), person(7, email="acme1.com@gmail.com"),
        person(8, "unknown-id", website="acme1.com"), person(9),
    ]  # fmt: skip
    summary, rows = export(tmp_path, accounts, people, form, hashed=False)
    assert [next(iter(row.values())) for row in rows] == [
        "p1@mail.com", "p8@mail.com", "p2@mail.com", "x@sales.acme3.com"
    ]  # fmt: skip
    assert (summary.accounts, summary.contacts_elsewhere) == (3, 5)


def test_who_opted_out_never_goes_out(tmp_path):
    out = ["1", "true", "YES", "x", "opted out", "who knows"]
    stay = ["", "0", "false", "No", " n "]
    people = [person(k, "a1", **{"Email Opt Out": text}) for k, text in enumerate([*out, *stay])]
    summary, rows = export(tmp_path, [account(1)], people)
    assert len(rows) == len(stay)
    assert summary.reasons == {"contact that opted out": len(out)}


def test_kept_back_rows_name_no_person(tmp_path):
    people = [
        person(1, "a1"), person(2, "a1", **{"Email Opt Out": "1"}), person(3, "a2", email="nonsense"),
        person(4, "a3", email="P1@mail.com "),
    ]  # fmt: skip
    summary, rows = export(tmp_path, [account(k) for k in (1, 2, 3)], people)
    assert len(rows) == 1
    text = summary.rejects.read_text(encoding="utf-8")
    assert not any(word in text for word in ("@", "Pérez", "Zoë", "nonsense"))
    kept = rows_of(summary.rejects)
    assert [(row["row"], row["account_id"]) for row in kept] == [
        ("2", "a1"),
        ("3", "a2"),
        ("4", "a3"),
        ("", "a2"),
        ("", "a3"),
    ]
    assert kept[2]["reason"] == "contact of the same person as row 1"
    assert kept[3]["reason"] == "account without a contact that can go out"


def test_the_limit_counts_accounts_with_people(tmp_path):
    people = [person(k, f"a{k % 3 + 1}") for k in range(6)]
    accounts = [account(0), account(3), account(2), account(1)]
    summary, rows = export(tmp_path, accounts, people, limit=2, hashed=False)
    assert (summary.accounts, summary.rejected, summary.beyond_limit, len(rows)) == (2, 1, 1, 4)
    assert [row["Email"] for row in rows] == ["p0@mail.com", "p3@mail.com", "p1@mail.com", "p4@mail.com"]


def test_formulas_of_people_are_defused_in_clear(tmp_path):
    cells = {"First Name": "=1+1", "Last Name": "@Pérez", "Mailing Country": "Germany",
             "Mailing Zip/Postal Code": "10115", "Mobile Phone": "+49 30 901820"}  # fmt: skip
    _, rows = export(tmp_path, [account(1)], [person(1, "a1", **cells)], hashed=False)
    assert rows[0]["Phone"] == "+4930901820"
    assert rows[0]["First Name"] == rows[0]["Last Name"] == ""  # "=1+1" is no name, and one of the two is of no use
    cells["First Name"] = "=cmd"
    _, rows = export(tmp_path, [account(1)], [person(1, "a1", **cells)], hashed=False)
    assert list(rows[0].values())[2:] == ["'=cmd", "'@pérez", "DE", "10115"]


def test_phones_without_a_country_are_counted(tmp_path):
    people = [person(1, "a1", **{"Mobile Phone": "030 901820"})]
    summary, rows = export(tmp_path, [account(1)], people)
    assert rows[0]["Phone"] == ""
    assert any(note.startswith("1 phone left out") for note in summary.notes)


def test_a_mapping_names_a_contact_column(tmp_path):
    header = ["wer", "firma"]
    _, rows = export(tmp_path, [account(1)], [["a@b.com", "acme1.com"]], header=header, hashed=False,
                     mapping={"wer": "email", "firma": "domain"})  # fmt: skip
    assert [row["Email"] for row in rows] == ["a@b.com"]


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (["Contact ID", "Website"], ["1", "acme1.com"], r"contacts\.csv: no column identifies a person .*'Contact ID'"),
        (["Phone", "ID"], ["+4930901820", "a1"], r"contacts\.csv: no column tells whose account a person is with"),
        (["Email"], ["x@other.com"], r"contacts\.csv: nothing is left to write for Google Ads .*1: account without"),
    ],
)
def test_a_contact_file_that_says_too_little_is_refused(tmp_path, header, row, message):
    with pytest.raises(InputError, match=message):
        export(tmp_path, [account(1)], [row], header=header)
    assert not (tmp_path / "google.csv").exists()


def test_the_contact_file_is_not_written_over(tmp_path):
    scored = write_scored(tmp_path / "scored.csv", [account(1)])
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("Email\nx@acme1.com\n", encoding="utf-8")
    with pytest.raises(InputError, match="written over a file that is read"):
        export_audience(AudienceRequest(scored, "meta", contacts, contacts=contacts))
    assert contacts.read_text(encoding="utf-8") == "Email\nx@acme1.com\n"


def test_rows_of_the_contact_file_that_do_not_parse_are_counted(tmp_path):
    scored = write_scored(tmp_path / "scored.csv", [account(1)])
    contacts = tmp_path / "contacts.csv"
    contacts.write_text("Email,Account ID\n" + "x@acme1.com,a1\n" * 3 + "too,many,cells,here\n", encoding="utf-8")
    summary = export_audience(AudienceRequest(scored, "meta", tmp_path / "meta.csv", contacts=contacts))
    assert (summary.contact_rows, summary.written, summary.contacts_rejected) == (4, 1, 3)
    assert summary.reasons == {"contact of the same person": 2, "contact whose row does not parse": 1}


@pytest.mark.parametrize("damaged", ["scored", "contacts"])
def test_bytes_that_are_called_text_are_refused(tmp_path, damaged):
    import pyarrow as pa
    import pyarrow.parquet as pq

    broken = pa.array([b"\xff"], pa.binary()).view(pa.string())
    scored = write_scored(tmp_path / "scored.parquet", [account(1)])
    contacts = tmp_path / "contacts.parquet"
    people = pa.table({"Email": ["x@acme1.com"]})
    pq.write_table(people if damaged == "scored" else people.set_column(0, "Email", broken), contacts)
    if damaged == "scored":
        table = pq.read_table(scored)
        pq.write_table(table.set_column(table.column_names.index("name"), "name", broken), scored)
    with pytest.raises(InputError, match=rf"{damaged}\.parquet: "):
        export_audience(AudienceRequest(scored, "meta", tmp_path / "meta.csv", contacts=contacts))

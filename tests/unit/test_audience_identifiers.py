from __future__ import annotations

import pytest

from icp_ml.audiences.identifiers import contact_of, email_of, google_row, meta_row, phone_of, sha256, zip_of

JANE = {
    "email": " Jane.Doe+news@GMAIL.com ", "phone": "+1 (650) 555-1212", "first_name": "Mrs. Mary",
    "last_name": "Smith, Jr.", "city": "New York", "state": "California", "country": "United States",
    "zip": "94035-1234",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "published"),
    [  # Meta's own examples of normalised values and their hashes
        ("john_smith@gmail.com", "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"),
        ("16505551212", "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"),
        ("mary", "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"),
        ("us", "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621"),
    ],
)
def test_hashes_are_those_that_are_published(text, published):
    assert sha256(text) == published


def test_meta_takes_letters_digits_and_short_codes():
    row = meta_row(contact_of(1, JANE), hashed=False)
    assert row == {
        "email": "jane.doe+news@gmail.com", "phone": "16505551212", "first_name": "mary", "last_name": "smith",
        "city": "newyork", "state": "ca", "zip": "94035", "country": "us",
    }  # fmt: skip
    assert meta_row(contact_of(1, JANE), hashed=True) == {name: sha256(value) for name, value in row.items()}


def test_google_takes_gmail_without_dots_and_hashes_neither_country_nor_zip():
    plain = google_row(contact_of(1, JANE), hashed=False)
    assert plain == {
        "email": "janedoe@gmail.com", "phone": "+16505551212", "first_name": "mary", "last_name": "smith",
        "country": "US", "zip": "94035",
    }  # fmt: skip
    hashed = google_row(contact_of(1, JANE), hashed=True)
    assert (hashed["country"], hashed["zip"]) == ("US", "94035")
    assert {name: hashed[name] for name in ("email", "phone", "first_name", "last_name")} == {
        name: sha256(plain[name]) for name in ("email", "phone", "first_name", "last_name")
    }


def test_other_hosts_keep_dots_and_tags():
    contact = contact_of(1, {"email": "User.Name+NYC@Example.com"})
    assert google_row(contact, hashed=False)["email"] == "user.name+nyc@example.com"


def test_google_gets_no_name_without_the_whole_address():
    row = google_row(contact_of(1, {**JANE, "zip": None}), hashed=True)
    assert [row[name] for name in ("first_name", "last_name", "country", "zip")] == [None] * 4
    assert row["email"] == sha256("janedoe@gmail.com")


def test_meta_shortens_british_postcodes_and_leaves_other_states_as_letters():
    row = meta_row(contact_of(1, {**JANE, "country": "UK", "zip": "SW1A 1AA", "state": "Greater London"}), hashed=False)
    assert (row["zip"], row["country"], row["state"]) == ("sw1a1", "gb", "greaterlondon")


@pytest.mark.parametrize(
    "text",
    ["", "jane", "jane@", "@acme.com", "jane@acme", "=cmd|'/c calc'!a1@acme.com", "+1@acme.com", "-1@a.com",
     "@sum(1)@a.com", "a@b@c.com", "a@-b.com", "a@b..com", "x" * 300 + "@acme.com", None],
)  # fmt: skip
def test_what_is_no_address_is_none(text):
    assert email_of(text) is None


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+44 844 412 4653", None, "+448444124653"), ("'+4930901820", None, "+4930901820"),
        ("1-234-567-8910", "US", "+12345678910"), ("234.567.8910 ext. 12", "CA", "+12345678910"),
        ("12345678910", None, None), ("555-1212", "US", None), ("+1", None, None), ("+0301234567", None, None),
        ("+1234567890123456", None, None), ("call me", "US", None), ("=1+1", None, None), ("٠٣٠٩٠١٨٢٠١", "US", None),
    ],
)  # fmt: skip
def test_phones_need_the_code_of_their_country(text, country, number):
    assert phone_of(text, country) == number


@pytest.mark.parametrize(
    ("text", "country"), [("x", None), ("1234567", "US"), ("ab", "US"), ("@1", None), ("1\n2", "DE")]
)
def test_what_is_no_postal_code_is_none(text, country):
    assert zip_of(text, country) is None


def test_a_person_is_told_by_address_phone_or_the_whole_postal_address():
    assert contact_of(1, {"email": "a@b.com"}).key == ("a@b.com",)
    assert contact_of(1, {"phone": "+4930901820"}).key == ("+4930901820",)
    whole = {"first_name": "Zoë", "last_name": "Pérez", "country": "Deutschland", "zip": "10115"}
    assert contact_of(1, whole).key == ("zoë", "pérez", "DE", "10115")
    for name in whole:
        assert not contact_of(1, {**whole, name: None}).usable


def test_accents_of_either_form_are_one():
    composed, apart = contact_of(1, {"first_name": "Zo\u00eb"}), contact_of(1, {"first_name": "Zoe\u0308"})
    assert composed.first_name == apart.first_name

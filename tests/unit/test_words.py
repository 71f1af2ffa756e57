from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp_ml.accounts.context import in_context, needed_beside
from icp_ml.accounts.listing import ListNormaliser
from icp_ml.accounts.reading import read_accounts
from icp_ml.accounts.values.stop_words import STOP_WORDS
from icp_ml.accounts.values.words import MAX_WORD_CHARS, plain_words, word_sets
from icp_ml.schema import BY_NAME, Field
from icp_ml.settings import Settings

TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=80)), min_size=1, max_size=8)


def words(
    *texts: str | None, names: list[str | None] | None = None, cut: tuple[str, ...] = ()
) -> list[list[str] | None]:
    own = None if names is None else pa.array(names, pa.string())
    found: list[list[str] | None] = word_sets(plain_words(pa.array(texts, pa.string()), own, cut)).to_pylist()
    return found


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Cloud for B2B teams", ["cloud", "b2b"]),
        ("Machine learning.", ["machine", "learning", "machine learning"]),
        ("machine, learning", ["machine", "learning"]),
        ("open-source", ["open", "source", "open source"]),
        ("Node.js, C++ & C#", ["node.js", "c++", "c#", "c++ c#"]),
        ("the of and", None),
        ("  ", None),
        ("", None),
        (None, None),
        ("3.5 2020 100", None),
        ("<p>Acme&nbsp;Cloud</p>", ["acme", "cloud"]),
        ("Cloud cloud CLOUD", ["cloud", "cloud cloud"]),
        ("Bakery's ovens", ["bakery", "ovens", "bakery ovens"]),
        ("Ｆｕｌｌ ｗｉｄｔｈ", ["full", "width", "full width"]),
        ("Maschinenbau für die Industrie", ["maschinenbau", "industrie"]),
        ("x" * (MAX_WORD_CHARS + 1), None),
        ("ends here. Oven starts", ["ends", "oven", "starts", "oven starts"]),
    ],
)
def test_a_text_becomes_words_and_phrases(text: str | None, tokens: list[str] | None) -> None:
    found = words(text)[0]
    assert found == tokens if tokens is None else sorted(found or []) == sorted(tokens)


def test_the_accounts_own_name_is_no_trait_of_it() -> None:
    found = words(
        "Blue Harbor makes ovens. At Blue Harbor, we bake.", "Blue ovens in a harbor", "Ovens by X",
        names=["Blue Harbor Holding GmbH", "Blue Harbor Inc.", "X"],
    )  # fmt: skip
    assert found[0] == ["ovens", "bake"]
    assert {"blue", "harbor"} <= set(found[1] or [])  # not its name, but the same words
    assert found[2] == ["ovens"]


def test_our_own_product_is_cut_out_of_every_text() -> None:
    found = words("Runs Acme Cloud on cloud servers", None, cut=("ACME Cloud", "", "."))
    assert found == [["runs", "cloud", "servers", "cloud servers"], None]


@settings(max_examples=25)
@given(TEXTS, TEXTS)
def test_a_text_never_depends_on_its_neighbours(some: list[str | None], others: list[str | None]) -> None:
    together, apart = words(*some, *others), [words(text)[0] for text in (*some, *others)]
    assert [t and sorted(t) for t in together] == [t and sorted(t) for t in apart]


@settings(max_examples=40)
@given(TEXTS, st.integers(0, 2**32 - 1))
def test_looking_up_a_vocabulary_finds_what_all_tokens_hold(texts: list[str | None], seed: int) -> None:
    plain = plain_words(pa.array([*texts, "machine learning at scale"], pa.string()))
    every = word_sets(plain).to_pylist()
    tokens = sorted({token for row in every for token in row or []})
    kept = {t for t, keep in zip(tokens, np.random.default_rng(seed).random(len(tokens)) < 0.5, strict=True) if keep}
    some = word_sets(plain, [*sorted(kept), "never said", "nowhere"], encoded=True).to_pylist()
    assert [None if r is None else sorted(set(r) & kept) for r in every] == [
        r if r is None else sorted(r) for r in some
    ]


@settings(max_examples=40)
@given(TEXTS, st.integers(2, 4))
def test_what_few_texts_hold_can_be_left_out(texts: list[str | None], least: int) -> None:
    plain = plain_words(pa.array([*texts, "machine learning machine learning", "machine learning"], pa.string()))
    every = word_sets(plain).to_pylist()
    held = Counter(token for row in every for token in row or [])
    common = [None if row is None else sorted(token for token in row if held[token] >= least) for row in every]
    assert [row if row is None else sorted(row) for row in word_sets(plain, least=least).to_pylist()] == common


def test_of_a_large_table_a_token_that_hardly_any_row_holds_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icp_ml.accounts.reading.ROWS_PER_TOKEN", 20)
    table = pa.table({
        "Company Name": [f"Plant {k}" for k in range(60)],
        "Description": ["Sells ovens"] * 3 + ["Sells boats", "Rents boats", "Rents tents"] + ["Sells"] * 54,
    })  # fmt: skip
    accounts = read_accounts(table)
    assert accounts.frame["description"][:6].tolist() == [
        ("sells", "ovens", "sells ovens"),
    ] * 3 + [("sells",), (), ()]


def test_no_token_holds_a_small_word_or_a_number() -> None:
    found = words("It is the best of all the 100 ovens and the first in the world, since 1999, of the kind")[0] or []
    assert not {word for token in found for word in token.split()} & STOP_WORDS
    assert found == ["best", "ovens", "kind"]


def test_what_is_tokenised_are_texts_that_are_learned_from() -> None:
    custom = Settings.parse("fields: {custom: [{name: pitch, kind: text, category: psychographic}]}", "s")
    long = [f"Some notes of our own about what became of the sale, number {k} of many" for k in range(80)]
    table = pa.table({
        "Company Name": [f"Plant {k}" for k in range(80)], "Description": ["Plant 0 sells ovens"] * 80,
        "Job Descriptions": ["Bake bread"] * 80, "pitch": ["Hot ovens"] * 80, "Notes": long,
        "Street": ["1 Oven Rd"] * 80,
    })  # fmt: skip
    accounts = read_accounts(table, custom)
    kinds = {name: pa.types.is_list(accounts.table.schema.field(name).type) for name in accounts.table.column_names}
    assert {name for name, words_ in kinds.items() if words_} == {"description", "job_posting_text", "pitch"}
    assert accounts.fields["notes"].role == "context"
    assert accounts.frame["description"][0] == ("sells", "ovens", "sells ovens")
    assert "plant" in accounts.frame["description"][1]  # another account's name is a word
    assert "read as words and phrases of two words" in accounts.report.by_field["description"].notes
    assert accounts.fields["job_posting_text"].category == "job_to_be_done"


def test_a_list_is_tokenised_as_the_customers_were() -> None:
    frame = pa.table({"Company": ["Acme Ltd", "Bolt", None], "About": ["Acme sells ovens", "Hot ovens, bolts", ""]})
    own = Settings.parse("fields: {own_product: [hot ovens]}", "s")
    here = read_accounts(frame, own).table.column("description").to_pylist()
    normaliser = ListNormaliser(frame.column_names, {"description": BY_NAME["description"]}, own)
    there = [normaliser.normalise(frame.slice(k, 1).to_batches()[0])["description"].to_pylist()[0] for k in range(3)]
    assert here == there == [["sells", "ovens", "sells ovens"], ["bolts"], None]


def test_states_are_read_beside_their_country() -> None:
    countries = ["USA", "Australia", "United States", "Brazil", None, "USA", "USA", "Atlantis"]
    table = pa.table({"State": ["CA", "WA", "WA", "SP", "Bavaria", "Gotham", None, "ON"], "Country": countries})
    accounts = read_accounts(table)
    expected = ["US-CA", "AU-WA", "US-WA", "BR-SP", "DE-BY", "gotham", None, "CA-ON"]
    assert accounts.table.column("state").to_pylist() == expected
    assert accounts.report.by_field["state"].changed == 6
    assert ("ca", "US-CA") in accounts.report.by_field["state"].examples
    assert accounts.spellings["state"]["US-CA"] == "CA"
    normaliser = ListNormaliser(table.column_names, {"state": BY_NAME["state"]})
    rows = [normaliser.normalise(table.slice(k, 1).to_batches()[0])["state"].to_pylist()[0] for k in range(8)]
    assert rows == expected
    assert normaliser.missing == ()


def test_only_states_need_their_country() -> None:
    assert list(needed_beside({"state": BY_NAME["state"]})) == ["country"]
    assert needed_beside({"state": BY_NAME["state"], "country": BY_NAME["country"]}) == {}
    assert needed_beside({"city": BY_NAME["city"]}) == {}
    states = pa.array(["ca", None]).dictionary_encode()
    assert in_context({"state": states}, {"state": Field("state", "category")}) == {}
    assert in_context({"state": states}, {"state": BY_NAME["state"]})["state"][0].to_pylist() == ["US-CA", None]
    empty = states.slice(0, 0)
    assert in_context({"state": empty}, {"state": BY_NAME["state"]})["state"][0].to_pylist() == []


def test_many_odd_states_and_countries_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    states = pa.array([*rng.choice(["CA", "Bavaria", "x1", "ON"], 50).tolist(), None]).dictionary_encode()
    countries = pa.array([None, *rng.choice(["US", "DE", "atlantis"], 50).tolist()]).dictionary_encode()
    columns = {"state": states, "country": countries}
    fields = {name: BY_NAME[name] for name in columns}
    few = in_context(columns, fields)["state"]
    monkeypatch.setattr("icp_ml.accounts.context.MANY_PAIRS", 1)
    many = in_context(columns, fields)["state"]
    assert many[0].equals(few[0])
    assert many[1] == few[1]

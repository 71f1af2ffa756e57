from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from icp_ml.estimator.encoding import Encoding, FieldEncoding
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.model import ICPModel
from icp_ml.report import html
from icp_ml.report.form_data import form_data, packed
from icp_ml.report.html import MOST_BYTES, render_html
from icp_ml.report.page import data_block
from icp_ml.schema import Field
from icp_ml.scoring.lookalikes import Reference
from icp_ml.scoring.reasons import ReasonBook
from tests import form_model


def numbers(text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.frombuffer(base64.b64decode(text), dtype="<f8")


def test_tables_are_the_model_s_own_numbers() -> None:
    model = form_model.make_model()
    data = json.loads(data_block(form_data(model)))
    (segment,) = data["segments"]
    assert (segment["name"], segment["rule"], segment["base"]) == (None, None, model.tables.base)
    assert np.array_equal(numbers(segment["values"]), np.concatenate(model.tables.values))
    assert np.array_equal(numbers(segment["variances"]), np.concatenate(model.tables.variances))
    edges = {f["name"]: numbers(f["edges"]) for f in data["fields"] if f["kind"] == "numeric"}
    for enc in model.tables.encoding.fields:
        assert enc.kind != "numeric" or np.array_equal(edges[enc.field], enc.edges)
    assert data["as_of"] == "2026-09-29"
    assert data["cutoffs"] == [44.7, 28.8, 16.3]


def test_a_pair_is_kept_whole_and_grouped_codes_are_kept_once() -> None:
    model = form_model.make_model()
    pairs = form_data(model)["segments"][0]["pairs"]
    for pair, shown in zip(model.tables.pairs, pairs, strict=True):
        rows, columns = np.array(shown["rows"]), np.array(shown["columns"])
        for name, table in (("values", pair.values), ("variances", pair.variances)):
            kept = numbers(shown[name]).reshape(-1, columns.max() + 1)
            assert np.array_equal(kept[np.ix_(rows, columns)], table)
    assert len(numbers(pairs[0]["values"])) == 6  # three groups by two
    assert len(numbers(pairs[1]["values"])) == model.tables.pairs[1].values.size


def test_every_sentence_of_a_code_is_the_book_s() -> None:
    model = form_model.make_model()
    data, book = form_data(model), ReasonBook(model.tables)
    segment = data["segments"][0]
    for j, term in enumerate(model.tables.terms):
        field = next(f for f in data["fields"] if f["name"] == term.field)
        for code in range(term.size):
            evidence = data["texts"][segment["evidence"][j][code]]
            expected = book.sentence(j, code)
            assert expected.endswith(evidence)
            if term.token is not None and code:
                before, after = field["said"][code - 1]
                assert f"{before}{field['names'][term.token]}{after} {evidence}" == expected
            elif field["kind"] == "category" and code > 2:
                assert f"{field['said']} {field['names'][code - 3]} {evidence}" == expected


def test_fields_are_asked_for_by_how_much_they_move_scores() -> None:
    data = form_data(form_model.make_model())
    assert sorted(data["order"]) == list(range(len(data["fields"])))
    tables = form_model.make_tables()
    quiet = replace(tables, values=(np.zeros(len(tables.values[0])), *tables.values[1:]), pairs=())
    assert form_data(form_model.make_model(tables=quiet))["order"][-1] == 0


def test_what_is_asked_names_unit_and_usual_values() -> None:
    fields = {f["name"]: f for f in form_data(form_model.make_model())["fields"]}
    assert (fields["revenue_usd"]["unit"], fields["revenue_usd"]["usual"]) == (
        "US dollars",
        "customers: mostly $1M to $1B",
    )
    assert (fields["employee_growth_rate"]["unit"], fields["employee_growth_rate"]["negative"]) == ("%", True)
    assert (fields["founded_year"]["unit"], fields["founded_year"]["usual"]) == (
        "year",
        "customers: mostly 1986 to 2021",
    )
    assert fields["last_funding_date"]["usual"] == "customers: mostly 45 days to 2 years ago"
    assert fields["employees"]["negative"] is False
    assert fields["country"]["rare_names"] == ["France"]
    assert fields["naics_code"]["tops"]["32"] == "31-33"


def test_confirmed_filters_exclude_in_the_form_too() -> None:
    model = form_model.make_model()
    assert [(e["term"], e["codes"]) for e in form_data(model)["segments"][0]["exclusions"]] == [(0, [2])]
    proposed = replace(model, settings=model.settings.override(profile={"filters": []}))
    assert form_data(proposed)["segments"][0]["exclusions"] == []


@pytest.mark.parametrize("text", ["</script>", "<!--", "\u2028\u2029", "\x00\x1b\ud800", "&lt;", "]]>", '"\\'])
def test_nothing_in_the_data_ends_or_breaks_their_element(text: str) -> None:
    block = str(data_block({text: [text]}))
    assert not set("<>&\u2028\u2029\x00\x1b") & set(block)
    assert block.isascii()
    assert json.loads(block) == {text: [text]}


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        data_block([float("nan")])


def test_packed_is_little_endian_on_every_machine() -> None:
    assert packed(np.array([1.0], dtype=">f8")) == packed([1.0]) == "AAAAAAAA8D8="


def wide_model(numeric: int, tokens: int, categories: int) -> ICPModel:
    """Return a model of so many numeric fields, tokens in four sets, and values in eight categories."""
    rng = np.random.default_rng(0)

    def names(start: str, count: int) -> tuple[str, ...]:
        return tuple(f"{start} of usual length {k:05d}" for k in range(count))

    fields = [
        *(
            FieldEncoding(f"n{k:02d}", "numeric", "number", f"number field {k}", edges=np.sort(rng.normal(0, 100, 25)))
            for k in range(numeric)
        ),
        *(
            FieldEncoding(f"c{k}", "category", "category", f"category {k}", values=names("value", categories),
                          spellings=names("Value", categories), rare=names("rare value", 4 * categories))
            for k in range(8)
        ),
        *(
            FieldEncoding(f"t{k}", "tokens", "token_set", f"tokens {k}", values=names("token", tokens),
                          spellings=names("Token", tokens))
            for k in range(4)
        ),
    ]  # fmt: skip
    encoding = Encoding(tuple(fields))
    customers = tuple(rng.integers(0, 90, term.size).astype(float) for term in encoding.terms)
    pairs = tuple(
        PairTable(0, k, rng.normal(0, 1, (8, 8))[np.ix_(np.arange(27) % 8, np.arange(27) % 8)], np.ones((27, 27)))
        for k in range(1, 11)
    )
    values = tuple(rng.normal(0, 0.3, term.size) for term in encoding.terms)
    variances = tuple(rng.uniform(0, 0.1, term.size) for term in encoding.terms)
    best = tuple(np.floor(n / 4) for n in customers)
    tables = ScoringTables(encoding, values, variances, -1.0, 0.01, customers, best, form_model.AS_OF, pairs)
    model = form_model.make_model()
    return replace(
        model,
        tables=tables,
        fields={enc.field: Field(enc.field, enc.form, label=enc.label) for enc in fields},  # type: ignore[arg-type]
        reference=Reference(np.zeros((1, len(encoding.terms)), dtype=np.uint16), ("abc",), "salt"),
    )


def test_the_form_of_a_wide_model_leaves_room_for_the_page() -> None:
    model = wide_model(numeric=60, tokens=250, categories=500)  # a thousand tokens, 4,000 values, 16,000 rare ones
    assert len(model.tables.terms) > 1_000
    assert len(data_block(form_data(model))) < MOST_BYTES / 2


def test_a_form_too_large_for_the_page_is_left_out_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    model = form_model.make_model()
    with_form = render_html(model)
    monkeypatch.setattr(html, "MOST_BYTES", len(with_form.encode()) - 1)
    without = render_html(model)
    assert 'id="score-data"' in with_form
    assert 'id="score-data"' not in without
    assert "too many values for a form in a page" in without

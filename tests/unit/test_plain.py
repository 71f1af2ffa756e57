"""Columns are read in passes over their bytes; what comes out is what every cell gives by itself."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icp_ml.accounts import normalise as normalise_module
from icp_ml.accounts.normalise import _PLAIN_HOST, normalise_column
from icp_ml.accounts.values import cells as cells_module
from icp_ml.accounts.values import numbers as numbers_module
from icp_ml.accounts.values.cells import PLACEHOLDERS, trimmed
from icp_ml.accounts.values.hosts import host_of
from icp_ml.accounts.values.plain import Cells, Words, plain_days, plain_hosts, plain_numbers, separated, unsettled
from icp_ml.accounts.values.tokens import token_lists
from icp_ml.schema import BY_NAME, Field

HOSTILE = [
    None, "", " ", "-", "--", ".", "..", "/", "0", "-0", "+5", "00012", "5.", ".5", "-.5", "-5.", "5-", "1-2", "51-200",
    "1.2.3", "1/2", "1,000", "1.000,5", "$5", "5%", "1e5", "1e999", "9" * 400, "inf", "-inf", "NaN", "nan", "٣", "１２",
    " 7", "7 ", "7\n", "7\u00a0", "\u20037", "2007", "2007.0", "2007.00", "2007.5", "02007.", "200.70", "999.0",
    "0999", "3024", "1.00", "20070", "-2007", "2007-", "n/a", "N/A", "n.a", "N.A.", "unknown", "UNKNOWN",
    "un\u212anown", "Unknown ", "(none)", "nicht verfügbar", "NICHT VERFÜGBAR", "Müller", "MÃ¼nchen", "ÀÉ", "\x7f",
    "é", "a\x00b",
    "acme.com", "Acme.com", "acme.co.uk", "www.acme.com", "ww.acme.com", "wwf.org", "www.com", "xn--mller-kva.de",
    "a--b.com", "-a.com", "a-.com", "a.-b.com", "a.b-", "a.b-c", "a.b_c", "a..com", ".com", "com.", "com", "a.1",
    "a.1b", "a.b1", "1.2", "1.a", "a.b", "a.com/", "a.com:80", "jo@acme.com", "https://acme.com/x", "gmail.com",
    "münchen.de",
    "x" * 249 + ".com", "x" * 250 + ".com", "a." * 130 + "com", "acme.com.", " acme.com", "acme.com\t",
    "a;b", "a;b;", ";a", ";;", "; a ;", "a;A;a", "a;n/a;b", "unknown;n/a", "a|b", "a,b", "a, b;c", "Salesforce, Inc.",
    '["a","b"]', '["a;b","c"]', '["a"', "a\nb", "a\rb;c", "['a', 'b']", "• a; • b", "aws and sap",
    "React/Redux;Node.js",
    "true", "No", "ja", "2024-02-30", "2024-02-29", "2024-2-9", "1850-01-01", "1900-01-01", "9999-12-31", "20240301",
    "4/5/2024", "13/5/2024", "5 Jan 2024", "2024-01-01T10:00:00Z", "2024-01-01 10:00", "0001-01-01", "२०२४-०१-०१",
]  # fmt: skip
PLAIN = ["12", "-3.5", "2007", "acme.com", "beta-2.example", "a;b;c", "Company 2-0", "2024-05-06", "sap;aws"]
COLUMNS = [
    (BY_NAME["employees"], None), (BY_NAME["revenue_usd"], None), (BY_NAME["employee_growth_rate"], None),
    (BY_NAME["founded_year"], None), (BY_NAME["domain"], None), (BY_NAME["name"], None), (BY_NAME["account_id"], None),
    (BY_NAME["industry"], None), (BY_NAME["country"], None), (BY_NAME["technologies"], None),
    (BY_NAME["keywords"], None),
    (BY_NAME["last_funding_date"], None), (BY_NAME["linkedin_url"], None),
    (Field("tools", "token_set", "technographic"), None), (Field("tools", "token_set", "technographic"), ","),
    (Field("tools", "token_set", "technographic"), "; "), (Field("flag", "boolean", "firmographic"), None),
]  # fmt: skip


def column(values, share, seed=0):
    """Some thousand cells, of which a share holds each of `values` at least once."""
    rng = np.random.default_rng(seed)
    cells = [*values, *rng.choice(np.array(PLAIN, dtype=object), int(len(values) / share))]
    return [cells[i] for i in rng.permutation(len(cells))]


def _fitting(doubt, cells):
    return np.resize(doubt, len(cells.lengths))


def alone(cell, field, delimiter):
    return normalise_column(pa.array([cell], pa.string()), field, delimiter)


@pytest.mark.parametrize(
    "odd",
    [
        "2024-02-30",
        "2024-13-01",
        "2024-00-10",
        "2024-1-09",
        "2024-01-09T00:00",
        "1899-12-30",
        "2100-12-31",
        "2101-01-01",
        "20240109--",
        "2024/01/09",
        "१९२४-०१",
        "4/5/2024",
        "unknown",
    ],
)
def test_iso_days_are_read_as_each_alone(odd):
    field = BY_NAME["last_funding_date"]
    cells = [f"{year}-{month:02}-{month + 8:02}" for year in (1900, 1999, 2024, 2099) for month in range(1, 13)]
    cells += ["1900-01-01", "2000-02-29", None, odd, *cells]
    whole = normalise_column(pa.array(cells), field)
    each = [alone(cell, field, None) for cell in cells]
    assert whole.values.to_pylist() == [one.values[0].as_py() for one in each]
    assert whole.values.type == pa.timestamp("s")
    assert (whole.dropped, whole.placeholders) == (sum(e.dropped for e in each), sum(e.placeholders for e in each))
    assert plain_days(Cells.of(pa.array(cells[:48]))).all()


@pytest.mark.parametrize("share", [1.0, 0.2])
@pytest.mark.parametrize(("field", "delimiter"), COLUMNS, ids=lambda x: getattr(x, "name", x))
def test_a_column_is_read_as_each_of_its_cells_alone(field, delimiter, share):
    cells = column(HOSTILE, share) * (1 if share < 1 else 2)
    whole = normalise_column(pa.array(cells, pa.string()), field, delimiter)
    each = {cell: alone(cell, field, delimiter) for cell in set(cells)}
    assert whole.values.to_pylist() == [each[cell].values[0].as_py() for cell in cells]
    for count in ("changed", "dropped", "placeholders", "foreign"):
        assert getattr(whole, count) == sum(getattr(each[cell], count) for cell in cells), count


@pytest.mark.parametrize(("field", "delimiter"), COLUMNS, ids=lambda x: getattr(x, "name", x))
@pytest.mark.parametrize("doubted", [0.02, 0.3, 1.0])
def test_a_closer_look_at_plain_cells_changes_nothing(monkeypatch, field, delimiter, doubted):
    """Some cells, or all, are taken to need one."""
    array = pa.array(column(HOSTILE, 0.2), pa.string())
    quick = normalise_column(array, field, delimiter)
    doubt = np.random.default_rng(1).random(len(array)) < doubted
    monkeypatch.setattr(cells_module, "unsettled", lambda c, words: unsettled(c, words) | _fitting(doubt, c))
    monkeypatch.setattr(numbers_module, "plain_numbers", lambda c, **k: plain_numbers(c, **k) & ~_fitting(doubt, c))
    monkeypatch.setattr(normalise_module, "plain_days", lambda c: plain_days(c) & ~_fitting(doubt, c))
    monkeypatch.setattr(normalise_module, "plain_hosts", lambda c: plain_hosts(c) & ~_fitting(doubt, c))
    assert normalise_column(array, field, delimiter) == quick


@pytest.mark.parametrize(("field", "delimiter"), COLUMNS, ids=lambda x: getattr(x, "name", x))
def test_scoring_reads_the_same_values_as_training(field, delimiter):
    array = pa.array(column(HOSTILE, 0.5), pa.string())
    trained = normalise_column(array, field, delimiter).values
    scored = normalise_column(array, field, delimiter, encoded=True).values
    if field.kind == "token_set":  # in scoring repeated tokens stay: they are looked up to the same effect
        sets = [None if tokens is None else list(dict.fromkeys(tokens)) for tokens in scored.to_pylist()]
        assert sets == trained.to_pylist()
    else:
        assert scored.to_pylist() == trained.to_pylist()


@pytest.mark.parametrize(("field", "delimiter"), COLUMNS, ids=lambda x: getattr(x, "name", x))
def test_slices_views_and_bytes_behind_gaps_are_read_alike(field, delimiter):
    cells = column(HOSTILE, 0.3)
    array = pa.array(cells, pa.string())
    wanted = normalise_column(array, field, delimiter).values.to_pylist()
    sliced = pa.array(["x;y", None, *cells, "z"], pa.string()).slice(2, len(cells))
    assert normalise_column(sliced, field, delimiter).values.to_pylist() == wanted
    filled = array.fill_null("9;hidden.com")
    gaps = np.packbits([cell is not None for cell in cells], bitorder="little")
    hidden = pa.StringArray.from_buffers(len(cells), *filled.buffers()[1:], pa.py_buffer(gaps))
    assert normalise_column(hidden, field, delimiter).values.to_pylist() == wanted
    coded = array.dictionary_encode()
    assert normalise_column(coded, field, delimiter).values.to_pylist() == wanted


@given(st.lists(st.text("09.-/+eE aA\u00a0é;,|", max_size=7), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_cells_called_plain_are(cells):
    text = pa.array([*cells, None, "acme.com"] * 3, pa.string())
    seen = Cells.of(text)
    numbers, years = plain_numbers(seen), plain_numbers(seen, year=True)
    settled = ~unsettled(seen, Words(PLACEHOLDERS))
    hosts = plain_hosts(seen)
    for k, cell in enumerate(text.to_pylist()):
        if cell is None:
            assert (numbers[k], years[k], settled[k], hosts[k]) == (True, True, True, False)
            continue
        assert bool(re.fullmatch(r"-?[0-9.]+", cell)) == numbers[k]
        assert bool(re.fullmatch(r"[0-9]{4}(\.0)?", cell)) == years[k]
        if settled[k]:
            assert cell == cell.strip()
            assert cell.isascii()
            assert cell.casefold() not in PLACEHOLDERS
        if hosts[k]:
            assert host_of(cell) == cell
            assert re.match(_PLAIN_HOST, cell)
            assert cell not in PLACEHOLDERS


def test_most_cells_of_a_usual_list_are_plain():
    hosts = pa.array([f"company-{k}.co.uk" for k in range(9)] + ["x1.com"])
    assert plain_hosts(Cells.of(hosts)).all()
    names = pa.array([f"Company {k} Ltd." for k in range(9)])
    assert not unsettled(Cells.of(names), Words(PLACEHOLDERS)).any()
    assert plain_numbers(Cells.of(pa.array(["-1.5", "20", None]))).all()
    assert plain_numbers(Cells.of(pa.array(["2007", "2007.0", None])), year=True).all()


def test_every_word_for_missing_is_doubted_in_any_case():
    text = pa.array([way for word in sorted(PLACEHOLDERS) for way in (word, word.upper(), word.title())])
    assert unsettled(Cells.of(text), Words(PLACEHOLDERS)).all()
    assert not plain_hosts(Cells.of(text)).any()


def test_trimming_leaves_a_settled_column_as_it_is():
    text = pa.array([f"Name {k}" for k in range(600)])
    clean, count = trimmed(text)
    assert clean is text
    assert count == 0
    clean, count = trimmed(pa.array([*text.to_pylist(), " n/a ", " x "]))
    assert clean.to_pylist() == [*text.to_pylist(), None, "x"]
    assert count == 1


@pytest.mark.parametrize(("field", "delimiter"), COLUMNS, ids=lambda x: getattr(x, "name", x))
@pytest.mark.parametrize("cell", [None, ""])
def test_a_column_that_holds_nothing_is_missing(field, delimiter, cell):
    array = pa.array([cell] * (600), pa.string())
    for encoded in (True, False):
        assert normalise_column(array, field, delimiter, encoded=encoded).values.null_count == len(array)


@given(st.lists(st.none() | st.text(";ab é", max_size=6), max_size=12))
@settings(max_examples=100, deadline=None)
def test_pieces_are_those_of_a_split(cells):
    text = pa.array(cells, pa.string())
    seen = Cells.of(text)
    starts, counts = separated(seen, ord(";"))
    ends = [*starts, len(seen.data)][1:]
    pieces = [seen.data[a:b].tobytes().decode().removesuffix(";") for a, b in zip(starts, ends, strict=True)]
    split = [cell.split(";") if cell else [] for cell in cells]
    assert [p for p in pieces if p] == [p for cell in split for p in cell if p]
    assert [c > 0 for c in counts] == [bool(cell) for cell in cells]
    assert counts.sum() == len(starts)


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize("name", ["technologies", "keywords", "tools"])
def test_cells_and_lists_of_the_same_tokens_agree(name, encoded):
    field = BY_NAME.get(name) or Field(name, "token_set", "technographic")
    text = pa.array([c for c in column(HOSTILE, 0.5) if c is None or not set(c) & set('|,\n\r["')], pa.string())
    found = token_lists(text, field, encoded=encoded)
    split = token_lists(pc.split_pattern(text, ";"), field, encoded=encoded)
    assert found[0].to_pylist() == split[0].to_pylist()
    assert found[1:] == split[1:]

"""Tables of other packages are scored as the same DataFrame is, and come back in their own kind."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from icp_ml import ICPModel, read_accounts
from icp_ml.accounts.formats.given import as_given, given_table, kind_of, names_of
from icp_ml.exceptions import InputError
from tests.hand_model import hand_list, hand_model


class Stream:
    """A table of a package that nobody has heard of."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class Broken:
    """A table that fails when it is asked for."""

    def __arrow_c_stream__(self, requested_schema=None):
        msg = "lost the\nconnection"
        raise RuntimeError(msg)


def as_arrow(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


def test_arrow_tables_are_scored_as_the_frame_is():
    model, frame = hand_model(), hand_list(200)
    wanted = as_arrow(model.score(frame))
    table = as_arrow(frame)
    cut = pa.concat_tables([table.slice(0, 7), table.slice(7, 0), table.slice(7)])
    for given in (table, cut, Stream(table), table.combine_chunks().to_batches()[0], table.to_reader()):
        scored = model.score(given)
        assert isinstance(scored, pa.Table)
        assert scored.to_pylist() == wanted.to_pylist()
        assert scored.column_names == wanted.column_names


def test_polars_frames_are_scored_as_the_frame_is():
    import polars as pl

    model, frame = hand_model(), hand_list(200)
    given = pl.from_arrow(as_arrow(frame))
    text = given.columns[0]
    given = given.with_columns(pl.col(text).cast(pl.Categorical))
    scored = model.score(given)
    assert isinstance(scored, pl.DataFrame)
    assert scored.to_dicts() == as_arrow(model.score(frame)).to_pylist()
    assert scored.height == 200
    with pytest.raises(InputError, match=r"not a polars LazyFrame; collect\(\) it first"):
        model.score(given.lazy())


def test_polars_columns_of_every_type_are_read():
    import polars as pl

    thing = pd.Timedelta(1)  # a Python object
    frame = pl.DataFrame(
        {
            "text": ["a", None],
            "category": pl.Series(["x", None], dtype=pl.Categorical),
            "enum": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"])),
            "list": [["a", "b"], None],
            "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
            "day": [dt.date(2024, 1, 2), None],
            "moment": [dt.datetime(2024, 1, 2, tzinfo=dt.UTC), None],
            "time": [dt.time(1), None],
            "days": [dt.timedelta(1.5), None],
            "bytes": [b"x", None],
            "decimal": [decimal.Decimal("1.5"), None],
            "nothing": [None, None],
            "number": [1.5, float("nan")],
            "struct": [{"a": 1}, None],
        }
    )
    read = given_table(frame)
    assert "struct" not in read.column_names
    assert read.slice(0, 1).to_pylist() == [
        {
            "text": "a", "category": "x", "enum": "x", "list": ["a", "b"], "array": ["1", "2"],
            "day": dt.datetime(2024, 1, 2), "moment": dt.datetime(2024, 1, 2), "time": "01:00:00.000000000",
            "days": 1.5, "bytes": "x", "decimal": 1.5, "nothing": None, "number": 1.5,
        }
    ]  # fmt: skip
    odd = frame.select(
        "text", big=pl.Series([2**100, 1], dtype=pl.Int128), thing=pl.Series([thing, None], dtype=pl.Object)
    )
    assert given_table(odd).column("text").to_pylist() == ["a", None]
    assert given_table(odd).column("big").to_pylist() == [str(2**100), "1"]
    assert given_table(odd).column("thing").to_pylist() == [str(thing), None]
    assert kind_of(frame) == "polars DataFrame"
    assert names_of(frame)[-1] == "struct"


def test_accounts_are_read_from_polars_and_from_any_arrow_table():
    import polars as pl

    frame = hand_list(50)
    wanted = read_accounts(frame)
    for given in (pl.from_arrow(as_arrow(frame)), as_arrow(frame), Stream(as_arrow(frame))):
        assert read_accounts(given).table.equals(wanted.table)
    nested = as_arrow(frame).append_column("deep", pa.array([{"a": 1}] * 50))
    for given in (nested, pl.from_arrow(nested)):
        assert "column 'deep' left out: it holds nested values" in read_accounts(given).report.notes


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ([1, 2], r"list: give a pandas or polars DataFrame or an Arrow table, not a list"),
        ("list.csv", "not a str"),
        (None, "not a NoneType"),
        (np.zeros((2, 2)), "not a numpy ndarray"),
        (pd.Series([1], name="x"), "cannot be read as an Arrow table"),
        (Broken(), r"this tests Broken cannot be read as an Arrow table \(lost the connection\)"),
        (pa.table({}), "it has no columns"),
        (pd.DataFrame(), "it has no columns"),
        (pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]), "'x'"),
    ],
)
def test_what_is_no_table_is_refused(given, match):
    with pytest.raises(InputError, match=match):
        given_table(given)


def test_a_table_without_the_models_fields_is_refused():
    with pytest.raises(InputError, match="none of its columns"):
        hand_model().score(pa.table({"colour": ["red"]}))


def test_no_rows_come_back_as_no_rows():
    model, frame = hand_model(), hand_list(3)
    assert model.score(as_arrow(frame).slice(0, 0)).num_rows == 0
    assert len(model.score(frame.iloc[:0])) == 0
    empty = pa.schema([pa.field("# Employees", pa.dictionary(pa.uint32(), pa.string_view()))]).empty_table()
    assert given_table(empty).num_rows == 0


def test_a_frames_index_stays():
    frame = hand_list(3).set_axis([5, 5, 1])
    assert hand_model().score(frame).index.tolist() == [5, 5, 1]
    assert as_given(pa.table({"a": [1, 2, 3]}), frame).index.tolist() == [5, 5, 1]


def test_what_scoring_makes_ready_is_made_once(monkeypatch):
    model, made = hand_model(), []
    plain = ICPModel.scorer
    monkeypatch.setattr(ICPModel, "scorer", lambda self, **options: made.append(options) or plain(self, **options))
    frame = hand_list(4)
    whole = model.score(frame)
    parts = pd.concat([model.score(frame.iloc[k : k + 1]) for k in range(4)])
    ids = [name for name in whole.columns if not whole["account_id"].str.isdigit().any() or name != "account_id"]
    pd.testing.assert_frame_equal(parts[ids], whole[ids], check_exact=True)
    assert len(made) == 1
    assert "reason_1" not in model.score(frame, reasons=0).columns
    assert "reason_1" in model.score(frame).columns
    assert len(made) == 2


def test_lists_of_other_layouts_do_not_pile_up():
    model, frame = hand_model(), hand_list(2)
    for k in range(40):
        model.score(frame.assign(**{f"extra {k}": 1}))
        model.score(frame, reasons=k % 20)
    assert len(model._normalisers) <= 8
    assert len(model._scorers) <= 8

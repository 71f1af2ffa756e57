from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from icp_ml.estimator.frames import as_frame, column_kind, delimiters_for, to_arrow


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "numeric"),
        ([1.5, None], "numeric"),
        (pd.array([1, None], dtype="Int64"), "numeric"),
        (np.array([1, 2.5, None], dtype=object), "numeric"),
        ([True, False], "boolean"),
        (pd.array([True, None], dtype="boolean"), "boolean"),
        (np.array([True, None], dtype=object), "boolean"),
        (["a", None], "category"),
        (np.array(["a", 5, 2.5], dtype=object), "category"),
        (pd.Categorical([3, 4]), "category"),
        (["a;b", "c"], "tokens"),
        (["a|b", None], "tokens"),
        (["a,b", "c"], "category"),
        ([["a"], []], "tokens"),
        ([{"a"}, ("b",)], "tokens"),
        ([None, None], "category"),
        ([np.nan, np.nan], "numeric"),
    ],
)
def test_kind_of_a_column(values, kind):
    assert column_kind(pd.Series(values, name="x"), None) == kind


def test_a_declared_delimiter_makes_tokens():
    assert column_kind(pd.Series(["a,b", "c"]), ",") == "tokens"


@pytest.mark.parametrize("values", [[pd.Timestamp("2020-01-01")], [["a"], "b"], [{"a": 1}], [b"x"]])
def test_what_cannot_be_encoded_is_named(values):
    with pytest.raises(TypeError, match=r"column 'x' holds a \w+; .* string, a number, a boolean or a list"):
        column_kind(pd.Series(values, name="x", dtype=object), None)


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="Complex data not supported: column 'x'"):
        column_kind(pd.Series([1j], name="x"), None)


def test_a_whole_number_is_the_same_category_as_integer_and_as_float():
    whole = to_arrow(pd.Series([5, 6], dtype=object), "category").to_pylist()
    gaps = to_arrow(pd.Series([5.0, None], dtype=object), "category").to_pylist()
    assert whole == ["5", "6"]
    assert gaps == ["5", None]
    assert to_arrow(pd.Series(pd.Categorical([5.0, None])), "category").to_pylist() == ["5", None]


def test_tokens_are_trimmed_and_stand_once():
    column = pd.Series([" a ; b|a;;", "", None, ["x", None, "x"], [], {"b", "a"}, 5.0], dtype=object)
    assert to_arrow(column, "tokens").to_pylist() == [["a", "b"], None, None, ["x"], [], ["a", "b"], ["5"]]
    assert to_arrow(pd.Series(["a;b,c"]), "tokens", ",").to_pylist() == [["a;b", "c"]]


def test_numbers_and_booleans():
    assert to_arrow(pd.Series(["1.5", None, 2], dtype=object), "numeric").to_pylist() == [1.5, None, 2.0]
    assert to_arrow(pd.Series([True, None, False], dtype=object), "boolean").to_pylist() == [True, None, False]
    assert to_arrow(pd.Series([1, 0]), "boolean").to_pylist() == [True, False]


def test_a_column_that_changed_its_kind_is_named():
    with pytest.raises(ValueError, match="column 'size' was numeric when fitted and holds something else now"):
        to_arrow(pd.Series(["large"], name="size"), "numeric")


def test_arrays_get_names_and_the_frame_given_is_not_changed():
    assert list(as_frame(np.zeros((2, 3)), None).columns) == ["x0", "x1", "x2"]
    frame = pd.DataFrame({1: [1]})
    assert list(as_frame(frame, None).columns) == ["1"]
    assert list(frame.columns) == [1]


def test_a_delimiter_for_no_column_is_refused():
    assert delimiters_for(["a", "b"], {"a": ","}) == {"a": ",", "b": None}
    with pytest.raises(ValueError, match=r"names \['c'\], which are not columns; the columns are \['a'\]"):
        delimiters_for(["a"], {"c": ","})

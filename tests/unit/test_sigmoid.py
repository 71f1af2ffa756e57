from __future__ import annotations

import numpy as np
from scipy.special import expit

from icp_ml.estimator.sigmoid import sigmoid


def _odd() -> np.ndarray:
    edges = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-300, -1e-300, 36.7, -37.0, 709.78, -709.79, -745.2, 1000.0, -1000.0]
    rng = np.random.default_rng(0)
    return np.concatenate([edges, rng.normal(0, 3, 100_000), rng.uniform(-800, 800, 20_000)])


def test_sigmoid_has_the_bits_of_scipys_expit() -> None:
    given = _odd()
    assert np.array_equal(sigmoid(given).view(np.int64), expit(given).view(np.int64))


def test_a_value_has_the_same_bits_alone_and_anywhere_in_an_array() -> None:
    given = _odd()[:2_000]
    whole = sigmoid(given)
    for begin, end in ((0, 1), (1, 8), (3, 70), (501, 1_999)):
        assert np.array_equal(sigmoid(given[begin:end]).view(np.int64), whole[begin:end].view(np.int64))
    assert np.array_equal(sigmoid(given[::3]).view(np.int64), whole[::3].view(np.int64))
    assert all(np.array_equal(float(sigmoid(float(x))), y, equal_nan=True) for x, y in zip(given, whole, strict=True))


def test_the_shape_stays_and_what_was_given_is_not_changed() -> None:
    given = np.array([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    before = given.copy()
    assert sigmoid(given).shape == (2, 3)
    assert sigmoid(given[:, :0]).shape == (2, 0)
    assert np.array_equal(given, before)
    assert float(sigmoid(0.0)) == 0.5

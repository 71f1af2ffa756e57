"""Texts that are remembered by two numbers: each made once, whoever asks, and the same when memory is full."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from icp_ml.scoring import remembered
from icp_ml.scoring.remembered import Remembered


def asked(memory, kinds, values, made=None):
    """What is found, as texts; two pairs in three read as another does."""

    def make(places):
        if made is not None:
            made.extend(zip(kinds[places].tolist(), values[places].tolist(), strict=True))
        return [f"text of {kinds[place] % 5} and {values[place] // 3}" for place in places]

    numbers, texts = memory.texts(kinds, values, make)
    words = texts.to_pylist()
    assert len(set(words)) == len(words)
    expected = [f"text of {k % 5} and {v // 3}" for k, v in zip(kinds, values, strict=True)]
    assert [words[number] for number in numbers] == expected
    return numbers


def some(seed, n=2000):
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.stack([rng.integers(0, 40, n), rng.integers(-300, 300, n)]), axis=1)
    pairs = pairs[:, rng.permutation(pairs.shape[1])]
    return np.ascontiguousarray(pairs[0]), np.ascontiguousarray(pairs[1])


@pytest.mark.parametrize("most", [0, 500, 10**6])
def test_texts_are_found_again(monkeypatch, most):
    monkeypatch.setattr(remembered, "MOST", most)
    memory, made = Remembered(), []
    for seed in (1, 2, 1, 3):
        asked(memory, *some(seed), made)
    if most == 10**6:
        assert len(made) == len(set(made))
        before = len(made)
        first = asked(memory, *some(1), made)
        assert len(made) == before
        assert first.tolist() == asked(memory, *some(1)).tolist()
    else:
        assert len(made) > len(set(made))
        assert len(memory._known.mixed) <= most + 2000


def test_pairs_that_mix_alike_are_told_apart(monkeypatch):
    monkeypatch.setattr(remembered, "_mixed", lambda kinds, values: (kinds % 3).astype(np.uint64))
    memory = Remembered()
    for seed in (1, 2, 1):
        asked(memory, *some(seed, 200))


def test_threads_share_it():
    memory = Remembered()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: asked(memory, *some(seed)), [k % 6 for k in range(48)]))
    known = memory._known
    pairs = set(zip(known.kinds.tolist(), known.values.tolist(), strict=True))
    every = {pair for seed in range(6) for pair in zip(*(one.tolist() for one in some(seed)), strict=True)}
    assert len(known.mixed) == len(pairs)
    assert pairs == every
    assert (np.diff(known.mixed.astype(np.float64)) >= 0).all()


def test_nothing_asked_is_nothing_found():
    none = np.zeros(0, dtype=np.int64)
    numbers, texts = Remembered().texts(none, none, list)
    assert len(numbers) == len(texts) == 0

"""Arrays in one file: whoever appends, each is read back where it was put."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from icp_ml.engines.appended import Appended


def test_arrays_of_several_threads_are_read_back_by_place(tmp_path):
    file, rng = Appended(tmp_path / "key"), np.random.default_rng(0)
    arrays = [rng.random(n) for n in (0, 1, 1000, 7, 0, 70_000, *range(50))]
    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(file.append, arrays))
    with file.reading() as read:
        for array, place in zip(arrays, places, strict=True):
            assert np.array_equal(np.frombuffer(read(place, array.nbytes)), array)
            assert np.array_equal(np.frombuffer(read(place + 8, max(array.nbytes - 8, 0))), array[1:])
    assert (tmp_path / "key").stat().st_size == sum(array.nbytes for array in arrays)


def test_nothing_appended_is_nothing_read(tmp_path):
    file = Appended(tmp_path / "key")
    assert file.append(memoryview(b"")) == file.append(np.zeros(0)) == 0
    with file.reading() as read:
        assert read(0, 0) == b""


def test_a_file_cut_short_meanwhile_is_said(tmp_path):
    file = Appended(tmp_path / "key")
    file.append(np.arange(10))
    with (tmp_path / "key").open("r+b") as cut:
        cut.truncate(60)
    with file.reading() as read, pytest.raises(OSError, match="80 bytes at 0 are not there any more"):
        read(0, 80)

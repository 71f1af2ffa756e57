from __future__ import annotations

from threading import Event, Timer

import pytest

from icp_ml.engines.in_order import in_order


@pytest.mark.parametrize("jobs", [0, 1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_results_come_in_the_order_of_the_items(jobs, count):
    assert list(in_order(range(count), lambda k: k * k, jobs)) == [k * k for k in range(count)]


def test_a_slow_item_does_not_keep_the_other_worker_waiting():
    last = Event()

    def work(k):
        if k == 0:
            assert last.wait(20)  # until an item was begun that two finished ones stand before
        if k == 3:
            last.set()
        return k

    assert list(in_order(range(8), work, 2)) == list(range(8))


def test_only_so_many_items_are_taken_and_results_kept():
    taken, go_on = [], Event()

    def items():
        for k in range(100):
            taken.append(k)
            if k == 4:  # the fifth item: the first is not finished, and as many results wait as may
                Timer(0.05, go_on.set).start()
            yield k

    def work(k):
        if k == 0:
            assert go_on.wait(20)
            assert len(taken) == 5
        return k

    assert list(in_order(items(), work, 2)) == list(range(100))


def test_an_error_comes_where_its_result_would():
    def work(k):
        if k == 3:
            raise KeyError(k)
        return k

    results = in_order(range(100), work, 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="3"):
        next(results)

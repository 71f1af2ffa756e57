from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icp_ml.engines.row_groups import Part, RowGroups
from icp_ml.engines.thrift import read_struct, written


def encoded(table, **options):
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **{"compression": "zstd", "store_schema": False, **options})
    return sink.getvalue().to_pybytes()


def body(rows, seed=0):
    rng = np.random.default_rng(seed)
    return pa.table({
        "id": pa.array([f"ä{k}" for k in range(rows)], pa.string()),
        "tags": pa.array([["a", "b"], None, []] * (rows // 3) + [["c"]] * (rows % 3), pa.list_(pa.string())),
        "fit": pa.array(rng.random(rows), mask=rng.random(rows) < 0.2),
        "tier": pa.array(rng.choice(["A", "B"], rows)).dictionary_encode(),
    })  # fmt: skip


def tail(rows, seed=0):
    return pa.table(
        {"rank": pa.array(np.random.default_rng(seed).permutation(rows)), "share": pa.nulls(rows, pa.float64())}
    )


def joined(path, sizes, metadata=None):
    """Write a file of row groups of these sizes, and return what it should hold."""
    expected = []
    with RowGroups(path, metadata or {}) as groups:
        for seed, rows in enumerate(sizes):
            left, right = body(rows, seed), tail(rows, seed)
            groups.add(Part.of(encoded(left)), Part.of(encoded(right)))
            plain = left.set_column(3, "tier", left["tier"].cast(pa.string()))
            expected.append(pa.table([*plain.columns, *right.columns], names=[*plain.column_names, "rank", "share"]))
    return pa.concat_tables(expected)


def test_parts_side_by_side_read_as_one_file(tmp_path):
    path = tmp_path / "out.parquet"
    expected = joined(path, [1000, 1, 0, 70_000, *[3] * 20], {"icp_ml.model_version": "x", "ü": "é\n"})
    found = pq.read_table(path)
    found.validate(full=True)
    assert found.equals(expected)
    file = pq.ParquetFile(path)
    assert file.schema_arrow.metadata == {b"icp_ml.model_version": b"x", "ü".encode(): "é\n".encode()}
    assert [file.metadata.row_group(k).num_rows for k in range(24)] == [1000, 1, 0, 70_000, *[3] * 20]
    assert file.metadata.num_rows == len(expected)
    for k in range(24):
        assert file.read_row_group(k, columns=["rank", "id"]).num_rows == file.metadata.row_group(k).num_rows
    whole = file.metadata.row_group(3)
    sizes = [whole.column(j).total_uncompressed_size for j in range(whole.num_columns)]
    assert whole.total_byte_size == sum(sizes)
    assert pq.read_table(path, filters=[("rank", "<", 2)]).num_rows == sum(
        min(n, 2) for n in (1000, 1, 70_000, *[3] * 20)
    )


def test_another_reader_reads_it_too(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "out.parquet"
    expected = joined(path, [500, 700])
    query = f"select sum(rank), count(*) filter (tier = 'A'), sum(fit) from '{path}'"
    with duckdb.connect() as connection:
        total, best, fit = connection.execute(query).fetchone()
    assert total == sum(expected["rank"].to_pylist())
    assert best == expected["tier"].to_pylist().count("A")
    assert fit == pytest.approx(sum(v for v in expected["fit"].to_pylist() if v is not None))


def test_a_footer_comes_out_as_it_went_in():
    for options in ({}, {"write_page_index": True, "store_schema": True}, {"version": "1.0", "compression": "none"}):
        file = encoded(body(100), **options)
        size = int.from_bytes(file[-8:-4], "little")
        footer = file[-8 - size : -8]
        assert written(read_struct(footer)) == footer


def test_parts_that_do_not_fit_are_refused_and_nothing_is_left(tmp_path):
    path = tmp_path / "out.parquet"

    def refused(left, right, match):
        with pytest.raises(ValueError, match=match), RowGroups(path, {}) as groups:  # noqa: PT012
            groups.add(Part.of(encoded(body(10))), Part.of(encoded(tail(10))))
            groups.add(Part.of(left), Part.of(right))
        assert not path.exists()

    whole = encoded(body(10))
    refused(whole, encoded(tail(11)), "different numbers of rows")
    refused(encoded(body(10), row_group_size=5), encoded(tail(10)), "has 2 row groups")
    refused(encoded(body(10).drop_columns("fit")), encoded(tail(10)), "other columns than the first")
    refused(b"", encoded(tail(10)), "no whole Parquet file")
    refused(whole[:-20], encoded(tail(10)), "no whole Parquet file")
    refused(b"PAR1" + b"\x15" * 10 + (10).to_bytes(4, "little") + b"PAR1", encoded(tail(10)), "ends too early")


@pytest.mark.parametrize("data", [b"", b"\x1c" * 200, b"\x19\xfc\xff\xff\xff\xff\x0f", b"\x18\x7fabc", b"\x1b\x00"])
def test_bytes_that_are_no_struct_are_refused(data):
    with pytest.raises(ValueError, match="footer"):
        read_struct(data)

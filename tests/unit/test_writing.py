from __future__ import annotations

import csv

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from icp_ml.engines.writing import ScoredWriter, distinct


def write(path, columns, **options):
    batches = [pa.RecordBatch.from_pydict(c) for c in (columns if isinstance(columns, list) else [columns])]
    with ScoredWriter(path, path.suffix, options.get("metadata", {})) as writer:
        for k, batch in enumerate(batches):
            n = batch.num_rows
            writer.write(batch, pa.array([k + 1] * n, pa.int64()), pa.array([50.0] * n))
    return path


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("text", ["=1+1", "+SUM(A1)", "-cmd", "@x", "\t=1", "\r=1", "\n=1", "-5\n=1", "=", "+1-555"])
def test_formulas_are_defused_in_csv(tmp_path, text):
    path = write(
        tmp_path / "a.csv", {"x": [text], "y": pa.array([text]).dictionary_encode(), "z": pa.array([[text, "b"]])}
    )
    row = rows_of(path)[1]
    assert row[0] == row[1] == f"'{text}"
    assert row[2] == f"'{text};b"


@pytest.mark.parametrize("text", ["-5", "+3.25", "a=b", "", "5", "’=", '"quoted"', "a,b", "a\nb", " =1"])
def test_other_text_stays_as_it_is(tmp_path, text):
    assert rows_of(write(tmp_path / "a.csv", {"x": [text]}))[1][0] == text


def test_headers_are_defused_too(tmp_path):
    path = write(tmp_path / "a.csv", {"=cmd()": ["v"], 'say "hi", you': ["w"]})
    assert rows_of(path)[0] == ["'=cmd()", 'say "hi", you', "rank", "percentile"]


def test_nulls_are_empty_and_numbers_plain(tmp_path):
    path = write(tmp_path / "a.csv", {"x": pa.array([None, "a"]), "n": pa.array([0.1, None]), "b": [True, None]})
    assert rows_of(path)[1:] == [["", "0.1", "true", "1", "50"], ["a", "", "", "1", "50"]]


def test_parquet_holds_strings_as_written_and_the_metadata(tmp_path):
    columns = {"x": pa.array(["=1+1", None]).dictionary_encode()}
    path = write(tmp_path / "a.parquet", [columns, {"x": pa.array(["b"]).dictionary_encode()}], metadata={"k": "v"})
    file = pq.ParquetFile(path)
    assert file.metadata.metadata[b"k"] == b"v"
    assert file.metadata.num_row_groups == 2
    table = file.read()
    assert table.schema.field("x").type == pa.string()
    assert table.column("x").to_pylist() == ["=1+1", None, "b"]
    assert table.column("rank").to_pylist() == [1, 1, 2]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_after_an_error_nothing_is_left(tmp_path, ending):
    path = tmp_path / f"a.{ending}"

    def stop():
        with ScoredWriter(path, path.suffix, {}) as writer:
            writer.write(pa.RecordBatch.from_pydict({"x": ["a"]}), pa.array([1]), pa.array([1.0]))
            assert path.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_disk_that_is_full_at_the_end_leaves_nothing(tmp_path, ending):
    class Full:
        def __init__(self, real):
            self.real = real

        def add_key_value_metadata(self, metadata):
            pass

        def close(self):
            self.real.close()
            raise OSError(28, "No space left on device")

    path = tmp_path / f"a.{ending}"

    def fill():
        with ScoredWriter(path, path.suffix, {}) as writer:
            writer.write(pa.RecordBatch.from_pydict({"x": ["a"]}), pa.array([1]), pa.array([1.0]))
            writer._writer = Full(writer._writer)

    with pytest.raises(OSError, match="No space"):
        fill()
    assert not list(tmp_path.iterdir())


def test_a_dictionary_that_names_a_value_twice_is_written_the_same_each_time(tmp_path):
    words = [f"sentence {i % 40} of some length" for i in range(80)]
    index = pa.array([i % 80 for i in range(500)], pa.int16())
    column = pa.DictionaryArray.from_arrays(index, pa.array(words))
    paths = [write(tmp_path / f"{i}.parquet", {"x": distinct(column), "n": list(range(500))}) for i in range(4)]
    assert len({p.read_bytes() for p in paths}) == 1
    assert pq.read_table(paths[0]).column("x").to_pylist() == column.to_pylist()

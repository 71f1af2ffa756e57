"""Scored rows as the text of a CSV; what a spreadsheet would run as a formula is defused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from icp_ml.scoring.columns import plain_strings

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
FORMULA = r"^[=+\-@\t\r\n]"
PLAIN_NUMBER = r"^[+-]?\d+(\.\d+)?$"
ROWS = 8_192  # put into words at once: few enough for the processor's cache
_CELL = 64  # bytes that a number, time or truth takes at most, with the comma
_STARTS = np.isin(np.arange(256), [ord(start) for start in FORMULA_STARTS])


class CsvText:
    """Rows as CSV in memory that is used again: to get it anew from the system takes longer than to fill it."""

    def __init__(self) -> None:
        self._memory = pa.allocate_buffer(0)
        self._end = 0

    @property
    def text(self) -> memoryview:
        """What was written last."""
        whole: memoryview = memoryview(self._memory)
        return whole[: self._end]

    def write(self, table: pa.Table, *, header: bool = False) -> None:
        """Write rows in place of what was there.

        Parameters
        ----------
        table : pa.Table
            Any columns of a scored file.
        header : bool
            Whether the names of the columns come first.
        """
        table = plain_strings(defused(table))
        most = _most_bytes(table)
        if most > self._memory.size:
            self._memory = pa.allocate_buffer(most)
        sink = pa.FixedSizeBufferWriter(self._memory)
        options = pacsv.WriteOptions(quoting_style="needed", include_header=header)
        with pacsv.CSVWriter(sink, table.schema, write_options=options) as writer:
            writer.write_table(table)
        self._end = sink.tell()


def _most_bytes(table: pa.Table) -> int:
    """Return what the rows take at most, and the names: every character of a text may be a quote, which is doubled."""
    texts = sum(int(column.nbytes) for column in table.columns if pa.types.is_string(column.type))
    names = sum(2 * len(name.encode("utf-8")) + _CELL for name in table.column_names)
    cells: int = table.num_rows * table.num_columns
    return 2 * texts + names + _CELL * cells


def defused(table: pa.Table) -> pa.Table:
    """Put an apostrophe before text that a spreadsheet would run as a formula; numbers stay as they are."""
    columns = []
    for column in table.columns:
        if pa.types.is_list(column.type):
            column = pc.binary_join(column, ";")
        if pa.types.is_dictionary(column.type):  # few texts of many rows
            texts = pa.dictionary(column.type.index_type, pa.string())
            chunks = [
                pa.DictionaryArray.from_arrays(chunk.indices, _harmless(chunk.dictionary.cast(pa.string())))
                for chunk in column.chunks
            ]
            column = pa.chunked_array(chunks, texts)
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pa.chunked_array([_harmless(chunk.cast(pa.string())) for chunk in column.chunks], pa.string())
        columns.append(column)
    names = [f"'{name}" if name.startswith(FORMULA_STARTS) else name for name in table.column_names]
    return pa.table(columns, names=names)


def _harmless(texts: pa.Array) -> pa.Array:
    """Put an apostrophe before those texts that would run."""
    suspect = np.flatnonzero(_begins_like_a_formula(texts))
    if not len(suspect):
        return texts
    numbers = pc.match_substring_regex(texts.take(pa.array(suspect)), PLAIN_NUMBER)
    runs = np.zeros(len(texts), dtype=bool)
    runs[suspect] = ~numbers.fill_null(True).to_numpy(zero_copy_only=False)
    return pc.if_else(pa.array(runs), pc.binary_join_element_wise("'", texts, ""), texts)


def _begins_like_a_formula(texts: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which texts begin with a character of a formula, each of which is one byte."""
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None or not data.size:
        return np.zeros(len(texts), dtype=bool)
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    first = np.frombuffer(data, dtype=np.uint8)[np.minimum(ends[:-1], data.size - 1)]
    return np.asarray(_STARTS[first] & (ends[1:] > ends[:-1]))

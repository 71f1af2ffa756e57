"""Five hundred broken files: none may end in a traceback, and rows read + rows rejected = rows in the file.

    python experiments/ingestion/fuzz.py [--data DIR] [--files 500] [--seed 1]

Two sorts. *Made* files: rows whose fate is known beforehand, in every delimiter, encoding, line ending, compression and
format, with malformed rows put in at known lines; the accounts read and the lines rejected must be exactly those.
*Mutated* files: heads of real tables with bytes flipped, cut, doubled and torn; here each line of the file must be
accounted for: by the header, by a row, by a reject or by being blank. Every file then goes through `icp-ml check`,
whose exit code must be 0, 1 or 2 and whose complaint must be a sentence that names the file.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import io
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from icp_ml.accounts.formats.readers import open_table
from icp_ml.exceptions import IcpError

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
REAL_LINES = 250
HEADER = ("Account ID", "Company", "Industry", "# Employees", "Notes", "Churned")
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be")
NEWLINES = ("\n", "\r\n")
PLAIN = (
    "Søren & Söhne", "Café “Zürich”", "O'Neill, Inc.", "5'' pipes", "naïve – but fine", "a;b|c", "=1+1", "tab\there",
)  # fmt: skip


@dataclass
class Case:
    """One file, and what must come of it."""

    path: Path
    sort: str
    ids: list[str] | None = None  # of rows that parse, in order; None: not known beforehand
    bad_lines: list[int] = field(default_factory=list)


def made(folder: Path, number: int, rng: np.random.Generator) -> Case:
    """Write a file of which every row's fate is known."""
    form = rng.choice(["csv", "csv", "csv", "csv", "gz", "zst", "parquet", "xlsx"])
    rows = [_row(i, rng) for i in range(int(rng.integers(1, 120)))]
    ids = [row[0] for row in rows]
    if form == "parquet":
        path = folder / f"made_{number}.parquet"
        pq.write_table(pa.Table.from_pylist([dict(zip(HEADER, row, strict=True)) for row in rows]), path)
        return Case(path, "made parquet", ids)
    if form == "xlsx":
        path = folder / f"made_{number}.xlsx"
        pd.DataFrame(rows, columns=list(HEADER)).to_excel(path, index=False, engine="xlsxwriter")
        return Case(path, "made xlsx", ids)
    return _made_text(folder, number, rows, form, rng)


def _row(number: int, rng: np.random.Generator) -> list[str]:
    note = str(rng.choice(PLAIN))
    if rng.random() < 0.2:
        note = f"two\nlines of {note}"
    if rng.random() < 0.1:
        note = f'said "{note}"'
    return [f"A{number:04d}", f"Firm {number}", str(rng.choice(["Software", "Retail", ""])), str(rng.integers(1, 999)),
            note, str(rng.choice(["Yes", "No"]))]  # fmt: skip


def _made_text(folder: Path, number: int, rows: list[list[str]], form: str, rng: np.random.Generator) -> Case:
    delimiter, newline = str(rng.choice(DELIMITERS)), str(rng.choice(NEWLINES))
    encoding = str(rng.choice(ENCODINGS))
    text, line = _line(HEADER, delimiter, newline), 2
    ids: list[str] = []
    bad: list[int] = []
    worst = max(1, len(rows) // 3)
    for row in rows:
        draw = rng.random()
        if draw < 0.08 and len(bad) < worst:
            cells = row[:3] if draw < 0.04 else [*row, "one too many"]
            written = _line([c.replace("\n", " ") for c in cells], delimiter, newline)
            bad.append(line)
        elif draw < 0.11:
            written = newline  # a blank line is no row
        else:
            written = _line(row, delimiter, newline)
            ids.append(row[0])
        text += written
        line += written.count("\n")
    if not ids:
        text += _line(rows[0], delimiter, newline)
        ids.append(rows[0][0])
    if rng.random() < 0.3:
        text = text.removesuffix(newline)
    data = text.encode(encoding, errors="replace")
    suffix = ".csv"
    if form == "gz":
        data, suffix = gzip.compress(data, mtime=0), ".csv.gz"
    elif form == "zst":
        data, suffix = pa.Codec("zstd").compress(data, asbytes=True), ".csv.zst"
    path = folder / f"made_{number}{suffix}"
    path.write_bytes(data)
    return Case(path, f"made {form} {encoding}", ids, bad)


def _line(cells: list[str] | tuple[str, ...], delimiter: str, newline: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=newline).writerow([c.replace("\n", newline) for c in cells])
    return out.getvalue()


def _flip(data: bytearray, rng: np.random.Generator) -> bytearray:
    for at in rng.integers(0, len(data), int(rng.integers(1, 12))):
        data[at] = int(rng.integers(0, 256))
    return data


def _cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    start = int(rng.integers(0, len(data)))
    del data[start : start + int(rng.integers(1, 400))]
    return data


def _truncate(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: int(rng.integers(1, len(data)))]


def _double(data: bytearray, rng: np.random.Generator) -> bytearray:
    start = int(rng.integers(0, len(data)))
    piece = data[start : start + int(rng.integers(1, 400))]
    return data[:start] + piece + data[start:]


def _sow(marks: bytes) -> Callable[[bytearray, np.random.Generator], bytearray]:
    def sow(data: bytearray, rng: np.random.Generator) -> bytearray:
        for at in sorted(rng.integers(0, len(data), int(rng.integers(1, 8))), reverse=True):
            data.insert(int(at), marks[int(rng.integers(len(marks)))])
        return data

    return sow


MUTATIONS = (
    _flip,
    _cut,
    _truncate,
    _double,
    _sow(b'"'),
    _sow(b"\n\r"),
    _sow(b"\x00"),
    _sow(b",;|\t"),
    _sow(b"\xff\xfe\x81"),
)


def mutated(folder: Path, number: int, heads: list[tuple[str, bytes]], rng: np.random.Generator) -> Case:
    """Write the head of a real table with some of its bytes damaged."""
    name, head = heads[int(rng.integers(len(heads)))]
    data = bytearray(head)
    for _ in range(int(rng.integers(1, 4))):
        data = MUTATIONS[int(rng.integers(len(MUTATIONS)))](data, rng) or bytearray(b"x")
    suffix = Path(name).suffix if name.endswith((".parquet", ".xlsx")) else ".csv"
    path = folder / f"mutated_{number}{suffix}"
    path.write_bytes(bytes(data))
    return Case(path, f"mutated {suffix[1:]}")


def real_heads(data: Path, folder: Path) -> list[tuple[str, bytes]]:
    """Return the first lines of every real table, and three of them as Parquet and Excel."""
    heads = []
    for path in sorted(data.rglob("*.csv*")):
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rb") as file:
            heads.append((path.name, b"".join(file.readline() for _ in range(REAL_LINES))))
    for name, head in heads[:3]:
        frame = pd.read_csv(io.BytesIO(head), dtype=str, sep=None, engine="python")
        parquet, book = folder / "head.parquet", folder / "head.xlsx"
        frame.to_parquet(parquet)
        frame.to_excel(book, index=False, engine="xlsxwriter")
        heads += [(f"{name}.parquet", parquet.read_bytes()), (f"{name}.xlsx", book.read_bytes())]
    return heads


def problems(case: Case) -> tuple[str, list[str]]:
    """Read a file and return what came of it, and everything that is wrong with that."""
    try:
        reader = open_table(case.path)
        chunks = list(reader.batches(rows=64))
    except IcpError as error:
        wrong = [f"refused though it is fine: {error}"] if case.ids is not None else []
        return "refused", wrong if wrong else _sentence(case, str(error))
    rows = sum(chunk.batch.num_rows for chunk in chunks)
    rejects = [reject for chunk in chunks for reject in chunk.rejects]
    outcome = "read with rejects" if rejects else "read"
    if case.ids is not None:
        read = [v for chunk in chunks for v in chunk.batch.column(0).to_pylist()]
        wrong = [] if read == case.ids else [f"accounts read: {len(read)}, expected {len(case.ids)}"]
        lines = [reject.line for reject in rejects]
        return outcome, wrong + ([] if lines == case.bad_lines else [f"rejected lines {lines} for {case.bad_lines}"])
    if case.path.suffix != ".csv":
        return outcome, []
    return outcome, _unaccounted(case.path, reader.columns, chunks, rejects, rows)


def _unaccounted(path: Path, columns: tuple[str, ...], chunks: list, rejects: list, rows: int) -> list[str]:
    """Count the file's lines independently of the reader: header + rows + rejects + blank lines must be all of them."""
    text = _decoded(path.read_bytes())
    written = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)
    lines, blank = len(written), sum(not line.strip() for line in written)
    inside = sum(
        len(re.findall(r"\r\n|\r|\n", cell))
        for chunk in chunks
        for column in chunk.batch.columns
        for cell in column.to_pylist()
        if cell
    )
    spans = sum(int(m[1]) if (m := re.search(r"over (\d+) lines", reject.reason)) else 1 for reject in rejects)
    header = 1 + sum(len(re.findall(r"\r\n|\r|\n", name)) for name in columns)
    left = lines - (rows + inside + spans + header)
    return [] if 0 <= left <= blank else [f"{left} of {lines} lines unaccounted for, {blank} of them may be blank"]


def _decoded(data: bytes) -> str:
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252", "latin-1"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")


def _sentence(case: Case, message: str) -> list[str]:
    named = str(case.path) in message
    return [] if named and len(message) > len(str(case.path)) + 20 else [f"an error that says too little: {message!r}"]


def command_problems(case: Case) -> tuple[int, list[str]]:
    """Run `icp-ml check` on the file in this process, and return its exit code and what is wrong with how it ended."""
    from icp_ml import cli

    out, err = io.StringIO(), io.StringIO()
    argv, sys.argv = sys.argv, ["icp-ml", "check", str(case.path), "--json"]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException as error:  # a traceback is what is looked for
        return -1, [f"traceback: {type(error).__name__}: {error}"]
    finally:
        sys.argv = argv
    said = err.getvalue()
    wrong = [] if code in (0, 1, 2) else [f"exit code {code}: {said.strip()}"]
    if "Traceback" in said or (code == 2 and case.path.name not in said.replace("\n", "")):
        wrong.append(f"complaint: {said.strip()!r}")
    return code, wrong


def run(data: Path, files: int, seed: int) -> dict[str, object]:
    """Make, read and check all files; return the counts and every failure."""
    rng = np.random.default_rng(seed)
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    failures: list[dict[str, object]] = []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        heads = real_heads(data, folder) if data.is_dir() else []
        for number in range(files):
            half = number % 2 == 0 and heads
            case = mutated(folder, number, heads, rng) if half else made(folder, number, rng)
            try:
                outcome, wrong = problems(case)
            except Exception as error:  # counted, not hidden
                outcome, wrong = "traceback", [f"traceback: {type(error).__name__}: {error}"]
            code, more = command_problems(case)
            outcomes[f"{case.sort.split()[0]}: {outcome}"] += 1
            codes[str(code)] += 1
            failures += [{"file": case.path.name, "sort": case.sort, "wrong": [*wrong, *more]}] if wrong or more else []
            if sys.stderr.isatty() or number % 50 == 49:
                print(f"\r{number + 1} of {files} files, {len(failures)} failures", end="", file=sys.stderr)
            if not (wrong or more):
                case.path.unlink()
    print(file=sys.stderr)
    return {
        "files": files,
        "seed": seed,
        "real_tables": len(heads),
        "outcomes": dict(sorted(outcomes.items())),
        "check_exit_codes": dict(sorted(codes.items())),
        "failures": failures,
        "seconds": round(time.perf_counter() - start),
    }


def main() -> int:
    """Run and write fuzz.json; exit 1 where a file failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = run(given.data, given.files, given.seed)
    (HERE / "fuzz.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "failures"}, indent=1))
    for failure in result["failures"][:20]:  # type: ignore[index]
        print(failure)
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())

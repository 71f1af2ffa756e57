"""The DataFrame call, Parquet and CSV give the same row-level columns, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from icp_ml import ICPModel
from icp_ml.engines.files import ScoreRequest, score_file
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.estimator.segment_tables import SegmentRule, SegmentTables
from icp_ml.scoring.columns import row_schema
from tests.small_run import market
from tests.small_run import small_model as plain_model

NUMBERS = [field.name for field in row_schema() if pa.types.is_float64(field.type)]
FLAGS = [field.name for field in row_schema() if pa.types.is_boolean(field.type)]


@cache
def small_model():
    """A model with pairs, of which each kind of field is in one, and with segments, two of them within another."""
    model = plain_model()
    terms = model.tables.terms
    rng = np.random.default_rng(0)
    first = {term.encoding.kind: j for j, term in reversed(list(enumerate(terms)))}
    chosen = sorted({(0, len(terms) - 1), *(tuple(sorted(c)) for c in combinations(first.values(), 2))})
    pairs = tuple(
        PairTable(a, b, rng.normal(size=(terms[a].size, terms[b].size)), rng.random((terms[a].size, terms[b].size)))
        for a, b in chosen
    )
    assert len(first) == 4
    tables = replace(model.tables, pairs=pairs)
    size, flag = (
        next(j for j, term in enumerate(terms) if term.encoding.kind == kind) for kind in ("numeric", "boolean")
    )
    middle = terms[size].size // 2
    rules = (
        SegmentRule("small", -1, size, tuple(range(1, middle))),
        SegmentRule("large", -1, size, tuple(range(middle, terms[size].size))),
        SegmentRule("large; yes", 1, flag, (2,)),
        SegmentRule("large; no", 1, flag, (1,)),
    )
    own = [tables.scaled(slope, 0.125 * slope) for slope in (0.5, -1.0, 1.5, -2.0)]
    segments = tuple(SegmentTables(rule, part) for rule, part in zip(rules, own, strict=True))
    return replace(
        model, tables=replace(tables, segments=segments), segment_supports=(0.2, 0.3, 0.1, 0.5), gaps=model.gaps * 5
    )


@cache
def listed():
    """A list with names that CSV must quote, and cells that mean nothing."""
    frame = market()
    frame.loc[0, "Company Name"] = 'Sieben, "Acht" & Söhne\nGmbH'
    frame.loc[1, ["Employee Range", "Founded Year"]] = ["inf", "3024"]
    frame.loc[2, "Industry"] = "  SOFTWARE\u00a0"
    frame.loc[3] = ""
    frame.loc[3, "Company ID"] = "nothing known"
    return frame


@cache
def scored():
    """The list's rows are of every segment, and of none."""
    scored = _scored()
    assert set(scored["segment"]) == {"small", "large", "large; yes", "large; no", "all"}
    return scored


def _scored():
    return small_model().score(listed())


def write(frame, path):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


def read_scored(path):
    """Read a scored file in the types of the DataFrame call."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pandas()
    texts = pd.read_csv(path, dtype=str, keep_default_na=False)
    out = texts.where(texts != "", None)
    for name in NUMBERS:
        out[name] = [None if text is None else float(text) for text in out[name]]  # Python's float: exact
        out[name] = out[name].astype("float64")
    for name in FLAGS:
        out[name] = out[name].map({"true": True, "false": False})
    return out


def same(got, wanted):
    """Compare every row-level column; floats by ==, and zeros by sign as well."""
    got = got[list(wanted.columns)]
    for name in wanted.columns:
        if name in NUMBERS:
            left, right = got[name].to_numpy(dtype=np.float64), wanted[name].to_numpy(dtype=np.float64)
            assert left.tobytes() == right.tobytes() or (np.isnan(left) == np.isnan(right)).all(), name
            assert (left[~np.isnan(left)] == right[~np.isnan(right)]).all(), name
        else:
            left, right = (f[name].astype(object).where(f[name].notna(), None).tolist() for f in (got, wanted))
            assert left == right, name


@pytest.mark.parametrize("source", ["list.csv", "list.parquet"])
@pytest.mark.parametrize("out", ["scored.csv", "scored.parquet"])
def test_files_score_as_the_frame_does(tmp_path, source, out):
    request = ScoreRequest(write(listed(), tmp_path / source), tmp_path / out, jobs=2)
    summary = score_file(small_model(), request)
    assert summary.rejected == 0
    same(read_scored(tmp_path / out), scored())


def test_small_chunks_change_nothing(tmp_path, monkeypatch):
    import icp_ml.engines.files as files

    source = write(listed(), tmp_path / "list.csv")
    score_file(small_model(), ScoreRequest(source, tmp_path / "whole.parquet"))
    opened = files.open_table

    class Chopped:
        def __init__(self, path):
            self._reader = opened(path)

        def __getattr__(self, name):
            return getattr(self._reader, name)

        def batches(self, columns=None):
            return self._reader.batches(37, columns)

    monkeypatch.setattr(files, "open_table", Chopped)
    score_file(small_model(), ScoreRequest(source, tmp_path / "chopped.parquet"))
    whole, chopped = (pq.read_table(tmp_path / name).to_pandas() for name in ("whole.parquet", "chopped.parquet"))
    assert_frame_equal(chopped, whole, check_exact=True)


def test_a_saved_and_loaded_model_scores_the_same(tmp_path):
    loaded = ICPModel.load(small_model().save(tmp_path / "model"))
    assert_frame_equal(loaded.score(listed()), scored(), check_exact=True)


def test_one_row_at_a_time():
    alone = pd.concat([small_model().score(listed().iloc[[i]]) for i in range(0, len(listed()), 19)])
    assert_frame_equal(alone, scored().iloc[::19], check_exact=True)


def typed():
    """Accounts in the types of a warehouse."""
    rng = np.random.default_rng(5)
    n = 120
    tools = [
        list(rng.choice(["Snowflake", "Salesforce", "SAP", "dbt"], k, replace=False)) for k in rng.integers(0, 4, n)
    ]
    return pd.DataFrame({
        "account_id": np.arange(10**9, 10**9 + n),
        "employees": rng.integers(1, 3000, n),
        "revenue_usd": np.exp(rng.normal(16, 2, n)),
        "country": rng.choice(["US", "FR", "DE"], n),
        "industry": pd.Categorical(rng.choice(["Software", "Retail"], n)),
        "founded_year": pd.array(rng.integers(1950, 2024, n), dtype="Int64"),
        "last_funding_date": pd.Timestamp("2026-01-01") - pd.to_timedelta(rng.integers(0, 2000, n), unit="D"),
        "technologies": pd.Series(tools, dtype=object),
        "has_public_api": rng.random(n) < 0.5,
        "cloud_regions": rng.integers(1, 9, n),
    })  # fmt: skip


def as_text(frame):
    """The same accounts as a CSV file would have them."""
    out = frame.astype({"industry": str, "country": str})
    for name in ("account_id", "employees", "founded_year", "cloud_regions"):
        out[name] = [str(value) for value in frame[name].tolist()]
    out["revenue_usd"] = [repr(value) for value in frame["revenue_usd"].tolist()]
    out["last_funding_date"] = frame["last_funding_date"].dt.strftime("%Y-%m-%d")
    out["technologies"] = ["; ".join(tokens) for tokens in frame["technologies"]]
    out["has_public_api"] = np.where(frame["has_public_api"], "Yes", "No")
    return out


def test_typed_columns_score_as_their_text_does(tmp_path):
    plain, text = typed(), as_text(typed())
    no_tools = plain["technologies"].map(len) == 0  # a typed list may say "none", an empty cell says nothing
    plain, text = (frame[~no_tools] for frame in (plain, text))
    wanted = small_model().score(plain)
    assert_frame_equal(small_model().score(text), wanted, check_exact=True)
    for name, frame in (("typed.parquet", plain), ("text.csv", text)):
        score_file(small_model(), ScoreRequest(write(frame, tmp_path / name), tmp_path / f"scored_{name}"))
        same(read_scored(tmp_path / f"scored_{name}"), wanted)


def test_an_empty_list_of_tokens_is_missing_like_an_empty_cell():
    plain, text = typed(), as_text(typed())
    some = plain["technologies"].map(len) == 0
    assert some.any()
    assert_frame_equal(small_model().score(text[some]), small_model().score(plain[some]), check_exact=True)


def test_integers_with_gaps_become_floats_and_score_the_same():
    frame = typed()[["account_id", "employees", "industry"]]
    gaps = frame.astype({"employees": "Int64"})
    gaps.loc[::4, "employees"] = pd.NA
    floats = gaps.assign(employees=gaps["employees"].astype("float64"))
    objects = gaps.assign(employees=gaps["employees"].astype(object))
    assert_frame_equal(small_model().score(floats), small_model().score(gaps), check_exact=True)
    assert_frame_equal(small_model().score(objects), small_model().score(gaps), check_exact=True)

"""A model with a field of every kind and form, hostile names and values in all of them, and accounts for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from icp_ml.engines.canonical import canonical_schema, canonical_table
from icp_ml.estimator.encoding import MISSING, Encoding, FieldEncoding
from icp_ml.estimator.pair_tables import PairTable
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.segment_tables import SegmentRule, SegmentTables
from icp_ml.model import ICPModel
from icp_ml.profile import IdealCustomerProfile
from icp_ml.schema import Field
from icp_ml.scoring.gaps import Gap, Gaps
from icp_ml.scoring.lookalikes import make_reference
from tests.hand_model import hand_model

HOSTILE = (
    "it's", 'a "b"', "50% off", "a_b", "back\\slash", "\\'; DROP TABLE accounts; --", "*/ x /*", "${env:HOME}",
    "{{ jinja }}", "line\nend", "tab\tin", "münchen ✓", "%s %(x)s", ":name", "?", "$1", "\\u0041", "a;b", "$$",
)  # fmt: skip
NAICS = ("31-33", "3327", "5112", "523", "54", "bakery")


def every_encoding() -> Encoding:
    """One field per kind and form, with names that a database reserves."""

    def number(name: str, form: str, *edges: float, label: str = "") -> FieldEncoding:
        return FieldEncoding(name, "numeric", form, label or name.replace("_", " "), edges=np.array(edges))

    rare = tuple(f"{text} rare" for text in HOSTILE[:4])
    return Encoding((
        number("employees", "count", -1e-9, 10.5, 50, 125.5, 1000, 50_000),
        number("revenue_usd", "money", -1e-9, 250_000, 1e6, 12_345_678.5, 1e9, 1e13, label="annual revenue"),
        number("growth_rate", "share", -5.0, -0.1, 0.07, 0.25, 4.0),
        number("founded_year", "year", 1800, 1990, 2010, 2030, label="founded"),
        number("opened_year", "age", -1e-9, 4.5, 20, 300, label="founded"),
        number("last_funding_date", "date", -1e-9, 91, 365, 731, 9000, label="last raised"),
        number("order", "number", -2e9, 0.00002, 0.5, 2.5, 300, 2e9),
        FieldEncoding("industry", "category", "category", "industry", values=tuple(sorted(HOSTILE)),
                      spellings=tuple(sorted(HOSTILE)), rare=rare),
        FieldEncoding("naics_code", "category", "naics", "NAICS code", values=NAICS, spellings=NAICS,
                      rare=("333", "62", "722")),
        FieldEncoding("is public?", "boolean", "boolean", "publicly traded"),
        FieldEncoding("technologies", "tokens", "token_set", "technologies", "technographic", np.empty(0),
                      tuple(sorted(HOSTILE)), tuple(sorted(HOSTILE))),
        FieldEncoding("Texte; DROP", "tokens", "text", "description", "technographic", np.empty(0), ("aws", "sap"),
                      ("AWS", "SAP")),
    ))  # fmt: skip


def random_tables(encoding: Encoding, rng: np.random.Generator, pairs: int = 3) -> ScoringTables:
    """Contributions of all sizes, some of them equal, some too small to be said."""
    sizes = [term.size for term in encoding.terms]
    scale = rng.choice([0.002, 0.1, 0.7], len(sizes), p=[0.2, 0.5, 0.3])
    scale[:10] = 0.7  # so that every form of a number is said
    values = [s * rng.normal(size=n).round(int(rng.integers(1, 17))) for s, n in zip(scale, sizes, strict=True)]
    customers = [rng.integers(0, 60, n).astype(float) * (rng.random(n) < 0.85) for n in sizes]
    best = [np.floor(c * rng.random(len(c))) for c in customers]
    chosen = sorted({tuple(sorted(rng.choice(12, 2, replace=False).tolist())) for _ in range(pairs)})
    tables = [
        PairTable(a, b, rng.normal(0, 0.3, (sizes[a], sizes[b])), rng.random((sizes[a], sizes[b])) * 0.01)
        for a, b in chosen
    ]
    return ScoringTables(
        encoding, tuple(values), tuple(0.01 * rng.random(n) for n in sizes), float(rng.normal()), 0.05,
        tuple(customers), tuple(best), date(2026, 10, 1), tuple(tables),
    )  # fmt: skip


def random_gaps(tables: ScoringTables, rng: np.random.Generator) -> Gaps:
    """Values that count by themselves in ten fields, two of which are called alike, and pairs of values."""
    sizes = [term.size for term in tables.terms]
    alone = {}
    for j in rng.permutation(10).tolist():
        odd = rng.random(sizes[j]) < 0.15
        odd[MISSING] = False
        alone[j] = odd
    together = []
    for a, b in ((0, 7), (1, 5), (7, 8)):
        cells = rng.random((sizes[a], sizes[b])) < 0.25
        cells[:, 1 : sizes[b] // 2] = cells[:1, 1 : sizes[b] // 2]
        cells[MISSING], cells[:, MISSING] = False, False
        together.append(Gap(a, b, cells))
    return Gaps(alone, tuple(together))


def every_model(seed: int = 0, *, segments: bool = True, gaps: bool = True) -> ICPModel:
    """A model of random tables, with exclusions, a strategy's words, pairs and nested segments.

    Models before format 4 have no gaps.
    """
    rng, encoding = np.random.default_rng(seed), every_encoding()
    tables = random_tables(encoding, rng)
    if segments:
        rules = (
            SegmentRule("up to 50 employees", -1, 0, (1, 2, 3)),
            SegmentRule("it's 51 or more", -1, 0, (4, 5, 6, 7)),
            SegmentRule("51 or more, publicly traded", 1, 9, (2,)),
        )
        own = tuple(SegmentTables(rule, random_tables(encoding, rng, k)) for k, rule in enumerate(rules))
        tables = replace(tables, segments=own)
    decided: dict[str, Any] = {
        "action": "exclude", "term": "employees", "codes": [2], "statement": "tiny's", "reason": "don't; --",
    }  # fmt: skip
    bad = {"term": "industry", "codes": [5, 7], "statement": 'industry "bad"', "reason": "it's\n*/"}
    raised = {"action": "raise", "term": "naics_code", "codes": [3, 4], "reason": "we're ${strong} there"}
    profile = IdealCustomerProfile(True, "x", overrides=(decided, {**decided, **bad}, raised))
    model = hand_model()
    codes = np.zeros((2, len(encoding.terms)), dtype=np.uint16)
    kinds = {"numeric": "number", "category": "category", "boolean": "boolean", "tokens": "token_set"}
    return replace(
        model,
        tables=tables,
        support_threshold=0.08,
        segment_supports=(0.05, 0.1, 0.12) if segments else (),
        gaps=tuple(random_gaps(tables, rng) for _ in range(4 if segments else 1)) if gaps else (),
        reference=make_reference(codes, ("C-1", "C-2"), "salt"),
        profile=profile,
        fields={enc.field: Field(enc.field, kinds[enc.kind], label=enc.label) for enc in encoding.fields},
    )


def every_account(n: int, seed: int = 0) -> dict[str, pa.Array]:
    """Canonical columns with gaps, values no customer has, and numbers that lie on edges and between digits."""
    rng = np.random.default_rng(seed)

    def gaps(values: Any, kind: pa.DataType, share: float = 0.15) -> pa.Array:
        gone = rng.random(n) < share
        return pa.array([None if g else v for v, g in zip(values, gone, strict=True)], kind)

    def digits(low: float, high: float) -> list[float]:
        size = 10.0 ** rng.uniform(np.log10(low), np.log10(high), n)
        return [float(f"{v:.{int(k)}g}") for v, k in zip(size, rng.integers(1, 9, n), strict=True)]

    def sets(values: list[str]) -> list[list[str]]:
        return [list(rng.choice(values, int(k), replace=False)) for k in rng.integers(0, 5, n)]

    sign = rng.choice([1, 1, -1], n)
    unseen = ["never seen", "NULL", ";", "ä' OR 1=1"]
    days = (np.datetime64("2026-10-03") - rng.choice([0, 2, 3, 31, 32, 33, 61, 62, 92, 93, 367, 731, 732, 733, 4000, 9001], n)).astype("datetime64[s]")  # fmt: skip # noqa: E501
    codes = [*NAICS, "332", "333", "3331", "31", "32", "33", "51", "511", "51121", "5239", "5", "54", "5415", "62",
             "6211", "7225", "999", "33x", "541-1", "бакалея", ""]  # fmt: skip
    terms = every_encoding().fields
    return {
        "account_id": pa.array([f"A-{k:06d}" for k in range(n)]),
        "name": gaps(rng.choice([*HOSTILE, *unseen], n), pa.string()),
        "domain": gaps([f"c{k}.example" for k in range(n)], pa.string()),
        "employees": gaps(
            rng.choice([*digits(0.5, 2e6), 10.5, 50, 125.5, 1000, 30.5, 31.5, 12345, 12350], n), pa.float64()
        ),
        "revenue_usd": gaps(digits(10, 5e13) * sign, pa.float64()),
        "growth_rate": gaps(digits(1e-7, 30) * sign, pa.float64()),
        "founded_year": gaps(rng.integers(1750, 2040, n), pa.float64()),
        "opened_year": gaps(rng.integers(1700, 2029, n), pa.float64()),
        "last_funding_date": gaps(list(days), pa.timestamp("s")),
        "order": gaps(digits(1e-9, 9e14) * sign, pa.float64()),
        "industry": gaps(rng.choice([*HOSTILE, *terms[7].rare, *unseen], n), pa.string()),
        "naics_code": gaps(rng.choice(codes, n), pa.string()),
        "is public?": gaps(rng.random(n) < 0.5, pa.bool_()),
        "technologies": gaps(sets([*HOSTILE, *unseen, "a%3Bb", "a", "b"]), pa.list_(pa.string())),
        "Texte; DROP": gaps(sets(["aws", "sap", "excel", "a", "b"]), pa.list_(pa.string())),
    }


def nothing_known(columns: dict[str, pa.Array], rows: int) -> dict[str, pa.Array]:
    """The same accounts, of the first `rows` of which nothing is known."""
    known = np.arange(len(columns["account_id"])) >= rows
    out = {}
    for name, array in columns.items():
        keep = pa.array(np.ones(len(array), bool) if name == "account_id" else known)
        out[name] = pa.array(
            [v if k else None for v, k in zip(array.to_pylist(), keep.to_pylist(), strict=True)], array.type
        )
    return out


def as_table(model: ICPModel, columns: dict[str, pa.Array]) -> pa.Table:
    """The canonical table of these accounts."""
    encoding = model.tables.encoding
    assert canonical_schema(encoding).names[:3] == ["account_id", "name", "domain"]
    return canonical_table(encoding, columns, len(columns["account_id"]))

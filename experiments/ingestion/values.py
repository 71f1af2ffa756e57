"""How well messy values are read: python experiments/ingestion/values.py [--shared DIR]

Three measurements, written to `values.json` beside this file:

- `remote_tech_companies_tam`: people's own words about size and technologies, next to tags a maintainer set. A size
  agrees where the lower end of what was read lies in the tag's class, as the tags were set ("50-100" is
  "small"); the classes are 1-10, 11-50, 51-200, 201-1000, over 1000. A technology agrees where a tag that names one
  (not a subject such as "cloud") and that the text spells out is among the tokens, by itself or within a name of at
  most four words ("ruby on rails").
- `clutch_agencies_tam`: every band.
- The bands that practitioners list, and more that vendors use, with the ends they should have.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from icp_ml.accounts.normalise import normalise_column
from icp_ml.accounts.values.bands import Quantity
from icp_ml.accounts.values.cells import PLACEHOLDERS, fold
from icp_ml.accounts.values.headcounts import parse_headcount
from icp_ml.accounts.values.technologies import technology
from icp_ml.schema import BY_NAME

FOLDER = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("ICP_ML_SHARED", FOLDER.parents[2] / "shared"))
CLASSES = {"tiny": (0, 10), "small": (10, 50), "medium": (50, 200), "large": (200, 1_000), "enterprise": (1_000, 1e12)}
# Tags that are the name of a technology; the others are subjects (cloud, data, ml, mobile, nosql, sql, search ...).
NAMES = (
    "angular", "aws", "azure", "docker", "elixir", "flutter", "go", "graphql", "java", "javascript", "kubernetes",
    "linux", "nodejs", "php", "postgres", "python", "react", "react-native", "ruby", "rust", "scala", "swift",
    "typescript", "vue",
)  # fmt: skip
MISSING = "missing"
USED = 20  # a tag on fewer companies was not set systematically: its absence says nothing
BANDS: dict[str, tuple[float | None, float | None] | str] = {
    "51-200": (51, 200), "51 to 200 employees": (51, 200), "10,001+": (10_001, None), "5K-10K": (5_000, 10_000),
    "50 - 249": (50, 249), "1001 to 5000 Employees": (1_001, 5_000), "Freelancer": (1, 1),
    "$10 to $25 million (USD)": (10e6, 25e6), "$39.1m": (39.1e6, 39.1e6), "36.9 Million": (36.9e6, 36.9e6),
    "Unknown / Non-Applicable": MISSING, "-1": MISSING, "No Info": MISSING, "Select": MISSING, "NULL": MISSING,
    "$1,000+ million (USD)": (1e9, None), "$1+ billion (USD)": (1e9, None), "Less than $1 million (USD)": (None, 1e6),
    "<10": (None, 10), ">5000": (5_000, None), "over 1000": (1_000, None), "up to 50": (None, 50), "12k+": (12e3, None),
    "under $1M": (None, 1e6), "1B+": (1e9, None), "$100M-$250M": (100e6, 250e6), "€5 Mio.": (5e6, 5e6),
    "10 Mio. EUR": (10e6, 10e6), "1,5 Mrd": (1.5e9, 1.5e9), "50 Lakh": (5e6, 5e6), "2 crore": (20e6, 20e6),
    "51-200 Mitarbeiter": (51, 200), "self-employed": (1, 1), "myself only": (1, 1), "$10,000+": (10_000, None),
    "c. 250": (250, 250), "~300": (300, 300), "1.234.567,89": (1_234_567.89, 1_234_567.89), "5 bn": (5e9, 5e9),
    "1'234'567": (1_234_567, 1_234_567), "1 234 567": (1_234_567, 1_234_567), "1e6": (1e6, 1e6),
    "$1.2MM": (1.2e6, 1.2e6),
    "100–199": (100, 199), "100—199": (100, 199), "100 ‑ 199": (100, 199), "Jan-50": (1, 50), "10-Nov": (10, 11),
    "１００－１９９": (100, 199), "٥٠-٩٩": (50, 99),
}  # fmt: skip


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _class_of(number: float | None) -> str:
    return next((name for name, (low, high) in CLASSES.items() if number is not None and low < number <= high), "tiny")


def _overlaps(found: Quantity, tag: str) -> bool:
    names = list(CLASSES)
    low = names.index(_class_of(found.low)) if found.low is not None else 0
    high = names.index(_class_of(found.high)) if found.high is not None else low
    return low <= names.index(tag) <= high


def sizes(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Compare what was read of a company's own words with the maintainer's class."""
    judged = [row for row in rows if row["company_size"] in CLASSES and row["company_size_text"].strip()]
    texts = [row["company_size_text"] for row in judged]
    column = normalise_column(pa.array(texts), BY_NAME["employees"])
    found = [parse_headcount(text) for text in texts]
    unread = [
        {"tag": row["company_size"], "text": text[:120]}
        for row, text, value in zip(judged, texts, column.values.to_pylist(), strict=True)
        if value is None
    ]
    by_low = by_midpoint = overlap = 0
    differ = []
    for row, quantity in zip(judged, found, strict=True):
        tag = row["company_size"]
        low = quantity.low if quantity.low is not None else quantity.high
        read = quantity.value is not None
        agrees = read and _class_of(low) == tag
        by_low += agrees
        by_midpoint += read and _class_of(quantity.value) == tag
        overlap += read and _overlaps(quantity, tag)
        if read and not agrees:
            differ.append({"tag": tag, "read": [quantity.low, quantity.high], "text": row["company_size_text"][:120]})
    count = len(judged)
    return {
        "cells": count,
        "read": 1 - len(unread) / count,
        "agree": by_low / count,
        "agree_by_midpoint": by_midpoint / count,
        "tag_within_what_was_read": overlap / count,
        "unread": unread,
        "differ": differ,
    }


def technologies(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Compare our tokens with the tags that name a technology and that the text spells out."""
    judged = [row for row in rows if row["technologies_text"].strip() and row["technologies_tags"].strip()]
    cells = normalise_column(pa.array([row["technologies_text"] for row in judged]), BY_NAME["technologies"])
    wanted = alone = within = found = confirmed = unspelled = 0
    missed: list[dict[str, Any]] = []
    used = Counter(tag for row in judged for tag in row["technologies_tags"].split("; "))
    for row, tokens in zip(judged, cells.values.to_pylist(), strict=True):
        tags, text = set(row["technologies_tags"].split("; ")), row["technologies_text"].casefold()
        for tag in NAMES:
            name = technology(tag)
            spelled = re.search(rf"(?<![\w.]){re.escape(tag)}(?![\w+#])", text) is not None
            whole = name in (tokens or [])
            part = any(len(t.split()) <= 4 and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", t) for t in tokens or [])
            unspelled += tag in tags and not spelled
            if tag in tags and spelled:
                wanted, alone, within = wanted + 1, alone + whole, within + (whole or part)
                if not (whole or part):
                    missed.append({"tag": tag, "text": row["technologies_text"][:120]})
            if whole and used[tag] >= USED:
                found, confirmed = found + 1, confirmed + (tag in tags)
    return {
        "cells": len(judged),
        "tags_spelled_out": wanted,
        "agree": within / wanted,
        "agree_as_a_token_by_itself": alone / wanted,
        "tokens_that_have_the_tag": confirmed / found,
        "tags_the_text_does_not_spell_out": unspelled,
        "distinct_tokens": len({t for tokens in cells.values.to_pylist() for t in tokens or []}),
        "missed": missed,
    }


def agencies(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Read every band of employees."""
    texts = [row["employees"] for row in rows]
    column = normalise_column(pa.array(texts), BY_NAME["employees"])
    pairs = zip(texts, column.values.to_pylist(), strict=True)
    return {
        "cells": len(texts),
        "read": 1 - column.values.null_count / len(texts),
        "bands": {f"{text} -> {value:g}": n for (text, value), n in sorted(Counter(pairs).items())},
        "unread": sorted(
            set(texts) - {t for t, v in zip(texts, column.values.to_pylist(), strict=True) if v is not None}
        ),
    }


def bands() -> dict[str, Any]:
    """Read each listed band and compare both ends."""
    wrong = {}
    for text, expected in BANDS.items():
        found = parse_headcount(text)
        value = normalise_column(pa.array([text]), BY_NAME["employees"]).values.to_pylist()[0]
        if expected == MISSING:
            right = value is None and (fold(text) in PLACEHOLDERS or found.value == -1)
        else:
            right = (found.low, found.high) == expected
        if not right:
            wrong[text] = [found.low, found.high]
    return {"bands": len(BANDS), "right": len(BANDS) - len(wrong), "wrong": wrong}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED)
    data = parser.parse_args().shared / "data"
    remote = _rows(data / "remote_tech_companies_tam" / "remote_jobs_companies.csv")
    result = {
        "sizes": sizes(remote),
        "technologies": technologies(remote),
        "agencies": agencies(_rows(data / "clutch_agencies_tam" / "clutch_agencies.csv")),
        "bands": bands(),
    }
    (FOLDER / "values.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for part, figures in result.items():
        print(
            part,
            {k: v if isinstance(v, int) else round(v, 4) for k, v in figures.items() if isinstance(v, int | float)},
        )


if __name__ == "__main__":
    main()

"""How many countries, states and industries of real tables are recognised, and what texts give and cost.

    python experiments/ingestion/places_industries.py [--data DIR] [--rows 131072] [--seeds 2]

Writes places_industries.json beside this file. Shares are of the cells that hold something. The last part trains on
made-up customers whose outcome shows in nothing but one phrase of their descriptions, and again with shuffled outcomes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
sys.path[:0] = [str(REPOSITORY)]

from icp_ml import Settings, read_accounts, train  # noqa: E402
from icp_ml.accounts.reading import ROWS_PER_TOKEN  # noqa: E402
from icp_ml.accounts.values.cells import PLACEHOLDERS, fold  # noqa: E402
from icp_ml.accounts.values.industries import industry_name, naics_code, title_of  # noqa: E402
from icp_ml.accounts.values.industry_names import INDUSTRIES  # noqa: E402
from icp_ml.accounts.values.places import country_of_place  # noqa: E402
from icp_ml.accounts.values.states import state_code  # noqa: E402
from icp_ml.accounts.values.words import plain_words, word_sets  # noqa: E402

TABLES = {
    "clutch": "clutch_agencies_tam/clutch_agencies.csv",
    "crunchbase_2014": "crunchbase_2014_us_companies/companies.csv.gz",
    "crunchbase_startup": "crunchbase_startup_acquired_closed/startup_data.csv",
    "sba": "sba_small_business_loans/sba_california_case.csv",
    "olist": "olist_b2b_sellers/olist_sellers_dataset.csv",
    "remote_tech": "remote_tech_companies_tam/remote_jobs_companies.csv",
}
_KNOWN = {fold(name) for name in INDUSTRIES}


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(os.environ.get("ICP_ML_SHARED", REPOSITORY.parent / "shared")) / "data"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--rows", type=int, default=131_072, help="descriptions to tokenise")
    parser.add_argument("--seeds", type=int, default=2, help="worlds to train on, each once with shuffled outcomes")
    options = parser.parse_args()
    found = {
        "recognised": recognised(options.data),
        "text": {**throughput(options.rows), **planted(range(1, options.seeds + 1))},
    }
    (FOLDER / "places_industries.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(found, indent=1, ensure_ascii=False))


def recognised(data: Path) -> dict[str, Any]:
    """Return, per real column, the share of filled cells read, and the commonest that were not."""
    tables = {name: _read(data / path) for name, path in TABLES.items() if (data / path).exists()}
    out: dict[str, Any] = {}
    if "clutch" in tables:
        table = tables["clutch"]
        countries = table["country"].map(lambda cell: country_of_place(cell) if isinstance(cell, str) else None)
        out["clutch country"] = _share(table["country"], country_of_place)
        pairs = table["region"].str.cat(countries.fillna(""), sep="\t")
        out["clutch region beside country"] = _share(pairs, _state_of_pair)
        american = table["region"].where(countries == "US")
        out["clutch region of US rows beside country"] = _share(american, lambda cell: state_code(cell, "US"))
        out["clutch region of US rows alone"] = _share(american, state_code)
    for name, column in (("crunchbase_2014", "state_code"), ("crunchbase_startup", "state_code"), ("sba", "State")):
        if name in tables:
            out[f"{name} {column} alone"] = _share(tables[name][column], state_code)
    if "crunchbase_2014" in tables:
        out["crunchbase_2014 country_code"] = _share(tables["crunchbase_2014"]["country_code"], country_of_place)
    if "olist" in tables:
        brazil = tables["olist"]["seller_state"]
        out["olist seller_state beside BR"] = _share(brazil, lambda cell: state_code(cell, "BR"))
        read = brazil.dropna().map(lambda cell: state_code(cell) or cell.lower())
        out["olist seller_state alone: still one value per state"] = bool(read.nunique() == brazil.nunique())
    if "sba" in tables:
        out["sba NAICS (0 means unknown)"] = _share(tables["sba"]["NAICS"].where(lambda c: c != "0"), _sector)
        out["sba distinct NAICS codes"] = int(tables["sba"]["NAICS"].nunique())
        out["sba distinct industry groups"] = int(tables["sba"]["NAICS"].map(naics_code).nunique())
    for name in ("crunchbase_2014", "crunchbase_startup"):
        if name in tables:
            column = tables[name]["category_code"]
            out[f"{name} category_code among LinkedIn's names"] = _share(column, _industry)
            values = column.dropna()
            before, after = values.map(fold).nunique(), values.map(industry_name).nunique()
            out[f"{name} categories merged with another"] = int(before - after)
    if "remote_tech" in tables:
        out["remote_tech descriptions"] = _vocabulary(tables["remote_tech"]["blurb"])
    return out


def _read(path: Path) -> pd.DataFrame:
    open_ = gzip.open if path.suffix == ".gz" else open
    with open_(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False).replace("", None)


def _state_of_pair(pair: str) -> str | None:
    state, _, country = pair.partition("\t")
    return state_code(state, country or None)


def _sector(code: str) -> str | None:
    found = naics_code(code)
    return found if found and title_of(found, "naics") else None


def _industry(name: str) -> str | None:
    found = industry_name(name)
    return found if found in _KNOWN else None


def _share(column: pd.Series, read: Callable[[str], str | None]) -> dict[str, Any]:
    counts = Counter(cell for cell in column if isinstance(cell, str) and fold(cell) not in PLACEHOLDERS)
    unread = Counter({cell: count for cell, count in counts.items() if read(cell) is None})
    total = sum(counts.values())
    return {
        "cells": total,
        "distinct": len(counts),
        "read": round(1 - sum(unread.values()) / max(total, 1), 4),
        "commonest not read": [[cell.strip(), count] for cell, count in unread.most_common(5)],
    }


def _vocabulary(texts: pd.Series) -> dict[str, Any]:
    sets = word_sets(plain_words(pa.array(texts, pa.string(), from_pandas=True)))
    counts = Counter(sets.flatten().to_pylist())
    filled = len(sets) - sets.null_count
    common = [(token, count) for token, count in counts.most_common() if count >= max(5, round(0.01 * filled))]
    return {
        "texts": filled,
        "distinct tokens": len(counts),
        "held by 1 % of the texts": len(common),
        "commonest": [token for token, _ in common[:20]],
    }


def throughput(rows: int) -> dict[str, Any]:
    """Return CPU seconds to tokenise descriptions of 40 words, drawn as words are: a few often, most seldom."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.unique(["".join(letters[rng.integers(0, 26, k)]) for k in rng.integers(3, 11, 20_000)])
    rare = 1 / np.arange(1, len(words) + 1) ** 0.9
    block = 65_536
    texts = [" ".join(row) + "." for row in words[rng.choice(len(words), size=(block, 40), p=rare / rare.sum())]]
    column, names = pa.array(texts), pa.array([f"{word} Inc." for word in rng.choice(words, block)])
    vocabulary = [*words[:200], *(f"{a} {b}" for a, b in pairwise(words[:101]))]
    seconds = {}
    cases = (
        ("all tokens", None, 1),
        ("those of at least one text in 10,000, as read to train", None, block // ROWS_PER_TOKEN),
        ("the 300 of a model", vocabulary, 1),
    )
    for label, known, least in cases:
        start = time.process_time()
        for _ in range(max(1, rows // block)):
            word_sets(plain_words(column, names), known, least=least, encoded=True)
        done = max(1, rows // block) * block
        seconds[f"CPU seconds per million descriptions of 40 words, {label}"] = round(
            (time.process_time() - start) * 1e6 / done, 1
        )
    return seconds


def planted(seeds: Iterable[int]) -> dict[str, Any]:
    """Train where only a phrase of the description tells, and where the outcomes are shuffled."""
    out: dict[str, Any] = {}
    settings = Settings.parse(
        "as_of: 2026-10-01\nmodel: {bags: 4}\nevaluation: {folds: 3, repeats: 1, permutations: 49}\n", "planted"
    )
    for shuffled in (False, True):
        runs = []
        for seed in seeds:
            run = train(read_accounts(_customers(seed, shuffled=shuffled), settings), settings)
            traits = run.model.profile.traits
            auc = re.search(r"AUC, best against worst, is ([0-9.]+)", run.evaluation.verdict)
            runs.append({
                "seed": seed,
                "gate p": run.gate.p_value,
                "gate passed": run.gate.passed,
                "auc": float(auc[1]) if auc else None,
                "traits": list(traits["sentence"]) if len(traits) else [],
            })  # fmt: skip
        out["outcomes shuffled" if shuffled else "outcome told by a phrase only"] = runs
    return out


def _customers(seed: int, *, shuffled: bool, n: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = ("ba ce di fo gu ha je ki lo mu", "lan mer nor qui tor ver", "ia on ex um al or is eth")
    words = np.array([a + b + c for a in parts[0].split() for b in parts[1].split() for c in parts[2].split()])
    rare = 1 / np.arange(1, len(words) + 1)
    said = words[rng.choice(len(words), size=(n, 30), p=rare / rare.sum())].tolist()
    holds = rng.random((n, 2)) < (0.3, 0.2)
    for row, (good, bad) in zip(said, holds.tolist(), strict=True):
        row[(place := int(rng.integers(30))) : place] = ["predictive maintenance"] * good
        row[(place := int(rng.integers(30))) : place] = ["franchise"] * bad
    lean = 1.3 * holds[:, 0] - 1.2 * holds[:, 1]
    lean = rng.permutation(lean) if shuffled else lean
    good = lean - lean.mean() + rng.logistic(size=n)
    since = pd.Timestamp("2026-10-01") - pd.to_timedelta(rng.integers(420, 1400, n), unit="D")
    left = pd.Series((since + pd.to_timedelta(rng.integers(60, 364, n), unit="D")).strftime("%Y-%m-%d"))
    return pd.DataFrame({
        "Account ID": [f"A{k}" for k in range(n)],
        "Company Name": [f"{word.capitalize()} Inc." for word in rng.choice(words, n)],
        "Employees": np.exp(rng.normal(5, 1.3, n)).round().clip(1),
        "Country": rng.choice(["Germany", "USA", "France"], n),
        "Short Description": [" ".join(row).capitalize() + "." for row in said],
        "Customer Since": since.strftime("%Y-%m-%d"),
        "Churn Date": left.where(rng.random(n) < 1 / (1 + np.exp(1.2 + good))),
        "NRR": (1 + 0.1 * good + 0.02 * rng.standard_normal(n)).round(4),
    })  # fmt: skip


if __name__ == "__main__":
    main()

"""Measure how customers are found on a list, and set Splink beside it.

    python experiments/ingestion/matching.py [--bench ../shared/bench] [--seeds 1 5] [--splink] [--accounts 1000000]

Makes the benchmark afresh for each seed, matches in a process of its own (wall seconds from start to result, reading
included, and its peak memory), and judges against the true pairs. Writes matching.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
LIMITS = {"precision": 0.99, "recall": 0.90, "seconds": 240, "peak_gb": 4.0}
CUTS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


def ours(folder: Path) -> dict[str, Any]:
    """Match with the library, at its own threshold."""
    from icp_ml import read_accounts
    from icp_ml.accounts.matching import match_accounts

    matches = match_accounts(read_accounts(folder / "customers.csv"), folder / "list.parquet")
    frame = matches.frame()
    best = [c[0].account_id if c else None for c in matches.candidates]
    summary = matches.to_dict()
    review = matches.review().set_index("customer_id")
    true = _truth(folder)
    shown = [n for n in review.columns if n.startswith("candidate_") and n.endswith("_id")]
    in_doubt = [number for number in review.index if true[number]]
    found = sum(true[number] in review.loc[number, shown].tolist() for number in in_doubt)
    picks = frame.loc[frame["status"] == "matched"].set_index("customer_id")["account_id"].to_dict()
    by_customer = {c: (a, p) for c, a, p in zip(frame["customer_id"], best, frame["probability"], strict=True)}
    return {
        **_judged(picks, true),
        "by_threshold": _curve(by_customer, true),
        **{name: summary[name] for name in ("matched", "review", "none", "how", "expected_wrong", "threshold")},
        "review_on_list": len(in_doubt),
        "review_on_list_with_the_right_one_shown": found,
    }  # fmt: skip


def splink(folder: Path) -> dict[str, Any]:
    """Match with Splink on the same cleaned names and domains; the best pair of each customer is its pick."""
    import duckdb
    import pandas as pd
    import pyarrow as pa
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    from icp_ml.accounts.matching.names import name_key
    from icp_ml.accounts.values.hosts import company_domain

    def clean(frame: pd.DataFrame, number: str) -> pd.DataFrame:
        keys = {name: name_key(name) for name in frame["name"].unique()}
        hosts = {host: company_domain(host) for host in frame["domain"].dropna().unique()}
        out = pd.DataFrame({
            "unique_id": frame[number].astype(str),
            "name": frame["name"].map(keys).str.replace(" ", ""),
            "domain": frame["domain"].map(hosts).astype("str"),
            "city": frame["city"],
            "country": frame["country"],
        })  # fmt: skip
        common = out["domain"].map(out["domain"].value_counts()) > 20
        out["domain"] = out["domain"].mask(common)
        return out.astype("object").where(out.notna(), None)

    left = clean(pd.read_csv(folder / "customers.csv", dtype="str"), "customer_id")
    right = clean(pd.read_parquet(folder / "list.parquet"), "account_id")
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    api = DuckDBAPI(connection)
    sides = ((left, "customers"), (right, "accounts"))
    both = [api.register(pa.Table.from_pandas(side), table_name=name) for side, name in sides]
    rules = [
        block_on("domain"), block_on("name"), block_on("city", "substr(name, 1, 4)"),
        block_on("country", "substr(name, 1, 7)"), block_on("city", "country", "substr(name, 1, 2)"),
    ]  # fmt: skip
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("name", [0.96, 0.92, 0.85]).configure(term_frequency_adjustments=True),
            cl.ExactMatch("domain"),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.ExactMatch("country").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=rules,
    )
    linker = Linker(both, settings)
    linker.training.estimate_probability_two_random_records_match([block_on("domain")], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for rule in (block_on("domain"), block_on("name", "city")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    found = linker.inference.predict(threshold_match_probability=0.01).physical_name
    pairs = connection.execute(f"SELECT * FROM {found}").df()
    swapped = pairs["unique_id_r"].str.startswith("cust-")
    pairs["customer"] = pairs["unique_id_r"].where(swapped, pairs["unique_id_l"])
    pairs["account"] = pairs["unique_id_l"].where(swapped, pairs["unique_id_r"])
    pairs = pairs.sort_values(["customer", "match_weight", "account"], ascending=[True, False, True])
    rest = pairs.groupby("customer")["match_weight"].shift(-1)
    # Equally good accounts are no pick, as they are not with us.
    best = pairs[~pairs["customer"].duplicated()].assign(second=rest)
    clear = best[~(best["match_weight"] - best["second"] < 1)]
    true = _truth(folder)
    curve = _curve(
        {c: (a, p) for c, a, p in zip(clear["customer"], clear["account"], clear["match_probability"], strict=True)},
        true,
    )
    good = [row for row in curve if row["precision"] >= LIMITS["precision"]]
    return {
        "by_threshold": curve,
        "best_recall_at_precision_0.99": max((row["recall"] for row in good), default=None),
        "pairs": len(pairs),
    }


def _truth(folder: Path) -> dict[str, str]:
    import pandas as pd

    frame = pd.read_csv(folder / "truth.csv", dtype="str", keep_default_na=False)
    return dict(zip(frame["customer_id"], frame["account_id"], strict=True))


def _judged(picks: dict[str, str], true: dict[str, str]) -> dict[str, Any]:
    right = sum(true[customer] == account for customer, account in picks.items())
    on_list = sum(bool(account) for account in true.values())
    return {
        "customers_on_list": on_list,
        "picks": len(picks),
        "wrong": len(picks) - right,
        "precision": round(right / max(len(picks), 1), 5),
        "recall": round(right / on_list, 5),
    }


def _curve(best: dict[str, tuple[str | None, float]], true: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"threshold": cut, **_judged({c: a for c, (a, p) in best.items() if a is not None and p >= cut}, true)}
        for cut in CUTS
    ]


def run(how: str, folder: Path) -> dict[str, Any]:
    """Run one method in a process of its own."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--one", how, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": round(time.perf_counter() - start, 1), **result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--splink", action="store_true", help="also run Splink on the first seed")
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        result = {"ours": ours, "splink": splink}[args.one[0]](Path(args.one[1]))
        spent = resource.getrusage(resource.RUSAGE_SELF)
        result["cpu_seconds"] = round(spent.ru_utime + spent.ru_stime, 1)
        result["peak_gb"] = round(spent.ru_maxrss / 1e6, 2)
        print(json.dumps(result))
        return
    out: dict[str, Any] = {"accounts": args.accounts, "customers": args.customers, "limits": LIMITS, "seeds": {}}
    for seed in args.seeds:
        with tempfile.TemporaryDirectory() as name:
            make = [sys.executable, str(args.bench / "make_matching.py"), name, "--seed", str(seed)]
            subprocess.run([*make, "--accounts", str(args.accounts), "--customers", str(args.customers)], check=True)
            out["seeds"][str(seed)] = {"ours": run("ours", Path(name))}
            if args.splink and seed == args.seeds[0]:
                out["seeds"][str(seed)]["splink"] = run("splink", Path(name))
    packages = ("rapidfuzz", "scipy", "pyarrow", *(("splink", "duckdb") if args.splink else ()))
    out["versions"] = {"python": platform.python_version(), **{name: version(name) for name in packages}}
    out["cores"] = os.cpu_count()
    (HERE / "matching.json").write_text(json.dumps(out, indent=2) + "\n", encoding="utf-8")
    for seed, runs in out["seeds"].items():
        for how, result in runs.items():
            print(seed, how, {name: result.get(name) for name in ("precision", "recall", "seconds", "peak_gb")})


if __name__ == "__main__":
    main()

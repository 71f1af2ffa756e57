"""Make every figure of this folder, and set the README's table from them.

python experiments/ingestion/run.py            all of it (about half an hour on two cores)
python experiments/ingestion/run.py guard fuzz some of it
python experiments/ingestion/run.py --figures  none: only the README's table anew, from the JSON files
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LIBRARIES = {"ours": "icp_ml", "splink": "Splink 5"}
MARKS = ("<!-- figures -->", "<!-- /figures -->")
PARTS = {
    "reading": [],
    "fuzz": [],
    "headers": [],
    "values": [],
    "places_industries": ["--rows", "1000000"],
    "matching": ["--splink"],
    "guard": [],
    "outcomes": ["--train"],
}


def read(part: str) -> dict[str, Any]:
    """Return what a part measured."""
    return dict(json.loads((HERE / f"{part}.json").read_text(encoding="utf-8")))


def percent(share: float) -> str:
    """Return a share as people write it."""
    return f"{100 * share:.1f} %"


def reading() -> list[tuple[str, str]]:
    """Say how fast, and in how much memory."""
    found = read("reading")
    names = {
        "csv, 69 columns": "CSV, 1,000,000 rows x 69 columns",
        "csv.gz": "CSV.gz, 10,000,000 rows x 10 columns",
        "duckdb": "DuckDB table, 10,000,000 x 10",
        "postgresql": "PostgreSQL table, 10,000,000 x 10",
    }
    return [
        (f"{shown}, read to the end", f"{found[name]['seconds']} s, peak {found[name]['peak_mb']} MB")
        for name, shown in names.items()
        if name in found
    ]


def fuzz() -> list[tuple[str, str]]:
    """Say how many broken files there were, and how many failed."""
    found = read("fuzz")
    codes = ", ".join(f"{n} with exit code {code}" for code, n in found["check_exit_codes"].items())
    return [
        (
            f"{found['files']} broken files: tracebacks, rows lost or doubled",
            f"{len(found['failures'])} ({codes})",
        )
    ]


def headers() -> list[tuple[str, str]]:
    """Say how many headers are known, and how good the guesses are."""
    found = read("headers")
    vendors = found["vendors"].values()
    right, known = sum(v["mapped right"] for v in vendors), sum(v["of a field"] for v in vendors)
    wrong = sum(len(v["mapped wrong"]) for v in vendors)
    rows = [
        (f"headers of {len(vendors)} vendors' exports that are a field", f"{right} of {known} right, {wrong} wrong")
    ]
    for way, held in found["held out"].items():
        level = held["levels"][str(found["default level"])]
        shown = f"{level['right']} right, {level.get('wrong', 0)} wrong, {level['none']} without a guess"
        rows.append((f"guesses on held-out spellings, {way}", shown))
    return rows


def values() -> list[tuple[str, str]]:
    """Say how well messy values agree with clean ones."""
    found = read("values")
    tools, sizes = found["technologies"], found["sizes"]
    return [
        ("sizes in people's words agree with the tag (by the lower end)", percent(sizes["agree"])),
        ("the same, by the midpoint", percent(sizes["agree_by_midpoint"])),
        ("technologies that the text spells out are found", percent(tools["agree"])),
        ("the same, as a token by itself", percent(tools["agree_as_a_token_by_itself"])),
        (f"bands of {found['agencies']['cells']:,} agencies read", percent(found["agencies"]["read"])),
        ("bands that practitioners list", f"{found['bands']['right']} of {found['bands']['bands']} right"),
    ]


def places_industries() -> list[tuple[str, str]]:
    """Say what is recognised, and what texts cost and give."""
    found = read("places_industries")
    places = [
        v for name, v in found["recognised"].items() if isinstance(v, dict) and "read" in v and "category" not in name
    ]
    least = min(v["read"] for v in places)
    text = found["text"]
    auc = ", ".join(f"{r['auc']:.2f}" for r in text["outcome told by a phrase only"])
    shuffled = sum(r["gate passed"] for r in text["outcomes shuffled"])
    return [
        (f"countries, states and NAICS codes read, the worst of {len(places)} columns", percent(least)),
        ("outcome told by a phrase of the description only: AUC", auc),
        ("the same with shuffled outcomes: gate passed", f"{shuffled} of {len(text['outcomes shuffled'])}"),
        *((name, f"{value} s") for name, value in text.items() if isinstance(value, float)),
    ]


def matching() -> list[tuple[str, str]]:
    """Say how surely customers are found on a list of a million."""
    rows = []
    for seed, found in read("matching")["seeds"].items():
        for name, how in found.items():
            best = how if "precision" in how else how["by_threshold"][0]
            rows.append(
                (
                    f"5,000 customers x 1,000,000 accounts, seed {seed}, {LIBRARIES[name]}",
                    f"precision {best['precision']:.3f}, recall {best['recall']:.3f}, {how['seconds']:.0f} s, "
                    f"peak {how['peak_gb']} GB",
                )
            )
    return rows


def guard() -> list[tuple[str, str]]:
    """Say what the leak guard lets through, and what it asks needlessly."""
    rows = []
    for way, f in read("guard")["tables_in_all"].items():
        rows.append(
            (
                f"leak guard, real tables, {way}",
                f"{f['of_these_accepted']} of {f['must_refuse_or_not_accept']} bad columns accepted; of "
                f"{f['must_accept']} good ones {percent(f['share_refused'])} refused, "
                f"{percent(f['share_asked_about'])} asked about",
            )
        )
    return rows


def outcomes() -> list[tuple[str, str]]:
    """Say whether labels agree with the planted truth."""
    found = read("outcomes")
    rows = [
        (
            f"labels, {r['way']}",
            f"AUC of the truth, best against worst, {r['auc_best_worst']:.3f}; best among the older half minus among "
            f"the younger {100 * r['best_older_minus_younger']:+.0f} points",
        )
        for r in found["retention"]
    ]
    pipeline = found["pipeline"]
    return [*rows, ("won and lost stages of a real pipeline", f"{pipeline['right']} of {pipeline['rows']} right")]


def main() -> int:
    """Run the parts asked for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which; all where none is named")
    parser.add_argument("--figures", action="store_true", help="run nothing")
    given = parser.parse_args()
    failed = []
    for part in [] if given.figures else given.parts or PARTS:
        print(f"== {part}", flush=True)
        failed += [part] if subprocess.call([sys.executable, str(HERE / f"{part}.py"), *PARTS[part]]) else []
    shows = (reading, fuzz, headers, values, places_industries, matching, guard, outcomes)
    table = ["| what | figure |", "| --- | --- |", *(f"| {a} | {b} |" for show in shows for a, b in show())]
    shown = "\n".join((MARKS[0], *table, MARKS[1]))
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.split(MARKS[0])[0] + shown + text.split(MARKS[1])[1], encoding="utf-8")
    print(shown)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

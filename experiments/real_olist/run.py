"""Run the main job on Olist's sellers: python experiments/real_olist/run.py"""

from __future__ import annotations

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

import real_runs as runs  # noqa: E402
from prepare import prepare  # noqa: E402
from real_runs import Answer, names  # noqa: E402


def write(result: Answer) -> dict[str, str]:
    """Return the README's blocks."""
    honest, customers, both = (result[name] for name in ("honest", "customers", "both"))
    sizes = honest["columns"]
    labels = sizes["labels"]
    return {
        "sizes": (
            f"{sizes['customers']:,} customers, {sizes['list']:,} leads on the list. {labels['mature']:,} customers "
            f"are judged: {labels['best']:,} best, {labels['worst']:,} worst, {labels['middle']:,} in the middle; "
            f"{labels['too_young']:,} are left out as too young, or won after the last day of orders."
        ),
        "honest": _answer(honest),
        "customers": runs.guard_words(customers),
        "both": runs.left_out_words(both, _answer(both)),
        "seconds": runs.seconds_line(result),
    }


def _answer(variant: Answer) -> str:
    score = variant["score"]
    return (
        f"Used: {names(variant['columns']['accept'])}. The software's own answer:\n\n> {variant['verdict']}\n\n"
        f"Profile: {variant['profile']['message']}\n\n{runs.quality_table(variant)}\n\n"
        f"{runs.backtest_line(variant)}\n\n{runs.traits_table(variant)}"
        f"Tiers on the list: {runs.counts(score['tiers'])} of {score['rows']:,} rows; "
        f"{score['outside_support']:,} are unlike any customer."
    )


if __name__ == "__main__":
    runs.main(FOLDER, prepare, runs.run_variants, write)

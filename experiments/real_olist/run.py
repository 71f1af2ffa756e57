"""Run the main job on Olist's sellers: python experiments/real_olist/run.py"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from prepare import prepare  # noqa: E402
from real_runs import (  # noqa: E402
    CUSTOMERS, LIST, SETTINGS, Answer, Terminal, backtest_line, columns, counts, guard_table, main, names, quality_table, seconds_line,
    traits_table,
)  # fmt: skip


def run(folders: Mapping[str, Path]) -> Answer:
    """Return the figures of every variant."""
    result: Answer = {}
    for name, folder in folders.items():
        terminal = Terminal(folder)
        if name == "honest":
            (folder / "proposed.yaml").unlink(missing_ok=True)
            terminal.run("init", CUSTOMERS, "--list", LIST, "--out", "proposed.yaml")
        if name == "customers":  # with the list nothing more can come in than in "honest": only the guard is asked
            alone = terminal.run("check", CUSTOMERS, *SETTINGS, name="check without list")
            with_list = terminal.run("check", CUSTOMERS, "--list", LIST, *SETTINGS)
            result[name] = {"columns": columns(with_list), "columns_without_list": columns(alone), "seconds": terminal.seconds,
                            "commands": terminal.commands}  # fmt: skip
        else:
            result[name] = terminal.main_job()
    return result


def write(result: Answer) -> dict[str, str]:
    """Return the README's blocks."""
    honest, customers, both = (result[name] for name in ("honest", "customers", "both"))
    labels = honest["columns"]["labels"]
    alone = customers["columns_without_list"]
    return {
        "sizes": (
            f"{honest['columns']['customers']:,} customers, {honest['columns']['list']:,} leads on the list. {labels['mature']:,} customers "
            f"are judged: {labels['best']:,} best, {labels['worst']:,} worst, {labels['middle']:,} in the middle; "
            f"{labels['too_young']:,} are left out as too young or won after the last day of orders."
        ),
        "honest": (
            f"Used: {names(honest['columns']['accept'])}. The software's own answer:\n\n> {honest['verdict']}\n\n"
            f"Profile: {honest['profile']['message']}\n\n{quality_table(honest)}\n\n{backtest_line(honest)}\n\n"
            f"Tiers on the list: {counts(honest['score']['tiers'])} of {honest['score']['rows']:,} rows."
        ),
        "customers": (
            f"With the list at hand the same fields are left as in the honest files ({names(customers['columns']['accept'])}). Without a "
            "list the guard has to tell by itself:\n\n"
            + guard_table(alone, {"refuse": "refused", "confirm": "asks"})
            + f"\n\nIt lets in {names(alone['accept'])}."
        ),
        "both": (
            f"Refused: {names(both['columns']['refuse'])}. Asked about: {names(both['columns']['confirm'])}. Used: "
            f"{names(both['columns']['accept'])}.\n\n> {both['verdict']}\n\nProfile: {both['profile']['message']}\n\n"
            f"{quality_table(both)}\n\n{backtest_line(both)}\n\n{traits_table(both)}"
            f"Tiers on the list: {counts(both['score']['tiers'])} of {both['score']['rows']:,} rows; "
            f"{both['score']['outside_support']:,} are unlike any customer."
        ),
        "seconds": seconds_line(result),
    }  # fmt: skip


if __name__ == "__main__":
    main(FOLDER, prepare, run, write)

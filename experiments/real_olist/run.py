"""Run the main job on Olist's sellers: python experiments/real_olist/run.py"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from prepare import prepare  # noqa: E402
from real_runs import (  # noqa: E402
    CUSTOMERS, LIST, SETTINGS, Answer, Terminal, columns, counts, guard_table, interval, main, names, quality_table,
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
            f"Profile: {honest['profile']['message']}\n\n{quality_table(honest)}\n\n{_backtest(honest)}\n\n"
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
            f"{quality_table(both)}\n\n{_backtest(both)}\n\n{_traits(both)}"
            f"Tiers on the list: {counts(both['score']['tiers'])} of {both['score']['rows']:,} rows; "
            f"{both['score']['outside_support']:,} are unlike any customer."
        ),
        "seconds": "; ".join(f"{name}: " + ", ".join(f"{c} {s:.0f} s" for c, s in v["seconds"].items()) for name, v in result.items()) + ".",
    }  # fmt: skip


def _backtest(variant: Answer) -> str:
    test = variant["backtest"]
    if isinstance(test, str):
        return f"No back-test: {test}"
    return (
        f"Back-test, trained on customers won until {test['trained_until']}: AUC {interval(test['auc']['icp_ml'])} on the newest "
        f"{test['newest']['best']:,} best and {test['newest']['worst']:,} worst."
    )


def _traits(variant: Answer) -> str:
    rows = [(role, trait) for role in ("filters", "signals", "anti_traits") for trait in variant["profile"][role]]
    if not rows:
        return ""
    lines = ["| trait | role | customers | best among them | lift (95 %) | stability |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [
        f"| {t['sentence']} | {role.removesuffix('s').replace('_', '-')} | {t['customers']:,} | {t['rate']:.0%} "
        f"| {interval([t['lift'], t['lift_low'], t['lift_high']])} | {t['stability']:.0%} |"
        for role, t in rows
    ]
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    main(FOLDER, prepare, run, write)

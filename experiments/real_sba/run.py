"""Run the main job on SBA loans: python experiments/real_sba/run.py"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from prepare import prepare  # noqa: E402
from real_runs import (  # noqa: E402
    CUSTOMERS, LIST, SETTINGS, Answer, Terminal, backtest_line, columns, counts, guard_table, interval, main, names, quality_table,
    rounded, seconds_line, traits_table,
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
            result[name] = {**terminal.main_job(), "held_out": _held_out(folder)}
    return result


def _held_out(folder: Path) -> Answer:
    """Judge the scored list by the outcomes kept aside."""
    from sklearn.metrics import roc_auc_score

    with (folder / "held_out.csv").open(encoding="utf-8") as file:
        good = {row["LoanNr_ChkDgt"]: row["Default"] == "0" for row in csv.DictReader(file)}
    with (folder / "scored.csv").open(encoding="utf-8") as file:
        rows = [(row["account_id"], float(row["fit_score"]), row["tier"]) for row in csv.DictReader(file)]
    tiers = {}
    for tier in "ABCD":
        inside = [good[account] for account, _, of in rows if of == tier]
        tiers[tier] = {"accounts": len(inside), "repaid": sum(inside) / len(inside) if inside else None}
    return rounded({"auc": float(roc_auc_score([good[a] for a, _, _ in rows], [s for _, s, _ in rows])), "accounts": len(rows),
                    "repaid": sum(good.values()) / len(good), "tiers": tiers})  # fmt: skip


def write(result: Answer) -> dict[str, str]:
    """Return the README's blocks."""
    honest, customers, both, confirmed = (result[name] for name in ("honest", "customers", "both", "confirmed"))
    labels = honest["columns"]["labels"]
    alone = customers["columns_without_list"]
    return {
        "sizes": (
            f"{honest['columns']['customers']:,} customers, {honest['columns']['list']:,} accounts on the list. {labels['best']:,} repaid "
            f"(best), {labels['worst']:,} defaulted (worst); one outcome of two values leaves no middle."
        ),
        "honest": _answer(honest),
        "customers": (
            f"With the list at hand the fields of the honest files are left ({names(customers['columns']['accept'])}). Without a list the "
            "guard has to tell by itself:\n\n"
            + guard_table(alone, {"refuse": "refused", "confirm": "asks"})
            + f"\n\nIt lets in {names(alone['accept'])}."
        ),
        "both": (
            f"Refused: {names(both['columns']['refuse'])}. Asked about, so left out: {names(both['columns']['confirm'])}.\n\n"
            + _answer(both)
        ),
        "confirmed": _answer(confirmed),
        "leak": _leak(result),
        "seconds": seconds_line(result),
    }  # fmt: skip


def _answer(variant: Answer) -> str:
    tiers = ", ".join(
        f"{tier} {row['repaid']:.0%} of {row['accounts']:,}" for tier, row in variant["held_out"]["tiers"].items() if row["accounts"]
    )
    cautions = "".join(f"\n>\n> {caution}" for caution in variant["cautions"])
    return (
        f"Used: {names(variant['columns']['accept'])}.\n\n> {variant['verdict']}{cautions}\n\nProfile: {variant['profile']['message']}\n\n"
        f"{quality_table(variant)}\n\n{backtest_line(variant)}\n\n{traits_table(variant)}"
        f"Tiers on the list: {counts(variant['score']['tiers'])}. By the outcomes kept aside, the scores' AUC is "
        f"{variant['held_out']['auc']:.2f}; repaid, by tier: {tiers} (all: {variant['held_out']['repaid']:.0%})."
    )


def _leak(result: Answer) -> str:
    lines = ["| files | AUC, cross-validated (95 %) | AUC on the list's outcomes, kept aside |", "| --- | --- | --- |"]
    for name in ("honest", "both", "confirmed"):
        variant = result[name]
        lines.append(f"| {name} | {interval(variant['learners']['icp_ml']['auc'])} | {variant['held_out']['auc']:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(FOLDER, prepare, run, write)

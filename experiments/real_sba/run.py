"""Run the main job on SBA loans: python experiments/real_sba/run.py"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

import real_runs as runs  # noqa: E402
from prepare import prepare  # noqa: E402
from real_runs import Answer, names  # noqa: E402


def run(folders: Mapping[str, Path]) -> Answer:
    """Return the figures of every variant, and how the scores of the list did by the outcomes kept aside."""
    result = runs.run_variants(folders)
    for name, folder in folders.items():
        if (folder / "scored.csv").exists():
            result[name]["held_out"] = _held_out(folder)
    return result


def _held_out(folder: Path) -> Answer:
    """Judge the scored list by the outcomes kept aside."""
    from sklearn.metrics import roc_auc_score

    with (folder / "held_out.csv").open(encoding="utf-8") as file:
        good = {row["LoanNr_ChkDgt"]: row["Default"] == "0" for row in csv.DictReader(file)}
    with (folder / "scored.csv").open(encoding="utf-8") as file:
        rows = [(good[row["account_id"]], float(row["fit_score"]), row["tier"]) for row in csv.DictReader(file)]
    tiers = {}
    for tier in "ABCD":
        inside = [repaid for repaid, _, of in rows if of == tier]
        tiers[tier] = {"accounts": len(inside), "repaid": sum(inside) / len(inside) if inside else None}
    auc = float(roc_auc_score([repaid for repaid, _, _ in rows], [fit for _, fit, _ in rows]))
    held_out: Answer = {"auc": auc, "accounts": len(rows), "repaid": sum(good.values()) / len(good), "tiers": tiers}
    return dict(runs.rounded(held_out))


def write(result: Answer) -> dict[str, str]:
    """Return the README's blocks."""
    honest, customers, both = (result[name] for name in ("honest", "customers", "both"))
    sizes = honest["columns"]
    return {
        "sizes": (
            f"{sizes['customers']:,} customers, {sizes['list']:,} accounts on the list. {sizes['labels']['best']:,} "
            f"repaid (best), {sizes['labels']['worst']:,} defaulted (worst); an outcome of two values leaves no middle."
        ),
        "honest": _answer(honest),
        "customers": runs.guard_words(customers),
        "both": runs.left_out_words(both, _answer(both)),
        "confirmed": _answer(result["confirmed"]),
        "leak": _leak(result),
        "seconds": runs.seconds_line(result),
    }


def _answer(variant: Answer) -> str:
    held_out = variant["held_out"]
    repaid = [
        f"{t} {row['repaid']:.0%} of {row['accounts']:,}" for t, row in held_out["tiers"].items() if row["accounts"]
    ]
    cautions = "".join(f"\n>\n> {caution}" for caution in variant["cautions"])
    return (
        f"Used: {names(variant['columns']['accept'])}. The software's own answer:\n\n> {variant['verdict']}{cautions}"
        f"\n\nProfile: {variant['profile']['message']}\n\n{runs.quality_table(variant)}\n\n"
        f"{runs.backtest_line(variant)}\n\n{runs.traits_table(variant)}"
        f"By the outcomes kept aside, the AUC of the list's scores is {held_out['auc']:.2f}; repaid, by tier: "
        f"{', '.join(repaid)} (all: {held_out['repaid']:.0%})."
    )


def _leak(result: Answer) -> str:
    lines = ["| files | AUC, cross-validated (95 %) | AUC on the list's outcomes, kept aside |", "| --- | --- | --- |"]
    for name in ("honest", "both", "confirmed"):
        auc, held_out = result[name]["learners"]["icp_ml"]["auc"], result[name]["held_out"]["auc"]
        lines.append(f"| {name} | {runs.interval(auc)} | {held_out:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    runs.main(FOLDER, prepare, run, write)

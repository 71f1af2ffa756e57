"""What the experiments on real data share: run the command line as a user would, keep the figures, fill in a README."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
CUSTOMERS, LIST, SETTINGS = "customers.csv", "list.csv", ("--settings", "icp.yaml")
ROLES = ("filters", "signals", "anti_traits")
QUIET_REASONS = ("it is an outcome, measured after the sale", "it names or describes the account")
Answer = dict[str, Any]


class Terminal:
    """Runs `icp-ml` in a folder and notes what it took and said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}
        self.commands: list[str] = []

    def run(self, *words: str, name: str = "", expect: int = 0) -> Answer:
        """Run a command and return its JSON.

        Raises
        ------
        RuntimeError
            It ended with another exit code than expected.
        """
        start = time.perf_counter()
        path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]))
        command = [sys.executable, "-m", "icp_ml.cli", *words, "--json"]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        self.seconds[name or words[0]] = round(time.perf_counter() - start, 1)
        self.commands.append(f"icp-ml {' '.join(words)}")
        print(f"{self.folder.name}: icp-ml {' '.join(words)}  ({self.seconds[name or words[0]]} s)", flush=True)
        if done.returncode != expect:
            told = done.stdout[-2000:] + done.stderr[-2000:]
            msg = f"icp-ml {' '.join(words)} ended with {done.returncode}, not {expect}:\n{told}"
            raise RuntimeError(msg)
        answer: Answer = json.loads(done.stdout)
        return answer

    def main_job(self) -> Answer:
        """Run check, train, report and score; return the figures."""
        checked = self.run("check", CUSTOMERS, "--list", LIST, *SETTINGS)
        trained = self.run("train", CUSTOMERS, "--list", LIST, *SETTINGS, "--out", "model")
        self.run("report", "model", "--html", "report.html", "--markdown", "profile.md")
        scored = self.run("score", "model", LIST, "--out", "scored.csv")
        kept = ("rows", "scored", "ineligible", "suppressed", "rejected", "tiers", "outside_support", "missing_fields")
        return {
            "columns": columns(checked),
            **quality(trained),
            "score": {key: scored[key] for key in kept},
            "seconds": dict(self.seconds),
            "seconds_of_train": rounded(trained["seconds"]),
            "commands": self.commands,
        }

    def guard_only(self) -> Answer:
        """Run check without and with the list: with it nothing more can come in than what the list has."""
        alone = self.run("check", CUSTOMERS, *SETTINGS, name="check without list")
        with_list = self.run("check", CUSTOMERS, "--list", LIST, *SETTINGS)
        return {
            "columns": columns(with_list),
            "columns_without_list": columns(alone),
            "seconds": self.seconds,
            "commands": self.commands,
        }


def run_variants(folders: Mapping[str, Path]) -> Answer:
    """Return the figures of every variant: of "customers" what the guard says, of all others the main job."""
    result: Answer = {}
    for name, folder in folders.items():
        terminal = Terminal(folder)
        if name == "honest":
            (folder / "proposed.yaml").unlink(missing_ok=True)
            terminal.run("init", CUSTOMERS, "--list", LIST, "--out", "proposed.yaml")
        result[name] = terminal.guard_only() if name == "customers" else terminal.main_job()
    return result


def columns(checked: Answer) -> Answer:
    """Sizes, labels, and what the guard said of every column that is neither outcome nor name."""
    judged = checked["columns"]["columns"]
    labels = checked["labels"]
    others = [c for c in judged if not c["reasons"] or not c["reasons"][0].startswith(QUIET_REASONS)]
    verdicts = ("accept", "confirm", "refuse")
    return {
        "customers": checked["columns"]["customers"],
        "list": checked["columns"]["market"],
        "labels": labels["counts"],
        "label_notes": labels["notes"],
        **{verdict: {c["field"]: c["reasons"] for c in others if c["verdict"] == verdict} for verdict in verdicts},
        "alone_auc": rounded({c["field"]: c["auc"] for c in others}),
    }


def quality(trained: Answer) -> Answer:
    """What training found: the model beside its baselines, the verdict, the profile."""
    evaluation, profile = trained["evaluation"], trained["profile"]
    learners = {
        entry["name"]: {
            "label": entry["label"],
            "auc": entry["metrics"]["auc"],
            "lift_10": entry["metrics"]["lift_10"],
            "model_gains_auc": entry["gains"].get("auc"),
        }
        for entry in evaluation["learners"]
    }
    told = ("sentence", "customers", "rate", "lift", "lift_low", "lift_high", "stability")
    traits = {role: [{key: trait[key] for key in told} for trait in profile[role]] for role in ROLES}
    return rounded(
        {
            **{key: evaluation[key] for key in ("verdict_code", "verdict", "cautions", "gate")},
            "learners": learners,
            "backtest": _newest(evaluation["backtest"]) or evaluation["backtest_reason"],
            "tiers_of_customers": evaluation["tiers"],
            "profile": {"found": profile["found"], "message": profile["message"], **traits},
        }
    )


def _newest(backtest: Answer | None) -> Answer:
    if backtest is None:
        return {}
    auc = {entry["name"]: entry["metrics"]["auc"] for entry in backtest["learners"]}
    return {**{key: backtest[key] for key in ("trained_until", "newest", "older")}, "auc": auc}


def rounded(value: Any) -> Any:
    """Return numbers to four digits."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, Mapping):
        return {key: rounded(entry) for key, entry in value.items()}
    return [rounded(entry) for entry in value] if isinstance(value, list) else value


def interval(numbers: Sequence[float], digits: int = 2) -> str:
    """Return "0.61 (0.52 to 0.69)"."""
    value, low, high = (f"{number:.{digits}f}" for number in numbers)
    return f"{value} ({low} to {high})"


def quality_table(variant: Answer) -> str:
    """Return the model beside its baselines as Markdown."""
    lines = [
        "| on customers held out | AUC, best against worst (95 %) | lift, top 10 % | the model's AUC less this one's |",
        "| --- | --- | --- | --- |",
    ]
    for entry in variant["learners"].values():
        gain = entry["model_gains_auc"]
        less = "" if gain is None else f"{gain[0]:+.3f} ({gain[1]:+.3f} to {gain[2]:+.3f})"
        lines.append(f"| {entry['label']} | {interval(entry['auc'])} | {entry['lift_10'][0]:.2f} | {less} |")
    return "\n".join(lines)


def guard_table(judged: Answer, words: Mapping[str, str]) -> str:
    """Return what was refused or asked about, as Markdown, reasons as the software says them."""
    lines = ["| column | answer | why |", "| --- | --- | --- |"]
    for verdict, word in words.items():
        lines += [f"| `{field}` | {word} | {'; '.join(reasons)} |" for field, reasons in judged[verdict].items()]
    return "\n".join(lines)


def backtest_line(variant: Answer) -> str:
    """Return how the model did on the newest customers."""
    test = variant["backtest"]
    if isinstance(test, str):
        return f"No back-test: {test}"
    return (
        f"Back-test, trained on customers won until {test['trained_until']}: AUC {interval(test['auc']['icp_ml'])} "
        f"on the newest {test['newest']['best']:,} best and {test['newest']['worst']:,} worst."
    )


def traits_table(variant: Answer) -> str:
    """Return the profile's traits as Markdown, and a blank line; nothing where there are none."""
    rows = [(role, trait) for role in ROLES for trait in variant["profile"][role]]
    if not rows:
        return ""
    lines = [
        "| trait | role | customers | best among them | lift (95 %) | stability |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {t['sentence']} | {role.removesuffix('s').replace('_', '-')} | {t['customers']:,} | {t['rate']:.0%} "
        f"| {interval([t['lift'], t['lift_low'], t['lift_high']])} | {t['stability']:.0%} |"
        for role, t in rows
    ]
    return "\n".join(lines) + "\n\n"


def seconds_line(result: Answer) -> str:
    """Return the seconds of every command."""
    shown = {
        name: ", ".join(f"{command} {s:.0f} s" for command, s in variant["seconds"].items())
        for name, variant in result.items()
    }
    return "; ".join(f"{name}: {text}" for name, text in shown.items()) + "."


def names(fields: Sequence[str] | Mapping[str, Any]) -> str:
    """Return field names as Markdown code, or "none"."""
    return ", ".join(f"`{field}`" for field in fields) or "none"


def guard_words(customers: Answer) -> str:
    """Return what the guard says of the columns only customers have, with a list and without."""
    alone = customers["columns_without_list"]
    return (
        f"With the list at hand the fields of the honest files are left ({names(customers['columns']['accept'])}). "
        "Without a list the guard has to tell by itself:\n\n"
        + guard_table(alone, {"refuse": "refused", "confirm": "asks"})
        + f"\n\nIt lets in {names(alone['accept'])}."
    )


def left_out_words(both: Answer, answer: str) -> str:
    """Return what is left out of the files with the columns on both sides, before the software's own answer."""
    refused, asked = names(both["columns"]["refuse"]), names(both["columns"]["confirm"])
    return f"Refused: {refused}. Asked about, so left out: {asked}.\n\n{answer}"


def counts(numbers: Mapping[str, int]) -> str:
    """Return "A 3, B 10, C 4"."""
    return ", ".join(f"{name} {number:,}" for name, number in numbers.items() if number or name != "none")


def fill(readme: Path, blocks: Mapping[str, str]) -> None:
    """Put text between `<!-- NAME -->` and `<!-- /NAME -->`, so that figures in words cannot drift from the results."""
    text = readme.read_text(encoding="utf-8")
    for name, block in blocks.items():
        pattern = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            msg = f"{readme}: wants exactly one block {name!r}"
            raise RuntimeError(msg)
        text = pattern.sub(lambda found, block=block: f"{found[1]}\n{block}\n{found[2]}", text)
    readme.write_text(text, encoding="utf-8")


def main(
    folder: Path,
    prepare: Callable[[Path, Path], Mapping[str, Path]],
    run: Callable[[Mapping[str, Path]], Answer],
    write: Callable[[Answer], Mapping[str, str]],
) -> None:
    """Prepare, run, write result.json, and fill in the README's figures."""
    parser = argparse.ArgumentParser(description=f"Run {folder.name} and write its result.json and README figures.")
    default = os.environ.get("ICP_ML_SHARED") or REPOSITORY.parent / "shared"
    parser.add_argument(
        "--shared", type=Path, default=Path(default), help="folder that holds data/ (default: ICP_ML_SHARED)"
    )
    parser.add_argument("--work", type=Path, help="keep the files made in this folder")
    parser.add_argument("--words-only", action="store_true", help="only fill in the README from result.json")
    given = parser.parse_args()
    out = folder / "result.json"
    if not given.words_only:
        data = given.shared / "data"
        if not data.is_dir():
            parser.error(f"{data}: no such folder; set ICP_ML_SHARED, or give --shared")
        with tempfile.TemporaryDirectory() as scratch:
            result = run(prepare(data, given.work or Path(scratch)))
        out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    fill(folder / "README.md", write(json.loads(out.read_text(encoding="utf-8"))))
    print(f"{out} and README.md written")

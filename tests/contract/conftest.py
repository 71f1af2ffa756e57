"""A desk for tests of the command line: good tables to spoil, settings that make training quick, a trained model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

if TYPE_CHECKING:
    from click.testing import Result

QUICK = (
    "model: {bags: 2}\n"
    "evaluation: {folds: 2, repeats: 1}\n"
    "scoring: {reasons: 2, lookalikes: 1}\n"
    "tracking: {enabled: false}\n"
)
FEATURES = ("Industry", "# Employees", "Billing Country", "Year Founded", "Tech Stack")
OUTCOMES = ("Customer Since", "Churn Date", "Churned", "NRR (12m)", "NPS")
LISTED = ("Industry", "Employee Range", "Company Country", "Founded Year", "Technologies")


@dataclass(frozen=True)
class Desk:
    """500 customers, a list of 300 accounts, and what to do with them through the command line."""

    folder: Path
    customers: pd.DataFrame
    market: pd.DataFrame
    outcomes: tuple[str, ...] = OUTCOMES

    @property
    def model(self) -> Path:
        return self.folder / "model"

    def run(self, *words: str | Path, json_: bool = True) -> Result:
        """Run a command; with JSON nothing but a complaint goes to stderr. A model brings its own settings."""
        from typer.testing import CliRunner

        from icp_ml.cli import app

        settings = [] if words[0] == "score" else ["--settings", str(self.folder / "icp.yaml")]
        given = [*map(str, words), *(["--json"] if json_ else []), *settings]
        return CliRunner().invoke(app, given, env={"COLUMNS": "300"}, catch_exceptions=False)

    def learn(self, command: str, frame: pd.DataFrame, folder: Path) -> tuple[str | Path, ...]:
        """Write customers to a file; return the words that check or train them."""
        path = self.written(frame, folder)
        return ("check", path) if command == "check" else ("train", path, "--out", folder / "model")

    def written(self, frame: pd.DataFrame, folder: Path, name: str = "customers.csv") -> Path:
        frame.to_csv(folder / name, index=False)
        return folder / name

    def answer(self, *words: str | Path) -> dict[str, Any]:
        """Run a command that works; return its JSON."""
        result = self.run(*words)
        assert result.exit_code == 0, (result.stderr, result.stdout[-800:])
        assert result.stderr == ""
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def shown(self, *words: str | Path) -> str:
        """Run a command that works; return what a person sees, without line breaks."""
        result = self.run(*words, json_=False)
        assert result.exit_code == 0, result.stderr
        return " ".join(result.stdout.split())

    def refuses(self, words: Sequence[str | Path], says: Sequence[str], *, code: int = 2, beside: Path) -> None:
        """Check that a command ends with the code, says all of `says` in one complaint, and writes nothing."""
        before = _listing(beside)
        said = complaint(self.run(*words), code)
        missing = [part for part in says if part not in said]
        assert not missing, f"{missing} is not said in: {said}"
        assert _listing(beside) == before


def complaint(result: Result, code: int) -> str:
    """Check that there is one complaint and nothing else; return it."""
    assert result.exit_code == code, (result.exit_code, result.stderr, result.stdout[:500])
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("icp-ml: ")
    assert "Traceback" not in result.output
    assert "internal error" not in lines[0]
    assert len(lines[0]) < 900  # a sentence or two, not a dump
    assert result.stdout == ""
    return lines[0].removeprefix("icp-ml: ")


def _listing(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    from icp_ml.datasets import make_world
    from icp_ml.datasets.vendors import as_crm_export, as_purchased_list

    folder = tmp_path_factory.mktemp("desk")
    world = make_world(500, 300, seed=5, null=True)  # without a signal the permutation test is done soon
    customers = as_crm_export(world.customers)[["Account ID", "Account Name", *FEATURES, *OUTCOMES]]
    market = as_purchased_list(world.market)[["Company ID", "Company Name", "Website", *LISTED]]
    (folder / "icp.yaml").write_text(QUICK, encoding="utf-8")
    customers.to_csv(folder / "good.csv", index=False)
    market.to_csv(folder / "list.csv", index=False)
    made = Desk(folder, customers, market)
    made.answer("train", folder / "good.csv", "--out", made.model)
    return made

"""The help of every command, as a user sees it in a terminal of 100 columns.

Write the text anew with `ICP_ML_UPDATE_SNAPSHOTS=1 python -m pytest tests/snapshot`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from icp_ml.cli import app

COMMANDS = ["", *get_command(app).commands]  # type: ignore[attr-defined]
COMMON = ("--settings", "--as-of", "--jobs", "--seed", "--json", "--quiet", "--debug")


def shown(command: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FORCE_COLOR", raising=False)
        patch.delenv("GITHUB_ACTIONS", raising=False)
        environment = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
        result = CliRunner().invoke(
            app, [*([command] if command else []), "--help"], env=environment, prog_name="icp-ml"
        )
    assert result.exit_code == 0
    return "\n".join(line.rstrip() for line in result.stdout.strip().splitlines()) + "\n"


def test_help():
    text = "".join(f"$ icp-ml {command + ' ' if command else ''}--help\n\n{shown(command)}\n" for command in COMMANDS)
    path = Path(__file__).with_name("cli_help.txt")
    if os.environ.get("ICP_ML_UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8"), "cli_help.txt differs; if that is meant: ICP_ML_UPDATE_SNAPSHOTS=1"


def test_the_commands_of_the_contract_are_there():
    assert {"demo", "init", "check", "train", "report", "score"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS[1:])
def test_every_command_takes_the_common_options(command):
    text = shown(command)
    assert [option for option in COMMON if option not in text] == []
    for line in text.splitlines():
        assert len(line) <= 100

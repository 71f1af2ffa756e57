"""The documents hold: their Python runs, their commands exist, and the reference names everything there is."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from icp_ml.cli import app
from icp_ml.scoring.columns import list_schema
from icp_ml.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
YAML = re.compile(r"^ *```yaml\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?: {4}|\$ )?(icp-ml [^\n]*(?:\\\n[^\n]*)*)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def named(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def reference(name: str) -> str:
    return (REPOSITORY / "docs" / "reference" / name).read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if PYTHON.search(p.read_text(encoding="utf-8"))], ids=named)
def test_python_blocks_run(page, tmp_path, monkeypatch, capsys):
    """In the order of the page, in one namespace, beside the sample data."""
    (tmp_path / "data_samples").symlink_to(REPOSITORY / "data_samples")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(PYTHON.findall(page.read_text(encoding="utf-8")), start=1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), namespace)


def commands(page: Path) -> list[list[str]]:
    """The words of every `icp-ml` line in a code block or in backticks."""
    text = page.read_text(encoding="utf-8")
    found = COMMAND.findall(text) + re.findall(r"`(icp-ml [^`\n]+)`", text)
    return [shlex.split(line.replace("\\\n", " ").replace("...", ""), comments=True) for line in found]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_and_options_exist(page):
    known = get_command(app).commands  # type: ignore[attr-defined]
    for words in commands(page):
        names = words[1].split("|") if len(words) > 1 else []
        if not names or names[0].startswith("-") or names[0].isupper():
            continue
        assert names[0] in known, f"{named(page)}: icp-ml {names[0]}"
        options = {option for parameter in known[names[0]].params for option in parameter.opts} | {"--help"}
        wrong = [word for word in words[2:] if word.startswith("--") and word.split("=")[0] not in options]
        assert not wrong, f"{named(page)}: icp-ml {names[0]} has no {wrong}"


@pytest.mark.parametrize("page", [p for p in PAGES if YAML.search(p.read_text(encoding="utf-8"))], ids=named)
def test_yaml_blocks_are_settings_or_a_mapping(page):
    for block in YAML.findall(page.read_text(encoding="utf-8")):
        text = textwrap.dedent(block)
        data = yaml.safe_load(text)
        known = set(data) <= set(Settings.model_fields)
        settings = Settings.parse(text) if known else Settings.build({"columns": data})
        assert all(settings.target_of(target) for target in settings.columns.values())


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{named(page)}: {target}"


def settings_keys(section: type[BaseModel], before: str = "") -> list[str]:
    keys = []
    for name, info in section.model_fields.items():
        inner = info.annotation
        nested = isinstance(inner, type) and issubclass(inner, BaseModel)
        keys += settings_keys(inner, f"{before}{name}.") if nested else [before + name]  # type: ignore[arg-type]
    return keys


@pytest.mark.parametrize("key", settings_keys(Settings))
def test_every_setting_is_explained(key):
    assert f"`{key}`" in reference("settings.md")


@pytest.mark.parametrize("column", list_schema().names)
def test_every_scored_column_is_explained(column):
    numbered = re.sub(r"_\d", "_1", column)
    assert f"`{numbered}`" in reference("scored-file.md")


def test_every_command_and_option_is_explained():
    page = reference("cli.md")
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f"icp-ml {name}" in page
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or f"`{option}" in page, f"{name} {option}"


def test_every_file_of_a_model_is_explained(tmp_path):
    from tests.small_run import small_model

    page = reference("model-directory.md")
    saved = small_model().save(tmp_path / "model")
    for path in saved.rglob("*"):
        if path.is_file():
            name = re.sub(r"_\d+\.", "_NN.", path.relative_to(saved).as_posix())
            assert f"`{name}`" in page, name

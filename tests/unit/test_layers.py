"""Import-linter sees import statements; heavy packages are also loaded by name, and that is checked here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOMS = {
    "lightgbm": ("estimator", "baselines"),
    "matplotlib": ("plotting",),
    "mlflow": ("tracking",),
    "pyspark": ("engines/spark",),
}

PACKAGE = Path(__file__).resolve().parents[2] / "icp_ml"


def loaded_packages(source: str) -> set[str]:
    """Top-level names of what a module imports, by statement or through `require` / `import_module`."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("require", "import_module", "__import__"):
                names.add(str(node.args[0].value))
    return {name.split(".")[0] for name in names}


def test_imports_are_seen_however_they_are_written() -> None:
    source = (
        'import a.b\ndef f():\n    from c.d import e\n    require("g.h", extra="x")\n    importlib.import_module("i")\n'
    )
    assert loaded_packages(source) == {"a", "c", "g", "i"}


@pytest.mark.parametrize("package", sorted(ROOMS))
def test_a_heavy_package_stays_in_its_room(package: str) -> None:
    outside = []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).with_suffix("").as_posix()
        at_home = any(place == room or place.startswith(f"{room}/") for room in ROOMS[package])
        if not at_home and package in loaded_packages(path.read_text(encoding="utf-8")):
            outside.append(place)
    assert outside == []


def test_files_stay_under_400_lines() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 400} == {}

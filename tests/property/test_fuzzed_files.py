"""Broken files never end in a traceback, and no row is lost or doubled: a part of `experiments/ingestion/fuzz.py`."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("ICP_ML_SHARED", ROOT.parent / "shared")) / "data"


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz", ROOT / "experiments" / "ingestion" / "fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [11, 12])
def test_files_of_which_every_row_s_fate_is_known(fuzz: ModuleType, seed: int, tmp_path: Path) -> None:
    found = fuzz.run(tmp_path / "no data: only made files", files=25, seed=seed)
    assert found["real_tables"] == 0
    assert found["failures"] == []
    assert sum(found["outcomes"].values()) == 25
    assert found["outcomes"].get("made: refused", 0) == 0


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the real tables are not at {DATA}")
def test_damaged_heads_of_real_tables(fuzz: ModuleType) -> None:
    found = fuzz.run(DATA, files=60, seed=13)
    assert found["real_tables"] > 10
    assert found["failures"] == []
    assert found["outcomes"].get("mutated: read with rejects", 0) > 5


def test_a_lost_row_would_be_noticed(fuzz: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Account ID,Industry,Note,Size\n1,a,b,c\n2,a,b,c\n")
    known = fuzz.Case(path, "made csv", ids=["1"])
    assert fuzz.problems(known)[1] == ["accounts read: 2, expected 1"]
    rows = [["x"]]
    assert fuzz._unaccounted(path, ("Account ID",), [], [], len(rows)) != []

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.hand_model import hand_list, hand_model

HEAVY = ("babel", "jinja2", "lightgbm", "matplotlib", "mlflow", "numba", "pandas", "scipy", "shap", "sklearn")

# Written in halves, so that this file does not hold what it looks for.
UNWANTED = tuple(
    "".join(parts)
    for parts in (
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/tm", "p/v"),
        ("/op", "t/pypi"),
        ("py", "pi.org"),
        ("files.python", "hosted"),
        ("registry.npm", "js"),
        ("deb.", "debian.org"),
    )
)


def _run(*command: str, cwd: Path) -> str:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


def _tracked_files(repository: Path) -> list[Path]:
    if not (repository / ".git").exists():
        pytest.skip("missing part: not a git checkout")
    names = _run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=repository).split("\0")
    return [repository / name for name in names if name and (repository / name).is_file()]


@pytest.fixture(scope="module")
def project(repository: Path) -> dict[str, object]:
    described = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    return described["project"]


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = ("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    _run(sys.executable, *command, "--wheel-dir", str(folder), str(repository), cwd=folder)
    (path,) = folder.glob("icp_ml-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_carries_every_module_template_and_type_marker(wheel: zipfile.ZipFile, repository: Path) -> None:
    held = set(wheel.namelist())
    wanted = {
        path.relative_to(repository).as_posix()
        for path in _tracked_files(repository)
        if path.is_relative_to(repository / "icp_ml")
    }
    assert "icp_ml/py.typed" in held
    assert wanted <= held


def test_the_wheel_carries_the_sample_data_byte_for_byte(wheel: zipfile.ZipFile, repository: Path) -> None:
    samples = [path for path in _tracked_files(repository) if path.is_relative_to(repository / "data_samples")]
    assert {path.name for path in samples} >= {"customers.csv", "market.csv"}
    for path in samples:
        assert wheel.read(f"icp_ml/data_samples/{path.name}") == path.read_bytes()


def test_the_wheel_holds_only_the_package_and_its_description(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"icp_ml"}
    assert not [name for name in wheel.namelist() if name.endswith((".pyc", ".db"))]


def test_the_version_has_one_source(wheel: zipfile.ZipFile) -> None:
    import icp_ml

    (metadata,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    assert f"Version: {icp_ml.__version__}\n" in wheel.read(metadata).decode()


def test_no_file_names_a_registry_or_a_path_of_one_machine(repository: Path) -> None:
    found = []
    for path in _tracked_files(repository):
        content = path.read_bytes()
        found += [f"{path.relative_to(repository)}: {text}" for text in UNWANTED if text.encode() in content]
    assert found == []


def test_importing_icp_ml_loads_nothing_heavy(repository: Path) -> None:
    code = "import json, sys, icp_ml; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    loaded = set(json.loads(_run(sys.executable, "-c", code, cwd=repository)))
    assert "icp_ml" in loaded
    assert loaded & set(HEAVY) == set()


def _printed_after_scoring(tmp_path: Path, code: str) -> str:
    """Return what code prints in the process of `icp-ml score` once a short list is scored."""
    hand_model().save(tmp_path / "model")
    hand_list(50).to_csv(tmp_path / "list.csv", index=False)
    scoring = (
        "import sys; from icp_ml.cli import main\n"
        "sys.argv = ['icp-ml', 'score', 'model', 'list.csv', '--out', 'scored.parquet', '--quiet']\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code\n"
    )
    return _run(sys.executable, "-c", scoring + code, cwd=tmp_path)


def test_scoring_a_short_list_imports_nothing_that_only_training_needs(tmp_path: Path) -> None:
    code = "import json; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(_printed_after_scoring(tmp_path, code).splitlines()[-1]))
    heavy = {"lightgbm", "sklearn", "shap", "mlflow", "matplotlib", "numba", "pandas", "scipy", "jinja2"}
    rooms = ("evaluation", "workflow", "outcomes", "traits.finding", "profile.roles", "accounts.matching")
    unused = {
        *heavy,
        "rich.progress",
        *(f"icp_ml.{room}" for room in rooms),
        "icp_ml.accounts.guard",
        "icp_ml.accounts.reading",
    }
    assert loaded & unused == set()
    assert "pyarrow" in loaded


def test_arrow_still_knows_pandas_after_a_command_that_spared_it(tmp_path: Path) -> None:
    code = (
        "assert 'pandas' not in sys.modules\n"
        "import pyarrow.parquet as pq, pyarrow as pa\n"
        "frame = pq.read_table('scored.parquet').to_pandas()\n"
        "back = pa.Table.from_pandas(frame.assign(gap=[None, 1.5] * 25), preserve_index=False)\n"
        "print(len(frame), frame['name'].dtype, back['gap'].null_count, pa.array(frame['name']).type)"
    )
    assert _printed_after_scoring(tmp_path, code).split() == ["50", "str", "25", "large_string"]


def _locked_versions(repository: Path) -> dict[str, set[str]]:
    versions: dict[str, set[str]] = {}
    for line in (repository / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==(\S+)", line):
            versions.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return versions


def test_the_lock_file_meets_every_requirement(repository: Path, project: dict[str, object]) -> None:
    locked = _locked_versions(repository)
    extras = {name: texts for name, texts in project["optional-dependencies"].items() if name != "bench"}
    required = [
        Requirement(text) for text in (*project["dependencies"], *(t for texts in extras.values() for t in texts))
    ]
    for requirement in required:
        if requirement.name == project["name"]:
            assert requirement.extras <= extras.keys()
            continue
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in requirements.lock: run make lock"
        assert all(requirement.specifier.contains(version, prereleases=True) for version in versions)


def test_peers_of_the_benchmark_are_not_installed_with_anything_else(
    repository: Path, project: dict[str, object]
) -> None:
    locked, extras = _locked_versions(repository), project["optional-dependencies"]
    peers = {canonicalize_name(Requirement(text).name) for text in extras["bench"]}
    assert peers
    assert not peers & locked.keys()
    assert not [name for name, texts in extras.items() if any("bench" in Requirement(t).extras for t in texts)]


def test_every_locked_package_has_hashes_and_no_address(repository: Path) -> None:
    text = (repository / "requirements.lock").read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if "==" in entry]
    assert len(entries) > 50
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|^-", text, flags=re.MULTILINE)


def _check_prerequisites(
    repository: Path, folder: Path, *, without_tool: str = "", at_start: str = "", python: str = sys.executable
) -> str:
    """What the script says where a tool is absent, or where Python runs the line `at_start` first."""
    for tool in {"dirname", "git", "grep", "head", "make", "sh", "sort", "uname"} - {without_tool}:
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    (folder / "sitecustomize.py").write_text(at_start)
    environment = {
        "HOME": str(folder),
        "PATH": str(folder),
        "PYENV_ROOT": str(folder),
        "PYTHON": python,
        "PYTHONPATH": str(folder),
    }
    script = str(repository / "scripts" / "check_prerequisites.sh")
    done = subprocess.run(["/bin/sh", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if done.stderr else 0)
    return done.stderr


def test_the_check_of_prerequisites_is_silent_where_all_is_there(repository: Path, tmp_path: Path) -> None:
    assert _check_prerequisites(repository, tmp_path) == ""


@pytest.mark.parametrize("tool", ["make", "git"])
def test_the_check_of_prerequisites_names_an_absent_tool(repository: Path, tmp_path: Path, tool: str) -> None:
    said = _check_prerequisites(repository, tmp_path, without_tool=tool)
    assert said == f"missing: {tool} is not on this machine: install it with  apt-get install {tool}\n"


@pytest.mark.parametrize(
    ("at_start", "advice"),
    [
        ("import sys; sys.modules['ensurepip'] = None", "apt-get install python3-venv"),
        ("import sys; sys.modules['sqlite3'] = None", "built without ctypes, sqlite3 or ssl"),
        ("import sys; sys.version_info = (3, 10, 1)", "is Python 3.10, and 3.11 or newer is needed"),
        pytest.param(
            "import ctypes; ctypes.CDLL = None",
            "apt-get install libgomp1",
            marks=pytest.mark.xfail(sys.platform != "linux", reason="the OpenMP runtime has another name there"),
        ),
    ],
)
def test_the_check_of_prerequisites_names_what_python_lacks(
    repository: Path, tmp_path: Path, at_start: str, advice: str
) -> None:
    said = _check_prerequisites(repository, tmp_path, at_start=at_start)
    assert advice in said
    assert said.count("missing: ") == 1


def test_the_check_of_prerequisites_names_an_absent_python(repository: Path, tmp_path: Path) -> None:
    assert "no-such-python is not on this machine" in _check_prerequisites(
        repository, tmp_path, python="no-such-python"
    )

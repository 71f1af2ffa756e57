"""A hypothesis: the ideal customer as a person believes it to be, written in YAML before there are customers."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from datetime import date
from math import log
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from icp_ml.exceptions import InputError, SettingsError
from icp_ml.settings import CustomField
from icp_ml.statements import SHORT, FilterStatement, Statement, WeightedStatement, written

MAX_BYTES = 1_000_000
MAX_STATEMENTS = 200
MAX_FILTERS = 5
POINTS_THAT_DOUBLE = 2.0
_SHORT = reprlib.Repr()  # nested aliases in a hostile file would print for ever
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 80, 80


class Hypothesis(BaseModel):
    """Filters, signals and anti-traits with points.

    Attributes
    ----------
    name : str
    best_share : float
        Share of customers that would be called best: where an account of which nothing is known starts.
    points_that_double : float
        Points that double the odds of being a best customer.
    as_of : date or None
        The day ages are measured to.
    fields : tuple of CustomField
        Fields of the author's own.
    filters : tuple of FilterStatement
        What an account must meet, where it is known; at most five.
    signals, anti_traits : tuple of WeightedStatement
        What raises and what lowers fit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("hypothesis", max_length=200)
    best_share: float = Field(0.25, gt=0, lt=1)
    points_that_double: float = Field(POINTS_THAT_DOUBLE, gt=0, le=100)
    as_of: date | None = None
    fields: tuple[CustomField, ...] = Field((), max_length=MAX_STATEMENTS)
    filters: tuple[FilterStatement, ...] = Field((), max_length=MAX_FILTERS)
    signals: tuple[WeightedStatement, ...] = Field((), max_length=MAX_STATEMENTS)
    anti_traits: tuple[WeightedStatement, ...] = Field((), max_length=MAX_STATEMENTS)

    @model_validator(mode="after")
    def _something(self) -> Hypothesis:
        if not self.signals and not self.anti_traits:
            msg = "write at least one signal or anti-trait with points: filters alone rank nobody"
            raise ValueError(msg)
        return self

    @property
    def log_odds_per_point(self) -> float:
        """What one point adds to the log-odds."""
        return log(2.0) / self.points_that_double

    def statements(self) -> list[tuple[str, int, Statement]]:
        """Return role, number and statement of each, filters first."""
        groups = (("filters", self.filters), ("signals", self.signals), ("anti_traits", self.anti_traits))
        return [(role, i, one) for role, group in groups for i, one in enumerate(group)]


def read_hypothesis(source: str | Path | Mapping[str, Any]) -> Hypothesis:
    """Read a hypothesis from a YAML file, or from a mapping.

    Raises
    ------
    InputError
        The file cannot be read, or is no YAML.
    SettingsError
        A key or value is wrong; the message names the line, the field, the value and what is allowed.
    """
    if isinstance(source, Mapping):
        return _validated(dict(source), "hypothesis", None)
    path = Path(source)
    try:
        if path.stat().st_size > MAX_BYTES:
            msg = f"{path}: larger than {MAX_BYTES:,} bytes, which no hypothesis is"
            raise InputError(msg)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        msg = f"{path}: cannot be read as a hypothesis ({why}); give a YAML file with signals and points"
        raise InputError(msg) from error
    return parse_hypothesis(text, str(path))


def parse_hypothesis(text: str, source: str = "hypothesis") -> Hypothesis:
    """Read a hypothesis from YAML text; `source` names it in errors. Raises as `read_hypothesis` does."""
    try:
        data = yaml.safe_load(text)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        why = f"line {mark.line + 1}: {problem}" if mark is not None else " ".join(str(error).split())
        msg = f"{source}: not valid YAML: {why}"
        raise InputError(msg) from error
    if not isinstance(data, dict):
        found = "nothing" if data is None else type(data).__name__
        msg = f"{source}: expected a mapping with signals and points, found {found}"
        raise SettingsError(msg)
    return _validated(data, source, tree)


def _validated(data: dict[str, Any], source: str, tree: Any) -> Hypothesis:
    try:
        return Hypothesis.model_validate({str(k): v for k, v in data.items() if v is not None})
    except ValidationError as error:
        raise SettingsError(_explain(error, source, tree)) from error


def _explain(error: ValidationError, source: str, tree: Any) -> str:
    problems = error.errors(include_url=False)
    # A key that is unknown is often why another is missing.
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    place, line = [str(part) for part in problem["loc"]], _line(tree, problem["loc"])
    where = f"{source}, line {line}" if line else source
    if problem["type"] == "extra_forbidden":
        spelled = {name: short for short, name in SHORT.items()}
        allowed = ", ".join(spelled.get(name, name) for name in _section(place[:-1]).model_fields)
        return f"{where}: unknown key '{'.'.join(place)}'; allowed here: {allowed}"
    if problem["type"] == "missing":
        return f"{where}: {'.'.join(place)} is missing; {_told(place[-1])}"
    value = _SHORT.repr(problem["input"])
    return f"{where}: {'.'.join(place) or 'hypothesis'} = {value}: {problem['msg'].removeprefix('Value error, ')}"


def _told(key: str) -> str:
    return {
        "points": "say how much it counts, such as  points: 3  (2 points double the odds)",
        "field": "name the field it is about, such as  field: employees",
    }.get(key, "see docs/reference/hypothesis.md")


def _section(place: list[str]) -> type[BaseModel]:
    kinds: dict[str, type[BaseModel]] = {
        "filters": FilterStatement, "signals": WeightedStatement, "anti_traits": WeightedStatement,
    }  # fmt: skip
    return kinds.get(place[0], CustomField) if place else Hypothesis


def _line(tree: Any, place: tuple[int | str, ...]) -> int | None:
    """Return the line a value stands on; of a key that is missing, the line of what lacks it."""
    if tree is None:
        return None
    node = tree
    for part in place:
        if isinstance(node, yaml.MappingNode):
            names = written({str(key.value): key for key, _ in node.value})
            found = next((v for k, v in node.value if names.get(part) is k or k.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = node.value[part]
        else:
            found = None
        if found is None:
            break
        node = found
    return int(node.start_mark.line) + 1

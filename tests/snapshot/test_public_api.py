"""What other people's code may rely on, as text: a change shows up in review.

Write the texts anew with `ICP_ML_UPDATE_SNAPSHOTS=1 python -m pytest tests/snapshot`.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
from pathlib import Path

import pytest
from pydantic import BaseModel

import icp_ml
from icp_ml.scoring.columns import list_schema

HERE = Path(__file__).parent
NAMES = [name for name in icp_ml.__all__ if not name.startswith("_")]


def hold(name: str, text: str) -> None:
    """Compare with the text on file."""
    path = HERE / name
    if os.environ.get("ICP_ML_UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.is_file(), f"{path.name} is missing; write it with ICP_ML_UPDATE_SNAPSHOTS=1"
    assert text == path.read_text(encoding="utf-8"), (
        f"{path.name} differs; if that is meant: ICP_ML_UPDATE_SNAPSHOTS=1, and a line in CHANGELOG.md"
    )


def signature(function: object) -> str:
    shown = []
    star = False
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            shown.append("*")
            star = True
        text = str(parameter.replace(annotation=parameter.empty, default=parameter.empty))
        if parameter.annotation is not parameter.empty:
            text += f": {_type(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            text += " = ..." if "HAS_DEFAULT_FACTORY" in repr(parameter.default) else f" = {parameter.default!r}"
        shown.append(text)
    result = inspect.signature(function).return_annotation  # type: ignore[arg-type]
    return f"({', '.join(shown)})" + ("" if result is inspect.Signature.empty else f" -> {_type(result)}")


def _type(annotation: object) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def own_members(cls: type) -> list[tuple[str, object]]:
    """Public members that this project wrote, not those of scikit-learn or pydantic."""
    found: dict[str, object] = {}
    for kind in reversed(cls.__mro__):
        if kind.__module__.startswith("icp_ml"):
            found |= {
                name: value for name, value in vars(kind).items() if not name.startswith("_") and name != "model_config"
            }
    return sorted(found.items())


def members(cls: type) -> list[str]:
    fields = {f.name for f in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else set()
    lines = []
    if issubclass(cls, BaseModel):
        lines += [
            f"{name} = {info.get_default(call_default_factory=True)!r}" for name, info in cls.model_fields.items()
        ]
    elif cls.__init__ is not object.__init__ and not issubclass(cls, Exception):
        lines.append(f"__init__{signature(cls.__init__)}")
    for name, value in own_members(cls):
        if name in fields:
            continue
        if isinstance(value, property | functools.cached_property):
            lines.append(f"{name} (property)")
        elif isinstance(value, classmethod):
            lines.append(f"classmethod {name}{signature(value.__func__)}")
        elif inspect.isfunction(value):
            lines.append(f"{name}{signature(value)}")
        elif not callable(value) and not hasattr(value, "__get__"):
            lines.append(f"{name} = {value!r}")
    return lines


def api() -> str:
    lines = []
    for name in NAMES:
        thing = getattr(icp_ml, name)
        if inspect.isclass(thing):
            mother = f"({thing.__mro__[1].__name__})" if issubclass(thing, Exception) else ""
            lines += [f"class {name}{mother}", *(f"    {member}" for member in members(thing)), ""]
        else:
            lines += [f"def {name}{signature(thing)}", ""]
    return "\n".join(lines)


def test_names_and_signatures():
    hold("public_api.txt", api())


def test_scored_columns():
    lines = [f"{f.name}: {f.type}{'' if f.nullable else ' not null'}" for f in list_schema()]
    hold("scored_columns.txt", "\n".join(lines) + "\n")


def test_all_names_are_there_and_listed():
    assert sorted(icp_ml.__all__) == dir(icp_ml)
    for name in icp_ml.__all__:
        assert getattr(icp_ml, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'ICPModle'"):
        _ = icp_ml.ICPModle


@pytest.mark.parametrize("name", NAMES)
def test_every_public_thing_is_explained(name, repository):
    thing = getattr(icp_ml, name)
    assert inspect.getdoc(thing), name
    page = (repository / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    assert f"`{name}" in page, f"docs/reference/python.md does not mention {name}"
    if not inspect.isclass(thing):
        return
    for member, value in own_members(thing):
        if isinstance(value, property | functools.cached_property | classmethod) or inspect.isfunction(value):
            function = (
                value if isinstance(value, property) else getattr(value, "__func__", getattr(value, "func", value))
            )
            assert inspect.getdoc(function), f"{name}.{member} has no docstring"
            assert f"`{member}" in page or f".{member}" in page, (
                f"docs/reference/python.md does not mention {name}.{member}"
            )

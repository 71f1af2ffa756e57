"""What a person says of a field's values: "employees over 500", "country in US, CA", "technologies has Snowflake"."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Bound = float | str  # a number, or as people write one: "10M", "25%", "18 months"
SHORT = {"in": "one_of", "from": "at_least", "to": "up_to", "is": "equals"}  # what a person may write -> its name
LOWER, UPPER = ("over", "at_least"), ("under", "up_to")
FORMS = "in: [A, B]; from, over, to, up_to or under: a number; has: a token; is: true or false"
MAX_VALUES = 200
_EXPRESSION = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(>=|<=|>|<|=|\bhas\b|\bin\b|\bis\b)\s*(.+?)\s*")
_OPERATORS = {">": "over", ">=": "at_least", "<": "under", "<=": "up_to", "has": "has"}
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}


class Statement(BaseModel):
    """A field and some of its values; as text, "employees > 500".

    Attributes
    ----------
    field : str
        A canonical or custom field.
    one_of : tuple of str
        For categories, places and countries; `in` for short.
    over, at_least, under, up_to : number or str
        For numbers, money, shares and years, one lower and one upper bound; `from` and `to` for short. For dates, how
        long ago: "18 months".
    has : str
        For token sets and texts: one token.
    equals : bool
        For yes-or-no fields; `is` for short.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(max_length=200)
    one_of: tuple[str, ...] = Field((), max_length=MAX_VALUES)
    over: Bound | None = None
    at_least: Bound | None = None
    under: Bound | None = None
    up_to: Bound | None = None
    has: str | None = Field(None, max_length=200)
    equals: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_people_write(cls, data: Any) -> Any:
        return written(data)

    @model_validator(mode="after")
    def _one_form(self) -> Statement:
        bounds = [name for name in (*LOWER, *UPPER) if getattr(self, name) is not None]
        forms = [bool(self.one_of), bool(bounds), self.has is not None, self.equals is not None]
        if sum(forms) != 1:
            msg = f"say which values of '{self.field}' are meant, in one way: {FORMS}"
            raise ValueError(msg)
        for sides in (LOWER, UPPER):
            if all(name in bounds for name in sides):
                msg = f"'{self.field}': give {sides[0]} or {sides[1]}, not both"
                raise ValueError(msg)
        return self

    @property
    def text(self) -> str:
        """The statement as it may be written on one line."""
        if self.one_of:
            return f"{self.field} in {', '.join(self.one_of)}"
        if self.has is not None:
            return f"{self.field} has {self.has}"
        if self.equals is not None:
            return f"{self.field} is {'true' if self.equals else 'false'}"
        signs = {"over": ">", "at_least": ">=", "under": "<", "up_to": "<="}
        parts = [f"{sign} {getattr(self, name)}" for name, sign in signs.items() if getattr(self, name) is not None]
        return f"{self.field} {' and '.join(parts)}"


class WeightedStatement(Statement):
    """A statement of a hypothesis.

    Attributes
    ----------
    points : float
        How much it counts; a fixed number of points doubles the odds.
    share : float
        Share of companies it is expected to be true of.
    why, who : str
        The author's reason, and who can act on it.
    """

    points: float = Field(gt=0, le=20)
    share: float = Field(0.3, gt=0, lt=1)
    why: str = Field("", max_length=500)
    who: str = Field("", max_length=200)


class FilterStatement(Statement):
    """A statement that accounts must meet, with the author's reason."""

    why: str = Field("", max_length=500)
    who: str = Field("", max_length=200)


Action = Literal["raise", "lower", "exclude"]
ACTIONS: tuple[Action, ...] = ("raise", "lower", "exclude")


class Override(BaseModel):
    """A decision of strategy that the data did not make: raise, lower or exclude, with a reason.

    Attributes
    ----------
    action : str
        raise, lower or exclude.
    where : Statement
    points, log_odds : float
        How much, for raise and lower: one of both.
    reason, by : str
        Why, and who decided.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Action
    where: Statement
    points: float | None = Field(None, gt=0, le=20)
    log_odds: float | None = Field(None, gt=0, le=7)
    reason: str = Field(min_length=3, max_length=500)
    by: str = Field("", max_length=200)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        """Read  {exclude: {...}, reason: ...}  as  {action: exclude, where: {...}, reason: ...}."""
        if not isinstance(data, dict) or "action" in data:
            return data
        found = [action for action in ACTIONS if action in data]
        if len(found) != 1:
            msg = "say one of raise, lower or exclude, such as  exclude: {field: country, in: [US]}"
            raise ValueError(msg)
        return {"action": found[0], "where": data[found[0]], **{k: v for k, v in data.items() if k != found[0]}}

    @model_validator(mode="after")
    def _how_much(self) -> Override:
        given = sum(amount is not None for amount in (self.points, self.log_odds))
        if self.action == "exclude" and given:
            msg = "an exclusion has no points; leave out points and log_odds"
            raise ValueError(msg)
        if self.action != "exclude" and given != 1:
            msg = f"say by how much to {self.action}: points (2 double the odds) or log_odds, one of both"
            raise ValueError(msg)
        return self


def written(data: Any) -> Any:
    """Return a statement's keys by their names: short spellings, and text such as "employees > 500"."""
    if isinstance(data, str):
        data = _expression(data)
    if not isinstance(data, dict):
        return data
    out = {SHORT.get(key, key) if isinstance(key, str) else key: value for key, value in data.items()}
    if len(out) != len(data):
        msg = "a bound is given twice; write from or at_least, to or up_to"
        raise ValueError(msg)
    if isinstance(out.get("one_of"), (str, int, float)) and not isinstance(out["one_of"], bool):
        out["one_of"] = [out["one_of"]]
    if isinstance(out.get("one_of"), (list, tuple)):
        out["one_of"] = tuple(_text(value) for value in out["one_of"])
    return out


def _text(value: Any) -> Any:
    if isinstance(value, bool):  # Norway's NO is what YAML reads as false
        msg = "YAML reads a bare yes, no, on, off, true or false as no text; put it in quotes, such as 'NO'"
        raise ValueError(msg)
    return str(value) if isinstance(value, (int, float)) else value


def _expression(text: str) -> dict[str, Any]:
    found = _EXPRESSION.fullmatch(text[:2000])
    if found is None:
        msg = "write a field, a sign and a value, such as  employees > 500  or  country in US, CA"
        raise ValueError(msg)
    field, sign, value = found.groups()
    if sign in _OPERATORS:
        return {"field": field, _OPERATORS[sign]: value}
    if sign in ("=", "is") and value.casefold() in _YES_NO:
        return {"field": field, "equals": _YES_NO[value.casefold()]}
    return {"field": field, "one_of": tuple(part.strip() for part in value.split(",") if part.strip())}

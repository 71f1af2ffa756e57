"""Settings: what a user may say in `icp.yaml`, checked once, frozen and hashed."""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from icp_ml.exceptions import InputError, SettingsError
from icp_ml.schema import BY_NAME, Category, Kind, Measure
from icp_ml.statements import Override, Statement

MAX_SETTINGS_BYTES = 1_000_000
_SHORT = reprlib.Repr()  # nested aliases in a hostile file would print for ever
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 80, 80


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomField(_Section):
    """A field of the user's own."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    category: Category = "firmographic"
    label: str = ""
    delimiter: str | None = Field(None, description="for token sets: what separates the tokens")


class FieldSettings(_Section):
    """Which columns may enter the model."""

    custom: tuple[CustomField, ...] = ()
    exclude: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    own_product: tuple[str, ...] = ()
    adjust_for: tuple[str, ...] = Field((), description="customers have them, lists do not: held at their average")
    currency_rates: dict[str, float] = Field({}, description="US dollars per unit of a currency, such as EUR: 1.08")
    date_order: dict[str, Literal["day_first", "month_first"]] = Field({}, description="by field or header")
    missing_values: dict[str, tuple[str | int | float, ...]] = Field({}, description="by field or header: [999]")

    @model_validator(mode="after")
    def _one_part(self) -> FieldSettings:
        for part in ("exclude", "confirm"):
            both = sorted({*self.adjust_for} & {*getattr(self, part)})
            if both:
                msg = f"'{both[0]}' is named under fields.{part} and under fields.adjust_for; name it under one of them"
                raise ValueError(msg)
        return self

    @field_validator("currency_rates")
    @classmethod
    def _rates(cls, rates: dict[str, float]) -> dict[str, float]:
        for code, rate in rates.items():
            if not (len(code) == 3 and code.isascii() and code.isupper() and code.isalpha()):
                msg = f"'{code}' is no currency code; write three capital letters, such as EUR: 1.08"
                raise ValueError(msg)
            if not 0 < rate < float("inf") or (code == "USD" and rate != 1):
                msg = f"{code}: {rate} is not what one {code} is worth in US dollars; give a number such as 1.08"
                raise ValueError(msg)
        return rates


# What a growth stage judges customers by: outcome -> weight.
PRESETS: Mapping[str, Mapping[str, float]] = {
    "default": {"retention": 1.0, "expansion": 1.0, "nps": 1.0},
    "mvp": {"feedback_given": 1.0},
    "product_market_fit": {"testimonial": 1.0, "nps": 1.0, "retention": 1.0},
    "growth": {"lifetime_value_per_acquisition_cost": 1.0, "expansion": 1.0, "retention": 1.0},
    "efficiency": {"lifetime_value_per_cost_to_serve": 1.0},
}
Spelling = Literal["won", "lost", "open", "not_renewed", "active", "churned", "not_customer"]


class OutcomeSettings(_Section):
    """How customers are judged.

    With a growth-stage preset, `weights` add to the preset's, change them, or drop one with 0; with the preset
    `default`, weights that are given are the whole definition. A saved file always states all weights.
    """

    preset: Literal["default", "mvp", "product_market_fit", "growth", "efficiency"] = "default"
    weights: dict[Measure, float] = {"retention": 1.0, "expansion": 1.0, "nps": 1.0}
    horizon_days: int = Field(365, ge=0, le=3650)
    best_share: float = Field(0.25, gt=0.0, le=0.5)
    grades: Literal["auto", "always", "never"] = "auto"
    observed_from: Literal["sign_up"] | date = "sign_up"
    late_churn: Literal["worst", "judged"] = "worst"
    lost_deals: Literal["report", "worst"] = "report"
    revenue_cap: float = Field(0.95, ge=0.5, le=1.0)
    revenue_weight_at_most: float = Field(0.5, gt=0.0, le=1.0)
    spellings: dict[str, Spelling] = {}

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("preset", "default") in ("default", None):
            return data
        own, preset = data.get("weights") or {}, data["preset"]
        if not isinstance(own, dict) or not isinstance(preset, str) or preset not in PRESETS:
            return data
        return {**data, "weights": {**PRESETS[preset], **own}}

    @field_validator("observed_from", mode="before")
    @classmethod
    def _day(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "sign_up":
            try:
                return date.fromisoformat(value)
            except ValueError:
                msg = "give sign_up, or a date such as 2025-10-01"
                raise ValueError(msg) from None
        return value

    @field_validator("weights")
    @classmethod
    def _positive(cls, weights: dict[Measure, float]) -> dict[Measure, float]:
        if weights.get("deal"):
            msg = "a deal is no outcome to weight; lost deals count as worst with  outcomes: {lost_deals: worst}"
            raise ValueError(msg)
        if not weights or any(not 0 <= w < float("inf") for w in weights.values()) or sum(weights.values()) == 0:
            msg = "weights must be finite, none negative, and at least one above zero"
            raise ValueError(msg)
        return weights


class PriorSettings(_Section):
    """A hypothesis that the customers' outcomes are read together with."""

    file: str = Field(min_length=1, max_length=1000)
    customers: float = Field(50, gt=0, le=10_000, description="how many customers the hypothesis is worth")


class SegmentSettings(_Section):
    """A person's own segments: one field, cut at numbers or grouped by values."""

    field: str
    at: tuple[float, ...] = Field((), max_length=3, description="of a number: up to the first, up to the next ...")
    groups: tuple[tuple[str, ...], ...] = Field((), max_length=3, description="values of each; all others are one more")

    @field_validator("groups", mode="before")
    @classmethod
    def _texts(cls, groups: Any) -> Any:
        """Read what YAML takes for numbers and booleans as it is written: 4521, yes."""
        if not isinstance(groups, list | tuple) or not all(isinstance(group, list | tuple) for group in groups):
            return groups
        words = {True: "yes", False: "no"}
        return [
            [words[v] if isinstance(v, bool) else str(v) if isinstance(v, int) else v for v in group]
            for group in groups
        ]

    @model_validator(mode="after")
    def _one_way(self) -> SegmentSettings:
        finite = all(-1e300 < cut < 1e300 for cut in self.at)
        if bool(self.at) == bool(self.groups) or not finite or list(self.at) != sorted(set(self.at)):
            msg = "give ascending numbers under at, or lists of values under groups"
            raise ValueError(msg)
        values = [value.casefold() for group in self.groups for value in group]
        if not all(self.groups) or len(set(values)) != len(values):
            msg = "every group names at least one value, and no value is in two"
            raise ValueError(msg)
        return self


class ModelSettings(_Section):
    """How the model is fitted."""

    mode: Literal["additive"] = "additive"
    max_pairs: int = Field(10, ge=0, le=50)
    segments: Literal["auto", "never"] | SegmentSettings = "auto"
    emphasis: dict[Category, float] = Field({}, description="how freely a category's fields may speak; 1 as they come")
    market_weights: bool = Field(False, description="weight customers so that they look like the list")
    bags: int = Field(25, ge=2, le=100)
    max_tokens: int = Field(200, ge=1, le=5000)
    hypothesis: PriorSettings | None = None

    @field_validator("emphasis")
    @classmethod
    def _factors(cls, emphasis: dict[Category, float]) -> dict[Category, float]:
        for category, factor in emphasis.items():
            if not 0.1 <= factor <= 10:
                msg = f"{category}: {factor} is no factor from 0.1 to 10; 1 leaves it as it is, 2 is twice as free"
                raise ValueError(msg)
        return emphasis

    @field_validator("segments", mode="before")
    @classmethod
    def _rule(cls, value: Any) -> Any:
        if value in ("auto", "never") or isinstance(value, SegmentSettings):
            return value
        if not isinstance(value, dict):
            msg = "give auto, never, or a rule of your own such as {field: employees, at: [200]}"
            raise ValueError(msg)
        try:
            return SegmentSettings.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the rule"
            msg = f"{place}: {first['msg']}; a rule is such as {{field: employees, at: [200]}}"
            raise ValueError(msg) from None

    @field_validator("mode", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        if value == "full":
            msg = "only the additive model is saved and scored with; every evaluation compares it with the full one"
            raise ValueError(msg)
        return value


class EvaluationSettings(_Section):
    """How the model is judged."""

    folds: int = Field(5, ge=2, le=20)
    repeats: int = Field(2, ge=1, le=20)
    permutations: int | None = Field(None, ge=49, le=9999)  # none: by the number of customers


class ProfileSettings(_Section):
    """What a person decides about the profile."""

    filters: tuple[str, ...] = Field((), max_length=5)
    signals: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = Field((), max_length=50)
    new_market: Statement | None = None

    @model_validator(mode="after")
    def _one_role(self) -> ProfileSettings:
        both = sorted({*self.filters} & {*self.signals})
        if both:
            msg = f"'{both[0]}' is named under profile.filters and under profile.signals; name it under one of them"
            raise ValueError(msg)
        return self


class TierSettings(_Section):
    """Where the tiers are cut."""

    mode: Literal["cutoffs", "quantile", "capacity"] = "cutoffs"
    capacity: int | None = Field(None, ge=1)
    quantiles: tuple[float, float, float] = Field((0.25, 0.5, 0.75), description="shares of a list that end A, B, C")


class ScoringSettings(_Section):
    """What a scored row carries."""

    reasons: int = Field(5, ge=0, le=20)
    lookalikes: int = Field(3, ge=0, le=3)
    winnability_column: str | None = None


class MatchingSettings(_Section):
    """How customers are found on a list, and what for."""

    threshold: float | None = Field(None, ge=0.5, le=1.0, description="least probability of a pick")
    enrich: Literal["auto", "always", "never"] = "auto"
    suppress_by_name: bool = Field(True, description="look for accounts to suppress by name and place too")
    list_date: date | None = Field(None, description="the day the list's values are from")


class TrackingSettings(_Section):
    """Where runs are logged."""

    enabled: bool = True
    uri: str = "sqlite:///mlflow.db"
    experiment: str = "icp"
    registered_model: str | None = None
    log_examples: bool = False


class Settings(_Section):
    """All settings; every part is optional.

    Attributes
    ----------
    as_of : date or None
        The day the data speaks of; ages and recencies are measured to it. None: the newest customer
        date in the file.
    columns : dict of str to str
        Header of the user's file -> canonical field (`icp_ml.schema`), or "ignore".
    random_state : int
        Seed of everything random.
    """

    as_of: date | None = None
    columns: dict[str, str] = {}
    fields: FieldSettings = FieldSettings()
    outcomes: OutcomeSettings = OutcomeSettings()
    model: ModelSettings = ModelSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    profile: ProfileSettings = ProfileSettings()
    tiers: TierSettings = TierSettings()
    scoring: ScoringSettings = ScoringSettings()
    matching: MatchingSettings = MatchingSettings()
    tracking: TrackingSettings = TrackingSettings()
    random_state: int = Field(0, ge=0, le=2**31 - 1)

    @classmethod
    def load(cls, path: str | Path) -> Settings:
        """Read settings from a YAML file.

        Raises
        ------
        InputError
            The file is missing, too large or not YAML.
        SettingsError
            A key is unknown or a value out of range; the message names it.
        """
        path = Path(path)
        try:
            if path.stat().st_size > MAX_SETTINGS_BYTES:
                msg = f"{path}: larger than {MAX_SETTINGS_BYTES:,} bytes, which no settings file is"
                raise InputError(msg)
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = _brief(error)
            msg = f"{path}: cannot be read as settings ({why}); give a YAML file, or write one with  icp-ml init"
            raise InputError(msg) from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, source: str = "settings") -> Settings:
        """Read settings from YAML text; `source` names it in errors."""
        try:
            data = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date such as 2026-13-45
            msg = f"{source}: not valid YAML: {_where(error)}"
            raise InputError(msg) from error
        if data is None:
            data = {}
        if not isinstance(data, dict):
            msg = f"{source}: expected a mapping of settings, found {type(data).__name__}; write one with  icp-ml init"
            raise InputError(msg)
        return cls.build({key: value for key, value in data.items() if value is not None}, source)

    @classmethod
    def build(cls, data: dict[str, Any], source: str = "settings") -> Settings:
        """Validate a mapping; errors name the key, the value and what is allowed."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise SettingsError(_explain(error, source)) from error

    def override(self, **changes: Any) -> Settings:
        """Return a copy with top-level values replaced, validated anew."""
        return self.build({**self.model_dump(mode="json"), **changes}, "command line")

    def to_yaml(self, *, tracking: bool = True) -> str:
        """Return the settings as YAML, keys in the order above; a saved model leaves out where runs are logged."""
        data = self.model_dump(mode="json", exclude=None if tracking else {"tracking"})
        text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
        return text

    @property
    def hash(self) -> str:
        """Return 12 hex digits that change when a setting that shapes the model does."""
        data = self.model_dump(mode="json", exclude={"tracking"})
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]

    def target_of(self, name: str) -> bool:
        """Whether `name` is a canonical or custom field, or "ignore"."""
        return name == "ignore" or name in BY_NAME or any(field.name == name for field in self.fields.custom)


def _brief(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _where(error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return " ".join(str(error).split())
    return f"line {mark.line + 1}: {problem}"


def _explain(error: ValidationError, source: str) -> str:
    problem = error.errors()[0]
    place = ".".join(str(part) for part in problem["loc"]) or "settings"
    if problem["type"] == "extra_forbidden":
        section: Any = Settings
        for part in problem["loc"][:-1]:
            info = section.model_fields.get(part) if hasattr(section, "model_fields") else None
            section = info.annotation if info else None
        allowed = (
            ", ".join(section.model_fields) if hasattr(section, "model_fields") else "see docs/reference/settings.md"
        )
        return f"{source}: unknown setting '{place}'; allowed here: {allowed}"
    return f"{source}: {place} = {_SHORT.repr(problem['input'])}: {problem['msg']}"

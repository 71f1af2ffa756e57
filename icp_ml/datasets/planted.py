"""The planted ideal customer profile: what is true of a synthetic world, and where it misleads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
TraitKind = Literal["range", "set", "token"]

BEST_SHARE_LOG_ODDS = -1.1  # a quarter of the customers is best


@dataclass(frozen=True)
class PlantedTrait:
    """One statement that moves an account's log-odds of being a best customer.

    Attributes
    ----------
    field : str
        Canonical field it is about.
    kind : str
        `range` (two inclusive ends, None open), `set` (any of the values), `token` (has any of them).
    values : tuple
        Folded, as a normalised table holds them.
    effect : float
        Log-odds added where it holds; negative for an anti-trait.
    segment : tuple or None
        (field, low, high): it counts only for accounts in that range; None for all.
    """

    field: str
    kind: TraitKind
    values: tuple[Any, ...]
    effect: float
    segment: tuple[str, float | None, float | None] | None = None

    def holds(self, frame: pd.DataFrame) -> Booleans:
        """Return for each row whether the account has the trait; a missing value has not."""
        column = frame[self.field]
        if self.kind == "range":
            return _within(column, *self.values)
        if self.kind == "set":
            return column.isin(list(self.values)).to_numpy(dtype=bool)
        wanted = frozenset(self.values)
        return np.array([isinstance(tokens, tuple) and not wanted.isdisjoint(tokens) for tokens in column], dtype=bool)

    def applies(self, frame: pd.DataFrame) -> Booleans:
        """Return for each row whether the trait holds and the account is in its segment."""
        if self.segment is None:
            return self.holds(frame)
        name, low, high = self.segment
        return self.holds(frame) & _within(frame[name], low, high)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        segment = None
        if self.segment is not None:
            segment = {"field": self.segment[0], "kind": "range", "values": list(self.segment[1:])}
        return {
            "field": self.field, "kind": self.kind, "values": list(self.values), "effect": self.effect,
            "segment": segment,
        }  # fmt: skip


@dataclass(frozen=True)
class Decoy:
    """A field (or one token of it) without any effect, and the planted fields it follows."""

    field: str
    token: str | None
    follows: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"field": self.field, "token": self.token, "follows": list(self.follows)}


@dataclass(frozen=True)
class Trap:
    """A customer-only column that must not become a trait, and why."""

    field: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"field": self.field, "reason": self.reason}


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of a world and no file says.

    Attributes
    ----------
    traits : tuple of PlantedTrait
        All that moves the log-odds; empty in a null world.
    decoys, traps : tuple
        Fields that follow a planted one without effect; columns known only after the sale.
    intercept : float
        Log-odds of an account with no trait.
    log_odds_customers, log_odds_market : ndarray of float64
        The planted log-odds, by row of `World.customers` and `World.market`, from the complete values
        (the files have gaps).
    customers_on_market : dict of str to str
        Account id on the market list -> account id among the customers.
    switches : dict
        The arguments of `make_world`.
    """

    traits: tuple[PlantedTrait, ...]
    decoys: tuple[Decoy, ...]
    traps: tuple[Trap, ...]
    intercept: float
    log_odds_customers: Floats
    log_odds_market: Floats
    customers_on_market: Mapping[str, str]
    switches: Mapping[str, Any]

    def frame(self) -> pd.DataFrame:
        """Return the planted traits as a table, one row each."""
        columns = ["field", "kind", "values", "effect", "segment"]
        return pd.DataFrame([trait.to_dict() for trait in self.traits], columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; the log-odds by row are left out (the same switches make them again)."""
        return {
            "switches": dict(self.switches),
            "intercept": self.intercept,
            "traits": [trait.to_dict() for trait in self.traits],
            "decoys": [decoy.to_dict() for decoy in self.decoys],
            "traps": [trap.to_dict() for trap in self.traps],
            "customers_on_market": dict(self.customers_on_market),
        }


_SMALL = ("employees", None, 200.0)
_LARGE = ("employees", 201.0, None)

ONE_ICP: tuple[PlantedTrait, ...] = (
    PlantedTrait("employees", "range", (101.0, 500.0), 1.1),
    PlantedTrait("industry", "set", ("software", "fintech"), 0.9),
    PlantedTrait("technologies", "token", ("snowflake",), 0.9),
    PlantedTrait("technologies", "token", ("salesforce",), 0.7),
    PlantedTrait("hiring_roles", "token", ("data engineer",), 0.8),
    PlantedTrait("employee_growth_rate", "range", (0.25, None), 0.7),
    PlantedTrait("keywords", "token", ("product-led growth",), 0.6),
    PlantedTrait("founded_year", "range", (2012.0, None), 0.5),
    PlantedTrait("country", "set", ("FR", "BR", "JP"), -0.9),
)
TWO_ICPS: tuple[PlantedTrait, ...] = (
    PlantedTrait("industry", "set", ("software", "fintech", "it services"), 1.1, _SMALL),
    PlantedTrait("founded_year", "range", (2010.0, None), 1.0, _SMALL),
    PlantedTrait("technologies", "token", ("snowflake",), 0.9, _SMALL),
    PlantedTrait("has_public_api", "set", (True,), 0.7, _SMALL),
    PlantedTrait("industry", "set", ("software", "fintech", "it services"), -1.1, _LARGE),
    PlantedTrait("founded_year", "range", (2010.0, None), -1.0, _LARGE),
    PlantedTrait("technologies", "token", ("sap",), 1.1, _LARGE),
    PlantedTrait("work_model", "set", ("onsite",), 0.7, _LARGE),
    PlantedTrait("country", "set", ("FR", "BR", "JP"), -0.9),
    PlantedTrait("hiring_roles", "token", ("data engineer",), 0.8),
)
# The country follows nothing but state and city, so any other trait found in this world is a false one.
ONE_FIELD: tuple[PlantedTrait, ...] = (PlantedTrait("country", "set", ("US", "CA"), 1.1),)

_DECOYS: tuple[Decoy, ...] = (
    Decoy("revenue_usd", None, ("employees", "industry")),
    Decoy("it_spend_usd", None, ("employees", "industry")),
    Decoy("monthly_web_visits", None, ("employees", "industry")),
    Decoy("open_jobs", None, ("employees", "employee_growth_rate")),
    Decoy("cloud_regions", None, ("employees", "industry")),
    Decoy("naics_code", None, ("industry",)),
    Decoy("keywords", "saas", ("industry",)),
    Decoy("certifications", "soc 2", ("industry", "employees")),
    Decoy("has_public_api", None, ("industry",)),
    Decoy("work_model", None, ("industry",)),
    Decoy("technologies", "dbt", ("technologies",)),
    Decoy("technologies", "fivetran", ("technologies",)),
    Decoy("technologies", "hubspot", ("technologies",)),
    Decoy("hiring_roles", "data analyst", ("hiring_roles",)),
    Decoy("last_funding_stage", None, ("founded_year", "industry")),
    Decoy("total_funding_usd", None, ("founded_year", "industry", "employees")),
    Decoy("state", None, ("country",)),
    Decoy("city", None, ("country", "industry")),
    Decoy("esg_rating", None, ()),
)
TRAPS: tuple[Trap, ...] = (
    Trap("support_tickets", "counted after the sale; unhappy customers write more"),
    Trap("health_score", "computed from usage after the sale; nearly says who churned"),
    Trap("weekly_active_users", "usage of the product; stops where the customer churned"),
    Trap("success_plan", "blank where the customer churned: its missingness is the outcome"),
    Trap("csm", "churned accounts were handed to the renewals desk"),
    Trap("csm_tier", "given after the sale, by contract value and health"),
    Trap("discount_rate", "shapes the outcome, but exists for customers only: adjust for it"),
)


def traits_of(*, null: bool, partial_null: bool, two_icps: bool) -> tuple[PlantedTrait, ...]:
    """Return the traits the switches of `make_world` ask for."""
    if null:
        return ()
    if partial_null:
        return ONE_FIELD
    return TWO_ICPS if two_icps else ONE_ICP


def decoys_of(traits: tuple[PlantedTrait, ...]) -> tuple[Decoy, ...]:
    """Return the decoys of these traits: each still names only the planted fields it follows."""
    planted = {trait.field for trait in traits} | {trait.segment[0] for trait in traits if trait.segment}
    tokens = {token for trait in traits if trait.kind == "token" for token in trait.values}
    whole = {trait.field for trait in traits if trait.kind != "token"}
    return tuple(
        Decoy(decoy.field, decoy.token, tuple(name for name in decoy.follows if name in planted))
        for decoy in _DECOYS
        if decoy.token not in tokens and decoy.field not in whole
    )


def planted_log_odds(frame: pd.DataFrame, traits: tuple[PlantedTrait, ...], intercept: float) -> Floats:
    """Return the planted log-odds of being a best customer, by row of a frame without gaps."""
    total = np.full(len(frame), intercept)
    for trait in traits:
        total += trait.effect * trait.applies(frame)
    return np.round(total, 6)


def _within(column: pd.Series[float], low: float | None, high: float | None) -> Booleans:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    inside = ~np.isnan(values)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values <= high
    return inside

"""What finds traits in a world: `find_traits` behind the gate as `train` calls it, and three peers (peers.py)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from judgement import Direction, Statement
from peers import shallow_tree, sirus_rules, top_shap
from worlds import AS_OF_DATE, World, arrow_columns, numbers, population, specs

from icp_ml.estimator.encoding import FIRST_VALUE, Encoding, Term
from icp_ml.estimator.fitting import FitParams, fit_tables
from icp_ml.gate import permutation_gate
from icp_ml.traits import Trait, find_traits


@dataclass(frozen=True)
class Found:
    """A reported trait: what it says (a pair says two things), the companies it is true of, and its own evidence."""

    statements: tuple[Statement, ...]
    inside: npt.NDArray[np.bool_]  # of the population as seen
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What one finder reports of one world."""

    found: tuple[Found, ...]
    gate_p: float | None = None
    passed: bool = True
    stages: dict[str, float] = field(default_factory=dict)  # processor seconds


Finder = Callable[[World, int], Report]


def ours(world: World, seed: int, *, gated: bool = True, graded: bool = True) -> Report:
    """Fit, `find_traits`, gate: as `train` does, but for what would only cost time.

    The gate is not asked where there is nothing to report, and whether grades serve the fit is not tried: they do, or,
    not `graded`, neither fit nor search sees them.
    """
    fields = specs(world.seen)
    columns = arrow_columns(world.seen, fields)
    best, judged = (world.status == "best").astype(np.float64), world.status != "middle"
    params, grade = FitParams(grades="always"), world.grade if graded else None
    clock = [time.process_time()]
    fitted = fit_tables(
        columns, fields, best, trains=judged, grade=grade, params=params, as_of=AS_OF_DATE, seed=seed, n_jobs=1
    )
    clock.append(time.process_time())
    codes = fitted.tables.encode(columns, len(best), AS_OF_DATE)
    traits = find_traits(fitted.tables, codes, world.status, seed=seed, wide=fitted.wide, grade=grade)
    clock.append(time.process_time())
    terms = {term.name: term for term in fitted.tables.terms}
    found = tuple(_found(trait, terms, world) for trait in traits)
    stages = {"fit": round(clock[1] - clock[0], 2), "find": round(clock[2] - clock[1], 2)}
    if not found or not gated:
        return Report(found, stages=stages)
    gate = permutation_gate(
        columns, fields, best, trains=judged, grade=grade, params=params, seed=seed, n_jobs=1, as_of=AS_OF_DATE
    )
    return Report(found, gate.p_value, gate.passed, stages | {"gate": round(time.process_time() - clock[2], 2)})


def _found(trait: Trait, terms: Mapping[str, Term], world: World) -> Found:
    evidence = {
        "sentence": trait.sentence, "customers": trait.customers, "lift": trait.lift, "lift_low": trait.lift_low,
        "lift_high": trait.lift_high, "stability": trait.stability, "p_value": trait.p_value,
        "stand_ins": list(getattr(trait, "stand_ins", ())),
    }  # fmt: skip
    pair = getattr(trait, "pair", ())
    parts = tuple(
        said(trait.values[name] if pair else trait.values, terms[name], trait.direction, world)
        for name in pair or (trait.term,)
    )
    return Found(parts, np.logical_and.reduce([inside(part, world) for part in parts]), evidence)


def said(values: Mapping[str, Any], term: Term, direction: Direction, world: World) -> Statement:
    """Return what a trait says of a term, in the values of the customers' table."""
    enc = term.encoding
    if enc.kind == "numeric":
        return Statement(term.field, "range", direction, values["over"], values["up_to"])
    if enc.kind == "tokens":
        return Statement(term.field, "token", direction, values=(enc.values[term.token or 0],))
    if enc.kind == "boolean":
        return Statement(term.field, "set", direction, values=(bool(values["is"]),))
    # A category's code may stand for several values (an industry code for all narrower ones).
    chosen = {FIRST_VALUE + k for k, spelling in enumerate(enc.spellings) if spelling in set(values["in"])}
    distinct = sorted({*world.seen[term.field].dropna(), *population(world.planted.alone)[1][term.field].dropna()})
    codes = Encoding((enc,)).encode({term.field: pa.array(distinct)}, len(distinct))[:, 0]
    of = [value for value, code in zip(distinct, codes.tolist(), strict=True) if code in chosen]
    return Statement(term.field, "set", direction, values=tuple(of))


def values_of(field: str, kind: str, world: World, *, complete: bool) -> npt.NDArray[Any]:
    """Return a field of the population as statements read it."""
    frame = population(world.planted.alone)[0 if complete else 1]
    return numbers(frame, field) if kind == "range" else frame[field].to_numpy(dtype=object, na_value=None)


def inside(statement: Statement, world: World) -> npt.NDArray[np.bool_]:
    """Return of which companies of the population, as seen, a statement is true."""
    return statement.inside(values_of(statement.field, statement.kind, world, complete=False))


def planted_statements(world: World) -> list[Statement]:
    """Return the planted traits as statements: inclusive ends as those of a bin, founding years as ages."""
    out = []
    for trait in world.planted.traits:
        direction = "positive" if trait.effect > 0 else "negative"
        if trait.kind != "range":
            out.append(Statement(trait.field, trait.kind, direction, values=trait.values))
            continue
        low, high = trait.values
        if trait.field == "founded_year":
            year = AS_OF_DATE.year
            low, high = None if high is None else year - high, None if low is None else year - low
        low = None if low is None else float(np.nextafter(low, -np.inf))
        out.append(Statement(trait.field, "range", direction, low, high))
    return out


def _peer(find: Callable[..., list[Statement]]) -> Finder:
    def finder(world: World, seed: int) -> Report:
        judged = world.status != "middle"
        frame = world.seen[judged].reset_index(drop=True)
        statements = find(frame, specs(world.seen), (world.status[judged] == "best").astype(np.float64), seed)
        return Report(tuple(Found((s,), inside(s, world), {}) for s in statements))

    return finder


def labels_only(world: World, seed: int) -> Report:
    """`ours` without grades."""
    return ours(world, seed, graded=False)


FINDERS: Mapping[str, Finder] = {
    "icp": ours, "icp_labels": labels_only,
    "tree": _peer(shallow_tree), "shap": _peer(top_shap), "sirus": _peer(sirus_rules),
}  # fmt: skip

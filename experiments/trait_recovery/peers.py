"""What analysts do instead, on the same best and worst customers: read a tree, a SHAP plot, or a short rule list.

All see one matrix: numbers as they are (years as ages), a column per category and per token held by at least five
customers, missing as NaN for numbers and 0 elsewhere. Each returns statements on single fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from judgement import Statement
from worlds import numbers

from icp_ml.estimator.fitting import FieldSpec

Floats = npt.NDArray[np.float64]
Direction = Literal["positive", "negative"]
LEAST_HELD = 5
TREE_DEPTH, TREE_LEAF = 3, 0.05
SHAP_TOP = 8
SIRUS_TREES, SIRUS_QUANTILES, SIRUS_RULES, SIRUS_LEAST = 500, 10, 10, 0.03


@dataclass(frozen=True)
class Matrix:
    """Columns for a tree, and what each is: a number's field, or one value of a field."""

    X: Floats
    columns: tuple[tuple[str, str, Any], ...]  # (field, kind, value)


@dataclass(frozen=True)
class Condition:
    """`column > cut` or not."""

    column: int
    cut: float
    above: bool


def matrix(frame: pd.DataFrame, fields: Sequence[FieldSpec]) -> Matrix:
    """Return the customers as numbers."""
    parts: list[Floats] = []
    columns: list[tuple[str, str, Any]] = []
    for spec in fields:
        column = frame[spec.name]
        if spec.kind == "numeric":
            parts.append(numbers(frame, spec.name))
            columns.append((spec.name, "range", None))
        elif spec.kind == "tokens":
            counts = Counter(t for held in column if isinstance(held, tuple) for t in held)
            for token in sorted(t for t, c in counts.items() if c >= LEAST_HELD):
                has = [isinstance(held, tuple) and token in held for held in column]
                parts.append(np.array(has, dtype=np.float64))
                columns.append((spec.name, "token", token))
        else:
            counts = Counter(column.dropna())
            values = [True] if spec.kind == "boolean" else sorted(v for v, c in counts.items() if c >= LEAST_HELD)
            for value in values:
                parts.append((column == value).fillna(False).to_numpy(dtype=np.float64))
                columns.append((spec.name, "set", value))
    return Matrix(np.column_stack(parts), tuple(columns))


def statements_of(conditions: Sequence[Condition], data: Matrix, direction: Direction) -> list[Statement]:
    """Return conditions that hold together as statements, one per field: bounds meet, values are taken together.

    "Is not software: worse" is "is software: better": a condition that a value is absent turns the direction.
    """
    ranges: dict[str, Statement] = {}
    sets: dict[tuple[str, Direction], set[Any]] = {}
    out: list[Statement] = []
    turned: Direction = "negative" if direction == "positive" else "positive"
    for c in conditions:
        field, kind, value = data.columns[c.column]
        side = direction if c.above else turned
        if kind == "range":
            now = ranges.get(field, Statement(field, "range", direction))
            if c.above:
                low = c.cut if now.low is None else max(now.low, c.cut)
                ranges[field] = replace(now, low=low)
            else:
                high = c.cut if now.high is None else min(now.high, c.cut)
                ranges[field] = replace(now, high=high)
        elif kind == "token":
            out.append(Statement(field, "token", side, values=(value,)))
        else:
            sets.setdefault((field, side), set()).add(value)
    out += [Statement(f, "set", side, values=tuple(sorted(v))) for (f, side), v in sorted(sets.items())]
    return [*ranges.values(), *out]


def distinct(statements: Sequence[Statement]) -> list[Statement]:
    """Return statements without repeats, in their order."""
    return list(dict.fromkeys(statements))


def shallow_tree(frame: pd.DataFrame, fields: Sequence[FieldSpec], y: Floats, seed: int) -> list[Statement]:
    """Read the paths to the best and to the worst leaf of a tree of depth 3, leaves of at least 5 %."""
    from sklearn.tree import DecisionTreeClassifier

    data = matrix(frame, fields)
    tree = DecisionTreeClassifier(max_depth=TREE_DEPTH, min_samples_leaf=TREE_LEAF, random_state=seed)
    t = tree.fit(data.X, y).tree_
    paths = _paths(t)
    if len(paths) < 2:
        return []
    rate = {leaf: float(t.value[leaf][0][-1]) for leaf in paths}
    best, worst = max(rate, key=rate.__getitem__), min(rate, key=rate.__getitem__)
    found = statements_of(paths[best], data, "positive") + statements_of(paths[worst], data, "negative")
    return distinct(found)


def _paths(t: Any) -> dict[int, list[Condition]]:
    out: dict[int, list[Condition]] = {}
    todo: list[tuple[int, list[Condition]]] = [(0, [])]
    while todo:
        node, path = todo.pop()
        if t.children_left[node] < 0:
            out[node] = path
            continue
        column, cut = int(t.feature[node]), float(t.threshold[node])
        todo.append((int(t.children_left[node]), [*path, Condition(column, cut, False)]))
        todo.append((int(t.children_right[node]), [*path, Condition(column, cut, True)]))
    return out


def top_shap(frame: pd.DataFrame, fields: Sequence[FieldSpec], y: Floats, seed: int) -> list[Statement]:
    """Take the eight features of greatest mean |SHAP| of a LightGBM, each with the sign of its dependence.

    A number's side is above or below the cut that parts its SHAP values best; values of one field that point the same
    way are one statement.
    """
    import lightgbm as lgb

    data = matrix(frame, fields)
    params = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": seed, "deterministic": True}
    booster = lgb.train(params, lgb.Dataset(data.X, y, params=params), 100)
    shap = np.asarray(booster.predict(data.X, pred_contrib=True))[:, :-1]
    strength = np.abs(shap).mean(axis=0)
    top = [int(j) for j in np.argsort(-strength, kind="stable")[:SHAP_TOP] if strength[j] > 0]
    out: list[Statement] = []
    sets: dict[tuple[str, Direction], list[Any]] = {}
    for j in top:
        field, kind, value = data.columns[j]
        x = data.X[:, j]
        if kind == "range":
            cut, rises = _cut(x, shap[:, j])
            out.append(Statement(field, "range", "positive", cut if rises else None, None if rises else cut))
            continue
        has = x > 0
        rises = bool(shap[has, j].mean() > shap[~has, j].mean()) if has.any() and (~has).any() else True
        side: Direction = "positive" if rises else "negative"
        if kind == "token":
            out.append(Statement(field, "token", side, values=(value,)))
        else:
            sets.setdefault((field, side), []).append(value)
    out += [Statement(f, "set", side, values=tuple(sorted(v))) for (f, side), v in sets.items()]
    return distinct(out)


def _cut(x: Floats, shap: Floats) -> tuple[float, bool]:
    """Return where a number's SHAP values part best, and whether they are higher above."""
    known = ~np.isnan(x)
    order = np.argsort(x[known], kind="stable")
    value, said = x[known][order], shap[known][order] - shap[known].mean()
    total = np.cumsum(said)[:-1]
    total[value[1:] == value[:-1]] = 0.0
    k = int(np.argmax(np.abs(total)))
    return float(value[k]), bool(total[k] < 0)


def sirus_rules(frame: pd.DataFrame, fields: Sequence[FieldSpec], y: Floats, seed: int) -> list[Statement]:
    """List rules as SIRUS does (Bénard et al. 2021): the paths that trees of a forest share most often.

    Trees of depth 2 on bootstrap samples, cut points at the deciles of all customers (missing numbers at the median);
    a path in at least 3 % of trees is a rule, at most ten are taken, and of several rules of the same columns the most
    frequent. Every condition of a rule is a statement in the direction of the rule.
    """
    from sklearn.ensemble import RandomForestClassifier

    data = matrix(frame, fields)
    X, edges = _binned(data)
    forest = RandomForestClassifier(SIRUS_TREES, max_depth=2, min_samples_leaf=LEAST_HELD, random_state=seed, n_jobs=1)
    forest.fit(X, y)
    counts: Counter[tuple[Condition, ...]] = Counter()
    for estimator in forest.estimators_:
        paths = _paths(estimator.tree_).values()
        parts = {tuple(sorted(map(_half, path[:d]), key=_order)) for path in paths for d in (1, 2) if len(path) >= d}
        counts.update(parts)
    out: list[Statement] = []
    seen: set[tuple[int, ...]] = set()
    taken = 0
    for rule, times in sorted(counts.items(), key=lambda item: (-item[1], len(item[0]), list(map(_order, item[0])))):
        columns = tuple(sorted({c.column for c in rule}))
        if times < SIRUS_LEAST * SIRUS_TREES or taken == SIRUS_RULES:
            break
        if columns in seen:
            continue
        seen.add(columns)
        taken += 1
        holds = np.all([(X[:, c.column] > c.cut) == c.above for c in rule], axis=0)
        direction: Direction = "positive" if y[holds].mean() > y[~holds].mean() else "negative"
        on_values = [replace(c, cut=float(edges[c.column][int(c.cut)])) for c in rule]
        out += statements_of(on_values, data, direction)
    return distinct(out)


def _half(c: Condition) -> Condition:
    """Bins are whole numbers: one cut between two of them, whatever bootstrap sample the tree saw."""
    return replace(c, cut=float(np.floor(c.cut)))


def _order(c: Condition) -> tuple[int, float, bool]:
    return c.column, c.cut, c.above


def _binned(data: Matrix) -> tuple[Floats, list[Floats]]:
    """Return bins by column and the upper edge of each bin."""
    X = np.empty_like(data.X)
    edges: list[Floats] = []
    for j, (_, kind, _) in enumerate(data.columns):
        x = data.X[:, j]
        if kind != "range":
            X[:, j] = x
            edges.append(np.array([0.5, 1.0]))
            continue
        x = np.where(np.isnan(x), np.nanmedian(x), x)
        cuts = np.unique(np.quantile(x, np.arange(1, SIRUS_QUANTILES) / SIRUS_QUANTILES, method="lower"))
        X[:, j] = np.searchsorted(cuts, x, side="left")
        edges.append(np.append(cuts, np.inf))
    return X, edges

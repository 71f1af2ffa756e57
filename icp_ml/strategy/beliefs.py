"""What was believed beside what the customers' outcomes say, statement by statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.estimator.encoding import FloatArray
from icp_ml.profile import EVIDENCE, IdealCustomerProfile
from icp_ml.profile.rates import Rate, rate_inside
from icp_ml.strategy.hypothesis_tables import Believed, believed_words, codes_match
from icp_ml.strategy.meanings import Meaning, codes_of
from icp_ml.strategy.refining import encoding_of

CONFIRMED, CONTRADICTED, NOT_SHOWN = "confirmed", "contradicted", "not shown"
TOO_FEW, NOT_IN_DATA, NEW = "too few customers", "not in the data", "not believed"


def holds(meaning: Meaning, table: pa.Table, as_of: date | None) -> FloatArray:
    """Return 1 where a statement is true of a customer, 0 where it is false, NaN where it is not known.

    Parameters
    ----------
    table : pa.Table of n rows
        Canonical columns; one that is missing is known of nobody.
    """
    encoding = encoding_of([meaning])
    name = meaning.field.name
    columns = {name: table.column(name).combine_chunks()} if name in table.column_names else {}
    codes = encoding.encode(columns, table.num_rows, as_of)
    place = codes_of(encoding, meaning)
    assert place is not None  # the encoding was made of this statement
    return codes_match(codes, *place)


def side_by_side(
    believed: Sequence[Believed],
    profile: IdealCustomerProfile,
    table: pa.Table,
    best: npt.NDArray[np.bool_],
    as_of: date | None,
    unused: Mapping[str, str],
) -> tuple[dict[str, Any], ...]:
    """Return what was believed and what the data say, and the traits nobody believed in.

    Parameters
    ----------
    believed : sequence of Believed
    profile : IdealCustomerProfile
        As derived from the customers.
    table : pa.Table of n rows
        Mature customers.
    best : ndarray of shape (n,)
    as_of : date or None
    unused : mapping of field to str
        Fields the model does not use, and why.
    """
    base = float(best.mean()) if len(best) else 0.0
    rows = [_belief(one, holds(one.meaning, table, as_of), best, base, unused) for one in believed]
    told = {one.meaning.field.name: one for one in believed}
    terms = {_term(one) for one in believed}
    for trait in (*profile.filters, *profile.signals, *profile.anti_traits, *profile.further):
        if trait.term in terms or (trait.field in told and told[trait.field].meaning.kind != "tokens"):
            continue
        data = f"{trait.customers:,} customers: {trait.rate:.0%} best, {base:.0%} of all"
        rows.append(_row(trait.sentence, "nothing", data, NEW, customers=trait.customers, rate=trait.rate,
                         lift=[trait.lift, trait.lift_low, trait.lift_high], why=""))  # fmt: skip
    return tuple(rows)


def _term(one: Believed) -> str:
    name = one.meaning.field.name
    return f"{name}={one.meaning.values[0]}" if one.meaning.kind == "tokens" else name


def _belief(
    one: Believed, true: FloatArray, best: npt.NDArray[np.bool_], base: float, unused: Mapping[str, str]
) -> dict[str, Any]:
    known = np.isfinite(true)
    name, words = one.meaning.field.name, believed_words(one)
    if not known.any():
        return _row(one.sentence, words, unused.get(name, "the customers' file does not say"), NOT_IN_DATA, why=one.why)
    inside = known & (true == (0.0 if one.role == "filter" else 1.0))  # of a filter, who is outside is the evidence
    found = rate_inside(inside, best)
    where = "customers outside it" if one.role == "filter" else "customers"
    data = f"{found.customers:,} {where}: {found.rate:.0%} best ({found.rate_low:.0%} to {found.rate_high:.0%})"
    data = f"{data}, {base:.0%} of all" if found.customers else f"no {where}"
    if name in unused:
        data += f"; not in the model: {unused[name]}"
    verdict = _verdict(found, one.role)
    lift = [found.lift, found.lift_low, found.lift_high]
    return _row(one.sentence, words, data, verdict, customers=found.customers, rate=found.rate, lift=lift, why=one.why)


def _verdict(found: Rate, role: str) -> str:
    if found.customers < EVIDENCE:
        return TOO_FEW
    better, worse = found.lift_low > 1, found.lift_high < 1
    if role == "signal":
        return CONFIRMED if better else CONTRADICTED if worse else NOT_SHOWN
    return CONFIRMED if worse else CONTRADICTED if better else NOT_SHOWN


def _row(statement: str, believed: str, data: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {"statement": statement, "believed": believed, "data": data, "verdict": verdict, **more}


def beliefs_sentence(rows: Collection[Mapping[str, Any]]) -> str:
    """Return how many statements the data confirm, in a sentence."""
    counts = {
        v: sum(r["verdict"] == v for r in rows) for v in (CONFIRMED, CONTRADICTED, NOT_SHOWN, TOO_FEW, NOT_IN_DATA)
    }
    total = sum(counts.values())
    parts = [f"{n} {verdict}" for verdict, n in counts.items() if n]
    return f"Of {total} statement{'s' if total != 1 else ''} believed: {', '.join(parts)}." if total else ""

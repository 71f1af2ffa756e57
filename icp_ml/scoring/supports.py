"""Support by segment: an account is judged by the customers of its own segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import Codes, Term
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.estimator.segment_tables import EVERYONE, divided, within
from icp_ml.exceptions import ModelFormatError
from icp_ml.scoring.gaps import Gaps, fit_gaps
from icp_ml.scoring.lookalikes import Reference, Support

NEVER = 1.0  # as a threshold of novelty: nothing is beyond it


@dataclass(frozen=True)
class Supports:
    """The supports of all customers and of each segment."""

    tables: ScoringTables
    gaps: tuple[Gaps, ...]  # of all customers, then of each segment

    def of(self, segment: int) -> Support:
        """Return the support of a segment, or of all customers for -1."""
        return Support(self.tables.tables_of(segment), NEVER, self.gaps[segment + 1])

    def inside(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Return whether each account lies where the customers of its segment were."""
        out = np.zeros(len(codes), dtype=bool)
        for number, rows in divided(self.tables.rules, codes):
            out[rows] = self.of(number).inside(codes[rows])
        return out


def fit_supports(tables: ScoringTables, codes: Codes) -> Supports:
    """Find where no customer was, of all customers and within each segment."""
    parts = [(EVERYONE, np.ones(len(codes), dtype=bool)), *enumerate(within(tables.rules, codes))]
    return Supports(tables, tuple(fit_gaps(tables.tables_of(number), codes[there]) for number, there in parts))


def references(tables: ScoringTables, reference: Reference) -> Sequence[Reference]:
    """Return the reference customers of each segment."""
    out = []
    for there in within(tables.rules, reference.codes):
        ids = tuple(name for name, here in zip(reference.ids, there, strict=True) if here)
        out.append(Reference(np.ascontiguousarray(reference.codes[there]), ids, reference.salt))
    return out


def reference_arrays(
    reference: Reference, churned: Reference | None, gaps: Sequence[Gaps]
) -> dict[str, npt.NDArray[np.generic]]:
    """Return arrays for `reference.npz`: best customers, those that churned, and where no customer was."""
    out = reference.to_arrays()
    if churned is not None:
        left = churned.to_arrays()
        out |= {f"churned_{name}": left[name] for name in ("codes", "ids")}
    for number, one in enumerate(gaps):
        out |= {f"gaps_{number}_{name}": array for name, array in one.to_arrays().items()}
    return out


def read_reference_file(
    arrays: Mapping[str, npt.NDArray[np.generic]], terms: Sequence[Term], segments: int
) -> tuple[Reference, Reference | None, tuple[Gaps, ...]]:
    """Read what `reference_arrays` wrote; files before format 4 hold best customers only.

    Raises
    ------
    ModelFormatError
        An array is missing or does not fit the model's terms.
    """
    reference = Reference.from_arrays(arrays, len(terms))
    churned = None
    if "churned_codes" in arrays:
        stored = {name: arrays[f"churned_{name}"] for name in ("codes", "ids") if f"churned_{name}" in arrays}
        churned = Reference.from_arrays({**stored, "salt": arrays["salt"]}, len(terms))
    for known in (reference, churned):
        for j, term in enumerate(terms):
            if known is not None and len(known.codes) and known.codes[:, j].max() >= term.size:
                msg = f"reference.npz: a code of '{term.name}' is beyond its {term.size} codes"
                raise ModelFormatError(msg)
    if not any(name.startswith("gaps_") for name in arrays):
        return reference, churned, ()
    gaps = []
    for number in range(segments + 1):
        start = f"gaps_{number}_"
        own = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
        gaps.append(Gaps.from_arrays(own, terms))
    return reference, churned, tuple(gaps)

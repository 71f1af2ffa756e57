"""Which customers an account resembles, and whether it lies where customers were at all.

Distances are sums over terms of whole numbers: how far apart two codes are, times the term's range in
log-odds, scaled to integers. Whole numbers below 2**24 add exactly in float32, so a matrix product gives
the same bits in every block size, thread count and library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from icp_ml.estimator.encoding import FIRST_BIN, MISSING, Codes, FloatArray
from icp_ml.estimator.scorecard import ScoringTables
from icp_ml.exceptions import ModelFormatError
from icp_ml.scoring.gaps import MOST_FIELDS, Gaps
from icp_ml.scoring.row_codes import RowCodes, codes_of

MAX_REFERENCE = 2000
MAX_CHURNED = 64  # one of them is named, and each costs as much time as a best customer
SHARE_OF_RANGE = 0.85  # terms are compared until they make up this share of all ranges
BLOCK = 2048
EXACT = 2.0**24  # whole numbers up to here are exact in float32
FEW_ROWS = 16  # up to here the rows of the keys are added up, which spares a matrix product
MAX_TERMS = 24
NO_FIELD = -1_000_000  # outside, though no field by itself
ODD = 0.5  # in models before format 4, a value that at most one customer showed is named


@dataclass(frozen=True)
class Reference:
    """Customers as codes, under salted ids: the best ones, or those that churned."""

    codes: Codes
    ids: tuple[str, ...]
    salt: str

    def to_arrays(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return arrays for `reference.npz`."""
        return {"codes": self.codes, "ids": np.array(self.ids, dtype="U16"), "salt": np.array([self.salt])}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]], terms: int) -> Reference:
        """Read what `to_arrays` wrote.

        Raises
        ------
        ModelFormatError
            The codes do not fit the model's terms.
        """
        try:
            codes, ids = arrays["codes"], arrays["ids"]
            salt = str(arrays["salt"][0])
        except (KeyError, IndexError) as error:
            msg = f"reference.npz: array {error} is missing"
            raise ModelFormatError(msg) from error
        if codes.ndim != 2 or codes.shape[1] != terms or len(ids) != len(codes) or codes.dtype != np.uint16:
            msg = f"reference.npz: codes of shape {codes.shape} do not fit {terms} terms and {len(ids)} ids"
            raise ModelFormatError(msg)
        return cls(np.asarray(codes, dtype=np.uint16), tuple(map(str, ids)), salt)


def salted(account_id: str, salt: str) -> str:
    """Return the pseudonym a saved model knows a customer by."""
    return hashlib.sha256(f"{salt}\n{account_id}".encode()).hexdigest()[:16]


def make_reference(codes: Codes, ids: Sequence[str], salt: str, most: int = MAX_REFERENCE) -> Reference:
    """Keep at most `most` customers, in an order that does not depend on the file's."""
    names = [salted(i, salt) for i in ids]
    order = sorted(range(len(names)), key=names.__getitem__)[:most]
    return Reference(np.ascontiguousarray(codes[order]), tuple(names[i] for i in order), salt)


@dataclass(frozen=True)
class Neighbours:
    """Finds the nearest reference customers of coded accounts, and the nearest that churned."""

    tables: ScoringTables
    reference: Reference
    churned: Reference | None = None

    @cached_property
    def terms(self) -> list[int]:
        """Terms that are compared: the widest, until 85 % of all ranges are covered, 24 at the most."""
        ranges = self.tables.ranges
        order = np.argsort(-ranges, kind="stable")
        total = np.cumsum(ranges[order])
        needed = int(np.searchsorted(total, SHARE_OF_RANGE * total[-1])) + 1 if len(total) and total[-1] > 0 else 0
        return sorted(int(j) for j in order[: min(needed, MAX_TERMS)])

    @cached_property
    def _keys(self) -> tuple[npt.NDArray[np.float32], list[npt.NDArray[np.intp]]]:
        """Keys against every reference customer, shape (rows, customers), and per term the row of each code.

        A sum of rows over an account's codes is `distance * customers`; with the customer's own position added
        it is a key whose smallest values are the nearest customers, ties to the earlier one. Codes that are
        equally far from every customer share a row.
        """
        groups = [self.reference, *([self.churned] if self.churned else [])]
        sizes = [len(group.ids) for group in groups]
        count = max(sizes)
        customers = np.concatenate([group.codes for group in groups])
        scale = (EXACT / count - 2 * len(self.terms)) / float(self.tables.ranges[self.terms].sum())
        parts: list[npt.NDArray[np.int64]] = []
        places: list[npt.NDArray[np.intp]] = []
        start = 0
        for j in self.terms:
            far = _distances(self.tables, j, scale)[:, customers[:, j]] * count
            if not parts:  # every account shows exactly one code of the first term
                far += np.concatenate([np.arange(size) for size in sizes])
            rows, place = np.unique(far, axis=0, return_inverse=True)
            parts.append(rows)
            places.append(place.reshape(-1) + start)
            start += len(rows)
        return np.concatenate(parts).astype(np.float32), places

    @cached_property
    def _rows_of_codes(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The row of each code of the terms, one term after the other, and where each term's codes begin."""
        places = self._keys[1]
        sizes = [len(place) for place in places]
        return np.concatenate(places), np.cumsum([0, *sizes[:-1]])

    def nearest(self, codes: Codes | RowCodes, k: int) -> npt.NDArray[np.int64]:
        """Return positions of the k nearest reference customers, nearest first, shape (rows, k).

        Where there are fewer than k customers, the rest is -1.
        """
        return self.nearest_of_each(codes, k)[0]

    def nearest_of_each(
        self, codes: Codes | RowCodes, k: int, loop: Callable[..., None] | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return what `nearest` does, and the position of the nearest churned customer, -1 for none, shape (rows,).

        Parameters
        ----------
        loop : callable, optional
            `neighbour_loops.nearest`, compiled or plain, for codes laid out for loops; default: NumPy's way.
        """
        out = np.full((len(codes), k), -1, dtype=np.int64)
        left = np.full(len(codes), -1, dtype=np.int64)
        count, gone = len(self.reference.ids), len(self.churned.ids) if self.churned else 0
        if not self.terms or not count + gone:
            return out, left
        matrix, places = self._keys
        if loop is not None and isinstance(codes, RowCodes):
            of_code, begins = self._rows_of_codes
            columns = codes.layout.column_of[self.terms]
            loop(matrix, codes.arrays.columns, columns, begins, of_code, count, out, left)
            return out, left
        for begin in range(0, len(codes), BLOCK):
            size = min(BLOCK, len(codes) - begin)
            rows = np.arange(size)
            shown = [codes_of(codes, j)[begin : begin + size] for j in self.terms]
            if size <= FEW_ROWS:  # sums of whole numbers, exact in any order
                of_code, begins = self._rows_of_codes
                keys = matrix.take(of_code.take(begins + np.stack(shown, axis=1)), axis=0).sum(axis=1)
            else:
                hot = np.zeros(size * len(matrix), dtype=np.float32)
                starts = rows * len(matrix)
                for code, place in zip(shown, places, strict=True):
                    hot[starts + place.take(code)] = 1.0
                keys = hot.reshape(size, -1) @ matrix
            if gone:
                left[begin : begin + size] = keys[:, count:].argmin(axis=1)
            keys = keys[:, :count]
            for i in range(min(k, count)):
                nearest = keys.argmin(axis=1)
                out[begin : begin + size, i] = nearest
                keys[rows, nearest] = np.inf
        return out, left


def _distances(tables: ScoringTables, j: int, scale: float) -> npt.NDArray[np.int64]:
    """Whole-number distance between any two codes of a term; unknown is half-way from everything.

    Numbers are compared by pairs of bins: finer steps would not make customers more alike, only the sum longer.
    """
    term = tables.terms[j]
    code = np.arange(term.size)
    if term.encoding.kind == "numeric":
        place = (np.clip(code, FIRST_BIN, term.size - 2) - FIRST_BIN) // 2
        apart = np.abs(place[:, None] - place[None, :]) / max(int(place.max()), 1)
    else:
        apart = (code[:, None] != code[None, :]).astype(np.float64)
    apart[MISSING, :] = apart[:, MISSING] = 0.5
    apart[MISSING, MISSING] = 0.25
    whole: npt.NDArray[np.int64] = np.floor(scale * tables.ranges[j] * apart).astype(np.int64)
    return whole


@dataclass(frozen=True)
class Support:
    """Whether an account lies where the training customers were, and which fields say that it does not.

    Models before format 4 have no gaps: there an account is outside where its novelty, the weighted share of its known
    fields whose value (almost) no customer showed, exceeds a threshold.
    """

    tables: ScoringTables
    threshold: float
    gaps: Gaps | None = None

    @cached_property
    def terms(self) -> list[int]:
        """Terms that novelty looks at: those that move scores, without tokens."""
        return [
            j
            for j, term in enumerate(self.tables.terms)
            if term.encoding.kind != "tokens" and self.tables.ranges[j] > 0
        ]

    def novelty(self, codes: Codes | RowCodes) -> FloatArray:
        """Return novelty from 0 (all values shown by many) to 1."""
        total, known = np.zeros(len(codes)), np.zeros(len(codes))
        for j in self.terms:
            weight, shown = self.tables.ranges[j], codes_of(codes, j)
            total += weight * self.oddness(j).take(shown, mode="clip")
            known += weight * (shown != MISSING)
        return np.divide(total, known, out=np.zeros_like(total), where=known > 0)

    def oddness(self, j: int) -> FloatArray:
        """Return per code of a term how unusual it is, from 0 (unknown, or shown by many) to 1 (by no customer)."""
        odd: FloatArray = 1.0 / (1.0 + self.tables.customers[j])
        odd[MISSING] = 0.0
        return odd

    def inside(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Return whether each account is in support."""
        inside: npt.NDArray[np.bool_] = self.kinds(codes) == 0
        return inside

    @cached_property
    def named(self) -> Gaps:
        """What is told of an account outside."""
        if self.gaps is not None:
            return self.gaps
        widest = sorted(self.terms, key=lambda j: (-float(self.tables.ranges[j]), j))[:MOST_FIELDS]
        return Gaps({j: self.oddness(j) >= ODD for j in widest})

    def kinds(self, codes: Codes) -> npt.NDArray[np.int64]:
        """Return per row 0 for inside, else a number that `fields_of` reads."""
        return self.of_named(codes, self.named.kinds(codes))

    def of_named(self, codes: Codes | RowCodes, named: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return `kinds` where `self.named.kinds(codes)` is known already, shape (rows,)."""
        if self.gaps is not None:
            return named
        return np.where(self.novelty(codes) <= self.threshold, 0, np.where(named == 0, NO_FIELD, named))

    def fields_of(self, kind: int) -> tuple[str, ...]:
        """Return the labels of the fields that make accounts of a kind unlike any customer."""
        terms = () if kind == NO_FIELD else self.named.terms_of(kind)
        encodings = [self.tables.terms[j].encoding for j in terms]
        return tuple(dict.fromkeys(enc.label or enc.field for enc in encodings))

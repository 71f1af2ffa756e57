"""Columns in which customers, or those who look after them, wrote why: churn, loss and objection reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from icp_ml.accounts.values.words import plain_words, word_sets

MAX_CHARS = 80  # of a reason that is told
LEAST = 3  # customers that give a reason, for it to be told at all
SHORT_WORDS = 6  # texts of so few words are reasons as they are
_WHY = re.compile(
    r"(?:^|_)(?:churn|churned|loss|lost|cancel\w*|attrition|leaving|left|closed_lost|non_?renewal|downgrade|objections?)"
    r"(?:_\w+)*_?(?:reasons?|why|causes?|notes?|comments?|feedback)(?:_|$)"
    r"|(?:^|_)(?:reasons?|why|causes?)_(?:for_|of_|the_|they_|we_)*"
    r"(?:churn\w*|loss|lost|los\w*|leaving|left|cancel\w*|attrition|non_?renewal|downgrade)(?:_|$)"
    r"|(?:^|_)objections?(?:_raised|_heard)?$"
)


@dataclass(frozen=True, eq=False)
class GivenReasons:
    """What was written of some customers in one column.

    Attributes
    ----------
    column : str
        Its header.
    reasons : sequence of tuple of str
        Of each customer; empty where nothing is written.
    """

    column: str
    reasons: Sequence[tuple[str, ...]]

    def take(self, index: npt.NDArray[np.intp]) -> GivenReasons:
        """Return some of the customers, or the same in another order."""
        return GivenReasons(self.column, [self.reasons[i] for i in index])


def tells_why(name: str) -> bool:
    """Return whether a field's name is that of a column of reasons.

    Examples
    --------
    >>> tells_why("churn_reason"), tells_why("objection"), tells_why("lost_opportunities")
    (True, True, False)
    """
    return _WHY.search(name) is not None


def given_reasons(
    table: pa.Table, headers: Mapping[str, str], spellings: Mapping[str, Mapping[str, str]]
) -> tuple[GivenReasons, ...]:
    """Return the reasons given in every column of them.

    Of categories and token sets, each value is a reason. Of longer texts, the words and phrases are that at least
    three customers share.

    Parameters
    ----------
    table : pa.Table
        Some customers, normalised.
    headers : mapping of str to str
        Column -> header in the file.
    spellings : mapping
        Column -> value -> how people write it.
    """
    out = []
    for name in table.column_names:
        if not tells_why(name):
            continue
        column = table.column(name).combine_chunks()
        cells = _cells(column)
        if cells is None:
            continue
        spelled = spellings.get(name) or {}
        reasons = [tuple(spelled.get(r, r)[:MAX_CHARS] for r in dict.fromkeys(cell)) for cell in cells]
        if any(reasons):
            out.append(GivenReasons(headers.get(name, name), reasons))
    return tuple(out)


def _cells(column: pa.Array) -> list[list[str]] | None:
    if pa.types.is_list(column.type):
        return [[str(v) for v in cell if v] if cell else [] for cell in column.to_pylist()]
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    elif not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    else:
        short = [text for text in column.to_pylist() if text]
        if short and np.median([len(text.split()) for text in short]) > SHORT_WORDS:
            return [cell or [] for cell in word_sets(plain_words(column.cast(pa.string())), least=LEAST).to_pylist()]
    return [[" ".join(text.split()).casefold()] if text and text.strip() else [] for text in column.to_pylist()]

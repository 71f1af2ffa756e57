"""The strongest contributions of every account as sentences, as `icp_ml.scoring.reasons` chooses and words them.

An account's k largest are found one after the other: the largest size, the first term that has it, then the same among
the others. The sentences are rows of a small table that is joined, so that each is written once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from icp_ml.engines.sql_codes import Encoded
from icp_ml.engines.sql_dialect import Dialect
from icp_ml.engines.sql_numbers import FORMS, add_numbers
from icp_ml.engines.sql_scores import Scores
from icp_ml.engines.sql_steps import Column, Names, Steps, case
from icp_ml.engines.sql_support import SEGMENT, Part
from icp_ml.estimator.encoding import ABSENT, MISSING, FieldEncoding
from icp_ml.scoring.reasons import SMALLEST, ReasonBook, term_words

TEXTS = ("segment_of_text", "term_of_text", "code_of_text", "voice_of_text", "field_name", "form", "said_before",
         "said_after")  # fmt: skip


def add_reasons(steps: Steps, names: Names, parts: Sequence[Part], encoded: Encoded, scores: Scores, k: int) -> int:
    """Add `reason_i`, `reason_i_field` and `reason_i_contribution` for i in 1..k; return how many there are."""
    shown = _speaking(parts)
    k = min(k, len(shown))
    if not k:
        return 0
    terms = parts[0].tables.terms
    stems = {j: terms[j].name.replace("=", " ", 1) for j in shown}
    contributions = {j: scores.points[j] for j in shown}
    columns, voices = [], {}
    for j in (j for j in shown if j in scores.halves):
        contributions[j], voices[j] = names.new(stems[j], "contribution"), names.new(stems[j], "voice")
        own, half = scores.points[j], scores.halves[j]
        columns.append(Column(f"{own} + {half}", contributions[j]))
        louder = f"ABS({half}) > ABS({own})"
        branches = [f"WHEN {louder} AND {own} + {half} {sign} 0 THEN {to}" for sign, to in ((">", 1), ("<", -1))]
        columns.append(Column(case(branches, "0"), voices[j]))
    steps.add("shared", "contributions of values that also speak together", columns)
    sizes = {j: names.new(stems[j], "size") for j in shown}
    steps.add("sized", "how much each value has to say", [
        Column(_size(terms[j].encoding.kind == "tokens", encoded.codes[j], contributions[j]), sizes[j]) for j in shown
    ])  # fmt: skip
    for i in range(1, k + 1):
        left = [_left(j, size, i) for j, size in sizes.items()]
        greatest = left[0] if len(left) == 1 else "GREATEST(\n  " + ",\n  ".join(left) + "\n)"
        steps.add(f"sized_{i}", f"the size of reason {i}", [Column(greatest, f"size_{i}")])
        branches = [
            f"WHEN {written} = size_{i} THEN {j} {steps.sql.comment(term_words(terms[j]))}"
            for j, written in zip(sizes, left, strict=True)
        ]
        steps.add(f"chosen_{i}", f"what reason {i} is about", [Column(case(branches), f"term_{i}")])
    _add_picked(steps, parts, encoded, contributions, voices, k)
    _add_sentences(steps, parts, shown, voices, k)
    return k


def _speaking(parts: Sequence[Part]) -> list[int]:
    """Return the terms that can be a reason at all; those left out are smaller than every one that can be shown."""
    out = []
    for j in range(len(parts[0].tables.terms)):
        most = max(part.book.bounds.get(j, float(np.max(part.book.sizes[j]))) for part in parts)
        if most >= SMALLEST / 2:
            out.append(j)
    return out


def _size(is_token: bool, code: str, contribution: str) -> str:
    if not is_token:
        return f"ABS({contribution})"
    return f"CASE WHEN {code} = {ABSENT} THEN 0.5e0 * ABS({contribution}) ELSE ABS({contribution}) END"


def _left(j: int, size: str, i: int) -> str:
    """Return a term's size, or -1 where it is a reason already."""
    if i == 1:
        return size
    chosen = ", ".join(f"term_{before}" for before in range(1, i))
    test = f"{j} IN ({chosen})" if i > 2 else f"{chosen} = {j}"
    return f"CASE WHEN {test} THEN -1 ELSE {size} END"


def _add_picked(
    steps: Steps, parts: Sequence[Part], encoded: Encoded, contributions: dict[int, str], voices: dict[int, str], k: int
) -> None:
    """Add what the sentence of each reason depends on."""
    terms = parts[0].tables.terms
    numeric = {j: encoded.values[terms[j].field] for j in contributions if terms[j].encoding.kind == "numeric"}
    columns = []
    for i in range(1, k + 1):
        columns.append(Column(_chosen(i, {j: encoded.codes[j] for j in contributions}), f"code_{i}"))
        columns.append(Column(_chosen(i, contributions), f"reason_{i}_contribution"))
        columns.append(Column(_chosen(i, voices, "0") if voices else "0", f"voice_{i}"))
        nothing = f"CAST(NULL AS {steps.sql.double})"
        columns.append(Column(_chosen(i, numeric) if numeric else nothing, f"value_{i}"))
    steps.add("picked", "code, contribution and own value of each reason", columns)


def _chosen(i: int, columns: dict[int, str], otherwise: str | None = None) -> str:
    return case([f"WHEN term_{i} = {j} THEN {name}" for j, name in columns.items()], otherwise)


def _add_sentences(steps: Steps, parts: Sequence[Part], shown: Sequence[int], voices: dict[int, str], k: int) -> None:
    """Add the sentences: each reason's row of the table of texts, with the account's own value."""
    sql = steps.sql
    rows = [row for part in parts for row in _rows(sql, part, shown, voices)]
    texts = steps.table("texts", "what a value's reason says, before and after the value itself", TEXTS, rows)
    columns, joins = [], []
    joined_by = {"term": "term_{}", "code": "code_{}", "voice": "voice_{}" if voices else ""}
    joined_by["segment"] = SEGMENT if len(parts) > 1 else ""
    wanted = {column.format(i) for i in range(1, k + 1) for column in joined_by.values() if column}
    keys = steps.keyed(sorted(wanted))
    for i in range(1, k + 1):
        alias = f"text_{i}"
        by = [f"{alias}.{what}_of_text = {keys[column.format(i)]}" for what, column in joined_by.items() if column]
        joins += [f"LEFT JOIN {texts} AS {alias}", f"  ON {' AND '.join(by)}"]
        columns += [Column(f"{alias}.{name}", f"{name}_{i}") for name in TEXTS[4:]]
    steps.joined("worded", "the words of each reason", columns, joins)
    encodings = [parts[0].tables.terms[j].encoding for j in shown]
    forms = sorted({_form(enc) for enc in encodings if enc.kind == "numeric"})
    add_numbers(steps, forms, k)
    sentences = []
    for i in range(1, k + 1):
        enough = f"WHEN status_number = 0 AND ABS(reason_{i}_contribution) >= {sql.number(SMALLEST)} THEN"
        own = f"said_before_{i} || number_{i} || said_after_{i}" if forms else f"said_before_{i} || said_after_{i}"
        sentences.append(Column(f"CASE {enough} {own} END", f"reason_{i}"))
        sentences.append(Column(f"CASE {enough} field_name_{i} END", f"reason_{i}_field"))
        sentences.append(Column(f"CASE {enough} reason_{i}_contribution END", f"reason_{i}_points"))
    steps.add("reasons", "one sentence per reason; too little to say is no reason", sentences)


def _rows(sql: Dialect, part: Part, shown: Sequence[int], voices: dict[int, str]) -> list[list[str]]:
    """Return the texts of one segment: a row per term, code and voice that can be heard."""
    out, terms = [], part.tables.terms
    for j in shown:
        paired = {pair.first for pair in part.tables.pairs} | {pair.second for pair in part.tables.pairs}
        for code in range(terms[j].size):
            heard = (-1, 0, 1) if j in voices and j in paired else (0,)
            if heard == (0,) and abs(float(part.tables.values[j][code])) < SMALLEST:
                continue
            for voice in heard:
                form, before, after = _words(part.book, j, code, voice)
                keys = [str(part.number), str(j), str(code), str(voice)]
                out.append([*keys, *(sql.text(text) for text in (terms[j].field, form, before, after))])
    return out


def _words(book: ReasonBook, j: int, code: int, voice: int) -> tuple[str, str, str]:
    enc = book.tables.terms[j].encoding
    if enc.kind == "numeric" and code != MISSING:
        return _form(enc), *book.around(j, code, voice)
    return "", book.sentence(j, code, together=voice), ""


def _form(enc: FieldEncoding) -> str:
    return enc.form if enc.form in FORMS else "number"

"""Text that was decoded wrongly somewhere on its way ("MÃ¼nchen") -> as it was meant, where that is beyond doubt."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.values.cells import Distinct, Tally, as_text
from icp_ml.accounts.values.plain import Cells

# Characters that the first byte of a UTF-8 sequence turns into, and one that a following byte does.
_LEADS = "ÃÂâÅÄÐÑØÙãåæïð"
_FOLLOWING = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_SUSPICIOUS = f"[{_LEADS}][{_FOLLOWING}]"
_LEADING_BYTE = 0xC3
MAX_CHARS = 20_000


def repaired(array: pa.Array, tally: Tally | None = None) -> pa.Array:
    """Return the column as text, each wrongly decoded cell mended; other cells stay to the letter.

    Only distinct values that look wrong are tried, and a value is only changed where `ftfy` finds that a chain of
    wrong decodings explains it; "SÃO PAULO" stays.

    Examples
    --------
    >>> repaired(pa.array(["MÃ¼nchen", "Lâ€™OrÃ©al", "SÃO PAULO"])).to_pylist()
    ['München', "L'Oréal", 'SÃO PAULO']
    """
    text = as_text(array)
    if not _may_be_wrong(text):
        return text
    suspicious = pc.match_substring_regex(text, _SUSPICIOUS).fill_null(False)
    if not pc.any(suspicious).as_py():
        return text
    distinct = Distinct.of(text.filter(suspicious))
    mended = [_mended(value) for value in distinct.texts]
    if tally is not None:
        for raw, result, count in zip(distinct.texts, mended, distinct.counts, strict=True):
            if result != raw:
                tally.change(raw, result, count)
    return pc.replace_with_mask(text, suspicious, distinct.spread(pa.array(mended, pa.string())))


def mended(text: str) -> str:
    """Return one value as it was meant."""
    return text if text.isascii() or not any(lead in text for lead in _LEADS) else _mended(text)


def _may_be_wrong(text: pa.Array) -> bool:
    """Whether any byte of the column is the one that all of `_LEADS` begin with: one pass, without looking at cells."""
    return bool((Cells.of(text).data == _LEADING_BYTE).any())


def _mended(text: str) -> str:
    import ftfy

    if len(text) > MAX_CHARS:
        return text
    fixed = ftfy.fix_encoding(text)
    return fixed if fixed == text else ftfy.fixes.uncurl_quotes(fixed)

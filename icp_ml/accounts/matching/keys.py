"""Whole columns of names and hosts as the keys they are matched by: what `name_key` and `company_host` say of each.

Most texts of a list are plain enough to be read a column at a time; the others are read one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from icp_ml.accounts.matching.names import JOINS, LEADING_FORMS, LEGAL_FORMS, LEGAL_TAILS, MAX_NAME_CHARS, name_key
from icp_ml.accounts.values.hosts import SHARED_HOSTS, is_shared_host, registrable, suffixes


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words))


_FOREIGN = r"[^ -~]"
_INITIALS = r"(?:^|[^0-9a-z_])[0-9a-z_] ?\."  # "A.B.C.", which becomes one word
_OTHER_SIGNS = r"[^0-9a-z]+"
_TAILS = f"(?:{_any(LEGAL_TAILS)})$"
_LEGAL = f"(?: (?:{_any(LEGAL_FORMS | JOINS)}))* (?:{_any(LEGAL_FORMS)})$"
_LEADING = f"^(?:(?:{_any(LEADING_FORMS)}) )+"
_SHARED = pa.array(sorted(SHARED_HOSTS), pa.string())


def name_keys(names: pa.Array) -> pa.Array:
    """Return `name_key` of distinct names, null where nothing is left.

    Examples
    --------
    >>> name_keys(pa.array(["The Acme Tools, Inc.", "Müller & Co. KG", "A.B.C. Ltd", "--"])).to_pylist()
    ['acme tools', 'muller', 'abc', None]
    """
    text = pc.ascii_lower(names)
    for sign, word in (("&", " and "), ("'", ""), ("`", "")):
        text = pc.replace_substring(text, sign, word)
    key = pc.ascii_trim(pc.replace_substring_regex(text, _OTHER_SIGNS, " "), " ")
    odd = pc.or_(pc.match_substring_regex(names, _FOREIGN), pc.match_substring_regex(text, _INITIALS))
    odd = pc.or_(odd, pc.greater(pc.binary_length(names), MAX_NAME_CHARS))
    odd = pc.or_(odd, pc.match_substring_regex(key, _TAILS))
    key = pc.replace_substring_regex(pc.replace_substring_regex(key, _LEGAL, ""), _LEADING, "")
    return _with(key, odd, names, name_key)


def company_hosts(hosts: pa.Array) -> pa.Array:
    """Return `company_host` of distinct hosts, null where a host does not say which company it is.

    Examples
    --------
    >>> company_hosts(pa.array(["acme.com", "shop.acme.co.uk", "gmail.com", "co.uk"])).to_pylist()
    ['acme.com', 'acme.co.uk', None, None]
    """
    listed, plain = suffixes()
    ending = pc.replace_substring_regex(hosts, r"^[^.]+\.", "")  # of a host of two labels the last
    known = pa.array(sorted({suffix.rpartition(".")[2] for suffix in listed}), pa.string())
    unknown = pc.and_not(pc.not_equal(ending, hosts), pc.match_substring(ending, "."))  # a host of two labels
    unknown = pc.and_not(unknown, pc.is_in(ending, value_set=known))
    easy = pc.or_(unknown, pc.is_in(ending, value_set=pa.array(sorted(plain), pa.string())))
    easy = pc.and_not(easy, pc.is_in(hosts, value_set=pa.array(sorted(listed), pa.string())))
    easy = pc.and_not(easy, pc.is_in(hosts, value_set=_SHARED))
    return _with(hosts, pc.invert(easy), hosts, company_host)


def company_host(host: str) -> str | None:
    """Return the registrable domain of a host that says which company it is."""
    domain = registrable(host)
    if (host in SHARED_HOSTS or domain in SHARED_HOSTS) and is_shared_host(host):
        return None
    return domain


def _with(keys: pa.Array, odd: pa.Array, texts: pa.Array, read: Callable[[str], str | None]) -> pa.Array:
    """Return keys, those of odd texts as `read` says, and null for empty ones."""
    if pc.any(odd).as_py():
        own = pa.array([read(text) for text in texts.filter(odd).to_pylist()], pa.string())
        keys = pc.replace_with_mask(keys, odd, own)
    return pc.if_else(pc.equal(keys, ""), pa.scalar(None, pa.string()), keys)

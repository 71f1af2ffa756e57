from __future__ import annotations

import itertools
import random

import numpy as np
import pyarrow as pa
import pytest
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from icp_ml.accounts.matching import candidates
from icp_ml.accounts.matching.candidates import candidate_names
from icp_ml.accounts.matching.keys import company_host, company_hosts, name_keys
from icp_ml.accounts.matching.likeness import (
    CONTAINS,
    INITIALS,
    SAME,
    SIMILAR,
    TYPO,
    UNRELATED,
    WEAK,
    levels_of_pairs,
    name_levels,
)
from icp_ml.accounts.matching.names import JOINS, LEADING_FORMS, LEGAL_FORMS, grams_of, initials, name_key

PIECES = [
    *sorted(LEGAL_FORMS)[::5], *sorted(LEADING_FORMS), *sorted(JOINS), "acme", "tools", "x", "a", "s", "sp", "z", "oo",
    "o", "r", "l", "p", "d", "b", "v", "Müller", "株式会社", "co.", "Inc.", "L.L.C.", "A.B.", "&", "o'neil", "a_b",
    "3m", "", "  ", "\t", "x.", "(pty)", "IBM,", "THE", "`",
]  # fmt: skip


def written(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    joins = [" ", " ", "", "-", ". ", ".", ", ", "&"]
    made = {"".join(rng.choice(PIECES) + rng.choice(joins) for _ in range(rng.randrange(1, 6))) for _ in range(count)}
    return sorted(made | {"", "a" * 250, " ".join(["acme"] * 60)})


def test_a_column_of_names_has_the_keys_of_its_names() -> None:
    names = written(20_000)
    assert name_keys(pa.array(names, pa.string())).to_pylist() == [name_key(name) or None for name in names]


def test_a_column_of_hosts_has_the_domains_of_its_hosts() -> None:
    labels = [
        "acme",
        "co",
        "uk",
        "com",
        "gmail",
        "github",
        "io",
        "wixsite",
        "example",
        "kawasaki",
        "jp",
        "ck",
        "www",
        "",
    ]
    hosts = [".".join(host) for count in (1, 2, 3) for host in itertools.product(labels, repeat=count)]
    found = company_hosts(pa.array(hosts, pa.string())).to_pylist()
    assert found == [company_host(host) or None for host in hosts]
    assert {"acme.com", "acme.co.uk", "acme.example", None} <= set(found)


@pytest.mark.parametrize("read", [name_keys, company_hosts])
def test_no_texts_have_no_keys(read) -> None:
    assert read(pa.array([], pa.string())).to_pylist() == []


def level_of(ours: str, theirs: str) -> int:
    """The level of one pair, as it is defined."""
    a, b = ours.replace(" ", ""), theirs.replace(" ", "")
    inside = f" {ours} " in f" {theirs} " or f" {theirs} " in f" {ours} "
    inside |= (len(a) >= 5 and b.startswith(a)) or (len(b) >= 5 and a.startswith(b))
    ratio = np.float32(max(fuzz.token_sort_ratio(ours, theirs), fuzz.ratio(a, b)))
    edits, short = OSA.distance(a, b), min(len(a), len(b))
    if edits == 0:
        return SAME
    if edits == 1 and short >= 4:
        return TYPO
    if inside:
        return CONTAINS
    if initials(theirs) == ours or initials(ours) == theirs:
        return INITIALS
    return SIMILAR if ratio >= 85 else WEAK if ratio >= 70 else UNRELATED


def keys(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    words = ["acme", "acne", "acmes", "tools", "tool", "ibm", "at", "international", "business", "machines", "of", "x"]
    words += ["and", "freight", "fright", "ab", "abc", "abcd", "abdc", "ümlaut", "umlaut"]
    made = {" ".join(rng.choice(words) for _ in range(rng.randrange(1, 5))) for _ in range(count)}
    return sorted(made | {"acmetools", "acmetoolsgroup", "international business machines", "ibm", "aat", "a"})


def test_levels_are_those_of_their_definition() -> None:
    ours, theirs = keys(70, 1), keys(160, 2)
    left, right = (side.ravel() for side in np.meshgrid(np.arange(len(ours)), np.arange(len(theirs))))
    found = levels_of_pairs(ours, theirs, left, right).tolist()
    expected = [level_of(ours[i], theirs[j]) for i, j in zip(left, right, strict=True)]
    assert found == expected
    assert set(found) == {SAME, TYPO, CONTAINS, INITIALS, SIMILAR, WEAK, UNRELATED}
    assert name_levels([ours[i] for i in left], [theirs[j] for j in right]).tolist() == expected


def test_an_n_gram_counts_once_per_name() -> None:
    names = ["bananana", "ananan", "zzzzzzzz", "a", "", "banana"]
    grams = grams_of(names)
    framed = [f"\x01{name}\x02" for name in names]
    expected = [len({name[i : i + 4] for i in range(len(name) - 3)}) for name in framed]
    assert np.bincount(grams.owner, minlength=len(names)).tolist() == expected
    assert np.all(np.diff(grams.owner) >= 0)
    assert len(grams_of([]).hashes) == 0


def test_the_best_of_many_alike_names_are_kept_whatever_the_blocks(monkeypatch) -> None:
    listed = sorted({f"acme tools {a}{b}{c}" for a in "abcdefghijk" for b in "ijklmnop" for c in "qrstuv"})
    queries = ["acme tool", "acme tools", listed[200], "bolts"]
    ((query, name),) = candidate_names(queries, listed)
    assert np.bincount(query, minlength=4).tolist() == [candidates.MOST] * 3 + [0]
    assert 200 in name[query == 2]
    assert np.all(np.diff(query * len(listed) + name) > 0)
    # All are alike to the second: of equals the first names are kept.
    assert name[query == 1].tolist() == list(range(candidates.MOST))
    monkeypatch.setattr(candidates, "_BLOCK_HITS", 1)
    blocks = list(candidate_names(queries, listed))
    assert len(blocks) > 1
    assert np.concatenate([block[0] for block in blocks]).tolist() == query.tolist()
    assert np.concatenate([block[1] for block in blocks]).tolist() == name.tolist()

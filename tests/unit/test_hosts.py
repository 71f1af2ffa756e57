"""Hosts of messy addresses, registrable domains, and hosts that say nothing of the company."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icp_ml.accounts.values.hosts import SHARED_HOSTS, _suffixes, company_domain, host_of, is_shared_host, registrable


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("www.acme.co.uk/path", "acme.co.uk"),
        ("mailto:info@acme.de", "acme.de"),
        ("Info <info@acme.de>", None),
        ("<info@acme.de>", "acme.de"),
        (" HTTP://WWW.ACME.COM. ", "acme.com"),
        ("http://acme.com:8080/a?b#c", "acme.com"),
        ("http:\\\\acme.com\\x", "acme.com"),
        ("http//acme.com", None),
        ("http;//acme.com", "acme.com"),
        ("http:acme.com", "acme.com"),
        ("http://http://acme.com", "acme.com"),
        ("https://user:secret@acme.com/x", "acme.com"),
        ("//acme.com", "acme.com"),
        ("http:// acme.com", "acme.com"),
        ("www. acme.com", "acme.com"),
        ("wwww.acme.com", "acme.com"),
        ("ww.acme.com", "acme.com"),
        ("www2.acme.com", "acme.com"),
        ("acme.com, acme.de", "acme.com"),
        ("Website: https://acme.com/x", "acme.com"),
        ("[acme](https://acme.com)", "acme.com"),
        ("https://linkedin.com/company/acme", "linkedin.com"),
        ("müller.de", "müller.de"),
        ("https://www.MÜLLER.de/", "müller.de"),
        ("xn--mller-kva.de", "müller.de"),
        ("mu\u0308ller.de", "müller.de"),
        ("straße.de", "straße.de"),
        ("xn--a.de", "xn--a.de"),
        ("日本語。jp", "日本語.jp"),
        ("www.com", "www.com"),
        ("192.168.0.1", None),
        ("localhost", None),
        ("http://", None),
        ("@", None),
        ("acme", None),
        ("a" * 300 + ".com", None),
        ("x" * 100_000, None),
    ],
)
def test_hosts_of_messy_addresses(written: str, host: str | None) -> None:
    assert host_of(written) == host


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("acme.com", "acme.com"),
        ("shop.eu.acme.com", "acme.com"),
        ("a.acme.co.uk", "acme.co.uk"),
        ("co.uk", None),
        ("com", None),
        ("acme.github.io", "acme.github.io"),
        ("docs.acme.github.io", "acme.github.io"),
        ("github.io", None),
        ("acme.wixsite.com", "acme.wixsite.com"),
        ("acme.wordpress.com", "acme.wordpress.com"),
        ("acme.uk.com", "acme.uk.com"),
        ("foo.ck", None),  # a wildcard: everything under .ck is a suffix
        ("a.foo.ck", "a.foo.ck"),
        ("www.ck", "www.ck"),  # and its exception
        ("shop.acme.example", "acme.example"),
        ("müller.de", "müller.de"),
        ("shop.食狮.com.cn", "食狮.com.cn"),
        ("", None),
        (".", None),
        (".com", None),
    ],
)
def test_registrable_domains(host: str, domain: str | None) -> None:
    assert registrable(host) == domain


@given(st.from_regex(r"[a-z]{1,3}\.[a-z]{2,3}", fullmatch=True) | st.sampled_from(sorted(SHARED_HOSTS)))
def test_the_short_cut_says_what_the_extractor_says(host: str) -> None:
    found = _suffixes()[0].extract_str(host)
    expected = f"{found.domain}.{found.suffix}" if found.domain and found.suffix else None
    assert registrable(host) == (expected if found.suffix else host)


@pytest.mark.parametrize(
    "host",
    ["gmail.com", "mail.gmail.com", "linkedin.com", "de.linkedin.com", "m.facebook.com", "sites.google.com",
     "github.io", "wixsite.com", "wordpress.com", "weebly.com", "co.uk", "example.com", "x.com", "bit.ly"],
)  # fmt: skip
def test_shared_hosts(host: str) -> None:
    assert is_shared_host(host)


@pytest.mark.parametrize(
    "host",
    ["google.com", "apple.com", "microsoft.com", "acme.github.io", "acme.wordpress.com", "box.com", "netflix.com",
     "acme-gmail.com", "mygmail.com", "shop.acme.example"],
)  # fmt: skip
def test_hosts_of_one_company(host: str) -> None:
    assert not is_shared_host(host)


def test_a_company_is_known_by_its_registrable_domain() -> None:
    assert company_domain("https://careers.acme.co.uk/jobs") == company_domain("jo@acme.co.uk") == "acme.co.uk"
    assert company_domain("https://www.linkedin.com/company/acme") is None
    assert company_domain("Acme") is None


def test_nothing_is_fetched_or_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    _suffixes.cache_clear()
    assert registrable("a.acme.co.uk") == "acme.co.uk"
    assert _suffixes()[0]._cache.enabled is False

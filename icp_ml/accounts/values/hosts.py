"""Web and mail addresses: the host a cell names, the domain a company can register, and hosts that many share.

A host says which company a row is about only where the company has it to itself: "acme.co.uk" does, "gmail.com",
"linkedin.com/company/acme" and "github.io" don't. Suffixes come from the list that `tldextract` bundles; nothing is
fetched.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_HOST_CHARS = 253
_MAX_ADDRESS_CHARS = 2_000

# Anyone can open a mailbox here.
FREE_MAIL = frozenset({
    "126.com", "163.com", "aol.com", "att.net", "bellsouth.net", "bigpond.com", "bk.ru", "bluewin.ch", "bol.com.br",
    "btinternet.com", "charter.net", "comcast.net", "cox.net", "duck.com", "earthlink.net", "email.com", "fastmail.com",
    "fastmail.fm", "foxmail.com", "free.fr", "freenet.de", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de",
    "gmx.net", "googlemail.com", "hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.es", "hotmail.fr",
    "hotmail.it", "hushmail.com", "icloud.com", "inbox.ru", "interia.pl", "juno.com", "laposte.net", "libero.it",
    "list.ru", "live.ca", "live.co.uk", "live.com", "live.de", "live.fr", "live.nl", "mac.com", "mail.com", "mail.ru",
    "mailinator.com", "me.com", "msn.com", "naver.com", "ntlworld.com", "o2.pl", "online.de", "onet.pl", "op.pl",
    "orange.fr", "outlook.com", "outlook.de", "outlook.fr", "pm.me", "proton.me", "protonmail.ch", "protonmail.com",
    "qq.com", "rediffmail.com", "rocketmail.com", "rogers.com", "sbcglobal.net", "seznam.cz", "sfr.fr", "shaw.ca",
    "sina.com", "sky.com", "t-online.de", "talktalk.net", "telenet.be", "terra.com.br", "tiscali.it", "tuta.com",
    "tutanota.com", "uol.com.br", "verizon.net", "virgilio.it", "virginmedia.com", "wanadoo.fr", "web.de", "wp.pl",
    "yahoo.ca", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.com.au", "yahoo.com.br", "yahoo.de",
    "yahoo.es", "yahoo.fr", "yahoo.in", "yahoo.it", "yandex.com", "yandex.ru", "yeah.net", "ymail.com", "zoho.com",
})  # fmt: skip
# Everything under these belongs to the platform: profiles, directories, shops' shelves, shortened links, examples.
_PLATFORMS = frozenset({
    "about.me", "aka.ms", "alibaba.com", "angel.co", "bandcamp.com", "behance.net", "bit.ly", "bizapedia.com",
    "bloomberg.com", "buff.ly", "builtin.com", "calendly.com", "cal.com", "clutch.co", "companieshouse.gov.uk",
    "crunchbase.com", "discord.com", "discord.gg", "dnb.com", "dribbble.com", "dropbox.com", "ebay.com",
    "eventbrite.com",
    "example.com", "example.net", "example.org", "facebook.com", "fb.com", "fb.me", "fiverr.com", "flickr.com",
    "foursquare.com", "fb.watch", "g.page", "g2.com", "github.com", "gitlab.com", "glassdoor.com", "goo.gl",
    "gofundme.com", "indeed.com", "instagram.com", "issuu.com", "kickstarter.com", "kununu.com", "line.me",
    "linkedin.com", "linkin.bio", "linktr.ee", "lnkd.in", "medium.com", "meetup.com", "myspace.com",
    "opencorporates.com",
    "ow.ly", "owler.com", "patreon.com", "pinterest.com", "pitchbook.com", "producthunt.com", "quora.com", "reddit.com",
    "rocketreach.co", "slideshare.net", "soundcloud.com", "t.co", "t.me", "threads.net", "tiktok.com", "tinyurl.com",
    "tripadvisor.com", "trustpilot.com", "twitch.tv", "twitter.com", "upwork.com", "vimeo.com", "vk.com", "wa.me",
    "wellfound.com", "whatsapp.com", "wikipedia.org", "x.com", "xing.com", "yellowpages.com", "yelp.com", "youtu.be",
    "youtube.com", "zoominfo.com",
})  # fmt: skip
# Single hosts of companies that are customers like any other under their own name.
_SHARED_PAGES = frozenset({
    "apps.apple.com", "business.google.com", "chrome.google.com", "docs.google.com", "drive.google.com",
    "forms.office.com", "forms.gle", "itunes.apple.com", "maps.app.goo.gl", "maps.apple.com", "maps.google.com",
    "play.google.com", "plus.google.com", "podcasts.apple.com", "sites.google.com", "apps.microsoft.com",
    "appsource.microsoft.com", "apps.shopify.com", "etsy.com", "wix.com", "wordpress.com", "weebly.com",
    "squarespace.com", "godaddy.com", "substack.com", "tumblr.com", "notion.so", "carrd.co", "webflow.com",
})  # fmt: skip
# "acme.wordpress.com" is Acme's own, as "acme.github.io" is: site builders that the public list does not have.
_BUILDERS = (
    "000webhostapp.com", "blogspot.de", "blogspot.fr", "blogspot.co.uk", "bravesites.com", "business.site",
    "canva.site", "company.site", "gitbook.io", "godaddysites.com", "hatenablog.com", "hubspotpagebuilder.com",
    "jimdo.com", "jimdofree.com", "jimdosite.com", "livejournal.com", "mailchimpsites.com", "mystrikingly.com",
    "negocio.site", "site123.me", "squarespace.com", "strikingly.com", "substack.com", "tilda.ws", "tumblr.com",
    "typepad.com", "ueniweb.com", "webador.com", "webnode.com", "webnode.page", "weebly.com", "wordpress.com",
    "wpengine.com", "wixstudio.io",
)  # fmt: skip
SHARED_HOSTS = FREE_MAIL | _PLATFORMS | _SHARED_PAGES | frozenset(_BUILDERS)

_HOST_RE = re.compile(r"(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*", re.UNICODE)
_SCHEME_RE = re.compile(r"^(?:(?:[a-z][a-z0-9+.-]*[:;])?[/\\]+|(?:https?|mailto)[:;])+")
_WWW_RE = re.compile(r"^www?w?w?\d?\.(?=[^.]+\.)")
_AROUND = " \t\r\n<>()[]{}\"'`“”‘’«»*_.,;"


def host_of(text: str) -> str | None:
    """Return the lower-case host of a web or mail address, without "www.", path and port, or None if there is none.

    Internationalised names are given as people write them ("xn--mller-kva.de" as "müller.de").

    Examples
    --------
    >>> host_of("https://www.Acme.com:443/about?x=1"), host_of("jo@acme.co.uk"), host_of("acme")
    ('acme.com', 'acme.co.uk', None)
    """
    if len(text) > _MAX_ADDRESS_CHARS:
        return None
    address = text.lower().strip(_AROUND)
    found = _host(address)
    if found is None and "://" in address:  # "Website: https://acme.com"
        found = _host(address[address.index("://") :].lstrip(":/"))
    return found


def profile_of(text: str) -> str | None:
    """Return host and path of a page on a network, which many companies share: what comes after names the company.

    Examples
    --------
    >>> profile_of("https://de.linkedin.com/company/Acme-GmbH/about/?trk=x"), profile_of("linkedin.com")
    ('linkedin.com/company/acme-gmbh', 'linkedin.com')
    """
    if re.fullmatch(r"\s*company/[\w-]+/?\s*", text):  # a handle
        text = f"linkedin.com/{text.strip()}"
    host = host_of(text)
    if host is None:
        return None
    if host.endswith(".linkedin.com"):
        host = "linkedin.com"
    path = re.split(r"[?#]", text.strip().lower().partition("://")[2] or text.strip().lower(), maxsplit=1)[0]
    steps = [step for step in path.split("/")[1:] if step]
    return "/".join([host, *(steps[:2] if host == "linkedin.com" else steps)])


def _host(address: str) -> str | None:
    address = _SCHEME_RE.sub("", address).lstrip()
    if address.startswith("www. "):
        address = "www." + address[5:]
    host = re.split(r"[/?#\\,;|\s<>()]", address, maxsplit=1)[0]
    host = host.rpartition("@")[2].partition(":")[0].rstrip(".")
    host = _WWW_RE.sub("", host)
    if not host.isascii() or "xn--" in host:
        host = _written(host)
    return host if len(host) <= MAX_HOST_CHARS and _HOST_RE.fullmatch(host) else None


def _written(host: str) -> str:
    """Return an internationalised host in Unicode, composed and lower case; one that cannot be decoded as it is."""
    import idna

    try:
        ascii_form = idna.encode(host, uts46=True).decode("ascii") if not host.isascii() else host
        decoded: str = idna.decode(ascii_form)
    except (idna.IDNAError, UnicodeError):
        return host
    return decoded


@cache
def _suffixes() -> tuple[TLDExtract, frozenset[str], frozenset[str]]:
    """Return the extractor, all its suffixes, and the last labels under which a name of two labels is registrable."""
    from tldextract import TLDExtract

    extract = TLDExtract(
        cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True, extra_suffixes=_BUILDERS
    )
    listed = frozenset(extract.tlds)
    wild = {suffix[2:] for suffix in listed if suffix.startswith("*.")}
    return extract, listed, frozenset(suffix for suffix in listed if "." not in suffix and suffix not in wild)


def suffixes() -> tuple[frozenset[str], frozenset[str]]:
    """Return all public suffixes, and the last labels under which a host of two labels is registrable."""
    return _suffixes()[1:]


@cache
def _endings() -> frozenset[str]:
    """Return the last labels of all suffixes; under any other the last two labels are registrable."""
    return frozenset(suffix.rpartition(".")[2] for suffix in _suffixes()[1])


def registrable(host: str) -> str | None:
    """Return the domain that a company registers or is given: what two hosts of one company have in common.

    Parameters
    ----------
    host : str
        As `host_of` returns it.

    Returns
    -------
    str or None
        None for a public suffix itself ("co.uk", "github.io") and for what is no host. Under an unknown ending the
        last two labels, as the public suffix list prescribes.

    Examples
    --------
    >>> registrable("shop.acme.co.uk"), registrable("acme.github.io"), registrable("github.io")
    ('acme.co.uk', 'acme.github.io', None)
    """
    extract, listed, plain = _suffixes()
    head, dot, last = host.rpartition(".")
    if not dot or not head:
        return None
    # Most hosts of a list; the extractor says the same more slowly.
    if "." not in head and (last in plain or last not in _endings()):
        return None if host in listed else host
    found = extract.extract_str(host)
    if found.suffix:
        return f"{found.domain}.{found.suffix}" if found.domain else None
    return ".".join(host.split(".")[-2:])


def is_shared_host(host: str) -> bool:
    """Tell whether many companies share a host: free mail, profiles, directories, link shorteners, bare site builders.

    Examples
    --------
    >>> [
    ...     is_shared_host(h)
    ...     for h in ("gmail.com", "de.linkedin.com", "sites.google.com", "google.com", "acme.wixsite.com")
    ... ]
    [True, True, True, False, False]
    """
    if host in SHARED_HOSTS:
        return True
    domain = registrable(host)
    return domain is None or domain in FREE_MAIL or domain in _PLATFORMS


def company_domain(text: str) -> str | None:
    """Return the registrable domain of an address where it can identify a company, else None.

    Examples
    --------
    >>> company_domain("https://www.acme.co.uk/en"), company_domain("acme.wixsite.com/home")
    ('acme.co.uk', 'acme.wixsite.com')
    >>> company_domain("linkedin.com/company/acme"), company_domain("acme@gmail.com")
    (None, None)
    """
    host = host_of(text)
    return None if host is None or is_shared_host(host) else registrable(host)

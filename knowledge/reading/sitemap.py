"""A sitemap -> its pages: an index of sitemaps, packed ones and plain lists too (sitemaps.org). Floor: store.

Only pages of the sitemap's own host are read. XML is parsed without entities.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from knowledge.documents import ReadingFault
from knowledge.errors import SourceNotFound
from knowledge.reading.addresses import check_url, site_of
from knowledge.reading.dates import as_rfc3339
from knowledge.reading.faults import Unreachable, Unreadable
from knowledge.reading.sources import SourceFile, SourceSilent
from knowledge.reading.web import Web

MAX_SITEMAP_BYTES = 52_428_800  # as the protocol has it, unpacked
MAX_SITEMAPS = 500
MAX_PAGES = 50_000
NO_PAGE = re.compile(
    r"\.(?:jpe?g|png|gif|webp|avif|svg|ico|mp4|webm|mp3|zip|gz|exe|dmg|css|js|json|xml|rss|woff2?)$", re.I
)


@dataclass(slots=True)
class Found:
    """What has been gathered so far: pages with the day they changed, and where everything else led."""

    pages: dict[str, str | None] = field(default_factory=dict)
    elsewhere: Counter[str] = field(default_factory=Counter)
    faults: list[ReadingFault] = field(default_factory=list)


def find_pages(location: str, web: Web) -> Iterator[SourceFile | ReadingFault]:
    """The pages that a sitemap names, each to be fetched when it is read; a line for what it names in vain."""
    found = Found()
    waiting, seen = [location], {location}
    site = site_of(location)
    while waiting and len(found.pages) < MAX_PAGES:
        url = waiting.pop(0)
        try:
            inner = _read(url, web, found, site)
        except Unreachable as error:
            yield SourceSilent(location, f"{url}: {error}: what was read before stays in service")
            return
        except Unreadable as error:
            found.faults.append(ReadingFault(url, str(error)))
            continue
        new = [one for one in inner if one not in seen and site_of(one) == site]
        waiting += new[: max(0, MAX_SITEMAPS - len(seen))]
        seen.update(new)
    yield from found.faults
    yield from _lines(location, found, len(seen))
    for url, changed_at in found.pages.items():
        yield web.page(url, location, changed_at)


def _read(url: str, web: Web, found: Found, site: str) -> list[str]:
    """Adds a sitemap's pages to what was found; returns the sitemaps that it names."""
    data = gunzipped(web.fetch(url, limit=MAX_SITEMAP_BYTES).data)
    places = _places(data)
    inner: list[str] = []
    for kind, place, changed in places:
        try:
            target = check_url(urljoin(url, place))
        except SourceNotFound:
            continue
        if kind == "sitemap":
            inner.append(target)
        elif site_of(target) != site:
            found.elsewhere[urlsplit(target).hostname or "?"] += 1
        elif not NO_PAGE.search(urlsplit(target).path) and len(found.pages) < MAX_PAGES:
            found.pages.setdefault(target, as_rfc3339(changed))
    return inner


def gunzipped(data: bytes) -> bytes:
    """The bytes, unpacked where they are gzip; never more than a sitemap may have."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        unpacker = zlib.decompressobj(31)
        plain = unpacker.decompress(data, MAX_SITEMAP_BYTES)
    except zlib.error as error:
        raise Unreadable("its packing is broken: make the sitemap again") from error
    if unpacker.unconsumed_tail:
        raise Unreadable("the sitemap unpacks to more than 50 MB: split it")
    return plain


def _places(data: bytes) -> list[tuple[str, str, str | None]]:
    """(page or sitemap, URL, day of change) in the order of a sitemap; of a plain list, each of its lines."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = (line.strip() for line in data.decode("utf-8-sig", "replace").splitlines())
        return [("page", line, None) for line in lines if line.startswith(("http://", "https://"))]
    root = _parsed(data)
    kind = {"sitemapindex": "sitemap", "urlset": "page"}.get(_name(root))
    if kind is None:
        raise Unreadable("this is XML but no sitemap: give the address of the sitemap, or of a page")
    entries = ({_name(part): (part.text or "").strip() for part in entry} for entry in root)
    return [(kind, entry["loc"], entry.get("lastmod")) for entry in entries if entry.get("loc")]


def _parsed(data: bytes) -> Any:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Unreadable("the sitemap declares entities, which no sitemap needs: it is not read") from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise Unreadable("the sitemap is not well-formed XML: make it again") from error


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _lines(location: str, found: Found, sitemaps: int) -> Iterator[ReadingFault]:
    if found.elsewhere:
        hosts = ", ".join(host for host, _ in found.elsewhere.most_common(3))
        count = found.elsewhere.total()
        yield ReadingFault(location, f"{count} of its pages are of other hosts ({hosts}): add those sites themselves")
    if len(found.pages) >= MAX_PAGES or sitemaps >= MAX_SITEMAPS:
        yield ReadingFault(location, f"only its first {len(found.pages):,} pages are read: add its parts one by one")
    if not found.pages and not found.faults and not found.elsewhere:
        yield ReadingFault(location, "the sitemap names no page: look at it in a browser")

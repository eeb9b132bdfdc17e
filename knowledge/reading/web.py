"""Pages at URLs -> their bytes: public addresses only, robots.txt heard, politely, and only what changed. Floor: store.

One `Web` goes through one run: it remembers each host's rules and leaves a pause between two requests to it.
"""

from __future__ import annotations

import datetime
import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from knowledge.fetches import Fetch, FetchMemory, NotModified
from knowledge.reading.addresses import Address, checked_address, is_public, site_of
from knowledge.reading.dates import as_rfc3339
from knowledge.reading.faults import Unreachable, Unreadable
from knowledge.reading.kinds import media_type_of
from knowledge.reading.robots import Robots, parse_robots
from knowledge.reading.sources import MAX_FILE_BYTES, READER_VERSION, SourceFile, content_hash

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 20.0  # without a byte
DEADLINE_SECONDS = 90.0  # for a whole page
PAUSE_SECONDS = 0.2  # between two requests to a host that asks for no other
MAX_WAIT_SECONDS = 30.0  # for a host that says when to come again
MAX_REDIRECTS = 5
MAX_ROBOTS_BYTES = 600_000
AGENT = "Tellonce/0.1 (knowledge reader; robots.txt name: tellonce)"
ACCEPTED = "text/html,text/markdown,application/pdf,application/xhtml+xml,text/*;q=0.9,*/*;q=0.5"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered: `url` after redirects, `data` unpacked."""

    url: str
    status: int
    headers: httpx.Headers
    data: bytes


class Web:
    """Fetches for one run. `memory` keeps validators between runs; without it every page is fetched whole."""

    def __init__(
        self,
        memory: FetchMemory | None = None,
        *,
        allowed: Callable[[Address], bool] = is_public,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._memory = memory
        self._allowed = allowed
        self._clock = clock
        self._sleep = sleep
        self._clients: dict[str, httpx.Client] = {}
        self._robots: dict[str, Robots] = {}
        self._last: dict[str, float] = {}

    def close(self) -> None:
        """Closes its connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def page(self, url: str, root: str | None = None, changed_at: str | None = None) -> SourceFile:
        """A page as a file that is fetched when it is read. `root`: the sitemap that named it, if one did."""
        answered: dict[str, str] = {}
        file = SourceFile(
            root=root or url,
            name=url,
            media_type=media_type_of(urlsplit(url).path) or "text/html",
            load=lambda: self._load(file, self._memory),
            reload=lambda: self._load(file, None),
            changed_at=changed_at,
            url=url,
            answered=answered,
        )
        return file

    def fetch(self, url: str, *, validators: dict[str, str] | None = None, limit: int = MAX_FILE_BYTES) -> Answer:
        """The answer at a URL, redirects within its site followed, status 200 or 304.

        Raises:
            Unreachable: no answer just now; what was known of the page stays in service.
            Unreadable: it is gone, forbidden, too large, or leads where it may not.
        """
        site = site_of(url)
        for _ in range(MAX_REDIRECTS + 1):
            self._check_robots(url)
            answer = self._patiently(url, validators or {}, limit)
            if answer.status not in (301, 302, 303, 307, 308):
                return _checked(answer)
            url = urljoin(url, answer.headers.get("location", ""))
            _check_site(url, site)
        raise Unreachable("the page redirects without end")

    def _load(self, file: SourceFile, memory: FetchMemory | None) -> bytes:
        """The page's bytes; raises NotModified when its server says that what was read of it still holds."""
        known = memory.fetch_of(file.name) if memory else None
        answer = self.fetch(file.name, validators=_validators(known))
        if answer.status == 304:
            raise NotModified(known.content_hash if known else None)
        data = _as_utf8(answer)
        file.answered["changed_at"] = as_rfc3339(answer.headers.get("last-modified")) or ""
        if self._memory:
            self._memory.save_fetch(
                Fetch(
                    url=file.name,
                    etag=answer.headers.get("etag"),
                    last_modified=answer.headers.get("last-modified"),
                    content_hash=content_hash(data, file),
                    fetched_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                    status=answer.status,
                )
            )
        return data

    def _check_robots(self, url: str) -> None:
        parts = urlsplit(url)
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if not self._rules_of(url).allows(path):
            raise Unreadable(
                f"robots.txt of {parts.hostname} asks not to read it: allow `User-agent: tellonce` there, "
                "or add the page as a file"
            )

    def _rules_of(self, url: str) -> Robots:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        if place not in self._robots:
            self._robots[place] = self._fetch_robots(f"{place}/robots.txt")
        return self._robots[place]

    def _fetch_robots(self, url: str) -> Robots:
        """RFC 9309, 2.3.1: none where there is none; a server that fails may not be read."""
        site = site_of(url)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._patiently(url, {}, MAX_ROBOTS_BYTES)
            if answer.status in (301, 302, 303, 307, 308):
                url = urljoin(url, answer.headers.get("location", ""))
                if site_of(url) != site:
                    return Robots()
                continue
            if answer.status >= 500:
                raise Unreachable(f"robots.txt of this site answers with status {answer.status}")
            return parse_robots(answer.data.decode("utf-8", "replace")) if answer.status == 200 else Robots()
        return Robots()

    def _patiently(self, url: str, headers: dict[str, str], limit: int) -> Answer:
        """One request after the host's pause; a second one where the server says when."""
        answer = self._get(url, headers, limit)
        if answer.status in (429, 503) and (wait := _retry_after(answer)) is not None:
            self._sleep(wait)
            answer = self._get(url, headers, limit)
        return answer

    def _get(self, url: str, headers: dict[str, str], limit: int) -> Answer:
        import httpx

        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise Unreadable("the page leads to something that is no web address") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreadable("the page leads to something that is no web address")
        address = checked_address(parts.hostname, port, self._allowed)
        self._pause(parts.scheme, parts.netloc)
        host = f"[{address}]" if address.version == 6 else str(address)
        target = urlunsplit((parts.scheme, f"{host}:{port}", parts.path or "/", parts.query, ""))
        try:
            client = self._client(parts.netloc)
            request = client.build_request(
                "GET",
                target,
                headers={
                    "Host": parts.netloc.rpartition("@")[2],
                    "User-Agent": AGENT,
                    "Accept": ACCEPTED,
                    "Accept-Encoding": "gzip, deflate",
                    **headers,
                },
                extensions={"sni_hostname": parts.hostname},
            )
            return self._received(client.send(request, stream=True), url, limit)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"the page cannot be reached ({type(error).__name__})") from error

    def _client(self, netloc: str) -> httpx.Client:
        """A client a host: a connection made for one name is never used for another at the same address."""
        import httpx

        if netloc not in self._clients:
            self._clients[netloc] = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)
        return self._clients[netloc]

    def _received(self, answer: httpx.Response, url: str, limit: int) -> Answer:
        deadline = self._clock() + DEADLINE_SECONDS
        data = bytearray()
        try:
            for chunk in unpacked(answer.iter_raw(), answer.headers.get("content-encoding", ""), limit):
                data += chunk
                if len(data) > limit:
                    raise Unreadable(f"it is larger than {limit // 1_000_000 or 1} MB: split it")
                if self._clock() > deadline:
                    raise Unreachable(f"the page takes longer than {DEADLINE_SECONDS:.0f} seconds")
        finally:
            answer.close()
        return Answer(url, answer.status_code, answer.headers, bytes(data))

    def _pause(self, scheme: str, netloc: str) -> None:
        rules = self._robots.get(f"{scheme}://{netloc}")
        pause = max(PAUSE_SECONDS, rules.delay_seconds if rules else 0.0)
        if netloc in self._last and (wait := self._last[netloc] + pause - self._clock()) > 0:
            self._sleep(wait)
        self._last[netloc] = self._clock()


def unpacked(chunks: Iterator[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """The chunks of a body, decompressed a piece at a time: a bomb is stopped at the limit, not after unpacking."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Unreadable(f"the page is packed in a way nobody asked for ({encoding[:20]})")
    unpacker = zlib.decompressobj(47)  # gzip or zlib, whichever its header says
    size = 0
    try:
        for chunk in chunks:
            while chunk:
                piece = unpacker.decompress(chunk, 1_000_000)
                size += len(piece)
                if size > limit:
                    raise Unreadable(f"it unpacks to more than {limit // 1_000_000 or 1} MB: split it")
                yield piece
                chunk = unpacker.unconsumed_tail
    except zlib.error as error:
        raise Unreachable("the page arrives broken: its packing cannot be undone") from error


def _validators(known: Fetch | None) -> dict[str, str]:
    """What asks the server for the page only if it changed; nothing where this reader would read it otherwise."""
    if known is None or not (known.content_hash or "").startswith(f"{READER_VERSION}."):
        return {}
    found = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in found.items() if value}


def _checked(answer: Answer) -> Answer:
    match answer.status:
        case 200 | 304:
            return answer
        case 404 | 410:
            raise Unreadable(f"the page is not there any more (status {answer.status}): remove it, or correct it")
        case 401 | 403:
            raise Unreadable(f"the page is not open to everybody (status {answer.status}): add it as a file")
        case status:
            raise Unreachable(f"the page answers with status {status}")


def _check_site(url: str, site: str) -> None:
    if site_of(url) != site:
        raise Unreadable(
            f"it leads to {urlsplit(url).hostname or 'another place'}: add that address itself if it is yours"
        )


def _retry_after(answer: Answer) -> float | None:
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if re.fullmatch(r"\d{1,3}", value) and float(value) <= MAX_WAIT_SECONDS else None


def _as_utf8(answer: Answer) -> bytes:
    """The body; text that the server calls anything but UTF-8 is rewritten as UTF-8, with a mark that says so."""
    match = re.search(r"^text/.*charset=[\"']?([\w-]+)", answer.headers.get("content-type", ""), re.I)
    if match is None or match.group(1).lower() in ("utf-8", "utf8") or answer.data.startswith(b"\xef\xbb\xbf"):
        return answer.data
    try:
        return answer.data.decode(match.group(1), "replace").encode("utf-8-sig")
    except LookupError:
        return answer.data

"""A page at a URL -> its bytes, from public addresses only. Floor: store.

The name is resolved once, every address of it is checked, and the connection goes to the checked address: neither a
redirect nor a second look-up can lead into the network that this server stands in.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from knowledge.errors import SourceNotFound
from knowledge.reading.faults import Unreachable, Unreadable
from knowledge.reading.files import MAX_FILE_BYTES, MEDIA_TYPES, SourceFile

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS = 20.0
MAX_REDIRECTS = 5
AGENT = "Tellonce/0.1 (knowledge reader)"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_url(url: str) -> str:
    """The URL without its fragment.

    Raises:
        SourceNotFound: it names no host, or holds a password.
    """
    parts = urlsplit(url)
    if not parts.hostname:
        raise SourceNotFound(f"{url} names no host: write it as https://host/page.")
    if parts.username or parts.password:
        raise SourceNotFound("A URL with a password in it is not stored: make the page readable without one.")
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, ""))


def find_page(url: str) -> SourceFile:
    """The page as a file that is fetched when it is read."""
    suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    return SourceFile(
        root=url, name=url, media_type=MEDIA_TYPES.get(suffix, "text/html"), load=lambda: fetch(url), url=url
    )


def is_public(address: Address) -> bool:
    """Whether an address is out in the world: not private, loopback, link-local, multicast or reserved."""
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return (mapped or address).is_global and not address.is_multicast


def fetch(url: str, *, allowed: Callable[[Address], bool] = is_public) -> bytes:
    """The bytes at a URL, redirects followed, at most 100 MB.

    Raises:
        Unreachable: no answer, or an error status; what was known of the page stays in service.
        Unreadable: the page leads to an address that is not allowed, or is too large.
    """
    import httpx

    with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answer, data = _get(client, url, allowed)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Unreachable(f"the page cannot be reached ({type(error).__name__})") from error
            if answer.is_redirect:
                url = urljoin(url, answer.headers.get("location", ""))
                continue
            if answer.status_code != 200:
                raise Unreachable(f"the page answers with status {answer.status_code}")
            return data
    raise Unreachable("the page redirects without end")


def _get(client: httpx.Client, url: str, allowed: Callable[[Address], bool]) -> tuple[httpx.Response, bytes]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreadable("the page leads to something that is no web address")
    address = _checked_address(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), allowed)
    host = f"[{address}]" if address.version == 6 else str(address)
    target = urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, parts.query, ""))
    request = client.build_request(
        "GET",
        target,
        headers={"Host": parts.netloc, "User-Agent": AGENT, "Accept": "text/html,application/pdf,text/*;q=0.9"},
        extensions={"sni_hostname": parts.hostname},
    )
    answer = client.send(request, stream=True)
    try:
        data = bytearray()
        for chunk in answer.iter_bytes():
            data += chunk
            if len(data) > MAX_FILE_BYTES:
                raise Unreadable(f"it is larger than {MAX_FILE_BYTES // 1_000_000} MB")
        return answer, bytes(data)
    finally:
        answer.close()


def _checked_address(host: str, port: int, allowed: Callable[[Address], bool]) -> Address:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"no address is known for {host}") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]
    if not addresses or not all(allowed(address) for address in addresses):
        raise Unreadable(f"{host} is an address of a private network: save the page as a file and add that")
    return addresses[0]

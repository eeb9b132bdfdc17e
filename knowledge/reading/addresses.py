"""Which addresses of the network may be read from: those out in the world. Floor: store, for the look-up of names.

A name is resolved once, every address of it is checked, and the connection goes to the checked address: neither a
redirect nor a second look-up can lead into the network that this server stands in.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

from knowledge.errors import SourceNotFound
from knowledge.reading.faults import Unreachable, Unreadable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # the last four bytes are an IPv4 address (RFC 6052)


def check_url(url: str) -> str:
    """The URL without its fragment.

    Raises:
        SourceNotFound: it names no host, or holds a password.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SourceNotFound(f"{url} is no web address: write it as https://host/page.") from error
    if not host:
        raise SourceNotFound(f"{url} names no host: write it as https://host/page.")
    if parts.username or parts.password:
        raise SourceNotFound("A URL with a password in it is not stored: make the page readable without one.")
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, ""))


def is_public(address: Address) -> bool:
    """Whether an address is out in the world: not private, loopback, link-local, multicast or reserved."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def checked_address(host: str, port: int, allowed: Callable[[Address], bool]) -> Address:
    """The address to connect to.

    Raises:
        Unreachable: the name has none.
        Unreadable: one of its addresses is not allowed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"no address is known for {host}") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found]
    if not addresses or not all(allowed(address) for address in addresses):
        raise Unreadable(f"{host} is an address of a private network: save the page as a file and add that")
    return addresses[0]


def site_of(url: str) -> str:
    """The host of a URL as sites are told apart: in lower case, without `www.`."""
    return (urlsplit(url).hostname or "").lower().rstrip(".").removeprefix("www.")

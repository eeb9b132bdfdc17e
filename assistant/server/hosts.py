"""Which `Host` a request may name. Floor: pure; `serving.FrontDoor` asks before anything else answers.

A page of another site can have its own name point at this machine (DNS rebinding) and is then of one origin with us:
the browser sends that name as Host. An address cannot be pointed elsewhere, so addresses and localhost always pass.
"""

from __future__ import annotations

import ipaddress

from assistant.errors import Forbidden

OWN_NAME = "localhost"  # RFC 6761 section 6.3: resolves to loopback, whatever a name server says


class Hosts:
    """`public`: the names this server is known by, comma-separated. Without any, every name passes unless `guarded`."""

    def __init__(self, public: str, *, guarded: bool) -> None:
        self._names = frozenset(name.strip().lower() for name in public.split(",") if name.strip())
        self._open = not guarded and not self._names

    def check(self, host: str) -> None:
        """Raises Forbidden for a Host (name or address, with or without a port) that is not ours."""
        name = _name_of(host.lower())
        if self._open or name in self._names or name == OWN_NAME or name.endswith(f".{OWN_NAME}") or _is_address(name):
            return
        raise Forbidden("This server does not answer to that host name: add it to TELLONCE_PUBLIC_HOSTS.")


def _name_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

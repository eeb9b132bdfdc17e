"""How much one visitor or one address may ask for. Floor: door; counts live in memory, for one process.

The counting is the `limits` library's; this file decides what is counted and what the refusal says.
"""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage

from assistant.errors import RateLimited, SettingsError
from assistant.settings import Settings

SWEEP_EVERY = 1000


class QuietStorage(MemoryStorage):  # type: ignore[misc]  # the library has no types here
    """The library's counters without its timer, which starts a thread after a hit: 2 ms on the event loop, measured.

    What has expired is forgotten once in `SWEEP_EVERY` hits instead; no decision depends on when.
    """

    def __init__(self) -> None:
        super().__init__()
        self._hits = 0

    def _MemoryStorage__schedule_expiry(self) -> None:  # noqa: N802  # overrides a private name, hence its spelling
        self._hits += 1
        if self._hits % SWEEP_EVERY == 0:
            self._MemoryStorage__expire_events()


class Limits:
    """Three allowances, each over a moving window: messages a visitor, connections and new conversations an address."""

    def __init__(self, settings: Settings) -> None:
        self._messages = _read_limit("TELLONCE_MESSAGE_LIMIT", settings.message_limit)
        self._connections = _read_limit("TELLONCE_CONNECTION_LIMIT", settings.connection_limit)
        self._conversations = _read_limit("TELLONCE_CONVERSATION_LIMIT", settings.conversation_limit)
        # Defaults are meant for strangers: whoever works on the machine itself is held to what was set on purpose.
        self._strict = settings.model_fields_set & {"connection_limit", "conversation_limit"}
        self._storage = QuietStorage()

    def check_message(self, visitor_id: str) -> None:
        """Raises RateLimited when this visitor's allowance is used up. Counts nothing: see `count_message`."""
        _, recent = self._window(self._messages, f"message/{visitor_id}")
        if recent >= self._messages.amount:
            raise self._refusal(self._messages, f"message/{visitor_id}", "That was a lot of messages at once.")

    def count_message(self, visitor_id: str) -> None:
        """Counts one message. A repeat of a stored one is not counted, so an outbox may be sent again at leisure."""
        self._hit(self._messages, f"message/{visitor_id}")

    def count_connection(self, address: str | None) -> None:
        """Counts a connection from this address. Raises RateLimited."""
        self._count(self._connections, "connection", address, "There were many connections at once.")

    def count_conversation(self, address: str | None) -> None:
        """Counts a conversation begun from this address: each is a row for good. Raises RateLimited."""
        self._count(self._conversations, "conversation", address, "Many conversations were begun at once.")

    def _count(self, item: RateLimitItem, kind: str, address: str | None, what: str) -> None:
        if f"{kind}_limit" not in self._strict and is_loopback(address):
            return
        key = f"{kind}/{neighbourhood(address)}"
        if not self._hit(item, key):
            raise self._refusal(item, key, what)

    def _hit(self, item: RateLimitItem, key: str) -> bool:
        """Whether one more is allowed, which it is then counted as."""
        return bool(self._storage.acquire_entry(key, item.amount, item.get_expiry()))

    def _window(self, item: RateLimitItem, key: str) -> tuple[float, int]:
        """When the oldest one that still counts came, seconds since 1970, and how many count.

        Asked of the storage: the library's strategies spend most of a check on making a key, in every turn.
        """
        oldest_at, count = self._storage.get_moving_window(key, item.amount, item.get_expiry())
        return float(oldest_at), int(count)

    def _refusal(self, item: RateLimitItem, key: str, what: str) -> RateLimited:
        oldest_at, _ = self._window(item, key)
        wait_seconds = max(1, math.ceil(oldest_at + item.get_expiry() - time.time()))
        return RateLimited(f"{what} Please wait {wait_seconds} s.", retry_after_seconds=wait_seconds)


def _read_limit(name: str, value: str) -> RateLimitItem:
    try:
        limit = parse(value)
    except ValueError:
        limit = None
    if limit is None or limit.amount < 1:
        raise SettingsError(f"{name}={value!r} is not a limit such as 60/minute. Correct or unset it.")
    return limit


def is_loopback(address: str | None) -> bool:
    """Whether a connection comes from this machine itself and through no proxy (behind one, the address is theirs)."""
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def neighbourhood(address: str | None) -> str:
    """Whom an allowance belongs to: an IPv4 address, or the /64 that one IPv6 customer has to themselves (RFC 6177)."""
    if address is None:
        return "unknown"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return address

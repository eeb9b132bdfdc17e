"""How much one visitor or one address may ask for. Floor: door; counts live in memory, for one process.

The counting is the `limits` library's; this file decides what is counted and what the refusal says.
"""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from assistant.errors import RateLimited, SettingsError
from assistant.settings import Settings


class Limits:
    """Two allowances, each over a moving window: messages a visitor, connections an address."""

    def __init__(self, settings: Settings) -> None:
        self._messages = _read_limit("TELLONCE_MESSAGE_LIMIT", settings.message_limit)
        self._connections = _read_limit("TELLONCE_CONNECTION_LIMIT", settings.connection_limit)
        self._counter = MovingWindowRateLimiter(MemoryStorage())

    def check_message(self, visitor_id: str) -> None:
        """Raises RateLimited when this visitor's allowance is used up. Counts nothing: see `count_message`."""
        if not self._counter.test(self._messages, "message", visitor_id):
            raise self._refusal(self._messages, "message", visitor_id, "That was a lot of messages at once.")

    def count_message(self, visitor_id: str) -> None:
        """Counts one message. A repeat of a stored one is not counted, so an outbox may be sent again at leisure."""
        self._counter.hit(self._messages, "message", visitor_id)

    def count_connection(self, address: str | None) -> None:
        """Counts a connection. Raises RateLimited.

        Loopback has no allowance: behind a proxy on this machine that hides addresses, it is every customer at once.
        """
        if address is None or _is_loopback(address):
            return
        if not self._counter.hit(self._connections, "connection", address):
            raise self._refusal(self._connections, "connection", address, "There were many connections at once.")

    def _refusal(self, item: RateLimitItem, kind: str, who: str, what: str) -> RateLimited:
        reset_at, _ = self._counter.get_window_stats(item, kind, who)
        wait_seconds = max(1, math.ceil(reset_at - time.time()))
        return RateLimited(f"{what} Please wait {wait_seconds} s.", retry_after_seconds=wait_seconds)


def _read_limit(name: str, value: str) -> RateLimitItem:
    try:
        return parse(value)
    except ValueError as error:
        raise SettingsError(f"{name}={value!r} is not a limit such as 20/minute. Correct or unset it.") from error


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

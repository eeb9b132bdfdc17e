"""Public keys of the host page's identity provider: a JWKS from a file or an address. Floor: door; `identity.py` asks.

Only RSA and P-256 keys count: a symmetric key in a public document would let anybody sign.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, RSAKey

from assistant.errors import Unauthorized
from assistant.server.key_place import loader_of

logger = structlog.get_logger(__name__)

FRESH_SECONDS = 600
RETRY_SECONDS = 10
MAX_KEYS = 100
RSA_MIN_BITS = 2048  # RFC 7518 section 3.3


class KeySource(Protocol):
    def find(self, algorithm: str, key_id: str | None) -> Key:
        """The one key that may have signed with this algorithm. Raises Unauthorized when there is none."""
        ...


class Jwks:
    """A JWK set (RFC 7517) read through `load` and kept ten minutes.

    An unknown key id reads it anew, every ten seconds at most. While the provider is down the last set stays in force.
    """

    def __init__(self, load: Callable[[], bytes], clock: Callable[[], float] = time.monotonic) -> None:
        self._load = load
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: tuple[Key, ...] = ()
        self._read_at = float("-inf")
        self._tried_at = float("-inf")

    def find(self, algorithm: str, key_id: str | None) -> Key:
        if self._clock() - self._read_at > FRESH_SECONDS:
            self._refresh()
        key = choose_key(self._keys, algorithm, key_id)
        if key is None:
            self._refresh()
            key = choose_key(self._keys, algorithm, key_id)
        if key is None:
            raise Unauthorized("This sign-in is not signed by anyone we trust.")
        return key

    def _refresh(self) -> None:
        with self._lock:
            if self._clock() - self._tried_at < RETRY_SECONDS:
                return
            try:
                self._keys = read_keys(self._load())
                self._read_at = self._clock()
            except Exception as error:  # whatever the network or the document did: the keys we have stay
                logger.warning("identity.jwks_failed", reason=f"{type(error).__name__}: {error}"[:200])
            finally:
                self._tried_at = self._clock()


def open_key_source(place: str) -> Jwks:
    """Keys from `place`: an https address (http only on this machine) or a file.

    Raises:
        SettingsError: neither.
    """
    return Jwks(loader_of(place))


def count_keys(place: str) -> int:
    """How many usable keys are at `place` now. Raises SettingsError as above, and whatever reading them raises."""
    return len(read_keys(loader_of(place)()))


def read_keys(document: bytes) -> tuple[Key, ...]:
    """The usable signature keys of a JWK set; what is not understood is passed over (RFC 7517 section 5)."""
    found = json.loads(document)
    entries = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWK set: no `keys`")
    keys = (_read_key(entry) for entry in entries[:MAX_KEYS] if isinstance(entry, dict))
    return tuple(key for key in keys if key is not None)


def _read_key(entry: dict[str, Any]) -> Key | None:
    if entry.get("use", "sig") != "sig" or entry.get("kty") not in ("RSA", "EC"):
        return None
    try:
        if entry["kty"] == "EC":
            curve = ECKey.import_key(entry)
            return curve if curve.curve_name == "P-256" else None
        rsa = RSAKey.import_key(entry)
        return rsa if rsa.raw_value.key_size >= RSA_MIN_BITS else None
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def choose_key(keys: Iterable[Key], algorithm: str, key_id: str | None) -> Key | None:
    """The key of the algorithm's kind with this id; without an id, the only one of its kind."""
    kind = {"RS256": "RSA", "ES256": "EC"}[algorithm]
    fitting = [key for key in keys if key.key_type == kind and key.get("alg") in (None, algorithm)]
    if key_id is not None:
        return next((key for key in fitting if key.get("kid") == key_id), None)
    return fitting[0] if len(fitting) == 1 else None

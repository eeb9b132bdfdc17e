"""Where the host page's public keys are, an address or a file, and how it is read. Floor: door; `keys.py` asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from assistant.errors import SettingsError

FETCH_SECONDS = 3.0
MAX_BYTES = 262_144


def loader_of(place: str) -> Callable[[], bytes]:
    """What reads the document at `place`. Raises SettingsError where that is neither an address nor a file."""
    if place.startswith("https://") or _is_local_http(place):
        return lambda: fetch_bounded(place)
    path = Path(place)
    if "://" in place or not path.is_file():
        raise SettingsError(
            f"TELLONCE_IDENTITY_JWKS={place!r} is neither an https address nor a file: correct or unset it."
        )
    return path.read_bytes


def _is_local_http(place: str) -> bool:
    return place.startswith(("http://127.0.0.1:", "http://localhost:", "http://[::1]:"))


def fetch_bounded(url: str) -> bytes:
    """The document at `url`, within three seconds and a quarter of a megabyte; redirects are not followed."""
    import httpx

    deadline = time.monotonic() + FETCH_SECONDS
    body = bytearray()
    with httpx.stream("GET", url, timeout=FETCH_SECONDS, headers={"accept": "application/json"}) as response:
        response.raise_for_status()
        if response.status_code != 200:
            raise ValueError(f"status {response.status_code}")
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > MAX_BYTES or time.monotonic() > deadline:
                raise ValueError("too long or too slow")
    return bytes(body)

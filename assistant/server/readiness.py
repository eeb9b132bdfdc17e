"""Which parts of the server are open, each by name. Floor: pure; `/readyz` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One part's state. `detail` says in a few words what is there, or what is wrong."""

    ready: bool
    detail: str


class Readiness:
    """Written from the thread that opens things, read by whoever asks."""

    def __init__(self, names: Sequence[str]) -> None:
        self._parts = dict.fromkeys(names, Part(False, "opening"))

    def ready(self, name: str, detail: str) -> None:
        self._parts[name] = Part(True, detail)

    def fail(self, name: str, detail: str) -> None:
        self._parts[name] = Part(False, detail)

    @property
    def parts(self) -> dict[str, Part]:
        return dict(self._parts)

    @property
    def is_ready(self) -> bool:
        return all(part.ready for part in self._parts.values())

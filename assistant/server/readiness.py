"""Which parts of the server are open, each by name. Floor: pure; `/readyz` shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One part's state. `detail` says what is there, or what is wrong. `empty`: open, and nothing in it."""

    ready: bool
    detail: str
    empty: bool = False


Look = Callable[[], Part]


class Readiness:
    """Written from the thread that opens things, read by whoever asks."""

    def __init__(self, names: Sequence[str]) -> None:
        self._parts: dict[str, Part | Look] = dict.fromkeys(names, Part(False, "opening"))

    def ready(self, name: str, detail: str) -> None:
        self._parts[name] = Part(True, detail)

    def watch(self, name: str, look: Look) -> None:
        """This part is looked at each time somebody asks: what is in it changes while the server runs."""
        self._parts[name] = look

    def fail(self, name: str, detail: str) -> None:
        self._parts[name] = Part(False, detail)

    @property
    def parts(self) -> dict[str, Part]:
        """Every part by its name, as it is now. Looking may wait for a store: do it in a thread."""
        return {name: part if isinstance(part, Part) else part() for name, part in self._parts.items()}

    @property
    def is_ready(self) -> bool:
        return all(part.ready for part in self.parts.values())

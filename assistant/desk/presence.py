"""Which agents are at the desk, whether they take conversations, what each looks at. Floor: use case, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from assistant.desk.people import Agent

Status = Literal["online", "away"]
Unsubscribe = Callable[[], None]


@dataclass(slots=True)
class Seat:
    """One open desk. The same agent may have several (tabs, devices)."""

    agent: Agent
    status: Status = "online"
    viewing: str | None = None  # the conversation in front of them


class Presence:
    """The seats of this process. Listeners are called on the event loop with every change."""

    def __init__(self) -> None:
        self._seats: list[Seat] = []
        self._listeners: tuple[Callable[[], None], ...] = ()

    def take(self, agent: Agent) -> Seat:
        seat = Seat(agent)
        self._seats.append(seat)
        self._tell()
        return seat

    def leave(self, seat: Seat) -> None:
        self._seats = [known for known in self._seats if known is not seat]
        self._tell()

    def update(self, seat: Seat, *, status: Status | None = None, viewing: str | None = None) -> None:
        """Changes what is given, and tells only when something did change."""
        before = (seat.status, seat.viewing)
        seat.status = status or seat.status
        seat.viewing = viewing or seat.viewing
        if (seat.status, seat.viewing) != before:
            self._tell()

    def agents(self) -> list[dict[str, Any]]:
        """Every agent at a desk, once, by name: online when any of their desks is, and all that these look at."""
        found: dict[str, dict[str, Any]] = {}
        for seat in self._seats:
            line = found.setdefault(
                seat.agent.id,
                {"id": seat.agent.id, "name": seat.agent.name, "status": "away", "viewing": []},
            )
            if seat.status == "online":
                line["status"] = "online"
            if seat.viewing and seat.viewing not in line["viewing"]:
                line["viewing"].append(seat.viewing)
        return sorted(found.values(), key=lambda line: (line["name"], line["id"]))

    def listen(self, listener: Callable[[], None]) -> Unsubscribe:
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(known for known in self._listeners if known is not listener)

        return unsubscribe

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

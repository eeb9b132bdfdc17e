"""What the server counts, for Prometheus: base units, and never an id in a label. Floor: door."""

from __future__ import annotations

import time
from collections import OrderedDict

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from assistant.journal.bus import Draft, Item
from assistant.journal.events import Event, Kind, Role, answered_seq

ACK_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
ANSWER_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)
OPEN_TURNS = 10_000  # questions whose answer is being timed; the oldest is forgotten beyond this

FRAME_NAMES = {"Writing": "typing", "SurveyAnswer": "survey", "AskHuman": "ask_human"}


class Metrics:
    """One registry a server, so that two servers in one process do not count each other."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.connections = Gauge("tellonce_connections", "Customers' sockets that are open.", registry=registry)
        self.slow_readers = Counter("tellonce_slow_readers", "Sockets cut off for not reading.", registry=registry)
        self.bad_frames = Counter("tellonce_bad_frames", "Frames that broke the protocol.", registry=registry)
        self.rate_limited = Counter("tellonce_rate_limited", "Messages over their allowance.", registry=registry)
        self.ack_seconds = Histogram(
            "tellonce_ack_seconds", "From a frame read to its ack.", buckets=ACK_BUCKETS, registry=registry
        )
        self._refusals = Counter("tellonce_handshakes_refused", "Handshakes refused.", ["code"], registry=registry)
        self._frames = Counter("tellonce_frames", "Frames received.", ["type"], registry=registry)
        self._frame_counters: dict[type, Counter] = {}  # looking one up by its label costs more than counting
        self._events = Counter("tellonce_events", "Events committed.", ["kind", "role"], registry=registry)
        self._first_text = Histogram(
            "tellonce_first_text_seconds",
            "From a question committed to the first text of its answer.",
            buckets=ANSWER_BUCKETS,
            registry=registry,
        )
        self._answers = Histogram(
            "tellonce_answer_seconds",
            "From a question committed to its answer committed.",
            ["mode", "outcome"],
            buckets=ANSWER_BUCKETS,
            registry=registry,
        )
        self._asked: OrderedDict[tuple[str, int], float] = OrderedDict()
        self._spoke: set[tuple[str, int]] = set()

    def count_frame(self, frame: object) -> None:
        counter = self._frame_counters.get(type(frame))
        if counter is None:
            name = type(frame).__name__
            counter = self._frame_counters[type(frame)] = self._frames.labels(FRAME_NAMES.get(name, name.lower()))
        counter.inc()

    def count_refusal(self, code: str) -> None:
        self._refusals.labels(code).inc()

    def observe(self, item: Item) -> None:
        """A sink for the bus: counts events and times answers."""
        if isinstance(item, Event):
            self._events.labels(item.kind.value, item.author.role.value).inc()
            self._time_event(item)
        elif isinstance(item, Draft):
            self._time_first_text((item.conversation_id, item.turn))

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _time_event(self, event: Event) -> None:
        if event.kind is not Kind.MESSAGE:
            return
        if event.author.role is Role.CUSTOMER:
            self._asked[(event.conversation_id, event.seq)] = time.perf_counter()
            if len(self._asked) > OPEN_TURNS:
                self._spoke.discard(self._asked.popitem(last=False)[0])
        elif (seq := answered_seq(event)) is not None:
            turn = (event.conversation_id, seq)
            self._time_first_text(turn)
            self._spoke.discard(turn)
            if (asked := self._asked.pop(turn, None)) is not None:
                data = event.data or {}
                labels = (str(data.get("mode", "unknown")), str(data.get("outcome", "unknown")))
                self._answers.labels(*labels).observe(time.perf_counter() - asked)

    def _time_first_text(self, turn: tuple[str, int]) -> None:
        if turn not in self._spoke and (asked := self._asked.get(turn)) is not None:
            self._spoke.add(turn)
            self._first_text.observe(time.perf_counter() - asked)

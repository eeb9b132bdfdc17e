"""ChatModel: the port to language models, and the breaker that stands before every one. Floor: port.

Adapters: `openai_model.py` (any OpenAI-compatible endpoint), `scripted.py` (a stand-in), `langchain_face.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from assistant.errors import ModelUnavailable

if TYPE_CHECKING:
    pass

logger = structlog.get_logger(__name__)

OnText = Callable[[str], None]

FAILURES_BEFORE_REST = 3
REST_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a model. `role`: system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """How a streamed answer ended. `finish_reason`: `stop` or `length`; every other end is an error."""

    finish_reason: str


class ChatModel(Protocol):
    """A language model. Both calls raise ModelUnavailable, and nothing else, when there is no usable answer."""

    @property
    def name(self) -> str: ...

    async def stream(self, messages: Sequence[Message], on_text: OnText, *, max_tokens: int) -> Completion:
        """Calls `on_text` with each stretch of text as it arrives; returns once the answer is whole.

        Cancelling this call closes the upstream connection at once. After an error, text already given may be a torso.
        """
        ...

    async def complete(self, messages: Sequence[Message], *, max_tokens: int, deadline_seconds: float) -> str:
        """A short answer in one piece."""
        ...

    async def close(self) -> None: ...


class Breaker:
    """A ChatModel that rests for a short while after repeated failures, so that nobody waits for the next."""

    def __init__(
        self,
        model: ChatModel,
        *,
        failures: int = FAILURES_BEFORE_REST,
        rest_seconds: float = REST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._limit = failures
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._failures = 0
        self._rests_until = 0.0

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def resting(self) -> bool:
        """Whether calls are refused right now."""
        return self._clock() < self._rests_until

    async def stream(self, messages: Sequence[Message], on_text: OnText, *, max_tokens: int) -> Completion:
        self._check()
        try:
            completion = await self._model.stream(messages, on_text, max_tokens=max_tokens)
        except ModelUnavailable as error:
            self._count(error)
            raise
        self._failures = 0
        return completion

    async def complete(self, messages: Sequence[Message], *, max_tokens: int, deadline_seconds: float) -> str:
        self._check()
        try:
            return await self._model.complete(messages, max_tokens=max_tokens, deadline_seconds=deadline_seconds)
        except ModelUnavailable as error:
            self._count(error)
            raise

    async def close(self) -> None:
        await self._model.close()

    def warm_up(self) -> None:
        """Warms the model behind it, where that takes warming."""
        warm = getattr(self._model, "warm_up", None)
        if warm is not None:
            warm()

    def _check(self) -> None:
        if self.resting:
            raise ModelUnavailable("resting")

    def _count(self, error: ModelUnavailable) -> None:
        self._failures += 1
        if self._failures >= self._limit:
            # One failure after the rest is enough to rest again: the count stays where it is until a success.
            self._rests_until = self._clock() + self._rest_seconds
            logger.warning("model.resting", model=self.name, reason=error.reason, seconds=self._rest_seconds)

"""Our turn for langchain's users, and any langchain chat model for us. Floor: adapter; nothing here runs unless called.

model = FromLangchain(ChatAnthropic(...))     # a ChatModel for `Answering(model=...)`
chain = as_runnable(answering)                # {"question", "history"} -> {"text", "outcome", "citations"}
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from assistant.errors import ModelUnavailable
from assistant.journal.events import Author, Event, Kind, Role
from assistant.journal.transcript import ASSISTANT_FLOOR
from assistant.turn.conversation import Question
from assistant.turn.models import Completion, Message, OnText

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

    from assistant.turn.answering import Answering


class FromLangchain:
    """A ChatModel that speaks through a langchain chat model."""

    def __init__(self, model: BaseChatModel, *, name: str | None = None, deadline_seconds: float = 60.0) -> None:
        self._model = model
        self._name = name or type(model).__name__
        self._deadline = deadline_seconds

    @property
    def name(self) -> str:
        return self._name

    async def stream(self, messages: Sequence[Message], on_text: OnText, *, max_tokens: int) -> Completion:
        """See `ChatModel.stream`. `max_tokens` is the langchain model's own affair."""
        try:
            async with asyncio.timeout(self._deadline):
                async for chunk in self._model.astream([(m.role, m.content) for m in messages]):
                    if text := str(chunk.text):
                        on_text(text)
        except Exception as error:
            # Every provider has its own tree of exceptions; what they mean to a turn is the same.
            raise ModelUnavailable(type(error).__name__) from error
        return Completion("stop")

    async def complete(self, messages: Sequence[Message], *, max_tokens: int, deadline_seconds: float) -> str:
        """See `ChatModel.complete`."""
        try:
            async with asyncio.timeout(deadline_seconds):
                return str((await self._model.ainvoke([(m.role, m.content) for m in messages])).text)
        except Exception as error:
            raise ModelUnavailable(type(error).__name__) from error

    async def close(self) -> None:
        """Nothing of ours is open."""


def as_runnable(answering: Answering) -> Runnable[dict[str, Any], dict[str, Any]]:
    """Our answering as a Runnable, for an anonymous customer.

    Takes {"question": text, "history": [langchain messages or (role, text)]}; gives {"text", "outcome", "mode",
    "citations"}.
    """
    from langchain_core.messages import convert_to_messages
    from langchain_core.runnables import RunnableLambda

    async def answer(asked: dict[str, Any]) -> dict[str, Any]:
        history = convert_to_messages(asked.get("history", []))
        events = tuple(
            _event(seq, Role.CUSTOMER if message.type == "human" else Role.ASSISTANT, str(message.text))
            for seq, message in enumerate(history, start=1)
        )
        question = Question("langchain", len(events) + 1, str(asked["question"]), ASSISTANT_FLOOR, events=events)
        said = await answering.answer(question, lambda text: None)
        assert said is not None  # the assistant has the floor
        citations = [citation.as_data() for citation in said.citations]
        return {"text": said.text, "outcome": said.outcome, "mode": said.mode, "citations": citations}

    return RunnableLambda(answer)


def _event(seq: int, role: Role, text: str) -> Event:
    return Event("langchain", seq, seq - 1, "", Kind.MESSAGE, Author(role), {"text": text})

"""A ChatModel that says what it is told to: for tests, demos and load without a model. Floor: stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from assistant.errors import ModelUnavailable
from assistant.turn.models import Completion, Message, OnText

Script = str | ModelUnavailable | Callable[[Sequence[Message]], str]


class ScriptedModel:
    """Plays `answers` in turn, the last one for ever; an error among them is raised after `fails_after` characters.

    `sent` keeps what each streamed call was given, `asked` the same for short calls; `cancelled` counts calls cut off.
    """

    def __init__(
        self,
        *answers: Script,
        completions: Sequence[Script] = (),
        piece_characters: int = 5,
        pause_seconds: float = 0.0,
        fails_after: str = "",
    ) -> None:
        self._answers = list(answers) or ["All right."]
        self._completions = list(completions)
        self._piece = piece_characters
        self._pause = pause_seconds
        self._fails_after = fails_after
        self.sent: list[list[Message]] = []
        self.asked: list[list[Message]] = []
        self.cancelled = 0
        self.closed = False

    @property
    def name(self) -> str:
        return "scripted"

    async def stream(self, messages: Sequence[Message], on_text: OnText, *, max_tokens: int) -> Completion:
        self.sent.append(list(messages))
        script = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        failure = script if isinstance(script, ModelUnavailable) else None
        text = self._fails_after if isinstance(script, ModelUnavailable) else _said(script, messages)
        try:
            for start in range(0, len(text), self._piece):
                await asyncio.sleep(self._pause)
                on_text(text[start : start + self._piece])
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if failure is not None:
            raise failure
        return Completion("stop")

    async def complete(self, messages: Sequence[Message], *, max_tokens: int, deadline_seconds: float) -> str:
        self.asked.append(list(messages))
        script = self._completions.pop(0) if self._completions else ""
        if isinstance(script, ModelUnavailable):
            raise script
        return _said(script, messages)

    async def close(self) -> None:
        self.closed = True


def _said(script: str | Callable[[Sequence[Message]], str], messages: Sequence[Message]) -> str:
    return script if isinstance(script, str) else script(messages)

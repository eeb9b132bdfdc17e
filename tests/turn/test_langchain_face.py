"""langchain's models answer for us, and our answering runs in langchain's chains."""

from __future__ import annotations

import pytest
from langchain_core.language_models import FakeListChatModel

from assistant.errors import ModelUnavailable
from assistant.turn.answering import Answering
from assistant.turn.langchain_face import FromLangchain, as_runnable
from assistant.turn.models import Message
from tests.turn.conftest import Knowledge, encode, settings


async def test_a_langchain_model_streams_as_ours_do() -> None:
    model = FromLangchain(FakeListChatModel(responses=["Two years."]))
    pieces: list[str] = []

    completion = await model.stream([Message("user", "How long?")], pieces.append, max_tokens=5)

    assert "".join(pieces) == "Two years."
    assert completion.finish_reason == "stop"
    assert await model.complete([Message("user", "?")], max_tokens=5, deadline_seconds=1) == "Two years."


async def test_whatever_a_langchain_model_raises_is_unavailable() -> None:
    model = FromLangchain(FakeListChatModel(responses=["Two years."], error_on_chunk_number=1))

    with pytest.raises(ModelUnavailable):
        await model.stream([Message("user", "How long?")], lambda _: None, max_tokens=5)


async def test_our_answering_is_a_runnable() -> None:
    knowledge = Knowledge()

    async def nobody(_: str) -> None:
        return None

    answering = Answering(
        settings=settings(),
        search=knowledge.search,
        load_customer=nobody,
        encode=encode,
        read_document=knowledge.read_document,
    )

    said = await as_runnable(answering).ainvoke(
        {"question": "How long is the warranty?", "history": [("human", "hi"), ("ai", "Hello!")]}
    )

    assert "2 years" in said["text"]
    assert said["citations"][0]["quote"] in knowledge.documents["manual.md"].text

"""Conversations with a language model behind: its words streamed and cited, and what happens while it is down."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from talking import arrive

WORDS = ("Descale the kettle ", "every two months. [1] ", "Rinse the kettle three times ", "before the next use. [1]")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
FAULT = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"


def chunk(delta: dict, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return await reader.readexactly(length)


@asynccontextmanager
async def scripted_model(behaviour: str):
    """An OpenAI-compatible endpoint on loopback: `well`, `cut` in the middle of the stream, or `down` (500)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        if behaviour == "down":
            writer.write(FAULT)
        else:
            writer.write(HEAD)
            for words in WORDS if behaviour == "well" else WORDS[:1]:
                writer.write(chunk({"content": words}))
                await writer.drain()
                await asyncio.sleep(0.01)
            if behaviour == "well":
                writer.write(chunk({}, "stop") + b"data: [DONE]\n\n")
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"


def settings_for(base_url: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "none", "TELLONCE_MODEL": "scripted"}


async def test_a_models_words_are_streamed_cited_and_kept(start_server):
    async with scripted_model("well") as base_url:
        server = await asyncio.to_thread(start_server, env=settings_for(base_url))
        async with arrive(server) as customer:
            ack = await customer.say("How do I descale the kettle?")
            answer = await customer.answer(ack["seq"])

    drafted = "".join(frame["text"] for frame in customer.seen if frame["type"] == "draft")
    assert customer.welcome["mode"] == "model"
    assert answer["data"]["mode"] == "model"
    assert "every two months" in answer["data"]["text"]
    assert "every two months" in drafted
    assert answer["data"]["citations"][0]["quote"]


@pytest.mark.parametrize("behaviour", ["down", "cut"])
async def test_while_the_model_fails_the_embedded_way_answers_and_says_so(start_server, behaviour):
    async with scripted_model(behaviour) as base_url:
        server = await asyncio.to_thread(start_server, env=settings_for(base_url))
        async with arrive(server) as customer:
            ack = await customer.say("How do I descale the kettle?")
            answer = await customer.answer(ack["seq"])

    assert answer["data"]["mode"] == "degraded"
    assert answer["data"]["outcome"] == "answered"
    assert answer["data"]["citations"]

"""The baseline of `first_text.py`: what most would write first. A FastAPI WebSocket that relays AsyncOpenAI's stream.

It keeps nothing, checks nothing and answers nobody else; it is here to be compared with.
"""

from __future__ import annotations

import os

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from openai import AsyncOpenAI

app = FastAPI()
client = AsyncOpenAI(base_url=os.environ.get("OPENAI_BASE_URL"), api_key="none")
model = os.environ.get("TELLONCE_MODEL", "mock")


@app.websocket("/ws")
async def relay(socket: WebSocket) -> None:
    """One question a message; a JSON frame a token, then `{"type": "done"}`."""
    await socket.accept()
    try:
        while True:
            question = await socket.receive_json()
            stream = await client.chat.completions.create(
                model=model, stream=True, messages=[{"role": "user", "content": question["text"]}]
            )
            async for chunk in stream:
                if chunk.choices and (text := chunk.choices[0].delta.content):
                    await socket.send_json({"type": "draft", "text": text})
            await socket.send_json({"type": "done"})
    except WebSocketDisconnect:
        return

"""Refusals over HTTP, as RFC 9457 problem details. Floor: door; the one place where our errors become responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from assistant.errors import TellonceError

MEDIA_TYPE = "application/problem+json"
SERVER_ERROR = "Something went wrong on our side. Please try again."

TITLES = {
    "bad_frame": "The request could not be read",
    "too_large": "The request is too large",
    "unauthorized": "A valid sign-in is needed",
    "forbidden": "This is not allowed",
    "not_found": "This is not here",
    "rate_limited": "Too many requests",
    "conflict": "This has changed in the meantime",
    "unavailable": "Not available right now",
}

# statuses that the framework raises itself -> our codes
CODES = {400: "bad_frame", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "bad_frame", 409: "conflict"}
CODES |= {413: "too_large", 415: "bad_frame", 422: "bad_frame", 429: "rate_limited"}


def problem(status: int, code: str, detail: str, **members: Any) -> dict[str, Any]:
    """The problem document. `code` is one of PROTOCOL section 3's, so that both doors refuse in the same words."""
    title = TITLES.get(code, TITLES["unavailable"])
    document = {
        "type": f"urn:tellonce:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return {**document, **{name: value for name, value in members.items() if value is not None}}


def problem_of(error: TellonceError) -> dict[str, Any]:
    wait_seconds = error.retry_after_seconds
    return problem(error.http_status, error.code, str(error), retry_after_seconds=wait_seconds)


def encode(document: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of the response that carries this problem."""
    body = orjson.dumps(document)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if document.get("retry_after_seconds") is not None:
        headers.append((b"retry-after", str(int(document["retry_after_seconds"])).encode()))
    return int(document["status"]), headers, body


async def refuse_handshake(send: Callable[[dict[str, Any]], Awaitable[None]], error: TellonceError) -> None:
    """Answers a websocket handshake with a problem document instead (ASGI's `websocket.http.response`)."""
    status, headers, body = encode(problem_of(error))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})

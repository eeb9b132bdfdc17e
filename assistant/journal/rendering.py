"""A conversation as a document: plain text, or one self-contained HTML page. Floor: pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from assistant.journal.events import Event, Kind
from assistant.journal.port import Conversation

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1b2430;"
    "background:#fbfaf7}h1{font-size:28px;line-height:1.2}article{border-top:1px solid #e3dfd6;padding:.75rem 0}"
    "header{font-size:13px;color:#55606e}p{margin:.25rem 0;white-space:pre-wrap}li{font-size:13px}"
    ".aside p{color:#55606e}mark{background:#ffe58a}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CONTENT_SECURITY_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"

ROLES = {"customer": "Customer", "assistant": "Assistant", "agent": "Agent", "system": "Tellonce"}


def as_text(conversation: Conversation, events: Sequence[Event]) -> str:
    """One paragraph an event: when, who, what; sources below the answers that quote them."""
    head = f"Conversation {conversation.id}\nBegun {conversation.created_at}, by {conversation.channel}\n"
    return head + "".join(f"\n[{e.at}] {who(e)}: {what(e)}\n{_text_sources(e)}" for e in events)


def as_html(conversation: Conversation, events: Sequence[Event]) -> str:
    """A page that needs nothing else; every word of a person's is escaped."""
    body = "".join(_article(event) for event in events)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Conversation {escape(conversation.id)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>Conversation</h1><header>{escape(conversation.id)}, begun {escape(conversation.created_at)}</header>"
        f"{body}</html>"
    )


def who(event: Event) -> str:
    role = ROLES[event.author.role.value]
    return f"{event.author.name} ({role.lower()})" if event.author.name and event.author.name != role else role


def what(event: Event) -> str:
    """The event in words: a message's own, a short description of anything else."""
    if event.data is None:
        return "(erased)"
    data = event.data
    match event.kind:
        case Kind.MESSAGE | Kind.NOTE:
            return event.text
        case Kind.HANDOFF_REQUESTED:
            return f"asked for a person: {data.get('reason') or 'no reason given'}"
        case Kind.HANDOFF_ACCEPTED | Kind.HANDOFF_TRANSFERRED:
            name = (data.get("agent") or {}).get("name") or "an agent"
            return f"{'now with' if event.kind is Kind.HANDOFF_ACCEPTED else 'passed on to'} {name}"
        case Kind.HANDOFF_RETURNED:
            return "back with the assistant"
        case Kind.SURVEY_OFFERED:
            return f"asked: {data.get('question')}"
        case Kind.SURVEY_ANSWERED:
            return f"answered {data.get('score')} ({data.get('metric')})"
        case Kind.CONVERSATION_ENDED:
            return "ended the conversation"
        case Kind.RATED:
            return f"found message {data.get('seq')} {'useful' if data.get('useful') else 'not useful'}"
        case Kind.ACTION:
            return f"{data.get('name')}: {data.get('summary') or data.get('status')}"
    return event.kind.value


def _sources(event: Event) -> Iterable[dict[str, Any]]:
    return (event.data or {}).get("citations") or ()


def _text_sources(event: Event) -> str:
    return "".join(f'    [{c.get("n")}] {c.get("title")}: "{c.get("quote")}"\n' for c in _sources(event))


def _article(event: Event) -> str:
    sources = "".join(
        f"<li>{escape(str(c.get('title')))}: <mark>{escape(str(c.get('quote')))}</mark></li>" for c in _sources(event)
    )
    aside = "" if event.kind is Kind.MESSAGE else ' class="aside"'
    return (
        f"<article{aside}><header>{escape(who(event))}, <time>{escape(event.at)}</time></header>"
        f"<p>{escape(what(event))}</p>{f'<ol>{sources}</ol>' if sources else ''}</article>"
    )

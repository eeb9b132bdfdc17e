"""A server that answers the studio's routes from memory, so that a test chooses what is there and what fails.

Pages and their headers are the real ones. What holds against the real server is in test_studio_journey.py.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

import uvicorn

from assistant.server.pages import Pages

KETTLE = """# Fenwick kettle

## Descaling 🫖

Descale the kettle every two months. Fill it with **500 ml** of water and 50 g of citric acid, bring it to the boil and
let it stand for 30 minutes.

1. Rinse the kettle three times.
2. Wipe it dry.

## Error codes

| Code | Meaning | What to do |
|---|---|---|
| E2 | The kettle boiled dry | Let it cool for 10 minutes. |
| E5 | The lid is open | Close the lid until it clicks. |

## Warranty

The kettle has a warranty of three years from the day of purchase.
"""
BEFORE = "The kettle has a warranty of two years from the day of purchase."
AFTER = "The kettle has a warranty of three years from the day of purchase."
PEOPLE = {
    role: {"id": f"agt_{role}", "name": "Mia Stone", "email": f"mia@{role}.example", "role": role}
    for role in ("admin", "content", "agent")
}


def passages_of(text: str) -> list[dict[str, Any]]:
    """One passage a section, as the real ones are cut: exact stretches, headings outside."""
    found = []
    for match in re.finditer(r"^## (.+)\n\n((?:(?!^#)[\s\S])+)", text, re.M):
        start, end = match.start(2), match.start(2) + len(match[2].rstrip())
        place = {"section": ["Fenwick kettle", match[1]], "start": start, "end": end, "page": 3, "question": None}
        found.append({"id": f"p{len(found)}", **place, "position": len(found)})
    return found


def summary(number: int, **fields: Any) -> dict[str, Any]:
    """A document in a list."""
    made = {
        "id": f"doc-{number}",
        "title": f"Lark {number} manual",
        "source": f"manuals/lark-{number}.pdf",
        "media_type": "application/pdf",
        "language": "en",
        "products": [f"Lark {number % 7}"],
        "audience": None,
        "changed_at": f"2026-0{number % 9 + 1}-11T09:00:00Z",
        "passages": 12,
        "answers": number % 5 * 11,
    }
    return {**made, **fields}


def release(number: int, state: str, **fields: Any) -> dict[str, Any]:
    made = {
        "number": number,
        "state": state,
        "made_at": f"2026-11-{10 + number:02}T09:30:00Z",
        "made_by": "mia@content.example",
        "published_at": None if state == "candidate" else f"2026-11-{10 + number:02}T10:00:00Z",
        "published_by": None if state == "candidate" else "mia@content.example",
        "documents": 38,
        "passages": 412,
        "embedder": "all-MiniLM-L6-v2",
        "added": 1,
        "changed": 2,
        "removed": 0,
    }
    return {**made, **fields}


def answer(text: str, outcome: str = "answered", section: str = "Warranty") -> dict[str, Any]:
    citation = {"n": 1, "title": "Fenwick kettle", "section": [section], "url": "/source/kettle?release=2"}
    cited = {**citation, "quote": text, "release": 2, "document": "kettle"}
    return {
        "text": text,
        "outcome": outcome,
        "citations": [cited] if outcome == "answered" else [],
        "sureness": 0.83 if outcome == "answered" else 0.21,
    }


COMPARISON: dict[str, Any] = {
    "release": 3,
    "against": 2,
    "made_by": "mia@content.example",
    "made_at": "2026-11-23T09:05:00Z",
    "questions": [
        {
            "question": "How long is the warranty?",
            "origin": "saved",
            "id": "q1",
            "before": answer(BEFORE),
            "after": answer(AFTER),
            "change": "wording",
        },
        {
            "question": "Do you deliver to the Isle of Man, and how long does it take if I order on Friday afternoon?",
            "origin": "recent",
            "id": "c:4",
            "before": answer("I could not find that in our documents.", "declined"),
            "after": answer("Yes. Delivery to the Isle of Man takes five working days.", section="Delivery"),
            "change": "outcome",
        },
        {
            "question": "How do I descale the kettle?",
            "origin": "cases",
            "id": "k",
            "file": "devices.yaml",
            "history": ["Which kettle do I have?"],
            "before": answer("Fill it with 500 ml of water.", section="Descaling"),
            "after": answer("Fill it with 500 ml of water.", section="Descaling"),
            "change": "same",
        },
    ],
    "counts": {"questions": 3, "outcome": 1, "sources": 0, "wording": 1, "same": 1, "gained": 1, "lost": 0},
}


def gap(number: int, **fields: Any) -> dict[str, Any]:
    made = {
        "id": number,
        "label": "Can the Heron be wall-mounted?",
        "count": 9,
        "conversations": 8,
        "declined": 4,
        "thumbed_down": 2,
        "handed_over": 3,
        "first_at": "2026-11-10T10:00:00Z",
        "last_at": "2026-11-22T10:00:00Z",
        "products": ["Heron"],
        "state": "open",
        "closed_at": None,
        "closed_release": None,
        "reopened_at": None,
        "urgency": 3.2,
        "examples": [
            {
                "question": "is there a bracket so I can hang the heron on the wall",
                "conversation": "8a1c",
                "seq": 3,
                "at": "2026-11-22T10:00:00Z",
                "reason": "handed_over",
                "agent_answer": "Yes, with the bracket P-4410. It holds up to 12 kg.",
            },
            {
                "question": "wall mount heron?",
                "conversation": "77b0",
                "seq": 1,
                "at": "2026-11-20T10:00:00Z",
                "reason": "declined",
                "agent_answer": None,
            },
        ],
        "draft": None,
    }
    return {**made, **fields}


@dataclass
class Shop:
    """What the stand-in knows. Change it before or while a page is open."""

    role: str | None = "admin"
    documents: list[dict[str, Any]] = field(default_factory=lambda: [summary(n) for n in range(1, 39)])
    releases: list[dict[str, Any]] = field(default_factory=lambda: [release(2, "live"), release(1, "kept")])
    sources: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"id": 1, "location": "/srv/help", "kind": "folder", "added_at": "2026-10-01T09:00:00Z"},
            {"id": 2, "location": "https://www.example.com/sitemap.xml", "kind": "sitemap", "added_at": None},
        ]
    )
    faults: list[dict[str, str]] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    job: dict[str, Any] | None = None
    steps: int = 2  # looks at a job until it is done
    gaps: list[dict[str, Any]] = field(default_factory=lambda: [gap(1)])
    questions: list[dict[str, Any]] = field(default_factory=list)
    health: dict[str, Any] = field(default_factory=lambda: {"unused": [], "contradictions": [], "stale": []})
    comparison: dict[str, Any] = field(default_factory=lambda: COMPARISON)  # what the next one comes to
    comparisons: list[dict[str, Any]] = field(default_factory=list)
    found: list[dict[str, Any]] | None = None
    left: list[str] = field(default_factory=list)  # files that a purge leaves
    searches: list[dict[str, str]] = field(default_factory=list)
    uses_model: bool = False
    writes: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def live(self) -> dict[str, Any] | None:
        return next((one for one in self.releases if one["state"] == "live"), None)


class Problem(Exception):
    """Answered as RFC 9457 has it."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        self.status = status
        self.body = {"code": code, "detail": detail}


class StudioStandIn:
    def __init__(self) -> None:
        self.shop = Shop()
        self.url = ""
        self._pages = Pages()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or await self._pages.respond(scope, send):
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, answer = 200, None
        try:
            answer = self._answer(scope, body)
        except Problem as problem:
            status, answer = problem.status, problem.body
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, scope: Any, body: bytes) -> Any:
        method, path = scope["method"], unquote(scope["path"])
        asked = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        if self.shop.role is None:
            raise Problem(401, "unauthorized", "Please sign in.")
        if path == "/v1/session":
            return {"agent": PEOPLE[self.shop.role]}
        if self.shop.role == "agent":
            raise Problem(403, "forbidden", "Your role does not include the studio.")
        if method != "GET":
            is_json = body[:1] in (b"{", b"[")
            self.shop.writes.append((method, path, json.loads(body) if is_json else body))
        for wanted, pattern, act in ROUTES:
            if wanted == method and (match := re.fullmatch(pattern, path.removeprefix("/v1/knowledge"))):
                sent = json.loads(body) if body[:1] == b"{" else body
                return act(self.shop, match, asked, sent)
        raise Problem(404, "not_found", "Not here.")


def overview(shop: Shop, *_: Any) -> Any:
    live = shop.live
    return {
        "release": live and live["number"],
        "made_at": live and live["made_at"],
        "documents": len(shop.documents) if live else 0,
        "passages": 412 if live else 0,
        "embedder": "all-MiniLM-L6-v2",
        "size_bytes": 18_400_000,
        "sources": shop.sources,
        "faults": shop.faults,
        "job": shop.job,
    }


def take_upload(shop: Shop, _: Any, __: Any, body: bytes) -> Any:
    names = [name.decode() for name in re.findall(rb'filename="([^"]+)"', body)]
    refused = [{"name": name, "reason": "it is empty"} for name in names if "empty" in name]
    saved = [{"name": name, "bytes": len(body), "replaced": False} for name in names if "empty" not in name]
    shop.uploads += [one["name"] for one in saved]
    return {"saved": saved, "refused": refused}


def start(shop: Shop, kind: str, what: str, report: dict[str, Any]) -> Any:
    if shop.job and shop.job["state"] == "running":
        raise Problem(409, "conflict", "The documents are being read already: wait until that has ended.")
    number = len([write for write in shop.writes if write[1].endswith(("reindex", "compare"))])
    made = {"id": f"job_{number}", "kind": kind, "state": "running", "what": what, "done": 0, "total": shop.steps}
    shop.job = {
        **made,
        "started_at": "2026-11-23T09:00:00Z",
        "started_by": "mia",
        "report": None,
        "error": None,
        "task": {},
    }
    shop.job["_report"] = report
    return shop.job


def reindex(shop: Shop, _: Any, __: Any, sent: Any) -> Any:
    number = max([one["number"] for one in shop.releases], default=0) + 1
    report = {"release": number, "added": 1, "changed": 2, "removed": 0, "unchanged": 35, "faults": []}
    job = start(shop, "reindex", "lark-2.pdf", report)
    job["_publish"] = sent["publish"]
    return job


def look(shop: Shop, *_: Any) -> Any:
    job = shop.job
    if job and job["state"] == "running":
        job["done"] += 1
        if job["done"] > job["total"]:
            job.update(state="done", report=job["_report"], done=job["total"])
            if job["kind"] == "reindex":
                shop.releases.insert(0, release(job["_report"]["release"], "candidate"))
                if job["_publish"]:
                    switch(shop, job["_report"]["release"])
            else:
                made = job["_report"]
                pair = (made["release"], made["against"])
                shop.comparisons = [one for one in shop.comparisons if (one["release"], one["against"]) != pair]
                shop.comparisons.insert(0, made)
                job["report"] = summary_of(made)
    return job


def compare(shop: Shop, match: re.Match[str], _: Any, sent: Any) -> Any:
    against = sent["against"] or (shop.live and shop.live["number"])
    job = start(shop, "compare", "questions", {**shop.comparison, "release": int(match[1]), "against": against})
    job["task"] = {"release": int(match[1]), "against": against}
    return job


def summary_of(comparison: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in comparison.items() if name != "questions"}


def list_comparisons(shop: Shop, *_: Any) -> Any:
    return {"comparisons": [summary_of(one) for one in shop.comparisons]}


def show_comparison(shop: Shop, match: re.Match[str], asked: dict[str, str], _: Any) -> Any:
    pair = (int(match[1]), int(asked["against"]))
    found = [one for one in shop.comparisons if (one["release"], one["against"]) == pair]
    if not found:
        raise Problem(404, "not_found", "These two have not been compared.")
    return found[0]


def import_questions(shop: Shop, _: Any, __: Any, sent: Any) -> Any:
    if "cases:" not in sent["yaml"]:
        raise Problem(400, "bad_frame", "This file holds no `cases`: its shape is told in evals/cases/README.md.")
    shop.questions = [one for one in shop.questions if one.get("imported_from") != sent["file"]]
    brought = [
        {"id": f"{sent['file']}-{n}", "question": text, "history": [], "expect": {}, "conversation": None}
        | {"made_by": "mia", "made_at": "2026-11-23T09:00:00Z", "imported_from": sent["file"]}
        for n, text in enumerate(re.findall(r"say: (.+)", sent["yaml"]))
    ]
    shop.questions += brought
    return {"questions": brought}


def switch(shop: Shop, number: int) -> Any:
    for one in shop.releases:
        if one["state"] == "live":
            one["state"] = "kept"
        if one["number"] == number:
            one.update(state="live", published_at="2026-11-23T12:00:00Z", published_by="mia@content.example")
    return next(one for one in shop.releases if one["number"] == number)


def document(shop: Shop, match: re.Match[str], asked: dict[str, str], _: Any) -> Any:
    known = next((one for one in shop.documents if one["id"] == match[1]), None)
    if known is None:
        raise Problem(404, "not_found", "This document is not in that release of the knowledge.")
    live = shop.live
    return {
        "document": known["id"],
        "release": int(asked.get("release") or (live["number"] if live else 1)),
        "title": "Fenwick kettle",
        "url": None,
        "text": KETTLE,
        "passages": passages_of(KETTLE),
        **{name: known[name] for name in ("source", "media_type", "language", "products", "audience", "changed_at")},
    }


def purge(shop: Shop, match: re.Match[str], *_: Any) -> Any:
    shop.documents = [one for one in shop.documents if one["id"] != match[1]]
    return {"purged": {"documents": [], "releases": [1], "passages": 3, "files": [], "left": shop.left}}


def search(shop: Shop, _: Any, asked: dict[str, str], __: Any) -> Any:
    shop.searches.append(asked)
    live = shop.live
    number = int(asked.get("release") or (live["number"] if live else 1))
    if shop.found is not None:
        return {"release": number, "sureness": 0.0, "found": shop.found}
    made = passages_of(KETTLE)
    found = [
        {
            "passage": {
                **one,
                "document": "doc-1",
                "title": "Fenwick kettle",
                "text": KETTLE[one["start"] : one["end"]],
                "url": None,
                "products": [],
                "language": "en",
                "audience": None,
            },
            "score": 1.12 - i * 0.3,
            "similarity": 0.71 - i * 0.2,
            "sureness": 0.84 - i * 0.35,
            "why": [
                {"part": "meaning", "value": 0.71 - i * 0.2},
                {"part": "words", "value": 0.25 - i * 0.05},
                {"part": "code", "value": 0.3 if not i else 0.0},
                {"part": "product", "value": -0.2 if i else 0.0},
            ],
            "terms": ["descale", "kettle"],
        }
        for i, one in enumerate(made)
    ]
    return {"release": number, "sureness": 0.84, "found": found}


def changes(shop: Shop, match: re.Match[str], *_: Any) -> Any:
    listed = {"added": shop.documents[:1], "changed": shop.documents[1:3], "removed": []}
    return {"release": int(match[1]), "against": 2, **listed}


def draft_for(shop: Shop, match: re.Match[str], *_: Any) -> Any:
    known = next(one for one in shop.gaps if one["id"] == int(match[1]))
    known["state"] = "drafted"
    known["draft"] = {
        "id": 7,
        "gap": known["id"],
        "question": known["label"],
        "answer": "Yes, with the bracket P-4410.",
        "products": ["Heron"],
        "left_out": ["name"],
        "state": "draft",
        "made_by": "mia",
        "made_at": "2026-11-23T09:00:00Z",
    }
    return known["draft"]


def the_draft(shop: Shop) -> dict[str, Any]:
    return next(one["draft"] for one in shop.gaps if one["draft"])


def edit_draft(shop: Shop, _: Any, __: Any, sent: Any) -> Any:
    the_draft(shop).update(sent, state="draft")
    return the_draft(shop)


def accept_draft(shop: Shop, *_: Any) -> Any:
    if not the_draft(shop)["answer"].strip():
        raise Problem(422, "bad_frame", "The answer of a draft has 1 to 20,000 characters.")
    the_draft(shop)["state"] = "accepted"
    return the_draft(shop)


def drop_draft(shop: Shop, *_: Any) -> Any:
    for one in shop.gaps:
        one.update(draft=None, state="open")


def dismiss(shop: Shop, match: re.Match[str], *_: Any) -> Any:
    known = next(one for one in shop.gaps if one["id"] == int(match[1]))
    known["state"] = "dismissed"
    return known


def save_question(shop: Shop, _: Any, __: Any, sent: Any) -> Any:
    made = {"id": f"q{len(shop.questions)}", "question": sent.get("question") or "From a conversation", "history": []}
    made |= {"expect": sent.get("expect") or {}, "conversation": sent.get("conversation"), "made_by": "mia"}
    shop.questions.insert(0, {**made, "made_at": "2026-11-23T09:00:00Z"})
    return shop.questions[0]


def answer_question(shop: Shop, match: re.Match[str], *_: Any) -> Any:
    """As `POST /questions/{id}/answer` tells it: quoted, beside what was searched."""
    saved = next((one for one in shop.questions if one["id"] == match[1]), None)
    if saved is None:
        raise Problem(404, "not_found", "There is no such saved question.")
    if shop.found == []:
        told, text = answer("I could not find that.", "declined"), "I could not find that."
        blocks = [{"t": "p", "c": [{"t": "text", "text": text}]}]
    else:
        told = answer(AFTER)
        blocks = [{"t": "p", "c": [{"t": "text", "text": f"{AFTER} "}, {"t": "cite", "n": 1}]}]
    searched = search(shop, match, {}, None)
    found = {"question": saved["question"], "sureness": told["sureness"], "found": searched["found"][:3]}
    more = {"blocks": blocks, "hand_over": None, "model_would_word_it": shop.uses_model}
    return {**told, **more, "release": searched["release"], "searches": [found]}


def drop_question(shop: Shop, match: re.Match[str], *_: Any) -> Any:
    shop.questions = [one for one in shop.questions if one["id"] != match[1]]


def add_source(shop: Shop, _: Any, __: Any, sent: Any) -> Any:
    if "private" in sent["location"]:
        raise Problem(422, "bad_frame", "This address is not public: only public addresses are read.")
    shop.sources.append({"id": 9, "location": sent["location"], "kind": "page", "added_at": "2026-11-23T09:00:00Z"})
    return shop.sources[-1]


def drop_source(shop: Shop, match: re.Match[str], *_: Any) -> Any:
    shop.sources = [one for one in shop.sources if one["id"] != int(match[1])]


def stop_job(shop: Shop, *_: Any) -> Any:
    assert shop.job
    shop.job.update(state="failed", error="It was stopped. Nothing has changed.")
    return shop.job


ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "", overview),
    ("POST", "/uploads", take_upload),
    ("POST", "/sources", add_source),
    ("DELETE", r"/sources/(\d+)", drop_source),
    ("POST", "/reindex", reindex),
    ("GET", "/job", look),
    ("DELETE", "/job/(.+)", stop_job),
    ("GET", "/documents", lambda s, m, a, b: {"release": s.live and s.live["number"], "documents": s.documents}),
    ("GET", "/documents/(.+)", document),
    ("DELETE", "/documents/(.+)", purge),
    ("GET", "/search", search),
    ("GET", "/releases", lambda s, m, a, b: {"releases": s.releases}),
    ("GET", r"/releases/(\d+)/changes", changes),
    ("POST", r"/releases/(\d+)/(?:publish|rollback)", lambda s, m, a, b: switch(s, int(m[1]))),
    ("POST", r"/releases/(\d+)/compare", compare),
    ("GET", r"/releases/(\d+)/comparison", show_comparison),
    ("GET", "/comparisons", list_comparisons),
    ("GET", "/gaps", lambda s, m, a, b: {"gaps": s.gaps, "up_to_date": True}),
    ("POST", r"/gaps/(\d+)/draft", draft_for),
    ("POST", r"/gaps/(\d+)/dismiss", dismiss),
    ("PUT", r"/drafts/(\d+)", edit_draft),
    ("POST", r"/drafts/(\d+)/accept", accept_draft),
    ("DELETE", r"/drafts/(\d+)", drop_draft),
    ("GET", "/questions", lambda s, m, a, b: {"questions": s.questions}),
    ("POST", "/questions", save_question),
    ("POST", "/questions/import", import_questions),
    ("POST", "/questions/(.+)/answer", answer_question),
    ("DELETE", "/questions/(.+)", drop_question),
    ("GET", "/health", lambda s, m, a, b: s.health),
]


@contextmanager
def serve_studio() -> Iterator[StudioStandIn]:
    """The stand-in on a free loopback port, for as long as the block lasts."""
    stand_in = StudioStandIn()
    config = uvicorn.Config(stand_in, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    stand_in.url = f"http://127.0.0.1:{port}"
    try:
        yield stand_in
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)

"""The care of the knowledge over HTTP: who may, and a gap's whole way from a question to its answer."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager

import httpx
import pytest
from studio_cast import Studio, sign_in
from talking import Customer, arrive, of_kind
from websockets.asyncio.client import connect

from assistant.server.sign_in import COOKIE

QUESTION = "Can you engrave a name on the kettle?"
READS = ["/gaps", "/drafts/1", "/questions", "/questions.yaml", "/health"]
WRITES = [
    ("POST", "/gaps/1/draft"),
    ("POST", "/gaps/1/dismiss"),
    ("PUT", "/drafts/1"),
    ("POST", "/drafts/1/accept"),
    ("DELETE", "/drafts/1"),
    ("POST", "/questions"),
    ("DELETE", "/questions/x"),
    ("POST", "/questions/import"),
    ("POST", "/questions/x/answer"),
]


@pytest.fixture
def studio(server):
    with sign_in(server, "content") as client:
        yield Studio(client)


@pytest.mark.parametrize(("method", "path"), [("GET", path) for path in READS] + WRITES)
def test_only_who_keeps_the_knowledge_gets_in(shared_server, method, path):
    with sign_in(shared_server, "agent", email="sam@shop.example") as client:
        refused = client.request(method, f"/v1/knowledge{path}", json={})
    unknown = httpx.request(method, f"{shared_server.url}/v1/knowledge{path}", json={})

    assert (unknown.status_code, refused.status_code) == (401, 403)
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_another_sites_page_changes_nothing(shared_server, method, path):
    with sign_in(shared_server, "content", email="ines@shop.example") as client:
        origin = {"origin": "https://elsewhere.example"}
        reply = client.request(method, f"/v1/knowledge{path}", json={}, headers=origin)

    assert reply.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/gaps/999999/draft", 404),
        ("POST", "/gaps/0/dismiss", 422),
        ("PUT", "/drafts/999999", 404),
        ("POST", "/drafts/999999/accept", 404),
        ("DELETE", "/questions/none", 404),
        ("POST", "/questions/none/answer", 404),
        ("POST", "/questions", 400),
    ],
)
def test_what_is_not_there_is_a_problem_with_a_sentence(shared_server, method, path, status):
    with sign_in(shared_server, "content", email="ines@shop.example") as client:
        reply = client.request(method, f"/v1/knowledge{path}", json={})

    problem = reply.json()
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert problem["detail"]


def test_saved_questions_come_and_go_and_travel_as_yaml(studio):
    assert studio.ask("GET", "/questions.yaml").status_code == 404
    saved = studio.post("/questions", {"question": "Can I return an order?", "expect": {"outcome": "answered"}})
    text = studio.ask("GET", "/questions.yaml").text
    studio.ask("DELETE", f"/questions/{saved['id']}").raise_for_status()
    imported = studio.post("/questions/import", {"yaml": text, "file": "returns.yaml"})

    refused = studio.ask("POST", "/questions", json={"question": "x", "expect": {"outcome": "won"}})

    assert [one["id"] for one in imported["questions"]] == [saved["id"]]
    (kept,) = studio.get("/questions")["questions"]
    assert (kept["expect"], kept["imported_from"]) == ({"outcome": "answered"}, "returns.yaml")
    assert refused.status_code == 400


def test_a_saved_question_is_answered_as_a_customer_would_be_and_nothing_is_written(server, studio):
    loud = studio.post(
        "/questions", {"question": "And how long is its warranty?", "history": ["How do I descale the kettle?"]}
    )
    lost = studio.post("/questions", {"question": "Do you sell airship tickets to the moon?"})
    before = journal_size(server)

    answered = studio.post(f"/questions/{loud['id']}/answer")
    declined = studio.post(f"/questions/{lost['id']}/answer")
    unkept = studio.ask("POST", f"/questions/{loud['id']}/answer", params={"release": 999})

    assert (answered["outcome"], answered["release"], answered["model_would_word_it"]) == ("answered", 1, False)
    for citation in answered["citations"]:
        text = studio.get(f"/documents/{citation['document']}")["text"]
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert answered["citations"]
    assert answered["blocks"][0]["t"] in ("p", "ul", "ol")
    assert answered["searches"][0]["found"][0]["passage"]["text"]
    assert "descale" in answered["searches"][0]["question"], "what was said before is part of the question"
    assert answered["sureness"] > declined["sureness"]
    assert (declined["outcome"], declined["citations"]) == ("declined", [])
    assert (unkept.status_code, unkept.json()["code"]) == (404, "not_found")
    assert journal_size(server) == before


async def test_from_a_question_nobody_foresaw_to_the_page_that_answers_it(server, studio):
    """Asked, declined, handed over, answered by a person; a gap, a draft, a file, a release; answered, closed."""
    async with arrive(server) as customer, desk(server) as agent:
        declined = await customer.answer((await customer.say(QUESTION))["seq"])
        await customer.ask("ask_human", reason="I want it engraved")
        conversation = customer.welcome["conversation"]
        await agent.ask("accept", conversation=conversation)
        said = "Hello, yes: our workshop engraves up to 12 letters for £15. Order A-104655 is noted. Regards, Nora"
        await agent.ask("say", conversation=conversation, text=said)
        await agent.ask("close", conversation=conversation)
        await customer.until(of_kind("conversation.ended"))
    assert declined["data"]["outcome"] == "declined"
    assert studio.get("/health")["unused"], "nobody was answered from any document yet"

    (gap,) = await until(lambda: studio.get("/gaps")["gaps"])
    saved = studio.post("/questions", {"conversation": conversation, "seq": gap["examples"][0]["seq"]})
    draft = studio.post(f"/gaps/{gap['id']}/draft")
    holed = studio.ask("POST", f"/drafts/{draft['id']}/accept")
    answer = "Yes. Our workshop engraves up to 12 letters for £15."
    studio.ask("PUT", f"/drafts/{draft['id']}", json={"answer": answer}).raise_for_status()
    accepted = studio.post(f"/drafts/{draft['id']}/accept")

    assert (gap["label"], gap["state"], gap["handed_over"]) == (QUESTION, "open", 1)
    assert gap["examples"][0]["agent_answer"].startswith("Yes: our workshop engraves up to 12 letters for £15.")
    assert (saved["question"], saved["conversation"]) == (QUESTION, conversation)
    assert (draft["question"], draft["answer"], draft["left_out"]) == (
        QUESTION,
        "Yes: our workshop engraves up to 12 letters for £15. Order [number] is noted.",
        ["order or serial number"],
    )
    assert (holed.status_code, accepted["state"]) == (400, "accepted")

    release = studio.reindex()["release"]
    studio.ended(studio.post(f"/releases/{release}/compare"))
    compared = studio.get(f"/releases/{release}/comparison")
    drafted = studio.get("/gaps", state="drafted")["gaps"]
    studio.post(f"/releases/{release}/publish")
    (closed,) = await until(lambda: studio.get("/gaps", state="closed")["gaps"])
    async with arrive(server) as another:
        told = await another.answer((await another.say("Do you engrave names on kettles?"))["seq"])

    (change,) = [one for one in compared["questions"] if one["question"] == QUESTION]  # saved, and asked lately
    assert (change["origin"], change["change"]) == ("saved", "outcome")
    assert answer in change["after"]["text"]
    assert [one["id"] for one in drafted] == [gap["id"]]
    assert (closed["id"], closed["closed_release"], closed["draft"]["state"]) == (gap["id"], release, "accepted")
    assert studio.get("/gaps")["gaps"] == []
    assert told["data"]["outcome"] == "answered"
    assert "£15" in told["data"]["text"]
    assert told["data"]["citations"][0]["quote"] in answer
    assert accepted["file"] in studio.get("/documents", q="engrave")["documents"][0]["source"]


def journal_size(server) -> int:
    """How many events the journal holds."""
    with sqlite3.connect(server.data_dir / "tellonce.db") as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


@asynccontextmanager
async def desk(server):
    """An agent at the desk."""
    with sign_in(server, "agent", email="nora@shop.example") as client:
        cookie = f"{COOKIE}={client.cookies[COOKIE]}"
    address = server.ws_url.replace("/ws/chat", "/ws/desk")
    headers = {"Cookie": cookie}
    async with connect(address, subprotocols=["tellonce.v1"], additional_headers=headers, compression=None) as socket:
        agent = Customer(socket)
        await agent.send({"type": "hello"})
        await agent.until(lambda frame: frame["type"] == "queue")
        yield agent


async def until(look, patience_seconds=30.0):
    """What `look` sees once it sees something."""
    deadline = time.monotonic() + patience_seconds
    while not (seen := await asyncio.to_thread(look)):
        assert time.monotonic() < deadline, "nothing came"
        await asyncio.sleep(0.2)
    return seen

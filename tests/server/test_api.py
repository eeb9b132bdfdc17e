"""The HTTP API of a running server: shapes, refusals, whose conversation it is."""

from __future__ import annotations

import re
import uuid

import httpx
import pytest
from talking import arrive


@pytest.fixture
async def http(shared_server):
    async with httpx.AsyncClient(base_url=shared_server.url, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("DELETE", "/healthz", 405, "bad_frame"),
        ("GET", "/v1/documents/none", 404, "not_found"),
        ("GET", "/v1/documents/x?release=zero", 422, "bad_frame"),
        ("GET", f"/v1/documents/x?release={'9' * 30}", 422, "bad_frame"),
        ("GET", f"/v1/documents/{'x' * 300}", 422, "bad_frame"),
        ("GET", "/v1/documents/%00", 404, "not_found"),
        ("GET", "/web/%00.js", 404, "not_found"),
        ("GET", f"/web/{'x' * 5000}.js", 404, "not_found"),
        ("GET", "/v1/conversations/x/transcript", 401, "unauthorized"),
        ("POST", "/v1/demo/identity", 422, "bad_frame"),
    ],
)
async def test_every_refusal_is_a_problem_document(http, method, path, status, code):
    reply = await http.request(method, path)

    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    problem = reply.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"urn:tellonce:problem:{code}"
    assert problem["detail"]


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        ("not json", "application/json", "The body is not valid JSON."),
        ('{"text": "Hello"}', "text/plain", "must be a JSON object, sent with `content-type: application/json`"),
        ("[]", "application/json", "must be a JSON object"),
        ("{}", "application/json", "`text`: Field required."),
    ],
    ids=["no JSON", "another type", "a list", "a field missing"],
)
async def test_a_body_of_the_wrong_shape_is_told_what_is_wrong_with_it(http, body, kind, told):
    begun = (await http.post("/v1/conversations")).json()
    headers = {"authorization": f"Bearer {begun['visitor']}", "content-type": kind}

    reply = await http.post(f"/v1/conversations/{begun['conversation']}/messages", content=body, headers=headers)

    assert (reply.status_code, reply.json()["code"]) == (422, "bad_frame")
    assert told in reply.json()["detail"]


async def test_the_description_names_every_route(http):
    description = (await http.get("/openapi.json")).json()

    assert {
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/documents/{document_id}",
        "/v1/conversations",
        "/v1/conversations/{conversation_id}/messages",
        "/v1/conversations/{conversation_id}/transcript",
        "/v1/demo",
        "/v1/session",
        "/sign-in",
    } <= set(description["paths"])
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert "default" in operation["responses"], (method, path)


async def test_the_description_tells_what_opens_a_conversation_and_what_comes_back(http):
    description = (await http.get("/openapi.json")).json()

    said = description["paths"]["/v1/conversations/{conversation_id}/messages"]["post"]
    transcript = description["paths"]["/v1/conversations/{conversation_id}/transcript"]["get"]
    assert {scheme for one in said["security"] for scheme in one} == {"bearer", "session"}
    assert description["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert set(transcript["responses"]["200"]["content"]) == {"application/json", "text/plain", "text/html"}
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            ends = [reply for status, reply in operation["responses"].items() if status in ("200", "201", "202")]
            assert all(reply["content"] for reply in ends), (method, path)


async def test_metrics_count_without_naming_anybody(http, shared_server):
    async with arrive(shared_server) as customer:
        await customer.answer((await customer.say("Can I return an order?"))["seq"])
        conversation = customer.welcome["conversation"]
        text = (await http.get("/metrics")).text

    assert re.search(r"^tellonce_connections [1-9]", text, re.MULTILINE)
    assert 'tellonce_events_total{kind="message",role="assistant"}' in text
    assert "tellonce_answer_seconds_bucket" in text
    assert conversation not in text


async def test_a_channel_without_a_socket_talks_over_http(http):
    begun = (await http.post("/v1/conversations")).json()
    bearer = {"authorization": f"Bearer {begun['visitor']}"}
    where = f"/v1/conversations/{begun['conversation']}"
    message = {"id": str(uuid.uuid4()), "text": "Can I return an order?"}

    first = await http.post(f"{where}/messages", json=message, headers=bearer)
    second = await http.post(f"{where}/messages", json=message, headers=bearer)
    blank = await http.post(f"{where}/messages", json={"text": "  "}, headers=bearer)
    unnamed = await http.post(f"{where}/messages", json={"id": "7", "text": "x"}, headers=bearer)
    long = [await http.post(f"{where}/messages", json={"text": " " + "x" * n}, headers=bearer) for n in (8000, 8001)]
    for _ in range(100):
        events = (await http.get(f"{where}/transcript", headers=bearer)).json()["events"]
        if "assistant" in {event["from"]["role"] for event in events}:
            break

    assert (first.status_code, first.json()["seq"], first.json()["repeated"]) == (201, 1, False)
    assert (second.json()["seq"], second.json()["repeated"]) == (1, True)
    assert (blank.status_code, unnamed.status_code) == (400, 400)
    assert [reply.status_code for reply in long] == [201, 413]
    assert (events[0]["from"]["role"], events[0]["id"]) == ("customer", message["id"])
    assert "assistant" in {event["from"]["role"] for event in events}


async def test_a_transcript_is_rendered_three_ways_for_its_owner_only(http, shared_server):
    async with arrive(shared_server) as customer:
        await customer.answer((await customer.say("<script>alert(1)</script> Can I return an order?"))["seq"])
        seat = customer.welcome
    async with arrive(shared_server) as stranger:
        other = stranger.welcome["visitor"]
    where = f"/v1/conversations/{seat['conversation']}/transcript"
    bearer = {"authorization": f"Bearer {seat['visitor']}"}

    as_json = await http.get(where, headers=bearer)
    as_text = await http.get(f"{where}?format=txt", headers=bearer)
    as_html = await http.get(f"{where}?format=html", headers=bearer)
    theirs = await http.get(where, headers={"authorization": f"Bearer {other}"})
    unknown = await http.get("/v1/conversations/none/transcript", headers=bearer)

    assert as_json.json()["events"] == customer.events
    assert "Can I return an order?" in as_text.text
    assert "<script>" not in as_html.text
    assert "default-src 'none'" in as_html.headers["content-security-policy"]
    assert (theirs.status_code, unknown.status_code) == (403, 404)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_without_end_is_refused(http, chunked):
    begun = (await http.post("/v1/conversations")).json()

    async def forever():
        for _ in range(10):
            yield b"x" * 65_536

    reply = await http.post(
        f"/v1/conversations/{begun['conversation']}/messages",
        content=forever() if chunked else b"x" * 600_000,
        headers={"authorization": f"Bearer {begun['visitor']}", "content-type": "application/json"},
    )

    assert (reply.status_code, reply.json()["code"]) == (413, "too_large")


async def test_without_the_demo_nobody_is_signed_in_by_asking(start_server):
    server = start_server()

    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/v1/demo")).status_code == 404
        assert (await client.post("/v1/demo/identity", json={"customer": "cus_amara"})).status_code == 404

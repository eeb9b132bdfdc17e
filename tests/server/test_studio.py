"""The studio over HTTP, on a running server: who may, what is in service, search, releases, jobs."""

from __future__ import annotations

import fcntl
import time

import httpx
import pytest
from studio_cast import Studio, sign_in

BREWING = b"""# Brewing guide

## How much tea goes into the Fenwick kettle?

None: the Fenwick kettle heats water only. Put two grams of tea a cup into the pot.
"""
ROUTES = [
    ("GET", ""),
    ("GET", "/job"),
    ("GET", "/documents"),
    ("GET", "/documents/x"),
    ("GET", "/search?q=x"),
    ("GET", "/releases"),
    ("GET", "/releases/1/changes"),
]
WRITES = [
    ("POST", "/uploads"),
    ("POST", "/sources"),
    ("DELETE", "/sources/1"),
    ("POST", "/reindex"),
    ("DELETE", "/job/x"),
    ("DELETE", "/documents/x"),
    ("POST", "/releases/1/publish"),
    ("POST", "/releases/1/rollback"),
    ("POST", "/releases/1/compare"),
]


@pytest.fixture
def studio(server):
    """An editor at a server of the test's own."""
    with sign_in(server, "content") as client:
        yield Studio(client)


@pytest.fixture(scope="module")
def reader(shared_server):
    """An editor who changes nothing."""
    with sign_in(shared_server, "content") as client:
        yield Studio(client)


# who may


@pytest.mark.parametrize(("method", "path"), ROUTES + WRITES)
def test_nobody_gets_in_without_signing_in(shared_server, method, path):
    reply = httpx.request(method, f"{shared_server.url}/v1/knowledge{path}")

    assert (reply.status_code, reply.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize(("method", "path"), ROUTES + WRITES)
def test_an_agent_who_talks_to_customers_is_no_editor(shared_server, method, path):
    with sign_in(shared_server, "agent", email="ada@shop.example") as client:
        reply = Studio(client).ask(method, path)

    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_pages_of_other_sites_change_nothing(reader, method, path, origin):
    reply = reader.ask(method, path, headers={"origin": origin})

    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")


def test_an_admin_is_an_editor_too(shared_server):
    with sign_in(shared_server, "admin") as client:
        assert Studio(client).get()["release"] == 1


@pytest.mark.parametrize(
    ("role", "to", "page"),
    [
        ("content", None, "/studio"),
        ("content", "desk", "/studio"),
        ("content", "https://evil.example", "/studio"),
        ("agent", None, "/desk"),
        ("agent", "studio", "/desk"),
        ("admin", None, "/desk"),
        ("admin", "studio", "/studio"),
    ],
)
def test_a_sign_in_link_leads_to_a_page_that_the_role_opens(shared_server, role, to, page):
    from assistant.app import open_agents
    from assistant.settings import load_settings

    agents = open_agents(load_settings(data_dir=shared_server.data_dir))
    agent, _ = agents.add(f"{role}-{time.monotonic_ns()}@shop.example", role)
    params = {"token": agents.make_link(agent.id), **({"to": to} if to else {})}

    followed = httpx.get(f"{shared_server.url}/sign-in", params=params)
    again = httpx.get(f"{shared_server.url}/sign-in", params=params)

    assert (followed.status_code, followed.headers["location"]) == (303, page)
    assert again.headers["location"] == ("/studio?link=used" if to == "studio" else "/desk?link=used")


def test_an_editor_whose_account_is_removed_is_out_at_once(server):
    from assistant.app import open_agents
    from assistant.settings import load_settings

    with sign_in(server, "content", email="gone@shop.example") as client:
        studio = Studio(client)
        studio.get()
        open_agents(load_settings(data_dir=server.data_dir)).remove("gone@shop.example")

        assert studio.ask("GET", "").status_code == 401


# what is in service


def test_the_overview_tells_what_is_in_service(reader):
    shown = reader.get()

    assert shown["release"] == 1
    assert (shown["documents"], shown["passages"] > 0, shown["size_bytes"] > 0) == (2, True, True)
    assert [source["kind"] for source in shown["sources"]] == ["folder"]
    assert shown["faults"] == []


def test_documents_are_listed_with_how_often_they_were_cited(server, studio):
    before = {d["title"]: d["answers"] for d in studio.get("/documents")["documents"]}
    with httpx.Client(base_url=server.url, timeout=30) as customer:
        begun = customer.post("/v1/conversations").json()
        bearer = {"authorization": f"Bearer {begun['visitor']}"}
        path = f"/v1/conversations/{begun['conversation']}"
        customer.post(f"{path}/messages", json={"text": "How often do I descale the kettle?"}, headers=bearer)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            events = customer.get(f"{path}/transcript", headers=bearer).json()["events"]
            if any(event["from"]["role"] == "assistant" for event in events):
                break
            time.sleep(0.05)

    after = {d["title"]: d["answers"] for d in studio.get("/documents")["documents"]}

    assert before == {"Fenwick kettle": 0, "Shipping and returns": 0}
    assert after == {"Fenwick kettle": 1, "Shipping and returns": 0}


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("kettle", ["Fenwick kettle"]),
        ("KETTLE fenwick", ["Fenwick kettle"]),
        ("shipping.md", ["Shipping and returns"]),
        ("submarine", []),
        ("", ["Fenwick kettle", "Shipping and returns"]),
    ],
)
def test_documents_are_found_by_words_of_title_and_source(reader, q, titles):
    assert [document["title"] for document in reader.get("/documents", q=q)["documents"]] == titles


def test_a_document_is_shown_as_it_was_understood(reader):
    listed = reader.get("/documents", q="kettle")["documents"][0]

    shown = reader.get(f"/documents/{listed['id']}")

    assert (shown["document"], shown["release"], shown["title"]) == (listed["id"], 1, "Fenwick kettle")
    assert len(shown["passages"]) == listed["passages"]
    assert [passage["position"] for passage in shown["passages"]] == list(range(listed["passages"]))
    for passage in shown["passages"]:
        assert shown["text"][passage["start"] : passage["end"]].strip()


def test_a_search_tells_why(reader):
    shown = reader.get("/search", q="What does error E5 mean?", limit=3)

    best = shown["found"][0]
    assert shown["release"] == 1
    assert 0 < shown["sureness"] <= 1
    assert "E5" in best["passage"]["text"]
    assert "E5" in best["terms"]
    assert sum(part["value"] for part in best["why"]) == pytest.approx(best["score"], abs=1e-3)
    document = reader.get(f"/documents/{best['passage']['document']}")
    assert document["text"][best["passage"]["start"] : best["passage"]["end"]] == best["passage"]["text"]


def test_a_document_alone_is_asked(reader):
    documents = reader.get("/documents")["documents"]

    for one in documents:
        found = reader.get("/search", q="What does error E5 mean?", document=one["id"])["found"]
        assert {passage["passage"]["document"] for passage in found} == {one["id"]}
    assert len(documents) > 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/documents/none", 404),
        ("GET", "/documents?release=99", 404),
        ("GET", "/documents/none?release=99", 404),
        ("GET", "/search", 422),
        ("GET", "/search?q=", 422),
        ("GET", "/search?q=x&limit=0", 422),
        ("GET", "/search?q=x&release=99", 404),
        ("GET", "/search?q=x&document=none", 404),
        ("GET", "/releases/99/changes", 404),
        ("GET", "/releases/1/changes?against=99", 404),
        ("GET", "/releases/zero/changes", 422),
        ("POST", "/releases/99/publish", 404),
        ("POST", "/releases/99/rollback", 404),
        ("POST", "/releases/99/compare", 404),
        ("POST", "/releases/1/compare", 409),  # with itself, as it is the one in service
        ("DELETE", "/documents/none", 404),
        ("DELETE", "/sources/99", 404),
        ("POST", "/releases/0/publish", 422),
        ("GET", f"/releases/{'9' * 30}/changes", 422),
    ],
)
def test_what_is_not_there_is_a_problem_in_words(reader, method, path, status):
    reply = reader.ask(method, path)

    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["detail"]


# sources


@pytest.mark.parametrize("location", ["/etc", "file:///etc/passwd", "ftp://example.com/a", "", "https://"])
def test_only_addresses_of_the_web_are_added(reader, location):
    reply = reader.ask("POST", "/sources", json={"location": location})

    assert (reply.status_code, reply.json()["code"]) == (400, "bad_frame")


def test_a_page_is_added_once_and_removed(studio):
    added = studio.post("/sources", {"location": "https://help.shop.example/faq#top"})
    again = studio.ask("POST", "/sources", json={"location": "https://help.shop.example/faq"})
    sitemap = studio.post("/sources", {"location": "https://help.shop.example/sitemap.xml"})
    removed = studio.delete(f"/sources/{added['id']}")

    assert (added["location"], added["kind"]) == ("https://help.shop.example/faq", "page")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert sitemap["kind"] == "sitemap"
    assert removed["id"] == added["id"]
    assert [source["kind"] for source in studio.get()["sources"]] == ["folder", "sitemap"]
    assert studio.ask("DELETE", f"/sources/{added['id']}").status_code == 404


def test_the_uploads_stay_a_source(studio):
    studio.upload({"brewing.md": BREWING})
    uploads = next(source for source in studio.get()["sources"] if source["kind"] == "uploads")

    reply = studio.ask("DELETE", f"/sources/{uploads['id']}")

    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")


# from a file to an answer and back


def test_a_file_becomes_a_release_that_is_looked_at_published_and_taken_back(studio):
    question = "How much tea goes into the kettle?"
    studio.upload({"brewing.md": BREWING})
    report = studio.reindex()
    number = report["release"]
    unpublished = studio.get("/search", q=question)
    looked_at = studio.get("/search", q=question, release=number)
    changes = studio.get(f"/releases/{number}/changes")
    candidate = studio.get("/releases")["releases"][0]

    published = studio.post(f"/releases/{number}/publish")
    in_service = studio.get("/search", q=question)
    taken_back = studio.post("/releases/1/rollback")
    after = studio.get("/search", q=question)

    assert (report["added"], report["unchanged"], report["faults"]) == (1, 2, [])
    assert [document["title"] for document in changes["added"]] == ["Brewing guide"]
    assert (changes["against"], changes["changed"], changes["removed"]) == (1, [], [])
    assert (candidate["number"], candidate["state"]) == (number, "candidate")
    editor = studio.client.get("/v1/session").json()["agent"]["email"]
    assert candidate["made_by"] == editor
    assert unpublished["release"] == 1
    assert looked_at["release"] == number
    assert looked_at["found"][0]["passage"]["title"] == "Brewing guide"
    assert (published["state"], published["published_by"]) == ("live", editor)
    assert in_service["release"] == number
    assert (taken_back["number"], taken_back["state"]) == (1, "live")
    assert after["release"] == 1
    assert all(found["passage"]["title"] != "Brewing guide" for found in after["found"])


def test_two_releases_are_compared_on_saved_questions(studio):
    studio.post("/questions", {"question": "How much tea goes into the Fenwick kettle?"})
    studio.post("/questions", {"question": "How long does delivery take?"})
    studio.upload({"brewing.md": BREWING})
    number = studio.reindex()["release"]

    job = studio.ended(studio.post(f"/releases/{number}/compare", {"against": 1}))

    report = job["report"]
    kept = studio.get(f"/releases/{number}/comparison", against=1)
    by_question = {one["question"]: one for one in kept["questions"]}
    tea = by_question["How much tea goes into the Fenwick kettle?"]
    delivery = by_question["How long does delivery take?"]
    assert (job["kind"], report["release"], report["against"]) == ("compare", number, 1)
    assert job["task"] == {"release": number, "against": 1}
    assert studio.get("/comparisons")["comparisons"] == [report]
    assert report.items() <= kept.items()
    assert report["counts"]["questions"] == len(kept["questions"]) == 2
    assert tea["change"] != "same"
    assert "two grams" in tea["after"]["text"].lower()
    assert (delivery["change"], delivery["origin"]) == ("same", "saved")
    assert studio.get("/job") == job


def test_a_comparison_that_was_not_made_is_told_so(studio):
    for path, against in (("/releases/1/comparison", 1), ("/releases/7/comparison", None)):
        reply = studio.ask("GET", path, params={"against": against} if against else {})
        assert (reply.status_code, "has not been compared" in reply.json()["detail"]) == (404, True)


def test_a_purged_document_is_gone_from_search_releases_and_disk(server, studio):
    studio.upload({"brewing.md": BREWING})
    studio.reindex(publish=True)
    document = studio.get("/documents", q="brewing")["documents"][0]["id"]
    file = server.data_dir / "knowledge" / "uploads" / "brewing.md"
    assert file.exists()

    purged = studio.delete(f"/documents/{document}")["purged"]

    assert [one["title"] for one in purged["documents"]] == ["Brewing guide"]
    assert not file.exists()
    assert studio.get("/documents", q="brewing")["documents"] == []
    assert studio.ask("GET", f"/documents/{document}").status_code == 404
    for release in studio.get("/releases")["releases"]:
        listed = studio.get("/documents", release=release["number"])["documents"]
        assert document not in {one["id"] for one in listed}
    assert studio.reindex()["added"] == 0


def test_what_a_comparison_quoted_of_a_purged_document_is_gone_too(studio):
    asked = ("How much tea goes into the Fenwick kettle?", "How long does delivery take?")
    for question in asked:
        studio.post("/questions", {"question": question})
    studio.upload({"brewing.md": BREWING})
    number = studio.reindex()["release"]
    studio.ended(studio.post(f"/releases/{number}/compare", {"against": 1}))
    document = studio.get("/documents", q="brewing", release=number)["documents"][0]["id"]

    studio.delete(f"/documents/{document}")

    kept = studio.get(f"/releases/{number}/comparison", against=1)
    assert [one["question"] for one in kept["questions"]] == [asked[1]]
    assert "two grams" not in str(kept).lower()


# jobs


def test_two_studios_see_the_same_job_and_cannot_begin_another(server, studio):
    with sign_in(server, "admin") as client:
        other = Studio(client)
        job = studio.post("/reindex")
        seen = other.get("/job")
        refused = other.ask("POST", "/reindex")
        overview = other.get()

        assert (seen["id"], seen["started_by"]) == (job["id"], job["started_by"])
        assert overview["job"]["id"] == job["id"]
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        studio.ended(job)
        assert other.get("/job")["state"] == "done"


def test_a_job_cut_short_by_the_servers_end_is_told_after_the_restart(server, studio):
    job = studio.post("/reindex")
    server.kill()
    server.start()

    cut = studio.get("/job")

    assert (cut["id"], cut["state"]) == (job["id"], "failed")
    assert "restarted" in cut["error"]
    assert studio.reindex()["release"] == 1  # whatever the old process held is free again


def test_a_job_is_stopped_and_the_next_one_runs(studio):
    job = studio.post("/reindex")

    stopped = studio.delete(f"/job/{job['id']}")

    assert (stopped["id"], stopped["state"]) == (job["id"], "failed")
    assert "stopped" in stopped["error"]
    assert studio.delete(f"/job/{job['id']}") == stopped  # once more does no harm
    assert studio.reindex()["unchanged"] == 2


def test_a_reindex_by_the_command_is_told_to_whoever_comes_second(server, studio):
    document = studio.get("/documents")["documents"][0]["id"]
    with (server.data_dir / "knowledge" / "releases" / "reindex.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a process of `tellonce knowledge reindex` holds it
        refused = [studio.ask("POST", "/reindex"), studio.ask("DELETE", f"/documents/{document}")]

    for reply in refused:
        assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
        assert "wait until it has finished" in reply.json()["detail"]
    assert studio.get("/job") is None
    assert studio.reindex()["unchanged"] == 2


def test_no_job_was_ever_begun(reader):
    assert reader.get("/job") is None


def test_an_unknown_job_cannot_be_stopped(studio):
    before = studio.ask("DELETE", "/job/job_of_nobody")
    job = studio.ended(studio.post("/reindex"))
    after = studio.ask("DELETE", "/job/job_of_nobody")

    for reply in (before, after):
        assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
        assert (reply.json()["code"], reply.json()["status"]) == ("not_found", 404)
        assert "no such job" in reply.json()["detail"]
    assert studio.get("/job") == job


# the description


def test_the_description_tells_every_route_with_its_types(shared_server):
    description = httpx.get(f"{shared_server.url}/openapi.json").json()

    paths = {path: methods for path, methods in description["paths"].items() if path.startswith("/v1/knowledge")}
    for methods in paths.values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["security"] == [{"session": []}]
            replies = [reply for status, reply in operation["responses"].items() if status.startswith("2")]
            assert all("content" in reply or status == "204" for status, reply in operation["responses"].items())
            assert replies
    upload = paths["/v1/knowledge/uploads"]["post"]["requestBody"]["content"]
    assert upload["multipart/form-data"]["schema"]["properties"]["files"]["type"] == "array"
    assert description["components"]["securitySchemes"]["session"]["in"] == "cookie"


# another embedding model


def test_another_embedding_model_is_followed_in_the_background(server, start_server, studio):
    before = studio.get()
    text = studio.get("/search", q="descale")["found"][0]["passage"]["text"]
    server.stop()

    later = start_server(demo=True, env={"TELLONCE_EMBEDDING_MODEL": f"{before['embedder']}:fp32"})
    with sign_in(later, "content") as client:
        other = Studio(client)
        at_once = other.get("/search", q="descale")
        job = other.get("/job")
        if job is None:
            pytest.skip("this machine computes in fp32 anyway: both are one model")
        other.ended(job)
        after = other.get()
        found = other.get("/search", q="descale")

    assert at_once["found"][0]["passage"]["text"] == text
    assert (job["kind"], job["started_by"]) == ("reindex", "tellonce")
    assert (after["release"], after["documents"], after["passages"]) == (2, before["documents"], before["passages"])
    assert found["release"] == 2
    assert found["found"][0]["passage"]["text"] == text

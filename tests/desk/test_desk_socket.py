"""The desk over real sockets: uvicorn on a free port, agents with cookies, frames as in PROTOCOL section 4."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from desk_cast import ADA, answered, asked_for_a_person, new_id, said
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection

from assistant.database import database_path, open_engine
from assistant.desk.agents import Agents
from assistant.journal.bus import Draft, LocalBus, Typing
from assistant.journal.events import ASSISTANT, Audience, Kind, NewEvent
from assistant.journal.store import SqliteJournal
from assistant.profile.store import Profiles
from assistant.server.desk import DeskDoor
from assistant.server.hosts import Hosts
from assistant.server.identity import Tokens
from assistant.server.pages import Pages
from assistant.server.serving import address_of, bind, make_server
from assistant.server.sign_in import desk_routes
from assistant.settings import Settings
from knowledge.documents import Findings, Found, Passage

PASSWORD = "a good password"
ROLES = {"mia@shop.example": "agent", "ben@shop.example": "admin", "cat@shop.example": "content"}
PASSAGE = Passage("p1", "lark", "Lark 2 manual", ("E4",), "Prime the pump with hot water.", 0, 30)


class Rooms:
    """A house with a desk in it and nothing else (`server.serving.Rooms`)."""

    def __init__(self, door: DeskDoor) -> None:
        self.pages = Pages()
        self.hosts = Hosts("", guarded=False)
        self.door = door

    async def start(self) -> None: ...

    async def stop(self) -> None:
        await self.door.stop()

    async def api(self) -> Any:
        async def open_desk() -> DeskDoor:
            return self.door

        return Starlette(routes=desk_routes(open_desk))

    async def sockets(self) -> Mapping[str, Any]:
        return {"/ws/desk": self.door}


@dataclass
class House:
    url: str
    door: DeskDoor
    journal: SqliteJournal
    bus: LocalBus
    agents: Agents
    profiles: Profiles

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, trust_env=False)

    def cookie(self, email: str) -> str:
        """A session as signing in would give it, without the price of a password."""
        agent = next(agent for agent in self.agents.list() if agent.email == email)
        return f"tellonce_session={self.door.tokens.sign_agent(agent.id, 3600)}"

    @asynccontextmanager
    async def desk(self, email: str = "mia@shop.example", *, hello: bool = True) -> AsyncIterator[Desk]:
        cookie = self.cookie(email)
        address = self.url.replace("http", "ws") + "/ws/desk"
        async with websockets.connect(
            address,
            additional_headers={"Cookie": cookie},
            origin=self.url,
            proxy=None,
            max_size=None,  # type: ignore[arg-type]
        ) as socket:
            desk = Desk(socket, cookie)
            if hello:
                await desk.send(type="hello")
                desk.queue = await desk.expect("queue")
            yield desk


class Desk:
    """An agent's client. What it was not asked about yet stays in `backlog`, in order."""

    def __init__(self, socket: ClientConnection, cookie: str) -> None:
        self.socket = socket
        self.cookie = cookie
        self.queue: dict[str, Any] = {}
        self.backlog: list[dict[str, Any]] = []

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def expect(self, *kinds: str, **fields: Any) -> dict[str, Any]:
        """The first frame of these types with these fields."""

        def fits(frame: dict[str, Any]) -> bool:
            return frame["type"] in kinds and all(frame.get(name) == value for name, value in fields.items())

        for frame in self.backlog:
            if fits(frame):
                self.backlog.remove(frame)
                return frame
        async with asyncio.timeout(10):
            while not fits(frame := json.loads(await self.socket.recv())):
                self.backlog.append(frame)
        return frame

    async def act(self, verb: str, conversation: str, **fields: Any) -> dict[str, Any]:
        """Sends a verb; its ack or its error."""
        frame_id = new_id()
        await self.send(type=verb, id=frame_id, conversation=conversation, **fields)
        return await self.expect("ack", "error", id=frame_id)

    async def close_frame(self) -> tuple[int, str]:
        """Waits for the server to close; its code and reason."""
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await self.expect("nothing of the kind")
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code, closed.value.rcvd.reason


@pytest.fixture(scope="session")
def made_database(made_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with three accounts in it: hashing their passwords anew for every test takes most of its time."""
    path = tmp_path_factory.mktemp("staffed") / "tellonce.db"
    shutil.copyfile(made_database, path)
    engine = open_engine(path)
    for email, role in ROLES.items():
        Agents(engine).add(email, role, password=PASSWORD)
    engine.dispose()
    return path


@pytest.fixture
async def house(tmp_path: Path, journal: SqliteJournal, bus: LocalBus) -> AsyncIterator[House]:
    settings = Settings(data_dir=tmp_path, identity_secret="a-secret-for-the-tests-0123456789abcdef")
    engine = open_engine(database_path(settings))
    agents, profiles = Agents(engine), Profiles(engine)

    async def search(question: str) -> Findings:
        return Findings(question, 1, (Found(PASSAGE, 1.0, 0.8),), 0.9)

    door = DeskDoor(
        journal=journal,
        bus=bus,
        tokens=Tokens(settings.identity_secret.get_secret_value()),  # type: ignore[union-attr]
        agents=lambda: agents,
        profiles=lambda: profiles,
        settings=settings,
        search=search,
    )
    listener = bind("127.0.0.1", 0)
    server = make_server(Rooms(door), settings)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield House(address_of(listener), door, journal, bus, agents, profiles)
    server.should_exit = True
    await serving
    listener.close()
    engine.dispose()


# the line of PROTOCOL section 4


async def test_a_waiting_customer_is_accepted_answered_and_closed(house: House, waiting: str) -> None:
    async with house.desk() as desk:
        (item,) = desk.queue["items"]
        assert (item["conversation"], item["state"], item["last_text"]) == (waiting, "waiting", "My Lark 2 shows E4.")
        assert desk.queue["agent"]["name"] == "Mia"
        await desk.send(type="accept", id=new_id(), conversation=waiting)
        packet = await desk.expect("packet", conversation=waiting)
        assert packet["open_question"] == "My Lark 2 shows E4."
        assert packet["passages"][0]["text"] == PASSAGE.text
        assert PASSAGE.text in packet["suggested_reply"]["text"]
        assert (await desk.act("say", waiting, text="Prime the **pump**."))["type"] == "ack"
        assert (await desk.act("close", waiting))["type"] == "ack"
        assert await desk.expect("queue", removed=waiting)
    seen = await house.journal.read(waiting, audience=Audience.EVERYONE)
    assert [event.kind for event in seen[2:]] == [
        Kind.HANDOFF_ACCEPTED,
        Kind.MESSAGE,
        Kind.CONVERSATION_ENDED,
        Kind.SURVEY_OFFERED,
    ]
    assert seen[3].text == "Prime the **pump**."


async def test_a_verified_customers_packet_holds_profile_and_past_conversations(house: House) -> None:
    await asyncio.to_thread(
        house.profiles.import_customers,
        [{"id": "cus-1", "name": "Ada Lowe", "products": [{"name": "Lark 2", "serial": "LK-1"}]}],
    )
    past = await house.journal.create_conversation(visitor_id="vis_0", customer_id="cus-1")
    await house.journal.append(past.id, [said("How often do I descale?"), answered("Monthly.", 1)])
    now = await house.journal.create_conversation(visitor_id="vis_1", customer_id="cus-1")
    await house.journal.append(now.id, [said("Why E4?"), asked_for_a_person()])
    async with house.desk() as desk:
        await desk.send(type="accept", id=new_id(), conversation=now.id)
        packet = await desk.expect("packet")
    assert packet["customer"]["products"][0]["serial"] == "LK-1"
    contacts = [entry for entry in packet["timeline"] if entry["kind"] == "contact"]
    assert [(c["text"], c["outcome"], c["conversation"]) for c in contacts] == [
        ("How often do I descale?", "answered", past.id)
    ]


async def test_a_second_agent_gets_a_conflict_that_names_the_first(house: House, waiting: str) -> None:
    async with house.desk() as mia, house.desk("ben@shop.example") as ben:
        assert (await mia.act("accept", waiting))["type"] == "ack"
        taken = await ben.expect("queue")
        assert (taken["changed"]["state"], taken["changed"]["agent"]["name"]) == ("taken", "Mia")
        refused = await ben.act("accept", waiting)
        assert (refused["code"], refused["message"]) == ("conflict", "Mia has this conversation.")
        assert (await ben.act("say", waiting, text="Me too"))["code"] == "conflict"


async def test_what_is_watched_arrives_whole_in_order_and_live_notes_included(house: House, waiting: str) -> None:
    async with house.desk() as mia, house.desk("ben@shop.example") as ben:
        await mia.act("accept", waiting)
        await ben.act("note", waiting, text="Third time this week.")
        await mia.send(type="watch", conversation=waiting, after=1)
        frames = [await mia.expect("event") for _ in range(3)]
        await house.journal.append(waiting, [said("Are you there?")])
        frames.append(await mia.expect("event"))
    assert [(f["seq"], f["prev"], f["kind"]) for f in frames] == [
        (2, 1, "handoff.requested"),
        (3, 2, "handoff.accepted"),
        (4, 3, "note"),
        (5, 4, "message"),
    ]
    assert (frames[2]["audience"], frames[3]["audience"]) == ("staff", "everyone")
    assert "id" in frames[1]
    assert "id" not in frames[3]


async def test_events_committed_during_a_replay_are_neither_lost_nor_doubled(house: House, waiting: str) -> None:
    await house.journal.append(waiting, [said(f"old {n}") for n in range(350)])

    async def go_on() -> None:
        for n in range(50):
            await house.journal.append(waiting, [said(f"new {n}")])

    async with house.desk() as desk:
        writing = asyncio.create_task(go_on())
        await desk.send(type="watch", conversation=waiting)
        seqs = [(await desk.expect("event"))["seq"] for _ in range(402)]
        await writing
    assert seqs == list(range(1, 403))


async def test_typing_and_drafts_reach_the_desk_and_typing_the_customer(house: House, waiting: str) -> None:
    heard: list[Any] = []
    house.bus.subscribe(waiting, heard.append)
    async with house.desk() as mia, house.desk("ben@shop.example") as ben:
        await mia.act("accept", waiting)
        await mia.send(type="watch", conversation=waiting)
        await mia.expect("event", kind="handoff.accepted")
        house.bus.publish(Typing(waiting, ADA, True))
        assert (await mia.expect("typing"))["from"] == {"role": "customer", "name": "Ada Lowe"}
        house.bus.publish(Draft(waiting, 1, 0, "Prime"))
        assert (await mia.expect("draft"))["text"] == "Prime"
        await ben.send(type="typing", conversation=waiting, on=True)  # has not got the floor
        await ben.act("note", waiting, text="Hm.")
        await mia.send(type="typing", conversation=waiting, on=True)
        await mia.act("say", waiting, text="Hello")
    typing = [(i.author.name, i.on) for i in heard if isinstance(i, Typing) and i.author.role.value == "agent"]
    assert typing == [("Mia", True), ("Mia", False)]


async def test_presence_says_who_is_there_and_what_they_look_at(house: House, waiting: str) -> None:
    async with house.desk() as mia:
        async with house.desk("ben@shop.example") as ben:
            await ben.send(type="status", status="away")
            await ben.send(type="watch", conversation=waiting)
            await ben.expect("event")
            while not (frame := await mia.expect("presence"))["agents"][0]["viewing"]:
                pass
            assert [(a["name"], a["status"], a["viewing"]) for a in frame["agents"]] == [
                ("Ben", "away", [waiting]),
                ("Mia", "online", []),
            ]
        assert [a["name"] for a in (await mia.expect("presence"))["agents"]] == ["Mia"]


async def test_a_conversation_is_passed_on_to_somebody(house: House, waiting: str) -> None:
    async with house.desk() as mia, house.desk("ben@shop.example") as ben:
        await mia.act("accept", waiting)
        to = ben.queue["agent"]["id"]
        assert (await mia.act("transfer", waiting, to="agt_nobody"))["code"] == "not_found"
        assert (await mia.act("transfer", waiting, to=to, reason="Knows Larks."))["type"] == "ack"
        while (change := await ben.expect("queue"))["changed"]["for"] is None:
            pass
        assert change["changed"]["for"] == {"id": to, "name": "Ben"}
        assert (await ben.act("accept", waiting))["type"] == "ack"
        assert (await ben.act("return", waiting))["type"] == "ack"
    seen = await house.journal.read(waiting, audience=Audience.EVERYONE)
    assert "Knows Larks" not in str([event.data for event in seen])


async def test_a_search_that_fails_leaves_a_packet_without_passages(house: House, waiting: str) -> None:
    async def broken(question: str) -> Findings:
        raise RuntimeError("no index")

    house.door._search = broken
    async with house.desk() as desk:
        await desk.send(type="accept", id=new_id(), conversation=waiting)
        packet = await desk.expect("packet")
    assert (packet["passages"], packet["suggested_reply"]) == ([], None)


# frames that are off


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param("{", "bad_frame", id="no JSON"),
        pytest.param("[1]", "bad_frame", id="no object"),
        pytest.param('{"type": "fly"}', "bad_frame", id="unknown type"),
        pytest.param('{"type": "accept", "conversation": "c"}', "bad_frame", id="no id"),
        pytest.param(
            '{"type": "accept", "id": "turn-1", "conversation": "c"}', "bad_frame", id="an id that is no UUID"
        ),
        pytest.param('{"type": "watch"}', "bad_frame", id="no conversation"),
        pytest.param('{"type": "watch", "conversation": "c", "after": -1}', "bad_frame", id="a seq below 0"),
        pytest.param('{"type": "watch", "conversation": "nowhere"}', "not_found", id="no such conversation"),
        pytest.param('{"type": "status", "status": "lunch"}', "bad_frame", id="unknown status"),
        pytest.param('{"type": "hello"}', "bad_frame", id="hello twice"),
        pytest.param('{"type": "typing", "conversation": "c", "on": 1}', "bad_frame", id="typing without a flag"),
        pytest.param(json.dumps({"type": "ping", "pad": "x" * 65_536}), "too_large", id="too large"),
        pytest.param(b"\x00", "bad_frame", id="binary"),
    ],
)
async def test_a_frame_that_is_off_gets_a_typed_error_and_the_desk_stays_open(
    house: House, frame: str | bytes, code: str
) -> None:
    async with house.desk() as desk:
        await desk.socket.send(frame)
        assert (await desk.expect("error"))["code"] == code
        await desk.send(type="ping")
        assert await desk.expect("pong")


@pytest.mark.parametrize("text", ["", "  \n", None, 7], ids=repr)
async def test_words_are_needed_to_say_something(house: House, waiting: str, text: Any) -> None:
    async with house.desk() as desk:
        assert (await desk.act("say", waiting, text=text))["code"] == "bad_frame"


async def test_the_fifth_bad_frame_in_a_minute_closes_the_desk(house: House) -> None:
    async with house.desk() as desk:
        for _ in range(5):
            await desk.socket.send("{")
        assert await desk.close_frame() == (1008, "too_many_bad_frames")


async def test_hello_comes_first(house: House) -> None:
    async with house.desk(hello=False) as desk:
        await desk.send(type="ping")
        assert "hello" in (await desk.expect("error"))["message"]
        await desk.send(type="hello")
        assert await desk.expect("queue")


# who may sit here


async def refused(house: House, *, cookie: str | None, origin: str | None) -> int:
    headers = {"Cookie": cookie} if cookie else {}
    with pytest.raises(websockets.InvalidStatus) as refusal:
        await websockets.connect(
            house.url.replace("http", "ws") + "/ws/desk",
            additional_headers=headers,
            origin=origin,  # type: ignore[arg-type]
            proxy=None,
        )
    return refusal.value.response.status_code


async def test_without_a_session_there_is_no_desk(house: House) -> None:
    door = house.door
    assert await refused(house, cookie=None, origin=house.url) == 401
    for token in ("", "x.y.z", door.tokens.issue_visitor()[1], door.tokens.sign_customer("agt_1")):
        assert await refused(house, cookie=f"tellonce_session={token}", origin=house.url) == 401
    assert await refused(house, cookie=f"tellonce_session={door.tokens.sign_agent('agt_gone', 60)}", origin=None) == 401


async def test_another_sites_page_gets_no_desk_with_the_agents_cookie(house: House) -> None:
    cookie = house.cookie("mia@shop.example")
    for origin in ("https://evil.example", "null"):
        assert await refused(house, cookie=cookie, origin=origin) == 403


async def test_who_keeps_the_knowledge_reads_no_conversations(house: House) -> None:
    assert await refused(house, cookie=house.cookie("cat@shop.example"), origin=house.url) == 403


@pytest.mark.parametrize("heartbeat_seconds", [0.02, 60.0], ids=["that pings", "that is silent"])
async def test_an_account_that_is_removed_loses_its_open_desk(
    house: House, waiting: str, monkeypatch: pytest.MonkeyPatch, heartbeat_seconds: float
) -> None:
    monkeypatch.setattr("assistant.server.desk.RECHECK_SECONDS", 0.2)

    async def beat() -> None:
        while True:
            await asyncio.sleep(heartbeat_seconds)
            await desk.send(type="ping")

    async with house.desk() as desk:
        await asyncio.to_thread(house.agents.remove, "mia@shop.example")
        beating = asyncio.create_task(beat())
        assert await desk.close_frame() == (1008, "signed_out")
        beating.cancel()


@pytest.mark.slow
async def test_an_agent_who_stops_reading_is_cut_off_and_others_are_not(house: House, waiting: str) -> None:
    async with house.desk() as slow, house.desk("ben@shop.example") as ben:
        await slow.send(type="watch", conversation=waiting)
        await slow.expect("event", seq=2)
        slow.socket.transport.pause_reading()
        big = NewEvent(Kind.EVIDENCE, ASSISTANT, {"text": "x" * 200_000})
        for _ in range(60):
            await house.journal.append(waiting, [NewEvent(big.kind, big.author, big.data)])
        while len((await ben.expect("presence"))["agents"]) > 1:
            pass
        assert (await ben.act("accept", waiting))["type"] == "ack"
        slow.socket.transport.resume_reading()


# signing in over HTTP


async def test_a_session_is_shown_and_ended(house: House) -> None:
    async with house.client() as client:
        assert (await client.get("/v1/session")).status_code == 401
        signed_in = await client.post("/v1/session", json={"email": "Mia@shop.example", "password": PASSWORD})
        assert signed_in.json()["agent"]["role"] == "agent"
        cookie = signed_in.headers["set-cookie"].lower()
        for part in ("httponly", "samesite=lax", "path=/", "max-age="):
            assert part in cookie
        assert signed_in.headers["cache-control"] == "no-store"
        assert (await client.get("/v1/session")).json() == signed_in.json()
        assert (await client.delete("/v1/session")).status_code == 200
        assert (await client.get("/v1/session")).status_code == 401


async def test_signing_out_closes_the_desk_of_that_session_and_no_other(house: House) -> None:
    async with house.desk() as desk, house.desk() as other, house.client() as client:
        await client.delete("/v1/session", headers={"cookie": desk.cookie})
        assert await desk.close_frame() == (1008, "signed_out")
        await other.send(type="ping")
        assert await other.expect("pong")


async def test_a_session_that_was_ended_proves_nothing_to_who_kept_its_cookie(house: House) -> None:
    async with house.client() as client:
        kept, other = house.cookie("mia@shop.example"), house.cookie("mia@shop.example")
        assert (await client.get("/v1/session", headers={"cookie": kept})).status_code == 200
        for _ in range(2):  # the second time changes nothing
            await client.delete("/v1/session", headers={"cookie": kept})

        assert (await client.get("/v1/session", headers={"cookie": kept})).status_code == 401
        assert (await client.get("/v1/session", headers={"cookie": other})).status_code == 200
    assert await refused(house, cookie=kept, origin=house.url) == 401


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b'{"email": "mia@shop.example", "password": "wrong"}', {}, 401, id="wrong password"),
        pytest.param(b'{"email": "nobody@shop.example", "password": "wrong"}', {}, 401, id="unknown address"),
        pytest.param(b'{"email": "mia@shop.example"}', {}, 400, id="no password"),
        pytest.param(b'{"email": 1, "password": []}', {}, 400, id="no text"),
        pytest.param(b"{", {}, 400, id="no JSON"),
        pytest.param(b"[]", {}, 400, id="no object"),
        pytest.param(b"x" * 5000, {}, 413, id="too large"),
        pytest.param(b"email=mia", {"content-type": "text/plain"}, 400, id="another site's form"),
        pytest.param(b"{}", {"origin": "https://evil.example"}, 403, id="another site's script"),
    ],
)
async def test_a_sign_in_that_is_off_is_a_problem_document(
    house: House, body: bytes, headers: dict[str, str], status: int
) -> None:
    async with house.client() as client:
        response = await client.post(
            "/v1/session", content=body, headers={"content-type": "application/json"} | headers
        )
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert "set-cookie" not in response.headers


async def test_a_locked_address_is_told_when_to_come_back(house: House) -> None:
    async with house.client() as client:
        for _ in range(5):
            await client.post("/v1/session", json={"email": "mia@shop.example", "password": "wrong"})
        locked = await client.post("/v1/session", json={"email": "mia@shop.example", "password": PASSWORD})
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "30")


async def test_a_one_time_link_opens_the_desk_once(house: House) -> None:
    mia = next(a for a in house.agents.list() if a.email == "mia@shop.example")
    link = f"/sign-in?token={await asyncio.to_thread(house.agents.make_link, mia.id)}"
    async with house.client() as client:
        first = await client.get(link)
        assert (first.status_code, first.headers["location"]) == (303, "/desk")
        assert (await client.get("/v1/session")).json()["agent"]["email"] == "mia@shop.example"
    async with house.client() as other:
        second = await other.get(link)
        assert (second.status_code, second.headers["location"]) == (303, "/desk?link=used")
        assert "set-cookie" not in second.headers

"""Accounts of agents, in a real SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from assistant.database import metadata, open_engine
from assistant.desk.agents import Agents
from assistant.desk.people import AgentRole, lock_seconds
from assistant.desk.schema import agents as table
from assistant.desk.schema import sign_in_failures, sign_in_links
from assistant.errors import BadFrame, Conflict, NotFound, RateLimited, Unauthorized


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_engine(tmp_path / "tellonce.db")
    metadata.create_all(engine, tables=[table, sign_in_links, sign_in_failures])
    yield engine
    engine.dispose()


@pytest.fixture
def agents(engine: sa.Engine, clock: Clock) -> Agents:
    return Agents(engine, clock)


def test_a_generated_password_signs_in_and_is_kept_nowhere(agents: Agents, engine: sa.Engine) -> None:
    mia, password = agents.add("Mia.Stone@Shop.example", "agent")
    assert (mia.name, mia.email, mia.role) == ("Mia Stone", "mia.stone@shop.example", AgentRole.AGENT)
    assert agents.sign_in("mia.stone@SHOP.example", password) == mia
    with engine.connect() as connection:
        stored = connection.execute(sa.select(table.c.password_hash)).scalar_one()
    assert stored.startswith("$argon2id$")
    assert password not in stored


@pytest.mark.parametrize(
    ("email", "role", "password", "complaint"),
    [
        pytest.param("nobody", "agent", None, "not an e-mail address", id="address"),
        pytest.param("a@b.example", "boss", None, "agent, content or admin", id="role"),
        pytest.param("a@b.example", "agent", "short", "10 to 200", id="short password"),
        pytest.param("a@b.example", "agent", "x" * 201, "10 to 200", id="endless password"),
    ],
)
def test_what_can_not_be_an_account_is_refused(
    agents: Agents, email: str, role: str, password: str | None, complaint: str
) -> None:
    with pytest.raises(BadFrame, match=complaint):
        agents.add(email, role, password=password)
    assert agents.list() == []


def test_one_address_has_one_account(agents: Agents) -> None:
    agents.add("mia@shop.example", "agent")
    with pytest.raises(Conflict, match=r"mia@shop\.example already"):
        agents.add("MIA@shop.example", "admin")


def test_a_removed_agent_is_gone_and_can_not_sign_in(agents: Agents) -> None:
    mia, password = agents.add("mia@shop.example", "agent")
    link = agents.make_link(mia.id)
    agents.remove("Mia@shop.example")
    assert agents.load(mia.id) is None
    with pytest.raises(Unauthorized):
        agents.sign_in("mia@shop.example", password)
    with pytest.raises(Unauthorized):
        agents.redeem_link(link)
    with pytest.raises(NotFound, match=r"no agent mia@shop\.example"):
        agents.remove("mia@shop.example")


def test_a_wrong_password_and_an_unknown_address_are_refused_in_the_same_words(agents: Agents) -> None:
    agents.add("mia@shop.example", "agent")
    for email in ("mia@shop.example", "nobody@shop.example"):
        with pytest.raises(Unauthorized, match="The e-mail address or the password is not right"):
            agents.sign_in(email, "wrong password")


@pytest.mark.parametrize("email", ["mia@shop.example", "nobody@shop.example"])
def test_five_wrong_passwords_lock_an_address_for_a_while(agents: Agents, clock: Clock, email: str) -> None:
    _, password = agents.add("mia@shop.example", "agent")
    for _ in range(5):
        with pytest.raises(Unauthorized):
            agents.sign_in(email, "wrong password")
    with pytest.raises(RateLimited, match="30 seconds") as refused:
        agents.sign_in(email, password)
    assert refused.value.retry_after_seconds == 30
    clock.now += 31
    if email == "mia@shop.example":
        assert agents.sign_in(email, password).email == email
        with pytest.raises(Unauthorized):
            agents.sign_in(email, "wrong password")  # the count began anew
    else:
        with pytest.raises(Unauthorized):
            agents.sign_in(email, password)


def test_guesses_in_parallel_are_all_counted(agents: Agents) -> None:
    agents.add("mia@shop.example", "agent")

    def guess(number: int) -> type[Exception]:
        try:
            agents.sign_in("mia@shop.example", f"guess number {number}")
        except (Unauthorized, RateLimited) as error:
            return type(error)
        raise AssertionError("a guess was right")

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(guess, range(10)))
    assert (outcomes.count(Unauthorized), outcomes.count(RateLimited)) == (5, 5)


def test_locks_grow_and_are_bounded() -> None:
    assert [lock_seconds(n) for n in (0, 4, 5, 6, 7, 9, 10, 10_000)] == [0, 0, 30, 60, 120, 480, 900, 900]


def test_a_link_signs_in_once(agents: Agents) -> None:
    mia, _ = agents.add("mia@shop.example", "agent")
    token = agents.make_link(mia.id)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: _redeem(agents, token), range(4)))
    assert sorted(outcomes) == [False, False, False, True]


def test_a_link_ends_with_its_time(agents: Agents, clock: Clock) -> None:
    mia, _ = agents.add("mia@shop.example", "agent")
    token = agents.make_link(mia.id, 60)
    clock.now += 61
    assert not _redeem(agents, token)


def test_a_link_for_nobody_is_not_made(agents: Agents) -> None:
    with pytest.raises(NotFound):
        agents.make_link("agt_nobody")


def _redeem(agents: Agents, token: str) -> bool:
    try:
        return agents.redeem_link(token).email == "mia@shop.example"
    except Unauthorized:
        return False

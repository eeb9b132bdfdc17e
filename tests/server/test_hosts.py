"""Which host names a server answers to: a name that was pointed at this machine by somebody else is none of them."""

from __future__ import annotations

import httpx
import pytest
from talking import dial
from websockets.exceptions import InvalidStatus

from assistant.errors import Forbidden
from assistant.server.hosts import Hosts

OURS = (
    "127.0.0.1:8000",
    "localhost",
    "LOCALHOST:8000",
    "shop.localhost:8000",
    "[::1]:8000",
    "10.0.0.7",
    "localhost.:80",
)
NOT_OURS = (
    "evil.example",
    "evil.example:8000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "",
    "[evil",
    "::1.x",
)


@pytest.mark.parametrize("host", OURS)
def test_addresses_and_this_machines_own_name_pass(host):
    Hosts("", guarded=True).check(host)


@pytest.mark.parametrize("host", NOT_OURS)
def test_other_names_are_refused(host):
    with pytest.raises(Forbidden):
        Hosts("", guarded=True).check(host)


def test_public_names_pass_and_guard_a_server_that_asks_for_it():
    hosts = Hosts("Support.example, help.example", guarded=False)

    hosts.check("support.example:443")
    hosts.check("HELP.example")
    with pytest.raises(Forbidden):
        hosts.check("evil.example")


def test_without_any_name_a_server_of_ones_own_answers_to_all():
    Hosts("", guarded=False).check("evil.example")


async def test_the_demo_signs_nobody_in_for_a_page_that_was_pointed_here(shared_server):
    rebound = {"host": "evil.example", "origin": "http://evil.example"}
    async with httpx.AsyncClient(base_url=shared_server.url) as http:
        replies = [
            await http.post("/v1/demo/identity", json={"customer": "cus_amara"}, headers=rebound),
            await http.get("/", headers=rebound),
        ]
    with pytest.raises(InvalidStatus) as handshake:
        async with dial(shared_server, additional_headers={"host": "evil.example"}, origin="http://evil.example"):
            pass

    assert [(reply.status_code, reply.json()["code"]) for reply in replies] == [(403, "forbidden")] * 2
    assert handshake.value.response.status_code == 403

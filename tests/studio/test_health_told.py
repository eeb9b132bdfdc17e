"""The health of a release as the studio tells it: from its own documents, of the release in service, once."""

from __future__ import annotations

import asyncio
import datetime
import json

from assistant.studio.health import Health

PATIENCE_SECONDS = 30.0


def health(house, used=()):
    return Health(house.library, lambda: used, lambda: datetime.date(2026, 11, 23))


async def test_the_health_of_the_release_in_service_is_told_whole(house):
    page = "---\nupdated: 2020-01-01\n---\n# Returns\n\nYou may return any order within 60 days of delivery.\n"
    old = await asyncio.to_thread(house.write, "returns.md", page)
    documents = {one.source.rpartition("/")[2]: one.id for one in house.library.documents()}
    teller = health(house, used={documents["kettle.md"]: "2026-11-01"})

    told = await asyncio.to_thread(teller.report, PATIENCE_SECONDS)

    assert (told["release"], told["up_to_date"]) == (old, True)
    assert {one["id"] for one in told["unused"]} == {documents["shipping.md"], documents["returns.md"]}
    (found,) = told["contradictions"]
    assert {claim["document"] for claim in found["passages"]} == {documents["shipping.md"], documents["returns.md"]}
    for claim in found["passages"]:
        text = house.library.document(claim["document"]).text
        assert text[claim["start"] : claim["end"]] == claim["text"]
    assert [(one["id"], one["days"]) for one in told["stale"]] == [(documents["returns.md"], 2518)]
    assert json.dumps(told)


async def test_another_release_is_read_anew_and_the_same_one_is_not(house):
    teller = health(house)
    first = await asyncio.to_thread(teller.report, PATIENCE_SECONDS)
    page = "# Returns\n\nYou may return any order within 60 days of delivery.\n"
    await asyncio.to_thread(house.write, "returns.md", page)

    second = await asyncio.to_thread(teller.report, PATIENCE_SECONDS)
    again = await asyncio.to_thread(teller.report, 0.0)

    assert (len(first["contradictions"]), len(second["contradictions"])) == (0, 1)
    assert again == second

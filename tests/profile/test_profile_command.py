"""`tellonce profile` on a real data folder, customers and conversations in it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from assistant.app import open_journal, open_profiles
from assistant.commands.profile import app, read_records
from assistant.errors import BadFrame, Conflict, NotFound, TellonceError
from assistant.journal.events import Author, Kind, NewEvent, Role
from assistant.settings import load_settings

ADA: dict[str, Any] = {"id": "cus-1", "name": "Ada [Lowe]", "email": "ada@example.com", "since": "2023-04-01"}
ADAS_WORDS = NewEvent(Kind.MESSAGE, Author(Role.CUSTOMER, "Ada", "cus-1"), {"text": "My Lark 2 shows E4."})
NOTE = NewEvent(Kind.NOTE, Author(Role.AGENT, "Mia", "agt_1"), {"text": "Between colleagues."})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELLONCE_DATA_DIR", str(tmp_path / "data"))
    open_profiles(load_settings()).import_customers([ADA, {"id": "cus-2", "email": "ada@example.com"}])
    return tmp_path


@pytest.fixture
def conversation() -> str:
    return asyncio.run(_talk())


async def _talk() -> str:
    journal = open_journal(load_settings())
    conversation = await journal.create_conversation(visitor_id="vis_1", customer_id="cus-1")
    await journal.append(conversation.id, [ADAS_WORDS, NOTE])
    await journal.close()
    return conversation.id


def run(*words: str) -> Result:
    result = CliRunner().invoke(app, list(words))
    if isinstance(result.exception, TellonceError):
        raise result.exception  # the root command prints it as one sentence
    return result


def test_a_customer_is_shown_with_sources_and_past_conversations(conversation: str) -> None:
    shown = run("show", "cus-1").stdout
    assert "Ada [Lowe]" in shown
    assert "(import 20" in shown
    assert "My Lark 2 shows E4." in shown
    assert json.loads(run("show", "cus-1", "--json").stdout)["conversations"][0]["conversation_id"] == conversation


def test_without_a_name_all_are_listed() -> None:
    assert {line["id"] for line in json.loads(run("show", "--json").stdout)} == {"cus-1", "cus-2"}
    assert "cus-2" in run("show").stdout


def test_nobody_and_two_people_are_told_apart() -> None:
    with pytest.raises(NotFound, match="'cus-404'"):
        run("show", "cus-404")
    with pytest.raises(Conflict, match="cus-1, cus-2"):
        run("show", "ada@example.com")


def test_an_export_holds_what_was_said_but_no_colleagues_notes(conversation: str, folder: Path) -> None:
    run("export", "cus-1", "--output", str(folder / "ada.json"))
    document = json.loads((folder / "ada.json").read_text())
    assert document["profile"]["name"] == "Ada [Lowe]"
    (talk,) = document["conversations"]
    assert [event["data"]["text"] for event in talk["events"]] == ["My Lark 2 shows E4."]
    assert json.loads(run("export", "cus-1").stdout)["conversations"] == document["conversations"]


def test_what_was_exported_can_be_imported(folder: Path) -> None:
    run("export", "cus-1", "--output", str(folder / "ada.json"))
    result = run("import", str(folder / "ada.json"), "--json")
    assert json.loads(result.stdout) == {"read": 1, "imported": 1, "passed_over": 0}


def test_erasing_takes_profile_and_words_and_leaves_the_chain_whole(conversation: str, folder: Path) -> None:
    result = run("erase", "cus-1", "--yes", "--json")
    assert json.loads(result.stdout) == {"customer": "cus-1", "conversations": 1, "events": 2}
    with pytest.raises(NotFound):
        run("show", "cus-1")
    everything = b"".join(file.read_bytes() for file in (folder / "data").glob("tellonce.db*"))
    assert b"Lark 2 shows" not in everything
    assert b"Between colleagues" not in everything

    async def verify() -> list[tuple[int, str | None]]:
        journal = open_journal(load_settings())
        reports = [(report.erased, report.reason) async for report in journal.verify(conversation)]
        await journal.close()
        return reports

    assert asyncio.run(verify()) == [(2, None)]


def test_every_conversation_is_erased_however_many_there_are() -> None:
    async def talk_often() -> None:
        journal = open_journal(load_settings())
        for _ in range(130):  # more than one list of them
            one = await journal.create_conversation(visitor_id="vis_1", customer_id="cus-1")
            await journal.append(one.id, [ADAS_WORDS])
        await journal.create_conversation(visitor_id="vis_1", customer_id="cus-1")
        await journal.close()

    asyncio.run(talk_often())

    result = run("erase", "cus-1", "--yes", "--json")

    assert json.loads(result.stdout) == {"customer": "cus-1", "conversations": 131, "events": 130}


def test_erasing_asks_first(conversation: str) -> None:
    result = CliRunner().invoke(app, ["erase", "cus-1"], input="n\n")
    assert result.exit_code == 1
    assert run("show", "cus-1").exit_code == 0


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        pytest.param("a.json", '[{"id": "a"}, {"id": "b"}]', 2, id="a list"),
        pytest.param("a.json", '{"id": "a"}', 1, id="one"),
        pytest.param("a.jsonl", '{"id": "a"}\n\n{"id": "b"}\n', 2, id="lines"),
        pytest.param("a.json", '{"profile": {"id": "a"}, "conversations": []}', 1, id="an export"),
    ],
)
def test_records_are_read_from(folder: Path, name: str, text: str, count: int) -> None:
    (folder / name).write_text(text)
    assert len(read_records(folder / name)) == count


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        pytest.param("a.json", b"{", "line 1", id="no JSON"),
        pytest.param("a.jsonl", b'{"id": "a"}\n{', "line 2", id="a broken line"),
        pytest.param("a.json", b"[1]", "entry 1 is no customer", id="no object"),
        pytest.param("a.json", b"\xff\xfe", "UTF-8", id="another encoding"),
        pytest.param("missing.json", None, "cannot be read", id="no file"),
    ],
)
def test_a_file_that_is_off_is_named(folder: Path, name: str, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(BadFrame, match=complaint) as refused:
        run("import", str(folder / name))
    assert name in str(refused.value)

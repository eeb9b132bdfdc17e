"""`tellonce conversations`, run as people run it: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from assistant.journal.events import Author, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal

ROOT = Path(__file__).parents[2]
ADA = Author(Role.CUSTOMER, "Ada <b>", "visitor-1")


@pytest.fixture
async def conversation(migrated: Path, tmp_path: Path) -> str:
    """The id of a conversation in the data folder `tmp_path`, among others."""
    journal = SqliteJournal(shutil.copy(migrated, tmp_path / "tellonce.db"))
    for visitor in ("visitor-2", "visitor-1"):
        conversation = await journal.create_conversation(visitor_id=visitor)
        await journal.append(
            conversation.id, [NewEvent(Kind.MESSAGE, ADA, {"text": f"I am {visitor}, <i>hello</i> …"})]
        )
        await journal.append(conversation.id, [NewEvent(Kind.NOTE, Author(Role.AGENT, "Ben"), {"text": "a regular"})])
    await journal.append(conversation.id, [NewEvent(Kind.HANDOFF_REQUESTED, ADA, {"reason": "asked"})])
    await journal.close()
    return conversation.id


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TELLONCE_DATA_DIR": str(folder), "COLUMNS": "160", "TERM": "dumb"}
    command = [sys.executable, "-m", "assistant", "conversations", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_list_shows_newest_first_and_filters(conversation: str, tmp_path: Path) -> None:
    listed = run(tmp_path, "list")
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.index("visitor-1") < listed.stdout.index("visitor-2")
    queued = json.loads(run(tmp_path, "list", "--floor", "queue", "--json").stdout)
    assert [(found["id"], found["head_seq"]) for found in queued] == [(conversation, 3)]
    assert "No conversation fits." in run(tmp_path, "list", "--customer", "nobody").stdout


def test_show_prints_every_event_as_agents_see_it(conversation: str, tmp_path: Path) -> None:
    shown = run(tmp_path, "show", conversation)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.index("I am visitor-1, <i>hello</i> …") < shown.stdout.index("a regular")
    frames = json.loads(run(tmp_path, "show", conversation, "--json").stdout)["events"]
    assert [(frame["seq"], frame["prev"], frame["kind"]) for frame in frames] == [
        (1, 0, "message"),
        (2, 1, "note"),
        (3, 2, "handoff.requested"),
    ]


def test_export_writes_a_page_with_every_word_escaped(conversation: str, tmp_path: Path) -> None:
    page = tmp_path / "transcript.html"
    assert run(tmp_path, "export", conversation, "--format", "html", "--output", str(page)).returncode == 0
    html = page.read_text(encoding="utf-8")
    assert "&lt;i&gt;hello&lt;/i&gt;" in html
    assert "<i>" not in html
    assert "Ada &lt;b&gt;" in html


def test_verify_is_content_with_a_whole_journal(conversation: str, tmp_path: Path) -> None:
    verified = run(tmp_path, "verify")
    assert (verified.returncode, verified.stdout) == (0, "2 conversations, 5 events, 0 of them erased: all whole.\n")
    only = json.loads(run(tmp_path, "verify", conversation, "--json").stdout)
    assert only == {"conversations": 1, "events": 3, "erased": 0, "broken": []}


def test_verify_names_the_first_broken_event_of_each_broken_conversation(conversation: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "tellonce.db")) as connection:
        connection.execute("DROP TRIGGER events_refuse_update")
        connection.execute("UPDATE events SET data = replace(data, 'regular', 'stranger') WHERE seq = 2")
        connection.commit()
    verified = run(tmp_path, "verify")
    assert verified.returncode == 1
    assert f"broken {conversation} at event 2: the data is not what was written" in verified.stdout
    assert "2 broken" in verified.stdout
    broken = json.loads(run(tmp_path, "verify", conversation, "--json").stdout)["broken"]
    assert broken == [{"conversation": conversation, "seq": 2, "reason": "the data is not what was written"}]


@pytest.mark.parametrize(
    "words", [("show", "nothing"), ("export", "nothing"), ("verify", "nothing")], ids=lambda w: w[0]
)
def test_an_unknown_conversation_is_one_sentence(conversation: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    failed = run(tmp_path, *words)
    assert failed.returncode == 1
    assert failed.stderr == "error: There is no conversation nothing. `tellonce conversations list` shows their ids.\n"


def test_a_data_folder_without_a_database_is_told_and_left_alone(tmp_path: Path) -> None:
    failed = run(tmp_path / "elsewhere", "verify")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: There is no database at ")
    assert not (tmp_path / "elsewhere").exists()

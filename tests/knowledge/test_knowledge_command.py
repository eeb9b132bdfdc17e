"""`tellonce knowledge`, as people type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def tellonce(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TELLONCE_DATA_DIR": str(folder / "data"), "COLUMNS": "200"}
    command = [sys.executable, "-m", "assistant", "knowledge", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment, check=False)


@pytest.mark.slow
def test_add_reindex_status_and_search_tell_what_they_did(tmp_path: Path, shelf: Path) -> None:
    (shelf / "broken.pdf").write_bytes(b"nothing")

    added = tellonce(tmp_path, "add", str(shelf))
    again = tellonce(tmp_path, "reindex", "--json")
    status = tellonce(tmp_path, "status", "--json")
    found = tellonce(tmp_path, "search", "How do I boil water?", "--json")
    kettle = json.loads(found.stdout)["found"][0]["passage"]["document_id"]
    asked = tellonce(tmp_path, "search", "How bright is the lamp?", "--document", kettle, "--json")
    unknown = tellonce(tmp_path, "search", "How bright is the lamp?", "--document", "nobody-knows")

    assert "3 added, 0 changed, 0 removed, 0 unchanged" in added.stdout
    assert "broken.pdf" in added.stdout
    assert json.loads(again.stdout)["unchanged"] == 3
    assert json.loads(status.stdout)["release"] == 1
    assert json.loads(found.stdout)["found"][0]["passage"]["title"] == "Kettle"
    assert {one["passage"]["title"] for one in json.loads(asked.stdout)["found"]} == {"Kettle"}
    assert (unknown.returncode, "nobody-knows" in unknown.stderr) == (1, True)


@pytest.mark.slow
def test_add_ends_with_1_only_where_nothing_named_can_be_read(tmp_path: Path, shelf: Path) -> None:
    (shelf / "broken.pdf").write_bytes(b"nothing")

    folder = tellonce(tmp_path, "add", str(shelf))
    file = tellonce(tmp_path, "add", str(shelf / "broken.pdf"), "--json")
    both = tellonce(tmp_path, "add", str(shelf / "broken.pdf"), str(shelf), "--json")
    private = tellonce(tmp_path, "add", "http://127.0.0.1:1/help", "--json")

    assert (folder.returncode, file.returncode, both.returncode, private.returncode) == (0, 1, 0, 1)
    assert "private network" in str(json.loads(private.stdout)["faults"])


@pytest.mark.slow
def test_releases_are_listed_compared_published_and_rolled_back(tmp_path: Path, shelf: Path) -> None:
    tellonce(tmp_path, "add", str(shelf))
    (shelf / "kettle.md").write_text("# Kettle\n\nThe second edition of the kettle.\n")

    candidate = tellonce(tmp_path, "reindex", "--no-publish")
    listed = json.loads(tellonce(tmp_path, "releases", "--json").stdout)["releases"]
    changes = tellonce(tmp_path, "releases", "2")
    published = tellonce(tmp_path, "publish", "2")
    back = json.loads(tellonce(tmp_path, "rollback", "1", "--json").stdout)
    table = tellonce(tmp_path, "releases")
    unknown = tellonce(tmp_path, "publish", "7")

    assert "Release 2 waits to be published" in candidate.stdout
    assert "tellonce knowledge publish 2" in candidate.stdout
    assert [(one["number"], one["state"], one["changed"]) for one in listed] == [(2, "candidate", 1), (1, "live", 0)]
    assert "1 changed" in changes.stdout
    assert "Kettle (kettle.md)" in changes.stdout
    assert "Release 2 is in service" in published.stdout
    assert (back["number"], back["state"], back["published_by"]) == (1, "live", "command")
    assert "in service" in table.stdout
    assert unknown.returncode == 1
    assert "There is no release 7" in unknown.stderr
    assert "Traceback" not in unknown.stderr


@pytest.mark.slow
def test_what_is_removed_leaves_with_the_next_release_and_what_is_purged_at_once(tmp_path: Path, shelf: Path) -> None:
    tellonce(tmp_path, "add", str(shelf))

    asked = tellonce(tmp_path, "purge", str(shelf / "lamp.md"))
    purged = json.loads(tellonce(tmp_path, "purge", str(shelf / "lamp.md"), "--yes", "--json").stdout)
    unknown = tellonce(tmp_path, "purge", "nobody-knows", "--yes")
    removed = tellonce(tmp_path, "remove", str(shelf))
    emptied = json.loads(tellonce(tmp_path, "reindex", "--json").stdout)

    assert asked.returncode == 1
    assert [one["title"] for one in purged["documents"]] == ["Lamp"]
    assert purged["left"] == [str(shelf / "lamp.md")]
    assert (unknown.returncode, "nobody-knows" in unknown.stderr) == (1, True)
    assert "no source any more" in removed.stdout
    assert (emptied["removed"], emptied["passages"]) == (2, 0)


def test_a_path_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    result = tellonce(tmp_path, "add", "nowhere.md")

    assert result.returncode == 1
    assert "nowhere.md is not there" in result.stderr
    assert "Traceback" not in result.stderr

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

    assert "3 added, 0 changed, 0 removed, 0 unchanged" in added.stdout
    assert "broken.pdf" in added.stdout
    assert json.loads(again.stdout)["unchanged"] == 3
    assert json.loads(status.stdout)["release"] == 1
    assert json.loads(found.stdout)["found"][0]["passage"]["title"] == "Kettle"


def test_a_path_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    result = tellonce(tmp_path, "add", "nowhere.md")

    assert result.returncode == 1
    assert "nowhere.md is not there" in result.stderr
    assert "Traceback" not in result.stderr

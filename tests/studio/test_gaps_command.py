"""`tellonce knowledge gaps` and `questions`, run as people run them."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.commands.gaps import read_since
from assistant.errors import BadFrame

ROOT = Path(__file__).parents[2]
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)


def run(house, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TELLONCE_", "OPENAI_"))}
    environment |= {"TELLONCE_DATA_DIR": str(house.settings.data_dir)}
    command = [sys.executable, "-m", "assistant", "knowledge", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False, timeout=60)


async def test_gaps_are_shown_as_text_and_as_json_and_by_when_they_were_asked(house):
    await house.solved_by_nora(
        "Can you engrave a name on the kettle?", "Yes: up to 12 letters, for £15, at our workshop."
    )

    text, data = run(house, "gaps"), run(house, "gaps", "--json", "--since", "1d")
    later = run(house, "gaps", "--since", "2999-01-01", "--json")

    assert text.returncode == 0
    assert "engrave" in text.stdout
    (gap,) = json.loads(data.stdout)["gaps"]
    assert (gap["label"], gap["state"], gap["handed_over"]) == ("Can you engrave a name on the kettle?", "open", 1)
    assert json.loads(later.stdout) == {"gaps": []}


async def test_a_period_that_is_none_is_called_wrongly(house):
    result = run(house, "gaps", "--since", "soon")

    assert (result.returncode, "30d" in result.stderr) == (2, True)
    assert "There are no open gaps" in run(house, "gaps").stdout


async def test_questions_travel_by_file(house, tmp_path: Path):
    file, copy = tmp_path / "cases.yaml", tmp_path / "copy.yaml"
    file.write_text("topic: x\ncases: [{id: back, customer: null, tags: [], turns: [{say: 'Can I return it?'}]}]\n")

    other = tmp_path / "other.yaml"
    other.write_text(file.read_text().replace("back", "lost").replace("return it", "lose it"))

    empty = run(house, "questions", "export", str(copy))
    imported = run(house, "questions", "import", str(file), str(other), "--json")
    exported = run(house, "questions", "export", str(copy))
    missing = run(house, "questions", "import", str(file), str(tmp_path / "none.yaml"))

    assert (empty.returncode, "No question is saved yet" in empty.stderr) == (1, True)
    brought = [(one["id"], one["imported_from"]) for one in json.loads(imported.stdout)["questions"]]
    assert brought == [("back", "cases.yaml"), ("lost", "other.yaml")]
    assert "Wrote 2 questions" in exported.stdout
    assert "Can I return it?" in copy.read_text()
    assert (missing.returncode, "cannot be read" in missing.stderr) == (1, True)
    assert "back: Can I return it? (cases.yaml)" in run(house, "questions").stdout
    assert len(json.loads(run(house, "questions", "--json").stdout)["questions"]) == 2


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("30d", "2026-10-24T12:00:00.000Z"),
        ("12 h", "2026-11-23T00:00:00.000Z"),
        ("2w", "2026-11-09T12:00:00.000Z"),
        ("2026-11-01", "2026-11-01T00:00:00.000Z"),
        ("2026-11-01T10:00:00+02:00", "2026-11-01T08:00:00.000Z"),
    ],
)
def test_a_period_or_a_date_says_since_when(text, begin):
    assert read_since(text, NOW) == begin


@pytest.mark.parametrize("text", ["", "d", "30 moons", "2026-13-01", "-3d"])
def test_anything_else_is_refused_with_what_would_be_right(text):
    with pytest.raises(BadFrame, match="30d"):
        read_since(text, NOW)

"""`tellonce agents` on a real data folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.app import open_agents
from assistant.commands.agents import app
from assistant.errors import Conflict, NotFound
from assistant.settings import load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELLONCE_DATA_DIR", str(tmp_path / "data"))


def test_an_agent_is_added_listed_and_removed() -> None:
    run = CliRunner()
    added = json.loads(run.invoke(app, ["add", "mia@shop.example", "--role", "admin", "--json"]).stdout)
    assert open_agents(load_settings()).sign_in("mia@shop.example", added["password"]).name == "Mia"
    listed = json.loads(run.invoke(app, ["list", "--json"]).stdout)
    assert [(agent["email"], agent["role"]) for agent in listed] == [("mia@shop.example", "admin")]
    assert "password" not in listed[0]
    assert "mia@shop.example" in run.invoke(app, ["list"]).stdout
    assert run.invoke(app, ["remove", "mia@shop.example"]).exit_code == 0
    assert "No agents yet" in run.invoke(app, ["list"]).stdout


def test_the_password_that_is_printed_signs_in() -> None:
    printed = CliRunner().invoke(app, ["add", "mia@shop.example", "--name", "Mia [Stone]"]).stdout
    password = printed.split("Password: ")[1].split()[0]
    assert "Added Mia [Stone] (mia@shop.example), agent." in printed
    assert open_agents(load_settings()).sign_in("mia@shop.example", password).name == "Mia [Stone]"


def test_what_can_not_be_done_is_said() -> None:
    run = CliRunner()
    run.invoke(app, ["add", "mia@shop.example"])
    assert isinstance(run.invoke(app, ["add", "mia@shop.example"]).exception, Conflict)
    assert isinstance(run.invoke(app, ["remove", "ben@shop.example"]).exception, NotFound)
    assert run.invoke(app, ["add", "ben@shop.example", "--role", "boss"]).exit_code == 2

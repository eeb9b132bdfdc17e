"""`tellonce demo`: what it prepares, and what it leaves alone."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from assistant.app import open_agents, open_library, open_profiles
from assistant.commands import demo, terminal
from assistant.settings import load_settings


@pytest.fixture
def settings(data_dir):
    return load_settings(data_dir=data_dir)


def test_somebodys_own_documents_are_not_mixed_with_the_demos(settings):
    before = open_library(settings).status()

    demo.index_knowledge(settings, fresh=True)

    assert open_library(settings).status() == before


def test_what_an_earlier_demo_left_behind_is_known_no_more(tmp_path, capsys):
    settings = load_settings(data_dir=tmp_path)
    demo.index_knowledge(settings)
    first = open_library(settings).status()
    leftover = tmp_path / "demo-knowledge" / "manuals" / "ostrich.md"
    leftover.write_text("# Ostrich\n\nThe Ostrich lays eggs of 1.4 kg.", encoding="utf-8")
    open_library(settings).reindex()
    assert open_library(settings).status().documents == first.documents + 1

    demo.index_knowledge(settings)
    second = open_library(settings).status()
    demo.index_knowledge(settings)

    assert not leftover.exists()
    assert second.documents == first.documents
    assert open_library(settings).status().release == second.release
    assert "indexed already" in capsys.readouterr().err


def test_customers_are_imported_once_however_often_it_starts(settings):
    first = demo.import_customers(settings)
    demo.import_customers(settings)

    listed = open_profiles(settings).list()
    assert len(listed) == first >= 12


def test_each_start_signs_the_same_agent_in_anew(settings):
    links = {demo.make_agent(settings) for _ in range(2)}

    agents = open_agents(settings)
    assert len(links) == 2
    assert {agents.redeem_link(link).email for link in links} == {demo.DEMO_AGENT_EMAIL}
    assert [agent.email for agent in agents.list()] == [demo.DEMO_AGENT_EMAIL]


def test_the_editor_keeps_the_knowledge_and_reads_no_conversations(settings):
    editor = open_agents(settings).redeem_link(demo.make_editor(settings))

    assert editor.email == demo.DEMO_EDITOR_EMAIL
    assert (editor.may_enter_studio, editor.may_enter_desk) == (True, False)


@pytest.mark.parametrize(("width", "framed"), [(160, True), (80, False)])
def test_a_link_is_never_folded(settings, monkeypatch, width, framed):
    printed = io.StringIO()
    monkeypatch.setattr(terminal, "out", Console(file=printed, width=width, force_terminal=True, no_color=True))

    demo.show_pages(demo.Pages.of("http://127.0.0.1:8000", "t" * 43, "e" * 43), settings)

    lines = printed.getvalue().splitlines()
    assert any(f"http://127.0.0.1:8000/sign-in?token={'t' * 43}" in line for line in lines)
    assert any(f"http://127.0.0.1:8000/sign-in?token={'e' * 43}&to=studio" in line for line in lines)
    assert ("╭" in printed.getvalue()) is framed

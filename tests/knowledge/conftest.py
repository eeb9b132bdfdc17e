"""A library on a fresh database, with an embedder that needs no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assistant.database import open_engine, upgrade
from knowledge.library import Library
from knowledge.stand_ins import WordEmbedder


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(tmp_path / "data" / "tellonce.db")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def library(engine: Engine, tmp_path: Path, embedder: WordEmbedder) -> Library:
    return Library(engine, tmp_path / "data" / "knowledge", embedder)


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with three documents about different things."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "kettle.md").write_text("# Kettle\n\nFill the kettle with water and press start to boil it.\n")
    (folder / "lamp.md").write_text(
        "---\nproducts: [Robin]\n---\n# Lamp\n\nThe lamp shows E-17 when its bulb is broken.\n"
    )
    (folder / "faq.csv").write_text("question,answer\nHow long is the warranty?,Two years.\nDo you ship abroad?,Yes.\n")
    return folder

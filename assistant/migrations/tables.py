"""Every table of every room, gathered for Alembic. Floor: store; imported by migrations and their tests only."""

from __future__ import annotations

import importlib
from pathlib import Path

from sqlalchemy import MetaData

ROOT = Path(__file__).parents[2]


def all_metadata() -> list[MetaData]:
    """The assistant's tables and the knowledge house's own, with every `schema.py` of either imported."""
    from assistant.database import metadata

    for file in sorted((ROOT / "assistant").glob("*/schema.py")):
        importlib.import_module(f"assistant.{file.parent.name}.schema")
    return [metadata, importlib.import_module("knowledge.schema").metadata]

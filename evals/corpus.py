"""Knowledge to evaluate on, indexed by the product's own code and kept between runs. Floor: use case.

Each body of knowledge has a data folder of its own in the user's cache: an unchanged one costs a second run nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.settings import Settings
from evals.beir import DataSet, Row
from knowledge.documents import Document

Progress = Callable[[int, int, str], None]


def cache_folder() -> Path:
    """Where indexes are kept: `$XDG_CACHE_HOME/tellonce/evals`, or the system's usual place for caches."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "tellonce" / "evals"
    usual = Path("Library") / "Caches" if sys.platform == "darwin" else Path(".cache")
    return Path.home() / usual / "tellonce" / "evals"


def document_of(row: Row) -> Document:
    """A row of a corpus as a document whose text is the row's, character for character: quotes can be checked."""
    text = row.text if row.text.strip() else row.title
    digest = hashlib.sha256(json.dumps((row.title, text)).encode()).hexdigest()
    return Document(row.id, row.id, row.title, text, "text/markdown", digest)


def prepare_corpus(data: DataSet, settings: Settings, progress: Progress | None = None) -> Settings:
    """Settings whose data folder holds this corpus, indexed; only what is not there yet is worked on."""
    from assistant.app import open_library
    from knowledge.chunking import VERSION

    own = _own_settings(settings, f"{data.folder.name}-{data.corpus_hash[:12]}-{VERSION}")
    open_library(own).publish_documents([document_of(row) for row in data.corpus], progress)
    return own


def prepare_knowledge(
    name: str,
    sources: Sequence[Path],
    customers: Sequence[dict[str, Any]],
    settings: Settings,
    progress: Progress | None = None,
) -> Settings:
    """Settings whose data folder holds these sources, indexed as they are now, and these customers."""
    from assistant.app import open_library, open_profiles
    from knowledge.chunking import VERSION

    places = sorted(str(path.resolve()) for path in sources)
    digest = hashlib.sha256(json.dumps(places).encode()).hexdigest()
    own = _own_settings(settings, f"{name}-{digest[:12]}-{VERSION}")
    library = open_library(own)
    library.add(places)
    library.reindex(progress)
    open_profiles(own).import_customers(list(customers))
    return own


def _own_settings(settings: Settings, name: str) -> Settings:
    folder = cache_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    return settings.model_copy(update={"data_dir": folder, "database_url": None, "chroma_url": None})

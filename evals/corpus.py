"""Knowledge to evaluate on, indexed by the product's own code and kept between runs. Floor: use case.

Each body of knowledge has a data folder of its own in the user's cache: an unchanged one costs a second run nothing,
and after a change of reader, cutter or index only what the change touches is made anew.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import cast

from assistant.errors import TellonceError
from assistant.settings import Settings
from evals.beir import DataSet, Row
from knowledge.documents import Document

Progress = Callable[[int, int, str], None]

STAMP = "made-of.json"  # beside the index: what it was made of
USED = "last-used"  # its time tells when
KEPT_DAYS = 30


def cache_folder() -> Path:
    """Where indexes are kept: `$XDG_CACHE_HOME/tellonce/evals`, or the system's usual place for caches."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "tellonce" / "evals"
    usual = Path("Library") / "Caches" if sys.platform == "darwin" else Path(".cache")
    return Path.home() / usual / "tellonce" / "evals"


def text_of(row: Row) -> str:
    """The text that quotes are taken from: the row's, or its title where the title says it all."""
    return row.text if row.text.strip() else row.title


def document_of(row: Row) -> Document:
    """A row of a corpus as a document whose text is the row's, character for character: quotes can be checked."""
    digest = hashlib.sha256(json.dumps((row.title, text_of(row), index_revision())).encode()).hexdigest()
    return Document(row.id, row.id, row.title, text_of(row), "text/markdown", digest)


def prepare_corpus(data: DataSet, settings: Settings, progress: Progress | None = None) -> Settings:
    """Settings whose data folder holds this corpus, indexed; only what is not there yet is worked on."""
    from assistant.app import open_library

    own = _own_settings(settings, f"{data.name}-{data.corpus.digest[:12]}-{_in_file_names(settings.embedding_model)}")
    library = open_library(own)
    made_of = [data.corpus.digest, index_revision(), library.embedder.revision]
    stamp = own.data_dir / STAMP
    if _read_stamp(stamp) != [*made_of, library.release]:
        documents = cast("Sequence[Document]", _Documents(data, progress))  # gone through once, never held as a whole
        library.publish_documents(documents, progress)
        stamp.write_text(json.dumps([*made_of, library.release]), encoding="utf-8")
    return own


def prepare_knowledge(
    name: str, sources: Sequence[Path], settings: Settings, progress: Progress | None = None
) -> Settings:
    """Settings whose data folder holds these sources, indexed as they are now."""
    from assistant.app import open_library

    places = sorted(str(path.resolve()) for path in sources)
    digest = hashlib.sha256(json.dumps([places, index_revision()]).encode()).hexdigest()
    own = _own_settings(settings, f"{name}-{digest[:12]}-{_in_file_names(settings.embedding_model)}")
    library = open_library(own)
    library.add(places)
    library.reindex(progress)
    return own


class _Documents:
    """A corpus as documents, each made when it is its turn."""

    def __init__(self, data: DataSet, progress: Progress | None) -> None:
        self._data = data
        self._progress = progress

    def __len__(self) -> int:
        return len(self._data.corpus)

    def __iter__(self) -> Iterator[Document]:
        for done, row in enumerate(self._data.corpus, start=1):
            if not row.is_empty:
                yield document_of(row)
            if self._progress and (done % 50 == 0 or done == len(self)):
                self._progress(done, len(self), "cutting into passages")


# --- what an index is made by ---


@cache
def index_revision() -> str:
    """Names the code that cuts and indexes: all of `knowledge` that reindexing stands on, but for the file readers."""
    digest = hashlib.sha256()
    for name in sorted(_imported_by("knowledge.reindexing") | {"knowledge.chroma"}):
        digest.update(_source(name).encode())
    return digest.hexdigest()[:12]


def _imported_by(name: str) -> set[str]:
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        if module in seen or module.startswith("knowledge.reading"):
            continue
        seen.add(module)
        for node in ast.walk(ast.parse(_source(module))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("knowledge"):
                named = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                waiting += [name for name in named if name and _source(name)]
    return seen


@cache
def _source(module: str) -> str:
    """Its text; empty for what is no module, as a name within one."""
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return ""
    return Path(found.origin).read_text(encoding="utf-8") if found and found.origin else ""


def _read_stamp(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _in_file_names(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", text)[-40:]


def _own_settings(settings: Settings, name: str) -> Settings:
    folder = cache_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / USED).touch()
    except OSError as error:
        raise TellonceError(
            f"{folder} cannot be written ({error.strerror}). Indexes stand there: set XDG_CACHE_HOME to another folder."
        ) from error
    _drop_unused(time.time() - KEPT_DAYS * 86_400)
    return settings.model_copy(update={"data_dir": folder, "database_url": None, "chroma_url": None})


def _drop_unused(before: float) -> None:
    """Indexes that no run has used since then: of older corpora, of other models, of earlier versions of the code."""
    for used in cache_folder().glob(f"*/{USED}"):
        if used.stat().st_mtime < before:
            shutil.rmtree(used.parent, ignore_errors=True)

"""The knowledge tables, read and written in short transactions. Floor: store.

Every write here ends within milliseconds: the journal's writer waits for the same file, and acks must not.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CursorResult, Engine, Row, delete, func, insert, select, update

from knowledge import chunking
from knowledge.documents import Document, Passage
from knowledge.embedding import Vectors, content_key
from knowledge.schema import live, passages, release_versions, releases, sources, vectors, versions

BATCH = 200  # rows a transaction


@dataclass(frozen=True, slots=True)
class Release:
    """A release as its row tells it."""

    number: int
    state: str
    embedder: str
    store: str
    made_at: str | None
    documents: int
    passages: int


@dataclass(frozen=True, slots=True)
class Version:
    """One stored state of one document, without its text."""

    id: int
    document_id: str
    root: str
    source: str
    content_hash: str


class KnowledgeStore:
    """Sources, document versions, passages, releases and cached vectors in the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # sources

    def remember(self, locations: Iterable[str]) -> None:
        """Adds sources; those known already keep their place."""
        known = set(self.locations())
        with self._engine.begin() as connection:
            for location in dict.fromkeys(locations):
                if location not in known:
                    connection.execute(insert(sources).values(location=location, added_at=_now()))

    def locations(self) -> list[str]:
        """The sources in the order in which they were added."""
        with self._engine.connect() as connection:
            return list(connection.scalars(select(sources.c.location).order_by(sources.c.id)))

    # releases

    def live_release(self) -> Release | None:
        """The release in service; one indexed read, cheap enough for every search."""
        query = select(releases).join(live, live.c.release == releases.c.number)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return _release(row) if row else None

    def release(self, number: int) -> Release | None:
        with self._engine.connect() as connection:
            row = connection.execute(select(releases).where(releases.c.number == number)).first()
        return _release(row) if row else None

    def releases(self, state: str) -> list[Release]:
        """All releases in that state, oldest first."""
        query = select(releases).where(releases.c.state == state).order_by(releases.c.number)
        with self._engine.connect() as connection:
            return [_release(row) for row in connection.execute(query)]

    def begin_release(self, embedder: str, store: str) -> int:
        """The number of a new release that nobody sees yet."""
        with self._engine.begin() as connection:
            row = insert(releases).values(state="building", started_at=_now(), embedder=embedder, store=store)
            return _new_id(connection.execute(row))

    def list_versions(self, release: int, version_ids: Sequence[int]) -> None:
        """Writes which versions belong to a release."""
        for batch in _batches(version_ids):
            with self._engine.begin() as connection:
                connection.execute(insert(release_versions), [{"release": release, "version_id": v} for v in batch])

    def publish(self, release: int, *, documents: int, passage_count: int) -> None:
        """Puts a release in service: the one commit that switches every process."""
        with self._engine.begin() as connection:
            connection.execute(
                update(releases)
                .where(releases.c.number == release)
                .values(state="ready", made_at=_now(), documents=documents, passages=passage_count)
            )
            if connection.execute(update(live).where(live.c.id == 1).values(release=release)).rowcount == 0:
                connection.execute(insert(live).values(id=1, release=release))

    def forget_release(self, release: int) -> None:
        """Marks a release as dropped and lets its list of versions go; its number stays taken."""
        with self._engine.begin() as connection:
            connection.execute(delete(release_versions).where(release_versions.c.release == release))
            connection.execute(update(releases).where(releases.c.number == release).values(state="dropped"))

    # document versions

    def versions_of(self, release: int) -> list[Version]:
        """The versions in a release, in a fixed order."""
        query = (
            select(versions.c.id, versions.c.document_id, versions.c.root, versions.c.source, versions.c.content_hash)
            .join(release_versions, release_versions.c.version_id == versions.c.id)
            .where(release_versions.c.release == release, versions.c.cutter == chunking.VERSION)
            .order_by(versions.c.id)
        )
        with self._engine.connect() as connection:
            return [Version(*row) for row in connection.execute(query)]

    def save_versions(self, documents: Sequence[tuple[Document, str]]) -> list[int]:
        """The row ids of these states of documents, given with their roots; new ones are cut and stored, in one commit.

        Only the process that holds the reindexing lock saves versions.
        """
        known = self._known_versions([document.id for document, _ in documents])
        cut = [
            [] if (document.id, document.content_hash) in known else chunking.cut(document) for document, _ in documents
        ]
        with self._engine.begin() as connection:
            for (document, root), found in zip(documents, cut, strict=True):
                key = (document.id, document.content_hash)
                if key in known:
                    continue
                result = connection.execute(insert(versions).values(_version_row(document, root)))
                known[key] = _new_id(result)
                if found:
                    rows = [_passage_row(known[key], i, passage) for i, passage in enumerate(found)]
                    connection.execute(insert(passages), rows)
        return [known[document.id, document.content_hash] for document, _ in documents]

    def _known_versions(self, document_ids: Sequence[str]) -> dict[tuple[str, str], int]:
        query = select(versions.c.document_id, versions.c.content_hash, versions.c.id).where(
            versions.c.document_id.in_(document_ids), versions.c.cutter == chunking.VERSION
        )
        with self._engine.connect() as connection:
            return {(row.document_id, row.content_hash): int(row.id) for row in connection.execute(query)}

    def titles_and_products(self, release: int) -> list[tuple[str, tuple[str, ...]]]:
        """Of each document in a release that names products: its title and those."""
        query = (
            select(versions.c.title, versions.c.products)
            .join(release_versions, release_versions.c.version_id == versions.c.id)
            .where(release_versions.c.release == release, versions.c.products != "[]")
            .order_by(versions.c.id)
        )
        with self._engine.connect() as connection:
            return [(row.title, tuple(json.loads(row.products))) for row in connection.execute(query)]

    def document(self, document_id: str, release: int) -> Document | None:
        """A document as of a release, None when it was not in it."""
        query = (
            select(versions)
            .join(release_versions, release_versions.c.version_id == versions.c.id)
            .where(release_versions.c.release == release, versions.c.document_id == document_id)
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        return _document(row) if row else None

    def delete_unlisted(self) -> int:
        """Deletes the versions that no release lists, with their passages; how many there were."""
        unlisted = select(versions.c.id).where(
            ~select(release_versions.c.version_id).where(release_versions.c.version_id == versions.c.id).exists()
        )
        with self._engine.connect() as connection:
            gone = list(connection.scalars(unlisted))
        for batch in _batches(gone, 20):
            with self._engine.begin() as connection:
                connection.execute(delete(passages).where(passages.c.version_id.in_(batch)))
                connection.execute(delete(versions).where(versions.c.id.in_(batch)))
        return len(gone)

    # passages

    def passages_of(self, version_ids: Sequence[int]) -> Iterator[tuple[int, Passage]]:
        """Row id and passage, by version in the order given and by position within it."""
        for batch in _batches(version_ids):
            place = {version: i for i, version in enumerate(batch)}
            query = _PASSAGES.where(passages.c.version_id.in_(batch))
            with self._engine.connect() as connection:
                rows = list(connection.execute(query))
            rows.sort(key=lambda row: (place[row.version_id], row.position))
            for row in rows:
                yield int(row.id), _passage(row)

    def load_passages(self, row_ids: Sequence[int]) -> dict[int, Passage]:
        """Passages by row id; those that are gone are left out."""
        with self._engine.connect() as connection:
            rows = connection.execute(_PASSAGES.where(passages.c.id.in_(list(row_ids))))
            return {int(row.id): _passage(row) for row in rows}

    # vectors

    def cached_vectors(self, embedder: str, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors already made of these contents by this embedder."""
        found: dict[bytes, NDArray[np.float32]] = {}
        for batch in _batches(list(dict.fromkeys(keys)), 500):
            query = select(vectors.c.content, vectors.c.vector).where(
                vectors.c.embedder == embedder, vectors.c.content.in_(batch)
            )
            with self._engine.connect() as connection:
                for content, data in connection.execute(query):
                    found[bytes(content)] = np.frombuffer(data, "<f4")
        return found

    def cache_vectors(self, embedder: str, texts: Sequence[str], made: Vectors) -> None:
        """Keeps vectors under the content they were made of."""
        new = {content_key(text): made[i].astype("<f4").tobytes() for i, text in enumerate(texts)}
        known = self.cached_vectors(embedder, list(new))
        rows = [{"embedder": embedder, "content": k, "vector": v} for k, v in new.items() if k not in known]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(vectors), rows)

    def delete_vectors(self, *, keep_embedders: Iterable[str]) -> None:
        """Deletes the vectors of embedders that no kept release uses."""
        with self._engine.connect() as connection:
            stale = set(connection.scalars(select(vectors.c.embedder).distinct())) - set(keep_embedders)
        for embedder in stale:
            while self._delete_some_vectors(embedder):
                pass

    def _delete_some_vectors(self, embedder: str) -> int:
        some = select(vectors.c.content).where(vectors.c.embedder == embedder).limit(BATCH)
        with self._engine.begin() as connection:
            result = connection.execute(
                delete(vectors).where(vectors.c.embedder == embedder, vectors.c.content.in_(some.scalar_subquery()))
            )
            return int(result.rowcount)

    def counts(self) -> tuple[int, int]:
        """Stored versions and cached vectors."""
        with self._engine.connect() as connection:
            stored = connection.scalar(select(func.count()).select_from(versions))
            cached = connection.scalar(select(func.count()).select_from(vectors))
        return int(stored or 0), int(cached or 0)


_PASSAGES = select(
    passages,
    versions.c.document_id,
    versions.c.title,
    versions.c.url,
    versions.c.products,
    versions.c.language,
).join(versions, versions.c.id == passages.c.version_id)


def _new_id(result: CursorResult[Any]) -> int:
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _batches(items: Sequence[Any], size: int = BATCH) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def _release(row: Row[Any]) -> Release:
    return Release(row.number, row.state, row.embedder, row.store, row.made_at, row.documents, row.passages)


def _version_row(document: Document, root: str) -> dict[str, Any]:
    return {
        "document_id": document.id,
        "root": root,
        "source": document.source,
        "content_hash": document.content_hash,
        "cutter": chunking.VERSION,
        "title": document.title,
        "text": document.text,
        "media_type": document.media_type,
        "language": document.language,
        "url": document.url,
        "products": json.dumps(document.products, ensure_ascii=False),
        "changed_at": document.changed_at,
        "pages": json.dumps(document.pages),
    }


def _passage_row(version: int, position: int, passage: Passage) -> dict[str, Any]:
    return {
        "version_id": version,
        "position": position,
        "passage_id": passage.id,
        "section": json.dumps(passage.section, ensure_ascii=False),
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
        "question": passage.question,
        "lead": passage.lead,
    }


def _document(row: Row[Any]) -> Document:
    return Document(
        id=row.document_id,
        source=row.source,
        title=row.title,
        text=row.text,
        media_type=row.media_type,
        content_hash=row.content_hash,
        language=row.language,
        url=row.url,
        products=tuple(json.loads(row.products)),
        changed_at=row.changed_at,
        pages=tuple(json.loads(row.pages)),
    )


def _passage(row: Row[Any]) -> Passage:
    return Passage(
        id=row.passage_id,
        document_id=row.document_id,
        title=row.title,
        section=tuple(json.loads(row.section)),
        text=row.text,
        start=row.start,
        end=row.end,
        page=row.page,
        url=row.url,
        products=tuple(json.loads(row.products)),
        question=row.question,
        lead=row.lead,
        language=row.language,
    )

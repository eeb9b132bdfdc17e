"""The knowledge tables, read and written in short transactions. Floor: store.

Every write here ends within milliseconds: the journal's writer waits for the same file, and acks must not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, Row, delete, func, insert, select

from knowledge import chunking
from knowledge.documents import Document, Passage, ReadingFault, Source
from knowledge.embedding import Vectors
from knowledge.fetches import Fetch
from knowledge.releases import batches, new_id, now
from knowledge.schema import faults, fetches, passages, release_versions, sources, vectors, versions

BATCH = 200  # rows a transaction


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
                    connection.execute(insert(sources).values(location=location, added_at=now()))

    def locations(self) -> list[str]:
        """The sources in the order in which they were added."""
        with self._engine.connect() as connection:
            return list(connection.scalars(select(sources.c.location).order_by(sources.c.id)))

    def sources(self) -> tuple[Source, ...]:
        """The sources in the order in which they were added."""
        with self._engine.connect() as connection:
            return tuple(Source(*row) for row in connection.execute(select(sources).order_by(sources.c.id)))

    def forget_source(self, location: str) -> bool:
        """Removes a source; whether it was one."""
        with self._engine.begin() as connection:
            return connection.execute(delete(sources).where(sources.c.location == location)).rowcount > 0

    # what the newest run saw

    def faults(self) -> tuple[ReadingFault, ...]:
        """What the newest run could not read."""
        with self._engine.connect() as connection:
            query = select(faults.c.source, faults.c.reason).order_by(faults.c.id)
            return tuple(ReadingFault(*row) for row in connection.execute(query))

    def save_faults(self, found: Sequence[ReadingFault]) -> None:
        """Replaces the faults of the run before."""
        with self._engine.begin() as connection:
            connection.execute(delete(faults))
            if found:
                connection.execute(insert(faults), [{"source": f.source, "reason": f.reason} for f in found])

    def fetch_of(self, url: str) -> Fetch | None:
        """See `knowledge.fetches.FetchMemory`."""
        held = select(versions.c.id).where(versions.c.content_hash == fetches.c.content_hash).exists()
        with self._engine.connect() as connection:
            row = connection.execute(select(fetches).where(fetches.c.url == url, held)).first()
        return Fetch(*row) if row else None

    def save_fetch(self, fetch: Fetch) -> None:
        """See `knowledge.fetches.FetchMemory`."""
        with self._engine.begin() as connection:
            connection.execute(delete(fetches).where(fetches.c.url == fetch.url))
            connection.execute(insert(fetches).values(asdict(fetch)))

    # document versions

    def versions_of(self, release: int) -> list[Version]:
        """The versions in a release, in a fixed order."""
        query = (
            select(versions.c.id, versions.c.document_id, versions.c.root, versions.c.source, versions.c.content_hash)
            .join(release_versions, release_versions.c.version_id == versions.c.id)
            .where(release_versions.c.release == release)
            .order_by(versions.c.id)
        )
        with self._engine.connect() as connection:
            return [Version(*row) for row in connection.execute(query)]

    def stored_versions(self) -> list[Version]:
        """All versions that are cut as they would be today, of whatever release."""
        query = select(
            versions.c.id, versions.c.document_id, versions.c.root, versions.c.source, versions.c.content_hash
        ).where(versions.c.cutter == chunking.VERSION)
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
                result = connection.execute(insert(versions), _version_row(document, root))
                known[key] = new_id(result)
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
        for batch in batches(gone, 20):
            with self._engine.begin() as connection:
                connection.execute(delete(passages).where(passages.c.version_id.in_(batch)))
                connection.execute(delete(versions).where(versions.c.id.in_(batch)))
        return len(gone)

    # passages

    def document_passages(self, document_id: str, release: int) -> tuple[Passage, ...]:
        """The passages of a document as of a release, in order; none when it was not in it."""
        query = (
            _PASSAGES.join(release_versions, release_versions.c.version_id == versions.c.id)
            .where(release_versions.c.release == release, versions.c.document_id == document_id)
            .order_by(passages.c.position)
        )
        with self._engine.connect() as connection:
            return tuple(_passage(row) for row in connection.execute(query))

    def document_rows(self, document_id: str, release: int) -> tuple[int, ...]:
        """The row ids of those passages."""
        query = (
            select(passages.c.id)
            .join(release_versions, release_versions.c.version_id == passages.c.version_id)
            .join(versions, versions.c.id == passages.c.version_id)
            .where(release_versions.c.release == release, versions.c.document_id == document_id)
        )
        with self._engine.connect() as connection:
            return tuple(connection.execute(query).scalars())

    def passages_of(self, version_ids: Sequence[int]) -> Iterator[tuple[int, Passage]]:
        """Row id and passage, by version in the order given and by position within it."""
        for batch in batches(version_ids):
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

    def load_all(self, row_ids: Sequence[int]) -> Iterator[Passage]:
        """Passages in the order of these row ids, a batch in memory at a time; those that are gone are left out."""
        for batch in batches(row_ids):
            found = self.load_passages(batch)
            yield from (found[row] for row in batch if row in found)

    # vectors

    def cached_vectors(self, embedder: str, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors already made of these contents by this embedder."""
        found: dict[bytes, NDArray[np.float32]] = {}
        for batch in batches(list(dict.fromkeys(keys)), 500):
            query = select(vectors.c.content, vectors.c.vector).where(
                vectors.c.embedder == embedder, vectors.c.content.in_(batch)
            )
            with self._engine.connect() as connection:
                for content, data in connection.execute(query):
                    found[bytes(content)] = np.frombuffer(data, "<f4")
        return found

    def cache_vectors(self, embedder: str, made: Mapping[bytes, Vectors]) -> None:
        """Keeps vectors under the keys of the contents that they were made of; none may be there yet."""
        rows = [
            {"embedder": embedder, "content": key, "vector": vector.astype("<f4").tobytes()}
            for key, vector in made.items()
        ]
        for batch in batches(rows, 256):
            with self._engine.begin() as connection:
                connection.execute(insert(vectors), batch)

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
    versions.c.audience,
).join(versions, versions.c.id == passages.c.version_id)


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
        "audience": document.audience,
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
        audience=row.audience,
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
        audience=row.audience,
        position=row.position,
    )

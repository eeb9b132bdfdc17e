"""The rows of purges: what is to go, what it leads to in the database, what stays out afterwards. Floor: store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import CursorResult, Engine, Select, delete, func, insert, or_, select, text, update

from knowledge.documents import DocumentSummary
from knowledge.releases import SUMMARY, batches, now, summary_of
from knowledge.schema import fetches, files, passages, purges, release_versions, releases, vectors, versions

SCRUB_SECONDS = 10.0  # readers that hold the write-ahead log open end within milliseconds


@dataclass(frozen=True, slots=True)
class Doomed:
    """A document to be purged, and what it was read from."""

    document_id: str
    root: str
    source: str
    digest: str | None = None  # of the file's bytes; None for a page, and for a file that is gone
    id: int = 0


class Purges:
    """Purges begun and done. A done one keeps its row while what was purged must stay out of later releases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, documents: Sequence[str] | str) -> list[Doomed]:
        """The documents of these ids, or those read from one location, of whatever release."""
        query = select(versions.c.document_id, versions.c.root, versions.c.source).distinct()
        if isinstance(documents, str):
            path = Path(documents)
            files = [
                (versions.c.root == str(above)) & (versions.c.source == path.relative_to(above).as_posix())
                for above in path.parents
            ]
            query = query.where(or_(versions.c.root == documents, *files))
            queries: list[Select[tuple[str, str, str]]] = [query]
        else:
            queries = [query.where(versions.c.document_id.in_(batch)) for batch in batches(documents)]
        with self._engine.connect() as connection:
            rows: list[Any] = [row for one in queries for row in connection.execute(one)]
        return list({row[0]: Doomed(row[0], row[1], row[2]) for row in rows}.values())

    def begin(self, doomed: Sequence[Doomed], by: str) -> None:
        """Writes down what is to go, before anything does."""
        values = [
            {
                "document_id": d.document_id,
                "root": d.root,
                "source": d.source,
                "digest": d.digest,
                "by": by,
                "at": now(),
            }
            for d in doomed
        ]
        with self._engine.begin() as connection:
            connection.execute(delete(purges).where(purges.c.document_id.in_([d.document_id for d in doomed])))
            connection.execute(insert(purges), values)

    def pending(self) -> list[Doomed]:
        """What was begun and is not done."""
        return self._doomed(purges.c.done_at.is_(None))

    def kept_out(self) -> dict[str, Doomed]:
        """What was purged and must not come back by itself, by document id."""
        return {one.document_id: one for one in self._doomed(purges.c.done_at.is_not(None))}

    def _doomed(self, condition: object) -> list[Doomed]:
        columns = (purges.c.document_id, purges.c.root, purges.c.source, purges.c.digest, purges.c.id)
        with self._engine.connect() as connection:
            return [Doomed(*row) for row in connection.execute(select(*columns).where(condition))]  # type: ignore[arg-type]

    def readmit(self, location: str) -> list[tuple[str, str]]:
        """What was read from this file, folder or page may come back. Tells root and name of each file."""
        back = [
            one
            for one in self.kept_out().values()
            if location in (one.source, one.root) or Path(location) == Path(one.root) / one.source
        ]
        for batch in batches([one.id for one in back]):
            with self._engine.begin() as connection:
                connection.execute(delete(purges).where(purges.c.id.in_(batch)))
        return [(one.root, one.source) for one in back]

    def finish(self, staying_out: Iterable[int]) -> None:
        """All that was pending is done; only these need to be kept out from now on."""
        with self._engine.begin() as connection:
            staying = set(staying_out)
            for row in connection.scalars(select(purges.c.id).where(purges.c.done_at.is_(None))).all():
                one = purges.c.id == row
                done = update(purges).where(one).values(done_at=now()) if row in staying else delete(purges).where(one)
                connection.execute(done)

    # what they lead to

    def summaries(self, document_ids: Sequence[str]) -> tuple[DocumentSummary, ...]:
        """Each document as its newest version tells it."""
        found: dict[str, DocumentSummary] = {}
        for batch in batches(document_ids):
            counted = select(func.count()).where(passages.c.version_id == versions.c.id).scalar_subquery()
            query = select(*SUMMARY, counted.label("size")).where(versions.c.document_id.in_(batch))
            with self._engine.connect() as connection:
                rows: CursorResult[Any] = connection.execute(query.order_by(versions.c.id))
                for row in rows:
                    found[row.document_id] = summary_of(row, row.size)
        return tuple(found.values())

    def holders(self, document_ids: Sequence[str]) -> tuple[int, ...]:
        """The kept releases that list one of these documents, oldest first."""
        found: set[int] = set()
        for batch in batches(document_ids):
            query = (
                select(releases.c.number)
                .join(release_versions, release_versions.c.release == releases.c.number)
                .join(versions, versions.c.id == release_versions.c.version_id)
                .where(releases.c.state == "ready", versions.c.document_id.in_(batch))
            )
            with self._engine.connect() as connection:
                found.update(connection.scalars(query))
        return tuple(sorted(found))

    def versions_and_passages(self, document_ids: Sequence[str]) -> tuple[list[int], list[int]]:
        """The row ids of all versions of these documents, and of their passages."""
        found: tuple[list[int], list[int]] = [], []
        with self._engine.connect() as connection:
            for batch in batches(document_ids):
                found[0].extend(connection.scalars(select(versions.c.id).where(versions.c.document_id.in_(batch))))
            for batch in batches(found[0]):
                found[1].extend(connection.scalars(select(passages.c.id).where(passages.c.version_id.in_(batch))))
        return found

    def count_listed(self, release: int, version_ids: Sequence[int]) -> int:
        """How many of these versions a release lists."""
        listed = release_versions.c
        count = 0
        with self._engine.connect() as connection:
            for batch in batches(version_ids):
                query = select(func.count()).where(listed.release == release, listed.version_id.in_(batch))
                count += int(connection.scalar(query) or 0)
        return count

    def others_in(self, path: Path, doomed: Sequence[Doomed]) -> bool:
        """Whether a kept document that stays was read from this file, or from an archive that it is."""
        known: set[str] = set()
        for above in path.parents:
            name = path.relative_to(above).as_posix()
            inside = versions.c.source.startswith(f"{name}/", autoescape=True)
            query = select(versions.c.document_id).where(
                versions.c.root.in_([str(above), str(path)]), or_(versions.c.source == name, inside)
            )
            with self._engine.connect() as connection:
                known.update(connection.scalars(query))
        return bool(known - {one.document_id for one in doomed})

    # deleting

    def delete_cached(self, keys: Iterable[bytes]) -> int:
        """Deletes the cached vectors of these contents, of every embedder; how many there were."""
        count = 0
        with self._engine.connect() as connection:
            embedders = connection.scalars(select(vectors.c.embedder).distinct()).all()
        for embedder in embedders:
            for batch in batches(sorted(keys)):
                gone = delete(vectors).where(vectors.c.embedder == embedder, vectors.c.content.in_(batch))
                with self._engine.begin() as connection:
                    count += connection.execute(gone).rowcount
        return count

    def delete_contents(self, doomed: Sequence[Doomed], version_ids: Sequence[int]) -> None:
        """Deletes versions and passages, and what is remembered of the files and pages that they were read from."""
        for batch in batches(version_ids, 20):
            with self._engine.begin() as connection:
                connection.execute(delete(release_versions).where(release_versions.c.version_id.in_(batch)))
                connection.execute(delete(passages).where(passages.c.version_id.in_(batch)))
                connection.execute(delete(versions).where(versions.c.id.in_(batch)))
        with self._engine.begin() as connection:
            for one in doomed:
                connection.execute(delete(fetches).where(fetches.c.url == one.source))
                connection.execute(delete(files).where(files.c.root == one.root, files.c.name == one.source))

    def scrub(self) -> None:
        """What was deleted leaves the database's files too.

        SQLite overwrites it in place (`secure_delete`), and its write-ahead log, which holds older pages, is emptied as
        soon as no reader needs it. PostgreSQL's own vacuum frees rows; its log keeps them for as long as it is told to.
        """
        if self._engine.dialect.name != "sqlite":
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in (passages, versions, vectors):
                    connection.execute(text(f"VACUUM {table.name}"))
            return
        deadline = time.monotonic() + SCRUB_SECONDS
        while time.monotonic() < deadline:
            with self._engine.connect() as connection:
                row = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").first()
            if row is None or not row[0]:
                return
            time.sleep(0.05)

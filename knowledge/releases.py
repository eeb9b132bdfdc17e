"""The rows of releases: begun, listed, put in service, compared, dropped. Floor: store; `library.py` is the door.

Which release is in service is one row. Changing it is the switch, on every process at once.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Row, delete, func, insert, select, update

from knowledge.documents import DocumentSummary, ReleaseChanges, ReleaseInfo
from knowledge.embedding import Embedder
from knowledge.errors import ReleaseUnknown
from knowledge.schema import live, passages, publications, release_versions, releases, versions

BATCH = 500  # rows a transaction


@dataclass(frozen=True, slots=True)
class Release:
    """A release as its row tells it. `store` names its folder."""

    number: int
    state: str
    embedder: str
    store: str
    made_at: str | None
    documents: int
    passages: int
    embedder_name: str | None = None
    base: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a release holds, and what differs from the one that it was made after, in documents."""

    documents: int
    passages: int
    added: int = 0
    changed: int = 0
    removed: int = 0


class Releases:
    """The releases in the database. Every write ends within milliseconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def live(self) -> Release | None:
        """The release in service; one indexed read, cheap enough for every search."""
        with self._engine.connect() as connection:
            row = connection.execute(_LIVE).first()
        return _release(row) if row else None

    def get(self, number: int) -> Release:
        """A kept release.

        Raises:
            ReleaseUnknown: there is none of that number, or not any more.
        """
        with self._engine.connect() as connection:
            row = connection.execute(_READY.where(releases.c.number == number)).first()
        if row is None:
            raise ReleaseUnknown(_unknown(number))
        return _release(row)

    def ready(self) -> list[Release]:
        """All kept releases, oldest first."""
        return self._in_state("ready")

    def unfinished(self) -> list[Release]:
        """What a run that was cut short left behind."""
        return self._in_state("building")

    def _in_state(self, state: str) -> list[Release]:
        query = select(releases).where(releases.c.state == state).order_by(releases.c.number)
        with self._engine.connect() as connection:
            return [_release(row) for row in connection.execute(query)]

    def begin(self, embedder: Embedder, store: str, by: str, base: int | None) -> int:
        """The number of a new release that nobody sees yet."""
        row = insert(releases).values(
            state="building",
            started_at=now(),
            embedder=embedder.revision,
            embedder_name=embedder.name,
            store=store,
            made_by=by,
            base=base,
        )
        with self._engine.begin() as connection:
            return new_id(connection.execute(row))

    def list_versions(self, number: int, version_ids: Sequence[int]) -> None:
        """Writes which versions belong to a release."""
        for batch in batches(version_ids):
            with self._engine.begin() as connection:
                connection.execute(insert(release_versions), [{"release": number, "version_id": v} for v in batch])

    def finish(self, number: int, counts: Counts) -> None:
        """A release is whole: from now on it is a candidate."""
        with self._engine.begin() as connection:
            connection.execute(
                update(releases)
                .where(releases.c.number == number)
                .values(
                    state="ready",
                    made_at=now(),
                    documents=counts.documents,
                    passages=counts.passages,
                    added=counts.added,
                    changed=counts.changed,
                    removed=counts.removed,
                )
            )

    def put_in_service(self, number: int, by: str, how: str = "publish", *, instead_of: int | None = None) -> None:
        """The one commit that switches every process.

        Args:
            instead_of: nothing happens if another one than this is in service by now; None: whatever is.

        Raises:
            ReleaseUnknown: it is not kept any more.
        """
        with self._engine.begin() as connection:
            # the update comes first: it takes the write lock, so that nobody drops the release meanwhile
            kept = update(releases).where(releases.c.number == number, releases.c.state == "ready")
            if connection.execute(kept.values(state="ready")).rowcount == 0:
                raise ReleaseUnknown(_unknown(number))
            was = connection.scalar(select(live.c.release).where(live.c.id == 1))
            if was == number or instead_of not in (None, was):
                return
            if was is None:
                connection.execute(insert(live).values(id=1, release=number))
            else:
                connection.execute(update(live).where(live.c.id == 1).values(release=number))
            connection.execute(insert(publications).values(release=number, was=was, how=how, by=by, at=now()))

    def replace_store(
        self, number: int, store: str, without: Sequence[int], counts: Counts, embedder: Embedder | None = None
    ) -> None:
        """One commit after which a release lies in another folder and no longer lists some versions.

        Args:
            embedder: the one that made the vectors there, if it is another than before.
        """
        made_with = {"embedder": embedder.revision, "embedder_name": embedder.name} if embedder else {}
        with self._engine.begin() as connection:
            listed = release_versions.c
            for batch in batches(without):
                connection.execute(
                    delete(release_versions).where(listed.release == number, listed.version_id.in_(batch))
                )
            connection.execute(
                update(releases)
                .where(releases.c.number == number)
                .values(store=store, documents=counts.documents, passages=counts.passages, **made_with)
            )

    def forget(self, number: int) -> bool:
        """Marks a release as dropped and lets its list of versions go; its number stays taken. Never the live one."""
        with self._engine.begin() as connection:
            in_service = select(live.c.release).where(live.c.release == number).exists()
            gone = update(releases).where(releases.c.number == number, ~in_service).values(state="dropped")
            if connection.execute(gone).rowcount == 0:
                return False
            connection.execute(delete(release_versions).where(release_versions.c.release == number))
            return True

    # what people see

    def infos(self) -> tuple[ReleaseInfo, ...]:
        """All kept releases, newest first."""
        with self._engine.connect() as connection:
            in_service = connection.scalar(select(live.c.release))
            published = _last_publications(connection)
            rows = connection.execute(_READY.order_by(releases.c.number.desc())).all()
        return tuple(_info(row, in_service, published.get(row.number)) for row in rows)

    def info(self, number: int) -> ReleaseInfo:
        """One kept release.

        Raises:
            ReleaseUnknown: there is none of that number, or not any more.
        """
        for one in self.infos():
            if one.number == number:
                return one
        raise ReleaseUnknown(_unknown(number))

    def changes(self, number: int, against: int | None = None) -> ReleaseChanges:
        """What differs between two kept releases, document by document.

        Args:
            against: None is the one in service; for that one itself, the kept one before it, or nothing.

        Raises:
            ReleaseUnknown: one of them is not kept.
        """
        self.get(number)
        other = self._predecessor(number) if against is None else self.get(against).number
        after = {one.id: (one, mark) for one, mark in self._marked(number)}
        before = {one.id: (one, mark) for one, mark in self._marked(other)} if other is not None else {}
        return ReleaseChanges(
            number,
            other,
            added=tuple(one for one, _ in after.values() if one.id not in before),
            changed=tuple(one for one, mark in after.values() if one.id in before and before[one.id][1] != mark),
            removed=tuple(one for one, _ in before.values() if one.id not in after),
        )

    def _predecessor(self, number: int) -> int | None:
        in_service = self.live()
        if in_service is not None and in_service.number != number:
            return in_service.number
        base = self.get(number).base
        earlier = [one.number for one in self.ready() if one.number < number]
        return base if base in earlier else max(earlier, default=None)

    def documents(self, number: int) -> tuple[DocumentSummary, ...]:
        """The documents of a release in the order of their titles, without their texts."""
        return tuple(one for one, _ in self._marked(number))

    def _marked(self, number: int) -> Iterator[tuple[DocumentSummary, str]]:
        """The documents of a release, each with what tells its text from another version's."""
        counted = (
            select(passages.c.version_id, func.count().label("passage_count"))
            .join(release_versions, release_versions.c.version_id == passages.c.version_id)
            .where(release_versions.c.release == number)
            .group_by(passages.c.version_id)
            .subquery()
        )
        query = (
            select(*SUMMARY, counted.c.passage_count)
            .join(release_versions, release_versions.c.version_id == versions.c.id)
            .outerjoin(counted, counted.c.version_id == versions.c.id)
            .where(release_versions.c.release == number)
            .order_by(func.lower(versions.c.title), versions.c.source, versions.c.document_id)
        )
        with self._engine.connect() as connection:
            rows: CursorResult[Any] = connection.execute(query)
            for row in rows:
                yield summary_of(row, row.passage_count or 0), row.content_hash


_LIVE = select(releases).join(live, live.c.release == releases.c.number)
_READY = select(releases).where(releases.c.state == "ready")
SUMMARY: list[Any] = [
    versions.c.document_id,
    versions.c.title,
    versions.c.source,
    versions.c.media_type,
    versions.c.language,
    versions.c.products,
    versions.c.audience,
    versions.c.changed_at,
    versions.c.content_hash,
]


def summary_of(row: Row[Any], passage_count: int) -> DocumentSummary:
    """A row of the versions table as people see it in a list."""
    return DocumentSummary(
        id=row.document_id,
        title=row.title,
        source=row.source,
        media_type=row.media_type,
        language=row.language,
        products=tuple(json.loads(row.products)),
        audience=row.audience,
        changed_at=row.changed_at,
        passages=passage_count,
    )


def _last_publications(connection: Connection) -> dict[int, Row[Any]]:
    newest = select(func.max(publications.c.id)).group_by(publications.c.release)
    rows = connection.execute(select(publications).where(publications.c.id.in_(newest)))
    return {row.release: row for row in rows}


def _info(row: Row[Any], in_service: int | None, published: Row[Any] | None) -> ReleaseInfo:
    state = "live" if row.number == in_service else "kept" if published else "candidate"
    return ReleaseInfo(
        number=row.number,
        state=state,
        made_at=row.made_at,
        made_by=row.made_by,
        published_at=published.at if published else None,
        published_by=published.by if published else None,
        documents=row.documents,
        passages=row.passages,
        embedder=row.embedder_name or row.embedder,
        added=row.added,
        changed=row.changed,
        removed=row.removed,
    )


def _release(row: Row[Any]) -> Release:
    return Release(
        row.number,
        row.state,
        row.embedder,
        row.store,
        row.made_at,
        row.documents,
        row.passages,
        row.embedder_name,
        row.base,
    )


def _unknown(number: int) -> str:
    return f"There is no release {number}, or not any more: `tellonce knowledge releases` lists those that are kept."


def new_id(result: CursorResult[Any]) -> int:
    """The key that an insert was given."""
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def now() -> str:
    """The time as it is stored: RFC 3339, UTC, whole seconds."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def batches(items: Sequence[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """The items in lists of at most `size`."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])

"""The gaps' tables, read and written in short transactions. Floor: store.

Every change of the groups happens under the write lock and by whoever moves the position on: two processes that read
the same news keep it once.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import delete, insert, select, text, update

from assistant.database import reading, writing
from assistant.errors import NotFound
from assistant.studio.schema import answer_drafts, care_progress, gap_questions, gaps, used_documents
from knowledge.gaps import ANYTHING, Group, Grouping, Subject, Vector

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row

_ERASED = """SELECT q.conversation_id, q.seq FROM gap_questions q JOIN events e
    ON e.conversation_id = q.conversation_id AND e.seq = q.seq WHERE e.data IS NULL"""

Place = tuple[str, int]  # conversation id, seq


@dataclass(frozen=True, slots=True)
class Progress:
    """Up to which of the journal's events the gaps know it, and by whose vectors they are grouped."""

    position: int = 0
    embedder: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A question in a gap. `vector` is a unit vector; `release` the one that was searched for it."""

    place: Place
    at: str
    declined: bool
    thumbed_down: bool
    handed_over: bool
    release: int | None
    agent_seqs: tuple[int, ...]
    vector: Vector
    subject: Subject = ANYTHING
    gap_id: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap's own row; what is counted comes from its questions."""

    id: int
    subject: Subject
    closed_at: str | None = None
    closed_release: int | None = None
    checked_release: int | None = None
    reopened_at: str | None = None
    dismissed_at: str | None = None
    dismissed_by: str | None = None


class GapStore:
    """Reads and writes the gaps; synchronous."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def progress(self) -> Progress:
        with reading(self._engine) as connection:
            row = connection.execute(select(care_progress)).first()
        return Progress(row.position, row.embedder) if row else Progress()

    def gaps(self) -> list[Gap]:
        with reading(self._engine) as connection:
            return [_gap(row) for row in connection.execute(select(gaps).order_by(gaps.c.id))]

    def gap(self, gap_id: int) -> Gap:
        """Raises NotFound where there is none of that number."""
        with reading(self._engine) as connection:
            row = connection.execute(select(gaps).where(gaps.c.id == gap_id)).first()
        if row is None:
            raise NotFound("There is no such gap any more.")
        return _gap(row)

    def questions(self, gap_id: int | None = None) -> list[Kept]:
        """The questions of one gap or of all, oldest first."""
        query = select(gap_questions).order_by(gap_questions.c.at, gap_questions.c.conversation_id, gap_questions.c.seq)
        if gap_id is not None:
            query = query.where(gap_questions.c.gap_id == gap_id)
        with reading(self._engine) as connection:
            return [_kept(row) for row in connection.execute(query)]

    def known_places(self, conversation_ids: Sequence[str]) -> set[Place]:
        """The questions of these conversations that are in a gap."""
        columns = (gap_questions.c.conversation_id, gap_questions.c.seq)
        query = select(*columns).where(gap_questions.c.conversation_id.in_(conversation_ids))
        with reading(self._engine) as connection:
            return {(row[0], row[1]) for row in connection.execute(query)}

    def take(
        self,
        before: Progress,
        after: Progress,
        conversation_ids: Sequence[str],
        found: Sequence[Kept],
        used: Iterable[tuple[str, str]] = (),
    ) -> bool:
        """Puts what these conversations tell in place of what they told before. Whether it did: another may have.

        Args:
            found: their questions, oldest first; the vector of a question that is known already is not looked at.
            used: (document, when last) of documents that an answer quoted.
        """
        with writing(self._engine) as connection:
            if not _move_on(connection, before, after):
                return False
            query = select(gap_questions).where(gap_questions.c.conversation_id.in_(conversation_ids))
            known = {one.place: one for one in map(_kept, connection.execute(query))}
            groups = _Groups(connection)
            for one in found:
                if (old := known.pop(one.place, None)) is not None:
                    _rewrite(connection, replace(one, gap_id=old.gap_id))
                elif one.vector.size:  # it was forgotten a moment ago otherwise: its words are erased
                    groups.place(one)
            groups.leave(list(known.values()))
            for document_id, at in used:
                _note_use(connection, document_id, at)
        return True

    def forget_erased(self) -> list[Place]:
        """Drops the questions whose words are erased in the journal, and gaps that have none left; tells which."""
        with reading(self._engine) as connection:
            erased = [(row[0], row[1]) for row in connection.execute(text(_ERASED))]
        if erased:
            with writing(self._engine) as connection:
                _lock(connection)
                kept = [one for place in erased if (one := _at(connection, place)) is not None]
                _Groups(connection).leave(kept)
        return erased

    def adopt(self, embedder: str, encode: Callable[[Sequence[Kept]], Sequence[Vector]]) -> None:
        """Keeps every question where it is, with the vectors of another model."""
        questions = self.questions()
        vectors = encode(questions) if questions else []
        with writing(self._engine) as connection:
            _lock(connection)
            connection.execute(update(care_progress).values(embedder=embedder))
            centres: dict[int, Vector] = {}
            for one, vector in zip(questions, vectors, strict=True):
                where = (gap_questions.c.conversation_id == one.place[0]) & (gap_questions.c.seq == one.place[1])
                connection.execute(update(gap_questions).where(where).values(vector=_bytes(vector)))
                centres[one.gap_id] = centres.get(one.gap_id, np.zeros_like(vector)) + vector
            for gap_id, centre in centres.items():
                connection.execute(update(gaps).where(gaps.c.id == gap_id).values(centre=_bytes(centre)))

    def close(self, gap_id: int, release: int) -> None:
        """Its questions are answered by this release."""
        self._update(gap_id, closed_at=now(), closed_release=release, checked_release=release, reopened_at=None)

    def keep_open(self, gap_id: int, release: int, *, reopened: bool) -> None:
        """Its questions were rehearsed at this release, and are not answered. `reopened`: they had been."""
        values: dict[str, Any] = {"checked_release": release}
        if reopened:
            values |= {"closed_at": None, "closed_release": None, "reopened_at": now()}
        self._update(gap_id, **values)

    def dismiss(self, gap_id: int, by: str) -> None:
        """Raises NotFound where there is none of that number."""
        self._update(gap_id, dismissed_at=now(), dismissed_by=by)

    def used_documents(self) -> dict[str, str]:
        """The documents that a customer was ever answered from, and when last."""
        with reading(self._engine) as connection:
            return {row.document_id: row.last_at for row in connection.execute(select(used_documents))}

    def _update(self, gap_id: int, **values: Any) -> None:
        with writing(self._engine) as connection:
            if not connection.execute(update(gaps).where(gaps.c.id == gap_id).values(**values)).rowcount:
                raise NotFound("There is no such gap any more.")


class _Groups:
    """The groups while a transaction changes them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        rows = connection.execute(select(gaps.c.id, gaps.c.centre, gaps.c.about, gaps.c.closed_at)).all()
        self._grouping = Grouping(Group(row.id, _vector(row.centre), _subject(row.about)) for row in rows)
        self._closed_at = {row.id: row.closed_at for row in rows if row.closed_at}

    def place(self, one: Kept) -> None:
        """A new question joins its gap, which opens again if it was closed before it was asked; or begins one."""
        gap_id = self._grouping.nearest(one.vector, one.subject)
        if gap_id is None:
            new = {"centre": _bytes(one.vector), "about": _about(one.subject), "checked_release": one.release}
            gap_id = self._connection.execute(insert(gaps).values(**new).returning(gaps.c.id)).scalar_one()
            self._grouping.begin(gap_id, one.vector, one.subject)
        else:
            group = self._grouping.join(gap_id, one.vector, one.subject)
            values: dict[str, Any] = {"centre": _bytes(group.centre), "about": _about(group.subject)}
            if self._closed_at.get(gap_id, "~") < one.at:
                values |= {"closed_at": None, "closed_release": None, "reopened_at": now()}
                del self._closed_at[gap_id]
            self._connection.execute(update(gaps).where(gaps.c.id == gap_id).values(**values))
        _write(self._connection, replace(one, gap_id=gap_id))

    def leave(self, questions: Sequence[Kept]) -> None:
        """These are no questions of any gap any more; a gap without any is gone, with a draft nobody has touched."""
        for one in questions:
            where = (gap_questions.c.conversation_id == one.place[0]) & (gap_questions.c.seq == one.place[1])
            self._connection.execute(delete(gap_questions).where(where))
        for gap_id in {one.gap_id for one in questions}:
            left = self._connection.execute(
                select(gap_questions.c.vector).where(gap_questions.c.gap_id == gap_id)
            ).scalars()
            vectors = [_vector(blob) for blob in left]
            if vectors:
                centre = _bytes(np.sum(vectors, axis=0))
                self._connection.execute(update(gaps).where(gaps.c.id == gap_id).values(centre=centre))
                continue
            untouched = answer_drafts.c.edited_at.is_(None) & answer_drafts.c.accepted_at.is_(None)
            self._connection.execute(delete(answer_drafts).where((answer_drafts.c.gap_id == gap_id) & untouched))
            self._connection.execute(delete(gaps).where(gaps.c.id == gap_id))


def now() -> str:
    """The time as the journal writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lock(connection: Connection) -> None:
    """Takes the write lock, so that what is read next stays true until the commit."""
    connection.execute(update(care_progress).values(position=care_progress.c.position))


def _move_on(connection: Connection, before: Progress, after: Progress) -> bool:
    values = {"position": after.position, "embedder": after.embedder}
    where = (care_progress.c.position == before.position) & (care_progress.c.embedder == before.embedder)
    if connection.execute(update(care_progress).where(where).values(**values)).rowcount:
        return True
    if connection.execute(select(care_progress.c.id)).first() is not None:
        return False
    connection.execute(insert(care_progress).values(id=1, **values))
    return True


def _at(connection: Connection, place: Place) -> Kept | None:
    where = (gap_questions.c.conversation_id == place[0]) & (gap_questions.c.seq == place[1])
    row = connection.execute(select(gap_questions).where(where)).first()
    return _kept(row) if row is not None else None


def _write(connection: Connection, one: Kept) -> None:
    place = {"conversation_id": one.place[0], "seq": one.place[1]}
    connection.execute(insert(gap_questions).values(**place, **_values(one), vector=_bytes(one.vector)))


def _rewrite(connection: Connection, one: Kept) -> None:
    """What happened to a known question since: its words, and so its vector, are the same for ever."""
    where = (gap_questions.c.conversation_id == one.place[0]) & (gap_questions.c.seq == one.place[1])
    connection.execute(update(gap_questions).where(where).values(**_values(one)))


def _note_use(connection: Connection, document_id: str, at: str) -> None:
    where = used_documents.c.document_id == document_id
    known = connection.execute(select(used_documents.c.last_at).where(where)).scalar()
    if known is None:
        connection.execute(insert(used_documents).values(document_id=document_id, last_at=at))
    elif known < at:
        connection.execute(update(used_documents).where(where).values(last_at=at))


def _values(one: Kept) -> dict[str, Any]:
    return {
        "gap_id": one.gap_id,
        "at": one.at,
        "declined": one.declined,
        "thumbed_down": one.thumbed_down,
        "handed_over": one.handed_over,
        "release": one.release,
        "agent_seqs": list(one.agent_seqs),
    }


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        place=(row.conversation_id, row.seq),
        at=row.at,
        declined=row.declined,
        thumbed_down=row.thumbed_down,
        handed_over=row.handed_over,
        release=row.release,
        agent_seqs=tuple(row.agent_seqs),
        vector=_vector(row.vector),
        gap_id=row.gap_id,
    )


def _gap(row: Row[Any]) -> Gap:
    return Gap(
        id=row.id,
        subject=_subject(row.about),
        closed_at=row.closed_at,
        closed_release=row.closed_release,
        checked_release=row.checked_release,
        reopened_at=row.reopened_at,
        dismissed_at=row.dismissed_at,
        dismissed_by=row.dismissed_by,
    )


def _subject(about: dict[str, list[str]]) -> Subject:
    return Subject(frozenset(about.get("products", ())), frozenset(about.get("codes", ())))


def _about(subject: Subject) -> dict[str, list[str]]:
    return {"products": sorted(subject.products), "codes": sorted(subject.codes)}


def _vector(blob: bytes) -> Vector:
    return np.frombuffer(blob, "<f4").astype(np.float32)


def _bytes(vector: Any) -> bytes:
    return bytes(np.asarray(vector, "<f4").tobytes())

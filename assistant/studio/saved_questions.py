"""Questions that are asked again before every release: kept in the database, in the shape of `evals/cases`.

Floor: store. One click in a real conversation makes one, without what tells whose it was.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml
from sqlalchemy import delete, insert, select, update

from assistant.database import reading, writing
from assistant.errors import BadFrame, NotFound
from assistant.journal.events import Event, Kind, Role
from assistant.studio.comparable import CASES, SAVED, Comparable
from assistant.studio.happenings import question_at
from assistant.studio.personal import without_personal
from assistant.studio.schema import saved_questions
from assistant.studio.written_cases import QUESTION_MAX_CHARS, Said, check_expect, read_cases
from knowledge.documents import Turn

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row


TOPIC = "saved"
HISTORY_MAX = 6
SLUG_MAX_CHARS = 60
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class SavedQuestion:
    """A conversation whose last question is the one that matters. `conversation`, `seq`: where it was really asked."""

    id: str
    question: str
    history: tuple[Said, ...]
    customer: str | None
    tags: tuple[str, ...]
    expect: Mapping[str, Any]
    conversation: str | None
    seq: int | None
    made_by: str
    made_at: str
    imported_from: str | None = None  # the file of cases it came from

    def as_data(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "question": self.question,
            "history": [said.say for said in self.history],
            "customer": self.customer,
            "tags": list(self.tags),
            "expect": dict(self.expect),
            "conversation": self.conversation,
            "seq": self.seq,
            "made_by": self.made_by,
            "made_at": self.made_at,
            "imported_from": self.imported_from,
        }

    def comparable(self) -> list[Comparable]:
        """The question, and before it what else of the conversation is held to something, each after what precedes."""
        said = [*self.history, Said(self.question, self.expect)]
        origin = CASES if self.imported_from else SAVED
        place = (self.conversation, self.seq) if self.conversation and self.seq is not None else None
        return [
            Comparable(
                id=self.id if n == len(self.history) else f"{self.id}:{n + 1}",
                question=one.say,
                origin=origin,
                history=tuple(Turn("customer", earlier.say) for earlier in said[:n]),
                customer=self.customer,
                place=place,
                file=self.imported_from,
            )
            for n, one in enumerate(said)
            if n == len(self.history) or one.expect
        ]

    def as_case(self) -> dict[str, Any]:
        """As a file of `evals/cases` holds it."""
        turns = [*self.history, Said(self.question, self.expect)]
        return {
            "id": self.id,
            "customer": self.customer,
            "tags": list(self.tags),
            "turns": [{"say": t.say, **({"expect": dict(t.expect)} if t.expect else {})} for t in turns],
        }


class SavedQuestions:
    """The saved questions. Synchronous; every write is one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list_all(self) -> list[SavedQuestion]:
        """All of them, newest first."""
        order = (saved_questions.c.made_at.desc(), saved_questions.c.id)
        with reading(self._engine) as connection:
            return [_saved(row) for row in connection.execute(select(saved_questions).order_by(*order))]

    def comparable(self) -> list[Comparable]:
        """All of them, ready to be compared."""
        return [asked for one in self.list_all() for asked in one.comparable()]

    def load(self, question_id: str) -> SavedQuestion:
        """Raises NotFound where there is none of that id."""
        with reading(self._engine) as connection:
            row = connection.execute(select(saved_questions).where(saved_questions.c.id == question_id)).first()
        if row is None:
            raise NotFound("There is no such saved question.")
        return _saved(row)

    def add(
        self,
        question: str,
        by: str,
        *,
        history: Sequence[Said] = (),
        expect: Mapping[str, Any] | None = None,
        customer: str | None = None,
        tags: Sequence[str] = (),
        place: tuple[str, int] | None = None,
        slug: str | None = None,
    ) -> SavedQuestion:
        """Keeps a question. The same question of the same customer after the same history is kept once: its
        expectations are then replaced.

        Args:
            by: who keeps it, an agent's e-mail address or "command".
            place: conversation and seq where it was asked.
            slug: the id it should have; default: made of its words.

        Raises:
            BadFrame: it is empty or too long, or `expect` holds what no answer can be held to.
        """
        question = question.strip()
        if not 0 < len(question) <= QUESTION_MAX_CHARS:
            raise BadFrame(f"A question has 1 to {QUESTION_MAX_CHARS:,} characters.")
        wanted = check_expect(expect or {})
        with writing(self._engine) as connection:
            return _keep(
                connection,
                [*history, Said(question, wanted)],
                {"customer": customer, "tags": list(tags), "made_by": by, "made_at": _now()}
                | ({"conversation_id": place[0], "seq": place[1]} if place else {}),
                slug,
            )

    def add_from(self, events: Sequence[Event], seq: int, by: str, known: Iterable[str] = ()) -> SavedQuestion:
        """Keeps a question as it was asked in a conversation: with what the customer said before, without who it was.

        Args:
            events: the whole conversation.
            seq: the customer's message, or the answer to it.
            known: what is personal in this conversation (`personal.personal_of`).

        Raises:
            NotFound: message `seq` put no question to the assistant, or its words are erased.
        """
        seq = _asked_by(events, seq)
        question = question_at(events, seq)
        if question is None:
            raise NotFound("This message is no question that the assistant was asked, or its words are erased.")
        names = {event.author.name for event in events if event.author.role in (Role.CUSTOMER, Role.AGENT)}
        personal = [*known, *(name for name in names if name)]
        before = [turn.text for turn in question.earlier if turn.role == "customer"][-HISTORY_MAX:]
        found_useful = any(
            (e.data or {}).get("useful") is True and (e.data or {}).get("seq") == _answer_of(events, seq)
            for e in events
            if e.kind is Kind.RATED
        )
        return self.add(
            without_personal(question.text, personal).text,
            by,
            history=[Said(without_personal(text, personal).text, {}) for text in before],
            expect={"outcome": "answered"} if found_useful else {},
            tags=("real",),
            place=(question.conversation_id, seq),
        )

    def remove(self, question_id: str) -> None:
        """Raises NotFound where there is none of that id."""
        with writing(self._engine) as connection:
            if not connection.execute(delete(saved_questions).where(saved_questions.c.id == question_id)).rowcount:
                raise NotFound("There is no such saved question.")

    def forget(self, places: Iterable[tuple[str, int]]) -> None:
        """Removes those asked at these places: their words were erased where they came from."""
        with writing(self._engine) as connection:
            for conversation, seq in places:
                where = (saved_questions.c.conversation_id == conversation) & (saved_questions.c.seq == seq)
                connection.execute(delete(saved_questions).where(where))

    def places(self) -> list[tuple[str, int]]:
        """Where those that were made from conversations were asked."""
        columns = (saved_questions.c.conversation_id, saved_questions.c.seq)
        query = select(*columns).where(saved_questions.c.conversation_id.is_not(None))
        with reading(self._engine) as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    def as_topic(self) -> dict[str, Any]:
        """All of them as one file of `evals/cases` would hold them, oldest first."""
        return {"topic": TOPIC, "cases": [one.as_case() for one in reversed(self.list_all())]}

    def as_yaml(self) -> str:
        """The same as text; empty where nothing is saved, since a file without cases is none."""
        topic = self.as_topic()
        return yaml.safe_dump(topic, sort_keys=False, allow_unicode=True, width=110) if topic["cases"] else ""

    def import_yaml(self, text: str, by: str, file: str | None = None) -> list[SavedQuestion]:
        """Keeps every case of a file in the shape of `evals/cases`, in place of what that file brought before.

        Args:
            file: its name, which is shown with each of its questions; None: they came from nowhere in particular.

        Raises:
            BadFrame: it is no such file, and nothing is changed; the sentence names the case.
        """
        cases = read_cases(text)
        with writing(self._engine) as connection:
            if file is not None:
                connection.execute(delete(saved_questions).where(saved_questions.c.imported_from == file))
            origin = {"made_by": by, "made_at": _now(), "imported_from": file}
            return [
                _keep(connection, case.said, {"customer": case.customer, "tags": list(case.tags), **origin}, case.id)
                for case in cases
            ]


def _keep(connection: Connection, said: Sequence[Said], values: dict[str, Any], slug: str | None) -> SavedQuestion:
    """One more question, or the one that asks the same already, held to what is expected now."""
    *history, last = said
    before = [{"say": one.say, "expect": dict(one.expect)} for one in history]
    connection.execute(update(saved_questions).where(saved_questions.c.id == "").values(id=""))  # the lock
    rows = connection.execute(select(saved_questions)).all()
    wording = (last.say, [one.say for one in history], values["customer"])
    same = next((row for row in rows if _wording(row) == wording), None)
    if same is not None:
        where, expect = saved_questions.c.id == same.id, dict(last.expect)
        connection.execute(update(saved_questions).where(where).values(expect=expect, history=before))
        return replace(_saved(same), expect=expect, history=tuple(history))
    made = {"id": _free(slug or _slug(last.say), {row.id for row in rows}), "question": last.say, "history": before}
    connection.execute(insert(saved_questions).values(**made, **values, expect=dict(last.expect)))
    return _saved(connection.execute(select(saved_questions).where(saved_questions.c.id == made["id"])).one())


def _wording(row: Row[Any]) -> tuple[str, list[str], str | None]:
    return row.question, [said["say"] for said in row.history], row.customer


def _asked_by(events: Sequence[Event], seq: int) -> int:
    """The customer's message that is meant: the one named, or the one that the named answer answers."""
    for event in events:
        if event.seq == seq and event.author.role is Role.ASSISTANT:
            return int((event.data or {}).get("turn") or seq)
    return seq


def _answer_of(events: Sequence[Event], turn: int) -> int | None:
    for event in events:
        if (
            event.kind is Kind.MESSAGE
            and event.author.role is Role.ASSISTANT
            and (event.data or {}).get("turn") == turn
        ):
            return event.seq
    return None


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-")[:SLUG_MAX_CHARS].strip("-") or "question"


def _free(slug: str, taken: set[str]) -> str:
    """The slug, numbered where it is taken."""
    number = 2
    free = slug
    while free in taken:
        free = f"{slug}-{number}"
        number += 1
    return free


def _saved(row: Row[Any]) -> SavedQuestion:
    return SavedQuestion(
        id=row.id,
        question=row.question,
        history=tuple(Said(said["say"], said.get("expect") or {}) for said in row.history),
        customer=row.customer,
        tags=tuple(row.tags),
        expect=row.expect,
        conversation=row.conversation_id,
        seq=row.seq,
        made_by=row.made_by,
        made_at=row.made_at,
        imported_from=row.imported_from,
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Questions that are asked again before every release: kept in the database, in the shape of `evals/cases`.

Floor: store. One click in a real conversation makes one, without what tells whose it was.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml
from sqlalchemy import delete, insert, select, update

from assistant.errors import BadFrame, NotFound
from assistant.journal.events import Event, Kind, Role
from assistant.studio.happenings import question_at
from assistant.studio.personal import without_personal
from assistant.studio.schema import saved_questions
from knowledge.documents import Turn

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row

    from assistant.studio.comparing import Comparable

TOPIC = "saved"
EXPECTED = frozenset(("outcome", "facts", "cites", "never"))  # what `evals.cases.Expectation` knows
OUTCOMES = frozenset(("answered", "acted", "clarifying", "declined", "handoff"))
QUESTION_MAX_CHARS = 8000
HISTORY_MAX = 6
SLUG_MAX_CHARS = 60
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing the customer says, and what the answer to it is held to (`evals/cases/README.md`)."""

    say: str
    expect: Mapping[str, Any]


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
        }

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
        with self._engine.connect() as connection:
            return [_saved(row) for row in connection.execute(select(saved_questions).order_by(*order))]

    def comparable(self) -> list[Comparable]:
        """All of them, ready to be compared."""
        from assistant.studio.comparing import SAVED, Comparable

        return [
            Comparable(one.id, one.question, SAVED, tuple(Turn("customer", s.say) for s in one.history), one.customer)
            for one in self.list_all()
        ]

    def load(self, question_id: str) -> SavedQuestion:
        """Raises NotFound where there is none of that id."""
        with self._engine.connect() as connection:
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
        said = [{"say": one.say, "expect": dict(one.expect)} for one in history]
        with self._engine.begin() as connection:
            connection.execute(update(saved_questions).where(saved_questions.c.id == "").values(id=""))  # the lock
            rows = connection.execute(select(saved_questions)).all()
            wording = (question, said, customer)
            same = next((row for row in rows if (row.question, row.history, row.customer) == wording), None)
            if same is not None:
                where = saved_questions.c.id == same.id
                connection.execute(update(saved_questions).where(where).values(expect=wanted))
                return _saved(connection.execute(select(saved_questions).where(where)).one())
            values = {
                "id": _free(slug or _slug(question), {row.id for row in rows}),
                "question": question,
                "history": said,
                "customer": customer,
                "tags": list(tags),
                "expect": wanted,
                "conversation_id": place[0] if place else None,
                "seq": place[1] if place else None,
                "made_by": by,
                "made_at": _now(),
            }
            connection.execute(insert(saved_questions).values(**values))
            return _saved(connection.execute(select(saved_questions).where(saved_questions.c.id == values["id"])).one())

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
        with self._engine.begin() as connection:
            if not connection.execute(delete(saved_questions).where(saved_questions.c.id == question_id)).rowcount:
                raise NotFound("There is no such saved question.")

    def forget(self, places: Iterable[tuple[str, int]]) -> None:
        """Removes those asked at these places: their words were erased where they came from."""
        with self._engine.begin() as connection:
            for conversation, seq in places:
                where = (saved_questions.c.conversation_id == conversation) & (saved_questions.c.seq == seq)
                connection.execute(delete(saved_questions).where(where))

    def places(self) -> list[tuple[str, int]]:
        """Where those that were made from conversations were asked."""
        columns = (saved_questions.c.conversation_id, saved_questions.c.seq)
        query = select(*columns).where(saved_questions.c.conversation_id.is_not(None))
        with self._engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    def as_topic(self) -> dict[str, Any]:
        """All of them as one file of `evals/cases` would hold them, oldest first."""
        return {"topic": TOPIC, "cases": [one.as_case() for one in reversed(self.list_all())]}

    def as_yaml(self) -> str:
        """The same as text; empty where nothing is saved, since a file without cases is none."""
        topic = self.as_topic()
        return yaml.safe_dump(topic, sort_keys=False, allow_unicode=True, width=110) if topic["cases"] else ""

    def import_yaml(self, text: str, by: str) -> list[SavedQuestion]:
        """Keeps every case of a file in the shape of `evals/cases`; all or none.

        Raises:
            BadFrame: it is no such file; the sentence names the case.
        """
        cases = _read_cases(text)
        return [
            self.add(
                turns[-1].say,
                by,
                history=turns[:-1],
                expect=turns[-1].expect,
                customer=case.get("customer"),
                tags=[str(tag) for tag in case.get("tags") or ()],
                slug=str(case["id"]),
            )
            for case, turns in cases
        ]


def check_expect(expect: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer is held to, in the words of `evals/cases`; empty entries are dropped.

    Raises:
        BadFrame: a word or a value of it is not known there.
    """
    if not isinstance(expect, Mapping) or set(expect) - EXPECTED:
        raise BadFrame(f"`expect` may hold {', '.join(sorted(EXPECTED))} and nothing else.")
    wanted = {key: value for key, value in expect.items() if value not in (None, [], (), "")}
    outcomes = wanted.get("outcome", "answered")
    if not set([outcomes] if isinstance(outcomes, str) else outcomes) <= OUTCOMES:
        raise BadFrame(f"`outcome` is one of {', '.join(sorted(OUTCOMES))}, or a list of them.")
    for key in ("facts", "cites", "never"):
        value = wanted.get(key, [])
        if not isinstance(value, (list, tuple)) or not all(isinstance(text, str) and text.strip() for text in value):
            raise BadFrame(f"`{key}` is a list of texts.")
        for text in value:
            _check_pattern(key, text)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in wanted.items()}


def _check_pattern(key: str, text: str) -> None:
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        try:
            re.compile(text[1:-1])
        except re.error as error:
            raise BadFrame(f"`{key}` holds {text}, which is no regular expression: {error}.") from error


def _read_cases(text: str) -> list[tuple[dict[str, Any], list[Said]]]:
    try:
        topic = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadFrame(f"This is no YAML: {getattr(error, 'problem', None) or 'it cannot be read'}.") from error
    cases = topic.get("cases") if isinstance(topic, dict) else None
    if not isinstance(cases, list) or not cases:
        raise BadFrame("This file holds no `cases`: its shape is told in evals/cases/README.md.")
    found = []
    for n, case in enumerate(cases, 1):
        name = case.get("id") if isinstance(case, dict) else None
        turns = case.get("turns") if isinstance(case, dict) else None
        if not name or not isinstance(turns, list) or not turns:
            raise BadFrame(f"Case {name or n} needs an `id` and `turns`.")
        if not all(
            isinstance(turn, dict) and isinstance(turn.get("say"), str) and turn["say"].strip() for turn in turns
        ):
            raise BadFrame(f"Case {name}: each of its turns needs a `say`.")
        try:
            found.append((case, [Said(turn["say"], check_expect(turn.get("expect") or {})) for turn in turns]))
        except BadFrame as error:
            raise BadFrame(f"Case {name}: {error}") from error
    return found


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
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Which answers a release would change: questions answered at two releases, told apart. Floor: use case.

Saved questions, last week's real ones and cases the caller brings; nothing is published and nothing is written.
"""

from __future__ import annotations

import asyncio
import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.profile.customer import Customer
from assistant.studio.comparable import RECENT, Comparable
from assistant.studio.happenings import question_at
from assistant.studio.journal_reading import JournalReading
from assistant.studio.personal import personal_of, without_personal
from assistant.studio.rehearsing import Rehearsal, RehearsedAnswer, loading_nameless
from assistant.studio.saved_questions import SavedQuestions
from assistant.turn.understanding import Intent
from knowledge.errors import IndexMissing, ReleaseUnknown

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from assistant.settings import Settings
    from knowledge.documents import Turn
    from knowledge.index import Progress
    from knowledge.library import Library

SAME, WORDING, SOURCES, OUTCOME = "same", "wording", "sources", "outcome"
CHANGES = (OUTCOME, SOURCES, WORDING, SAME)  # what matters most first
RECENT_DAYS = 7
RECENT_MAX = 200
_SPACE = re.compile(r"[\W_]+")

LoadCustomer = Callable[[str], Customer | None]


@dataclass(frozen=True, slots=True)
class Compared:
    """One question with both answers. `change`: same, wording, sources or outcome."""

    asked: Comparable
    before: RehearsedAnswer
    after: RehearsedAnswer

    @property
    def change(self) -> str:
        return tell_change(self.before, self.after)

    def as_data(self) -> dict[str, Any]:
        return {
            "question": self.asked.question,
            "origin": self.asked.origin,
            "id": self.asked.id,
            "file": self.asked.file,
            "history": [turn.text for turn in self.asked.history if turn.role == "customer"],
            "before": self.before.as_data(),
            "after": self.after.as_data(),
            "change": self.change,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every question's answers at `release` and at `against`, the gravest change first."""

    release: int
    against: int
    questions: tuple[Compared, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many of each change; `gained`: answered only now, `lost`: answered only before."""
        return count_changes([(one.change, one.before.is_answered, one.after.is_answered) for one in self.questions])

    def as_data(self) -> dict[str, Any]:
        """What `tellonce knowledge reindex --compare --json` prints of it."""
        return {
            "release": self.release,
            "against": self.against,
            "questions": [one.as_data() for one in self.questions],
            "counts": self.counts,
        }


def count_changes(changes: Sequence[tuple[str, bool, bool]]) -> dict[str, int]:
    """See `Comparison.counts`, of (change, answered before, answered after)."""
    counts = Counter(change for change, _, _ in changes)
    gained = sum(after and not before for _, before, after in changes)
    lost = sum(before and not after for _, before, after in changes)
    return {"questions": len(changes), **{c: counts[c] for c in CHANGES}, "gained": gained, "lost": lost}


def compare_releases(
    library: Library,
    settings: Settings,
    engine: Engine,
    release: int,
    against: int | None = None,
    *,
    cases: Sequence[Comparable] = (),
    load_customer: LoadCustomer | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Answers the saved questions, last week's real ones and `cases` at both releases. Blocks: call it from a thread.

    Args:
        against: None takes the release in service.
        load_customer: (customer id) -> profile; what they own narrows an answer, and nothing else of it is used.
        progress: called as (done, total, what) from the calling thread.

    Raises:
        IndexMissing: nothing is in service to compare with.
        ReleaseUnknown: one of the releases is not kept.
    """
    other = against if against is not None else library.release
    if other is None:
        raise IndexMissing("Nothing is in service to compare with: publish a release first.")
    releases = {one.number for one in library.releases()}
    if missing := {release, other} - releases:
        raise ReleaseUnknown(f"Release {min(missing)} is not kept any more: choose another one.")
    kept = [*SavedQuestions(engine).comparable(), *cases]
    since = _days_ago(RECENT_DAYS)
    asked = [*kept, *recent_questions(JournalReading(engine), since, but=kept, load_customer=load_customer)]
    rehearsal = Rehearsal(library, settings, load_customer=loading_nameless(load_customer))
    return asyncio.run(compare(rehearsal, asked, release, other, progress=progress))


async def compare(
    rehearsal: Rehearsal,
    asked: Iterable[Comparable],
    release: int,
    against: int,
    *,
    progress: Progress | None = None,
) -> Comparison:
    """The same for these questions. One whose searches find the same at both releases is composed once."""
    questions = list(asked)
    tell = progress or _silent
    answers: list[RehearsedAnswer] = []
    for one in questions:  # one release after the other: each is opened once
        answers.append(await _answer(rehearsal, one, against, None))
        tell(len(answers), 2 * len(questions), f"answering by release {against}")
    compared = []
    for one, before in zip(questions, answers, strict=True):
        compared.append(Compared(one, before, await _answer(rehearsal, one, release, before)))
        tell(len(questions) + len(compared), 2 * len(questions), f"answering by release {release}")
    compared.sort(key=lambda one: CHANGES.index(one.change))
    return Comparison(release, against, tuple(compared))


def tell_change(before: RehearsedAnswer, after: RehearsedAnswer) -> str:
    """What differs most: the outcome, the documents quoted, the words, or nothing."""
    if (before.outcome, before.hand_over) != (after.outcome, after.hand_over):
        return OUTCOME
    if {c.document for c in before.citations} != {c.document for c in after.citations}:
        return SOURCES
    quoted = [c.quote for c in before.citations] == [c.quote for c in after.citations]
    return SAME if quoted and before.text.split() == after.text.split() else WORDING


def recent_questions(
    journal: JournalReading,
    since: str,
    *,
    limit: int = RECENT_MAX,
    but: Sequence[Comparable] = (),
    load_customer: LoadCustomer | None = None,
) -> list[Comparable]:
    """The questions for the knowledge that customers asked since then (RFC 3339), newest first, each wording once.

    Args:
        but: asked anyway: none of them a second time, whether it was kept from where it was asked or says the same.
    """
    found: dict[str, Comparable] = {}
    places = {one.place for one in but}
    worded = {(_wording(one.question), _said_before(one.history), one.customer) for one in but}
    for conversation_id, seq, wording in _asked_since(journal, since):
        place = (conversation_id, seq)
        if wording in found or place in places:
            continue
        customer = journal.customer_of(conversation_id)
        live = question_at(journal.events(conversation_id), seq, customer)
        if live is None:
            continue
        ways = ((wording, ()), (_wording(live.text), _said_before(live.earlier)))  # alone, and after what was said
        if any((*way, who) in worded for way in ways for who in (None, customer)):
            continue
        profile = load_customer(customer) if load_customer and customer else None
        question = without_personal(live.text, personal_of(profile)).text
        found[wording] = Comparable(
            f"{conversation_id}:{seq}", question, RECENT, customer=customer, live=live, place=place
        )
        if len(found) == limit:
            break
    return list(found.values())


def _asked_since(journal: JournalReading, since: str) -> Iterator[tuple[str, int, str]]:
    """(conversation, seq, wording that tells repeats) of answers that were searched for."""
    for conversation_id, evidence in journal.newest_evidence(since):
        turn, words = evidence.get("turn"), str(evidence.get("standalone") or "")
        if isinstance(turn, int) and evidence.get("intent") == Intent.QUESTION.value and words:
            yield conversation_id, turn, _wording(words)


def _wording(words: str) -> str:
    """What tells that two questions are the same: neither case nor punctuation counts."""
    return _SPACE.sub(" ", words.casefold()).strip()


def _said_before(history: Iterable[Turn]) -> tuple[str, ...]:
    return tuple(_wording(turn.text) for turn in history if turn.role == "customer")


async def _answer(rehearsal: Rehearsal, one: Comparable, release: int, like: RehearsedAnswer | None) -> RehearsedAnswer:
    if one.live is not None:
        return await rehearsal.answer_question(one.live, release, like=like)
    return await rehearsal.answer(one.question, one.history, release, one.customer, product=one.product, like=like)


def _days_ago(days: int) -> str:
    return (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)).isoformat(timespec="milliseconds")


def _silent(done: int, total: int, what: str) -> None:
    pass

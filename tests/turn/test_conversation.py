"""A line folds events as they come; what it tells of a question is what the whole of the events tells."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.journal.events import ASSISTANT, SYSTEM, Author, Event, Kind, NewEvent, Role, answered_seq
from assistant.journal.transcript import ASSISTANT_FLOOR
from assistant.turn.conversation import KEPT_EVENTS, Line, foreseen_question, question_of, turns_of

CUSTOMER = Author(Role.CUSTOMER, "Priya", "cus_1")
AGENT = Author(Role.AGENT, "Mia", "agt_1")


def message(author: Author, text: str, client_id: str | None = None) -> NewEvent:
    return NewEvent(Kind.MESSAGE, author, {"text": text}, client_id)


def folded(new_events: list[NewEvent]) -> Line:
    line = Line("con_1", None, ASSISTANT_FLOOR, None, 0)
    for new in new_events:
        seq = line.head + 1
        client_id = f"turn-{line.unanswered}" if new.author is ASSISTANT and line.unanswered else new.client_id
        assert line.fold(Event("con_1", seq, 0, "", new.kind, new.author, new.data, client_id))
    return line


HAPPENINGS = st.lists(
    st.one_of(
        st.sampled_from(["Is it loud?", "And the Mini?", "  "]).map(lambda text: message(CUSTOMER, text)),
        st.just(message(ASSISTANT, "It has 38 dB.")),
        st.just(message(AGENT, "I am Mia.")),
        st.just(message(SYSTEM, "An update.")),
        st.just(NewEvent(Kind.EVIDENCE, ASSISTANT, {"about": ["Lark"]})),
        st.sampled_from([Kind.HANDOFF_REQUESTED, Kind.HANDOFF_RETURNED, Kind.CONVERSATION_ENDED]).map(
            lambda kind: NewEvent(kind, SYSTEM, {})
        ),
    ),
    max_size=14,
)


@settings(deadline=None)
@given(HAPPENINGS)
def test_a_question_is_what_the_whole_of_the_events_leaves_open(happened: list[NewEvent]) -> None:
    line = folded(happened)
    question = question_of(line)
    assert (question is None) == (line.unanswered is None)
    if question is None or line.unanswered is None:
        return
    settled = 0
    for event in line.events:
        if (answered := answered_seq(event)) is not None:
            settled = max(settled, answered)
        elif event.kind in (Kind.CONVERSATION_ENDED, Kind.HANDOFF_RETURNED) or event.author.role is Role.AGENT:
            settled = max(settled, event.seq)
    waiting = [
        event
        for event in line.events
        if event.kind is Kind.MESSAGE and event.author.role is Role.CUSTOMER and settled < event.seq <= line.unanswered
    ] or [event for event in line.events if event.seq == line.unanswered]
    first = waiting[0].seq
    assert question.text == "\n".join(event.text for event in waiting if event.text.strip())
    assert list(question.events) == [e for e in line.events if e.seq < first or answered_seq(e) is not None]
    assert question.earlier == turns_of(question.events)


def test_what_falls_out_of_memory_falls_out_of_the_turns_too() -> None:
    line = folded([message(CUSTOMER if n % 2 else ASSISTANT, f"{n}") for n in range(2 * KEPT_EVENTS + 10)])
    assert len(line.events) <= 2 * KEPT_EVENTS
    assert [turn for _, turn in line.turns] == turns_of(line.events)
    assert line.client_ids == {event.client_id for event in line.events if event.client_id}


def test_a_question_foreseen_is_the_one_that_is_owed_once_it_is_committed() -> None:
    line = folded([message(CUSTOMER, "Is it loud?"), message(ASSISTANT, "It has 38 dB.")])
    coming = message(CUSTOMER, "And the Mini?", "b7c1")
    foreseen = foreseen_question(line, (coming,))
    line.fold(Event("con_1", 3, 2, "2026-11-29T12:00:00.000Z", coming.kind, coming.author, coming.data, "b7c1"))
    assert foreseen == question_of(line)
    assert foreseen_question(line, (coming,)) is None  # a repeat is owed nothing

"""What a conversation's events tell of: which questions got no good answer, and why; what was quoted."""

from __future__ import annotations

import pytest

from assistant.journal.events import ASSISTANT, SYSTEM, Author, Event, Kind, Role, turn_client_id
from assistant.studio.happenings import agent_answer, find_sources, find_unanswered, question_at

CUSTOMER, NORA = Author(Role.CUSTOMER, None, "vis_1"), Author(Role.AGENT, "Nora", "agt_1")


class Conversation:
    """Events in the order in which they would be committed."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind, author, data, client_id=None):
        seq = len(self.events) + 1
        at = f"2026-11-23T10:00:{seq:02}.000Z"
        self.events.append(Event("c1", seq, seq - 1, at, kind, author, data, client_id))
        return seq

    def exchange(self, text, outcome="answered", intent="question", cites=(), **notes):
        turn = self.add(Kind.MESSAGE, CUSTOMER, {"text": text})
        evidence = {"turn": turn, "intent": intent, "question": text, "standalone": text, "release": 3, **notes}
        self.add(Kind.EVIDENCE, ASSISTANT, evidence, f"evidence-{turn}")
        citations = [{"document": name} for name in cites]
        said = {"text": "…", "outcome": outcome, "turn": turn, "citations": citations}
        return self.add(Kind.MESSAGE, ASSISTANT, said, turn_client_id(turn))

    def rate(self, seq, useful):
        self.add(Kind.RATED, CUSTOMER, {"seq": seq, "useful": useful})

    def hand_over(self):
        self.add(Kind.HANDOFF_REQUESTED, CUSTOMER, {"reason": "Asked for a person."})
        self.add(Kind.HANDOFF_ACCEPTED, NORA, {"agent": {"name": "Nora"}})

    def agent(self, text):
        return self.add(Kind.MESSAGE, NORA, {"text": text})


@pytest.fixture
def talk():
    return Conversation()


def reasons(talk):
    return [
        (one.question, one.declined, one.thumbed_down, one.handed_over, one.reason)
        for one in find_unanswered(talk.events)
    ]


def test_an_answered_question_is_none(talk):
    talk.exchange("How long is the warranty?")

    assert reasons(talk) == []


def test_what_was_declined_thumbed_down_or_handed_over_is_told_with_each_reason(talk):
    talk.exchange("Can you engrave it?", "declined", about=["Lark 2"])
    talk.rate(talk.exchange("How long does delivery take?"), useful=False)
    talk.exchange("Is the lid glass?")
    talk.hand_over()

    assert reasons(talk) == [
        ("Can you engrave it?", True, False, False, "declined"),
        ("How long does delivery take?", False, True, False, "thumbed_down"),
        ("Is the lid glass?", False, False, True, "handed_over"),
    ]
    first = find_unanswered(talk.events)[0]
    assert (first.seq, first.at, first.release, first.about) == (1, "2026-11-23T10:00:01.000Z", 3, ("Lark 2",))


def test_that_does_not_help_takes_the_answer_before_back(talk):
    talk.exchange("How long does delivery take?")
    talk.exchange("That does not help", "declined", intent="unhappy")

    assert reasons(talk) == [("How long does delivery take?", False, True, False, "thumbed_down")]


@pytest.mark.parametrize("intent", ["greeting", "order_status", "reports_urgent", "ask_human"])
def test_what_no_page_could_have_answered_is_none(talk, intent):
    talk.exchange("Where is my order?", "declined", intent=intent)
    talk.hand_over()

    assert reasons(talk) == []


def test_only_the_question_before_the_handoff_is_handed_over_and_not_one_that_helped(talk):
    talk.exchange("How long is the warranty?")
    useful = talk.exchange("Is the lid glass?")
    talk.rate(useful, useful=True)
    talk.hand_over()

    assert reasons(talk) == []


def test_a_conversation_that_ended_in_between_is_another_matter(talk):
    talk.exchange("Is the lid glass?")
    talk.add(Kind.CONVERSATION_ENDED, SYSTEM, {})
    talk.hand_over()

    assert reasons(talk) == []


def test_the_agents_answer_is_what_was_written_until_the_conversation_was_given_back(talk):
    talk.exchange("Can you engrave it?", "declined")
    talk.hand_over()
    talk.agent("Hello Ada, one moment.")
    talk.agent("Hi Ada,\n\nour workshop engraves up to 12 letters for £15.\n\nKind regards,\nNora")
    talk.agent("It takes one more day, and cannot be returned then.")
    talk.agent("Would you like me to order that for you now?")
    talk.add(Kind.HANDOFF_RETURNED, NORA, {})
    talk.exchange("Thanks!", intent="thanks")
    (one,) = find_unanswered(talk.events)

    told = agent_answer(talk.events, one.agent_seqs)

    assert told == (
        "Our workshop engraves up to 12 letters for £15.\n\nIt takes one more day, and cannot be returned then."
    )
    assert agent_answer(talk.events, ()) is None


def test_erased_words_tell_nothing(talk):
    talk.exchange("Can you engrave it?", "declined")
    erased = [Event(e.conversation_id, e.seq, e.prev, e.at, e.kind, e.author, None, e.client_id) for e in talk.events]

    assert find_unanswered(erased) == []
    assert find_sources(erased) == {}
    assert question_at(erased, 1) is None


def test_documents_are_used_when_they_were_quoted_last(talk):
    talk.exchange("One?", cites=["a", "b"])
    second = talk.exchange("Two?", cites=["b"])

    assert find_sources(talk.events) == {
        "a": "2026-11-23T10:00:03.000Z", "b": f"2026-11-23T10:00:{second:02}.000Z"
    }  # fmt: skip


def test_a_question_is_put_again_with_what_was_said_before_it_and_nothing_after(talk):
    talk.exchange("How loud is the Petrel?")
    talk.exchange("And the Mini?")
    talk.exchange("Thanks", intent="thanks")

    question = question_at(talk.events, 4, "cus_1")

    assert question is not None
    assert (question.text, question.customer_id, question.seq) == ("And the Mini?", "cus_1", 4)
    assert [turn.text for turn in question.earlier] == ["How loud is the Petrel?", "…"]
    assert question_at(talk.events, 5) is None
    assert question_at([], 1) is None


def test_messages_that_were_answered_together_are_one_question(talk):
    talk.add(Kind.MESSAGE, CUSTOMER, {"text": "I have a Petrel."})
    talk.exchange("How loud is it?", "declined")

    question = question_at(talk.events, 2)

    assert question is not None
    assert question.text == "I have a Petrel.\nHow loud is it?"
    assert reasons(talk) == [("I have a Petrel.\nHow loud is it?", True, False, False, "declined")]

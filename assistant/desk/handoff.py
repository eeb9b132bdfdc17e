"""The handoff packet: all that an agent needs before the first word, from what the journal and the profile hold.

Floor: pure, and no language model: every line of it is somebody's words or a record, so that an agent can rely on it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import quote as quote_url

from assistant.journal.events import Event, Kind, Role
from assistant.profile.customer import Customer
from assistant.profile.dates import say_date
from knowledge.documents import Findings, Found

QUOTE_MAX_CHARS = 200
ANSWER_MAX_CHARS = 320
SUGGESTION_MAX_CHARS = 700
SUGGESTION_MIN_SIMILARITY = 0.45  # below it the passage is rarely about the question; the agent writes alone
SUGGESTION_MIN_SHARE = 0.5  # of the first passage's sureness; the next of another product has a tenth of it
PASSAGES = 5

_MARKS = re.compile(r"\*\*|`|\s?\[\d{1,2}\]|^#{1,6} ", re.MULTILINE)

# messages that hold nothing for a colleague to answer, by what the turn understood (`turn.evidence`)
SMALL_TALK = frozenset({"greeting", "thanks", "farewell", "are_you_a_bot", "ask_human", "unreadable"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One thing the customer asked, and what came of it. `useful`: what the customer thought of the answer."""

    question_seq: int
    question: str
    answer_seq: int | None = None
    answer: str | None = None
    by: str | None = None
    outcome: str | None = None
    useful: bool | None = None
    citations: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether it was answered, and the customer did not say that this was of no use."""
        return self.outcome in ("answered", "acted", "said") and self.useful is not False

    def as_data(self) -> dict[str, Any]:
        data = asdict(self)
        data["question"] = plain_line(self.question, QUOTE_MAX_CHARS)
        data["answer"] = plain_line(self.answer, ANSWER_MAX_CHARS) if self.answer else None
        data["settled"] = self.is_settled
        data["citations"] = [
            {key: c.get(key) for key in ("n", "title", "section", "url", "quote")} for c in self.citations
        ]
        return data


def build_packet(
    conversation_id: str,
    events: Sequence[Event],
    *,
    customer: Customer | None = None,
    findings: Findings | None = None,
) -> dict[str, Any]:
    """The `packet` frame of PROTOCOL section 4.

    Args:
        events: the whole conversation, internal kinds included.
        customer: the verified customer with past conversations among the touchpoints; None for a visitor.
        findings: what the knowledge holds about `find_open_question(events)`, if it was searched.
    """
    exchanges = find_exchanges(events)
    open_question = find_open_question(events)
    tried = [citation for exchange in exchanges for citation in exchange.citations]
    found = findings.found[:PASSAGES] if findings else ()
    return {
        "type": "packet",
        "conversation": conversation_id,
        "customer": _customer(customer, events),
        "timeline": build_timeline(events, customer),
        "transcript": [transcript_line(event) for event in events if event.kind in _SPOKEN],
        "summary": summarise(events, exchanges, customer, open_question),
        "tried": [exchange.as_data() for exchange in exchanges if exchange.answer is not None],
        "open_question": open_question,
        "passages": [_passage(one, findings.release, tried) for one in found] if findings else [],
        "suggested_reply": suggest_reply(customer, open_question, findings, tried),
    }


def find_exchanges(events: Sequence[Event]) -> list[Exchange]:
    """What was asked and what came of it, in order; small talk and requests for a person are left out.

    Several messages in a row that got one answer together are one question. "That does not help" takes back that the
    answer before it was one.
    """
    answers = {_answered_turn(e): e for e in events if _is_answer(e)}
    intents = {(e.data or {}).get("turn"): (e.data or {}).get("intent") for e in events if e.kind is Kind.EVIDENCE}
    ratings = {(e.data or {}).get("seq"): (e.data or {}).get("useful") for e in events if e.kind is Kind.RATED}
    found: list[Exchange] = []
    pending: list[Event] = []
    for event in events:
        if event.kind is not Kind.MESSAGE:
            continue
        if event.author.role is Role.CUSTOMER:
            intent = intents.get(event.seq)
            if intent == "unhappy" and found:
                found[-1] = replace(found[-1], useful=False)
            elif intent not in SMALL_TALK and event.text.strip():
                pending.append(event)
                if event.seq in answers:
                    found.append(_exchange(pending, answers[event.seq], ratings))
                    pending = []
        elif event.author.role is Role.AGENT and pending:
            found.append(_exchange(pending, event, ratings))
            pending = []
    return [*found, _exchange(pending, None, ratings)] if pending else found


def find_open_question(events: Sequence[Event]) -> str | None:
    """The newest question that was not settled, in the customer's own words; None when everything was.

    A customer who asks for a person right after an answer is not done with that question, unless they called it useful.
    """
    exchanges = find_exchanges(events)
    requested_seq = max((e.seq for e in events if e.kind is Kind.HANDOFF_REQUESTED), default=0)
    unsettled = [exchange for exchange in exchanges if not exchange.is_settled]
    last = exchanges[-1] if exchanges else None
    if last and last.answer_seq and last.answer_seq < requested_seq and last.useful is not True:
        return last.question
    return unsettled[-1].question if unsettled else None


def summarise(
    events: Sequence[Event], exchanges: Sequence[Exchange], customer: Customer | None, open_question: str | None
) -> str:
    """Four short sentences at most: who it is, how much was asked and what came of it, why a person is needed.

    The open question is not among them: the packet holds it in the customer's own words.
    """
    return " ".join(filter(None, (_who(customer), _asked(exchanges), _why_a_person(events, exchanges, open_question))))


def suggest_reply(
    customer: Customer | None,
    open_question: str | None,
    findings: Findings | None,
    tried: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any] | None:
    """A reply the agent may send or change, in the words of the best passage that the customer has not been shown yet.

    None when nothing is open, or no such passage is near the question: what was tried once is not suggested again, and
    what the search was far less sure of than of that is about another thing, often another product.
    """
    if findings is None or open_question is None:
        return None
    best = next((one for one in findings.found if not _was_tried(one, tried)), None)
    if best is None or best.similarity < SUGGESTION_MIN_SIMILARITY:
        return None
    if best.sureness < findings.found[0].sureness * SUGGESTION_MIN_SHARE:
        return None
    greeting = f"Hello {customer.first_name}, " if customer and customer.first_name else "Hello, "
    answer = _whole_sentences(best.passage.text, SUGGESTION_MAX_CHARS)
    text = f"{greeting}thank you for waiting.\n\n{answer}"
    source = _passage(best, findings.release, tried)
    return {"text": text, "source": source, "sureness": round(findings.sureness, 3)}


def build_timeline(events: Sequence[Event], customer: Customer | None) -> list[dict[str, Any]]:
    """The customer's journey, newest first: this conversation, earlier contacts, orders and appointments."""
    entries = _this_conversation(events)
    if customer is not None:
        entries += [
            {"at": t.at, "kind": "contact", "channel": t.channel, "text": t.summary, "outcome": t.outcome}
            | ({"conversation": t.conversation_id} if t.conversation_id else {})
            for t in customer.touchpoints
        ]
        entries += [
            {"at": o.placed_on, "kind": "order", "text": f"Ordered {_counted(o.items)}", "order": o.number}
            | {"outcome": o.status}
            for o in customer.orders
        ]
        entries += [
            {"at": a.at, "kind": "appointment", "text": a.what, "outcome": a.status} for a in customer.appointments
        ]
    return sorted(entries, key=lambda entry: str(entry["at"]), reverse=True)


def transcript_line(event: Event) -> dict[str, Any]:
    """One event as a line an agent reads. Erased words are said to be erased."""
    line: dict[str, Any] = {
        "seq": event.seq,
        "at": event.at,
        "kind": event.kind.value,
        "from": {"role": event.author.role.value, "name": event.author.name},
        "text": event.text or _told(event),
    }
    for name in ("blocks", "citations", "outcome"):
        if event.data and event.data.get(name):
            line[name] = event.data[name]
    return line


_SPOKEN = frozenset(
    {
        Kind.MESSAGE,
        Kind.NOTE,
        Kind.ACTION,
        Kind.RATED,
        Kind.HANDOFF_REQUESTED,
        Kind.HANDOFF_ACCEPTED,
        Kind.HANDOFF_TRANSFERRED,
        Kind.HANDOFF_RETURNED,
        Kind.SURVEY_ANSWERED,
        Kind.CONVERSATION_ENDED,
    }
)


def _told(event: Event) -> str:
    if event.data is None:
        return "Erased."
    data, name = event.data, event.author.name or "An agent"
    match event.kind:
        case Kind.HANDOFF_REQUESTED:
            asked = event.author.role is Role.CUSTOMER
            return f"{'Asked for a person' if asked else 'Handed over'}. {_reason(event)}".strip()
        case Kind.HANDOFF_ACCEPTED:
            return f"{name} joined."
        case Kind.HANDOFF_TRANSFERRED:
            to = (data.get("agent") or {}).get("name")
            return f"{name} passed the conversation on{f' to {to}' if to else ''}."
        case Kind.HANDOFF_RETURNED:
            return f"{name} gave the conversation back to the assistant."
        case Kind.RATED:
            verdict = "useful" if data.get("useful") else "not useful"
            comment = f": “{data['comment']}”" if data.get("comment") else ""
            return f"Found message {data.get('seq')} {verdict}{comment}."
        case Kind.SURVEY_ANSWERED:
            scale = data.get("scale") or {}
            return f"Answered {str(data.get('metric', '')).upper()}: {data.get('score')} of {scale.get('max')}."
        case Kind.CONVERSATION_ENDED:
            return "The conversation ended."
    return str(data.get("summary") or "")


def _reason(event: Event) -> str:
    """Why a person is needed; empty where it only says that one was asked for."""
    reason = str((event.data or {}).get("reason") or "").strip()
    return "" if "asked for a person" in reason.lower() else reason


def _customer(customer: Customer | None, events: Sequence[Event]) -> dict[str, Any]:
    """The profile with where each part of it comes from, and where the customer is right now."""
    contexts = [event.data for event in events if event.kind is Kind.CONTEXT and event.data]
    here = {"page": contexts[-1].get("page"), "locale": contexts[-1].get("locale")} if contexts else {}
    if customer is None:
        return {"verified": False, "name": None, **here}
    profile = asdict(customer)
    del profile["touchpoints"]  # they are in the timeline
    return {**here, **{name: value for name, value in profile.items() if value is not None}, "verified": True}


def _this_conversation(events: Sequence[Event]) -> list[dict[str, Any]]:
    told = [e for e in events if e.kind in _SPOKEN - {Kind.MESSAGE, Kind.NOTE, Kind.RATED}]
    first = next((e for e in events if e.kind is Kind.MESSAGE), None)
    entries = [{"at": e.at, "kind": "now", "text": _told(e), "seq": e.seq} for e in told]
    if first is not None:
        words = f"Wrote: “{plain_line(first.text, QUOTE_MAX_CHARS)}”"
        entries.append({"at": first.at, "kind": "now", "text": words, "seq": first.seq})
    return entries


def _who(customer: Customer | None) -> str:
    if customer is None:
        return "A visitor who is not signed in."
    known = f"has been a customer since {say_date(customer.since)}" if customer.since else "is a customer of ours"
    owns = f" and owns {_listed([product.name for product in customer.products])}" if customer.products else ""
    return f"{customer.name or 'Somebody who gave no name'} {known}{owns}."


_CAME_OF_IT = {  # what came of one question, of one of several, of more of them
    "settled": ("it was answered", "1 was answered", "{} were answered"),
    "useless": ("the answer did not help", "1 answer did not help", "{} answers did not help"),
    "declined": ("the assistant found no answer", "for 1 there was no answer", "for {} there was no answer"),
    "clarifying": ("the assistant asked back", "1 was asked back about", "{} were asked back about"),
    "waiting": ("it waits for an answer", "1 waits for an answer", "{} wait for an answer"),
}
_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def _asked(exchanges: Sequence[Exchange]) -> str:
    if not exchanges:
        return "Nothing has been asked yet."
    counts = Counter(_came_of(exchange) for exchange in exchanges)
    if len(exchanges) == 1:
        return f"One question was asked: {_CAME_OF_IT[_came_of(exchanges[0])][0]}."
    if counts["settled"] == len(exchanges):
        return f"{_number(len(exchanges))} questions were asked: all were answered."
    told = [
        one if counts[name] == 1 else more.format(counts[name])
        for name, (_, one, more) in _CAME_OF_IT.items()
        if counts[name]
    ]
    return f"{_number(len(exchanges))} questions were asked: {_listed(told)}."


def _number(count: int) -> str:
    """As it stands at the beginning of a sentence."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _came_of(exchange: Exchange) -> str:
    if exchange.answer is None:
        return "waiting"
    if exchange.is_settled:
        return "settled"
    return "useless" if exchange.useful is False else "clarifying" if exchange.outcome == "clarifying" else "declined"


def _why_a_person(events: Sequence[Event], exchanges: Sequence[Exchange], open_question: str | None) -> str:
    """What the counts do not tell: that an answer was not enough, or what the reason is."""
    requests = [e for e in events if e.kind is Kind.HANDOFF_REQUESTED and e.data]
    reason = _reason(requests[-1]) if requests else ""
    if open_question and exchanges[-1].is_settled and open_question == exchanges[-1].question:
        enough = "After the last answer, a person was asked for."
    else:
        enough = "" if open_question or not exchanges else "No question is open."
    return " ".join(filter(None, (enough, f"Handed over because: {reason.rstrip('.')}." if reason else "")))


def _exchange(asked: Sequence[Event], answer: Event | None, ratings: Mapping[Any, Any]) -> Exchange:
    question = "\n".join(event.text.strip() for event in asked)
    if answer is None or answer.data is None:
        return Exchange(asked[-1].seq, question)
    by_agent = answer.author.role is Role.AGENT
    return Exchange(
        question_seq=asked[-1].seq,
        question=question,
        answer_seq=answer.seq,
        answer=answer.text,
        by=answer.author.name,
        outcome="said" if by_agent else answer.data.get("outcome"),
        useful=ratings.get(answer.seq),
        citations=tuple(answer.data.get("citations") or ()),
    )


def _is_answer(event: Event) -> bool:
    return event.kind is Kind.MESSAGE and event.author.role is Role.ASSISTANT


def _answered_turn(event: Event) -> int | None:
    turn = (event.data or {}).get("turn")
    return turn if isinstance(turn, int) else None


def _was_tried(found: Found, tried: Sequence[Mapping[str, Any]]) -> bool:
    """Whether an answer quoted this passage, or a passage of the same words."""
    passage = found.passage
    return any(
        (c.get("document") == passage.document_id and c["start"] < passage.end and passage.start < c["end"])
        or (c.get("quote") and c["quote"] in passage.text)
        for c in tried
        if "start" in c and "end" in c
    )


def _passage(found: Found, release: int, tried: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    passage = found.passage
    place = f"release={release}&start={passage.start}&end={passage.end}"
    return {
        "title": passage.title,
        "section": " › ".join(passage.section),
        "text": passage.text,
        "question": passage.question,
        "similarity": round(found.similarity, 3),
        "tried": _was_tried(found, tried),
        "release": release,
        "document": passage.document_id,
        "start": passage.start,
        "end": passage.end,
        "url": f"/source/{quote_url(passage.document_id, safe='')}?{place}",
    }


def _counted(items: Sequence[str]) -> str:
    return ", ".join(f"{count} × {item}" if count > 1 else item for item, count in Counter(items).items())


def _listed(items: Sequence[str]) -> str:
    shown = [*items[:3], f"{len(items) - 3} more"] if len(items) > 3 else list(items)
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1]))) if shown else ""


def plain_line(text: str, max_chars: int) -> str:
    """The text on one line without Markdown's marks and citation markers, cut with an ellipsis when it is longer."""
    line = " ".join(_MARKS.sub("", text).split())
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def _whole_sentences(text: str, max_chars: int) -> str:
    """The beginning of a passage, cut after a sentence or a line; its headings are left out."""
    body = "\n".join(line for line in text.strip().splitlines() if not line.startswith("#")).strip()
    if len(body) <= max_chars:
        return body
    cut = max(body.rfind(end, 0, max_chars) for end in (". ", ".\n", "\n", "? "))
    return body[: cut + 1].strip() if cut > max_chars // 3 else body[: max_chars - 1].rstrip() + "…"

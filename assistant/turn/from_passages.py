"""An answer made of passages: the best-supported sentences, part by part of the question. Floor: use case."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.turn.answer import Answer, Trace, answer_with
from assistant.turn.before import Before, Place
from assistant.turn.candidates import Asked, codes_in, kind_of, list_candidates
from assistant.turn.closeness import CLOSE_ENOUGH, closeness, read_signs, tells_of_several
from assistant.turn.continuing import asks_why, parts_meant, was_tried, what_then, why_asked
from assistant.turn.embedded import Composed, RememberingEncode, WhichProduct, compose
from assistant.turn.finding import MOST_PASSAGES, Brief, Finder, merged
from assistant.turn.phrases import ANSWER_KINDS, GIVES_REASON, OF_MINE, TROUBLE, YES_OR_NO
from assistant.turn.policy import (
    NO_PRICE,
    NOT_ALL_TEXT,
    NOT_HELPED_TEXT,
    PERSON_MAY_HELP_TEXT,
    SAME_QUESTION,
    TOLD,
    Decision,
    Verdict,
    ask_which_product,
    decide_on_answer,
    decline,
    decline_code,
    not_helped,
)
from assistant.turn.records import TALK_TO_A_PERSON, recall_touchpoint, say_list
from assistant.turn.scoring import Encode
from assistant.turn.sentences import content_words, meanings
from assistant.turn.understanding import Understanding, split_parts
from assistant.turn.writing import Source, join_answers, write_answer
from knowledge.asking import mend
from knowledge.documents import Findings
from knowledge.spelling import Correction

RELATED_SIMILARITY = 0.5  # of a question offered where ours has no answer
LEAST_TOLD_WIDE = 0.5  # of what is asked, by an answer from far down


@dataclass(frozen=True, slots=True)
class _Told:
    """What one question is told. `which`: that is asked back. `composed` may be said only if it `is_answer`."""

    asked: Asked
    findings: Findings
    composed: Composed | None
    decision: Decision
    which: WhichProduct | None = None

    @property
    def is_answer(self) -> bool:
        return self.composed is not None and self.decision.verdict is Verdict.ANSWER


class PassageAnswers:
    """Composes answers without a model; holds no conversation. `encode` is called from a thread."""

    def __init__(self, finder: Finder, encode: Encode) -> None:
        self._finder = finder
        self._encode = RememberingEncode(encode)

    async def answer(self, brief: Brief, findings: Findings, trace: Trace, mode: str = "embedded") -> Answer:
        """The passages' own answer to each part of the question; what has none is said to have none.

        Args:
            findings: what the whole question found.
            mode: embedded, or degraded where a model should have answered.
        """
        brief = _mended(brief, findings)
        understood = brief.understood
        if was_tried(understood.question, brief.before):
            return await self._after_trying(brief, trace, mode)
        parts = [understood.standalone] if understood.leans_back else split_parts(understood.standalone)
        told: list[_Told] = []
        for part in parts:
            asked = _asked(part, brief, alone=len(parts) == 1)
            one = await self._tell(asked, brief, findings if len(parts) == 1 else None, trace)
            trace.notes["decision"] = one.decision.reason
            if one.which is not None:
                choices = list(one.which.products)
                trace.notes.update(decision="which_product", pending=understood.standalone, choices=choices)
                return answer_with(ask_which_product(choices), mode)
            if one.composed is None and asked.codes and len(parts) == 1:
                return self._unknown_code(asked, one.findings, brief, trace, mode)
            told.append(await self._told_anew(one, told, brief, trace))
        trace.notes["sureness"] = round(
            max(one.findings.sureness for one in told), 4
        )  # not that of the last part alone
        answered = [
            one.composed
            for one in told
            if one.is_answer and one.composed and await self._finder.all_exact(one.composed.citations, findings.release)
        ]
        if not answered:
            return answer_with(decline(brief.declines, _related(told[-1].findings, understood)), mode)
        trace.notes["about"] = list(dict.fromkeys(name for one in answered for name in one.products))
        text, citations = join_answers([(one.text, one.citations) for one in answered])
        if noted := _noted(brief):
            text = f"{noted}\n\n{text}"
        missed = [one.asked.words for at, one in enumerate(told) if not one.is_answer or _adds_nothing(one, told[:at])]
        if missed:
            text += "\n\n" + NOT_ALL_TEXT.format(questions=say_list([f"“{part}”" for part in missed]))
        suggestions = (*((TALK_TO_A_PERSON,) if missed else ()), *answered[0].related)
        return Answer(text, "answered", mode, citations, suggestions)

    async def _tell(self, asked: Asked, brief: Brief, findings: Findings | None, trace: Trace) -> _Told:
        """What one question is told, looked for in one way after the other until it may be said.

        Args:
            findings: what the question itself found; None: search.
        """
        if findings is None:
            findings = await self._finder.find(asked.question, brief, trace)
        elif brief.understood.searched != brief.understood.standalone:
            # what answers may be told where the question before was answered
            with_before = await self._finder.find(brief.understood.standalone, brief, trace)
            findings = with_before if with_before.sureness >= findings.sureness else findings
        if asks_why(asked, brief.before):
            return await self._tell_why(asked, brief, findings, trace)
        if (part := await self._tell_part(asked, brief, trace)) is not None:
            return part
        if asked.leans_back and (asked.own or _asks_of_product(brief.understood)):
            # what "it" is may be told far from what was asked of it before
            findings = merged(findings, await self._finder.find_alone(brief, trace))
        told = await self._composed(asked, brief, findings, trace)
        if told.composed is not None and _is_said_again(told.composed, asked, brief.before):
            told = await self._told_alone(asked, brief, trace)
        if told.which is not None or asked.codes or (told.is_answer and not _is_remedy_missing(told)):
            return told
        return await self._looked_wider(told, brief, trace)

    async def _composed(self, asked: Asked, brief: Brief, findings: Findings, trace: Trace) -> _Told:
        composed = await asyncio.to_thread(compose, asked.question, findings, self._encode, asked)
        trace.mark("composed")
        best = composed.best if isinstance(composed, WhichProduct) else composed
        understood = brief.understood
        stretch = best.best if best is not None else None
        is_one_of_several = stretch is not None and tells_of_several(stretch.candidate)
        named = understood.subject.only is not None or understood.catalogue.mask(asked.question) != asked.question
        decision = decide_on_answer(
            findings.sureness,
            best,
            names_product=named or asked.leans_back,  # sure of what was asked before is not sure of this
            owns_product=best is not None
            and bool(best.products)
            and set(best.products) <= set(understood.subject.owned),
            yes_or_no=YES_OR_NO.search(asked.words) is not None,
            asks_price=is_one_of_several and asked.kind == "price",
        )
        if best is not None:
            trace.notes.update(likeness=round(best.likeness, 3), told=round(best.told, 3))
        is_declined = decision.verdict is Verdict.DECLINE and decision.reason != NO_PRICE
        if is_declined and is_one_of_several and best is not None:  # which the search judges badly
            close = await asyncio.to_thread(_closeness, asked, best, self._encode, named or asked.leans_back)
            trace.notes["close"] = round(close, 3)
            if close >= CLOSE_ENOUGH:
                decision = Decision(Verdict.ANSWER, reason="close_enough")
        may_ask = asked.codes or decision.verdict is Verdict.ANSWER
        which = composed if isinstance(composed, WhichProduct) and may_ask else None
        return _Told(asked, findings, best, decision, which)

    async def _told_anew(self, one: _Told, earlier: Sequence[_Told], brief: Brief, trace: Trace) -> _Told:
        """A further part that only got an answer of before, or one about the code that the first part asked of.

        It is asked without the parts before it, of the product alone.
        """
        asked, only = one.asked, brief.understood.subject.only
        if not earlier or only is None or not asked.own or asked.words == asked.question:
            return one
        if not _repeats(one, earlier) and asked.codes <= codes_in(asked.words):
            return one
        anew = replace(asked, question=f"{asked.words.rstrip(' ?.!')} ({only})?")
        other = await self._tell(anew, brief, None, trace)
        better = other.is_answer and other.composed and one.composed and other.composed.told >= one.composed.told
        return other if better and not _repeats(other, earlier) else one

    async def _looked_wider(self, told: _Told, brief: Brief, trace: Trace) -> _Told:
        """The same question among more passages, without the product's name, before it is declined."""
        asked = told.asked
        wider = await self._finder.find_unnamed(asked.compared, brief, trace, limit=MOST_PASSAGES)
        again = await self._composed(asked, brief, merged(told.findings, wider), trace)
        trace.notes["looked_wider"] = True
        return again if again.is_answer and again.composed and again.composed.told >= LEAST_TOLD_WIDE else told

    async def _tell_why(self, asked: Asked, brief: Brief, findings: Findings, trace: Trace) -> _Told:
        """The reason of our last answer: what else is told of its question, or else that answer once more."""
        why = why_asked(asked, brief.before)
        if GIVES_REASON.search(brief.before.quoted):
            why = replace(why, said=())  # it was told with the answer: once more, rather than something else
        findings = merged(await self._finder.find(why.question, brief, trace, history=()), findings)
        findings = merged(findings, await self._finder.find_unnamed(why.question, brief, trace, limit=MOST_PASSAGES))
        told = await self._composed(why, brief, findings, trace)
        return told if told.is_answer else await self._composed(replace(why, said=()), brief, findings, trace)

    async def _tell_part(self, asked: Asked, brief: Brief, trace: Trace) -> _Told | None:
        """What the part costs that our last answer named; None where no part is meant, or nothing tells its price."""
        shows = ANSWER_KINDS["price"]
        for number in parts_meant(asked, brief.before):
            question = f"{asked.words.rstrip(' ?.!')} ({number.upper()})?"
            findings = await self._finder.find(number, brief, trace, history=())
            of_part = replace(asked, question=question, words=question, leans_back=False, cited=())
            told = await self._composed(of_part, brief, findings, trace)
            if not told.is_answer or told.composed is None or not shows.search(told.composed.text):
                continue
            if not asked.own or asked.own & meanings(told.composed.text):
                return told
        return None

    async def _after_trying(self, brief: Brief, trace: Trace, mode: str) -> Answer:
        """What is to be done when our advice did not help, where a document says; a person in any case."""
        understood, before = brief.understood, brief.before
        findings = await self._finder.find(before.asked or understood.standalone, brief, trace, history=())
        asked = Asked(understood.standalone, understood.standalone, understood.subject, understood.catalogue)
        mask = understood.catalogue.mask
        codes = sorted(codes_in(mask(f"{understood.standalone} {before.quoted}")))
        candidates, units = list_candidates(asked, findings.found)
        trace.notes["decision"] = "tried"
        if then := what_then(candidates, before, codes):
            best = then[0]
            source = Source(best.passage, units[best.rank], (best.at,))
            text, citations = write_answer(understood.question, [source], findings.release)
            if await self._finder.all_exact(citations, findings.release):
                trace.notes["about"] = list(before.products)
                text = f"{NOT_HELPED_TEXT}\n\n{text}\n\n{PERSON_MAY_HELP_TEXT}"
                return Answer(text, "answered", mode, citations, (TALK_TO_A_PERSON,))
        return answer_with(not_helped(), mode)

    async def _told_alone(self, asked: Asked, brief: Brief, trace: Trace) -> _Told:
        """An answer that owes nothing to the conversation; none when it is the one that was given before."""
        findings = await self._finder.find_alone(brief, trace)
        alone = replace(asked, question=asked.words, cited=(), leans_back=False)
        told = await self._composed(alone, brief, findings, trace)
        trace.notes["said_again"] = True
        if told.composed is not None and _is_said_again(told.composed, alone, brief.before):
            return replace(told, composed=None, decision=Decision(Verdict.DECLINE, reason="said_again"), which=None)
        return told

    def _unknown_code(self, asked: Asked, findings: Findings, brief: Brief, trace: Trace, mode: str) -> Answer:
        """No passage that may answer holds the code: another generation's may, and then that is asked."""
        only = asked.subject.only
        kin = replace(asked, subject=replace(asked.subject, certain=False))
        family = {name.casefold() for name in asked.catalogue.family(only)} if only else set()
        about = {name for one in list_candidates(kin, findings.found)[0] for name in one.about} & family
        trace.notes["decision"] = "unknown_code"
        choices = [name for name in asked.catalogue.names if name.casefold() in about]
        if choices and only not in brief.before.choices:  # who has just told which is not asked again
            trace.notes.update(pending=brief.understood.standalone, choices=choices)
            return answer_with(ask_which_product([*choices, only] if only else choices), mode)
        return answer_with(decline_code(sorted(code.upper() for code in asked.codes), only), mode)


def _closeness(asked: Asked, composed: Composed, encode: Encode, named: bool) -> float:
    """How probably the best stretch answers by itself."""
    return closeness(read_signs(asked, composed.best, composed.lead, encode, named=named)) if composed.best else 0.0


def _mended(brief: Brief, findings: Findings) -> Brief:
    """The brief with the words that the search found misspelt as they were probably meant."""
    corrections = [Correction(written, tuple(meant.split())) for written, meant in findings.corrections]
    if not corrections:
        return brief
    understood = brief.understood
    question = mend(understood.question, corrections)
    standalone = mend(understood.standalone, corrections)
    return replace(brief, understood=replace(understood, question=question, standalone=standalone))


def _asked(part: str, brief: Brief, *, alone: bool) -> Asked:
    """One question as the composer sees it. `alone`: it is all that was asked."""
    understood, before = brief.understood, brief.before
    return Asked(
        part,
        understood.question if alone else part.rpartition("? ")[2],
        understood.subject,
        understood.catalogue,
        before.cited if understood.leans_back else (),
        understood.leans_back and not understood.rewritten and bool(before.asked),
    )


def _adds_nothing(one: _Told, earlier: Sequence[_Told]) -> bool:
    """Whether a further part of the question got the answer of one before, and nothing that it asks for itself."""
    if one.composed is None:
        return False
    own = meanings(one.asked.words) - meanings(" ".join(other.asked.words for other in earlier)) - one.asked.topicless
    return _repeats(one, earlier) and bool(own) and not own & meanings(one.composed.text)


def _repeats(one: _Told, earlier: Sequence[_Told]) -> bool:
    """Whether all that a part is told was told to parts before it."""
    said = {Place(c.document, c.start, c.end) for other in earlier if other.composed for c in other.composed.citations}
    told = {Place(c.document, c.start, c.end) for c in one.composed.citations} if one.composed else set()
    return told <= said


def _is_remedy_missing(told: _Told) -> bool:
    """Whether trouble is answered by what hardly tells of it: a manual's table of faults may stand further down."""
    in_trouble = TROUBLE.search(told.asked.question) is not None and told.asked.subject.only is not None
    return in_trouble and told.composed is not None and told.composed.told < LEAST_TOLD_WIDE


def _asks_of_product(understood: Understanding) -> bool:
    """Whether "it" may be the product itself: what takes how long or costs how much is what was spoken of last."""
    return kind_of(understood.question) not in ("time", "price")


def _is_said_again(composed: Composed, asked: Asked, before: Before) -> bool:
    """Whether this is the answer before, though it tells nothing that is asked for now."""
    if composed.told >= TOLD or composed.likeness >= SAME_QUESTION:
        return False
    if codes_in(asked.catalogue.mask(asked.words)) or (composed.exact and asked.is_bare):
        return False
    quoted = {Place(c.document, c.start, c.end) for c in composed.citations}
    return bool(quoted) and quoted <= set(before.cited)


def _related(findings: Findings, understood: Understanding) -> tuple[str, ...]:
    """Questions that we could answer, near to the one we cannot: of the same product or with a word of it."""
    unnamed = understood.catalogue.unnamed
    words = meanings(unnamed(understood.question)) or meanings(unnamed(understood.standalone))
    wanted = {name.casefold() for name in understood.subject.products} if understood.subject.certain else None
    asked = [
        hit.passage.question
        for hit in findings.found[:5]
        if hit.passage.question
        and hit.similarity >= RELATED_SIMILARITY
        and _is_near(understood.catalogue.subjects(hit.passage), wanted)
        and (words & meanings(hit.passage.question) or (wanted or set()) & understood.catalogue.subjects(hit.passage))
    ]
    return tuple(dict.fromkeys(asked))[:2]


def _is_near(about: frozenset[str], wanted: set[str] | None) -> bool:
    return wanted is None or not about or bool(wanted & about)


def _noted(brief: Brief) -> str:
    """What the customer told us earlier about this very thing."""
    if brief.customer is None or brief.understood.leans_back:
        return ""
    mask = brief.understood.catalogue.mask
    question = mask(brief.understood.question)
    if not OF_MINE.search(question) and not codes_in(question):
        return ""  # what happens to parcels in general is not what happened to one of theirs
    return recall_touchpoint(
        brief.customer,
        content_words(brief.understood.catalogue.unnamed(brief.understood.question, brief.understood.subject.products)),
        sorted(codes_in(question)),
        least=1 if brief.understood.subject.only else 2,
    )

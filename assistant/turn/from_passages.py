"""An answer made of passages: the best-supported sentences, part by part of the question. Floor: use case."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from assistant.turn.answer import Answer, Trace, answer_with
from assistant.turn.before import Before, Place
from assistant.turn.candidates import Asked, codes_in, kind_of, list_candidates
from assistant.turn.embedded import Composed, Encode, RememberingEncode, WhichProduct, compose
from assistant.turn.finding import Brief, Finder, merged
from assistant.turn.phrases import OF_MINE, YES_OR_NO
from assistant.turn.policy import (
    NOT_ALL_TEXT,
    SAME_QUESTION,
    TOLD,
    Verdict,
    ask_which_product,
    decide_on_answer,
    decline,
    decline_code,
)
from assistant.turn.records import TALK_TO_A_PERSON, recall_touchpoint, say_list
from assistant.turn.sentences import content_words, meanings
from assistant.turn.understanding import Understanding, split_parts
from assistant.turn.writing import join_answers
from knowledge.documents import Findings

RELATED_SIMILARITY = 0.5  # of a question offered where ours has no answer


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
        understood = brief.understood
        parts = [understood.standalone] if understood.leans_back else split_parts(understood.standalone)
        answered: list[Composed] = []
        missed: list[str] = []
        surest = 0.0
        if understood.searched != understood.standalone:
            # what answers may be told where the question before was answered
            with_before = await self._finder.find(understood.standalone, brief, trace)
            findings = with_before if with_before.sureness >= findings.sureness else findings
        for part in parts:
            if len(parts) > 1:
                findings = await self._finder.find(part, brief, trace)
            asked = Asked(
                part,
                understood.question if len(parts) == 1 else part.rpartition("? ")[2],
                understood.subject,
                understood.catalogue,
                brief.before.cited if understood.leans_back else (),
                understood.leans_back and not understood.rewritten and bool(brief.before.asked),
            )
            if asked.leans_back and len(parts) == 1 and (asked.wanted or _asks_of_product(understood)):
                # what "it" is may be told far from what was asked of it before
                findings = merged(findings, await self._finder.find_alone(brief, trace))
            composed = await asyncio.to_thread(compose, part, findings, self._encode, asked)
            if _is_said_again(composed, asked, brief.before):
                composed, findings = await self._compose_alone(brief, asked, trace)
            trace.mark("composed")
            surest = max(surest, findings.sureness)
            best = composed.best if isinstance(composed, WhichProduct) else composed
            named = understood.subject.only is not None or understood.catalogue.mask(part) != part
            named = named or understood.leans_back  # sure of what was asked before is not sure of this
            owned = understood.subject.owned
            decision = decide_on_answer(
                findings.sureness,
                best,
                names_product=named,
                owns_product=best is not None and bool(best.products) and set(best.products) <= set(owned),
                yes_or_no=YES_OR_NO.search(asked.words) is not None,
            )
            trace.notes["decision"] = decision.reason
            if best is not None:
                trace.notes.update(likeness=round(best.likeness, 3), told=round(best.told, 3))
            if isinstance(composed, WhichProduct) and (asked.codes or decision.verdict is Verdict.ANSWER):
                trace.notes.update(
                    decision="which_product", pending=understood.standalone, choices=list(composed.products)
                )
                return answer_with(ask_which_product(composed.products), mode)
            composed = best
            if composed is None or decision.verdict is Verdict.DECLINE:
                missed.append(part)
                if composed is None and asked.codes and len(parts) == 1:
                    return self._unknown_code(asked, findings, brief, trace, mode)
            elif await self._finder.all_exact(composed.citations, findings.release):
                answered.append(composed)
        trace.notes["sureness"] = round(surest, 4)  # not that of the part that happens to come last
        if not answered:
            return answer_with(decline(brief.declines, _related(findings, understood)), mode)
        trace.notes["about"] = list(dict.fromkeys(name for one in answered for name in one.products))
        text, citations = join_answers([(one.text, one.citations) for one in answered])
        if noted := _noted(brief):
            text = f"{noted}\n\n{text}"
        if missed:
            text += "\n\n" + NOT_ALL_TEXT.format(questions=say_list([f"“{part}”" for part in missed]))
        suggestions = (*((TALK_TO_A_PERSON,) if missed else ()), *answered[0].related)
        return Answer(text, "answered", mode, citations, suggestions)

    async def _compose_alone(
        self, brief: Brief, asked: Asked, trace: Trace
    ) -> tuple[Composed | WhichProduct | None, Findings]:
        """An answer that owes nothing to the conversation; none when it is the one that was given before."""
        findings = await self._finder.find_alone(brief, trace)
        alone = replace(asked, question=asked.words, cited=(), leans_back=False)
        composed = await asyncio.to_thread(compose, alone.question, findings, self._encode, alone)
        trace.notes["said_again"] = True
        return (None if _is_said_again(composed, alone, brief.before) else composed), findings

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


def _asks_of_product(understood: Understanding) -> bool:
    """Whether "it" may be the product itself: what takes how long or costs how much is what was spoken of last."""
    return kind_of(understood.question) not in ("time", "price")


def _is_said_again(composed: Composed | WhichProduct | None, asked: Asked, before: Before) -> bool:
    """Whether this is the answer before, though it tells nothing that is asked for now."""
    if not isinstance(composed, Composed) or composed.told >= TOLD or composed.likeness >= SAME_QUESTION:
        return False
    if codes_in(asked.catalogue.mask(asked.words)) or (composed.exact and not asked.wanted):
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

"""How good the answers to a data set's questions are: `tellonce evals answers`. Floor: use case.

Each question is a conversation of its own on the live line (`live.py`), answered the embedded way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assistant.channels.fields import MAX_TEXT_CHARACTERS, clean_text
from evals.beir import Corpus, DataSet, Query
from evals.certainty import Interval, auroc, auroc_interval, bootstrap, calibrate, calibration_error, wilson
from evals.corpus import text_of
from evals.live import Live, Reply
from evals.scoring import decision_scores, rouge_l, token_f1, without_markers

Progress = Callable[[int, int, str], None]
ANSWERED = frozenset({"answered", "acted"})


@dataclass(frozen=True, slots=True)
class Citation:
    """`doc` is the corpus id; `verified`: the quote stands in that row, character for character."""

    doc: str
    quote: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back to one query. `confidence` 0..1: how sure the search was that the answer is in the corpus."""

    id: str
    answered: bool
    confidence: float
    text: str
    citations: tuple[Citation, ...]
    latency_ms: float

    def as_json(self) -> dict[str, Any]:
        """One line of the run file of PROTOCOL section 1."""
        return {
            "_id": self.id,
            "answered": self.answered,
            "confidence": round(self.confidence, 4),
            "text": self.text,
            "citations": [{"doc": citation.doc, "quote": citation.quote} for citation in self.citations],
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """How the answers of one set score.

    `token_f1` and `rouge_l` are means over the queries that have a reference answer; declining scores 0 there.
    `auroc` is None where the set has only one kind of query.
    """

    precision: float
    recall: float
    f1: float
    auroc: float | None
    token_f1: Interval
    rouge_l: Interval
    quote_verified: Interval
    auroc_interval: Interval | None = None
    calibration_error: float = 0.0  # how far `confidence` is, on average, from the share that is answerable

    def as_json(self) -> dict[str, Any]:
        """The figures under the names that PROTOCOL gives them."""
        return {
            "answerable": {
                "precision": round(self.precision, 4),
                "recall": round(self.recall, 4),
                "f1": round(self.f1, 4),
                "auroc": None if self.auroc is None else round(self.auroc, 4),
            },
            "token_f1": _mean(self.token_f1),
            "rouge_l": _mean(self.rouge_l),
            "quote_verified": _mean(self.quote_verified),
        }


def _mean(figure: Interval) -> float | None:
    """None where nothing was observed: no query has a reference, no answer a quote."""
    return round(figure.value, 4) if figure.n else None


async def collect_answers(
    data: DataSet, live: Live, sureness: Callable[[Query], float], progress: Progress | None = None
) -> list[Answered]:
    """Asks every query, one after the other, each in a conversation that has its history.

    Args:
        sureness: how sure the search is of a query; asked for those that the line settles without searching, be it
            from a customer's records or by a greeting in return: what is measured is what the search knows.
    """
    replies: list[tuple[Query, Reply]] = []
    for done, query in enumerate(data.queries, start=1):
        replies.append((query, await _ask(query, live)))
        if progress:
            progress(done, len(data.queries), "answering")
    stored = cited_texts(data.corpus, [reply for _, reply in replies])
    return [
        read_reply(query.id, reply, stored, sureness(query) if needs_search(reply) else 0.0) for query, reply in replies
    ]


def needs_search(reply: Reply) -> bool:
    """Whether a search of our own must say how sure the knowledge is: the line made none."""
    return "sureness" not in reply.evidence


async def _ask(query: Query, live: Live) -> Reply:
    words = clean_text(query.text)[:MAX_TEXT_CHARACTERS]  # as the doors let a message in
    if not words:
        return Reply({}, {}, False, 0.0)
    return await live.say(await live.begin(history=query.history), words)


def cited_texts(corpus: Corpus, replies: Iterable[Reply]) -> dict[str, str]:
    """The texts of the rows that are cited, read from the corpus itself: quotes are held against what was given us."""
    cited = {citation["document"] for reply in replies for citation in reply.message.get("citations", ())}
    return {row.id: text_of(row) for row in corpus if row.id in cited} if cited else {}


def read_reply(query_id: str, reply: Reply, stored: Mapping[str, str], sureness: float = 0.0) -> Answered:
    """A reply as a line of the run.

    Args:
        stored: document id -> its text.
        sureness: the search's, where the reply itself needed none.
    """
    citations = tuple(
        Citation(c["document"], c["quote"], _stands(c["quote"], c["start"], stored.get(c["document"], "")))
        for c in reply.message.get("citations", ())
    )
    return Answered(
        id=query_id,
        answered=reply.message.get("outcome") in ANSWERED,
        confidence=float(reply.evidence.get("sureness", sureness)),
        text=str(reply.message.get("text", "")),
        citations=citations,
        latency_ms=reply.latency_ms,
    )


def _stands(quote: str, start: int, text: str) -> bool:
    """Whether it is there, character for character, at the very place that the citation names."""
    return bool(quote) and text[start : start + len(quote)] == quote


def decide_figures(data: DataSet, answers: Sequence[Answered]) -> Figures:
    """Scores the answers against the references."""
    truth = [data.answers[answer.id].answerable for answer in answers]
    decisions = decision_scores(truth, [answer.answered for answer in answers])
    scores = [score for answer in answers if (score := score_text(data, answer)) is not None]
    confidence = [answer.confidence for answer in answers]
    quotes = [citation.verified for answer in answers for citation in answer.citations]
    return Figures(
        **asdict(decisions),
        auroc=auroc(truth, confidence),
        token_f1=bootstrap([f1 for f1, _ in scores]),
        rouge_l=bootstrap([rouge for _, rouge in scores]),
        quote_verified=wilson(sum(quotes), len(quotes)),
        auroc_interval=auroc_interval(truth, confidence),
        calibration_error=calibration_error(calibrate(truth, confidence)),
    )


def score_text(data: DataSet, answer: Answered) -> tuple[float, float] | None:
    """Token F1 and ROUGE-L of an answer, 0 and 0 where it was declined; None where there is no reference."""
    reference = data.answers[answer.id]
    if not (reference.answerable and reference.text):
        return None
    said = without_markers(answer.text) if answer.answered else ""
    return token_f1(said, reference.text), rouge_l(said, reference.text)


def write_answers(answers: list[Answered], path: Path) -> None:
    """Writes one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(answer.as_json(), ensure_ascii=False) + "\n" for answer in answers)
    path.write_text("".join(lines), encoding="utf-8")

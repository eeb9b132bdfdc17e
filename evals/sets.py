"""A data set as a suite: searched and answered, with a figure for each question to hold later runs against.

Floor: use case. `accepted.py` says whether a run is worse than the agreed one, `report.py` shows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from assistant import __version__
from assistant.errors import TellonceError
from assistant.settings import Settings
from evals.answers import Answered, collect_answers, score_text
from evals.beir import DataSet, MalformedDataSet, Query, load_data_set, sample
from evals.certainty import (
    Bin,
    Interval,
    auroc_interval,
    bootstrap,
    calibrate,
    calibration_error,
    percentile,
    wilson,
)
from evals.corpus import prepare_corpus
from evals.live import Live, open_live
from evals.retrieval import DEPTH, Retrieval, Search, live_search, measure_retrieval

Progress = Callable[[int, int, str], None]
Stage = Callable[[str], AbstractContextManager[Progress]]

# what is kept of each question, by measure; those of a search, then those of an answer
FOUND = ("recall@1", "recall@5", "ndcg@10")
CONFIDENCE, ANSWERED, RIGHT, TOKEN_F1, ROUGE_L = "confidence", "answered", "decided rightly", "token F1", "ROUGE-L"
AUROC_FIGURE, CALIBRATION_FIGURE, QUOTES_FIGURE = "answerable, AUROC", "sureness off by", "quotes verified"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the set, by measure; `position` counts in the whole set, `text` is what was said, if anything."""

    id: str
    position: int
    question: str
    answerable: bool | None
    values: Mapping[str, float]
    text: str = ""
    answer: str = ""  # the reference
    found: tuple[str, ...] = ()  # the best documents
    quotes: tuple[str, ...] = ()
    unverified: int = 0  # quotes that do not stand

    @property
    def is_failing(self) -> bool:
        """Whether what it asks for was not among the first five, or was answered or declined wrongly."""
        return self.values.get("recall@5", 1.0) == 0.0 or self.values.get(RIGHT, 1.0) == 0.0 or self.unverified > 0


@dataclass(frozen=True, slots=True)
class SetResult:
    """One data set, run once. `data` names it by content; `asked_of` is how many questions it has in all."""

    suite: str
    data: str
    asked: tuple[Asked, ...]
    asked_of: int
    at: str  # RFC 3339
    latency_ms: Mapping[str, float]
    about: Mapping[str, str] = field(default_factory=dict)

    def values(self, measure: str) -> list[float]:
        """That measure of each question that has it."""
        return [one.values[measure] for one in self.asked if measure in one.values]

    @property
    def judged(self) -> tuple[list[bool], list[float]]:
        """Whether each question is answerable, and how sure the search was; of those for which both are known."""
        known = [one for one in self.asked if one.answerable is not None and CONFIDENCE in one.values]
        return [bool(one.answerable) for one in known], [one.values[CONFIDENCE] for one in known]

    @property
    def reliability(self) -> list[Bin]:
        """How often questions of like sureness are answerable."""
        return calibrate(*self.judged)


def decide_set_figures(result: SetResult) -> dict[str, Interval]:
    """Each figure by its name with its interval; those that the set says nothing of are left out."""
    figures = {name: bootstrap(values) for name in FOUND if (values := result.values(name))}
    truth, confidence = result.judged
    if area := auroc_interval(truth, confidence):
        figures[AUROC_FIGURE] = area
    if right := result.values(RIGHT):
        figures[RIGHT] = wilson(round(sum(right)), len(right))
    figures |= {name: bootstrap(values) for name in (TOKEN_F1, ROUGE_L) if (values := result.values(name))}
    if quotes := sum(len(one.quotes) for one in result.asked):
        figures[QUOTES_FIGURE] = wilson(quotes - sum(one.unverified for one in result.asked), quotes)
    if any(truth) and not all(truth):
        figures[CALIBRATION_FIGURE] = Interval(calibration_error(result.reliability), 0.0, 0.0, len(truth))
    return figures


# --- finding sets ---


def find_sets(folder: Path) -> list[Path]:
    """The data sets directly in a folder, by name.

    Raises:
        MalformedDataSet: there is none.
    """
    found = sorted(path.parent for path in folder.glob("*/queries.jsonl"))
    if not found:
        raise MalformedDataSet(
            f"{folder} holds no data set. Give a folder of folders that each hold corpus.jsonl and queries.jsonl."
        )
    return found


def is_set(path: Path) -> bool:
    """Whether it is the folder of a data set, rather than of written conversations."""
    return (path / "queries.jsonl").is_file()


def load_set(folder: Path, limit: int | None = None, progress: Progress | None = None) -> tuple[DataSet, DataSet]:
    """The whole set, and what is asked of it."""
    answers = (folder / "answers.jsonl").is_file()
    whole = load_data_set(folder, qrels=False, answers=answers, progress=progress)
    if not (whole.qrels or whole.answers):
        raise MalformedDataSet(f"{folder} judges nothing. Add qrels/test.tsv or answers.jsonl.")
    return whole, sample(whole, limit)


def fingerprint(data: DataSet) -> str:
    """Names questions, corpus and judgements by content: only runs on the same data are compared."""
    digest = hashlib.sha256(data.corpus.digest.encode())
    for query in data.queries:
        history = [(turn.role, turn.text) for turn in query.history]
        reference = data.answers.get(query.id)
        known = (reference.answerable, reference.text) if reference else None
        judged = sorted(data.qrels.get(query.id, {}).items())
        digest.update(json.dumps((query.id, query.text, history, judged, known)).encode())
    return digest.hexdigest()[:16]


# --- running one ---


async def run_set(folder: Path, settings: Settings, stage: Stage, limit: int | None = None) -> SetResult:
    """Indexes the set's corpus where that has not been done, searches and answers its questions.

    Args:
        stage: opens a progress bar of that title.
        limit: ask at most so many questions, drawn by a fixed seed.
    """
    from assistant.app import open_library

    with stage(f"{folder.name}: reading") as step:
        whole, data = load_set(folder, limit, step)
    with stage(f"{folder.name}: indexing") as step:
        prepared = prepare_corpus(whole, settings, step)
    library = open_library(prepared)
    search = live_search(library.search, library.catalogue())
    found, said = Retrieval(0, {}, {}, ()), list[Answered]()
    if data.qrels:
        with stage(f"{folder.name}: searching") as step:
            found = measure_retrieval(data, search, step)
    about: dict[str, str] = {"embedding": library.embedder.name, "release": str(library.release)}
    if data.answers:
        with stage(f"{folder.name}: answering") as step:
            async with open_live(prepared) as live:
                said, about = await _answer(data, live, search, found, step), live.about
    latency = [answer.latency_ms for answer in said] or list(found.latency_ms)
    return SetResult(
        suite=whole.name,
        data=fingerprint(whole),
        asked=tuple(_asked(whole, data, found, said)),
        asked_of=len(whole.queries),
        at=now(),
        latency_ms={"p50": percentile(latency, 50), "p95": percentile(latency, 95)},
        about={"tellonce": __version__, **about},
    )


def now() -> str:
    """RFC 3339, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _answer(data: DataSet, live: Live, search: Search, found: Retrieval, step: Progress) -> list[Answered]:
    def sureness(query: Query) -> float:
        known = found.sureness.get(query.id)
        return search(query, DEPTH).sureness if known is None else known

    return await collect_answers(data, live, sureness, step)


def _asked(whole: DataSet, data: DataSet, found: Retrieval, said: Sequence[Answered]) -> Iterable[Asked]:
    positions = {query.id: i for i, query in enumerate(whole.queries)}
    answers = {answer.id: answer for answer in said}
    for query in data.queries:
        answer, reference = answers.get(query.id), data.answers.get(query.id)
        values = {name: found.scores[name][query.id] for name in FOUND if query.id in found.scores.get(name, {})}
        if answer is not None and reference is not None:
            values |= _answer_values(data, answer)
        yield Asked(
            id=query.id,
            position=positions[query.id],
            question=query.text,
            answerable=reference.answerable if reference else None,
            values=values,
            text=answer.text if answer else "",
            answer=(reference.text or "") if reference else "",
            found=tuple(document for document, _ in found.run.get(query.id, ())[:5]),
            quotes=tuple(citation.quote for citation in answer.citations) if answer else (),
            unverified=sum(not citation.verified for citation in answer.citations) if answer else 0,
        )


def _answer_values(data: DataSet, answer: Answered) -> dict[str, float]:
    right = answer.answered == data.answers[answer.id].answerable
    values = {CONFIDENCE: answer.confidence, ANSWERED: float(answer.answered), RIGHT: float(right)}
    if scores := score_text(data, answer):
        values[TOKEN_F1], values[ROUGE_L] = scores
    return values


def check_limit(limit: int | None) -> None:
    """Raises TellonceError for a sample that holds nothing."""
    if limit is not None and limit < 1:
        raise TellonceError(f"A sample of {limit} questions says nothing. Give --limit 1 or more.")

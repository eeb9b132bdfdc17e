"""Small runs, of written conversations and of a data set, for the tests of figures and report."""

from __future__ import annotations

from evals.cases import Case, Check, Expectation, Saying
from evals.outcomes import CaseResult, Quote, Result, TurnResult
from evals.sets import ANSWERED, CONFIDENCE, RIGHT, Asked, SetResult


def check(kind: str, wanted: str, passed: bool, found: str = "") -> Check:
    return Check(kind, wanted, passed, found)  # type: ignore[arg-type]


def turn(
    *checks: Check, text: str = "Clean it weekly. [1]", verified: bool = True, latency_ms: float = 12.0
) -> TurnResult:
    quote = Quote(1, "Lark 2 manual", "Care › Filter", "manuals/lark-2.pdf", "Clean it weekly.", verified)
    return TurnResult(
        "How often do I clean <it>?",
        text,
        "answered",
        "embedded",
        (quote,),
        (),
        checks,
        latency_ms,
        "clean filter",
        0.83,
    )


def case_result(
    name: str, *turns: TurnResult, customer: str | None = None, tags: tuple[str, ...] = ("care",)
) -> CaseResult:
    sayings = tuple(Saying(say=t.say, expect=Expectation()) for t in turns)
    return CaseResult(Case(id=name, customer=customer, tags=tags, turns=sayings), turns)


def result(*cases: CaseResult) -> Result:
    if not cases:
        good = case_result("care-filter", turn(check("outcome", "answered", True), check("fact", "weekly", True)))
        bad = case_result(
            "care-drum",
            turn(check("cites", "manuals/lark-2.pdf", True), check("never", "order number", False, "order number")),
            customer="cus_amara",
            tags=("care", "signed-in"),
        )
        cases = (good, bad)
    return Result("demo", cases, "2026-11-23T17:00:00Z", {"mode": "embedded", "release": "1"})


def asked(
    position: int,
    *,
    ndcg: float | None = None,
    confidence: float | None = None,
    answerable: bool = True,
    right: bool = True,
    unverified: int = 0,
    text: str = "Every week. [1]",
) -> Asked:
    """A question of a data set: searched where `ndcg` is given, answered where `confidence` is."""
    values: dict[str, float] = {}
    if ndcg is not None:
        values["ndcg@10"] = ndcg
    if confidence is not None:
        values |= {CONFIDENCE: confidence, ANSWERED: float(answerable == right), RIGHT: float(right)}
    return Asked(
        id=f"q{position}",
        position=position,
        question=f"How often, number {position}?",
        answerable=answerable,
        values=values,
        text=text if confidence is not None else "",
        answer="Every week.",
        found=("d1", "d2"),
        quotes=("Every week.",) if confidence is not None else (),
        unverified=unverified,
    )


def set_result(*questions: Asked, asked_of: int | None = None, data: str = "data") -> SetResult:
    about = {"mode": "embedded", "release": "1"}
    of = len(questions) if asked_of is None else asked_of
    return SetResult("faq", data, questions, of, "2026-11-23T17:00:00Z", {"p50": 9.0, "p95": 12.0}, about)

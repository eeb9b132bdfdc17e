"""A small run of two written conversations, for the tests of figures and report."""

from __future__ import annotations

from evals.cases import Case, Check, Expectation, Saying
from evals.outcomes import CaseResult, Quote, Result, TurnResult


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

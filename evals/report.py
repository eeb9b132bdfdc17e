"""The evaluation report: figures with intervals, then every question, before and after. Floor: pure.

`page.py` makes the one HTML file, `drawing.py` draws, `compare.py` tells two answers apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from textwrap import shorten
from typing import Any
from xml.etree.ElementTree import Element

from evals.cases import Check
from evals.certainty import calibration_error
from evals.compare import (
    Change,
    Piece,
    Side,
    Verdict,
    decide_change,
    decide_verdict,
    shared_part,
    side_of_question,
    side_of_turn,
    tell_words_apart,
    turn_key,
)
from evals.drawing import draw_interval, draw_reliability, percent
from evals.earlier import Earlier, figures_of
from evals.outcomes import CASES_FIGURE, CaseResult, Quote, Result, TurnResult, decide_by_tag
from evals.page import node, render_page, table
from evals.sets import CALIBRATION_FIGURE, Asked, SetResult

LEGIBLE = 0.5  # two answers that share less are shown one below the other: strokes everywhere say nothing
TOLD_CHARS = 160  # of a question, where it stands closed
SHOWN_OF_A_SET = 200  # questions; the page stays one that a phone opens
FILTERS = {
    "all": "All",
    "changed": "Changed",
    "worse": "Worse",
    "better": "Better",
    "failing": "Failing",
}
CHANGES: dict[Change, str] = {
    "same": "unchanged",
    "wording": "other words",
    "sources": "other sources",
    "outcome": "other outcome",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """A run beside what was accepted (`worse` as sentences) and, question by question, beside `before`.

    `accepted` and the figures of `before` are by name; empty where there is nothing to compare with.
    """

    result: Result | SetResult
    accepted: dict[str, float] = field(default_factory=dict)
    worse: tuple[str, ...] = ()
    before: Earlier | None = None
    is_of_a_release: bool = False  # of the installation's own knowledge, which no accepted run speaks of
    note: str = ""  # why there is nothing to compare with, where that is not plain

    def as_json(self) -> dict[str, Any]:
        """The figures with their intervals, what got worse, and what failed in which conversation."""
        told: dict[str, Any] = {
            "at": self.result.at,
            "about": dict(self.result.about),
            "figures": {name: asdict(figure) for name, figure in figures_of(self.result).items()},
            "latency_ms": {name: round(value, 1) for name, value in self.result.latency_ms.items()},
            "accepted": self.accepted,
            "worse": list(self.worse),
        }
        if isinstance(self.result, Result):
            told["failed"] = {case.case.id: case.faults for case in self.result.cases if not case.passed}
        else:
            told["questions"] = len(self.result.asked)
        if self.before is not None:
            pairs = [pair for pair in pairs_of(self) if pair.before is not None]
            told["against"] = self.before.name
            told["changed"] = {pair.key: pair.change for pair in pairs if pair.change != "same"}
            told["worse_questions"] = [pair.key for pair in pairs if pair.verdict == "worse"]
        return told


@dataclass(frozen=True, slots=True)
class Pair:
    """One question's answer, and the one before where there was one."""

    key: str
    after: Side
    before: Side | None

    @property
    def change(self) -> Change:
        return decide_change(self.before, self.after) if self.before else "same"

    @property
    def verdict(self) -> Verdict:
        return decide_verdict(self.before, self.after) if self.before else ""

    @property
    def traits(self) -> frozenset[str]:
        """Which filters show it."""
        named = {"changed": self.change != "same", "failing": self.after.passed is False}
        return frozenset({name for name, holds in named.items() if holds} | ({self.verdict} if self.verdict else set()))


def pairs_of(run: Judged) -> list[Pair]:
    """Every answer of a run beside its one before."""
    before = run.before.sides if run.before else {}
    if isinstance(run.result, SetResult):
        return [Pair(one.id, side_of_question(one), before.get(one.id)) for one in run.result.asked]
    return [
        Pair(key, side_of_turn(turn), before.get(key))
        for case in run.result.cases
        for number, turn in enumerate(case.turns, start=1)
        for key in [turn_key(case.case.id, number)]
    ]


def render_report(runs: Sequence[Judged]) -> str:
    """The whole page, as HTML text."""
    return render_page("Tellonce: how good are the answers?", list(_content(runs)))


def _content(runs: Sequence[Judged]) -> Iterator[Element]:
    yield node("h1", "How good are the answers?")
    yield _verdict(runs)
    yield node(
        "p",
        "Everything here ran through the same journal, search and answering as a live conversation. Ranges are 95 % "
        "intervals: two figures whose ranges overlap much may well be equal.",
        class_="muted",
    )
    for run in runs:
        yield _figures(run)
    yield node("h2", "Question by question")
    yield from _filters(runs)
    for run in runs:
        yield _suite(run)


def _verdict(runs: Sequence[Judged]) -> Element:
    worse = [(run.result.suite, sentence) for run in runs for sentence in run.worse]
    if worse:
        sentences = node("ul", *(node("li", node("strong", f"{suite}: "), sentence) for suite, sentence in worse))
        names = {run.before.name if run.is_of_a_release and run.before else "what was accepted" for run in runs}
        words = f"Worse than {' and '.join(sorted(names))}:"
        return node("div", node("p", words), sentences, class_="verdict worse")
    if all(run.is_of_a_release and run.before for run in runs):
        return node("div", node("p", "Nothing got worse beyond chance."), class_="verdict")
    known = [run for run in runs if run.accepted]
    if not known:
        return node("div", node("p", "Nothing was accepted yet to compare with."), class_="verdict alone")
    rest = "" if len(known) == len(runs) else f" {len(runs) - len(known)} of {len(runs)} suites were never accepted."
    return node("div", node("p", f"Nothing got worse than what was accepted.{rest}"), class_="verdict")


# --- figures ---


def _figures(run: Judged) -> Element:
    result = run.result
    about = " · ".join([result.at, *(f"{name} {value}" for name, value in result.about.items() if value)])
    return node(
        "section",
        node("h2", f"Suite {result.suite}"),
        node("p", about, class_="about"),
        node("p", f"{_size(result)} {run.note}".rstrip()),
        _figure_table(run),
        _latency(result),
        _reliability(result),
        _tags(result),
    )


def _size(result: Result | SetResult) -> str:
    if isinstance(result, Result):
        passed = figures_of(result)[CASES_FIGURE]
        return f"{round(passed.value * passed.n)} of {passed.n} conversations passed."
    if len(result.asked) < result.asked_of:
        return f"A sample of {len(result.asked):,} of {result.asked_of:,} questions."
    return f"All {result.asked_of:,} questions."


def _figure_table(run: Judged) -> Element:
    earlier = dict(run.before.figures) if run.before else {}
    compares = bool(earlier) and earlier != run.accepted
    heads = ["figure", "value", "95 % interval", "", "of", "accepted", *(["before"] if compares else [])]
    rows: list[list[str | Element]] = []
    for name, figure in figures_of(run.result).items():
        if not figure.n:
            continue
        accepted, before = run.accepted.get(name), earlier.get(name)
        has_range = name != CALIBRATION_FIGURE
        rows.append(
            [
                name,
                f"{figure.value:.3f}",
                f"{figure.low:.3f} to {figure.high:.3f}" if has_range else "",
                draw_interval(figure, before if compares else accepted) if has_range else "",
                f"{figure.n:,}",
                "" if accepted is None else f"{accepted:.3f}",
                *(["" if before is None else f"{before:.3f}"] if compares else []),
            ]
        )
    return table(heads, rows, numbers={1, 2, 4, 5, 6}, kind="figures")


def _latency(result: Result | SetResult) -> Element:
    times = result.latency_ms
    return node(
        "p",
        f"From the customer's message to the saved answer: median {times['p50']:,.0f} ms, 95th percentile "
        f"{times['p95']:,.0f} ms, on the machine that ran this.",
        class_="muted",
    )


def _reliability(result: Result | SetResult) -> Element | None:
    if not isinstance(result, SetResult) or CALIBRATION_FIGURE not in figures_of(result):
        return None
    bins = result.reliability
    drawing = draw_reliability(bins, calibration_error(bins))
    return node("details", node("summary", "Is sureness what it says?"), drawing, class_="more")


def _tags(result: Result | SetResult) -> Element | None:
    if not isinstance(result, Result):
        return None
    rows: list[list[str | Element]] = [
        [tag, percent(share.value), draw_interval(share), str(share.n)] for tag, share in decide_by_tag(result).items()
    ]
    shown = table(["tag", "passed", "", "conversations"], rows, numbers={1, 3})
    return node("details", node("summary", "By tag, worst first"), shown, class_="more")


# --- question by question ---


def _filters(runs: Sequence[Judged]) -> Iterator[Element]:
    pairs = [pair for run in runs for pair in _shown(run)]
    counts = {name: sum(name in pair.traits for pair in pairs) for name in FILTERS} | {"all": len(pairs)}
    compared = next((run.before.name for run in runs if run.before), None)
    if compared:
        yield node(
            "p",
            f"Beside {compared}. Where both texts are known, what is ",
            node("span", "new", class_="marker"),
            " is marked, and what is ",
            node("del", "gone"),
            " is struck out.",
            class_="muted",
        )
    buttons = []
    for name, label in FILTERS.items():
        if name in ("changed", "worse", "better") and not compared:
            continue
        chosen = "checked" if name == "all" else None
        radio = node("input", type="radio", name="show", id=f"show-{name}", checked=chosen)
        buttons.append(node("label", radio, node("span", f"{label} {counts[name]:,}")))
    yield node("fieldset", node("legend", "Show"), *buttons, class_="filters")


def _suite(run: Judged) -> Element:
    title = node("h3", f"Suite {run.result.suite}")
    if isinstance(run.result, Result):
        return node("section", title, *(_case(case, run.before) for case in run.result.cases))
    shown = _shown(run)
    left_out = len(run.result.asked) - len(shown)
    note = None
    if left_out > 0:
        words = f"The {SHOWN_OF_A_SET} that need a look most: worse, failing, changed, then the rest. "
        note = node("p", f"{words}{left_out:,} more are in the file that --save writes.", class_="muted")
    questions = {one.id: one for one in run.result.asked}
    return node("section", title, note, *(_question(questions[pair.key], pair) for pair in shown))


def _shown(run: Judged) -> list[Pair]:
    """What is on the page: all of written conversations, the most urgent of a set."""
    if isinstance(run.result, Result):
        return pairs_of(run)
    return sorted(pairs_of(run), key=_urgency)[:SHOWN_OF_A_SET]


def _urgency(pair: Pair) -> tuple[bool, bool, bool]:
    return ("worse" not in pair.traits, "failing" not in pair.traits, "changed" not in pair.traits)


def _case(case: CaseResult, earlier: Earlier | None) -> Element:
    who = case.case.customer or "unsigned visitor"
    known = earlier.sides if earlier else {}
    pairs = [
        Pair(key, side_of_turn(turn), known.get(key))
        for number, turn in enumerate(case.turns, start=1)
        for key in [turn_key(case.case.id, number)]
    ]
    traits = frozenset().union(*(pair.traits for pair in pairs))
    summary = node(
        "summary",
        _mark(case.passed),
        f" {case.case.id} ",
        *_badges(pairs),
        node("span", who, class_="muted"),
        *(node("span", tag, class_="tag") for tag in case.case.tags),
    )
    turns = (_turn(turn, pair) for turn, pair in zip(case.turns, pairs, strict=True))
    return _details(summary, turns, traits, is_open=not case.passed or "worse" in traits)


def _details(summary: Element, parts: Iterator[Element], traits: frozenset[str], *, is_open: bool) -> Element:
    classes = " ".join(["question", *sorted(traits)])
    return node("details", summary, *parts, class_=classes, open="open" if is_open else None)


def _badges(pairs: Sequence[Pair]) -> Iterator[Element]:
    for verdict in ("worse", "better"):
        if any(pair.verdict == verdict for pair in pairs):
            yield node("span", verdict, class_=f"badge {verdict}")
    for change in ("outcome", "sources", "wording"):
        if any(pair.change == change and pair.before and pair.before.text is not None for pair in pairs):
            yield node("span", CHANGES[change], class_="badge")
            return


def _turn(turn: TurnResult, pair: Pair) -> Element:
    facts = [turn.outcome, turn.mode, f"{turn.latency_ms:,.0f} ms"]
    if turn.sureness is not None:
        facts.append(f"sureness {turn.sureness:.2f}")
    if turn.searched and turn.searched != turn.say:
        facts.append(f"understood as “{turn.searched}”")
    return node(
        "div",
        node("div", turn.say, class_="said"),
        _answer(pair),
        *(_quote(quote) for quote in turn.quotes),
        node("p", f"Suggested: {' · '.join(turn.suggestions)}", class_="muted") if turn.suggestions else None,
        node("p", " · ".join(facts), class_="muted"),
        node("ul", *(_check(check) for check in turn.checks), class_="checks"),
        _before_faults(pair),
        class_="turn",
    )


def _answer(pair: Pair) -> Element:
    """What is said; beside an earlier text, what changed in it is struck out and marked."""
    after, before = pair.after, pair.before
    said = after.text or "(no message)"
    if before is None or before.text is None or pair.change == "same":
        return node("div", said, class_="answer")
    outcome = f"Before: {before.outcome}. Now: {after.outcome}." if before.outcome != after.outcome else None
    pieces = tell_words_apart(before.text, said)
    if shared_part(pieces) < LEGIBLE:
        shown = [_labelled("Before", before.text or "(no message)"), _labelled("Now", said)]
    else:
        shown = [node("div", *_pieces(pieces), class_="answer")]
    return node(
        "div", node("p", outcome, class_="outcome-changed") if outcome else None, *shown, _sources(before, after)
    )


def _labelled(label: str, text: str) -> Element:
    return node("div", node("span", label, class_="muted label"), text, class_="answer")


def _pieces(pieces: Sequence[Piece]) -> Iterator[Element | str]:
    for kind, text in pieces:
        if kind == "same":
            yield text
        elif kind == "gone":
            yield node("del", text)
        else:
            yield node("ins", text, class_="marker")


def _sources(before: Side, after: Side) -> Element | None:
    if before.sources == after.sources:
        return None
    was, now = (", ".join(side.sources) or "nothing" for side in (before, after))
    return node("p", "Stood on ", node("del", was), " before, stands on ", now, " now.", class_="muted")


def _before_faults(pair: Pair) -> Element | None:
    if pair.before is None or pair.before.passed is None or pair.before.passed == pair.after.passed:
        return None
    if pair.before.passed:
        return node("p", "It held before.", class_="muted")
    failed = "; ".join(pair.before.faults)
    return node("p", f"It did not hold before{': ' + failed if failed else ''}.", class_="muted")


def _question(one: Asked, pair: Pair) -> Element:
    summary = node(
        "summary",
        _mark(not one.is_failing),
        f" {shorten(one.question, TOLD_CHARS, placeholder=' …')} ",
        *_badges([pair]),
    )
    parts: list[Element | None] = [
        node("div", one.question, class_="said"),
        _answer(pair) if one.text else None,
        *(node("p", node("q", quote, class_="marker"), class_="quote") for quote in one.quotes),
        node("p", node("strong", "Reference: "), one.answer) if one.answer else None,
        node("p", f"Found: {', '.join(one.found)}", class_="muted") if one.found else None,
        _values(one, pair.before),
    ]
    return _details(summary, iter([node("div", *parts, class_="turn")]), pair.traits, is_open=False)


def _values(one: Asked, before: Side | None) -> Element:
    words = [] if one.answerable is None else ["can be answered" if one.answerable else "cannot be answered"]
    for name, value in one.values.items():
        was = before.values.get(name) if before else None
        moved = was is not None and abs(was - value) >= 0.005
        words.append(f"{name} {was:.2f} → {value:.2f}" if moved else f"{name} {value:.2f}")
    return node("p", f"{one.id}: {' · '.join(words)}", class_="muted")


def _quote(quote: Quote) -> Element:
    where = " › ".join(part for part in (quote.title, quote.section) if part)
    return node(
        "p",
        node("span", f"[{quote.n}] ", class_="muted"),
        node("q", quote.text, class_="marker"),
        node("br"),
        node("span", f"{where} · {quote.source}", class_="muted"),
        None if quote.verified else node("span", " This quote does not stand in the stored document.", class_="fail"),
        class_="quote",
    )


def _check(check: Check) -> Element:
    return node("li", _mark(check.passed), f": {check.phrase}")


def _mark(passed: bool) -> Element:
    return node("span", "✓ passed" if passed else "✗ failed", class_="pass" if passed else "fail")

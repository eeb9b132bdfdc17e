"""The evaluation report: one HTML file that needs nothing else, no script, no network. Floor: pure, less reading CSS.

Built as a tree of nodes, so that no answer or quote can become markup. The look is the product's own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

from evals.cases import Check
from evals.outcomes import (
    CASES_FIGURE,
    CaseResult,
    Quote,
    Result,
    TurnResult,
    decide_by_tag,
    decide_figures,
)
from evals.scoring import Interval

LOOK = Path(__file__).parent.parent / "assistant" / "web" / "look"
STYLE_FILES = (LOOK / "tokens.css", LOOK / "marker.css", Path(__file__).with_name("report.css"))


@dataclass(frozen=True, slots=True)
class Judged:
    """A run beside what was accepted: `accepted` figures by name (empty: none yet), `worse` as sentences."""

    result: Result
    accepted: dict[str, float] = field(default_factory=dict)
    worse: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The figures with their intervals, what got worse, and what failed in which conversation."""
        return {
            "at": self.result.at,
            "about": dict(self.result.about),
            "figures": {name: asdict(figure) for name, figure in decide_figures(self.result).items()},
            "latency_ms": {name: round(value, 1) for name, value in self.result.latency_ms.items()},
            "accepted": self.accepted,
            "worse": list(self.worse),
            "failed": {case.case.id: case.faults for case in self.result.cases if not case.passed},
        }


def render_report(runs: Sequence[Judged]) -> str:
    """The whole page, as HTML text."""
    style = "\n".join(path.read_text(encoding="utf-8") for path in STYLE_FILES)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _node(
        "html",
        _node(
            "head",
            _node("meta", charset="utf-8"),
            _node(
                "meta",
                http_equiv="Content-Security-Policy",
                content=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
            ),
            _node("meta", name="viewport", content="width=device-width, initial-scale=1"),
            _node("meta", name="color-scheme", content="light dark"),
            _node("title", "Tellonce: how good are the answers?"),
            _node("style", style),
        ),
        _node("body", _node("main", *_content(runs))),
        lang="en",
    )
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _content(runs: Sequence[Judged]) -> list[Element]:
    nodes = [
        _node("h1", "How good are the answers?"),
        _node(
            "p",
            "Written conversations, run through the same journal, search and answering as a live one. "
            "Each range is a 95 % interval: two figures whose ranges overlap much may well be equal.",
            class_="muted",
        ),
    ]
    for run in runs:
        nodes += _suite(run)
    return nodes


def _suite(run: Judged) -> list[Element]:
    result = run.result
    about = " · ".join([result.at, *(f"{name} {value}" for name, value in result.about.items() if value)])
    return [
        _node("h2", f"Suite {result.suite}"),
        _node("p", about, class_="about"),
        _verdict(run),
        _figures(run),
        _latency(result),
        _node("details", _node("summary", "By tag, worst first"), _tags(result), class_="tags"),
        _node("h2", "Conversations"),
        _node("label", _node("input", type="checkbox", class_="only-failed"), " Show only those that failed"),
        *(_case(case) for case in result.cases),
    ]


def _verdict(run: Judged) -> Element:
    passed = decide_figures(run.result)[CASES_FIGURE]
    first = f"{round(passed.value * passed.n)} of {passed.n} conversations passed."
    if run.worse:
        sentences = _node("ul", *(_node("li", sentence) for sentence in run.worse))
        return _node("div", _node("p", f"{first} Worse than what was accepted:"), sentences, class_="verdict worse")
    second = (
        "Nothing got worse than what was accepted." if run.accepted else "Nothing was accepted yet to compare with."
    )
    return _node("div", _node("p", f"{first} {second}"), class_="verdict")


def _figures(run: Judged) -> Element:
    rows: list[list[str | Element]] = []
    for name, figure in decide_figures(run.result).items():
        before = run.accepted.get(name)
        rows.append(
            [
                name,
                percent(figure.value) if figure.n else "none asked",
                f"{percent(figure.low)} to {percent(figure.high)}" if figure.n else "",
                _range(figure, before) if figure.n else "",
                str(figure.n),
                "" if before is None else percent(before),
            ]
        )
    return _table(["figure", "share", "95 % interval", "", "of", "accepted"], rows, numbers={1, 2, 4, 5})


def _tags(result: Result) -> Element:
    rows: list[list[str | Element]] = [
        [tag, percent(s.value), _range(s), str(s.n)] for tag, s in decide_by_tag(result).items()
    ]
    return _table(["tag", "passed", "", "conversations"], rows, numbers={1, 3})


def _latency(result: Result) -> Element:
    times = result.latency_ms
    return _node(
        "p",
        f"From the customer's message to the saved answer: median {times['p50']:,.0f} ms, 95th percentile "
        f"{times['p95']:,.0f} ms, on the machine that ran this.",
        class_="muted",
    )


def percent(share: float) -> str:
    """`0.914` as `91 %`; full marks only for full marks."""
    rounded = round(share * 100)
    if (rounded == 100 and share < 1) or (rounded == 0 and share > 0):
        return f"{share * 100:.1f} %"
    return f"{rounded} %"


def _range(figure: Interval, before: float | None = None) -> Element:
    """The interval as a bar from 0 to 1, its value as a dot, the accepted value as a tick."""
    parts = [
        _node("line", class_="track", x1="4", x2="176", y1="8", y2="8", stroke_width="2"),
        _node("line", class_="span", x1=_x(figure.low), x2=_x(figure.high), y1="8", y2="8", stroke_width="6"),
        _node("circle", class_="dot", cx=_x(figure.value), cy="8", r="4"),
    ]
    if before is not None:
        parts.append(_node("line", class_="before", x1=_x(before), x2=_x(before), y1="1", y2="15", stroke_width="2"))
    label = f"{percent(figure.value)}, between {percent(figure.low)} and {percent(figure.high)}"
    return _node("svg", *parts, class_="range", viewBox="0 0 180 16", role="img", aria_label=label)


def _x(share: float) -> str:
    return f"{4 + 172 * share:.1f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str | Element]], *, numbers: set[int]) -> Element:
    def cells(tag: str, row: Sequence[str | Element]) -> list[Element]:
        return [_node(tag, cell, class_="number" if i in numbers else None) for i, cell in enumerate(row)]

    head = _node("thead", _node("tr", *cells("th", heads)))
    body = _node("tbody", *(_node("tr", *cells("td", row)) for row in rows))
    return _node("div", _node("table", head, body), class_="wide")


def _case(case: CaseResult) -> Element:
    who = case.case.customer or "unsigned visitor"
    summary = _node(
        "summary",
        _mark(case.passed),
        f" {case.case.id} ",
        _node("span", who, class_="muted"),
        *(_node("span", tag, class_="tag") for tag in case.case.tags),
    )
    node = _node(
        "details", summary, *(_turn(turn) for turn in case.turns), class_="passed" if case.passed else "failed"
    )
    if not case.passed:
        node.set("open", "open")
    return node


def _turn(turn: TurnResult) -> Element:
    facts = [turn.outcome, turn.mode, f"{turn.latency_ms:,.0f} ms"]
    if turn.sureness is not None:
        facts.append(f"sureness {turn.sureness:.2f}")
    if turn.searched:
        facts.append(f"understood as “{turn.searched}”")
    return _node(
        "div",
        _node("div", turn.say, class_="said"),
        _node("div", turn.text or "(no message)", class_="answer"),
        *(_quote(quote) for quote in turn.quotes),
        *([_node("p", f"Suggested: {' · '.join(turn.suggestions)}", class_="muted")] if turn.suggestions else []),
        _node("p", " · ".join(facts), class_="muted"),
        _node("ul", *(_check(check) for check in turn.checks), class_="checks"),
        class_="turn",
    )


def _quote(quote: Quote) -> Element:
    where = " › ".join(part for part in (quote.title, quote.section) if part)
    node = _node(
        "p",
        _node("span", f"[{quote.n}] ", class_="muted"),
        _node("q", quote.text, class_="marker"),
        _node("br"),
        _node("span", f"{where} · {quote.source}", class_="muted"),
        class_="quote",
    )
    if not quote.verified:
        node.append(_node("span", " This quote does not stand in the stored document.", class_="fail"))
    return node


def _check(check: Check) -> Element:
    return _node("li", _mark(check.passed), f": {check.phrase}")


def _mark(passed: bool) -> Element:
    return _node("span", "✓ passed" if passed else "✗ failed", class_="pass" if passed else "fail")


def _node(tag: str, *children: Element | str, **attributes: str | None) -> Element:
    """An element; `class_` and `aria_label` lose and change their underscore, attributes that are None are left out."""
    names = {name: name.rstrip("_").replace("_", "-") for name in attributes}
    node = Element(tag, {names[name]: value for name, value in attributes.items() if value is not None})
    for child in children:
        if isinstance(child, Element):
            node.append(child)
        elif len(node):
            node[-1].tail = (node[-1].tail or "") + _storable(child)
        else:
            node.text = (node.text or "") + _storable(child)
    return node


def _storable(text: str) -> str:
    """Text without the control characters that HTML has no place for."""
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32)

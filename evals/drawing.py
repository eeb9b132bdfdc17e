"""What the report draws: an interval as a bar, reliability as a diagram. Floor: pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from evals.certainty import Bin, Interval
from evals.page import node

SIDE, MARGIN = 240, 34  # of the reliability diagram, in units of the drawing


def percent(share: float) -> str:
    """`0.914` as `91 %`; full marks only for full marks."""
    rounded = round(share * 100)
    if (rounded == 100 and share < 1) or (rounded == 0 and share > 0):
        return f"{share * 100:.1f} %"
    return f"{rounded} %"


def draw_interval(figure: Interval, before: float | None = None) -> Element:
    """The interval as a bar from 0 to 1, its value as a dot, the value of before as a tick."""
    parts = [
        node("line", class_="track", x1="4", x2="176", y1="8", y2="8", stroke_width="2"),
        node("line", class_="span", x1=_x(figure.low), x2=_x(figure.high), y1="8", y2="8", stroke_width="6"),
        node("circle", class_="dot", cx=_x(figure.value), cy="8", r="4"),
    ]
    label = f"{figure.value:.3f}, between {figure.low:.3f} and {figure.high:.3f}"
    if before is not None:
        parts.append(node("line", class_="before", x1=_x(before), x2=_x(before), y1="1", y2="15", stroke_width="2"))
        label += f"; before {before:.3f}"
    return node("svg", *parts, class_="range", viewBox="0 0 180 16", role="img", aria_label=label)


def _x(share: float) -> str:
    return f"{4 + 172 * share:.1f}"


def draw_reliability(bins: Sequence[Bin], error: float) -> Element:
    """How often questions of like sureness can be answered. On the diagonal, sureness means what it says."""
    most = max((one.right.n for one in bins), default=1)
    parts = [
        node("rect", class_="frame", x=_at(0), y=_at(0), width=str(SIDE), height=str(SIDE)),
        node("line", class_="ideal", x1=_at(0), y1=_at(SIDE), x2=_at(SIDE), y2=_at(0)),
        *(line for share in (0.25, 0.5, 0.75) for line in _grid(share)),
    ]
    for one in bins:
        x = _at(one.sureness * SIDE)
        radius = 3 + 6 * math.sqrt(one.right.n / most)
        parts += [
            node("line", class_="whisker", x1=x, x2=x, y1=_up(one.right.low), y2=_up(one.right.high)),
            node("circle", _title(one), class_="dot", cx=x, cy=_up(one.right.value), r=f"{radius:.1f}"),
        ]
    for share in (0, 0.5, 1):
        parts += [
            node("text", f"{share:g}", x=_at(share * SIDE), y=_at(SIDE + 16), text_anchor="middle"),
            node("text", f"{share:g}", x=_at(-8), y=str(float(_up(share)) + 4), text_anchor="end"),
        ]
    parts.append(node("text", "sureness", x=_at(SIDE / 2), y=_at(SIDE + 30), text_anchor="middle"))
    size = SIDE + 2 * MARGIN
    drawing = node(
        "svg", *parts, class_="reliability", viewBox=f"0 0 {size} {size}", role="img", aria_label=_told(bins)
    )
    words = (
        "Each dot is a tenth of the scale of sureness: across, how sure the search was; up, how many of those "
        "questions the knowledge answers, with the 95 % interval; its size, how many they are. On the dashed line "
        "sureness means what it says. It is off by "
        f"{error:.3f} on average (expected calibration error)."
    )
    return node("figure", drawing, node("figcaption", words, class_="muted"))


def _grid(share: float) -> tuple[Element, Element]:
    along, up = _at(share * SIDE), _up(share)
    return (
        node("line", class_="grid", x1=along, x2=along, y1=_at(0), y2=_at(SIDE)),
        node("line", class_="grid", x1=_at(0), x2=_at(SIDE), y1=up, y2=up),
    )


def _title(one: Bin) -> Element:
    return node("title", f"sureness {one.sureness:.2f}: {percent(one.right.value)} of {one.right.n} can be answered")


def _told(bins: Sequence[Bin]) -> str:
    return "; ".join(f"at sureness {b.sureness:.2f}, {percent(b.right.value)} of {b.right.n}" for b in bins)


def _at(value: float) -> str:
    return f"{MARGIN + value:.1f}"


def _up(share: float) -> str:
    return f"{MARGIN + SIDE * (1 - share):.1f}"

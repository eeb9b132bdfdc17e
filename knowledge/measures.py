"""Numbers with a unit, as help pages say them: "30 days", "£8.50", "two to four weeks", "up to 42 m²". Floor: pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

_VALUES = {
    word: value for value, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight"), 1)
}
_VALUES |= {"nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "sixty": 60, "ninety": 90}

# unit -> (what it measures, in which of its smallest). A month is no number of days, so these two are never compared.
_UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), ("time", 1)),
    **dict.fromkeys(("min", "minute", "minutes"), ("time", 60)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("time", 3600)),
    **dict.fromkeys(("working day", "working days", "business day", "business days"), ("working days", 1)),
    **dict.fromkeys(("day", "days", "calendar day", "calendar days"), ("days", 1)),
    **dict.fromkeys(("week", "weeks"), ("days", 7)),
    **dict.fromkeys(("month", "months"), ("months", 1)),
    **dict.fromkeys(("year", "years"), ("months", 12)),
    **dict.fromkeys(("%", "percent", "per cent"), ("share", 1)),
    **{"mm": ("length", 1), "cm": ("length", 10), "m": ("length", 1000), "km": ("length", 1_000_000)},
    **{"m²": ("area", 1), "sqm": ("area", 1)},
    **{"g": ("weight", 1), "kg": ("weight", 1000)},
    **dict.fromkeys(("ml",), ("volume", 1)),
    **dict.fromkeys(("l", "litre", "litres", "liter", "liters"), ("volume", 1000)),
    **{"w": ("power", 1), "kw": ("power", 1000), "kwh": ("energy", 1), "v": ("voltage", 1), "bar": ("pressure", 1)},
    **dict.fromkeys(("db", "db(a)"), ("loudness", 1)),
    **dict.fromkeys(("°c", "degrees"), ("temperature", 1)),
    **{"kb": ("size", 1), "mb": ("size", 1000), "gb": ("size", 1_000_000)},
}
_NUMBER = r"(?:\d{1,3}(?:[,\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_COUNT = rf"(?:{_NUMBER}|{'|'.join(_VALUES)})"
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_MEASURE = re.compile(
    rf"(?<![\w.,/-])(?:(?P<money>[£$€])\s?(?P<price>{_NUMBER})(?:\s?(?:–|-|to)\s?[£$€]?(?P<price_to>{_NUMBER}))?"
    rf"|(?P<low>{_COUNT})(?:\s?(?:–|-|to)\s?(?P<high>{_COUNT}))?(?:\s|-)?(?P<unit>{_UNIT}))(?![\w²³/]|[.,]\d)",
    re.IGNORECASE,
)
_LEAST = re.compile(r"\b(?:at least|minimum(?: of)?|no less than|more than|over|from|not before|longer than)\W*$", re.I)
_MOST = re.compile(r"\b(?:at most|maximum(?: of)?|no more than|less than|under|up to|within|shorter than)\W*$", re.I)


@dataclass(frozen=True, slots=True)
class Measure:
    """`text[start:end]` is its wording. `low`, `high` count the smallest unit of `kind`; `bound`: least, most, ""."""

    kind: str
    low: float
    high: float
    start: int
    end: int
    bound: str = ""

    def agrees(self, other: Measure) -> bool:
        """Whether both may be true of the same thing."""
        if self.kind != other.kind:
            return True
        lows, highs = [self.low, other.low], [self.high, other.high]
        if self.bound != other.bound:  # what is at least two years may be three; two that are "within" must be the same
            highs = [math.inf if m.bound == "least" else m.high for m in (self, other)]
            lows = [-math.inf if m.bound == "most" else m.low for m in (self, other)]
        return lows[0] <= highs[1] and lows[1] <= highs[0]


def find_measures(text: str) -> Iterator[Measure]:
    """The measures in a text, in order."""
    for match in _MEASURE.finditer(text):
        before = text[: match.start()]
        bound = "least" if _LEAST.search(before) else "most" if _MOST.search(before) else ""
        if match["money"]:
            low, high, kind = _value(match["price"]), _value(match["price_to"] or match["price"]), match["money"]
        else:
            kind, scale = _UNITS[match["unit"].lower()]
            low = _value(match["low"]) * scale
            high = _value(match["high"]) * scale if match["high"] else low
        yield Measure(kind, low, high, match.start(), match.end(), bound)


def _value(number: str) -> float:
    return float(_VALUES.get(number.lower()) or number.replace(",", "").replace("\u202f", ""))

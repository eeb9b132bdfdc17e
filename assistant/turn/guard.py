"""What may leave: every hard fact must stand in the evidence, every citation must hold its quote. Floor: pure.

Hard facts are numbers, prices, dates, codes, e-mail addresses, links, street addresses and promises. A sentence with
one that the evidence lacks is dropped whole. Markers are given the passage's stretch that supports them best.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from assistant.turn.citations import Citation, cite
from assistant.turn.sentences import Unit, content_words, split_sentences, split_units, words_of
from knowledge.documents import Passage

MARKER = re.compile(r"\s?\[(\d{1,2})\](?!\()")
_ANY_MARKER = re.compile(r"\[\d{1,2}\](?!\()")
_LIST_MARKER = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w])\d+(?:[.,:/’' ]\d+)*(?!\w)|\d+(?:[.,]\d+)?")
_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:[-_/.][A-Za-z0-9]+)*\b")
_UNIT_GLUED = re.compile(
    r"^\d+(?:\.\d+)?(?:st|nd|rd|th|h|hrs?|min|s|ms|m|cm|mm|km|kg|g|mg|l|ml|cl|w|kw|v|a|hz|khz|mhz|ghz|db|bar|psi|x|k|gb|mb|tb"
    r"|inch|in|ft|oz|lb|px|am|pm|c|f|m2|m3)$",
    re.IGNORECASE,
)
_PHONE = re.compile(r"\+?\d[\d\s()./-]{6,}\d")
_MONTH = re.compile(
    r"\b(january|february|march|april|june|july|august|september|october|november|december|monday|tuesday|wednesday"
    r"|thursday|friday|saturday|sunday)\b|\b(May)\b(?=\s+\d|\s*,)",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b\d+[A-Za-z]?\s+(?:[A-Z][\w'’]+\s+){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Yard|Way|Drive|Square|Court|Place|Row)\b"
)
_NUMBER_WORDS = {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "hundred": "100", "thousand": "1000"}
_NUMBER_WORDS |= dict(zip(("two", "three", "four", "five", "six", "seven"), "234567", strict=True))
_NUMBER_WORDS |= {"eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "fourteen": "14"}
_NUMBER_WORDS |= {"fifteen": "15", "eighteen": "18", "twenty": "20", "ninety": "90", "thirteen": "13", "sixteen": "16"}
_PROMISE = re.compile(
    r"\b(?:we|i)(?:'ll|’ll| will| shall| can| am going to|'m going to)? ?(?:also |now |gladly |immediately )?"
    r"(?:guarantee|promise|refund|reimburse|compensate|waive|credit|replace|send (?:you|out)|ship|upgrade|extend|cancel"
    r"|book|reserve|schedule|arrange|process|issue|deliver|repair|exchange)\w*\b"
    r"|\b(?:i|we)(?:'ve|’ve| have) (?:already |now |just |successfully )?(?:\w+ed|sent|made|put|done|given|paid)\b"
    r"|\bguarantee[sd]?\b|\byou (?:will|'ll|’ll) (?:get|receive|be given) (?:a |an |your )?(?:full |free |partial )?"
    r"(?:refund|replacement|credit|voucher|discount|compensation)\b|\bfree of charge\b|\bfor free\b",
    re.IGNORECASE,
)
_MEASURE = re.compile(
    rf"(?<![\w.,])(\d+(?:[.,]\d+)?|{'|'.join(_NUMBER_WORDS)})[\s-]*(?:working |business |full |calendar )?"
    r"(year|month|week|day|hour|minute|second|percent|%)"
)
PROMISE_SUPPORT = 0.6  # share of a promise's words that one sentence of the evidence must hold
CITE_SUPPORT = 0.3  # below it a marker is moved to a passage that supports the sentence better
OWN_SUPPORT = 0.5  # share of an unmarked sentence's words that a stretch must hold to be cited for it
FACT_WORDS = 4  # content words from which a sentence says something to be held against the passages
LEAKED_WORDS = 8  # so many words of the prompt in a row are the prompt


@dataclass(frozen=True)
class Evidence:
    """What an answer may draw on.

    `passages` and `records` support anything. `said`, the customer's own words, supports numbers and codes (an order
    number told back) but neither links nor promises: whoever writes them could otherwise put them in our mouth.
    """

    passages: tuple[Passage, ...] = ()
    records: str = ""
    said: str = ""
    secrets: tuple[str, ...] = ()  # the fence
    instructions: str = ""  # the prompt's own words

    @functools.cached_property
    def _strong(self) -> str:
        texts = (f"{passage.title}\n{passage.question or ''}\n{passage.text}" for passage in self.passages)
        return "\n".join([self.records, *texts]).casefold()

    @functools.cached_property
    def _all(self) -> str:
        return f"{self._strong}\n{self.said.casefold()}"

    @functools.cached_property
    def _numbers(self) -> set[str]:
        return numbers_in(self._all)

    @functools.cached_property
    def _measures(self) -> set[tuple[str, str]]:
        return measures_in(self._all)

    @functools.cached_property
    def _prompt(self) -> str:
        return f" {' '.join(words_of(self.instructions))} "

    @functools.cached_property
    def _leaks(self) -> set[tuple[str, ...]]:
        words = words_of(self.instructions)
        return {tuple(words[i : i + LEAKED_WORDS]) for i in range(len(words) - LEAKED_WORDS + 1)}

    def fault_of(self, sentence: str) -> str | None:
        """Why this sentence may not leave, in one word; None when it may."""
        plain = _ANY_MARKER.sub("", _LIST_MARKER.sub("", sentence))
        lowered = plain.casefold()
        if any(secret in sentence for secret in self.secrets) or self._leaks_prompt(plain):
            return "prompt"
        for link in _LINK.findall(lowered):
            if link.rstrip(".,;:!?") not in self._strong:
                return "link"
        for address in _EMAIL.findall(lowered):
            if address.rstrip(".") not in self._strong:
                return "email"
        if any(" ".join(street.casefold().split()) not in self._strong for street in _STREET.findall(plain)):
            return "address"
        if not self._knows_codes(plain):
            return "code"
        if not (numbers_in(plain) <= self._numbers and measures_in(plain) <= self._measures):
            return "number"
        if any((month[0] or month[1]).casefold() not in self._all for month in _MONTH.findall(plain)):
            return "date"
        if _PROMISE.search(plain) and not self._supports(plain, PROMISE_SUPPORT):
            return "promise"
        return None

    def _knows_codes(self, text: str) -> bool:
        bare = _LINK.sub(" ", _EMAIL.sub(" ", text))
        for code in _CODE.findall(bare):
            if _UNIT_GLUED.match(code):
                continue
            if not re.search(rf"(?<![\w]){re.escape(code.casefold())}(?![\w])", self._all):
                return False
        digits = re.sub(r"\D", "", self._all)
        return all(re.sub(r"\D", "", phone) in digits for phone in _PHONE.findall(bare))

    def _supports(self, sentence: str, share: float) -> bool:
        wanted = content_words(sentence)
        if not wanted:
            return True
        texts = (unit.shown for passage in self.passages for unit in split_units(passage.text))
        return any(len(wanted & content_words(text)) >= share * len(wanted) for text in texts)

    def _leaks_prompt(self, sentence: str) -> bool:
        """Whether the prompt's own words come back: a long stretch, or a whole short sentence."""
        words = words_of(sentence)
        if 3 <= len(words) < LEAKED_WORDS:
            return f" {' '.join(words)} " in self._prompt
        return any(tuple(words[i : i + LEAKED_WORDS]) in self._leaks for i in range(len(words) - LEAKED_WORDS + 1))


def numbers_in(text: str) -> set[str]:
    """The numbers of a text in one spelling: `1,200.50` is 1200.5, `two` is 2, a date `23/11` stays whole parts."""
    found = {_NUMBER_WORDS[word] for word in words_of(text) if word in _NUMBER_WORDS}
    for match in _NUMBER.findall(text):
        found |= set(_spell(match))
    return found


def measures_in(text: str) -> set[tuple[str, str]]:
    """Numbers with the unit of time or share that follows them: two years are not two months."""
    found = set()
    for number, unit in _MEASURE.findall(text.casefold()):
        value = _NUMBER_WORDS.get(number) or next(iter(_spell(number)))
        found.add((value, "percent" if unit == "%" else unit))
    return found


def _spell(number: str) -> Iterable[str]:
    if re.fullmatch(r"\d{1,3}(?:[,’' ]\d{3})+(?:\.\d+)?", number):
        return [_trim(re.sub(r"[,’' ]", "", number))]
    if re.fullmatch(r"\d+[.,]\d+", number):
        return [_trim(number.replace(",", "."))]
    return [_trim(part) for part in re.split(r"[.,:/’' ]", number) if part]


def _trim(number: str) -> str:
    whole, _, fraction = number.partition(".")
    whole = whole.lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that did not leave. `beginning` is short: the whole stands nowhere."""

    reason: str
    beginning: str


class Gate:
    """Lets an answer out sentence by sentence. Feed it text as it comes; what it returns may leave.

    Markers are renumbered in the order they leave; `citations` grows with them.
    """

    def __init__(self, evidence: Evidence, release: int) -> None:
        self._evidence = evidence
        self._release = release
        self._held = ""
        self._in_code = False
        self._units: dict[int, list[Unit]] = {}
        self._numbers: dict[tuple[int, int, int], int] = {}
        self.citations: list[Citation] = []
        self.dropped: list[Dropped] = []
        self.released = ""

    def feed(self, text: str) -> str:
        """Takes more of the answer; the text that may leave now, possibly empty."""
        self._held += text
        if not any(mark in text for mark in ".!?…\n。！？ "):
            return ""
        out = ""
        while (end := self._held.find("\n")) >= 0:
            out += self._line(self._held[: end + 1])
            self._held = self._held[end + 1 :]
        spans = split_sentences(self._held)
        if len(spans) > 1 and not self._in_code and not self._marker_may_follow(spans[-1]):
            cut = spans[-1][0]
            out += self._sentences(self._held[:cut])
            self._held = self._held[cut:]
        self.released += out
        return out

    def finish(self, *, whole: bool = True) -> str:
        """The rest. `whole`: the answer ended by itself, so its last words count as a sentence even without a stop."""
        held, self._held = self._held, ""
        out = ""
        if held.strip():
            spans = split_sentences(held)
            keep = len(held) if whole or held.rstrip()[-1:] in ".!?…)]" else spans[-1][0]
            out = self._line(held[:keep]) if self._in_code else self._sentences(held[:keep])
        self.released += out
        return out

    def _marker_may_follow(self, span: tuple[int, int]) -> bool:
        return re.fullmatch(r"\[\d{0,2}\]?", self._held[span[0] : span[1]]) is not None

    def _line(self, line: str) -> str:
        if line.lstrip().startswith("```"):
            self._in_code = not self._in_code
            return line
        if self._in_code:
            return line if self._judge(line) else ""
        return self._sentences(line)

    def _sentences(self, text: str) -> str:
        """The sentences that may leave, with the white space they came with; a list item left empty goes too."""
        spans = split_sentences(text)
        if not spans:
            return text
        out = text[: spans[0][0]]
        kept = 0
        for i, (start, end) in enumerate(spans):
            following = spans[i + 1][0] if i + 1 < len(spans) else len(text)
            if self._judge(text[start:end]):
                out += self._cite(text[start:end]) + text[end:following]
                kept += 1
        if not kept:
            return "\n" if text.endswith("\n") and not self.released.endswith("\n\n") else ""
        return out

    def _judge(self, sentence: str) -> bool:
        fault = self._evidence.fault_of(sentence)
        if fault is None and not re.search(r"\w", _ANY_MARKER.sub("", sentence)):
            fault = "empty" if _ANY_MARKER.search(sentence) else None
        if fault is not None:
            self.dropped.append(Dropped(fault, sentence.strip()[:40]))
        return fault is None

    def _cite(self, sentence: str) -> str:
        """The sentence with its markers pointing at real passages, renumbered; the others are gone."""
        plain = _ANY_MARKER.sub("", sentence)
        seen: set[int] = set()

        def renumber(match: re.Match[str]) -> str:
            n = self._number(int(match[1]), plain)
            if n is None or n in seen:
                return ""
            seen.add(n)
            return f" [{n}]"

        cited = MARKER.sub(renumber, sentence)
        return cited if seen else self._cite_best(cited, plain)

    def _cite_best(self, sentence: str, plain: str) -> str:
        """A sentence of fact that came without a marker is given that of the stretch that supports it, if one does."""
        if len(content_words(plain)) < FACT_WORDS and not numbers_in(plain):
            return sentence
        found = [self._best(i, plain) for i in range(len(self._evidence.passages))]
        place, unit, support = max(found, key=lambda one: one[2], default=(0, None, 0.0))
        if unit is None or support < OWN_SUPPORT or not numbers_in(plain) <= numbers_in(unit.shown):
            return sentence
        body = sentence.rstrip()
        return f"{body} [{self._number_of(place, unit)}]{sentence[len(body) :]}"

    def _number(self, marker: int, sentence: str) -> int | None:
        passages = self._evidence.passages
        if not 1 <= marker <= len(passages):
            self.dropped.append(Dropped("marker", f"[{marker}]"))
            return None
        place, unit, support = self._best(marker - 1, sentence)
        if support < CITE_SUPPORT:
            others = [self._best(i, sentence) for i in range(len(passages)) if i != place]
            better = max(others, key=lambda other: other[2], default=None)
            if better is not None and better[2] >= max(2 * support, 0.5):
                place, unit, support = better
        if unit is None:
            return None
        return self._number_of(place, unit)

    def _number_of(self, place: int, unit: Unit) -> int:
        key = (place, unit.start, unit.end)
        if key not in self._numbers:
            passage = self._evidence.passages[place]
            self._numbers[key] = len(self.citations) + 1
            self.citations.append(cite(self._numbers[key], passage, self._release, unit.start, unit.end))
        return self._numbers[key]

    def _best(self, place: int, sentence: str) -> tuple[int, Unit | None, float]:
        """The unit of a passage that holds most of the sentence's words, the shortest of equals."""
        units = self._units.setdefault(place, split_units(self._evidence.passages[place].text))
        wanted = content_words(sentence)
        if not units or not wanted:
            return place, units[0] if units else None, 0.0
        scored = [(len(wanted & content_words(unit.shown)) / len(wanted), unit) for unit in units]
        support, unit = max(scored, key=lambda entry: (entry[0], -len(entry[1].shown)))
        return place, unit, support


def check_whole(text: str, evidence: Evidence, release: int, *, whole: bool = True) -> Gate:
    """A finished answer, checked at once: the gate after it, with `released`, `citations` and `dropped`."""
    gate = Gate(evidence, release)
    gate.feed(text)
    gate.finish(whole=whole)
    return gate


def without_citations(text: str, gone: Iterable[int]) -> str:
    """The text less the markers in `gone`."""
    numbers = set(gone)
    return MARKER.sub(lambda match: "" if int(match[1]) in numbers else match[0], text)

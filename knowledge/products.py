"""Products as customers name them: by name, by generation, by what they are ("my grinder"). Floor: pure.

Names come from the documents' own product tags, kinds from their titles: "Wren burr grinder: user manual".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from knowledge.documents import Passage

_TITLE_END = re.compile(r"\s*(?:[:|(\[]|\s[-–—]\s)")
_BRACKETS = re.compile(r"[(\[]([^)\]]{3,40})[)\]]")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_OLDER = r"(?:old|older|original|previous|earlier|first|first[- ]generation|generation (?:1|one))"
_NEWER = r"(?:new|newer|newest|current|latest|second|second[- ]generation)"
_NOT_A_KIND = frozenset(("manual", "guide", "handbook", "instruction", "faq", "question", "answer", "help", "page"))


@dataclass(frozen=True, slots=True)
class Product:
    """A product. `kinds` are the nouns it goes by, singular and lower case; `aliases` patterns that mean it alone."""

    name: str
    kinds: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """The products we know. Names are compared without regard to case, the longest first: a "Kite Mini" is no Kite."""

    products: tuple[Product, ...] = ()

    @classmethod
    def of(cls, documents: Iterable[tuple[str, Sequence[str]]]) -> Catalogue:
        """From (title, products) of documents."""
        kinds: dict[str, set[str]] = {}
        marks: dict[str, set[str]] = {}
        for title, names in documents:
            for name in names:
                kinds.setdefault(name, set()).update(_kind_of(title, names))
                marks.setdefault(name, set()).update(_marks_of(title) if len(names) == 1 else ())
        return cls(
            tuple(
                Product(name, frozenset(kinds[name]), _aliases(name, sorted(kinds), sorted(marks[name])))
                for name in sorted(kinds)
            )
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(product.name for product in self.products)

    def with_names(self, names: Sequence[str]) -> Catalogue:
        """The same, knowing these products too: a customer may own what no document is tagged with."""
        known = {name.casefold() for name in self.names} if names else ()
        new = [name for name in dict.fromkeys(names) if name.strip() and name.casefold() not in known]
        return Catalogue((*self.products, *(Product(name) for name in new))) if new else self

    def named(self, text: str) -> tuple[str, ...]:
        """The products that a text names, in its order."""
        return tuple(dict.fromkeys(name for _, _, name in self._spans(text))) if self.products else ()

    def mask(self, text: str) -> str:
        """The text with what a product is in place of its name, so that likeness is not that of names."""
        for start, end, name in reversed(self._spans(text)):
            text = f"{text[:start]}{self._kind(name)}{text[end:]}"
        return text

    def unnamed(self, text: str, products: Iterable[str] = ()) -> str:
        """The text without products' names and without the nouns that `products` go by: what is said of them."""
        for start, end, _ in reversed(self._spans(text)):
            text = f"{text[:start]} {text[end:]}"
        meant = set(products)
        kinds = {kind for product in self.products if product.name in meant for kind in product.kinds}
        return (
            _WORD.sub(lambda match: "" if _singular(match[0].lower()) in kinds else match[0], text) if kinds else text
        )

    def of_kind(self, text: str) -> tuple[str, ...]:
        """The products that a text means by what they are, such as "my kettle"."""
        if not self.products:
            return ()
        words = {_singular(word.lower()) for word in _WORD.findall(text)}
        return tuple(product.name for product in self.products if product.kinds & words)

    def family(self, name: str) -> tuple[str, ...]:
        """The other products whose name begins with this one's first word: other sizes and generations."""
        first = name.split()[0].casefold()
        return tuple(p.name for p in self.products if p.name.split()[0].casefold() == first and p.name != name)

    def is_ambiguous(self, text: str, name: str) -> bool:
        """Whether a bare name leaves the generation open: "my Lark" where there is a Lark 2, and no "old" beside it."""
        if not any(re.fullmatch(rf"{re.escape(name)} \d+", other, re.IGNORECASE) for other in self.family(name)):
            return False
        product = next((p for p in self.products if p.name == name), None)
        told = "|".join((rf"{_OLDER}\W+{re.escape(name)}", *(product.aliases if product else ())))
        return re.search(rf"\b(?:{told})\b", text, re.IGNORECASE) is None

    def subjects(self, passage: Passage) -> frozenset[str]:
        """What a passage is about, casefolded: named in its question, else in its headings, else tagged."""
        for text in (passage.question or "", *reversed(passage.section)):
            if names := self.named(text):
                return frozenset(name.casefold() for name in names)
        return frozenset(product.casefold() for product in passage.products)

    def _spans(self, text: str) -> list[tuple[int, int, str]]:
        pattern, groups = _compiled(self.products)
        if pattern is None:
            return []
        found = []
        for match in pattern.finditer(text):
            found.append((match.start(), match.end(), groups[match.lastgroup or ""]))
        return found

    def _kind(self, name: str) -> str:
        product = next(p for p in self.products if p.name == name)
        return min(product.kinds, default="device")


@lru_cache(maxsize=64)
def _compiled(products: tuple[Product, ...]) -> tuple[re.Pattern[str] | None, dict[str, str]]:
    """One pattern over every name and alias, the longest first, and which product each of its groups means."""
    ways = [(re.escape(p.name), p.name) for p in products]
    ways = sorted(ways, key=lambda way: -len(way[0]))
    ways = [*((alias, p.name) for p in products for alias in p.aliases), *ways]
    if not ways:
        return None, {}
    parts = [rf"(?P<g{i}>(?<!\w)(?:{pattern})(?:['’]s|s)?(?!\w))" for i, (pattern, _) in enumerate(ways)]
    return re.compile("|".join(parts), re.IGNORECASE), {f"g{i}": name for i, (_, name) in enumerate(ways)}


def _kind_of(title: str, names: Sequence[str]) -> set[str]:
    """The noun that a title calls its products by: the last word before its first colon or bracket."""
    head = whole = _TITLE_END.split(title, maxsplit=1)[0]
    for name in sorted(names, key=len, reverse=True):
        head = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", head, flags=re.IGNORECASE)
    if head == whole:  # the title's beginning names no product, so it says what the document is
        return set()
    words = [word.lower() for word in _WORD.findall(head)]
    last = _singular(words[-1]) if words else ""
    return {last} if len(last) > 2 and last not in _NOT_A_KIND else set()


def _marks_of(title: str) -> list[str]:
    """What stands in brackets in a title, such as "first generation"."""
    return [mark.strip().casefold() for mark in _BRACKETS.findall(title)]


def _aliases(name: str, names: Sequence[str], marks: Sequence[str]) -> tuple[str, ...]:
    """Other ways to mean one product: "the Mini", "the new Lark", "my first-generation machine"."""
    aliases = [re.sub(r"\\?[ -]", "[ -]", re.escape(mark)) + rf"(?:\s+{re.escape(name)})?" for mark in marks]
    first, _, rest = name.rpartition(" ")
    if first in names:
        if rest.isdigit():
            aliases.append(rf"{_NEWER}\s+{re.escape(first)}(?!\s+\d)")
        else:
            aliases.append(rf"(?<=the )(?<!{re.escape(first)} ){re.escape(rest)}")
    return tuple(aliases)


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word

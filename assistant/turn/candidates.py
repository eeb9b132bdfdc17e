"""Passages -> the stretches that may answer a question: none about another product, another code. Floor: pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from assistant.turn.before import Place
from assistant.turn.phrases import ANSWER_KINDS, LEADS_ON, ONLY_LINKS, QUESTION_KINDS, YES_OR_NO
from assistant.turn.sentences import (
    FAQ,
    ITEM,
    ROW,
    SENTENCE,
    Unit,
    content_words,
    meanings,
    say_row,
    split_sentences,
    split_units,
    words_of,
)
from assistant.turn.subject import NO_SUBJECT, Subject
from assistant.turn.writing import back_to_marker, paragraphs
from knowledge.documents import Found, Passage
from knowledge.products import Catalogue

FAQ_MAX_WORDS = 180
SENTENCE_WORDS = 4
PART_FIGURES = 3
SHOUTED_LETTERS = 5  # shorter ones are abbreviations
# error codes, part and model numbers: E4, P-2207, AM-E220
CODE_NAME = re.compile(r"(?<![\w-])(?:[A-Za-z]{1,4}-?\d{1,4}|[A-Za-z]{2,4}-[A-Za-z]\d{1,4})(?![\w-])")

# what a continued question says besides its topic: which kind of fact it wants, and of what was spoken of
_KIND_WORDS = {
    "time": meanings("time day week month minute hour year long fast quick soon last need"),
    "price": meanings("price cost fee charge pay paid money amount expensive cheap"),
    "how often": meanings("time times often"),
}
_KIND_WORDS["wait"] = _KIND_WORDS["time"] | meanings("without wait")
_HOW_MUCH_TIME = re.compile(r"\bhow (?:much time|many (?:minutes|hours|days|weeks|months|years))\b", re.IGNORECASE)
_SEE = re.compile(r"\W*see\b[^.;]{0,60}\W*", re.IGNORECASE)
_POINTING = meanings("one ones part parts piece thing things spare mean work works need needs want going else same")
# words that a question is no less answered without
_ADVERBS = meanings(
    "only just still really already again ever even actually exactly now new please kindly possible possibly today "
    "anyway also currently usually normally sure something anything someone anyone"
)
GOES_ON_ABOUT_CODE = meanings("mean means fix solve clear stop gone again still appear show help happen")
_NAME = re.compile(r"(?<=[^\s.?!:])\s+([A-Z][^\W\d_]{2,})")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the composer sees it.

    `question` stands alone; `words` are the customer's own, whose kind counts ("how much") where the rest only says of
    what. `cited` is what the answer before quoted, if this question continues it; `said` is not to be said again.
    """

    question: str
    words: str
    subject: Subject = NO_SUBJECT
    catalogue: Catalogue = field(default_factory=Catalogue)
    cited: tuple[Place, ...] = ()
    leans_back: bool = False
    said: tuple[Place, ...] = ()

    @property
    def compared(self) -> str:
        """What vectors are made of: a question that continues is compared by its own words where it has any."""
        return self.words if self.leans_back and not self.is_bare and not self.places else self.question

    @property
    def kind(self) -> str | None:
        return kind_of(self.words)

    @property
    def own(self) -> frozenset[str]:
        """What a question that continues adds to what was spoken of: "how much is that part?" nothing."""
        own = meanings(self.unnamed(self.words))
        return own - self.topicless

    @property
    def topicless(self) -> frozenset[str]:
        """Words that only say which kind of fact is wanted, or point, or add nothing."""
        return _POINTING | _ADVERBS | _KIND_WORDS.get(self.kind or "", frozenset())

    def topic_of(self, question: str) -> frozenset[str]:
        """What another question is about, besides the kind of fact that it wants."""
        return meanings(self.unnamed(question)) - _ADVERBS - _KIND_WORDS.get(kind_of(question) or "", frozenset())

    @property
    def is_bare(self) -> bool:
        """Whether it continues and says no more than what kind of thing it wants to know."""
        return self.leans_back and not self.own

    @property
    def wanted(self) -> frozenset[str]:
        """What is asked of the product: the question's words less its name and kind, and less what only leads to it."""
        if self.leans_back and not self.is_bare:
            return self.own
        asking = [self.question[a:b] for a, b in split_sentences(self.question) if self.question[:b].endswith("?")]
        words = meanings(self.unnamed(" ".join(asking))) or meanings(self.unnamed(self.question))
        return words - _ADVERBS or words

    def unnamed(self, text: str) -> str:
        """A text without products' names and without the nouns that the ones in question go by."""
        return self.catalogue.unnamed(text, self.subject.products if self.subject.certain else ())

    @property
    def places(self) -> frozenset[str]:
        """Names in the question other than products': countries, cards, carriers; casefolded."""
        text = self.words if self.leans_back else self.question
        return names_in(self.catalogue.unnamed(text))

    @property
    def codes(self) -> frozenset[str]:
        """The codes asked about, casefolded; a product's own name ("Lark 2") is none.

        "Can I return it?" after an error code asks nothing about the code, "how do I fix it?" does.
        """
        own = codes_in(self.catalogue.mask(self.words))
        if own or (self.leans_back and (self.kind in ("price", "where") or self.own - GOES_ON_ABOUT_CODE)):
            return own
        return codes_in(self.catalogue.mask(self.question))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that may answer. `rank` is that of its passage among the findings, `at` its place in the passage's units.

    `about` are the products it tells of, casefolded; empty for what holds for all. `continues`: it stands where the
    answer before was taken from. `is_torso`: it is of a list whose first step is elsewhere.
    """

    rank: int
    at: int
    unit: Unit
    passage: Passage
    about: frozenset[str]
    continues: bool = False
    is_torso: bool = False


def kind_of(question: str) -> str | None:
    """What a question is after: a time, a price, steps; None when no rule knows."""
    if _HOW_MUCH_TIME.search(question):
        return "time"
    return next((name for name, pattern in QUESTION_KINDS if pattern.search(question)), None)


def names_in(text: str) -> frozenset[str]:
    """Words with a capital inside a sentence, casefolded; a long one all in capitals is shouted."""
    return frozenset(n.casefold() for n in _NAME.findall(text) if len(n) < SHOUTED_LETTERS or not n.isupper())


def codes_in(text: str) -> frozenset[str]:
    return frozenset(match.casefold() for match in CODE_NAME.findall(text))


def parts_in(text: str) -> frozenset[str]:
    """Part and article numbers, casefolded; an error code has fewer figures."""
    return frozenset(code for code in codes_in(text) if len(re.sub(r"\D", "", code)) >= PART_FIGURES)


def holds_code(text: str, code: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(code)}(?![\w-])", text.casefold()) is not None


def list_candidates(asked: Asked, found: Sequence[Found]) -> tuple[list[Candidate], list[tuple[Unit, ...]]]:
    """What may answer, in the order of the findings, and each passage's units (as they are to be said)."""
    units = [tuple(units_of(hit.passage, asked)) for hit in found]
    candidates = []
    for rank, hit in enumerate(found):
        continues = any(p.overlaps(hit.passage.document_id, hit.passage.start, hit.passage.end) for p in asked.cited)
        for at, unit in enumerate(units[rank]):
            about = about_of(unit, hit.passage, asked.catalogue)
            if not _says_something(unit, asked) or _is_said(unit, hit.passage, asked) or _leads_on(units[rank], at):
                continue
            if _is_meant(about, hit.passage, asked.subject):
                torso = unit.number is not None and next(u for u in units[rank] if u.group == unit.group).number != 1
                candidates.append(Candidate(rank, at, unit, hit.passage, about, continues, torso))
    return _of_codes(asked, candidates), units


def about_of(unit: Unit, passage: Passage, catalogue: Catalogue) -> frozenset[str]:
    """The products a unit tells of: named in it, else above it, else those its document is tagged with."""
    texts = [unit.shown, unit.heading] if unit.kind == FAQ else [unit.shown]
    named = [name for text in texts for name in catalogue.named(text)]
    if named:
        return frozenset(name.casefold() for name in named)
    if names := catalogue.named(unit.heading):
        return frozenset(name.casefold() for name in names)
    return catalogue.subjects(passage)


def units_of(passage: Passage, asked: Asked | None = None) -> list[Unit]:
    """What a passage can be quoted by: an FAQ entry's answer stays whole, everything else goes by the sentence."""
    question = question_of(passage)
    units = [unit for unit in split_units(passage.text, passage.lead) if unit.shown not in (question, passage.title)]
    if question and units and sum(len(words_of(unit.shown)) for unit in units) <= FAQ_MAX_WORDS:
        units = _relevant(units, passage, asked) if asked else units
        start = back_to_marker(passage.text, units[0].start)
        shown = "\n\n".join(paragraphs(units))
        return [Unit(FAQ, shown, start, max(unit.end for unit in units), 1, heading=question)]
    return [_of_product(unit, asked) for unit in units] if asked else units


def question_of(passage: Passage) -> str | None:
    """The question that a passage answers; a heading that is a sentence is one too: "My lamp stays dark." """
    if passage.question or not passage.section:
        return passage.question
    heading = passage.section[-1]
    return heading if heading.endswith((".", "?", "!")) and len(words_of(heading)) >= SENTENCE_WORDS else None


def _relevant(units: list[Unit], passage: Passage, asked: Asked) -> list[Unit]:
    """The stretch of an entry's sentences that is of the product asked about, and of the kind where it continues."""
    if any(unit.kind != SENTENCE for unit in units):
        return units
    only = asked.subject.only
    keep = list(range(len(units)))
    if only is not None:
        names = [asked.catalogue.named(unit.shown) for unit in units]
        others = {i for i in keep if names[i] and only not in names[i] and not asked.codes & codes_in(units[i].shown)}
        own = meanings(" ".join(units[i].shown for i in keep if i not in others))
        others -= {i for i in others if (asked.wanted & meanings(units[i].shown)) - own}  # "refurbished ones and the X"
        first = min((i for i in keep if only in names[i]), default=0)
        is_others = only not in (asked.catalogue.named(question_of(passage) or "") or (only,))
        keep = [i for i in keep if i not in others and not (is_others and i < first)]
    shows = ANSWER_KINDS.get(asked.kind or "")
    if shows and any(p.overlaps(passage.document_id, passage.start, passage.end) for p in asked.cited):
        keep = [i for i in keep if shows.search(units[i].shown)] or keep
    runs = _runs(keep)
    # what is told product by product is told of this one where its name stands
    run = next((run for run in runs if only and any(only in asked.catalogue.named(units[i].shown) for i in run)), None)
    told = [len(asked.wanted & meanings(" ".join(units[i].shown for i in run))) for run in runs]
    return [units[i] for i in run or runs[told.index(max(told))]] if runs else units


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Stretches of numbers that follow each other."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _of_product(unit: Unit, asked: Asked) -> Unit:
    """A row of a table with a column for each product, less the columns of the others."""
    only = asked.subject.only
    if unit.kind != ROW or only is None:
        return unit
    heads = [asked.catalogue.named(name) for name, _ in unit.cells]
    by_product = any(only in names for names in heads)
    cells = tuple(
        (name, cell)
        for (name, cell), names in zip(unit.cells, heads, strict=True)
        if not (by_product and names and only not in names) and not _says_whose(cell, only, asked.catalogue)
    )
    return replace(unit, cells=cells, shown=say_row(cells)) if cells != unit.cells and len(cells) > 1 else unit


def _says_whose(cell: str, only: str, catalogue: Catalogue) -> bool:
    """Whether a cell only says that the row is for this product, which the customer knows."""
    return cell.casefold() in ("both", "all") or (
        catalogue.named(cell) == (only,) and not content_words(catalogue.unnamed(cell).replace("only", ""))
    )


def _is_meant(about: frozenset[str], passage: Passage, subject: Subject) -> bool:
    """Whether a unit may speak on this subject. What a product's own document says is said of that product."""
    if not subject.certain or not about:
        return True
    wanted = {name.casefold() for name in subject.products}
    tags = {product.casefold() for product in passage.products}
    return bool(wanted & about) or (bool(tags) and tags <= wanted)


def _of_codes(asked: Asked, candidates: list[Candidate]) -> list[Candidate]:
    """Where a code is asked about, only what holds it, or is headed by it, or is told in the same entry."""
    if not asked.codes:
        return candidates

    def holds(candidate: Candidate) -> bool:
        unit = candidate.unit
        texts = [unit.shown, unit.heading, *([candidate.passage.text] if unit.kind == FAQ else [])]
        return any(holds_code(text, code) for text in texts for code in asked.codes)

    return [candidate for candidate in candidates if holds(candidate)]


def _is_said(unit: Unit, passage: Passage, asked: Asked) -> bool:
    start, end = passage.start + unit.start, passage.start + unit.end
    return any(place.overlaps(passage.document_id, start, end) for place in asked.said)


def _leads_on(units: Sequence[Unit], at: int) -> bool:
    """Whether an item is one of a list of other pages: "See also:"."""
    if units[at].kind != ITEM:
        return False
    above = next((unit.shown for unit in reversed(units[:at]) if unit.group != units[at].group), "")
    return any(LEADS_ON.fullmatch(text) for text in (above, units[at].heading))


def _says_something(unit: Unit, asked: Asked) -> bool:
    """Not a bare title, not the question come back, and not a row that only says where else to look."""
    if len(unit.cells) > 1 and all(_SEE.fullmatch(cell) for _, cell in unit.cells[1:]):
        return False
    if unit.kind == SENTENCE and (unit.shown.endswith("?") or len(words_of(unit.shown)) < 3):
        return False
    if ONLY_LINKS.fullmatch(unit.shown):
        return False
    said = meanings(unit.shown)
    if unit.kind in (SENTENCE, ITEM) and said <= meanings(asked.question) and not YES_OR_NO.search(asked.words):
        return False  # "Set the water hardness." is no answer to who asks how to set it
    return unit.shown != asked.question and bool(said)

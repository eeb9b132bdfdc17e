"""What may need care in a release: documents nobody uses, numbers that contradict each other, what is out of date.

Floor: pure but for `encode`. It would rather miss something than cry wolf: who is told ten wrong things reads no more.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, pairwise
from statistics import median

from knowledge.documents import DocumentSummary, Passage
from knowledge.embedding import Vectors
from knowledge.lexical import terms
from knowledge.measures import Measure, find_measures
from knowledge.products import Catalogue

Read = Callable[[], Iterable[Passage]]
Encode = Callable[[Sequence[str]], Vectors]

ALIKE = 0.6  # cosine, numbers and names of products apart, from which two sentences may say the same
SHARED_WORDS = 2
TELLING_WORDS = 3
NUMBERS_MAX = 3  # a group with more is no contradiction but a table of prices
SHARED_SHARE = 0.6  # of the content words of both
KEY_WORDS = 4  # the rarest words of a claim: those that say the same share one of them
KEY_CLAIMS = 60  # claims that may share a key word; a commoner word tells nothing apart
CLAIMS_MAX = 50_000  # 150 MB; what the last documents of an enormous release say is not compared
SHOWN_MAX = 50
STALE_DAYS = 730
YOUNG_DAYS = 365  # never called old beside the others
MUCH_OLDER = 4.0  # times the median age

# sentences of prose, wrapped or not; items and table rows are a line each
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9“\"(])|\n\s*(?=\n)|\n(?=\s*(?:[-•*|#]|\d+[.)]\s))|(?<=\|)\s*\n")
_MARKS = re.compile(r"[*_`#>|]+|^\s*(?:[-•]|\d+[.)])\s+")
_CODE = re.compile(r"(?<![\w-])[A-Za-z]{1,3}-?\d{1,5}(?![\w-])")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SMALL_WORD = re.compile(r"\b[a-z]{3,}\b")
_NAME = re.compile(r"(?<=[a-z,;:)] )[A-Z][a-z]{2,}\b")
# a sentence that says an exception, a condition or "this" says less than its words
_NOT_SAID = re.compile(
    r"\b(?:this|these|not|no|never|without|except|unless|only|if|instead|previously|formerly|e\.g|example)\b", re.I
)
_LIGHT_WORDS = """
    last take need get have be is are was were may can must should will would please you your we our us it its this
    that these those the a an of for from to in on at by with within about after before during every each any all more
    less up down least most long often much many how what when which do does did make give stay let use per and or as
    so then than also usually normally always approximately around roughly once time day month year hour minute week
    second cost price working business calendar offer set only valid
    pay paid charge guide manual question answer help page document
"""  # they carry no subject of their own
_FUTURE = re.compile(
    r"\b(?:will|going to|planned for|plan to|coming|upcoming|expected|launch(?:es|ing)|scheduled for|until|"
    r"valid (?:until|through|to)|ends? (?:on|in)|expires?(?: on| in)?|no later than)\b[^.!?\n]{0,60}?\b(20\d\d)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A place that says a number: `text` is the sentence, as it stands in the document at `start`."""

    document: str
    title: str
    section: tuple[str, ...]
    start: int
    end: int
    text: str
    number: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Claims about the same thing with different numbers. `what` says the numbers and what they are of."""

    what: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """A document that may be out of date. `days` since its last change, where that is known."""

    document: DocumentSummary
    days: int | None
    why: str


def find_unused(documents: Iterable[DocumentSummary], used: Collection[str]) -> list[DocumentSummary]:
    """The documents that no answer ever quoted. `used`: ids of those that one did."""
    return [document for document in documents if document.id not in used]


def find_past_futures(passages: Iterable[Passage], year: int) -> dict[str, str]:
    """Document id -> words of it that expect a year which is over: "will be available in spring 2025"."""
    found: dict[str, str] = {}
    for passage in passages:
        if passage.document_id not in found and (words := _past_future(passage.text, year)):
            found[passage.document_id] = words
    return found


def find_stale(
    documents: Sequence[DocumentSummary],
    today: datetime.date,
    past_futures: Mapping[str, str],
    *,
    stale_days: int = STALE_DAYS,
) -> list[Stale]:
    """Documents not changed for long, much longer than the others, or that expect a year that is over; worst first.

    Args:
        past_futures: what `find_past_futures` found.
    """
    ages = {d.id: age for d in documents if (age := _age_days(d, today)) is not None}
    usual = median(ages.values()) if ages else 0.0
    found = []
    for document in documents:
        age = ages.get(document.id)
        if why := _why_stale(age, usual, stale_days, past_futures.get(document.id)):
            found.append(Stale(document, age, why))
    return sorted(found, key=lambda one: (-(one.days or 0), one.document.title, one.document.id))


def find_contradictions(read: Read, encode: Encode, catalogue: Catalogue) -> list[Contradiction]:
    """Sentences that say different numbers of the same thing, of the same product, with hardly another word apart.

    Args:
        read: gives every passage, and is asked for them twice.
        encode: texts -> unit vectors; asked only about sentences that share their words already.
    """
    named = _names_in_titles(read(), catalogue)
    said = (one for passage in read() for one in _claims_of(passage, catalogue, named[passage.document_id]))
    claims = list(_told_apart(list(islice(said, CLAIMS_MAX))))
    pairs = sorted(_near(claims))
    if not pairs:
        return []
    wanted = sorted({i for pair in pairs for i in pair})
    vectors = dict(zip(wanted, encode([claims[i].masked for i in wanted]), strict=True))
    surely = [(a, b) for a, b in pairs if float(vectors[a] @ vectors[b]) >= ALIKE]
    found = [_contradiction([claims[i] for i in group]) for group in _joined(surely)]
    return [one for one in found if len({claim.number for claim in one.claims}) <= NUMBERS_MAX][:SHOWN_MAX]


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence with one number of a kind, ready to be compared."""

    claim: Claim
    measure: Measure
    words: frozenset[str]  # that say what the number is of
    context: frozenset[str]  # of title, headings and question: what need not be said again
    order: tuple[str, ...]  # the sentence's words as they stand
    names: frozenset[str]
    numbers: tuple[str, ...]  # the others of the sentence
    title: frozenset[str]
    subject: tuple[frozenset[str], frozenset[str]]  # products and codes
    topic: str
    masked: str


def _claims_of(passage: Passage, catalogue: Catalogue, named: frozenset[str]) -> Iterator[_Said]:
    about = " ".join((passage.title, *passage.section, passage.question or ""))
    asked = frozenset(terms(catalogue.unnamed(passage.question or ""))) - _light()
    for start, end in _sentences(passage.text):
        text = passage.text[start:end]
        if _NOT_SAID.search(text) or text.endswith("?") or (text.startswith("|") and text.count("|") > 8):
            continue
        measures = list(find_measures(text))
        kinds = Counter(measure.kind for measure in measures)
        plain = _without(_MARKS.sub(" ", text), measures, text)
        order = tuple(word for word in terms(catalogue.unnamed(plain)) if not word.isdigit())
        products = frozenset(catalogue.named(text) or catalogue.named(passage.question or ""))
        products = frozenset(name.casefold() for name in products) or catalogue.subjects(passage)
        codes = frozenset(code.lower() for code in _CODE.findall(catalogue.unnamed(plain)))
        for measure in measures:
            if kinds[measure.kind] > 1:
                continue  # which of them is of what, nobody can say
            yield _Said(
                Claim(
                    passage.document_id,
                    passage.title,
                    passage.section,
                    passage.start + start,
                    passage.start + end,
                    text,
                    text[measure.start : measure.end],
                ),
                measure,
                (frozenset(order) - _light()) | asked,
                frozenset(terms(about)),
                order,
                named | frozenset(name.lower() for name in _NAME.findall(catalogue.unnamed(text))),
                tuple(_NUMBER.findall(catalogue.unnamed(plain))),
                frozenset(terms(passage.title)) - _light(),
                (products, codes),
                passage.question or (passage.section[-1] if passage.section else passage.title),
                " ".join(catalogue.mask(f"{passage.question or ''} {plain}").split()),
            )


@lru_cache(maxsize=1)
def _light() -> frozenset[str]:
    return frozenset(terms(_LIGHT_WORDS))


def _names_in_titles(passages: Iterable[Passage], catalogue: Catalogue) -> dict[str, frozenset[str]]:
    """What each document is named after: words of its title that sentences write like names.

    Where documents carry no products, their titles still tell that "Gold Account" is another thing than "Gold Plus".
    """
    large: Counter[str] = Counter()
    small: Counter[str] = Counter()
    titles: dict[str, str] = {}
    for passage in passages:
        large.update(name.lower() for name in _NAME.findall(passage.text))
        small.update(_SMALL_WORD.findall(passage.text))
        if passage.document_id not in titles:
            titles[passage.document_id] = catalogue.unnamed(passage.title)
    return {
        document: frozenset(w for w in _SMALL_WORD.findall(title.lower()) if large[w] > small[w])
        for document, title in titles.items()
    }


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in [*_SENTENCE.finditer(text), None]:
        end = match.start() if match else len(text)
        stripped = text[start:end].strip()
        if stripped and not stripped.startswith("#"):
            begin = start + text[start:end].index(stripped)
            yield begin, begin + len(stripped)
        start = match.end() if match else end


def _without(shown: str, measures: Sequence[Measure], text: str) -> str:
    """The sentence with every number and its unit taken out."""
    for measure in measures:
        shown = shown.replace(text[measure.start : measure.end], " ", 1)
    return shown


def _near(claims: Sequence[_Said]) -> Iterator[tuple[int, int]]:
    """Pairs that say different numbers of what may be the same thing, by their words alone."""
    counts = Counter(word for said in claims for word in said.words)
    by_key: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, said in enumerate(claims):
        for word in sorted(said.words, key=lambda word: (counts[word], word))[:KEY_WORDS]:
            by_key[(said.measure.kind, said.subject, word)].append(i)
    seen: set[tuple[int, int]] = set()
    for members in by_key.values():
        if len(members) > KEY_CLAIMS:
            continue
        for n, a in enumerate(members):
            for b in members[n + 1 :]:
                if (a, b) not in seen:
                    seen.add((a, b))
                    if _may_contradict(claims[a], claims[b]):
                        yield a, b


def _may_contradict(one: _Said, other: _Said) -> bool:
    if one.measure.agrees(other.measure) or one.names != other.names or one.numbers != other.numbers:
        return False
    if one.claim.document == other.claim.document or _are_parallel(one.title, other.title):
        return False
    shared = one.words & other.words
    extra = (one.words - other.words - other.context) | (other.words - one.words - one.context)
    if len(shared) < SHARED_SHARE * len(one.words | other.words) or len(extra) > 1:
        return False
    # both pages are about it, or one is and the words are the same; or both name the product; or they say enough
    pages = one.context & other.context if extra else one.context | other.context
    if not (shared & pages or one.subject[0] or len(shared) >= TELLING_WORDS):
        return False
    if len(shared) < SHARED_WORDS and one.words != other.words:
        return False
    return not any(_qualifies(word, said.order, shared) for word in extra for said in (one, other))


def _are_parallel(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two titles name two things of a kind, as "Kite pricing" and "Wren pricing" do."""
    return bool(one & other and one - other and other - one)


def _told_apart(claims: Sequence[_Said]) -> Iterator[_Said]:
    """Without those whose own page says other numbers in the same words: it says of what elsewhere, as tables do."""
    said: dict[tuple[object, ...], set[tuple[float, float]]] = defaultdict(set)
    for one in claims:
        said[one.claim.document, one.measure.kind, one.words].add((one.measure.low, one.measure.high))
    for one in claims:
        if len(said[one.claim.document, one.measure.kind, one.words]) == 1:
            yield one


def _qualifies(word: str, order: Sequence[str], shared: Collection[str]) -> bool:
    """Whether the word narrows one that both say: "express" in "express delivery" makes it another thing."""
    return any(a == word and b in shared for a, b in pairwise(order))


def _joined(pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Pairs that share a member as one group."""
    group_of: dict[int, list[int]] = {}
    for a, b in pairs:
        one, other = group_of.get(a, [a]), group_of.get(b, [b])
        if one is not other:
            merged = sorted(set(one) | set(other))
            group_of.update(dict.fromkeys(merged, merged))
    unique = {id(group): group for group in group_of.values()}
    return sorted(unique.values())


def _contradiction(said: Sequence[_Said]) -> Contradiction:
    numbers = list(dict.fromkeys(" ".join(one.claim.number.split()) for one in said))
    return Contradiction(f"{' or '.join(numbers)}: {said[0].topic}", tuple(one.claim for one in said))


def _age_days(document: DocumentSummary, today: datetime.date) -> int | None:
    try:
        changed = datetime.date.fromisoformat((document.changed_at or "")[:10])
    except ValueError:
        return None
    return max((today - changed).days, 0)


def _past_future(text: str, year: int) -> str | None:
    """Words that expect a year which is over."""
    match = next((match for match in _FUTURE.finditer(text) if int(match[1]) < year), None)
    return " ".join(match[0].split()) if match else None


def _why_stale(age: int | None, usual: float, stale_days: int, expected: str | None) -> str | None:
    if expected is not None:
        return f"It says “{expected}”, and that year is over."
    if age is None:
        return None
    if age > stale_days:
        return f"It was last changed {_span(age)} ago."
    if age > YOUNG_DAYS and age > MUCH_OLDER * max(usual, 1.0):
        return f"It was last changed {_span(age)} ago; half of all documents within {_span(round(usual))}."
    return None


def _span(days: int) -> str:
    """A time as people say it: "1 day", "9 months", "27 years"."""
    for unit, length in (("year", 365), ("month", 30)):
        if days >= 2 * length:
            return f"{days // length} {unit}s"
    return "1 day" if days == 1 else f"{days} days"

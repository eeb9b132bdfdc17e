"""Which product a question is about: named, meant by its kind, spoken of before, on the page, or owned. Floor: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.profile.customer import Customer
from assistant.turn import phrases
from assistant.turn.before import NOTHING_BEFORE, Before
from knowledge.products import Catalogue


@dataclass(frozen=True, slots=True)
class Subject:
    """The products in question; none when nothing tells.

    `certain`: nothing about another product may answer. Otherwise these only come first, as those do that the customer
    owns. Several certain ones leave open which.
    """

    products: tuple[str, ...] = ()
    certain: bool = False
    owned: tuple[str, ...] = ()

    @property
    def only(self) -> str | None:
        return self.products[0] if self.certain and len(self.products) == 1 else None


NO_SUBJECT = Subject()


def decide_subject(
    question: str,
    catalogue: Catalogue,
    *,
    customer: Customer | None = None,
    page_product: str | None = None,
    before: Before = NOTHING_BEFORE,
    leans_back: bool = False,
) -> Subject:
    """The subject of a question.

    A product is assumed rather than named only where the question speaks of "my", "it" or "the machine": "how long does
    shipping take" is never narrowed to a manual. `leans_back`: the question continues the one before.
    """
    owned = tuple(dict.fromkeys(product.name for product in customer.products)) if customer else ()
    if named := _named(question, catalogue, owned):
        return Subject(named, True, owned)
    page = (page_product,) if page_product else ()
    if of_kind := catalogue.of_kind(question):
        near = [_among(of_kind, group) for group in (before.products if leans_back else (), owned, page)]
        return Subject(next((group for group in near if group), of_kind), True, owned)
    if not (owned or page or before.products):
        return NO_SUBJECT
    speaks_of_it = phrases.OWN_THING.search(question) is not None
    if (speaks_of_it or leans_back or phrases.SHORT_CODE.search(question)) and before.products:
        return Subject(before.products, True, owned)
    if speaks_of_it and page:
        return Subject(page, True, owned)
    if speaks_of_it and owned:
        return Subject(owned, len(owned) == 1, owned)
    return Subject(owned, False, owned)


def _named(question: str, catalogue: Catalogue, owned: Sequence[str]) -> tuple[str, ...]:
    """The products named. A bare name with generations is the one that is owned, or leaves the generation open."""
    named = catalogue.named(question)
    if len(named) != 1 or not catalogue.is_ambiguous(question, named[0]):
        return named
    generations = (named[0], *(n for n in catalogue.family(named[0]) if n.rpartition(" ")[0] == named[0]))
    return _among(generations, owned) or generations


def _among(names: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    wanted = {name.casefold() for name in others}
    return tuple(name for name in names if name.casefold() in wanted)

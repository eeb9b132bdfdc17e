"""Comparisons are kept, one a pair of releases, and lose what was erased or purged."""

from __future__ import annotations

import asyncio

import pytest

from assistant.errors import NotFound
from assistant.studio.comparable import RECENT, SAVED, Comparable
from assistant.studio.comparing import Compared, Comparison
from assistant.studio.comparisons import KEPT, Comparisons
from assistant.studio.rehearsing import RehearsedAnswer
from assistant.turn.citations import Citation

INES = "ines@shop.example"
ALL = range(1, 100)


@pytest.fixture
def kept(house) -> Comparisons:
    return Comparisons(house.engine)


def answer(text: str, release: int, document: str | None = None) -> RehearsedAnswer:
    if document is None:
        return RehearsedAnswer(text, "declined", (), 0.1, release)
    cited = Citation(1, "Returns", ("Returns",), text, release, document, 0, len(text))
    return RehearsedAnswer(text, "answered", (cited,), 0.8, release)


def compared(question: str, *, document: str = "doc-1", place: tuple[str, int] | None = None) -> Compared:
    asked = Comparable("q", question, RECENT if place else SAVED, place=place)
    return Compared(asked, answer("I do not know.", 1), answer("Within 30 days.", 2, document))


def of(release: int, against: int, *questions: Compared) -> Comparison:
    return Comparison(release, against, questions or (compared("Can I return an order?"),))


async def test_a_pair_of_releases_has_one_comparison_and_other_pairs_keep_theirs(kept):
    kept.keep(of(2, 1), "command", ALL)
    kept.keep(of(3, 2), INES, ALL)
    newest = kept.keep(of(2, 1, compared("And in a shop?"), compared("By post?")), INES, ALL)

    assert [(one.release, one.against, one.made_by) for one in kept.list_all()] == [(2, 1, INES), (3, 2, INES)]
    loaded, questions = kept.load(2, 1)
    assert loaded == newest == kept.list_all()[0]
    assert [one["question"] for one in questions] == ["And in a shop?", "By post?"]
    assert loaded.counts == {
        "questions": 2, "outcome": 2, "sources": 0, "wording": 0, "same": 0, "gained": 2, "lost": 0
    }  # fmt: skip
    with pytest.raises(NotFound, match="has not been compared"):
        kept.load(1, 2)


async def test_only_the_newest_stay_and_none_of_a_release_that_is_gone(kept):
    for release in range(2, KEPT + 5):
        kept.keep(of(release, release - 1), INES, ALL)
    assert [one.release for one in kept.list_all()] == list(range(KEPT + 4, 4, -1))

    kept.keep(of(90, 24), INES, {90, 24, 23})

    assert [(one.release, one.against) for one in kept.list_all()] == [(90, 24), (24, 23)]
    with pytest.raises(NotFound):
        kept.load(20, 19)


async def test_a_question_whose_conversation_is_erased_leaves_every_comparison(house, kept):
    conversation = await house.conversation()
    asked = await house.ask(conversation, "Can I return an order?")
    place = (conversation, asked.data["turn"])
    kept.keep(of(2, 1, compared("Can I return an order?", place=place), compared("By post?")), INES, ALL)
    assert kept.list_all()[0].counts["questions"] == 2

    await house.journal.erase(conversation)

    assert [one["question"] for one in kept.load(2, 1)[1]] == ["By post?"]
    assert kept.list_all()[0].counts["questions"] == 1


async def test_what_was_answered_from_a_purged_document_leaves_every_comparison(kept):
    kept.keep(of(2, 1, compared("Can I return it?", document="gone"), compared("By post?")), INES, ALL)

    kept.forget_documents(["gone", "unknown"])

    assert [one["question"] for one in kept.load(2, 1)[1]] == ["By post?"]


async def test_a_real_comparison_knows_where_each_question_was_asked(house, kept):
    from assistant.studio.comparing import compare_releases

    conversation = await house.conversation()
    await house.ask(conversation, "How do I descale the kettle?")
    page = "# Engraving\n\nA name of up to 12 letters costs £15.\n"
    release = await asyncio.to_thread(house.write, "engraving.md", page, publish=False)

    def compare():
        return compare_releases(house.library, house.settings, house.engine, release)

    kept.keep(await asyncio.to_thread(compare), INES, [one.number for one in house.library.releases()])
    assert kept.list_all()[0].counts["questions"] == 1
    await house.journal.erase(conversation)
    house.gaps.refresh()

    assert kept.list_all()[0].counts["questions"] == 0

"""Two real help sites, as they are: read whole, without boilerplate, and answering."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from knowledge.blocks import split_atoms
from knowledge.chunking import cut
from knowledge.documents import Document, Passage
from knowledge.embedding import DEFAULT_MODEL, default_model_folder, open_embedder
from knowledge.library import Library
from knowledge.reading.faults import Unreadable
from knowledge.reading.files import SourceFile, find_files, read_file

SITES = Path(__file__).parents[3] / "shared" / "data" / "real-docs"

pytestmark = pytest.mark.skipif(not SITES.exists(), reason="the real help sites are not beside this checkout")


NO_KNOWLEDGE = {"docs/docs/tutorials/data-importer/camt.md"}  # it has no byte
SITE_REMARKS = re.compile(
    r"^\W*(edit this page|edit on github|was this (page|article) helpful|on this page|table of contents|skip to|"
    r"back to top|previous page|next page|last updated on|copy page|toggle navigation|we use cookies).{0,20}$",
    re.I | re.M,
)
KNOWN_MARKUP = re.compile(
    r"</?(?:div|img|br|p|a|span|iframe|style|table|t[drh]|tbody|ul|li|details|summary|"
    r"Note|Card|CardGroup|Tabs?|Accordion(?:Group)?|Warning|Tip|Info|Steps?|Frame|Icon|Check|CodeGroup)\b[^<>]*>"
)


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    made: list[Document] = []
    for file in find_files(str(SITES)):
        assert isinstance(file, SourceFile), file
        try:
            made += read_file(file, file.load())
        except Unreadable:
            if file.name.removeprefix("firefly-iii-docs/") not in NO_KNOWLEDGE:
                raise
    assert len(made) > 200
    return made


@pytest.fixture(scope="module")
def passages(documents: list[Document]) -> list[Passage]:
    return [passage for document in documents for passage in cut(document)]


def prose(text: str) -> str:
    """A text without its code."""
    return re.sub(r"^ *(`{3,}|~{3,}).*?(^ *\1|\Z)|`[^`\n]*`", "", text, flags=re.S | re.M)


def test_every_file_that_holds_something_is_read(documents: list[Document]) -> None:
    files = {path.relative_to(SITES).as_posix() for path in SITES.rglob("*.md*")}
    hidden = {name for name in files if "/." in name or name.startswith(".")}

    unread = files - hidden - {document.source for document in documents}

    assert {name.removeprefix("firefly-iii-docs/") for name in unread} == NO_KNOWLEDGE


def test_no_markup_is_left_outside_of_code(documents: list[Document]) -> None:
    for document in documents:
        words = prose(document.text)
        assert not KNOWN_MARKUP.search(words), document.source
        assert not re.search(r"^(import .* from |export (const|default)|:::|!!! |---$|\{/\*)", words, re.M), (
            document.source
        )


def test_no_passage_begins_with_front_matter(documents: list[Document]) -> None:
    for document in documents:
        assert not re.match(r"---|(title|description|sidebarTitle|icon):", document.text), document.source


def test_no_passage_holds_what_the_site_says_around_its_pages(passages: list[Passage]) -> None:
    told = [passage.text for passage in passages if SITE_REMARKS.search(prose(passage.text))]

    assert told == []


def test_no_passage_is_a_menu(passages: list[Passage]) -> None:
    """Many short lines and not one sentence, or nothing but links."""
    for passage in passages:
        lines = [line for line in prose(passage.text).split("\n") if line.strip()]
        links = [line for line in lines if re.fullmatch(r"\s*(?:[-*]|\d+\.)?\s*\[[^\]]*\]\([^)]*\)\s*", line)]
        assert len(links) < 12 or len(links) < 0.9 * len(lines), passage.text


def test_no_line_comes_back_in_many_documents(documents: list[Document]) -> None:
    """What every page says is the site's: at most short headings and words of warning come back at all."""
    seen: Counter[str] = Counter()
    for document in documents:
        seen.update({line.strip() for line in prose(document.text).split("\n") if len(line.strip()) > 40})

    often = {line: count for line, count in seen.items() if count > 0.04 * len(documents)}

    assert often == {}


def test_every_document_has_its_title_its_language_and_its_day(documents: list[Document]) -> None:
    assert all(document.title and not document.title.endswith((".md", ".mdx")) for document in documents)
    assert {document.language for document in documents} == {"en"}
    assert all(document.changed_at for document in documents)


def test_every_passage_is_an_exact_piece_of_its_document(documents: list[Document]) -> None:
    for document in documents:
        passages = cut(document)
        assert [passage.position for passage in passages] == list(range(len(passages)))
        for passage in passages:
            assert document.text[passage.start : passage.end] == passage.text


def test_no_row_step_or_block_of_code_is_cut(documents: list[Document]) -> None:
    for document in documents:
        edges = {edge for passage in cut(document) for edge in (passage.start, passage.end)}
        for atom in split_atoms(document.text):
            if atom.kind in ("row", "step", "code"):
                assert not any(atom.start < edge < atom.end for edge in edges), document.source


@pytest.mark.slow
@pytest.mark.timeout(600)  # embeds two hundred passages
@pytest.mark.parametrize(
    ("site", "question", "words"),
    [
        (
            "chatwoot-docs/self-hosted/configuration/features/email-channel",
            "How do I set up SendGrid for inbound emails?",
            "sendgrid",
        ),
        ("firefly-iii-docs/docs/docs/how-to/data-importer", "How do I import a CSV file from my bank?", "csv"),
        ("firefly-iii-docs/docs/docs/how-to/data-importer", "How can I import from the command line?", "cli"),
    ],
)
def test_sensible_answers_come_first(sites: dict[str, Library], site: str, question: str, words: str) -> None:
    findings = sites[site].search(question)

    best = findings.found[0].passage
    assert words in f"{best.title} {best.section} {best.text}".lower()
    assert findings.sureness > 0.5


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Library]:
    from assistant.database import open_engine, upgrade

    made = {}
    for site in (
        "chatwoot-docs/self-hosted/configuration/features/email-channel",
        "firefly-iii-docs/docs/docs/how-to/data-importer",
    ):
        folder = tmp_path_factory.mktemp("site")
        engine = open_engine(folder / "tellonce.db")
        upgrade(engine)
        embedder = open_embedder(DEFAULT_MODEL, default_model_folder(folder))
        made[site] = Library(engine, folder / "knowledge", embedder)
        made[site].add([str(SITES / site)])
        report = made[site].reindex()
        assert report.added >= 3
        assert report.faults == ()
    return made

"""Two real help sites, as they are: read whole, without boilerplate, and answering."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knowledge.chunking import cut
from knowledge.documents import Document
from knowledge.embedding import DEFAULT_MODEL, default_model_folder, open_embedder
from knowledge.library import Library
from knowledge.reading.files import SourceFile, find_files, read_file

SITES = Path(__file__).parents[3] / "shared" / "data" / "real-docs"

pytestmark = pytest.mark.skipif(not SITES.exists(), reason="the real help sites are not beside this checkout")


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    found = [file for file in find_files(str(SITES)) if isinstance(file, SourceFile)]
    assert len(found) > 150
    return [document for file in found if (data := file.load()).strip() for document in read_file(file, data)]


def test_no_markup_is_left_outside_of_code(documents: list[Document]) -> None:
    for document in documents:
        prose = re.sub(r"(```|~~~).*?(\1|\Z)|`[^`\n]*`", "", document.text, flags=re.S)
        assert not re.search(r"</?(?:div|img|br|Note|Card|Tab|Accordion|Warning|Tip)\b", prose), document.source
        assert not re.search(r"^(import .* from |:::|!!! |---$)", prose, re.M), document.source


def test_every_passage_is_an_exact_piece_of_its_document(documents: list[Document]) -> None:
    for document in documents:
        for passage in cut(document):
            assert document.text[passage.start : passage.end] == passage.text


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

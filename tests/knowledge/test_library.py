"""The front door: what is added is found, only what changed is embedded, and a release is whole or not there."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine

from knowledge.documents import Document, Turn
from knowledge.errors import IndexMissing, ReindexRunning, SourceNotFound
from knowledge.library import Library
from knowledge.releases import Releases
from knowledge.stand_ins import WordEmbedder


def titles(library: Library, question: str) -> list[str]:
    return [found.passage.title for found in library.search(question).found]


def stored_releases(tmp_path: Path) -> list[str]:
    return [path.parent.name for path in (tmp_path / "data" / "knowledge" / "releases").glob("*/passages.npy")]


class TestSearching:
    def test_what_was_added_is_found(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        report = library.reindex()

        findings = library.search("How do I boil water in the kettle?")

        assert (report.release, report.added, report.passages) == (1, 3, 4)
        assert findings.release == 1
        assert findings.found[0].passage.title == "Kettle"
        assert 0 <= findings.sureness <= 1

    def test_every_quote_stands_in_the_stored_document(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        library.reindex()

        for found in library.search("warranty lamp kettle", limit=10).found:
            passage = found.passage
            document = library.document(passage.document_id, 1)
            assert document is not None
            assert document.text[passage.start : passage.end] == passage.text

    def test_an_faq_entry_is_found_by_its_question(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        library.reindex()

        best = library.search("how long is the warranty").found[0]

        assert (best.passage.question, best.passage.text) == ("How long is the warranty?", "Two years.")

    @pytest.mark.parametrize("written", ["E-17", "e17", "E17", "E-17?"])
    def test_an_error_code_is_found_however_it_is_written(self, library: Library, shelf: Path, written: str) -> None:
        library.add([str(shelf)])
        library.reindex()

        assert titles(library, f"my device says {written}")[0] == "Lamp"

    def test_a_code_that_nobody_wrote_about_is_less_sure(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        library.reindex()

        known, unknown = (library.search(f"the lamp shows {code}").sureness for code in ("E-17", "E-99"))

        assert unknown < known / 1.9

    def test_the_product_that_is_asked_about_comes_first(self, library: Library, tmp_path: Path) -> None:
        for name in ("Lark", "Wren"):
            text = f"---\nproducts: [{name}]\n---\n# Cleaning {name}\n\nRinse the tank with water every week.\n"
            (tmp_path / f"{name}.md").write_text(text)
        library.add([str(tmp_path / "Lark.md"), str(tmp_path / "Wren.md")])
        library.reindex()

        for name in ("Lark", "wren"):
            best = library.search("How often do I rinse the tank?", product=name).found[0].passage
            assert best.products == (name.capitalize(),)

    def test_what_was_said_before_tells_what_a_follow_up_is_about(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        library.reindex()
        history = [Turn("customer", "My lamp has a broken bulb"), Turn("assistant", "The lamp shows E-17 then.")]

        assert library.search("What does it show?", history=history).found[0].passage.title == "Lamp"

    def test_the_same_text_twice_is_found_once(self, library: Library, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / f"{name}.md").write_text("# Boiling\n\nFill the kettle with water and press start.\n")
        library.add([str(tmp_path / "a.md"), str(tmp_path / "b.md")])
        library.reindex()

        assert len(library.search("kettle water").found) == 1

    def test_texts_that_differ_in_a_number_are_both_found(self, library: Library, tmp_path: Path) -> None:
        for name, litres in (("a", 1), ("b", 2)):
            (tmp_path / f"{name}.md").write_text(f"# Tank\n\nThe tank of this kettle holds {litres} litres of water.\n")
        library.add([str(tmp_path / "a.md"), str(tmp_path / "b.md")])
        library.reindex()

        assert len(library.search("how much water does the tank hold").found) == 2

    def test_nothing_indexed_says_what_to_do(self, library: Library) -> None:
        with pytest.raises(IndexMissing, match="tellonce knowledge add"):
            library.search("anything")

    def test_an_empty_release_finds_nothing(self, library: Library) -> None:
        library.reindex()

        assert library.search("anything").found == ()

    @pytest.mark.parametrize("question", ["", "   ", "?!", "the of and", "漢字", "x" * 8000])
    def test_odd_questions_are_answered_without_an_error(self, library: Library, shelf: Path, question: str) -> None:
        library.add([str(shelf)])
        library.reindex()

        assert library.search(question).sureness < 0.9


def test_other_peoples_chains_may_search_too(library: Library, shelf: Path) -> None:
    from knowledge.langchain_face import LibraryRetriever

    library.add([str(shelf)])
    library.reindex()

    best, *_ = LibraryRetriever(library=library, limit=2).invoke("boil water in the kettle")

    assert "press start" in best.page_content
    assert (best.metadata["title"], best.metadata["release"]) == ("Kettle", 1)


class TestReindexing:
    def test_only_what_changed_is_embedded(self, library: Library, shelf: Path, embedder: WordEmbedder) -> None:
        library.add([str(shelf)])
        library.reindex()
        embedder.encoded.clear()
        (shelf / "kettle.md").write_text("# Kettle\n\nThe kettle now boils by itself.\n")
        (shelf / "lamp.md").unlink()
        (shelf / "new.md").write_text("# New\n\nSomething new.\n")

        report = library.reindex()

        assert (report.release, report.added, report.changed, report.removed, report.unchanged) == (2, 1, 1, 1, 1)
        # the title "Kettle" was embedded for the first release already
        assert sorted(embedder.encoded) == ["Kettle\nThe kettle now boils by itself.", "New", "New\nSomething new."]
        assert "Lamp" not in titles(library, "lamp bulb broken")

    def test_a_run_without_changes_embeds_nothing_and_makes_no_release(
        self, library: Library, shelf: Path, embedder: WordEmbedder
    ) -> None:
        library.add([str(shelf)])
        library.reindex()
        embedder.encoded.clear()

        report = library.reindex()

        assert (report.release, report.unchanged, report.passages) == (1, 3, 4)
        assert embedder.encoded == []

    def test_a_document_keeps_the_text_of_its_release(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        library.reindex()
        document_id = library.search("kettle").found[0].passage.document_id
        (shelf / "kettle.md").write_text("# Kettle\n\nSomething else about the kettle.\n")
        library.reindex()

        old, new = library.document(document_id, 1), library.document(document_id)

        assert old is not None
        assert new is not None
        assert "press start" in old.text
        assert "Something else" in new.text
        assert library.document("no such", 1) is None

    def test_the_last_ten_releases_are_kept(self, library: Library, shelf: Path, tmp_path: Path) -> None:
        library.add([str(shelf)])
        for n in range(12):
            (shelf / "kettle.md").write_text(f"# Kettle\n\nEdition {n} of the kettle.\n")
            library.reindex()

        assert library.status().releases_kept == tuple(range(3, 13))
        assert len(stored_releases(tmp_path)) == 10

    def test_another_model_embeds_everything_again(
        self, library: Library, shelf: Path, engine: Engine, tmp_path: Path
    ) -> None:
        library.add([str(shelf)])
        library.reindex()
        other = WordEmbedder(dimensions=64, revision="words:2")

        report = Library(engine, tmp_path / "data" / "knowledge", other).reindex()

        assert (report.release, report.unchanged) == (2, 3)
        assert len(other.encoded) >= 4

    def test_a_bad_file_costs_a_line_and_not_the_run(self, library: Library, shelf: Path) -> None:
        (shelf / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
        (shelf / "empty.md").write_bytes(b"")
        (shelf / "broken.docx").write_bytes(b"nothing")
        library.add([str(shelf)])

        report = library.reindex()

        assert report.added == 3
        assert sorted(fault.source for fault in report.faults) == ["broken.docx", "broken.pdf", "empty.md"]
        assert all(fault.reason for fault in report.faults)

    def test_a_source_that_is_not_there_is_refused(self, library: Library, shelf: Path) -> None:
        with pytest.raises(SourceNotFound, match="nowhere"):
            library.add([str(shelf), "nowhere.md"])

        assert library.status().sources == ()

    def test_documents_can_be_published_without_sources(self, library: Library) -> None:
        documents = [Document(f"d{i}", f"d{i}", f"T{i}", f"Words number{i}.", "text/plain", f"h{i}") for i in range(45)]

        report = library.publish_documents(documents)

        assert (report.added, report.passages) == (45, 45)
        assert titles(library, "number7")[0] == "T7"


class TestCrashes:
    def test_a_run_cut_short_leaves_the_old_release_and_the_next_one_cleans_up(
        self, library: Library, shelf: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        library.add([str(shelf)])
        library.reindex()
        (shelf / "kettle.md").write_text("# Kettle\n\nNew words about the kettle.\n")

        def dies(*args: object, **more: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Releases, "finish", dies)
            with pytest.raises(KeyboardInterrupt):
                library.reindex()

        assert library.release == 1
        assert "press start" in library.search("kettle").found[0].passage.text
        again = Library(engine, tmp_path / "data" / "knowledge", WordEmbedder())
        assert again.reindex().release == 3
        assert len(stored_releases(tmp_path)) == 2
        assert "New words" in library.search("kettle").found[0].passage.text

    @pytest.mark.slow
    def test_a_process_killed_while_reindexing_leaves_a_whole_release(
        self, library: Library, shelf: Path, tmp_path: Path
    ) -> None:
        library.add([str(shelf)])
        library.reindex()
        for n in range(200):
            (shelf / f"page{n}.md").write_text(f"# Page {n}\n\nWords about number{n}.\n")

        for seconds in (0.6, 1.0, 1.4, 1.8):
            process = reindexing_process(tmp_path)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
            process.kill()
            process.wait(10)
            assert library.search("kettle").found[0].passage.title == "Kettle"

        report = library.reindex()
        assert report.unchanged + report.added == 203
        assert titles(library, "number77")[0] == "Page 77"


class TestProcesses:
    @pytest.mark.slow
    def test_a_search_beside_a_reindexing_process_sees_whole_releases_only(
        self, library: Library, shelf: Path, tmp_path: Path
    ) -> None:
        library.add([str(shelf)])
        library.reindex()
        (shelf / "kettle.md").write_text("# Kettle\n\nEdition two of the kettle.\n")
        seen: list[tuple[int, str]] = []
        faults: list[Exception] = []
        done = threading.Event()

        def keep_searching() -> None:
            while not done.is_set():
                try:
                    findings = library.search("kettle")
                    seen.append((findings.release, findings.found[0].passage.text))
                except Exception as error:  # whatever it is, the test must see it
                    faults.append(error)

        searching = threading.Thread(target=keep_searching)
        searching.start()
        try:
            assert reindexing_process(tmp_path).wait(60) == 0
            searching.join(0.5)  # a moment more, so that the new release is searched too
        finally:
            done.set()
            searching.join(10)

        assert faults == []
        assert {release for release, _ in seen} == {1, 2}
        assert all(("Edition two" in text) == (release == 2) for release, text in seen)

    def test_two_reindexings_at_once_are_refused(
        self, library: Library, shelf: Path, engine: Engine, tmp_path: Path
    ) -> None:
        library.add([str(shelf)])
        other = Library(engine, tmp_path / "data" / "knowledge", WordEmbedder())
        refused: list[type[Exception]] = []

        def meanwhile(done: int, total: int, what: str) -> None:
            try:
                other.reindex()
            except ReindexRunning as error:
                refused.append(type(error))

        library.reindex(meanwhile)

        assert set(refused) == {ReindexRunning}


def reindexing_process(tmp_path: Path) -> subprocess.Popen[bytes]:
    script = (
        "import sys; from pathlib import Path\n"
        "from assistant.database import open_engine\n"
        "from knowledge.library import Library\n"
        "from knowledge.stand_ins import WordEmbedder\n"
        "data = Path(sys.argv[1]) / 'data'\n"
        "Library(open_engine(data / 'tellonce.db'), data / 'knowledge', WordEmbedder()).reindex()\n"
    )
    return subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])

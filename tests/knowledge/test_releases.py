"""Whatever is added, changed, published, rolled back or purged, in whatever order: releases are what they should be."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Engine

from assistant.database import open_engine, upgrade
from knowledge import serving
from knowledge.documents import Document, ReleaseInfo
from knowledge.errors import ReleaseUnknown
from knowledge.index import nearest_rows
from knowledge.library import Library
from knowledge.stand_ins import WordEmbedder

NAMES = ("kettle", "lamp", "grinder", "filter")
KEPT = 3


class Editions:
    """What should be: the documents on the shelf, and those of every kept release."""

    def __init__(self) -> None:
        self.shelf: dict[str, int] = {}  # name -> edition
        self.kept_out: dict[str, int] = {}  # purged, and still on the shelf as they were
        self.releases: dict[int, dict[str, int]] = {}
        self.live: int | None = None

    def readable(self) -> dict[str, int]:
        return {name: n for name, n in self.shelf.items() if self.kept_out.get(name) != n}


class LibraryMachine(RuleBasedStateMachine):
    """Runs a real library, files and Chroma included, beside the simple model above."""

    def __init__(self) -> None:
        super().__init__()
        self.place = contextlib.ExitStack()
        folder = Path(self.place.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        self.docs = folder / "docs"
        self.docs.mkdir()
        engine = open_engine(folder / "data" / "tellonce.db")
        upgrade(engine)
        self.place.callback(engine.dispose)
        self.library = Library(engine, folder / "data" / "knowledge", WordEmbedder(), kept=KEPT)
        self.library.add([str(self.docs)])
        self.ids: dict[str, str] = {}
        self.model = Editions()

    def teardown(self) -> None:
        self.place.close()

    @rule(name=st.sampled_from(NAMES), edition=st.integers(1, 3))
    def write(self, name: str, edition: int) -> None:
        file = self.docs / f"{name}.md"
        file.write_text(f"# {name.title()}\n\nEdition number{edition} of the {name}.\n")
        long_ago = 1_700_000_000 + edition
        os.utime(file, (long_ago, long_ago))
        self.model.shelf[name] = edition

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        (self.docs / f"{name}.md").unlink(missing_ok=True)
        self.model.shelf.pop(name, None)

    @rule(publish=st.booleans())
    def reindex(self, publish: bool) -> None:
        for name, edition in list(self.model.kept_out.items()):
            if self.model.shelf.get(name) not in (edition, None):
                del self.model.kept_out[name]  # the file changed: it is read again
        wanted = self.model.readable()
        before = self.model.releases.get(self.model.live or 0, {})

        report = self.library.reindex(publish=publish, by="ada@example.com")

        assert (report.added, report.removed) == (
            len(wanted.keys() - before.keys()),
            len(before.keys() - wanted.keys()),
        )
        assert report.changed == sum(before[name] != wanted[name] for name in wanted.keys() & before.keys())
        if report.release in self.model.releases:
            assert self.model.releases[report.release] == wanted
        self.model.releases[report.release] = wanted
        if publish:
            self.model.live = report.release
        self._drop_old()
        for one in self.library.documents(report.release):
            self.ids[one.title.lower()] = one.id

    def _drop_old(self) -> None:
        for number in sorted(self.model.releases)[:-KEPT]:
            if number != self.model.live:
                del self.model.releases[number]

    @precondition(lambda self: self.model.releases)
    @rule(data=st.data(), back=st.booleans())
    def switch(self, data: st.DataObject, back: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.releases)))
        info = (self.library.rollback if back else self.library.publish)(number, "ada@example.com")
        assert (info.number, info.state) == (number, "live")
        self.model.live = number

    @precondition(lambda self: any(self.model.releases.values()))
    @rule(data=st.data())
    def purge(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted({name for one in self.model.releases.values() for name in one})))
        purged = self.library.purge([self.ids[name]], "ada@example.com")
        assert purged.releases == tuple(sorted(n for n, held in self.model.releases.items() if name in held))
        for held in self.model.releases.values():
            held.pop(name, None)
        if name in self.model.shelf:
            self.model.kept_out[name] = self.model.shelf[name]

    @invariant()
    def releases_are_those_of_the_model(self) -> None:
        infos = self.library.releases()
        assert {one.number for one in infos} == set(self.model.releases)
        assert [one.number for one in infos if one.state == "live"] == ([self.model.live] if self.model.live else [])
        assert all(one.documents == len(self.model.releases[one.number]) for one in infos)

    @invariant()
    def every_release_finds_what_it_holds_and_nothing_else(self) -> None:
        for number, held in self.model.releases.items():
            for name in NAMES:
                found = self.library.search(f"edition of the {name}", release=number).found
                texts = [one.passage.text for one in found if one.passage.title.lower() == name]
                assert texts == ([f"Edition number{held[name]} of the {name}."] if name in held else [])


LibraryMachine.TestCase.settings = settings(
    max_examples=6, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestEveryOrder = pytest.mark.slow(LibraryMachine.TestCase)


def documents(count: int, *, edition: int = 1, changed: int = 0) -> list[Document]:
    return [
        Document(
            f"d{i}", f"d{i}.md", f"Page {i}", f"Words number{i} of edition{edition if i < changed else 1}.",
            "text/plain", f"h{i}-{edition if i < changed else 1}",
        )
        for i in range(count)
    ]  # fmt: skip


class TestSharing:
    def test_few_changes_are_kept_beside_the_base_and_found(self, library: Library, tmp_path: Path) -> None:
        library.publish_documents(documents(400))
        library.publish_documents(documents(401, edition=2, changed=3))

        folder = tmp_path / "data" / "knowledge" / "releases"
        assert len(list(folder.glob("*/vectors.npy"))) == 1
        assert len(list(folder.glob("*/passages.npy"))) == 2
        for question, release, text in (
            ("number1 edition2", 2, "Words number1 of edition2."),
            ("number400", 2, "Words number400 of edition1."),
            ("number1", 1, "Words number1 of edition1."),
            ("number399", 2, "Words number399 of edition1."),
        ):
            assert library.search(question, release=release).found[0].passage.text == text

    def test_many_changes_make_a_new_base_and_the_old_one_goes_with_its_last_release(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        library = Library(engine, tmp_path / "k", WordEmbedder(), kept=1)
        library.publish_documents(documents(40))
        library.publish_documents(documents(40, edition=2, changed=30))

        assert len(list((tmp_path / "k" / "releases").glob("*/vectors.npy"))) == 1
        assert library.search("number35").found[0].passage.text == "Words number35 of edition1."

    def test_a_base_and_what_lies_beside_it_are_searched_as_one(self, library: Library, tmp_path: Path) -> None:
        library.publish_documents(documents(300))
        library.publish_documents(documents(300, edition=2, changed=60))
        release = library._live()
        files = library._serving.open(release)
        base = np.load(tmp_path / "data" / "knowledge" / "releases" / files.base / "vectors.npy")
        entries = files.vectors[range(len(files.owners))]
        assert len(base) > len(entries) - 60
        assert len(files.overlay) >= 60

        for i in range(0, len(entries), 7):
            near = files.nearest(lambda vector, limit: nearest_rows(base, vector, limit), entries[i], 5)
            cosines = entries @ entries[i]
            assert [cosines[j] for j in near] == pytest.approx(sorted(cosines, reverse=True)[:5], abs=1e-5)

    def test_chroma_is_asked_where_there_are_many(self, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(serving, "EXACT_MOST", 10)
        library.publish_documents(documents(50))
        library.publish_documents(documents(50, edition=2, changed=5))
        library.warm()
        loading = library._serving._loading
        assert loading is not None
        loading.join(30)

        for i in (0, 4, 5, 49):
            edition = 2 if i < 5 else 1
            best = library.search(f"Words number{i} of edition{edition}").found[0].passage
            assert best.text == f"Words number{i} of edition{edition}."


class TestPeople:
    def test_who_made_and_who_published_is_told(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        library.reindex(by="ada@example.com", publish=False)
        assert self.told(library.releases()[0]) == ("candidate", "ada@example.com", None)

        assert self.told(library.publish(1, "bob@example.com")) == ("live", "ada@example.com", "bob@example.com")

    def told(self, info: ReleaseInfo) -> tuple[str, str, str | None]:
        return info.state, info.made_by, info.published_by

    def test_changes_are_told_against_the_one_in_service(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        library.reindex()
        (shelf / "kettle.md").write_text("# Kettle\n\nEdition two.\n")
        (shelf / "lamp.md").unlink()
        (shelf / "new.md").write_text("# New\n\nSomething new.\n")
        library.reindex(publish=False)

        for against in (None, 1):
            changes = library.changes(2, against)
            assert changes.against == 1
            assert [[d.title for d in kind] for kind in (changes.added, changes.changed, changes.removed)] == [
                ["New"],
                ["Kettle"],
                ["Lamp"],
            ]
        assert library.changes(1).against is None

    def test_a_release_that_is_not_kept_is_named(self, library: Library, shelf: Path) -> None:
        library.add([str(shelf)])
        library.reindex()

        for asked in (library.publish, library.rollback, library.changes):
            with pytest.raises(ReleaseUnknown, match="no release 9"):
                asked(9)
        with pytest.raises(ReleaseUnknown, match="no release 9"):
            library.search("kettle", release=9)

    def test_a_release_that_is_held_is_not_dropped(self, engine: Engine, tmp_path: Path) -> None:
        library = Library(engine, tmp_path / "k", WordEmbedder(), kept=1)
        library.publish_documents(documents(3))
        library.publish_documents(documents(4), publish=False)
        with library.hold(2):
            library.publish_documents(documents(5), publish=False)
            library.publish_documents(documents(6))
            assert [one.number for one in library.releases()] == [4, 2]
        library.publish_documents(documents(7))
        assert [one.number for one in library.releases()] == [5]


STEPS = {
    "reindex": "library.reindex()",
    "publish": "[library.publish(n % 2 + 1) for n in range(400)]",
    "purge": "library.purge([one.id for one in library.documents() if one.title.startswith('Page 1')])",
}


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_at_any_moment_leaves_a_whole_release(
    step: str, library: Library, shelf: Path, tmp_path: Path
) -> None:
    library.add([str(shelf)])
    library.reindex()
    for n in range(120):
        (shelf / f"page{n}.md").write_text(f"# Page {n}\n\nWords about number{n}.\n")
    if step != "reindex":
        library.reindex()
    moments = random.Random(step)

    for _ in range(4):
        kill_while(STEPS[step], tmp_path, moments.uniform(0.0, 0.5))
        assert library.search("boil water in the kettle").found[0].passage.title == "Kettle"
        for info in library.releases():
            assert library.search("boil water in the kettle", release=info.number).found[0].passage.title == "Kettle"

    library.reindex()
    named = {path.parent.name for path in (tmp_path / "data" / "knowledge" / "releases").glob("*/passages.npy")}
    assert len(named) == len(library.releases())
    if step != "purge":
        assert library.search("number77").found[0].passage.title == "Page 77"


def kill_while(step: str, tmp_path: Path, seconds: float) -> None:
    """Runs a step in a process of its own and kills it so long after it began."""
    script = (
        "import sys; from pathlib import Path\n"
        "from assistant.database import open_engine\n"
        "from knowledge.library import Library\n"
        "from knowledge.stand_ins import WordEmbedder\n"
        "import chromadb\n"
        "data = Path(sys.argv[1]) / 'data'\n"
        "library = Library(open_engine(data / 'tellonce.db'), data / 'knowledge', WordEmbedder())\n"
        "print('ready', flush=True)\n"
        f"{step}\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        process.kill()
        process.wait(10)


def test_a_switch_is_seen_by_searches_at_once_and_never_half(library: Library, shelf: Path) -> None:
    library.add([str(shelf)])
    library.reindex()
    (shelf / "kettle.md").write_text("# Kettle\n\nEdition two of the kettle.\n")
    library.reindex()
    mixed: list[str] = []

    def keep_searching(done: threading.Event) -> Iterator[None]:
        while not done.is_set():
            findings = library.search("kettle")
            if ("Edition two" in findings.found[0].passage.text) != (findings.release == 2):
                mixed.append(findings.found[0].passage.text)
            yield

    done = threading.Event()
    searching = [threading.Thread(target=lambda: list(keep_searching(done))) for _ in range(2)]
    for thread in searching:
        thread.start()
    for n in range(30):
        library.rollback(1 + n % 2)
        assert library.search("kettle").release == 1 + n % 2
    done.set()
    for thread in searching:
        thread.join(10)
    assert mixed == []

"""What is purged is gone: from answers, from every release, from vectors, words, cache and the bytes on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from knowledge.errors import DocumentUnknown
from knowledge.library import Library
from knowledge.purges import Purges
from knowledge.purging import Purger
from knowledge.releases import Releases
from knowledge.schema import passages, vectors, versions
from knowledge.stand_ins import WordEmbedder

SECRET = "Quagmire"  # stands nowhere else: neither in other documents nor in what the index keeps


@pytest.fixture
def secret(library: Library, shelf: Path) -> str:
    """Two releases that hold a secret, with another edition of another document each; the secret's document id."""
    (shelf / "secret.md").write_text(f"# Secret\n\nThe {SECRET} code opens the vault in Vaduz.\n")
    library.add([str(shelf)])
    library.reindex()
    (shelf / "kettle.md").write_text("# Kettle\n\nThe second edition of the kettle.\n")
    library.reindex()
    return next(one.id for one in library.documents() if one.title == "Secret")


def data_bytes(tmp_path: Path) -> bytes:
    return b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())


def titles(library: Library, question: str, release: int | None = None) -> list[str]:
    return [found.passage.title for found in library.search(question, release=release).found]


def test_a_purged_document_is_in_no_release_and_each_keeps_the_rest(library: Library, shelf: Path, secret: str) -> None:
    purged = library.purge([secret], "ada@example.com")

    assert ([one.title for one in purged.documents], purged.releases, purged.passages) == (["Secret"], (1, 2), 1)
    assert purged.left == (str(shelf / "secret.md"),)
    for release, words in ((1, "press start"), (2, "second edition")):
        assert library.document(secret, release) is None
        assert "Secret" not in titles(library, f"{SECRET} vault", release)
        assert words in library.search("kettle", release=release).found[0].passage.text
    assert [(one.number, one.documents, one.state) for one in library.releases()] == [(2, 3, "live"), (1, 3, "kept")]


def test_its_bytes_are_nowhere_in_the_data_folder(
    library: Library, engine: Engine, tmp_path: Path, secret: str
) -> None:
    library.search(f"{SECRET} vault")
    text, stem = SECRET.encode(), SECRET.lower().encode()[:6]
    assert text in data_bytes(tmp_path)
    assert stem in data_bytes(tmp_path)
    made = WordEmbedder().encode([f"Secret\nThe {SECRET} code opens the vault in Vaduz.", "Secret"])
    vector, title = made[0].tobytes(), made[1].tobytes()
    assert vector in data_bytes(tmp_path)
    assert title in data_bytes(tmp_path)

    library.purge([secret])

    left = data_bytes(tmp_path)
    assert text not in left
    assert stem not in left
    assert vector not in left
    assert title not in left
    with engine.connect() as connection:
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in (versions, passages)]
        cached = connection.scalars(select(vectors.c.vector)).all()
    assert counts == [4, 5]  # two editions of the kettle, the lamp, the two questions
    assert vector not in cached


def test_what_another_document_says_too_stays(library: Library, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.md").write_text("# Boiling\n\nFill the kettle with water.\n")
    library.add([str(tmp_path / "one"), str(tmp_path / "two")])
    library.reindex()
    first, second = sorted(one.id for one in library.documents())

    library.purge([first])

    assert [found.passage.document_id for found in library.search("kettle water").found] == [second]


def test_it_stays_out_until_its_file_changes_or_is_added_again(library: Library, shelf: Path, secret: str) -> None:
    library.purge([secret])

    report = library.reindex()
    assert (report.release, "Secret" in titles(library, "vault")) == (2, False)
    assert "it was purged and stays out" in report.faults[0].reason

    (shelf / "secret.md").write_text("# Secret\n\nThe vault in Vaduz has a new code.\n")
    assert library.reindex().added == 1
    assert "Secret" in titles(library, "vault")

    library.purge([secret])
    library.add([str(shelf)])
    assert library.reindex().added == 0
    library.add([str(shelf / "secret.md")])
    assert library.reindex().added == 1


def test_our_own_files_are_deleted_and_others_are_left(library: Library, tmp_path: Path) -> None:
    uploads = tmp_path / "data" / "knowledge" / "uploads"
    uploads.mkdir(parents=True)
    for name in ("alone", "faq"):
        (uploads / f"{name}.csv").write_text(
            "question,answer,product\nWhat is it?,A kettle.,Lark\nHow much?,Five.,Lark\n"
            + ("Where from?,Vaduz.,Wren\n" if name == "faq" else "")
        )
    library.add([str(uploads)])
    library.reindex()
    whole = next(one for one in library.documents() if one.source == "alone.csv")
    part = next(one for one in library.documents() if one.source == "faq.csv")

    assert library.purge([whole.id]).files == (str(uploads / "alone.csv"),)
    assert not (uploads / "alone.csv").exists()
    assert library.purge([part.id]).left == (str(uploads / "faq.csv"),)
    assert library.reindex().added == 0


def test_a_whole_source_is_purged_and_forgotten(library: Library, shelf: Path) -> None:
    library.add([str(shelf)])
    library.reindex()

    purged = library.purge(str(shelf))

    assert len(purged.documents) == 3
    assert library.sources() == ()
    assert library.search("kettle").found == ()
    assert library.reindex().passages == 0


def test_what_nobody_knows_is_refused(library: Library, shelf: Path) -> None:
    library.add([str(shelf)])
    library.reindex()

    with pytest.raises(DocumentUnknown, match="no-such-id"):
        library.purge(["no-such-id"])
    with pytest.raises(DocumentUnknown, match="nowhere"):
        library.purge("nowhere")


@pytest.mark.parametrize(
    ("owner", "step"),
    [
        (Purges, "begin"),
        (Purger, "_needed_elsewhere"),
        (Purger, "_copy_without"),
        (Releases, "replace_store"),
        (Purges, "delete_cached"),
        (Purger, "_delete_files"),
        (Purges, "delete_contents"),
        (Purges, "scrub"),
        (Purges, "finish"),
    ],
)
def test_a_purge_cut_short_leaves_a_whole_release_and_is_finished_by_the_next_run(
    library: Library, shelf: Path, tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch, owner: type, step: str
) -> None:
    original = getattr(owner, step)

    def dies(*args: object, **more: object) -> None:
        original(*args, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, step, dies)
        with pytest.raises(KeyboardInterrupt):
            library.purge([secret])
    assert "second edition" in library.search("kettle").found[0].passage.text
    assert "press start" in library.search("kettle", release=1).found[0].passage.text

    os.utime(shelf / "kettle.md")
    library.reindex()

    assert "Secret" not in titles(library, "vault") + titles(library, "vault", 1)
    assert SECRET.encode() not in data_bytes(tmp_path)
    assert "press start" in library.search("kettle", release=1).found[0].passage.text

"""Titles: what they tell is taken off a text's vector, so that all that stands below one title can be told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from knowledge.documents import Document
from knowledge.embedding import Vectors
from knowledge.library import Library
from knowledge.release_files import TITLE_SHARE, ReleaseFiles, Titles
from knowledge.stand_ins import WordEmbedder

CARD = "Silver Rewards Card, Gold Rewards Card, Platinum Rewards Card"
TEXTS = {
    "fees": "A yearly fee is charged in March. Whoever spends more than a thousand pounds between April and the "
    "following March is spared that; a statement tells which purchases counted, and travel abroad counts twice.",
    "loss": "Block a stolen one at once: press Freeze, confirm by fingerprint, then order its replacement, which "
    "arrives within five working days. Payments made beforehand by thieves are refunded when reported promptly.",
    "plain": "Opening hours differ between branches; most open on weekdays from nine until five, some on Saturdays. "
    "Cash machines outside work around the clock, while counters close early before public holidays.",
    "short": "Call us.",
}


@pytest.fixture
def bank(library: Library) -> Library:
    library.publish_documents(
        [
            Document(name, f"{name}.md", "" if name == "plain" else CARD, text, "text/markdown", name)
            for name, text in TEXTS.items()
        ]
    )
    return library


def folder_of(tmp_path: Path) -> Path:
    (rows,) = (tmp_path / "data" / "knowledge").rglob("title-rows.npy")
    return rows.parent


def vector_of(text: str) -> Vectors:
    return WordEmbedder().encode([text])[0]


def test_each_title_is_kept_once(bank: Library, tmp_path: Path) -> None:
    kept = ReleaseFiles(folder_of(tmp_path)).titles

    assert kept is not None
    assert np.array_equal(kept.vectors, [vector_of(CARD)])
    assert sorted(kept.rows.tolist()) == [-1, -1, 0, 0]  # the untitled one and the short one go without


def test_a_text_is_nearer_to_what_it_tells_without_its_title(bank: Library, tmp_path: Path) -> None:
    files = ReleaseFiles(folder_of(tmp_path))
    asked = vector_of("block a stolen one and order its replacement")
    plain = np.asarray(files.vectors[np.arange(files.size)] @ asked)

    whole, near = files.text_similarities(asked, range(files.size))

    first = int(near.argmax())
    bare = files.vectors[first] - TITLE_SHARE * vector_of(CARD)
    assert near[first] == pytest.approx(bare @ asked / np.linalg.norm(bare))
    assert near[first] > plain[first] + 0.05
    assert np.all(near >= plain)
    assert whole == pytest.approx(plain)


def test_a_question_about_the_title_loses_nothing(bank: Library, tmp_path: Path) -> None:
    files = ReleaseFiles(folder_of(tmp_path))
    asked = vector_of(CARD)

    assert files.text_similarities(asked, range(files.size))[1] == pytest.approx(
        files.vectors[np.arange(files.size)] @ asked
    )


def test_titles_are_embedded_once_and_not_again(library: Library, embedder: WordEmbedder, shelf: Path) -> None:
    library.add([str(shelf)])
    library.reindex()
    assert embedder.encoded.count("Kettle") == 1

    (shelf / "lamp.md").write_text("# Lamp\n\nAnother lamp.\n")
    library.reindex()

    assert embedder.encoded.count("Kettle") == 1


def test_a_release_made_before_titles_were_kept_serves_and_is_made_anew(
    library: Library, shelf: Path, tmp_path: Path
) -> None:
    library.add([str(shelf)])
    first = library.reindex().release
    folder = folder_of(tmp_path)
    assert library.reindex().release == first
    for name in ("titles.npy", "title-rows.npy"):
        (folder / name).unlink()

    files = ReleaseFiles(folder)
    asked = vector_of("kettle water")
    assert files.text_similarities(asked, [0, 1])[1] == pytest.approx(files.vectors[np.arange(2)] @ asked)
    assert library.search("kettle water").found

    assert library.reindex().release == first + 1
    assert folder_of(tmp_path) != folder


def test_the_titles_of_what_is_purged_are_gone(bank: Library, tmp_path: Path) -> None:
    secret = Document("secret", "secret.md", "Vault of Vaduz", "It is opened at noon. " * 12, "text/markdown", "secret")
    bank.publish_documents([Document("fees", "fees.md", CARD, TEXTS["fees"], "text/markdown", "fees"), secret])

    bank.purge(["secret"])

    kept = [np.load(file) for file in (tmp_path / "data" / "knowledge").rglob("titles.npy")]
    assert kept
    assert all(np.array_equal(vectors, [vector_of(CARD)]) for vectors in kept)


def test_the_titles_of_some_passages_alone() -> None:
    titles = Titles(np.eye(3, dtype=np.float32), np.asarray([0, -1, 2, 1, 2], np.int32))

    some = titles.of(np.asarray([False, True, True, True, False]))

    assert some.rows.tolist() == [-1, 1, 0]
    assert np.array_equal(some.vectors, np.eye(3)[[1, 2]])

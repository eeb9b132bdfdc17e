"""What every PassageIndex promises. A test class inherits these and gives an `index` fixture."""

from __future__ import annotations

import numpy as np
import pytest

from knowledge.embedding import Vectors
from knowledge.errors import IndexMissing
from knowledge.index import PassageIndex, nearest_rows


def random_vectors(count: int, seed: int = 7) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, 32)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


class PassageIndexContract:
    def test_the_nearest_rows_come_best_first(self, index: PassageIndex) -> None:
        vectors = random_vectors(300)
        index.build("one", vectors)

        for row in (0, 123, 299):
            assert index.nearest("one", vectors[row], 5) == nearest_rows(vectors, vectors[row], 5)

    def test_no_more_than_all_rows_are_found(self, index: PassageIndex) -> None:
        index.build("few", random_vectors(3))

        assert sorted(index.nearest("few", random_vectors(1)[0], 10)) == [0, 1, 2]

    def test_one_row_is_enough(self, index: PassageIndex) -> None:
        index.build("single", random_vectors(1))

        assert index.nearest("single", random_vectors(1)[0], 1) == [0]

    def test_names_do_not_mix(self, index: PassageIndex) -> None:
        index.build("a", random_vectors(5, seed=1))
        index.build("b", random_vectors(9, seed=2))

        assert index.names() == ["a", "b"]
        assert len(index.nearest("a", random_vectors(1)[0], 50)) == 5
        assert len(index.nearest("b", random_vectors(1)[0], 50)) == 9

    def test_what_is_dropped_is_gone_and_may_be_dropped_again(self, index: PassageIndex) -> None:
        index.build("old", random_vectors(5))
        index.nearest("old", random_vectors(1)[0], 1)

        index.drop("old")
        index.drop("old")

        assert index.names() == []
        with pytest.raises(IndexMissing):
            index.nearest("old", random_vectors(1)[0], 1)

    def test_what_was_never_built_is_missing(self, index: PassageIndex) -> None:
        with pytest.raises(IndexMissing):
            index.nearest("never", random_vectors(1)[0], 1)

    def test_progress_ends_at_the_whole(self, index: PassageIndex) -> None:
        seen: list[tuple[int, int]] = []
        index.build("told", random_vectors(20), lambda done, total, what: seen.append((done, total)))

        assert seen[-1] == (20, 20)

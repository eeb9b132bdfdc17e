"""A question and the conversation before it -> ranked passages, and how sure we are. Floor: use case, all rules pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from knowledge.documents import Findings, Found, Passage, Turn
from knowledge.embedding import Embedder
from knowledge.index import PassageIndex
from knowledge.lexical import terms
from knowledge.release_files import ReleaseFiles

if TYPE_CHECKING:
    from knowledge.store import Release

CANDIDATES = 60
LEXICAL_WEIGHT = 0.3


@dataclass(frozen=True, slots=True)
class Scope:
    """What of the release is wanted: how many passages, preferably for which product and in which language."""

    limit: int = 5
    product: str | None = None
    language: str | None = None


def search_release(
    release: Release,
    files: ReleaseFiles,
    index: PassageIndex,
    load: Callable[[Sequence[int]], dict[int, Passage]],
    embedder: Embedder,
    question: str,
    history: Sequence[Turn],
    scope: Scope,
) -> Findings:
    """The best passages of one release for a question."""
    if not files.size:
        return Findings(question, release.number, (), 0.0)
    vector = embedder.encode([question])[0]
    rows = index.nearest(release.store, vector, min(CANDIDATES, len(files.owners)))
    lexical = files.lexical.scores(terms(question))
    by_words = np.argsort(-lexical, kind="stable")[:CANDIDATES]
    positions = sorted({int(files.owners[row]) for row in rows} | {int(p) for p in by_words if lexical[p] > 0})
    similar = files.similarities(vector, positions)
    scores = similar + LEXICAL_WEIGHT * lexical[positions]
    order = np.argsort(-scores, kind="stable")[: scope.limit]
    passages = load([int(files.passage_rows[positions[i]]) for i in order])
    found = []
    for i in order:
        passage = passages.get(int(files.passage_rows[positions[i]]))
        if passage is not None:
            found.append(Found(passage, float(scores[i]), float(similar[i])))
    return Findings(question, release.number, tuple(found), max(0.0, min(1.0, found[0].similarity)) if found else 0.0)

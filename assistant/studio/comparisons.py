"""The comparisons that were made, the newest of each pair of releases, question by question. Floor: store.

They hold customers' words, cleaned, and what pages said: both go when the conversation is erased or the page purged.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, text

from assistant.database import reading, writing
from assistant.errors import NotFound
from assistant.studio.comparing import Comparison, count_changes
from assistant.studio.schema import compared_questions, comparisons

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row

KEPT = 20

_ERASED = """SELECT q.comparison_id, q.position FROM compared_questions q JOIN events e
    ON e.conversation_id = q.conversation_id AND e.seq = q.seq WHERE e.data IS NULL"""


@dataclass(frozen=True, slots=True)
class KeptComparison:
    """A comparison without its questions. `counts` as `Comparison.counts` has them."""

    release: int
    against: int
    made_by: str
    made_at: str
    counts: dict[str, int]


class Comparisons:
    """Keeps comparisons. Synchronous; every write is one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, comparison: Comparison, by: str, releases: Collection[int]) -> KeptComparison:
        """In place of an older one of the same releases; the newest `KEPT` stay.

        Args:
            by: who had it made, an agent's e-mail address or "command".
            releases: those that are kept: what was compared with any other goes.
        """
        pair = (comparisons.c.release == comparison.release) & (comparisons.c.against == comparison.against)
        made = KeptComparison(comparison.release, comparison.against, by, _now(), comparison.counts)
        values = {"release": made.release, "against": made.against, "made_by": by, "made_at": made.made_at}
        with writing(self._engine) as connection:
            _drop(connection, connection.scalars(select(comparisons.c.id).where(pair)).all())
            made_id = connection.execute(insert(comparisons).values(**values).returning(comparisons.c.id)).scalar_one()
            if rows := list(_rows(made_id, comparison)):
                connection.execute(insert(compared_questions), rows)
            kept = connection.execute(select(comparisons).order_by(comparisons.c.id.desc())).all()
            _drop(
                connection,
                [one.id for n, one in enumerate(kept) if n >= KEPT or not {one.release, one.against} <= set(releases)],
            )
        return made

    def list_all(self) -> list[KeptComparison]:
        """All of them, newest first."""
        self.forget_erased()
        columns = (compared_questions.c.comparison_id, *_COUNTED)
        changes: dict[int, list[tuple[str, bool, bool]]] = defaultdict(list)
        with reading(self._engine) as connection:
            for row in connection.execute(select(*columns)):
                changes[row[0]].append((row[1], row[2], row[3]))
            rows = connection.execute(select(comparisons).order_by(comparisons.c.id.desc())).all()
        return [_kept(row, changes[row.id]) for row in rows]

    def load(self, release: int, against: int) -> tuple[KeptComparison, list[dict[str, Any]]]:
        """One of them with its questions, as `Compared.as_data` tells them, the gravest change first.

        Raises:
            NotFound: these two were not compared, or that is not kept.
        """
        self.forget_erased()
        pair = (comparisons.c.release == release) & (comparisons.c.against == against)
        of_it = select(compared_questions.c.report, *_COUNTED).order_by(compared_questions.c.position)
        with reading(self._engine) as connection:
            row = connection.execute(select(comparisons).where(pair)).first()
            if row is None:
                raise NotFound(f"Release {release} has not been compared with release {against}.")
            found = connection.execute(of_it.where(compared_questions.c.comparison_id == row.id)).all()
        return _kept(row, [(one[1], one[2], one[3]) for one in found]), [one.report for one in found]

    def forget_erased(self) -> None:
        """Drops the questions whose words are erased in the journal."""
        with reading(self._engine) as connection:
            erased = [(row[0], row[1]) for row in connection.execute(text(_ERASED))]
        self._forget(erased)

    def forget_documents(self, documents: Iterable[str]) -> None:
        """Drops the questions that were answered from these documents at either release: they are purged."""
        gone = set(documents)
        columns = (compared_questions.c.comparison_id, compared_questions.c.position, compared_questions.c.report)
        with reading(self._engine) as connection:
            rows = connection.execute(select(*columns)).all()
        self._forget([(row[0], row[1]) for row in rows if not gone.isdisjoint(_cited(row[2]))])

    def _forget(self, places: Collection[tuple[int, int]]) -> None:
        if not places:
            return
        with writing(self._engine) as connection:
            for comparison, position in places:
                where = compared_questions.c.comparison_id == comparison
                connection.execute(delete(compared_questions).where(where, compared_questions.c.position == position))


_COUNTED = (compared_questions.c.change, compared_questions.c.answered_before, compared_questions.c.answered_after)


def _rows(comparison_id: int, comparison: Comparison) -> Iterable[dict[str, Any]]:
    for position, one in enumerate(comparison.questions):
        conversation, seq = one.asked.place or (None, None)
        yield {
            "comparison_id": comparison_id,
            "position": position,
            "change": one.change,
            "answered_before": one.before.is_answered,
            "answered_after": one.after.is_answered,
            "report": one.as_data(),
            "conversation_id": conversation,
            "seq": seq,
        }


def _drop(connection: Connection, ids: Collection[int]) -> None:
    connection.execute(delete(compared_questions).where(compared_questions.c.comparison_id.in_(ids)))
    connection.execute(delete(comparisons).where(comparisons.c.id.in_(ids)))


def _cited(report: dict[str, Any]) -> set[str]:
    return {citation["document"] for side in ("before", "after") for citation in report[side]["citations"]}


def _kept(row: Row[Any], changes: list[tuple[str, bool, bool]]) -> KeptComparison:
    return KeptComparison(row.release, row.against, row.made_by, row.made_at, count_changes(changes))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

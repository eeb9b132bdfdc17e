"""Questions that got no good answer -> groups that ask the same. Floor: pure.

Incremental and stable: a question joins the nearest group or begins one, and no question ever changes its group.
Whoever keeps the groups gives them their numbers. Measurements: docs/decisions/0014.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

SAME_NEED = 0.6  # cosine with a group's centre from which a question asks what the group asks
HALF_LIFE_DAYS = 14.0  # what was asked two weeks ago counts half of what is asked today
SECOND_ASKING = 0.25  # of the same conversation: one person who asks again is not another person
_CODE = re.compile(r"(?<![\w-])[A-Za-z]{1,3}-?\d{1,5}(?![\w-])")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question names: products and codes, lower case. Likeness of vectors knows little of either."""

    products: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str, products: Iterable[str] = ()) -> Subject:
        """`text` without the names of products (`Catalogue.unnamed`), so that "Lark 2" is no code."""
        codes = frozenset(code.lower().replace("-", "") for code in _CODE.findall(text))
        return cls(frozenset(name.casefold() for name in products), codes)

    def fits(self, other: Subject) -> bool:
        """Whether both may ask the same: about E2 and about E5 never does, nor about two products."""
        if self.codes != other.codes:
            return False
        return not (self.products and other.products) or bool(self.products & other.products)


ANYTHING = Subject()


@dataclass(frozen=True, slots=True)
class Group:
    """A group as it is kept: `centre` is the sum of its questions' unit vectors."""

    id: int
    centre: Vector
    subject: Subject = ANYTHING


class Grouping:
    """The groups, and which of them a question belongs to."""

    def __init__(self, groups: Iterable[Group], *, same_need: float = SAME_NEED) -> None:
        self._same_need = same_need
        self._groups = {group.id: group for group in sorted(groups, key=lambda group: group.id)}

    def group(self, group_id: int) -> Group:
        return self._groups[group_id]

    def nearest(self, vector: Vector, subject: Subject = ANYTHING) -> int | None:
        """The group that asks the same, the oldest of equally near ones; None where no group does."""
        fitting = [group for group in self._groups.values() if subject.fits(group.subject)]
        if not fitting:
            return None
        centres = np.stack([group.centre for group in fitting])
        lengths = np.linalg.norm(centres, axis=1)
        near = centres @ vector / np.where(lengths > 0, lengths, 1.0)
        best = int(near.argmax())
        return fitting[best].id if near[best] >= self._same_need else None

    def begin(self, group_id: int, vector: Vector, subject: Subject = ANYTHING) -> Group:
        """A new group of one question."""
        assert group_id not in self._groups, "a group's number is given once"
        self._groups[group_id] = Group(group_id, np.asarray(vector, np.float32), subject)
        return self._groups[group_id]

    def join(self, group_id: int, vector: Vector, subject: Subject = ANYTHING) -> Group:
        """The group with this question in it. It is about the first product that one of its questions named."""
        known = self._groups[group_id]
        products = known.subject.products or subject.products
        centre = np.asarray(known.centre + vector, np.float32)
        self._groups[group_id] = Group(group_id, centre, Subject(products, known.subject.codes))
        return self._groups[group_id]


def most_typical(vectors: Sequence[Vector]) -> int:
    """The position of the question that is nearest to the middle of all: the one to call a group by."""
    stacked = np.stack(vectors)
    return int((stacked @ stacked.sum(axis=0)).argmax())


def urgency(asked: Iterable[tuple[str, float, float]]) -> float:
    """How much a group matters now; groups are ranked by it.

    Args:
        asked: for each of its questions the conversation, its age in days, and its weight (1: it was declined).
    """
    counted: set[str] = set()
    total = 0.0
    for conversation, age_days, weight in sorted(asked, key=lambda one: one[1]):
        share = SECOND_ASKING if conversation in counted else 1.0
        counted.add(conversation)
        total += share * weight * math.exp2(-max(age_days, 0.0) / HALF_LIFE_DAYS)
    return total

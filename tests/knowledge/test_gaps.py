"""Questions into groups: what joins, what stays apart, that the order of things does not shake it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.gaps import ANYTHING, HALF_LIFE_DAYS, Group, Grouping, Subject, most_typical, urgency

E2, E5 = Subject(codes=frozenset({"e2"})), Subject(codes=frozenset({"e5"}))
LARK, WREN = Subject(frozenset({"lark 2"})), Subject(frozenset({"wren"}))


def unit(*values: float) -> np.ndarray:
    vector = np.array(values, np.float32)
    return vector / np.linalg.norm(vector)


def test_a_question_joins_the_nearest_group_or_begins_its_own():
    grouping = Grouping([Group(1, unit(1, 0, 0)), Group(2, unit(0, 1, 0) * 5)])

    assert grouping.nearest(unit(0.9, 0.4, 0)) == 1
    assert grouping.nearest(unit(0.4, 0.9, 0)) == 2
    assert grouping.nearest(unit(0, 0, 1)) is None
    assert Grouping([]).nearest(unit(1, 0, 0)) is None


def test_of_equally_near_groups_the_oldest_is_taken():
    grouping = Grouping([Group(7, unit(0, 1)), Group(3, unit(0, 1))])

    assert grouping.nearest(unit(0, 1)) == 3


@pytest.mark.parametrize(
    ("one", "other", "fits"),
    [
        (E2, E5, False),
        (E2, ANYTHING, False),
        (E2, E2, True),
        (LARK, WREN, False),
        (LARK, ANYTHING, True),
        (LARK, Subject(frozenset({"lark 2", "wren"})), True),
    ],
)
def test_what_is_about_another_code_or_product_is_another_gap(one, other, fits):
    grouping = Grouping([Group(1, unit(1, 0), one)])

    assert one.fits(other) is other.fits(one) is fits
    assert (grouping.nearest(unit(1, 0), other) == 1) is fits


def test_a_group_is_about_the_first_product_that_was_named_and_no_other_after():
    grouping = Grouping([])
    grouping.begin(1, unit(1, 0))
    grouping.join(1, unit(1, 0), LARK)

    assert grouping.group(1).subject == LARK
    assert grouping.nearest(unit(1, 0), WREN) is None
    assert grouping.join(1, unit(0, 1), ANYTHING).subject == LARK


def test_codes_are_read_from_words_and_written_alike():
    assert Subject.of("My machine shows E-2, then e5!", ["Lark 2"]) == Subject(
        frozenset({"lark 2"}), frozenset({"e2", "e5"})
    )
    assert Subject.of("Does it take 4,400 hours at 230V?").codes == frozenset()


def test_a_group_is_called_by_its_middle():
    assert most_typical([unit(1, 0), unit(1, 0.6), unit(0.2, 1)]) == 1


def test_what_is_asked_now_by_many_is_more_urgent_than_what_one_person_asked_often_or_long_ago():
    now = urgency([("a", 0, 1), ("b", 0, 1)])
    often = urgency([("a", 0, 1), ("a", 0, 1), ("a", 0, 1)])
    long_ago = urgency([("a", HALF_LIFE_DAYS, 1), ("b", HALF_LIFE_DAYS, 1)])

    assert (now, long_ago) == (2.0, 1.0)
    assert 1.0 < often < now
    assert urgency([("a", 0, 1.5)]) > urgency([("a", 0, 1)])
    assert urgency([]) == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.floats(-0.2, 0.2)), min_size=1, max_size=40), st.integers(0, 40))
def test_groups_kept_and_read_again_take_the_same_questions_as_groups_that_were_never_put_down(asked, cut):
    """Incremental is whole: stopping after any question and going on from what was kept changes nothing."""

    def vector(topic, noise):
        made = np.full(8, noise, np.float32)
        made[topic] = 1.0
        return made / np.linalg.norm(made)

    def place(grouping, questions, next_id):
        placed = []
        for topic, noise in questions:
            group = grouping.nearest(vector(topic, noise))
            if group is None:
                group, next_id = next_id, next_id + 1
                grouping.begin(group, vector(topic, noise))
            else:
                grouping.join(group, vector(topic, noise))
            placed.append(group)
        return placed, next_id

    whole, _ = place(Grouping([]), asked, 1)
    first = Grouping([])
    before, next_id = place(first, asked[:cut], 1)
    kept = [first.group(group) for group in sorted(set(before), reverse=True)]
    after, _ = place(Grouping(kept), asked[cut:], next_id)

    assert before + after == whole

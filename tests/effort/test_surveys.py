"""What is asked after a conversation, and what counts as an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.effort import surveys
from assistant.errors import BadFrame
from assistant.journal.events import ASSISTANT, Author, Event, Kind, NewEvent, Role

CUSTOMER = Author(Role.CUSTOMER, "Ada", "vis_1")


def committed(*news: NewEvent) -> list[Event]:
    return [
        Event("c1", seq, seq - 1, "2026-11-23T10:00:00.000Z", new.kind, new.author, new.data, new.client_id)
        for seq, new in enumerate(news, 1)
    ]


def said(author: Author = CUSTOMER) -> NewEvent:
    return NewEvent(Kind.MESSAGE, author, {"text": "hello"})


END = NewEvent(Kind.CONVERSATION_ENDED, CUSTOMER, {"by": "customer"})


@pytest.mark.parametrize("scale", [5, 7])
def test_the_effort_prompt_says_its_scale_its_labels_and_that_low_is_good(scale: int) -> None:
    data = surveys.offer_ces(scale).data
    assert data["metric"] == "ces"
    assert data["direction"] == "low_is_good"
    assert (data["scale"]["min"], data["scale"]["max"]) == (1, scale)
    assert (data["scale"]["min_label"], data["scale"]["max_label"]) == ("Very easy", "Very difficult")
    assert len(data["scale"]["labels"]) == scale == len(set(data["scale"]["labels"]))


def test_two_prompts_never_share_an_id() -> None:
    assert surveys.offer_ces(7).data["survey"] != surveys.offer_ces(7).data["survey"]


@pytest.mark.parametrize(
    ("survey", "top", "direction"),
    [
        pytest.param(surveys.CSAT, 5, "high_is_good", id="csat"),
        pytest.param(surveys.NPS, 10, "high_is_good", id="nps"),
    ],
)
def test_satisfaction_and_recommendation_are_better_when_higher(
    survey: surveys.Survey, top: int, direction: str
) -> None:
    data = surveys.offer(survey).data
    assert (data["scale"]["max"], data["direction"]) == (top, direction)


@pytest.mark.parametrize(
    ("history", "due"),
    [
        pytest.param([], False, id="nothing was said"),
        pytest.param([said(ASSISTANT)], False, id="only the assistant spoke"),
        pytest.param([said()], True, id="the customer asked"),
        pytest.param([said(), END, surveys.offer_ces(7)], False, id="offered already"),
        pytest.param([said(), END, surveys.offer_ces(7), said()], True, id="they came back and asked again"),
    ],
)
def test_a_prompt_is_due_once_per_end(history: list[NewEvent], due: bool) -> None:
    closing = surveys.closing_events(CUSTOMER, "done", 7, committed(*history), client_id="x")
    assert closing[0].kind is Kind.CONVERSATION_ENDED
    assert closing[0].client_id == "x"
    assert [e.kind for e in closing[1:]] == ([Kind.SURVEY_OFFERED] if due else [])


@given(st.integers(-100, 100), st.sampled_from([surveys.CES_5, surveys.CES_7, surveys.CSAT, surveys.NPS]))
def test_a_score_is_taken_exactly_when_it_is_on_the_scale(score: int, survey: surveys.Survey) -> None:
    offered = surveys.offer(survey)
    if survey.low <= score <= survey.high:
        answer = surveys.check_answer(offered, score)
        assert answer.data["score"] == score
        assert answer.data["direction"] == survey.direction
        assert answer.data["scale"] == offered.data["scale"]
    else:
        with pytest.raises(BadFrame, match=rf"from {survey.low} \(.*to {survey.high} \("):
            surveys.check_answer(offered, score)


@pytest.mark.parametrize("score", ["3", 3.0, True, None, [3]], ids=repr)
def test_a_score_that_is_no_whole_number_is_refused(score: object) -> None:
    with pytest.raises(BadFrame, match="whole number"):
        surveys.check_answer(surveys.offer_ces(7), score)


def test_an_erased_prompt_can_not_be_answered() -> None:
    erased = Event("c1", 3, 2, "2026-11-23T10:00:00.000Z", Kind.SURVEY_OFFERED, ASSISTANT, None)
    with pytest.raises(BadFrame, match="not open"):
        surveys.check_answer(erased, 3)


def test_every_answer_to_one_prompt_has_the_same_id_so_only_the_first_is_stored() -> None:
    offered = surveys.offer_ces(7)
    first, second = surveys.check_answer(offered, 1), surveys.check_answer(offered, 7, comment="changed my mind")
    assert first.client_id == second.client_id
    assert second.data["comment"] == "changed my mind"


def test_an_offer_is_found_by_its_id_and_no_other() -> None:
    offered = surveys.offer_ces(7)
    events = committed(said(), END, offered)
    found = surveys.find_offer(events, offered.data["survey"])
    assert found is not None
    assert found.seq == 3
    assert surveys.find_offer(events, "ces-somebody-elses") is None

"""Looking for a word first must never miss what the pattern behind it would find."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.turn import phrases

WAYS = {name: ways for name, ways in vars(phrases).items() if isinstance(ways, phrases.Ways)}


@pytest.mark.parametrize("name", sorted(WAYS))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much], deadline=None)
@given(data=st.data())
def test_whatever_a_pattern_finds_holds_one_of_its_needs(name: str, data: st.DataObject) -> None:
    ways = WAYS[name]
    # IGNORECASE also takes the long s and the Kelvin sign for letters, which nobody types
    letters = st.characters(max_codepoint=0x17E)
    text = data.draw(st.from_regex(ways.pattern, alphabet=letters))
    assert ways.search(text), text


def test_a_text_without_any_need_is_not_searched() -> None:
    assert phrases.URGENT.search("Which kettle is best for green tea?") is None
    assert phrases.URGENT.search("SMOKE comes out of the machine") is not None

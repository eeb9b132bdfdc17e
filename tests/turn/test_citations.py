"""A citation says where its quote stands."""

from __future__ import annotations

import pytest

from assistant.turn.citations import cite
from tests.turn.conftest import passage

SHARED = """### Daily

Wipe it.

```sh
# no heading
```

Dry it.

### Weekly

#### In hard water

Wash it.

## Ends

Nothing more."""


@pytest.mark.parametrize(
    ("quote", "section"),
    [
        ("Wipe it.", ("Care", "Daily")),
        ("Dry it.", ("Care", "Daily")),
        ("Wash it.", ("Care", "Weekly", "In hard water")),
        ("Nothing more.", ("Care", "Ends")),
    ],
)
def test_where_sections_share_a_passage_the_quote_s_own_heading_is_told(quote: str, section: tuple[str, ...]) -> None:
    shared = passage(SHARED, section=("Care",))
    start = SHARED.index(quote)

    citation = cite(1, shared, 7, start, start + len(quote))

    assert citation.section == section
    assert citation.quote == quote

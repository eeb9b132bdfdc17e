"""Products are told apart as customers name them: by size, by generation, by what they are."""

from __future__ import annotations

import pytest

from knowledge.products import Catalogue

KITES = Catalogue.of(
    [
        ("Kite 2 toaster: user manual", ["Kite 2"]),
        ("Kite toaster (first generation): user manual", ["Kite"]),
        ("Finch and Finch Mini fans: user manual", ["Finch", "Finch Mini"]),
        ("Quick answers: Kite 2", ["Kite 2"]),
    ]
)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("my Kite 2's tray", ("Kite 2",)),
        ("the old Kite", ("Kite",)),
        ("my first-generation toaster", ("Kite",)),
        ("the new Kite", ("Kite 2",)),
        ("and the Mini?", ("Finch Mini",)),
        ("Finch Mini or Finch", ("Finch Mini", "Finch")),
        ("how long does delivery take", ()),
    ],
)
def test_the_longest_name_is_meant(text: str, named: tuple[str, ...]) -> None:
    assert KITES.named(text) == named


def test_a_kind_means_every_product_that_goes_by_it() -> None:
    assert set(KITES.of_kind("my toaster")) == {"Kite", "Kite 2"}
    assert KITES.of_kind("quick answers") == ()


def test_a_bare_name_with_generations_is_ambiguous_until_one_is_told() -> None:
    assert KITES.is_ambiguous("my Kite leaks", "Kite")
    assert not KITES.is_ambiguous("my old Kite leaks", "Kite")
    assert not KITES.is_ambiguous("my Finch leaks", "Finch")


def test_a_name_gives_way_to_what_the_product_is() -> None:
    assert KITES.mask("Does the Kite 2 sing?") == "Does the toaster sing?"
    assert "Kite" not in KITES.unnamed("Does the Kite 2 sing?")

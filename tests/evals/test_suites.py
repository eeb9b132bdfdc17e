"""Written conversations on the running product: outcomes, facts, sources and quotes are judged, and worse runs fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.commands.evals import app
from evals.accepted import load_accepted
from evals.cases import MalformedCases

pytestmark = pytest.mark.slow

KETTLE = """# Fenwick kettle

## Descaling

Descale the kettle every two months. Fill it with 500 ml of water and 50 g of citric acid, bring it to the boil and let
it stand for 30 minutes.

## Warranty

The kettle has a warranty of three years from the day of purchase.
"""

CUSTOMERS = [
    {
        "id": "cus_mo",
        "name": "Mo Kaya",
        "orders": [
            {
                "number": "A-100200",
                "placed_on": "2026-11-01",
                "status": "in transit",
                "items": ["Fenwick kettle"],
                "total": "£49.00",
                "tracking": "NL1",
                "expected_on": "2026-11-30",
            }
        ],
    }
]

CASES = """
topic: kettle
cases:
  - id: descaling
    customer: null
    tags: [manual]
    turns:
      - say: How often should I descale the Fenwick kettle?
        expect: {outcome: answered, facts: [every two months], cites: [kettle.md], never: [citric acid is dangerous]}
      - say: How long is the warranty of the Fenwick kettle?
        expect: {facts: [three years]}
  - id: where-is-my-order
    customer: cus_mo
    tags: [order]
    turns:
      - say: Where is my order?
        expect: {outcome: acted, facts: [A-100200, "/30 November|2026-11-30/"]}
  - id: order-of-a-stranger
    customer: null
    tags: [order]
    turns:
      - say: Where is my order?
        expect: {never: [A-100200, Mo Kaya]}
  - id: asks-for-a-person
    customer: null
    tags: [handoff]
    turns:
      - say: I want to talk to a human
        expect: {outcome: handoff}
"""


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command line over a world of one manual and one customer; accepted runs are kept apart from the project's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "kettle.md").write_text(KETTLE)
    (tmp_path / "customers.json").write_text(json.dumps(CUSTOMERS))
    (tmp_path / "kettle.yaml").write_text(CASES)
    return ["run", "kettle.yaml", "--knowledge", "knowledge", "--customers", "customers.json", "--accepted", "agreed"]


def test_a_suite_is_run_judged_and_reported(arguments: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*arguments, "--json", "--report", "report.html"], catch_exceptions=False)

    run = json.loads(result.stdout)["kettle"]
    assert run["failed"] == {}
    assert run["figures"]["conversations passed"]["n"] == 4
    assert run["figures"]["quotes verified"]["n"] >= 2
    assert run["about"]["mode"] == "embedded"
    assert "descaling" in (tmp_path / "report.html").read_text()
    assert result.exit_code == 0


def test_a_run_worse_than_the_accepted_one_fails(arguments: list[str], tmp_path: Path) -> None:
    accepting = CliRunner().invoke(app, [*arguments, "--accept"], catch_exceptions=False)
    path = tmp_path / "kettle.yaml"
    spoilt = CASES.replace("never: [A-100200, Mo Kaya]", "never: [A-100200, Mo Kaya, sign]")
    path.write_text(spoilt)

    result = CliRunner().invoke(app, arguments, catch_exceptions=False)

    assert accepting.exit_code == 0
    assert load_accepted("kettle.embedded", tmp_path / "agreed") is not None
    assert result.exit_code == 1
    assert "kept from saying" in result.output
    assert "order-of-a-stranger: it does not say sign" in result.output


def test_a_customer_who_is_not_there_is_told_before_anything_runs(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "kettle.yaml").write_text(CASES.replace("cus_mo", "cus_nobody"))

    with pytest.raises(MalformedCases, match=r"'cus_nobody', who is not among .*cus_mo"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)

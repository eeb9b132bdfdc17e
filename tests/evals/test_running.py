"""Suites by name, data sets by folder, and a release held against another: on the real line, over a small shop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.commands.evals import app
from assistant.demo.loader import load_customers
from assistant.errors import TellonceError
from assistant.settings import load_settings
from evals.cases import COMPANIES_SUITE, DEMO_SUITE, HELD_OUT_SUITE, UNSEEN_SUITE, MalformedCases
from evals.running import Request, make_plan

pytestmark = pytest.mark.slow

WARRANTY = "# Kettle\n\n## Warranty\n\nThe kettle has a warranty of {years} years from the day of purchase.\n"
CASES = """
topic: kettle
cases:
  - id: warranty
    customer: null
    tags: [warranty]
    turns:
      - say: How long is the warranty of the kettle?
        expect: {outcome: answered, facts: [three years]}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a data set, a case, and an installation whose second release has lost its third year."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TELLONCE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "sets" / "faq"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        json.dumps({"_id": "d1", "title": "Refunds", "text": "We send your money back within 14 days."})
        + "\n"
        + json.dumps({"_id": "d2", "title": "Delivery", "text": "Parcels arrive two working days after they left."})
        + "\n"
    )
    (folder / "queries.jsonl").write_text(
        json.dumps({"_id": "q1", "text": "When do I get my money back?"})
        + "\n"
        + json.dumps({"_id": "q2", "text": "Who composed the Goldberg variations?"})
        + "\n"
    )
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    (folder / "answers.jsonl").write_text(
        json.dumps({"_id": "q1", "answerable": True, "answer": "Within 14 days."})
        + "\n"
        + json.dumps({"_id": "q2", "answerable": False, "answer": None})
        + "\n"
    )
    (tmp_path / "kettle.yaml").write_text(CASES)
    return tmp_path


def invoke(*arguments: str) -> tuple[int, dict[str, dict[str, object]]]:
    result = CliRunner().invoke(app, ["run", *arguments, "--json", "--accepted", "agreed"], catch_exceptions=False)
    return result.exit_code, json.loads(result.stdout)


def publish_two_releases(here: Path) -> None:
    from assistant.app import open_library

    library = open_library(load_settings(model="embedded"))
    page = here / "pages" / "kettle.md"
    page.parent.mkdir()
    page.write_text(WARRANTY.format(years="three"))
    library.add([str(page.parent)])
    library.reindex()
    page.write_text(WARRANTY.format(years="two"))
    library.reindex()


def test_a_data_set_is_a_suite_by_name_or_by_folder(here: Path) -> None:
    code, by_name = invoke("faq", "--data", "sets", "--accept")
    again, by_folder = invoke("sets/faq", "--report", "report.html", "--save", "run.json")

    figures = by_name["faq"]["figures"]
    assert isinstance(figures, dict)
    assert figures["recall@1"]["value"] == 1
    assert figures["answerable, AUROC"]["value"] == 1
    assert figures["quotes verified"]["value"] == 1
    assert (code, again) == (0, 0)
    assert by_folder["faq"]["accepted"]
    assert by_folder["faq"]["worse"] == []
    assert "When do I get my money back?" in (here / "report.html").read_text()
    assert (here / "agreed" / "faq.embedded.json").exists()
    assert "q1" in json.loads((here / "run.json").read_text())["runs"]["faq"]["answers"]


def test_a_release_is_held_against_the_one_in_service(here: Path) -> None:
    publish_two_releases(here)

    _, runs = invoke("kettle.yaml", "--against", "1", "--report", "report.html")

    assert runs["kettle"]["against"] == "release 1"
    assert runs["kettle"]["worse_questions"] == ["warranty 1"]
    page = (here / "report.html").read_text()
    assert "<del>three</del>" in page
    assert '<ins class="marker">two</ins>' in page


def test_a_release_can_be_tried_before_or_after_its_time(here: Path) -> None:
    publish_two_releases(here)

    code, now = invoke("kettle.yaml", "--release", "1", "--against", "2")
    _, alone = invoke("kettle.yaml", "--release", "2")

    assert code == 0
    assert now["kettle"]["changed"] == {"warranty 1": "wording"}
    assert now["kettle"]["worse_questions"] == []
    assert alone["kettle"]["failed"] == {"warranty": ["the answer tells three years"]}
    with pytest.raises(TellonceError, match="A run of a release cannot be accepted"):
        invoke("kettle.yaml", "--release", "1", "--accept")


def test_a_release_that_is_not_kept_is_told(here: Path) -> None:
    publish_two_releases(here)

    with pytest.raises(TellonceError, match="Release 9 is not kept"):
        invoke("kettle.yaml", "--against", "9")


def test_measuring_changes_nothing_and_complains_of_nothing(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from assistant.app import open_library

    publish_two_releases(here)
    library = open_library(load_settings())
    before = (library.releases(), sorted(path.name for path in (here / "data").iterdir()))

    invoke("kettle.yaml", "--against", "1")

    assert "warning" not in capfd.readouterr().err
    assert (library.releases(), sorted(path.name for path in (here / "data").iterdir())) == before


def test_an_earlier_run_stands_beside_a_later_one(here: Path) -> None:
    publish_two_releases(here)
    (here / "older").mkdir()
    (here / "older" / "kettle.md").write_text(WARRANTY.format(years="three"))
    invoke("kettle.yaml", "--knowledge", "older", "--save", "before.json")

    _, runs = invoke("kettle.yaml", "--knowledge", "pages", "--against-file", "before.json")

    assert str(runs["kettle"]["against"]).startswith("the run of ")
    assert runs["kettle"]["worse_questions"] == ["warranty 1"]


def test_saved_questions_are_run_over_what_is_in_service(here: Path) -> None:
    from assistant.app import open_engine
    from assistant.studio.saved_questions import SavedQuestions

    publish_two_releases(here)
    saved = SavedQuestions(open_engine(load_settings()))
    saved.add("How long is the warranty of the kettle?", "kim@example.com", expect={"facts": ["two years"]})

    code, runs = invoke("saved")

    assert code == 0
    assert runs["saved"]["failed"] == {}


def test_without_a_saved_question_that_is_said(here: Path) -> None:
    with pytest.raises(MalformedCases, match="No question is saved yet"):
        invoke("saved")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(Request(("nothing-of-this-name",)), "There is no suite", id="unknown suite"),
        pytest.param(Request(limit=0), "--limit 1 or more", id="empty sample"),
        pytest.param(Request(data=Path("data-without-sets")), "holds no data set", id="no sets"),
        pytest.param(Request(("sets/faq",), against=1), "has a corpus of its own", id="a set has no releases"),
        pytest.param(Request(("companies",), against=1), "or 'companies'", id="companies have no releases"),
        pytest.param(Request(("unseen-companies",), release=1), "or 'unseen-companies'", id="nor have unseen ones"),
        pytest.param(Request(("companies",), knowledge=(Path("p"),)), "documents of its own", id="own documents"),
    ],
)
def test_what_does_not_go_together_is_told_before_anything_runs(here: Path, request_: Request, expected: str) -> None:
    with pytest.raises(TellonceError, match=expected):
        make_plan(request_, load_settings())


def test_without_names_the_bundled_suites_and_all_sets_are_run(here: Path) -> None:
    plan = make_plan(Request(data=Path("sets")), load_settings())

    (world, suites), *companies = plan.talks
    assert world.name == "demo"
    assert [suite.name for suite in suites] == [DEMO_SUITE, HELD_OUT_SUITE]
    assert [suite.name for _, suites in companies for suite in suites] == [COMPANIES_SUITE] * 5 + [UNSEEN_SUITE] * 5
    assert [path.name for path in plan.sets] == ["faq"]


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(Request(against=1), id="beside a release"),
        pytest.param(Request(release=1), id="at a release"),
        pytest.param(Request(knowledge=(Path("pages"),), customers=Path("customers.json")), id="other knowledge"),
    ],
)
def test_what_is_asked_of_other_knowledge_is_not_asked_of_companies(here: Path, request_: Request) -> None:
    (here / "customers.json").write_text(json.dumps(load_customers()))

    plan = make_plan(request_, load_settings())

    assert [suite.name for _, suites in plan.talks for suite in suites] == [DEMO_SUITE, HELD_OUT_SUITE]


def test_companies_are_one_suite_and_each_answers_from_its_own_documents(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, years in (("kettles", "three"), ("mills", "seven")):
        docs = here / "companies" / "fitted" / name / "docs"
        docs.mkdir(parents=True)
        (docs / "page.md").write_text(WARRANTY.format(years=years))
        cases = CASES.replace("id: warranty", f"id: {name}-warranty").replace("three years", f"{years} years")
        (docs.parent / "cases.yaml").write_text(cases)
    monkeypatch.setattr("evals.cases.COMPANIES_FOLDER", here / "companies")

    code, runs = invoke("companies", "--report", "report.html", "--accept")
    again = CliRunner().invoke(app, ["run", "companies", "--accepted", "agreed"], catch_exceptions=False)

    figures = runs["companies"]["figures"]
    assert isinstance(figures, dict)
    assert code == 0
    assert figures["conversations passed"]["n"] == 2
    assert runs["companies"]["failed"] == {}
    assert "mills" in (here / "report.html").read_text()
    assert (again.exit_code, "companies, mills: talking" in again.output) == (0, True)
    assert (here / "agreed" / "companies.embedded.json").exists()

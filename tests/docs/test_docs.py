"""The documentation keeps up with the code: settings, commands, links, decisions, and commands shown in code blocks."""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from assistant import __main__ as command_line
from assistant.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# settings


def variable_of(name: str) -> str:
    return name.upper() if name.startswith("openai_") else PREFIX + name.upper()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_in_the_operators_table_with_its_default(name: str) -> None:
    rows = [
        line for line in text_of(DOCS / "operators.md").splitlines() if line.startswith(f"| `{variable_of(name)}` |")
    ]

    assert len(rows) == 1, f"{variable_of(name)} is in {len(rows)} rows of docs/operators.md"
    default = Settings.model_fields[name].default
    if isinstance(default, str | int | float) and default:
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        assert f"`{shown}`" in rows[0].split("|")[2]


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {variable_of(name) for name in Settings.model_fields}
    for page in PAGES:
        told = set(re.findall(r"\bTELLONCE_[A-Z_]+\b", text_of(page)))
        assert told <= known, f"{name_of(page)} tells of {sorted(told - known)}"


# commands


@functools.cache
def root_command() -> Any:
    command_line._register({*command_line.GROUPS, *command_line.SINGLE} - registered())
    return typer.main.get_command(command_line.app)


def registered() -> set[str]:
    app = command_line.app
    return {str(info.name) for info in (*app.registered_groups, *app.registered_commands)}


def commands(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words it is called by."""
    command = command or root_command()
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    for name, child in children.items():
        yield from commands(child, (*path, name))


def test_every_command_is_documented() -> None:
    words = "\n".join(text_of(page) for page in PAGES)
    missing = [" ".join(path) for path, _ in commands() if f"tellonce {' '.join(path)}" not in words]

    assert not missing, f"not in the docs: {missing}"


def test_every_command_says_what_it_does_with_an_example() -> None:
    for path, command in commands():
        assert "Example: tellonce" in (command.help or ""), f"tellonce {' '.join(path)} --help has no example"


def shown_commands() -> Iterator[tuple[str, str]]:
    """Each line of a code block that calls tellonce, with the page it is on."""
    for page in PAGES:
        for block in re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", text_of(page), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                if match := re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?tellonce (.*?)(?:\s{2,}#.*)?$", line):
                    yield name_of(page), match[1]


SHOWN = sorted(set(shown_commands()))


@pytest.mark.parametrize(("page", "line"), SHOWN, ids=[f"{page}: tellonce {line}" for page, line in SHOWN])
def test_a_command_shown_in_a_code_block_is_one_that_exists(page: str, line: str) -> None:
    arguments = shlex.split(line, comments=True)
    command, path = root_command(), []
    while arguments and arguments[0] in getattr(command, "commands", {}):
        path.append(arguments.pop(0))
        command = command.commands[path[-1]]

    assert not getattr(command, "commands", None), f"{page}: tellonce {line}: no such command"
    command.make_context(" ".join(path), arguments, resilient_parsing=True)  # raises for an option that is not there
    known = {option for parameter in command.params for option in parameter.opts}
    for word in arguments:
        if word.startswith("--"):
            assert word.split("=")[0] in {*known, "--help"}, f"{page}: tellonce {line}: no option {word}"


def test_code_blocks_are_found() -> None:
    assert len(SHOWN) > 15


# links


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_resolve(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), f"{name_of(page)} links to {target}"
        if anchor:
            assert anchor in anchors_of(linked), f"{name_of(page)} links to {target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_pages_speak_of_exist(page: Path) -> None:
    for path in re.findall(r"`((?:assistant|knowledge|evals|tests|docs|prompts)/[\w./-]+)`", text_of(page)):
        assert (ROOT / path).exists(), f"{name_of(page)} speaks of {path}"


def test_files_in_the_architecture_page_exist() -> None:
    """Paths there without a folder in front are below `assistant/`."""
    for path in re.findall(r"`([\w-]+(?:/[\w.-]+)*/?(?:[\w-]+\.(?:py|js))?)`", text_of(DOCS / "architecture.md")):
        if "/" in path or path.endswith((".py", ".js")):
            assert (ROOT / path).exists() or (ROOT / "assistant" / path).exists(), f"docs/architecture.md: {path}"


# decisions


def title_of(decision: Path) -> str:
    """The title behind the number, which is that of the file: `# 7. Title` or `# 0007: Title`."""
    match = re.fullmatch(r"# 0*(\d+)[.:]? (.+)", text_of(decision).splitlines()[0])
    assert match, f"{decision.name} does not begin with its number and title"
    assert int(match[1]) == int(decision.name[:4])
    return match[2]


def test_every_decision_is_listed_with_its_title() -> None:
    listed = text_of(DOCS / "decisions" / "0001-house.md")
    for decision in DECISIONS:
        title = title_of(decision)
        assert f"[{title}]({decision.name})" in listed, f"{decision.name} is not in 0001-house.md as [{title}]"


@pytest.mark.parametrize("decision", DECISIONS, ids=name_of)
def test_a_decision_tells_context_decision_consequences_and_what_was_rejected(decision: Path) -> None:
    parts = set(re.findall(r"^(?:## |\*\*)(Context|Decision|Consequences|Rejected)", text_of(decision), re.M))

    assert parts == {"Context", "Decision", "Consequences", "Rejected"}


def test_every_page_is_reached_from_the_index() -> None:
    index = text_of(DOCS / "index.md")
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or f"]({page.name})" in index, f"{page.name} is not in docs/index.md"

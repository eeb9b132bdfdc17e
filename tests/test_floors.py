"""Holds the house up: imports point down, pure rooms stay pure, and start-up imports stay light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("assistant", "knowledge", "evals")

# A module says in its docstring that it is pure, and is held to it: no I/O, no library that does any, and of our own
# only what is pure. `pure, but for …` is no such claim. Anything may import a pure module.
CLAIMS_PURITY = re.compile(r"Floor: pure(?:[.;]|, and )")
# Shapes, constants and calculations that live beside code that does I/O: pure modules may use these of it.
PURE_PARTS = {
    "assistant.desk.presence": {"Status"},
    "assistant.desk.queue": {"Place"},
    "assistant.journal.bus": {"Draft", "Standing", "Typing"},
    "assistant.journal.port": {"ChainReport", "Conversation"},
    "assistant.turn.embedded": {"Composed"},
    "evals.cases": {"Case", "Check"},
    "evals.earlier": {"Earlier", "figures_of"},
    "evals.page": {"node", "render_page", "table"},
    "evals.sets": {"Asked", "SetResult", "CALIBRATION_FIGURE", "CONFIDENCE", "RIGHT", "TOKEN_F1"},
    "knowledge.embedding": {"Vectors", "content_key"},
    "knowledge.lexical": {"WORD", "terms"},
    "knowledge.reading.html": {"fragment_to_markdown"},
    "knowledge.reading.html_blocks": {"pipe_table"},
}
# These say that they read files or stores, or only describe who does, and know no library for it either.
AS_LIGHT_AS_PURE = {"assistant.journal.port", "assistant.turn.prompting"}
IO_CALLS = {"open", "read_text", "write_text", "read_bytes", "write_bytes", "urlopen", "getenv", "print"}
# Threads that search while the process forks: each can wait for the other for good (docs/decisions/0013).
FORKS = {"create_subprocess_exec", "create_subprocess_shell", "subprocess_exec", "subprocess_shell", "fork", "forkpty"}
IMPURE_LIBRARIES = {
    "sqlite3", "sqlalchemy", "alembic", "asyncio", "threading", "socket", "subprocess", "httpx", "aiohttp", "openai",
    "chromadb", "fastapi", "starlette", "uvicorn", "websockets", "onnxruntime", "sentence_transformers", "torch",
}  # fmt: skip

# Higher floors may import lower ones, never the other way round. Rooms on one floor do not know each other,
# but for the pure modules above.
FLOORS = [
    {"assistant.errors", "assistant.settings", "assistant.database"},
    {"assistant.journal"},
    {"assistant.profile", "assistant.effort"},
    {"assistant.turn", "assistant.desk"},
    {"assistant.studio"},
    {"assistant.channels", "assistant.server"},
    {"assistant.app"},
    {"assistant.commands", "assistant.__main__", "assistant.demo"},
]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    found = {module_name(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    return {name: path for name, path in found.items() if ".migrations" not in name}


def imports_of(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def floor_of(module: str) -> int | None:
    for number, rooms in enumerate(FLOORS):
        if any(module == room or module.startswith(room + ".") for room in rooms):
            return number
    return None


def type_checking_only(path: Path) -> set[str]:
    """Names imported under `if TYPE_CHECKING:`, which do not exist at run time."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for child in ast.walk(node):
                if isinstance(child, ast.ImportFrom) and child.module:
                    names.update(f"{child.module}.{alias.name}" for alias in child.names)
                    names.add(child.module)
    return names


def called_or_named(path: Path) -> set[str]:
    """The last part of every name the source mentions: `loop.subprocess_exec` is `subprocess_exec`."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return imported | attributes | {node.id for node in nodes if isinstance(node, ast.Name)}


def called(path: Path) -> set[str]:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = {func.id for func in calls if isinstance(func, ast.Name)}
    return names | {func.attr for func in calls if isinstance(func, ast.Attribute)}


def says_pure(path: Path) -> bool:
    return bool(CLAIMS_PURITY.search(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""))


MODULES = modules()
PURE = {name for name, path in MODULES.items() if says_pure(path)}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_point_down(module: str) -> None:
    here = floor_of(module)
    for imported in imports_of(MODULES[module]):
        if imported.startswith("evals"):
            assert module.startswith(("evals", "assistant.commands.evals")), f"{module} imports {imported}"
        if module.startswith("knowledge"):
            assert not imported.startswith("assistant"), f"{module} imports {imported}: knowledge stands alone"
        there = floor_of(imported)
        if here is not None and there is not None:
            assert there <= here, f"{module} (floor {here}) imports {imported} (floor {there})"


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Late imports and those for types alone count too: each of a circle can only be read with the others in mind."""
    above = {name: imports_of(path) & set(MODULES) - {name} for name, path in MODULES.items() if path.name[0] != "_"}
    while lowest := {name for name, used in above.items() if not used & set(above)}:
        above = {name: used for name, used in above.items() if name not in lowest}
    assert not above, f"these import each other, or what does: {sorted(above)}"


@pytest.mark.parametrize("pair", [("assistant.turn", "assistant.desk"), ("assistant.desk", "assistant.turn")])
def test_turn_and_desk_meet_only_in_the_journal(pair: tuple[str, str]) -> None:
    for module, path in MODULES.items():
        if module.startswith(pair[0]):
            met = {name for name in imports_of(path) if name.startswith(pair[1])} - {"assistant.turn.blocks"}
            met = {name for name in met if not name.startswith("assistant.turn.blocks")} - {"assistant.turn"}
            assert not met, f"{module} imports {met}"


@pytest.mark.parametrize("module", sorted(PURE | AS_LIGHT_AS_PURE))
def test_pure_modules_know_no_library_that_does_io(module: str) -> None:
    for imported in imports_of(MODULES[module]) - type_checking_only(MODULES[module]):
        assert imported.split(".")[0] not in IMPURE_LIBRARIES, f"{module} is pure and imports {imported}"


@pytest.mark.parametrize("module", sorted(PURE))
def test_pure_modules_do_no_io_and_use_only_what_is_pure(module: str) -> None:
    assert not called(MODULES[module]) & IO_CALLS, f"{module} says it is pure"
    imports = imports_of(MODULES[module]) - type_checking_only(MODULES[module])
    for used in imports & set(MODULES) - PURE:
        names = {name.removeprefix(f"{used}.") for name in imports if name.startswith(f"{used}.")}
        is_package = MODULES[used].name == "__init__.py"
        assert is_package or (names and names <= PURE_PARTS.get(used, set())), f"{module} is pure; {used}: {names}"


def test_what_everything_stands_on_is_pure() -> None:
    foundations = {
        "assistant.errors",
        "assistant.journal.events",
        "assistant.profile.customer",
        "assistant.turn.policy",
    }
    assert foundations | {"knowledge.documents", "knowledge.chunking", "evals.scoring", "evals.certainty"} <= PURE


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith(("assistant", "knowledge"))))
def test_no_process_is_begun_by_a_fork(module: str) -> None:
    forks = called_or_named(MODULES[module]) & FORKS
    assert not forks, f"{module} uses {forks}: uvloop forks. `subprocess.Popen` with `close_fds=False` does not"


def test_every_module_opens_with_what_it_is_for() -> None:
    silent = [
        name
        for name, path in MODULES.items()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent, f"no docstring: {silent}"


def test_serving_imports_nothing_heavy_before_the_page_is_out() -> None:
    heavy = (
        "chromadb",
        "openai",
        "onnxruntime",
        "tokenizers",
        "langchain",
        "alembic",
        "tiktoken",
        "sentence_transformers",
        "torch",
    )
    code = f"import sys, assistant.app, assistant.commands.serve; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", f"imported at start: {done.stdout}"

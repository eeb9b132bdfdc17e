"""Holds the house up: imports point down, pure rooms stay pure, and start-up imports stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("assistant", "knowledge", "evals")

# Modules that do no I/O and know no library that does: anything may import them, and they import only each other.
PURE = {
    "assistant.errors",
    "assistant.journal.events",
    "assistant.journal.port",
    "assistant.journal.rendering",
    "assistant.journal.transcript",
    "assistant.journal.chain",
    "assistant.profile.customer",
    "assistant.turn.policy",
    "assistant.turn.prompting",
    "assistant.turn.blocks",
    "assistant.turn.understanding",
    "assistant.channels.frames",
    "assistant.desk.handoff",
    "assistant.desk.people",
    "assistant.profile.records",
    "assistant.profile.recognition",
    "assistant.profile.traits",
    "assistant.server.desk_frames",
    "assistant.studio.explaining",
    "assistant.effort.surveys",
    "knowledge.documents",
    "knowledge.errors",
    "knowledge.chunking",
    "evals.scoring",
}
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


MODULES = modules()


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


@pytest.mark.parametrize("pair", [("assistant.turn", "assistant.desk"), ("assistant.desk", "assistant.turn")])
def test_turn_and_desk_meet_only_in_the_journal(pair: tuple[str, str]) -> None:
    for module, path in MODULES.items():
        if module.startswith(pair[0]):
            met = {name for name in imports_of(path) if name.startswith(pair[1])} - {"assistant.turn.blocks"}
            met = {name for name in met if not name.startswith("assistant.turn.blocks")} - {"assistant.turn"}
            assert not met, f"{module} imports {met}"


@pytest.mark.parametrize("module", sorted(PURE & set(MODULES)))
def test_pure_modules_know_no_library_that_does_io(module: str) -> None:
    for imported in imports_of(MODULES[module]) - type_checking_only(MODULES[module]):
        assert imported.split(".")[0] not in IMPURE_LIBRARIES, f"{module} is pure and imports {imported}"


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

"""`make setup` on machines that lack something: one sentence, the remedy, and no half-made environment called ready."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assistant import bootstrap

ROOT = Path(__file__).resolve().parent.parent


def run_with_python_claiming(version: tuple[int, int, int]) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.version_info = {version!r}; sys.argv = ['bootstrap.py']\n"
    code += (
        (ROOT / "assistant" / "bootstrap.py")
        .read_text(encoding="utf-8")
        .replace("from __future__ import annotations", "")
    )
    code = code.replace("Path(__file__)", f"Path({str(ROOT / 'assistant' / 'bootstrap.py')!r})")
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("version", [(3, 9, 2), (3, 10, 14), (3, 15, 0)], ids=str)
def test_a_python_that_does_not_fit_is_named_with_the_remedy(version: tuple[int, int, int]) -> None:
    done = run_with_python_claiming(version)

    assert done.returncode == 1
    assert f"{version[0]}.{version[1]}" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_interpreter_is_named_with_the_remedy() -> None:
    done = subprocess.run(
        ["make", "setup", "PYTHON=python-that-is-not-there"], capture_output=True, text=True, cwd=ROOT
    )

    assert done.returncode != 0
    assert "python-that-is-not-there is not there" in done.stderr
    assert "3.11" in done.stderr


def test_the_fingerprint_changes_with_every_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in bootstrap.INPUTS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    seen = {bootstrap.make_fingerprint()}
    for name in bootstrap.INPUTS:
        (tmp_path / name).write_text("after")
        seen.add(bootstrap.make_fingerprint())

    assert len(seen) == len(bootstrap.INPUTS) + 1


def test_the_inputs_of_the_fingerprint_exist() -> None:
    assert [name for name in bootstrap.INPUTS if not (ROOT / name).exists()] == []


def torch_wheel(folder: Path, *, python: str) -> None:
    (folder / f"torch-{bootstrap.TORCH}+cpu-{python}-{python}-manylinux_2_28_x86_64.whl").write_bytes(b"")


def test_a_fitting_torch_among_pips_links_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch_wheel(tmp_path, python="cp{}{}".format(*sys.version_info[:2]))
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)

    environment, options = bootstrap.package_sources(sys.executable)

    assert environment["UV_FIND_LINKS"] == str(tmp_path)
    assert options == []


@pytest.mark.parametrize("python", [None, "cp27"], ids=["no wheel", "a wheel for another Python"])
def test_without_one_uv_picks_the_build_for_the_machine(
    python: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if python:
        torch_wheel(tmp_path, python=python)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    _, options = bootstrap.package_sources(sys.executable)

    assert options == ["--torch-backend", "auto"]


def test_indexes_known_to_pip_are_known_to_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example.org/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://more.example.org/simple")

    environment, _ = bootstrap.package_sources(sys.executable)

    assert environment["UV_DEFAULT_INDEX"] == "https://packages.example.org/simple"
    assert environment["UV_INDEX"] == "https://more.example.org/simple"
    assert environment["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_the_lock_names_no_cuda_package() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")

    assert not [line for line in lock.splitlines() if line.startswith(("nvidia-", "cuda-", "triton", "torch=="))]

"""Sets up `.venv` with everything pinned; `make setup` runs it with any Python. Floor: none, standard library only.

Written so that a Python too old for the product can still read it and say so. Does nothing when nothing changed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "tellonce.stamp"  # what `.venv` was made from
MARK = VENV / "tellonce.python"  # the Python it was made with
INPUTS = ("requirements.lock", "pyproject.toml", "assistant/bootstrap.py", "knowledge/onnx_model.py")
UV = "uv==0.13.9"
TORCH = "2.13.0"
OLDEST = (3, 11)
NEWEST = (3, 14)


def main() -> None:
    check_python()
    fingerprint = make_fingerprint()
    if read(STAMP) == fingerprint:
        return
    began = time.monotonic()
    say("Setting up .venv (once; about a minute on a good line)")
    python = make_venv()
    install(python)
    prepare_model(python)
    STAMP.write_text(fingerprint)
    say(f"Ready in {time.monotonic() - began:.0f} s.")


def check_python() -> None:
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        stop(
            f"Tellonce needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, and {sys.executable} is "
            f"{version[0]}.{version[1]}. Install one and call: make PYTHON=/path/to/python3"
        )


def make_fingerprint() -> str:
    """A digest of everything that decides what `.venv` holds, this folder's place included (scripts name it)."""
    digest = hashlib.sha256(repr((sys.version_info[:3], str(ROOT))).encode())
    for name in INPUTS:
        digest.update((read(ROOT / name) or "").encode())
    return digest.hexdigest()


def make_venv() -> str:
    python = VENV / "bin" / "python"
    wanted = repr((sys.version_info[:2], str(ROOT)))
    if python.exists() and read(MARK) == wanted:
        return str(python)
    say("  making .venv with Python {}.{}".format(*sys.version_info[:2]))
    shutil.rmtree(VENV, ignore_errors=True)
    run(
        [sys.executable, "-m", "venv", str(VENV)],
        "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv",
    )
    MARK.write_text(wanted)
    return str(python)


def install(python: str) -> None:
    """Installs the lock, torch and the project with uv: seconds where pip alone resolves for many minutes."""
    offline = (
        "The package index could not be reached or refused. Check the network (or PIP_INDEX_URL), then call again."
    )
    say("  installing the pinned packages")
    run([python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", UV], offline)
    environment, torch_options = package_sources(python)
    uv = [python, "-m", "uv", "pip", "install", "--python", python, "--quiet"]
    run([*uv, "-r", "requirements.lock", "torch==" + TORCH, *torch_options], offline, environment)
    run([*uv, "--no-deps", "--no-build-isolation", "--editable", "."], offline, environment)


def package_sources(python: str) -> tuple[dict[str, str], list[str]]:
    """The environment that makes uv look where pip is set up to look, and how to get a torch without CUDA.

    A folder of wheels known to pip that holds a fitting torch serves; otherwise uv picks the build for this machine
    (CPU where there is no GPU; https://docs.astral.sh/uv/guides/integration/pytorch/).
    """
    environment = dict(os.environ)
    links = pip_setting(python, "find-links").split()
    for name, value in (
        ("UV_FIND_LINKS", ",".join(links)),
        ("UV_DEFAULT_INDEX", pip_setting(python, "index-url")),
        ("UV_INDEX", pip_setting(python, "extra-index-url")),
        ("SSL_CERT_FILE", pip_setting(python, "cert")),
    ):
        if value:
            environment.setdefault(name, value)
    if "UV_INDEX" in environment:  # several indexes are asked as pip asks them: the best version of all
        environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    wheel = "torch-{}*cp{}{}-*.whl".format(TORCH, *sys.version_info[:2])
    if any(list(Path(folder).glob(wheel)) for folder in links if Path(folder).is_dir()):
        return environment, []
    return environment, ["--torch-backend", "auto"]


def pip_setting(python: str, name: str) -> str:
    """A setting of pip from its environment variable or its configuration files; empty when there is none."""
    from_environment = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if from_environment:
        return from_environment
    command = [python, "-m", "pip", "config", "get", "global." + name]
    asked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return asked.stdout.decode().strip() if asked.returncode == 0 else ""


def prepare_model(python: str) -> None:
    """Exports the embedding model once, so that no start ever waits for it."""
    say("  preparing the embedding model")
    code = "from knowledge.embedding import prepare_default_model; prepare_default_model()"
    run([python, "-c", code], "The embedding model could not be prepared; the lines above say why.")


def run(command: list[str], remedy: str, environment: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        stop(remedy)


def read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None


def say(text: str) -> None:
    print(text, flush=True)


def stop(text: str) -> None:
    sys.stderr.write(f"error: {text}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()

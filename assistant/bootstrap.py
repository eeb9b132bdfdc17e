"""Sets up `.venv` with everything pinned; `make setup` runs it with any Python. Floor: none, standard library only.

Written so that a Python too old for the product can still read it and say so. Does nothing when nothing changed.
"""

import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "tellonce.stamp")
INPUTS = ("requirements.lock", "pyproject.toml", "assistant/bootstrap.py", "knowledge/embedding.py")
UV = "uv==0.13.9"
TORCH = "2.13.0"
OLDEST = (3, 11)
NEWEST = (3, 14)


def main():
    check_python()
    fingerprint = make_fingerprint()
    if read(STAMP) == fingerprint:
        return
    began = time.monotonic()
    say("Setting up .venv (once; about a minute on a good line)")
    python = make_venv()
    install(python)
    prepare_model(python)
    with open(STAMP, "w") as stamp:
        stamp.write(fingerprint)
    say("Ready in {:.0f} s.".format(time.monotonic() - began))


def check_python():
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        stop(
            "Tellonce needs Python {}.{} to {}.{}, and {} is {}.{}. Install one and call: make PYTHON=/path/to/python3".format(
                *(OLDEST + NEWEST + (sys.executable,) + version)
            )
        )


def make_fingerprint():
    """A digest of everything that decides what `.venv` holds, this folder's place included (scripts name it)."""
    digest = hashlib.sha256(repr((sys.version_info[:3], ROOT)).encode())
    for name in INPUTS:
        digest.update((read(os.path.join(ROOT, name)) or "").encode())
    return digest.hexdigest()


def make_venv():
    python = os.path.join(VENV, "bin", "python")
    same = read(os.path.join(VENV, "tellonce.python")) == repr((sys.version_info[:2], ROOT))
    if os.path.exists(python) and same:
        return python
    say("  making .venv with Python {}.{}".format(*sys.version_info[:2]))
    shutil.rmtree(VENV, ignore_errors=True)
    run(
        [sys.executable, "-m", "venv", VENV],
        "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv",
    )
    with open(os.path.join(VENV, "tellonce.python"), "w") as mark:
        mark.write(repr((sys.version_info[:2], ROOT)))
    return python


def install(python):
    """Installs the lock, torch and the project with uv: seconds where pip alone resolves for many minutes."""
    offline = (
        "The package index could not be reached or refused. Check the network (or PIP_INDEX_URL), then call again."
    )
    say("  installing the pinned packages")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV], offline)
    environment, torch_options = package_sources(python)
    uv = [python, "-m", "uv", "pip", "install", "--python", python, "--quiet"]
    run([*uv, "-r", "requirements.lock", "torch==" + TORCH, *torch_options], offline, environment)
    run([*uv, "--no-deps", "--no-build-isolation", "--editable", "."], offline, environment)


def package_sources(python):
    """The environment that makes uv look where pip is set up to look, and how to get a torch without CUDA.

    A folder of wheels known to pip that holds a fitting torch serves; otherwise uv picks the build for this machine
    (CPU where there is no GPU; https://docs.astral.sh/uv/guides/integration/pytorch/).
    """
    environment = dict(os.environ)
    links = pip_setting(python, "find-links")
    for uv_name, value in (
        ("UV_FIND_LINKS", ",".join(links.split())),
        ("UV_DEFAULT_INDEX", pip_setting(python, "index-url")),
        ("UV_INDEX", pip_setting(python, "extra-index-url")),
        ("SSL_CERT_FILE", pip_setting(python, "cert")),
    ):
        if value:
            environment.setdefault(uv_name, value)
    if "UV_INDEX" in environment:  # several indexes are asked as pip asks them: the best version of all
        environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    tag = "cp{}{}".format(*sys.version_info[:2])
    for folder in links.split():
        if glob.glob(os.path.join(folder, "torch-{}*{}*.whl".format(TORCH, tag))):
            return environment, []
    return environment, ["--torch-backend", "auto"]


def pip_setting(python, name):
    """A setting of pip from its environment variable or its configuration files; empty when there is none."""
    from_environment = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if from_environment:
        return from_environment
    command = [python, "-m", "pip", "config", "get", "global." + name]
    asked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return asked.stdout.decode().strip() if asked.returncode == 0 else ""


def prepare_model(python):
    """Exports the embedding model once, so that no start ever waits for it."""
    say("  preparing the embedding model")
    code = "from knowledge.embedding import prepare_default_model; prepare_default_model()"
    run([python, "-c", code], "The embedding model could not be prepared; the lines above say why.")


def run(command, remedy, environment=None):
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        stop(remedy)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


def say(text):
    print(text, flush=True)


def stop(text):
    sys.stderr.write("error: " + text + "\n")
    sys.exit(1)


if __name__ == "__main__":
    main()

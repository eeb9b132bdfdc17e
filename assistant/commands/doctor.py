"""`tellonce doctor`: is everything here that an answer needs? Floor: door; each check is a function of its own."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import typer

from assistant.commands.terminal import JsonFlag, out, print_json
from assistant.errors import SettingsError
from assistant.settings import PREFIX, Settings, load_settings, names_in_files, variable_of

State = Literal["ok", "warning", "fault"]
MINIMUM_FREE_BYTES = 500_000_000
PACKAGES = (
    "fastapi",
    "uvicorn",
    "websockets",
    "sqlalchemy",
    "chromadb",
    "onnxruntime",
    "openai",
    "langchain",
    "tiktoken",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `remedy` says what to do; empty when all is well."""

    name: str
    state: State
    detail: str
    remedy: str = ""


Check = Callable[[Settings], Finding]


def doctor(
    port: Annotated[int, typer.Option(help="The port that `serve` would take.")] = 8000,
    as_json: JsonFlag = False,
) -> None:
    """Checks every dependency, key, model and store, and says what to do about each fault.

    Example: tellonce doctor
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        _print([Finding("settings", "fault", str(error), "Correct or unset the variable.")], [], as_json=as_json)
        raise typer.Exit(1) from error
    findings = [_run(check, settings) for check in (*CHECKS, lambda _: check_port(port))]
    _print(findings, settings_with_origins(settings), as_json=as_json)
    if any(finding.state == "fault" for finding in findings):
        raise typer.Exit(1)


def _run(check: Check, settings: Settings) -> Finding:
    try:
        return check(settings)
    except Exception as error:  # a check that breaks is itself a finding; the others still run
        name = getattr(check, "__name__", "check").removeprefix("check_").replace("_", " ")
        return Finding(name, "fault", f"{type(error).__name__}: {error}", "Run `tellonce --debug doctor` to see where.")


def check_settings(_: Settings) -> Finding:
    known = {variable_of(name) for name in Settings.model_fields}
    named = {key.upper(): "environment" for key in os.environ if key.upper().startswith(PREFIX)}
    named |= {key: file for key, file in names_in_files().items() if key.startswith(PREFIX)}
    strange = [f"{name} ({where})" for name, where in sorted(named.items()) if name not in known]
    if strange:
        remedy = "Correct the name or remove it: docs/operators.md lists every setting."
        return Finding("settings", "warning", f"no such setting: {', '.join(strange)}", remedy)
    return Finding("settings", "ok", "every name is known, every value valid")


def check_python(_: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok", f"{version} at {sys.executable}")


def check_packages(_: Settings) -> Finding:
    missing = []
    for package in PACKAGES:
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        return Finding("packages", "fault", f"missing: {', '.join(missing)}", "Run `make setup`.")
    return Finding("packages", "ok", f"{len(list(importlib.metadata.distributions()))} installed")


def check_data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir.resolve()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir():
        return Finding(
            "data folder", "fault", f"{existing} is no folder", "Set TELLONCE_DATA_DIR to a folder of yours."
        )
    if not os.access(existing, os.W_OK):
        return Finding(
            "data folder", "fault", f"{folder} cannot be written", "Set TELLONCE_DATA_DIR to a folder of yours."
        )
    free = shutil.disk_usage(existing).free
    detail = f"{folder}, {free / 1e9:.1f} GB free"
    if free < MINIMUM_FREE_BYTES:
        return Finding(
            "data folder", "warning", detail, "Free some space: a full disk stops messages from being saved."
        )
    return Finding("data folder", "ok", detail)


def check_database(settings: Settings) -> Finding:
    from assistant.database import database_path

    path = database_path(settings)
    if not path.exists():
        return Finding("database", "ok", "not made yet; the first start makes it")
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            (state,) = connection.execute("PRAGMA quick_check").fetchone()
            (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
    except sqlite3.DatabaseError as error:
        state = str(error)
    if state != "ok":
        return Finding("database", "fault", f"{path}: {state}", "Stop the server and restore the newest backup.")
    return Finding("database", "ok", f"{events} events; `tellonce conversations verify` recomputes every chain")


def check_embedding_model(settings: Settings) -> Finding:
    from assistant.app import open_library

    embedder = open_library(settings).embedder
    vector = embedder.encode(["Where is my order?"])[0]
    return Finding("embedding model", "ok", f"{embedder.name}, {len(vector)} dimensions")


def check_identity(settings: Settings) -> Finding:
    from assistant.server.keys import count_keys
    from assistant.server.secret import load_or_make_secret

    if settings.identity_secret is None and not (settings.data_dir / "identity.secret").exists():
        detail = "no secret yet; the first start makes it"
    else:
        try:
            load_or_make_secret(settings)
        except SettingsError as error:
            return Finding("identity", "fault", str(error), "Correct the secret: nobody can sign in without it.")
        detail = "the secret is long enough"
    if settings.identity_jwks is None:
        return Finding("identity", "ok", detail)
    try:
        keys = count_keys(settings.identity_jwks)
    except Exception as error:  # whatever the network or the document does, signed customers stay unknown
        return Finding("identity", "fault", f"{settings.identity_jwks}: {error}", "Correct TELLONCE_IDENTITY_JWKS.")
    if not keys:
        remedy = "It needs an RSA key of 2,048 bits or a P-256 key for signatures."
        return Finding("identity", "fault", f"{settings.identity_jwks} holds no usable key", remedy)
    return Finding("identity", "ok", f"{detail}; {keys} public keys at {settings.identity_jwks}")


def check_vectors(settings: Settings) -> Finding:
    if settings.chroma_url is None:
        return Finding("vectors", "ok", "embedded Chroma in the data folder")
    from knowledge.chroma import ServedChroma
    from knowledge.errors import IndexUnavailable

    try:
        ServedChroma(settings.chroma_url).names()
    except IndexUnavailable as error:
        return Finding(
            "vectors", "fault", f"{settings.chroma_url}: {error}", "Start it, or correct TELLONCE_CHROMA_URL."
        )
    return Finding("vectors", "ok", f"the Chroma server at {settings.chroma_url} answers")


def check_knowledge(settings: Settings) -> Finding:
    from assistant.app import open_library

    status = open_library(settings).status()
    if status.release is None:
        return Finding(
            "knowledge",
            "warning",
            "nothing is indexed",
            "Run `tellonce knowledge add PATH`, or `tellonce demo` for the demo.",
        )
    return Finding(
        "knowledge", "ok", f"release {status.release}: {status.documents} documents, {status.passages} passages"
    )


def check_language_model(settings: Settings) -> Finding:
    if not settings.uses_model:
        return Finding("language model", "ok", "embedded: answers are quoted from the knowledge, no key needed")
    from openai import AsyncOpenAI

    async def ask() -> str:
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none"
        async with AsyncOpenAI(api_key=key, base_url=settings.openai_base_url, timeout=20, max_retries=0) as client:
            answer = await client.chat.completions.create(
                model=settings.model_name, messages=[{"role": "user", "content": "Say ok."}], max_completion_tokens=16
            )
            return answer.model

    where = settings.openai_base_url or "api.openai.com"
    try:
        answered = asyncio.run(ask())
    except Exception as error:  # whatever the endpoint does, customers are served by the embedded way meanwhile
        return Finding(
            "language model",
            "fault",
            f"{settings.model_name} at {where}: {type(error).__name__}: {error}",
            "Check OPENAI_API_KEY, OPENAI_BASE_URL and TELLONCE_MODEL. Until then answers are embedded.",
        )
    return Finding("language model", "ok", f"{answered} at {where} answers")


def check_token_tables(settings: Settings) -> Finding:
    from assistant.turn.tokens import ENCODING, TABLE_FILE, table_is_here

    if not table_is_here():
        remedy = f"For exact counts put tiktoken's table of {ENCODING}, as {TABLE_FILE}, in TIKTOKEN_CACHE_DIR."
        state: State = "warning" if settings.uses_model else "ok"
        return Finding("token tables", state, "not there: token counts are estimated on the careful side", remedy)
    return Finding("token tables", "ok", ENCODING)


def check_port(port: int) -> Finding:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return Finding(
                "port", "warning", f"{port} is taken", f"`tellonce serve --port {port + 1}`, or stop what has it."
            )
    return Finding("port", "ok", f"{port} is free")


CHECKS: tuple[Check, ...] = (
    check_settings,
    check_python,
    check_packages,
    check_data_dir,
    check_database,
    check_identity,
    check_vectors,
    check_embedding_model,
    check_knowledge,
    check_language_model,
    check_token_tables,
)


def settings_with_origins(settings: Settings) -> list[dict[str, Any]]:
    """Each setting with its variable, its value (secrets masked) and where the value came from."""
    in_files = names_in_files()
    in_environment = {key.upper() for key, value in os.environ.items() if value}
    rows = []
    for name, field in Settings.model_fields.items():
        variable = variable_of(name)
        origin = "environment" if variable in in_environment else in_files.get(variable, "default")
        rows.append(
            {"setting": variable, "value": str(getattr(settings, name)), "origin": origin, "help": field.description}
        )
    return rows


def _print(findings: list[Finding], settings: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"checks": [asdict(finding) for finding in findings], "settings": settings})
        return
    from rich.table import Table

    marks = {"ok": "[green]ok[/]", "warning": "[yellow]look[/]", "fault": "[bold red]fault[/]"}
    table = Table(box=None, pad_edge=False)
    for heading in ("check", "", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(finding.name, marks[finding.state], finding.detail, finding.remedy)
    out.print(table)
    if settings:
        rows = Table(box=None, pad_edge=False, title="settings", title_justify="left")
        for heading in ("setting", "value", "from"):
            rows.add_column(heading, overflow="fold")
        for row in settings:
            rows.add_row(row["setting"], row["value"], row["origin"])
        out.print()
        out.print(rows)

"""What every command owes: help with an example, one-sentence errors, exit codes 0, 1 and 2, JSON where asked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

from assistant import __main__ as tellonce
from assistant import database
from assistant.errors import SettingsError
from assistant.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent.parent


def commands() -> Iterator[tuple[str, click.Command]]:
    tellonce._register({*tellonce.GROUPS, *tellonce.SINGLE})

    def walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        children = getattr(command, "commands", {})
        yield path, command
        for name, child in children.items():
            yield from walk(f"{path} {name}".strip(), child)

    yield from walk("", typer.main.get_command(tellonce.app))


EVERY = {path or "tellonce": command for path, command in commands()}
COMMANDS = {path: command for path, command in EVERY.items() if not getattr(command, "commands", None)}


def run(*words: str, data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "TELLONCE_DATA_DIR": str(data_dir), **environment}
    return subprocess.run(
        [sys.executable, "-m", "assistant", *words], capture_output=True, text=True, env=env, cwd=ROOT, timeout=100
    )


@pytest.fixture(scope="module")
def used_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that something was kept in before, so that there is a database to look into."""
    folder = tmp_path_factory.mktemp("used")
    assert run("agents", "add", "ada@example.org", data_dir=folder).returncode == 0
    return folder


LOOKS = [("agents", "list"), ("conversations", "list"), ("knowledge", "status"), ("profile", "show")]


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_a_damaged_database_is_one_sentence_with_a_remedy(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "tellonce.db").write_bytes(b"This was a database once." * 1000)

    result = run(*words, data_dir=tmp_path)

    assert result.returncode == 1
    assert "restore the newest backup" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "remedy"),
    [
        ("TELLONCE_ALLOWED_ORIGINS", "www.example.com", "https://www.example.com"),
        ("TELLONCE_ALLOWED_ORIGINS", "*", "https://www.example.com"),
        ("TELLONCE_ALLOWED_ORIGINS", "https://www.example.com/help", "https://www.example.com"),
        ("TELLONCE_PUBLIC_HOSTS", "https://support.example.com", "support.example.com"),
        ("TELLONCE_CHROMA_URL", "localhost:8001", "http://localhost:8001"),
        ("OPENAI_BASE_URL", "localhost", "http://localhost"),
        ("TELLONCE_CES_SCALE", "6", "5 or 7"),
        ("TELLONCE_TRUSTED_PROXIES", "proxy", "IPv4 or IPv6"),
        ("TELLONCE_MESSAGE_LIMIT", "0/minute", "60/minute"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_name_value_and_remedy(
    variable: str, value: str, remedy: str, tmp_path: Path
) -> None:
    done = run("serve", "--port", "0", data_dir=tmp_path, **{variable: value})

    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert f"{variable}='{value}'" in line
    assert remedy in line
    assert "Value error" not in line


@pytest.mark.parametrize(
    ("name", "content"),
    [("tellonce.toml", b"data_dir = ["), ("tellonce.toml", b"\xff\xfe"), (".env", b"\xff\xfe")],
    ids=["no TOML", "TOML in no UTF-8", ".env in no UTF-8"],
)
def test_a_settings_file_that_cannot_be_read_is_one_sentence_that_names_it(
    name: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match=rf"{re.escape(name)}.*remove it"):
        load_settings()


def test_an_empty_setting_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLONCE_MODEL", "")
    monkeypatch.setenv("TELLONCE_DATA_DIR", "")

    settings = load_settings(openai_api_key=None)

    assert (settings.model, settings.uses_model, settings.data_dir) == ("auto", False, Path("data"))


def test_a_data_folder_that_cannot_be_written_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # no mode of a folder stops root, who runs these tests

    with pytest.raises(SettingsError, match=r"cannot be written.*TELLONCE_DATA_DIR"):
        database.upgrade(tmp_path / "tellonce.db")


def test_doctor_names_a_setting_that_does_not_exist(tmp_path: Path) -> None:
    checks = json.loads(run("doctor", "--json", data_dir=tmp_path, TELLONCE_ALLOWED_ORIGIN="x").stdout)["checks"]

    found = {check["name"]: check for check in checks}["settings"]
    assert (found["state"], "TELLONCE_ALLOWED_ORIGIN (environment)" in found["detail"]) == ("warning", True)


@pytest.mark.parametrize(
    ("variable", "value", "check", "told"),
    [
        ("TELLONCE_CHROMA_URL", "http://127.0.0.1:1", "vectors", "http://127.0.0.1:1"),
        ("TELLONCE_IDENTITY_SECRET", "short", "identity", "openssl rand -hex 32"),
        ("TELLONCE_IDENTITY_JWKS", "/no/such/keys.json", "identity", "/no/such/keys.json"),
        ("TELLONCE_IDENTITY_JWKS", "{folder}/empty.json", "identity", "no usable key"),
        ("TELLONCE_IDENTITY_JWKS", "{folder}/broken.json", "identity", "broken.json"),
    ],
    ids=["a Chroma server that is not there", "a short secret", "no key file", "no key in it", "no JSON"],
)
def test_doctor_asks_each_server_and_reads_each_key(
    variable: str, value: str, check: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.json").write_text('{"keys": []}')
    (tmp_path / "broken.json").write_text("{")

    done = run("doctor", "--json", data_dir=tmp_path, **{variable: value.format(folder=tmp_path)})

    found = {one["name"]: one for one in json.loads(done.stdout)["checks"]}[check]
    assert (done.returncode, found["state"]) == (1, "fault")
    assert told in found["detail"]
    assert found["remedy"]


def test_what_nobody_foresaw_is_one_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError("[red]a\nb")

    monkeypatch.setattr(sys, "argv", ["tellonce", "doctor"])
    monkeypatch.setattr(tellonce, "_register", lambda names: None)
    monkeypatch.setattr(tellonce, "app", fail)
    printed: list[str] = []
    monkeypatch.setattr("assistant.commands.terminal.err.print", lambda text, **options: printed.append(text))

    with pytest.raises(SystemExit) as ended:
        tellonce.main()

    assert ended.value.code == 1
    assert len(printed) == 1
    assert "ZeroDivisionError: \\[red]a." in printed[0]
    assert "--debug" in printed[0]


def test_doctor_names_a_damaged_database_and_a_data_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "tellonce.db").write_bytes(b"This was a database once." * 1000)
    damaged = json.loads(run("doctor", "--json", data_dir=tmp_path).stdout)["checks"]
    no_folder = json.loads(run("doctor", "--json", data_dir=tmp_path / "tellonce.db").stdout)["checks"]

    found = {check["name"]: check for check in damaged}
    assert (found["database"]["state"], "backup" in found["database"]["remedy"]) == ("fault", True)
    assert {check["name"]: check["state"] for check in no_folder}["data folder"] == "fault"


@pytest.mark.parametrize("name", sorted(EVERY))
def test_help_says_what_it_does_and_shows_an_example(name: str) -> None:
    text = EVERY[name].help or ""

    assert text.strip(), f"`tellonce {name}` has no help"
    assert re.search(rf"Example[^\n]*:\s+tellonce {name.split()[0].replace('tellonce', '')}", text), (
        f"`tellonce {name}` shows no example"
    )


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_can_report_in_json(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}

    assert "--json" in options


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("serve", "--no-such-option"),
        ("knowledge", "search"),
        ("knowledge", "search", " "),
        ("conversations", "show"),
    ],
    ids=" ".join,
)
def test_a_wrong_call_exits_with_2(words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*words, data_dir=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("knowledge", "add", "no/such/place"), "no/such/place"),
        (("knowledge", "add", "ftp://example.org/help"), "https://"),
        (("knowledge", "purge", "manual.pdf", "--json"), "--yes"),
        (("conversations", "show", "no-such-conversation"), "conversation"),
        (("profile", "show", "cus_nobody"), "cus_nobody"),
        (("agents", "remove", "nobody@example.org"), "nobody@example.org"),
        (("agents", "add", "nobody"), "name@example.com"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_failure_is_one_sentence_that_names_the_thing_and_exits_with_1(
    words: tuple[str, ...], named: str, used_data_dir: Path
) -> None:
    done = run(*words, data_dir=used_data_dir)

    assert done.returncode == 1, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("error:")]) == 1


def test_debug_shows_where_it_failed(tmp_path: Path) -> None:
    done = run("--debug", "knowledge", "add", "no/such/place", data_dir=tmp_path)

    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_a_wrong_setting_is_named_with_its_value_and_the_remedy(tmp_path: Path) -> None:
    done = run("conversations", "list", data_dir=tmp_path, TELLONCE_CES_SCALE="6")

    assert done.returncode == 1
    assert "TELLONCE_CES_SCALE" in done.stderr
    assert "6" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_names_each_part_and_the_origin_of_each_setting(tmp_path: Path) -> None:
    done = run("doctor", "--json", data_dir=tmp_path, TELLONCE_STREAM="token")
    report = json.loads(done.stdout)

    assert done.returncode == 0, report
    assert {check["name"] for check in report["checks"]} >= {
        "python",
        "database",
        "embedding model",
        "knowledge",
        "port",
    }
    origins = {row["setting"]: row["origin"] for row in report["settings"]}
    assert origins["TELLONCE_STREAM"] == "environment"
    assert origins["TELLONCE_CES_SCALE"] == "default"


def test_doctor_finds_a_model_that_does_not_answer_and_says_what_to_do(tmp_path: Path) -> None:
    nowhere = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "TELLONCE_MODEL": "some-model"}
    done = run("doctor", "--json", data_dir=tmp_path, **nowhere)
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}

    assert done.returncode == 1
    assert checks["language model"]["state"] == "fault"
    assert "OPENAI_BASE_URL" in checks["language model"]["remedy"]
    assert "sk-test" not in done.stdout

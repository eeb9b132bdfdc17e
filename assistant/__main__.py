"""The `tellonce` command. Floor: roof; each command lives in `commands/` and imports what it needs when it runs."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated

import typer

from assistant import __version__

app = typer.Typer(
    name="tellonce",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Self-hosted customer support: customers tell it once.\n\nExample: tellonce demo",
)

# command -> module below `assistant.commands`; a module is imported only when its command is called or listed in --help
GROUPS = {
    "knowledge": "knowledge",
    "conversations": "conversations",
    "profile": "profile",
    "agents": "agents",
    "evals": "evals",
}
SINGLE = {"serve": "serve", "demo": "demo", "doctor": "doctor", "chat": "chat"}


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"tellonce {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _register(names: set[str]) -> None:
    for name, module in GROUPS.items():
        if name in names:
            app.add_typer(importlib.import_module(f"assistant.commands.{module}").app, name=name)
    for name, module in SINGLE.items():
        if name in names:
            function = getattr(importlib.import_module(f"assistant.commands.{module}"), name)
            app.command(name=name)(function)


def main() -> None:
    """Runs one command; a failure is one sentence on standard error and exit code 1, a traceback only with --debug."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    known = {*GROUPS, *SINGLE}
    _register({words[0]} if words and words[0] in known else known)
    debug = "--debug" in sys.argv[1:]
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except Exception as error:
        if debug:
            raise
        from rich.markup import escape

        from assistant.commands.terminal import err

        err.print(f"[bold red]error:[/] {escape(_sentence(error))}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _sentence(error: Exception) -> str:
    from assistant.errors import SettingsError, TellonceError
    from knowledge.errors import KnowledgeError

    if isinstance(error, (SettingsError, TellonceError, KnowledgeError)):
        return str(error)
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return f"{what.rstrip('.')}. Nobody foresaw this: the same command with --debug shows where it happened."


if __name__ == "__main__":
    main()

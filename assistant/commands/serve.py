"""`tellonce serve`: the server. Floor: door."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands.terminal import JsonFlag, print_json_line
from assistant.errors import SettingsError, TellonceError

if TYPE_CHECKING:
    import socket

    from assistant.app import App
    from assistant.settings import Settings

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is every one of this machine's.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free one.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes; more than one needs TELLONCE_REDIS_URL.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Serve the widget, the desk and the API until stopped. With --json the address is one line of JSON.

    Example: tellonce serve --host 0.0.0.0 --port 8080
    """
    from assistant.app import build
    from assistant.server.serving import address_of, bind
    from assistant.settings import load_settings

    settings = load_settings()
    check_workers(settings, workers)
    app = build(settings)
    listener = bind(host, port)
    if as_json:
        print_json_line({"address": address_of(listener)})
    run(app, listener, announce=not as_json)


def check_workers(settings: Settings, workers: int) -> None:
    """Raises SettingsError when several processes could not tell each other of new events."""
    if workers > 1 and settings.redis_url is None:
        raise SettingsError(
            f"{workers} workers need TELLONCE_REDIS_URL to tell each other of new messages: set it, or use one worker."
        )


def run(app: App, listener: socket.socket, *, announce: bool = True) -> None:
    """Serves on this socket until a signal ends it.

    Args:
        announce: whether to print the address first, for people and for scripts that read it.

    Raises:
        TellonceError, SettingsError: what had to be opened behind the first page could not be.
    """
    from assistant.server.logs import set_up_logging
    from assistant.server.serving import address_of, make_server

    set_up_logging(app.settings)
    server = make_server(app, app.settings)
    failures: list[TellonceError | SettingsError] = []

    def stop_for(failure: TellonceError | SettingsError) -> None:
        failures.append(failure)
        server.should_exit = True

    app.on_failure = stop_for
    if announce:
        sys.stdout.write(f"Tellonce serves on {address_of(listener)}\n")
        sys.stdout.flush()
    # uvicorn shuts down first and then raises the signal again; a stop that was asked for is a success.
    signal.signal(signal.SIGTERM, lambda *_: None)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if failures:
        raise failures[0]

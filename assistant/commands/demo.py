"""`tellonce demo`: the shop, its customers, its people and what the assistant knows, in one command. Floor: door."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands.serve import Host, Port
from assistant.commands.terminal import JsonFlag, print_json_line

if TYPE_CHECKING:
    from assistant.settings import Settings

DEMO_AGENT_EMAIL = "sam@aldermorn.example"
DEMO_AGENT_NAME = "Sam Oduya"
DEMO_EDITOR_EMAIL = "noor@aldermorn.example"
DEMO_EDITOR_NAME = "Noor Haidari"
SIGN_IN_SECONDS = 24 * 3600


def demo(
    port: Port = 8000,
    host: Host = "127.0.0.1",
    fresh: Annotated[bool, typer.Option("--reindex", help="Read the demo's knowledge again even if indexed.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Open the demo shop on http://127.0.0.1:8000, with its knowledge, customers, an agent and an editor.

    With --json the addresses are one line of JSON.

    Example: tellonce demo --port 8080
    """
    from assistant.app import build
    from assistant.commands.serve import run
    from assistant.demo.loader import load_customers, load_shop
    from assistant.server.serving import address_of, bind
    from assistant.server.shop import DemoShop
    from assistant.settings import load_settings

    settings = load_settings()
    app = build(settings, shop=DemoShop(load_shop(), load_customers()))
    listener = bind(host, port)  # a taken port is told before minutes of indexing
    index_knowledge(settings, fresh=fresh)
    import_customers(settings)
    pages = Pages.of(address_of(listener), make_agent(settings), make_editor(settings))
    if as_json:
        print_json_line(asdict(pages))
    else:
        show_pages(pages, settings)
    run(app, listener, announce=not as_json)


def index_knowledge(settings: Settings, *, fresh: bool = False) -> None:
    """Indexes the bundled knowledge, unless it is indexed or somebody's own documents are: those are not mixed."""
    from assistant.app import open_library
    from assistant.commands.terminal import err, progress_bar
    from assistant.demo.loader import write_knowledge

    folder = (settings.data_dir / "demo-knowledge").resolve()
    library = open_library(settings)
    status = library.status()
    is_ours = any(Path(source) == folder for source in status.sources)
    if status.release is not None and not is_ours:
        return
    before = _stamps(folder)
    drop_leftovers(folder, set(write_knowledge(folder)))
    if status.release is not None and _stamps(folder) == before and not fresh:
        err.print("The demo's knowledge is indexed already: [bold]--reindex[/] reads it again.", highlight=False)
        return
    with progress_bar("Reading the demo's manuals and answers") as step:
        library.add([str(folder)])
        library.reindex(step)


def drop_leftovers(folder: Path, wanted: set[Path]) -> None:
    """Removes what an earlier version's demo wrote and this one's does not: it would go on being quoted."""
    for file in _stamps(folder).keys() - wanted:
        file.unlink()


def _stamps(folder: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()} if folder.exists() else {}


def import_customers(settings: Settings) -> int:
    """The demo's customers with their orders and past; returns how many. Importing again changes nothing."""
    from assistant.app import open_profiles
    from assistant.demo.loader import load_customers

    return open_profiles(settings).import_customers(load_customers())


def make_agent(settings: Settings) -> str:
    """A one-time sign-in for the demo's agent, who is made on the first start."""
    return _make_sign_in(settings, DEMO_AGENT_EMAIL, "agent", DEMO_AGENT_NAME)


def make_editor(settings: Settings) -> str:
    """A one-time sign-in for who keeps the demo's knowledge, likewise."""
    return _make_sign_in(settings, DEMO_EDITOR_EMAIL, "content", DEMO_EDITOR_NAME)


def _make_sign_in(settings: Settings, email: str, role: str, name: str) -> str:
    from assistant.app import open_agents

    agents = open_agents(settings)
    known = next((agent for agent in agents.list() if agent.email == email), None)
    agent = known or agents.add(email, role, name)[0]
    return agents.make_link(agent.id, SIGN_IN_SECONDS)


@dataclass(frozen=True, slots=True)
class Pages:
    """Where everything is, as web addresses; `desk` and `studio` sign in, each once."""

    shop: str
    desk: str
    studio: str
    api: str

    @classmethod
    def of(cls, address: str, agent_token: str, editor_token: str) -> Pages:
        return cls(
            shop=f"{address}/",
            desk=f"{address}/sign-in?token={agent_token}",
            studio=f"{address}/sign-in?token={editor_token}&to=studio",
            api=f"{address}/openapi.json",
        )


def show_pages(pages: Pages, settings: Settings) -> None:
    """Every page and how to get in, for people."""
    from rich.panel import Panel
    from rich.table import Table

    from assistant.commands.terminal import out

    how = f"model {settings.model_name}" if settings.uses_model else "embedded: no key, nothing leaves this machine"
    rows = {
        "Shop with the widget": pages.shop,
        "Agents' desk, signed in": pages.desk,
        "Knowledge studio, signed in": pages.studio,
        "API description": pages.api,
        "In this terminal": f"tellonce chat --url {pages.shop.rstrip('/')}",
        "Answers by": how,
    }
    table = Table.grid(padding=(0, 2))
    for what, where in rows.items():
        table.add_row(f"[bold]{what}[/]", where)
    # A link that is folded inside a frame cannot be copied, so a narrow terminal gets plain lines.
    needed_columns = max(len(what) + len(where) for what, where in rows.items()) + 8
    if out.is_terminal and out.width >= needed_columns:
        note = "Stop with Ctrl+C. Each sign-in link works once, for a day."
        out.print(Panel(table, title="Tellonce demo", subtitle=note, border_style="cyan", expand=False))
    else:
        for what, where in rows.items():
            out.print(f"{what}: {where}", soft_wrap=True, highlight=False)

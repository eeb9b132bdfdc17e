"""`tellonce agents`: who may sit at the desk and in the studio. Floor: door."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.commands.terminal import JsonFlag, out, print_json

if TYPE_CHECKING:
    from assistant.desk.agents import Agents

Role = Literal["agent", "content", "admin"]

app = typer.Typer(
    name="agents",
    no_args_is_help=True,
    help="Accounts of the people behind the desk.\n\nExample: tellonce agents add mia@shop.example --role agent",
)


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="What they sign in with.")],
    role: Annotated[
        Role, typer.Option(help="agent: talks to customers; content: keeps the knowledge; admin: both.")
    ] = "agent",
    name: Annotated[str | None, typer.Option(help="As customers read it; default: from the address.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Adds an agent and prints the password, which is kept nowhere and not shown again.

    Example: tellonce agents add mia@shop.example --role agent --name "Mia Stone"
    """
    agent, password = _open_agents().add(email, role, name)
    if as_json:
        print_json({**agent.as_data(), "password": password})
        return
    out.print(f"Added {agent.name} ({agent.email}), {agent.role.value}.", highlight=False, markup=False)
    out.print(f"Password: {password}", highlight=False, markup=False, soft_wrap=True)
    page = "/desk" if agent.may_enter_desk else "/studio"
    out.print(f"It is not shown again. They sign in at {page}.", highlight=False)


@app.command("list")
def list_(as_json: JsonFlag = False) -> None:
    """Lists the agents.

    Example: tellonce agents list
    """
    from rich.table import Table

    agents = _open_agents().list()
    if as_json:
        print_json([agent.as_data() for agent in agents])
        return
    if not agents:
        out.print("No agents yet. `tellonce agents add EMAIL` adds the first.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("e-mail", "name", "role", "id"):
        table.add_column(heading, no_wrap=heading == "id")
    for agent in agents:
        table.add_row(agent.email, agent.name, agent.role.value, agent.id)
    out.print(table)


@app.command()
def remove(
    email: Annotated[str, typer.Argument(help="What they sign in with.")],
    as_json: JsonFlag = False,
) -> None:
    """Removes an agent: open desks close within half a minute; what they wrote stays in the conversations.

    Example: tellonce agents remove mia@shop.example
    """
    _open_agents().remove(email)
    if as_json:
        print_json({"removed": email})
    else:
        out.print(f"Removed {email}.", highlight=False, markup=False)


def _open_agents() -> Agents:
    from assistant.app import open_agents
    from assistant.settings import load_settings

    return open_agents(load_settings())

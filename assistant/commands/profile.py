"""`tellonce profile`: what is known about customers, shown, exported, imported and erased. Floor: door."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.commands.terminal import JsonFlag, ask, fail, out, print_json
from assistant.errors import BadFrame, Conflict, NotFound

if TYPE_CHECKING:
    from assistant.journal.store import SqliteJournal
    from assistant.profile.customer import Customer
    from assistant.profile.store import Profiles

IMPORT_MAX_BYTES = 200 * 1024 * 1024

app = typer.Typer(
    name="profile",
    no_args_is_help=True,
    help="Customers and what is known about them.\n\nExample: tellonce profile show ada@example.com",
)

Who = Annotated[str, typer.Argument(metavar="CUSTOMER", help="Their id, e-mail address or phone number.")]


@app.command()
def show(
    customer: Annotated[
        str | None, typer.Argument(metavar="[CUSTOMER]", help="Id, e-mail or phone; default: all.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Shows one customer, or the list of them.

    Example: tellonce profile show ada@example.com
    """
    profiles = _open_profiles()
    if customer is None:
        _show_list(profiles, as_json=as_json)
        return
    found = _find(profiles, customer)
    past = asyncio.run(_past(found.id))
    if as_json:
        from assistant.profile.records import record_of

        print_json({**record_of(found), "conversations": past})
    else:
        _print_customer(found, past)


@app.command()
def export(
    customer: Who,
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of standard output.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Everything that is kept about a customer, conversations included, as one JSON document (with or without --json).

    Example: tellonce profile export ada@example.com --output ada.json
    """
    profiles = _open_profiles()
    found = _find(profiles, customer)
    document = {"profile": profiles.export(found.id), "conversations": asyncio.run(_conversations(found.id))}
    if output is None:
        print_json(document)
        return
    try:
        output.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise fail(f"{output} cannot be written: {error.strerror}. Choose another --output.") from error


@app.command()
def erase(
    customer: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Erases a customer's profile and everything said in their conversations, for good.

    The conversations' chains stay verifiable, and the profile leaves a tombstone, so that no import brings it back.

    Example: tellonce profile erase ada@example.com
    """
    profiles = _open_profiles()
    found = _find(profiles, customer)
    ask(f"Erase {found.name or found.id} and all their conversations, for good?", yes=yes)
    # words first: if they cannot be erased, the profile is still there to try again with
    conversations, events = asyncio.run(_erase_conversations(found.id))
    profiles.erase(found.id)
    # what somebody said meanwhile on an open line: from now on the server takes nothing more from it
    conversations, late = asyncio.run(_erase_conversations(found.id))
    events += late
    if as_json:
        print_json({"customer": found.id, "conversations": conversations, "events": events})
    else:
        out.print(f"Erased {found.id}: the profile, and {events} events of {conversations} conversations.")


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="JSON: a list of customers, one, or what `export` wrote; or JSON lines.")
    ],
    source: Annotated[str | None, typer.Option(help="Where they come from, as agents read it.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Adds or updates customers; what a record does not mention stays, and erased customers are passed over.

    Example: tellonce profile import customers.json --source "web shop"
    """
    records = read_records(file)
    imported = _open_profiles().import_customers(records, source=source)
    if as_json:
        print_json({"read": len(records), "imported": imported, "passed_over": len(records) - imported})
    else:
        erased = len(records) - imported
        note = f" {erased} passed over: erased before, or twice in the file." if erased else ""
        out.print(f"Imported {imported} of {len(records)} customers.{note}")


def read_records(file: Path) -> list[dict[str, Any]]:
    """The customers in a JSON or JSON-lines file. Raises BadFrame naming the file, and the line where it can."""
    try:
        if file.stat().st_size > IMPORT_MAX_BYTES:
            raise BadFrame(f"{file} is larger than {IMPORT_MAX_BYTES // 1_048_576} MiB: split it.")
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFrame(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise BadFrame(f"{file} is not UTF-8 text: export it again as UTF-8.") from error
    entries = _json_lines(file, text) if file.suffix.lower() in (".jsonl", ".ndjson") else _json(file, text)
    records = [entry.get("profile", entry) if isinstance(entry, dict) else entry for entry in entries]
    if wrong := next((n for n, record in enumerate(records, 1) if not isinstance(record, dict)), None):
        raise BadFrame(f"{file}: entry {wrong} is no customer; every one is an object with an `id`.")
    return records


def _json(file: Path, text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadFrame(f"{file} is not JSON: {error.msg} in line {error.lineno}.") from error
    return found if isinstance(found, list) else [found]


def _json_lines(file: Path, text: str) -> list[Any]:
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            entries += [json.loads(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise BadFrame(f"{file} is not JSON in line {number}: {error.msg}.") from error
    return entries


def _open_profiles() -> Profiles:
    from assistant.app import open_profiles
    from assistant.settings import load_settings

    return open_profiles(load_settings())


def _find(profiles: Profiles, customer: str) -> Customer:
    exact = profiles.load(customer)
    found = [exact] if exact else profiles.find(customer)
    if not found:
        raise NotFound(f"There is no customer {customer!r}. `tellonce profile show` lists them.")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise Conflict(f"{customer!r} belongs to {len(found)} customers: {ids}. Name one by id.")
    return found[0]


def _open_journal() -> SqliteJournal:
    from assistant.app import open_journal
    from assistant.settings import load_settings

    return open_journal(load_settings())


async def _past(customer_id: str) -> list[dict[str, Any]]:
    from assistant.profile.history import past_touchpoints

    journal = _open_journal()
    try:
        return [asdict(touchpoint) for touchpoint in await past_touchpoints(journal, customer_id)]
    finally:
        await journal.close()


async def _conversations(customer_id: str) -> list[dict[str, Any]]:
    """What the customer said and was told; colleagues' notes are not the customer's data."""
    from assistant.journal.events import Audience, frame_for_customer
    from assistant.journal.port import read_whole

    journal = _open_journal()
    try:
        found = await journal.list_conversations(customer_id=customer_id, limit=None)
        return [
            {
                "conversation": one.id,
                "channel": one.channel,
                "created_at": one.created_at,
                "events": [
                    frame_for_customer(event) for event in await read_whole(journal, one.id, audience=Audience.EVERYONE)
                ],
            }
            for one in found
        ]
    finally:
        await journal.close()


async def _erase_conversations(customer_id: str) -> tuple[int, int]:
    """How many conversations and events were erased; looks again until there is nothing, as somebody may be talking."""
    journal = _open_journal()
    erased = 0
    try:
        while True:
            found = await journal.list_conversations(customer_id=customer_id, empty=True, limit=None)
            fresh = sum([await journal.erase(one.id) for one in found])
            if not fresh:
                return len(found), erased
            erased += fresh
    finally:
        await journal.close()


def _show_list(profiles: Profiles, *, as_json: bool) -> None:
    from rich.table import Table

    lines = profiles.list()
    if as_json:
        print_json([asdict(line) for line in lines])
        return
    if not lines:
        out.print("No customers yet. `tellonce profile import FILE` brings them in; a signed sign-in adds one.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("id", "name", "e-mail", "orders", "changed"):
        table.add_column(heading, no_wrap=heading == "id", justify="right" if heading == "orders" else "left")
    for line in lines:
        name = "(erased)" if line.erased_at else line.name or ""
        table.add_row(line.id, name, line.email or "", str(line.orders), line.updated_at[:16].replace("T", " "))
    out.print(table)


def _print_customer(customer: Customer, past: list[dict[str, Any]]) -> None:
    from rich.markup import escape

    def line(what: str, text: str | None, field: str = "") -> None:
        if text:
            source = customer.sources.get(field)
            out.print(f"  [dim]{what:<12}[/] {escape(text)}" + (f" [dim]({escape(source)})[/]" if source else ""))

    out.print(f"[bold]{escape(customer.name or customer.id)}[/]", highlight=False)
    line("id", customer.id)
    line("e-mail", customer.email, "email")
    line("phone", customer.phone, "phone")
    line("since", customer.since, "since")
    for product in customer.products:
        line("owns", " ".join(filter(None, (product.name, product.serial and f"serial {product.serial}"))), "products")
    for order in customer.orders:
        line("order", f"{order.number}, {order.placed_on}: {', '.join(order.items)}, {order.status}", "orders")
    for appointment in customer.appointments:
        line("appointment", f"{appointment.at}: {appointment.what}, {appointment.status}", "appointments")
    for touchpoint in customer.touchpoints:
        line("contact", f"{touchpoint.at[:10]}, {touchpoint.channel}: {touchpoint.summary}", "touchpoints")
    for one in past:
        line("talked", f"{one['at'][:10]}, {one['channel']}: {one['summary']} ({one['outcome']})")
    for key, value in customer.traits.items():
        line("trait", f"{key}: {value}", "traits")

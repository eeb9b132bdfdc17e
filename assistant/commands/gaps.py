"""`tellonce knowledge gaps`: what no page answers yet. Floor: door.

`commands/knowledge.py` registers it, and prints a comparison with what is here.
"""

from __future__ import annotations

import datetime
import os
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.commands.terminal import JsonFlag, fail, out, print_json, progress_bar
from assistant.errors import BadFrame

if TYPE_CHECKING:
    from assistant.studio.comparing import Compared, Comparison
    from assistant.studio.gap_views import ShownGap

NICENESS = 10  # customers' answers come first
SHOWN = 80  # characters of a question in a table
LIMIT_MAX = 200
_PERIOD = re.compile(r"(\d{1,5})\s*([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}

State = Literal["open", "drafted", "closed", "dismissed", "all"]


def register(app: typer.Typer) -> None:
    """Adds the command to `tellonce knowledge`."""
    app.command("gaps")(gaps)


def gaps(
    since: Annotated[str | None, typer.Option(help="Only those asked since then: 30d, 12h, 2w or a date.")] = None,
    state: Annotated[State, typer.Option(help="Which ones.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="How many.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """Shows the questions that got no good answer, grouped, the most urgent first.

    Example: tellonce knowledge gaps --since 30d
    """
    from assistant.app import open_engine, open_library, open_profiles
    from assistant.settings import load_settings
    from assistant.studio.gaps import Gaps

    try:
        begin = read_since(since) if since else None
    except BadFrame as error:
        raise fail(str(error), code=2) from error
    settings = load_settings()
    engine = open_engine(settings)
    load_customer = open_profiles(settings, engine).load
    kept = Gaps(engine, open_library(settings, engine), settings, load_customer=load_customer)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    with progress_bar("Gaps", quiet=as_json) as step:
        kept.refresh(step)
    shown = kept.shown(None if state == "all" else state, since=begin, limit=limit)
    if as_json:
        print_json({"gaps": [gap.as_data() for gap in shown]})
    else:
        _print_gaps(shown, state)


def read_since(text: str, now: datetime.datetime | None = None) -> str:
    """A period back from now ("30d", "12h", "2w") or a date, as the journal writes times.

    Raises:
        BadFrame: it is neither.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    if match := _PERIOD.fullmatch(text.strip()):
        begin = now - datetime.timedelta(hours=int(match[1]) * _HOURS[match[2]])
    else:
        try:
            begin = datetime.datetime.fromisoformat(text.strip())
        except ValueError as error:
            raise BadFrame(f"--since {text} is neither a period such as 30d nor a date such as 2026-11-01.") from error
        begin = begin.replace(tzinfo=begin.tzinfo or datetime.UTC)
    return begin.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def print_comparison(comparison: Comparison) -> None:
    """What `tellonce knowledge reindex --compare` shows of a comparison on a terminal."""
    from rich.markup import escape

    counts = comparison.counts
    if not comparison.questions:
        out.print("No question to compare yet: none is saved, and nobody asked anything in the last week.")
        return
    changed = [one for one in comparison.questions if one.change != "same"]
    words = f"{counts['outcome']} in outcome, {counts['sources']} in sources, {counts['wording']} in wording"
    out.print(
        f"Release {comparison.release} against {comparison.against}: {len(changed)} of {counts['questions']} answers "
        f"change: {words}. {counts['gained']} answered only now, {counts['lost']} only before.",
        soft_wrap=True,
        highlight=False,
    )
    for one in changed:
        out.print(f"\n[bold]{escape(_one_line(one.asked.question))}[/] ({one.change})", highlight=False)
        for name, text in _sides(one):
            out.print(f"  {name} {text}", markup=False, highlight=False, soft_wrap=True)


def _sides(one: Compared) -> list[tuple[str, str]]:
    sides = (("before:", one.before), ("after: ", one.after))
    return [(name, f"{_one_line(answer.text, 3 * SHOWN)} ({answer.outcome})") for name, answer in sides]


def _print_gaps(shown: list[ShownGap], state: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not shown:
        wanted = "" if state == "all" else f"{state} "
        out.print(f"There are no {wanted}gaps: every question was answered, or nobody has asked one.")
        return
    table = Table("Gap", "Question", "Asked", "Declined", "Not useful", "Handed over", "Last", "State")
    for gap in shown:
        data: dict[str, Any] = gap.as_data()
        counts = (str(data[name]) for name in ("count", "declined", "thumbed_down", "handed_over"))
        table.add_row(str(data["id"]), escape(_one_line(gap.label)), *counts, data["last_at"][:10], gap.state)
    out.print(table)


def _one_line(text: str, limit: int = SHOWN) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"

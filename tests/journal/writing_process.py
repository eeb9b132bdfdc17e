"""A process of its own that writes to a journal and prints each acknowledgement; run by the tests that kill or race it.

Usage: python writing_process.py DATABASE CONVERSATION TASKS APPENDS [CLIENT_ID_PREFIX]
"""

from __future__ import annotations

import asyncio
import sys

from assistant.journal.events import Author, Kind, NewEvent, Role
from assistant.journal.store import SqliteJournal


async def write(path: str, conversation_id: str, tasks: int, appends: int, prefix: str) -> None:
    journal = SqliteJournal(path)
    author = Author(Role.CUSTOMER, "Ada", "visitor")

    async def run(task: int) -> None:
        for number in range(appends):
            client_id = f"{prefix}{task}-{number}"
            events = [
                NewEvent(Kind.MESSAGE, author, {"text": f"{client_id} " * 40}, client_id),
                NewEvent(Kind.NOTE, author, {"text": "beside it"}),
            ]
            appended = await journal.append(conversation_id, events)
            print(appended.events[0].seq, client_id, int(appended.repeated), flush=True)  # noqa: T201

    await asyncio.gather(*(run(task) for task in range(tasks)))
    await journal.close()


if __name__ == "__main__":
    path, conversation_id, tasks, appends, *prefix = sys.argv[1:]
    asyncio.run(write(path, conversation_id, int(tasks), int(appends), *prefix or [""]))

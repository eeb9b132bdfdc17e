"""The journal's two tables, as SQLAlchemy describes them. Floor: store; `store.py` reads and writes them raw.

`events` is append-only: triggers (`migrations/versions/0001_journal.py`) refuse every change but the erasure of `data`
and `salt`. What the columns prove together is told in `chain.py`.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from assistant.database import metadata


def _partial_index(*columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    return Index(None, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("visitor_id", Text, nullable=False),
    Column("customer_id", Text),
    Column("channel", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    # folds of the events, kept in the same commit as each append
    Column("updated_at", Text, nullable=False),  # `at` of the newest event
    Column("head_seq", Integer, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("head_customer_seq", Integer, nullable=False),
    Column("floor", Text, nullable=False),
    Column("agent_id", Text),
    Column("unanswered_seq", Integer),
    Index(None, "visitor_id"),
    _partial_index("customer_id", where="customer_id IS NOT NULL"),
    _partial_index("floor", where="floor IN ('queue', 'agent')"),
    _partial_index("unanswered_seq", where="unanswered_seq IS NOT NULL"),
    sqlite_with_rowid=False,
)

events = Table(
    "events",
    metadata,
    Column(
        "conversation_id", Text, ForeignKey("conversations.id", deferrable=True, initially="DEFERRED"), primary_key=True
    ),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("prev", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("client_id", Text),
    Column("salt", LargeBinary),  # NULL once erased
    Column("digest", LargeBinary, nullable=False),
    Column("data", Text),  # JSON: the event's data, its author's name and id; NULL once erased
    Column("hash", LargeBinary, nullable=False),
    _partial_index("conversation_id", "client_id", where="client_id IS NOT NULL", unique=True),
)

"""The profiles' two tables, as SQLAlchemy describes them. Floor: store; `store.py` reads and writes them.

A profile is one row: identity in columns, lists in JSON, since it is always read whole, by one id, and written whole
by an import. `identities` says by what else a customer can be looked up.
"""

from __future__ import annotations

import sqlalchemy as sa

from assistant.database import metadata
from assistant.profile.records import LISTS

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("name", sa.String(120)),
    sa.Column("email", sa.String(254)),
    sa.Column("phone", sa.String(32)),
    sa.Column("locale", sa.String(500)),
    sa.Column("since", sa.String(10)),
    *(sa.Column(name, sa.JSON, nullable=False) for name in (*LISTS, "traits", "sources")),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("updated_at", sa.String(32), nullable=False),
    sa.Column("erased_at", sa.String(32)),  # a tombstone: everything else of the row is empty
)

identities = sa.Table(
    "identities",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),  # subject, email, phone
    sa.Column("value", sa.String(254), primary_key=True),
    sa.Column(
        "customer_id",
        sa.String(200),
        sa.ForeignKey("customers.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    sa.Column("source", sa.String(200), nullable=False),
    sa.Column("first_seen_at", sa.String(32), nullable=False),
)

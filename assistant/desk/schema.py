"""The desk's tables, as SQLAlchemy describes them. Floor: store; `agents.py` reads and writes them."""

from __future__ import annotations

import sqlalchemy as sa

from assistant.database import metadata

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("email", sa.String(254), nullable=False, unique=True),  # as `email_key` compares it
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password_hash", sa.String(200), nullable=False),  # argon2id, with its own salt and parameters
    sa.Column("created_at", sa.String(32), nullable=False),
)

sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),  # SHA-256: who reads the table can not use a link
    sa.Column("agent_id", sa.String(40), sa.ForeignKey("agents.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("expires_at", sa.Float, nullable=False),
)

# A session is a signed token, good by itself until it expires: what ends sooner stands here until then.
ended_sessions = sa.Table(
    "ended_sessions",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),  # SHA-256
    sa.Column("expires_at", sa.Float, nullable=False),
)

# Counted for every address that is tried, known or not: a lock tells nobody whether an account exists.
sign_in_failures = sa.Table(
    "sign_in_failures",
    metadata,
    sa.Column("email_hash", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),  # since the last right password
    sa.Column("last_at", sa.Float, nullable=False),  # seconds since the epoch
)

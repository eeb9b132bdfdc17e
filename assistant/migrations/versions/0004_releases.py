"""Releases: who made and published them, what changed; faults, file stamps, fetches and purges; audiences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

RELEASE_COLUMNS = ("embedder_name", "made_by", "base", "added", "changed", "removed")


def upgrade() -> None:
    op.add_column("knowledge_versions", sa.Column("audience", sa.String(200)))
    op.add_column("knowledge_releases", sa.Column("embedder_name", sa.Text))
    op.add_column("knowledge_releases", sa.Column("made_by", sa.String(254), nullable=False, server_default="command"))
    op.add_column("knowledge_releases", sa.Column("base", sa.Integer))
    for name in ("added", "changed", "removed"):
        op.add_column("knowledge_releases", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "knowledge_publications",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("release", sa.Integer, nullable=False),
        sa.Column("was", sa.Integer),
        sa.Column("how", sa.String(20), nullable=False),
        sa.Column("by", sa.String(254), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
    )
    op.create_index("ix_knowledge_publications_release", "knowledge_publications", ["release"])
    # until now, making a release put it in service
    op.execute(
        "INSERT INTO knowledge_publications (release, how, by, at) "
        "SELECT number, 'publish', 'command', made_at FROM knowledge_releases "
        "WHERE state = 'ready' AND made_at IS NOT NULL ORDER BY number"
    )
    op.create_table(
        "knowledge_faults",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "knowledge_files",
        sa.Column("root", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("reader", sa.Integer, nullable=False),
        sa.Column("content_hash", sa.Text),
        sa.Column("fault", sa.Text),
    )
    op.create_table(
        "knowledge_fetches",
        sa.Column("url", sa.Text, primary_key=True),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("content_hash", sa.Text),
        sa.Column("fetched_at", sa.String(40), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
    )
    op.create_table(
        "knowledge_purges",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("digest", sa.Text),
        sa.Column("by", sa.String(254), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("done_at", sa.String(40)),
    )


def downgrade() -> None:
    for table in ("purges", "fetches", "files", "faults", "publications"):
        op.drop_table(f"knowledge_{table}")
    op.drop_column("knowledge_versions", "audience")
    for name in reversed(RELEASE_COLUMNS):
        op.drop_column("knowledge_releases", name)

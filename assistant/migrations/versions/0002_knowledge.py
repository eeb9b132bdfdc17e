"""Knowledge: sources, document versions, passages, releases, cached vectors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "knowledge_sources",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("location", sa.Text, nullable=False, unique=True),
        sa.Column("added_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "knowledge_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("cutter", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("media_type", sa.String(120), nullable=False),
        sa.Column("language", sa.String(40)),
        sa.Column("url", sa.Text),
        sa.Column("products", sa.Text, nullable=False),
        sa.Column("changed_at", sa.String(40)),
        sa.Column("pages", sa.Text, nullable=False),
        sa.UniqueConstraint("document_id", "content_hash", "cutter", name="uq_knowledge_versions_content"),
    )
    op.create_index("ix_knowledge_versions_document", "knowledge_versions", ["document_id"])
    op.create_table(
        "knowledge_passages",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("knowledge_versions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("passage_id", sa.Text, nullable=False),
        sa.Column("section", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sa.Column("page", sa.Integer),
        sa.Column("question", sa.Text),
        sa.Column("lead", sa.Text, nullable=False),
    )
    op.create_index("ix_knowledge_passages_version_id", "knowledge_passages", ["version_id"])
    op.create_table(
        "knowledge_releases",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("started_at", sa.String(40), nullable=False),
        sa.Column("made_at", sa.String(40)),
        sa.Column("embedder", sa.Text, nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("documents", sa.Integer, nullable=False),
        sa.Column("passages", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "knowledge_release_versions",
        sa.Column(
            "release", sa.Integer, sa.ForeignKey("knowledge_releases.number", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("version_id", sa.Integer, sa.ForeignKey("knowledge_versions.id"), primary_key=True),
    )
    op.create_index("ix_knowledge_release_versions_version", "knowledge_release_versions", ["version_id"])
    op.create_table(
        "knowledge_live",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("release", sa.Integer, sa.ForeignKey("knowledge_releases.number"), nullable=False),
    )
    op.create_table(
        "knowledge_vectors",
        sa.Column("embedder", sa.String(200), primary_key=True),
        sa.Column("content", sa.LargeBinary(16), primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    for table in ("vectors", "live", "release_versions", "releases", "passages", "versions", "sources"):
        op.drop_table(f"knowledge_{table}")

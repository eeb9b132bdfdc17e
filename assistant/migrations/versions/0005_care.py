"""The care of the knowledge: gaps with their questions, documents answers were taken from, drafts, saved questions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "care_progress",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("embedder", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_care_progress"),
    )
    op.create_table(
        "gaps",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("centre", sa.LargeBinary, nullable=False),
        sa.Column("about", sa.JSON, nullable=False),
        sa.Column("closed_at", sa.String(32)),
        sa.Column("closed_release", sa.Integer),
        sa.Column("checked_release", sa.Integer),
        sa.Column("reopened_at", sa.String(32)),
        sa.Column("dismissed_at", sa.String(32)),
        sa.Column("dismissed_by", sa.String(254)),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "gap_questions",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("gap_id", sa.Integer, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("declined", sa.Boolean, nullable=False),
        sa.Column("thumbed_down", sa.Boolean, nullable=False),
        sa.Column("handed_over", sa.Boolean, nullable=False),
        sa.Column("release", sa.Integer),
        sa.Column("agent_seqs", sa.JSON, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name="pk_gap_questions"),
        sa.ForeignKeyConstraint(["gap_id"], ["gaps.id"], ondelete="CASCADE", name="fk_gap_questions_gap_id"),
    )
    op.create_index("ix_gap_questions_gap_id", "gap_questions", ["gap_id"])
    op.create_table(
        "used_documents",
        sa.Column("document_id", sa.Text, nullable=False),
        sa.Column("last_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("document_id", name="pk_used_documents"),
    )
    op.create_table(
        "answer_drafts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("gap_id", sa.Integer),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("products", sa.JSON, nullable=False),
        sa.Column("left_out", sa.JSON, nullable=False),
        sa.Column("made_by", sa.String(254), nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.Column("edited_by", sa.String(254)),
        sa.Column("edited_at", sa.String(32)),
        sa.Column("accepted_by", sa.String(254)),
        sa.Column("accepted_at", sa.String(32)),
        sa.Column("file", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_answer_drafts"),
        sa.ForeignKeyConstraint(["gap_id"], ["gaps.id"], ondelete="SET NULL", name="fk_answer_drafts_gap_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_answer_drafts_gap_id", "answer_drafts", ["gap_id"])
    op.create_table(
        "saved_questions",
        sa.Column("id", sa.String(120), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("history", sa.JSON, nullable=False),
        sa.Column("customer", sa.String(200)),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("expect", sa.JSON, nullable=False),
        sa.Column("conversation_id", sa.Text),
        sa.Column("seq", sa.Integer),
        sa.Column("made_by", sa.String(254), nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_questions"),
    )


def downgrade() -> None:
    for table in ("saved_questions", "answer_drafts", "used_documents", "gap_questions", "gaps", "care_progress"):
        op.drop_table(table)

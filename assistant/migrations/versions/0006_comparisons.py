"""Comparisons of releases, kept question by question; which file a saved question came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "comparisons",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("release", sa.Integer, nullable=False),
        sa.Column("against", sa.Integer, nullable=False),
        sa.Column("made_by", sa.String(254), nullable=False),
        sa.Column("made_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comparisons"),
        sa.UniqueConstraint("release", "against", name="uq_comparisons_release_against"),
    )
    op.create_table(
        "compared_questions",
        sa.Column("comparison_id", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("change", sa.String(20), nullable=False),
        sa.Column("answered_before", sa.Boolean, nullable=False),
        sa.Column("answered_after", sa.Boolean, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("conversation_id", sa.Text),
        sa.Column("seq", sa.Integer),
        sa.PrimaryKeyConstraint("comparison_id", "position", name="pk_compared_questions"),
        sa.ForeignKeyConstraint(
            ["comparison_id"], ["comparisons.id"], ondelete="CASCADE", name="fk_compared_questions_comparison_id"
        ),
    )
    op.add_column("saved_questions", sa.Column("imported_from", sa.String(200)))


def downgrade() -> None:
    op.drop_column("saved_questions", "imported_from")
    op.drop_table("compared_questions")
    op.drop_table("comparisons")

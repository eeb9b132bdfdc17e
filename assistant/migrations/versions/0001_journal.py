"""The journal: conversations and their append-only events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEPT = ("conversation_id", "seq", "prev", "at", "kind", "audience", "role", "client_id", "digest", "hash")


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("visitor_id", sa.Text, nullable=False),
        sa.Column("customer_id", sa.Text),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.Column("head_seq", sa.Integer, nullable=False),
        sa.Column("head_hash", sa.LargeBinary, nullable=False),
        sa.Column("head_customer_seq", sa.Integer, nullable=False),
        sa.Column("floor", sa.Text, nullable=False),
        sa.Column("agent_id", sa.Text),
        sa.Column("unanswered_seq", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conversations_visitor_id", "conversations", ["visitor_id"])
    for column, condition in (
        ("customer_id", "customer_id IS NOT NULL"),
        ("floor", "floor IN ('queue', 'agent')"),
        ("unanswered_seq", "unanswered_seq IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(
            f"ix_conversations_{column}", "conversations", [column], sqlite_where=where, postgresql_where=where
        )
    op.create_table(
        "events",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("prev", sa.Integer, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("audience", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text),
        sa.Column("salt", sa.LargeBinary),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("data", sa.Text),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "seq", name="pk_events"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name="fk_events_conversation_id",
            deferrable=True, initially="DEFERRED",
        ),
    )
    where = sa.text("client_id IS NOT NULL")
    op.create_index(
        "ix_events_conversation_id_client_id",
        "events",
        ["conversation_id", "client_id"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )
    for statement in postgresql_triggers() if op.get_context().dialect.name == "postgresql" else sqlite_triggers():
        op.execute(statement)


def sqlite_triggers() -> list[str]:
    """`INSERT OR REPLACE` deletes without the delete trigger unless a pragma is set, so inserts are checked too."""
    unchanged = " AND ".join(f"NEW.{column} IS OLD.{column}" for column in KEPT)
    return [
        f"""CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
        WHEN NOT (NEW.data IS NULL AND NEW.salt IS NULL AND {unchanged})
        BEGIN SELECT RAISE(ROLLBACK, 'events are append-only: only data and salt can be erased, together'); END""",
        """CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
        BEGIN SELECT RAISE(ROLLBACK, 'events are append-only: none can be deleted'); END""",
        """CREATE TRIGGER events_refuse_replace BEFORE INSERT ON events
        WHEN EXISTS (SELECT 1 FROM events WHERE conversation_id = NEW.conversation_id AND seq = NEW.seq)
          OR EXISTS (SELECT 1 FROM events WHERE conversation_id = NEW.conversation_id AND client_id = NEW.client_id)
        BEGIN SELECT RAISE(ROLLBACK, 'events are append-only: none can be replaced'); END""",
        """CREATE TRIGGER conversations_refuse_delete BEFORE DELETE ON conversations
        BEGIN SELECT RAISE(ROLLBACK, 'conversations cannot be deleted: erase their events instead'); END""",
        """CREATE TRIGGER conversations_refuse_replace BEFORE INSERT ON conversations
        WHEN EXISTS (SELECT 1 FROM conversations WHERE id = NEW.id)
        BEGIN SELECT RAISE(ROLLBACK, 'conversations cannot be replaced'); END""",
    ]


def postgresql_triggers() -> list[str]:
    unchanged = " AND ".join(f"NEW.{column} IS NOT DISTINCT FROM OLD.{column}" for column in KEPT)
    return [
        """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append-only, refused to ' || TG_OP; END $$""",
        f"""CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events FOR EACH ROW
        WHEN (NOT (NEW.data IS NULL AND NEW.salt IS NULL AND {unchanged})) EXECUTE FUNCTION refuse_change()""",
        """CREATE TRIGGER events_refuse_delete BEFORE DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
        """CREATE TRIGGER conversations_refuse_delete BEFORE DELETE OR TRUNCATE ON conversations
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    ]


def downgrade() -> None:
    op.drop_table("events")
    op.drop_table("conversations")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")

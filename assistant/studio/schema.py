"""The studio's tables: gaps with their questions, drafts, saved questions, comparisons. Floor: store.

No customer's words are copied here but into drafts, saved questions and comparisons, cleaned: `gap_questions` points
into the journal, so that what is erased there is gone here.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from assistant.database import metadata

# one row: up to which of the journal's events the tables below have read it, and with whose vectors
care_progress = Table(
    "care_progress",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("embedder", String(200), nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("centre", LargeBinary, nullable=False),  # float32, the sum of its questions' vectors
    Column("about", JSON, nullable=False),  # products and codes that its questions name
    Column("closed_at", String(32)),
    Column("closed_release", Integer),  # whose answer closed it
    Column("checked_release", Integer),  # the newest that its questions were rehearsed at
    Column("reopened_at", String(32)),
    Column("dismissed_at", String(32)),
    Column("dismissed_by", String(254)),
    sqlite_autoincrement=True,  # a number is never given twice: somebody may still look at the old one
)

gap_questions = Table(
    "gap_questions",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("gap_id", Integer, ForeignKey("gaps.id", ondelete="CASCADE"), nullable=False),
    Column("at", String(32), nullable=False),
    Column("declined", Boolean, nullable=False),
    Column("thumbed_down", Boolean, nullable=False),
    Column("handed_over", Boolean, nullable=False),
    Column("release", Integer),  # that was searched
    Column("agent_seqs", JSON, nullable=False),  # the messages in which a person answered it
    Column("vector", LargeBinary, nullable=False),  # float32, of the question as it stands alone
)

# documents that some customer was answered from, and when last
used_documents = Table(
    "used_documents",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("last_at", String(32), nullable=False),
)

answer_drafts = Table(
    "answer_drafts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("gap_id", Integer, ForeignKey("gaps.id", ondelete="SET NULL")),
    Column("question", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("products", JSON, nullable=False),
    Column("left_out", JSON, nullable=False),  # kinds of personal data that the prefilled text is without
    Column("made_by", String(254), nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("edited_by", String(254)),
    Column("edited_at", String(32)),
    Column("accepted_by", String(254)),
    Column("accepted_at", String(32)),
    Column("file", Text),  # its name among the uploads, once accepted
    sqlite_autoincrement=True,
)

saved_questions = Table(
    "saved_questions",
    metadata,
    Column("id", String(120), primary_key=True),
    Column("question", Text, nullable=False),
    Column("history", JSON, nullable=False),  # what the customer said before it, oldest first
    Column("customer", String(200)),  # signed in as
    Column("tags", JSON, nullable=False),
    Column("expect", JSON, nullable=False),
    Column("conversation_id", Text),  # where it was asked, if it was
    Column("seq", Integer),
    Column("made_by", String(254), nullable=False),
    Column("made_at", String(32), nullable=False),
    Column("imported_from", String(200)),  # the file of cases it came from, if it did
)

comparisons = Table(
    "comparisons",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("release", Integer, nullable=False),
    Column("against", Integer, nullable=False),
    Column("made_by", String(254), nullable=False),
    Column("made_at", String(32), nullable=False),
    UniqueConstraint("release", "against", name="uq_comparisons_release_against"),
)

compared_questions = Table(
    "compared_questions",
    metadata,
    Column("comparison_id", Integer, ForeignKey("comparisons.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("change", String(20), nullable=False),
    Column("answered_before", Boolean, nullable=False),
    Column("answered_after", Boolean, nullable=False),
    Column("report", JSON, nullable=False),
    Column("conversation_id", Text),  # where it was asked, if it was: erased there, it is gone here
    Column("seq", Integer),
)

Index("ix_gap_questions_gap_id", gap_questions.c.gap_id)
Index("ix_answer_drafts_gap_id", answer_drafts.c.gap_id)

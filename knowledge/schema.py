"""The tables of the knowledge house. Floor: store.

A document's versions are kept by content: a release is a list of versions, so that what did not change is stored once.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

sources = Table(
    "knowledge_sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("location", Text, nullable=False, unique=True),  # an absolute path or a URL
    Column("added_at", String(40), nullable=False),
)

versions = Table(
    "knowledge_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("cutter", Integer, nullable=False),  # chunking.VERSION its passages were cut with
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("media_type", String(120), nullable=False),
    Column("language", String(40)),
    Column("url", Text),
    Column("products", Text, nullable=False),  # JSON list
    Column("changed_at", String(40)),
    Column("pages", Text, nullable=False),  # JSON list
    Column("audience", String(200)),
    UniqueConstraint("document_id", "content_hash", "cutter", name="uq_knowledge_versions_content"),
)

passages = Table(
    "knowledge_passages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version_id", Integer, ForeignKey("knowledge_versions.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # within its document, from 0: neighbours are position ± 1
    Column("passage_id", Text, nullable=False),
    Column("section", Text, nullable=False),  # JSON list
    Column("text", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("question", Text),
    Column("lead", Text, nullable=False),
)

releases = Table(
    "knowledge_releases",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("state", String(10), nullable=False),  # building, ready, dropped
    Column("started_at", String(40), nullable=False),
    Column("made_at", String(40)),
    Column("embedder", Text, nullable=False),  # the revision its vectors are of
    Column("store", Text, nullable=False),  # the name of its folder
    Column("documents", Integer, nullable=False, default=0),
    Column("passages", Integer, nullable=False, default=0),
    Column("embedder_name", Text),  # by which its embedder is opened again; NULL in releases older than this column
    Column("made_by", String(254), nullable=False, server_default="command"),
    Column("base", Integer),  # the release in service when it was made: what the counts below are against
    Column("added", Integer, nullable=False, server_default="0"),
    Column("changed", Integer, nullable=False, server_default="0"),
    Column("removed", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,  # a number is never given twice: citations hold it
)

release_versions = Table(
    "knowledge_release_versions",
    metadata,
    Column("release", Integer, ForeignKey("knowledge_releases.number", ondelete="CASCADE"), primary_key=True),
    Column("version_id", Integer, ForeignKey("knowledge_versions.id"), primary_key=True),
)

# one row: which release is in service. Publishing and rolling back are one update of it.
live = Table(
    "knowledge_live",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("release", Integer, ForeignKey("knowledge_releases.number"), nullable=False),
)

# every switch, oldest first: a release without a row here is a candidate
publications = Table(
    "knowledge_publications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("release", Integer, nullable=False),
    Column("was", Integer),  # in service before
    Column("how", String(20), nullable=False),  # publish, rollback
    Column("by", String(254), nullable=False),
    Column("at", String(40), nullable=False),
)

# what the newest run could not read
faults = Table(
    "knowledge_faults",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# what a file looked like when it was read last: one that looks the same is not read again
files = Table(
    "knowledge_files",
    metadata,
    Column("root", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("stamp", Text, nullable=False),  # size, times and inode
    Column("reader", Integer, nullable=False),  # the reader's version
    Column("content_hash", Text),
    Column("fault", Text),  # why it could not be read
)

# what a web server said about a page: asked again only "has it changed since?"
fetches = Table(
    "knowledge_fetches",
    metadata,
    Column("url", Text, primary_key=True),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("content_hash", Text),
    Column("fetched_at", String(40), nullable=False),
    Column("status", Integer, nullable=False),
)

# purged documents: what is to be deleted is written down first, so that a run cut short is finished by the next.
# The bytes of such a file stay out although it may lie in its folder still; a changed one is read again.
purges = Table(
    "knowledge_purges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("document_id", Text, nullable=False),
    Column("root", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("digest", Text),  # of the bytes that stay out; NULL: they were nowhere to be found
    Column("by", String(254), nullable=False),
    Column("at", String(40), nullable=False),
    Column("done_at", String(40)),
)

vectors = Table(
    "knowledge_vectors",
    metadata,
    Column("embedder", String(200), primary_key=True),
    Column("content", LargeBinary(16), primary_key=True),  # embedding.content_key of the embedded text
    Column("vector", LargeBinary, nullable=False),  # float32, little endian
    sqlite_with_rowid=False,
)

Index("ix_knowledge_publications_release", publications.c.release)
Index("ix_knowledge_passages_version_id", passages.c.version_id)
Index("ix_knowledge_versions_document", versions.c.document_id)
Index("ix_knowledge_release_versions_version", release_versions.c.version_id)

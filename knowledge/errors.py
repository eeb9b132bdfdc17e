"""What can go wrong with knowledge, as sentences that name the thing and the remedy. Floor: pure."""

from __future__ import annotations


class KnowledgeError(Exception):
    """Something about documents, index or search failed; the message says what and what to do."""


class SourceNotFound(KnowledgeError):
    """A path or URL that was to be added is not there."""


class IndexMissing(KnowledgeError):
    """A search before anything was indexed."""


class EmbedderUnavailable(KnowledgeError):
    """The embedding model cannot be loaded or does not answer."""


class IndexUnavailable(KnowledgeError):
    """The vector store is there but does not answer."""


class ReindexRunning(KnowledgeError):
    """Another process is building a release right now."""


class ReleaseUnknown(KnowledgeError):
    """A release of that number was never made, or is not kept any more."""


class DocumentUnknown(KnowledgeError):
    """No kept release holds a document of that id."""

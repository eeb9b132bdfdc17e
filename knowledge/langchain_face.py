"""The library as a langchain retriever, for other people's chains. Floor: door; nothing of ours imports it.

from knowledge.langchain_face import LibraryRetriever
retriever = LibraryRetriever(library=library, limit=4)
retriever.invoke("How do I descale it?")
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from knowledge.documents import Findings, Found
from knowledge.library import Library


class LibraryRetriever(BaseRetriever):
    """Passages as langchain documents, best first. Metadata: what a citation needs, score and sureness."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    library: Library
    limit: int = 5
    product: str | None = None
    language: str | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        findings = self.library.search(query, limit=self.limit, product=self.product, language=self.language)
        return as_documents(findings)


def as_documents(findings: Findings) -> list[Document]:
    """What a search found as langchain documents."""
    return [
        Document(id=f.passage.id, page_content=f.passage.text, metadata=_metadata(findings, f)) for f in findings.found
    ]


def _metadata(findings: Findings, found: Found) -> dict[str, Any]:
    names = ("document_id", "title", "section", "start", "end", "page", "url", "question")
    return {
        **{name: getattr(found.passage, name) for name in names},
        "release": findings.release,
        "score": found.score,
        "sureness": findings.sureness,
    }

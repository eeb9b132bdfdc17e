"""PassageIndex over Chroma, embedded or as a server. Floor: store.

Embedded: every name is a Chroma database of its own, in a folder of its own. It is written by one process, closed, and
only read from then on, so that a release made by another process is never seen half, stale or locked.
"""

from __future__ import annotations

import shutil
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.errors import IndexMissing, IndexUnavailable

if TYPE_CHECKING:
    from knowledge.embedding import Vectors
    from knowledge.index import Progress

COLLECTION = "passages"
PREFIX = "tellonce-"
BATCH = 1000
OPEN_AT_ONCE = 3
# 128 candidates instead of Chroma's 100: recall of the true ten nearest is above .99 at 10,000 passages
HNSW = {"space": "ip", "ef_construction": 128, "ef_search": 128, "max_neighbors": 16}


class EmbeddedChroma:
    """Chroma inside this process, one folder a name below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[str, tuple[Any, Any]] = OrderedDict()

    def build(self, name: str, vectors: Vectors, progress: Progress | None = None) -> None:
        path = self._folder / name / "chroma"
        path.mkdir(parents=True, exist_ok=True)
        client = _embedded_client(path)
        try:
            # persisted often enough that readers replay little, rarely enough that writing stays quick
            every = max(2, min(5000, len(vectors) // 2))
            settings = HNSW | {"sync_threshold": every, "batch_size": min(1000, every)}
            collection = client.create_collection(COLLECTION, embedding_function=None, configuration={"hnsw": settings})
            _fill(collection, vectors, progress)
        finally:
            client.close()

    def nearest(self, name: str, vector: Vectors, limit: int) -> list[int]:
        return _query(self._collection(name), vector, limit)

    def names(self) -> list[str]:
        return sorted(path.name for path in self._folder.glob("*") if path.is_dir()) if self._folder.exists() else []

    def drop(self, name: str) -> None:
        with self._lock:
            if name in self._open:
                self._open.pop(name)[0].close()
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def warm(self, name: str) -> None:
        self._collection(name)

    def _collection(self, name: str) -> Any:
        with self._lock:
            if name not in self._open:
                path = self._folder / name / "chroma"
                if not (path / "chroma.sqlite3").exists():
                    raise IndexMissing(f"The index {name} is not there (any more): run `tellonce knowledge reindex`.")
                client = _embedded_client(path)
                try:
                    collection = client.get_collection(COLLECTION, embedding_function=None)
                except Exception as error:
                    client.close()
                    raise IndexMissing(f"The index {name} is not whole: run `tellonce knowledge reindex`.") from error
                self._open[name] = (client, collection)
                while len(self._open) > OPEN_AT_ONCE:
                    self._open.popitem(last=False)[1][0].close()
            self._open.move_to_end(name)
            return self._open[name][1]


class ServedChroma:
    """A Chroma server at an address, one collection a name."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._client: Any = None
        self._collections: dict[str, Any] = {}

    def build(self, name: str, vectors: Vectors, progress: Progress | None = None) -> None:
        client = self._connected()
        try:
            collection = client.create_collection(PREFIX + name, embedding_function=None, configuration={"hnsw": HNSW})
            _fill(collection, vectors, progress)
        except Exception as error:
            raise self._unavailable(error) from error

    def nearest(self, name: str, vector: Vectors, limit: int) -> list[int]:
        return _query(self._collection(name), vector, limit)

    def names(self) -> list[str]:
        try:
            found = self._connected().list_collections()
        except IndexUnavailable:
            raise
        except Exception as error:
            raise self._unavailable(error) from error
        return sorted(one.name.removeprefix(PREFIX) for one in found if one.name.startswith(PREFIX))

    def drop(self, name: str) -> None:
        if name in self.names():
            self._connected().delete_collection(PREFIX + name)
        with self._lock:
            self._collections.pop(name, None)

    def warm(self, name: str) -> None:
        self._collection(name)

    def _collection(self, name: str) -> Any:
        client = self._connected()
        with self._lock:
            if name not in self._collections:
                from chromadb.errors import NotFoundError

                try:
                    self._collections[name] = client.get_collection(PREFIX + name, embedding_function=None)
                except NotFoundError as error:
                    raise IndexMissing(f"The index {name} is not on the Chroma server: reindex.") from error
                except Exception as error:
                    raise self._unavailable(error) from error
            return self._collections[name]

    def _connected(self) -> Any:
        from urllib.parse import urlsplit

        with self._lock:
            if self._client is None:
                import chromadb
                from chromadb.config import Settings

                parts = urlsplit(self._url)
                secure = parts.scheme == "https"
                try:
                    self._client = chromadb.HttpClient(
                        host=parts.hostname or "localhost",
                        port=parts.port or (443 if secure else 8000),
                        ssl=secure,
                        settings=Settings(anonymized_telemetry=False),
                    )
                except Exception as error:
                    raise self._unavailable(error) from error
            return self._client

    def _unavailable(self, error: Exception) -> IndexUnavailable:
        return IndexUnavailable(
            f"The Chroma server does not answer ({type(error).__name__}): check TELLONCE_CHROMA_URL, or unset it."
        )


def _embedded_client(path: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(path), settings=Settings(anonymized_telemetry=False))


def _fill(collection: Any, vectors: Vectors, progress: Progress | None) -> None:
    for start in range(0, len(vectors), BATCH):
        end = min(start + BATCH, len(vectors))
        collection.add(ids=[str(i) for i in range(start, end)], embeddings=np.ascontiguousarray(vectors[start:end]))
        if progress:
            progress(end, len(vectors), "indexing")


def _query(collection: Any, vector: Vectors, limit: int) -> list[int]:
    from chromadb.errors import NotFoundError

    try:
        answer = collection.query(query_embeddings=[vector], n_results=limit, include=[])
    except NotFoundError as error:
        raise IndexMissing("This release's index is gone: search again.") from error
    except Exception as error:
        raise IndexUnavailable(f"The index does not answer ({type(error).__name__}): try again.") from error
    return [int(row) for row in answer["ids"][0]]

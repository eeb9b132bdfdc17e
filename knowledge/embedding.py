"""Text -> unit vectors: the Embedder port and its three adapters. Floor: store; see `onnx_model.py` too."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.errors import EmbedderUnavailable

Vectors = NDArray[np.float32]  # unit vectors, one a row; or one of them

DEFAULT_MODEL = "all-MiniLM-L6-v2"
EXACT = ":fp32"  # after the default model's name: never the int8 form of it
FEW = 16  # a question and the turns before it: somebody waits for these


class Embedder(Protocol):
    """Turns texts into unit vectors. Thread-safe; `revision` changes whenever the vectors would."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def revision(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors in the order of `texts`, shape (len(texts), dimensions), float32, each of length 1."""
        ...


def open_embedder(name: str, model_folder: Path, *, threads: int | None = None) -> Embedder:
    """The embedder of that name, not loaded yet: the first `encode` loads it.

    Args:
        name: `all-MiniLM-L6-v2` (run by onnxruntime, in int8 where that is as good; with `:fp32` after it never),
            `openai:NAME`, or any sentence-transformers name or folder.
        model_folder: where the exported default model is, or is made now if it is not there (about 15 seconds).
        threads: cores one `encode` of many texts may use; None: see `free_cores`.

    Raises:
        EmbedderUnavailable: the model is neither installed nor downloadable, or its library is missing.
    """
    if name.startswith("openai:"):
        return OpenAIEmbedder(name.removeprefix("openai:"))
    if name.removesuffix(EXACT) == DEFAULT_MODEL:
        folder = prepare_default_model(model_folder)
        return OnnxEmbedder(folder, threads=threads, exact=name.endswith(EXACT))
    return SentenceTransformersEmbedder(name)


def name_of_revision(revision: str) -> str:
    """The name that an embedder of that revision is opened by, for releases that did not write it down."""
    if revision.startswith("sentence-transformers:"):
        return revision.removeprefix("sentence-transformers:")
    if revision.startswith(DEFAULT_MODEL):
        return DEFAULT_MODEL if revision.endswith(":int8") else DEFAULT_MODEL + EXACT
    return revision


def free_cores() -> int:
    """Cores that many texts may be embedded with: all but one, or all where this process gives way to others anyway."""
    cores = os.cpu_count() or 1
    gives_way = hasattr(os, "nice") and os.nice(0) > 0
    return cores if gives_way else max(1, cores - 1)


def default_model_folder(data_dir: Path) -> Path:
    """Where models are kept: beside the installation when that is writable, so that one export serves all data dirs."""
    shared = Path(sys.prefix) / "share" / "tellonce" / "models"
    try:
        shared.mkdir(parents=True, exist_ok=True)
        probe = shared / f".probe-{threading.get_ident()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return shared if any(shared.glob("*/manifest.json")) else data_dir / "models"
    return shared


def prepare_default_model(folder: Path | None = None) -> Path:
    """The folder of the exported default model below `folder`; exports and checks it first if it is missing.

    None means beside the installation, or below `data` when nothing can be written there.
    """
    from knowledge.onnx_model import export_default_model, exported_model

    folder = folder or default_model_folder(Path("data"))
    return exported_model(folder) or export_default_model(folder)


class OnnxEmbedder:
    """The default model through onnxruntime and tokenizers: loads in 0.3 s where sentence-transformers takes 7."""

    def __init__(self, folder: Path, *, threads: int | None = None, exact: bool = False) -> None:
        from knowledge.onnx_model import read_manifest

        manifest = read_manifest(folder)
        self._folder = folder
        self._manifest = manifest.exact() if exact else manifest
        self._threads = threads
        self._name = DEFAULT_MODEL + EXACT if exact else DEFAULT_MODEL
        self._loading = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return self._manifest.dimensions

    @property
    def revision(self) -> str:
        return self._manifest.revision

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        tokenizer, session = self._load()
        encoded = tokenizer.encode_batch(list(texts))
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)

        def run(i: int) -> None:
            # Each text by itself: int8 scales what passes through it by its largest value, so that in a batch a
            # vector would depend on its neighbours (cosine down to .97). It costs nothing: nothing is padded.
            ids = np.array([encoded[i].ids], dtype=np.int64)
            vectors[i] = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]

        threads = min(self._threads or free_cores(), len(texts))
        if threads <= 1:
            for i in range(len(texts)):
                run(i)
        else:  # texts side by side: threads within one text wait for each other at every step
            longest_first = sorted(range(len(texts)), key=lambda i: -len(encoded[i].ids))
            with ThreadPoolExecutor(threads, "embedding") as pool:
                list(pool.map(run, longest_first))
        return vectors

    def knows(self, word: str) -> bool:
        """Whether the model has a piece of its own for the word: it is an ordinary one, even if no document has it."""
        return self._load()[0].token_to_id(word) is not None

    def _load(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                from knowledge.onnx_model import open_session, open_tokenizer

                self._loaded = (
                    open_tokenizer(self._folder, self._manifest.max_tokens),
                    open_session(self._folder / self._manifest.file, threads=1),
                )
            return self._loaded


class SentenceTransformersEmbedder:
    """Any other sentence-transformers model, by name or folder."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loading = threading.Lock()
        self._model: Any = None

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimensions(self) -> int:
        return int(self._load().get_embedding_dimension())

    @property
    def revision(self) -> str:
        return f"sentence-transformers:{self._name}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        vectors = self._load().encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    def _load(self) -> Any:
        with self._loading:
            if self._model is None:
                # Never from the hub: it would be asked at each start, even about a model that is here.
                os.environ.setdefault("HF_HUB_OFFLINE", "1")
                try:
                    from sentence_transformers import SentenceTransformer

                    self._model = SentenceTransformer(self._name, local_files_only=True)
                except Exception as error:  # the hub, the file system and torch each have their own exceptions
                    full_name = self._name if "/" in self._name else f"sentence-transformers/{self._name}"
                    raise EmbedderUnavailable(
                        f"The embedding model {self._name!r} cannot be loaded from this machine "
                        f"({type(error).__name__}): bring it here with `hf download {full_name}`, give a folder "
                        f"in TELLONCE_EMBEDDING_MODEL, or unset it for {DEFAULT_MODEL}."
                    ) from error
            return self._model


class OpenAIEmbedder:
    """OpenAI embeddings, or any endpoint at `OPENAI_BASE_URL` that speaks the same."""

    BATCH = 256  # the endpoint takes 2,048 inputs and 300,000 tokens a request

    def __init__(self, model: str, client: Any = None) -> None:
        self._model = model
        self._client = client
        self._loading = threading.Lock()
        self._dimensions: int | None = None

    @property
    def name(self) -> str:
        return f"openai:{self._model}"

    @property
    def dimensions(self) -> int:
        if self._dimensions is None:
            self._dimensions = int(self.encode(["dimensions"]).shape[1])
        return self._dimensions

    @property
    def revision(self) -> str:
        return self.name

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        rows: list[list[float]] = []
        for start in range(0, len(texts), self.BATCH):
            rows.extend(self._request([text or " " for text in texts[start : start + self.BATCH]]))
        vectors = np.asarray(rows, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)

    def _request(self, texts: list[str]) -> list[list[float]]:
        import openai

        with self._loading:
            if self._client is None:
                try:
                    self._client = openai.OpenAI(max_retries=4, timeout=60.0)
                except openai.OpenAIError as error:
                    raise EmbedderUnavailable(
                        f"{self.name} needs a key: set OPENAI_API_KEY, or unset TELLONCE_EMBEDDING_MODEL."
                    ) from error
        client = self._client if len(texts) > FEW else self._client.with_options(timeout=10.0, max_retries=1)
        try:
            answer = client.embeddings.create(model=self._model, input=texts, encoding_format="float")
        except openai.OpenAIError as error:
            raise EmbedderUnavailable(
                f"{self.name} does not answer ({type(error).__name__}): check OPENAI_BASE_URL and the key."
            ) from error
        return [list(item.embedding) for item in sorted(answer.data, key=lambda item: item.index)]


def content_key(text: str) -> bytes:
    """What a vector is cached under: 16 bytes that two different texts do not share."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else default_model_folder(Path("data"))
    sys.stdout.write(f"{prepare_default_model(target)}\n")

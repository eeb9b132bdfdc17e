"""Another embedding model: the old release answers by the old one until the new release is whole."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from knowledge.embedding import Embedder, OpenAIEmbedder, open_embedder
from knowledge.errors import EmbedderUnavailable
from knowledge.library import Library
from knowledge.stand_ins import WordEmbedder


@pytest.fixture
def old(library: Library, shelf: Path) -> Library:
    library.add([str(shelf)])
    library.reindex()
    return library


def opened_with(engine: Engine, tmp_path: Path, embedder: Embedder) -> Library:
    def opens(name: str) -> Embedder:
        return WordEmbedder() if name == "words" else open_embedder(name, tmp_path)

    return Library(engine, tmp_path / "data" / "knowledge", embedder, opens=opens)


class TestWhileItIsEmbedded:
    def test_the_old_release_answers_with_the_model_that_made_it(
        self, old: Library, engine: Engine, tmp_path: Path
    ) -> None:
        new = WordEmbedder(dimensions=64, revision="words:2")
        library = opened_with(engine, tmp_path, new)
        found: list[tuple[int, str]] = []

        def meanwhile(done: int, total: int, what: str) -> None:
            findings = library.search("How do I boil water in the kettle?")
            found.append((findings.release, findings.found[0].passage.title))

        assert library.is_outdated()
        info = library.embed_again(meanwhile, by="ada@example.com")

        assert set(found) == {(1, "Kettle")}
        assert info is not None
        assert (info.number, info.state, info.made_by) == (2, "live", "ada@example.com")
        assert (info.added, info.changed, info.removed) == (0, 0, 0)
        assert library.search("boil water").release == 2
        assert not library.is_outdated()
        assert library.embed_again() is None

    def test_what_somebody_publishes_meanwhile_stays_in_service(
        self, old: Library, shelf: Path, engine: Engine, tmp_path: Path
    ) -> None:
        (shelf / "kettle.md").write_text("# Kettle\n\nThe second edition.\n")
        old.reindex(publish=False)
        library = opened_with(engine, tmp_path, WordEmbedder(dimensions=64, revision="words:2"))

        def meanwhile(done: int, total: int, what: str) -> None:
            library.publish(2, "ada@example.com")

        library.embed_again(meanwhile)

        assert library.release == 2
        assert [(one.number, one.state) for one in library.releases()] == [(3, "candidate"), (2, "live"), (1, "kept")]

    def test_a_run_cut_short_embeds_nothing_twice(self, old: Library, engine: Engine, tmp_path: Path) -> None:
        first = WordEmbedder(dimensions=64, revision="words:2")

        def dies(done: int, total: int, what: str) -> None:
            if what == "indexing":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            opened_with(engine, tmp_path, first).embed_again(dies)
        again = WordEmbedder(dimensions=64, revision="words:2")
        opened_with(engine, tmp_path, again).embed_again()

        assert sorted(set(first.encoded)) == sorted(first.encoded)
        assert len(first.encoded) >= 4
        assert again.encoded == []

    def test_rolling_back_over_the_change_answers_with_the_old_model_again(
        self, old: Library, engine: Engine, tmp_path: Path
    ) -> None:
        library = opened_with(engine, tmp_path, WordEmbedder(dimensions=64, revision="words:2"))
        library.embed_again()

        library.rollback(1)

        assert library.search("boil water in the kettle").found[0].passage.title == "Kettle"
        assert library.search("boil water in the kettle", release=2).found[0].passage.title == "Kettle"


@pytest.mark.slow
def test_any_sentence_transformers_model_will_do(old: Library, engine: Engine, tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "tiny")
    library = opened_with(engine, tmp_path, open_embedder(str(folder), tmp_path))

    info = library.embed_again()

    assert info is not None
    assert info.embedder == str(folder)
    assert len(library.search("water").found) > 0
    again = opened_with(engine, tmp_path, WordEmbedder())
    assert again.search("boil water in the kettle").release == info.number


@pytest.mark.slow
def test_a_model_that_is_not_here_is_named_with_the_remedy_and_the_hub_is_not_asked(tmp_path: Path) -> None:
    asked: list[str] = []

    class Hub(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

        do_HEAD = do_GET  # noqa: N815

    hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    code = "from pathlib import Path; from knowledge.embedding import open_embedder\n"
    code += "open_embedder('no-such-model', Path('.')).encode(['water'])"
    environment = {**os.environ, "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(tmp_path)}
    environment.pop("HF_HUB_OFFLINE", None)

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    hub.shutdown()
    hub.server_close()

    assert "hf download sentence-transformers/no-such-model" in done.stderr
    assert asked == []


def make_tiny_model(folder: Path) -> Path:
    """A real sentence-transformers model of two layers of nothing much, saved to disk."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import BoW

    SentenceTransformer(modules=[BoW(vocab=["kettle", "water", "lamp", "bulb", "warranty", "boil"])]).save(str(folder))
    return folder


class TestOpenAI:
    @pytest.fixture
    def endpoint(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
        server = Endpoint(("127.0.0.1", 0), Answering)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OPENAI_API_KEY", "test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1")
        yield server
        server.shutdown()
        server.server_close()

    def test_a_release_is_embedded_and_answered_by_the_endpoint(
        self, old: Library, engine: Engine, tmp_path: Path, endpoint: Endpoint
    ) -> None:
        library = opened_with(engine, tmp_path, open_embedder("openai:text-embedding-3-small", tmp_path))

        info = library.embed_again()

        assert info is not None
        assert info.embedder == "openai:text-embedding-3-small"
        assert library.search("boil water in the kettle").found[0].passage.title == "Kettle"
        assert endpoint.asked[0]["model"] == "text-embedding-3-small"
        asked = len(endpoint.asked)
        assert library.search("boil water in the kettle", release=1).found[0].passage.title == "Kettle"
        assert len(endpoint.asked) == asked

    def test_many_texts_go_in_requests_that_the_endpoint_takes(self, endpoint: Endpoint) -> None:
        vectors = OpenAIEmbedder("m").encode([f"text {i}" for i in range(600)])

        assert vectors.shape == (600, 256)
        assert [len(one["input"]) for one in endpoint.asked] == [256, 256, 88]

    def test_a_busy_endpoint_is_asked_again(self, endpoint: Endpoint) -> None:
        endpoint.statuses = [429, 503]

        assert OpenAIEmbedder("m").encode(["a"] * 20).shape == (20, 256)
        assert len(endpoint.asked) == 3

    def test_a_refused_key_is_named_and_the_old_release_stays(
        self, old: Library, engine: Engine, tmp_path: Path, endpoint: Endpoint
    ) -> None:
        endpoint.statuses = [401] * 9
        library = opened_with(engine, tmp_path, open_embedder("openai:m", tmp_path))

        with pytest.raises(EmbedderUnavailable, match="AuthenticationError"):
            library.embed_again()

        assert library.search("boil water in the kettle").release == 1
        assert [one.number for one in library.releases()] == [1]


class Endpoint(http.server.ThreadingHTTPServer):
    """Embeddings by words, in the wrong order; `statuses` are the answers to the next requests."""

    def __init__(self, address: tuple[str, int], handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.asked: list[dict[str, Any]] = []
        self.statuses: list[int] = []


class Answering(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Endpoint)
        server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        status = server.statuses.pop(0) if server.statuses else 200
        vectors = WordEmbedder().encode(server.asked[-1]["input"])
        data = [{"object": "embedding", "index": i, "embedding": vector.tolist()} for i, vector in enumerate(vectors)]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        body = json.dumps({"object": "list", "data": data[::-1], "model": "m", "usage": usage}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("retry-after-ms", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass

"""An editor at a running server's studio, for tests: signed in, with the verbs that the studio has."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from conftest import ServerProcess

PATIENCE_SECONDS = 60.0


@contextmanager
def sign_in(server: ServerProcess, role: str, *, email: str | None = None) -> Iterator[httpx.Client]:
    """A client with the session of an account of this role, which is made where it is not there."""
    from assistant.app import open_agents, open_identity
    from assistant.server.sign_in import COOKIE
    from assistant.settings import load_settings

    settings = load_settings(data_dir=server.data_dir)
    agents, address = open_agents(settings), email or f"{role}-{time.monotonic_ns()}@shop.example"
    agent = next((one for one in agents.list() if one.email == address), None) or agents.add(address, role)[0]
    session = open_identity(settings).sign_agent(agent.id, 3600)
    with httpx.Client(base_url=server.url, cookies={COOKIE: session}, timeout=PATIENCE_SECONDS) as client:
        yield client


class Studio:
    """What one editor does. Every verb but `ask` fails the test where the server refuses."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self.client.request(method, f"/v1/knowledge{path}", **request)

    def get(self, path: str = "", **params: Any) -> Any:
        return self._done(self.ask("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._done(self.ask("POST", path, json=body))

    def delete(self, path: str) -> Any:
        return self._done(self.ask("DELETE", path))

    def upload(self, files: Mapping[str, bytes]) -> Any:
        parts = [("files", (name, data)) for name, data in files.items()]
        return self._done(self.ask("POST", "/uploads", files=parts))

    def reindex(self, *, publish: bool = False) -> Any:
        """The report of a reindex that has ended well."""
        return self.ended(self.post("/reindex", {"publish": publish}))["report"]

    def ended(self, job: Mapping[str, Any]) -> Any:
        """The job once it has ended, which it must well."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            now = self.get("/job")
            assert now["id"] == job["id"]
            if now["state"] != "running":
                assert now["state"] == "done", now
                return now
            time.sleep(0.1)
        raise AssertionError(f"still running: {now}")

    def _done(self, reply: httpx.Response) -> Any:
        assert reply.is_success, f"{reply.status_code}: {reply.text}"
        return reply.json()

"""The server process from its first line to its last."""

from __future__ import annotations

import json
import urllib.request


def test_a_demo_server_serves_its_health_and_says_what_is_open(server):
    with urllib.request.urlopen(f"{server.url}/readyz") as response:
        report = json.load(response)

    assert report["ready"] is True
    assert set(report["parts"]) == {"stores", "index", "model"}


def test_a_stopped_server_ends_with_success(server):
    assert server.stop() == 0

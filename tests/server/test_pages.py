"""Pages and files: what is found, and the headers it travels with."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from assistant.server.pages import CONTENT_SECURITY_POLICY, Pages, matches


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A small web folder, and a secret beside it."""
    for name, text in {
        "demo/index.html": "<p>shop",
        "demo/art/kettle.svg": "<svg/>",
        "desk/index.html": "<p>desk",
        "source/index.html": "<p>source",
        "widget.js": "let widget = 1;" * 50,
        "look/tokens.css": ":root{}",
        "notes.txt": "internal",
    }.items():
        (tmp_path / "web" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "web" / name).write_text(text)
    (tmp_path / "secret.js").write_text("secret")
    return tmp_path / "web"


async def get(pages: Pages, path: str, method: str = "GET", **headers: str):
    """Status, headers and body; None where the request is not for a page."""
    sent: list[dict] = []

    async def send(message):
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    if not await pages.respond({"method": method, "path": path, "headers": raw}, send):
        return None
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]


@pytest.mark.parametrize(
    ("path", "body"),
    [("/", b"<p>shop"), ("/desk", b"<p>desk"), ("/source/doc-1", b"<p>source")],
)
async def test_a_page_is_served_under_the_strict_policy(web, path, body):
    status, headers, found = await get(Pages(web), path)

    assert (status, found) == (200, body)
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "text/html; charset=utf-8"


async def test_the_widget_may_be_embedded_cached_and_compressed(web):
    status, headers, body = await get(Pages(web), "/widget.js", accept_encoding="br, gzip")

    assert status == 200
    assert headers["access-control-allow-origin"] == "*"
    assert "max-age=300" in headers["cache-control"]
    assert gzip.decompress(body) == (web / "widget.js").read_bytes()
    assert headers["content-length"] == str(len(body))


async def test_an_unchanged_file_is_not_sent_again_and_a_changed_one_is(web):
    pages = Pages(web)
    _, headers, _ = await get(pages, "/web/look/tokens.css")

    unchanged = await get(pages, "/web/look/tokens.css", if_none_match=headers["etag"])
    (web / "look/tokens.css").write_text(":root{color:red}")
    changed = await get(pages, "/web/look/tokens.css", if_none_match=headers["etag"])

    assert (unchanged[0], unchanged[2]) == (304, b"")
    assert (changed[0], changed[2]) == (200, b":root{color:red}")


async def test_head_sends_the_headers_alone(web):
    status, headers, body = await get(Pages(web), "/widget.js", method="HEAD")

    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize(
    "path",
    [
        "/web/../secret.js",
        "/web/look/../../secret.js",
        "/web//etc/passwd",
        "/web/notes.txt",
        "/web/",
        "/web/look",
        "/web/none.js",
        "/source/",
        "/source/a/b",
        "/v1/demo",
        "/desk/",
    ],
)
async def test_nothing_else_is_found(web, path):
    assert await get(Pages(web), path) is None


async def test_writing_is_not_for_pages(web):
    assert await get(Pages(web), "/", method="POST") is None


@pytest.mark.parametrize(
    ("sent", "same"),
    [('W/"a"', True), ('"a"', True), ('"b", W/"a"', True), ("*", True), ('"b"', False), ("", False)],
)
def test_tags_are_compared_weakly(sent, same):
    assert matches(sent, 'W/"a"') is same

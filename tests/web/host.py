"""A site of other people that embeds the widget: another origin, whose policy the test chooses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Page


class HostSite:
    """Serves one page, whatever is asked for. Change `csp`, `attributes` and `head` before going there."""

    def __init__(self, widget_url: str) -> None:
        self.widget_url = widget_url
        self.url = ""
        self.csp = ""
        self.attributes = ""

    @property
    def body(self) -> bytes:
        tag = f'<script src="{self.widget_url}/widget.js" async {self.attributes}></script>'
        viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">'
        head = f"<head><title>A shop</title>{viewport}{tag}</head>"
        return f'<!doctype html><html lang="en">{head}<body><main><h1>A shop</h1></main></body></html>'.encode()

    def open_in(self, page: Page) -> None:
        """Goes there and waits for the widget."""
        page.goto(self.url)
        page.locator("tellonce-chat").wait_for(state="attached")


@contextmanager
def serve_host_site(widget_url: str) -> Iterator[HostSite]:
    site = HostSite(widget_url)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            if site.csp:
                self.send_header("content-security-policy", site.csp)
            self.end_headers()
            self.wfile.write(site.body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def strict_policy(widget_url: str) -> str:
    """The tightest policy under which a site may embed the widget."""
    socket = widget_url.replace("http", "ws", 1)
    return (
        f"default-src 'none'; script-src {widget_url}; connect-src {widget_url} {socket}; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )

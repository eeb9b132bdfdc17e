"""Pages and files of `assistant/web`, with the headers they need. Floor: door.

Plain ASGI without a framework: the page is served while everything heavier is still being imported.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from assistant.channels.sockets import Scope, Send

WEB_FOLDER = Path(__file__).parent.parent / "web"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)

Header = tuple[bytes, bytes]

PAGE_HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-cache"),
)
# Other people's sites load the widget and its modules; a module script is always fetched with CORS.
SHARED_HEADERS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
)
REVALIDATED: Header = (b"cache-control", b"public, no-cache")
SHORT_LIVED: Header = (b"cache-control", b"public, max-age=300, stale-while-revalidate=86400")

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
}
COMPRESSIBLE = frozenset({".css", ".html", ".js", ".json", ".mjs", ".svg", ".webmanifest"})

SHOP_PAGE, HOME_PAGE = "demo/index.html", "home/index.html"
DESK_PAGE = "desk/index.html"
SOURCE_PAGE = "source/index.html"
STUDIO_PAGE = "studio/index.html"


@dataclass(frozen=True, slots=True)
class ServedFile:
    """One file as it is sent. `stamp` is what its cached bytes were read at: a changed file is read again."""

    stamp: tuple[int, int]
    media_type: str
    etag: str
    body: bytes
    compressed: bytes | None


class Pages:
    """Finds and answers requests for pages and static files. `home` is the page at `/`."""

    def __init__(self, folder: Path = WEB_FOLDER, *, home: str = SHOP_PAGE) -> None:
        self._pages = {"/": home, "/desk": DESK_PAGE, "/studio": STUDIO_PAGE}
        self._folder = folder.resolve()
        self._files: dict[Path, ServedFile] = {}

    def resolve(self, path: str) -> tuple[Path, tuple[Header, ...]] | None:
        """The file behind a request path and the headers it is sent with; None where the path is not ours."""
        if path in self._pages:
            return self._inside(self._pages[path], PAGE_HEADERS)
        if path.startswith("/studio/"):  # its script reads the rest
            return self._inside(STUDIO_PAGE, PAGE_HEADERS)
        if path.startswith("/source/") and path.count("/") == 2 and len(path) > len("/source/"):
            return self._inside(SOURCE_PAGE, PAGE_HEADERS)
        if path == "/widget.js":
            return self._inside("widget.js", (*SHARED_HEADERS, SHORT_LIVED))
        if path.startswith("/web/"):
            return self._inside(path.removeprefix("/web/"), (*SHARED_HEADERS, REVALIDATED))
        if path.startswith("/demo/"):
            return self._inside(path.removeprefix("/"), (*SHARED_HEADERS, REVALIDATED))
        return None

    def _inside(self, name: str, headers: tuple[Header, ...]) -> tuple[Path, tuple[Header, ...]] | None:
        try:
            file = (self._folder / name).resolve()
            if not file.is_relative_to(self._folder) or file.suffix not in MEDIA_TYPES or not file.is_file():
                return None
        except (OSError, ValueError):  # a name that no file can have: too long, or with a null in it
            return None
        if file.suffix == ".html" and headers is not PAGE_HEADERS:
            headers = PAGE_HEADERS
        return file, headers

    async def respond(self, scope: Scope, send: Send) -> bool:
        """Answers the request if it is for a page or file; otherwise does nothing and returns False."""
        if scope["method"] not in ("GET", "HEAD") or (found := self.resolve(scope["path"])) is None:
            return False
        file, headers = found
        served = self._load(file)
        asked = {key: value for key, value in scope["headers"] if key in (b"if-none-match", b"accept-encoding")}
        if matches(asked.get(b"if-none-match", b"").decode("latin-1"), served.etag):
            await _send(send, 304, (*headers, (b"etag", served.etag.encode())), b"")
            return True
        body, encoding = served.body, tuple[Header, ...]()
        if served.compressed is not None and b"gzip" in asked.get(b"accept-encoding", b""):
            body, encoding = served.compressed, ((b"content-encoding", b"gzip"),)
        own: tuple[Header, ...] = (
            (b"content-type", served.media_type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"etag", served.etag.encode()),
            (b"vary", b"accept-encoding"),
        )
        await _send(send, 200, (*headers, *own, *encoding), b"" if scope["method"] == "HEAD" else body)
        return True

    def _load(self, file: Path) -> ServedFile:
        status = file.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        served = self._files.get(file)
        if served is None or served.stamp != stamp:
            served = self._files[file] = _read(file, stamp)
        return served


def _read(file: Path, stamp: tuple[int, int]) -> ServedFile:
    body = file.read_bytes()
    compressed = gzip.compress(body, 9, mtime=0) if file.suffix in COMPRESSIBLE else None
    # Weak: the compressed and the plain body share it (RFC 9110 section 8.8.3.3).
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
    return ServedFile(stamp, MEDIA_TYPES[file.suffix], etag, body, compressed)


def matches(if_none_match: str, etag: str) -> bool:
    """Whether one of the client's tags is this one; compared weakly (RFC 9110 section 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


async def _send(send: Send, status: int, headers: Iterable[Header], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})

"""Pages and sitemaps: public addresses and the hosts given only, robots.txt heard, politely, whole pages once."""

from __future__ import annotations

import gzip
import http.server
import ipaddress
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from knowledge.documents import ReadingFault
from knowledge.fetches import Fetch, NotModified
from knowledge.reading.addresses import is_public
from knowledge.reading.faults import Unreachable, Unreadable
from knowledge.reading.files import SourceFile, SourceSilent, describe_kind, find_files, read_file
from knowledge.reading.robots import parse_robots
from knowledge.reading.web import Web, unpacked

PAGE = b"<html><body><main><h1>Parcels</h1><p>A parcel takes two days to arrive.</p></main></body></html>"
Headers = dict[str, str]


@dataclass
class Site:
    """A web server on this machine: what it answers at each path, and what it was asked."""

    answers: dict[str, tuple[int, Headers, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, Headers]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            status, headers, body = site.answers.get(self.path, (404, {}, b""))
            if "etag" in headers and self.headers.get("If-None-Match") == headers["etag"]:
                status, body = 304, b""
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield site
    server.shutdown()
    server.server_close()


class Notes:
    """A memory of fetches that lasts as long as the test."""

    def __init__(self) -> None:
        self.kept: dict[str, Fetch] = {}

    def fetch_of(self, url: str) -> Fetch | None:
        return self.kept.get(url)

    def save_fetch(self, fetch: Fetch) -> None:
        self.kept[fetch.url] = fetch


@pytest.fixture
def naps() -> list[float]:
    return []


@pytest.fixture
def make_web(naps: list[float]) -> Iterator[Callable[..., Web]]:
    made: list[Web] = []

    def make(**more: object) -> Web:
        made.append(Web(allowed=lambda address: address.is_loopback, sleep=naps.append, **more))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for web in made:
        web.close()


def found(location: str, web: Web) -> tuple[list[SourceFile], list[ReadingFault]]:
    everything = list(find_files(location, web))
    return (
        [one for one in everything if isinstance(one, SourceFile)],
        [one for one in everything if isinstance(one, ReadingFault)],
    )


class TestAddresses:
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/x",
            "http://localhost:8000/",
            "http://[::1]/",
            "http://169.254.169.254/latest",
            "http://10.0.0.1/",
            "http://[::ffff:10.0.0.1]/",
            "http://0x7f000001/",
            "http://2130706433/",
        ],
    )
    def test_private_addresses_are_refused(self, url: str) -> None:
        with pytest.raises(Unreadable, match="private network"):
            Web().fetch(url)

    @pytest.mark.parametrize(
        ("address", "public"),
        [
            ("8.8.8.8", True),
            ("2606:4700::1111", True),
            ("100.64.0.1", False),
            ("224.0.0.1", False),
            ("0.0.0.0", False),
            ("fec0::1", False),
            ("fe80::1", False),
            ("64:ff9b::a00:1", False),
            ("64:ff9b::808:808", True),
            ("2002:a00:1::", False),
            ("::ffff:127.0.0.1", False),
        ],
    )
    def test_only_addresses_out_in_the_world_are_public(self, address: str, public: bool) -> None:
        assert is_public(ipaddress.ip_address(address)) is public

    def test_the_address_that_was_checked_is_the_one_connected_to(
        self, site: Site, make_web: Callable[..., Web], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name server that answers with this machine first and with another network later gains nothing."""
        import socket

        looked_up: list[str] = []
        real = socket.getaddrinfo

        def rebinding(host: str, port: int, *args: object, **more: object) -> object:
            looked_up.append(host)
            if host != "help.example":
                return real(host, port, *args, **more)  # type: ignore[arg-type]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        site.answers["/a"] = (200, {}, PAGE)

        answer = make_web().fetch(f"http://help.example:{site.port}/a")

        assert answer.data == PAGE
        assert site.asked[-1][1]["host"] == f"help.example:{site.port}"
        assert looked_up.count("help.example") == 2  # for robots.txt and for the page; the client looks nothing up

    def test_a_redirect_is_checked_like_the_first_address(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/away"] = (302, {"location": "http://10.1.2.3/secret"}, b"")
        site.answers["/on"] = (301, {"location": "/page"}, b"")
        site.answers["/page"] = (200, {}, PAGE)

        assert make_web().fetch(f"{site.url}/on").data == PAGE
        with pytest.raises(Unreadable, match=r"leads to 10\.1\.2\.3"):
            make_web().fetch(f"{site.url}/away")


class TestPages:
    def test_a_page_is_read_and_its_last_change_kept(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/p"] = (200, {"last-modified": "Mon, 05 May 2025 10:00:00 GMT"}, PAGE)

        (file,), _ = found(f"{site.url}/p", make_web())
        (document,) = read_file(file, file.load())

        assert (document.title, document.url) == ("Parcels", f"{site.url}/p")
        assert document.changed_at == "2025-05-05T10:00:00+00:00"

    @pytest.mark.parametrize(
        ("body", "media_type"),
        [
            pytest.param(b"# Hello\n\nA parcel takes two days.", "text/markdown", id="markdown"),
            pytest.param(b"A parcel takes two days.", "text/plain", id="plain"),
            pytest.param(PAGE, "text/html", id="html whatever the address says"),
        ],
    )
    def test_a_page_is_what_its_bytes_say(
        self, site: Site, make_web: Callable[..., Web], body: bytes, media_type: str
    ) -> None:
        path = "/page.md" if media_type == "text/html" else "/page"
        site.answers[path] = (200, {}, body)

        (file,), _ = found(site.url + path, make_web())

        assert read_file(file, file.load())[0].media_type == media_type

    def test_the_encoding_that_the_server_tells_is_believed(self, site: Site, make_web: Callable[..., Web]) -> None:
        body = "<html><body><main><p>Grüße aus Köln für alle.</p></main></body></html>".encode("latin-1")
        site.answers["/p"] = (200, {"content-type": "text/html; charset=iso-8859-1"}, body)

        (file,), _ = found(f"{site.url}/p", make_web())

        assert "Grüße aus Köln" in read_file(file, file.load())[0].text

    def test_an_unchanged_page_is_not_sent_again(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/p"] = (200, {"etag": '"one"'}, PAGE)
        notes = Notes()
        (file,), _ = found(f"{site.url}/p", make_web(memory=notes))
        file.load()

        (again,), _ = found(f"{site.url}/p", make_web(memory=notes))
        with pytest.raises(NotModified) as unchanged:
            again.load()

        assert str(unchanged.value) == notes.kept[f"{site.url}/p"].content_hash
        assert again.load_whole() == PAGE
        site.answers["/p"] = (200, {"etag": '"two"'}, PAGE)
        assert again.load() == PAGE

    def test_a_page_read_by_an_older_reader_is_sent_again(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/p"] = (200, {"etag": '"one"'}, PAGE)
        notes = Notes()
        notes.save_fetch(Fetch(f"{site.url}/p", '"one"', None, "0.abc", "2025-01-01T00:00:00+00:00", 200))

        (file,), _ = found(f"{site.url}/p", make_web(memory=notes))

        assert file.load() == PAGE

    @pytest.mark.parametrize(
        ("status", "kind", "reason"),
        [
            (404, Unreadable, "not there any more"),
            (410, Unreadable, "not there any more"),
            (403, Unreadable, "not open to everybody"),
            (500, Unreachable, "status 500"),
        ],
    )
    def test_a_page_that_does_not_come_says_why(
        self, site: Site, make_web: Callable[..., Web], status: int, kind: type[Exception], reason: str
    ) -> None:
        site.answers["/p"] = (status, {}, b"")

        with pytest.raises(kind, match=reason) as told:
            make_web().fetch(f"{site.url}/p")

        assert type(told.value) is kind

    def test_a_bomb_is_stopped_while_it_unpacks(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/bomb"] = (200, {"content-encoding": "gzip"}, gzip.compress(b"\0" * 30_000_000))

        with pytest.raises(Unreadable, match="unpacks to more than 5 MB"):
            make_web().fetch(f"{site.url}/bomb", limit=5_000_000)

    def test_packed_bytes_arrive_whole(self) -> None:
        words = b"a parcel takes two days " * 200_000

        assert b"".join(unpacked(iter([gzip.compress(words)]), "gzip", 10_000_000)) == words

    def test_a_redirect_without_end_ends(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/loop"] = (302, {"location": "/loop"}, b"")

        with pytest.raises(Unreachable, match="without end"):
            make_web().fetch(f"{site.url}/loop")


class TestPoliteness:
    def test_a_page_that_robots_txt_forbids_is_not_asked_for(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /private\nAllow: /private/help\n")
        site.answers["/private/help"] = (200, {}, PAGE)
        web = make_web()

        assert web.fetch(f"{site.url}/private/help").data == PAGE
        with pytest.raises(Unreadable, match=r"robots\.txt"):
            web.fetch(f"{site.url}/private/plans")
        assert site.paths() == ["/robots.txt", "/private/help"]

    def test_a_host_whose_robots_txt_fails_is_left_alone(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/robots.txt"] = (503, {}, b"")

        with pytest.raises(Unreachable, match=r"robots\.txt"):
            make_web().fetch(f"{site.url}/p")

    def test_requests_to_one_host_are_apart_as_it_asks(
        self, site: Site, make_web: Callable[..., Web], naps: list[float]
    ) -> None:
        site.answers["/robots.txt"] = (200, {}, b"User-agent: tellonce\nCrawl-delay: 7\n")
        site.answers["/p"] = (200, {}, PAGE)
        web = make_web()

        web.fetch(f"{site.url}/p")
        web.fetch(f"{site.url}/p")

        assert len(naps) == 2
        assert all(6 < nap <= 7 for nap in naps)

    def test_a_server_that_says_when_to_come_again_is_asked_then(
        self, site: Site, make_web: Callable[..., Web], naps: list[float]
    ) -> None:
        site.answers["/robots.txt"] = (200, {}, b"")
        site.answers["/p"] = (429, {"retry-after": "9"}, b"")

        with pytest.raises(Unreachable, match="429"):
            make_web().fetch(f"{site.url}/p")

        assert 9.0 in naps
        assert site.paths().count("/p") == 2

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/", True),
            ("/a/b.html", False),
            ("/a/public", True),
            ("/x.pdf", False),
            ("/x.pdf?a=1", True),
            ("/search?q=1", False),
            ("/deep/1/2/draft", False),
        ],
    )
    def test_the_longest_rule_decides(self, path: str, allowed: bool) -> None:
        rules = parse_robots(
            "User-agent: other\nDisallow: /\n\nUser-agent: tellonce\nUser-agent: kin\n"
            "Disallow: /a/ # all of it\nAllow: /a/public\nDisallow: /*.pdf$\n"
            "Disallow: /search\nDisallow: /deep/*/draft\n"
        )

        assert rules.allows(path) is allowed


def urlset(*pages: str) -> bytes:
    entries = "".join(f"<url><loc>{page}</loc><lastmod>2025-03-04</lastmod></url>" for page in pages)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'.encode()


class TestSitemaps:
    def test_every_page_of_its_own_host_is_found(self, site: Site, make_web: Callable[..., Web]) -> None:
        pages = [f"{site.url}/a", f"{site.url}/b#part", f"{site.url}/logo.png", "https://elsewhere.example/x"]
        site.answers["/sitemap.xml"] = (200, {}, urlset(*pages))
        site.answers["/a"] = (200, {}, PAGE)

        files, faults = found(f"{site.url}/sitemap.xml", make_web())

        assert [file.name for file in files] == [f"{site.url}/a", f"{site.url}/b"]
        assert {file.root for file in files} == {f"{site.url}/sitemap.xml"}
        assert files[0].changed_at == "2025-03-04T00:00:00+00:00"
        assert "elsewhere.example" in faults[0].reason
        assert read_file(files[0], files[0].load())[0].title == "Parcels"

    def test_an_index_and_packed_sitemaps_are_followed_once(self, site: Site, make_web: Callable[..., Web]) -> None:
        inner = (
            f"<sitemap><loc>{site.url}/one.xml.gz</loc></sitemap><sitemap><loc>{site.url}/sitemap.xml</loc></sitemap>"
        )
        site.answers["/sitemap.xml"] = (200, {}, f"<sitemapindex>{inner}</sitemapindex>".encode())
        site.answers["/one.xml.gz"] = (200, {}, gzip.compress(urlset(f"{site.url}/a")))

        files, faults = found(f"{site.url}/sitemap.xml", make_web())

        assert [file.name for file in files] == [f"{site.url}/a"]
        assert faults == []

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            pytest.param(
                b'<!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>',
                "entities",
                id="entities",
            ),
            pytest.param(gzip.compress(b"<" + b" " * 60_000_000), "50 MB", id="bomb"),
            pytest.param(b"<urlset><url>", "well-formed", id="broken"),
            pytest.param(b"<rss></rss>", "no sitemap", id="something else"),
            pytest.param(urlset(), "names no page", id="empty"),
        ],
    )
    def test_a_sitemap_that_is_none_says_why(
        self, site: Site, make_web: Callable[..., Web], body: bytes, reason: str
    ) -> None:
        site.answers["/sitemap.xml"] = (200, {}, body)

        files, (fault,) = found(f"{site.url}/sitemap.xml", make_web())

        assert files == []
        assert reason in fault.reason

    def test_a_silent_sitemap_keeps_what_was_read_of_it(self, site: Site, make_web: Callable[..., Web]) -> None:
        site.answers["/sitemap.xml"] = (502, {}, b"")

        _, (fault,) = found(f"{site.url}/sitemap.xml", make_web())

        assert isinstance(fault, SourceSilent)
        assert fault.source == f"{site.url}/sitemap.xml"


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("https://x.example/help", "page"),
        ("https://x.example/sitemap.xml", "sitemap"),
        ("https://x.example/maps/en.xml.gz?v=1", "sitemap"),
        ("/srv/manual.pdf", "file"),
        ("/srv/help.ZIP", "zip"),
        ("/", "folder"),
    ],
)
def test_a_location_tells_what_it_is(location: str, kind: str) -> None:
    assert describe_kind(location) == kind

"""Uploads to the studio of a running server: good ones, bad ones, ones that end in the middle."""

from __future__ import annotations

import io
import socket
import time
import zipfile
from urllib.parse import urlsplit

import httpx
import pytest
from studio_cast import Studio, sign_in

KETTLE = b"# Kettle\n\nThe kettle holds 1.7 litres.\n"
BOUNDARY = "tellonce-test-boundary"


@pytest.fixture(scope="module")
def editor(shared_server):
    with sign_in(shared_server, "content") as client:
        yield Studio(client)


@pytest.fixture
def uploads(shared_server):
    return shared_server.data_dir / "knowledge" / "uploads"


def part(name: str, data: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + data + b"\r\n"


def send_form(studio: Studio, body: bytes, boundary: str = BOUNDARY) -> httpx.Response:
    return studio.ask(
        "POST", "/uploads", content=body, headers={"content-type": f"multipart/form-data; boundary={boundary}"}
    )


def no_half_files(uploads) -> bool:
    return not list((uploads / ".arriving").iterdir())


def test_files_are_kept_byte_for_byte_with_their_folders(editor, uploads):
    data = bytes(range(256)) * 8192  # 2 MB, with every byte there is: boundaries are found nowhere in it
    sent = {"care/kettle.md": KETTLE, "care/noise.txt": data, "Übersicht für alle.md": KETTLE}

    answer = editor.upload(sent)

    assert answer["refused"] == []
    assert [(one["name"], one["bytes"], one["replaced"]) for one in answer["saved"]] == [
        (name, len(kept), False) for name, kept in sent.items()
    ]
    assert {name: (uploads / name).read_bytes() for name in sent} == sent
    assert no_half_files(uploads)
    assert "uploads" in {source["kind"] for source in editor.get()["sources"]}


def test_good_files_are_kept_beside_bad_ones_each_with_its_reason(editor, uploads):
    answer = editor.upload({"virus.exe": b"MZ", "mixed.md": KETTLE, "empty.md": b"", "fake.pdf": b"<html>"})

    assert [one["name"] for one in answer["saved"]] == ["mixed.md"]
    reasons = {one["name"]: one["reason"] for one in answer["refused"]}
    assert ".exe files cannot be read" in reasons["virus.exe"]
    assert reasons["empty.md"] == "it is empty"
    assert "not the PDF file" in reasons["fake.pdf"]
    assert not (uploads / "virus.exe").exists()
    assert no_half_files(uploads)


def test_a_path_out_of_the_folder_stays_inside(editor, uploads, shared_server):
    body = part("../../../escaped.md", KETTLE) + part("/etc/escaped.md", KETTLE) + f"--{BOUNDARY}--\r\n".encode()

    answer = send_form(editor, body).json()

    assert [one["name"] for one in answer["saved"]] == ["escaped.md", "etc/escaped.md"]
    assert [path for path in shared_server.data_dir.parent.rglob("escaped.md") if uploads not in path.parents] == []


def test_the_same_file_again_is_its_new_version(editor, uploads):
    editor.upload({"twice.md": KETTLE})

    answer = editor.upload({"Twice.MD": KETTLE + b"It whistles.\n"})

    assert answer["saved"] == [{"name": "twice.md", "bytes": len(KETTLE) + 13, "replaced": True}]
    assert (uploads / "twice.md").read_bytes() == KETTLE + b"It whistles.\n"


def test_a_zip_is_taken_whole(editor, uploads):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("kettle.md", KETTLE)

    answer = editor.upload({"help-site.zip": packed.getvalue()})

    assert [one["name"] for one in answer["saved"]] == ["help-site.zip"]
    assert zipfile.ZipFile(uploads / "help-site.zip").read("kettle.md") == KETTLE


def test_names_are_read_as_browsers_write_them(editor, uploads):
    body = part("a %22good%22 one.md", KETTLE) + part("semi;colon.md", KETTLE) + f"--{BOUNDARY}--\r\n".encode()

    answer = send_form(editor, body).json()

    assert [one["name"] for one in answer["saved"]] == ["a -good- one.md", "semi;colon.md"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("text/plain", b"kettle"),
        ("multipart/form-data", part("a.md", KETTLE)),
        (f"multipart/form-data; boundary={BOUNDARY}", b"no form at all"),
        (f"multipart/form-data; boundary={BOUNDARY}", b""),
        (f"multipart/form-data; boundary={BOUNDARY}", part("never-closed.md", KETTLE)),
        (f"multipart/form-data; boundary={BOUNDARY}", part("x" * 10_000 + ".md", KETTLE)),
    ],
)
def test_what_is_no_form_is_told(editor, uploads, content_type, body):
    reply = editor.ask("POST", "/uploads", content=body, headers={"content-type": content_type})

    assert (reply.status_code, reply.json()["code"]) == (400, "bad_frame")
    assert not uploads.exists() or no_half_files(uploads)


def test_a_form_without_files_saves_nothing(editor):
    body = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"\r\n\r\ntext\r\n--{BOUNDARY}--\r\n'

    assert send_form(editor, body.encode()).json() == {"saved": [], "refused": []}


def test_a_file_above_the_limit_is_refused_and_the_next_one_kept(start_server):
    server = start_server(demo=True, env={"TELLONCE_UPLOAD_MAX_BYTES": "1000000"})
    with sign_in(server, "content") as client:
        answer = Studio(client).upload({"large.txt": b"x" * 3_000_000, "small.txt": b"x" * 1_000_000})

    assert [(one["name"], one["bytes"]) for one in answer["saved"]] == [("small.txt", 1_000_000)]
    assert answer["refused"] == [{"name": "large.txt", "reason": "it is larger than 1 MB: split it"}]
    assert no_half_files(server.data_dir / "knowledge" / "uploads")


def test_a_connection_that_drops_costs_only_the_file_under_way(editor, uploads, shared_server):
    editor.upload({"dropped.md": KETTLE})
    body = part("whole.md", KETTLE) + part("dropped.md", b"the new version, of which half is missing")[:-20]
    cookie = "; ".join(f"{name}={value}" for name, value in editor.client.cookies.items())
    head = (
        f"POST /v1/knowledge/uploads HTTP/1.1\r\nHost: {urlsplit(shared_server.url).netloc}\r\nCookie: {cookie}\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body) + 5000}\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", shared_server.port)) as line:
        line.sendall(head.encode() + body)
        deadline = time.monotonic() + 20
        while not (uploads / "whole.md").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        half = list((uploads / ".arriving").iterdir())
    while not no_half_files(uploads) and time.monotonic() < deadline:
        time.sleep(0.02)

    assert len(half) == 1
    assert no_half_files(uploads)
    assert (uploads / "whole.md").read_bytes() == KETTLE
    assert (uploads / "dropped.md").read_bytes() == KETTLE
    assert editor.get()["release"] == 1


def test_two_uploads_at_once_do_not_mix(editor, uploads, shared_server):
    from concurrent.futures import ThreadPoolExecutor

    files = [{f"at-once-{n}.txt": bytes([65 + n]) * 500_000, "same.txt": bytes([65 + n]) * 500_000} for n in range(4)]
    with ThreadPoolExecutor(4) as several:
        answers = list(several.map(editor.upload, files))

    assert all(answer["refused"] == [] for answer in answers)
    for n in range(4):
        assert (uploads / f"at-once-{n}.txt").read_bytes() == bytes([65 + n]) * 500_000
    same = (uploads / "same.txt").read_bytes()
    assert len(same) == 500_000
    assert len(set(same)) == 1
    assert sum(not saved["replaced"] for answer in answers for saved in answer["saved"][1:]) == 1


def test_other_routes_still_take_no_large_body(editor):
    reply = editor.ask("POST", "/sources", content=b'{"location": "' + b"x" * 300_000 + b'"}')

    assert reply.status_code in (413, 422)

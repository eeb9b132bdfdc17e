"""Every format becomes the same light Markdown, and a bad file costs a line, never the run."""

from __future__ import annotations

import codecs
import io
import json
from pathlib import Path

import pytest

from knowledge.documents import Document, ReadingFault
from knowledge.reading.faults import Unreadable
from knowledge.reading.files import SourceFile, find_files, read_file
from knowledge.reading.markdown import canonical_markdown


def read(folder: Path, name: str, data: bytes) -> list[Document]:
    path = folder / name
    path.write_bytes(data)
    (file,) = find_files(str(path))
    assert isinstance(file, SourceFile)
    return read_file(file, file.load())


def make_pdf(*, password: str | None = None, pages: int = 3) -> bytes:
    from reportlab.lib import colors, pdfencrypt
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import ListFlowable, ListItem, PageBreak, Paragraph, SimpleDocTemplate, Table

    styles = getSampleStyleSheet()

    def margins(canvas: object, document: object) -> None:
        canvas.setFont("Helvetica", 8)  # type: ignore[attr-defined]
        canvas.drawString(60, 810, "Kettle K2 manual")  # type: ignore[attr-defined]
        canvas.drawString(280, 20, f"Page {document.page} of {pages}")  # type: ignore[attr-defined]

    body = styles["BodyText"]
    story = [
        Paragraph("Kettle K2", styles["Title"]),
        Paragraph("Setting up", styles["Heading2"]),
        Paragraph("Take the kettle out of its box and remove all tape before you use it. " * 6, body),
        ListFlowable(
            [ListItem(Paragraph("Fill it with water.", body)), ListItem(Paragraph("Press <b>start</b>.", body))],
            bulletType="1",
        ),
        PageBreak(),
        Paragraph("Error codes", styles["Heading2"]),
        Table(
            [
                ["Code", "Meaning", "What to do"],
                ["E-42", Paragraph("The heater does not start because the fuse is blown", body), "Check the fuse"],
                ["E-43", "Lid open", "Close it"],
            ],
            colWidths=[60, 160, 160],
            style=[("GRID", (0, 0), (-1, -1), 1, colors.black)],
        ),
        PageBreak(),
        Paragraph("Warranty", styles["Heading2"]),
        Paragraph("The kettle has a warranty of two years from the day of delivery.", body),
    ]
    buffer = io.BytesIO()
    encrypt = pdfencrypt.StandardEncryption(password, canPrint=0) if password else None
    SimpleDocTemplate(buffer, encrypt=encrypt, title="", keywords="kettles, product:K2").build(
        story, onFirstPage=margins, onLaterPages=margins
    )
    return buffer.getvalue()


def make_docx() -> bytes:
    import docx

    document = docx.Document()
    document.core_properties.keywords = "product:Plover; humidity"
    document.add_heading("Plover manual", 0)
    document.add_heading("Cleaning", 1)
    document.add_paragraph("Pull the plug.", style="List Number")
    document.add_paragraph("Rinse the tank.", style="List Number")
    document.add_paragraph("No soap.", style="List Bullet")
    document.add_heading("Parts", 2)
    table = document.add_table(2, 2)
    for cell, words in zip([*table.rows[0].cells, *table.rows[1].cells], ["Part", "Price", "Wick", "£9"], strict=True):
        cell.text = words
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


class TestPdf:
    def test_headings_lists_tables_and_pages_are_understood(self, tmp_path: Path) -> None:
        (document,) = read(tmp_path, "k2.pdf", make_pdf())

        assert document.title == "Kettle K2"
        assert "# Kettle K2\n" in document.text
        assert "## Setting up\n" in document.text
        assert "1. Fill it with water.\n2. Press start." in document.text
        assert "| E-42 | The heater does not start because the fuse is blown | Check the fuse |" in document.text
        assert "| E-43 | Lid open | Close it |" in document.text
        assert document.products == ("K2",)
        assert document.text[document.pages[1] :].startswith("## Error codes")
        assert document.text[document.pages[2] :].startswith("## Warranty")

    def test_running_heads_and_page_numbers_are_dropped(self, tmp_path: Path) -> None:
        (document,) = read(tmp_path, "k2.pdf", make_pdf())

        assert "Kettle K2 manual" not in document.text
        assert "Page 1" not in document.text

    def test_two_columns_are_read_one_after_the_other(self, tmp_path: Path) -> None:
        from reportlab.lib.styles import getSampleStyleSheet
        from reportlab.platypus import BaseDocTemplate, Frame, FrameBreak, PageTemplate, Paragraph

        body = getSampleStyleSheet()["BodyText"]
        buffer = io.BytesIO()
        template = BaseDocTemplate(buffer)
        frames = [Frame(50, 100, 220, 600, id="left"), Frame(310, 100, 220, 600, id="right")]
        template.addPageTemplates([PageTemplate(frames=frames)])
        left = Paragraph("The left column tells about water and about how it is boiled. " * 8, body)
        right = Paragraph("The right column tells about coffee and about how it is ground. " * 8, body)
        template.build([left, FrameBreak(), right])

        (document,) = read(tmp_path, "columns.pdf", buffer.getvalue())

        assert document.text.rindex("left column") < document.text.index("right column")
        assert "is boiled. The left column tells" in document.text

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            pytest.param(make_pdf(password="secret"), "password", id="encrypted"),
            pytest.param(make_pdf()[:900], "broken", id="cut short"),
            pytest.param(b"just words", "not a PDF", id="not a PDF"),
        ],
    )
    def test_what_cannot_be_read_says_why(self, tmp_path: Path, data: bytes, reason: str) -> None:
        with pytest.raises(Unreadable, match=reason):
            read(tmp_path, "bad.pdf", data)

    def test_a_scan_without_text_says_so(self, tmp_path: Path) -> None:
        from reportlab.pdfgen.canvas import Canvas

        buffer = io.BytesIO()
        canvas = Canvas(buffer)
        canvas.rect(100, 100, 200, 200, fill=1)
        canvas.save()

        with pytest.raises(Unreadable, match="OCR"):
            read(tmp_path, "scan.pdf", buffer.getvalue())


class TestDocx:
    def test_headings_lists_and_tables_are_understood(self, tmp_path: Path) -> None:
        (document,) = read(tmp_path, "plover.docx", make_docx())

        assert document.title == "Plover manual"
        assert document.products == ("Plover",)
        assert "# Cleaning\n\n1. Pull the plug.\n2. Rinse the tank.\n- No soap.\n" in document.text
        assert "## Parts\n\n| Part | Price |\n| --- | --- |\n| Wick | £9 |" in document.text

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            pytest.param(b"PK\x03\x04 broken", "not a DOCX", id="no archive"),
            pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "password", id="encrypted"),
        ],
    )
    def test_what_cannot_be_read_says_why(self, tmp_path: Path, data: bytes, reason: str) -> None:
        with pytest.raises(Unreadable, match=reason):
            read(tmp_path, "bad.docx", data)

    def test_an_archive_that_unpacks_to_a_gigabyte_is_not_unpacked(self, tmp_path: Path) -> None:
        import zipfile

        buffer = io.BytesIO()
        with (
            zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("word/document.xml", "w") as file,
        ):
            for _ in range(310):
                file.write(b"\0" * 1_000_000)

        with pytest.raises(Unreadable, match="300 MB"):
            read(tmp_path, "bomb.docx", buffer.getvalue())


class TestHtml:
    PAGE = """<!doctype html><html lang="de"><head><title>Rückgabe | Laden</title></head><body>
      <nav><a href="/">Start</a><a href="/shop">Shop</a></nav>
      <div class="cookie-banner" role="dialog">We use cookies</div>
      <main><h1>Rückgabe</h1><p>Sie können <b>30 Tage</b> lang <a href="https://x.example/r">zurückgeben</a>.</p>
      <ol><li>Paket packen.</li><li>Etikett aufkleben.</li></ol>
      <table><tr><th>Land</th><th>Preis</th></tr><tr><td>AT</td><td>5 €</td></tr></table>
      <pre><code>x = 1
  y = 2</code></pre></main>
      <footer>Impressum</footer><script>track()</script></body></html>"""

    def test_the_main_content_is_kept_without_menus(self, tmp_path: Path) -> None:
        (document,) = read(tmp_path, "rueckgabe.html", self.PAGE.encode())

        assert document.title == "Rückgabe"
        assert document.language == "de"
        assert "Sie können **30 Tage** lang [zurückgeben](https://x.example/r)." in document.text
        assert "1. Paket packen.\n2. Etikett aufkleben." in document.text
        assert "| Land | Preis |\n| --- | --- |\n| AT | 5 € |" in document.text
        assert "```\nx = 1\n  y = 2\n```" in document.text
        assert not any(word in document.text for word in ("Shop", "cookies", "Impressum", "track"))

    def test_an_entity_of_a_file_is_not_read(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text("do not tell")
        page = (
            f'<!DOCTYPE html [<!ENTITY x SYSTEM "file://{secret}">]>'
            "<html><body><main><p>Hello &x; there, dear reader.</p></main></body></html>"
        )

        (document,) = read(tmp_path, "xxe.html", page.encode())

        assert "do not tell" not in document.text


class TestMarkdown:
    def test_front_matter_gives_title_language_products_and_date(self, tmp_path: Path) -> None:
        page = b"---\ntitle: First steps\nlang: en\nproducts: [Lark, Wren]\nurl: https://x.example/a\n---\n\nHello.\n"

        (document,) = read(tmp_path, "steps.md", page)

        assert (document.title, document.language, document.products) == ("First steps", "en", ("Lark", "Wren"))
        assert (document.url, document.text) == ("https://x.example/a", "Hello.\n")

    @pytest.mark.parametrize(
        ("source", "plain"),
        [
            pytest.param("Title\n=====\n\ntext", "# Title\n\ntext\n", id="setext heading"),
            pytest.param('!!! warning "Hot"\n    Do not touch.\n', "> **Hot**\n> Do not touch.\n", id="admonition"),
            pytest.param(":::tip\nDo it.\n:::", "> **Tip**\n> Do it.\n", id="container"),
            pytest.param("import A from 'a'\n\n<Card title=\"Go\">\nwords\n</Card>", "**Go**\n\nwords\n", id="mdx"),
            pytest.param(
                "see ![shot](a.png)[the guide](../g.md) now", "see the guide now\n", id="image and local link"
            ),
            pytest.param("a <b>bold</b> x&nbsp;&amp; y", "a **bold** x & y\n", id="inline html"),
            pytest.param(
                "```html\n<b>kept</b>\n# kept\n```", "```html\n<b>kept</b>\n# kept\n```\n", id="code untouched"
            ),
            pytest.param("use `<YOUR_KEY>` and <YOUR_ID>", "use `<YOUR_KEY>` and <YOUR_ID>\n", id="placeholders stay"),
            pytest.param("* a\n+ b\n1) c", "- a\n- b\n1. c\n", id="list marks"),
            pytest.param("<!-- gone -->kept", "kept\n", id="comment"),
        ],
    )
    def test_dialects_become_light_markdown(self, source: str, plain: str) -> None:
        assert canonical_markdown(source) == plain

    def test_light_markdown_stays_as_it_is(self) -> None:
        light = "# A\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n1. one\n2. two\n\n> note\n\n```\ncode\n```\n"

        assert canonical_markdown(light) == light


class TestRows:
    def test_an_faq_table_has_a_section_a_question(self, tmp_path: Path) -> None:
        (document,) = read(tmp_path, "faq.csv", b'Question;Answer\nHow big?;"2 l, or\n1 l"\nHow old;Three years.\n')

        assert document.text == "## How big?\n\n2 l, or\n1 l\n\n## How old\n\nThree years.\n"

    def test_rows_of_each_product_are_a_document_of_their_own(self, tmp_path: Path) -> None:
        rows = [{"question": "Q1?", "answer": "A1", "product": "Lark"}, {"question": "Q2?", "answer": "A2"}]

        lark, other = read(tmp_path, "faq.jsonl", "\n".join(json.dumps(row) for row in rows).encode())

        assert (lark.products, other.products) == (("Lark",), ())
        assert lark.id != other.id

    def test_any_other_table_names_its_columns(self, tmp_path: Path) -> None:
        (document,) = read(tmp_path, "parts.csv", b"Part,Price\nWick,9\nFloat,3\n")

        assert "## Wick\n\n- Part: Wick\n- Price: 9\n" in document.text

    def test_a_broken_line_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(Unreadable, match="line 2"):
            read(tmp_path, "faq.jsonl", b'{"question": "a", "answer": "b"}\n{oops\n')


class TestEncodings:
    @pytest.mark.parametrize(
        "data",
        [
            pytest.param(codecs.BOM_UTF8 + "Grüße aus Köln".encode(), id="utf-8 with mark"),
            pytest.param("Grüße aus Köln".encode("utf-16"), id="utf-16"),
            pytest.param(("Grüße aus Köln, schöne Tage für alle Gäste. " * 5).encode("cp1252"), id="windows"),
        ],
    )
    def test_text_of_any_encoding_is_read(self, tmp_path: Path, data: bytes) -> None:
        (document,) = read(tmp_path, "a.txt", data)

        assert document.text.startswith("Grüße aus Köln")

    @pytest.mark.parametrize(
        ("name", "data", "reason"),
        [
            pytest.param("a.md", b" \n ", "empty", id="empty"),
            pytest.param("a.txt", bytes(range(256)) * 40, "binary|encoding", id="binary"),
            pytest.param("a.md", b"---\ntitle: x\n---\n", "no text", id="front matter alone"),
            pytest.param("a.html", b"<nav>menu</nav>", "only menus", id="menus alone"),
            pytest.param("a.csv", b"question,answer\n", "header line", id="header alone"),
        ],
    )
    def test_what_holds_nothing_says_so(self, tmp_path: Path, name: str, data: bytes, reason: str) -> None:
        with pytest.raises(Unreadable, match=reason):
            read(tmp_path, name, data)


class TestFolders:
    def test_hidden_files_and_unknown_kinds_are_passed_over(self, tmp_path: Path) -> None:
        for name in ("b.md", "a/c.txt", ".git/d.md", "node_modules/e.md", "f.png"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("words")

        assert [file.name for file in find_files(str(tmp_path)) if isinstance(file, SourceFile)] == ["a/c.txt", "b.md"]

    def test_a_link_out_of_the_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "secret.md").write_text("secret")
        (tmp_path / "docs").mkdir()
        (tmp_path / "docs" / "link.md").symlink_to(tmp_path / "secret.md")

        (found,) = find_files(str(tmp_path / "docs"))

        assert isinstance(found, ReadingFault)
        assert "leads out of the folder" in found.reason

    def test_a_file_of_an_unknown_kind_named_alone_is_a_fault(self, tmp_path: Path) -> None:
        (tmp_path / "a.exe").write_bytes(b"x")

        (found,) = find_files(str(tmp_path / "a.exe"))

        assert isinstance(found, ReadingFault)

"""Help centres' pages, manuals and tables as they really come: folds, tabs, tracked changes, heads on each page."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knowledge.documents import Document
from knowledge.reading.decoding import decode
from knowledge.reading.files import SourceFile, find_files, read_now
from knowledge.reading.html import read_html


def read(folder: Path, name: str, data: bytes) -> list[Document]:
    (folder / name).write_bytes(data)
    (file,) = find_files(str(folder / name))
    assert isinstance(file, SourceFile)
    return read_now(file, data)


def page(body: str, head: str = "") -> str:
    return read_html(f"<html><head>{head}</head><body>{body}</body></html>".encode()).text


HELP_CENTRE = """<html lang="en-us"><head><title>How do I return? – Acme Help Center</title>
<meta name="audience" content="agents"><meta property="article:modified_time" content="2025-02-03T10:00:00Z"></head>
<body><a class="skip-navigation" href="#m">Skip to main content</a>
<div class="onetrust-consent"><p>We use cookies</p></div>
<header class="header"><nav><a>Submit a request</a><a>Sign in</a></nav></header>
<main role="main"><nav><ol class="breadcrumbs"><li>Acme</li><li>Returns</li></ol></nav>
<aside class="article-sidebar"><h3>Articles in this section</h3><ul><li><a href=x>Other one</a></li></ul></aside>
<article><header class="article-header"><h1>How do I return?<a class="headerlink" href="#h">¶</a></h1>
<div class="author">Jo</div><time>2 months ago</time><a class="article-subscribe">Follow</a></header>
<div class="article-body"><p>You have <strong>30 days</strong>.</p></div>
<footer><span>Was this article helpful?</span><button>Yes</button> 3 out of 4 found this helpful</footer>
<section class="related-articles"><h3>Related articles</h3><ul><li><a>Foo</a></li></ul></section></article></main>
<footer>Powered by Acme</footer></body></html>"""


class TestHtml:
    def test_a_help_centres_page_is_its_article(self, tmp_path: Path) -> None:
        (document,) = read(tmp_path, "return.html", HELP_CENTRE.encode())

        assert document.text == "# How do I return?\n\nYou have **30 days**.\n"
        assert (document.title, document.language, document.audience) == ("How do I return?", "en-US", "agents")
        assert document.changed_at == "2025-02-03T10:00:00+00:00"

    @pytest.mark.parametrize(
        ("body", "plain"),
        [
            pytest.param(
                "<main><h1>FAQ</h1><details><summary>How long?</summary><p>Two days.</p></details>"
                "<details><summary>How much?</summary>Five.</details></main>",
                "# FAQ\n\n## How long?\n\nTwo days.\n\n## How much?\n\nFive.\n",
                id="folds",
            ),
            pytest.param(
                '<main><h1>FAQ</h1><button aria-controls="a" aria-expanded="false">How long?</button>'
                '<div id="a" hidden><p>Two days.</p></div>'
                '<div class="accordion-header" role="button">How much?</div>'
                '<div class="accordion-body" style="display:none">Five.</div></main>',
                "# FAQ\n\n## How long?\n\nTwo days.\n\n## How much?\n\nFive.\n",
                id="accordions of buttons",
            ),
            pytest.param(
                "<main><dl><dt>Label</dt><dd>The sticker.</dd><dt>Is it free?</dt><dd>Yes.</dd></dl></main>",
                "- **Label**: The sticker.\n\n# Is it free?\n\nYes.\n".replace("# Is", "## Is"),
                id="definitions",
            ),
            pytest.param(
                '<main><div><ul role="tablist"><li role="tab">npm</li><li role="tab">yarn</li></ul>'
                '<div role="tabpanel"><pre class="language-sh"><code>npm i<br>npm start</code></pre></div>'
                '<div role="tabpanel" hidden><p>yarn add</p></div></div></main>',
                "**npm**\n\n```sh\nnpm i\nnpm start\n```\n\n**yarn**\n\nyarn add\n",
                id="tabs",
            ),
            pytest.param(
                '<main><div class="theme-admonition alert"><div class="admonitionHeading">tip</div>'
                '<div class="admonitionContent"><p>Use it.</p></div></div></main>',
                "> **Tip**\n> Use it.\n",
                id="admonition",
            ),
            pytest.param(
                "<main><table><tr><th>Land<th>Preis</tr><tr><td rowspan=2>DE<td>5</tr><tr><td>6</tr>"
                "<tr><td colspan=2>free over 50</tr></table></main>",
                "| Land | Preis |\n| --- | --- |\n| DE | 5 |\n| DE | 6 |\n| free over 50 |  |\n",
                id="merged cells",
            ),
            pytest.param(
                "<main><table><tr><td><h2>Care</h2><p>Wipe it.</p></td><td><p>Dry it.</p></td></tr></table></main>",
                "## Care\n\nWipe it.\n\nDry it.\n",
                id="a table for layout",
            ),
            pytest.param(
                '<main><ol start="3"><li>Pack<ul><li>with care</li></ul></li><li>Send</li></ol></main>',
                "3. Pack\n   - with care\n4. Send\n",
                id="numbers of steps",
            ),
            pytest.param(
                '<main><p>Seen.</p><p hidden>Not seen.</p><p style="display: none">Nor this.</p></main>',
                "Seen.\n",
                id="what nobody sees",
            ),
        ],
    )
    def test_what_pages_are_made_of_is_understood(self, body: str, plain: str) -> None:
        assert page(body) == plain

    def test_a_page_without_marks_of_its_own_loses_its_menus_and_keeps_its_headings(self) -> None:
        text = page(
            '<div class="top-menu"><ul><li><a href=/a>Home</a></li><li><a href=/b>Shop</a></li></ul></div>'
            '<div id="cookie-bar">We use cookies</div>'
            "<div id=content><h1>Warranty</h1><p>The kettle has a warranty of two years from the day of delivery.</p>"
            "<h2>Covered</h2><ul><li>Heater</li><li>Lid</li></ul></div><div class=footer-links>© Acme, Imprint</div>"
        )

        assert "# Warranty\n" in text
        assert "## Covered\n\n- Heater\n- Lid\n" in text
        assert not any(word in text for word in ("Shop", "cookies", "Imprint"))

    def test_a_mark_of_the_encoding_outweighs_what_the_page_says(self) -> None:
        data = '<html><head><meta charset="iso-8859-1"></head><body><main><p>Grüße</p></main></body></html>'

        assert read_html(data.encode("utf-8-sig")).text == "Grüße\n"
        assert read_html(data.encode("utf-16")).text == "Grüße\n"


class TestPdf:
    def test_a_table_over_pages_keeps_its_rows_and_its_head(self, tmp_path: Path) -> None:
        from reportlab.lib.styles import getSampleStyleSheet
        from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

        body = getSampleStyleSheet()["BodyText"]
        cell = "The heater number {} does not start because the fuse is blown"
        rows = [["Code", "Meaning", "Do"], *([f"E-{i}", Paragraph(cell.format(i), body), "Wait"] for i in range(60))]

        def margins(canvas: object, document: object) -> None:
            canvas.drawString(60, 810, "Kettle manual")  # type: ignore[attr-defined]
            canvas.drawRightString(540, 810, f"Chapter {document.page}")  # type: ignore[attr-defined]

        buffer = io.BytesIO()
        SimpleDocTemplate(buffer).build(
            [Table(rows, colWidths=[60, 160, 160], repeatRows=1)], onFirstPage=margins, onLaterPages=margins
        )
        (document,) = read(tmp_path, "codes.pdf", buffer.getvalue())

        for i in range(60):
            assert f"| E-{i} | {cell.format(i)} | Wait |" in document.text
        assert document.text.count("| Code | Meaning | Do |") == len(document.pages)
        assert "Kettle manual" not in document.text
        assert "Chapter" not in document.text

    def test_words_parted_at_the_end_of_a_line_are_joined(self, tmp_path: Path) -> None:
        from reportlab.pdfgen.canvas import Canvas

        buffer = io.BytesIO()
        canvas = Canvas(buffer)
        lines = ["It is well known, and the limit is known well too: conden-", "sation must not exceed it; the well-",
                 "known code is E-", "42 here."]  # fmt: skip
        for i, line in enumerate(lines):
            canvas.drawString(72, 700 - 14 * i, line)
        canvas.save()

        (document,) = read(tmp_path, "a.pdf", buffer.getvalue())

        assert "condensation must not exceed it; the well-known code is E-42 here." in document.text

    def test_items_within_items_stay_within_them(self, tmp_path: Path) -> None:
        from reportlab.lib.styles import getSampleStyleSheet
        from reportlab.platypus import ListFlowable, ListItem, Paragraph, SimpleDocTemplate

        body = getSampleStyleSheet()["BodyText"]
        inner = ListFlowable([ListItem(Paragraph("with care", body))], bulletType="bullet")
        steps = [ListItem([Paragraph("Pack it", body), inner]), ListItem(Paragraph("Send it", body))]
        buffer = io.BytesIO()
        SimpleDocTemplate(buffer).build([ListFlowable(steps, bulletType="1")])

        (document,) = read(tmp_path, "a.pdf", buffer.getvalue())

        assert "1. Pack it\n   - with care\n2. Send it" in document.text


class TestDocx:
    def test_tracked_changes_and_controls_are_read_as_printed(self, tmp_path: Path) -> None:
        import docx
        from docx.oxml import parse_xml
        from docx.oxml.ns import nsdecls

        document = docx.Document()
        document.sections[0].header.paragraphs[0].text = "Kept out: the head of the page"
        document.add_paragraph("Table of Contents entry", style=document.styles.add_style("TOC 1", 1))
        paragraph = document.add_paragraph("It takes ")
        for tag, inside in (
            ("del", "<w:r><w:delText>two</w:delText></w:r>"),
            ("ins", "<w:r><w:t>three</w:t></w:r>"),
            ("sdt", "<w:sdtContent><w:r><w:t> days.</w:t></w:r></w:sdtContent>"),
        ):
            paragraph._p.append(parse_xml(f"<w:{tag} {nsdecls('w')}>{inside}</w:{tag}>"))
        code = document.styles.add_style("Code Block", 1)
        for line in ("x = 1", "y = 2"):
            document.add_paragraph(line, style=code)
        document.core_properties.keywords = "product:Lark, audience:agents"
        buffer = io.BytesIO()
        document.save(buffer)

        (read_back,) = read(tmp_path, "a.docx", buffer.getvalue())

        assert read_back.text == "It takes three days.\n\n```\nx = 1\ny = 2\n```\n"
        assert (read_back.products, read_back.audience) == (("Lark",), "agents")

    def test_merged_cells_leave_no_row_without_its_words(self, tmp_path: Path) -> None:
        import docx

        document = docx.Document()
        table = document.add_table(3, 2)
        for cell, words in zip(
            [cell for row in table.rows for cell in row.cells], ["Land", "Price", "DE", "5", "", "6"], strict=True
        ):
            cell.text = words
        table.cell(1, 0).merge(table.cell(2, 0))
        buffer = io.BytesIO()
        document.save(buffer)

        (read_back,) = read(tmp_path, "a.docx", buffer.getvalue())

        assert "| Land | Price |\n| --- | --- |\n| DE | 5 |\n| DE | 6 |" in read_back.text

    def test_a_file_without_properties_has_neither_a_title_nor_a_date_made_up(self, tmp_path: Path) -> None:
        import docx
        from docx.opc.constants import RELATIONSHIP_TYPE

        document = docx.Document()
        document.add_paragraph("The desk carries 40 kg.")
        package = document.part.package
        for name in [key for key, one in package.rels.items() if one.reltype == RELATIONSHIP_TYPE.CORE_PROPERTIES]:
            package.rels.pop(name)
        buffer = io.BytesIO()
        document.save(buffer)

        (read_back,) = read(tmp_path, "desk.docx", buffer.getvalue())

        made_at = datetime.fromtimestamp((tmp_path / "desk.docx").stat().st_mtime, UTC)
        assert read_back.title == "Desk"
        assert read_back.changed_at == made_at.isoformat(timespec="seconds")


class TestRows:
    @pytest.mark.parametrize(
        ("head", "between"),
        [
            pytest.param("Kundenanliegen;Text für Kunden\n", ";", id="names unknown"),
            pytest.param("", "\t", id="no header"),
            pytest.param("sep=|\nquestion|answer\n", "|", id="Excel"),
            pytest.param("question,answer\n", ",", id="a comma too many"),
        ],
    )
    def test_questions_and_answers_are_found(self, tmp_path: Path, head: str, between: str) -> None:
        table = f"{head}Wie lange?{between}Zwei Tage, länger nie.\nWas kostet es?{between}Fünf.\n"
        (document,) = read(tmp_path, "faq.csv", table.encode("cp1252"))

        assert document.text == "## Wie lange?\n\nZwei Tage, länger nie.\n\n## Was kostet es?\n\nFünf.\n"

    def test_rows_for_agents_are_a_document_of_their_own(self, tmp_path: Path) -> None:
        rows = b"question,answer,audience\nHow?,So.,\nWho pays?,The shop.,agents\n"

        everybody, agents = read(tmp_path, "faq.csv", rows)

        assert (everybody.audience, agents.audience) == (None, "agents")
        assert "shop" not in everybody.text

    def test_a_list_in_one_piece_is_read_too(self, tmp_path: Path) -> None:
        (document,) = read(tmp_path, "faq.jsonl", b'[{"question": "How?", "answer": "So."}]')

        assert document.text == "## How?\n\nSo.\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße", "cp1252"),
        ("“Quoted” – and so on…", "cp1252"),
        ("Możesz zwrócić paczkę, jeśli nie jest otwarta, a my za to płacimy i się nie gniewamy.", "cp1250"),
        ("plain words in two bytes each", "utf-16-le"),
        ("plain words in two bytes each", "utf-16-be"),
        ("Grüße", "utf-8-sig"),
    ],
)
def test_text_is_decoded_whatever_wrote_it(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text

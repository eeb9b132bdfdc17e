"""CSV and JSON Lines -> light Markdown: a heading a question of an FAQ, a section a row of other tables. Floor: pure.

Columns are recognised by name, in any case: question/answer, title/text, product, url, language.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence

from knowledge.reading.faults import Unreadable
from knowledge.reading.markdown import canonical_markdown, tidy
from knowledge.reading.result import Reading

QUESTION = ("question", "questions", "q", "query", "frage", "title", "heading", "subject", "prompt")
ANSWER = ("answer", "answers", "a", "response", "reply", "antwort", "text", "body", "content", "description")
PRODUCT = ("product", "products")
LANGUAGE = ("language", "lang", "locale")
IGNORED = ("id", "_id", "url", "link", "metadata", "updated", "updated_at", "created_at", "tags")

Row = dict[str, str]


def read_csv(text: str, name: str) -> list[Reading]:
    """The readings of a table, one for each product and language that its rows speak of.

    Raises:
        Unreadable: there is no header line, or no row below it.
    """
    csv.field_size_limit(10_000_000)
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:20_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel_tab if "\t" in text.split("\n", 1)[0] else csv.excel
    dialect.doublequote = True
    try:
        lines = [row for row in csv.reader(io.StringIO(text), dialect) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Unreadable(f"this is not CSV ({error}): export it again as UTF-8 with one header line") from error
    if len(lines) < 2:
        raise Unreadable("a table needs a header line and at least one row below it")
    names = [cell.strip() for cell in lines[0]]
    return _readings([dict(zip(names, row, strict=False)) for row in lines[1:]], name)


def read_jsonl(text: str, name: str) -> list[Reading]:
    """The readings of a file with one JSON object a line.

    Raises:
        Unreadable: a line is no JSON object; the message says which.
    """
    rows: list[Row] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"line {number} is not JSON: write one object a line") from error
        if not isinstance(value, dict):
            raise Unreadable(f"line {number} is not a JSON object: write one object a line")
        rows.append({str(key): _as_words(cell) for key, cell in value.items() if not isinstance(cell, dict)})
    return _readings(rows, name)


def _as_words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)


def _readings(rows: Sequence[Row], name: str) -> list[Reading]:
    columns = {key.strip().lower(): key for row in rows for key in row if key}
    question, answer = _column(columns, QUESTION), _column(columns, ANSWER)
    product, language = _column(columns, PRODUCT), _column(columns, LANGUAGE)
    parts: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        key = (row.get(product or "", "").strip(), row.get(language or "", "").strip())
        section = _faq_section(row, question, answer) if question and answer else _row_section(row, columns)
        if section:
            parts.setdefault(key, []).append(section)
    return [
        Reading(
            text=tidy("\n\n".join(sections)),
            title=f"{name}: {products}" if products else name,
            part=" ".join(key for key in (products, spoken) if key),
            language=spoken or None,
            products=tuple(one.strip() for one in products.replace(";", ",").split(",") if one.strip()),
        )
        for (products, spoken), sections in parts.items()
    ]


def _column(columns: dict[str, str], names: Sequence[str]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _faq_section(row: Row, question: str, answer: str) -> str:
    asked = " ".join((row.get(question) or "").split())
    replied = canonical_markdown(row.get(answer) or "").strip()
    if not asked or not replied:
        return ""
    lines = (f"#{line}" if line.startswith("#") else line for line in replied.split("\n"))
    return f"## {asked}\n\n" + "\n".join(f"##{line}" if line.startswith("#") else line for line in lines)


def _row_section(row: Row, columns: dict[str, str]) -> str:
    """A row of any other table: its first cell as the heading, every cell with its column's name."""
    cells = [(column, " ".join(value.split())) for column, value in row.items() if column and value and value.strip()]
    cells = [(column, value) for column, value in cells if column.lower() not in IGNORED]
    if not cells:
        return ""
    items = "\n".join(f"- {column}: {value}" for column, value in cells)
    return f"## {cells[0][1][:120]}\n\n{items}"

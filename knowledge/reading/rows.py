"""CSV and JSON Lines -> light Markdown: a heading a question of an FAQ, a section a row of other tables. Floor: pure.

Columns are recognised by name, in any case: question/answer, title/text, product, language, audience; where no name
says so, by what stands in them: a column of questions, and the wordiest one beside it.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Sequence

from knowledge.reading.faults import Unreadable
from knowledge.reading.front_matter import audience_of
from knowledge.reading.language import declared_language
from knowledge.reading.light import tidy
from knowledge.reading.markdown import canonical_markdown
from knowledge.reading.result import Reading

QUESTION = (
    "question",
    "questions",
    "q",
    "query",
    "frage",
    "title",
    "heading",
    "subject",
    "prompt",
    "pregunta",
    "domanda",
    "vraag",
)
ANSWER = (
    "answer",
    "answers",
    "a",
    "response",
    "reply",
    "antwort",
    "text",
    "body",
    "content",
    "description",
    "réponse",
    "respuesta",
    "risposta",
    "antwoord",
)
PRODUCT = ("product", "products")
LANGUAGE = ("language", "lang", "locale")
AUDIENCE = ("audience",)
ASKING_SHARE = 0.6  # of a column's cells end with a question mark: it holds questions
IGNORED = ("id", "_id", "url", "link", "metadata", "updated", "updated_at", "created_at", "tags")

Row = dict[str, str]


def read_csv(text: str, name: str) -> list[Reading]:
    """The readings of a table, one for each product and language that its rows speak of.

    Raises:
        Unreadable: there is no header line, or no row below it.
    """
    csv.field_size_limit(10_000_000)
    text, delimiter = _delimiter(text)
    try:
        lines = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Unreadable(f"this is not CSV ({error}): export it again as UTF-8 with one header line") from error
    if lines and not _is_header(lines):
        lines.insert(0, [f"column {i}" for i in range(1, len(lines[0]) + 1)])
    if len(lines) < 2:
        raise Unreadable("a table needs a header line and at least one row below it")
    names = _distinct([cell.strip() for cell in lines[0]])
    return _readings([_row(names, row, delimiter) for row in lines[1:]], name)


def _delimiter(text: str) -> tuple[str, str]:
    """The text and what parts its cells: as Excel says in a first line `sep=;`, else what gives the evenest rows."""
    if match := re.match(r"\s*sep=(.)\r?\n", text):
        return text[match.end() :], match.group(1)
    best, found = 0.0, ","
    for delimiter in ",;\t|":
        try:
            rows = list(itertools.islice(csv.reader(io.StringIO(text[:100_000]), delimiter=delimiter), 60))
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows if row)
        width, count = widths.most_common(1)[0] if widths else (1, 0)
        header = len(rows[0]) if rows else 1
        evenness = count / max(sum(widths.values()), 1) + (0.5 if header == width else 0.0)
        if width > 1 and evenness > best + 0.05:
            best, found = evenness, delimiter
    return text, found


def _is_header(lines: list[list[str]]) -> bool:
    """A first line with a question in it is an entry like the others, unless a name of ours stands there too."""
    known = {*QUESTION, *ANSWER, *PRODUCT, *LANGUAGE, *AUDIENCE}
    if any(cell.strip().lower() in known for cell in lines[0]):
        return True
    return not any(cell.strip().endswith(("?", "？")) for cell in lines[0])


def _distinct(names: list[str]) -> list[str]:
    seen: Counter[str] = Counter()
    result = []
    for name in names:
        seen[name] += 1
        result.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return result


def _row(names: list[str], cells: list[str], delimiter: str) -> Row:
    """A row by its columns' names; cells past the last column are its rest, parted by mistake."""
    if len(cells) > len(names):
        cells = [*cells[: len(names) - 1], delimiter.join(cells[len(names) - 1 :])]
    return dict(zip(names, cells, strict=False))


def read_jsonl(text: str, name: str) -> list[Reading]:
    """The readings of a file with one JSON object a line.

    Raises:
        Unreadable: a line is no JSON object; the message says which.
    """
    rows: list[Row] = []
    if text.lstrip().startswith("["):
        return _readings(_rows_of_array(text), name)
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


def _rows_of_array(text: str) -> list[Row]:
    """One JSON list of objects, which is often called JSON Lines too."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("this is not JSON: write one object a line") from error
    if not all(isinstance(value, dict) for value in values):
        raise Unreadable("its list holds something else than objects: write one object a line")
    return [
        {str(key): _as_words(cell) for key, cell in value.items() if not isinstance(cell, dict)} for value in values
    ]


def _as_words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)


def _readings(rows: Sequence[Row], name: str) -> list[Reading]:
    columns = {key.strip().lower(): key for row in rows for key in row if key}
    question, answer = _column(columns, QUESTION), _column(columns, ANSWER)
    if not (question and answer):
        question, answer = _by_content(rows, list(columns.values())) or (question, answer)
    others = [_column(columns, names) for names in (PRODUCT, LANGUAGE, AUDIENCE)]
    parts: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        product, language, audience = (row.get(column or "", "").strip() for column in others)
        key = (product, language, audience)
        section = _faq_section(row, question, answer) if question and answer else _row_section(row, columns)
        if section:
            parts.setdefault(key, []).append(section)
    return [
        Reading(
            text=tidy("\n\n".join(sections)),
            title=f"{name}: {products}" if products else name,
            part=" ".join(key for key in (products, spoken, audience) if key),
            language=declared_language(spoken),
            audience=audience_of(audience),
            products=tuple(one.strip() for one in products.replace(";", ",").split(",") if one.strip()),
        )
        for (products, spoken, audience), sections in parts.items()
    ]


def _by_content(rows: Sequence[Row], names: Sequence[str]) -> tuple[str, str] | None:
    """The column whose cells ask, and the wordiest other one."""
    sample = rows[:500]

    def share_asking(name: str) -> float:
        cells = [cell.strip() for row in sample if (cell := row.get(name) or "").strip()]
        return sum(cell.endswith(("?", "？")) for cell in cells) / len(cells) if cells else 0.0

    def size(name: str) -> int:
        return sum(len(row.get(name) or "") for row in sample)

    asking = max(names, key=share_asking, default=None)
    others = [name for name in names if name != asking]
    if asking is None or not others or share_asking(asking) < ASKING_SHARE:
        return None
    return asking, max(others, key=size)


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

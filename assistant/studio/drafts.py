"""Answers written for gaps: drafted, edited, accepted, and then a file that the next reindex reads. Floor: store.

An accepted draft is a Markdown file of one question and its answer among the studio's uploads. Who did what is kept
with it and logged.
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import yaml
from sqlalchemy import delete, insert, select, update

from assistant.database import reading, writing
from assistant.errors import BadFrame, NotFound
from assistant.studio.gap_store import now
from assistant.studio.schema import answer_drafts
from assistant.studio.shelf import ANSWERS

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row

logger = structlog.get_logger(__name__)

QUESTION_MAX_CHARS = 500
ANSWER_MAX_CHARS = 20_000
PRODUCTS_MAX = 20
SLUG_MAX_CHARS = 60
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_LEFT_OUT = re.compile(r"\[(?:e-mail|phone|number|name|address)\]")
_HEADING = re.compile(r"^(#{1,6})(?= )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer on its way. `left_out`: kinds of personal data that the prefilled text is without; `file`: its name
    among the uploads, from when it was first accepted."""

    id: int
    gap: int | None
    question: str
    answer: str
    products: tuple[str, ...]
    left_out: tuple[str, ...]
    made_by: str
    made_at: str
    edited_by: str | None = None
    edited_at: str | None = None
    accepted_by: str | None = None
    accepted_at: str | None = None
    file: str | None = None

    @property
    def state(self) -> str:
        return "accepted" if self.accepted_at else "draft"

    def as_data(self) -> dict[str, Any]:
        """As `GET /v1/knowledge/gaps` tells it."""
        names = ("id", "gap", "question", "answer", "made_by", "made_at", "edited_by", "edited_at")
        data = {name: getattr(self, name) for name in (*names, "accepted_by", "accepted_at", "file")}
        return {**data, "products": list(self.products), "left_out": list(self.left_out), "state": self.state}


class Drafts:
    """The drafts. Synchronous; every write is one short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def by_gap(self) -> dict[int, Draft]:
        """The newest draft of each gap."""
        query = select(answer_drafts).where(answer_drafts.c.gap_id.is_not(None)).order_by(answer_drafts.c.id)
        with reading(self._engine) as connection:
            return {row.gap_id: _draft(row) for row in connection.execute(query)}

    def load(self, draft_id: int) -> Draft:
        """Raises NotFound where there is none of that number."""
        with reading(self._engine) as connection:
            row = connection.execute(select(answer_drafts).where(answer_drafts.c.id == draft_id)).first()
        if row is None:
            raise NotFound("There is no such draft any more.")
        return _draft(row)

    def make(
        self,
        gap_id: int,
        by: str,
        *,
        question: str,
        answer: str,
        products: Sequence[str] = (),
        left_out: Sequence[str] = (),
    ) -> Draft:
        """A new draft; made twice at once, the first one stands."""
        values = {
            "gap_id": gap_id,
            "question": " ".join(question.split())[:QUESTION_MAX_CHARS],
            "answer": answer,
            "products": list(products),
            "left_out": list(left_out),
            "made_by": by,
            "made_at": now(),
        }
        with writing(self._engine) as connection:
            made = connection.execute(insert(answer_drafts).values(**values).returning(answer_drafts.c.id)).scalar_one()
            ids = select(answer_drafts.c.id).where(answer_drafts.c.gap_id == gap_id).order_by(answer_drafts.c.id)
            first = connection.execute(ids).scalars().first()
            if first != made:
                connection.execute(delete(answer_drafts).where(answer_drafts.c.id == made))
        logger.info("drafts.made", draft=first, gap=gap_id, by=by)
        return self.load(int(first or made))

    def edit(
        self,
        draft_id: int,
        by: str,
        *,
        question: str | None = None,
        answer: str | None = None,
        products: Sequence[str] | None = None,
    ) -> Draft:
        """Changes what is given. What was accepted is a draft again; its file stays until it is accepted anew.

        Raises:
            NotFound: there is no such draft.
            BadFrame: the question is empty, or something is too long.
        """
        self.load(draft_id)
        values: dict[str, Any] = {"edited_by": by, "edited_at": now(), "accepted_by": None, "accepted_at": None}
        if question is not None:
            values["question"] = _check("question", " ".join(question.split()), QUESTION_MAX_CHARS)
        if answer is not None:
            values["answer"] = _check("answer", answer.strip(), ANSWER_MAX_CHARS, may_be_empty=True)
        if products is not None:
            values["products"] = _check_products(products)
        self._update(draft_id, values)
        logger.info("drafts.edited", draft=draft_id, by=by)
        return self.load(draft_id)

    def accept(self, draft_id: int, by: str, uploads: Path) -> Draft:
        """Writes the answer where the next reindex finds it.

        Args:
            uploads: the studio's folder of files; the answer goes into its `answers`.

        Raises:
            NotFound: there is no such draft.
            BadFrame: it has no answer yet, or words in brackets still stand for what was left out.
        """
        draft = self.load(draft_id)
        _check("question", draft.question, QUESTION_MAX_CHARS)
        _check("answer", draft.answer.strip(), ANSWER_MAX_CHARS)
        if holes := dict.fromkeys(_LEFT_OUT.findall(f"{draft.question} {draft.answer}")):
            raise BadFrame(f"Something personal was left out: write the text anew where it says {', '.join(holes)}.")
        file = draft.file or _free_name(uploads / ANSWERS, draft.question)
        _write(uploads / file, as_markdown(draft))
        self._update(draft_id, {"accepted_by": by, "accepted_at": now(), "file": file})
        logger.info("drafts.accepted", draft=draft_id, file=file, by=by)
        return self.load(draft_id)

    def remove(self, draft_id: int, by: str, uploads: Path) -> None:
        """Forgets a draft, with its file if it was accepted: the answer then leaves with the next release."""
        draft = self.load(draft_id)
        if draft.file is not None:
            (uploads / draft.file).unlink(missing_ok=True)
        with writing(self._engine) as connection:
            connection.execute(delete(answer_drafts).where(answer_drafts.c.id == draft_id))
        logger.info("drafts.removed", draft=draft_id, file=draft.file, by=by)

    def _update(self, draft_id: int, values: dict[str, Any]) -> None:
        with writing(self._engine) as connection:
            connection.execute(update(answer_drafts).where(answer_drafts.c.id == draft_id).values(**values))


def as_markdown(draft: Draft) -> str:
    """The file: front matter, the question as a heading, the answer; headings inside of it stand below the question."""
    matter: dict[str, Any] = {"title": draft.question}
    if draft.products:
        matter["products"] = list(draft.products)
    matter["updated"] = now()[:10]
    front = yaml.safe_dump(matter, sort_keys=False, allow_unicode=True, width=1000)
    answer = _HEADING.sub(lambda match: "#" * max(3, len(match[1])), draft.answer.strip())
    return f"---\n{front}---\n\n## {draft.question}\n\n{answer}\n"


def _check(name: str, text: str, max_chars: int, *, may_be_empty: bool = False) -> str:
    if len(text) > max_chars or not (text or may_be_empty):
        raise BadFrame(f"The {name} of a draft has 1 to {max_chars:,} characters.")
    return text


def _check_products(products: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in products if name.strip()))
    if len(names) > PRODUCTS_MAX or any(len(name) > 100 or "\n" in name for name in names):
        raise BadFrame(f"A draft names up to {PRODUCTS_MAX} products, each in one line.")
    return names


def _free_name(folder: Path, question: str) -> str:
    """A name within the uploads that no other answer has."""
    plain = unicodedata.normalize("NFKD", question).encode("ascii", "ignore").decode().lower()
    slug = _NOT_SLUG.sub("-", plain).strip("-")[:SLUG_MAX_CHARS].strip("-") or "answer"
    name, number = slug, 2
    while (folder / f"{name}.md").exists():
        name, number = f"{slug}-{number}", number + 1
    return f"{ANSWERS}/{name}.md"


def _write(path: Path, text: str) -> None:
    """In place all at once: a reindex that reads at this moment reads the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _draft(row: Row[Any]) -> Draft:
    return Draft(
        id=row.id,
        gap=row.gap_id,
        question=row.question,
        answer=row.answer,
        products=tuple(row.products),
        left_out=tuple(row.left_out),
        made_by=row.made_by,
        made_at=row.made_at,
        edited_by=row.edited_by,
        edited_at=row.edited_at,
        accepted_by=row.accepted_by,
        accepted_at=row.accepted_at,
        file=row.file,
    )

"""Plain text -> light Markdown. Floor: pure."""

from __future__ import annotations

import re

from knowledge.reading.light import tidy
from knowledge.reading.result import Reading


def read_plain(text: str) -> Reading:
    """Plain text as paragraphs: what looks like Markdown by chance is escaped nowhere, hard-wrapped lines stay."""
    plain = tidy(text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ").replace("\f", "\n"))
    first = next((line.strip() for line in plain.split("\n") if line.strip()), "")
    title = first.lstrip("# ") if 0 < len(first) <= 80 and not re.search(r"[.,;:]$", first) else None
    return Reading(text=plain, title=title)

"""Which lines of a Markdown text are code. Floor: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

FENCE = re.compile(r"^\s*(```+(?![^`\n]*`)|~~~+)")  # a line with further ticks is a code span that begins it


def lines_with_code(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each line with whether it belongs to a fenced code block, fences included."""
    fence = ""
    for line in lines:
        match = FENCE.match(line) if "```" in line or "~~~" in line else None
        if fence:
            yield line, True
            closes = match is not None and match.group(1)[0] == fence[0] and len(match.group(1)) >= len(fence)
            if match is not None and closes and line.strip() == match.group(1):
                fence = ""
        elif match:
            fence = match.group(1)
            yield line, True
        else:
            yield line, False


def whole_fences(lines: Iterable[str]) -> Iterator[str]:
    """The lines with each block of code closed, by the very fence that opened it; of its first line only the language.

    `blocks.py` reads what is written here: a fence there ends at a line that repeats it.
    """
    fence = indent = ""
    for line in lines:
        match = FENCE.match(line) if "```" in line or "~~~" in line else None
        if fence:
            if match and match.group(1).startswith(fence) and line.strip() == match.group(1):
                yield f"{indent}{fence}"
                fence = ""
            else:
                yield line.rstrip()
        elif match:
            fence = match.group(1)
            indent = line[: match.start(1)]
            yield f"{indent}{fence}{_language(line[match.end(1) :])}"
        else:
            yield line.rstrip()
    if fence:
        yield f"{indent}{fence}"


def _language(rest: str) -> str:
    """The language and, where one is given, the name of the file: `yaml docker-compose.yml`; settings are dropped."""
    words = rest.strip().removeprefix("{").split()
    kept = []
    for word in words[:3]:
        if not re.fullmatch(r"\.?[\w+#./-]+", word):
            break
        kept.append(word)
    return " ".join(kept)

"""Light Markdown: what every document is read into, and what is told from it. Floor: pure."""

from __future__ import annotations

import re

from knowledge.reading.fences import lines_with_code

HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
IMAGE = re.compile(
    r"!\[[^\]\n]{0,600}+\](?:\((?:[^()\n]|\([^()\n]{0,300}+\)){0,2000}+\)|\[[^\]\n]{0,200}+\])(?:\{[^{}\n]{0,200}+\})?"
)
LINK = re.compile(
    r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]{0,300}+\]){1,1000}+)\]"
    r"\(\s*+<?([^()\s<>]{0,2000}+(?:\([^()\s]{0,300}+\)[^()\s<>]{0,300}+){0,9}+)>?"
    r"(?:\s++(?:\"[^\"\n]{0,500}+\"|'[^'\n]{0,500}+'))?\s*+\)(?:\{[^{}\n]{0,200}+\})?"
)


def first_heading(text: str) -> str | None:
    """The words of the first heading of a light Markdown text, None when there is none."""
    for line, is_code in lines_with_code(text.split("\n")):
        if not is_code and (match := HEADING.match(line)):
            return plain_words(match.group(2)) or None
    return None


def plain_words(inline: str) -> str:
    """Inline Markdown without its marks: links become their text, emphasis and code ticks go."""
    inline = LINK.sub(r"\1", IMAGE.sub("", inline))
    inline = re.sub(r"(\*\*|__|~~|`)", "", inline)
    return re.sub(r"(?<!\w)([*_])(\S(?:[^*_]{0,300}?\S)?)\1(?!\w)", r"\2", inline).strip()


def tidy(text: str) -> str:
    """No trailing blanks, no more than one empty line, one newline at the end; '' for nothing but blanks."""
    text = text.replace("\u00a0", " ").replace("\u200b", "").replace("\ufeff", "")
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", text).strip("\n")
    return f"{text}\n" if text.strip() else ""

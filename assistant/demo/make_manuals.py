"""Lays out the demo's knowledge folder: plain files are copied, PDF and DOCX manuals are typeset from Markdown.

Floor: files in, files out. The same sources give the same bytes. Run it alone to look at the manuals:
`python -m assistant.demo.make_manuals FOLDER`.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import sys
from pathlib import Path

DEMO_FOLDER = Path(__file__).parent
PLAIN_FOLDER = DEMO_FOLDER / "knowledge"
SOURCE_FOLDER = DEMO_FOLDER / "sources"

# Two generations of the espresso machine as PDF, the humidifier as DOCX: each format that people keep manuals in.
TYPESET = {"lark-2": ".pdf", "lark": ".pdf", "plover": ".docx"}
# What each is about travels in the file's keywords, where the knowledge reads it.
PRODUCTS = {"lark-2": "Lark 2", "lark": "Lark", "plover": "Plover"}
TYPESETTERS = ("manual_source.py", "typeset_pdf.py", "typeset_docx.py")


def write_knowledge(folder: Path) -> list[Path]:
    """The knowledge files laid out in `folder`, in a stable order.

    Only what is missing or changed is written: a second call takes milliseconds and loads no typesetter.
    """
    plain = [_copy(source, folder / source.relative_to(PLAIN_FOLDER)) for source in plain_sources()]
    typeset = [_typeset(name, folder / "manuals" / f"{name}{suffix}") for name, suffix in TYPESET.items()]
    return sorted(plain + typeset)


def plain_sources() -> list[Path]:
    """Every file that travels as it is, sorted."""
    return sorted(path for path in PLAIN_FOLDER.rglob("*") if path.is_file())


def _copy(source: Path, target: Path) -> Path:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return target


def _typeset(name: str, target: Path) -> Path:
    """Typesets unless `target` already carries the stamp of its source, readable in the file itself."""
    markdown = (SOURCE_FOLDER / f"{name}.md").read_text(encoding="utf-8")
    stamp = _stamp_of(f"{PRODUCTS[name]}\n{markdown}")
    if not target.exists() or stamp.encode() not in target.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_set_type(markdown, target.suffix, f"product:{PRODUCTS[name]}", stamp))
    return target


def _set_type(markdown: str, suffix: str, keywords: str, stamp: str) -> bytes:
    from assistant.demo.manual_source import parse_manual

    manual = parse_manual(markdown)
    if suffix == ".pdf":
        from assistant.demo.typeset_pdf import typeset_pdf

        return typeset_pdf(manual, keywords=f"{keywords}, {stamp}")
    from assistant.demo.typeset_docx import typeset_docx

    return typeset_docx(manual, keywords=keywords, comment=stamp)


def _stamp_of(markdown: str) -> str:
    """Changes with the manual's words and with the way they are set."""
    return hashlib.sha256(_read_typesetters() + markdown.encode()).hexdigest()


@functools.cache
def _read_typesetters() -> bytes:
    return b"".join((DEMO_FOLDER / name).read_bytes() for name in TYPESETTERS)


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in write_knowledge(Path(sys.argv[1])))

"""Lays out the demo's knowledge folder: plain files are copied, PDF and DOCX manuals are typeset from Markdown.

Floor: files in, files out. Deterministic: the same sources give the same bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

DEMO_FOLDER = Path(__file__).parent
PLAIN_FOLDER = DEMO_FOLDER / "knowledge"


def write_knowledge(folder: Path) -> list[Path]:
    """The knowledge files laid out in `folder`, in a stable order. Only what is missing or changed is written."""
    return [_copy(source, folder / source.relative_to(PLAIN_FOLDER)) for source in plain_sources()]


def plain_sources() -> list[Path]:
    """Every file that travels as it is, sorted."""
    return sorted(path for path in PLAIN_FOLDER.rglob("*") if path.is_file())


def _copy(source: Path, target: Path) -> Path:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return target

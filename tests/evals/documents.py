"""What a folder of documents says, for the tests that hold written cases against it."""

from __future__ import annotations

from pathlib import Path

from knowledge.reading.files import find_files, read_file


def read_texts(folder: Path) -> dict[str, str]:
    """Each document by its source, as the product reads it: its title, with the text below, without emphasis."""
    read: dict[str, str] = {}
    for file in find_files(str(folder)):
        assert hasattr(file, "load"), f"{file} cannot be read"
        for document in read_file(file, file.load()):
            read[document.source] = read.get(document.source, "") + f"\n{document.title}\n{document.text}"
    return {source: text.replace("*", "") for source, text in read.items()}

"""Bytes of an unknown encoding -> text. Floor: pure."""

from __future__ import annotations

from knowledge.reading.faults import Unreadable
from knowledge.reading.language import detect_language

BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def decode(data: bytes) -> str:
    """The text of a file of unknown encoding: by its mark, as UTF-8, else as its bytes most probably are.

    Raises:
        Unreadable: the bytes are no text.
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if wide := _wide_encoding(data):
        return data.decode(wide, "replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = _guessed(data)
    if text.count("\0") > len(text) // 1000:
        raise Unreadable("this is binary data, not text: convert it to PDF, DOCX, HTML or Markdown")
    return text.replace("\0", "")


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of Western text is zero."""
    sample = data[:2000]
    half = len(sample) // 2
    if half >= 4 and sample[1::2].count(0) > 0.6 * half and sample[::2].count(0) == 0:
        return "utf-16-le"
    if half >= 4 and sample[::2].count(0) > 0.6 * half and sample[1::2].count(0) == 0:
        return "utf-16-be"
    return None


def _guessed(data: bytes) -> str:
    """Text in an older encoding: Windows' Western or Central European one where few bytes are beyond ASCII."""
    beyond = sum(byte >= 0x80 for byte in data[:50_000])
    controls = sum(byte < 9 or 13 < byte < 32 for byte in data[:50_000])
    if controls == 0 and beyond < 0.45 * len(data[:50_000]):
        central = data.decode("cp1250", "replace")
        if detect_language(central) in ("pl", "cs", "hu", "ro") and "\ufffd" not in central:
            return central
        western = data.decode("cp1252", "replace")
        if western.count("\ufffd") <= beyond // 100:
            return western
    from charset_normalizer import from_bytes

    best = from_bytes(data[:200_000]).best()
    if best is None:
        raise Unreadable("its encoding cannot be told: save it as UTF-8")
    return data.decode(best.encoding, "replace")

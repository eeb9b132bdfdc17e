"""Why one file could not be read: raised by the readers, reported as a line, never the end of a run. Floor: pure."""

from __future__ import annotations


class Unreadable(Exception):
    """One source cannot be read; the message is a sentence that says what is wrong and what to do."""


class Unreachable(Unreadable):
    """A page does not answer just now: what was known of it stays in service."""

"""What makes a conversation's journal provably whole. Floor: pure.

    digest(n) = sha256(salt(n) ‖ content(n))                       content: what the law may make us erase
    hash(n)   = sha256(hash(n-1) ‖ header(n))                      header: everything else, and digest(n)
    hash(0)   = sha256("tellonce journal 1\\n" ‖ conversation id)

All text is JSON without spaces, in UTF-8: `content` an object with sorted keys, `header` an array. Erasing an event
removes content and salt and leaves digest and hash, so the chain still verifies; without its salt a digest cannot be
guessed back into short words. The form follows RFC 6962's hashing of a log, as a list instead of a tree.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from assistant.journal.events import Audience, Author
from assistant.journal.port import ChainReport

SALT_BYTES = 16
GENESIS = b"tellonce journal 1\n"


def seal(data: dict[str, Any], author: Author) -> bytes:
    """The erasable content of an event, in its canonical bytes.

    Raises:
        TypeError: `data` holds something JSON has no word for.
    """
    return orjson.dumps({"data": data, "id": author.id, "name": author.name}, option=orjson.OPT_SORT_KEYS)


def digest_of(salt: bytes, content: bytes) -> bytes:
    return hashlib.sha256(salt + content).digest()


def genesis(conversation_id: str) -> bytes:
    """The hash before the first event: a chain moved to another conversation does not fit there."""
    return hashlib.sha256(GENESIS + conversation_id.encode()).digest()


def link(
    previous: bytes,
    conversation_id: str,
    seq: int,
    prev: int,
    at: str,
    kind: str,
    audience: str,
    role: str,
    client_id: str | None,
    digest: bytes,
) -> bytes:
    """The hash of an event, binding it to the one before.

    Raises:
        TypeError: a field is of a type that no event has.
    """
    header = orjson.dumps((conversation_id, seq, prev, at, kind, audience, role, client_id, digest.hex()))
    return hashlib.sha256(previous + header).digest()


class Verification:
    """Recomputes one conversation's chain from its stored events, given in order; holds no more than one event.

    After the first that does not fit the rest is only counted: nothing further can be known. Columns may hold anything:
    whoever tampers is not bound by types.
    """

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.last_seq = 0
        self._hash = genesis(conversation_id)
        self._customer_seq = 0
        self._events = 0
        self._erased = 0
        self._broken_seq: int | None = None
        self._reason: str | None = None

    def add(
        self,
        seq: int,
        prev: int,
        at: str,
        kind: str,
        audience: str,
        role: str,
        client_id: str | None,
        salt: bytes | None,
        digest: bytes,
        content: bytes | None,
        stored_hash: bytes,
    ) -> None:
        """The next stored event, column by column (a row straight from the database)."""
        self._events += 1
        if self._broken_seq is not None:
            return
        expected = self.last_seq + 1
        if seq != expected:
            self._break(*_numbering_fault(seq, expected))
            return
        self.last_seq = seq
        if prev != self._customer_seq:
            self._break(seq, f"prev is {prev}, but the last event the customer could see was {self._customer_seq}")
            return
        erased = content is None and salt is None
        reason = None if erased else _content_fault(salt, digest, content)
        if reason is None:
            try:
                self._hash = link(
                    self._hash, self.conversation_id, seq, prev, at, kind, audience, role, client_id, digest
                )
            except (TypeError, AttributeError):
                reason = "a column holds a value of the wrong type"
            else:
                reason = None if self._hash == stored_hash else "the hash does not follow from the event"
        if reason is not None:
            self._break(seq, reason)
            return
        self._erased += erased
        if audience == Audience.EVERYONE:
            self._customer_seq = seq

    def finish(self, head_seq: int, head_hash: bytes, head_customer_seq: int) -> ChainReport:
        """The verdict, once every event was added, held against the conversation's own note of its newest event."""
        if self._broken_seq is None:
            if not isinstance(head_seq, int):
                self._break(self.last_seq, "the conversation's head is no number")
            elif head_seq > self.last_seq:
                self._break(self.last_seq + 1, f"event {self.last_seq + 1} is missing: the conversation has {head_seq}")
            elif head_seq < self.last_seq:
                self._break(head_seq + 1, f"the conversation ends at event {head_seq}, this one comes after")
            elif head_hash != self._hash or head_customer_seq != self._customer_seq:
                self._break(self.last_seq, "the conversation's head does not match its newest event")
        return ChainReport(self.conversation_id, self._events, self._erased, self._broken_seq, self._reason)

    def _break(self, seq: int, reason: str) -> None:
        self._broken_seq, self._reason = seq, reason


def _numbering_fault(seq: object, expected: int) -> tuple[int, str]:
    if isinstance(seq, int) and seq < expected:
        return seq, "events are numbered from 1"
    return expected, f"event {expected} is missing"


def _content_fault(salt: bytes | None, digest: bytes, content: bytes | None) -> str | None:
    if salt is None or content is None:
        return "data and salt are erased together or not at all"
    if not isinstance(salt, bytes):
        return "a column holds a value of the wrong type"
    return None if digest_of(salt, content) == digest else "the data is not what was written"

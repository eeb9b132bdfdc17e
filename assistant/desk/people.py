"""Agents as the desk speaks of them, and how patient it is with wrong passwords. Floor: pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assistant.errors import BadFrame
from assistant.journal.events import Author, Role

PASSWORD_MIN_CHARS = 10
PASSWORD_MAX_CHARS = 200  # hashing costs time and memory by length: bounded before it begins
FREE_FAILURES = 5
FIRST_LOCK_SECONDS = 30.0
LONGEST_LOCK_SECONDS = 900.0


class AgentRole(StrEnum):
    AGENT = "agent"  # talks to customers
    CONTENT = "content"  # keeps the knowledge; sees no conversations
    ADMIN = "admin"  # both


@dataclass(frozen=True, slots=True)
class Agent:
    id: str
    email: str
    name: str
    role: AgentRole

    @property
    def may_enter_desk(self) -> bool:
        return self.role in (AgentRole.AGENT, AgentRole.ADMIN)

    @property
    def may_enter_studio(self) -> bool:
        return self.role in (AgentRole.CONTENT, AgentRole.ADMIN)

    @property
    def author(self) -> Author:
        """The agent as the journal names them."""
        return Author(Role.AGENT, self.name, self.id)

    def as_data(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "email": self.email, "role": self.role.value}


def read_role(text: str) -> AgentRole:
    """Raises BadFrame for a role that does not exist."""
    try:
        return AgentRole(text)
    except ValueError:
        raise BadFrame(f"There is no role {text!r}: use agent, content or admin.") from None


def check_password(password: str) -> None:
    """Raises BadFrame for a password that is too short to be safe or too long to be hashed."""
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        raise BadFrame(f"A password has {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters.")


def lock_seconds(failures: int) -> float:
    """How long nobody may try again after so many wrong passwords: 30 s after five, then doubling up to 15 minutes."""
    if failures < FREE_FAILURES:
        return 0.0
    return min(LONGEST_LOCK_SECONDS, FIRST_LOCK_SECONDS * 2.0 ** min(failures - FREE_FAILURES, 10))


def name_from_email(email: str) -> str:
    """A first guess at a name: `mia.stone@shop.example` is Mia Stone."""
    words = email.partition("@")[0].replace(".", " ").replace("_", " ").replace("-", " ").split()
    return " ".join(word.capitalize() for word in words) or email

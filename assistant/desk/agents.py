"""Agents' accounts: made, listed, removed, signed in. Floor: store; synchronous and thread-safe.

Passwords are kept as argon2id hashes; sign-in costs the same for an address that has no account, and each attempt
counts as failed before it is checked, so that guesses in parallel gain nothing.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc

from assistant.database import reading, writing
from assistant.desk.people import PASSWORD_MAX_CHARS, Agent, check_password, lock_seconds, name_from_email, read_role
from assistant.desk.schema import agents, ended_sessions, sign_in_failures, sign_in_links
from assistant.errors import BadFrame, Conflict, NotFound, RateLimited, Unauthorized
from assistant.profile.traits import clean_email, clean_name, email_key

if TYPE_CHECKING:
    from argon2 import PasswordHasher

HASHING_AT_ONCE = 2  # each takes 64 MiB and about 50 ms: a crowd at the door waits instead of filling the memory
LINK_SECONDS = 3600.0
FORGET_FAILURES_SECONDS = 24 * 3600.0
WRONG = "The e-mail address or the password is not right."


@functools.cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()  # argon2id with the low-memory parameters of RFC 9106 section 4


@functools.cache
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


class Agents:
    """Every method may raise StorageUnavailable. `clock` gives seconds since the epoch."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._hashing = threading.BoundedSemaphore(HASHING_AT_ONCE)

    def add(self, email: str, role: str, name: str | None = None, password: str | None = None) -> tuple[Agent, str]:
        """The new agent and the password to sign in with: the given one, or a generated one that is kept nowhere.

        Raises:
            BadFrame: the address, role or password is off.
            Conflict: there is an agent with this address.
        """
        address = clean_email(email)
        if address is None:
            raise BadFrame(f"{email!r:.80} is not an e-mail address: write it as name@example.com.")
        known_role = read_role(role)
        secret = password if password is not None else secrets.token_urlsafe(12)
        check_password(secret)
        shown = clean_name(name) or name_from_email(address)
        agent = Agent(f"agt_{uuid.uuid4().hex[:16]}", email_key(address), shown, known_role)
        with self._hashing:
            password_hash = _hasher().hash(secret)
        created_at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
        values = {**agent.as_data(), "password_hash": password_hash, "created_at": created_at}
        try:
            with writing(self._engine) as connection:
                connection.execute(sa.insert(agents).values(**values))
        except exc.IntegrityError as error:
            raise Conflict(f"There is an agent {agent.email} already: remove it first to make it anew.") from error
        return agent, secret

    def list(self) -> list[Agent]:
        """Every agent by e-mail address."""
        with reading(self._engine) as connection:
            return [_agent_of(row) for row in connection.execute(sa.select(agents).order_by(agents.c.email))]

    def remove(self, email: str) -> None:
        """The account is gone; sessions of it end at their next step. What the agent wrote stays in the journal.

        Raises:
            NotFound: there is no such agent.
        """
        with writing(self._engine) as connection:
            done = connection.execute(sa.delete(agents).where(agents.c.email == email_key(email)))
            if done.rowcount == 0:
                raise NotFound(f"There is no agent {email.strip()}: `tellonce agents list` shows them.")

    def load(self, agent_id: str) -> Agent | None:
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(agents).where(agents.c.id == agent_id)).one_or_none()
        return None if row is None else _agent_of(row)

    def load_for_session(self, agent_id: str, session: str) -> Agent | None:
        """The agent, unless the session (its whole token) was ended."""
        with reading(self._engine) as connection:
            ended = sa.select(ended_sessions).where(ended_sessions.c.token_hash == _hash(session))
            mine = sa.select(agents).where(agents.c.id == agent_id, ~ended.exists())
            row = connection.execute(mine).one_or_none()
        return None if row is None else _agent_of(row)

    def end_session(self, session: str, lifetime_seconds: float) -> None:
        """The session proves nothing any more, whoever kept its token; `lifetime_seconds` is the longest it had."""
        now = self._clock()
        values = {"token_hash": _hash(session), "expires_at": now + lifetime_seconds}
        with contextlib.suppress(exc.IntegrityError), writing(self._engine) as connection:
            connection.execute(sa.delete(ended_sessions).where(ended_sessions.c.expires_at < now))
            connection.execute(sa.insert(ended_sessions).values(**values))

    def sign_in(self, email: str, password: str) -> Agent:
        """The agent with this address and password.

        Raises:
            Unauthorized: one of them is wrong; which one is not said.
            RateLimited: too many wrong ones lately, whether or not there is such an account.
        """
        if len(password) > PASSWORD_MAX_CHARS:
            raise Unauthorized(WRONG)
        key = email_key(email)
        self._count_failure(key)
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(agents).where(agents.c.email == key)).one_or_none()
        if not self._matches(_nobodys_hash() if row is None else row.password_hash, password) or row is None:
            raise Unauthorized(WRONG)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.email_hash == _hash(key)))
        return _agent_of(row)

    def make_link(self, agent_id: str, lifetime_seconds: float = LINK_SECONDS) -> str:
        """A token that signs this agent in once, within its lifetime: `/sign-in?token=…`."""
        token = secrets.token_urlsafe(32)
        now = self._clock()
        values = {"token_hash": _hash(token), "agent_id": agent_id, "expires_at": now + lifetime_seconds}
        try:
            with writing(self._engine) as connection:
                connection.execute(sa.delete(sign_in_links).where(sign_in_links.c.expires_at < now))
                connection.execute(sa.insert(sign_in_links).values(**values))
        except exc.IntegrityError as error:
            raise NotFound("There is no such agent.") from error
        return token

    def redeem_link(self, token: str) -> Agent:
        """The agent a one-time link belongs to; the link is used up. Raises Unauthorized."""
        mine = sign_in_links.c.token_hash == _hash(token)
        with writing(self._engine) as connection:
            link = connection.execute(sa.delete(sign_in_links).where(mine).returning(sign_in_links)).one_or_none()
        agent = self.load(link.agent_id) if link is not None and link.expires_at > self._clock() else None
        if agent is None:
            raise Unauthorized("This sign-in link has been used or has expired.")
        return agent

    def _matches(self, password_hash: str, password: str) -> bool:
        from argon2.exceptions import VerificationError

        with self._hashing:
            try:
                return _hasher().verify(password_hash, password)
            except VerificationError:
                return False

    def _count_failure(self, key: str) -> None:
        """Counts an attempt as failed; `sign_in` takes it back. Raises RateLimited while the address is locked."""
        f, now, mine = sign_in_failures.c, self._clock(), _hash(key)
        with writing(self._engine) as connection:
            connection.execute(sa.delete(sign_in_failures).where(f.last_at < now - FORGET_FAILURES_SECONDS))
            row = connection.execute(sa.select(sign_in_failures).where(f.email_hash == mine)).one_or_none()
            wait_seconds = 0.0 if row is None else row.last_at + lock_seconds(row.failures) - now
            if wait_seconds > 0:
                raise RateLimited(
                    f"There were too many wrong passwords. Please try again in {_span(wait_seconds)}.",
                    retry_after_seconds=math.ceil(wait_seconds),
                )
            if row is None:
                connection.execute(sa.insert(sign_in_failures).values(email_hash=mine, failures=1, last_at=now))
            else:
                again = {"failures": row.failures + 1, "last_at": now}
                connection.execute(sa.update(sign_in_failures).where(f.email_hash == mine).values(**again))


def _agent_of(row: sa.Row[tuple[str, ...]]) -> Agent:
    return Agent(row.id, row.email, row.name, read_role(row.role))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _span(seconds: float) -> str:
    return f"{math.ceil(seconds)} seconds" if seconds < 90 else f"{math.ceil(seconds / 60)} minutes"

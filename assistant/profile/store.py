"""Customers, kept. Floor: store; rules: `records.py` and `recognition.py`; past talks are joined by `history.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import exc

from assistant.database import reading, writing
from assistant.errors import NotFound, StorageUnavailable
from assistant.profile.customer import Claims, Customer
from assistant.profile.recognition import TOKEN_SOURCE, identities_of, learned, newcomer
from assistant.profile.records import FIELDS, LISTS, customer_from, record_of, updated
from assistant.profile.schema import customers, identities
from assistant.profile.traits import email_key, phone_key

logger = structlog.get_logger(__name__)

IMPORT_BATCH = 50  # a transaction of 50 upserts takes about 10 ms on SQLite: acks queue behind it no longer than that


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list of customers."""

    id: str
    name: str | None
    email: str | None
    orders: int
    updated_at: str
    erased_at: str | None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Profiles:
    """Thread-safe and synchronous; every transaction is short. Every method may raise StorageUnavailable."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime] = _utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def recognise(self, claims: Claims) -> Customer:
        """The customer this verified token belongs to, found by its subject; made when nobody told us about them.

        An erased customer who signs in again starts anew with what the token says.
        """
        for _ in range(3):
            known = self.load(claims.subject)
            customer = newcomer(claims) if known is None else learned(known, claims)
            if customer is known:
                return customer
            try:
                with writing(self._engine) as connection:
                    self._save(connection, customer, TOKEN_SOURCE, exists=known is not None)
                return customer
            except exc.IntegrityError:
                continue  # the same customer's other tab was first
        raise StorageUnavailable

    def load(self, customer_id: str) -> Customer | None:
        """The whole profile; None for unknown and for erased customers."""
        with reading(self._engine) as connection:
            row = connection.execute(
                sa.select(customers).where(customers.c.id == customer_id, customers.c.erased_at.is_(None))
            ).one_or_none()
        return None if row is None else _customer_of(row)

    def find(self, text: str) -> list[Customer]:
        """Everybody this id, e-mail address or phone number belongs to: a family may share a mailbox."""
        i = identities.c
        wanted = sa.or_(
            sa.and_(i.kind == "subject", i.value == text.strip()),
            sa.and_(i.kind == "email", i.value == email_key(text)),
            sa.and_(i.kind == "phone", i.value == phone_key(text)) if phone_key(text).strip("+") else sa.false(),
        )
        query = sa.select(customers).where(customers.c.id.in_(sa.select(i.customer_id).where(wanted)))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(customers.c.id)).all()
        return [_customer_of(row) for row in rows]

    def import_customers(self, records: Sequence[Mapping[str, Any]], *, source: str | None = None) -> int:
        """Adds or updates these customers, and returns how many; fields a record does not mention stay as they are.

        Erased customers are passed over: an import never undoes an erasure.

        Args:
            records: dicts as `records.customer_from` takes them; `id` is the `sub` of the customer's tokens.
            source: kept with every field; default "import" and the date.

        Raises:
            BadFrame: a record is off; nothing at all was written.
        """
        label = source or f"import {self._clock().date().isoformat()}"
        read = [(customer_from(record, source=label), set(record)) for record in records]
        starts = range(0, len(read), IMPORT_BATCH)
        return sum(self._import_batch(read[start : start + IMPORT_BATCH], label) for start in starts)

    def _import_batch(self, batch: Sequence[tuple[Customer, set[str]]], source: str) -> int:
        ids = [customer.id for customer, _ in batch]
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(customers).where(customers.c.id.in_(ids))).all()
        known = {row.id: _customer_of(row) for row in rows if row.erased_at is None}
        erased = {row.id for row in rows if row.erased_at is not None}
        if erased:
            logger.info("profiles.import_passed_over_erased", count=len(erased))
        written: set[str] = set()
        with writing(self._engine) as connection:
            for customer, given in batch:
                if customer.id in erased:
                    continue
                before = known.get(customer.id)
                after = customer if before is None else updated(before, customer, given)
                self._save(connection, after, source, exists=before is not None)
                known[customer.id] = after
                written.add(customer.id)
        return len(written)

    def export(self, customer_id: str) -> dict[str, Any]:
        """Everything kept about this customer outside the journal. Raises NotFound."""
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(customers).where(customers.c.id == customer_id)).one_or_none()
            if row is None:
                raise NotFound(f"There is no customer {customer_id!r}.")
            keys = connection.execute(
                sa.select(identities).where(identities.c.customer_id == customer_id).order_by(identities.c.kind)
            ).all()
        return {
            **record_of(_customer_of(row)),
            "identities": [
                {"kind": k.kind, "value": k.value, "source": k.source, "first_seen_at": k.first_seen_at} for k in keys
            ],
            "created_at": row.created_at,
            "updated_at": row.updated_at,
            "erased_at": row.erased_at,
        }

    def erase(self, customer_id: str) -> None:
        """Empties the profile and leaves a tombstone: the id and when. What was said is the journal's to erase.

        Raises:
            NotFound: no such customer, or erased before.
        """
        now = self._now()
        empty = dict.fromkeys(("name", "email", "phone", "locale", "since")) | {name: [] for name in LISTS}
        with writing(self._engine) as connection:
            done = connection.execute(
                sa.update(customers)
                .where(customers.c.id == customer_id, customers.c.erased_at.is_(None))
                .values(**empty, traits={}, sources={}, updated_at=now, erased_at=now)
            )
            if done.rowcount == 0:
                raise NotFound(f"There is no customer {customer_id!r}, or they were erased before.")
            connection.execute(sa.delete(identities).where(identities.c.customer_id == customer_id))

    def erased_among(self, customer_ids: Collection[str]) -> frozenset[str]:
        """Those of these customers who were erased and have not signed in since; whichever process erased them."""
        wanted = customers.c.id.in_([*customer_ids])
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(customers.c.id).where(wanted, customers.c.erased_at.is_not(None)))
            return frozenset(row.id for row in rows)

    def list(self, *, limit: int = 1000) -> list[Listed]:
        """The customers, last changed first, tombstones included."""
        c = customers.c
        columns = (c.id, c.name, c.email, sa.func.json_array_length(c.orders), c.updated_at, c.erased_at)
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(*columns).order_by(c.updated_at.desc(), c.id).limit(limit)).all()
        return [Listed(*row) for row in rows]

    def _save(self, connection: sa.Connection, customer: Customer, source: str, *, exists: bool) -> None:
        now = self._now()
        values: dict[str, Any] = {name: record_of(customer)[name] for name in (*FIELDS, "sources")}
        values |= {"updated_at": now, "erased_at": None}
        if exists:
            connection.execute(sa.update(customers).where(customers.c.id == customer.id).values(**values))
        elif not connection.execute(
            sa.update(customers)
            .where(customers.c.id == customer.id, customers.c.erased_at.is_not(None))
            .values(**values)
        ).rowcount:
            connection.execute(sa.insert(customers).values(**values, created_at=now))
        self._save_identities(connection, customer, source, now)

    @staticmethod
    def _save_identities(connection: sa.Connection, customer: Customer, source: str, now: str) -> None:
        mine = identities.c.customer_id == customer.id
        rows = connection.execute(sa.select(identities.c.kind, identities.c.value).where(mine)).all()
        kept, wanted = {(row.kind, row.value) for row in rows}, set(identities_of(customer))
        for kind, value in kept - wanted:
            connection.execute(
                sa.delete(identities).where(mine, identities.c.kind == kind, identities.c.value == value)
            )
        for kind, value in sorted(wanted - kept):
            connection.execute(
                sa.insert(identities).values(
                    kind=kind, value=value, customer_id=customer.id, source=source, first_seen_at=now
                )
            )

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _customer_of(row: sa.Row[Any]) -> Customer:
    return customer_from({name: getattr(row, name) for name in (*FIELDS, "sources")})

"""Who a conversation is with: the unified profile and what is in it. Floor: pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified identity token says (PROTOCOL section 6). After `good_until` (Unix seconds) it proves nothing."""

    subject: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    good_until: float | None = None


@dataclass(frozen=True, slots=True)
class Order:
    number: str
    placed_on: str  # ISO date
    status: str  # e.g. "delivered", "in transit", "processing", "returned"
    items: tuple[str, ...]  # product names
    total: str  # as shown to the customer, with currency
    tracking: str | None = None
    expected_on: str | None = None  # ISO date
    delivered_on: str | None = None


@dataclass(frozen=True, slots=True)
class Appointment:
    id: str
    at: str  # RFC 3339
    what: str
    status: str  # "booked", "done", "cancelled"


@dataclass(frozen=True, slots=True)
class OwnedProduct:
    name: str
    bought_on: str | None = None  # ISO date
    serial: str | None = None
    order: str | None = None  # order number


@dataclass(frozen=True, slots=True)
class Touchpoint:
    """A past conversation or other contact, on any channel."""

    at: str  # RFC 3339
    channel: str  # "web", "phone", "e-mail", "shop"
    summary: str
    outcome: str | None = None
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A unified profile. Everything in it came from a trusted record or a verified identity."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    locale: str | None = None
    since: str | None = None  # ISO date
    products: tuple[OwnedProduct, ...] = ()
    orders: tuple[Order, ...] = ()  # newest first
    appointments: tuple[Appointment, ...] = ()  # soonest first
    touchpoints: tuple[Touchpoint, ...] = ()  # newest first
    traits: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)  # field name -> where it came from, e.g. "import 2026-11-23"

    @property
    def first_name(self) -> str | None:
        return self.name.split()[0] if self.name and self.name.strip() else None

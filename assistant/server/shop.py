"""The demo shop's own routes: what the page shows, and a switch that signs visitors in. Floor: door; demo mode only.

A real shop signs its visitors on its own server with the identity secret; here this server plays that part.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from assistant.errors import NotFound
from assistant.server.identity import Tokens

SIGNED_IN_SECONDS = 12 * 3600


@dataclass(frozen=True)
class DemoShop:
    """What the demo is made of: the page's texts, and customer records with `id`, `name` and `note`."""

    page: dict[str, Any]
    customers: Sequence[dict[str, Any]]


class DemoCustomer(BaseModel):
    id: str
    name: str
    note: str


class Shop(BaseModel):
    """The shop page's texts, whatever they are, and the customers one may sign in as."""

    model_config = ConfigDict(extra="allow")

    customers: list[DemoCustomer]


class WhoToBe(BaseModel):
    customer: str


class Identity(BaseModel):
    token: str


def make_shop_router(shop: DemoShop, open_tokens: Callable[[], Awaitable[Tokens]]) -> APIRouter:
    """`/v1/demo` and `/v1/demo/identity`. Only ever mounted when the demo was asked for."""
    router = APIRouter(prefix="/v1/demo", tags=["demo"])
    customers: dict[str, dict[str, Any]] = {record["id"]: record for record in shop.customers}

    @router.get("", summary="The demo shop")
    async def read_shop() -> Shop:
        listed = [DemoCustomer(id=r["id"], name=r["name"], note=r.get("note", "")) for r in customers.values()]
        return Shop(**{**shop.page, "customers": listed})

    @router.post("/identity", summary="Sign in as one of the demo's customers")
    async def sign_in(who: WhoToBe) -> Identity:
        record = customers.get(who.customer)
        if record is None:
            raise NotFound("The demo has no such customer.")
        tokens = await open_tokens()
        token = tokens.sign_customer(
            record["id"],
            name=record.get("name"),
            email=record.get("email"),
            phone=record.get("phone"),
            lifetime_seconds=SIGNED_IN_SECONDS,
        )
        return Identity(token=token)

    return router

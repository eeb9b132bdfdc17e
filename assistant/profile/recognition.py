"""What a verified token teaches about its customer, and what it never does. Floor: pure.

A customer is found by the token's subject alone. A name or an address in a token is kept, but joins no two profiles:
two people share a family mailbox.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from assistant.profile.customer import Claims, Customer
from assistant.profile.traits import email_key, phone_key

TOKEN_SOURCE = "identity token"

IdentityKind = Literal["subject", "email", "phone"]


def newcomer(claims: Claims) -> Customer:
    """The profile of somebody nobody told us about: the token's claims and nothing else."""
    return learned(Customer(claims.subject), claims)


def learned(customer: Customer, claims: Claims) -> Customer:
    """The customer with what this token says; the same object when it says nothing new.

    The token is newer than the record and as trusted, so what it states wins; what it leaves out stays.
    """
    stated = {"name": claims.name, "email": claims.email, "phone": claims.phone}
    news = {name: value for name, value in stated.items() if value and value != getattr(customer, name)}
    if not news:
        return customer
    sources = customer.sources | dict.fromkeys(news, TOKEN_SOURCE)
    return replace(
        customer,
        name=news.get("name", customer.name),
        email=news.get("email", customer.email),
        phone=news.get("phone", customer.phone),
        sources=sources,
    )


def identities_of(customer: Customer) -> list[tuple[IdentityKind, str]]:
    """By what this customer can be looked up, each value in the form that is compared."""
    found: list[tuple[IdentityKind, str]] = [("subject", customer.id)]
    if customer.email:
        found.append(("email", email_key(customer.email)))
    if customer.phone:
        found.append(("phone", phone_key(customer.phone)))
    return found

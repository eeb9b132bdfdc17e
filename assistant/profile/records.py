"""A customer as a plain record (a dict, as in an import file or a stored row) and back. Floor: pure.

Nothing enters a profile unchecked: each text is cleaned and bounded, each list is put in its order, and what is wrong
is named with the customer and the field it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from assistant.errors import BadFrame
from assistant.profile.customer import Appointment, Customer, Order, OwnedProduct, Touchpoint
from assistant.profile.traits import clean_email, clean_line, clean_name, clean_phone

ID_MAX_CHARS = 200
LIST_MAX_ITEMS = 1000
TRAITS_MAX = 100

Item = TypeVar("Item", Order, Appointment, OwnedProduct, Touchpoint)

FIELDS = tuple(f.name for f in fields(Customer) if f.name != "sources")
# What an export or the demo's file says beside the profile; an import passes over it.
BESIDE = frozenset({"sources", "identities", "created_at", "updated_at", "erased_at", "note"})
LISTS = ("products", "orders", "appointments", "touchpoints")


def record_of(customer: Customer) -> dict[str, Any]:
    """The whole profile as JSON values; `customer_from` turns it back into the same customer."""
    found: dict[str, Any] = _as_json(asdict(customer))
    return found


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(entry) for key, entry in value.items()}
    return [_as_json(entry) for entry in value] if isinstance(value, list | tuple) else value


def customer_from(record: Mapping[str, Any], *, source: str | None = None) -> Customer:
    """The customer a record describes; keys that are absent stay empty.

    Args:
        record: keys as in `Customer`; lists hold dicts with the keys of their dataclass.
        source: where the record came from; kept for every field it fills. None: as the record's own `sources` say.

    Raises:
        BadFrame: a field is missing, unknown or off; the sentence names the customer and the field.
    """
    customer_id = check_id(record.get("id"))
    where = f"Customer {customer_id!r}"
    unknown = sorted(set(record) - {*FIELDS, *BESIDE})
    if unknown:
        raise BadFrame(f"{where} has a field {unknown[0]!r} that profiles do not know; they know {', '.join(FIELDS)}.")
    filled = [name for name in FIELDS if name != "id" and record.get(name)]
    return Customer(
        id=customer_id,
        name=_checked(record, "name", clean_name, where),
        email=_checked(record, "email", clean_email, where),
        phone=_checked(record, "phone", clean_phone, where),
        locale=_checked(record, "locale", clean_line, where),
        since=_checked(record, "since", _iso_date, where),
        products=_items(record, "products", OwnedProduct, where),
        orders=newest_first(_items(record, "orders", Order, where), lambda o: o.placed_on),
        appointments=tuple(sorted(_items(record, "appointments", Appointment, where), key=lambda a: _instant(a.at))),
        touchpoints=newest_first(_items(record, "touchpoints", Touchpoint, where), lambda t: t.at),
        traits=_traits(record.get("traits"), where),
        sources=dict.fromkeys(filled, source) if source else _strings(record.get("sources")),
    )


def check_id(value: object) -> str:
    """A customer's id: 1 to 200 visible characters on one line. Raises BadFrame."""
    cleaned = clean_line(value, ID_MAX_CHARS)
    if cleaned is None or cleaned != value:
        raise BadFrame(
            f"Every customer needs an `id` of 1 to {ID_MAX_CHARS} visible characters in Unicode's NFC form; "
            f"{value!r:.60} is none."
        )
    return cleaned


def updated(known: Customer, newer: Customer, given: set[str]) -> Customer:
    """`known` with the fields `given` in the newer record replaced; what the newer one does not mention stays."""
    values = {name: getattr(newer if name in given else known, name) for name in FIELDS}
    sources = {name: s for name, s in known.sources.items() if name not in given} | newer.sources
    return Customer(**values, sources=sources)


def _checked(record: Mapping[str, Any], name: str, clean: Callable[[object], str | None], where: str) -> str | None:
    value = record.get(name)
    if value is None or value == "":
        return None
    cleaned = clean(value)
    if cleaned is None:
        raise BadFrame(f"{where}: {name} {value!r:.60} is not valid.")
    return cleaned


def _items(record: Mapping[str, Any], name: str, kind: type[Item], where: str) -> tuple[Item, ...]:
    values = record.get(name) or ()
    if not isinstance(values, list | tuple) or len(values) > LIST_MAX_ITEMS:
        raise BadFrame(f"{where}: {name} must be a list of at most {LIST_MAX_ITEMS}.")
    return tuple(_item(value, kind, f"{where}: {name}[{n}]") for n, value in enumerate(values))


def _item(value: object, kind: type[Item], where: str) -> Item:
    if not isinstance(value, Mapping):
        raise BadFrame(f"{where} must be an object.")
    names = [f.name for f in fields(kind)]
    unknown = sorted(set(value) - set(names))
    if unknown:
        raise BadFrame(f"{where} has a field {unknown[0]!r}; known are {', '.join(names)}.")
    cleaned = {name: _item_value(value[name], name, where) for name in value}
    missing = [n for n in _required(kind) if not cleaned.get(n)]
    if missing:
        raise BadFrame(f"{where} lacks {missing[0]}.")
    for name in ("placed_on", "expected_on", "delivered_on", "bought_on"):
        _checked(cleaned, name, _iso_date, where)
    _checked(cleaned, "at", _iso_instant, where)
    return kind(**cleaned)


def _item_value(value: object, name: str, where: str) -> Any:
    if value is None:
        return None
    if name == "items":
        if not isinstance(value, list | tuple):
            raise BadFrame(f"{where}: items must be a list of product names.")
        return tuple(text for text in (clean_line(v) for v in value) if text)
    text = clean_line(value)
    if text is None and value != "":
        raise BadFrame(f"{where}: {name} must be text, not {value!r:.60}.")
    return text


def _required(kind: type[Any]) -> tuple[str, ...]:
    return {
        Order: ("number", "placed_on", "status", "items", "total"),
        Appointment: ("id", "at", "what", "status"),
        OwnedProduct: ("name",),
        Touchpoint: ("at", "channel", "summary"),
    }[kind]


def _traits(value: object, where: str) -> dict[str, Any]:
    if not value:
        return {}
    if not isinstance(value, Mapping) or len(value) > TRAITS_MAX:
        raise BadFrame(f"{where}: traits must be an object of at most {TRAITS_MAX} entries.")
    return {str(key)[:100]: _trait(entry, f"{where}: trait {key!r}") for key, entry in value.items()}


def _trait(value: object, where: str) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_trait(entry, where) for entry in value[:LIST_MAX_ITEMS] if not isinstance(entry, list | tuple)]
    if isinstance(value, str):
        return clean_line(value)
    raise BadFrame(f"{where} must be text, a number, true, false or a list of these.")


def _strings(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}


def newest_first(items: tuple[Item, ...], at: Callable[[Item], str]) -> tuple[Item, ...]:
    """The items by the date or time that `at` reads off each, in ISO 8601."""
    return tuple(sorted(items, key=lambda item: _instant(at(item)), reverse=True))


def _iso_date(value: object) -> str | None:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        return None


def _iso_instant(value: object) -> str | None:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return str(value)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
